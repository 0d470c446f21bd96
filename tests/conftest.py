"""What tests of several folders share: one local engine with the small model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from groqnb.local.process import Engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """`groqnb serve --model small`: real HTTP, the real small model, no rate limits."""
    from groqnb.local import weights

    weights.ensure("small")
    environment = {name: value for name, value in os.environ.items() if name != "GROQ_API_KEY"}
    with subprocess.Popen(
        [sys.executable, "-m", "groqnb", "serve", "--model", "small"],
        stdout=subprocess.PIPE,
        env=environment,
    ) as child:
        assert child.stdout is not None
        line = child.stdout.readline()
        assert line, f"groqnb serve ended with {child.wait()}"
        yield Engine(**json.loads(line))
        child.terminate()
