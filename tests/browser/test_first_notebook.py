"""The cookbook's first notebook in a real JupyterLab, answered by the small local model."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from .notebook_page import Moment, NotebookPage
from .tabs import Tabs

pytestmark = pytest.mark.browser

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "00_start.ipynb"
FOOTER = ".groqnb .gn-foot"
NOT_THE_ANSWER = "style, .gn-foot, .gn-live"
# Paints come every 50 ms or later. What follows one sooner is the page settling.
APART_MS = 50


@dataclass
class Ran:
    """The notebook after "Run All Cells", and what stood meanwhile under each `%%groq` cell."""

    notebook: NotebookPage
    moments: dict[int, list[Moment]]

    @property
    def first(self) -> int:
        """The cell of the first answer."""
        return min(self.moments)


@pytest.fixture(scope="module")
def ran(open_for_all: Tabs, small_model: None, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The notebook, run once for all tests that look at it, its committed outputs gone."""
    content = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
    bare = tmp_path_factory.mktemp("bare") / NOTEBOOK.name
    bare.write_text(json.dumps(content), encoding="utf-8")
    notebook = open_for_all(bare)
    cells = notebook.find("%%groq")
    for cell in cells:
        notebook.watch(cell, without=NOT_THE_ANSWER)
    notebook.start_all()
    notebook.wait(120)
    return Ran(notebook, {cell: notebook.watched(cell) for cell in cells})


def test_every_cell_runs(ran: Ran) -> None:
    """The notebook runs from top to bottom with no key: every code cell, and none fails."""
    cells = json.loads(ran.notebook.save().read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    failures = [out for cell in code for out in cell["outputs"] if out["output_type"] == "error"]
    assert failures == []


def test_the_answers_grow_on_the_page(ran: Ran) -> None:
    """Each answer's text grows while it streams, in one output that never jumps back."""
    counts = []
    for moments in ran.moments.values():
        words = [moment for moment in moments if moment.text.strip()]
        lengths = [len(moment.text) for moment in spaced(words)]
        assert all(a < b for a, b in itertools.pairwise(lengths)), lengths
        assert {moment.areas for moment in words} == {1}
        heights = [moment.height for moment in words]
        assert min(heights) == heights[0], f"the output collapsed between paints: {heights}"
        counts.append(len(lengths))
    # A model may answer in three words, but not always; a quick one leaves time for few paints.
    assert max(counts) >= 3, counts


def test_the_footer_says_who_answered_and_how_fast(ran: Ran) -> None:
    """Under the answer stand both models, tokens in and out, TTFT, tokens/s, the engine's badge."""
    footer = ran.notebook.seen(ran.first, FOOTER)
    assert "llama-3.3-70b-versatile" in footer
    assert "SmolLM2-135M-Instruct" in footer
    assert re.search(r"[1-9]\d* tokens in\b.* [1-9]\d* out\b", footer), footer
    assert re.search(r"TTFT \d+\.\d+ s\b", footer), footer
    assert re.search(r"[1-9]\d* tokens/s", footer), footer
    assert "local engine" in ran.notebook.seen(ran.first, ".gn-badge")


def test_the_page_asks_only_this_machine(ran: Ran) -> None:
    """While the notebook is open, every request of the page goes to this machine."""
    assert len(ran.notebook.heard.requests) > 50
    ran.notebook.heard.must_be_quiet()


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_both_themes_are_readable(ran: Ran, shots: Path, theme: str) -> None:
    """Answer, footer and badge have the contrast that readable text needs, in either theme."""
    notebook = ran.notebook
    notebook.theme(theme)
    for part in (".groqnb :is(p, li)", FOOTER, ".gn-badge"):
        assert notebook.contrast(ran.first, part) >= 4.5, part
    shade = theme.rpartition(" ")[2].lower()
    notebook.picture(shots / f"page_{shade}.png")
    notebook.picture(shots / f"answer_{shade}.png", ran.first)


def test_the_saved_answer_shows_without_a_kernel(
    ran: Ran, open_notebook: Tabs, shots: Path, tmp_path: Path
) -> None:
    """Reopened with no kernel and not trusted, the notebook still shows answer and footer."""
    answer = re.sub(r"\s+", "", ran.moments[ran.first][-1].text)
    content = json.loads(ran.notebook.save().read_text())
    # Of a kernel that is not here, so none is started; and changed, so it is not the one that
    # Lab signed when it saved it.
    content["metadata"] = {"kernelspec": {"name": "gone", "display_name": "", "language": "gone"}}
    copy = tmp_path / "copy.ipynb"
    copy.write_text(json.dumps(content))
    reopened = open_notebook(copy, kernel=False)
    assert not reopened.trusted(ran.first)
    seen = reopened.seen(ran.first)
    # A list's items stand in lines of their own: only the letters count.
    letters = re.sub(r"\s+", "", seen)
    assert answer[:60] in letters
    assert answer[-60:] in letters
    assert "SmolLM2-135M-Instruct" in seen
    assert "local engine" in seen
    assert "{" not in seen, "a style sheet stands there as text"
    reopened.picture(shots / "untrusted.png")


def spaced(moments: list[Moment]) -> Iterator[Moment]:
    """Of the moments, those that are at least APART_MS after the one before, and the last."""
    previous = float("-inf")
    for moment in moments:
        if moment.at - previous >= APART_MS:
            previous = moment.at
            yield moment
