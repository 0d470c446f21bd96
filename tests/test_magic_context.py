"""`--df`, `--cells`, `--err` in `%%groq`: what of the notebook is sent, bounded and told."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from chat_server import ChatServer
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from magic_shell import last, outputs, run, usage_error
from test_completion import offered

from groqnb.context import MOST, cut_middle, printed
from groqnb.context.cells import numbers
from groqnb.context.table import table_piece
from groqnb.session import session
from groqnb.types.errors import ParameterError

SECRET = "gsk_abcdefgh0123456789"


def sent(server: ChatServer) -> str:
    return str(server.requests[-1]["messages"][-1]["content"])


def execute(ip: InteractiveShell, cell: str) -> tuple[int, ExecutionResult]:
    """Run a cell as a front end does; the number of its execution."""
    number = ip.execution_count
    # Cells of other tests, which had no number of their own, printed under this one.
    getattr(ip.history_manager, "outputs", {}).pop(number, None)
    return number, ip.run_cell(cell, store_history=True)


@pytest.fixture
def sales(ip: InteractiveShell) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "region": [f"region {n % 4}" for n in range(1000)],
            "price": [None, *(n / 8 for n in range(999))],
            "day": pd.date_range("2026-01-01", periods=1000),
        }
    )
    ip.user_ns["sales"] = frame
    return frame


# --- --df ---


def test_a_frame_goes_along_with_its_columns_and_a_few_rows(
    ip: InteractiveShell, server: ChatServer, sales: pd.DataFrame
) -> None:
    assert run(ip, "%%groq --df sales\nWhich region?").success
    text = sent(server)
    assert text.startswith('<data name="sales">\nDataFrame, 1,000 rows, 3 columns')
    assert text.endswith("</data>\n\nWhich region?")
    assert "price: float64, 1 missing" in text
    assert "region 0,,2026-01-01 00:00:00" in text
    assert "… 991 rows between them are left out" in text
    assert "sent table sales (9 of 1,000 rows, 3 columns): " in last(ip)
    assert " characters, about " in last(ip)


def test_a_series_an_expression_and_several_tables_go_along(
    ip: InteractiveShell, server: ChatServer, sales: pd.DataFrame
) -> None:
    ip.user_ns["box"] = type("Box", (), {"inner": sales.price})
    assert run(ip, "%%groq --df {{sales.head(3)}} --df box.inner\nWhy?").success
    assert "DataFrame, 3 rows, 3 columns" in sent(server)
    assert "All rows, as CSV:" in sent(server)
    assert '<data name="box.inner">\nSeries, 1,000 rows, 1 column' in sent(server)


def test_the_line_magic_takes_a_table_and_raw_finds_it_by_name(
    ip: InteractiveShell, server: ChatServer, sales: pd.DataFrame
) -> None:
    assert run(ip, "%groq ask --raw --df sales why is {{it}} so").success
    assert sent(server).endswith("</data>\n\nwhy is {{it}} so")


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("%%groq --df sale\nHi", "there is no variable 'sale'. Did you mean sales?"),
        ("%%groq --df number\nHi", "number is a int, no DataFrame or Series of pandas"),
        ("%%groq --df other\nHi", "Write {{other.to_pandas()}}"),
        ("%%groq --df\nHi", "--df needs a value"),
    ],
)
def test_what_is_no_table_is_refused(
    ip: InteractiveShell, server: ChatServer, sales: pd.DataFrame, cell: str, told: str
) -> None:
    other = type("DataFrame", (), {"__module__": "polars.frame", "to_pandas": lambda self: None})
    ip.user_ns.update(number=1, other=other())
    assert told in usage_error(ip, cell)
    assert server.requests == []


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


def test_whatever_a_table_holds_its_text_is_short() -> None:
    wild = pd.DataFrame(
        {
            "text": ["x" * 1_000_000, "a\nb\r\nc"],
            "array": [np.zeros(100_000), [1] * 100_000],
            "bytes": [b"\0" * 10_000, Hostile()],
            "missing": [None, pd.NaT],
        }
    )
    wild.columns = ["same", "same", ("a", "b"), "missing\n" * 100]  # type: ignore[assignment]
    piece = table_piece("wild", wild)
    assert len(piece.text) < 3_000
    assert "10,000 bytes" in piece.text
    assert "a Hostile" in piece.text
    assert "a b c" in piece.text
    wide = table_piece("wide", pd.DataFrame(np.zeros((1000, 500)))).text
    assert "… 440 more columns are left out" in wide
    assert len(wide) < 20_000
    assert "0 rows, 0 columns" in table_piece("empty", pd.DataFrame()).text
    levels = pd.DataFrame({("a", "x"): [1]}, index=pd.MultiIndex.from_tuples([("k", 2)]))
    assert "k/2,1" in table_piece("levels", levels).text


# --- --cells ---


def test_cells_go_along_with_what_they_gave_and_printed(
    ip: InteractiveShell, server: ChatServer
) -> None:
    first, _ = execute(ip, "x = 6 * 7\nx")
    second, _ = execute(ip, "1 / 0")
    execute(ip, f"%%groq --cells {first}-{second}\nExplain")
    text = sent(server)
    assert f'<cell number="{first}">\nx = 6 * 7\nx\n<output>\n42\n</output>\n</cell>' in text
    assert f'<cell number="{second}">\n1 / 0\n' in text
    assert text.endswith("</cells>\n\nExplain")
    assert f"sent 2 cells ({first}-{second}) with outputs: " in last(ip)


def test_the_answer_of_an_earlier_cell_goes_along_and_an_open_end_is_the_latest(
    ip: InteractiveShell, server: ChatServer
) -> None:
    number, _ = execute(ip, "%%groq\nHello there")
    execute(ip, f"%groq ask --cells {number}- Shorter")
    assert "You said: Hello there" in sent(server)
    assert "--cells" not in sent(server)


@pytest.mark.parametrize(
    ("text", "found"),
    [("3", [3]), ("2-4", [2, 3, 4]), ("-2", [1, 2]), ("4-", [4, 5]), ("5,1, 1-2", [1, 2, 5])],
)
def test_numbers_of_cells(text: str, found: list[int]) -> None:
    assert numbers(text, 5) == found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x", "no number"),
        ("-", "no number"),
        ("", "no number"),
        ("3-2", "backwards"),
        ("0", "cell 0 was not executed"),
        ("6", "the last one that ended is 5"),
        ("1-99999999999", "was not executed"),
        ("7-", "was not executed"),
        ("1-2-3", "no number"),
    ],
)
def test_what_names_no_cells_is_refused(text: str, told: str) -> None:
    with pytest.raises(ParameterError) as caught:
        numbers(text, 5)
    assert told in str(caught.value)


def test_more_cells_than_may_be_sent_are_refused_with_their_number() -> None:
    with pytest.raises(ParameterError, match="more than 100 cells"):
        numbers("1-", 500)


def test_cells_that_are_too_much_are_refused_with_the_size(
    ip: InteractiveShell, server: ChatServer
) -> None:
    numbers_run = [execute(ip, f"text = {'y' * 20_000!r}")[0] for _ in range(12)]
    told = usage_error(ip, f"%%groq --cells {numbers_run[0]}-{numbers_run[-1]}\nHi")
    assert f"at most {MOST:,} are sent" in told
    assert server.requests == []
    execute(ip, f"%%groq --cells {numbers_run[0]}\nHi")
    assert "characters are left out …" in sent(server)
    assert len(sent(server)) < 8_000


def test_progress_bars_and_colours_are_sent_as_they_look() -> None:
    assert printed("\x1b[31mred\x1b[0m 1%\r 50%\r100%\nend\r\n") == "100%\nend"
    assert cut_middle("ab", 2) == "ab"


# --- --err ---


def test_the_last_error_goes_along_with_its_cell_and_without_ipython(
    ip: InteractiveShell, server: ChatServer
) -> None:
    execute(ip, "def ratio(a, b):\n    return a / b")
    execute(ip, "rows = [1, 0]\nratio(*rows)")
    execute(ip, "%%groq --err\nWhy?")
    text = sent(server)
    assert "The cell that failed:\nrows = [1, 0]\nratio(*rows)\n" in text
    assert "  the cell, line 2, in <module>: ratio(*rows)" in text
    assert "  another cell, line 2, in ratio: return a / b" in text
    assert "ZeroDivisionError: division by zero\n</error>\n\nWhy?" in text
    assert "IPython" not in text
    assert "sent the last error (ZeroDivisionError): " in last(ip)


def test_an_error_of_syntax_and_its_causes_go_along(
    ip: InteractiveShell, server: ChatServer
) -> None:
    run(ip, "x = = 1")
    run(ip, "%%groq --err\nWhy?")
    assert "SyntaxError" in sent(server)
    assert "  the cell, line 1\n    x = = 1\n" in sent(server)
    assert "ipython-input" not in sent(server)
    run(ip, "try:\n    {}['k']\nexcept KeyError as e:\n    raise ValueError('outer') from e")
    run(ip, "%%groq --err\nWhy?")
    assert "ValueError: outer\nIt was raised from this:" in sent(server)
    assert "KeyError: 'k'" in sent(server)


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("class Odd(Exception):\n    def __str__(self):\n        return 1 / 0\nraise Odd", "Odd"),
        ("e = ValueError('loop')\ne.__cause__ = e\nraise e", "ValueError: loop"),
        (
            "a, b = KeyError(1), KeyError(2)\na.__cause__, b.__cause__ = b, a\nraise a",
            "KeyError: 1",
        ),
        ("import json\njson.loads('{bad')", "  json/decoder.py, line "),
        (
            "group = ValueError('g')\ngroup.exceptions = (KeyError('in'),)\nraise group",
            "- KeyError",
        ),
    ],
)
def test_odd_errors_are_told_as_well(
    ip: InteractiveShell, server: ChatServer, cell: str, told: str
) -> None:
    run(ip, cell)
    assert run(ip, "%%groq --err\nWhy?").success
    assert told in sent(server)


def test_what_a_magic_refused_and_an_interrupt_are_not_the_last_error(
    ip: InteractiveShell, server: ChatServer
) -> None:
    run(ip, "{}['mine']")
    session.settings = {"max_retries": 0}
    run(ip, "%%groq --modle x\nHi")
    run(ip, "%%groq\nstatus 400")
    run(ip, "raise KeyboardInterrupt")
    run(ip, "%%groq --err\nWhy?")
    assert "KeyError: 'mine'" in sent(server)


def test_without_an_error_that_is_said(
    ip: InteractiveShell, server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("sys.last_value", raising=False)
    assert "no cell has failed yet" in usage_error(ip, "%%groq --err\nHi")
    assert server.requests == []


def test_a_deep_traceback_is_cut_and_its_message_too(
    ip: InteractiveShell, server: ChatServer
) -> None:
    run(ip, "def deep(n):\n    return deep(n + 1)\ndeep(0)")
    run(ip, "%%groq --err\nWhy?")
    assert "frames are left out" in sent(server)
    assert len(sent(server)) < 5_000
    run(ip, "raise ValueError('m' * 100_000)")
    run(ip, "%%groq --err\nWhy?")
    assert len(sent(server)) < 8_000


def test_an_error_keeps_no_frame_alive(ip: InteractiveShell) -> None:
    """What a failed cell held is not kept by what was noted of it."""
    run(ip, "raise ValueError('x')")
    assert {type(value) for value in vars(session.failure).values()} == {str, int}


# --- secrets, dry runs, other options ---


def test_secrets_stay_here_and_that_is_told(
    ip: InteractiveShell, server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_PASSWORD", "correct horse battery")
    ip.user_ns["table"] = pd.DataFrame({"key": [SECRET], "word": ["correct horse battery"]})
    number, _ = execute(ip, f"token = {SECRET!r}")
    run(ip, f"raise ValueError('login with {SECRET} failed')")
    execute(ip, f"%%groq --df table --cells {number} --err\nHi")
    whole = json.dumps(server.requests) + str(outputs(ip))
    assert SECRET not in whole
    assert "correct horse battery" not in whole
    assert "secrets left out" in last(ip)


def test_no_part_of_a_secret_is_left_where_a_long_text_is_cut(
    ip: InteractiveShell, server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key without its end looks like any other text: it is taken out before."""
    secret = "correct horse battery"
    monkeypatch.setenv("WAREHOUSE_PASSWORD", secret)
    table = pd.DataFrame({"value": ["x" * 70 + secret]}, index=["y" * 50 + secret])
    monkeypatch.setitem(ip.user_ns, "table", table.rename(columns={"value": "z" * 50 + secret}))
    number, _ = execute(ip, f"print({'a' * 1_990 + secret + 'b' * 3_000!r})")
    run(ip, f"raise ValueError({'c' * 1_990 + secret + 'd' * 3_000!r})")
    result = execute(ip, f"%%groq --df table --cells {number} --err\nHi")[1]
    assert result.success
    whole = json.dumps(server.requests) + str(outputs(ip))
    assert "correct" not in whole
    # One in the traceback more or less, as IPython shows it.
    assert re.search(r"\b(8|9) secrets left out", last(ip))


