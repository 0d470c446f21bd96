"""From the files of a batch that has ended to answers and errors of rows.

Lines come in any order, and may be odd or missing. Answers go into the journal as those of other
maps do; doing it again after a death changes nothing. What the batch used goes into the ledger
before the shard counts as collected, and only where the ledger does not have it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from pydantic_core import ValidationError

from groqnb.batching.shards import ANSWERED, COLLECTED, FAILED, Line, Shard, Shards
from groqnb.catalog.cost import PricesUnreadable, cost
from groqnb.ledger.batch_rows import Used, known_costs, note_used
from groqnb.ledger.costs import tokens_of
from groqnb.ledger.watch import watch
from groqnb.mapping.asking import Misfit, Spent, Unfit, judged
from groqnb.mapping.journal import CALLS, TEXT, Answer, Journal
from groqnb.mapping.question import Question
from groqnb.mapping.results import row_error
from groqnb.types.audio import Transcription
from groqnb.types.batches import BatchCard, BatchOutput
from groqnb.types.errors import GroqnbError, NotFoundError, ResponseError, error_class
from groqnb.watching.rows import ended_at

if TYPE_CHECKING:
    from groqnb.client import Groq

__all__ = ["collect_shard"]

_AT_ONCE = 500
_ENDS = {
    "completed": "The batch {id} has no line for this row among its results.",
    "expired": "The batch {id} expired before this row's turn.",
    "cancelled": "The batch {id} was cancelled before this row's turn.",
    "failed": "The batch {id} failed as a whole: {why}",
}


def collect_shard(
    client: Groq,
    shard: Shard,
    batch: BatchCard,
    journal: Journal,
    shards: Shards,
    question: Question,
) -> None:
    """Take in what a batch that has ended came to. Raises what its downloads raise."""
    if shards.get(shard.id).state == COLLECTED:
        return  # another kernel was first
    reader = _Reader(shard, question, client.target.kind)
    for file_id in (batch.output_file_id, batch.error_file_id):
        if file_id:
            for group in _lines(client, file_id, reader):
                _take_in(group, reader, shard, journal, shards)
    for problem in batch.problems:
        if problem.line is not None:
            shards.fail_line(
                shard,
                problem.line,
                "BadRequestError",
                problem.message or problem.code or "Refused.",
            )
    shards.fail_rest(shard, "APIError", _rest_of(batch, reader))
    ended = ended_at(batch)
    new = batch.id not in known_costs(ended)
    note_used(batch.id, reader.used, where=client.target.kind, ended_at=ended)
    usd = reader.usd
    if shard.file_id is not None:
        watch.collected(shard.file_id, usd, where=client.target.kind, new=new)
    counts = batch.request_counts
    shards.change(
        shard,
        state=COLLECTED,
        status=batch.status,
        cost=usd,
        completed=counts.completed if counts else 0,
        failed=counts.failed if counts else 0,
    )


def _rest_of(batch: BatchCard, reader: _Reader) -> str:
    problems = [problem.message or problem.code or "" for problem in batch.problems]
    why = next((text for text in problems if text), "no reason was given.")
    if reader.gone:
        return f"The results of the batch {batch.id} are no longer on the server."
    text = _ENDS.get(batch.status, _ENDS["completed"]).format(id=batch.id, why=why)
    if reader.odd and batch.status == "completed":
        text += f" {reader.odd:,} of their lines could not be read."
    return text


def _lines(client: Groq, file_id: str, reader: _Reader) -> Iterator[list[BatchOutput]]:
    parse = BatchOutput.validator().validate_json
    group: list[BatchOutput] = []
    try:
        content = client.files.content(file_id)
    except NotFoundError:
        reader.gone = True
        return
    for line in _split(content.iter_bytes()):
        if not line.strip():
            continue
        try:
            group.append(parse(line))
        except ValidationError:
            reader.odd += 1
        if len(group) >= _AT_ONCE:
            yield group
            group = []
    if group:
        yield group


def _split(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Lines as bytes: one that is no text must not end the reading of the others."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
    yield rest


def _take_in(
    group: list[BatchOutput], reader: _Reader, shard: Shard, journal: Journal, shards: Shards
) -> None:
    keyed = {key: line for line in reversed(group) if (key := _key(line)) is not None}
    mine = shards.keys_of(shard, list(keyed))
    answers: list[Answer] = []
    outcomes: list[tuple[bytes, Line]] = []
    for key, waits in mine.items():
        answer, line = reader.read(key, keyed[key])
        if waits:
            outcomes.append((key, line))
            if answer is not None:
                answers.append(answer)
    reader.odd += len(group) - len(mine)
    if answers:
        journal.add(answers)
    shards.settle(shard, outcomes)


def _key(line: BatchOutput) -> bytes | None:
    try:
        return bytes.fromhex(line.custom_id or "") or None
    except ValueError:
        return None


class _Reader:
    """Reads lines, and sums up what they used.

    Attributes:
        used: by model.
        odd: lines that are none of the shard's, or no lines at all.
        gone: True where the server does not have a file any more.
    """

    def __init__(self, shard: Shard, question: Question, where: str) -> None:
        self.used: dict[str, Used] = {}
        self.odd = 0
        self.gone = False
        self._seen: set[bytes] = set()
        self._shard = shard
        self._question = question
        self._where = where

    @property
    def usd(self) -> float | None:
        """US dollars in all; None where no price is known."""
        costs = [one.cost for one in self.used.values()]
        return None if None in costs else sum(one for one in costs if one is not None)

    def read(self, key: bytes, line: BatchOutput) -> tuple[Answer | None, Line]:
        """A row's answer, or its error."""
        response, number = line.response, self._shard.id
        request_id = response.request_id if response is not None else None
        if line.error or response is None or response.status_code != 200:
            return None, _refusal(number, line)
        reply: Any
        try:
            if self._question.transcribes:
                reply = Transcription.model_validate(response.body)
            else:
                reply = line.completion
                if reply is None:
                    raise ResponseError("The reply holds no answer.")
        except (ValueError, ResponseError):
            problem = "The reply is not what was promised."
            return None, Line(number, FAILED, "ResponseError", problem, 200, request_id)
        spent = self._spent(key, reply)
        try:
            if self._question.transcribes:
                text = str(reply.text).strip()
                form, finish = TEXT, "stop"
            else:
                asked = judged(self._question, reply, spent)
                text, form = asked.text, CALLS if asked.calls else TEXT
                finish = asked.finish_reason or "stop"
        except (Unfit, Misfit, ResponseError) as misfit:
            told = misfit if isinstance(misfit, ResponseError) else misfit.error
            error = row_error(told)
            return None, Line(number, FAILED, error.type, error.message, 200, request_id)
        answer = Answer(
            key,
            form,
            text,
            spent.model,
            spent.prompt_tokens,
            spent.completion_tokens,
            spent.cost,
            spent.seconds,
            finish,
            request_id,
            time.time(),
        )
        return answer, Line(number, ANSWERED, None, None, None, request_id)

    def _spent(self, key: bytes, reply: Any) -> Spent:
        """What a line used; summed up once a line."""
        model = self._shard.model
        values: dict[str, Any] = {"cost": 0.0 if self._where == "local" else None}
        usage = getattr(reply, "usage", None)
        numbers: dict[str, Any] = {}
        if usage is not None:
            tokens = {name: value or 0 for name, value in tokens_of(usage).items()}
            values.update(tokens)
            numbers = {
                name: tokens[name]
                for name in ("prompt_tokens", "completion_tokens", "cached_tokens")
            }
        seconds = getattr(reply, "duration", None)
        if isinstance(seconds, (int, float)):
            values["audio_seconds"] = seconds
            numbers = {"audio_seconds": float(seconds)}
        if self._where == "cloud" and numbers:
            try:
                found = cost(model, batch=True, **numbers)
            except PricesUnreadable:
                found = None
            if found is not None:
                values["cost"], values["price"] = found.usd, found.source
        if key not in self._seen:
            self._seen.add(key)
            self.used.setdefault(model, Used()).add(values)
        return Spent(
            model,
            values.get("prompt_tokens", 0),
            values.get("completion_tokens", 0),
            values["cost"],
            getattr(usage, "total_time", None) or 0.0,
        )


def _refusal(shard: int, line: BatchOutput) -> Line:
    """The error of a line that failed: the server's own words."""
    response = line.response
    status = response.status_code if response is not None else None
    request_id = response.request_id if response is not None else None
    detail: Any = line.error
    if response is not None and isinstance(response.body, dict):
        detail = response.body.get("error") or detail
    if not isinstance(detail, dict):
        detail = {"message": str(detail)} if detail else {}
    code = detail.get("code")
    message = str(detail.get("message") or code or f"The request failed with status {status}.")
    kind: type[GroqnbError]
    if status is None or status == 200:
        name = "APIError"
    else:
        kind = error_class(status, code if isinstance(code, str) else None)
        name = kind.__name__
    return Line(shard, FAILED, name, message[:2000], status, request_id)
