"""The list of models. Docs: API Reference, Models."""

from __future__ import annotations

from typing import Any

from groqnb.types.base import Model, Reply

__all__ = ["ModelCard", "ModelList", "RetrievedModel"]


class ModelCard(Model):
    """One model that the server serves now."""

    id: str
    object: str = "model"
    created: int = 0
    owned_by: str = ""
    active: bool | None = None
    context_window: int | None = None
    max_completion_tokens: int | None = None
    public_apps: Any = None


class RetrievedModel(ModelCard, Reply):
    """One model, asked for by its id."""


class ModelList(Reply):
    """Every model that the server serves now; in `data`.

    ```python
    sorted(card.id for card in client.models.list().data)
    ```
    """

    data: list[ModelCard]
    object: str = "list"
