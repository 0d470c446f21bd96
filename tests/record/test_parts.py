"""The parts of a record: what makes two requests the same, secrets, events, the file."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groqnb import ReplayError
from groqnb.record.events import Splitter, blocks_of, entries_of
from groqnb.record.file import RecordFile
from groqnb.record.nearest import difference, nearest
from groqnb.record.reply import kept_body, played_body, written
from groqnb.record.request import key_of, request_of
from groqnb.record.scrub import HIDDEN, Scrubber, is_secret_name, secrets_of_environment
from groqnb.wire.call import Call
from groqnb.wire.multipart import FileContent, Form

PLAIN = Scrubber()

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False,
        allow_infinity=False) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
bodies = st.dictionaries(st.text("abcxyz_", min_size=1), json_values, max_size=5)


def request(body: Any, path: str = "/chat/completions") -> dict[str, Any]:
    return request_of(Call("POST", path, object, body=body), PLAIN)


def shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        items = [(name, shuffled(one, chance)) for name, one in value.items()]
        chance.shuffle(items)
        return dict(items)
    if isinstance(value, list):
        return [shuffled(one, chance) for one in value]
    return value


# --- which requests are the same ---


@given(bodies, st.randoms(use_true_random=False))
def test_the_order_of_names_makes_no_difference(body: Any, chance: random.Random) -> None:
    assert key_of(request(body)) == key_of(request(shuffled(body, chance)))


@given(bodies)
def test_a_request_read_from_the_file_has_the_same_key(body: Any) -> None:
    """The key is made of what the file says, so it must survive the file."""
    kept = request(body)
    assert key_of(json.loads(json.dumps(kept))) == key_of(kept)


@given(st.text("ab c", min_size=1), st.integers(0, 50), st.sampled_from("xé\n "))
def test_one_character_makes_another_request(text: str, place: int, more: str) -> None:
    at = place % (len(text) + 1)
    other = text[:at] + more + text[at:]
    assert key_of(request({"input": text})) != key_of(request({"input": other}))


def test_a_whole_number_is_the_same_with_and_without_its_point() -> None:
    assert key_of(request({"temperature": 1})) == key_of(request({"temperature": 1.0}))
    assert key_of(request({"temperature": 0})) != key_of(request({"temperature": 0.5}))
    assert key_of(request({"stream": True})) != key_of(request({"stream": 1}))


def test_method_path_and_query_count() -> None:
    calls = [
        Call("GET", "/files", object),
        Call("POST", "/files", object),
        Call("GET", "/files/a", object),
        Call("GET", "/files", object, query={"after": "a"}),
        Call("GET", "/files", object, root=True),
        Call("GET", "/files", object, headers={"Range": "bytes=3-"}),
    ]
    assert len({key_of(request_of(call, PLAIN)) for call in calls}) == len(calls)


def test_a_file_counts_by_its_bytes_and_not_by_its_name(tmp_path: Path) -> None:
    def key(content: Any, name: str = "talk.wav", size: int = 4) -> str:
        form = Form(FileContent(name, content, size))
        call: Call[Any] = Call("POST", "/audio/transcriptions", object, body={"m": 1}, form=form)
        return key_of(request_of(call, PLAIN))

    path = tmp_path / "x"
    path.write_bytes(b"abcd")
    assert key(b"abcd") == key(path) == key(path.open("rb")) == key(b"abcd", "tmp8d1.wav")
    assert key(b"abcd") != key(b"abce")


def test_pictures_are_kept_as_their_digests() -> None:
    """A record is read by people; a picture in base64 is told of, and still tells two apart."""

    def asked(data: str) -> dict[str, Any]:
        part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
        return request({"messages": [{"role": "user", "content": [part]}]})

    one, other = asked("A" * 100_000), asked("A" * 99_999 + "B")
    assert len(json.dumps(one)) < 500
    assert key_of(one) != key_of(other)


# --- secrets ---

SECRETS = {
    "groq": "gsk_7Kq2vB9xN4mT1wYz",
    "openai": "sk-proj-a1B2c3D4e5F6g7H8i9",
    "stripe": "sk_live_51H8xAbCdEfGh1234",
    "github": "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "github fine": "github_pat_11ABCDEFG0aBcDeFgHiJkL",
    "gitlab": "glpat-aB3dE5gH7jK9mN1pQ3s",
    "hugging face": "hf_aBcDeFgHiJkLmNoPqRsT",
    "slack": "xoxb-123456789012-abcdefABCDEF",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "google": "AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4",
    "bearer": "a81f0c5be2d94f7c",
    "basic": "dXNlcjpwYXNzd29yZDE=",
    "in a url": "hunter2:pa55word",
    "in a query": "0a1b2c3d4e5f",
}
AROUND = {
    "bearer": "Authorization: Bearer {}",
    "basic": "authorization: Basic {}",
    "in a url": "https://{}@example.org/x",
    "in a query": "https://example.org/mcp?api_key={}&b=1",
}


@pytest.mark.parametrize("kind", SECRETS)
def test_keys_of_known_forms_are_found_in_any_text(kind: str) -> None:
    secret = SECRETS[kind]
    text = f"Before. {AROUND.get(kind, '{}').format(secret)} After."
    clean = Scrubber().text(text)
    assert secret not in clean
    assert HIDDEN in clean
    assert clean.startswith("Before. ")
    assert clean.endswith(" After.")


@pytest.mark.parametrize(
    "text",
    [
        "The bearer responsibilities of a basic characteristics test",
        "scikit-learn has sk-learn-like-names and task-based-work-items",
        "Look at https://example.org/page?q=key&sort=token and mail to a@b.org",
        "token, password, secret and authorization are words",
        "A model such as openai/gpt-oss-20b or gsk_ alone",
        "hf_hub is short; eyJ is too",
    ],
)
def test_words_are_no_secrets(text: str) -> None:
    assert Scrubber().text(text) == text


def test_a_private_key_is_hidden_to_its_end() -> None:
    block = "-----BEGIN RSA PRIVATE KEY-----\nMIIabc\ndef\n-----END RSA PRIVATE KEY-----"
    assert Scrubber().text(f"a {block} b") == f"a {HIDDEN} b"


def test_fields_with_a_secret_s_name_lose_their_value() -> None:
    """Tools on other servers, Wolfram's settings: their keys have no form of their own."""
    body = {
        "tools": [
            {
                "type": "mcp",
                "server_url": "https://mcp.example.org",
                "headers": {"X-Any-Name": "plain words", "Nested": ["more words"]},
                "authorization": "plain words",
            }
        ],
        "compound_custom": {"wolfram_settings": {"authorization": "wolfram words"}},
        "metadata": {"API-Key": "api words", "password": "pass words"},
    }
    clean = json.dumps(Scrubber().value(body))
    assert "words" not in clean
    assert "https://mcp.example.org" in clean
    assert clean.count(HIDDEN) == 6


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        (
            "https://mcp.example.org/fc-0a1b2c3d4e5f6a7b/v2/mcp",
            f"https://mcp.example.org/{HIDDEN}/v2/mcp",
        ),
        ("https://x.org/s/0123456789abcdef0123?a=b", f"https://x.org/s/{HIDDEN}?a=b"),
        ("https://k3y-like-host-name-0a1b2c.example.org/mcp", None),
        ("https://mcp.example.org/model-context-protocol/v2", None),
        ("https://mcp.example.org/2026-11-27/mcp", None),
        ("https://mcp.example.org", None),
    ],
)
def test_a_key_in_the_path_of_a_tool_s_address_is_hidden(url: str, clean: str | None) -> None:
    """Where such keys are usual; in any other text a long name may be just that."""
    tool = {"type": "mcp", "server_url": url}
    assert Scrubber().value(tool) == {**tool, "server_url": clean or url}
    assert Scrubber().value({"text": url}) == {"text": url}


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        ("Ocp-Apim-Subscription-Key", True),
        ("X-Api-Key", True),
        ("X-Auth", True),
        ("Idempotency-Key", False),
        ("X-Keyboard", False),
        ("Groq-Model-Version", False),
    ],
)
def test_a_header_that_is_called_a_key_is_hidden(name: str, hidden: bool) -> None:
    assert is_secret_name(name) is hidden


