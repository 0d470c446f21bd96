"""The options and commands of the magics, as tables: parser, completion and help read them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = [
    "COMMANDS",
    "OPTIONS",
    "CommandSpec",
    "Option",
    "did_you_mean",
    "help_text",
    "near",
]


@dataclass(frozen=True)
class Option:
    """One option of `%%groq`.

    `value` is the placeholder of its value, None for a switch; with `optional` the value may be
    left out.
    """

    names: tuple[str, ...]
    field: str
    help: str
    value: str | None = None
    optional: bool = False
    repeat: bool = False


@dataclass(frozen=True)
class CommandSpec:
    """One command of the line magic: `%groq NAME ARGUMENT`.

    With `in_words` the argument is several words, each perhaps in quotes, and not one text.
    """

    name: str
    argument: str
    help: str
    required: bool = False
    in_words: bool = False


OPTIONS: tuple[Option, ...] = (
    Option(
        ("-m", "--model"),
        "model",
        "the model that answers; a,b,c asks several side by side and gives a DataFrame",
        "MODEL",
    ),
    Option(("-s", "--system"), "system", "the system message", "TEXT"),
    Option(("-o", "--out"), "out", "store the Answer under this name too (always: _groq)", "NAME"),
    Option(
        ("-c", "--chat"),
        "chat",
        "go on with the conversation NAME, or with the one called 'default'",
        "NAME",
        optional=True,
    ),
    Option(
        ("-p", "--param"),
        "params",
        "any other parameter, as in -p temperature=0 -p enabled_tools=web_search; Tab lists them",
        "NAME=VALUE",
        repeat=True,
    ),
    Option(
        ("--image",),
        "images",
        "send an image too: a variable (picture, figure, array, bytes), a file, or a URL",
        "IMAGE",
        repeat=True,
    ),
    Option(
        ("--audio",),
        "audio",
        "transcribe a recording and ask about it: a variable (recorder, bytes), a file, or a URL",
        "AUDIO",
        repeat=True,
    ),
    Option(
        ("--df",),
        "df",
        "send a DataFrame or Series too: its columns and a few rows",
        "VAR",
        repeat=True,
    ),
    Option(("--cells",), "cells", "send executed cells with their outputs: 3, 3-5, 2,4-6, 3-", "N"),
    Option(("--err",), "err", "send the last error too, with the cell that raised it"),
    Option(
        ("--doc",),
        "docs",
        "a text that the answer rests on: a variable, or a file",
        "DOC",
        repeat=True,
    ),
    Option(
        ("--prefill",), "prefill", "how the answer begins; the model goes on from there", "TEXT"
    ),
    Option(
        ("--as",),
        "kind",
        "md (usual), text, code (the answer's code alone), cell (that in a new cell, too), json, "
        "or a type: Invoice, list[Invoice], 'name: str, n: int'",
        "FORM",
    ),
    Option(
        ("--tools",),
        "tools",
        "functions of the notebook that the model may call: f,g",
        "NAMES",
    ),
    Option(
        ("--guard",),
        "guard",
        "judge prompt and answer by guard models; on a hit: block (usual), redact or warn",
        "HIT",
        optional=True,
    ),
    Option(("--preset",), "preset", "options under a name; see %groq preset", "NAME"),
    Option(("--fig",), "fig", "send the last matplotlib figure too"),
    Option(("--dry-run",), "dry_run", "show what would be sent and where; send nothing"),
    Option(("--raw",), "raw", "send the text as it is: no {{ }} interpolation"),
    Option(("--no-stream",), "no_stream", "show the answer in one piece when it is complete"),
    Option(("--replay",), "replay", "answer from the record of this notebook, or ask and record"),
    Option(("--help",), "help", "show this text"),
)

COMMANDS: tuple[CommandSpec, ...] = (
    CommandSpec("ask", "[options] TEXT", "ask in one line", required=True),
    CommandSpec("use", "local|cloud|URL", "choose where calls go", required=True),
    CommandSpec("models", "[FILTER]", "list the models"),
    CommandSpec("transcribe", "AUDIO", "write down a recording: a file, URL, variable", True),
    CommandSpec("speak", "TEXT", "speak a text, and play it", required=True),
    CommandSpec("usage", "[SINCE] [by WORD]", "what calls took: today, week, 7d …; by project"),
    CommandSpec("limits", "[MODEL]", "what is left of the rate limits, for each model"),
    CommandSpec(
        "budget",
        "[USD|off]",
        "stop before more is spent in a day; 0.50 notional counts local calls, too, 0.50 strict "
        "refuses unknown prices",
    ),
    CommandSpec(
        "replay", "[on|strict|record|off|status] [FILE]", "answers from a file, kept there once"
    ),
    CommandSpec(
        "export",
        "[cell|chat|notebook] [FILE]",
        "as a script on the official package; --openai: on the openai package",
        in_words=True,
    ),
    CommandSpec(
        "chat",
        "[show|forget|export] [NAME] [FILE]",
        "the conversations of -c",
        in_words=True,
    ),
    CommandSpec("continue", "", "go on with an answer that was stopped or cut off"),
    CommandSpec(
        "preset",
        "[save|delete] [NAME] [OPTIONS]",
        "keep options under a name, list them; save --user NAME OPTIONS: for all folders",
    ),
    CommandSpec("key", "", "type an API key, hidden, for this kernel only"),
    CommandSpec("doctor", "", "check this installation"),
    CommandSpec("help", "", "show this text"),
)


_LEFT = " " * 35


def near(name: str, names: Iterable[str]) -> list[str]:
    """Up to three of `names` that look like `name`, the nearest first."""
    from difflib import get_close_matches

    by_lower = {known.lower(): known for known in names}
    found = get_close_matches(name.lower(), by_lower, n=3, cutoff=0.6)
    starts = [low for low in by_lower if name and low.startswith(name.lower()) and low not in found]
    return [by_lower[low] for low in (found + sorted(starts))[:3]]


def did_you_mean(names: list[str]) -> str:
    """A sentence that offers `names`, empty when there are none."""
    return f" Did you mean {' or '.join(names)}?" if names else ""


def help_text() -> str:
    """The help of both magics, as shown by `--help` and `%groq help`."""
    lines = [
        f"{'%%groq [options]':<34} the lines below are the prompt; {{{{expression}}}} is put in",
        f"{'%groq':<34} show where calls go, the model, the key's source, what was used",
    ]
    for spec in COMMANDS:
        written = f"%groq {spec.name} {spec.argument}".rstrip()
        # What is too long for its column has a line of its own.
        lines += (
            [f"{written:<34} {spec.help}"] if len(written) <= 34 else [written, _LEFT + spec.help]
        )
    lines.append("\nOptions of %%groq and of %groq ask:")
    for option in OPTIONS:
        names = ", ".join(option.names)
        value = f" [{option.value}]" if option.optional else f" {option.value or ''}"
        lines.append(f"  {(names + value).rstrip():<24} {option.help}")
    lines.append(
        "\nBefore the text of %groq ask the values of -c and --guard are written with `=`: "
        "%groq ask -c=NAME TEXT"
    )
    return "\n".join(lines)
