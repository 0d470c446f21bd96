"""Chain of verification: a draft, questions that test it, their answers, and a better text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from groqnb.patterns.asking import Asker
from groqnb.patterns.messages import zero_shot
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

    from groqnb.client import Groq

__all__ = ["Verified", "chain_of_verification"]

# A question on a line of its own, without its number, its decoration and a remark behind it.
_ITEM = re.compile(
    r"^[\s*_>\"“•-]*(?:\d+[.)])?[\s*_\"“]*(?:(?:Question|Q)\s*\d*\s*:)?[\s*_\"“]*"
    r"(\S.*?[?？؟])[\s*_\"”]*(?:\([^()]*\))?[\s*_\"”]*$",
    re.I,
)


@dataclass(frozen=True)
class Verified:
    """An answer that was checked.

    Attributes:
        answer: the text after the checks.
        draft: the text before them.
        checks: pairs of a question on the draft and its answer; none where the model had no
            question. Then the answer is the draft.
    """

    answer: str
    draft: str
    checks: Sequence[tuple[str, str]]

    def to_frame(self) -> pd.DataFrame:
        """One row for each check: `question`, `answer`. Needs pandas."""
        import pandas as pd

        frame: pd.DataFrame = pd.DataFrame(list(self.checks), columns=["question", "answer"])
        return frame


def chain_of_verification(
    question: str,
    *,
    checks: int = 3,
    client: Groq | None = None,
    model: str | None = None,
    **params: Any,
) -> Verified:
    """Drafts an answer, plans questions that test it, answers them alone, then corrects it.

    Each of the `checks` is answered without the draft in sight, so that its mistakes are not
    repeated: 3 calls, and one for each check. Raises ParameterError for less than one check, and
    what a call raises.

    ```python
    patterns.chain_of_verification("Which planets have rings?").to_frame()
    ```

    Docs: Prompt Patterns, Chain of Verification.
    """
    if checks < 1:
        raise ParameterError(f"checks is {checks}; there must be at least 1.")
    asker = Asker(client, model, {"temperature": 0.2, **params})
    draft = asker.ask(zero_shot(question)).text
    plan = asker.ask(
        zero_shot(
            f"Write {checks} short questions that test the facts in this draft, one on each line.",
            f"Question: {question}\n\nDraft: {draft}",
            form="Each must be answerable without the draft. Write nothing else.",
        )
    ).text
    asked = [match[1] for line in plan.splitlines() if (match := _ITEM.match(line))][:checks]
    if not asked:
        return Verified(draft, draft, [])
    answered = [
        (each, asker.ask(zero_shot(each, form="Answer in one sentence.")).text) for each in asked
    ]
    found = "\n".join(f"- {each} {said}" for each, said in answered)
    final = asker.ask(
        zero_shot(
            "Write the answer to the question anew. Where the checks contradict the draft, the "
            "checks count. Write the answer only.",
            f"Question: {question}\n\nDraft: {draft}\n\nChecks:\n{found}",
        )
    ).text
    return Verified(final, draft, answered)
