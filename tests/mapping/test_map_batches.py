"""`tier="batch"`: the same maps through the Batch API, the same columns, at half the price."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from map_batch_server import MODEL, TYPED_MODEL, BatchServer, said

import groqnb
from groqnb.batching import batch_ids
from groqnb.types.errors import ParameterError


def options(server: BatchServer, **more: Any) -> dict[str, Any]:
    return {
        "model": MODEL,
        "client": server.client(),
        "tier": "batch",
        "progress": False,
        **more,
    }


def test_a_map_keeps_order_and_index() -> None:
    """Answers come in any order; rows keep theirs, and their index, doubles and all."""
    frame = pd.DataFrame({"n": ["a", "b", None, "b", "c"]}, index=[7, 7, 1, 0, 3])
    with BatchServer() as server:
        out = frame.groq.map("row {n}", **options(server))
    answers = ["re: row a", "re: row b", None, "re: row b", "re: row c"]
    assert [None if pd.isna(one) else one for one in out["answer"]] == answers
    assert list(out.index) == [7, 7, 1, 0, 3]
    assert out["answer_error"].isna().all()
    # Doubles are sent once, a row without a question not at all.
    assert server.lines == {"row a": 1, "row b": 1, "row c": 1}


def test_the_lines_are_requests_as_the_documentation_has_them() -> None:
    """A line has an id of its own, POST, the endpoint, and the request as it is sent alone."""
    with BatchServer() as server:
        prompt = "What is {}?"
        list(
            groqnb.map(
                prompt, ["a", "b"], **options(server, system="Be brief.", max_completion_tokens=9)
            )
        )
        (batch,) = server.batches.values()
        lines = server.read(batch["input_file_id"])
    assert len({line["custom_id"] for line in lines}) == 2
    assert {(line["method"], line["url"]) for line in lines} == {("POST", "/v1/chat/completions")}
    assert lines[0]["body"] == {
        "model": MODEL,
        "max_completion_tokens": 9,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What is a?"},
        ],
    }
    assert batch["endpoint"] == "/v1/chat/completions"
    assert batch["completion_window"] == "24h"


def test_all_kinds_of_maps(capsys: pytest.CaptureFixture[str]) -> None:
    """extract, classify, filter, a series, and the twins for async code go through batches."""
    frame = pd.DataFrame({"text": ["one", "two"]})

    def answer(line: dict[str, Any]) -> str:
        form = line["body"].get("response_format", {}).get("json_schema", {}).get("schema", {})
        if "n" in form.get("properties", {}):
            return json.dumps({"n": 1 if said(line).endswith("one") else 2})
        return "yes" if said(line).endswith("one") else "no"

    with BatchServer(answer) as server:
        known = options(server, model=TYPED_MODEL)
        got = frame.groq.extract({"n": int}, from_="text", **known)
        assert list(got["n"]) == [1, 2]
        got = frame.groq.classify(["yes", "no"], from_="text", **known)
        assert list(got["label"]) == ["yes", "no"]
        assert isinstance(got["label"].dtype, pd.CategoricalDtype)
        assert list(frame.groq.filter("{text}", **known)["text"]) == ["one"]
        assert list(frame["text"].groq.map("say {}", **known)) == ["yes", "no"]

        async def twins() -> tuple[pd.DataFrame, list[Any]]:
            out = await frame.groq.amap("async {text}", **known)
            return out, [one async for one in groqnb.amap("also {}", ["one"], **known)]

        out, rest = asyncio.run(twins())
        assert list(out["answer"]) == ["yes", "no"]
        assert rest == ["yes"]
    assert len(server.batches) == 5  # what the filter asks, classify had asked already


def test_the_same_call_sends_nothing_again() -> None:
    """What a map knows, from batches or from single requests, is not sent; a new prompt is."""
    frame = pd.DataFrame({"n": [1, 2]})
    with BatchServer() as server:
        frame.groq.map("row {n}", **options(server))
        again = frame.groq.map("row {n}", **options(server))
        assert list(again["answer"]) == ["re: row 1", "re: row 2"]
        # One by one it is the same map: nothing is left to ask.
        single = frame.groq.map("row {n}", model=MODEL, client=server.client(), progress=False)
        assert list(single["answer"]) == ["re: row 1", "re: row 2"]
        assert len(server.batches) == 1
        more = pd.DataFrame({"n": [3, 2]})
        out = more.groq.map("row {n}", **options(server))
        assert list(out["answer"]) == ["re: row 3", "re: row 2"]
        assert server.lines == {"row 1": 1, "row 2": 1, "row 3": 1}
        frame.groq.map("line {n}", **options(server))
        assert len(server.batches) == 3


def test_wait_false_returns_at_once_and_the_same_call_collects(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Rows are pending, and say in which batch; later the same call has their answers."""
    frame = pd.DataFrame({"n": [1, 2]})
    with BatchServer() as server:
        server.looks = 2
        first = frame.groq.map("row {n}", **options(server, wait=False, resume="later"))
        assert first["answer"].isna().all()
        assert {error.type for error in first["answer_error"]} == {"Pending"}
        assert "batch_0000" in first["answer_error"][0].message
        assert "batch_0000 (in_progress)" in capsys.readouterr().out
        assert batch_ids("later") == batch_ids() == ["batch_0000"]
        second = frame.groq.map("row {n}", **options(server, wait=False, resume="later"))
        assert list(second["answer"]) == ["re: row 1", "re: row 2"]
        assert server.count("POST", "/batches") == 1
    assert batch_ids("no such map") == []


