"""What a call costs, by the catalogue's prices or by the user's own.

Own prices stand in `prices.json` in the user's folder of settings (or where `GROQNB_PRICES` says),
in the form of the catalogue's file, and go before it::

    {"models": {"llama-3.1-8b-instant": {"input": 0.05, "output": 0.08}}}

Rules of the documentation: what comes from the cache and what goes through a batch costs half,
not a quarter where both are true; of a recording at least ten seconds are billed.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from groqnb.catalog import Price, _price, _read, find

__all__ = ["Cost", "PricesUnreadable", "cost", "own_prices_path", "price"]


_TOOL_NAMES = {"web_search": "search", "visit_website": "visit", "wolfram_alpha": "wolfram"}


class PricesUnreadable(ValueError):
    """The user's file of prices is not what it should be; the text says what is wrong."""


@dataclass(frozen=True)
class Cost:
    """An amount in US dollars, and where the price is from, with its date."""

    usd: float
    source: str


def own_prices_path() -> Path:
    """Where the user's own prices stand, if there are any."""
    return _prices_path(os.environ.get("GROQNB_PRICES"))


@lru_cache(maxsize=8)  # asked at the end of every call
def _prices_path(named: str | None) -> Path:
    if named:
        return Path(named).expanduser()
    from platformdirs import user_config_dir

    return Path(user_config_dir("groqnb", appauthor=False)) / "prices.json"


def price(model: str) -> Price | None:
    """The price of a model, or None where nobody states one. Raises PricesUnreadable.

    ```python
    >>> price("llama-3.3-70b-versatile").input
    0.59

    ```
    """
    own = _own().get(model.lower())
    if own is not None:
        return own
    known = find(model)
    # Of models that are newer than the documentation's tables, a price may be known all the same.
    return known.price if known else _price(model.lower())


def cost(
    model: str,
    *,
    prompt_tokens: int = 0,
    completion_tokens: int = 0,
    cached_tokens: int = 0,
    audio_seconds: float | None = None,
    characters: int | None = None,
    batch: bool = False,
) -> Cost | None:
    """What one call costs; None where no price is known, never 0. Raises PricesUnreadable.

    `cached_tokens` are part of `prompt_tokens`; `audio_seconds` are of a transcription,
    `characters` of a text that is spoken.

    ```python
    >>> round(cost("llama-3.3-70b-versatile", prompt_tokens=1_000_000).usd, 2)
    0.59
    >>> round(cost("whisper-large-v3", audio_seconds=1).usd * 360, 3)  # ten seconds are billed
    0.111

    ```
    """
    known = price(model)
    if known is None:
        return None
    discounts = _read("prices")["discounts_percent"]
    usual = 1 - (discounts["batch"] / 100 if batch else 0)
    if audio_seconds is not None:
        if known.per_audio_hour is None:
            return None
        billed = max(audio_seconds, _read("prices")["audio_minimum_billed_seconds"])
        return Cost(billed / 3600 * known.per_audio_hour * usual, known.source)
    if characters is not None:
        if known.per_million_characters is None:
            return None
        return Cost(characters / 1e6 * known.per_million_characters * usual, known.source)
    if known.input is None or known.output is None:
        return None
    reduced = known.cached_input
    if reduced is None:
        reduced = known.input * (1 - discounts["cached_input_tokens"] / 100)
    cached_tokens = min(cached_tokens, prompt_tokens)
    # The discounts do not add up: what is half already stays half.
    cached = cached_tokens * min(reduced, known.input * usual)
    fresh = (prompt_tokens - cached_tokens) * known.input * usual
    return Cost((fresh + cached + completion_tokens * known.output * usual) / 1e6, known.source)


def tools_cost(executed: Mapping[str, int], *, advanced_search: bool = False) -> float | None:
    """What built-in tools cost, in US dollars; None where that is not known, never 0.

    `executed` counts runs by their type ("search", "visit", …). Of what is billed by the hour
    (running code, browsers) no reply tells how long it ran, so its cost is not known.

    ```python
    >>> tools_cost({"search": 2}), tools_cost({"python": 1}) is None
    (0.01, True)

    ```
    """
    tools = _read("prices")["tools_per_1000_requests"]
    total = 0.0
    for kind, count in executed.items():
        name = _TOOL_NAMES.get(kind, kind)
        if name == "search" and advanced_search:
            name = "search_advanced"
        if name not in tools:
            return None
        total += count * tools[name] / 1000
    return total


def _own() -> dict[str, Price]:
    path = own_prices_path()
    try:
        changed = os.stat(path).st_mtime_ns
    except OSError as error:
        if os.environ.get("GROQNB_PRICES"):
            # A file that was asked for: the catalogue's prices would be other ones, unnoticed.
            raise PricesUnreadable(
                f"GROQNB_PRICES names {path}, which cannot be read ({error.strerror})."
            ) from None
        return {}
    return _read_own(path, changed)


@lru_cache(maxsize=4)
def _read_own(path: Path, changed: int) -> dict[str, Price]:
    try:
        models = json.loads(path.read_text(encoding="utf-8-sig"))["models"]
        return {str(name).lower(): _own_price(path, entry) for name, entry in models.items()}
    except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        raise PricesUnreadable(
            f"The prices in {path} cannot be read ({error}). They look like "
            '{"models": {"llama-3.1-8b-instant": {"input": 0.05, "output": 0.08}}}, '
            "in US dollars for a million tokens."
        ) from None


def _own_price(path: Path, entry: Mapping[str, Any]) -> Price:
    numbers = {}
    for name in ("input", "output", "cached_input", "per_audio_hour", "per_million_characters"):
        value = entry.get(name)
        if value is not None and (isinstance(value, bool) or not 0 <= float(value) < math.inf):
            raise ValueError(f"{name} is {value!r}; it is a number and at least 0")
        numbers[name] = None if value is None else float(value)
    unknown = set(entry) - set(numbers) - {"source"}
    if unknown:
        raise ValueError(f"there is no price called {min(unknown)!r}")
    return Price(**numbers, source=str(entry.get("source", f"your {path.name}")))
