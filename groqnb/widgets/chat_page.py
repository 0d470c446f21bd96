"""The page's side of a chat panel: what it may ask, what it is told, images and voice.

The kernel tells the page everything by messages with rising numbers: "chat", the turns that are
seen and the bodies of those that changed; "status" and "grow" while an answer is on its way. A page
that opens asks "hello" and gets the same with a number, so that it knows which messages are older.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groqnb.render.growing import Growing
from groqnb.types.errors import ParameterError
from groqnb.widgets.attaching import Attaching, can_see
from groqnb.widgets.chat_view import totals, turn_body
from groqnb.widgets.messages import plain_error

if TYPE_CHECKING:
    from groqnb.chat_tree import Turn
    from groqnb.images import Picture
    from groqnb.talk import Talk
    from groqnb.types.answer import Answer

__all__ = ["ChatPage"]

_HEARING = "whisper-large-v3-turbo"
_MOST_TURNS = 20  # in one reply


class ChatPage(Attaching):
    """What `ChatPanel` says to the page and hears from it; the panel adds the rest."""

    asks = frozenset(
        {"hello", "turns", "send", "stop", "again", "edit", "choose", "give", "run", "detach"}
    )

    talk: Talk
    model: Any
    _tell: Any
    _ask: Any
    _edit: Any
    _show_result: Any
    _in_background: Any
    _current_client: Any

    def __init__(self, **options: Any) -> None:
        self._growing: Growing | None = None
        self._number = 0  # of the last message to the page
        super().__init__(**options)

    # --- what the page is told ---

    def says(self, status: str) -> None:
        """What happens before the first token."""
        with self.talk.lock:
            self._number += 1
            self._tell("status", text=status, number=self._number)

    def grows(self, answer: Answer) -> int:
        """What is new of the answer; how many characters were sent."""
        with self.talk.lock:
            if self._growing is None:
                self._growing = Growing()
            parts = self._growing.changes(answer)
            if not parts:
                return 0
            self._number += 1
            self._tell("grow", parts=parts, number=self._number)
        return sum(len(text) for part in parts.values() for text in part.values())

    def changed(self, *turns: Turn) -> None:
        """What is seen now; it is kept in the notebook too."""
        with self.talk.lock:
            self._growing = None
            bodies = {turn.id: turn_body(turn, self._thumbs) for turn in turns}
            self._tell("chat", bodies=list(bodies.values()), **self._state())
        self._show_result()

    def _state(self) -> dict[str, Any]:
        talk = self.talk
        chat = talk.conversation
        path = [
            {
                "id": turn.id,
                "beside": [each.id for each in chat.siblings(turn)],
                "runs": talk.runs(turn),
            }
            for turn in chat.path
        ]
        self._number += 1
        return {
            "number": self._number,
            "path": path,
            "busy": talk.busy,
            "status": talk.status,
            "totals": totals(chat),
        }

    # --- what it asks ---

    def _ask_hello(self, content: Mapping[str, Any]) -> dict[str, Any]:
        with self.talk.lock:
            live = None if self._growing is None else self._growing.so_far()
            return {**self._state(), "live": live, "attached": self._attached_now()}

    def _ask_turns(self, content: Mapping[str, Any]) -> list[dict[str, Any]]:
        with self.talk.lock:
            wanted = [self._turn({"id": each}) for each in content["ids"][:_MOST_TURNS]]
            return [turn_body(turn, self._thumbs) for turn in wanted]

    def _ask_send(self, content: Mapping[str, Any]) -> None:
        names = [str(each) for each in content.get("images") or ()]
        with self.talk.lock:
            if not all(name in self._attached for name in names):
                raise ParameterError("An image is not here any more.", hint="Add it again.")
            found = [self._attached[name] for name in names]
        self._ask(str(content["text"]), self._pictures(found))
        with self.talk.lock:
            for name in names:
                self._attached.pop(name, None)

    def _ask_stop(self, content: Mapping[str, Any]) -> None:
        self.talk.stop()

    def _ask_again(self, content: Mapping[str, Any]) -> None:
        self.talk.again(self._turn(content))

    def _ask_edit(self, content: Mapping[str, Any]) -> None:
        self._edit(self._turn(content), str(content["text"]))

    def _ask_choose(self, content: Mapping[str, Any]) -> None:
        self.talk.choose(self._turn(content))

    def _ask_give(self, content: Mapping[str, Any]) -> None:
        self.talk.give(self._turn(content), content["results"])

    def _ask_run(self, content: Mapping[str, Any]) -> None:
        self.talk.run(self._turn(content))

    def _turn(self, content: Mapping[str, Any]) -> Turn:
        return self.talk.conversation.find(int(content["id"]))

    # --- images and voice ---

    def _received(self, name: str, data: bytes, meta: Mapping[str, Any]) -> Any:
        if name == "image":
            return self._attach(data, meta)
        if name == "voice":
            self._in_background(lambda: self._hear(data, str(meta.get("format", "webm"))))
            return None
        raise ParameterError(f"a chat takes no {name}.")

    def _hear(self, data: bytes, kind: str) -> None:
        """What was said, as text for the box in which questions are written."""
        try:
            client = self._current_client()
            heard = client.audio.transcriptions.create(file=(f"voice.{kind}", data), model=_HEARING)
        except Exception as error:  # noqa: BLE001 - whatever it is, the page says it
            self._tell("heard", error=plain_error(error))
            return
        self._tell("heard", text=str(heard.text).strip())

    def _pictures(self, sources: Sequence[Any]) -> list[Picture]:
        """The images, made to fit into the request beside those of the questions before."""
        seen = self.talk.conversation.path
        found: list[Picture] = self._fitted(sources, [part for t in seen for part in t.images])
        return found

    def _check_sight(self, images: bool) -> None:
        """Refuse images to a model that cannot see; those of earlier questions count."""
        if images or any(turn.images for turn in self.talk.conversation.path):
            can_see(self.model)
