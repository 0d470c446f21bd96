"""The state of this kernel: client, default model, conversations, the last answer.

The only module of groqnb with state that changes. `session` is what the magics use; library
functions take a client instead.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groqnb.client import Groq
    from groqnb.conversation import Conversation, Question
    from groqnb.ledger.totals import Totals
    from groqnb.target import Target
    from groqnb.types.answer import Answer
    from groqnb.types.models import ModelCard

__all__ = ["DEFAULT_MODEL", "Exchange", "Session", "session"]

DEFAULT_MODEL = "llama-3.3-70b-versatile"
_MOST_ANSWERED = 200


@dataclass(frozen=True)
class Exchange:
    """A question with its answer, and the name it was to be stored under."""

    question: Question
    answer: Answer
    out: str | None


@dataclass
class Session:
    """The state behind the magics.

    `settings` go to the client, as in `Session(settings={"transport": transport})`; `figure` is the
    matplotlib figure that was shown last, `failure` the last error of a cell (see
    `groqnb.context.error`), `answered` the texts of late answers by the numbers of their cells.

    ```python
    from groqnb.session import session

    session.default_model = "openai/gpt-oss-20b"
    session.use("local").label
    ```
    """

    settings: dict[str, Any] = field(default_factory=dict)
    default_model: str = DEFAULT_MODEL
    conversations: dict[str, Conversation] = field(default_factory=dict)
    last: Exchange | None = None
    where: str | None = None
    figure: Any = field(default=None, repr=False)
    failure: Any = field(default=None, repr=False)
    answered: dict[int, str] = field(default_factory=dict, repr=False)

    _client: Groq | None = field(default=None, repr=False)
    _lock: Any = field(default_factory=threading.RLock, repr=False, compare=False)
    _progress: Callable[[Any], None] | None = field(default=None, repr=False)
    _models: dict[str, list[ModelCard]] = field(default_factory=dict, repr=False)
    _told: set[tuple[str, str]] = field(default_factory=set, repr=False)

    @property
    def totals(self) -> Totals:
        """What the calls of this kernel came to, those of other clients too, as in the ledger."""
        from groqnb.ledger.watch import watch

        return watch.totals

    @property
    def target(self) -> Target:
        """Where calls go now. Without `use`, a key that appears later changes it."""
        from groqnb.target import resolve

        return resolve(self.where)

    def client(self) -> Groq:
        """The client for the current target, the same one while that does not change."""
        from groqnb.client import Groq

        target = self.target
        # Widgets ask from threads of their own: none gets a client that another one takes away.
        with self._lock:
            client = self._client
            if client is None or client.target != target:
                self.close()
                client = self._client = Groq(
                    where=self.where,
                    progress=self._on_progress,
                    **self.settings,
                )
            return client

    def use(self, where: str | None) -> Target:
        """Choose where calls go: "local", "cloud", a URL; None decides anew by the key.

        Raises ParameterError for anything else, and changes nothing then.
        """
        from groqnb.target import resolve

        target = resolve(where)
        self.where = where
        self._told.clear()
        return target

    def close(self) -> None:
        """Close the client's connections; the next call opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def why(self, target: Target) -> str | None:
        """Why calls go there, said once for each choice that the user did not make."""
        if self.where is not None or (target.label, target.why) in self._told:
            return None
        self._told.add((target.label, target.why))
        return target.why

    def chat(self, name: str) -> Conversation:
        """The conversation `name`, a new one where there is none."""
        from groqnb.conversation import Conversation

        return self.conversations.get(name) or Conversation(name)

    def keep(
        self, question: Question, answer: Answer, out: str | None, cell: int | None = None
    ) -> None:
        """Remember an answer, and the turn it ends; `cell` is the number of the cell that asked."""
        self.last = Exchange(question, answer, out)
        if cell is not None:
            self.answered.pop(cell, None)
            self.answered[cell] = answer.text
            for old in list(self.answered)[:-_MOST_ANSWERED]:
                del self.answered[old]
        if question.chat is not None:
            chat = self.chat(question.chat)
            chat.keep(answer)
            self.conversations[question.chat] = chat

    def fetch_models(self) -> list[ModelCard]:
        """The live list of models; one call. Raises what a call raises."""
        client = self.client()
        found = client.models.list().data
        self._models[client.target.label] = found
        return found

    def known_models(self) -> list[str]:
        """The ids of the live list if it was fetched, else the catalogue's; no call."""
        cards = self._models.get(self._client.target.label if self._client else "")
        if cards:
            return [card.id for card in cards]
        from groqnb import catalog

        return [model.id for model in catalog.models()]

    @contextmanager
    def progress_to(self, listener: Callable[[Any], None]) -> Iterator[None]:
        """Tell `listener` of weights that are fetched meanwhile."""
        self._progress = listener
        try:
            yield
        finally:
            self._progress = None

    def _on_progress(self, progress: Any) -> None:
        if self._progress is not None:
            self._progress(progress)


session = Session()
"""The session of this kernel."""
