"""Examples in docstrings say what is true."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "groqnb"
MODULES = [
    ".".join(("groqnb", *path.relative_to(PACKAGE).with_suffix("").parts))
    for path in sorted(PACKAGE.rglob("*.py"))
    if "    >>> " in path.read_text(encoding="utf-8") and path.stem != "__init__"
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_show(name: str) -> None:
    """Every line behind >>> runs and prints what stands below it."""
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0
