"""What the local engine needs to hear and speak is fetched in sight, and only where needed."""

from __future__ import annotations

import io
from contextlib import redirect_stderr
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from groqnb import LocalEngineError
from groqnb.engine_parts import fetch_for
from groqnb.local import weights
from groqnb.local.errors import WeightsUnavailable
from groqnb.local.process import Progress


def client(kind: str) -> Any:
    return SimpleNamespace(target=SimpleNamespace(kind=kind))


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The keys that are fetched; the folder of weights is empty."""
    found: list[str] = []

    def ensure(key: str, *, progress: Any) -> None:
        found.append(key)
        size = weights.entry(key).size
        for done in (0, size // 2, size):
            progress(Progress(key, done, size))

    monkeypatch.setenv("GROQNB_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(weights, "ensure", ensure)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    return found


def test_all_files_of_the_part_are_fetched_with_a_bar(fetched: list[str]) -> None:
    """The bar says what for, and how much."""
    with redirect_stderr(io.StringIO()) as shown:
        fetch_for(client("local"), "hearing")
    assert fetched == [file.key for file in weights.group("hearing")]
    assert "for hearing, once" in shown.getvalue()
    assert "148M" in shown.getvalue()


@pytest.mark.parametrize("kind", ["cloud", "url"])
def test_other_servers_need_nothing(fetched: list[str], kind: str) -> None:
    """The cloud has its own models."""
    fetch_for(client(kind), "speaking")
    assert fetched == []


def test_without_the_package_nothing_is_fetched(
    fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine says which is missing; the files would be of no use."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    fetch_for(client("local"), "speaking")
    assert fetched == []


def test_what_cannot_be_fetched_is_an_error_with_what_to_do(
    fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hint of the fetcher is kept."""

    def ensure(key: str, *, progress: Any) -> None:
        raise WeightsUnavailable("No network.", "Try again later.")

    monkeypatch.setattr(weights, "ensure", ensure)
    with pytest.raises(LocalEngineError) as raised:
        fetch_for(client("local"), "speaking")
    assert raised.value.hint == "Try again later."