def test_a_schema_that_speaks_of_passwords_stays_whole() -> None:
    """The model is told of a field called password; that is no password."""
    schema = {"properties": {"password": {"type": "string"}, "token": {"type": "string"}}}
    assert Scrubber().value(schema) == schema


def test_what_the_environment_calls_a_secret_is_found_by_its_value() -> None:
    environment = {
        "WEATHER_API_KEY": "plainwordswithoutform",
        "DB_PASSWORD": "short",
        "SSH_KEY": "/somewhere/me/.ssh/id",
        "HOME": "/somewhere/me",
    }
    found = secrets_of_environment(environment)
    assert found == ["plainwordswithoutform"]
    assert Scrubber(found).text("use plainwordswithoutform here") == f"use {HIDDEN} here"


@given(st.lists(st.integers(1, 7), min_size=1, max_size=12))
def test_a_secret_in_pieces_is_found(sizes: list[int]) -> None:
    """A model that repeats a key streams it in several tokens."""
    text = "The key: gsk_7Kq2vB9xN4mT1wYz. Done."
    pieces, at = [], 0
    for size in sizes:
        pieces.append(text[at : at + size])
        at += size
    pieces.append(text[at:])
    clean = Scrubber().pieces(pieces)
    assert "".join(clean) == f"The key: {HIDDEN}. Done."
    assert len(clean) == len(pieces)


