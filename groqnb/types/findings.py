"""What a call has that Groq refuses, takes otherwise, or answers better in another form."""

from __future__ import annotations

from dataclasses import dataclass

from groqnb.types.records import Records

__all__ = ["Finding", "Findings"]


@dataclass(frozen=True)
class Finding:
    """Something about a call that differs on Groq.

    Attributes:
        place: where it stands, as in "messages[2].name".
        effect: "refused" (an error), "changed" (taken otherwise) or "advice".
        what: what happens, in a sentence.
        instead: what to do, in a sentence.
    """

    place: str
    effect: str
    what: str
    instead: str = ""


class Findings(Records[Finding]):
    """What was found, the refusals first; a list with `.to_frame()`.

    ```python
    groqnb.migration.check_call(model="gpt-4o", messages=q, n=3).refused  # True
    ```
    """

    _columns = (
        ("place", "object"),
        ("effect", "object"),
        ("what", "object"),
        ("instead", "object"),
    )

    @property
    def refused(self) -> bool:
        """True when Groq would answer with an error."""
        return any(each.effect == "refused" for each in self)
