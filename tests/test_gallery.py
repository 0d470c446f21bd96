"""The gallery tells each notebook's title, picture, minutes and features, as they are in it."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from markdown_it import MarkdownIt

from groqnb.cookbook import source
from groqnb.gallery import GALLERY, gallery, notebooks
from groqnb.thumbnails import HEIGHT, WIDTH, thumbnail

PNG = base64.b64encode(
    bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489")
).decode()


def write(
    folder: Path, name: str, *code: str, title: str = "Title: a thing", figure: str = ""
) -> None:
    output: dict[str, Any] = {"output_type": "display_data", "data": {"image/png": figure}}
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "source": [f"# {title}\n", "\n", "You get a thing. And more."]}
    ]
    cells += [
        {"cell_type": "code", "source": text, "outputs": [output] if figure else []}
        for text in code
    ]
    (folder / name).write_text(json.dumps({"cells": cells}), encoding="utf-8")


def test_it_shows_the_notebooks_own_words_under_the_tables_themes(tmp_path: Path) -> None:
    write(tmp_path, "00_first.ipynb", "1 + 1", title="First: why not?")
    write(tmp_path, "01_other.ipynb", title="Pipes | and such")
    (tmp_path / "README.md").write_text(
        "# Table\n\n## Basics\n\n| [Pipes](01_other.ipynb) |\n\n## More\n\n"
        "| [First](00_first.ipynb), [Pipes](01_other.ipynb) |\n",
        encoding="utf-8",
    )
    page = gallery(tmp_path)[GALLERY].decode()
    themes = re.findall(r"^## (.+)$", page, flags=re.MULTILINE)
    assert themes == ["More", "Basics"]
    assert "**[First](00_first.ipynb)**: why not? You get a thing." in page
    html = MarkdownIt().enable("table").render(page)
    assert '<a href="01_other.ipynb">Pipes | and such</a>' in html


def test_features_are_what_the_code_uses_and_few_others_do(tmp_path: Path) -> None:
    write(tmp_path, "00_a.ipynb", "%%groq --tools f -o x\nHello", "groqnb.show(1)", "%groq help")
    write(tmp_path, "01_b.ipynb", "%%groq\nHello", "client.audio.speech.create(input='x')")
    write(tmp_path, "02_c.ipynb", "df.groq.map('{x}')", "groqnb.catalog.x", "groqnb.ReplayError")
    a, b, c = notebooks(tmp_path)
    assert a.features == ("%%groq --tools", "groqnb.show", "%%groq")
    assert b.features == ("audio.speech.create", "%%groq")
    assert c.features == ("df.groq.map",)


def test_minutes_grow_with_words_and_cells(tmp_path: Path) -> None:
    write(tmp_path, "00_a.ipynb", "1")
    write(tmp_path, "01_b.ipynb", *["1"] * 20, title="word " * 400)
    short, long = notebooks(tmp_path)
    assert short.minutes == 1
    assert long.minutes == 13


def test_a_picture_is_the_first_figure_or_the_first_code(tmp_path: Path) -> None:
    write(tmp_path, "00_a.ipynb", "import groqnb", "draw()", figure=PNG)
    write(tmp_path, "01_b.ipynb", "import groqnb", 'if 1 < 2 and "<script>":\n    pass')
    files = gallery(tmp_path)
    drawn = ElementTree.fromstring(files["gallery/00_a.svg"])
    image = drawn.find("{http://www.w3.org/2000/svg}image")
    assert image is not None
    assert image.attrib["href"] == f"data:image/png;base64,{PNG}"
    written = ElementTree.fromstring(files["gallery/01_b.svg"])
    lines = [node.text for node in written.iter("{http://www.w3.org/2000/svg}text")]
    assert lines == ['if 1 < 2 and "<script>":', "    pass", None]
    assert not written.findall("{http://www.w3.org/2000/svg}script")
    for picture in (drawn, written):
        assert (picture.attrib["width"], picture.attrib["height"]) == (str(WIDTH), str(HEIGHT))


def test_a_notebook_without_code_has_a_picture_too() -> None:
    ElementTree.fromstring(thumbnail([{"cell_type": "markdown", "source": "# Only words"}]))


def test_the_cookbooks_own_gallery_is_whole_and_small() -> None:
    """Every notebook has its row; every link and picture leads to a file; few kilobytes each."""
    files = gallery(source())
    page = files[GALLERY].decode()
    names = {path.name for path in source().glob("*.ipynb")}
    linked = {name for name in re.findall(r"\]\(([^)]+)\)", page) if "://" not in name}
    assert linked == names | (set(files) - {GALLERY})
    for notebook in notebooks(source()):
        assert notebook.gives.endswith((".", "?", "!", ":")), notebook.name
        assert 1 <= notebook.minutes <= 45, notebook.name
    assert sum(map(len, files.values())) < 2_000_000
