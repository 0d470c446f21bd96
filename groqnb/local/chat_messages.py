"""The messages of a chat request: checked as documented, and put plainly for the model.

Docs: "Create chat completion", request body, `messages`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from groqnb.catalog import ModelInfo
from groqnb.local import fields
from groqnb.local.image_parts import ImagePart, check_images, read_part
from groqnb.local.refusal import bad_request

__all__ = ["Call", "Turn", "read_messages"]

_ROLES = ("system", "developer", "user", "assistant", "tool", "function")


@dataclass(frozen=True)
class Call:
    """A function's name and its arguments, the text of a JSON object."""

    name: str
    arguments: str


@dataclass(frozen=True)
class Turn:
    """One message as the model gets it: `role` is "system", "user" or "assistant".

    `calls` are the calls that an assistant's turn makes; `results` are calls and what they gave,
    in a user's turn of its own. chat_prompts puts both into words. `images` stand in `content` by
    their marks; `seen` is what they show, at its end, once that is known.
    """

    role: str
    content: str
    calls: tuple[Call, ...] = ()
    results: tuple[tuple[Call, str], ...] = ()
    images: tuple[ImagePart, ...] = ()
    seen: str = ""

    @property
    def said(self) -> str:
        """The content without what images were seen to show."""
        return self.content.removesuffix(self.seen)


def read_messages(body: dict[str, Any], model: ModelInfo | None) -> list[Turn]:
    """The turns of `body`, or a 400 (413) that names the message at fault.

    `model` is the catalogue's entry of the model asked for, None for the local model's own name.
    """
    messages = fields.items(body, "messages")
    if messages is None:
        raise bad_request("`messages` is required.", "messages")
    if not messages:
        raise bad_request("`messages` must hold at least one message.", "messages")
    images: list[ImagePart] = []
    made: dict[str, Call] = {}
    turns: list[Turn] = []
    for index, message in enumerate(messages):
        turn = _read_one(message, f"messages[{index}]", images, made)
        if turn.results and turns and turns[-1].results:
            # Templates want user and assistant by turns.
            turns[-1] = replace(turn, results=(*turns[-1].results, *turn.results))
        else:
            turns.append(turn)
    if images:
        check_images(images, messages, model)
    return turns


def _read_one(message: object, at: str, images: list[ImagePart], made: dict[str, Call]) -> Turn:
    if not isinstance(message, dict):
        raise bad_request(f"`{at}` must be an object, not {fields.json_type(message)}.", at)
    if message.get("role") is None:
        raise bad_request(f"`{at}.role` is required.", f"{at}.role")
    role = fields.choice(message, "role", _ROLES, at=f"{at}.")
    assert role is not None
    fields.string(message, "name", at=f"{at}.")
    if message.get("name") is not None and role != "function":
        raise bad_request(f"`{at}.name` is not supported.", f"{at}.name")
    if role == "function":
        fields.string(message, "name", at=f"{at}.", required=True)
    fields.string(message, "tool_call_id", at=f"{at}.", required=role == "tool")
    calls: list[Call] = []
    if role == "assistant":
        fields.string(message, "reasoning", at=f"{at}.")
        calls = _read_calls(message, at, made)
    content = message.get("content")
    before = len(images)
    if content is None and not calls and role != "function":
        raise bad_request(f"`{at}.content` is required.", f"{at}.content")
    text = "" if content is None else _read_content(content, f"{at}.content", role, images)
    if role in ("tool", "function"):
        # A result whose call is not in the conversation is a result all the same.
        call = made.get(message.get("tool_call_id") or "", Call(message.get("name") or "", ""))
        return Turn("user", "", results=((call, text),))
    role = "system" if role == "developer" else role
    return Turn(role, text, tuple(calls), images=tuple(images[before:]))


def _read_calls(message: dict[str, Any], at: str, made: dict[str, Call]) -> list[Call]:
    """The calls in an assistant's message; `made` learns them by their ids."""
    found: list[Call] = []
    for index, call in enumerate(fields.items(message, "tool_calls", at=f"{at}.") or []):
        here = f"{at}.tool_calls[{index}]"
        if not isinstance(call, dict):
            raise bad_request(f"`{here}` must be an object, not {fields.json_type(call)}.", here)
        call_id = fields.string(call, "id", at=f"{here}.", required=True)
        fields.string(call, "type", at=f"{here}.")
        function = fields.mapping(call, "function", at=f"{here}.")
        if function is None:
            raise bad_request(f"`{here}.function` is required.", f"{here}.function")
        found.append(_read_call(function, f"{here}.function"))
        made[str(call_id)] = found[-1]
    older = fields.mapping(message, "function_call", at=f"{at}.")
    if older:
        found.append(_read_call(older, f"{at}.function_call"))
    return found


def _read_call(call: dict[str, Any], at: str) -> Call:
    # Whether the function is still among the tools does not matter: it was called.
    name = fields.name(call, "name", at=f"{at}.")
    arguments = fields.string(call, "arguments", at=f"{at}.", required=True)
    return Call(name, arguments or "{}")


def _read_content(content: object, at: str, role: str, images: list[ImagePart]) -> str:
    if isinstance(content, str):
        fields.text_is_clean(content, at)
        return content
    if not isinstance(content, list):
        raise bad_request(
            f"`{at}` must be a string or an array of parts, not {fields.json_type(content)}.", at
        )
    if not content:
        raise bad_request(f"`{at}` must hold at least one part.", at)
    texts: list[str] = []
    for index, part in enumerate(content):
        here = f"{at}[{index}]"
        if not isinstance(part, dict):
            raise bad_request(f"`{here}` must be an object, not {fields.json_type(part)}.", here)
        kind = fields.string(part, "type", at=f"{here}.", required=True)
        if kind == "text":
            text = fields.string(part, "text", at=f"{here}.", required=True)
            assert text is not None
            texts.append(text)
        elif kind == "image_url" and role == "user":
            images.append(read_part(part, here, len(images) + 1))
            texts.append(images[-1].mark)
        else:
            allowed = "`text` or `image_url`" if role == "user" else "`text`"
            raise bad_request(f"`{here}.type` must be {allowed}, not `{kind}`.", f"{here}.type")
    return "\n".join(texts)