def test_a_dry_run_shows_what_would_be_sent_along(
    ip: InteractiveShell, server: ChatServer, sales: pd.DataFrame
) -> None:
    run(ip, "%%groq --dry-run --df sales\nHi")
    assert server.requests == []
    assert '<data name="sales">' in last(ip)
    assert "context" in last(ip)
    assert "table sales (9 of 1,000 rows, 3 columns): " in last(ip)


def test_a_chat_keeps_what_was_sent_and_does_not_send_it_again(
    ip: InteractiveShell, server: ChatServer, sales: pd.DataFrame
) -> None:
    run(ip, "%%groq -c --df sales\nfirst")
    run(ip, "%%groq -c\nsecond")
    told = [str(message["content"]) for message in server.requests[-1]["messages"]]
    assert "<data" in told[0]
    assert told[-1] == "second"
    assert "sent table" not in last(ip)


def test_several_models_are_sent_the_same_and_it_is_told(
    ip: InteractiveShell, server: ChatServer, sales: pd.DataFrame
) -> None:
    run(ip, "%%groq -m llama-3.3-70b-versatile,llama-3.1-8b-instant --df sales\nHi")
    assert ["<data" in str(r["messages"]) for r in server.requests] == [True, True]
    assert "sent table sales" in str(outputs(ip))


