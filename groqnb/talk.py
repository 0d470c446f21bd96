"""A conversation that goes on in the background: one answer at a time, with tools in between.

What a panel shows and a notebook waits for; it knows neither.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from groqnb.background import Background, Running
from groqnb.chat_tree import ChatTree, Turn
from groqnb.render.message import cost
from groqnb.showing import Asked
from groqnb.tools.calling import carry_out
from groqnb.tools.tool import Tool
from groqnb.types.errors import GroqnbError, ParameterError

if TYPE_CHECKING:
    from groqnb.client import Groq
    from groqnb.conversation import Question
    from groqnb.types.answer import Answer

__all__ = ["Shown", "Talk", "spent"]

_LOOK = 0.05  # s between two looks of a cell that waits for an answer
_GOODBYE = 5.0  # s that a stopped answer may take to end
_MOST_ROUNDS = 10  # of tools for one question


class Shown(Protocol):
    """Who is told how a conversation goes on, from any thread."""

    def says(self, status: str) -> None:
        """What happens before the first token."""

    def grows(self, answer: Answer) -> int:
        """The answer so far; how many characters were sent on for it."""

    def changed(self, *turns: Turn) -> None:
        """These turns changed, or are new; who is busy, and with what, may have changed too."""


class Talk:
    """A conversation and what is on its way in it.

    `client_of` gives the client for the next call, `question_of` the question that asks for what
    follows a turn. Calls of `tools` are carried out and their results sent without a word, unless
    one of these has effects: then `run` says that it may.

    Attributes:
        conversation: the ChatTree.
        lock: to be held by whoever reads or changes the conversation.
        after: the turn that is being answered; None while nothing is on its way.
        status: what happens before the first token; else "".
    """

    def __init__(
        self,
        conversation: ChatTree,
        *,
        client_of: Callable[[], Groq],
        question_of: Callable[[Turn], Question],
        shown: Shown,
        tools: Iterable[Tool] = (),
    ) -> None:
        self.conversation = conversation
        self.lock = threading.RLock()
        self.after: Turn | None = None
        self.status = ""
        self._question_of = question_of
        self._shown = shown
        self._tools = {tool.name: tool for tool in tools}
        self._tools_run: object | None = None  # what stands for the run of tools that goes on
        self._background = Background(client_of)
        self._running: Running | None = None
        self._idle = threading.Event()
        self._idle.set()
        self._stopped = False
        self._rounds = 0
        self._last: Asked | None = None
        self._before: Turn | None = None

    @property
    def busy(self) -> bool:
        """Whether an answer is on its way."""
        return not self._idle.is_set()

    def begin(self, turn_of: Callable[[], Turn]) -> None:
        """Ask for what follows the turn that `turn_of` makes or finds; the answer comes by itself.

        Raises ParameterError while another answer is on its way, and what `turn_of` raises.
        """
        with self.lock:
            self.must_be_idle()
            turn = turn_of()
            self._rounds, self._stopped, self._last = 0, False, None
            self._idle.clear()
        self._request(turn)

    def again(self, turn: Turn) -> None:
        """Ask for another answer to a question, or to the question of an answer."""
        question = turn.parent if turn.role == "assistant" else turn
        assert question is not None, "an answer has a question"
        self.begin(lambda: question)

    def choose(self, turn: Turn) -> None:
        """See the branch with this turn. Raises ParameterError while an answer is on its way."""
        with self.lock:
            self.must_be_idle()
            self.conversation.choose(turn)
        self._shown.changed()

    def give(self, turn: Turn, results: Mapping[str, object]) -> None:
        """Give the results of the tools that a turn asks for, and ask for what follows."""
        said = {str(name): str(value) for name, value in results.items()}
        self.begin(lambda: self.conversation.give(turn, said))

    def runs(self, turn: Turn) -> bool:
        """Whether `run` can carry out all that a turn asks for."""
        calls = [] if turn.answer is None else turn.answer.tool_calls
        return bool(calls) and all(call.function.name in self._tools for call in calls)

    def run(self, turn: Turn) -> None:
        """Carry out what a turn asks for, effects and all, and ask for what follows.

        Raises ParameterError where a call is not of these tools.
        """
        with self.lock:
            self.must_be_idle()
            if not self.runs(turn):
                raise ParameterError(
                    "These calls are not of the tools that were given as functions.",
                    hint="Give their results.",
                )
            self.conversation.choose(turn)
            # Stopped before anything follows, this is the last that was answered.
            self._rounds, self._stopped, self._last = 0, False, Asked(turn.answer)
            self._idle.clear()
            self._start_tools(turn)
        self._shown.changed(turn)

    def stop(self) -> None:
        """Stop what is on its way, from any thread; what has come is kept."""
        with self.lock:
            self._stopped = True
            running, tools = self._running, self._tools_run
            if tools is not None:  # they go on, and nobody waits for their results
                self._tools_run = self.after = None
                self.status = ""
                self._idle.set()
        if running is not None:
            running.stop()
        if tools is not None:
            self._shown.changed()

    def wait(self) -> Asked:
        """Wait for the end of what is on its way. An interrupt (Ctrl-C) stops it."""
        try:
            # Not one long wait: on some systems an interrupt would be seen at its end only.
            while not self._idle.wait(_LOOK):
                pass
        except KeyboardInterrupt:
            self.stop()
            self._idle.wait(_GOODBYE)
        if self._last is not None:
            return self._last
        if not self.busy:
            raise ParameterError("Nothing was asked yet.")
        late = f"The answer was stopped, and has not ended within {_GOODBYE:g} s."
        return Asked(None, GroqnbError(late))

    def close(self) -> None:
        """Stop what is on its way, and close the connections."""
        self.stop()
        self._background.close()

    def must_be_idle(self) -> None:
        """Raise ParameterError while an answer is on its way."""
        if self.busy:
            raise ParameterError(
                "An answer is on its way.", hint="Wait for its end, or stop it first."
            )

    # --- one answer ---

    def _request(self, turn: Turn) -> None:
        try:
            with self.lock:
                self.conversation.choose(turn)
                # Out of sight while another answer is on its way; seen again if none comes.
                self._before, turn.chosen = turn.chosen, None
                turn.failure = ""
                question = self._question_of(turn)
                self.after, self.status = turn, f"asking {question.model}…"
            self._shown.changed(turn)
            running = self._background.ask(question, _Listener(self, turn))
        except GroqnbError as error:
            self._ended(turn, Asked(None, error))
            return
        except BaseException as error:  # an interrupt, too: no answer would end it
            self._ended(turn, Asked(None, GroqnbError(f"Not asked: {type(error).__name__}.")))
            raise
        with self.lock:
            self._running = None if running.asked is not None else running
            stopped = self._stopped
        if stopped:  # meanwhile
            running.stop()

    def _ended(self, turn: Turn, asked: Asked) -> None:
        """Keep the answer, or why there is none."""
        with self.lock:
            added = self._keep(turn, asked)
            self._last, self._running = asked, None
            self.after, self.status = None, ""
            if added is not turn and self._goes_on(added):
                self._start_tools(added)
            else:
                self._idle.set()
        self._shown.changed(turn, added)

    def _keep(self, turn: Turn, asked: Asked) -> Turn:
        answer = asked.answer
        failure = "" if asked.error is None else _said(asked.error)
        if answer is not None and (
            answer.text
            or answer.reasoning
            or answer.tool_calls
            or answer.executed_tools
            or answer.refusal
            or not (answer.stopped or failure)
        ):
            return self.conversation.answer(turn, answer, cost=spent(answer), failure=failure)
        turn.failure = failure or "Stopped before the first word."
        turn.chosen = self._before
        return turn

    def _goes_on(self, turn: Turn) -> bool:
        """Whether tools are to be run now, unasked."""
        answer = turn.answer
        if answer is None or answer.stopped or turn.failure or self._stopped:
            return False
        if self._rounds >= _MOST_ROUNDS or not self.runs(turn):
            return False
        return not any(self._tools[call.function.name].effects for call in answer.tool_calls)

    def _start_tools(self, turn: Turn) -> None:
        """Run the tools in a thread of their own; the lock is held."""
        self.after, self.status = turn, "running tools…"
        self._tools_run = mine = object()
        self._rounds += 1
        # In the context of the caller, so that what they print lands in its cell.
        context = contextvars.copy_context()
        threading.Thread(
            target=context.run,
            args=(self._run_tools, turn, mine),
            name="groqnb-tools",
            daemon=True,
        ).start()

    def _run_tools(self, turn: Turn, mine: object) -> None:
        assert turn.answer is not None
        # Those with effects were allowed by whoever called `run`.
        steps = carry_out(turn.answer.tool_calls, self._tools, confirm=lambda tool, given: True)
        with self.lock:
            if self._tools_run is not mine:  # stopped meanwhile
                return
            self._tools_run = None
            given = self.conversation.give(turn, {step.id: step.result for step in steps})
        self._request(given)


class _Listener:
    """Hears of the answer to one turn."""

    def __init__(self, talk: Talk, turn: Turn) -> None:
        self._talk = talk
        self._turn = turn

    def says(self, status: str) -> None:
        self._talk.status = status
        self._talk._shown.says(status)

    def grows(self, answer: Answer) -> int:
        self._talk.status = ""
        return self._talk._shown.grows(answer)

    def ends(self, asked: Asked) -> None:
        self._talk._ended(self._turn, asked)


def spent(answer: Answer) -> float | None:
    """What an answer cost in US dollars; 0 from the local engine, None where nobody knows."""
    if answer.where == "local":
        return 0.0
    usage = answer.usage
    if answer.where != "cloud" or usage is None:
        return None
    cached = answer.cached_tokens or 0
    return cost(answer.model_answered, usage.prompt_tokens, usage.completion_tokens, cached)


def _said(error: GroqnbError) -> str:
    from groqnb.render.failures import short_message

    said = error.message if isinstance(error, ParameterError) else short_message(error)
    return f"{said} {error.hint}" if error.hint else said
