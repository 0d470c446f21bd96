"""`groqnb serve`: the local engine in the foreground, for any client of Groq's or OpenAI's API.

$ groqnb serve --model small --port 8123

One line of JSON says when it is ready and how to reach it: `base_url`, `api_key`, `model`, `pid`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import json
import math
import os
import re
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from groqnb.local import server, weights
from groqnb.local.errors import (
    BadOption,
    EngineError,
    EngineNotInstalled,
    EngineStartFailed,
    PortTaken,
)
from groqnb.local.faults import Faults
from groqnb.local.refusal import Refusal
from groqnb.local.store import Store, data_folder
from groqnb.local.terminal import ProgressBar, complain

if TYPE_CHECKING:
    from groqnb.local.parts.llm import Llm

__all__ = ["main"]

# A header can carry it, a shell can quote it, and nobody guesses it in a few tries.
_KEY = re.compile(r"[\x21-\x7e]{4,256}")

_HOW_TO = """\
Use it from the official packages:
  groq.Groq(base_url="http://127.0.0.1:{port}", api_key="{key}")
  openai.OpenAI(base_url="http://127.0.0.1:{port}/openai/v1", api_key="{key}")
or from a notebook: GROQ_BASE_URL=http://127.0.0.1:{port} with GROQ_API_KEY={key}
Any model id of the catalogue is answered by {model}. Ctrl-C ends it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until interrupted; 0 at a clean end, 1 for a failure, 2 for a bad option."""
    parser = argparse.ArgumentParser(
        "groqnb serve", description="Serve Groq's API on this machine, from a local model."
    )
    parser.add_argument("--port", type=int, default=0, help="default: any that is free")
    parser.add_argument("--key", help="the API key to accept (default: a random one)")
    parser.add_argument(
        "--model",
        default=os.environ.get("GROQNB_LOCAL_MODEL") or "default",
        metavar="small|default|large|PATH.gguf",
    )
    parser.add_argument("--data", metavar="DIR", help="the folder for files and batches")
    parser.add_argument(
        "--plan",
        choices=("off", "free"),
        default="off",
        help="rate limits: off only reports them, free enforces the free tier's",
    )
    parser.add_argument(
        "--spend-limit",
        type=float,
        metavar="USD",
        help="refuse requests once so much was spent this month, by the catalogue's prices",
    )
    parser.add_argument(
        "--faults",
        metavar="SPEC",
        help='spoil replies on purpose, e.g. "429:30%%, delay=0.5, cut=2000:/3"',
    )
    parser.add_argument(
        "--allow-private-image-urls",
        action="store_true",
        help="fetch images and audio from this machine and its network too; for tests only",
    )
    parser.add_argument(
        "--allow-unisolated-code",
        action="store_true",
        help="run models' code even where the system does not let it be kept from the network "
        "and from your files; nothing but limits of time and memory is left then",
    )
    try:
        options = parser.parse_args(argv)
    except SystemExit as end:
        return int(end.code or 0)
    try:
        return _serve(options)
    except BadOption as error:
        complain("groqnb serve", error)
        return 2
    except EngineError as error:
        complain("groqnb serve", error)
        return 1
    except KeyboardInterrupt:
        print("\nStopped before it was ready.", file=sys.stderr)
        return 130


def _serve(options: argparse.Namespace) -> int:
    key = _key(options.key)
    if not 0 <= options.port <= 65535:
        raise BadOption(f"There is no port {options.port}.", "Ports go from 1 to 65535.")
    data = data_folder(options.data)
    if options.data is not None:
        _make_folder(data)
    _check_spend_limit(options.spend_limit, data)
    if options.faults is not None:
        Faults(options.faults)
    # Before the weights: a taken port should be told before a long download, not after it.
    listener = _listen(options.port)
    with contextlib.closing(listener):
        wanted = weights.ensure(options.model, progress=ProgressBar())
        settings = server.Settings(
            key,
            wanted.path,
            wanted.name,
            wanted.context,
            enforce=options.plan == "free",
            data=data,
            spend_limit=options.spend_limit,
            faults=options.faults,
            folder=Path.cwd(),
            private_image_urls=options.allow_private_image_urls,
            isolated_code=not options.allow_unisolated_code,
        )
        llm = _load(settings)
        port = listener.getsockname()[1]
        ready = {
            "base_url": f"http://127.0.0.1:{port}/openai/v1",
            "api_key": key,
            "model": wanted.name,
            "pid": os.getpid(),
        }
        print(json.dumps(ready))
        print(_HOW_TO.format(port=port, key=key, model=wanted.name), flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.run(settings, llm, listener)
    return 0


def _key(given: str | None) -> str:
    if given is None:
        return "gsk_local_" + secrets.token_urlsafe(24)
    if not _KEY.fullmatch(given):
        raise BadOption(
            "This key cannot be used.", "Take 4 to 256 visible ASCII characters, no spaces."
        )
    return given


def _check_spend_limit(limit: float | None, data: Path) -> None:
    if limit is None:
        return
    if not 0 <= limit < math.inf:
        raise BadOption(f"{limit} USD is no spend limit.", "Give 0 or more, such as 0.50.")
    store = Store(data)
    try:
        asyncio.run(store.prepare())
    except Refusal as refusal:
        raise BadOption(
            refusal.message, "What was spent is kept there; choose another --data."
        ) from None
    finally:
        store.close()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadOption(
            f"The folder {folder} cannot be made: {error.strerror}.", "Choose another --data."
        ) from None


def _listen(port: int) -> socket.socket:
    try:
        return server.listen(port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(
                f"Port {port} is in use.", "Choose another --port, or none to get a free one."
            ) from None
        raise PortTaken(
            f"Port {port} cannot be used: {error.strerror}.", "Choose another --port."
        ) from None


@contextlib.contextmanager
def _default_interrupt() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _load(settings: server.Settings) -> Llm:
    try:
        import httptools  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
        import xllamacpp  # noqa: F401
    except ImportError as error:
        raise EngineNotInstalled(error.name or "xllamacpp") from None
    # While a model loads, the runtime lets no Python code run, also none that handles Ctrl-C.
    llm = server.make_llm(settings)
    with _default_interrupt():
        llm.load()
    reason = llm.failure()
    if reason is not None:
        raise EngineStartFailed(reason, f"Is {settings.weights} a whole GGUF file?")
    return llm