def test_a_preset_may_send_context_and_the_export_has_it(
    ip: InteractiveShell, server: ChatServer, sales: pd.DataFrame
) -> None:
    assert run(ip, "%groq preset save look --df sales -s brief").success
    assert run(ip, "%%groq -c looked --preset look\nHi").success
    assert '<data name="sales">' in sent(server)
    import groqnb

    assert "<data name=" in groqnb.export("chat", chat="looked")


def test_a_record_answers_the_same_question_with_the_same_data(
    ip: InteractiveShell, server: ChatServer, sales: pd.DataFrame
) -> None:
    run(ip, "%groq replay on answers.jsonl")
    run(ip, "%%groq --df sales\nHi")
    shown = last(ip)
    run(ip, "%groq replay off")
    run(ip, "%groq replay on answers.jsonl")
    run(ip, "%%groq --df sales\nHi")
    assert len(server.requests) == 1
    assert last(ip) == shown
    sales.loc[0, "price"] = 99
    run(ip, "%%groq --df sales\nHi")
    assert len(server.requests) == 2
    run(ip, "%groq replay off")


def test_tables_texts_and_forms_are_offered(ip: InteractiveShell, sales: pd.DataFrame) -> None:
    names = {"sales": sales, "price": sales.price, "rules": "x" * 50, "short": "x", "n": 1}
    assert offered("%%groq --df ^", names)[1] == ["price", "sales"]
    assert offered("%%groq --doc ru^", names)[1] == ["rules"]
    assert offered("%%groq --as ^", names)[1] == ["md", "text", "code", "cell", "json"]
    assert "--df" in offered("%%groq --df sales --^", names)[1]
