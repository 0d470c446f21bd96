"""The documentation's samples pin the client's types; the samples stand in `samples/`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groqnb.types.audio import Transcription, VerboseTranscription
from groqnb.types.base import Model
from groqnb.types.batches import Batch, BatchList, BatchOutput
from groqnb.types.charts import Chart, ChartElement
from groqnb.types.chat import ChatCompletion
from groqnb.types.errors import APIStatusError
from groqnb.types.files import DeletedFile, FileList, FileObject
from groqnb.types.fine_tunings import DeletedFineTuning, FineTuning, FineTuningList
from groqnb.types.models import ModelList, RetrievedModel
from groqnb.types.responses import Response

SAMPLES = Path(__file__).parent / "samples"

TYPES: dict[str, type[Model]] = {
    "chat/*": ChatCompletion,
    "executed_tools/*": ChatCompletion,
    "responses/response": Response,
    "audio/transcription": Transcription,
    "audio/translation": Transcription,
    "audio/verbose": VerboseTranscription,
    "models/list": ModelList,
    "models/model": RetrievedModel,
    "files/uploaded": FileObject,
    "files/retrieved": FileObject,
    "files/list": FileList,
    "files/deleted": DeletedFile,
    "batches/created": Batch,
    "batches/cancelling": Batch,
    "batches/completed": Batch,
    "batches/list": BatchList,
    "batches/page": BatchList,
    "batches/output_line": BatchOutput,
    "fine_tunings/registered": FineTuning,
    "fine_tunings/created": FineTuning,
    "fine_tunings/list": FineTuningList,
    "fine_tunings/deleted": DeletedFineTuning,
}

# What the documentation's samples have against its own reference.
CONTRADICTIONS = {
    "batches/output_line": {"response.error"},
}

NAMES = sorted(str(path.relative_to(SAMPLES).with_suffix("")) for path in SAMPLES.glob("*/*.json"))
REPLIES = [name for name in NAMES if not name.startswith("errors/")]
CHARTS = {"bar", "box_and_whisker", "line", "pie", "scatter", "superchart"}


def sample(name: str) -> Any:
    """The JSON of a sample."""
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def type_of(name: str) -> type[Model]:
    """The client's type for a sample."""
    return TYPES.get(name) or TYPES[f"{name.split('/')[0]}/*"]


def undeclared(value: Any, place: str = "") -> Iterator[str]:
    """The paths of all fields that no type declares, at any depth."""
    if isinstance(value, Model):
        for name in value.model_extra:
            yield f"{place}{name}"
        for name, inner in vars(value).items():
            yield from undeclared(inner, f"{place}{name}.")
    elif isinstance(value, list):
        for inner in value:
            yield from undeclared(inner, place)


def test_every_sample_is_told_of_in_the_readme() -> None:
    """README.md has one line for each sample and no other."""
    rows = (SAMPLES / "README.md").read_text(encoding="utf-8").splitlines()
    assert sorted(row.split("`")[1] for row in rows if row.startswith("| `")) == NAMES


@pytest.mark.parametrize("name", REPLIES)
def test_the_type_declares_every_field_of_the_sample(name: str) -> None:
    """Extra fields forbidden, all samples are parsed but for the known contradictions."""
    reply = type_of(name).model_validate_json(json.dumps(sample(name)))
    assert set(undeclared(reply)) == CONTRADICTIONS.get(name, set())


@pytest.mark.parametrize("name", REPLIES)
def test_what_is_dumped_is_what_came(name: str) -> None:
    """`model_dump(exclude_unset=True)` loses nothing and adds nothing."""
    reply = type_of(name).model_validate_json(json.dumps(sample(name)))
    assert reply.model_dump(exclude_unset=True) == sample(name)


@pytest.mark.parametrize("kind", sorted(CHARTS))
def test_every_field_of_a_chart_is_read(kind: str) -> None:
    """`Chart` and `ChartElement` have each documented field, with the sample's value."""
    reply = ChatCompletion.model_validate(sample(f"executed_tools/{kind}"))
    message = reply.choices[0].message
    (result,) = message.executed_tools[0].code_results
    (chart,) = message.charts
    pairs = list(zip(chart.charts, result.charts, strict=True)) if kind == "superchart" else []
    assert chart.type == kind
    for read, said in [(chart, result.chart), *pairs]:
        for name in set(said) - {"elements"}:
            assert getattr(read, name) == said[name], name
        for element, fields in zip(read.elements, said["elements"], strict=True):
            for name, value in fields.items():
                found = getattr(element, name)
                found = [list(point) for point in found] if name == "points" else found
                assert found == value, name


def test_the_samples_of_charts_have_every_field() -> None:
    """Together they show all that `Chart` and `ChartElement` read from the JSON."""
    own = {"png", "text", "raw", "charts", "elements"}
    charts, elements = set(), set()
    for kind in CHARTS:
        message = sample(f"executed_tools/{kind}")["choices"][0]["message"]
        result = message["executed_tools"][0]["code_results"][0]
        for chart in (result["chart"], *result.get("charts", ())):
            charts |= set(chart)
            elements |= {name for element in chart["elements"] for name in element}
    assert charts - own == {field.name for field in dataclasses.fields(Chart)} - own
    assert elements == {field.name for field in dataclasses.fields(ChartElement)}


def test_both_shapes_of_a_batchs_errors_are_the_same_errors() -> None:
    """The bare array of the guide and the list object of the reference give one `problems`."""
    bare = sample("batches/completed")
    listed = {**bare, "errors": {"object": "list", "data": bare["errors"]}}
    first, second = Batch.model_validate(bare), Batch.model_validate(listed)
    assert first.problems == second.problems
    assert first.problems[0].line == 4
    assert not list(undeclared(second))


def test_the_error_object_is_read() -> None:
    """Its type and the whole body stand in the exception."""
    body = sample("errors/error")
    error = APIStatusError("No boat.", status_code=400, body=body)
    assert error.type == body["error"]["type"]
    assert error.body == body
