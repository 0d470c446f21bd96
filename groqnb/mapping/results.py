"""What a row comes to: its answer or its error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groqnb.types.errors import GroqnbError

__all__ = ["PENDING", "RowError", "RowResult", "RowsFailed", "row_error", "summary"]


PENDING = "Pending"
"""The type of the error of a row that is in a batch which has not ended."""


class RowsFailed(UserWarning):
    """Some rows have no answer; the column of errors says why, row by row."""


class RowError(str):
    """Why a row has no answer: a text, `type: message`, which any file can hold.

    Attributes:
        type: the name of the error's class, as in `groqnb.types.errors`; "NotAsked" for a row
            that had no turn because the map was stopped; "Pending" for one whose batch goes on.
        message: what went wrong, in a sentence.
        request_id: the id under which Groq's logs know the request, where one was given.

    ```python
    df["label_error"].dropna().map(lambda error: error.type).value_counts()
    ```
    """

    type: str
    message: str
    request_id: str | None

    def __new__(cls, type: str, message: str, request_id: str | None = None) -> RowError:
        of = f" ({request_id})" if request_id else ""
        made = super().__new__(cls, f"{type}: {message}{of}")
        made.type, made.message, made.request_id = type, message, request_id
        return made

    def __getnewargs__(self) -> tuple[str, str, str | None]:  # type: ignore[override]
        return self.type, self.message, self.request_id

    def __repr__(self) -> str:
        told = f"type={self.type!r}, message={self.message!r}, request_id={self.request_id!r}"
        return f"RowError({told})"


@dataclass(slots=True)
class RowResult:
    """The outcome of one row.

    Attributes:
        number: which row, counted from 0.
        value: the answer: text, a typed value, or a list of tool calls; None without one.
        error: why there is none, or None.
        text: the answer as it came.
        model: the model that was asked.
        prompt_tokens, completion_tokens: what the row took, with repairs; 0 where nobody told.
        cost: US dollars; None where no price is known.
        seconds: from sending to the answer, waits between retries included.
        finish_reason: why the answer ended: "stop", "length", "tool_calls".
        request_id: the id under which Groq's logs know the request.
        resumed: True when the answer was on disk from an earlier run, or is that of an equal row;
            it cost nothing then.
        calls: True when `value` is a list of tool calls.
        failure: the exception behind `error`, of rows asked in this run.
        agreement: of a row that was asked several times, the share of its samples that say
            `value`, 0 to 1; for a form by field. None of a row that was asked once.
        missing: how many of its samples have no answer; they agree with none.
    """

    number: int
    value: Any = None
    error: RowError | None = None
    text: str | None = None
    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None
    seconds: float = 0.0
    finish_reason: str | None = None
    request_id: str | None = None
    resumed: bool = False
    calls: bool = False
    failure: BaseException | None = None
    agreement: float | dict[str, float] | None = None
    missing: int = 0


def row_error(error: BaseException) -> RowError:
    """An exception as a row's error."""
    message = error.message if isinstance(error, GroqnbError) else str(error)
    request_id = getattr(error, "request_id", None)
    return RowError(type(error).__name__, message, request_id)


def summary(errors: Sequence[RowError]) -> str:
    """Errors counted by type, with an example of the commonest.

    >>> summary([RowError("APITimeoutError", "No answer within 5 s.")] * 2)
    'APITimeoutError 2 (No answer within 5 s.)'
    """
    counts: dict[str, int] = {}
    for error in errors:
        counts[error.type] = counts.get(error.type, 0) + 1
    ordered = sorted(counts, key=lambda name: -counts[name])
    first = next(error.message for error in errors if error.type == ordered[0])
    listed = ", ".join(f"{name} {counts[name]}" for name in ordered)
    return f"{listed} ({first[:200]})"
