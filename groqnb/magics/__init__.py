"""`%%groq` and `%groq`: how they come into IPython, and leave it again without a trace.

`%load_ext groqnb` runs this module and nothing else, so it imports the standard library alone
(IPython is loaded by then); what a magic needs is imported when it is first used.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["groq", "load", "unload"]

NAME = "groq"
_KINDS = ("line", "cell")
_OWNERS = "_groqnb_replaced_magics"  # on the shell: what had the name before


def groq(line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> None:
    """Ask a language model, or see and change how it is asked.

    %%groq [options]     the lines below the first are the prompt
    %groq                where calls go, the model, the key's source, what was used
    %groq ask TEXT       ask in one line
    %groq help           every option and command
    """
    from IPython.core.error import UsageError
    from IPython.core.getipython import get_ipython

    from groqnb.interpolation import InterpolationError
    from groqnb.magics.commands import run_cell, run_line
    from groqnb.magics.parser import GrammarError

    shell = get_ipython()
    names = {**getattr(shell, "user_ns", {}), **(local_ns or {})}
    try:
        if cell is None:
            run_line(shell, line, names)
        else:
            run_cell(shell, line, cell, names)
    except (GrammarError, InterpolationError) as error:
        raise UsageError(str(error)) from None


# What IPython's decorators no_var_expand and needs_local_scope set. Its own expansion of {} in the
# line would change braces that belong to the prompt.
groq._ipython_magic_no_var_expand = True  # type: ignore[attr-defined]
groq.needs_local_scope = True  # type: ignore[attr-defined]


def load(ipython: InteractiveShell) -> None:
    """Register magics, completion and formatters with `ipython`. Twice is the same as once.

    A magic of the same name from another extension is told of, replaced, and put back on unload.
    """
    from groqnb import figures, noting
    from groqnb.render import formatters

    magics = ipython.magics_manager.magics
    if all(magics[kind].get(NAME) is groq for kind in _KINDS):
        return
    replaced = {kind: magics[kind][NAME] for kind in _KINDS if NAME in magics[kind]}
    if replaced:
        owner = getattr(next(iter(replaced.values())), "__module__", "another extension")
        print(
            f"groqnb: replaces the magic %{NAME} of {owner} until %unload_ext groqnb",
            file=sys.stderr,
        )
    setattr(ipython, _OWNERS, replaced)
    ipython.magics_manager.register_function(groq, magic_kind="line_cell", magic_name=NAME)
    formatters.register(ipython)
    figures.register(ipython)
    noting.register(ipython)
    ipython.Completer.custom_matchers.append(_matcher)
    transformers = ipython.input_transformer_manager
    transformers.token_transformers.append(_ask_line())
    transformers.line_transforms.insert(0, _empty_cell)


def unload(ipython: InteractiveShell) -> None:
    """Take away everything that `load` registered. Conversations and `_groq` stay."""
    from groqnb import figures, noting
    from groqnb.render import formatters

    magics = ipython.magics_manager.magics
    replaced = getattr(ipython, _OWNERS, {})
    for kind in _KINDS:
        if magics[kind].get(NAME) is groq:
            del magics[kind][NAME]
            if kind in replaced:
                magics[kind][NAME] = replaced[kind]
    if hasattr(ipython, _OWNERS):
        delattr(ipython, _OWNERS)
    formatters.unregister(ipython)
    figures.unregister(ipython)
    noting.unregister(ipython)
    _remove(ipython.Completer.custom_matchers, lambda item: item is _matcher)
    transformers = ipython.input_transformer_manager
    _remove(
        transformers.token_transformers, lambda item: getattr(item, "__module__", "") == __name__
    )
    _remove(transformers.line_transforms, lambda item: item is _empty_cell)
    session = sys.modules.get("groqnb.session")
    if session is not None:
        session.session.close()


def _remove(items: list[Any], which: Any) -> None:
    items[:] = [item for item in items if not which(item)]


def _matcher(context: Any) -> Any:
    """IPython asks every matcher on every key stroke: leave at once where it is not about groq."""
    if f"%{NAME}" not in context.full_text and "voice" not in context.full_text:
        return {"completions": []}
    from groqnb.completion import complete

    return complete(context.full_text, context.cursor_line, context.cursor_position)


_matcher.matcher_api_version = 2  # type: ignore[attr-defined]
_matcher.matcher_priority = 100  # type: ignore[attr-defined]
_matcher.matcher_identifier = "groqnb"  # type: ignore[attr-defined]


def _empty_cell(lines: list[str]) -> list[str]:
    """IPython refuses a cell magic without a body before asking it: `%%groq --help` has none."""
    if lines and not "".join(lines[1:]).strip() and re.match(rf"%%{NAME}(?!\S)", lines[0]):
        options = lines[0].rstrip("\n")[len(NAME) + 2 :].strip()
        return [f"get_ipython().run_cell_magic({NAME!r}, {options!r}, '\\n')\n"]
    return lines


def _ask_line() -> type:
    """A transformer of IPython that lets `%groq ask … ?` and `speak` end with a question mark.

    IPython would take such a line for a request for help on its last word.
    """
    from IPython.core.inputtransformer2 import EscapedCommand

    class AskLine(EscapedCommand):
        """As EscapedCommand, for these lines, and before the one for help."""

        priority = 4
        line = re.compile(rf"\s*%{NAME}\s+(?:ask|speak)\s")

        @classmethod
        def find(cls, tokens_by_line: Any) -> Any:
            for tokens in tokens_by_line:
                first = next((token for token in tokens if token.string.strip()), None)
                if first and first.string == "%" and cls.line.match(first.line):
                    return cls(first.start)
            return None

    AskLine.__module__ = __name__
    return AskLine
