"""One turn of the model: asked for whole or streamed, and the same, awaited."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from groqnb.tools.events import ReasoningPiece, RoundEnded, TextPiece, ToolEvent
from groqnb.tools.turns import AskModel, ToolRun
from groqnb.types.answer_builder import AnswerBuilder
from groqnb.types.errors import GroqnbError

if TYPE_CHECKING:
    from groqnb.client import AsyncGroq, Groq
    from groqnb.target import Target

__all__ = ["Asking"]


class Asking:
    """Makes the calls of a run with the same model and parameters.

    Attributes:
        builder: the answer that is on its way, or came last.
    """

    def __init__(
        self,
        client: Groq | AsyncGroq,
        model: str,
        params: Mapping[str, Any],
        run: ToolRun,
        *,
        stream: bool,
    ) -> None:
        self._client: Any = client
        self._stream = stream
        self._run = run
        self._params = dict(params)
        if stream:
            options = self._params.get("stream_options")
            self._params |= {"stream": True, "stream_options": options or {"include_usage": True}}
        self.model = model
        self.target: Target = client.target
        self.builder = AnswerBuilder(model=model)
        self._reply: Any = None  # the stream that is on its way
        self._cut = False
        self._round = 0
        self._told = (0, 0)

    def ask(self, turn: AskModel) -> Generator[ToolEvent, None, None]:
        """Make the call; the pieces of the answer, and at last the whole."""
        if self._cut:
            yield self._nothing(turn)
            return
        reply = self._reply = self._client.chat.completions.create(**self._begin(turn))
        if not self._stream:
            yield self._whole(reply)
            return
        if self._cut:  # meanwhile
            reply.close()
        ended: BaseException | None = GeneratorExit()
        try:
            for chunk in reply:
                yield from self._pieces(chunk)
            ended = None
        except BaseException as error:
            ended = error
            raise
        finally:
            if ended is not None:
                reply.close()
                self._cut_short(reply, ended)
        yield from self._rest(reply)

    async def ask_awaited(self, turn: AskModel) -> AsyncGenerator[ToolEvent, None]:
        """`ask`, awaited."""
        if self._cut:
            yield self._nothing(turn)
            return
        reply = self._reply = await self._client.chat.completions.create(**self._begin(turn))
        if not self._stream:
            yield self._whole(reply)
            return
        if self._cut:  # meanwhile
            await reply.close()
        ended: BaseException | None = GeneratorExit()
        try:
            async for chunk in reply:
                for piece in self._pieces(chunk):
                    yield piece
            ended = None
        except BaseException as error:
            ended = error
            raise
        finally:
            if ended is not None:
                await reply.close()
                self._cut_short(reply, ended)
        for piece in self._rest(reply):
            yield piece

    def cut(self) -> Any:
        """Ask no more, and leave the answer that is on its way; for another thread or task.

        Gives what is to be awaited of an async client, None of a sync one.
        """
        self._cut = True
        return self._reply.close() if self._stream and self._reply is not None else None

    def _nothing(self, turn: AskModel) -> RoundEnded:
        self._begin(turn)
        return RoundEnded(self._round, self.builder.build(stopped=True))

    def _begin(self, turn: AskModel) -> dict[str, Any]:
        self._round, self._told = turn.round, (0, 0)
        self.builder = AnswerBuilder(
            model=self.model,
            messages=turn.messages,
            where=self.target.kind,
            url=self.target.base_url if self.target.kind == "url" else None,
            response_format=self._params.get("response_format"),
        )
        asked = {"model": self.model, "messages": list(turn.messages)}
        return {**asked, **self._params, **turn.more}

    def _whole(self, reply: Any) -> RoundEnded:
        self.builder.complete(reply)
        return RoundEnded(self._round, self.builder.build(headers=reply.headers))

    def _pieces(self, chunk: Any) -> Iterator[ToolEvent]:
        self.builder.feed(chunk)
        yield from self._new(complete=False)

    def _new(self, *, complete: bool) -> Iterator[ToolEvent]:
        """What came since the last time."""
        reasoning, text = self.builder.parts(complete=complete)
        known, self._told = self._told, (len(reasoning or ""), len(text))
        if reasoning and len(reasoning) > known[0]:
            yield ReasoningPiece(self._round, reasoning[known[0] :])
        if len(text) > known[1]:
            yield TextPiece(self._round, text[known[1] :])

    def _rest(self, stream: Any) -> Iterator[ToolEvent]:
        yield from self._new(complete=True)
        yield RoundEnded(self._round, self._answer(stream, stopped=self._cut))

    def _answer(self, stream: Any, *, stopped: bool = False) -> Any:
        return self.builder.build(
            headers=stream.headers,
            ttft=stream.ttft,
            stopped=stopped,
            request_id=stream.request_id,
        )

    def _cut_short(self, stream: Any, ended: BaseException) -> None:
        """Keep what had come of an answer that will not be whole."""
        stopped = not isinstance(ended, GroqnbError)
        self._run.answers.append(self._answer(stream, stopped=stopped))
