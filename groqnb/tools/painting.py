"""A run of tools on the page while it goes on, as `%%groq --tools` shows one."""

from __future__ import annotations

from asyncio import CancelledError
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from groqnb.render.stream import TerminalPainter, painter
from groqnb.render.tools import Run, run_plain
from groqnb.showing import target_badge
from groqnb.tools.calling import Step
from groqnb.tools.events import CallAsked, RoundEnded, ToolEvent
from groqnb.tools.results import is_shown
from groqnb.types.answer import Answer
from groqnb.types.answer_builder import AnswerBuilder
from groqnb.types.errors import GroqnbError
from groqnb.types.records import ToolCalls

if TYPE_CHECKING:
    from groqnb.render.stream import Painter
    from groqnb.tools.streaming import AsyncToolStream, ToolStream

__all__ = ["paint", "paint_awaited", "show_value"]


def paint(shell: Any, stream: ToolStream) -> Answer:
    """Take a stream to its end and show it on the way; the last answer, with its steps.

    An interrupt ends it and keeps what had come.
    """
    painting = _Painting(shell, stream)
    try:
        with closing(stream):
            for event in stream:
                painting.take(event)
    except (KeyboardInterrupt, CancelledError):
        stream.run.stopped = True
    except GroqnbError as error:
        painting.fail(error)
        raise
    return painting.end()


async def paint_awaited(shell: Any, stream: AsyncToolStream) -> Answer:
    """`paint`, awaited. Cancelled, it shows what had come, and CancelledError goes on."""
    painting = _Painting(shell, stream)
    try:
        async with stream:
            async for event in stream:
                painting.take(event)
    except (KeyboardInterrupt, CancelledError):
        stream.run.stopped = True
        painting.end()
        raise
    except GroqnbError as error:
        painting.fail(error)
        raise
    return painting.end()


def show_value(shell: Any, step: Step) -> None:
    """Show what a tool returned, where people want to see it."""
    if shell is not None and is_shown(step.value):
        data, metadata = shell.display_formatter.format(step.value)
        shell.display_pub.publish(data=data, metadata=metadata)


class _Painting:
    def __init__(self, shell: Any, stream: ToolStream | AsyncToolStream) -> None:
        self._shell = shell
        self._run = stream.run
        self._asking = stream.asking
        self._painter: Painter = painter(shell, target_badge(self._asking.target))
        # A terminal keeps what was printed: there a result is said once, when it comes.
        self._prints = isinstance(self._painter, TerminalPainter)
        self._open = True  # the painter is the current turn's
        starting = "" if self._asking.target.connected() else "starting the engine to ask "
        self._painter.say(f"{starting or 'asking '}{self._asking.model}")

    def take(self, event: ToolEvent) -> None:
        if isinstance(event, Step):
            self._result(event)
        elif isinstance(event, RoundEnded):
            self._turn()
            self._painter.badge = target_badge(self._asking.target)
            self._finish(event.answer)
        elif not isinstance(event, CallAsked):  # calls stand in the turn's answer
            self._turn()
            self._painter.show(self._asking.builder)

    def _result(self, step: Step) -> None:
        """The calls that have ended stand above, as in the answer that comes next."""
        show_value(self._shell, step)
        # A painter of its own for each: none is skipped for coming too soon.
        self._turn(anew=True)
        if self._prints:
            given = next(call for call in self._run.answer.tool_calls if call.id == step.id)
            print(run_plain(Run(step.name, given.function.arguments, step.result)))
        else:
            self._painter.show(self._so_far(step.round))
        self._open = False

    def _so_far(self, round: int) -> AnswerBuilder:
        done = self._done(round)
        ended = {message["tool_call_id"] for message in done}
        builder = AnswerBuilder(model=self._asking.model, messages=[*self._run.messages, *done])
        for index, call in enumerate(self._run.answer.tool_calls):
            if call.id not in ended:
                given = call.function
                builder.add_call(index, id=call.id, name=given.name, arguments=given.arguments)
        return builder

    def _done(self, round: int) -> list[dict[str, Any]]:
        return [step.message for step in self._run.steps if step.round == round]

    def _turn(self, *, anew: bool = False) -> None:
        if anew or not self._open:
            self._painter = self._painter.again()
            self._open = True

    def _finish(self, answer: Answer, note: str | None = None) -> None:
        if self._prints:
            answer = replace(answer, messages=answer.messages[-1:])
        self._painter.finish(answer, note)
        self._open = False

    def fail(self, error: GroqnbError) -> None:
        run, answer = self._run, self._run.answer
        if not run.answers:
            self._painter.fail(error, self._asking.model)
            return
        if len(run.messages) > len(answer.messages):  # all that it asked for was done
            answer = replace(answer, messages=run.messages, tool_calls=ToolCalls())
        self._turn()
        self._finish(answer, "broken off")

    def end(self) -> Answer:
        run = self._run
        answer = replace(run.answer, steps=run.steps, stopped=run.stopped)
        if run.stopped:
            self._turn()
            messages = [*(answer.messages or run.messages), *self._done(run.rounds)]
            self._finish(replace(answer, messages=messages))
        return answer
