"""What an exported script prints of an outcome."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["shown", "turn"]


def shown(package: str, path: str, name: str, body: Mapping[str, Any]) -> list[str]:
    """The lines that print what `name` holds."""
    streams = bool(body.get("stream"))
    if path == "/chat/completions":
        return _chat_stream(name, body) if streams else _chat(name, body)
    if path == "/responses":
        return _responses(package, name, streams=streams)
    if path == "/audio/speech":
        ending = body.get("response_format", "wav")
        return [f'{name}.write_to_file("{name}.{ending}")', f'print("{name}.{ending}")']
    if path in ("/audio/transcriptions", "/audio/translations"):
        return [f'print(getattr({name}, "text", {name}))']
    if path == "/batches":
        return [f"print({name}.id, {name}.status)"]
    return [f"print({name}.id)"]


def turn(name: str, body: Mapping[str, Any], *, begun: bool = False) -> list[str]:
    """The lines that print an answer of a conversation and add it to `messages`.

    It is `begun` where the script's message of that name is how it begins.
    """
    start = 'begun["content"]' if begun else '""'
    if body.get("stream"):
        lines = [
            f"text = {start}",
            f"for chunk in {name}:",
            "    for choice in chunk.choices:",
            '        text += choice.delta.content or ""',
        ]
    else:
        lines = [f'text = {name}.choices[0].message.content or ""']
        lines = [f"text = {start} + ({lines[0].removeprefix('text = ')})"] if begun else lines
    return [*lines, "print(text)", 'messages.append({"role": "assistant", "content": text})']


def _chat_stream(name: str, body: Mapping[str, Any]) -> list[str]:
    lines = [
        f"for chunk in {name}:",
        "    for choice in chunk.choices:",
        '        print(choice.delta.content or "", end="", flush=True)',
    ]
    if body.get("tools"):
        lines += [
            "        for call in choice.delta.tool_calls or []:",
            "            if call.function:",
            "                name = call.function.name",
            '                print(f"\\n{name} " if name else "", end="")',
            '                print(call.function.arguments or "", end="", flush=True)',
        ]
    return [*lines, "print()"]


def _chat(name: str, body: Mapping[str, Any]) -> list[str]:
    lines = [f"for choice in {name}.choices:", "    print(choice.message.content)"]
    if body.get("tools"):
        lines += [
            "    for call in choice.message.tool_calls or []:",
            "        print(call.function.name, call.function.arguments)",
        ]
    return lines


def _responses(package: str, name: str, *, streams: bool) -> list[str]:
    if package == "openai":
        if not streams:
            return [f"print({name}.output_text)"]
        return [
            f"for event in {name}:",
            '    if event.type == "response.output_text.delta":',
            '        print(event.delta, end="", flush=True)',
            "print()",
        ]
    if not streams:
        return [
            f'for item in {name}["output"]:',
            '    for part in item.get("content") or []:',
            '        print(part.get("text", ""))',
        ]
    return [
        f"for event in {name}:",
        '    data = event.get("data", event)',
        '    if data["type"] == "response.output_text.delta":',
        '        print(data["delta"], end="", flush=True)',
        "print()",
    ]
