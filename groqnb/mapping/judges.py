"""What an answer must be: any text, a value of a type, one of some labels.

A judge says how to ask for its kind of answer, by a schema where the model keeps to one and by an
instruction elsewhere, and reads the answer. What does not fit raises ResponseError; the row is
then asked once more, with what was wrong.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from groqnb.api.parsing import takes_schema
from groqnb.types.errors import ParameterError, ResponseError

if TYPE_CHECKING:
    from groqnb.types.answer_type import AnswerType

__all__ = ["AnyText", "Judge", "Labels", "Typed"]

_MOST_LABELS = 200
_LABEL = "label"


class Judge(Protocol):
    """Asks for one kind of answer, and reads it.

    Attributes:
        identity: what tells it from others, for finding answers that are on disk.
        checks: False where every text will do.
    """

    identity: str
    checks: bool

    def format(self, model: str) -> Mapping[str, Any] | None:
        """The `response_format` for a model, or None."""

    def instruction(self, model: str) -> str | None:
        """What a model is told in a system message, or None."""

    def read(self, text: str) -> Any:
        """The value of an answer. Raises ResponseError for one that does not fit."""


class AnyText:
    """Every answer will do."""

    identity = "text"
    checks = False

    def format(self, model: str) -> Mapping[str, Any] | None:
        return None

    def instruction(self, model: str) -> str | None:
        return None

    def read(self, text: str) -> Any:
        return text


class Typed:
    """A value of a type; see `groqnb.types.answer_type`."""

    checks = True

    def __init__(self, form: AnswerType) -> None:
        self.form = form
        self.identity = json.dumps(["typed", form.schema], sort_keys=True, default=str)

    def format(self, model: str) -> Mapping[str, Any] | None:
        return self.form.response_format if takes_schema(model) else {"type": "json_object"}

    def instruction(self, model: str) -> str | None:
        return None if takes_schema(model) else self.form.instruction

    def read(self, text: str) -> Any:
        return self.form.read(text)


class Labels:
    """One of some labels; `meanings` say what a label stands for, where the user told.

    ```python
    >>> Labels(["good", "bad"]).read(" Good.")
    'good'

    ```
    """

    checks = True

    def __init__(self, labels: Sequence[str] | Mapping[str, str]) -> None:
        self.meanings = dict(labels) if isinstance(labels, Mapping) else {}
        if isinstance(labels, (set, frozenset)):
            # Its order is another in every process, and the order is part of the question.
            labels = sorted(labels, key=str)
        self.labels = _checked(list(labels) if not isinstance(labels, str) else [labels])
        self.identity = json.dumps(["labels", self.labels, self.meanings])
        self._by_word = {_word(label): label for label in self.labels}

    def format(self, model: str) -> Mapping[str, Any] | None:
        if not takes_schema(model):
            return None
        schema = {
            "type": "object",
            "properties": {_LABEL: {"type": "string", "enum": self.labels}},
            "required": [_LABEL],
            "additionalProperties": False,
        }
        form = {"name": _LABEL, "schema": schema, "strict": True}
        return {"type": "json_schema", "json_schema": form}

    def instruction(self, model: str) -> str | None:
        told = "\n".join(
            f"- {label}: {self.meanings[label]}" if label in self.meanings else f"- {label}"
            for label in self.labels
        )
        how = (
            "Choose exactly one of these labels."
            if takes_schema(model)
            else "Answer with exactly one of these labels, and nothing else."
        )
        return f"{how}\n{told}"

    def read(self, text: str) -> str:
        said = text.strip()
        if said.startswith("{"):
            try:
                value = json.loads(said)
            except (ValueError, RecursionError):
                value = None
            if isinstance(value, dict) and isinstance(value.get(_LABEL), str):
                said = value[_LABEL]
        found = self._by_word.get(_word(said))
        if found is not None:
            return found
        # "The label is: spam." names one; "not spam but ham" names two, and that is no answer.
        named = _named(said, self.labels)
        if len(named) == 1:
            return named[0]
        raise ResponseError(f"The answer is none of the labels: {said[:80]!r}.", body=text[:2000])


def _checked(labels: list[Any]) -> list[str]:
    if len(labels) < 2:
        raise ParameterError("There must be two labels or more.", hint='Such as ["good", "bad"].')
    if len(labels) > _MOST_LABELS:
        raise ParameterError(f"{len(labels)} labels; at most {_MOST_LABELS} make sense.")
    for label in labels:
        if not isinstance(label, str) or not label.strip():
            raise ParameterError(
                f"The label {label!r} is no text.", hint='Write it as one: "1", not 1.'
            )
    words = [_word(label) for label in labels]
    for word, label in zip(words, labels, strict=True):
        if words.count(word) > 1:
            raise ParameterError(f"The label {label!r} is there twice.")
    return labels


def _word(text: str) -> str:
    word = text.strip().strip("\"'`.,:;!*").strip() or text.strip()
    return word.casefold()


def _named(text: str, labels: Sequence[str]) -> list[str]:
    """The labels that a text names as whole words; a longer one hides a shorter one in it."""
    import re

    rest = text.casefold()
    found = []
    for label in sorted(labels, key=len, reverse=True):
        pattern = rf"(?<!\w){re.escape(label.casefold())}(?!\w)"
        if re.search(pattern, rest):
            found.append(label)
            rest = re.sub(pattern, " ", rest)
    return found
