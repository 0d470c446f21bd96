"""Sentences as vectors: models of the form of all-MiniLM-L6-v2, run by numpy.

The weights are an ONNX file of 8-bit integers or of floats; at this size numpy is as fast as a
runtime for such files would be (about 10 ms a sentence, once 0.3 s to load) and spares an
installation of 200 MB. Only what these files need is read; that it is one of them, its sha256 in
the manifest says.
"""

from __future__ import annotations

import json
import math
import os
import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groqnb.local.parts.onnx_tensors import tensors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

__all__ = ["MiniLm"]

_LAYERS = 6
_HEADS = 12
# Chinese characters are words of their own; so is each punctuation mark.
_WORDS = "[\u3400-\u9fff]|[^\\W_\u3400-\u9fff]+|[^\\w\\s]|_"
# A longer one is no word, as with the tokenizers that the models were trained with. To look for its
# pieces would take time by the square of its length.
_LONGEST_WORD = 100
# The layers' matrices have no names but numbers.
_MATRICES = r"val_\d+_q|onnx::MatMul_\d+"
_PER_LAYER = ("query", "key", "value", "output", "wide", "narrow")


class MiniLm:
    """The model, loaded. `words` is its tokenizer.json, `weights` its ONNX file.

    `root` is what the file calls the model, `most_tokens` how much of a text is read.
    """

    def __init__(
        self, weights: Path, words: Path, *, root: str = "inner", most_tokens: int = 128
    ) -> None:
        # Read when numpy is imported: on matrices this small threads only wait for each other.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        self._pieces: dict[str, int] = json.loads(words.read_bytes())["model"]["vocab"]
        self._root = root
        self.most_tokens = most_tokens
        self._tensors: dict[str, Any] = dict(tensors(memoryview(weights.read_bytes())))
        self._matrices = self._read_matrices()

    def _read_matrices(self) -> list[Array]:
        """The layers' matrices, which the file names by number only, in its order."""
        names = [name for name in self._tensors if re.fullmatch(_MATRICES, name)]
        assert len(names) == _LAYERS * len(_PER_LAYER)
        return [self._scaled(name) for name in names]

    def _scaled(self, name: str) -> Array:
        import numpy as np

        whole: Array = self._tensors[name]
        if name.endswith("_q"):
            whole = whole.astype(np.float32)
            whole *= self._tensors[name.removesuffix("_q") + "_scale"]
        return whole

    def vector(self, text: str) -> Array:
        """The meaning of `text` as a vector of length 1; the dot product compares two."""
        import numpy as np

        mean = self.mean(self.tokens(text)[: self.most_tokens - 2])
        mean /= np.float32(np.linalg.norm(mean))
        return mean

    def mean(self, tokens: list[int]) -> Array:
        """The mean of what the last layer makes of `tokens`, which stand between two marks."""
        ids = [self._pieces["[CLS]"], *tokens, self._pieces["[SEP]"]]
        state = self._rows("word_embeddings", ids) + self._rows(
            "position_embeddings", list(range(len(ids)))
        )
        embeddings = f"{self._root}.embeddings"
        state += self._tensors[f"{embeddings}.token_type_embeddings.weight"][0]
        state = self._normal(state, f"{embeddings}.LayerNorm")
        for layer in range(_LAYERS):
            state = self._layer(state, layer)
        found: Array = state.mean(axis=0)
        return found

    def tensor(self, name: str) -> Array:
        """A tensor of the file, for what follows the last layer."""
        found: Array = self._tensors[name]
        return found

    def _rows(self, name: str, rows: list[int]) -> Array:
        import numpy as np

        key = f"{self._root}.embeddings.{name}.weight"
        found: Array
        if key in self._tensors:
            found = self._tensors[key][rows]
        else:
            found = self._tensors[f"{key}_q"][rows].astype(np.float32)
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

        here = f"{self._root}.encoder.layer.{layer}."
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

    def tokens(self, text: str) -> list[int]:
        """The pieces of a text, all of them, without the marks of its beginning and end."""
        plain = unicodedata.normalize("NFD", text.lower())
        plain = "".join(letter for letter in plain if unicodedata.category(letter) != "Mn")
        return [piece for word in re.findall(_WORDS, plain) for piece in self._word(word)]

    def _word(self, word: str) -> list[int]:
        """The longest pieces of a word that the model knows, from the left."""
        if len(word) > _LONGEST_WORD:
            return [self._pieces["[UNK]"]]
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
