"""What a map through the Batch API may ask for, and what makes no sense there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groqnb import catalog
from groqnb.types.errors import ParameterError

__all__ = ["Terms", "terms_of"]

_WINDOW = "24h"
_NEEDLESS = {
    "concurrency": "the server decides how many rows are answered at once",
    "limits": "batches do not count against rate limits",
    "max_wait": "batches do not count against rate limits",
    "retries": "the server does the rows; the same call sends again those that failed",
    "service_tier": "a batch is a tier of its own",
}


@dataclass(frozen=True)
class Terms:
    """How a map goes through batches.

    Attributes:
        window: the time that the server may take, from "24h" to "7d".
        wait: whether the map waits for its batches to end.
    """

    window: str = _WINDOW
    wait: bool = True


def terms_of(
    given: Mapping[str, Any], models: Sequence[str], clients: Sequence[Any], *, audio: bool
) -> Terms | None:
    """The terms that these options name; None for a map without batches. Raises ParameterError.

    `audio` is True where recordings would have to be transcribed before the question is asked.
    """
    tier = given.get("tier")
    if tier is None:
        for name in ("completion_window", "wait"):
            if name in given:
                raise ParameterError(
                    f"{name} belongs to batches.", hint='Pass tier="batch" with it.'
                )
        return None
    if tier != "batch":
        raise ParameterError(
            f'tier is {tier!r}; it is "batch", or left out.',
            hint="The tiers of single requests are named by service_tier.",
        )
    for name, why in _NEEDLESS.items():
        if name in given:
            raise ParameterError(
                f'{name} means nothing with tier="batch": {why}.', hint=f"Leave {name} out."
            )
    if given.get("extra_headers") or given.get("extra_query"):
        raise ParameterError("A line of a batch has no headers and no query of its own.")
    if given.get("resume") is False:
        raise ParameterError(
            "A batch ends hours later: what it is about must be kept on disk (resume=False).",
            hint="Leave resume out, or pass a new name to ask everything anew.",
        )
    if len(models) > 1:
        raise ParameterError(
            "A batch of several models: no row waits for a limit, so nothing says which to ask.",
            hint="Name one model.",
        )
    if len(clients) > 1:
        raise ParameterError("A batch goes to one client.", hint="Pass one client.")
    if audio:
        raise ParameterError(
            "{…:audio} would be transcribed first and asked about then, and a batch does one step.",
            hint='Transcribe into a column first: map("{clip:audio}", '
            'model="whisper-large-v3-turbo", tier="batch").',
        )
    _check_model(models[0])
    wait = given.get("wait", True)
    if not isinstance(wait, bool):
        raise ParameterError(f"wait is {wait!r}; it is True or False.")
    return Terms(_window(given.get("completion_window", _WINDOW)), wait)


def _window(value: Any) -> str:
    found = re.fullmatch(r"(\d{1,3})([hd])", value) if isinstance(value, str) else None
    if not found or not 24 <= int(found[1]) * (24 if found[2] == "d" else 1) <= 168:
        raise ParameterError(
            f"completion_window is {value!r}; it goes from '24h' to '7d'.",
            hint="A longer one makes it likelier that all rows are done.",
        )
    return str(value)


def _check_model(model: str) -> None:
    info = catalog.find(model)
    if info is None or info.kind == "transcription" or info.capabilities.get("batch_chat"):
        return
    able = [m.id for m in catalog.models() if m.capabilities.get("batch_chat")]
    raise ParameterError(
        f"{model} is not among the models of the Batch API.", hint=f"These are: {', '.join(able)}."
    )
