"""``groqnb lab | run | serve | setup | doctor``: the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 wrong usage.

    Example::

        $ groqnb run notebooks/00_start.ipynb
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    # These two parse for themselves: they are also the engine's own entry points.
    if arguments[:1] == ["serve"]:
        from groqnb.local.serve import main as serve

        return serve(arguments[1:])
    if arguments[:1] == ["setup"]:
        from groqnb.local.setup import main as setup

        return setup(arguments[1:])
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    # What follows "--" is JupyterLab's; argparse would lose it inside a subcommand.
    arguments, more = arguments[:cut], arguments[cut + 1 :]
    parser = _parser()
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        wrong = f"unrecognized arguments: {' '.join(unknown)}"
        if options.command == "lab":
            wrong += f" (JupyterLab's own go behind --: groqnb lab -- {' '.join(unknown)})"
        parser.error(wrong)
    if options.command == "lab":
        from groqnb.lab import open_lab

        return open_lab(options.folder, browser=not options.no_browser, more=more)
    if options.command == "run":
        from groqnb.runner import run_notebook

        return run_notebook(options.notebook, output=options.output, timeout=options.timeout)
    if options.command == "doctor":
        from groqnb.doctor import print_checks

        return print_checks()
    parser.print_help()
    return 2


def _parser() -> argparse.ArgumentParser:
    from groqnb import __version__

    parser = argparse.ArgumentParser(
        prog="groqnb", description="A Jupyter toolkit for the Groq API, with a local engine."
    )
    parser.add_argument("--version", action="version", version=f"groqnb {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    lab = commands.add_parser(
        "lab", help="open JupyterLab on the gallery of a copy of the cookbook"
    )
    lab.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path("groqnb-cookbook"),
        help="where the copy is or goes; what you changed in it is kept as yours, the rest is "
        "brought up to date (%(default)s)",
    )
    lab.add_argument("--no-browser", action="store_true", help="print the address only")
    lab.epilog = "What follows -- goes to JupyterLab: groqnb lab -- --port=8899"

    run = commands.add_parser("run", help="run a notebook without a browser, print its answers")
    run.add_argument("notebook", type=Path)
    run.add_argument("-o", "--output", type=Path, help="write the notebook with its outputs here")
    run.add_argument(
        "--timeout", type=float, default=600, help="seconds that one cell may take (%(default)s)"
    )

    commands.add_parser("serve", help="serve the local engine to any Groq or OpenAI client")
    commands.add_parser("setup", help="fetch the local engine's models now")
    commands.add_parser("doctor", help="say what works here, what does not, and what to do")
    return parser
