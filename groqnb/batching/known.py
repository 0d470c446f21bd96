"""Which batches belong to which map, read from disk beside whatever runs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from groqnb.mapping.journal import folder

__all__ = ["batch_ids"]


def batch_ids(name: str | Path | None = None) -> list[str]:
    """The ids of the batches that a map has started, the oldest first.

    `name` is what was passed as `resume`: a name or a path; None: the batches of all maps that
    are kept in the folder of maps. Asks no server; a map that is not known has none.

    ```python
    df.groq.map("Summarise: {text}", tier="batch", wait=False, resume="reviews")
    client.batches.list(id=groqnb.batching.batch_ids("reviews"))
    ```
    """
    if name is None:
        paths = sorted(folder().glob("*.sqlite"))
    else:
        text = str(name)
        plain = isinstance(name, str) and not text.endswith(".sqlite") and not {*"/\\"} & {*text}
        paths = [folder() / f"{text}.sqlite" if plain else Path(text).expanduser()]
    found = [batch for path in paths for batch in _read(path)]
    return [batch for _, batch in sorted(found)]


def _read(path: Path) -> list[tuple[float, str]]:
    if not path.is_file():
        return []
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(
                "SELECT made, batch_id FROM batch_shards WHERE batch_id NOT NULL"
            ).fetchall()
    except sqlite3.DatabaseError:  # none of ours, or one of a map without batches
        return []
