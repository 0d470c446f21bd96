"""The pages of the installed packages in a SQLite file that every engine of a user shares.

One process at a time writes (corpus_build), any number read. SQLite's FTS5 finds candidates by
BM25; where Python's SQLite lacks it, a slower look through all texts does.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from groqnb.local.journal import use_wal
from groqnb.local.parts.corpus_pages import Page

__all__ = ["FORMAT", "Index", "has_fts5"]

#: A part of the file's name: files of another format are left alone.
FORMAT = 1

_BUSY_SECONDS = 5.0
_TABLES = """
CREATE TABLE packages (
  name TEXT PRIMARY KEY,
  stamp TEXT NOT NULL,
  host TEXT NOT NULL,
  whole INTEGER NOT NULL
);
CREATE TABLE pages (
  id INTEGER PRIMARY KEY,
  package TEXT NOT NULL,
  host TEXT NOT NULL,
  path TEXT NOT NULL,
  title TEXT NOT NULL,
  words TEXT NOT NULL,
  summary TEXT NOT NULL,
  text TEXT NOT NULL,
  weight REAL NOT NULL
);
CREATE INDEX pages_by_package ON pages (package);
CREATE INDEX pages_by_address ON pages (host, path);
"""
_FTS5 = """
CREATE VIRTUAL TABLE found USING fts5 (
  words, summary, text,
  content='pages', content_rowid='id', detail='column',
  tokenize='porter unicode61 remove_diacritics 2'
);
CREATE TRIGGER page_added AFTER INSERT ON pages BEGIN
  INSERT INTO found (rowid, words, summary, text)
    VALUES (new.id, new.words, new.summary, new.text);
END;
CREATE TRIGGER page_removed AFTER DELETE ON pages BEGIN
  INSERT INTO found (found, rowid, words, summary, text)
    VALUES ('delete', old.id, old.words, old.summary, old.text);
END;
"""
_COLUMNS = (
    "pages.host, pages.path, pages.title, pages.words, pages.summary, pages.text, pages.weight"
)


def has_fts5(database: sqlite3.Connection) -> bool:
    """Whether Python's SQLite was built with FTS5."""
    try:
        database.execute("CREATE VIRTUAL TABLE temp.probe USING fts5 (a)")
        database.execute("DROP TABLE temp.probe")
    except sqlite3.OperationalError:
        return False
    return True


class Index:
    """The file at `path`, made when it is missing. Not for several threads at the same time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._database = sqlite3.connect(
            path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            self._set_up()
        except BaseException:
            self._database.close()
            raise
        self.fast = bool(self._rows("SELECT 1 FROM sqlite_master WHERE name = 'found'"))
        self._counts: dict[str, int] = {}

    def _set_up(self) -> None:
        database = self._database
        use_wal(database, _BUSY_SECONDS)
        # What a crash of the machine loses is made again.
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA journal_size_limit = 4000000")
        if self._version() == FORMAT:
            return
        with self._transaction():
            if self._version() != FORMAT:
                fts5 = _FTS5 if has_fts5(database) else ""
                for statement in _statements(_TABLES + fts5):
                    database.execute(statement)
                database.execute(f"PRAGMA user_version = {FORMAT}")

    def _version(self) -> int:
        return int(str(self._rows("PRAGMA user_version")[0][0]))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            self._database.execute("ROLLBACK")
            raise

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        return self._database.execute(query, values).fetchall()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def stamps(self) -> dict[str, tuple[str, bool]]:
        """For each package its stamp, and whether all its pages are there already."""
        rows = self._rows("SELECT name, stamp, whole FROM packages")
        return {str(name): (str(stamp), bool(whole)) for name, stamp, whole in rows}

    def hosts(self) -> list[str]:
        """The hosts of all pages."""
        return [str(row[0]) for row in self._rows("SELECT DISTINCT host FROM packages")]

    def put(self, name: str, stamp: str, host: str, pages: Iterable[Page], *, whole: bool) -> None:
        """Put `pages` in the place of what is known of a package."""
        with self._transaction():
            self._forget(name)
            self._database.executemany(
                "INSERT INTO pages (package, host, path, title, words, summary, text, weight)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (name, p.host, p.path, p.title, p.words, p.summary, p.text, p.weight)
                    for p in pages
                ),
            )
            self._database.execute(
                "INSERT INTO packages (name, stamp, host, whole) VALUES (?, ?, ?, ?)",
                (name, stamp, host, whole),
            )

    def forget(self, names: Iterable[str]) -> None:
        """Remove packages that are installed no more."""
        with self._transaction():
            for name in names:
                self._forget(name)

    def _forget(self, name: str) -> None:
        self._database.execute("DELETE FROM pages WHERE package = ?", (name,))
        self._database.execute("DELETE FROM packages WHERE name = ?", (name,))

    def count(self, word: str | None = None) -> int:
        """How many pages there are, or hold `word`."""
        key = word or ""
        if key not in self._counts:
            query, values = "SELECT count(*) FROM pages", [] if word is None else [_quoted(word)]
            if word is not None and self.fast:
                query = "SELECT count(*) FROM found WHERE found MATCH ?"
            elif word is not None:
                query, values = f"{query} WHERE text LIKE ?", [f"%{word}%"]
            self._counts[key] = int(str(self._rows(query, values)[0][0]))
        return self._counts[key]

    def refresh(self) -> None:
        """Forget the counts: pages came or went."""
        self._counts.clear()

    def candidates(
        self, words: Sequence[str], most: int, hosts: Sequence[str] | None = None
    ) -> list[Page]:
        """The pages that fit `words` best, by BM25; of `hosts` only, where they are given."""
        if not words or hosts == []:
            return []
        at = "" if hosts is None else f" AND pages.host IN ({', '.join('?' * len(hosts))})"
        if self.fast:
            query = (
                f"SELECT {_COLUMNS} FROM found JOIN pages ON pages.id = found.rowid"
                f" WHERE found MATCH ?{at} ORDER BY bm25(found, 8.0, 4.0, 1.0) LIMIT ?"
            )
            values: list[object] = [" OR ".join(_quoted(word) for word in words)]
        else:
            # Two points for a word among the names, one for one in the text.
            points = " + ".join(["2 * (words LIKE ?) + (text LIKE ?)"] * len(words))
            query = (
                f"SELECT {_COLUMNS}, {points} AS points FROM pages"
                f" WHERE points > 0{at} ORDER BY points DESC LIMIT ?"
            )
            values = [f"%{word}%" for word in words for _ in range(2)]
        rows = self._rows(query, [*values, *(hosts or ()), most])
        return [_page(row) for row in rows]

    def page(self, host: str, path: str) -> Page | None:
        """The page at an address; upper and lower case of the path are the same."""
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM pages WHERE host = ? AND path LIKE ? ESCAPE '\\' LIMIT 1",
            (host, path.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")),
        )
        return _page(rows[0]) if rows else None

    def described(self, host: str) -> list[Page]:
        """The descriptions of the packages at `host`."""
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM pages"
            " WHERE host = ? AND lower(replace(path, '_', '-')) = package ORDER BY path",
            (host.lower(),),
        )
        return [_page(row) for row in rows]


def _statements(script: str) -> Iterable[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _quoted(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


def _page(row: tuple[object, ...]) -> Page:
    host, path, title, words, summary, text, weight = (str(value) for value in row[:7])
    return Page(host, path, title, words, summary, text, float(weight))
