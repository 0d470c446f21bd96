"""The catalogue: facts of the documentation, found by id."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from groqnb import catalog
from groqnb.catalog.cost import cost


def test_every_model_of_the_documentation_is_there() -> None:
    """Seventeen, each with a known kind and where its text comes from."""
    models = catalog.models()
    assert len(models) == 17
    kinds = {"chat", "compound", "guard", "classifier", "transcription", "speech"}
    assert {model.kind for model in models} == kinds
    assert "2025" in catalog.source()


def test_ids_are_found_in_any_case() -> None:
    """The documentation itself mixes cases."""
    model = catalog.find("Meta-Llama/Llama-Guard-4-12B")
    assert model is not None
    assert model.id == "meta-llama/llama-guard-4-12b"
    assert catalog.find("gpt-9") is None


def test_limits_and_prices_are_the_documents() -> None:
    """Spot checks against the tables, with the source told."""
    model = catalog.find("llama-3.3-70b-versatile")
    assert model is not None
    assert dict(model.limits) == {
        "RPM": 30,
        "RPD": 1000,
        "TPM": 12000,
        "TPD": 100000,
        "ASH": None,
        "ASD": None,
    }
    assert model.price is not None
    assert (model.price.input, model.price.output) == (0.59, 0.79)
    assert "documentation" in model.price.source
    speech = catalog.find("whisper-large-v3")
    assert speech is not None
    assert speech.price is not None
    assert speech.price.per_audio_hour == 0.111


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gpt-oss-20", "openai/gpt-oss-20b"),
        ("kimi-k2-instruct-0905", "moonshotai/kimi-k2-instruct-0905"),
        ("lama-3.1-8b-instnt", "llama-3.1-8b-instant"),
        ("qwen3", "qwen/qwen3-32b"),
        ("WHISPER-large-v3", "whisper-large-v3"),
    ],
)
def test_near_names_are_found(typed: str, meant: str) -> None:
    """Typing errors, missing vendors, short forms."""
    assert catalog.near(typed)[0] == meant


def test_a_text_with_an_id_somewhere_in_it_is_no_name() -> None:
    """Nor is it compared with every id, which takes seconds for a long one."""
    assert catalog.near("llama-3.3-70b-versatile " * 4000) == []


def test_nothing_is_near_to_nonsense() -> None:
    """No guess is better than a wild one."""
    assert catalog.near("xyzzy") == []
    assert catalog.near("") == []
    assert catalog.near("b", among=["a", "b"]) == ["b"]


def test_what_is_read_cannot_be_changed() -> None:
    """The catalogue is shared by everything in the process."""
    model = catalog.models()[0]
    with pytest.raises(TypeError):
        model.limits["RPM"] = 5  # type: ignore[index]


def test_importing_it_reads_no_file_and_nothing_heavy() -> None:
    """It stands on the path of `%load_ext`."""
    code = (
        "import sys, groqnb.catalog as c; "
        "assert c._read.cache_info().currsize == 0; "
        "assert not {'pydantic', 'httpx', 'difflib', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_spoken_text_costs_by_the_character(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where a price is stated, by the source or by the user; else it is unknown, and never 0."""
    (tmp_path / "prices.json").write_text('{"models": {}}')
    monkeypatch.setenv("GROQNB_PRICES", str(tmp_path / "prices.json"))
    known = cost("canopylabs/orpheus-v1-english", characters=500_000)
    assert known is not None
    assert (round(known.usd, 6), "litellm" in known.source) == (11, True)
    assert cost("playai-tts", characters=500) is None
    (tmp_path / "prices.json").write_text(
        '{"models": {"playai-tts": {"per_million_characters": 50}}}'
    )
    own = cost("playai-tts", characters=500)
    assert own is not None
    assert round(own.usd, 6) == 0.025
