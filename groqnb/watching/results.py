"""What came out of a batch: the lines of its files as one DataFrame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from groqnb.catalog.cost import PricesUnreadable, cost
from groqnb.ledger.batch_rows import Used, known_costs, note_used
from groqnb.ledger.watch import watch
from groqnb.types.batches import BatchCard, BatchOutput, read_output
from groqnb.types.errors import GroqnbError, ParameterError
from groqnb.watching.rows import ended_at, problem_texts

if TYPE_CHECKING:
    import pandas as pd

    from groqnb.client import Groq

__all__ = ["COLUMNS", "results_of"]

COLUMNS = {
    "batch_id": "string",
    "custom_id": "string",
    "text": "string",
    "error": "string",
    "status_code": "Int64",
    "model": "string",
    "finish_reason": "string",
    "prompt_tokens": "Int64",
    "completion_tokens": "Int64",
    "cost": "float64",
    "request_id": "string",
    "body": "object",
}
"""The columns of the frame and their types."""


def results_of(client: Groq, batches: list[BatchCard]) -> pd.DataFrame:
    """The lines of the output and error files of these batches, in the order of the files.

    What they used goes into the ledger. Raises ParameterError for a batch that has not ended,
    GroqnbError for one that failed as a whole, and what a download raises.
    """
    import pandas as pd

    for batch in batches:
        if not batch.ended:
            raise ParameterError(
                f"The batch {batch.id} is {batch.status}: its results come when it has ended.",
                hint=f'client.batches.wait("{batch.id}") waits for that.',
            )
        if batch.status == "failed" and not (batch.output_file_id or batch.error_file_id):
            why = "; ".join(problem_texts(batch)) or "the server did not say why"
            raise GroqnbError(f"The batch {batch.id} failed: {why}.")
    rows: list[dict[str, Any]] = []
    for batch in batches:
        new = list(_rows(client, batch))
        _note(batch, new, client.target.kind)
        rows += new
    # Built of whole columns, so that an empty frame has them, and their types, too.
    columns = {
        name: pd.Series([row.get(name) for row in rows], dtype=dtype)
        for name, dtype in COLUMNS.items()
    }
    frame: pd.DataFrame = pd.DataFrame(columns)
    return frame


def _rows(client: Groq, batch: BatchCard) -> Iterator[dict[str, Any]]:
    for file_id in (batch.output_file_id, batch.error_file_id):
        if file_id:
            for line in read_output(client.files.content(file_id).iter_lines()):
                yield {"batch_id": batch.id, **_row(line, client.target.kind)}


def _row(line: BatchOutput, where: str) -> dict[str, Any]:
    row: dict[str, Any] = {"custom_id": line.custom_id}
    if line.error is not None:
        row["error"] = _message(line.error)
    response = line.response
    if response is None:
        return row
    row["status_code"], row["request_id"] = response.status_code, response.request_id
    body = response.body
    row["body"] = body
    if not isinstance(body, Mapping):
        row["text"] = body if isinstance(body, str) else None
        return row
    if response.status_code >= 400 or "error" in body:
        row["error"] = _message(body.get("error") or body)
        return row
    return {**row, **_answer(body, where)}


def _answer(body: Mapping[str, Any], where: str) -> dict[str, Any]:
    """What an answer says and used: a chat completion's, or a transcription's."""
    choice: Mapping[str, Any] = next(iter(body.get("choices") or ()), {})
    usage = body.get("usage") or {}
    row: dict[str, Any] = {
        "text": (choice.get("message") or {}).get("content", body.get("text")),
        "finish_reason": choice.get("finish_reason"),
        "model": body.get("model"),
        "prompt_tokens": usage.get("prompt_tokens"),
        "completion_tokens": usage.get("completion_tokens"),
        "audio_seconds": body.get("duration"),
    }
    row["cost"], row["price"] = (0.0, None) if where == "local" else _cost(row, usage)
    return row


def _cost(row: Mapping[str, Any], usage: Mapping[str, Any]) -> tuple[float | None, str | None]:
    """US dollars at the price of batches, and the price's source."""
    model = row["model"]
    if not model:
        return None, None
    details = usage.get("prompt_tokens_details") or {}
    try:
        if row["prompt_tokens"] is not None:
            found = cost(
                model,
                prompt_tokens=row["prompt_tokens"],
                completion_tokens=row["completion_tokens"] or 0,
                cached_tokens=details.get("cached_tokens") or 0,
                batch=True,
            )
        else:
            seconds = row["audio_seconds"]
            found = None if seconds is None else cost(model, audio_seconds=seconds, batch=True)
    except PricesUnreadable:
        found = None
    return (None, None) if found is None else (found.usd, found.source)


def _note(batch: BatchCard, rows: list[dict[str, Any]], where: str) -> None:
    """Write into the ledger what the batch used, by its models."""
    used: dict[str, Used] = {}
    for row in rows:
        if row.get("status_code") == 200 and "error" not in row:
            if not row.get("model"):
                return  # of a transcription no line says which model heard it
            used.setdefault(row["model"], Used()).add(row)
    moment = ended_at(batch)
    end = None if moment is None else float(moment)
    new = batch.id not in known_costs(end)
    note_used(batch.id, used, where=where, ended_at=end)
    if batch.input_file_id and used:
        # What it cost takes the place of what a budget had counted for it.
        costs = [one.cost for one in used.values() if one.cost is not None]
        usd = sum(costs) if len(costs) == len(used) else None
        watch.collected(batch.input_file_id, usd, where=where, new=new)


def _message(error: Any) -> str:
    if isinstance(error, Mapping):
        return str(error.get("message") or error.get("code") or dict(error))
    return str(error)
