"""What is done with one partition of a Dask frame: the map of a pandas frame, on a worker."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from groqnb.clusters.budget import Budget, worker_here
from groqnb.mapping.columns import Work, classify_work, extract_work, filter_work, map_work
from groqnb.mapping.interrupts import Interrupts
from groqnb.mapping.results import RowError
from groqnb.types.errors import AuthenticationError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Asked", "conform", "work_of"]

_MAKERS: Mapping[str, Callable[..., Work]] = {
    "map": map_work,
    "extract": extract_work,
    "classify": classify_work,
    "filter": filter_work,
}
_LOOK = 0.5  # s between two looks whether the result is still wanted


def work_of(
    kind: str, frame: pd.DataFrame, arguments: Mapping[str, Any], options: Mapping[str, Any]
) -> Work:
    """The map of a pandas frame. Raises ParameterError."""
    return _MAKERS[kind](frame, *arguments.values(), options)


@dataclass(repr=False)
class Asked:
    """A call, as it goes through Dask's graph to the workers; there is no key in it.

    Attributes:
        kind: "map", "extract", "classify" or "filter".
        arguments: of the method, in its order.
        options: those of `MapOptions`, with the models named.
        server: where the calls go; with which key each worker finds out by itself.
        identity: what tells the call from others.
        budget: what all partitions may send together.
        errors: the column of errors.
        like: an empty frame as the outcome of each partition is.
    """

    kind: str
    arguments: dict[str, Any]
    options: dict[str, Any]
    server: dict[str, Any]
    identity: str
    budget: Budget
    errors: str
    like: pd.DataFrame

    def __repr__(self) -> str:
        return f"<groq.{self.kind} {self.identity[:8]}>"

    def __dask_tokenize__(self) -> tuple[str, ...]:
        return "groqnb", self.kind, self.identity

    def __call__(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Ask for the rows of a partition."""
        from groqnb.client import Groq

        with Groq(**self.server) as client:
            work = work_of(
                self.kind,
                frame,
                self.arguments,
                {**self.options, "client": client, "progress": False},
            )
            work.plan = replace(work.plan, share=self.budget.joined())
            try:
                with _while_wanted() as stops:
                    made = work.run(stops)
            except AuthenticationError as error:
                error.hint = (
                    "Each worker finds its key by itself: set GROQ_API_KEY in the environment of "
                    "the workers, and start them again."
                )
                raise
        if stops.count and worker_here() is None:
            raise KeyboardInterrupt  # computed in the main thread: the other partitions end, too
        return conform(made, self.errors, self.like)


def conform(made: pd.DataFrame, errors: str, like: pd.DataFrame | None = None) -> pd.DataFrame:
    """With the columns that every partition has; errors as text, which any file can hold."""
    import pandas as pd

    told = made[errors] if errors in made else [None] * len(made)
    texts = [str(error) if isinstance(error, RowError) else None for error in told]
    made = made.assign(**{errors: pd.array(texts, "string")})
    if like is None:
        return made
    for name, kind in like.dtypes.items():
        if made[name].dtype != kind:
            try:
                made = made.astype({name: kind})
            except (TypeError, OverflowError):
                made = _cast(made, str(name), kind, errors)
    return made


def _cast(made: pd.DataFrame, name: str, kind: Any, errors: str) -> pd.DataFrame:
    """With a column of the type that was promised; what that cannot hold is its row's error."""
    import numpy as np
    import pandas as pd

    column = made[name]
    changed: dict[str, Any]
    if kind.kind == "M":
        moments = pd.to_datetime(column, utc=True)  # with and without a time zone
        changed = {name: moments.dt.tz_localize(None).astype(kind)}
    else:
        fits = np.array([pd.isna(value) or abs(value) < 2**63 for value in column], dtype=bool)
        told = f"ResponseError: {name} has more digits than a column of Int64 holds."
        changed = {
            name: column.where(fits, None).astype(kind),
            errors: made[errors].where(fits, told),
        }
    cast: pd.DataFrame = made.assign(**changed)
    return cast


@contextmanager
def _while_wanted() -> Iterator[Interrupts]:
    """Interrupts that count one when Dask's task is cancelled: nothing more is sent then."""
    stops = Interrupts()
    worker = worker_here()
    if worker is None:
        yield stops
        return
    key = worker.get_current_task()
    over = threading.Event()

    def look() -> None:
        while not over.wait(_LOOK):
            task = worker.state.tasks.get(key)
            if task is None or task.state in ("cancelled", "released", "forgotten"):
                stops.count += 1
                return

    watcher = threading.Thread(target=look, name="groqnb-wanted", daemon=True)
    watcher.start()
    try:
        yield stops
    finally:
        over.set()
        watcher.join()
