"""The public names are exactly those that ``groqnb.__all__`` lists, and each can be had."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import groqnb


@pytest.mark.parametrize("name", groqnb.__all__)
def test_every_listed_name_exists_and_is_documented(name: str) -> None:
    value = getattr(groqnb, name)
    if name != "__version__":
        assert inspect.getdoc(value), f"groqnb.{name} has no docstring"


def test_all_is_sorted_and_has_no_doubles() -> None:
    assert groqnb.__all__ == sorted(set(groqnb.__all__))


def test_type_checkers_see_the_same_names_as_the_lazy_loader() -> None:
    source = Path(inspect.getfile(groqnb)).read_text(encoding="utf-8")
    guard = next(
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    imports = [node for node in guard.body if isinstance(node, ast.ImportFrom)]
    imported = {
        alias.name
        for node in imports
        if (node.module or "").startswith("groqnb.")
        for alias in node.names
    }
    parts = [alias.name for node in imports if node.module == "groqnb" for alias in node.names]
    assert tuple(parts) == groqnb._PARTS
    defined = {"__version__", "load_ipython_extension", "unload_ipython_extension"}
    assert imported | defined == set(groqnb.__all__)


@pytest.mark.parametrize(
    "name",
    [
        "caching.check_prefix",
        "catalog.voices",
        "migration.check_call",
        "patterns.few_shot",
        "presets.presets",
    ],
)
def test_what_is_called_by_its_module_needs_no_import_of_its_own(name: str) -> None:
    """In a new Python, where nothing else has imported it yet."""
    code = f"import groqnb; print(callable(groqnb.{name}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_an_unknown_name_raises_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Grok'"):
        _ = groqnb.Grok


def test_dir_lists_the_public_names() -> None:
    assert dir(groqnb) == sorted(groqnb.__all__)


@pytest.mark.parametrize(
    "statement",
    [
        "import groqnb",
        "import groqnb.magics",
        "import groqnb.catalog; groqnb.catalog.models()",
        "import groqnb.local.process",
    ],
)
def test_light_imports_stay_light(statement: str) -> None:
    heavy = (
        "httpx pydantic pandas numpy matplotlib ipywidgets starlette uvicorn xllamacpp markdown_it"
    )
    code = f"import sys; {statement}; print([m for m in '{heavy}'.split() if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
