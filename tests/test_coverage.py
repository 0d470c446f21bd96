"""The table in ``notebooks/README.md`` is true: each feature is in the notebook that it names."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from refresh_notebooks import FOLDER, read

import groqnb
from groqnb import patterns
from groqnb.types.charts import Chart

# The pages of Groq's documentation, in the order of its menu.
PAGES = """
Overview; Quickstart; OpenAI Compatibility; Responses API; Models; Rate Limits; Examples;
Text Generation; Speech to Text; Text to Speech; Images and Vision; Reasoning; Structured Outputs;
Web Search; Browser Search; Visit Website; Browser Automation; Code Execution; Wolfram Alpha;
Compound: Overview; Compound: Systems; Compound: Built-In Tools; Compound: Use Cases;
Batch Processing; Flex Processing; Content Moderation; Prefilling; Tool Use; LoRA Inference;
Prompt Basics; Prompt Patterns; Model Migration; Prompt Caching;
Optimizing Latency; Production Checklist; Groq Libraries; Groq Badge; Integrations Catalog;
Spend Limits; Projects; Billing FAQs; Your Data; Errors
"""
DOCUMENTED = {page.strip() for page in PAGES.split(";")}
WIDGETS = {
    "AudioRecorder",
    "BatchMonitor",
    "ChatPanel",
    "ImagePicker",
    "Playground",
    "SpeechPlayer",
    "UsageMeter",
}
MADE_BY = {"ChatPanel": "groqnb.chat"}


class Row(NamedTuple):
    """One line of the table."""

    feature: str
    notebooks: tuple[str, ...]
    words: tuple[str, ...]
    offline: str
    pages: tuple[str, ...]


def _rows() -> list[Row]:
    rows = []
    for line in (FOLDER / "README.md").read_text(encoding="utf-8").splitlines():
        if not line.startswith("| ") or line.startswith("| Feature |"):
            continue
        feature, notebooks, words, offline, pages = line.strip("| ").split(" | ")
        links = tuple(re.findall(r"\[\d\d\]\((\d\d_\w+\.ipynb)\)", notebooks))
        named = tuple(page for page in pages.split("; ") if page != "–")
        rows.append(Row(feature, links, tuple(re.findall("`([^`]+)`", words)), offline, named))
    return rows


ROWS = _rows()
each = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.feature)


@cache
def code(name: str) -> str:
    """The code of a notebook; empty where it is still to come."""
    path = FOLDER / name
    return "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "code")


def test_every_notebook_is_in_the_table_and_every_named_one_exists() -> None:
    there = {path.name for path in FOLDER.glob("*.ipynb")}
    named = {name for row in ROWS for name in row.notebooks}
    assert there - named == set(), "without a row"
    assert named - there == set(), "in the table alone"


def test_every_page_of_the_documentation_has_a_row() -> None:
    named = {page for row in ROWS for page in row.pages}
    assert DOCUMENTED - named == set(), "without a row"
    assert named - DOCUMENTED == set(), "no such page"


@each
def test_a_row_is_whole(row: Row) -> None:
    """It names a notebook, what to look for there, and says plainly what works offline."""
    assert row.notebooks
    assert row.words
    assert re.match(r"(yes|in part|no)\b", row.offline)


@each
def test_the_notebook_uses_the_feature(row: Row) -> None:
    """Each word stands in the code of a notebook of its row, and each notebook has one of them."""
    codes = {name: code(name) for name in row.notebooks if code(name)}
    if not codes:
        return
    for word in row.words:
        assert any(word in text for text in codes.values()), word
    for name, text in codes.items():
        assert any(word in text for word in row.words), name


@pytest.mark.parametrize("name", sorted(WIDGETS))
def test_every_widget_has_a_row(name: str) -> None:
    assert name in groqnb.__all__
    words = " ".join(word for row in ROWS for word in row.words)
    assert MADE_BY.get(name, name) in words


def test_every_widget_is_known_here() -> None:
    """A class of a widget that is made public is in the list above."""
    modules = {path.stem for path in (Path(groqnb.__file__).parent / "widgets").glob("*.py")}
    public = {
        name
        for name in groqnb.__all__
        if name[0].isupper() and re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() in modules
    }
    assert public | {"AudioRecorder"} == WIDGETS


def test_each_of_the_ten_patterns_is_called() -> None:
    """The notebook of patterns uses every function of `groqnb.patterns` that asks or is sent."""
    shown = code("41_prompt_patterns.ipynb")
    names = set(re.findall(r"patterns\.(\w+)\(", shown))
    asked = {name for name in patterns.__all__ if name[0].islower()} - {"final_answer"}
    assert names >= asked
    assert len(asked) == 10


def test_each_type_of_chart_is_shown() -> None:
    """The notebook of charts has a figure of each documented type."""
    shown = code("12_charts.ipynb")
    for kind in ("bar", "line", "scatter", "pie", "box_and_whisker", "superchart", "unknown"):
        assert f'"{kind}"' in shown
    assert Chart.__name__ in shown
