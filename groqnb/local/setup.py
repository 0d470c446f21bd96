"""`groqnb setup`: fetch the local models' weights ahead of time, or check those that are here.

$ groqnb setup                 the default language model
$ groqnb setup small           a smaller one; "large" for a better one
$ groqnb setup speech          what hears and speaks; "hearing" or "speaking" for one of the two
$ groqnb setup --from FILE     take a copy from another machine instead of downloading
$ groqnb setup --check         say what is here and whether it is intact; download nothing
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from groqnb.local import weights
from groqnb.local.download import size_in_words
from groqnb.local.errors import BadOption, EngineError
from groqnb.local.terminal import ProgressBar, complain

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 for success, 1 for a failure, 2 for a bad option."""
    parser = argparse.ArgumentParser(
        "groqnb setup", description="Fetch the weights of the local models."
    )
    parser.add_argument(
        "model",
        nargs="?",
        default="default",
        help="small, default or large; speech, hearing or speaking (default: default)",
    )
    parser.add_argument(
        "--from",
        dest="source",
        metavar="FILE",
        help="a copy of the file, or a folder with copies, instead of a download",
    )
    parser.add_argument("--check", action="store_true", help="only look at the files that are here")
    try:
        options = parser.parse_args(argv)
    except SystemExit as end:
        return int(end.code or 0)
    try:
        if options.check:
            return _check()
        return _fetch(options.model, options.source)
    except BadOption as error:
        complain("groqnb setup", error)
        return 2
    except EngineError as error:
        complain("groqnb setup", error)
        return 1
    except KeyboardInterrupt:
        print(
            "\nStopped. What was fetched is kept; the same command goes on from there.",
            file=sys.stderr,
        )
        return 130


def _fetch(model: str, source: str | None) -> int:
    files = weights.group(model)
    missing = [file for file in files if source is not None or not weights.present(file)]
    if not missing:
        print("\n".join(f"{file.name} is here: {file.path}" for file in files))
        return 0
    for file in missing:
        print(f"{file.name}: {size_in_words(file.size)}, licence {file.licence}")
    print(f"into {missing[0].path.parent}", flush=True)
    named = None if source is None else Path(source).expanduser()
    for file in missing:
        # It may have come along with another.
        if source is not None or not weights.present(file):
            weights.ensure(file.key, progress=ProgressBar(), source=named)
    print("Ready: " + ", ".join(str(file.path) for file in missing))
    return 0


def _check() -> int:
    damaged = False
    for entry in (*weights.entries(), *weights.helpers()):
        try:
            state = str(entry.path) if weights.present(entry) else "not fetched"
        except EngineError as error:
            damaged = True
            state = str(error)
        print(f"{entry.key:18} {entry.name:36} {size_in_words(entry.size):>7}  {state}")
    return 1 if damaged else 0
