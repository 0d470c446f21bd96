"""One question to several models side by side: asked at once, shown in columns, kept as a table."""

from __future__ import annotations

import asyncio
import threading
import time
from asyncio import CancelledError
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from groqnb.render.columns import Column, ColumnsPainter
from groqnb.render.message import cost
from groqnb.types.answer import Answer
from groqnb.types.answer_builder import AnswerBuilder
from groqnb.types.errors import GroqnbError

if TYPE_CHECKING:
    import pandas as pd

    from groqnb.client import AsyncGroq, Groq
    from groqnb.conversation import Question

__all__ = ["Compared", "compare"]

_INTERRUPTS = (KeyboardInterrupt, CancelledError)
_LOOK = 0.05  # s between two looks at what has come
_GOODBYE = 10.0  # s that closing the connections may take after an interrupt


@dataclass(frozen=True)
class Compared:
    """How a comparison ended: a column for each model, in the order asked for."""

    columns: list[Column]

    @property
    def stopped(self) -> bool:
        """True when an interrupt ended it before all had answered."""
        return any(column.answer is not None and column.answer.stopped for column in self.columns)

    @property
    def errors(self) -> list[GroqnbError]:
        """What went wrong, of the models whose call failed."""
        return [column.error for column in self.columns if column.error is not None]

    def to_frame(self) -> pd.DataFrame:
        """One row for each model, named by it.

        `text` and the other columns of `Answer.to_frame`, with times in seconds; `cost` in US
        dollars, NA where the price is not known; `error`, what went wrong or NA; and `answer`,
        the whole Answer or None.

        ```python
        table = compared.to_frame()
        table[["ttft", "tokens_per_second", "cost"]]
        table.loc["llama-3.1-8b-instant", "answer"].reasoning
        ```
        """
        import pandas as pd

        rows = [column.answer.to_frame() for column in self.columns if column.answer is not None]
        index = [column.model for column in self.columns if column.answer is not None]
        frame = pd.concat(rows).set_axis(index) if rows else Answer("").to_frame().iloc[:0]
        frame = frame.reindex([column.model for column in self.columns])
        frame["cost"] = pd.array([_spent(column) for column in self.columns], dtype="Float64")
        frame["error"] = pd.array(
            [None if c.error is None else str(c.error) for c in self.columns], dtype="string"
        )
        frame["answer"] = pd.Series(
            [column.answer for column in self.columns], index=frame.index, dtype=object
        )
        frame.index.name = "model"
        table: pd.DataFrame = frame.drop(columns=["model_asked"], errors="ignore")
        return table


def _spent(column: Column) -> float | None:
    answer = column.answer
    if answer is None or answer.usage is None:
        return None
    if answer.where == "local":
        return 0.0
    if answer.where != "cloud":
        return None
    usage = answer.usage
    cached = answer.cached_tokens or 0
    return cost(column.model, usage.prompt_tokens, usage.completion_tokens, cached)


def compare(
    client: Groq,
    settings: Mapping[str, Any],
    question: Question,
    models: Sequence[str],
    shown: ColumnsPainter,
    *,
    stream: bool = True,
) -> Compared:
    """Ask every model the same question at the same time, and show the answers as they come.

    `client` says where calls go and hears of them; `settings` are those it was made with. Never
    raises for what goes wrong with a call: the columns tell. An interrupt stops all of them and
    keeps what had come.
    """
    target = client.target
    url = target.base_url if target.kind == "url" else None
    columns = [
        Column(
            model,
            AnswerBuilder(
                model=model,
                messages=question.messages,
                where=target.kind,
                url=url,
                earlier=question.earlier,
            ),
        )
        for model in models
    ]
    work = _Work(client, settings, question, columns, stream)
    shown.show(columns)
    thread = threading.Thread(target=work.run, name="groqnb-compare", daemon=True)
    thread.start()
    try:
        # Not join: an interrupt of it would leave the thread's state wrong on some Pythons.
        while not work.done.wait(_LOOK):
            shown.show(columns)
    except _INTERRUPTS:
        work.stop()
        # Who interrupts again does not want to wait for the connections' end.
        with suppress(*_INTERRUPTS):
            work.done.wait(_GOODBYE)
    for column in columns:
        column.finish(stopped=True)
    shown.finish(columns)
    return Compared(columns)


@dataclass
class _Work:
    """The calls, in an event loop and a thread of their own: the notebook's is taken."""

    client: Groq
    settings: Mapping[str, Any]
    question: Question
    columns: list[Column]
    stream: bool
    done: threading.Event = field(default_factory=threading.Event)
    _loop: asyncio.AbstractEventLoop | None = None
    _all: asyncio.Future[Any] | None = None
    _stopped: bool = False

    def run(self) -> None:
        try:
            asyncio.run(self._ask_all())
        finally:
            self.done.set()

    def stop(self) -> None:
        self._stopped = True
        if self._loop is not None and self._all is not None:
            with suppress(RuntimeError):  # the loop may have come to its end just now
                self._loop.call_soon_threadsafe(self._all.cancel)

    async def _ask_all(self) -> None:
        from groqnb.client import AsyncGroq

        self._loop = asyncio.get_running_loop()
        settings = {**self.settings, "events": self.client.events}
        async with AsyncGroq(**settings) as client:
            self._all = asyncio.gather(*(self._ask(client, column) for column in self.columns))
            if self._stopped:
                self._all.cancel()
            try:
                await self._all
            except CancelledError:
                # Each column has noted its own end by now, or is about to.
                return

    async def _ask(self, client: AsyncGroq, column: Column) -> None:
        question = replace(self.question, model=column.model)
        params: dict[str, Any] = {
            "model": column.model,
            "messages": question.sent,
            **question.params,
        }
        if self.stream:
            params |= {"stream": True, "stream_options": {"include_usage": True}}
        started = time.monotonic()
        reply: Any = None
        stopped = False
        try:
            reply = await client.chat.completions.create(**params)
            if self.stream:
                async for chunk in reply:
                    column.builder.feed(chunk)
            else:
                column.builder.complete(reply)
        except CancelledError:
            stopped = True
        except GroqnbError as error:
            column.error = error
        except Exception as error:  # noqa: BLE001 - one model's odd reply must not end the others
            column.error = GroqnbError(f"{type(error).__name__}: {error}")
        column.finish(
            stopped=stopped,
            headers=getattr(reply, "headers", None),
            ttft=getattr(reply, "ttft", None),
            wall=time.monotonic() - started,
            request_id=getattr(reply, "request_id", None),
        )
        if self.stream and reply is not None:
            await reply.close()
