"""Fine tunings: LoRA adapters registered as models. Docs: API Reference, Fine Tuning."""

from __future__ import annotations

from groqnb.types.base import Model, Reply
from groqnb.types.chat import RequestOptions

__all__ = [
    "DeletedFineTuning",
    "FineTuning",
    "FineTuningCard",
    "FineTuningList",
    "FineTuningParams",
]


class FineTuningParams(RequestOptions, total=False):
    """Every parameter of a new fine tuning. Docs: Create fine tuning, Request Body.

    `input_file_id` names a ZIP of two files, uploaded with the purpose `fine_tuning`; `type` is
    "lora".
    """

    base_model: str | None
    input_file_id: str | None
    name: str | None
    type: str | None


class FineTuningCard(Model):
    """A fine tuning: `fine_tuned_model` is what to pass as `model`."""

    id: str | None = None
    name: str | None = None
    base_model: str | None = None
    type: str | None = None
    input_file_id: str | None = None
    created_at: float | None = None
    fine_tuned_model: str | None = None


class FineTuning(Reply):
    """One fine tuning, created or asked for; what it is stands in `data`.

    ```python
    tuning = client.fine_tunings.create(
        base_model="llama-3.1-8b-instant", input_file_id=file.id, name="mine", type="lora"
    )
    tuning.data.fine_tuned_model
    ```
    """

    data: FineTuningCard
    id: str | None = None
    object: str = "fine_tuning"


class FineTuningList(Reply):
    """Every fine tuning of the organisation; in `data`."""

    data: list[FineTuningCard]
    object: str = "list"


class DeletedFineTuning(Reply):
    """What is said of a fine tuning that is gone."""

    id: str
    deleted: bool
    object: str = "fine_tuning"
