"""Faults on demand, for tests and for teaching: what a client has to live with.

$ groqnb serve --faults "429:30%, delay=0.5, cut=2000:/3, seed=7"

A spec is a list of faults, separated by commas, each with a moment: `FAULT[:MOMENT]`.

| fault | what happens to the request |
|---|---|
| 429, 498, 500, 502, 503 | it gets this status and the error object (429 with `retry-after`) |
| delay=SECONDS | its reply begins so much later |
| cut=BYTES | its reply's body ends, and the connection with it, behind so many bytes |
| bad-utf8 | its reply's body holds bytes that are no UTF-8 |
| bad-json | its reply's body holds JSON that is none |

Moments: `30%` by chance, `/3` every third request, `#2` the second one only; without one, always.
`seed=N` makes chance repeatable. Requests are counted after the door: those refused there do not
count. The reply carries `x-groqnb-fault` with the faults that it has.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from groqnb.local.errors import BadOption
from groqnb.local.refusal import Refusal

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["Faults"]

_STATUSES = {
    "429": ("Rate limit reached (a fault on demand). Try again in 1 s.", "requests"),
    "498": ("The flex tier is at capacity (a fault on demand).", "flex_tier_capacity_exceeded"),
    "500": ("The server failed (a fault on demand).", "internal_server_error"),
    "502": ("A bad answer came from upstream (a fault on demand).", "bad_gateway"),
    "503": ("The service is unavailable (a fault on demand).", "service_unavailable_error"),
}
_EXAMPLE = 'For example: --faults "429:30%, delay=0.5, cut=2000:/3".'
_ITEM = re.compile(r"([a-z0-9-]+)(?:=([0-9]+(?:\.[0-9]+)?))?(?::(.+))?")


@dataclass(frozen=True)
class _Fault:
    """One fault of a spec: its name, its number, and whether the n-th request has it."""

    name: str
    number: float
    strikes: Callable[[int], bool]


class Faults:
    """The faults of a spec. Raises BadOption for a spec that is none.

    >>> Faults("teapot")
    Traceback (most recent call last):
    groqnb.local.errors.BadOption: There is no fault 'teapot'.
    """

    def __init__(self, spec: str) -> None:
        self._chance = random.Random()
        self._count = 0
        self._faults: list[_Fault] = []
        for item in filter(None, (part.strip() for part in spec.split(","))):
            self._read(item)
        if not self._faults:
            raise BadOption("The list of faults is empty.", _EXAMPLE)

    def _read(self, item: str) -> None:
        match = _ITEM.fullmatch(item)
        if match is None:
            raise BadOption(f"{item!r} is no fault.", _EXAMPLE)
        name, number, moment = match.groups()
        if name == "seed":
            if number is None or moment is not None:
                raise BadOption("seed takes a number and no moment.", "For example: seed=7.")
            self._chance.seed(int(float(number)))
            return
        if name not in (*_STATUSES, "delay", "cut", "bad-utf8", "bad-json"):
            known = ", ".join((*_STATUSES, "delay=SECONDS", "cut=BYTES", "bad-utf8", "bad-json"))
            raise BadOption(f"There is no fault {name!r}.", f"There are: {known}.")
        if (number is not None) != (name in ("delay", "cut")):
            needs = "needs a number" if name in ("delay", "cut") else "takes no number"
            raise BadOption(f"The fault {name!r} {needs}.", _EXAMPLE)
        if name == "cut" and number is not None and "." in number:
            raise BadOption("cut takes a whole number of bytes.", _EXAMPLE)
        self._faults.append(_Fault(name, float(number or 0), self._moment(moment)))

    def _moment(self, text: str | None) -> Callable[[int], bool]:
        if text is None:
            return lambda _: True
        if match := re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)%", text):
            share = float(match[1]) / 100
            if share <= 1:
                return lambda _: self._chance.random() < share
        if match := re.fullmatch(r"([/#])([1-9][0-9]{0,8})", text):
            step = int(match[2])
            if match[1] == "/":
                return lambda n: n % step == 0
            return lambda n: n == step
        raise BadOption(
            f"{text!r} is no moment of a fault.",
            "Write 30% (by chance), /3 (every third request) or #2 (the second only).",
        )

    def around(self, app: ASGIApp) -> ASGIApp:
        """`app` with these faults."""

        async def spoiled(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            self._count += 1
            here = [fault for fault in self._faults if fault.strikes(self._count)]
            for fault in here:
                if fault.name == "delay":
                    await asyncio.sleep(fault.number)
            status = next((fault.name for fault in here if fault.name in _STATUSES), None)
            answer = app if status is None else _refusal(status)
            if here:
                await _spoil(answer, scope, receive, _Spoiled(send, here))
            else:
                await answer(scope, receive, send)

        return spoiled


def _refusal(status: str) -> ASGIApp:
    # Imported here: a spec can be checked where the server's packages are not installed.
    from groqnb.local.gate import refusal_reply

    message, kind = _STATUSES[status]
    headers = {"retry-after": "1"} if status == "429" else None
    code = "rate_limit_exceeded" if status == "429" else None
    return refusal_reply(Refusal(int(status), message, type=kind, code=code, headers=headers))


async def _spoil(answer: ASGIApp, scope: Scope, receive: Receive, reply: _Spoiled) -> None:
    answering = asyncio.ensure_future(answer(scope, receive, reply.send))
    cut = asyncio.ensure_future(reply.cut.wait())
    try:
        await asyncio.wait({answering, cut}, return_when=asyncio.FIRST_COMPLETED)
        if not cut.done():
            await answering
    finally:
        # A reply without its end: the server can only hang up.
        answering.cancel()
        cut.cancel()
        await asyncio.gather(answering, cut, return_exceptions=True)


class _Spoiled:
    """A reply on its way out, with faults put into its body."""

    def __init__(self, send: Send, faults: list[_Fault]) -> None:
        self._send = send
        self._names = ", ".join(fault.name for fault in faults)
        self._left = min((int(f.number) for f in faults if f.name == "cut"), default=None)
        self._junk = b"".join(
            junk
            for name, junk in (("bad-utf8", b"\xff\xfe\xc3"), ("bad-json", b'{"broken": '))
            if any(fault.name == name for fault in faults)
        )
        self._streams = False
        self.cut = asyncio.Event()

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message)
            return
        body = message.get("body", b"")
        if self._junk and body:
            # In a stream an event of its own, else in the middle of the one body.
            junk, self._junk = self._junk, b""
            body = b"data: " + junk + b"\n\n" + body if self._streams else junk + body
        if self._left is None:
            await self._send({**message, "body": body})
            return
        piece = body[: self._left]
        self._left -= len(piece)
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        if len(piece) < len(body):
            self.cut.set()
            await asyncio.Event().wait()
        if not message.get("more_body"):
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _begin(self, message: MutableMapping[str, Any]) -> None:
        headers = [*message["headers"], (b"x-groqnb-fault", self._names.encode())]
        self._streams = any(
            key.lower() == b"content-type" and value.startswith(b"text/event-stream")
            for key, value in headers
        )
        if self._junk or self._left is not None:
            # The length would be wrong; without one it is sent in chunks.
            headers = [pair for pair in headers if pair[0].lower() != b"content-length"]
        await self._send({**message, "headers": headers})