def test_the_cost_is_told_before_anything_is_sent(capsys: pytest.CaptureFixture[str]) -> None:
    """Requests, files, time and price stand there when the upload has not begun."""
    told: list[str] = []

    def look(moment: str, method: str, path: str) -> None:
        if (moment, method) == ("before", "POST"):
            told.append(capsys.readouterr().out)

    with BatchServer(fault=look) as server:
        list(groqnb.map("{}", ["a", "b"], **options(server, completion_window="3d")))
    assert told[0].startswith("Batch: 2 requests in 1 file (0.4 kB), to be done within 3d, ")
    (batch,) = server.batches.values()
    assert batch["completion_window"] == "3d"


def test_samples_are_lines_of_their_own() -> None:
    """Rows that are asked several times are voted on, in a batch as elsewhere."""
    with BatchServer() as server:
        out = pd.DataFrame({"n": [1]}).groq.map("row {n}", **options(server, samples=3))
    assert list(out["answer"]) == ["re: row 1"]
    assert list(out["answer_agreement"]) == [1.0]
    assert server.lines == {"row 1": 3}


def test_tool_calls_are_answers() -> None:
    """A line that is answered with calls of tools gives these, as in other maps."""
    function = {"name": "look", "arguments": "{}"}
    message = {"tool_calls": [{"id": "t", "type": "function", "function": function}]}
    with BatchServer(lambda line: dict(message)) as server:
        (answer,) = groqnb.map("{}", ["a"], **options(server))
    assert answer == [{"id": "t", "name": "look", "arguments": "{}"}]


def test_pictures_go_along() -> None:
    """A picture stands in its line; one that cannot be read is an error of its own row."""
    frame = pd.DataFrame({"photo": ["https://example.org/a.png", b"no picture"]})
    with BatchServer() as server:
        model = "meta-llama/llama-4-scout-17b-16e-instruct"
        with pytest.warns(groqnb.RowsFailed):
            out = frame.groq.map("What is {photo:image}?", **options(server, model=model))
        (batch,) = server.batches.values()
        (line,) = server.read(batch["input_file_id"])
    content = line["body"]["messages"][0]["content"]
    assert [part["type"] for part in content] == ["text", "image_url", "text"]
    assert content[1]["image_url"]["url"] == "https://example.org/a.png"
    assert out["answer"][0] == "re: What is [image]?"
    assert out["answer_error"][1].type == "ParameterError"


