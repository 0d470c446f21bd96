"""Running a piece of Python as a notebook's cell is run, and what came of it.

This is at work inside the sandbox. What it returns was made by code that nobody knows: whoever
reads it must expect anything.
"""

from __future__ import annotations

import ast
import linecache
import os
import sys
import traceback
import types
from typing import Any

from groqnb.local.parts.sandbox_figures import Figures

__all__ = ["run_code"]

_NAME = "<code>"
_MOST_VALUE = 20_000


def run_code(code: str) -> dict[str, Any]:
    """`value` (text of the last expression), `figures`, `error` (name, message, traceback).

    What the code prints goes where it goes. A process that the code forked never comes back here.
    """
    me = os.getpid()
    _reseed()
    figures = Figures()
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    # Tracebacks show the lines.
    linecache.cache[_NAME] = (len(code), None, code.splitlines(keepends=True), _NAME)
    value, error = None, None
    try:
        value = _text(_run(code, module.__dict__))
    except BaseException as raised:  # noqa: BLE001 — also what is no Exception ends the code
        if not (isinstance(raised, SystemExit) and raised.code in (None, 0)):
            error = _told(raised)
    if os.getpid() != me:
        os._exit(0)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # noqa: BLE001 — the code may have put anything there
            continue
    return {"value": value, "figures": figures.left(), "error": error}


def _run(code: str, namespace: dict[str, Any]) -> Any:
    tree = ast.parse(code, _NAME)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = ast.Expression(tree.body.pop().value)  # type: ignore[attr-defined]
    exec(compile(tree, _NAME, "exec"), namespace)
    return None if last is None else eval(compile(last, _NAME, "eval"), namespace)


def _text(value: object) -> str | None:
    if value is None or _is_artist(value):
        return None
    return repr(value)[:_MOST_VALUE]


def _is_artist(value: object) -> bool:
    """What drawing returns: lines and boxes, of no use as text beside their figure."""
    first = value
    while isinstance(first, (list, tuple)) and first:
        first = first[0]
    return type(first).__module__.partition(".")[0] == "matplotlib"


def _told(raised: BaseException) -> dict[str, str]:
    try:
        told = traceback.TracebackException.from_exception(raised)
        _only_own_lines(told)
        return {
            "name": type(raised).__name__,
            "message": str(raised)[:_MOST_VALUE],
            "traceback": "".join(told.format()).rstrip()[:_MOST_VALUE],
        }
    except Exception:  # noqa: BLE001 — an exception of the code's own may fail to tell of itself
        name = type(raised).__name__
        return {"name": name, "message": "", "traceback": name}


def _only_own_lines(told: traceback.TracebackException | None) -> None:
    """Leave out the lines of libraries: they say where those lie, and little of what is wrong."""
    while told is not None:
        own = [frame for frame in told.stack if frame.filename == _NAME]
        told.stack = traceback.StackSummary.from_list(own)
        told = told.__cause__ or told.__context__


def _reseed() -> None:
    """Every run is forked off the same process: chance must not be the same in all of them."""
    random = sys.modules.get("random")
    if random is not None:
        random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()
