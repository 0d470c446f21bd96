"""The documentation says what is so: its pages are made of the package, its tables are true."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import groqnb
from groqnb.magics.options import COMMANDS, OPTIONS
from groqnb.migration import check_call

DOCS = Path(__file__).parent.parent / "docs"
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="the documentation is not here")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all pages, those that are made and those that are written."""
    folder = tmp_path_factory.mktemp("docs")
    sys.path.insert(0, str(DOCS))
    try:
        import pages
    finally:
        sys.path.remove(str(DOCS))
    pages.write(folder)
    for page in DOCS.glob("*.md"):
        if not (folder / page.name).exists():
            (folder / page.name).write_bytes(page.read_bytes())
    return folder


def test_every_public_name_option_and_command_has_its_place(made: Path) -> None:
    reference = "\n".join(p.read_text(encoding="utf-8") for p in (made / "reference").glob("*.md"))
    for name in set(groqnb.__all__) - {"__version__"}:
        if not name.endswith("load_ipython_extension"):
            assert re.search(rf":: groqnb\.(types\.errors\.)?{name}\s", reference), name
    magics = (made / "reference" / "magics.md").read_text(encoding="utf-8")
    for option in OPTIONS:
        assert f"`{', '.join(option.names)}" in magics
    for command in COMMANDS:
        assert f"`%groq {command.name}" in magics
    for word in ("lab", "run", "serve", "setup", "doctor"):
        assert f"usage: groqnb {word}" in reference


def test_every_endpoint_of_the_client_has_its_place(made: Path) -> None:
    page = (made / "reference" / "client.md").read_text(encoding="utf-8")
    client = groqnb.Groq(where="local")
    for path in (
        *("chat.completions.create", "responses.create", "audio.transcriptions.create"),
        *("audio.translations.create", "audio.speech.create", "models.list", "files.content"),
        *("batches.create", "fine_tunings.create"),
    ):
        assert f":: client.{path}(" in page
        thing: object = client
        for part in path.split("."):
            thing = getattr(thing, part)


def test_links_between_pages_lead_somewhere(made: Path) -> None:
    for page in made.rglob("*.md"):
        if page.name == "README.md":  # of the cookbook, which has its own test; of its data
            continue
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            if not re.match(r"(https?|mailto):", target):
                assert (page.parent / target).is_file(), f"{page.relative_to(made)}: {target}"


def test_a_second_making_changes_nothing_and_takes_away_what_is_gone(made: Path) -> None:
    pages = sys.modules["pages"]
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*") if path.is_file()}
    left = made / "cookbook" / "99_gone.ipynb"
    left.write_text("{}", encoding="utf-8")
    pages.write(made)
    after = {path: path.stat().st_mtime_ns for path in made.rglob("*") if path.is_file()}
    assert after == before


CALL = {"model": "llama-3.1-8b-instant", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.mark.parametrize(
    ("more", "effect"),
    [
        ({"logprobs": True}, "refused"),
        ({"top_logprobs": 2}, "refused"),
        ({"logit_bias": {"1": 2}}, "refused"),
        ({"n": 2}, "refused"),
        ({"messages": [{"role": "user", "content": "Hello", "name": "ada"}]}, "refused"),
        ({"max_tokens": 9}, "changed"),
        ({"functions": []}, "changed"),
        ({"temperature": 0}, "changed"),
    ],
)
def test_what_the_page_on_other_tools_says_of_calls_is_what_check_call_says(
    more: dict[str, object], effect: str
) -> None:
    page = (DOCS / "coming_from.md").read_text(encoding="utf-8")
    name = next(iter(more))
    found = check_call({**CALL, **more})
    told = next(f for f in found if f.effect == effect and (name in f.place or name == "messages"))
    assert told.effect == effect
    row = next(
        line
        for line in page.splitlines()
        if line.startswith("|") and f"`{'name' if name == 'messages' else name}" in line
    )
    assert ("refused" in row) == (effect == "refused")


def test_markdown_of_docstrings_becomes_what_sphinx_reads(made: Path) -> None:
    pages = sys.modules["pages"]
    lines = [
        *("Takes `x`s and ``y``, as :class:`Z` does.", "", "| a | b |", "|---|---|", "| `1` | 2 |"),
        *("", "```python", "f(`no`)", "```", "After."),
    ]
    pages.to_rst(None, "function", "f", None, None, lines)
    assert lines[0] == "Takes ``x``\\ s and ``y``, as :class:`Z` does."
    assert [line for line in lines if "list-table" in line] == [".. list-table::"]
    assert "   * - ``1``" in lines
    assert "    f(`no`)" in lines
    assert lines[lines.index("    f(`no`)") - 2] == ".. code-block:: python"
