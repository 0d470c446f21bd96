"""A text that never shows itself: API keys travel through groqnb in this wrapper."""

from __future__ import annotations

from typing import NoReturn

__all__ = ["Secret"]

# Keys are long; of a short text even a few characters would tell too much.
_SHOWN_FROM = 20


class Secret:
    """A key that prints as `gsk_…wxyz` in every repr, str, format and traceback.

    ```python
    key = Secret("gsk_0123456789abcdefwxyz")
    print(key)  # gsk_…wxyz
    key.reveal()  # the real text
    ```

    Secrets compare by value, and refuse to be pickled: a pickle would write the key to disk.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str | Secret) -> None:
        self._text: str = text._text if isinstance(text, Secret) else text

    def reveal(self) -> str:
        """The real text. Keep it out of local variables: tracebacks may print those."""
        return self._text

    @property
    def masked(self) -> str:
        """What may be shown: the ends of a long key, nothing of a short one."""
        text = self._text
        return f"{text[:4]}…{text[-4:]}" if len(text) >= _SHOWN_FROM else "…"

    def __repr__(self) -> str:
        return f"Secret('{self.masked}')"

    def __str__(self) -> str:
        return self.masked

    def __format__(self, spec: str) -> str:
        return format(self.masked, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __bool__(self) -> bool:
        return bool(self._text)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled; let the other process find its own key")
