"""From rows to files of requests: the new ones only, each once, in a stream.

Memory holds a group of rows, and 24 bytes for each row that there is. All files of a call are made
before the first is uploaded, so that their cost can be told; a call that ends before that has made
nothing.
"""

from __future__ import annotations

import os
import secrets
from array import array
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from groqnb.batching.lines import MOST_BYTES, Drafted, Lines
from groqnb.batching.shards import Shard, Shards
from groqnb.batching.terms import Terms
from groqnb.catalog.cost import PricesUnreadable, cost
from groqnb.mapping.interrupts import Interrupts
from groqnb.mapping.journal import Journal
from groqnb.mapping.question import Question
from groqnb.mapping.run import Row, Rows
from groqnb.mapping.stored import restored
from groqnb.mapping.template import Content
from groqnb.types.errors import GroqnbError

__all__ = ["KEY_BYTES", "MOST_LINES", "NO_KEY", "Made", "files_of", "make"]

MOST_LINES = 50_000
KEY_BYTES = 16
NO_KEY = bytes(KEY_BYTES)
_AT_ONCE = 500  # rows looked up together
_BUFFER = 1 << 20


@dataclass
class Made:
    """The rows of a call, and the new files of requests.

    Attributes:
        numbers, keys: of each row; the keys one behind the other, `NO_KEY` where none is asked.
        odd: what is wrong with rows that cannot be asked, by their numbers.
        shards: the new ones.
        awaited: the numbers of all open shards in which rows of the call are.
        known: how many rows had their answer already.
        interrupted: True when the user stopped it; then there are no new shards.
    """

    numbers: array[int] = field(default_factory=lambda: array("q"))
    keys: bytearray = field(default_factory=bytearray)
    odd: dict[int, BaseException] = field(default_factory=dict)
    shards: list[Shard] = field(default_factory=list)
    awaited: set[int] = field(default_factory=set)
    known: int = 0
    interrupted: bool = False

    def add(self, number: int, key: bytes) -> None:
        """Note a row."""
        self.numbers.append(number)
        self.keys += key


class _Stopped(Exception):
    pass


def files_of(path: Path) -> Path:
    """The folder for the files of a journal at `path`."""
    return path.with_name(f"{path.stem}.batches")


def make(
    rows: Rows,
    question: Question,
    terms: Terms,
    journal: Journal,
    shards: Shards,
    interrupts: Interrupts,
) -> Made:
    """Write the files for the rows that nobody knows yet.

    Raises ParameterError for recordings that a batch cannot take, and what the rows raise.
    """
    assert journal.path is not None
    made = Made()
    files = _Files(files_of(journal.path), question, terms, shards)
    try:
        # One transaction: a process that ends before its end leaves files that nobody knows.
        with shards.connection:
            for group in _groups(rows, made, interrupts):
                _take_in(group, question, journal, shards, files, made)
            if made.interrupted:
                raise _Stopped
            files.finish()
    except _Stopped:
        files.discard()
        made.awaited -= set(files.numbers)
        return made
    except BaseException:
        files.discard()
        raise
    made.shards = [shards.get(number) for number in files.numbers]
    return made


def _groups(rows: Rows, made: Made, interrupts: Interrupts) -> Iterator[list[Row]]:
    source = iter(rows)
    group: list[Row] = []
    while not made.interrupted:
        try:
            with interrupts.raised():
                row = next(source)
        except StopIteration:
            break
        except KeyboardInterrupt:
            made.interrupted = True
            return
        if row is None:
            made.interrupted = interrupts.count > 0
            continue
        group.append(row)
        if len(group) >= _AT_ONCE:
            yield group
            group = []
            made.interrupted = interrupts.count > 0
    if group:
        yield group


