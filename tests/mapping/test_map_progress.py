"""How far a map is: on the page and in a terminal, and what of it stays."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
import pytest
from row_server import MODEL, RowServer

from groqnb.mapping.progress import Progress
from groqnb.mapping.results import RowError, RowResult
from groqnb.render import bars


class Shell:
    """What a notebook's shell has for displays."""

    class DisplayPub:
        def __init__(self) -> None:
            self.shown: list[dict[str, Any]] = []

        def publish(self, **message: Any) -> None:
            self.shown.append(message)

    def __init__(self) -> None:
        self.display_pub = self.DisplayPub()


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Shell:
    shell = Shell()
    monkeypatch.setattr(bars, "current_shell", lambda: shell)
    return shell


def test_the_page_shows_rows_rate_cost_and_keeps_a_line(page: Shell) -> None:
    """One display, updated; at its end it says what it came to, and no times."""
    progress = Progress(4, shown=True)
    progress.note([RowResult(0, value="a", text="a", completion_tokens=5, cost=0.5)])
    progress.note([RowResult(1, error=RowError("APITimeoutError", "No answer."))])
    progress.close()
    first, last = page.display_pub.shown[0], page.display_pub.shown[-1]
    assert "1/4" in first["data"]["text/plain"]
    assert "tokens/s" in first["data"]["text/plain"]
    assert "$0.5000" in first["data"]["text/plain"]
    assert "<progress" in first["data"]["text/html"]
    assert last["update"]
    assert last["data"]["text/plain"] == "2 rows, $0.5000, 1 without an answer"
    assert len({one["transient"]["display_id"] for one in page.display_pub.shown}) == 1


def test_rows_that_are_not_asked_have_no_price_to_know() -> None:
    """A missing value makes no cost unknown; an answer without a price does."""
    progress = Progress(3, shown=False)
    progress.note([RowResult(0), RowResult(1, value="a", text="a", cost=0.5)])
    assert progress.price() == "$0.5000"
    progress.note([RowResult(2, value="b", text="b")])
    assert progress.price() == "$0.5000 and 1 rows of unknown price"


def test_a_source_of_unknown_length_has_no_end_to_show(page: Shell) -> None:
    progress = Progress(None, shown=True)
    progress.note([RowResult(0, value="a")])
    progress.close()
    assert "1 rows" in page.display_pub.shown[0]["data"]["text/plain"]


def test_what_is_over_soon_shows_nothing(page: Shell) -> None:
    """No bar before two seconds, and none with progress=False."""
    for shown in (None, False):
        progress = Progress(2, shown=shown)
        progress.began = time.monotonic()
        progress.note([RowResult(0), RowResult(1)])
        progress.close()
    assert not page.display_pub.shown


def test_a_terminal_has_tqdms_bar(capsys: pytest.CaptureFixture[str]) -> None:
    """It goes to standard error, and away at the end."""
    frame = pd.DataFrame({"n": range(3)})
    with RowServer() as server:
        frame.groq.map("{n}", model=MODEL, client=server.client(), progress=True)
    told = capsys.readouterr()
    assert "/3" in told.err
    assert not told.out
