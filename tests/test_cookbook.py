"""The cookbook is copied whole, and what a user changed in the copy stays theirs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from groqnb import cookbook
from groqnb.cookbook import FIRST, GALLERY, LIST, Copied, copy_to, source
from groqnb.lab import told, trust

NOTEBOOKS = sorted(source().glob("*.ipynb"))


@pytest.fixture
def copy_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Copied]:
    """Copy a cookbook with these titles into one folder, as each version of groqnb would."""

    def copy(**titles: str) -> Copied:
        origin = tmp_path / f"origin{len(list(tmp_path.iterdir()))}"
        origin.mkdir()
        for name, title in titles.items():
            notebook = {"cells": [{"cell_type": "markdown", "source": f"# {title}\n\nAll."}]}
            (origin / f"{name}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
        monkeypatch.setattr("groqnb.cookbook.source", lambda: origin)
        return copy_to(tmp_path / "copy")

    return copy


def title_of(done: Copied, name: str) -> str:
    cells = json.loads((done.folder / name).read_text(encoding="utf-8"))["cells"]
    return str(cells[0]["source"]).partition("\n")[0]


def test_a_first_copy_holds_every_notebook_and_the_gallery(tmp_path: Path) -> None:
    done = copy_to(tmp_path / "book")
    assert {FIRST, GALLERY} <= set(done.new)
    assert not done.kept
    for path in NOTEBOOKS:
        assert (tmp_path / "book" / path.name).read_bytes() == path.read_bytes()


def test_a_second_copy_changes_nothing_and_keeps_what_the_user_wrote(tmp_path: Path) -> None:
    copy_to(tmp_path)
    mine = tmp_path / FIRST
    mine.write_text("mine", encoding="utf-8")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    done = copy_to(tmp_path)
    assert done.kept == [FIRST]
    assert not done.new
    assert not done.updated
    assert not done.newer
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert mine.read_text(encoding="utf-8") == "mine"


def test_an_upgrade_renews_what_the_user_left_alone(copy_of: Callable[..., Copied]) -> None:
    copy_of(a="Old A", b="Old B")
    done = copy_of(a="New A", b="Old B", c="C")
    assert "a.ipynb" in done.updated
    assert "b.ipynb" in done.same
    assert "c.ipynb" in done.new
    assert not done.kept
    assert title_of(done, "a.ipynb") == "# New A"
    assert "New A" in (done.folder / GALLERY).read_text(encoding="utf-8")


def test_an_upgrade_keeps_what_the_user_changed_and_tells_that_ours_is_newer(
    copy_of: Callable[..., Copied],
) -> None:
    first = copy_of(a="Old A", b="Old B")
    mine = first.folder / "a.ipynb"
    mine.write_text("mine", encoding="utf-8")
    for _ in range(2):  # it stays theirs, and stays told, at every later start
        done = copy_of(a="New A", b="Old B")
        assert done.kept == ["a.ipynb"]
        assert done.newer == ["a.ipynb"]
        assert mine.read_text(encoding="utf-8") == "mine"
    assert "newer" in told(done)
    mine.unlink()
    again = copy_of(a="New A", b="Old B")
    assert again.new == ["a.ipynb"]
    assert title_of(again, "a.ipynb") == "# New A"


def test_a_notebook_that_was_only_opened_is_renewed_and_one_that_was_run_is_kept(
    copy_of: Callable[..., Copied],
) -> None:
    """Lab saves what was only opened, in its own form; the outputs of a run are the user's."""
    folder = copy_of(a="Old A", b="Old B").folder
    for name, outputs in (("a", []), ("b", [{"output_type": "stream", "text": "mine"}])):
        path = folder / f"{name}.ipynb"
        notebook = json.loads(path.read_text(encoding="utf-8"))
        notebook["metadata"] = {"language_info": {"version": "3.13.9"}}
        for cell in notebook["cells"]:
            cell["source"] = cell["source"].splitlines(keepends=True)
            cell["metadata"] = {}
            if outputs:
                cell["outputs"] = outputs
        path.write_text(json.dumps(notebook, indent=1), encoding="utf-8")
    done = copy_of(a="New A", b="New B")
    assert "a.ipynb" in done.updated
    assert done.kept == ["b.ipynb"]


def test_what_is_ours_is_signed_and_what_the_user_changed_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lab trusts the outputs that the cookbook comes with, and no others."""
    nbformat = pytest.importorskip("nbformat")
    from nbformat.sign import NotebookNotary

    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    mine = tmp_path / "book" / "02_chat.ipynb"
    copy_to(tmp_path / "book")
    notebook = nbformat.read(mine, as_version=4)
    notebook.cells[1].source = "print('mine')"
    nbformat.write(notebook, mine)
    trust(copy_to(tmp_path / "book"))
    notary = NotebookNotary()
    signed = {
        path.name
        for path in (tmp_path / "book").glob("*.ipynb")
        if notary.check_signature(nbformat.read(path, as_version=4))
    }
    notary.store.close()
    assert signed == {path.name for path in source().glob("*.ipynb")} - {mine.name}


def test_a_file_that_was_there_before_is_the_users(copy_of: Callable[..., Copied]) -> None:
    folder = copy_of(a="A").folder
    (folder / LIST).unlink()
    (folder / "a.ipynb").write_text("mine", encoding="utf-8")
    (folder / "b.ipynb").mkdir()
    done = copy_of(a="New A", b="B")
    assert {"a.ipynb", "b.ipynb"} <= set(done.kept)
    assert (folder / "a.ipynb").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("broken", ["", "[]", '{"files": 3}', "{", '{"files": {"a.ipynb": 1}}'])
def test_a_broken_list_makes_every_change_the_users(
    copy_of: Callable[..., Copied], broken: str
) -> None:
    folder = copy_of(a="A").folder
    (folder / LIST).write_text(broken, encoding="utf-8")
    done = copy_of(a="New A")
    assert "a.ipynb" in done.kept
    assert title_of(done, "a.ipynb") == "# A"


def test_an_interrupted_update_goes_on_at_the_next_start(
    copy_of: Callable[..., Copied], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was written before the interrupt is whole, and counts as ours afterwards."""
    copy_of(a="Old A", b="Old B")
    whole = cookbook._write

    def interrupted(path: Path, content: bytes) -> None:
        if path.name == "b.ipynb":
            raise KeyboardInterrupt
        whole(path, content)

    with monkeypatch.context() as patched:
        patched.setattr("groqnb.cookbook._write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            copy_of(a="New A", b="New B")
    done = copy_of(a="Newest A", b="Newest B")
    assert not done.kept
    assert title_of(done, "a.ipynb") == "# Newest A"
    assert title_of(done, "b.ipynb") == "# Newest B"
    assert not list(done.folder.glob(".*.part"))


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
