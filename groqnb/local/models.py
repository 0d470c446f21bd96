"""GET /openai/v1/models and /openai/v1/models/{model}.

Docs: "List models", "Retrieve model". The list is the catalogue's, and one more: the local
model itself, owned by "local".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from groqnb import catalog
from groqnb.catalog import ModelInfo
from groqnb.local.chat_request import find_model

__all__ = ["adapter", "listing", "one"]

# The day of the documentation's text, for models whose own date it does not tell.
_CREATED_UNKNOWN = 1759276800


def listing(
    local_name: str, local_context: int, tunings: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """The reply of the list; `tunings` are the rows of the adapters there are."""
    rows = [_row(model) for model in catalog.models()]
    rows += [adapter(tuning) for tuning in tunings]
    return {"object": "list", "data": [_local_row(local_name, local_context), *rows]}


def one(model_id: str, local_name: str, local_context: int) -> dict[str, Any]:
    """The reply for one model. Raises a 404 with near names for an id there is not."""
    info = find_model(model_id, local_name)
    return _local_row(local_name, local_context) if info is None else _row(info)


def _row(model: ModelInfo) -> dict[str, Any]:
    return {
        "id": model.id,
        "object": "model",
        "created": model.created or _CREATED_UNKNOWN,
        "owned_by": model.developer,
        "active": True,
        "context_window": model.context_window,
        "public_apps": None,
        "max_completion_tokens": model.max_completion_tokens,
    }


def adapter(tuning: Mapping[str, Any]) -> dict[str, Any]:
    """The reply for the model of a fine tuning: its base's, under its own name."""
    base = catalog.find(tuning["base_model"])
    assert base is not None
    return {
        **_row(base),
        "id": tuning["fine_tuned_model"],
        "created": tuning["created_at"],
        "owned_by": "local",
    }


def _local_row(name: str, context: int) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": _CREATED_UNKNOWN,
        "owned_by": "local",
        "active": True,
        "context_window": context,
        "public_apps": None,
        "max_completion_tokens": context,
    }
