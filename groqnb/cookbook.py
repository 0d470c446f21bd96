"""The cookbook: where its notebooks are, and copying them to a folder of the user's."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

FIRST = "00_start.ipynb"


@dataclass
class Copied:
    """What :func:`copy_to` did: names of files that are new, were the same, or were left alone."""

    folder: Path
    new: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


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
    """Copy the cookbook into ``folder``; a file that is there already is never overwritten.

    Raises:
        OSError: the folder cannot be written.

    Example::

        from groqnb.cookbook import copy_to

        copy_to(Path("groqnb-cookbook")).new
    """
    origin = source()
    done = Copied(folder)
    for path in sorted(origin.rglob("*")):
        name = path.relative_to(origin)
        if not path.is_file() or any(part.startswith((".", "__")) for part in name.parts):
            continue
        target = folder / name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            done.new.append(str(name))
        elif target.read_bytes() == path.read_bytes():
            done.same.append(str(name))
        else:
            done.kept.append(str(name))
    return done
