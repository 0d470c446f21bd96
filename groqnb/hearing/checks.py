"""What is refused of a transcription before anything is read, and what is warned of."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from groqnb import catalog
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    from groqnb.hearing.recipe import Recipe

__all__ = ["MODELS", "LongPrompt", "check_numbers", "checked", "granularities"]

#: The model for each task where none is named.
MODELS = {"transcribe": "whisper-large-v3-turbo", "translate": "whisper-large-v3"}

# A quarter of an hour of 16 kHz mono is more than the smaller plan's 25 MB, whatever is in it.
_LONGEST_PART, _SHORTEST_PART = 750.0, 10.0
_MOST_AT_ONCE = 16
_LANGUAGE = re.compile(r"[a-z]{2,3}")


class LongPrompt(UserWarning):
    """The prompt is probably longer than the 224 tokens that are read of it."""


def checked(recipe: Recipe) -> None:
    """Refuse what the API is sure to refuse, before anything is decoded; warn of a long prompt."""
    known = catalog.find(recipe.model)
    if known is not None and known.kind != "transcription":
        able = [model.id for model in catalog.models() if model.kind == "transcription"]
        raise ParameterError(f"{recipe.model} does not hear; these do: {', '.join(able)}.")
    if recipe.task == "translate":
        if known is not None and not known.capabilities.get("translation"):
            raise ParameterError(f"{recipe.model} does not translate; {MODELS['translate']} does.")
        if recipe.language not in (None, "en"):
            raise ParameterError(
                f"language is {recipe.language!r}: translations are into English.",
                hint="Leave it out; the language that is spoken is detected.",
            )
    if recipe.language is not None and not _LANGUAGE.fullmatch(str(recipe.language)):
        raise ParameterError(
            f"language is {recipe.language!r}; it is a code of ISO-639-1.",
            hint='English is "en", French "fr".',
        )
    shape = recipe.response_format
    if shape not in ("verbose_json", "json", "text"):
        hint = "Use .to_srt() and .to_vtt() of the result." if shape in ("srt", "vtt") else None
        raise ParameterError(
            f"response_format is {shape!r}; it is 'verbose_json', 'json' or 'text'.", hint=hint
        )
    heat = recipe.temperature
    if heat is not None and not (isinstance(heat, (int, float)) and 0 <= heat <= 1):
        raise ParameterError(f"temperature is {heat!r}; it goes from 0 to 1.")
    most = catalog.limit("transcription_prompt_tokens")
    tokens = _tokens(recipe.prompt or "")
    if tokens > most:
        warnings.warn(
            f"The prompt has about {tokens} tokens; at most {most} are read of it. Shorten it.",
            LongPrompt,
            stacklevel=3,
        )


def _tokens(text: str) -> int:
    """About how many tokens a prompt has: one for each dozen letters of a word, and for signs."""
    pieces = re.findall(r"\w+|[^\w\s]", text)
    return sum(math.ceil(len(piece) / 12) for piece in pieces)


def granularities(given: Sequence[str]) -> tuple[str, ...]:
    """Those that are asked for, checked. Raises ParameterError."""
    wanted = (given,) if isinstance(given, str) else tuple(given)
    for each in wanted or ("nothing",):
        if each not in ("word", "segment"):
            raise ParameterError(
                f"timestamp_granularities holds {each!r}; it takes 'word' and 'segment'."
            )
    # With words alone there would be no quality to look at; asking for both costs nothing.
    return tuple(name for name in ("word", "segment") if name in wanted or name == "segment")


def check_numbers(
    part_seconds: float | None, overlap: float, concurrency: int, max_wait: float
) -> None:
    """Refuse what is out of its range. Raises ParameterError."""
    for name, value, low, high in (
        ("part_seconds", part_seconds, _SHORTEST_PART, _LONGEST_PART),
        ("overlap_seconds", overlap, 0, 60),
        ("concurrency", concurrency, 1, _MOST_AT_ONCE),
        ("max_wait", max_wait, 0, math.inf),
    ):
        if value is None:
            continue
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not low <= value <= high:
            raise ParameterError(f"{name} is {value!r}; it goes from {low:g} to {high:g}.")
    if int(concurrency) != concurrency:
        raise ParameterError(f"concurrency is {concurrency}; it is a whole number.")
