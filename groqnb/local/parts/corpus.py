"""The local corpus: what a search of this engine looks through in the place of the web.

It holds what the installed packages and Python's library document, and the notebook's folder.
The packages' index is made at the first search, by a process of its own: what notebooks use most
is there within about two seconds, the rest while other work goes on.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groqnb.local.parts.corpus_domains import country_weight, is_wanted
from groqnb.local.parts.corpus_folder import Folder
from groqnb.local.parts.corpus_index import FORMAT, Index
from groqnb.local.parts.corpus_packages import CORE, Package, installed
from groqnb.local.parts.corpus_pages import FOLDER_HOST, Page, read_address
from groqnb.local.parts.corpus_rank import Query, passage, score

__all__ = ["Corpus", "Found", "Result"]

_MOST_SECONDS = 2.5
# Where without what is still missing nothing would be found, or not what was asked about.
_PATIENCE_SECONDS = 30.0
_POLL_SECONDS = 0.05
_MOST_STARTS = 3
_CANDIDATES = 60
#: Below, too little of the question is on the page.
_LEAST_SCORE = 0.42
# The user's own files say more about the user's question than any package.
_OWN = 1.1


@dataclass(frozen=True)
class Result:
    """A page that was found: `content` is the part that fits the query, `score` is from 0 to 1."""

    page: Page
    content: str
    score: float


@dataclass(frozen=True)
class Found:
    """The results of a search, the best first; how many of the packages could be looked through."""

    results: Sequence[Result]
    packages: int
    ready: int


class Corpus:
    """The corpus of one engine. `folder` is the notebook's, `cache` is where the index is kept.

    `packages_in` are the folders of packages, by default those that Python imports from.
    Thread-safe; searches wait for each other.
    """

    def __init__(
        self, folder: Path | None, cache: Path, packages_in: Sequence[str] | None = None
    ) -> None:
        self._folder = None if folder is None else Folder(folder)
        self._packages_in = packages_in
        told = json.dumps([sys.version_info[:3], packages_in or sys.path])
        name = hashlib.sha256(told.encode()).hexdigest()[:16]
        self._path = cache / "corpus" / f"packages-{name}-{FORMAT}.db"
        self._lock = threading.Lock()
        self._index: Index | None = None
        self._builder: subprocess.Popen[bytes] | None = None

    def search(
        self,
        text: str,
        *,
        most: int = 5,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        country: str | None = None,
    ) -> Found:
        """The pages that fit `text`, of the domains that are wanted."""
        with self._lock:
            packages = installed(self._packages_in)
            names = {package.name for package in packages}

            def results(index: Index) -> list[Result]:
                query = Query.read(text, index.count, names)
                return self._best(index, query, most, include, exclude, country)

            index, ready = self._ready(text, packages)
            found = results(index)
            if not found and ready < len(packages):
                index, ready = self._ready(text, packages, patient=True)
                found = results(index)
            return Found(found, len(packages), ready)

    def _best(
        self,
        index: Index,
        query: Query,
        most: int,
        include: Sequence[str],
        exclude: Sequence[str],
        country: str | None,
    ) -> list[Result]:
        """The best pages of the index and the folder, of the domains that are wanted."""
        hosts = [host for host in index.hosts() if is_wanted(host, include, exclude)]
        pages = index.candidates(query.telling, _CANDIDATES, hosts if include or exclude else None)
        scored = [(score(query, page), page) for page in pages]
        if self._folder is not None and is_wanted(FOLDER_HOST, include, exclude):
            scored += [(_OWN * score(query, page), page) for page in self._folder.pages()]
        scored = [
            (min(1.0, points * country_weight(page.host, country)), page) for points, page in scored
        ]
        # Python's sort keeps equal ones in the order of the index.
        scored.sort(key=lambda each: -each[0])
        return [
            Result(page, passage(query, page), round(points, 4))
            for points, page in scored[:most]
            if points >= _LEAST_SCORE
        ]

    def page(self, url: str) -> Page | None:
        """The page at a `local://` address; None where there is none."""
        place = read_address(url)
        if place is None:
            return None
        host, path = place
        with self._lock:
            if host == FOLDER_HOST:
                pages = [] if self._folder is None else self._folder.pages()
                return next((page for page in pages if page.path == path), None)
            index, _ = self._ready(path.replace("/", " "), installed(self._packages_in))
            return index.page(host, path)

    def at_host(self, host: str) -> list[str]:
        """The addresses of the packages whose documentation is at `host`, at most three."""
        with self._lock:
            index, _ = self._ready("", installed(self._packages_in))
            return [page.url for page in index.described(host)[:3]]

    def close(self) -> None:
        """Let go of the index, and of a process that makes it."""
        with self._lock:
            if self._builder is not None:
                _hang_up(self._builder)
                self._builder.wait()
            if self._index is not None:
                self._index.close()
            self._builder = self._index = None

    def _ready(
        self, text: str, packages: Sequence[Package], *, patient: bool = False
    ) -> tuple[Index, int]:
        """The index, once it has what the question needs or time is up; how much it has."""
        began = time.monotonic()
        index = self._open()
        # What the question names is wanted first, else what most questions are about.
        asked = set(text.lower().replace(".", " ").split())
        first = [package.name for package in packages if package.name in asked]
        needed = set(first or CORE)
        end = began + (_PATIENCE_SECONDS if first or patient else _MOST_SECONDS)
        starts = 0
        while True:
            known = index.stamps()
            new = [each for each in packages if known.get(each.name, ("",))[0] != each.stamp]
            half = [each for each in packages if known.get(each.name) == (each.stamp, False)]
            missing = {package.name for package in [*new, *half]}
            gone = known.keys() - {package.name for package in packages}
            if (missing or gone) and starts < _MOST_STARTS:
                # Where it cannot do its work, it would end again and again.
                starts += self._start_builder(first)
            if not new and not gone and not needed & missing:
                break
            broken = starts == _MOST_STARTS and self._builder_failed()
            if broken or time.monotonic() > end:
                break
            time.sleep(_POLL_SECONDS)
        if missing or gone or self._builder is not None:
            index.refresh()
        return index, len(packages) - len(missing)

    def _open(self) -> Index:
        if self._index is None:
            try:
                self._index = Index(self._path)
            except sqlite3.OperationalError:
                # Busy or out of reach: whoever else uses it must not lose it.
                raise
            except sqlite3.DatabaseError:
                # Damaged. Nothing is lost with it.
                for suffix in ("", "-wal", "-shm"):
                    Path(f"{self._path}{suffix}").unlink(missing_ok=True)
                self._index = Index(self._path)
        return self._index

    def _builder_failed(self) -> bool:
        return self._builder is not None and bool(self._builder.poll())

    def _start_builder(self, first: Sequence[str]) -> bool:
        """Start the process that makes the index; False while one of ours runs."""
        if self._builder is not None:
            if self._builder.poll() is None:
                return False
            _hang_up(self._builder)
        settings = {"path": str(self._path), "folders": self._packages_in, "first": list(first)}
        self._builder = subprocess.Popen(
            [sys.executable, "-m", "groqnb.local.parts.corpus_build"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Not where the user's modules are.
            cwd=self._path.parent,
            env=_environment(),
            **_detached(),
        )
        assert self._builder.stdin is not None
        try:
            self._builder.stdin.write(json.dumps(settings).encode() + b"\n")
            self._builder.stdin.flush()
        except BrokenPipeError:
            # It ended at once; the search goes on with what is there.
            self._builder.wait()
        return True


def _hang_up(builder: subprocess.Popen[bytes]) -> None:
    assert builder.stdin is not None
    with suppress(BrokenPipeError):  # what it never read
        builder.stdin.close()


def _environment() -> dict[str, str]:
    """The folder of this package, for the case that it is not installed but run from source."""
    root = str(Path(__file__).resolve().parents[3])
    paths = [root, os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _detached() -> dict[str, Any]:
    """Keep Ctrl-C, which goes to the whole group of processes, from it."""
    if os.name == "posix":
        return {"start_new_session": True}
    return {"creationflags": 0x00000200 | 0x08000000}
