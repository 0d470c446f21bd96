"""Chain of density: a summary that says more with each round and grows no longer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from groqnb.patterns.asking import Asker
from groqnb.patterns.messages import zero_shot
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

    from groqnb.client import Groq

__all__ = ["Density", "chain_of_density"]


@dataclass(frozen=True)
class Density:
    """Summaries of one text, each denser than the one before.

    Attributes:
        summaries: the summary of each round.
        added: the names and facts that each round put in.
    """

    summaries: Sequence[str]
    added: Sequence[Sequence[str]]

    @property
    def summary(self) -> str:
        """The last one."""
        return self.summaries[-1]

    def to_frame(self) -> pd.DataFrame:
        """One row for each round: `summary`, `words`, `added`. Needs pandas."""
        import pandas as pd

        rows = [
            (summary, len(summary.split()), "; ".join(added))
            for summary, added in zip(self.summaries, self.added, strict=True)
        ]
        index = pd.RangeIndex(1, len(rows) + 1, name="round")
        frame: pd.DataFrame = pd.DataFrame(rows, columns=["summary", "words", "added"], index=index)
        return frame


def chain_of_density(
    text: str,
    *,
    words: int = 25,
    rounds: int = 4,
    client: Groq | None = None,
    model: str | None = None,
    **params: Any,
) -> Density:
    """Summarises a text in about `words` words, then packs in what is missing, `rounds` times.

    One call a round, each with a typed answer. Raises ParameterError for numbers below 1, and
    what `client.chat.completions.parse` raises.

    ```python
    patterns.chain_of_density(ticket, words=25, rounds=3).to_frame()
    ```

    Docs: Prompt Patterns, Chain of Density.
    """
    for name, value in (("words", words), ("rounds", rounds)):
        if value < 1:
            raise ParameterError(f"{name} is {value}; it is at least 1.")
    asker = Asker(client, model, params)
    form = {"missing": list[str], "summary": str}
    summaries: list[str] = []
    added: list[list[str]] = []
    for _ in range(rounds):
        before = summaries[-1] if summaries else ""
        task = (
            f"Name one or two facts of the text that the summary lacks (`missing`), and write the "
            f"summary again with them and all that it says already (`summary`), in {words} words."
            if before
            else f"Summarise the text in {words} words (`summary`); name its facts (`missing`)."
        )
        about = f"Summary so far: {before}\n\nText: {text}" if before else text
        found = asker.typed(zero_shot(task, about), form)
        summaries.append(found.summary)
        added.append(list(found.missing))
    return Density(summaries, added)
