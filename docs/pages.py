"""The pages of the documentation that are made of the project itself.

`write` makes them; files that are the same already are left alone, so that a second build is quick.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import os
import re
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, is_typeddict

import groqnb
from groqnb.cli import main as groqnb_command
from groqnb.cookbook import source
from groqnb.gallery import GALLERY, gallery, notebooks
from groqnb.magics.options import COMMANDS, OPTIONS

ROOT = Path(__file__).resolve().parent.parent

# Where a public name is told of. One that is in no group comes under the last title.
GROUPS: dict[str, tuple[str, ...]] = {
    "Asking and answers": ("Groq", "AsyncGroq", "Answer", "Chart", "show", "documents", "export"),
    "Sound": ("transcribe", "Transcript", "speak", "Spoken"),
    "Rows": (
        "map",
        "amap",
        "RowResult",
        "RowError",
        "RowsFailed",
        "evaluate",
        "Evaluation",
        "batches",
    ),
    "Tools, guards, presets": (
        "tool",
        "run_tools",
        "arun_tools",
        "McpServer",
        "wolfram_settings",
        "Guard",
        "preset",
    ),
    "Use, money, records": ("usage", "report", "budget", "replay"),
    "Widgets": (
        *("chat", "ChatPanel", "Playground", "AudioRecorder", "ImagePicker"),
        *("SpeechPlayer", "UsageMeter", "BatchMonitor"),
    ),
    "More": (),
}
# What has no name in groqnb itself, under the title of what it belongs to.
BESIDES: dict[str, tuple[str, ...]] = {
    "Asking and answers": ("groqnb.client.Settings",),
    "Rows": (
        *("groqnb.frames.FrameRows", "groqnb.series.SeriesRows", "groqnb.clusters.frames.DaskRows"),
        "groqnb.mapping.options.MapOptions",
    ),
}
MODULES = ("groqnb.patterns", "groqnb.migration", "groqnb.caching")
ENDPOINTS: dict[str, tuple[str, ...]] = {
    "chat.completions": ("groqnb.api.chat.Completions", "groqnb.types.chat.ChatParams"),
    "responses": ("groqnb.api.responses.Responses", "groqnb.types.responses.ResponseParams"),
    "audio.transcriptions": (
        "groqnb.api.audio.Transcriptions",
        "groqnb.types.audio.TranscriptionParams",
    ),
    "audio.translations": ("groqnb.api.audio.Translations", "groqnb.types.audio.TranslationParams"),
    "audio.speech": ("groqnb.api.audio.Speeches", "groqnb.types.audio.SpeechParams"),
    "models": ("groqnb.api.models.Models",),
    "files": ("groqnb.api.files.Files",),
    "batches": ("groqnb.api.batches.Batches", "groqnb.types.batches.BatchParams"),
    "fine_tunings": (
        "groqnb.api.fine_tunings.FineTunings",
        "groqnb.types.fine_tunings.FineTuningParams",
    ),
}


def write(folder: Path) -> None:
    """Write every page that is made into the folder of the documentation's sources."""
    os.environ["COLUMNS"] = "88"  # argparse's help is as wide as the terminal otherwise
    python = _python()
    pages: dict[str, bytes] = {
        **{name: text.encode() for name, text in python.items()},
        "start.md": _moved((ROOT / "README.md").read_text(encoding="utf-8")).encode(),
        "changelog.md": (ROOT / "CHANGELOG.md").read_bytes(),
        "reference/python.md": _contents_of_python(python).encode(),
        "reference/errors.md": _errors().encode(),
        "reference/client.md": _client().encode(),
        "reference/magics.md": _magics().encode(),
        "reference/commands.md": _commands().encode(),
    }
    book = source()
    for path in book.rglob("*"):
        name = path.relative_to(book)
        if path.is_file() and not any(part.startswith((".", "__")) for part in name.parts):
            pages[f"cookbook/{name.as_posix()}"] = path.read_bytes()
    pages |= {f"cookbook/{name}": content for name, content in gallery(book).items()}
    pages[f"cookbook/{GALLERY}"] += _contents(book).encode()
    for name, content in pages.items():
        target = folder / name
        if not target.exists() or target.read_bytes() != content:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    for made in ("cookbook", "reference"):
        for path in (folder / made).rglob("*"):
            if path.is_file() and path.relative_to(folder).as_posix() not in pages:
                path.unlink()