def _take_in(
    group: list[Row],
    question: Question,
    journal: Journal,
    shards: Shards,
    files: _Files,
    made: Made,
) -> None:
    taken: list[tuple[int, bytes, Content]] = []
    for number, content in group:
        if content is None or isinstance(content, GroqnbError):
            if content is not None:
                made.odd[number] = content
            made.add(number, NO_KEY)
            continue
        try:
            taken.append((number, *question.key(content, number % question.samples)))
        except GroqnbError as error:
            made.odd[number] = error
            made.add(number, NO_KEY)
    keys = list(dict.fromkeys(key for _, key, _ in taken))
    known = journal.find(keys)
    waiting = shards.under_way(keys)
    refused: dict[bytes, BaseException] = {}
    for number, key, content in taken:
        if key in known and restored(known[key], number, question.judge) is None:
            # It no longer fits, and would be in the new answer's place.
            shards.connection.execute("DELETE FROM answers WHERE key = ?", [key])
            del known[key]
        if key in known:
            made.known += 1
        elif key in waiting:
            made.awaited.add(waiting[key])
        elif key not in refused:
            try:
                drafted = files.lines.draft(key, content, number % question.samples)
            except Exception as error:  # one odd row must not end the others
                if question.transcribes:
                    raise  # before anything is sent: the rows of a column are mostly of one kind
                refused[key] = error
            else:
                waiting[key] = files.write(key, drafted)
                made.awaited.add(waiting[key])
        if key in refused:
            made.odd[number] = refused[key]
        made.add(number, NO_KEY if key in refused else key)


class _Files:
    """Writes lines into files; a new one where one is full. `numbers` are those of the shards."""

    def __init__(self, folder: Path, question: Question, terms: Terms, shards: Shards) -> None:
        self.lines = Lines(question)
        self.numbers: list[int] = []
        self._folder = folder
        self._name = question.name
        self._terms = terms
        self._shards = shards
        self._paths: list[Path] = []
        self._file: BinaryIO | None = None
        self._count = self._bytes = self._tokens_in = self._tokens_out = 0
        self._seconds = 0.0

    def write(self, key: bytes, drafted: Drafted) -> int:
        """Write a row's line; the number of its shard."""
        size = len(drafted.line)
        full = self._count >= MOST_LINES or self._bytes + size > MOST_BYTES
        if self._file is None or full:
            self._end()
            self._begin()
        assert self._file is not None
        self._file.write(drafted.line)
        self._count += 1
        self._bytes += size
        self._tokens_in += drafted.tokens_in
        self._tokens_out += drafted.tokens_out
        self._seconds += drafted.seconds
        # At once, for the rows behind it that ask the same.
        self._shards.add_line(self.numbers[-1], self._count, key)
        return self.numbers[-1]

    def _begin(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        tag = f"groqnb-{self._name[:8]}-{secrets.token_hex(6)}"
        path = self._folder / f"{tag}.jsonl"
        self._paths.append(path)
        # What users ask may be private.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "wb", _BUFFER)
        lines, window = self.lines, self._terms.window
        self.numbers.append(self._shards.begin(tag, lines.model, lines.endpoint, window))
        self._count = self._bytes = self._tokens_in = self._tokens_out = 0
        self._seconds = 0.0

    def _end(self) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        file.flush()
        os.fsync(file.fileno())
        file.close()
        self._shards.connection.execute(
            "UPDATE batch_shards SET lines = ?, bytes = ?, estimate = ? WHERE id = ?",
            [self._count, self._bytes, self._usd(), self.numbers[-1]],
        )

    def finish(self) -> None:
        """All rows have come."""
        self._end()

    def discard(self) -> None:
        """Take the files away again."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        for path in self._paths:
            path.unlink(missing_ok=True)

    def _usd(self) -> float | None:
        """US dollars that the lines of the file may cost in the cloud."""
        try:
            if self._seconds:
                found = cost(self.lines.model, audio_seconds=self._seconds, batch=True)
            else:
                found = cost(
                    self.lines.model,
                    prompt_tokens=self._tokens_in,
                    completion_tokens=self._tokens_out,
                    batch=True,
                )
        except PricesUnreadable:
            return None
        return None if found is None else found.usd
