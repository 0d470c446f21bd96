"""What a Python file documents, read from its source: it is parsed, never run."""

from __future__ import annotations

import ast
import importlib
import inspect
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Documented", "Module", "built_in", "read_module"]

_SHORTEST = 20
_LONGEST_SIGNATURE = 300
_DEEPEST = 3
# Calls by which a package documents what is written in C: a name, then the text.
_ADDERS = ("add_newdoc", "add_docstring")
# Parts of Python that have no source in it: they are the interpreter's own, and safe to ask.
_OF_THE_INTERPRETER = ("builtins", "itertools", "math", "time", "sys")
_Body = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Documented:
    """A documented thing of a module: its name below the module ("" is the module itself)."""

    name: str
    signature: str
    text: str


@dataclass
class Module:
    """What one file holds, and what it hands on from elsewhere.

    `exports` are names that it imports; `stars` are modules of which it imports all, as written
    (".core").
    """

    documented: list[Documented] = field(default_factory=list)
    exports: list[str] = field(default_factory=list)
    stars: list[str] = field(default_factory=list)
    #: The classes that are built on another, by the name of that other.
    heirs: dict[str, list[str]] = field(default_factory=dict)


def read_module(source: bytes) -> Module:
    """The documented things of a file; an empty Module when it is no Python of this version."""
    try:
        with warnings.catch_warnings():
            # Of escapes that are none, in other people's strings.
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Module()
    module = Module()
    _read_imports(tree, module)
    module.documented += _walk(tree, "", 0)
    module.documented += _added(tree)
    return module


def _walk(node: _Body, prefix: str, depth: int) -> Iterator[Documented]:
    text = _docstring(node)
    if text is not None and len(text) >= _SHORTEST:
        yield Documented(prefix, _signature(node), text)
    if depth == _DEEPEST or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return
    for child in _statements(node.body):
        if isinstance(child, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            if child.name.startswith("_"):
                continue
            name = f"{prefix}.{child.name}" if prefix else child.name
            yield from _walk(child, name, depth + 1)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a body and of its `if` and `try`: where the platform decides."""
    for statement in body:
        yield statement
        if isinstance(statement, (ast.If, ast.Try)):
            yield from _statements(statement.body)
            yield from _statements(statement.orelse)


def _docstring(node: _Body) -> str | None:
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and _is_text(first.value):
        return inspect.cleandoc(first.value.value)  # type: ignore[attr-defined]
    return None


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _signature(node: _Body) -> str:
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return ""
    signature = f"({ast.unparse(node.args)})"
    return signature if len(signature) <= _LONGEST_SIGNATURE else "(…)"


def _read_imports(tree: ast.Module, module: Module) -> None:
    for statement in _statements(tree.body):
        if isinstance(statement, ast.ImportFrom):
            for alias in statement.names:
                if alias.name == "*":
                    module.stars.append("." * statement.level + (statement.module or ""))
                else:
                    module.exports.append(alias.asname or alias.name)
        elif isinstance(statement, ast.ClassDef):
            for base in statement.bases:
                if isinstance(base, ast.Name):
                    module.heirs.setdefault(base.id, []).append(statement.name)


def _added(tree: ast.Module) -> Iterator[Documented]:
    """`add_newdoc("package", "name", "text")`, and with a pair of a method's name and text."""
    for statement in tree.body:
        call = statement.value if isinstance(statement, ast.Expr) else None
        if not isinstance(call, ast.Call) or len(call.args) < 3:
            continue
        function = call.func
        called = function.attr if isinstance(function, ast.Attribute) else ""
        called = function.id if isinstance(function, ast.Name) else called
        if called not in _ADDERS or not _is_text(call.args[1]):
            continue
        name = str(call.args[1].value)  # type: ignore[attr-defined]
        last = call.args[2]
        if isinstance(last, ast.Tuple) and len(last.elts) == 2 and _is_text(last.elts[0]):
            name = f"{name}.{last.elts[0].value}"  # type: ignore[attr-defined]
            last = last.elts[1]
        if _is_text(last):
            yield Documented(name, "", inspect.cleandoc(last.value))  # type: ignore[attr-defined]


def built_in() -> Iterator[tuple[str, Module]]:
    """Names and contents of Python's modules that are written in C."""
    for name in _OF_THE_INTERPRETER:
        module = Module()
        place = importlib.import_module(name)
        for key, value in vars(place).items():
            if not key.startswith("_") and callable(value):
                module.documented += _told(key, value)
                if isinstance(value, type) and not issubclass(value, BaseException):
                    for each, method in vars(value).items():
                        if not each.startswith("_"):
                            module.documented += _told(f"{key}.{each}", method)
        yield "" if name == "builtins" else name, module


def _told(name: str, value: object) -> Iterator[Documented]:
    text = getattr(value, "__doc__", None)
    if isinstance(text, str) and len(text) >= _SHORTEST:
        signature = getattr(value, "__text_signature__", None)
        yield Documented(name, signature or "", inspect.cleandoc(text))
