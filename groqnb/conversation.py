"""Conversations of many turns, and one question of them on its way.

A conversation changes only when an answer has come: a call that fails leaves it as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groqnb.guarding import Guard
    from groqnb.images import Picture
    from groqnb.target import Target
    from groqnb.types.answer import Answer
    from groqnb.types.answer_builder import AnswerBuilder

__all__ = ["Conversation", "Question", "continuation"]


Content = str | list[dict[str, Any]]
"""What a message says: text, or parts of text and images."""


@dataclass
class Question:
    """One call to be made: messages, model, parameters.

    `earlier` is text of the assistant that the answer goes on from; it is the last message then.
    `images` are those that were added to the last question, in the messages too. `remark` is said
    under the answer. `tools` are carried out here; `kind` is the type of the answer, None for
    text; `guard` judges what is asked and answered. `context` says what of the notebook goes
    along; `form` is how the answer is given, see `Answer.form`, and `in_cell` that its code
    is put into a new cell, too.
    """

    messages: list[dict[str, Any]]
    model: str
    params: dict[str, Any] = field(default_factory=dict)
    chat: str | None = None
    earlier: str = ""
    images: Sequence[Picture] = ()
    remark: str = ""
    tools: Sequence[Any] = ()
    kind: Any = None
    guard: Guard | None = None
    context: str = ""
    form: str = "md"
    in_cell: bool = False

    @property
    def sent(self) -> list[dict[str, Any]]:
        """The messages as they are sent; an answer's `messages` add the whole reply to the rest."""
        if not self.earlier:
            return self.messages
        return [*self.messages, {"role": "assistant", "content": self.earlier}]

    def builder(self, target: Target) -> AnswerBuilder:
        """What collects the answer that comes from `target`."""
        from groqnb.types.answer_builder import AnswerBuilder

        return AnswerBuilder(
            model=self.model,
            messages=self.messages,
            where=target.kind,
            url=target.base_url if target.kind == "url" else None,
            earlier=self.earlier,
            response_format=self.params.get("response_format"),
            form=self.form,
        )


@dataclass
class Conversation:
    """A conversation under a name.

    ```python
    >>> chat = Conversation("default")
    >>> chat.ask("Hello", system="Be brief.")
    [{'role': 'system', 'content': 'Be brief.'}, {'role': 'user', 'content': 'Hello'}]
    >>> chat.turns
    0

    ```
    """

    name: str
    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def turns(self) -> int:
        """How many questions were asked and answered."""
        return sum(message["role"] == "user" for message in self.messages)

    def ask(self, content: Content, *, system: str | None = None) -> list[dict[str, Any]]:
        """The messages to send for the next turn; nothing is kept yet.

        `content` is the question: text, or parts of text and images. `system` replaces the
        conversation's system message.
        """
        messages = [dict(message) for message in self.messages]
        if system is not None:
            messages = [m for m in messages if m["role"] != "system"]
        return [*_system(system), *messages, {"role": "user", "content": content}]

    def keep(self, answer: Answer) -> None:
        """Take over the turn that `answer` ends. An answer without text is no turn yet.

        Calls of tools are not kept: nobody has answered them, and the next turn would be refused.
        """
        if answer.text:
            self.messages = [
                {key: value for key, value in message.items() if key != "tool_calls"}
                if message is answer.messages[-1]
                else dict(message)
                for message in answer.messages
            ]


def single(content: Content, *, system: str | None = None) -> list[dict[str, Any]]:
    """The messages of a question that belongs to no conversation."""
    return [*_system(system), {"role": "user", "content": content}]


def _system(text: str | None) -> list[dict[str, Any]]:
    return [] if text is None else [{"role": "system", "content": text}]


def continuation(question: Question, answer: Answer) -> Question | None:
    """The question that goes on from an answer which was stopped or cut off, by prefill.

    None for an answer that is complete.

    ```python
    question = continuation(question, answer)
    question.sent[-1]  # {'role': 'assistant', 'content': 'The text so far'}
    ```
    """
    if not answer.stopped and answer.finish_reason != "length":
        return None
    return Question(
        messages=question.messages,
        model=question.model,
        params=dict(question.params),
        chat=question.chat,
        earlier=answer.whole,
        form=question.form,
        guard=question.guard,
    )


def estimate(messages: list[Mapping[str, Any]]) -> int:
    """About how many tokens the messages are: four characters each, and four for each message.

    Images are not counted: what they come to, only the model's maker knows.

    ```python
    >>> estimate([{"role": "user", "content": "Say hello."}])
    7

    ```
    """
    characters = sum(len(text) for message in messages for text in _texts(message.get("content")))
    return (characters + 3) // 4 + 4 * len(messages)


def _texts(content: Any) -> list[str]:
    if isinstance(content, list):
        return [str(part["text"]) for part in content if part.get("type") == "text"]
    return [str(content or "")]
