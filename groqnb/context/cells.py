"""Cells that were executed, as text: their sources, and what came of them.

IPython keeps both by the numbers of their executions. From version 9 on that is what cells print
and show, too; before, the value of the last line alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from groqnb.context import MOST, Hiding, Piece, cut_middle, known_secrets, printed
from groqnb.ledger.place import running_cell
from groqnb.types.errors import ParameterError

__all__ = ["cells_piece", "numbers"]

_PART = re.compile(r"(\d+)|(\d*)\s*-\s*(\d*)")
_MOST_CELLS = 100
_SOURCE, _OUTPUT = 6_000, 3_000  # characters of one cell
_FORMS = "Write --cells 3, --cells 3-5, --cells 2,4-6, or --cells 3- for all from 3 on."


def numbers(text: str, last: int) -> list[int]:
    """The numbers that `3,5-7` names; an open end reaches to the first or the `last` cell.

    Raises ParameterError for what is no such list.

    ```python
    >>> numbers("1, 3-", last=5)
    [1, 3, 4, 5]

    ```
    """
    found: list[int] = []
    for part in text.split(","):
        match = _PART.fullmatch(part.strip())
        if match is None or not re.search(r"\d", part):
            raise ParameterError(f"{part.strip()!r} is no number of a cell", hint=_FORMS)
        single, start, end = match.groups()
        first = int(single or start or 1)
        until = int(single or end or max(last, first))
        if until < first:
            raise ParameterError(f"{part.strip()} runs backwards", hint=f"Write {until}-{first}.")
        if first < 1 or until > last:
            there = f"the last one that ended is {last}" if last > 0 else "none has ended yet"
            raise ParameterError(f"cell {until if first else 0} was not executed", hint=f"{there}.")
        if len(found) + until - first >= _MOST_CELLS:
            raise ParameterError(f"more than {_MOST_CELLS} cells", hint="Name fewer of them.")
        found += range(first, until + 1)
    return sorted(set(found))


def cells_piece(shell: Any, text: str) -> Piece:
    """The cells that `text` names, of those before the one that runs. Raises ParameterError."""
    history = getattr(shell, "history_manager", None)
    sources = getattr(history, "input_hist_raw", None) or [""]
    last = min(running_cell(shell) or 1, len(sources)) - 1
    wanted = numbers(text, last)
    found = [number for number in wanted if sources[number].strip()]
    if not found:
        raise ParameterError(f"nothing was executed as {text}", hint=_FORMS)
    hiding = Hiding(known_secrets())
    told = [_cell(shell, number, sources[number], hiding) for number in found]
    whole = "\n".join(told)
    if len(whole) > MOST:
        raise ParameterError(
            f"{len(found)} cells come to {len(whole):,} characters; at most {MOST:,} are sent",
            hint="Name fewer cells.",
        )
    names = f"cell {found[0]}" if len(found) == 1 else f"{len(found)} cells ({_ranges(found)})"
    return Piece("cells", "", whole, f"{names} with outputs", hiding.count)


def _ranges(found: list[int]) -> str:
    parts: list[list[int]] = []
    for number in found:
        if parts and number == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], number]
        else:
            parts.append([number])
    return ", ".join("-".join(map(str, part)) for part in parts)


def _cell(shell: Any, number: int, source: str, hiding: Hiding) -> str:
    source, output = hiding.text(source.strip("\n")), hiding.text(_output(shell, number))
    lines = [f'<cell number="{number}">', cut_middle(source, _SOURCE)]
    if output:
        lines += ["<output>", cut_middle(output, _OUTPUT), "</output>"]
    return "\n".join([*lines, "</cell>"])


def _output(shell: Any, number: int) -> str:
    history = shell.history_manager
    kept = getattr(history, "outputs", None)
    parts: list[str] = []
    if isinstance(kept, Mapping):
        for each in kept.get(number, []):
            bundle = each.bundle
            stream = bundle.get("stream")
            parts.append(printed("".join(stream)) if stream is not None else _of_bundle(bundle))
    else:
        shown = getattr(history, "output_hist_reprs", {}).get(number)
        parts += [str(shown)] if shown else []
    parts += _answer(number)
    raised = getattr(history, "exceptions", {}).get(number)
    if raised:
        parts.append(f"raised {raised.get('ename')}: {printed(str(raised.get('evalue')))}")
    return "\n".join(dict.fromkeys(part for part in parts if part.strip()))


def _of_bundle(bundle: Mapping[str, Any]) -> str:
    """What a display shows, as text; of anything else, what it is."""
    for kind in ("text/plain", "text/markdown", "text/latex"):
        value = bundle.get(kind)
        if isinstance(value, str):
            return printed(value)
    return f"[{', '.join(bundle)}]" if bundle else ""


def _answer(number: int) -> list[str]:
    """The answer of a cell with %%groq, which IPython does not keep."""
    from groqnb.session import session

    answer = session.answered.get(number)
    return [] if answer is None else [answer]
