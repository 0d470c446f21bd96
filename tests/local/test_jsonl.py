"""The lines of a batch file, good and bad, in memory that does not grow."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groqnb.local.bodies import LARGEST_BODY
from groqnb.local.jsonl import Check, Fault, read_requests

GOOD: dict[str, Any] = {
    "custom_id": "a",
    "method": "POST",
    "url": "/v1/chat/completions",
    "body": {"model": "m", "messages": []},
}


def check(path: Path, content: bytes) -> tuple[int, list[tuple[int, str, str | None]]]:
    path.write_bytes(content)
    found = Check(path)
    faults = [(fault.line, fault.code, fault.param) for fault in found]
    return found.total, faults


def text(**changes: Any) -> bytes:
    line = {key: value for key, value in {**GOOD, **changes}.items() if value is not ...}
    return json.dumps(line).encode()


@pytest.mark.parametrize(
    ("line", "code", "param"),
    [
        (b"{", "invalid_json_line", None),
        (b'{"custom_id": "a"} {}', "invalid_json_line", None),
        (b"\xff\xfe", "invalid_json_line", None),
        (b"null", "invalid_json_line", None),
        (b"[" * 100_000, "invalid_json_line", None),
        (text(custom_id=...), "missing_required_parameter", "custom_id"),
        (text(custom_id=None), "missing_required_parameter", "custom_id"),
        (text(custom_id=7), "invalid_custom_id", "custom_id"),
        (text(custom_id=""), "invalid_custom_id", "custom_id"),
        (text(custom_id="x" * 513), "invalid_custom_id", "custom_id"),
        (text(custom_id="\ud800"), "invalid_custom_id", "custom_id"),
        (text(method=...), "missing_required_parameter", "method"),
        (text(method="post"), "invalid_method", "method"),
        (text(url="/openai/v1/chat/completions"), "invalid_url", "url"),
        (text(url=["/v1/chat/completions"]), "invalid_url", "url"),
        (text(body=...), "missing_required_parameter", "body"),
        (text(body="{}"), "invalid_body", "body"),
        (text(body={}), "missing_required_parameter", "body.model"),
        (text(body={"model": 7}), "missing_required_parameter", "body.model"),
    ],
)
def test_what_is_wrong_with_a_line(
    tmp_path: Path, line: bytes, code: str, param: str | None
) -> None:
    """Its number, a code, the field; the lines around it are as good as before."""
    content = b"\n".join([text(custom_id="1"), line, text(custom_id="3")])
    assert check(tmp_path / "a", content) == (3, [(2, code, param)])


def test_a_number_that_is_none_is_told_when_its_turn_comes(tmp_path: Path) -> None:
    """NaN is not JSON; the quick look lets it pass, the line then fails by itself."""
    assert check(tmp_path / "a", text(body={"model": "m", "x": float("nan")})) == (1, [])
    ((_, fault),) = read_requests(tmp_path / "a", bytearray(1))
    assert isinstance(fault, Fault)
    assert fault.code == "invalid_json_line"


def test_forms_of_files_that_are_all_right(tmp_path: Path) -> None:
    """A byte order mark, Windows' line ends, blank lines, no end of line at the end."""
    content = b"\xef\xbb\xbf" + b"\r\n".join(
        [text(custom_id="1"), b"", b"  ", text(custom_id="2"), text(custom_id="é", more=1)]
    )
    assert check(tmp_path / "a", content) == (3, [])
    read = list(read_requests(tmp_path / "a", bytearray(1)))
    assert [number for number, _ in read] == [1, 4, 5]


def test_a_custom_id_may_stand_once(tmp_path: Path) -> None:
    """Also when one of the lines is bad for another reason."""
    lines = [text(), text(), text(method="GET"), text(custom_id="b", url="x"), text(custom_id="b")]
    assert check(tmp_path / "a", b"\n".join(lines)) == (
        5,
        [
            (2, "duplicate_custom_id", "custom_id"),
            (3, "duplicate_custom_id", "custom_id"),
            (4, "invalid_url", "url"),
            (5, "duplicate_custom_id", "custom_id"),
        ],
    )


def test_a_line_that_is_too_long_is_skipped_to_its_end(tmp_path: Path) -> None:
    """The next line has its number and its turn."""
    long = text(custom_id="long", body={"model": "m", "x": "y" * (LARGEST_BODY + 3_000_000)})
    content = b"\n".join([text(custom_id="1"), long, text(custom_id="3")])
    assert check(tmp_path / "a", content) == (3, [(2, "line_too_long", None)])
    read = list(read_requests(tmp_path / "a", bytearray([0, 1])))
    assert [(number, isinstance(line, Fault)) for number, line in read] == [(2, True), (3, False)]
    assert len(list(read_requests(tmp_path / "a", bytearray([0, 1, 1])))) == 1


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reading(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    """Whatever stands in a file, each line is a request or has a fault."""
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_bytes(raw)
    found = Check(path)
    faults = list(found)
    assert len(faults) <= found.total <= raw.count(b"\n") + 1


@settings(max_examples=50)
@given(st.recursive(st.none() | st.text() | st.integers(), lambda v: st.dictionaries(st.text(), v)))
def test_the_quick_look_and_the_close_one_agree(
    tmp_path_factory: pytest.TempPathFactory, value: Any
) -> None:
    """A line that passes the check is a request when its turn comes."""
    path = tmp_path_factory.getbasetemp() / "agree.jsonl"
    for name in ("custom_id", "method", "url", "body"):
        path.write_bytes(json.dumps({**GOOD, name: value}).encode())
        good = not list(Check(path))
        ((_, line),) = read_requests(path, bytearray(1))
        assert good is not isinstance(line, Fault)


MEASURE = """
import sys
from pathlib import Path
from groqnb.local.jsonl import Check
import pydantic_core
def peak():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
before = peak()
found = Check(Path(sys.argv[1]))
assert list(found) == []
print(found.total, peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc")
def test_fifty_thousand_lines_in_memory_that_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """100 MB of lines: the process grows by a tenth of that at most."""
    path = tmp_path / "large.jsonl"
    padding = "x" * 2000
    with path.open("w") as file:
        for number in range(50_000):
            body = {"model": "m", "messages": [{"role": "user", "content": padding}]}
            file.write(json.dumps({**GOOD, "custom_id": f"row {number}", "body": body}) + "\n")
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True
    )
    total, grown = map(int, done.stdout.split())
    assert total == 50_000
    assert grown < 12_000
