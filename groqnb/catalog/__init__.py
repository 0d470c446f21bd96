"""What the documentation says about models: limits, prices, voices. Facts, each with its source.

The numbers stand in the JSON files beside this module and are read at first use. `GET /models`
of a live server is the truth about which models exist now; the catalogue adds what that reply
does not say.

>>> from groqnb import catalog
>>> catalog.find("llama-3.3-70b-versatile").context_window
131072
>>> catalog.near("gpt-oss-20")[0]
'openai/gpt-oss-20b'
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

__all__ = ["ModelInfo", "Price", "find", "limit", "models", "near", "source", "voices"]


@dataclass(frozen=True)
class Price:
    """What a model costs, in US dollars, and where that number comes from.

    `input`, `output` and `cached_input` are per 1,000,000 tokens; `per_audio_hour` is per hour
    of audio, `per_million_characters` of text that is spoken. What the source does not state is
    None.
    """

    input: float | None
    output: float | None
    cached_input: float | None
    per_audio_hour: float | None
    source: str
    per_million_characters: float | None = None


@dataclass(frozen=True)
class ModelInfo:
    """One model of the documentation's tables.

    `kind` is "chat", "compound", "guard", "classifier", "transcription" or "speech"; `stage` is
    "production", "production_system" or "preview". `limits` holds the free tier's rate limits
    RPM, RPD, TPM, TPD (requests and tokens a minute and a day), ASH and ASD (seconds of audio an
    hour and a day), None where there is none. `created` (Unix seconds) is known for few models.
    """

    id: str
    developer: str
    stage: str
    kind: str
    context_window: int | None
    max_completion_tokens: int | None
    max_file_size_mb: int | None
    capabilities: Mapping[str, Any]
    limits: Mapping[str, int | None]
    price: Price | None
    created: int | None = None


_LONGEST_ID = 200


@cache
def _read(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(
        Path(__file__).with_name(f"{name}.json").read_text(encoding="utf-8")
    )
    return data


def _price(model_id: str) -> Price | None:
    prices = _read("prices")
    found = prices["models"].get(model_id)
    if found is None:
        return None
    origin = prices["sources"][found["source"]]
    return Price(
        input=found.get("input"),
        output=found.get("output"),
        cached_input=found.get("cached_input"),
        per_audio_hour=found.get("per_audio_hour"),
        per_million_characters=found.get("per_million_characters"),
        source=f"{origin['name']} ({origin['date']})",
    )


@cache
def models() -> tuple[ModelInfo, ...]:
    """Every model of the documentation's tables, in their order.

    >>> "whisper-large-v3" in [model.id for model in models()]
    True
    """
    return tuple(
        ModelInfo(
            **{
                **row,
                "capabilities": MappingProxyType(row["capabilities"]),
                "limits": MappingProxyType(row["limits"]),
                "price": _price(row["id"]),
            }
        )
        for row in _read("models")["models"]
    )


@cache
def _by_id() -> dict[str, ModelInfo]:
    return {model.id.lower(): model for model in models()}


def find(model_id: str) -> ModelInfo | None:
    """The model with this id, whatever its case (the docs mix cases), or None.

    >>> find("meta-llama/Llama-Guard-4-12B").kind
    'guard'
    """
    return _by_id().get(model_id.lower())


def near(name: str, among: Iterable[str] | None = None, n: int = 3) -> list[str]:
    """Up to `n` ids that `name` was probably meant to be, the likeliest first.

    `among` are the ids to choose from, the catalogue's by default. A name without its vendor
    ("kimi-k2-instruct-0905" for "moonshotai/kimi-k2-instruct-0905") is recognised.

    >>> near("llama-3.3-70b")
    ['llama-3.3-70b-versatile']
    """
    import difflib

    wanted = name.strip().lower()
    # What is far longer than any id is none, and to compare it would take long.
    if not wanted or len(wanted) > _LONGEST_ID:
        return []
    ids = list(among) if among is not None else [model.id for model in models()]
    scored: list[tuple[float, str]] = []
    for model_id in ids:
        whole = model_id.lower()
        best = 0.0
        for form in (whole, whole.rpartition("/")[2]):
            score = difflib.SequenceMatcher(None, wanted, form).ratio()
            # A name cut short, or one that leaves the size out, shares few characters with
            # the id; containment is the stronger sign.
            if len(wanted) > 2 and (wanted in form or form in wanted):
                score = max(score, 0.8 + 0.2 * score)
            best = max(best, score)
        if best >= 0.7:
            scored.append((-best, model_id))
    return [model_id for _, model_id in sorted(scored, key=lambda pair: pair[0])[:n]]


def limit(name: str) -> int:
    """A documented numeric limit of a request, e.g. "stop_sequences", "tools", "images".

    Raises KeyError for a name that limits.json does not have.

    >>> limit("stop_sequences")
    4
    """
    value: int = _read("limits")["requests"][name]
    return value


def voices(model_id: str) -> tuple[str, ...]:
    """The voices of a speech model, none for any other model.

    >>> voices("playai-tts")[0]
    'Arista-PlayAI'
    """
    return tuple(_read("limits")["voices"].get(model_id, ()))


def source() -> str:
    """Where the models and limits come from, with the date of the text."""
    origin = _read("models")["source"]
    return f"{origin['name']} ({origin['date']})"