# --- events ---


def stream(blocks: list[bytes]) -> list[bytes]:
    """The blocks after a way through the file."""
    entries, style = entries_of(blocks, PLAIN)
    kept = {"request": {}, "reply": {"times": [], "style": style, "events": entries}}
    read = json.loads(written(kept))["reply"]
    return list(blocks_of(read["events"], read["style"]))


def chunk(content: str | None = None, **more: Any) -> dict[str, Any]:
    delta = {} if content is None else {"content": content}
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    return {"id": "c", "created": 1, "model": "m", "choices": [choice], **more}


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_chat_events_come_back_to_the_byte_and_read_as_text(
    separators: tuple[str, str], ascii_only: bool
) -> None:
    said = ["Grüße", " 😀", "\n", ' "x"', ""]
    chunks = [chunk(text) for text in said] + [chunk(x_groq={"usage": {"total_time": 0.25}})]
    blocks = [
        f"data: {json.dumps(c, separators=separators, ensure_ascii=ascii_only)}\n\n".encode()
        for c in chunks
    ] + [b"data: [DONE]\n\n"]
    entries, _ = entries_of(blocks, PLAIN)
    assert entries[1:5] == said[1:]
    assert stream(blocks) == blocks


@pytest.mark.parametrize(
    "block",
    [
        b": a comment\n\n",
        b"event: error\ndata: {\"error\":{\"message\":\"no\"}}\n\n",
        b"data: {\"a\": 1,\"b\":2}\n\n",
        b"data: {\"a\":1.50,\"b\":1e-05,\"c\":1E5}\n\n",
        b"data: {\"a\":1,\"a\":2}\n\n",
        b"data: {\"half\":\"\\ud800\"}\n\n",
        b"data: 1\ndata: 2\n\n",
        b"data: {\"a\":1}\r\n\r\n",
        b"id: 7\ndata: x\n\n",
        b"data: \xff\xfe\n\n",
        b"data: not json\n\n",
        b"data: {\"cut\":",
        b"\n\n",
    ],
)  # fmt: skip
def test_events_of_every_kind_come_back_to_the_byte(block: bytes) -> None:
    blocks = [b'data: {"a":1,"b":2}\n\n', block]
    assert stream(blocks) == blocks


@given(st.lists(st.binary(max_size=30) | st.sampled_from([b"\n\n", b"\r\n\r\n", b"data: "])))
@settings(max_examples=200)
def test_any_bytes_in_any_reads_come_back(reads: list[bytes]) -> None:
    splitter = Splitter()
    blocks = [block for read in reads for block in splitter.feed(read)] + splitter.finish()
    assert b"".join(blocks) == b"".join(reads)
    assert b"".join(stream(blocks)) == b"".join(reads)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=8))
def test_words_changed_by_hand_are_what_is_replayed(words: list[str]) -> None:
    first = chunk("start")
    blocks = list(blocks_of([first, *words], "compact"))
    said = [json.loads(b[6:])["choices"][0]["delta"]["content"] for b in blocks]
    assert said == ["start", *words]


# --- bodies ---


@pytest.mark.parametrize(
    ("body", "kind", "field"),
    [
        (b'{"a":1}', "application/json", "json"),
        (b'{"a": [1, 2.5]}', "application/json; charset=utf-8", "json"),
        (b"<html>", "application/json", "lines"),
        ("Grüße\r\nzwei\n".encode(), "text/plain", "lines"),
        (b'{"a":1}\n{"a":2}\n', "application/jsonl", "lines"),
        (b"RIFF\x00\x01WAVE\xff", "audio/wav", "base64"),
        (b"all ascii", "audio/mpeg", "base64"),
        (b"\xff\xd8", "application/octet-stream", "base64"),
        (b"", "text/plain", "lines"),
    ],
)
def test_bodies_come_back_to_the_byte(body: bytes, kind: str, field: str) -> None:
    kept = kept_body(body, kind, PLAIN)
    assert field in kept
    assert played_body(json.loads(json.dumps(kept))) == body


