"""The input of a responses request: its items, checked, as the messages of a chat.

Docs: "Create response", request body, `input`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from groqnb.local import fields
from groqnb.local.refusal import bad_request

__all__ = ["Conversation", "read_input"]

_ROLES = ("user", "assistant", "system", "developer")
_STATES = ("in_progress", "completed", "incomplete")


@dataclass
class Conversation:
    """The messages of a chat, and of each where it came from ("input[2]"), for refusals."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    origins: list[str] = field(default_factory=list)
    # Reasoning that is sent back belongs to the assistant's next message or call.
    _reasoning: list[str] = field(default_factory=list)

    def add(self, role: str, content: Any, origin: str, **more: Any) -> None:
        """One more message."""
        message = {"role": role, "content": content, **more}
        if role == "assistant" and self._reasoning:
            message["reasoning"] = "\n".join(self._reasoning)
        self._reasoning.clear()
        self.messages.append(message)
        self.origins.append(origin)

    def add_reasoning(self, text: str) -> None:
        """Reasoning, to go with what the assistant says next."""
        if text:
            self._reasoning.append(text)

    def add_call(self, call: dict[str, Any], origin: str) -> None:
        """A call of the assistant's. Calls in a row, and the text before them, are one message."""
        last = self.messages[-1] if self.messages else {}
        if last.get("role") != "assistant":
            self.add("assistant", None, origin)
            last = self.messages[-1]
        last.setdefault("tool_calls", []).append(call)


def read_input(body: dict[str, Any]) -> Conversation:
    """`instructions` and `input` as a conversation. Raises a 400 that names the item at fault."""
    talk = Conversation()
    instructions = fields.string(body, "instructions")
    if instructions:
        talk.add("system", instructions, "instructions")
    given = body.get("input")
    if given is None:
        raise bad_request("`input` is required.", "input")
    if isinstance(given, str):
        fields.text_is_clean(given, "input")
        talk.add("user", given, "input")
        return talk
    if not isinstance(given, list):
        raise bad_request(
            f"`input` must be a string or an array of items, not {fields.json_type(given)}.",
            "input",
        )
    if not given:
        raise bad_request("`input` must hold at least one item.", "input")
    for index, item in enumerate(given):
        _read_item(item, f"input[{index}]", talk)
    if not talk.messages:
        raise bad_request("`input` must hold more than reasoning.", "input")
    return talk


def _read_item(item: object, at: str, talk: Conversation) -> None:
    if not isinstance(item, dict):
        raise bad_request(f"`{at}` must be an object, not {fields.json_type(item)}.", at)
    kind = fields.string(item, "type", at=f"{at}.")
    fields.string(item, "id", at=f"{at}.", required=kind == "item_reference")
    fields.choice(item, "status", _STATES, at=f"{at}.")
    if kind is None or kind == "message":
        _read_message(item, kind, at, talk)
    elif kind == "function_call":
        _read_call(item, at, talk)
    elif kind == "function_call_output":
        call_id = fields.string(item, "call_id", at=f"{at}.", required=True)
        output = fields.string(item, "output", at=f"{at}.", required=True)
        talk.add("tool", output, at, tool_call_id=call_id)
    elif kind == "reasoning":
        _read_reasoning(item, at, talk)
    elif kind == "item_reference":
        raise bad_request(
            f"There is no item `{item['id']}`: responses are not stored. Send the item itself.",
            at,
            "item_not_found",
        )
    else:
        known = "`message`, `function_call`, `function_call_output` or `item_reference`"
        raise bad_request(f"`{at}.type` must be {known}, not `{kind[:24]}`.", f"{at}.type")


def _read_message(item: dict[str, Any], kind: str | None, at: str, talk: Conversation) -> None:
    if item.get("role") is None:
        raise bad_request(f"`{at}.role` is required.", f"{at}.role")
    role = fields.choice(item, "role", _ROLES, at=f"{at}.")
    assert role is not None
    if role == "assistant" and kind is not None:
        raise bad_request(
            f"`{at}.role` cannot be `assistant` in an item with a `type`: leave `type` out.",
            f"{at}.role",
        )
    content = item.get("content")
    if content is None:
        raise bad_request(f"`{at}.content` is required.", f"{at}.content")
    if isinstance(content, str):
        fields.text_is_clean(content, f"{at}.content")
    elif isinstance(content, list):
        content = [
            _read_part(part, f"{at}.content[{number}]", role) for number, part in enumerate(content)
        ]
    else:
        raise bad_request(
            f"`{at}.content` must be a string or an array of parts, "
            f"not {fields.json_type(content)}.",
            f"{at}.content",
        )
    talk.add(role, content, at)


def _read_part(part: object, at: str, role: str) -> dict[str, Any]:
    """One part of a message's content, as chat knows it."""
    if not isinstance(part, dict):
        raise bad_request(f"`{at}` must be an object, not {fields.json_type(part)}.", at)
    kind = fields.string(part, "type", at=f"{at}.", required=True)
    # What the assistant said comes back in parts of the type that it had in the reply.
    if kind == "input_text" or (kind == "output_text" and role == "assistant"):
        return {"type": "text", "text": fields.string(part, "text", at=f"{at}.", required=True)}
    if kind == "input_image" and role == "user":
        if part.get("file_id") is not None:
            raise bad_request(
                f"`{at}.file_id` is not supported: send the image in `image_url`.", f"{at}.file_id"
            )
        url = fields.string(part, "image_url", at=f"{at}.", required=True)
        return {"type": "image_url", "image_url": {"url": url, "detail": part.get("detail")}}
    known = "`input_text` or `input_image`" if role == "user" else "`input_text`"
    raise bad_request(f"`{at}.type` must be {known}, not `{(kind or '')[:24]}`.", f"{at}.type")


def _read_call(item: dict[str, Any], at: str, talk: Conversation) -> None:
    call_id = fields.string(item, "call_id", at=f"{at}.", required=True)
    name = fields.name(item, "name", at=f"{at}.")
    arguments = fields.string(item, "arguments", at=f"{at}.", required=True)
    function = {"name": name, "arguments": arguments}
    talk.add_call({"id": call_id, "type": "function", "function": function}, at)


def _read_reasoning(item: dict[str, Any], at: str, talk: Conversation) -> None:
    """Reasoning out of an earlier reply's output: nothing says that it may not come back."""
    fields.items(item, "summary", at=f"{at}.")
    for index, part in enumerate(fields.items(item, "content", at=f"{at}.") or []):
        here = f"{at}.content[{index}]"
        if not isinstance(part, dict):
            raise bad_request(f"`{here}` must be an object, not {fields.json_type(part)}.", here)
        talk.add_reasoning(fields.string(part, "text", at=f"{here}.", required=True) or "")
