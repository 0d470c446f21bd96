"""Self-consistency: the same question several times, and the answer that most of them give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from groqnb.patterns.asking import Asker
from groqnb.patterns.messages import Messages, chain_of_thought, final_answer
from groqnb.tally import plain, tally
from groqnb.types.answer import Answer
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

    from groqnb.client import Groq

__all__ = ["Vote", "self_consistency"]

_AT_ONCE = 8


@dataclass(frozen=True)
class Vote:
    """Several answers to one question.

    Attributes:
        answer: what most of them come to; of several equals, what came first.
        agreement: the share of the answers that say so, 0 to 1: a low one wants a person's look.
        votes: how often each result came, the most frequent first.
        answers: the whole answers.
    """

    answer: str
    agreement: float
    votes: dict[str, int]
    answers: Sequence[Answer] = field(repr=False, default=())

    def to_frame(self) -> pd.DataFrame:
        """One row for each result: votes, and share. Needs pandas.

        ```python
        vote.to_frame().plot.barh(x="answer", y="votes")
        ```
        """
        import pandas as pd

        total = sum(self.votes.values())
        rows = [(said, count, count / total) for said, count in self.votes.items()]
        frame: pd.DataFrame = pd.DataFrame(rows, columns=["answer", "votes", "share"])
        return frame


def self_consistency(
    question: str | Messages,
    *,
    samples: int = 5,
    extract: Callable[[str], str] = final_answer,
    client: Groq | None = None,
    model: str | None = None,
    **params: Any,
) -> Vote:
    """Asks the same several times at a higher temperature and takes the most frequent result.

    `question` is a text, which becomes a chain of thought, or messages. `extract` finds the
    result in an answer's text; results that differ only in case, spaces, quotes and
    marks at their end are the same.
    `temperature` is 0.7 unless `params` say otherwise; a `seed` counts up with the samples, since
    one for all would give the same answer each time.

    Raises ParameterError for fewer than two samples, and what a call raises.

    ```python
    vote = patterns.self_consistency("A bat and a ball cost 1.10 …", samples=7)
    vote.answer, vote.agreement
    ```

    Docs: Prompt Patterns, Guided CoT & Self Consistency.
    """
    if samples < 2:
        raise ParameterError(f"samples is {samples}; a vote needs at least 2.")
    messages = chain_of_thought(question) if isinstance(question, str) else question
    asker = Asker(client, model, {"temperature": 0.7, **params})
    seed = params.get("seed")

    def once(number: int) -> Answer:
        more = {} if seed is None else {"seed": seed + number}
        return asker.ask(messages, **more)

    with ThreadPoolExecutor(min(samples, _AT_ONCE)) as pool:
        answers = list(pool.map(once, range(samples)))
    results = [extract(answer.text) for answer in answers]
    votes = dict(tally(results, plain))
    answer = next(iter(votes))
    return Vote(answer, votes[answer] / samples, votes, answers)
