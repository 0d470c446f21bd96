"""What the patterns that ask by themselves have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groqnb.patterns.messages import Messages
from groqnb.types.answer import Answer
from groqnb.types.answer_of import answer_of

if TYPE_CHECKING:
    from groqnb.client import Groq

__all__ = ["Asker"]


class Asker:
    """A client, a model, and parameters for every call; the session's where none are named."""

    def __init__(self, client: Groq | None, model: str | None, params: dict[str, Any]) -> None:
        from groqnb.session import session

        self.client = client or session.client()
        self.model = model or session.default_model
        self.params = params

    def ask(self, messages: Messages, **more: Any) -> Answer:
        """The answer to a conversation. Raises what the call raises."""
        reply = self.client.chat.completions.create(
            model=self.model, messages=messages, **{**self.params, **more}
        )
        return answer_of(reply)

    def typed(self, messages: Messages, kind: Any, **more: Any) -> Any:
        """A value of a type. Raises what `parse` raises."""
        return self.client.chat.completions.parse(
            model=self.model, messages=messages, response_format=kind, **{**self.params, **more}
        ).parsed