def to_rst(
    app: object, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    """Turn what docstrings have of Markdown, fences and single backticks, into reStructuredText."""
    made: list[str] = []
    fenced = tabular = False
    for line in lines:
        indent = line[: len(line) - len(line.lstrip())]
        fence = re.match(r"\s*```(\w*)", line)
        row = None if fenced else re.match(r"\s*\|(.+)\|\s*$", line)
        if fence is not None:
            fenced = not fenced
            if fenced:
                made += ["", f"{indent}.. code-block:: {fence[1] or 'text'}", ""]
            else:
                made.append("")
        elif row is not None:
            if not tabular:
                made += ["", f"{indent}.. list-table::", f"{indent}   :header-rows: 1", ""]
            cells = [_inline(cell.strip()) for cell in row[1].split("|")]
            if not re.fullmatch(r"[-: ]+", "".join(cells)):
                marks = ["* -", *["  -"] * len(cells)]
                made += [f"{indent}   {m} {c}" for m, c in zip(marks, cells, strict=False)]
        else:
            made.append(f"    {line}" if fenced else _inline(line))
        if tabular and row is None:
            made.insert(len(made) - 1, "")
        tabular = row is not None
    lines[:] = made


def _inline(line: str) -> str:
    """Single backticks as double ones; a role's (after a colon) stay."""
    # What follows at once, as in `x`s, must be told from the end of the quotation.
    return re.sub(
        r"(?<![`:\w])`([^`]+)`(?![`_])(?=(\w?))",
        lambda m: f"``{m[1]}``" + ("\\ " if m[2] else ""),
        line,
    )


def _moved(text: str) -> str:
    """The README's links, as they are from the documentation."""
    text = text.replace("](notebooks/README.md)", f"](cookbook/{GALLERY})")
    text = text.replace("](notebooks/", "](cookbook/").replace("](CHANGELOG.md)", "](changelog.md)")
    return text.replace("](docs/", "](").replace("# groqnb\n", "# Start\n", 1)


def _contents(book: Path) -> str:
    names = "\n".join(notebook.name for notebook in notebooks(book))
    return f"\n```{{toctree}}\n:hidden:\n\n{names}\n```\n"


def _rst(*lines: str) -> str:
    return "\n".join(("```{eval-rst}", *lines, "```", ""))


def _find(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _document(path: str) -> str:
    """One class or function by its path."""
    thing = _find(path)
    if is_typeddict(thing):
        rows = [(f"`{name}`", f"`{_type(kind)}`") for name, kind in thing.__annotations__.items()]
        return _rst(f".. autoclass:: {path}()") + "\n" + _table(("Parameter", "Type"), sorted(rows))
    if inspect.isclass(thing):
        hidden = "model_config, model_post_init, model_fields, model_computed_fields"
        return _rst(f".. autoclass:: {path}", "   :members:", f"   :exclude-members: {hidden}")
    return _rst(f".. autofunction:: {path}")


def _type(annotation: Any) -> str:
    written = getattr(annotation, "__forward_arg__", None) or str(annotation)
    return str(written).replace("typing.", "")


def _python() -> dict[str, str]:
    """A page for each group of public names."""
    homes = groqnb._HOME
    told = {name for names in GROUPS.values() for name in names}
    made = {}
    for title, names in GROUPS.items():
        shown = names or sorted(name for name in set(homes) - told if not name.endswith("Error"))
        if not shown:
            continue
        parts = [f"# {title}\n"]
        parts += [_document(f"groqnb.{name}") for name in shown]
        parts += [_document(path) for path in BESIDES.get(title, ()) if _is_there(path)]
        made[f"reference/{re.sub('[^a-z]+', '_', title.lower())}.md"] = "\n".join(parts)
    for module in MODULES:
        text = f"# `{module}`\n\n" + _rst(f".. automodule:: {module}", "   :members:")
        made[f"reference/{module.rpartition('.')[2]}.md"] = text
    return made


def _contents_of_python(made: Iterable[str]) -> str:
    names = "\n".join(name.removeprefix("reference/") for name in made)
    return f"# Python\n\n```{{toctree}}\n:maxdepth: 1\n\n{names}\n```\n"


def _is_there(path: str) -> bool:
    try:
        return find_spec(path.rpartition(".")[0]) is not None
    except ModuleNotFoundError:
        return False


def _errors() -> str:
    errors = sorted(name for name in groqnb.__all__ if name.endswith("Error"))
    parts = ["# Errors\n", _rst(".. automodule:: groqnb.types.errors")]
    for name in errors:
        home = groqnb._HOME.get(name, "groqnb.types.errors")
        if home == "groqnb.types.errors":
            parts.append(_rst(f".. autoexception:: {home}.{name}"))
    return "\n".join(parts)


def _client() -> str:
    parts = [
        "# The client\n",
        "`client = groqnb.Groq()`; with `groqnb.AsyncGroq()` the same calls are awaited.\n",
    ]
    for name, (path, *types) in ENDPOINTS.items():
        parts.append(f"## `client.{name}`\n")
        for method, function in vars(_find(path)).items():
            if not method.startswith("_") and inspect.isfunction(function):
                lines = (inspect.getdoc(function) or "").splitlines()
                to_rst(None, "method", method, function, None, lines)
                shown = f"client.{name}.{method}{_short(function, types=False)}"
                head = f".. py:method:: {shown}"
                parts.append(_rst(head, "", *(f"   {line}" for line in lines)))
        parts += [_document(each) for each in types]
    return "\n".join(parts)


def short_signature(
    app: object, what: str, name: str, thing: object, options: object, given: str, returns: str
) -> tuple[str, str] | None:
    """A signature without what comes through `**`: a table beside it has these parameters."""
    thing = getattr(thing, "__func__", thing)
    if not (inspect.isfunction(thing) and hasattr(thing, "__signature__")):
        return None
    return _short(thing, types=True), returns


def _short(function: Any, *, types: bool) -> str:
    """The signature with the parameters that the function names itself, and its `**`."""
    code = inspect.unwrap(function).__code__
    named = code.co_argcount + code.co_kwonlyargcount
    own, rest = code.co_varnames[:named], code.co_varnames[named:]
    parameters = [
        each.replace(annotation=_Written(each.annotation) if types else each.empty)
        for name, each in inspect.signature(function).parameters.items()
        if name in own and name not in ("self", "cls")
    ]
    if code.co_flags & inspect.CO_VARKEYWORDS and rest:
        parameters.append(inspect.Parameter(rest[0], inspect.Parameter.VAR_KEYWORD))
    return str(inspect.Signature(parameters))


class _Written(str):
    """An annotation that is shown as it was written, without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(head)
    lines = [heads, ["---"] * len(heads), *([*row] for row in rows)]
    escaped = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in escaped) + "\n"


def _magics() -> str:
    options = []
    for option in OPTIONS:
        value = f" [{option.value}]" if option.optional else f" {option.value or ''}".rstrip()
        options.append((f"`{', '.join(option.names)}{value}`", _words(option.help)))
    commands = [
        (f"`{f'%groq {command.name} {command.argument}'.rstrip()}`", _words(command.help))
        for command in COMMANDS
    ]
    return "\n".join(
        (
            "# Magics\n",
            "`%load_ext groqnb` brings them; `%groq` alone shows where calls go.\n",
            "## `%%groq`\n",
            "The lines below it are the prompt; `{{expression}}` is put in.\n",
            "```\n%%groq -m llama-3.3-70b-versatile -o answer\nWhy is the sky blue?\n```\n",
            _table(("Option", ""), options),
            "## `%groq`\n",
            _table(("Command", ""), commands),
        )
    )


def _words(text: str) -> str:
    """A text of the help as Markdown, in which `{{ }}` and `<` stand for themselves."""
    return re.sub(r"([<*_\[\]{}])", r"\\\1", text)


def _commands() -> str:
    parts = ["# Command line\n"]
    for command in ("lab", "run", "serve", "setup", "doctor"):
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
            groqnb_command([command, "--help"])
        parts.append(f"## `groqnb {command}`\n")
        parts.append(f"```text\n{shown.getvalue().strip()}\n```\n")
    return "\n".join(parts)
