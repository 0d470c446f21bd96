"""`groqnb.map` and `groqnb.amap`: one question to every row of any iterable, lazily, in order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterable, Iterator, Mapping
from itertools import count
from typing import TYPE_CHECKING, Any

from groqnb.api.resource import shows_parameters
from groqnb.mapping.collecting import collect, progress_of, run_of
from groqnb.mapping.interrupts import Interrupts
from groqnb.mapping.judges import AnyText, Judge
from groqnb.mapping.options import MapOptions, plan_of
from groqnb.mapping.results import RowResult, row_error
from groqnb.mapping.run import Plan, Row
from groqnb.mapping.samples import outcomes
from groqnb.mapping.template import Content, Template, fill
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd
    from typing_extensions import Unpack

__all__ = ["AsyncMapped", "Mapped", "amap", "map"]


class _Rows:
    """What both kinds of maps have in common."""

    def __init__(
        self, prompt: str, rows: Any, options: Mapping[str, Any], judge: Judge | None = None
    ) -> None:
        if isinstance(rows, (str, bytes, Mapping)):
            raise ParameterError(
                f"The rows are one {type(rows).__name__}.", hint="Give a list, or an iterator."
            )
        self._template = Template(prompt)
        audio = any(field.kind == "audio" for field in self._template.fields)
        self._plan: Plan = plan_of(judge or AnyText(), options, audio=audio)
        self._options = dict(options)
        self._raising = options.get("errors") == "raise"
        self._source = rows
        self._odd: dict[int, RowResult] = {}

    def _numbered(self, rows: Iterable[Any]) -> Iterator[Row]:
        for number, row in zip(count(), rows, strict=False):
            yield number, self._content(number, row)

    def _content(self, number: int, row: Any) -> Content | None:
        if row is None:
            return None
        try:
            return fill(self._template, row)
        except ParameterError as error:
            if number == 0:
                raise  # a mistake in the prompt meets every row
            self._odd[number] = RowResult(number, error=row_error(error), failure=error)
            return None

    def _mended(self, group: list[RowResult]) -> list[RowResult]:
        """With the errors of rows that could not even be asked."""
        if not self._odd:
            return group
        return [self._odd.pop(result.number, result) for result in group]

    def _total(self) -> int | None:
        size = getattr(self._source, "__len__", None)
        return None if size is None else int(size())


class Mapped(_Rows):
    """The answers to all rows, in the order of the rows; nothing is asked before they are wanted.

    Iterating gives the answers: text, and None for a row that is None or whose call failed.
    `results()` gives each row's `RowResult` with its error, tokens, cost; `to_frame()` a table.
    Memory does not grow with the number of rows. What was answered is on disk before it is given
    out, so an iteration that is broken off loses nothing: the same map goes on.

    ```python
    for answer in groqnb.map("Translate into French: {}", open("lines.txt")):
        print(answer)
    ```
    """

    def __repr__(self) -> str:
        total = self._total()
        rows = "rows" if total is None else f"{total:,} rows"
        return f"<Map of {rows}: {self._template.text[:60]!r}>"

    def __iter__(self) -> Iterator[Any]:
        for result in self.results():
            yield result.value

    def results(self) -> Generator[RowResult, None, None]:
        """Each row's outcome, in order, as soon as the ones before it are there.

        Raises the first row's error with `errors="raise"`, and what ends a map for all rows: a
        wrong key, an unknown model, a budget or a limit that is used up.

        ```python
        for row in groqnb.map("Translate: {}", lines).results():
            print(row.value or row.error)
        ```
        """
        progress = progress_of(self._plan, self._total(), self._options)
        with run_of(self._plan, self._options) as run, Interrupts() as stops:
            early: dict[int, RowResult] = {}
            following = 0
            try:
                for group in outcomes(run, self._numbered(self._source), stops):
                    for result in self._mended(group):
                        if self._raising and result.failure is not None:
                            raise result.failure.with_traceback(None)
                        early[result.number] = result
                    progress.note(group, run.lanes)
                    with stops.raised():
                        while following in early and not run.interrupted:
                            yield early.pop(following)
                            following += 1
            finally:
                progress.close()
            if run.failure is not None:
                raise run.failure.with_traceback(None)
            if run.interrupted:
                raise KeyboardInterrupt

    def to_frame(self) -> pd.DataFrame:
        """All rows as a table: answer, error, model, tokens, cost in US dollars, seconds.

        With `samples` also the agreement beside the answer.

        An interrupt does not raise here: the rows that are done are returned, and a line says how
        to go on. Needs pandas.

        ```python
        table = groqnb.map("Translate: {}", lines).to_frame()
        table[table.error.notna()]
        ```
        """
        rows = self._source if self._total() is not None else list(self._source)
        results = collect(self._plan, self._numbered(rows), len(rows), self._options)
        return frame_of(self._mended(results), voted=self._plan.question.samples > 1)


class AsyncMapped(_Rows):
    """`Mapped` for `async for`; rows may come from an async iterator, too.

    ```python
    async for answer in groqnb.amap("Translate into French: {}", lines):
        print(answer)
    ```
    """

    def __repr__(self) -> str:
        return f"<AsyncMap: {self._template.text[:60]!r}>"

    async def __aiter__(self) -> AsyncIterator[Any]:
        async for result in self.results():
            yield result.value

    async def results(self) -> AsyncIterator[RowResult]:
        """Each row's outcome, in order; see `Mapped.results`."""
        import asyncio

        source = self._source
        if hasattr(source, "__aiter__"):
            source = _from_async(source, asyncio.get_running_loop())
        options = {**self._options, "progress": self._options.get("progress") or False}
        mapped = Mapped(self._template.text, source, options, self._plan.question.judge)
        groups = _in_groups(mapped.results())
        try:
            # Taking rows in and waiting for outcomes blocks: both are done beside the loop.
            while (group := await asyncio.to_thread(next, groups, None)) is not None:
                for result in group:
                    yield result
        finally:
            await asyncio.shield(asyncio.to_thread(groups.close))

    async def to_frame(self) -> pd.DataFrame:
        """All rows as a table; see `Mapped.to_frame`."""
        results = [result async for result in self.results()]
        return frame_of(results, voted=self._plan.question.samples > 1)


