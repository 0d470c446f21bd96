"""What tests of several folders share: local engines with the small model, shells for magics."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from groqnb.local.process import Engine

if TYPE_CHECKING:
    from chat_server import ChatServer
    from IPython.core.interactiveshell import InteractiveShell

# Processes that share the tests are deaf to Ctrl-C, and so would be all that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

Serve = Callable[..., AbstractContextManager[Engine]]


@contextmanager
def _serve(*options: str) -> Iterator[Engine]:
    environment = {name: value for name, value in os.environ.items() if name != "GROQ_API_KEY"}
    with subprocess.Popen(
        [sys.executable, "-m", "groqnb", "serve", "--model", "small", *options],
        stdout=subprocess.PIPE,
        env=environment,
    ) as child:
        assert child.stdout is not None
        try:
            line = child.stdout.readline()
            assert line, f"groqnb serve ended with {child.wait()}"
            yield Engine(**json.loads(line))
        finally:
            child.terminate()


@pytest.fixture(scope="session")
def serve() -> Serve:
    """`with serve("--plan", "free") as engine:` runs an engine of the test's own."""
    from groqnb.local import weights

    weights.ensure("small")
    return _serve


@pytest.fixture(scope="session")
def engine(serve: Serve) -> Iterator[Engine]:
    """`groqnb serve --model small`: real HTTP, the real small model, no rate limits."""
    with serve() as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def main() -> Iterator[None]:
    """A shell makes a main module of its own, and ``%reset`` empties it: the old one comes back."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before


@pytest.fixture(autouse=True)
def as_a_new_kernel() -> Iterator[None]:
    """Each test begins with no calls, no budget and nothing spent, and leaves no file open.

    Ctrl-C is what it was, too: a map that a failed test never ended would keep it.
    """
    from groqnb.ledger import recorder
    from groqnb.ledger.watch import watch

    watch.__init__()  # type: ignore[misc]
    interrupt = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, interrupt)
    for store in list(recorder._stores.values()):
        store.close()
    recorder._stores.clear()


@pytest.fixture(scope="module")
def shell() -> Iterator[InteractiveShell]:
    """A shell of IPython, one for a module's tests."""
    from IPython.core.interactiveshell import InteractiveShell

    InteractiveShell.clear_instance()
    made = InteractiveShell.instance()
    made.history_manager.enabled = False
    yield made
    made.run_line_magic("reset", "-f")
    InteractiveShell.clear_instance()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[ChatServer]:
    """A server on loopback that the magics ask; its key is in the environment."""
    from chat_server import KEY, ChatServer

    monkeypatch.chdir(tmp_path)
    with ChatServer() as running:
        monkeypatch.setenv("GROQ_BASE_URL", running.url)
        monkeypatch.setenv("GROQ_API_KEY", KEY)
        yield running


@pytest.fixture
def ip(shell: InteractiveShell, server: ChatServer) -> Iterator[InteractiveShell]:
    """A shell as in a notebook: what it displays can be updated, and is collected."""
    from IPython.core.displaypub import CapturingDisplayPublisher

    from groqnb.session import Session, session

    Session.__init__(session)
    for name in ("_groq", "answer"):
        shell.user_ns.pop(name, None)
    shell.display_pub = CapturingDisplayPublisher()
    shell.run_line_magic("load_ext", "groqnb")
    yield shell
    shell.run_line_magic("unload_ext", "groqnb")
    session.close()
    Session.__init__(session)
