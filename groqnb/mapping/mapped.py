"""`groqnb.map` and `groqnb.amap`: one question to every row of any iterable, lazily, in order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from groqnb.api.resource import shows_parameters
from groqnb.mapping.collecting import collect, progress_of, run_of, tell_broken
from groqnb.mapping.interrupts import Interrupts
from groqnb.mapping.judges import AnyText, Judge
from groqnb.mapping.options import MapOptions, plan_of
from groqnb.mapping.results import RowResult
from groqnb.mapping.run import Plan, Row
from groqnb.mapping.samples import outcomes
from groqnb.mapping.template import Content, Template, fill
from groqnb.types.errors import GroqnbError, ParameterError

if TYPE_CHECKING:
    import pandas as pd
    from typing_extensions import Unpack

__all__ = ["AsyncMapped", "Mapped", "amap", "map"]

_LOOK = 0.05  # s that an async source is waited for before other things are looked at
_NONE_YET = object()  # in the place of its next row


class _Rows:
    """What both kinds of maps have in common."""

    _kinds: tuple[str, ...] = ("__iter__", "__getitem__")  # one of which rows must have

    def __init__(
        self, prompt: str, rows: Any, options: Mapping[str, Any], judge: Judge | None = None
    ) -> None:
        _check_rows(rows, self._kinds)
        self._template = Template(prompt)
        if not self._template.names:
            raise ParameterError(
                "The prompt names nothing of a row, so it would be the same for every one.",
                hint='Write {} for the row, or {name} where rows are dicts: "Summarise: {}".',
            )
        self._plan: Plan = plan_of(judge or AnyText(), options, self._template)
        self._options = dict(options)
        self._raising = options.get("errors") == "raise"
        self._source = rows

    def _numbered(self, rows: Iterable[Any]) -> Iterator[Row | None]:
        number = 0
        for row in rows:
            if row is _NONE_YET:
                yield None
                continue
            yield number, self._content(number, row)
            number += 1

    def _content(self, number: int, row: Any) -> Content | GroqnbError | None:
        try:
            return fill(self._template, row)
        except ParameterError as error:
            if number == 0:
                raise  # a mistake in the prompt meets every row
            return error

    def _total(self) -> int | None:
        size = getattr(self._source, "__len__", None)
        return None if size is None else int(size())


class Mapped(_Rows):
    """The answers to all rows, in the order of the rows; nothing is asked before they are wanted.

    Iterating gives the answers: text, and None for a row without a value or whose call failed.
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
        with closing(self.results()) as results:
            for result in results:
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
        with closing(self._groups(Interrupts())) as groups:
            for group in groups:
                yield from group

    def _groups(self, interrupts: Interrupts) -> Generator[list[RowResult], None, None]:
        """The outcomes in groups, as they come; `interrupts` may end it from another thread."""
        progress = progress_of(self._plan, self._total(), self._options)
        with interrupts as stops, run_of(self._plan, self._options) as run:
            early: dict[int, RowResult] = {}
            following = 0
            try:
                for group in outcomes(run, self._numbered(self._source), stops):
                    for result in group:
                        if self._raising and result.failure is not None:
                            raise result.failure.with_traceback(None)
                        early[result.number] = result
                    progress.note(group, run.lanes)
                    ready = []
                    while following in early and not run.interrupted:
                        ready.append(early.pop(following))
                        following += 1
                    if ready:
                        with stops.raised():
                            yield ready
            finally:
                progress.close()
            tell_broken(run.broken)
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
        return frame_of(results, voted=self._plan.question.samples > 1)


class AsyncMapped(_Rows):
    """`Mapped` for `async for`; rows may come from an async iterator, too.

    ```python
    async for answer in groqnb.amap("Translate into French: {}", lines):
        print(answer)
    ```
    """

    _kinds = (*_Rows._kinds, "__aiter__")

    def __repr__(self) -> str:
        return f"<AsyncMap: {self._template.text[:60]!r}>"

    async def __aiter__(self) -> AsyncIterator[Any]:
        async for result in self.results():
            yield result.value

    async def results(self) -> AsyncIterator[RowResult]:
        """Each row's outcome, in order; see `Mapped.results`.

        ```python
        async for row in groqnb.amap("Translate: {}", lines).results():
            print(row.value or row.error)
        ```
        """
        import asyncio
        import contextvars

        source, stops = self._source, Interrupts()
        loop = asyncio.get_running_loop()
        if hasattr(source, "__aiter__"):
            source = _from_async(source, loop, stops)
        options = {**self._options, "progress": self._options.get("progress") or False}
        mapped = Mapped(self._template.text, source, options, self._plan.question.judge)
        groups = mapped._groups(stops)
        context = contextvars.copy_context()

        def following() -> list[RowResult] | None:
            return next(groups, None)

        step: asyncio.Future[list[RowResult] | None] | None = None
        try:
            while True:
                # Taking rows in and waiting for outcomes blocks: both are done beside the loop.
                step = loop.run_in_executor(None, context.run, following)
                group = await asyncio.shield(step)
                if group is None:
                    return
                for result in group:
                    yield result
        finally:
            stops.count += 1
            if step is not None and not step.done():  # cancelled: it ends within moments
                await asyncio.wait([step])
                step.exception()
            await asyncio.shield(asyncio.to_thread(groups.close))

    async def to_frame(self) -> pd.DataFrame:
        """All rows as a table; see `Mapped.to_frame`.

        ```python
        table = await groqnb.amap("Translate: {}", lines).to_frame()
        ```
        """
        results = [result async for result in self.results()]
        return frame_of(results, voted=self._plan.question.samples > 1)


def _check_rows(rows: Any, kinds: tuple[str, ...]) -> None:
    """Raise ParameterError for what is no source of rows."""
    what = type(rows).__name__
    if isinstance(rows, (str, bytes, Mapping)):
        raise ParameterError(f"The rows are one {what}.", hint="Give a list, or an iterator.")
    if hasattr(rows, "columns") and hasattr(rows, "shape"):
        raise ParameterError(
            f"A {what} has columns, and going through it would give their names.",
            hint='df.groq.map(prompt) asks about its rows, with columns in braces; "{}" takes the '
            'values of one: groqnb.map(prompt, df["text"]).',
        )
    if not any(hasattr(rows, kind) for kind in kinds):
        hint = "Give a list, or an iterator."
        if hasattr(rows, "__aiter__"):
            hint = "Async rows are for groqnb.amap."
        raise ParameterError(f"The rows are of type {what}, which has none.", hint=hint)


def _from_async(rows: Any, loop: Any, stops: Interrupts) -> Iterator[Any]:
    """An async iterator's items, asked for in another thread than its loop's; `_NONE_YET` where
    none is there."""
    import asyncio
    from concurrent.futures import wait

    end = object()
    source = aiter(rows)

    async def following() -> Any:
        return await anext(source, end)

    while True:
        asked = asyncio.run_coroutine_threadsafe(following(), loop)
        while not wait([asked], timeout=_LOOK).done:
            if stops.count:
                asked.cancel()
                return
            yield _NONE_YET
        item = asked.result()
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

    `prompt` has `{}` for a row that is a plain value, and `{name}` for rows with names: dicts,
    named tuples, rows of a database, dataclasses, pydantic models;
    `{name:image}` and `{name:audio}` stand for pictures and recordings, and doubled braces for
    braces. A row that is None or NaN, or has such a value, is not asked. `options` are those of
    `MapOptions`, every parameter of a chat completion among them.

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
