"""The messages of a chat request: checked as documented, and put plainly for the model.

Docs: "Create chat completion", request body, `messages`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from groqnb.catalog import ModelInfo, limit
from groqnb.local import fields
from groqnb.local.refusal import Refusal, bad_request, not_served

__all__ = ["Turn", "read_messages"]

_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Turn:
    """One message as the model gets it: `role` is "system", "user" or "assistant"."""

    role: str
    content: str


def read_messages(body: dict[str, Any], model: ModelInfo | None) -> list[Turn]:
    """The turns of `body`, or a 400 (413, 501) that names the message at fault.

    `model` is the catalogue's entry of the model asked for, None for the local model's own name.
    """
    messages = fields.items(body, "messages")
    if messages is None:
        raise bad_request("`messages` is required.", "messages")
    if not messages:
        raise bad_request("`messages` must hold at least one message.", "messages")
    images: list[str] = []
    turns = [
        _read_one(message, f"messages[{index}]", images) for index, message in enumerate(messages)
    ]
    if images:
        _refuse_images(images, model)
    return turns


def _read_one(message: object, at: str, images: list[str]) -> Turn:
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
    calls = False
    if role == "assistant":
        fields.string(message, "reasoning", at=f"{at}.")
        calls = bool(fields.items(message, "tool_calls", at=f"{at}.")) or bool(
            fields.mapping(message, "function_call", at=f"{at}.")
        )
    content = message.get("content")
    if content is None and not calls and role != "function":
        raise bad_request(f"`{at}.content` is required.", f"{at}.content")
    text = "" if content is None else _read_content(content, f"{at}.content", role, images)
    if calls or role in ("tool", "function"):
        raise not_served("tool calls and their results in a conversation", at)
    return Turn("system" if role == "developer" else role, text)


def _read_content(content: object, at: str, role: str, images: list[str]) -> str:
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
            images.append(_read_image(part, here))
        else:
            allowed = "`text` or `image_url`" if role == "user" else "`text`"
            raise bad_request(f"`{here}.type` must be {allowed}, not `{kind}`.", f"{here}.type")
    return "\n".join(texts)


def _read_image(part: dict[str, Any], at: str) -> str:
    image = fields.mapping(part, "image_url", at=f"{at}.")
    if image is None:
        raise bad_request(f"`{at}.image_url` is required.", f"{at}.image_url")
    url = fields.string(image, "url", at=f"{at}.image_url.", required=True)
    assert url is not None
    if not url.startswith(("http://", "https://", "data:image/")):
        raise bad_request(
            f"`{at}.image_url.url` must start with http://, https:// or data:image/.",
            f"{at}.image_url.url",
        )
    return url


def _refuse_images(images: list[str], model: ModelInfo | None) -> None:
    """Say what is wrong with the images, or that this engine cannot look at any."""
    most = limit("images")
    if len(images) > most:
        raise bad_request(
            f"A request may hold at most {most} images; this one has {len(images)}.", "messages"
        )
    inline = sum(len(image) for image in images if image.startswith("data:"))
    most_mb = limit("image_base64_request_mb")
    if inline > most_mb * _MEGABYTE:
        raise Refusal(
            413,
            f"A request with images in base64 may hold at most {most_mb} MB.",
            code="request_too_large",
            param="messages",
        )
    if model is not None and not model.capabilities.get("vision"):
        raise bad_request(f"The model `{model.id}` does not take images.", "messages")
    raise not_served("images", "messages")
