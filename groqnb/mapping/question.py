"""What every row is asked, and the request that a row's own prompt makes of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from groqnb import catalog
from groqnb.api.chat import completion_call
from groqnb.mapping.judges import Judge
from groqnb.mapping.sources import name_of
from groqnb.mapping.template import Content, Picture, Sound
from groqnb.types.chat import ChatCompletion
from groqnb.types.errors import ParameterError
from groqnb.wire.call import Call
from groqnb.wire.retry import RetryPolicy

__all__ = ["AUDIO_MODEL", "Question"]

AUDIO_MODEL = "whisper-large-v3-turbo"
_FORMAT = 1  # of what goes into a key; a higher number makes old answers unknown
_IMAGE_CHARACTERS = 6000  # what a picture is taken for when tokens are estimated
_NOT_ASKED = ("timeout",)
_SAMPLING = 0.7  # the temperature of rows that are asked several times: without one all is the same


class Question:
    """The same for all rows: models, system prompt, parameters, judge.

    `servers` name where answers come from: what a small model on this machine said is no answer
    of the cloud's.

    Attributes:
        models: one or several; a row goes to whichever may be asked the soonest.
        judge: what an answer must be.
        bound: the most tokens of an answer, where the parameters say it.
        transcribes: True where a model for recordings is asked, which answers with their text.
        samples: how often a row is asked; its answers are voted on.

    Raises ParameterError for what the API is sure to refuse.
    """

    def __init__(
        self,
        models: Sequence[str],
        judge: Judge,
        *,
        system: str | None = None,
        params: Mapping[str, Any] | None = None,
        audio_model: str = AUDIO_MODEL,
        servers: Sequence[str] = (),
        samples: int = 1,
    ) -> None:
        self.models = list(models)
        self.samples = samples
        self.judge = judge
        self.audio_model = audio_model
        self._servers = sorted(set(servers))
        self._params = dict(params or {})
        if samples > 1:
            self._params.setdefault("temperature", _SAMPLING)
        if "stream" in self._params:
            raise ParameterError("Rows are not streamed.", hint="Leave `stream` out.")
        if judge.checks and "response_format" in self._params:
            raise ParameterError(
                "The form of the answer is given twice.", hint="Leave `response_format` out."
            )
        if system is not None and (not isinstance(system, str) or not system.strip()):
            raise ParameterError("The system prompt is empty.", hint="Leave it out.")
        self._system = system
        kinds = [info.kind if (info := catalog.find(model)) else None for model in self.models]
        self.transcribes = all(kind == "transcription" for kind in kinds)
        if self.transcribes and samples > 1:
            raise ParameterError(
                "What a recording says is not voted on.", hint="Leave out samples."
            )
        self._prepared: dict[str, tuple[Call[Any], list[Any], dict[str, Any], int]] = {}
        if not self.transcribes:
            for model in self.models:
                self._prepared[model] = self._prepare(model)
        self.bound = self._params.get("max_completion_tokens") or self._params.get("max_tokens")
        self._salt = self._hash()

    def _prepare(self, model: str) -> tuple[Call[Any], list[Any], dict[str, Any], int]:
        """What is the same for all rows of a model, checked once."""
        before = [
            {"role": "system", "content": text}
            for text in (self.judge.instruction(model), self._system)
            if text
        ]
        params = dict(self._params)
        form = self.judge.format(model)
        if form is not None:
            params["response_format"] = form
        sample = [*before, {"role": "user", "content": "…"}]
        call = completion_call(model, sample, stream=False, params=params)
        rest = {name: value for name, value in (call.body or {}).items() if name != "messages"}
        return call, before, rest, sum(len(message["content"]) for message in before)

    def _hash(self) -> bytes:
        params = {name: value for name, value in self._params.items() if name not in _NOT_ASKED}
        told = [
            _FORMAT,
            self.models,
            self._system,
            params,
            self.judge.identity,
            self.audio_model,
            self._servers,
        ]
        try:
            text = json.dumps(told, sort_keys=True, default=_plain)
        except (TypeError, ValueError) as error:
            raise ParameterError(f"A parameter cannot be sent: {error}.") from None
        return hashlib.blake2b(text.encode(), digest_size=32).digest()

    @property
    def name(self) -> str:
        """A name for the map that changes with whatever changes its answers."""
        return self._salt[:12].hex()

    def key(self, content: Content, sample: int = 0) -> tuple[bytes, Content]:
        """The key of a row, and its content to go on with. Raises ParameterError.

        The first sample's key is that of a row which is asked once; the number of samples is in
        none, so more of them later go on from the ones that are there.
        """
        if isinstance(content, str):
            return self._digest(content.encode("utf-8", "surrogatepass"), sample), content
        names: list[Any] = []
        pieces: list[str | Picture | Sound] = []
        for piece in content:
            if isinstance(piece, str):
                names.append(piece)
                pieces.append(piece)
            else:
                name, kept = name_of(piece)
                names.append([type(piece).__name__, name])
                pieces.append(kept)
        return self._digest(json.dumps(names).encode(), sample), pieces

    def sound_key(self, sound: Sound) -> bytes:
        """The key of a recording's transcript, for whatever is asked about it. Raises
        ParameterError."""
        told = ["sound", name_of(sound)[0], self.audio_model, self._servers]
        return hashlib.blake2b(json.dumps(told).encode(), digest_size=16).digest()

    def _digest(self, data: bytes, sample: int) -> bytes:
        person = sample.to_bytes(hashlib.blake2b.PERSON_SIZE, "little")
        return hashlib.blake2b(data, digest_size=16, key=self._salt, person=person).digest()

    def characters(self, model: str, content: str | Sequence[Any]) -> int:
        """How long a row's prompt is, for an estimate of its tokens."""
        if isinstance(content, str):
            own = len(content)
        else:
            own = sum(len(p) if isinstance(p, str) else _IMAGE_CHARACTERS for p in content)
        return own + (self._prepared[model][3] if self._prepared else 0)

    def messages(self, model: str, content: str | list[Any]) -> list[Any]:
        """The messages of a row, whose pictures are parts of messages by now."""
        return [*self._prepared[model][1], {"role": "user", "content": content}]

    def call(
        self, model: str, messages: list[Any], retry: RetryPolicy, sample: int = 0
    ) -> Call[ChatCompletion]:
        """The request with these messages; a `seed` counts up with the samples."""
        like, _, rest, _ = self._prepared[model]
        body = {**rest, "messages": messages}
        if sample and rest.get("seed") is not None:
            body["seed"] = rest["seed"] + sample
        return Call(
            "POST",
            like.path,
            ChatCompletion,
            body=body,
            headers=like.headers,
            timeout=like.timeout,
            retry=retry,
        )


def _plain(value: Any) -> Any:
    """JSON for what only looks like JSON."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
        return list(value)
    raise TypeError(f"a {type(value).__name__} is no JSON")
