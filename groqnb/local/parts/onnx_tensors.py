"""The tensors of an ONNX file, which is a protobuf message, as numpy arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["tensors"]

_FLOAT, _INT8 = 1, 3


def tensors(file: memoryview) -> Iterator[tuple[str, Any]]:
    """Name and array of each tensor of 32-bit floats or 8-bit integers."""
    import numpy as np

    graph = next(value for number, value in _fields(file) if number == 7)
    for number, tensor in _fields(graph):
        if number != 5:
            continue
        shape: list[int] = []
        name, kind, raw = "", 0, memoryview(b"")
        for part, value in _fields(tensor):
            if part == 1:
                shape += [value] if isinstance(value, int) else list(_packed(value))
            elif part == 2:
                kind = value
            elif part == 8:
                name = bytes(value).decode()
            elif part == 9:
                raw = value
        if kind in (_FLOAT, _INT8):
            yield name, np.frombuffer(raw, np.float32 if kind == _FLOAT else np.int8).reshape(shape)


def _fields(message: memoryview) -> Iterator[tuple[int, Any]]:
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        if key & 7 == 0:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        if key & 7 == 2:
            size, at = _varint(message, at)
        else:
            size = 4 if key & 7 == 5 else 8
        yield key >> 3, message[at : at + size]
        at += size


def _packed(message: memoryview) -> Iterator[int]:
    at = 0
    while at < len(message):
        value, at = _varint(message, at)
        yield value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
