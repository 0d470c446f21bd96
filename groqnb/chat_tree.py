"""Conversations that branch: another question, or another answer, beside an earlier one.

Each turn knows the turn that it follows. What follows one turn are its branches, and one of them
is chosen; the chosen turns from the first on are the conversation that is seen and sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

    from groqnb.conversation import Content
    from groqnb.types.answer import Answer

__all__ = ["ChatTree", "Turn"]

Role = Literal["user", "assistant", "tool"]


@dataclass(eq=False)
class Turn:
    """A question, an answer, or the results of the tools that an answer asked for.

    Attributes:
        id: its number in the conversation; numbers are never used again.
        role: "user", "assistant" or "tool".
        messages: what is sent of it, as the API takes it; several for several tools' results.
        answer: the Answer, of an assistant's turn.
        cost: what the answer cost in US dollars; None where nobody knows.
        failure: why no answer came, or why it broke off, in a sentence or two; else "".
        parent: the turn that it follows; None for a first one.
        children: the turns that follow it, oldest first.
        chosen: the one of these that is seen; None for none.
    """

    id: int
    role: Role
    messages: list[dict[str, Any]]
    answer: Answer | None = None
    cost: float | None = None
    failure: str = ""
    parent: Turn | None = field(default=None, repr=False)
    children: list[Turn] = field(default_factory=list, repr=False)
    chosen: Turn | None = field(default=None, repr=False)

    @property
    def text(self) -> str:
        """What it says, without images."""
        return "\n".join(_text(message.get("content")) for message in self.messages)

    @property
    def images(self) -> list[dict[str, Any]]:
        """The image parts of a question."""
        found = []
        for message in self.messages:
            content = message.get("content")
            if isinstance(content, list):
                found += [part for part in content if part.get("type") == "image_url"]
        return found


class ChatTree:
    """A conversation with branches.

    Attributes:
        system: the system message, or None. A new one counts from the next question on.
        turns: every turn of every branch, in the order in which they came.

    ```python
    >>> chat = ChatTree(system="Be brief.")
    >>> first = chat.ask("Hello")
    >>> [message["content"] for message in chat.to_send(first)]
    ['Be brief.', 'Hello']
    >>> chat.path == [first]
    True

    ```
    """

    def __init__(self, *, system: str | None = None) -> None:
        self.system = system
        self.turns: list[Turn] = []
        self._first: list[Turn] = []
        self._seen: Turn | None = None

    def __repr__(self) -> str:
        return f"<ChatTree of {len(self.turns)} turns, {len(self.path)} in sight>"

    def __len__(self) -> int:
        return len(self.turns)

    # --- what is seen and sent ---

    @property
    def path(self) -> list[Turn]:
        """The chosen turns, from the first to the last."""
        path = []
        turn = self._seen
        while turn is not None:
            path.append(turn)
            turn = turn.chosen
        return path

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation that is seen, as the API takes it.

        Questions without an answer are not in it, nor calls of tools that nobody answered.
        """
        return self._messages(self.path)

    def to_send(self, turn: Turn) -> list[dict[str, Any]]:
        """The messages that ask for what follows `turn`: a question, or the tools' results."""
        path: list[Turn] = []
        each: Turn | None = turn
        while each is not None:
            path.append(each)
            each = each.parent
        path.reverse()
        return [*self._messages(path[:-1], before=turn), *_copies(turn.messages)]

    def _messages(self, path: Sequence[Turn], before: Turn | None = None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        if self.system is not None:
            found.append({"role": "system", "content": self.system})
        for turn, after in zip(path, [*path, before][1:], strict=True):
            if turn.role == "user" and (after is None or after.role == "user"):
                continue
            answered = after is not None and after.role == "tool"
            for message in _copies(turn.messages):
                if not answered and message.pop("tool_calls", None) and not message.get("content"):
                    continue
                found.append(message)
        return found

    # --- growing ---

    def ask(self, content: Content, *, after: Turn | None = None) -> Turn:
        """Add a question after the last turn that is seen, or after another one; it is chosen.

        `content` is a text, or parts of text and images.
        """
        if after is None:
            after = self.last
        return self._add("user", [{"role": "user", "content": content}], after)

    def edit(self, turn: Turn, content: Content) -> Turn:
        """Add a question beside an earlier one, as its next version; it is chosen.

        Raises ParameterError for what is no question.
        """
        if turn.role != "user":
            raise ParameterError("Only questions can be edited; ask again for another answer.")
        return self._add("user", [{"role": "user", "content": content}], turn.parent)

    def give(self, turn: Turn, results: dict[str, str]) -> Turn:
        """Add the results of the tools that an answer asked for, by the ids of the calls.

        Raises ParameterError unless each call has its result.
        """
        calls = [] if turn.answer is None else list(turn.answer.tool_calls)
        missing = [call.function.name for call in calls if call.id not in results]
        unknown = set(results) - {call.id for call in calls}
        if not calls or missing or unknown:
            what = f"no result for {', '.join(missing)}" if missing else "no such call"
            raise ParameterError(
                f"{what if calls else 'this turn asks for no tool'}.",
                hint=f"Its calls are {', '.join(call.id for call in calls)}." if calls else None,
            )
        said = [
            {"role": "tool", "tool_call_id": call.id, "content": results[call.id]} for call in calls
        ]
        return self._add("tool", said, turn)

    def answer(
        self, turn: Turn, answer: Answer, *, cost: float | None = None, failure: str = ""
    ) -> Turn:
        """Add an answer to a question or to tools' results; beside others it is a new branch.

        An answer without text keeps its place too: it tells of tools, or that it was stopped.
        """
        message: dict[str, Any] = {"role": "assistant", "content": answer.text}
        if answer.tool_calls:
            message["tool_calls"] = [
                call.model_dump(exclude_none=True) for call in answer.tool_calls
            ]
        said = [message] if answer.text or answer.tool_calls else []
        added = self._add("assistant", said, turn)
        added.answer, added.cost, added.failure = answer, cost, failure
        return added

    def _add(self, role: Role, messages: list[dict[str, Any]], parent: Turn | None) -> Turn:
        turn = Turn(len(self.turns) + 1, role, messages, parent=parent)
        self.turns.append(turn)
        (self._first if parent is None else parent.children).append(turn)
        self.choose(turn)
        return turn

    # --- branches ---

    def siblings(self, turn: Turn) -> list[Turn]:
        """The turns that follow what `turn` follows, itself among them, oldest first."""
        return list(self._first if turn.parent is None else turn.parent.children)

    def choose(self, turn: Turn) -> None:
        """See the branch with `turn`; what was chosen after it stays chosen."""
        each = turn
        while each.parent is not None:
            each.parent.chosen = each
            each = each.parent
        self._seen = each

    def find(self, id: int) -> Turn:
        """The turn with this number. Raises ParameterError when there is none."""
        if not 0 < id <= len(self.turns):
            raise ParameterError(f"there is no turn {id}; there are {len(self.turns)}.")
        return self.turns[id - 1]

    @property
    def last(self) -> Turn | None:
        """The last turn that is seen; None before the first."""
        path = self.path
        return path[-1] if path else None

    @property
    def answers(self) -> list[Answer]:
        """The answers that are seen, oldest first."""
        return [turn.answer for turn in self.path if turn.answer is not None]

    # --- what it came to ---

    @property
    def tokens(self) -> tuple[int, int]:
        """Tokens in and out of all answers of all branches: that is what was billed."""
        usages = [turn.answer.usage for turn in self._answered() if turn.answer is not None]
        counted = [usage for usage in usages if usage is not None]
        return sum(u.prompt_tokens for u in counted), sum(u.completion_tokens for u in counted)

    @property
    def cost(self) -> float | None:
        """US dollars of all answers of all branches; None where one's price is not known."""
        total = 0.0
        for turn in self._answered():
            if turn.cost is None:
                return None
            total += turn.cost
        return total

    def _answered(self) -> Iterator[Turn]:
        return (turn for turn in self.turns if turn.answer is not None)

    def to_frame(self) -> pd.DataFrame:
        """One row for each turn of every branch. Needs pandas.

        `seen` tells whether it is on the chosen branch, `after` the number of the turn that it
        follows; times are in seconds, `cost` in US dollars.

        ```python
        panel.conversation.to_frame().query("seen")[["role", "text", "completion_tokens"]]
        ```
        """
        from groqnb.chat_export import frame_of

        return frame_of(self)

    def export(self, format: Literal["markdown", "json"] = "markdown") -> str:
        """The conversation as text: Markdown of what is seen, or JSON of every branch.

        Keys and tokens are left out, as far as they are known or look like it. Raises
        ParameterError for another format.

        ```python
        Path("chat.md").write_text(panel.conversation.export(), encoding="utf-8")
        ```
        """
        from groqnb.chat_export import exported

        return exported(self, format)


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(str(part["text"]) for part in content if part.get("type") == "text")
    return str(content or "")


def _copies(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [dict(message) for message in messages]
