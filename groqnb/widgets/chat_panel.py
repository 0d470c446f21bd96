"""`groqnb.chat(…)`: a conversation beside the notebook's cells, and a Python object all the while.

Questions run in the background (`groqnb.talk`), so cells stay usable. The page holds nothing that
the kernel does not know: what is typed there and what Python says go the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from traitlets import List, Unicode

from groqnb import catalog
from groqnb.background import check_client
from groqnb.chat_tree import ChatTree, Turn
from groqnb.conversation import Question
from groqnb.session import session
from groqnb.talk import Talk
from groqnb.tools.tool import Tool, as_tools
from groqnb.types.chat import ChatParams
from groqnb.types.errors import ParameterError
from groqnb.widgets.base import Widget
from groqnb.widgets.chat_page import ChatPage
from groqnb.widgets.chat_view import result

if TYPE_CHECKING:
    from groqnb.client import Groq
    from groqnb.images import Picture
    from groqnb.render.html import Child
    from groqnb.types.answer import Answer

__all__ = ["ChatPanel", "chat"]

_NOT_PARAMS = {"stream_options", "timeout", "extra_body", "extra_headers", "tools", "n"}


class ChatPanel(ChatPage, Widget, static="chat_panel"):
    """A conversation with a model, to be typed, spoken and looked at; made by `groqnb.chat`.

    Attributes:
        conversation: the ChatTree: `.messages`, `.to_frame()`, `.export()`, `.cost`.
        model: the model that is asked next.
        system: the system message, or None.
        params: parameters of the API that every question is asked with.

    ```python
    panel = groqnb.chat(model="llama-3.3-70b-versatile", system="Be brief.")
    panel  # at the end of a cell: the panel
    panel.ask("Why is the sky blue?").text  # the same from Python
    panel.conversation.to_frame()
    ```
    """

    shows_result = True
    most_bytes = 50_000_000

    model = Unicode("").tag(sync=True, option=True)
    system = Unicode(None, allow_none=True).tag(sync=True, option=True)
    models = List(Unicode()).tag(sync=True)
    draft = Unicode("").tag(sync=True)

    def __init__(
        self,
        *,
        model: str | None = None,
        system: str | None = None,
        tools: Any = (),
        client: Groq | None = None,
        **params: Any,
    ) -> None:
        _check_params(params)
        if client is not None:
            check_client(client)
        self.params: dict[str, Any] = params
        self._tools = _schemas(tools)
        self._client = client
        self.talk = Talk(
            ChatTree(system=system),
            client_of=self._current_client,
            question_of=self._question,
            shown=self,
            tools=[tool for tool in self._tools if isinstance(tool, Tool)],
        )
        super().__init__(model=model or session.default_model, system=system)
        self.models = [each.id for each in catalog.models() if each.kind in ("chat", "compound")]

    @property
    def conversation(self) -> ChatTree:
        """The conversation, with all its branches."""
        return self.talk.conversation

    def ask(self, text: str, *, images: Sequence[Any] = ()) -> Answer:
        """Ask, and wait for the answer; it is shown in the panel, too.

        `images` are what `groqnb.images.to_part` takes: paths, URLs, bytes, figures. Interrupting
        the cell stops the answer and keeps what had come (`answer.stopped`). Raises what a call
        raises, and ParameterError while another answer is on its way.

        ```python
        panel.ask("What is in this picture?", images=["chart.png"]).text
        ```
        """
        self._ask(text, self._pictures(images))
        return self._wait()

    def again(self, turn: int | None = None) -> Answer:
        """Ask for another answer, and wait for it: to the last question, or to turn number `turn`.

        The answer before stays beside it, as another branch. Raises as `ask`.

        ```python
        panel.again()
        ```
        """
        self.talk.again(self._find(turn))
        return self._wait()

    def edit(self, turn: int, text: str) -> Answer:
        """Ask a question anew in other words, as another branch, and wait for the answer.

        `turn` is its number in `conversation`; its images are kept. Raises as `ask`.

        ```python
        panel.edit(1, "Why is the sky blue? In one sentence.")
        ```
        """
        self._edit(self._find(turn), text)
        return self._wait()

    def choose(self, turn: int) -> None:
        """Show the branch with this turn. Raises ParameterError while an answer is on its way.

        ```python
        panel.choose(2)
        ```
        """
        self.talk.choose(self._find(turn))

    def give(self, results: Mapping[str, Any]) -> Answer:
        """Give the results of the tools that the last answer asks for, and wait for the next one.

        They are named by the ids of the calls; their text is sent. Raises as `ask`.

        ```python
        call = panel.conversation.answers[-1].tool_calls[0]
        panel.give({call.id: "18 degrees"}).text
        ```
        """
        self.talk.give(self._find(None), results)
        return self._wait()

    def run(self) -> Answer:
        """Run the tools that the last answer asks for, also those with effects, and go on.

        Raises as `ask`.

        ```python
        panel.run().text
        ```
        """
        self.talk.run(self._find(None))
        return self._wait()

    def stop(self) -> None:
        """Stop the answer that is on its way, from any thread; what has come is kept."""
        self.talk.stop()

    def close(self) -> None:
        """Stop what is on its way, and close the panel and its connections."""
        if hasattr(self, "talk"):  # there is none where the options were refused
            self.talk.close()
        super().close()

    # --- from words to a question ---

    def _ask(self, text: str, found: Sequence[Picture]) -> None:
        content: Any = _worded(text)
        if found:
            content = [{"type": "text", "text": text}, *(each.part for each in found)]
        self._check_sight(bool(found))
        self.talk.begin(lambda: self.conversation.ask(content))

    def _edit(self, turn: Turn, text: str) -> None:
        content: Any = _worded(text)
        if turn.images:
            content = [{"type": "text", "text": text}, *turn.images]
        self.talk.begin(lambda: self.conversation.edit(turn, content))

    def _question(self, turn: Turn) -> Question:
        self.conversation.system = self.system or None
        params = dict(self.params)
        if self._tools:
            params["tools"] = self._tools
            known = catalog.find(self.model)
            if known is not None and known.capabilities.get("parallel_tool_use") is False:
                params.setdefault("parallel_tool_calls", False)
        if turn.role == "tool" and params.get("tool_choice") not in (None, "none", "auto"):
            del params["tool_choice"]  # it is for the first answer, or there would be no last one
        return Question(self.conversation.to_send(turn), self.model, params)

    def _wait(self) -> Answer:
        asked = self.talk.wait()
        # From the cell's own thread as well: what threads publish, not every front end keeps.
        self._show_result()
        if asked.error is not None:
            raise asked.error
        assert asked.answer is not None
        return asked.answer

    def _find(self, turn: int | None) -> Turn:
        found = self.conversation.last if turn is None else self.conversation.find(turn)
        if found is None:
            raise ParameterError("Nothing was asked yet.")
        return found

    def _current_client(self) -> Groq:
        return self._client or session.client()

    def _result(self) -> tuple[Sequence[Child], str]:
        with self.talk.lock:
            return result(self.conversation, self._thumbs)

    def _summary(self) -> str:
        return f"{self.model}, {len(self.conversation.path)} turns"


def chat(
    *,
    model: str | None = None,
    system: str | None = None,
    tools: Any = (),
    client: Groq | None = None,
    **params: Any,
) -> ChatPanel:
    """A panel to talk with a model in, beside the cells of the notebook; a ChatPanel.

    `model` is the session's default if it is left out, and `client` the session's client. `tools`
    are Python functions (see `groqnb.tool`), which run when the model calls them, and schemas of
    others: their calls are shown, and you give the results in the panel or by `panel.give`. A
    tool with effects waits for your word, in the panel or by `panel.run`. Everything else are
    parameters of the API, such as `temperature`. Raises ParameterError for what is none of these.

    ```python
    panel = groqnb.chat(system="You are a patient teacher.", temperature=0.3)
    panel
    ```

    Docs: API Reference, Create chat completion.
    """
    return ChatPanel(model=model, system=system, tools=tools, client=client, **params)


def _worded(text: str) -> str:
    if not text.strip():
        raise ParameterError("There is nothing to ask yet.", hint="Write a question.")
    return text


def _check_params(params: Mapping[str, Any]) -> None:
    from difflib import get_close_matches

    known = [name for name in ChatParams.__annotations__ if name not in _NOT_PARAMS]
    own = ["model", "system", "tools", "client"]
    for name in params:
        if name not in known:
            near = get_close_matches(name, [*known, *own], n=1)
            raise ParameterError(
                f"groqnb.chat has no option {name!r}.",
                hint=f"Did you mean {near[0]!r}?"
                if near
                else f"It takes {', '.join(own)} and the API's parameters.",
            )


def _schemas(tools: Any) -> list[Any]:
    """The tools, checked as far as the API is sure to."""
    found = list(as_tools(tools)) if tools else []
    most = catalog.limit("tools")
    if len(found) > most:
        raise ParameterError(f"{len(found)} tools; at most {most} are allowed.")
    return found
