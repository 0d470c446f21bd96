"""The file of a record: one JSON list, to which several kernels may add at once.

The first element says what the file is, each other one is an exchange. To add one, the list's end
is written over, under a lock: what was there before is never written again, and a write that is
cut off leaves all exchanges before it, which the next one tidies up. The file is read leniently, so
that it can be edited by hand: a comma too many or too few does no harm.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from groqnb.record.reply import written
from groqnb.types.errors import ReplayError

__all__ = ["RecordFile", "Signature", "read_text"]

Signature = tuple[int, int, int]
"""Of a file: which it is, its size, and when it was written to."""

FORMAT = "groqnb replay"
VERSION = 1

_HEAD = {"format": FORMAT, "version": VERSION}
_END = "\n]\n"
_MARKER = re.compile(r"^(?:<{7}|={7}|>{7}|\|{7})(?: |$)", re.MULTILINE)
_BETWEEN = re.compile(r"[\s,]*")
_DECODER = json.JSONDecoder()


def read_text(text: str, name: str) -> tuple[list[dict[str, Any]], int]:
    """The exchanges in a record's text, and where the last whole one ends.

    `name` is the file's, for errors. Raises ReplayError.
    """
    found: list[dict[str, Any]] = []
    at = _BETWEEN.match(text, 1 if text.startswith("\ufeff") else 0).end()  # type: ignore[union-attr]
    if at < len(text) and text[at] == "[":
        at += 1
    end = at
    headed = False
    while True:
        at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]
        if at >= len(text) or text[at] == "]":
            break
        try:
            value, at = _DECODER.raw_decode(text, at)
        except json.JSONDecodeError as error:
            ours = headed or _MARKER.search(text) or _head().startswith(text.removeprefix("\ufeff"))
            if not ours:
                _check_head({}, name)  # somebody's file, which is not to be written over
            if _is_cut_off(text, at):
                break
            raise _unreadable(text, error, name) from None
        if not isinstance(value, dict):
            raise ReplayError(
                f"{name} has something in line {_line(text, at)} that is no exchange: "
                f"{str(value)[:40]!r}."
            )
        end = at
        if not headed:
            headed = True
            _check_head(value, name)
        elif value.get("format") != FORMAT:  # a merge may leave two heads
            _check_exchange(value, name, text, at)
            found.append(value)
    return found, end


def _check_head(head: Mapping[str, Any], name: str) -> None:
    if head.get("format") != FORMAT:
        raise ReplayError(
            f"{name} is no record of groqnb: its first element does not say so.",
            hint="Name another file, or move this one away.",
        )
    version = head.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise ReplayError(
            f"{name} was written by a later version of groqnb (its format is {version}).",
            hint="Upgrade groqnb, or name another file.",
        )


def _check_exchange(value: Mapping[str, Any], name: str, text: str, at: int) -> None:
    whole = isinstance(value.get("request"), dict) and (
        isinstance(value.get("reply"), dict) or isinstance(value.get("broken"), dict)
    )
    if not whole:
        raise ReplayError(
            f"{name}: what ends in line {_line(text, at)} has no request with a reply.",
            hint="Mend it by hand, or delete it: the call is then made again.",
        )


def _is_cut_off(text: str, at: int) -> bool:
    """True where what begins here was never written to its end."""
    return _MARKER.search(text) is None and re.search(r"^\}", text[at:], re.MULTILINE) is None


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _unreadable(text: str, error: json.JSONDecodeError, name: str) -> ReplayError:
    marker = _MARKER.search(text)
    if marker is not None:
        return ReplayError(
            f"{name} has an unresolved merge conflict in line {_line(text, marker.start())}.",
            hint="Every exchange stands for itself: to keep both sides, delete the lines that "
            "begin with <<<<<<<, ======= and >>>>>>>.",
        )
    return ReplayError(
        f"{name} is not JSON in line {error.lineno}, column {error.colno}: {error.msg}.",
        hint="Mend that line, or delete the exchange around it.",
    )


class RecordFile:
    """The file at `path`, which need not exist yet."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def signature(self) -> Signature | None:
        """What differs when somebody has written to it; None where there is no file."""
        try:
            return _signature(os.stat(self.path))
        except OSError:
            return None

    def load(self) -> list[dict[str, Any]]:
        """All exchanges, oldest first. Raises ReplayError."""
        try:
            with self._opened(os.O_RDONLY) as descriptor:
                data = _all(descriptor)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ReplayError(f"{self.path.name} cannot be read: {error.strerror}.") from None
        return read_text(self._decoded(data), self.path.name)[0]

    def append(self, exchange: Mapping[str, Any]) -> tuple[int, Signature]:
        """Adds an exchange; the size before, and the signature after.

        Raises OSError, ReplayError; the file is then as it was.
        """
        text = written(exchange)
        try:
            data = text.encode()
        except UnicodeEncodeError:  # half a character, which JSON can write
            data = json.dumps(exchange, indent=1).encode()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._opened(os.O_RDWR | os.O_CREAT) as descriptor:
            size = os.fstat(descriptor).st_size
            begin, between = self._end(descriptor, size)
            tail = _read(descriptor, begin, size - begin)
            try:
                if tail.strip(b" \t\r\n]"):
                    # Half an exchange: a write that is cut off must not end in the middle of it.
                    os.ftruncate(descriptor, begin)
                _write(descriptor, begin, between + data + _END.encode())
                os.ftruncate(descriptor, os.lseek(descriptor, 0, os.SEEK_CUR))
            except OSError:
                with contextlib.suppress(OSError):
                    _write(descriptor, begin, tail)
                    os.ftruncate(descriptor, size)
                raise
            return size, _signature(os.fstat(descriptor))

    def rewrite(self, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
        """Replaces all exchanges by what `change` makes of them. Raises OSError, ReplayError."""
        from groqnb.types.new_file import NewFile

        with self._opened(os.O_RDWR) as descriptor:
            text = self._decoded(_all(descriptor))
            kept = change(read_text(text, self.path.name)[0])
            new = NewFile(self.path)
            try:
                body = ",\n".join([_head(), *map(written, kept)]) + _END
                new.file.write(body.encode("utf-8", "backslashreplace"))
                new.finish()
            except BaseException:
                new.give_up()
                raise

    def _end(self, descriptor: int, size: int) -> tuple[int, bytes]:
        """Where the next exchange goes, and what stands before it."""
        if size == 0:
            return 0, _head().encode() + b",\n"
        last = _read(descriptor, max(0, size - 16), 16)
        end = re.search(rb"\}\s*\]\s*$", last)
        if end is not None:
            return size - len(last) + end.start() + 1, b",\n"
        # Edited by hand, or a write was cut off: look for the end of what is whole.
        text = self._decoded(_all(descriptor))
        at = read_text(text, self.path.name)[1]
        if not text[:at].strip("\ufeff \t\r\n["):
            return 0, _head().encode() + b",\n"
        return len(text[:at].encode()), b",\n"

    def _decoded(self, data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            # A write that was cut off may end inside a character.
            if error.end >= len(data) - 3:
                return data[: error.start].decode()
            raise ReplayError(
                f"{self.path.name} is not UTF-8 at byte {error.start}.",
                hint="Save it as UTF-8, or name another file.",
            ) from None

    @contextlib.contextmanager
    def _opened(self, flags: int) -> Iterator[int]:
        """The file, locked against the other writers."""
        while True:
            descriptor = os.open(self.path, flags | getattr(os, "O_BINARY", 0), 0o644)
            try:
                _lock(descriptor)
                if os.name != "nt" and not self._is(descriptor):
                    continue  # it was replaced while this waited
                yield descriptor
                return
            finally:
                os.close(descriptor)

    def _is(self, descriptor: int) -> bool:
        try:
            there = os.stat(self.path)
        except FileNotFoundError:
            return False
        return there.st_ino == os.fstat(descriptor).st_ino


def _signature(state: os.stat_result) -> Signature:
    return state.st_ino, state.st_size, state.st_mtime_ns


def _head() -> str:
    return f"[\n{json.dumps(_HEAD)}"


def _lock(descriptor: int) -> None:
    """Waits for the lock; closing lets it go. Where there are no locks, none is held."""
    with contextlib.suppress(OSError):
        if os.name == "nt":
            import msvcrt

            # The byte is beyond the file's end: Windows lets nobody read what is locked.
            os.lseek(descriptor, 0x7FFFFFF0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX)


def _all(descriptor: int) -> bytes:
    return _read(descriptor, 0, os.fstat(descriptor).st_size)


def _read(descriptor: int, begin: int, size: int) -> bytes:
    os.lseek(descriptor, begin, os.SEEK_SET)
    parts = []
    while size > 0 and (part := os.read(descriptor, size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _write(descriptor: int, begin: int, data: bytes) -> None:
    os.lseek(descriptor, begin, os.SEEK_SET)
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
