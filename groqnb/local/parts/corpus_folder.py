"""The notebook's folder as pages: notes, notebooks, heads of tables, docstrings.

It is looked through anew at each search, and only what changed is read again. Nothing of it is
written to disk. Hidden files, what is named like a secret and what links lead out to are not read.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from groqnb.local.parts.corpus_docstrings import read_module
from groqnb.local.parts.corpus_pages import FOLDER_HOST, Page, clean, split_name
from groqnb.local.parts.corpus_secrets import is_secret_name, without_secrets

__all__ = ["Folder"]

_KINDS = (".md", ".txt", ".rst", ".ipynb", ".csv", ".tsv", ".py")
_MOST_FILES = 1_000
_MOST_LOOKED_AT = 20_000
_DEEPEST = 5
_MOST_SECONDS = 1.0
_LARGEST_FILE = 2_000_000
# Notebooks are large by their outputs, which are not read.
_LARGEST_NOTEBOOK = 20_000_000
_MOST_TEXT = 40_000
_MOST_TEXT_ALL = 10_000_000
_HEAD_LINES = 6
_HEAD_WIDTH = 400
_LEFT_OUT = frozenset(
    ("node_modules", "__pycache__", "venv", "env", "site-packages", "build", "dist")
)


@dataclass(frozen=True)
class _File:
    stamp: tuple[int, int]
    page: Page | None


class Folder:
    """The files below `path`. Not for several threads at the same time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files: dict[str, _File] = {}

    def pages(self) -> list[Page]:
        """The pages of the files as they are now."""
        seen: dict[str, _File] = {}
        left = _MOST_TEXT_ALL
        end = time.monotonic() + _MOST_SECONDS
        for name, entry in self._walk():
            if len(seen) >= _MOST_FILES or left <= 0:
                break
            try:
                stat = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            stamp = (stat.st_mtime_ns, stat.st_size)
            file = self._files.get(name)
            if file is None or file.stamp != stamp:
                if time.monotonic() > end:
                    # The rest is read at the next search.
                    break
                file = _File(stamp, _read(Path(entry.path), name, stat.st_size))
            seen[name] = file
            left -= len(file.page.text) if file.page else 0
        self._files = seen
        return [file.page for file in seen.values() if file.page is not None]

    def _walk(self) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """Files by their names below the folder, those at the top first."""
        # Of a whole home folder or disk, only what lies on top is the notebook's business.
        deepest = 0 if self._path in (Path.home(), Path(self._path.anchor)) else _DEEPEST
        folders = [(str(self._path), "", 0)]
        looked = 0
        while folders:
            folder, prefix, depth = folders.pop(0)
            try:
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            except OSError:
                continue
            for entry in entries:
                looked += 1
                if looked > _MOST_LOOKED_AT:
                    return
                name = entry.name
                if is_secret_name(name) or entry.is_symlink():
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if depth < deepest and name not in _LEFT_OUT:
                        folders.append((entry.path, f"{prefix}{name}/", depth + 1))
                elif name.lower().endswith(_KINDS) and entry.is_file(follow_symlinks=False):
                    yield f"{prefix}{name}", entry


def _read(path: Path, name: str, size: int) -> Page | None:
    kind = path.suffix.lower()
    if size > (_LARGEST_NOTEBOOK if kind == ".ipynb" else _LARGEST_FILE) and kind != ".csv":
        return None
    try:
        text = _text(path, kind)
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        # Gone meanwhile, or not what its name says.
        return None
    text = clean(without_secrets(text), _MOST_TEXT)
    if not text:
        return None
    heading = re.search(r"^#+\s*(.+)$", text, re.MULTILINE) if kind != ".csv" else None
    return Page(
        host=FOLDER_HOST,
        path=name,
        title=f"{name} (in the notebook's folder)",
        words=split_name(name.replace("/", ".").replace("-", "_")),
        summary=heading[1].strip() if heading else "",
        text=text,
    )


def _text(path: Path, kind: str) -> str:
    if kind in (".csv", ".tsv"):
        with path.open(encoding="utf-8", errors="replace") as file:
            lines = [file.readline(_HEAD_WIDTH) for _ in range(_HEAD_LINES)]
        return "The table's first lines:\n\n" + "\n".join(line.rstrip() for line in lines)
    content = path.read_bytes()
    if kind == ".ipynb":
        return "\n\n".join(_cells(json.loads(content)))
    if kind == ".py":
        found = read_module(content).documented
        return "\n\n".join(f"{each.name}{each.signature}\n{each.text}" for each in found)
    return content.decode("utf-8", "replace")


def _cells(notebook: dict[str, object]) -> Iterator[str]:
    cells = notebook.get("cells")
    for cell in cells if isinstance(cells, list) else ():
        if cell.get("cell_type") in ("markdown", "code"):
            source = cell.get("source", "")
            yield "".join(source) if isinstance(source, list) else str(source)
