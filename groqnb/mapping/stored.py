"""From an answer on disk to a row's outcome."""

from __future__ import annotations

import json

from groqnb.mapping.journal import CALLS, Answer
from groqnb.mapping.judges import Judge
from groqnb.mapping.results import RowResult
from groqnb.types.errors import ResponseError

__all__ = ["restored"]


def restored(answer: Answer, number: int, judge: Judge) -> RowResult | None:
    """The outcome of a row whose answer is kept; None where it does not fit the judge any more."""
    calls = answer.form == CALLS
    try:
        value = json.loads(answer.text) if calls else judge.read(answer.text)
    except (ResponseError, ValueError):
        return None
    return RowResult(
        number,
        value=value,
        text=answer.text,
        model=answer.model,
        cost=0.0,
        finish_reason=answer.finish_reason,
        request_id=answer.request_id,
        resumed=True,
        calls=calls,
    )
