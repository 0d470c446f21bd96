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


SVG = "{http://www.w3.org/2000/svg}"


def write(
    folder: Path,
    name: str,
    *code: str,
    title: str = "Title: a thing",
    figure: str = "",
    shown: str = "",
) -> None:
    data = {"image/png": figure} if figure else {"text/plain": shown}
    output: dict[str, Any] = {"output_type": "display_data", "data": data}
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "source": [f"# {title}\n", "\n", "You get a thing. And more."]}
    ]
    cells += [
        {"cell_type": "code", "source": text, "outputs": [output] if figure or shown else []}
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
    write(tmp_path, "03_d.ipynb", "from groqnb import Chart\nChart.from_json('')", "chart.plot()")
    write(tmp_path, "04_e.ipynb", "if have:\n    import litellm", "%groq\n\nimport os")
    a, b, c, d, e = notebooks(tmp_path)
    assert a.features == ("%%groq --tools", "groqnb.show", "%%groq")
    assert b.features == ("audio.speech.create", "%%groq")
    assert c.features == ("df.groq.map",)
    assert d.features == ("groqnb.Chart.from_json", "chart.plot")
    assert e.features == ("litellm",)


def test_minutes_grow_with_words_and_cells(tmp_path: Path) -> None:
    write(tmp_path, "00_a.ipynb", "1")
    write(tmp_path, "01_b.ipynb", *["1"] * 20, title="word " * 400)
    short, long = notebooks(tmp_path)
    assert short.minutes == 1
    assert long.minutes == 13


def drawn(folder: Path, name: str) -> ElementTree.Element:
    """The gallery's picture of a notebook."""
    return ElementTree.fromstring(gallery(folder)[f"gallery/{name}.svg"])


def lines(picture: ElementTree.Element) -> list[str | None]:
    return [node.text for node in picture.iter(f"{SVG}text")]


def image(picture: ElementTree.Element) -> str | None:
    """The address of the image in a picture, if there is one."""
    found = picture.find(f"{SVG}image")
    return None if found is None else found.attrib["href"]


def test_a_picture_is_the_first_figure(tmp_path: Path) -> None:
    write(tmp_path, "00_a.ipynb", "import groqnb", "draw()", figure=PNG)
    picture = drawn(tmp_path, "00_a")
    assert image(picture) == f"data:image/png;base64,{PNG}"
    assert (picture.attrib["width"], picture.attrib["height"]) == (str(WIDTH), str(HEIGHT))


def test_without_a_figure_it_is_the_first_picture_in_the_text(tmp_path: Path) -> None:
    """Of the cookbook's own files only; without such a file, the code."""
    book = tmp_path / "book"
    (book / "images").mkdir(parents=True)
    for path in (tmp_path / "secret.png", book / "images" / "a.png"):
        path.write_bytes(path.name.encode())
    outside = (tmp_path / "secret.png").as_posix()
    others = f"![](../secret.png) ![]({outside}) ![](https://example.com/x.png) ![](gone.png)"
    write(book, "00_a.ipynb", "1", title=f"A\n\n{others} ![A widget](images/a.png)")
    write(book, "01_b.ipynb", "1", title=f"B\n\n{others}")
    write(book, "02_c.ipynb", "1", title="C\n\n![A widget](images/a.png)", figure=PNG)
    assert (
        image(drawn(book, "00_a")) == "data:image/png;base64," + base64.b64encode(b"a.png").decode()
    )
    assert image(drawn(book, "01_b")) is None
    assert lines(drawn(book, "01_b")) == ["1"]
    assert image(drawn(book, "02_c")) == f"data:image/png;base64,{PNG}"


def test_without_any_it_is_the_first_answer_below_its_code(tmp_path: Path) -> None:
    """Who answered is left out, and what only gets ready; all of it is text."""
    ask = "import groqnb\n\n%load_ext groqnb\nask('<script>')"
    write(tmp_path, "00_a.ipynb", ask, shown="1 < 2, & so\non.\n\n— local engine · 3 tokens in")
    write(tmp_path, "01_b.ipynb", "import groqnb", 'if 1 < 2 and "<script>":\n\n    pass')
    write(tmp_path, "02_c.ipynb", "ask()", shown="word " * 400)
    assert lines(drawn(tmp_path, "00_a")) == ["ask('<script>')", "1 < 2, & so", "on."]
    assert lines(drawn(tmp_path, "01_b")) == ['if 1 < 2 and "<script>":', "    pass"]
    long = list(drawn(tmp_path, "02_c").iter(f"{SVG}text"))
    assert all(float(node.attrib["y"]) < HEIGHT for node in long)
    assert all(len(node.text or "") <= 40 for node in long)


def test_a_feature_with_hyphens_is_not_broken_into_two_lines(tmp_path: Path) -> None:
    """And it is copied as it is, without signs that nobody sees."""
    write(tmp_path, "00_a.ipynb", "%%groq --as x\nHello", "groqnb.show(1)")
    page = gallery(tmp_path)[GALLERY].decode()
    html = MarkdownIt().enable("table").render(page)
    assert '<code class="literal"><nobr>%%groq --as</nobr></code>' in html
    assert "<code>groqnb.show</code>" in html


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
        assert notebook.features, notebook.name
    assert sum(map(len, files.values())) < 2_000_000