# --- the file ---


def exchange(text: str, answer: str = "yes") -> dict[str, Any]:
    reply = {"status": 200, "headers": {}, "seconds": 0.1, "json": {"answer": answer}}
    return {"request": request({"input": text}), "where": "cloud", "reply": reply}


def record(tmp_path: Path, *texts: str) -> RecordFile:
    file = RecordFile(tmp_path / "demo.replay.json")
    for text in texts:
        file.append(exchange(text))
    return file


def asked(file: RecordFile) -> list[str]:
    return [each["request"]["body"]["input"] for each in file.load()]


def test_the_file_is_one_json_list_that_any_tool_reads(tmp_path: Path) -> None:
    file = record(tmp_path, "one", "zwei ä", "three")
    head, *exchanges = json.loads(file.path.read_text(encoding="utf-8"))
    assert head == {"format": "groqnb replay", "version": 1}
    assert exchanges == file.load()
    assert "zwei ä" in file.path.read_text(encoding="utf-8")


def test_adding_changes_no_line_that_was_there(tmp_path: Path) -> None:
    """A diff shows what is new, and nothing else."""
    file = record(tmp_path, "one")
    before = file.path.read_text(encoding="utf-8").splitlines()
    file.append(exchange("two"))
    after = file.path.read_text(encoding="utf-8").splitlines()
    assert after[: len(before) - 2] == before[:-2]
    assert (before[-2:], after[len(before) - 2]) == (["}", "]"], "},")


@pytest.mark.parametrize("cut", [1, 2, 3, 20, 60, 120])
def test_a_write_that_was_cut_off_costs_only_itself(tmp_path: Path, cut: int) -> None:
    """The exchanges before it are read, and the next one tidies up."""
    file = record(tmp_path, "one", "ünï")
    whole = file.path.read_bytes()
    file.path.write_bytes(whole[:-cut])
    left = asked(file)
    assert left in (["one"], ["one", "ünï"])
    file.append(exchange("three"))
    assert asked(file) == [*left, "three"]
    json.loads(file.path.read_text(encoding="utf-8"))


def test_a_cut_at_any_byte_leaves_whole_exchanges(tmp_path: Path) -> None:
    file = record(tmp_path, "one", "ünï")
    whole = file.path.read_bytes()
    for size in range(len(whole)):
        file.path.write_bytes(whole[:size])
        left = asked(file)
        assert left == ["one", "ünï"][: len(left)]
        file.append(exchange("three"))
        assert asked(file) == [*left, "three"], size


def test_a_missing_comma_or_one_too_many_does_no_harm(tmp_path: Path) -> None:
    """Who deletes an exchange by hand, or keeps both sides of a merge, need not count them."""
    file = record(tmp_path, "one", "two")
    text = file.path.read_text(encoding="utf-8")
    file.path.write_text(text.replace("},\n{\n", "}\n{\n"), encoding="utf-8")
    assert asked(file) == ["one", "two"]
    file.path.write_text(text.replace("\n]", ",\n]").replace("\n", "\r\n"), encoding="utf-8")
    assert asked(file) == ["one", "two"]
    file.append(exchange("three"))
    assert asked(file) == ["one", "two", "three"]


def refusal(file: RecordFile, text: str) -> ReplayError:
    file.path.write_text(text, encoding="utf-8")
    with pytest.raises(ReplayError) as caught:
        file.load()
    return caught.value


def test_a_merge_conflict_is_told_with_its_line_and_the_way_out(tmp_path: Path) -> None:
    file = record(tmp_path, "one", "two")
    lines = file.path.read_text(encoding="utf-8").splitlines()
    place = lines.index("{", 3)
    conflict = [*lines[:place], "<<<<<<< HEAD", *lines[place:-1], "=======", "{}", ">>>>>>> b", "]"]
    error = refusal(file, "\n".join(conflict))
    assert f"merge conflict in line {place + 1}" in error.message
    assert error.hint is not None
    assert "delete the lines" in error.hint
    without = [line for line in conflict if line[:7] not in ("<" * 7, "=" * 7, ">" * 7, "{}")]
    file.path.write_text("\n".join(without), encoding="utf-8")
    assert asked(file) == ["one", "two"]


