"""How likely a text is an attack on a model's instructions: the prompt guards' local stand-in.

A classifier for prompt injections, fine-tuned from all-MiniLM-L6-v2 (CloneGuard's "mini semantic"
v4, Apache-2.0). It is trained on files that coding agents read, and takes many harmless questions
for attacks: its own probability of 0.5 would flag 15 of 32 of them. So its scale is moved to where
0.5 parts best: of 57 texts that chose the place, 22 of 25 attacks were above it and 28 of 32
harmless ones below; of 35 others 9 of 15 and 18 of 20. It reads English best, and a sentence of
attack in a long harmless text is often missed. Meta's Prompt Guard, which the cloud serves, is
far better.
"""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groqnb.local.parts.minilm import MiniLm

__all__ = ["NAME", "PromptGuard"]

#: Which model classifies: what the header `x-groqnb-model` says.
NAME = "cloneguard-mini-semantic-v4"

# Tokens that are read at once; longer texts in steps, and the worst part counts.
_WINDOW = 62
_STEP = 31
# The classifier's own logit at which attacks and harmless texts part best.
_PLACE = 3.5


class PromptGuard:
    """The classifier. Thread-safe; the weights are loaded, and fetched, at the first text."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: MiniLm | None = None

    def count(self, text: str) -> int:
        """How many tokens a text has. Raises EngineError when the weights cannot be had."""
        return len(self._load().tokens(text))

    def score(self, text: str) -> float:
        """The probability of an attack, 0 to 1. Raises EngineError, too."""
        model = self._load()
        tokens = model.tokens(text)
        starts = range(0, max(1, len(tokens) - _WINDOW + _STEP), _STEP)
        worst = max(self._logit(model, tokens[start : start + _WINDOW]) for start in starts)
        return 1 / (1 + math.exp(_PLACE - worst))

    def _logit(self, model: MiniLm, tokens: list[int]) -> float:
        import numpy as np

        hidden = model.tensor("classifier.0.weight") @ model.mean(tokens)
        hidden = np.maximum(hidden + model.tensor("classifier.0.bias"), 0)
        scores = model.tensor("classifier.3.weight") @ hidden + model.tensor("classifier.3.bias")
        return float(scores[1] - scores[0])

    def _load(self) -> MiniLm:
        with self._lock:
            if self._model is None:
                from groqnb.local import weights
                from groqnb.local.parts.minilm import MiniLm

                file, words = (weights.ensure(key).path for key in ("guard", "router-words"))
                self._model = MiniLm(file, words, root="encoder")
            return self._model
