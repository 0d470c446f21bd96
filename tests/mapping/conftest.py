"""What tests of maps share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers that one test kept are no other test's."""
    monkeypatch.setenv("GROQNB_DATA_DIR", str(tmp_path / "data"))
