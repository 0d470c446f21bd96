"""A reply as it is kept: its status, the headers that matter, and its body in a readable form."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from groqnb.record.events import STYLES, blocks_of, dumped, entries_of, style_of
from groqnb.record.scrub import Scrubber
from groqnb.wire.exchange import Broken

__all__ = ["MOST_BYTES", "Told", "kept_body", "kept_headers", "kept_stream", "played_body"]

MOST_BYTES = 8 * 1024 * 1024
"""What is larger is passed on and not kept."""

# Only what is named here is kept, so that no header of a server's invention lets a secret out.
_HEADERS = {
    "content-disposition",
    "content-range",
    "content-type",
    "etag",
    "location",
    "retry-after",
    "x-request-id",
}
_BEGINNINGS = ("x-ratelimit-", "x-groq", "groq-")
_PIECE = 64 * 1024


class Told(Mapping[str, str]):
    """A reply's headers, and what the record adds to them; names in any case."""

    def __init__(self, headers: Mapping[str, str], more: Mapping[str, str]) -> None:
        self._headers = headers
        self._more = dict(more)

    def tell(self, name: str, value: str) -> None:
        """Adds to what the record says."""
        self._more[name] = value

    def __getitem__(self, name: str) -> str:
        added = self._more.get(name.lower())
        return self._headers[name] if added is None else added

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._headers, *self._more]))

    def __len__(self) -> int:
        return len({*self._headers, *self._more})

    def __repr__(self) -> str:
        return f"Headers({dict(self)!r})"


def kept_headers(headers: Mapping[str, str], scrub: Scrubber) -> dict[str, str]:
    """Those headers of a reply that are kept."""
    return {
        name.lower(): scrub.text(value)
        for name, value in sorted(headers.items())
        if name.lower() in _HEADERS or name.lower().startswith(_BEGINNINGS)
    }


def kept_body(body: bytes, kind: str, scrub: Scrubber) -> dict[str, Any]:
    """The field in which a body is kept; `kind` is its media type."""
    if "json" in kind and "jsonl" not in kind and "ndjson" not in kind:
        try:
            value, style = style_of(body)
        except ValueError:
            pass
        else:
            kept: dict[str, Any] = {"json": scrub.value(value)}
            if style not in (None, "compact"):
                kept["style"] = style
            return kept
    try:
        text = body.decode()
    except ValueError:
        return {"bytes": len(body), "base64": base64.b64encode(body).decode()}
    if "\x00" in text or kind.startswith(("audio/", "image/")):
        return {"bytes": len(body), "base64": base64.b64encode(body).decode()}
    return {"lines": scrub.text(text).split("\n")}


def kept_stream(blocks: Sequence[bytes], times: Sequence[float], scrub: Scrubber) -> dict[str, Any]:
    """The fields in which a stream is kept; `times` are the seconds at which each event came."""
    entries, style = entries_of(blocks, scrub)
    kept: dict[str, Any] = {"times": list(times)}
    if style != "compact":
        kept["style"] = style
    kept["events"] = entries
    return kept


def played_body(reply: Mapping[str, Any]) -> bytes:
    """The body of a kept reply. Raises ValueError for what is none."""
    if "json" in reply:
        style = reply.get("style", "compact")
        if style not in STYLES:
            raise ValueError(f"the style {style!r} is not known")
        return dumped(reply["json"], style)
    if "lines" in reply:
        return "\n".join(reply["lines"]).encode()
    if "base64" in reply:
        return base64.b64decode(reply["base64"])
    return b"".join(played_events(reply)[0])


def played_events(reply: Mapping[str, Any]) -> tuple[list[bytes], list[float]]:
    """A kept stream's events, and the seconds at which each came. Raises ValueError."""
    blocks = list(blocks_of(reply.get("events", ()), reply.get("style", "compact")))
    times = [float(time) for time in reply.get("times", ())]
    # Whoever adds events by hand need not count times.
    last = times[-1] if times else 0.0
    return blocks, (times + [last] * len(blocks))[: len(blocks)]


def pieces(body: bytes) -> Iterable[bytes]:
    """A body as reads."""
    return (body[at : at + _PIECE] for at in range(0, len(body), _PIECE))


def kept_break(broken: Broken, scrub: Scrubber) -> dict[str, Any]:
    """How a connection broke."""
    return {"kind": broken.kind, "reason": scrub.text(broken.reason)}


def played_break(kept: Mapping[str, Any]) -> Broken:
    """The break that was kept."""
    return Broken(str(kept.get("kind", "cut")), str(kept.get("reason", "")))


def written(exchange: Mapping[str, Any]) -> str:
    """An exchange as the file has it: a line for each fact, and one for each event."""
    reply = exchange.get("reply")
    if not isinstance(reply, dict) or not ({"events", "times"} & set(reply)):
        return json.dumps(exchange, indent=1, ensure_ascii=False)
    marks = {}
    if "times" in reply:
        marks["times"] = "[" + ", ".join(map(json.dumps, reply["times"])) + "]"
    if "events" in reply:
        lines = ",\n   ".join(json.dumps(entry, ensure_ascii=False) for entry in reply["events"])
        marks["events"] = f"[\n   {lines}\n  ]" if lines else "[]"
    # No text of anybody's can hold what is drawn anew each time.
    own = os.urandom(8).hex()
    outer = {**exchange, "reply": {**reply, **{name: f"{own} {name}" for name in marks}}}
    text = json.dumps(outer, indent=1, ensure_ascii=False)
    for name, mark in marks.items():
        text = text.replace(f'"{own} {name}"', mark, 1)
    return text
