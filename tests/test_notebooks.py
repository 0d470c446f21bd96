"""The cookbook's notebooks keep its form, and what is committed of their outputs is clean."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from refresh_notebooks import FOLDER, normal, read, text_of

PATHS = sorted(FOLDER.glob("*.ipynb"))
MOST_LINES = 15
MOST_BYTES = 300_000
MOST_BYTES_OF_A_PICTURE = 60_000
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# What a reader of another machine has no use for, or what nobody else should see.
PRIVATE = {
    "a key": r"\bgsk_\w",
    "a port": r"\b(?:127\.0\.0\.1|localhost|0\.0\.0\.0):\d",
    "a path of this machine": r"(?<![\w.:/>])/(?:home|root|tmp|usr|opt|mnt|var|Users|work)/\w",
    "a path of Windows": r"\b[A-Z]:\\\\?\w",
    "the address of an object": r"\bat 0x[0-9a-f]{6,}",
}

each = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook: Any) -> str:
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def shown(cell: Any) -> list[str]:
    """The texts that a cell shows, of every kind but pictures."""
    texts = []
    for output in cell.outputs:
        texts.append(output.get("text", ""))
        texts += [
            value
            for kind, value in output.get("data", {}).items()
            if isinstance(value, str) and kind != "image/png"
        ]
    return texts


@each
def test_it_is_numbered_named_and_titled(path: Path) -> None:
    """Its name begins with a number of its own, and its first cell with a title."""
    assert re.fullmatch(r"\d\d_[a-z]+(_[a-z]+)*", path.stem)
    assert sum(other.stem[:2] == path.stem[:2] for other in PATHS) == 1
    first = read(path).cells[0]
    assert first.cell_type == "markdown"
    assert re.match(r"# \S.*\n\n\S", first.source), "a title, then what you get"


@each
def test_cells_are_short_and_have_ids_that_stay(path: Path) -> None:
    """No cell of code is longer than a screen, and ids are words, not random numbers."""
    notebook = read(path)
    for cell in code_cells(notebook):
        assert len(cell.source.splitlines()) <= MOST_LINES, cell.source
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z-]+-\d\d", name) for name in ids), ids


@each
def test_it_ends_with_an_exercise(path: Path) -> None:
    """The last heading is "Try it yourself"."""
    headings = re.findall(r"^#+ (.+)$", prose(read(path)), flags=re.M)
    assert headings[-1] == "Try it yourself"


@pytest.mark.parametrize(("path", "following"), list(pairwise(PATHS)), ids=lambda path: path.stem)
def test_it_leads_to_the_next(path: Path, following: Path) -> None:
    """Its last words link to the notebook that follows it."""
    last = read(path).cells[-1]
    assert last.cell_type == "markdown"
    assert re.search(rf"^Next: \[.+\]\({following.name}\)", last.source, flags=re.M)


@each
def test_links_inside_the_cookbook_lead_somewhere(path: Path) -> None:
    """What is no address of the web is a file of the cookbook."""
    for target in LINK.findall(prose(read(path))):
        if not re.match(r"(https?:|#)", target):
            assert (FOLDER / target.partition("#")[0]).is_file(), target


@each
def test_its_pictures_are_told_in_words(path: Path) -> None:
    """Who sees no picture hears a sentence about it."""
    for words in re.findall(r"!\[([^\]]*)\]\(", prose(read(path))):
        assert re.fullmatch(r"[A-Z].{30,}\.", words), words


def test_every_picture_is_small_and_shown() -> None:
    """`tests/refresh_pictures.py` makes them, each for the notebook whose name it has."""
    shown = "".join(prose(read(path)) for path in PATHS)
    for picture in (FOLDER / "images").iterdir():
        if picture.name != "start.png":  # the README's
            assert (FOLDER / f"{picture.stem}.ipynb").is_file(), picture.name
            assert f"](images/{picture.name})" in shown, picture.name
            assert picture.stat().st_size <= MOST_BYTES_OF_A_PICTURE, picture.name


@each
def test_it_shows_one_run_from_top_to_bottom(path: Path) -> None:
    """It is committed with its outputs: every cell ran once, in order, and none failed."""
    cells = code_cells(read(path))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output.get("text")


@each
def test_its_outputs_tell_nothing_of_the_machine(path: Path) -> None:
    """No key, port, path or address is in what it shows, nor a key anywhere in the file."""
    for cell in code_cells(read(path)):
        for text in shown(cell):
            for what, pattern in PRIVATE.items():
                found = re.search(pattern, text)
                assert not found, f"{what} in cell {cell.id}: {found and found[0]}"
    assert "gsk_" not in path.read_text(encoding="utf-8")


@each
def test_its_file_is_small_and_in_normal_form(path: Path) -> None:
    """`tests/refresh_notebooks.py` wrote it: no widget state, no times, one form for everybody."""
    text = path.read_text(encoding="utf-8")
    assert text == text_of(normal(read(path)))
    assert len(text.encode()) < MOST_BYTES


def test_every_file_of_data_has_a_line_that_says_where_it_is_from() -> None:
    """The data's README names each file, and its licence."""
    told = (FOLDER / "data" / "README.md").read_text(encoding="utf-8")
    assert "CC0" in told
    for file in (FOLDER / "data").iterdir():
        assert file.name == "README.md" or f"`{file.name}`" in told, file.name
