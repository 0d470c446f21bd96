"""A lock between processes that the system lets go when its holder dies."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = ["locked", "try_lock"]

_POLL_SECONDS = 0.2


@contextlib.contextmanager
def locked(path: Path, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the lock at `path` for the `with` block; `waiting` is called while another has it.

    The file stays behind, empty: deleting it would let two processes hold "the" lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while not _try(descriptor):
            if waiting is not None:
                waiting()
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        # Closing lets the lock go, on every system.
        os.close(descriptor)


def try_lock(path: Path) -> int | None:
    """Take the lock at `path` if it is free, until the descriptor returned is closed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    if _try(descriptor):
        return descriptor
    os.close(descriptor)
    return None


def _try(descriptor: int) -> bool:
    if os.name == "nt":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
