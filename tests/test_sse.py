"""Server-sent events: any bytes, cut anywhere, give the same events."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groqnb.wire.sse import ServerEvent, SSEDecoder


def decode(*reads: bytes) -> list[ServerEvent]:
    decoder = SSEDecoder()
    return [event for read in reads for event in decoder.feed(read)]


@pytest.mark.parametrize(
    ("stream", "data"),
    [
        (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a\n\n", [b" a"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
        (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
        (b": hello\n\ndata: a\n\n", [b"a"]),
        (b": hello\ndata: a\n\n", [b"a"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"id: 7\nretry: 10\ndata: a\n\n", [b"a"]),
        (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
        (b"\n\n\n\ndata: a\n\n\n\n\ndata: b\n\n", [b"a", b"b"]),
        (b"data\n\ndata: \n\ndata: a\n\n", [b"a"]),
        (b"event: ping\n\ndata: a\n\n", [b"a"]),
        (b"data: a", []),
        (b"data: a\n", []),
        ("data: é漢🙂\n\n".encode(), ["é漢🙂".encode()]),
    ],
)
def test_the_format_is_read_as_the_standard_says(stream: bytes, data: list[bytes]) -> None:
    assert [event.data for event in decode(stream)] == data


def test_an_event_keeps_its_name() -> None:
    assert decode(b"event: error\ndata: {}\n\n") == [ServerEvent(b"{}", "error")]


def test_what_the_end_cut_off_is_given_by_finish() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: [DONE]\n") == []
    assert decoder.finish() == [ServerEvent(b"[DONE]")]
    assert decoder.finish() == []


LINES = st.sampled_from(
    [
        b"data: one",
        b"data:two",
        "data: é漢🙂".encode(),
        b"data",
        b"data: ",
        b": comment",
        b"event: error",
        b"id: 1",
        b"",
        b"",
        b"nonsense",
    ]
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


def by_the_standard(stream: bytes) -> list[ServerEvent]:
    """The standard's steps, on the whole text at once, as slow and plain as they come."""
    text = stream.decode().removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    events, data, name = [], list[str](), ""
    for line in text.split("\n")[:-1]:
        if not line:
            if joined := "\n".join(data):
                events.append(ServerEvent(joined.encode(), name))
            data, name = [], ""
        field, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if field == "data":
            data.append(value)
        elif field == "event":
            name = value
    return events


@given(st.booleans(), st.lists(st.tuples(LINES, ENDS), max_size=20), st.lists(st.integers(0, 300)))
def test_any_split_gives_the_events_of_the_standard(
    mark: bool, lines: list[tuple[bytes, bytes]], cuts: list[int]
) -> None:
    stream = b"\xef\xbb\xbf" * mark + b"".join(line + end for line, end in lines)
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    reads = [stream[a:b] for a, b in pairwise(places)]
    assert decode(*reads) == by_the_standard(stream)


def test_byte_by_byte_is_no_different() -> None:
    stream = "\ufeffdata: é\r\n\r\n: c\r\rdata: 1\ndata: 2\n\n".encode()
    assert decode(*(stream[i : i + 1] for i in range(len(stream)))) == by_the_standard(stream)


def test_a_large_event_in_small_reads_takes_no_quadratic_time() -> None:
    stream = b"data: " + b"x" * 8_000_000 + b"\n\n"
    start = time.process_time()
    events = decode(*(stream[i : i + 2000] for i in range(0, len(stream), 2000)))
    assert len(events[0].data) == 8_000_000
    assert time.process_time() - start < 1.0
