"""``pytest --cloud`` runs what is meant for the cloud, and only with a key."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ASKED = ("tests/test_live.py::test_the_list_of_models_is_read", "tests/test_sse.py")


def run(*arguments: str, **environment: str) -> str:
    """What a run of pytest says in the end, with this environment and no key of the user's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GROQ_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_without_the_option_nothing_asks_the_cloud_even_with_a_key() -> None:
    """The key is taken out of the environment, and the live tests are skipped."""
    said = run(ASKED[0], GROQ_API_KEY="a-key-that-must-not-be-used")
    assert "needs --cloud" in said
    assert "1 skipped" in said


def test_with_the_option_and_no_key_everything_is_skipped_with_a_word() -> None:
    said = run("--cloud", *ASKED, "notebooks/11_fine_tunings.ipynb")
    assert "--cloud needs a key in GROQ_API_KEY" in said
    assert "not for --cloud: it runs offline" in said
    assert "closed beta in the cloud" in said
    assert "passed" not in said


@pytest.mark.engine
def test_with_the_option_and_a_key_the_live_tests_run(engine: object) -> None:
    """Here the local engine stands in for the cloud, under an address and a key."""
    said = run(
        "--cloud",
        ASKED[0],
        GROQ_API_KEY=engine.api_key,  # type: ignore[attr-defined]
        GROQ_BASE_URL=engine.base_url,  # type: ignore[attr-defined]
    )
    assert "1 passed" in said