def test_no_rows_are_no_batch() -> None:
    """An empty frame, and rows that all have nothing to ask, send nothing."""
    with BatchServer() as server:
        assert pd.DataFrame({"n": []}).groq.map("row {n}", **options(server)).empty
        out = pd.DataFrame({"n": [None]}).groq.map("row {n}", **options(server))
        assert out["answer"].isna().all()
        assert server.requests == []


def test_recordings_go_by_their_address() -> None:
    """A transcription is a line with a URL, and its text the row's answer."""
    frame = pd.DataFrame({"clip": ["https://example.org/a.mp3", "https://example.org/b.mp3"]})
    with BatchServer() as server:
        known = options(server, model="whisper-large-v3-turbo")
        out = frame.groq.map("{clip:audio}", into="said", **known)
        (batch,) = server.batches.values()
    assert list(out["said"]) == [f"re: {url}" for url in frame["clip"]]
    assert batch["endpoint"] == "/v1/audio/transcriptions"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"tier": "flex"}, "tier is 'flex'"),
        ({"service_tier": "flex"}, "service_tier means nothing"),
        ({"concurrency": 8}, "concurrency means nothing"),
        ({"limits": {"RPM": 30}}, "limits means nothing"),
        ({"retries": 3}, "retries means nothing"),
        ({"completion_window": "8d"}, "goes from '24h' to '7d'"),
        ({"completion_window": 24}, "goes from '24h' to '7d'"),
        ({"resume": False}, "kept on disk"),
        ({"wait": "no"}, "True or False"),
        ({"model": [MODEL, TYPED_MODEL]}, "several models"),
        ({"model": "groq/compound"}, "not among the models of the Batch API"),
        ({"tier": None, "wait": False}, "wait belongs to batches"),
        ({"tier": None, "completion_window": "2d"}, "completion_window belongs to batches"),
        ({"complete_window": "2d"}, "completion_window"),
        ({"extra_headers": {"a": "b"}}, "no headers"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_sent(
    more: dict[str, Any], words: str
) -> None:
    """A sentence says what is wrong and what to do."""
    with BatchServer() as server, pytest.raises(ParameterError) as caught:
        groqnb.map("{}", ["a"], **options(server, **more))
    assert words in str(caught.value)
    assert server.requests == []


def test_recordings_that_a_batch_cannot_take(tmp_path: Path) -> None:
    """Files, and recordings inside of questions, are refused before anything is sent."""
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF")
    with BatchServer() as server:
        known = options(server, model="whisper-large-v3-turbo")
        with pytest.raises(ParameterError, match="by their address alone"):
            list(groqnb.map("{:audio}", [str(path)], **known))
        with pytest.raises(ParameterError, match="Transcribe into a column first"):
            groqnb.map("What is said? {:audio}", ["https://example.org/a.mp3"], **options(server))
    assert server.requests == []


def test_nothing_of_the_prompts_stays_on_disk(tmp_path: Path) -> None:
    """The files of requests are private, and gone when their batches run."""
    seen: list[int] = []

    def look(moment: str, method: str, path: str) -> None:
        if (moment, method, path) == ("before", "POST", "/batches"):
            found = list(tmp_path.rglob("*.jsonl"))
            seen.extend(stat.S_IMODE(one.stat().st_mode) for one in found)

    with BatchServer(lambda line: "an answer", look) as server:
        list(groqnb.map("a secret: {}", ["word"], **options(server)))
    assert len(seen) == 1
    if stat.S_IMODE(tmp_path.stat().st_mode) != 0o777:
        assert seen == [0o600]
    everything = b"".join(one.read_bytes() for one in tmp_path.rglob("*") if one.is_file())
    assert b"an answer" in everything
    assert b"a secret" not in everything
