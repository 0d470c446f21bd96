"""For every run of pytest, of the tests as of the notebooks: who answers, and from which folder.

    pytest                              everything, offline: by the local engine, without any key
    GROQ_API_KEY=… pytest --cloud       the notebooks and the live tests, by Groq's cloud
    GROQ_API_KEY=… pytest --cloud notebooks/02_chat.ipynb

Without ``--cloud`` no test meets the user's key or the cloud. With it, calls cost money, and what
only the local engine can show is left out, with a word. ``GROQ_BASE_URL`` points it at another
server with the same API.
"""

from __future__ import annotations

import os
import tempfile

import pytest

KEY = "GROQ_API_KEY"
# What a notebook of the cookbook needs beyond an answer in seconds.
NOT_IN_THE_CLOUD = {
    "10_files_and_batches": "a batch may take a day in the cloud",
    "11_fine_tunings": "it asks the local engine: fine tunings are a closed beta in the cloud",
    "35_batches_of_rows": "a batch may take a day in the cloud",
    "57_batch_monitor": "a batch may take a day in the cloud",
}

_data = pytest.StashKey[tempfile.TemporaryDirectory[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--cloud``."""
    parser.addoption(
        "--cloud",
        action="store_true",
        help=f"run the notebooks and the live tests against Groq's cloud (needs {KEY}; costs)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """The environment of all tests, before any of them is read."""
    if not config.getoption("--cloud"):
        for name in (KEY, "GROQ_BASE_URL"):
            os.environ.pop(name, None)
    # Where the local engine answers: some notebooks start one of their own, with a key as well.
    os.environ.setdefault("GROQNB_LOCAL_MODEL", "small")
    # Engines of processes that share the tests share the cores too: threads that wait for one that
    # has none cost each of them three times the time and more.
    sharing = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if sharing > 1:
        threads = max(1, (os.cpu_count() or 1) // sharing)
        os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    # What they write stays out of the user's folder.
    folder = tempfile.TemporaryDirectory(prefix="groqnb-tests-", ignore_cleanup_errors=True)
    config.stash[_data] = folder
    os.environ["GROQNB_DATA_DIR"] = folder.name


def pytest_unconfigure(config: pytest.Config) -> None:
    """Nothing of it is left."""
    config.stash[_data].cleanup()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what does not belong to this kind of run, and say why."""
    cloud = config.getoption("--cloud")
    for item in items:
        reason = _in_the_cloud(item) if cloud else _offline(item)
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


def _offline(item: pytest.Item) -> str | None:
    return "needs --cloud" if item.get_closest_marker("cloud") else None


def _in_the_cloud(item: pytest.Item) -> str | None:
    if item.path.suffix == ".ipynb":
        reason = NOT_IN_THE_CLOUD.get(item.path.stem)
    elif item.get_closest_marker("cloud"):
        reason = None
    else:
        reason = "not for --cloud: it runs offline"
    return reason or (None if os.environ.get(KEY) else f"--cloud needs a key in {KEY}")
