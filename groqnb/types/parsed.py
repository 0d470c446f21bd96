"""What `client.chat.completions.parse` gives: a chat completion whose answer is a typed value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from groqnb.types.chat import ChatCompletion
from groqnb.types.records import value_frame

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ParsedChatCompletion"]

T = TypeVar("T")


class ParsedChatCompletion(ChatCompletion, Generic[T]):
    """A whole answer, and the value that it holds.

    ```python
    reply = client.chat.completions.parse(model=m, messages=q, response_format=Invoice)
    reply.parsed.total
    ```
    """

    # A slot, so that it is no field: it is neither parsed nor dumped.
    __slots__ = ("_outcome",)

    @property
    def parsed(self) -> T:
        """The value, of the type that was asked for."""
        value: T = self._outcome[0]
        return value

    @property
    def changes(self) -> tuple[str, ...]:
        """What the schema that was sent says otherwise than the type, in words."""
        changes: tuple[str, ...] = self._outcome[1]
        return changes

    @property
    def repaired(self) -> bool:
        """True when a first answer did not fit, and the model was asked once more."""
        return bool(self._outcome[2])

    @property
    def by_schema(self) -> bool:
        """True when the server kept the answer to the schema; False for JSON object mode."""
        return bool(self._outcome[3])

    def to_frame(self) -> pd.DataFrame:
        """The value as a DataFrame: a row for each item of a list, else one row. Needs pandas.

        ```python
        client.chat.completions.parse(..., response_format=list[Invoice]).to_frame()
        ```
        """
        return value_frame(self.parsed)

    def with_outcome(
        self, value: T, changes: tuple[str, ...], repaired: bool, by_schema: bool
    ) -> ParsedChatCompletion[T]:
        """The same reply, with its value; for the client."""
        object.__setattr__(self, "_outcome", (value, changes, repaired, by_schema))
        return self
