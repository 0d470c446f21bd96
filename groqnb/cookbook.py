"""The cookbook: where its notebooks are, and a copy of it in a folder of the user's.

What a user changed is never written over. So that the rest can be brought up to date, the copy
holds a list of what was put there, :data:`LIST`: a file that is still as it was put is ours.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groqnb.gallery import GALLERY, gallery
from groqnb.types.new_file import NewFile

__all__ = ["FIRST", "GALLERY", "LIST", "Copied", "copy_to", "source"]

FIRST = "00_start.ipynb"
LIST = ".groqnb-cookbook.json"


@dataclass
class Copied:
    """What :func:`copy_to` did, by names of files relative to ``folder``.

    ``kept`` are the user's: they differ from what was put there. ``newer`` are those of them that
    have changed in the cookbook as well, so that the user may want to look at ours.
    """

    folder: Path
    new: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    newer: list[str] = field(default_factory=list)


def source() -> Path:
    """The folder that holds the notebooks: inside the installed package, or of a source tree.

    Raises:
        FileNotFoundError: the installation lacks them.

    Example::

        from groqnb.cookbook import source

        print(sorted(p.name for p in source().glob("*.ipynb")))
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "notebooks", here.parent / "notebooks"):
        if (folder / FIRST).is_file():
            return folder
    raise FileNotFoundError("This installation of groqnb has no notebooks; install it again.")


def copy_to(folder: Path) -> Copied:
    """Copy the cookbook and its gallery into ``folder``, or bring the copy there up to date.

    A file that is not as it was put there is the user's and stays; one that was deleted comes
    back. Each file is replaced whole, so an interrupt leaves the old one or the new.

    Raises:
        OSError: the folder cannot be written.

    Example::

        from pathlib import Path
        from groqnb.cookbook import copy_to

        print(copy_to(Path("groqnb-cookbook")).new)
    """
    return _put(_files(source()), folder)


def _files(origin: Path) -> dict[str, bytes]:
    files = {}
    for path in sorted(origin.rglob("*")):
        name = path.relative_to(origin)
        if path.is_file() and not any(part.startswith((".", "__")) for part in name.parts):
            files[name.as_posix()] = path.read_bytes()
    return files | gallery(origin)


def _put(files: Mapping[str, bytes], folder: Path) -> Copied:
    done = Copied(folder)
    before = _read_list(folder / LIST)
    after = dict(before)
    try:
        for name, content in files.items():
            ours = _digest(name, content)
            if _put_one(done, name, content, ours, before.get(name)):
                after[name] = ours
    finally:  # an interrupt must not make the user's what we have just put there
        if after != before:
            listed = {"groqnb cookbook": 1, "files": dict(sorted(after.items()))}
            _write(folder / LIST, (json.dumps(listed, indent=1) + "\n").encode())
    return done


def _put_one(done: Copied, name: str, content: bytes, ours: str, before: str | None) -> bool:
    """Put one file there and say True, or leave the user's. `ours` and `before` are digests."""
    target = done.folder / name
    there = _digest(name, target.read_bytes()) if target.is_file() else None
    if there == ours:
        done.same.append(name)
    elif there is None and not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(target, content)
        done.new.append(name)
    elif there is not None and there == before:
        _write(target, content)
        done.updated.append(name)
    else:
        done.kept.append(name)
        if before not in (None, ours):
            done.newer.append(name)
        # What was put there last stays in the list: by it "newer" is known next time, too.
        return False
    return True


def _read_list(path: Path) -> dict[str, str]:
    """Digests of what was put there; of a list that cannot be read, none: all is the user's."""
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        return {str(name): str(digest) for name, digest in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _digest(name: str, content: bytes) -> str:
    """What makes a file the user's when it changes: its bytes, or the cells of a notebook.

    JupyterLab saves a notebook that was only opened, with metadata of its own.
    """
    if name.endswith(".ipynb"):
        try:
            cells = json.loads(content)["cells"]
            told = [
                [_text(cell[key]) for key in ("cell_type", "source", "outputs") if key in cell]
                for cell in cells
            ]
        except (ValueError, KeyError, TypeError):
            pass
        else:
            content = json.dumps(told, sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()


def _text(value: Any) -> Any:
    """The value with its texts in one piece each; a notebook may hold them as lists of lines."""
    if isinstance(value, dict):
        # Counts of runs are no output, and Lab leaves out metadata that is empty.
        left = ("execution_count", "metadata")
        return {key: _text(part) for key, part in value.items() if key not in left}
    if isinstance(value, list):
        if value and all(isinstance(part, str) for part in value):
            return "".join(value)
        return [_text(part) for part in value]
    return value


def _write(path: Path, content: bytes) -> None:
    new = NewFile(path)
    try:
        new.file.write(content)
        new.finish()
    except BaseException:
        new.give_up()
        raise
