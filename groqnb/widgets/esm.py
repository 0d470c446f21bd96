"""One script and one style sheet for each widget, put together from plain files; no build.

The files in ``static/`` are ES modules that a browser can load as they are, as the loopback page
and the tests do. A notebook's front end takes one module without a base address, so that
``import { el } from "./shared.js";`` cannot work there: `script` puts each imported module in
front, in a function of its own, so that nothing but what is imported by name meets the widget's
names. For that every import and export is written on one line, as in `shared.js`::

    import { el, define } from "./shared.js";
    export function el(...) {      // or: export const / export class / export async function

Style sheets follow their modules: with ``wave.js`` comes ``wave.css``, if there is one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

__all__ = ["STATIC", "modules", "script", "style"]

STATIC = Path(__file__).parent / "static"
_ANSWERS = Path(__file__).parents[1] / "render" / "static" / "answer.css"

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:const|let|class|function\*?) (\w+))", re.MULTILINE)
_LEFT = re.compile(r"^\s*(?:import\b(?!\()|export\b).*$", re.MULTILINE)


def modules(name: str) -> list[str]:
    """The modules that ``NAME.js`` is made of, each after those that it imports.

    ```python
    >>> modules("shared")
    ['shared']

    ```
    """
    found: list[str] = []

    def visit(module: str, above: tuple[str, ...]) -> None:
        if module in above:
            raise ValueError(f"static/{module}.js imports itself, through {above[-1]}.js")
        for _, needed in _IMPORT.findall(_read(f"{module}.js")):
            visit(needed, (*above, module))
        if module not in found:
            found.append(module)

    visit(name, ())
    return found


@lru_cache(maxsize=32)
def script(name: str) -> str:
    """``NAME.js`` as one ES module. Raises ValueError for an import or export it cannot place."""
    *needed, entry = modules(name)
    parts = [_wrapped(module) for module in needed]
    body = _IMPORT.sub(_taken, _read(f"{entry}.js"))
    _check(entry, body.replace("export default", "", 1))
    return "\n".join([*parts, body])


@lru_cache(maxsize=32)
def style(name: str) -> str:
    """The style sheets of ``NAME.js`` and of what it imports."""
    sheets = [STATIC / f"{module}.css" for module in modules(name)]
    if "answer" in modules(name):  # it shows answers as cells do
        sheets.append(_ANSWERS)
    return "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets if sheet.exists())


def _wrapped(module: str) -> str:
    source = _read(f"{module}.js")
    names = _EXPORT.findall(source)
    body = _EXPORT.sub("", _IMPORT.sub(_taken, source))
    _check(module, body)
    return f"const $${module} = (() => {{\n{body}\nreturn {{ {', '.join(names)} }};\n}})();"


def _taken(found: re.Match[str]) -> str:
    return f"const {{{found[1].replace(' as ', ': ')}}} = $${found[2]};"


def _check(module: str, body: str) -> None:
    left = _LEFT.search(body)
    if left:
        raise ValueError(f"static/{module}.js has a line that cannot be placed: {left[0].strip()}")


def _read(file: str) -> str:
    return (STATIC / file).read_text(encoding="utf-8")
