"""Rows that are asked several times: each sample a row of the run, and a vote when all are there.

Sample `k` of row `r` goes through the run under the number `r * samples + k`, with a key of its
own: it is kept on disk by itself, and sent again by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from groqnb.mapping.engine import NOT_ASKED
from groqnb.mapping.interrupts import Interrupts
from groqnb.mapping.results import PENDING, RowResult
from groqnb.mapping.run import Row, Rows, Run
from groqnb.tally import fields_of, same, tally

if TYPE_CHECKING:
    from groqnb.batching.running import BatchRun

__all__ = ["outcomes", "vote"]


def outcomes(run: Run | BatchRun, rows: Rows, interrupts: Interrupts) -> Iterator[list[RowResult]]:
    """`run.outcomes`, one for each row: the vote where rows are asked several times."""
    samples = run.plan.question.samples
    if samples == 1:
        yield from run.outcomes(rows, interrupts)
        return
    # A row is in here while some of its samples are out: no more of them than the run's window.
    waiting: dict[int, list[RowResult]] = {}
    for group in run.outcomes(_repeated(rows, samples), interrupts):
        whole = []
        for result in group:
            row = result.number // samples
            came = waiting.setdefault(row, [])
            came.append(result)
            if len(came) == samples:
                whole.append(vote(row, waiting.pop(row)))
        if whole:
            yield whole


def _repeated(rows: Rows, samples: int) -> Iterator[Row | None]:
    for row in rows:
        if row is None:
            yield None
            continue
        number, content = row
        for sample in range(samples):
            yield number * samples + sample, content


def vote(number: int, samples: list[RowResult]) -> RowResult:
    """The outcome of a row by those of its samples.

    What most of them say; of several equals, what the sample with the lowest number said. Forms
    are voted on field by field. A sample without an answer counts as one that agrees with none; a
    row has an error where no sample has an answer, or where the map was stopped before all had
    their turn.
    """
    samples = sorted(samples, key=lambda result: result.number)
    errors = [result for result in samples if result.error is not None]
    answers = [result for result in samples if result.text is not None and result.error is None]
    stopped = [r for r in errors if r.error and r.error.type in (NOT_ASKED, PENDING)]
    if stopped or not answers:
        told = (stopped or errors or samples)[0]
        made = RowResult(number, error=told.error, failure=told.failure, model=told.model)
    else:
        made = _elected(number, answers, len(samples))
        made.missing = len(errors)
    made.prompt_tokens = sum(result.prompt_tokens for result in samples)
    made.completion_tokens = sum(result.completion_tokens for result in samples)
    costs = [result.cost for result in samples if result.error is None or result.cost is not None]
    known = [cost for cost in costs if cost is not None]
    made.cost = sum(known) if known and len(known) == len(costs) else None
    made.seconds = sum(result.seconds for result in samples)
    made.resumed = bool(answers) and all(result.resumed for result in answers)
    return made


def _elected(number: int, answers: list[RowResult], asked: int) -> RowResult:
    forms = [fields_of(answer.value) for answer in answers]
    votes = tally(
        answers, lambda answer: same(answer.value) if not answer.calls else _calls(answer)
    )
    winner, count = votes[0]
    made = RowResult(
        number,
        value=winner.value,
        text=winner.text,
        model=winner.model,
        finish_reason=winner.finish_reason,
        request_id=winner.request_id,
        calls=winner.calls,
        agreement=count / asked,
    )
    if all(form is not None for form in forms):
        fields = {
            name: tally([form[name] for form in forms if form and name in form], same)[0]
            for name in dict.fromkeys(name for form in forms for name in form or ())
        }
        made.value = {name: value for name, (value, _) in fields.items()}
        made.agreement = {name: count / asked for name, (_, count) in fields.items()}
    return made


def _calls(answer: RowResult) -> tuple[str, ...]:
    """Tool calls without their ids, which are new each time."""
    return tuple(f"{call['name']} {call['arguments']}" for call in answer.value)
