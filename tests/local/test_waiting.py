"""Which engine's threads spin: the first one's, while it lives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from groqnb.local.parts import waiting


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing set; what is set here is forgotten at the end."""
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_the_first_spins_the_second_sleeps_until_the_first_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a lock that the system lets go with its holder."""
    lock = tmp_path / "cache" / "spinning.lock"
    first = waiting.choose(lock)
    assert first is not None
    assert "OMP_WAIT_POLICY" not in os.environ
    assert waiting.choose(lock) is None
    assert os.environ["OMP_WAIT_POLICY"] == "passive"
    monkeypatch.delenv("OMP_WAIT_POLICY")
    os.close(first)
    third = waiting.choose(lock)
    assert third is not None
    os.close(third)


def test_what_the_user_set_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And leaves the lock to others."""
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    assert waiting.choose(tmp_path / "lock") is None
    assert os.environ["OMP_WAIT_POLICY"] == "active"
    assert not (tmp_path / "lock").exists()


def test_where_nothing_can_be_written_threads_sleep(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "file").touch()
    assert waiting.choose(tmp_path / "file" / "lock") is None
    assert os.environ["OMP_WAIT_POLICY"] == "passive"


@pytest.mark.parametrize("setting", ["3", "3,1", " 3 "])
def test_an_answer_takes_as_many_threads_as_the_user_sets(
    setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first number of a list is the one of the outer level."""
    monkeypatch.setenv("OMP_NUM_THREADS", setting)
    assert waiting.thread_count() == 3


@pytest.mark.parametrize("setting", ["", "0", "many", "-2"])
def test_what_is_no_number_of_threads_leaves_the_choice_to_the_cores(
    setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_cores = waiting.thread_count()
    monkeypatch.setenv("OMP_NUM_THREADS", setting)
    assert waiting.thread_count() == by_cores >= 1
