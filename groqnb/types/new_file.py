"""A file that appears under its name when it is whole, or not at all."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import IO

__all__ = ["NewFile"]


class NewFile:
    """Written under another name beside `path`, and moved there by `finish`.

    Raises OSError where it cannot be written, before anything is there to be written.

    ```python
    new = NewFile("talk.wav")
    new.file.write(b"...")
    new.finish()  # or new.give_up()
    ```
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        # A link stays a link: the file it leads to is replaced.
        self.path = Path(path)
        self._place = Path(os.path.realpath(path))
        if self._place.is_dir():
            raise IsADirectoryError(f"{self.path} is a folder; name a file in it.")
        self._part = self._place.with_name(f".{self._place.name[:80]}.{os.urandom(4).hex()}.part")
        try:
            self.file: IO[bytes] = open(self._part, "xb")  # noqa: SIM115
        except OSError as error:
            error.filename = os.fspath(path)  # nobody knows the other name
            raise

    def finish(self) -> Path:
        """Closes it and puts it in its place, over what was there; returns the path.

        Who may read what was there may read it, and nobody else.
        """
        self.file.close()
        with suppress(OSError):  # nothing was there
            os.chmod(self._part, stat.S_IMODE(os.stat(self._place).st_mode))
        os.replace(self._part, self._place)
        return self.path

    def give_up(self) -> None:
        """Leaves nothing behind."""
        self.file.close()
        self._part.unlink(missing_ok=True)
