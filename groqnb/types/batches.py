"""Batches, and the lines of the files that they write.

Docs: Batch Processing; API Reference, Batches. The two show a batch's `errors` in different
shapes; both are read, and `Batch.problems` is the same for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic_core import ValidationError

from groqnb.types.base import Model, Reply
from groqnb.types.chat import ChatCompletion, RequestOptions
from groqnb.types.errors import ResponseError

__all__ = [
    "Batch",
    "BatchCard",
    "BatchEndpoint",
    "BatchError",
    "BatchErrors",
    "BatchList",
    "BatchListParams",
    "BatchOutput",
    "BatchParams",
    "BatchResponse",
    "RequestCounts",
    "read_output",
]

ENDED = frozenset({"completed", "failed", "expired", "cancelled"})

BatchEndpoint = Literal[
    "/v1/chat/completions", "/v1/audio/transcriptions", "/v1/audio/translations"
]
"""What the lines of a batch may ask for."""


class BatchParams(RequestOptions, total=False):
    """What a new batch takes beside the required parameters. Docs: Create batch, Request Body."""

    metadata: Mapping[str, Any] | None


class BatchListParams(RequestOptions, total=False):
    """What a list of batches takes. Docs: Batch Processing, List Batches.

    `cursor` is a page's `next_cursor`; `id` names the batches to be shown, all at once; `limit`
    is how many a page should hold.
    """

    cursor: str | None
    id: str | Sequence[str] | None
    limit: int | None


class RequestCounts(Model):
    """How many lines a batch has, and what became of them so far."""

    total: int = 0
    completed: int = 0
    failed: int = 0


class BatchError(Model):
    """What is wrong with a line of the input file; `line` counts from 1."""

    code: str | None = None
    message: str | None = None
    param: str | None = None
    line: int | None = None


class BatchErrors(Model):
    """The errors of a batch, as the reference has them."""

    data: list[BatchError] | None = None
    object: str = "list"


class BatchCard(Model):
    """A batch. Times are in seconds since 1970, and None for what did not happen.

    `status` is validating, failed, in_progress, finalizing, completed, expired, cancelling or
    cancelled.
    """

    id: str
    status: str
    object: str = "batch"
    endpoint: str | None = None
    input_file_id: str | None = None
    completion_window: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    request_counts: RequestCounts | None = None
    errors: BatchErrors | list[BatchError] | None = None
    metadata: dict[str, Any] | None = None
    created_at: int | None = None
    expires_at: int | None = None
    in_progress_at: int | None = None
    finalizing_at: int | None = None
    completed_at: int | None = None
    failed_at: int | None = None
    expired_at: int | None = None
    cancelling_at: int | None = None
    cancelled_at: int | None = None

    @property
    def ended(self) -> bool:
        """True when its status will not change any more."""
        return self.status in ENDED

    @property
    def problems(self) -> list[BatchError]:
        """Its errors, in whichever shape they came."""
        found = self.errors
        if isinstance(found, list):
            return found
        return (found.data or []) if found is not None else []


class Batch(BatchCard, Reply):
    """One batch, created, asked for or cancelled.

    ```python
    batch = client.batches.retrieve("batch_01")
    batch.status, batch.request_counts.completed
    ```
    """


class BatchList(Reply):
    """One page of batches; `paging` holds the `next_cursor`, where there are more."""

    data: list[BatchCard]
    object: str = "list"
    paging: dict[str, Any] | None = None

    @property
    def next_cursor(self) -> str | None:
        """The cursor of the next page, or None after the last."""
        found = (self.paging or {}).get("next_cursor")
        return found if isinstance(found, str) and found else None


class BatchResponse(Model):
    """What the endpoint answered to one line: the status, and the reply's JSON."""

    status_code: int
    request_id: str | None = None
    body: Any = None


class BatchOutput(Model):
    """One line of an output or error file; lines come in no order, `custom_id` tells which it is.

    ```python
    for line in read_output(client.files.content(batch.output_file_id).iter_lines()):
        print(line.custom_id, line.completion.choices[0].message.content)
    ```
    """

    custom_id: str | None = None
    id: str | None = None
    response: BatchResponse | None = None
    error: dict[str, Any] | None = None

    @property
    def completion(self) -> ChatCompletion | None:
        """The chat completion in it, parsed when it is asked for; None where there is none."""
        response = self.response
        if response is None or response.status_code != 200 or not isinstance(response.body, dict):
            return None
        if "choices" not in response.body:
            return None
        return ChatCompletion.model_validate(response.body)


def read_output(lines: Iterable[str | bytes]) -> Iterator[BatchOutput]:
    """The lines of an output or error file, typed one by one; blank ones are passed over.

    `lines` is what gives them: an open file, or a download's `iter_lines()`. Raises ResponseError
    with the line's number for one that is not what it should be.

    ```python
    with open("results.jsonl", "rb") as file:
        answers = {line.custom_id: line.response.body for line in read_output(file)}
    ```
    """
    parse = BatchOutput.validator().validate_json
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                output: BatchOutput = parse(line)
            except ValidationError as error:
                first = error.errors(include_url=False, include_input=False)[0]
                place = ".".join(str(step) for step in first["loc"])
                shown = line if isinstance(line, str) else line.decode(errors="replace")
                raise ResponseError(
                    f"Line {number} is no line of a batch's output: "
                    f"{place}{': ' if place else ''}{first['msg']}.",
                    body=shown[:2000],
                ) from None
            yield output
