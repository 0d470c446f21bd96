"""What the bytes of a stream mean: chunks, its end, and the errors in it. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from pydantic_core import ValidationError, from_json, to_json

from groqnb.types.base import StreamChunk
from groqnb.types.errors import APIError, GroqnbError, StreamError
from groqnb.wire.exchange import Broken
from groqnb.wire.failures import Scene, connection_error, status_error, status_of
from groqnb.wire.sse import ServerEvent, SSEDecoder
from groqnb.wire.trace import Trace

__all__ = ["Reading"]

C = TypeVar("C", bound=StreamChunk)


class Reading(Generic[C]):
    """What is known of a stream so far."""

    def __init__(self, kind: type[C], scene: Scene, trace: Trace, model: str | None) -> None:
        self.scene = scene
        self.trace = trace
        self.model = model
        self.done = False
        self.failure: GroqnbError | None = None
        self.usage: Any = None
        self.last: C | None = None  # the chunk that told the usage
        self.count = 0
        self._kind = kind
        self._parse = kind.validator().validate_json
        self._decoder = SSEDecoder()
        # The chunks' bytes, not the chunks: they are needed only if the stream breaks, and a
        # long answer would hold a hundred megabytes of objects.
        self.chunks: list[bytes] = []
        self._begun = False
        self._answered = False

    def feed(self, read: bytes) -> Iterator[C]:
        """The chunks that are complete with this read; `failure` is set when it holds an error.

        Each is parsed when it is asked for: the first is not held up by the others.
        """
        for event in self._decoder.feed(read):
            if self.done or self.failure:
                return
            chunk = self._take(event)
            if chunk is not None:
                yield chunk

    def end(self) -> Iterator[C]:
        """The last chunks, after the last read; `failure` is set when the answer is not whole."""
        for event in self._decoder.finish():
            if not self.done and _is_json(event.data):
                chunk = self._take(event)
                if chunk is not None:
                    yield chunk
        # Some servers of this kind never send [DONE]; what has a finish reason is complete.
        if not (self.done or self._answered or self.failure):
            self.failure = self._broken_off("The stream ended before the answer was complete")

    def cut(self, broken: Broken) -> None:
        """The connection broke."""
        if self.done:
            return
        if broken.kind == "timeout":
            self.failure = self._broken_off("The stream fell silent for too long")
            return
        told = connection_error(broken.kind, broken.reason, broken.timeout, self.scene)
        error = self._broken_off("The stream broke before the answer was complete")
        if not isinstance(told, APIError) or self.scene.kind == "local":
            error.hint = told.hint
        self.failure = error

    def _broken_off(self, what: str) -> StreamError:
        return StreamError(
            f"{what}, after {self.count} chunk{'' if self.count == 1 else 's'}.",
            hint="What came is in the error's `received`.",
            received=self.received(),
        )

    def received(self) -> list[C]:
        """The chunks so far."""
        return [self._parse(data) for data in self.chunks]

    def _take(self, event: ServerEvent) -> C | None:
        """The chunk that an event is, or None where it is the end or an error."""
        data, name = event
        if data == b"[DONE]":
            self.done = True
            return None
        if name == "error":
            self.failure = self._error(data)
            return None
        try:
            chunk: C = self._parse(data)
        except ValidationError:
            self.failure = self._error(data)
            return None
        self.chunks.append(data)
        self.count += 1
        if not self._begun:
            self._look_for_begin(chunk)
        if not self._answered and chunk.ends_answer:
            self._answered = True
            self.done = chunk.closes_stream
        usage = chunk.total_usage
        if usage is not None:
            self.usage, self.last = usage, chunk
        reason = chunk.stop_reason
        if reason is not None:
            self.failure = StreamError(
                f"The server broke the stream off: {reason}", received=self.received()
            )
        return chunk

    def _look_for_begin(self, chunk: C) -> None:
        """Notes the first token and the id of the request; with both it has seen enough."""
        trace = self.trace
        if trace.ttft is None and chunk.carries_token:
            trace.first_token()
        if trace.request_id is None:
            trace.request_id = getattr(getattr(chunk, "x_groq", None), "id", None)
        self._begun = trace.ttft is not None and trace.request_id is not None

    def _error(self, data: bytes) -> APIError:
        """The error for an event that is no chunk."""
        try:
            content = from_json(self.scene.without_key(data))
        except ValueError:
            return self._broken_off("The stream holds an event that is not JSON")
        fields = content.get("error", content) if isinstance(content, dict) else content
        if isinstance(fields, str):
            fields = {"message": fields}
        if not isinstance(fields, dict) or "message" not in fields:
            return self._broken_off("The stream holds an event of an unknown shape")
        status = status_of(fields)
        error: APIError
        if status is None:
            error = StreamError(f"The server broke the stream off: {fields['message']}")
        else:
            body = to_json({"error": fields})
            error = status_error(status, self.trace.headers, body, self.scene, self.model)
        error.received = self.received()
        return error


def _is_json(data: bytes) -> bool:
    if data == b"[DONE]":
        return True
    try:
        from_json(data)
    except ValueError:
        return False
    return True
