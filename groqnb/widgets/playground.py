"""`groqnb.Playground`: one question, its parameters as controls, and the code of what was tried."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from traitlets import Dict, List, Unicode, observe

from groqnb import catalog
from groqnb.background import Background, Running, check_client
from groqnb.conversation import Question, single
from groqnb.render.growing import Growing
from groqnb.sampling import PARAMETERS, check, support
from groqnb.session import session
from groqnb.types.errors import ParameterError
from groqnb.widgets.attaching import Attaching, can_see
from groqnb.widgets.base import Widget
from groqnb.widgets.messages import plain_error
from groqnb.widgets.playground_code import as_magic, as_python
from groqnb.widgets.playground_view import saved, slots_of

if TYPE_CHECKING:
    from groqnb.client import Groq
    from groqnb.render.html import Child
    from groqnb.showing import Asked
    from groqnb.types.answer import Answer

__all__ = ["Playground"]

_LOOK = 0.05  # s between two looks of a cell that waits for an answer
_GOODBYE = 5.0  # s that a stopped answer may take to end
_NAMES = frozenset(parameter.name for parameter in PARAMETERS)


class Playground(Attaching, Widget, static="playground"):
    """Try a question with every parameter, see the answer live, and take the code along.

    `model`, `prompt`, `system` and `images` are the question; `client` the client, the session's
    by default; all others are parameters of the API, as `temperature=0.2`. Each can be changed on
    the page and from Python. Raises ParameterError for unknown names and values out of range.

    Attributes:
        answer: the last Answer, or None.
        params: the parameters that are set; what is not set is not sent.

    ```python
    play = groqnb.Playground(prompt="Name three rivers.", temperature=0.2)
    play  # at the end of a cell
    play.run().text
    print(play.as_magic())
    ```

    Docs: API Reference, Create chat completion.
    """

    asks = frozenset({"hello", "run", "stop", "detach"})
    shows_result = True
    most_bytes = 50_000_000

    model = Unicode("").tag(sync=True, option=True)
    prompt = Unicode("").tag(sync=True, option=True)
    system = Unicode(None, allow_none=True).tag(sync=True, option=True)
    models = List(Unicode()).tag(sync=True)
    values = Dict({}).tag(sync=True)
    controls = List(Dict()).tag(sync=True)
    special = Dict({}).tag(sync=True)

    def __init__(
        self,
        *,
        model: str | None = None,
        prompt: str = "",
        system: str | None = None,
        images: Sequence[Any] = (),
        client: Groq | None = None,
        **params: Any,
    ) -> None:
        _refuse_unknown(params)
        model = model or session.default_model
        check(params, model)
        if client is not None:
            check_client(client)
        self.answer: Answer | None = None
        self._client = client
        self._background = Background(lambda: self._client or session.client())
        self._running: Running | None = None
        self._idle = threading.Event()
        self._idle.set()
        self._stopped = False
        self._asked: Asked | None = None
        self._asked_for: dict[str, Any] | None = None
        self._failure = ""
        self._growing: Growing | None = None
        self._number = 0
        super().__init__(model=model, prompt=prompt, system=system)
        self.models = [each.id for each in catalog.models() if each.kind in ("chat", "compound")]
        self.controls = [parameter.as_dict() for parameter in PARAMETERS]
        self.special = {name: support(name) for name in {*self.models, model}}
        self.values = dict(params)
        for source in images:
            [made] = self._fitted([source])
            self._keep(made, source if isinstance(source, str) else "")

    @observe("model")
    def _on_model(self, change: Any) -> None:
        if change.new not in self.special:
            self.special = {**self.special, change.new: support(change.new)}

    @property
    def params(self) -> dict[str, Any]:
        """The parameters that are set, as the API takes them.

        Raises ParameterError for one that is out of its range, or that the model does not support.
        """
        return check(self.values, self.model)

    def run(self) -> Answer:
        """Ask, and wait for the answer; it is shown on the page, too.

        Interrupting the cell stops it and keeps what had come (`answer.stopped`). Raises what a
        call raises, and ParameterError while another answer is on its way.

        ```python
        play.values = {"temperature": 0, "seed": 7}
        play.run().text
        ```
        """
        self._begin()
        try:
            while not self._idle.wait(_LOOK):
                pass
        except KeyboardInterrupt:
            self.stop()
            self._idle.wait(_GOODBYE)
        # From the cell's own thread as well: what threads publish, not every front end keeps.
        self._show_result()
        asked = self._asked
        assert asked is not None
        if asked.error is not None:
            raise asked.error
        assert asked.answer is not None
        return asked.answer

    def stop(self) -> None:
        """Stop the answer that is on its way, from any thread; what has come is kept."""
        with self._lock:
            self._stopped = True
            running = self._running
        if running is not None:
            running.stop()

    def as_magic(self) -> str | None:
        """The question as a `%%groq` cell; None where its options fit into no line.

        ```python
        print(play.as_magic())
        ```
        """
        return as_magic(**self._told())

    def as_python(self) -> str:
        """The question as Python that runs as it is.

        ```python
        print(play.as_python())
        ```
        """
        return as_python(**self._told())

    def close(self) -> None:
        """Stop what is on its way, and close the playground and its connections."""
        if hasattr(self, "_background"):  # there is none where the options were refused
            self._background.close()
        super().close()

    # --- asking ---

    def _told(self) -> dict[str, Any]:
        with self._lock:
            images = [
                self._names[id] or each.url
                for id, each in self._attached.items()
                if self._names[id] or each.url.startswith("http")
            ]
        return {
            "model": self.model,
            "prompt": self.prompt,
            "system": self.system or None,
            "params": self.params,
            "images": images,
        }

    def _begin(self) -> None:
        if not self.prompt.strip():
            raise ParameterError("There is nothing to ask yet.", hint="Write a prompt.")
        with self._lock:
            # Taken before the images are made to fit: a second run would begin meanwhile.
            if not self._idle.is_set():
                raise ParameterError(
                    "An answer is on its way.", hint="Wait for its end, or stop it first."
                )
            self._idle.clear()
            self._stopped = False
        begun = False
        try:
            question, asked_for = self._made()
            with self._lock:
                self._asked, self._failure, self._growing = None, "", Growing()
                self._asked_for = asked_for
                self._number += 1
                self._tell("begin", number=self._number, status=f"asking {self.model}…")
            begun = True
            running = self._background.ask(question, self)
        except BaseException:  # an interrupt, too: no answer would end it
            self._idle.set()
            if begun:
                self._tell("done", **self._end())
            raise
        with self._lock:
            self._running = None if running.asked is not None else running
            stopped = self._stopped
        if stopped:  # meanwhile
            running.stop()

    def _made(self) -> tuple[Question, dict[str, Any]]:
        """The question as it is now, and what is told of it."""
        told = self._told()
        with self._lock:
            found = list(self._attached.values())
        content: Any = self.prompt
        if found:
            can_see(self.model)
            parts = [each.part for each in self._fitted(found)]
            content = [{"type": "text", "text": self.prompt}, *parts]
        messages = single(content, system=told["system"])
        return Question(messages, self.model, told["params"]), {**told, "content": content}

    def says(self, status: str) -> None:
        """What happens before the first token."""
        with self._lock:
            self._number += 1
            self._tell("status", number=self._number, text=status)

    def grows(self, answer: Answer) -> int:
        """What is new of the answer; how many characters were sent."""
        with self._lock:
            parts = {} if self._growing is None else self._growing.changes(answer)
            if parts:
                self._number += 1
                self._tell("grow", number=self._number, parts=parts)
        return sum(len(text) for part in parts.values() for text in part.values())

    def ends(self, asked: Asked) -> None:
        """The answer, the error, or both."""
        with self._lock:
            self._asked, self._running, self._growing = asked, None, None
            self._failure = "" if asked.error is None else plain_error(asked.error)
            self.answer = asked.answer
            self._idle.set()
            self._tell("done", **self._end())
        self._show_result()

    def _end(self) -> dict[str, Any]:
        """What the page shows of the last answer, and of its code."""
        self._number += 1
        answer = self.answer
        asked = {**(self._asked_for or {})}
        asked.pop("content", None)
        return {
            "number": self._number,
            "failure": self._failure,
            "slots": None if answer is None else slots_of(answer),
            "text": "" if answer is None else answer.text,
            "magic": as_magic(**asked) if asked else None,
            "python": as_python(**asked) if asked else None,
        }

    # --- the page ---

    def _ask_hello(self, content: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            live = None if self._growing is None else self._growing.so_far()
            return {**self._end(), "live": live, "attached": self._attached_now()}

    def _ask_run(self, content: Mapping[str, Any]) -> None:
        # What the page shows goes along: it may be newer than what was synchronised.
        with self._lock:
            for name in ("model", "prompt", "system", "values"):
                if name in content:
                    setattr(self, name, content[name])
        self._begin()

    def _ask_stop(self, content: Mapping[str, Any]) -> None:
        self.stop()

    def _received(self, name: str, data: bytes, meta: Mapping[str, Any]) -> Any:
        if name == "image":
            return self._attach(data, meta)
        raise ParameterError(f"a playground takes no {name}.")

    def _result(self) -> tuple[Sequence[Child], str]:
        with self._lock:
            return saved(self._asked_for, self.answer, self._failure, self._thumbs)

    def _summary(self) -> str:
        return self.model


def _refuse_unknown(params: Mapping[str, Any]) -> None:
    from difflib import get_close_matches

    own = ["model", "prompt", "system", "images", "client"]
    for name in params:
        if name not in _NAMES:
            near = get_close_matches(name, [*own, *_NAMES], n=1)
            raise ParameterError(
                f"Playground has no option {name!r}.",
                hint=f"Did you mean {near[0]!r}?"
                if near
                else f"It takes {', '.join([*own, *sorted(_NAMES)])}.",
            )
