"""Parts of a transcript that are finished, on disk until all of them are.

An interrupt, a crash or a dead kernel costs what was on its way, and nothing else: the same call
again finds the rest here. A part is known by its sound and by what was asked of it, so a recording
that changed is heard anew where it changed. No key is kept, nor the sound. When a transcript is
complete, its parts are removed; those of runs that nobody finished go after a month.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from groqnb.types.new_file import NewFile

__all__ = ["Kept", "default_folder"]

_OLDEST = 30 * 86400.0  # s


def default_folder(name: str = "transcripts") -> Path:
    """The folder of this name in GROQNB_DATA_DIR, else in the user's data folder."""
    folder = os.environ.get("GROQNB_DATA_DIR")
    if not folder:
        from platformdirs import user_data_dir

        folder = user_data_dir("groqnb", appauthor=False)
    return Path(folder) / name


class Kept:
    """The finished parts in a folder; with the folder None nothing is kept.

    ```python
    kept = Kept(default_folder(), {"model": "whisper-large-v3-turbo"})
    key = kept.key(flac_bytes)
    kept.put(key, {"text": "Hello."})
    kept.get(key)
    ```
    """

    def __init__(self, folder: Path | None, asked: Mapping[str, Any]) -> None:
        self._folder = folder
        self.problem = ""
        self._asked = json.dumps(asked, sort_keys=True, default=str).encode()
        if folder is not None:
            self._prune(folder)

    def key(self, sound: bytes) -> str:
        """The name of a part."""
        digest = hashlib.blake2b(sound, digest_size=16, key=hashlib.sha256(self._asked).digest())
        return digest.hexdigest()

    def get(self, key: str) -> dict[str, Any] | None:
        """What was heard in it, None where that is not known, or cannot be read."""
        if self._folder is None:
            return None
        try:
            found = json.loads((self._folder / f"{key}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def put(self, key: str, reply: Mapping[str, Any]) -> bool:
        """Keep what was heard. Where the disk takes nothing, `problem` says so, and all goes on."""
        folder = self._folder
        if folder is None or self.problem:
            return False
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            new = NewFile(folder / f"{key}.json")
            try:
                new.file.write(json.dumps(reply, ensure_ascii=False).encode())
                new.finish()
            except BaseException:
                new.give_up()
                raise
        except OSError as error:
            self.problem = error.strerror or str(error)
            return False
        return True

    def tell(self) -> None:
        """Warn where finished parts could not be kept."""
        if self.problem:
            warnings.warn(
                f"Finished parts could not be kept on disk: {self.problem}. "
                "An interrupted call would begin anew.",
                stacklevel=5,
            )

    def drop(self, keys: Iterable[str]) -> None:
        """The transcript is complete: remove its parts."""
        if self._folder is not None:
            for key in keys:
                with suppress(OSError):
                    (self._folder / f"{key}.json").unlink()

    @staticmethod
    def _prune(folder: Path) -> None:
        with suppress(OSError):
            for path in folder.iterdir():
                with suppress(OSError):
                    if path.is_file() and time.time() - path.stat().st_mtime > _OLDEST:
                        path.unlink()
