"""The cookbook is copied whole, and what a user changed in the copy stays theirs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from groqnb.cookbook import FIRST, copy_to, source

NOTEBOOKS = sorted(source().glob("*.ipynb"))


def test_a_first_copy_holds_every_notebook(tmp_path: Path) -> None:
    done = copy_to(tmp_path / "book")
    assert FIRST in done.new
    assert not done.kept
    for path in NOTEBOOKS:
        assert (tmp_path / "book" / path.name).read_bytes() == path.read_bytes()


def test_a_second_copy_changes_nothing_and_keeps_what_the_user_wrote(tmp_path: Path) -> None:
    copy_to(tmp_path)
    mine = tmp_path / FIRST
    mine.write_text("mine", encoding="utf-8")
    done = copy_to(tmp_path)
    assert done.kept == [FIRST]
    assert not done.new
    assert mine.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_notebooks_hold_no_error_no_widget_state_and_no_key(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    notebook = json.loads(text)
    assert "widgets" not in notebook["metadata"]
    assert "gsk_" not in text
    assert path.stat().st_size < 300_000
    for cell in notebook["cells"]:
        kinds = [output["output_type"] for output in cell.get("outputs", [])]
        assert "error" not in kinds


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_cells_are_short_enough_to_read(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert len("".join(cell["source"]).splitlines()) <= 15
