"""A notebook with a record: a run without key, server or engine changes no byte of it."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient

CELLS = [
    "%load_ext groqnb\n%groq replay on",
    "%%groq -o answer\ncount 20 every 0.01",
    "%%groq -m llama-3.1-8b-instant,llama-3.3-70b-versatile -o both\nhello",
    'both[["text", "ttft", "tokens_per_second"]]',
    "import groqnb\n\nclient = groqnb.Groq()\nstream = client.chat.completions.create(\n"
    '    model="llama-3.1-8b-instant", messages=[{"role": "user", "content": "think"}], '
    "stream=True\n)\ngroqnb.show(stream);",
    "%groq ask -c=talk first",
    "%groq ask -c=talk second",
    "answer.timing, answer.request_id, [m.id for m in client.models.list().data]",
    "try:\n    get_ipython().run_cell_magic('groq', '-m llama-9', 'hello')\n"
    "except groqnb.NotFoundError as error:\n    print(error)",
    "for _ in range(3):\n    get_ipython().run_line_magic('groq', 'ask one two three')",
]


def run(path: Path, environment: dict[str, str]) -> bytes:
    """The bytes of the notebook after a run in a fresh kernel, as a front end saves it."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
    )
    client.execute(env={**environment, "JPY_SESSION_NAME": str(path)})
    nbformat.write(notebook, path)
    return path.read_bytes()


def test_a_run_from_the_record_changes_no_byte_of_the_notebook(
    environment: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "intro.ipynb"
    made = nbformat.v4.new_notebook()
    made.cells = [
        nbformat.v4.new_code_cell(source, id=f"cell-{at:02}") for at, source in enumerate(CELLS)
    ]
    nbformat.write(made, path)
    first = run(path, environment)
    record = (tmp_path / "intro.replay.json").read_bytes()
    assert b"recorded in intro.replay.json" in first
    assert b"TTFT" in first

    alone = {name: value for name, value in environment.items() if not name.startswith("GROQ_")}
    alone["GROQNB_LOCAL_MODEL"] = "there-is-no-such-model"
    assert run(path, alone) == first
    assert (tmp_path / "intro.replay.json").read_bytes() == record