def _in_groups(
    results: Generator[RowResult, None, None], most: int = 64
) -> Generator[list[RowResult], None, None]:
    """Results in groups: going to another thread and back costs more than a row does."""
    import time

    group: list[RowResult] = []
    until = 0.0
    try:
        for result in results:
            if not group:
                until = time.monotonic() + 0.02
            group.append(result)
            if len(group) >= most or time.monotonic() > until:
                yield group
                group = []
        if group:
            yield group
    finally:
        results.close()


def _from_async(rows: Any, loop: Any) -> Iterator[Any]:
    """An async iterator's items, asked for in another thread than its loop's."""
    import asyncio

    end = object()
    source = aiter(rows)

    async def following() -> Any:
        return await anext(source, end)

    while True:
        item = asyncio.run_coroutine_threadsafe(following(), loop).result()
        if item is end:
            return
        yield item


def frame_of(results: list[RowResult], *, voted: bool = False) -> pd.DataFrame:
    """Outcomes as a table; of rows that were voted on with the agreement."""
    import pandas as pd

    frame: pd.DataFrame = pd.DataFrame(
        {
            "answer": pd.Series([result.value for result in results], dtype=object),
            "error": pd.Series([result.error for result in results], dtype=object),
            "model": pd.array([result.model or None for result in results], dtype="string"),
            "prompt_tokens": pd.array([r.prompt_tokens for r in results], dtype="Int64"),
            "completion_tokens": pd.array([r.completion_tokens for r in results], dtype="Int64"),
            "cost": pd.array([result.cost for result in results], dtype="Float64"),
            "seconds": pd.array([result.seconds for result in results], dtype="Float64"),
            "finish_reason": pd.array([r.finish_reason for r in results], dtype="string"),
            "request_id": pd.array([result.request_id for result in results], dtype="string"),
            "resumed": pd.array([result.resumed for result in results], dtype="boolean"),
        }
    )
    if all(isinstance(value, str) or value is None for value in frame["answer"]):
        frame["answer"] = frame["answer"].astype("string")
    if voted:
        shares: list[Any] = [result.agreement for result in results]
        frame.insert(1, "agreement", pd.Series(shares, dtype="Float64"))
    return frame


@shows_parameters(MapOptions)
def map(prompt: str, rows: Iterable[Any], **options: Unpack[MapOptions]) -> Mapped:
    """Ask a model the same about every row: any number of rows, from any iterable.

    `prompt` has `{}` for a row that is a plain value, and `{name}` for rows that are dicts;
    `{name:image}` and `{name:audio}` stand for pictures and recordings, and doubled braces for
    braces. A row that is None is not asked. `options` are those of `MapOptions`, every parameter
    of a chat completion among them.

    What comes back is iterated over, for the answers in the order of the rows. Requests go out at
    the pace that the rate limits allow; each answer is kept on disk when it is there, and the same
    call goes on where an earlier one was stopped. Equal rows are asked once.

    Raises ParameterError here for what cannot work, before anything is sent.

    ```python
    answers = list(groqnb.map("One word for: {}", ["a large cat", "a small dog"]))
    ```
    """
    return Mapped(prompt, rows, options)


@shows_parameters(MapOptions)
def amap(prompt: str, rows: Any, **options: Unpack[MapOptions]) -> AsyncMapped:
    """`groqnb.map` for async code: `async for answer in groqnb.amap("… {}", rows)`.

    `rows` may be an async iterator. See `groqnb.map` for the rest.

    ```python
    async for answer in groqnb.amap("One word for: {}", ["a large cat", "a small dog"]):
        print(answer)
    ```
    """
    return AsyncMapped(prompt, rows, options)
