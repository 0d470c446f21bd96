"""The events of a stream as they are kept: readable, and back to the same bytes.

An event is kept as the JSON that it holds. One that differs from the event before it only in the
text that it adds, as most do, is kept as that text alone. What is neither is kept as text.
"""

from __future__ import annotations

import base64
import copy
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from groqnb.record.scrub import Scrubber

__all__ = ["Splitter", "blocks_of", "entries_of"]

Entry = Any
"""A dict: an event with that JSON. A text: the event before with that text. A list: its kind
("event", with a name and JSON; "text"; "base64"), and what it holds."""

# Where an answer comes in pieces, and a secret in it may, too.
_PIECES = frozenset({"content", "reasoning", "arguments", "delta", "text", "refusal", "output"})
_BLANK = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n")
STYLES: dict[str, dict[str, Any]] = {
    "compact": {"separators": (",", ":"), "ensure_ascii": False},
    "spaced": {"separators": (", ", ": "), "ensure_ascii": False},
    "compact ascii": {"separators": (",", ":"), "ensure_ascii": True},
    "spaced ascii": {"separators": (", ", ": "), "ensure_ascii": True},
}


class Splitter:
    """Cuts reads into events, each with the blank line that ends it."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, read: bytes) -> list[bytes]:
        """The events that are complete with this read."""
        rest = self._rest
        begin = max(0, len(rest) - 3)
        rest += read
        found: list[bytes] = []
        at = 0
        for match in _BLANK.finditer(rest, begin):
            found.append(bytes(rest[at : match.end()]))
            at = match.end()
        del rest[:at]
        return found

    def finish(self) -> list[bytes]:
        """What came after the last blank line."""
        return [bytes(self._rest)] if self._rest else []


def dumped(value: Any, style: str) -> bytes:
    """JSON as a server of this style writes it."""
    return json.dumps(value, **STYLES[style]).encode("utf-8", "surrogatepass")


def style_of(text: bytes) -> tuple[Any, str | None]:
    """The JSON in a text, and the style that gives the same text back; None where none does.

    Raises ValueError where it is no JSON.
    """
    value = json.loads(text)
    for style in STYLES:
        if _is_written(value, style, text):
            return value, style
    return value, None


def entries_of(blocks: Sequence[bytes], scrub: Scrubber) -> tuple[list[Entry], str]:
    """The entries for a stream's events, and the style that their JSON is written in."""
    style = _style(blocks)
    parsed = [_parsed(block, style) for block in blocks]
    _scrub(parsed, scrub)
    entries: list[Entry] = []
    before: dict[str, Any] | None = None
    for kind, name, value in parsed:
        if kind == "data":
            text = _text_in(value)
            if before is not None and text is not None and _same(_with(before, text), value):
                entries.append(text)
            else:
                entries.append(value)
                before = value
        elif kind == "event":
            entries.append([kind, name, value])
        else:
            entries.append([kind, value])
    return entries, style


def blocks_of(entries: Iterable[Entry], style: str) -> Iterator[bytes]:
    """The events for entries. Raises ValueError for what is no entry."""
    before: dict[str, Any] | None = None
    if style not in STYLES:
        raise ValueError(f"the style {style!r} is not known")
    for entry in entries:
        match entry:
            case dict():
                before = entry
                yield b"data: %s\n\n" % dumped(entry, style)
            case str():
                if before is None or _text_in(before) is None:
                    raise ValueError("a text follows no event that it could be the text of")
                yield b"data: %s\n\n" % dumped(_with(before, entry), style)
            case ["event", str(name), value]:
                yield b"event: %s\ndata: %s\n\n" % (name.encode(), dumped(value, style))
            case ["text", str(text)]:
                yield text.encode()
            case ["base64", str(text)]:
                yield base64.b64decode(text)
            case _:
                raise ValueError(f"{str(entry)[:60]!r} is no event")


def _cut(block: bytes) -> tuple[str | None, bytes] | None:
    """The name and data of an event in the usual form; None in any other."""
    match = re.fullmatch(rb"(?:event: ([^\r\n]+)\n)?data: ([^\r\n]*)\n\n", block)
    if match is None:
        return None
    try:
        return None if match[1] is None else match[1].decode(), match[2]
    except ValueError:
        return None


def _style(blocks: Sequence[bytes]) -> str:
    """The style in which most of the events are written."""
    counts = dict.fromkeys(STYLES, 0)
    for block in blocks:
        cut = _cut(block)
        if cut is None or cut[1] == b"[DONE]":
            continue
        try:
            value = json.loads(cut[1])
        except ValueError:
            continue
        for style in STYLES:
            counts[style] += _is_written(value, style, cut[1])
    return max(counts, key=lambda style: counts[style])


def _is_written(value: Any, style: str, text: bytes) -> bool:
    try:
        return dumped(value, style) == text
    except ValueError:  # half a character, which only the ASCII styles can write
        return False


def _parsed(block: bytes, style: str) -> tuple[str, str | None, Any]:
    """Its kind, its name and its value: JSON or text."""
    cut = _cut(block)
    if cut is not None:
        try:
            value = json.loads(cut[1])
            if isinstance(value, dict) and _is_written(value, style, cut[1]):
                return ("data", None, value) if cut[0] is None else ("event", cut[0], value)
        except ValueError:
            pass
    try:
        return "text", None, block.decode()
    except ValueError:
        return "base64", None, base64.b64encode(block).decode()


def _text_in(event: dict[str, Any]) -> str | None:
    """The text that an event of a chat adds, where that is all it says."""
    try:
        text = event["choices"][0]["delta"]["content"]
    except (KeyError, IndexError, TypeError):
        return None
    return text if isinstance(text, str) else None


def _with(event: dict[str, Any], text: str) -> dict[str, Any]:
    first, *others = event["choices"]
    delta = {**first["delta"], "content": text}
    return {**event, "choices": [{**first, "delta": delta}, *others]}


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """True where both are written alike; the order of names counts, and so do 1 and 1.0."""
    return dumped(one, "compact ascii") == dumped(other, "compact ascii")


def _scrub(parsed: list[tuple[str, str | None, Any]], scrub: Scrubber) -> None:
    """Takes secrets out of the events, those too that come in pieces."""
    for at, (kind, name, value) in enumerate(parsed):
        if kind != "base64":
            parsed[at] = (kind, name, scrub.value(copy.deepcopy(value)))
    leaves: dict[tuple[Any, ...], list[tuple[Any, Any]]] = {}
    for kind, name, value in parsed:
        if kind in ("data", "event"):
            for path, holder, key in _leaves(value, (name,)):
                leaves.setdefault(path, []).append((holder, key))
    for places in leaves.values():
        if len(places) > 1:
            pieces = [holder[key] for holder, key in places]
            for (holder, key), clean in zip(places, scrub.pieces(pieces), strict=True):
                holder[key] = clean


def _leaves(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any, Any]]:
    """Every piece of text inside, with its path, and where it can be replaced."""
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, one in items:
        if isinstance(one, str):
            if key in _PIECES:
                yield (*path, key), value, key
        else:
            yield from _leaves(one, (*path, key))
