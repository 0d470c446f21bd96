"""The laws of the house: which module may import which, and what each may touch."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "groqnb"

FLOORS: dict[str, int] = {
    "local": 0,
    "types": 1,
    "catalog": 0,
    "wire": 2,
    "ledger": 2,
    "record": 2,
    "render": 2,
    "api": 3,
    "client": 4,
    "namespaces": 4,
    "target": 4,
    "keys": 4,
    "sampling": 3,
    "session": 5,
    "background": 5,
    "chat_export": 5,
    "chat_tree": 5,
    "context": 5,
    "conversation": 5,
    "grounding": 5,
    "noting": 5,
    "wolfram": 4,
    "hearing": 5,
    "long_audio": 5,
    "speaking": 6,
    "showing": 5,
    "talk": 5,
    "comparing": 5,
    "evaluating": 5,
    "evaluation_drawing": 5,
    "frames": 5,
    "series": 5,
    "tally": 2,
    "after_pandas": 5,
    "clusters": 5,
    "batching": 5,
    "mapping": 5,
    "guarding": 5,
    "presets": 6,
    "caching": 5,
    "engine_parts": 5,
    "migration": 5,
    "patterns": 5,
    "tools": 5,
    "watching": 5,
    "magics": 6,
    "figures": 5,
    "images": 3,
    "image_encoding": 3,
    "exporting": 5,
    "interpolation": 6,
    "completion": 6,
    "widgets": 6,
    "cli": 7,
    "__main__": 7,
    "doctor": 5,
    "cookbook": 7,
    "gallery": 7,
    "thumbnails": 5,
    "lab": 7,
    "runner": 6,
    "__init__": 7,
}

MODULES = sorted(p for p in PACKAGE.rglob("*.py") if "notebooks" not in p.parts)


def dotted(path: Path) -> str:
    return ".".join(("groqnb", *path.relative_to(PACKAGE).with_suffix("").parts))


def floor(module: str) -> int:
    parts = module.split(".")
    return FLOORS[parts[1] if len(parts) > 1 else "__init__"]


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, at its top or inside a function, type hints apart."""

    def visit(node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for child in node.orelse:
                yield from visit(child)
            return
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            if module == "groqnb":
                yield from (
                    f"groqnb.{a.name}" if a.name.split(".")[0] in FLOORS else "groqnb"
                    for a in node.names
                )
            else:
                yield module
        for child in ast.iter_child_nodes(node):
            yield from visit(child)

    yield from visit(ast.parse(path.read_text(encoding="utf-8")))


def ids(path: Path) -> str:
    return dotted(path)


@pytest.mark.parametrize("path", MODULES, ids=ids)
def test_imports_go_down_only(path: Path) -> None:
    mine = floor(dotted(path))
    own = dotted(path).split(".")[1]
    for name in imports(path):
        if name.split(".")[0] == "groqnb" and name.split(".")[1:2] != [own]:
            assert floor(name) <= mine, f"{dotted(path)} (floor {mine}) imports {name} from above"


@pytest.mark.parametrize("path", sorted((PACKAGE / "types").glob("*.py")), ids=ids)
def test_types_import_pydantic_alone(path: Path) -> None:
    allowed = set(sys.stdlib_module_names) | {"pydantic", "pydantic_core", "typing_extensions"}
    # Turning data into a DataFrame or a figure is a method's own, late import.
    allowed |= {"pandas", "matplotlib", "numpy"}
    for name in imports(path):
        root = name.split(".")[0]
        if root == "groqnb":
            assert name.split(".")[1] in {"types", "catalog"}, f"{path.name} imports {name}"
        else:
            assert root in allowed, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "render").glob("*.py")), ids=ids)
def test_render_knows_nothing_of_the_wire(path: Path) -> None:
    for name in imports(path):
        assert not name.startswith(("groqnb.wire", "groqnb.api", "groqnb.client")), name


@pytest.mark.parametrize("path", sorted((PACKAGE / "local").rglob("*.py")), ids=ids)
def test_the_local_engine_stands_alone(path: Path) -> None:
    for name in imports(path):
        if name.split(".")[0] == "groqnb":
            assert name.startswith(("groqnb.local", "groqnb.catalog")), f"{path}: {name}"


@pytest.mark.parametrize("path", MODULES, ids=ids)
def test_only_the_top_touches_ipython(path: Path) -> None:
    allowed = {
        "magics",
        "completion",
        "showing",
        "widgets",
        "render",
        "session",
        "keys",
        "__init__",
    }
    if path.relative_to(PACKAGE).parts[0].removesuffix(".py") not in allowed:
        for name in imports(path):
            assert name.split(".")[0] not in {"IPython", "ipywidgets", "anywidget"}, name


@pytest.mark.parametrize("path", MODULES, ids=ids)
def test_httpx_is_imported_in_one_place(path: Path) -> None:
    if path != PACKAGE / "wire" / "transport.py":
        assert "httpx" not in {name.split(".")[0] for name in imports(path)}


@pytest.mark.parametrize("path", MODULES, ids=ids)
def test_modules_stay_small(path: Path) -> None:
    limit = 200 if path == PACKAGE / "client.py" else 330
    assert len(path.read_text(encoding="utf-8").splitlines()) <= limit
