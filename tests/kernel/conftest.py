"""One kernel for all these tests, and a server on loopback for its calls."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from chat_server import KEY, ChatServer
from jupyter_client.manager import KernelManager

from .frontend import FrontEnd


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.kernel)


@pytest.fixture(scope="session")
def chat_server() -> Iterator[ChatServer]:
    with ChatServer() as running:
        yield running


@pytest.fixture(scope="session")
def environment(
    chat_server: ChatServer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The environment of a kernel whose calls go to the server here."""
    folder = tmp_path_factory.mktemp("ipython")
    return {
        **os.environ,
        "IPYTHONDIR": str(folder),
        "GROQ_BASE_URL": chat_server.url,
        "GROQ_API_KEY": KEY,
    }


@pytest.fixture(scope="session")
def kernel(environment: dict[str, str]) -> Iterator[FrontEnd]:
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env=environment)
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=240)
    front = FrontEnd(manager, client)
    assert front.run("%load_ext groqnb").reply["status"] == "ok"
    yield front
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.fixture
def front(kernel: FrontEnd, chat_server: ChatServer) -> FrontEnd:
    """The kernel with an empty session and the extension loaded."""
    chat_server.hung_up.clear()
    kernel.run(
        "import groqnb.session as _s\n"
        "_s.session.close(); _s.Session.__init__(_s.session, settings={'max_retries': 0})"
    )
    kernel.run("%load_ext groqnb")
    kernel.drain()
    return kernel
