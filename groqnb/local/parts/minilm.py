"""Sentences as vectors: all-MiniLM-L6-v2, run by numpy.

The weights are an ONNX file with 8-bit integers; at this size numpy is as fast as a runtime for
such files would be (about 10 ms a sentence, once 0.3 s to load) and spares an installation of
200 MB. Only what this one file needs is read; that it is this one, its sha256 in the manifest
says.
"""

from __future__ import annotations

import json
import math
import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

__all__ = ["MiniLm"]

_LAYERS = 6
_HEADS = 12
_MOST_TOKENS = 128
_FLOAT, _INT8 = 1, 3
# Chinese characters are words of their own; so is each punctuation mark.
_WORDS = "[\u3400-\u9fff]|[^\\W_\u3400-\u9fff]+|[^\\w\\s]|_"
_PER_LAYER = ("query", "key", "value", "output", "wide", "narrow")


class MiniLm:
    """The model, loaded. `words` is its tokenizer.json, `weights` its ONNX file."""

    def __init__(self, weights: Path, words: Path) -> None:
        # Read when numpy is imported: on matrices this small threads only wait for each other.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        self._pieces: dict[str, int] = json.loads(words.read_bytes())["model"]["vocab"]
        self._tensors: dict[str, Any] = dict(_tensors(memoryview(weights.read_bytes())))
        self._matrices = self._read_matrices()

    def _read_matrices(self) -> list[Array]:
        """The layers' matrices, which the file names by number only, in its order."""
        names = [name for name in self._tensors if re.fullmatch(r"val_\d+_q", name)]
        assert len(names) == _LAYERS * len(_PER_LAYER)
        return [self._scaled(name) for name in names]

    def _scaled(self, name: str) -> Array:
        import numpy as np

        scale: Array = self._tensors[name.removesuffix("_q") + "_scale"]
        whole: Array = self._tensors[name].astype(np.float32)
        whole *= scale
        return whole

    def vector(self, text: str) -> Array:
        """The meaning of `text` as a vector of length 1; the dot product compares two."""
        import numpy as np

        ids = self._ids(text)
        tensor = self._tensors
        state = self._rows("word_embeddings", ids) + self._rows(
            "position_embeddings", list(range(len(ids)))
        )
        state += tensor["inner.embeddings.token_type_embeddings.weight"][0]
        state = self._normal(state, "inner.embeddings.LayerNorm")
        for layer in range(_LAYERS):
            state = self._layer(state, layer)
        mean: Array = state.mean(axis=0)
        mean /= np.float32(np.linalg.norm(mean))
        return mean

    def _rows(self, name: str, rows: list[int]) -> Array:
        import numpy as np

        key = f"inner.embeddings.{name}.weight"
        found: Array = self._tensors[f"{key}_q"][rows].astype(np.float32)
        found *= self._tensors[f"{key}_scale"][rows]
        return found

    def _normal(self, state: Array, name: str) -> Array:
        import numpy as np

        centred = state - state.mean(axis=1, keepdims=True)
        spread = np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-12)
        found: Array = centred / spread * self._tensors[f"{name}.weight"]
        found += self._tensors[f"{name}.bias"]
        return found

    def _layer(self, state: Array, layer: int) -> Array:
        import numpy as np

        here = f"inner.encoder.layer.{layer}."
        first = layer * len(_PER_LAYER)
        matrix = dict(zip(_PER_LAYER, self._matrices[first : first + len(_PER_LAYER)], strict=True))

        def dense(given: Array, which: str, bias: str) -> Array:
            found: Array = given @ matrix[which] + self._tensors[f"{here}{bias}.bias"]
            return found

        count, width = state.shape

        def heads(which: str) -> Array:
            made = dense(state, which, f"attention.self.{which}")
            split: Array = made.reshape(count, _HEADS, width // _HEADS).transpose(1, 0, 2)
            return split

        scores = heads("query") @ heads("key").transpose(0, 2, 1) / math.sqrt(width // _HEADS)
        scores = np.exp(scores - scores.max(axis=2, keepdims=True))
        scores /= scores.sum(axis=2, keepdims=True)
        seen = (scores @ heads("value")).transpose(1, 0, 2).reshape(count, width)
        state = self._normal(
            state + dense(seen, "output", "attention.output.dense"),
            f"{here}attention.output.LayerNorm",
        )
        wide = _gelu(dense(state, "wide", "intermediate.dense"))
        return self._normal(
            state + dense(wide, "narrow", "output.dense"), f"{here}output.LayerNorm"
        )

    def _ids(self, text: str) -> list[int]:
        plain = unicodedata.normalize("NFD", text.lower())
        plain = "".join(letter for letter in plain if unicodedata.category(letter) != "Mn")
        ids = [piece for word in re.findall(_WORDS, plain) for piece in self._word(word)]
        return [self._pieces["[CLS]"], *ids[: _MOST_TOKENS - 2], self._pieces["[SEP]"]]

    def _word(self, word: str) -> list[int]:
        """The longest pieces of a word that the model knows, from the left."""
        ids: list[int] = []
        start = 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = ("##" if start else "") + word[start:end]
                if piece in self._pieces:
                    ids.append(self._pieces[piece])
                    start = end
                    break
            else:
                return [self._pieces["[UNK]"]]
        return ids


def _gelu(x: Array) -> Array:
    import numpy as np

    # The error function as a rational function, off by less than 1e-6.
    z = np.abs(x) * np.float32(1 / math.sqrt(2))
    t = 1 / (1 + np.float32(0.3275911) * z)
    poly = t * (
        0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))
    )
    erf = np.sign(x) * (1 - poly * np.exp(-z * z))
    found: Array = (0.5 * x * (1 + erf)).astype(np.float32)
    return found


def _tensors(file: memoryview) -> Iterator[tuple[str, Any]]:
    """The tensors of an ONNX file (a protobuf message): name and array."""
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
