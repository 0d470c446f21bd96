"""Run the cookbook's notebooks and keep their outputs, in the form in which they are committed.

    python tests/refresh_notebooks.py                  # all of them
    python tests/refresh_notebooks.py 02_chat 04_models

They are answered by the model that ``GROQNB_LOCAL_MODEL`` names, the default one if it is unset.
What differs from one run to the next for no reader's good is left out: times of execution, the
version of Python, how the text of a stream was cut into pieces, and the numbers of widgets, which
are seen by what stands there in their place.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat

FOLDER = Path(__file__).parents[1] / "notebooks"


def normal(notebook: Any) -> Any:
    """The notebook without what only its last run knows; the argument is changed."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict(
            {name: value for name, value in cell.metadata.items() if name == "tags"}
        )
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)
    return notebook


def _joined(outputs: list[Any]) -> list[Any]:
    """Pieces of one stream become one output, and widgets what is shown where they do not run."""
    joined: list[Any] = []
    for output in outputs:
        if "text/html" in output.get("data", {}):
            output.data.pop("application/vnd.jupyter.widget-view+json", None)
        last = joined[-1] if joined else None
        if (
            last is not None
            and output.output_type == "stream"
            and last.output_type == "stream"
            and output.name == last.name
        ):
            last.text += output.text
        else:
            joined.append(output)
    return joined


def read(path: Path) -> Any:
    """The notebook in a file."""
    return nbformat.read(path, as_version=4)


def text_of(notebook: Any) -> str:
    """The notebook as its file has it."""
    return str(nbformat.writes(notebook)) + "\n"


def refresh(path: Path) -> int:
    """Run the notebook and replace its file; 0, or 1 when a cell failed and the file stays."""
    from groqnb.runner import run_notebook

    with tempfile.TemporaryDirectory() as folder:
        # The batches and files of a run go into a folder of its own, not among the user's.
        os.environ["GROQNB_DATA_DIR"] = str(Path(folder) / "data")
        done = Path(folder) / path.name
        failed = run_notebook(path, output=done)
        if not failed:
            path.write_text(text_of(normal(read(done))), encoding="utf-8")
    return failed


def main(names: list[str]) -> int:
    """Refresh the notebooks with these names, or all; 0, or 1 when one of them failed."""
    for name in ("GROQ_API_KEY", "GROQ_BASE_URL"):
        os.environ.pop(name, None)
    paths = [FOLDER / f"{name.removesuffix('.ipynb')}.ipynb" for name in names]
    failed = 0
    for path in paths or sorted(FOLDER.glob("*.ipynb")):
        print(f"== {path.name}", flush=True)
        failed |= refresh(path)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
