"""What happens on a machine without Chrome or Chromium; these tests need none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from . import chromium

NEEDS_A_BROWSER = Path(__file__).with_name("test_lab_itself.py")


@pytest.mark.parametrize(("ci", "outcome"), [("", "2 skipped"), ("true", "2 errors")])
def test_a_missing_browser_skips_here_and_fails_in_ci(ci: str, outcome: str) -> None:
    """Without Chrome or Chromium the tests skip and say why; in CI that is a failure."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rsE"]
    done = subprocess.run(
        [*command, str(NEEDS_A_BROWSER)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"CI": ci, "GROQNB_CHROME": "/no/such/chrome"},
    )
    assert outcome in done.stdout
    assert "GROQNB_CHROME is '/no/such/chrome', and there is no such program" in done.stdout


def test_no_browser_anywhere_is_said_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no browser is found, the message says what to install or to set."""
    monkeypatch.delenv("GROQNB_CHROME", raising=False)
    monkeypatch.setattr(chromium, "_places", lambda: iter([Path("/no/such/chrome")]))
    with pytest.raises(chromium.NoBrowser, match=r"install one, .* or set GROQNB_CHROME"):
        chromium.find()
