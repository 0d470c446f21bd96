"""All outcomes of a map whose rows are at hand: run it to its end, or as far as it gets."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groqnb.mapping.engine import NOT_ASKED
from groqnb.mapping.interrupts import Interrupts
from groqnb.mapping.options import journal_of
from groqnb.mapping.progress import Progress
from groqnb.mapping.results import PENDING, RowError, RowResult, RowsFailed, summary
from groqnb.mapping.run import Plan, Rows, Run
from groqnb.mapping.samples import outcomes
from groqnb.types.errors import (
    AuthenticationError,
    GroqnbError,
    LocalEngineError,
    NotFoundError,
    PermissionDeniedError,
)

if TYPE_CHECKING:
    from groqnb.batching.running import BatchRun

__all__ = ["collect", "outside", "progress_of", "run_of", "tell", "tell_broken"]

# With these nothing can be done before the user has changed something.
_RAISED = (AuthenticationError, NotFoundError, PermissionDeniedError, LocalEngineError)


def run_of(
    plan: Plan, options: Mapping[str, Any], say: Callable[[str], object] = print
) -> Run | BatchRun:
    """What takes the rows to their answers: requests one by one, or batches."""
    resume: bool | str | Path | None = options.get("resume")
    if plan.batch is None:
        return Run(plan, journal_of(plan, resume))
    from groqnb.batching.running import BatchRun

    return BatchRun(plan, resume, shown=options.get("progress"), say=say)


def progress_of(plan: Plan, total: int | None, options: Mapping[str, Any]) -> Progress:
    """The bar of a map; batches have one of their own."""
    return Progress(total, shown=options.get("progress") if plan.batch is None else False)


def collect(
    plan: Plan,
    rows: Rows,
    total: int,
    options: Mapping[str, Any],
    *,
    say: Callable[[str], object] = print,
    interrupts: Interrupts | None = None,
) -> list[RowResult]:
    """The outcome of each row, in order; rows that had no turn say so in their error.

    Raises what ends a map before it can begin (a wrong key, an unknown model) and, with
    `errors="raise"`, the first row's error; what was answered until then is kept on disk.
    """
    raising = options.get("errors") == "raise"
    resume: bool | str | Path | None = options.get("resume")
    results: list[RowResult | None] = [None] * total
    progress = progress_of(plan, total, options)
    with interrupts or Interrupts() as stops, run_of(plan, options, say) as run:
        try:
            for group in outcomes(run, rows, stops):
                for result in group:
                    results[result.number] = result
                    if raising and result.failure is not None:
                        raise result.failure.with_traceback(None)
                progress.note(group, run.lanes)
        finally:
            progress.close()
        failure, broken, interrupted = run.failure, run.broken, run.interrupted
    if isinstance(failure, _RAISED):
        raise failure.with_traceback(None)
    why = "The map was interrupted before this row's turn."
    if failure is not None:
        why = f"The map ended early: {failure.message}"
    whole = [
        result or RowResult(number, error=RowError(NOT_ASKED, why))
        for number, result in enumerate(results)
    ]
    tell(whole, failure, broken, interrupted, kept=resume is not False, say=say)
    return whole


def tell(
    results: list[RowResult],
    failure: GroqnbError | None,
    broken: str,
    interrupted: bool,
    *,
    kept: bool,
    say: Callable[[str], object],
) -> None:
    """Say what the user has to know: that it ended early, which rows failed, a full disk."""
    errors = [result.error for result in results if result.error is not None]
    failed = [error for error in errors if error.type not in (NOT_ASKED, PENDING)]
    left = len(errors) - len(failed)
    if interrupted or failure is not None:
        why = "Interrupted" if failure is None else f"Ended early: {failure.message}"
        go_on = (
            "The answers are kept; the same call goes on with the rest."
            if kept
            else "Nothing was kept on disk (resume=False)."
        )
        done = len(results) - left
        stop = "" if why.endswith(".") else "."
        say(f"{why}{stop} {done:,} of {len(results):,} rows are done. {go_on}")
    if failed:
        warnings.warn(
            f"{len(failed):,} of {len(results):,} rows have no answer: {summary(failed)}. "
            "The same call asks them again.",
            RowsFailed,
            stacklevel=outside(),
        )
    lacking = [result for result in results if result.missing]
    if lacking:
        warnings.warn(
            f"{len(lacking):,} of {len(results):,} rows were decided without "
            f"{sum(result.missing for result in lacking):,} of their samples, which failed. "
            "The same call asks for these again.",
            RowsFailed,
            stacklevel=outside(),
        )
    tell_broken(broken)


def tell_broken(broken: str) -> None:
    """Warn where answers are not on disk."""
    if broken:
        warnings.warn(
            f"Answers could not be kept on disk ({broken}): they are in the result only.",
            RowsFailed,
            stacklevel=outside(),
        )


def outside() -> int:
    """The `stacklevel` at which a warning points to the first line that is not groqnb's."""
    import sys

    level, frame = 0, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("groqnb."):
        level, frame = level + 1, frame.f_back
    return max(level + 1, 1)
