"""A notebook run without a front end is saved readable, and holds no secret."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from chat_server import KEY
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter


def notebook(*cells: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


@pytest.fixture(scope="module")
def saved(environment: dict[str, str]) -> nbformat.NotebookNode:
    made = notebook(
        "%load_ext groqnb",
        "%%groq\ncount 20 every 0.02",
        "%%groq\na table:\n\n| a | b |\n|---|---|\n| <script>x</script> | $y$ |",
        "%groq",
        "assert _groq.text",
    )
    NotebookClient(made, timeout=240).execute(env=environment)
    return made


def test_it_keeps_the_last_paint_alone(saved: nbformat.NotebookNode) -> None:
    (output,) = saved.cells[1].outputs
    assert output.output_type == "display_data"
    assert "w0 w1" in output.data["text/plain"]
    assert "w19" in output.data["text/plain"]
    assert "llama-3.3-70b-versatile" in output.data["text/plain"]
    assert "asking" not in output.data["text/html"]


def test_it_is_a_valid_notebook_without_secret_or_address(saved: nbformat.NotebookNode) -> None:
    nbformat.validate(saved)
    written = nbformat.writes(saved)
    assert KEY not in written
    assert " at 0x" not in written


def test_a_page_made_of_it_shows_the_answer_and_runs_nothing(saved: nbformat.NotebookNode) -> None:
    page, _ = HTMLExporter().from_notebook_node(saved)
    assert "w0 w1" in page
    assert "<script>x" not in page
    assert "<th>a</th>" in page


def test_what_is_committed_is_the_same_after_a_second_run(
    saved: nbformat.NotebookNode, environment: dict[str, str]
) -> None:
    again = notebook(*[cell.source for cell in saved.cells])
    NotebookClient(again, timeout=240).execute(env=environment)

    def plain(made: nbformat.NotebookNode) -> list[str]:
        return [o.data["text/plain"] for c in made.cells for o in c.outputs if "data" in o]

    assert plain(again) == plain(saved)


def test_a_failed_call_fails_the_run(environment: dict[str, str], tmp_path: Path) -> None:
    made = notebook("%load_ext groqnb", "%%groq\nstatus 401", "1")
    with pytest.raises(CellExecutionError) as caught:
        NotebookClient(made, timeout=240).execute(env=environment)
    assert "AuthenticationError" in str(caught.value)
    assert KEY not in str(caught.value)


def test_a_key_cannot_be_asked_for_without_a_front_end(environment: dict[str, str]) -> None:
    made = notebook("%load_ext groqnb", "%groq key")
    NotebookClient(made, timeout=240, allow_errors=True).execute(env=environment)
    assert "cannot ask for input" in made.cells[1].outputs[0].text
