"""Which functions a message asks for, if any: `tool_choice: auto`.

The local language models cannot tell: asked in several ways, with the logarithms of their
probabilities and calibrated, Qwen2.5-Coder 0.5B was right in at most 27 of 40 questions and
SmolLM2 135M in 20 (a function was needed in 22 of them). So the question is compared with the
functions and with what needs none, as vectors of all-MiniLM-L6-v2: a function is asked for when
its name, description and parameters are closer to the question than half the closest example of
a question that needs none, by a margin. That was right in 36 of those 40 questions, by which the
margin was chosen, and in 18 of 20 others. It is a guess from the wording: a vague description of
a function, or a question that only implies it, may be missed. `required`, or a function by name,
leaves no guess.

Without its weights (23 MB, fetched at the first request with tools) shared words decide, which is
worse: 37 of the 60.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from groqnb.local.errors import EngineError

if TYPE_CHECKING:
    from groqnb.local.chat_tools import Function
    from groqnb.local.parts.minilm import Array, MiniLm

__all__ = ["Router"]

_MARGIN = 0.09
# A clause says less than the whole message; it has to say it more clearly.
_CLAUSE_MARGIN = 0.12
_WEIGHT = 0.5
_NEEDS_NONE = (
    "hello, good morning",
    "how are you doing?",
    "thanks a lot, goodbye",
    "tell me something funny",
    "write a story, a song text or a poem",
    "explain how something works",
    "what is the definition of this word?",
    "what does this term mean?",
    "who is the author of this book?",
    "when did this historical event happen?",
    "translate a sentence into another language",
    "correct or rewrite this sentence",
    "write a program in Python for me",
    "name some examples",
    "what is your opinion?",
    "summarise this text",
    "general knowledge about geography or science",
)
_CLAUSES = re.compile(r"[.?!;\n]+(?:\s+|$)|,\s+|\s+(?:and|then|also|und|et|y)\s+")
_LITTLE_WORDS = frozenset(
    [
        *("a", "an", "and", "are", "at", "be", "by", "can", "current", "do", "for", "from", "get"),
        *("given", "how", "in", "into", "is", "it", "latest", "me", "my", "of", "on", "or", "our"),
        *("please", "some", "that", "the", "their", "this", "to", "two", "we", "what", "which"),
        *("with", "you", "your"),
    ]
)
_MOST_CLAUSES = 8
_MOST_CHOICES = 20


class Router:
    """Chooses functions. Thread-safe; the weights are loaded, and fetched, at the first choice."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: MiniLm | None = None
        self._without = False
        self._vectors: dict[str, Array] = {}

    def choose(self, message: str, functions: Sequence[Function], *, least: int = 0) -> list[int]:
        """The positions of the functions that `message` asks for, in its order.

        With `least` 1 the most likely one, even where none is asked for.
        """
        scores = self._scores(message, functions)
        best = max(range(len(functions)), key=scores.__getitem__)
        chosen = [best] if scores[best] >= _MARGIN else []
        clauses = [part for part in _CLAUSES.split(message) if part and len(part.split()) > 1]
        if 1 < len(clauses) <= _MOST_CLAUSES and len(functions) > 1:
            for clause in clauses:
                scores = self._scores(clause, functions)
                index = max(range(len(functions)), key=scores.__getitem__)
                if scores[index] >= _CLAUSE_MARGIN and index not in chosen:
                    chosen.append(index)
        return chosen or [best][:least]

    def _scores(self, message: str, functions: Sequence[Function]) -> list[float]:
        model = self._load()
        if model is None:
            return [_shared_words(message, function) for function in functions]
        asked = model.vector(message)
        none = max(float(asked @ self._vector(model, text)) for text in _NEEDS_NONE)
        return [
            float(asked @ self._vector(model, _description(function))) - _WEIGHT * none
            for function in functions
        ]

    def _vector(self, model: MiniLm, text: str) -> Array:
        with self._lock:
            if text not in self._vectors:
                if len(self._vectors) > 2000:
                    self._vectors.clear()
                self._vectors[text] = model.vector(text)
            return self._vectors[text]

    def _load(self) -> MiniLm | None:
        with self._lock:
            if self._model is None and not self._without:
                from groqnb.local import weights
                from groqnb.local.parts.minilm import MiniLm

                try:
                    found = [weights.ensure(key).path for key in ("router", "router-words")]
                    self._model = MiniLm(*found)
                except EngineError as error:
                    self._without = True
                    print(f"Tools are chosen by shared words only: {error}", file=sys.stderr)
            return self._model


def _description(function: Function) -> str:
    name = re.sub(r"[_-]+", " ", re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", function.name))
    properties = function.parameters.get("properties", {})
    told = ", ".join(key + _choices(schema) for key, schema in properties.items())
    return f"{name}: {function.description}. {told}"


def _choices(schema: object) -> str:
    """The words that a parameter takes: a question may name one of them and nothing else."""
    values = schema.get("enum", []) if isinstance(schema, dict) else []
    words = [value for value in values if isinstance(value, str)][:_MOST_CHOICES]
    return f", one of {', '.join(words)}" if words else ""


def _stems(text: str) -> set[str]:
    words = set(re.findall(r"[a-z0-9]{2,}", text.lower().replace("_", " "))) - _LITTLE_WORDS
    return {re.sub(r"(ing|ed|es|s|ly)$", "", word) if len(word) > 4 else word for word in words}


def _shared_words(message: str, function: Function) -> float:
    """How much the wording is the same, on the scale of the margins."""
    asked, told = _stems(message), _stems(_description(function))
    return 0.2 * len(asked & told) if asked else 0.0