def test_a_later_version_is_refused_politely(tmp_path: Path) -> None:
    text = '[\n{"format": "groqnb replay", "version": 2}\n]\n'
    error = refusal(RecordFile(tmp_path / "x.json"), text)
    assert "later version" in error.message
    assert error.hint is not None
    assert "Upgrade" in error.hint
    assert (tmp_path / "x.json").read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"a": 1}\n', "no record of groqnb"),
        ("These are notes, and no JSON.\nNobody wants to lose them.\n", "no record of groqnb"),
        ('import json\n\nprint({\n    "a": 1,\n})\n', "no record of groqnb"),
        ('[\n{"format": "groqnb replay", "version": 1},\n{"a": 1}\n]', "no request with a reply"),
        ('[\n{"format": "groqnb replay", "version": 1},\n7\n]', "no exchange"),
        ('[\n{"format": "groqnb replay", "version": 1},\n{"a": oops\n}\n]', "line 3"),
    ],
)
def test_what_is_no_record_is_said_and_left_alone(tmp_path: Path, text: str, told: str) -> None:
    file = RecordFile(tmp_path / "x.json")
    assert told in refusal(file, text).message
    assert file.path.read_text(encoding="utf-8") == text


def test_a_file_that_is_not_utf8_is_said(tmp_path: Path) -> None:
    file = record(tmp_path, "one")
    file.path.write_bytes(file.path.read_bytes().replace(b"one", b"\xff\xfe"))
    with pytest.raises(ReplayError, match="not UTF-8"):
        file.load()


WRITER = """
import sys
from pathlib import Path
from groqnb.record.file import RecordFile

file = RecordFile(Path(sys.argv[1]))
print("ready", flush=True)
for number in range(int(sys.argv[3])):
    text = f"{sys.argv[2]} {number}"
    file.append({"request": {"body": {"input": text}}, "reply": {"status": 200, "pad": "x" * 3000}})
    if number == 30:
        print("going", flush=True)
"""


def test_several_processes_write_at_once_and_one_is_killed(tmp_path: Path) -> None:
    """Every exchange that was written is there whole, and the file stays a record."""
    path = tmp_path / "shared.replay.json"

    def start(name: str, count: int) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), name, str(count)],
            stdout=subprocess.PIPE,
            text=True,
        )

    one, two, doomed = start("one", 150), start("two", 150), start("doomed", 10**6)
    assert doomed.stdout is not None
    assert [doomed.stdout.readline(), doomed.stdout.readline()] == ["ready\n", "going\n"]
    doomed.kill()
    for process in (one, two, doomed):
        process.communicate(timeout=120)
    file = RecordFile(path)
    file.append(exchange("last"))
    texts = asked(file)
    for name in ("one", "two"):
        mine = [text for text in texts if text.startswith(f"{name} ")]
        assert mine == [f"{name} {number}" for number in range(150)]
    others = [text for text in texts if text.startswith("doomed ")]
    assert others == [f"doomed {number}" for number in range(len(others))]
    assert len(others) > 30
    assert texts[-1] == "last"
    json.loads(path.read_text(encoding="utf-8"))


def test_a_disk_that_is_full_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    file = record(tmp_path, "one", "two")
    before = file.path.read_bytes()
    write = os.write

    def half(descriptor: int, data: Any) -> int:
        monkeypatch.setattr(os, "write", full)
        return write(descriptor, bytes(data)[: len(data) // 2])

    def full(descriptor: int, data: Any) -> int:
        monkeypatch.setattr(os, "write", write)
        raise OSError(28, "No space left on device")

    # As it was written, as somebody's editor left it, and after a write that was cut off.
    for mark in (b"", b"\n" * 30, b',\n{\n  "request": {'):
        file.path.write_bytes(before[: -3 if mark[:1] == b"," else None] + mark)
        there = file.path.read_bytes()
        monkeypatch.setattr(os, "write", half)
        with pytest.raises(OSError, match="No space"):
            file.append(exchange("three"))
        assert file.path.read_bytes() == there
        file.append(exchange("four"))
        assert len(file.load()) == 3


# --- what differs ---


def test_the_nearest_request_and_what_differs_in_it() -> None:
    def asking(text: str, **more: Any) -> dict[str, Any]:
        return request({"messages": [{"role": "user", "content": text}], **more})

    known = [
        asking("What is the capital of France?", temperature=0),
        asking("Write a poem.", temperature=0),
        request({"input": "What is the capital of Spain?"}, "/responses"),
    ]
    new = asking("What is the capital of Spain?", temperature=0, seed=7)
    near = nearest(new, known)
    assert near is known[0]
    told = difference(near, new)
    assert "body.messages[0].content is" in told
    assert "Spain" in told
    assert "France" in told
    assert "body.seed is 7, recorded is none" in told
    assert nearest(new, known[2:]) is None
