"""The data folder: made when needed, shared, and refused politely when it cannot be used."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groqnb.local.refusal import Refusal
from groqnb.local.store import Store, data_folder, new_id, ulid


def use(folder: Path, work: Callable[[sqlite3.Connection], Any]) -> Any:
    store = Store(folder)
    try:
        return asyncio.run(store.write(work))
    finally:
        store.close()


def test_nothing_is_made_before_something_is_kept(tmp_path: Path) -> None:
    """Looking is free of traces."""
    store = Store(tmp_path / "data")
    assert not store.exists
    store.content("file_x")
    store.spare()
    store.close()
    assert list(tmp_path.iterdir()) == []
    use(tmp_path / "data", lambda db: None)
    assert store.exists


def test_a_folder_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    """The message says what to do; the database is as it was."""
    use(tmp_path, lambda db: None)
    with sqlite3.connect(tmp_path / "engine.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(Refusal) as caught:
        use(tmp_path, lambda db: db.execute("DELETE FROM files"))
    assert caught.value.status == 503
    assert "newer groqnb" in caught.value.message
    assert "--data" in caught.value.message


def test_what_is_no_database_is_told(tmp_path: Path) -> None:
    """Damaged, or something else by that name."""
    (tmp_path / "engine.db").write_bytes(b"this is no database at all" * 100)
    with pytest.raises(Refusal) as caught:
        use(tmp_path, lambda db: None)
    assert caught.value.status == 503


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file is in its place."""
    (tmp_path / "data").write_text("")
    with pytest.raises(Refusal) as caught:
        use(tmp_path / "data", lambda db: None)
    assert caught.value.code == "storage_unavailable"
    assert str(tmp_path / "data") in caught.value.message


def test_a_change_that_fails_is_undone(tmp_path: Path) -> None:
    """Half a transaction is none."""

    def half(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO spending VALUES ('2026-01', 1)")
        raise KeyError

    with pytest.raises(KeyError):
        use(tmp_path, half)
    assert use(tmp_path, lambda db: db.execute("SELECT * FROM spending").fetchall()) == []


def test_many_engines_may_open_a_new_folder_at_once(tmp_path: Path) -> None:
    """One of them makes the tables; all of them write."""
    failures: list[BaseException] = []

    def engine(number: int) -> None:
        try:
            for each in range(20):
                row = [f"{number}-{each}"]
                use(
                    tmp_path,
                    lambda db, row=row: db.execute("INSERT INTO spending VALUES (?, 1)", row),
                )
        except BaseException as error:  # noqa: BLE001 — told by the test
            failures.append(error)

    threads = [threading.Thread(target=engine, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    rows = use(tmp_path, lambda db: db.execute("SELECT count(*) FROM spending").fetchone())
    assert rows == (80,)


def test_uploads_of_the_dead_are_swept_away(tmp_path: Path) -> None:
    """Old ones; one that is still coming in elsewhere is left alone."""
    use(tmp_path, lambda db: None)
    old, new = tmp_path / "uploads" / "old", tmp_path / "uploads" / "new"
    for path in (old, new):
        path.write_text("x")
    os.utime(old, (0, 0))
    use(tmp_path, lambda db: None)
    assert not old.exists()
    assert new.exists()


def test_where_the_folder_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Named, else the environment's, else the user's own; never made by asking."""
    monkeypatch.setenv("GROQNB_DATA_DIR", str(tmp_path / "env"))
    assert data_folder(str(tmp_path / "named")) == tmp_path / "named"
    assert data_folder() == tmp_path / "env"
    monkeypatch.delenv("GROQNB_DATA_DIR")
    assert data_folder().is_absolute()
    assert "groqnb" in data_folder().parts
    assert list(tmp_path.iterdir()) == []


def test_ids_are_the_documentations_kind_and_sort_by_age() -> None:
    """A word, an underscore, 26 characters; a later one is greater."""
    first = new_id("file")
    time.sleep(0.002)
    second = new_id("file")
    assert first < second
    assert len(first) == len("file_01jh6x76wtemjr74t1fh0faj5t")
    assert ulid((1 << 130) - 1) == "z" * 26
