"""JSON values told apart while they are being written."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["Elements"]


class Elements:
    """Cuts a stream of text into the objects that it holds: one, or those of an array.

    >>> elements = Elements()
    >>> list(elements.feed('[{"a": "}"}, {')), list(elements.feed('"a": 2}]'))
    ([(0, '{"a": "}"}', '{"a": "}"}'), (1, '{', None)], [(1, '"a": 2}', '{"a": 2}')])
    """

    def __init__(self) -> None:
        self._number = -1
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self.text = ""
        self._whole = ""
        self.begins = False

    def feed(self, piece: str) -> Iterator[tuple[int, str, str | None]]:
        """Number of the object, its next piece, and the whole of it where it ends there.

        While a first piece is handed out `begins` is true.
        """
        self.text += piece
        part = ""
        for letter in piece:
            if self._depth == 0:
                if letter != "{":
                    continue
                self._number += 1
                self._whole = ""
                self.begins = True
            part += letter
            self._follow(letter)
            if self._depth == 0:
                self._whole += part
                yield self._number, part, self._whole
                part, self.begins = "", False
        if part:
            self._whole += part
            yield self._number, part, None
            self.begins = False

    def _follow(self, letter: str) -> None:
        if self._in_string:
            if self._escaped:
                self._escaped = False
            elif letter == "\\":
                self._escaped = True
            elif letter == '"':
                self._in_string = False
        elif letter == '"':
            self._in_string = True
        elif letter in "{[":
            self._depth += 1
        elif letter in "}]":
            self._depth -= 1
