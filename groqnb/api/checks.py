"""What is refused before a request is spent on it: only where the documentation is certain.

Everything else is the server's to judge; it may know better than this file.
Docs: API Reference, Create chat completion, Create response; Reasoning; Images and Vision;
OpenAI Compatibility.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from groqnb.types.errors import ParameterError

__all__ = ["check_chat", "check_response", "list_tools"]

MOST_TOOLS = 128
MOST_STOPS = 4
MOST_METADATA = 16
MOST_IMAGES = 5

_RANGES = {
    "temperature": (0.0, 2.0),
    "top_p": (0.0, 1.0),
    "frequency_penalty": (-2.0, 2.0),
    "presence_penalty": (-2.0, 2.0),
}


def check_chat(body: Mapping[str, Any], *, stream: bool) -> None:
    """Raises ParameterError, with the limit in it, for a body that the API is sure to refuse.

    ```python
    check_chat({"messages": [{}], "temperature": 3}, stream=False)  # raises
    ```
    """
    if not body["messages"]:
        raise ParameterError("messages is empty.", hint="Send at least one message.")
    _check_images(body["messages"])
    _check_numbers(body)
    if body.get("n", 1) != 1:
        raise ParameterError(f"n is {body['n']}; only 1 is supported.")
    stop = body.get("stop")
    if isinstance(stop, (list, tuple)) and len(stop) > MOST_STOPS:
        raise ParameterError(f"{len(stop)} stop sequences; at most {MOST_STOPS} are allowed.")
    _check_tools(body)
    if "stream_options" in body and not stream:
        raise ParameterError("stream_options needs stream=True.")
    _check_reasoning(body)


def check_response(body: Mapping[str, Any]) -> None:
    """Raises ParameterError, with the limit in it, for a body that the API is sure to refuse.

    ```python
    check_response({"input": "Hello", "store": True})  # raises
    ```
    """
    if isinstance(body["input"], (list, tuple)) and not body["input"]:
        raise ParameterError("input is empty.", hint="Send a text, or at least one item.")
    _check_images(body["input"])
    _check_numbers(body)
    _check_tools(body)
    if body.get("store") is True:
        raise ParameterError("store is True; responses cannot be stored.", hint="Leave it out.")
    metadata = body.get("metadata")
    if isinstance(metadata, Mapping) and len(metadata) > MOST_METADATA:
        raise ParameterError(
            f"{len(metadata)} pairs of metadata; at most {MOST_METADATA} are allowed."
        )


def list_tools(body: dict[str, Any]) -> None:
    """Makes the tools of a body a list. Raises ParameterError for what is none, as one tool.

    ```python
    list_tools({"tools": (tool for tool in mine)})
    ```
    """
    tools = body.get("tools")
    if tools is None or isinstance(tools, (list, tuple)):
        return
    if isinstance(tools, (str, Mapping)) or not isinstance(tools, Iterable):
        raise ParameterError(
            f"tools is of the type {type(tools).__name__}, not a list.", hint="Write [tool]."
        )
    body["tools"] = list(tools)


def _check_numbers(body: Mapping[str, Any]) -> None:
    for name, (low, high) in _RANGES.items():
        value = body.get(name)
        # `not <=` rather than `>`: NaN is in no range.
        if isinstance(value, (int, float)) and not low <= value <= high:
            raise ParameterError(f"{name} is {value}; it goes from {low:g} to {high:g}.")
    for name in ("max_completion_tokens", "max_output_tokens", "max_tokens"):
        value = body.get(name)
        if isinstance(value, int) and value < 1:
            raise ParameterError(f"{name} is {value}; it is at least 1.")


def _check_images(messages: Any) -> None:
    count = sum(_images(messages))
    if count > MOST_IMAGES:
        raise ParameterError(
            f"{count} images; a request holds at most {MOST_IMAGES}.",
            hint="Those of earlier messages count. Send fewer at once.",
        )


def _images(messages: Any) -> Iterator[bool]:
    """For each part of each message, whether it is an image."""
    for message in messages if isinstance(messages, (list, tuple)) else ():
        content = message.get("content") if isinstance(message, Mapping) else None
        for part in content if isinstance(content, (list, tuple)) else ():
            if isinstance(part, Mapping):
                yield part.get("type") in ("image_url", "input_image")


def _check_tools(body: Mapping[str, Any]) -> None:
    for name in ("tools", "functions"):
        listed = body.get(name)
        if isinstance(listed, (list, tuple)) and len(listed) > MOST_TOOLS:
            raise ParameterError(f"{len(listed)} {name}; at most {MOST_TOOLS} are allowed.")


def _check_reasoning(body: Mapping[str, Any]) -> None:
    shape = body.get("reasoning_format")
    if shape is None:
        return
    if "include_reasoning" in body:
        raise ParameterError("include_reasoning and reasoning_format exclude each other.")
    if shape != "raw":
        return
    wanted = body.get("response_format")
    structured = isinstance(wanted, Mapping) and wanted.get("type") in (
        "json_object",
        "json_schema",
    )
    if structured or body.get("tools"):
        raise ParameterError(
            f"reasoning_format 'raw' does not go with {'JSON mode' if structured else 'tools'}.",
            hint="Use 'parsed' or 'hidden'.",
        )
