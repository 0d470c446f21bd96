"""What tests of several folders share: local engines with the small model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from groqnb.local.process import Engine

# Tests never meet the user's key or cloud, and the small model serves wherever a model must.
for _name in ("GROQ_API_KEY", "GROQ_BASE_URL"):
    os.environ.pop(_name, None)
os.environ.setdefault("GROQNB_LOCAL_MODEL", "small")

# Nor do they leave files and batches in the user's folder.
_data = tempfile.TemporaryDirectory(prefix="groqnb-tests-", ignore_cleanup_errors=True)
os.environ["GROQNB_DATA_DIR"] = _data.name

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
