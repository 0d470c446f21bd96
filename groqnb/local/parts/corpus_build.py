"""Fills the index of the installed packages: a process of its own, so no answer has to wait.

`python -m groqnb.local.parts.corpus_build` reads one JSON line from its standard input and works
until all is done, or its input ends, which it does when the engine that started it does.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from groqnb.local.lockfile import try_lock
from groqnb.local.parts.corpus_index import Index
from groqnb.local.parts.corpus_packages import CORE, Package, described, documented, installed
from groqnb.local.parts.corpus_pages import Page

__all__ = ["build", "main"]

_MOST_SECONDS = 300.0
_QUIET_AFTER = 5.0


def build(path: Path, folders: Sequence[str] | None = None, first: Iterable[str] = ()) -> bool:
    """Bring the index at `path` up to date with the packages in `folders`, `first` ones first.

    False when another process is at it already.
    """
    lock = try_lock(path.with_suffix(".lock"))
    if lock is None:
        return False
    try:
        index = Index(path)
        with contextlib.closing(index):
            _bring_up(index, installed(folders), [*first, *CORE])
    finally:
        os.close(lock)
    return True


def _bring_up(index: Index, packages: Sequence[Package], first: Sequence[str]) -> None:
    began = time.monotonic()
    known = index.stamps()
    index.forget(known.keys() - {package.name for package in packages})
    new = [package for package in packages if known.get(package.name, ("",))[0] != package.stamp]
    half = [package for package in packages if known.get(package.name) == (package.stamp, False)]
    found: dict[str, tuple[str, list[Page]]] = {}
    for package in [*new, *half]:
        # The short part of all of them comes first, so that nothing is quite unknown.
        host, pages = found[package.name] = described(package)
        if package in new:
            index.put(package.name, package.stamp, host, pages, whole=False)
    quiet = False
    for package in sorted([*new, *half], key=lambda each: _order(each, first)):
        if not quiet and time.monotonic() - began > _QUIET_AFTER:
            quiet = _be_quiet()
        host, pages = found[package.name]
        if time.monotonic() - began < _MOST_SECONDS:
            pages = [*pages, *documented(package, host)]
        index.put(package.name, package.stamp, host, pages, whole=True)


def _order(package: Package, first: Sequence[str]) -> tuple[int, int]:
    if package.name in first:
        return first.index(package.name), 0
    # Small ones next: more of them are there sooner.
    size = 0
    if package.info is not None:
        with contextlib.suppress(OSError):
            size = (package.info / "RECORD").stat().st_size
    return len(first), size


def _be_quiet() -> bool:
    """Nobody waits any longer: let others go first."""
    if hasattr(os, "nice"):
        os.nice(10)
    return True


def main() -> None:
    """Run as the child of an engine."""
    given = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    build(Path(given["path"]), given["folders"], given["first"])


def _end_with_input() -> None:
    while os.read(sys.stdin.fileno(), 64):
        continue
    os._exit(0)


if __name__ == "__main__":
    main()
