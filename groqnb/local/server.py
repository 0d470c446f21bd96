"""The engine's process from the inside: listen, load the model, serve, end with the parent.

`python -m groqnb.local` is what `groqnb.local.process` starts. Its standard input brings one
JSON line with the settings and then stays open as a life line; its standard output takes one
JSON line, `{"port": N}`, as soon as connections are accepted. The model loads after that;
requests that come meanwhile wait.
"""

from __future__ import annotations

import json
import os
import select
import socket
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from groqnb.local.store import data_folder

if TYPE_CHECKING:
    from groqnb.local.parts.llm import Llm

__all__ = ["Settings", "listen", "main", "run"]

_BACKLOG = 128
_WATCH_MILLISECONDS = 1000


@dataclass(frozen=True)
class Settings:
    """What one engine runs with. `context` is in tokens, `enforce` switches rate limits on.

    `data` is the folder for files and batches, made at first need; `spend_limit` is in USD a
    month; `faults` is a spec of `groqnb.local.faults`; `private_image_urls` lets images come
    from addresses of this machine and its network. `folder` is the notebook's, for searches.
    """

    key: str
    weights: Path
    name: str
    context: int
    enforce: bool = False
    data: Path = field(default_factory=data_folder)
    spend_limit: float | None = None
    faults: str | None = None
    private_image_urls: bool = False
    isolated_code: bool = True
    folder: Path | None = None


def listen(port: int = 0) -> socket.socket:
    """A socket that accepts connections on 127.0.0.1. Raises OSError when the port is taken."""
    # Named as TCP, its connections are known to asyncio as such, which then sends each write at
    # once; else the second part of a reply waits 40 ms for the client's acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            # Without it a port just left cannot be had again for a minute.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def make_llm(settings: Settings) -> Llm:
    """The model of `settings`, not loaded yet."""
    from groqnb.local.built_in_tools import BuiltInTools
    from groqnb.local.parts.llm import Llm

    llm = Llm(settings.weights, settings.name, settings.context)
    llm.eyes.private = settings.private_image_urls
    llm.built_in = BuiltInTools(isolated_code=settings.isolated_code)
    llm.built_in.folder = settings.folder
    return llm


def run(settings: Settings, llm: Llm, listener: socket.socket) -> None:
    """Serve until a signal or the end of the process."""
    import uvicorn

    from groqnb.local.app import build
    from groqnb.local.faults import Faults
    from groqnb.local.quota import Quota
    from groqnb.local.spending import Spending
    from groqnb.local.store import Store
    from groqnb.local.unreadable import protocol

    store = Store(settings.data)
    limit = settings.spend_limit
    spending = None if limit is None else Spending(store, limit)
    app = build(
        llm,
        settings.key,
        Quota(enforced=settings.enforce, spending=spending),
        store,
        spending=spending,
        faults=None if settings.faults is None else Faults(settings.faults),
    )
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http=protocol(app.marks),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # Longer than clients keep a line that is idle: none sends on one that is being closed.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    uvicorn.Server(config).run(sockets=[listener])


def main() -> None:
    """Run as the child of a notebook's process."""
    line = sys.stdin.buffer.readline()
    if not line:
        return
    given = json.loads(line)
    settings = Settings(
        given["key"],
        Path(given["weights"]),
        given["name"],
        given["context"],
        folder=Path(given["folder"]) if given.get("folder") else None,
    )
    threading.Thread(target=_end_with, args=(given["parent"],), daemon=True).start()
    listener = listen()
    answer = sys.stdout.buffer
    answer.write(json.dumps({"port": listener.getsockname()[1]}).encode() + b"\n")
    answer.flush()
    # Whatever prints from here on goes to the log: nobody reads the pipe any more.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    llm = make_llm(settings)
    threading.Thread(target=llm.load, daemon=True).start()
    run(settings, llm, listener)
    # The runtime's threads would be waited for; they have nothing left to do.
    os._exit(0)


def _end_with(parent: int) -> None:
    """Leave when the life line ends, or when the parent is gone.

    The second look is a net: a process that the parent started may have inherited its end of
    the life line and would hold it open after the parent's death.
    """
    descriptor = sys.stdin.fileno()
    if os.name != "posix":
        while os.read(descriptor, 64):
            continue
        os._exit(0)
    poll = select.poll()
    poll.register(descriptor, select.POLLIN | select.POLLHUP)
    while os.getppid() == parent:
        if poll.poll(_WATCH_MILLISECONDS) and not os.read(descriptor, 64):
            break
    os._exit(0)
