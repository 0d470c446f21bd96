"""`groqnb setup`: fetch the local model's weights ahead of time, or check those that are here.

$ groqnb setup                 the default model
$ groqnb setup small           a smaller one; "large" for a better one
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
        "groqnb setup", description="Fetch the weights of the local model."
    )
    parser.add_argument(
        "model", nargs="?", default="default", help="small, default or large (default: default)"
    )
    parser.add_argument(
        "--from", dest="source", metavar="FILE", help="a copy of the file, instead of a download"
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
    wanted = weights.entry(model)
    if source is None and weights.present(wanted):
        print(f"{wanted.name} is here: {wanted.path}")
        return 0
    print(f"{wanted.name}: {size_in_words(wanted.size)}, licence {wanted.licence}")
    print(f"into {wanted.path.parent}", flush=True)
    weights.ensure(
        model,
        progress=ProgressBar(),
        source=None if source is None else Path(source).expanduser(),
    )
    print(f"Ready: {wanted.path}")
    return 0


def _check() -> int:
    damaged = False
    for entry in weights.entries():
        try:
            state = str(entry.path) if weights.present(entry) else "not fetched"
        except EngineError as error:
            damaged = True
            state = str(error)
        print(f"{entry.key:8} {entry.name:36} {size_in_words(entry.size):>7}  {state}")
    return 1 if damaged else 0
