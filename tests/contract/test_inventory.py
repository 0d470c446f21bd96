"""The table in README.md beside this file names what exists, and leaves nothing out."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES = Path(__file__).with_name("README.md").read_text("utf-8").splitlines()
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in LINES
    if re.match(r"\| \d", line)
]
PROVED = [row for row in ROWS if not row[0].startswith("13 ")]
TYPES = {
    "chat": ["ChatParams"],
    "responses": ["ResponseParams"],
    "audio": ["TranslationParams", "TranscriptionParams", "SpeechParams"],
    "batches": ["BatchParams", "BatchListParams"],
    "fine_tunings": ["FineTuningParams"],
}


@cache
def functions(path: str) -> frozenset[str]:
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    tree = ast.parse(file.read_text("utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds))


def test_every_named_test_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", "\n".join(LINES))
    assert len(named) > 200
    missing = {f"{path}::{name}" for path, name in named if name not in functions(path)}
    assert missing == set()


def test_every_named_module_exists() -> None:
    named = set(re.findall(r"`(groqnb/[\w/]+\.py)`", "\n".join(LINES)))
    assert named
    assert {path for path in named if not (ROOT / path).is_file()} == set()


def test_every_row_has_a_proof_or_a_reason_on_each_side() -> None:
    assert len(PROVED) > 150
    for row in PROVED:
        assert len(row) == 6, row
        for module in row[2:4]:
            assert module == "passed through" or module.startswith("`groqnb/"), row
        for proof in row[4:]:
            assert re.match(r"`tests/[\w/]+\.py::test_\w+`|no test: \w.{5,}", proof), row


def test_every_row_has_an_id_of_its_own() -> None:
    ids = [row[0] for row in ROWS]
    assert [name for name in ids if ids.count(name) > 1] == []


@pytest.mark.parametrize("module", TYPES)
def test_every_parameter_of_the_client_has_a_row(module: str) -> None:
    section = {"chat": "3.1", "responses": "4", "audio": "5", "batches": "7", "fine_tunings": "9"}
    rows = [row for row in PROVED if row[0].startswith(section[module])]
    said = set(re.findall(r"`(\w+)`", " ".join(f"{row[1]}" for row in rows)))
    tree = ast.parse((ROOT / f"groqnb/types/{module}.py").read_text("utf-8"))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    for name in TYPES[module]:
        assert isinstance(classes[name], ast.ClassDef)
        for field in classes[name].body:
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                assert field.target.id in said, f"{name}.{field.target.id} has no row"
