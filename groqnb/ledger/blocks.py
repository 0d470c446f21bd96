"""Many rows as one block of bytes, column by column: loading a million rows takes no loop."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groqnb.ledger.columns import COLUMNS, MOST, Column, Row

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Columns", "decode", "encode", "joined", "taken"]

Columns = dict[str, Any]
"""By the column's name: an array of floats (NaN is not known) or counts (-1 is not known); for
words the codes and the words (code -1 is not known); for texts a list (empty is not known). What
is kept only where it was asked for is left out where nobody did."""

_LEVEL = 1  # of zlib: the fastest
_WORTH = 0.5  # what does not become this small is not packed: unpacking takes longer than reading
_BETWEEN = "\x1e"  # texts; blocks of an earlier version have a line feed there


def encode(rows: Sequence[Row]) -> bytes:
    """The block of these rows."""
    import numpy as np

    head: dict[str, Any] = {"rows": len(rows), "columns": {}}
    pieces: list[bytes] = []
    for column, values in zip(COLUMNS, zip(*rows, strict=True), strict=True):
        about: dict[str, Any] = {"kind": column.kind}
        if column.kind == "float":
            data = np.array([np.nan if v is None else v for v in values], "<f8").tobytes()
        elif column.kind == "count":
            counts = [-1 if v is None or not 0 <= v <= MOST else v for v in values]
            data = np.array(counts, "<i4").tobytes()
        elif column.kind == "word":
            words = [word for word in dict.fromkeys(values) if word is not None]
            codes = {word: code for code, word in enumerate(words)}
            about["words"] = words
            data = np.array([codes.get(v, -1) for v in values], "<i4").tobytes()
        elif column.asked_for and not any(values):
            continue
        else:
            about["between"] = _BETWEEN
            data = _BETWEEN.join(_whole(v) for v in values).encode(errors="replace")
        packed = zlib.compress(data, _LEVEL)
        about["packed"] = len(packed) < _WORTH * len(data)
        if not about["packed"]:
            packed = data
        about["bytes"] = len(packed)
        head["columns"][column.name] = about
        pieces.append(packed)
    start = json.dumps(head, ensure_ascii=False).encode()
    return b"".join([len(start).to_bytes(4, "little"), start, *pieces])


def _whole(value: str | None) -> str:
    return "" if value is None else value.replace(_BETWEEN, " ")


def decode(block: bytes, wanted: Iterable[str] | None = None) -> Columns:
    """The columns of a block, those of `wanted` or all; a column it does not have is left out.

    Raises ValueError for a block that is damaged.
    """
    try:
        return _decode(block, wanted)
    except (ValueError, LookupError, TypeError, AttributeError, zlib.error) as error:
        raise ValueError(f"a block of it is damaged: {error}") from None


def _decode(block: bytes, wanted: Iterable[str] | None) -> Columns:
    import numpy as np

    length = int.from_bytes(block[:4], "little")
    head = json.loads(block[4 : 4 + length])
    names = None if wanted is None else set(wanted)
    columns: Columns = {}
    at = 4 + length
    for name, about in head["columns"].items():
        packed, at = block[at : at + about["bytes"]], at + about["bytes"]
        if names is not None and name not in names:
            continue
        data = zlib.decompress(packed) if about["packed"] else packed
        if about["kind"] == "float":
            columns[name] = np.frombuffer(data, "<f8")
        elif about["kind"] == "count":
            columns[name] = np.frombuffer(data, "<i4")
        elif about["kind"] == "word":
            columns[name] = (np.frombuffer(data, "<i4"), about["words"])
        else:
            between = about.get("between", "\n")
            columns[name] = data.decode().split(between) if head["rows"] else []
    if at != len(block):
        raise ValueError("a part of it is missing")
    columns["rows"] = head["rows"]
    return columns


def joined(parts: Sequence[Columns]) -> Columns:
    """The columns of several blocks one after the other, words with one list of them."""
    import numpy as np

    out: Columns = {"rows": sum(part["rows"] for part in parts)}
    for column in COLUMNS:
        if column.asked_for and not any(column.name in part for part in parts):
            continue
        pieces = [part.get(column.name, _unknown(column, part["rows"])) for part in parts]
        if column.kind == "word":
            out[column.name] = _joined_words(pieces)
        elif column.kind == "text":
            out[column.name] = [text for piece in pieces for text in piece]
        else:
            empty = np.empty(0, "<f8" if column.kind == "float" else "<i4")
            out[column.name] = np.concatenate([empty, *pieces])
    return out


def _joined_words(
    pieces: Sequence[tuple[NDArray[np.int32], list[str]]],
) -> tuple[NDArray[np.int32], list[str]]:
    import numpy as np

    codes: dict[str, int] = {}
    arrays = [np.empty(0, "<i4")]
    for own, words in pieces:
        # One more at the end: that is where the code -1 leads.
        table = np.array([*(codes.setdefault(word, len(codes)) for word in words), -1], "<i4")
        arrays.append(table[own])
    return np.concatenate(arrays), list(codes)


def _unknown(column: Column, rows: int) -> Any:
    import numpy as np

    if column.kind == "float":
        return np.full(rows, np.nan)
    if column.kind == "count":
        return np.full(rows, -1, "<i4")
    if column.kind == "word":
        return np.full(rows, -1, "<i4"), []
    return [""] * rows


def taken(columns: Mapping[str, Any], keep: NDArray[np.bool_]) -> Columns:
    """The rows for which `keep` is true."""
    import numpy as np

    out: Columns = {"rows": int(keep.sum())}
    for column in COLUMNS:
        if column.name not in columns:
            continue
        value = columns[column.name]
        if column.kind == "word":
            out[column.name] = (value[0][keep], value[1])
        elif column.kind == "text":
            out[column.name] = [value[at] for at in np.flatnonzero(keep)]
        else:
            out[column.name] = value[keep]
    return out
