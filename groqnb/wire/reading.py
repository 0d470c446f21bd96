"""What the bytes of a stream mean: chunks, its end, and the errors in it. No I/O here."""

from __future__ import annotations

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
        self.count = 0
        self._kind = kind
        self._parse = kind.validator().validate_json
        self._decoder = SSEDecoder()
        # The chunks' bytes, not the chunks: they are needed only if the stream breaks, and a
        # long answer would hold a hundred megabytes of objects.
        self._received: list[bytes] = []
        self._answered = False

    def feed(self, read: bytes) -> list[C]:
        """The chunks that are complete with this read; `failure` is set when it holds an error."""
        chunks: list[C] = []
        for event in self._decoder.feed(read):
            if self.done or self.failure:
                break
            self._take(event, chunks)
        return chunks

    def end(self) -> list[C]:
        """The last chunks, after the last read; `failure` is set when the answer is not whole."""
        chunks: list[C] = []
        for event in self._decoder.finish():
            if not self.done and _is_json(event.data):
                self._take(event, chunks)
        # Some servers of this kind never send [DONE]; what has a finish reason is complete.
        if not (self.done or self._answered or self.failure):
            self.failure = self._broken_off("The stream ended before the answer was complete")
        return chunks

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
        return [self._parse(data) for data in self._received]

    def _take(self, event: ServerEvent, chunks: list[C]) -> None:
        data = event.data
        if data == b"[DONE]":
            self.done = True
            return
        if event.name == "error":
            self.failure = self._error(data)
            return
        try:
            chunk = self._parse(data)
        except ValidationError:
            self.failure = self._error(data)
            return
        self._received.append(data)
        self.count += 1
        if self.trace.ttft is None and chunk.carries_token:
            self.trace.first_token()
        if not self._answered and chunk.ends_answer:
            self._answered = True
            self.done = chunk.closes_stream
        usage = chunk.total_usage
        if usage is not None:
            self.usage = usage
        if self.trace.request_id is None:
            inside = getattr(chunk, "x_groq", None)
            self.trace.request_id = getattr(inside, "id", None)
        chunks.append(chunk)
        reason = chunk.stop_reason
        if reason is not None:
            self.failure = StreamError(
                f"The server broke the stream off: {reason}", received=self.received()
            )

    def _error(self, data: bytes) -> APIError:
        """The error for an event that is no chunk."""
        try:
            content = from_json(data)
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
