"""A row's request as a line of a batch's file."""

from __future__ import annotations

from typing import Any, NamedTuple

from pydantic_core import to_json

from groqnb.ledger.estimates import tokens_in, tokens_out
from groqnb.mapping.question import Question
from groqnb.mapping.sources import part_of, sound_of
from groqnb.mapping.template import Content, Picture, Sound
from groqnb.types.errors import ParameterError
from groqnb.wire.retry import RetryPolicy

__all__ = ["MOST_BYTES", "Drafted", "Lines"]

# Two pages of the documentation say 100 MB and 200 MB; what is below both is taken for sure.
MOST_BYTES = 100_000_000
_POLICY = RetryPolicy()
_URLS = ("http://", "https://", "data:")
_SECONDS = 600.0  # what a recording is taken for: only the server can look at its address


class Drafted(NamedTuple):
    """A row's line, and what it may take: tokens, rather too many than too few, or seconds."""

    line: bytes
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0


class Lines:
    """Makes the lines of one question.

    Attributes:
        model: who is asked.
        endpoint: what the lines ask for.
    """

    def __init__(self, question: Question) -> None:
        self.model = question.models[0]
        self.endpoint = (
            "/v1/audio/transcriptions" if question.transcribes else "/v1/chat/completions"
        )
        self._question = question

    def draft(self, key: bytes, content: Content, sample: int = 0) -> Drafted:
        """The line of a row. Raises ParameterError for a row that no line can hold."""
        transcribes = self._question.transcribes
        body = self._recording(content) if transcribes else self._chat(content, sample)
        request = {"custom_id": key.hex(), "method": "POST", "url": self.endpoint, "body": body}
        try:
            line = to_json(request) + b"\n"
        except ValueError as error:
            raise ParameterError(f"The row is no text that can be sent: {error}.") from None
        if len(line) > MOST_BYTES:
            raise ParameterError(
                f"The row alone has {len(line) / 1e6:,.1f} MB; a batch takes "
                f"{MOST_BYTES / 1e6:,.0f} MB."
            )
        if transcribes:
            return Drafted(line, seconds=_SECONDS)
        return Drafted(line, tokens_in(body), tokens_out(body))

    def _chat(self, content: Content, sample: int) -> dict[str, Any]:
        said: str | list[Any]
        if isinstance(content, str):
            said = content
        else:
            said = [
                part_of(piece) if isinstance(piece, Picture) else {"type": "text", "text": piece}
                for piece in content
            ]
        messages = self._question.messages(self.model, said)
        return dict(self._question.call(self.model, messages, _POLICY, sample).body or {})

    def _recording(self, content: Content) -> dict[str, Any]:
        """Docs: Create transcription, `url`: a batch takes no files."""
        sounds = [piece for piece in content if isinstance(piece, Sound)]
        rest = [piece for piece in content if isinstance(piece, str) and piece.strip()]
        if isinstance(content, str) or len(sounds) != 1 or rest:
            raise ParameterError(
                f"{self.model} writes down recordings, and answers nothing.",
                hint='Its prompt is the recording alone, as in "{clip:audio}".',
            )
        source = sounds[0].source
        if not (isinstance(source, str) and source[:8].lower().startswith(_URLS)):
            sound_of(sounds[0])  # what is no recording at all says so itself
            raise ParameterError(
                "A batch takes recordings by their address alone (http, https or data:), no files.",
                hint='Leave tier="batch" out, or put the files where a URL leads to them.',
            )
        # The long form tells the seconds, which are what is paid for.
        return {"model": self.model, "url": source, "response_format": "verbose_json"}
