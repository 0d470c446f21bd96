"""The items of a response's output while they are made, and the events that tell of each.

Docs: "Create response", Response Object, `output`. The events carry no number here yet.
"""

from __future__ import annotations

from typing import Any, ClassVar

from groqnb.local.store import new_id

__all__ = ["Call", "Event", "Item", "Message", "Reasoning"]

Event = dict[str, Any]
"""An event of a stream, as it goes over the wire."""


class Item:
    """One item, at `index` of the output. This class is an item made of one text."""

    prefix: ClassVar[str]
    stem: ClassVar[str]

    def __init__(self, index: int) -> None:
        self.index = index
        self.id = new_id(self.prefix)
        self._pieces: list[str] = []

    def start(self) -> list[Event]:
        """The events that open the item."""
        added = self._event("response.content_part.added", part=self._part(""))
        return [self._item_event("added", self._fields("in_progress", [])), added]

    def add(self, piece: str) -> Event:
        """The event for one more piece of the text."""
        self._pieces.append(piece)
        return self._event(f"response.{self.stem}.delta", delta=piece, **self._beside_text())

    def end(self, status: str) -> list[Event]:
        """The events that close the item; `status` is "completed" or "incomplete"."""
        text = "".join(self._pieces)
        return [
            self._event(f"response.{self.stem}.done", text=text, **self._beside_text()),
            self._event("response.content_part.done", part=self._part(text)),
            self._item_event("done", self.fields(status)),
        ]

    def fields(self, status: str) -> dict[str, Any]:
        """The item as it stands in the output."""
        return self._fields(status, [self._part("".join(self._pieces))])

    def _part(self, text: str) -> dict[str, Any]:
        raise NotImplementedError

    def _fields(self, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
        raise NotImplementedError

    def _beside_text(self) -> dict[str, Any]:
        return {}

    def _event(self, name: str, **more: Any) -> Event:
        place = {"item_id": self.id, "output_index": self.index, "content_index": 0}
        return {"type": name, **place, **more}

    def _item_event(self, what: str, item: dict[str, Any]) -> Event:
        return {"type": f"response.output_item.{what}", "output_index": self.index, "item": item}


class Message(Item):
    """What the model says."""

    prefix = "msg"
    stem = "output_text"

    def _part(self, text: str) -> dict[str, Any]:
        return {"type": "output_text", "text": text, "annotations": []}

    def _fields(self, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
        head = {"type": "message", "id": self.id, "status": status, "role": "assistant"}
        return {**head, "content": content}

    def _beside_text(self) -> dict[str, Any]:
        return {"logprobs": []}


class Reasoning(Item):
    """What the model thinks before it says something. There is no summary of it."""

    prefix = "rs"
    stem = "reasoning_text"

    def _part(self, text: str) -> dict[str, Any]:
        return {"type": "reasoning_text", "text": text}

    def _fields(self, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
        return {"type": "reasoning", "id": self.id, "summary": [], "content": content}


class Call(Item):
    """A function that the model calls; the pieces are those of the arguments."""

    prefix = "fc"
    stem = "function_call_arguments"

    def __init__(self, index: int, call_id: str, name: str) -> None:
        super().__init__(index)
        self._call_id = call_id
        self._name = name

    def start(self) -> list[Event]:
        return [self._item_event("added", self.fields("in_progress"))]

    def end(self, status: str) -> list[Event]:
        done = self._event(f"response.{self.stem}.done", arguments="".join(self._pieces))
        return [done, self._item_event("done", self.fields(status))]

    def fields(self, status: str) -> dict[str, Any]:
        return {
            "type": "function_call",
            "id": self.id,
            "call_id": self._call_id,
            "name": self._name,
            "arguments": "".join(self._pieces),
            "status": status,
        }

    def _event(self, name: str, **more: Any) -> Event:
        # A call has no parts of content.
        return {"type": name, "item_id": self.id, "output_index": self.index, **more}
