"""Exported scripts run with the official packages and make the same requests, without a secret."""

from __future__ import annotations

import ast
import base64
import inspect
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import groq
import openai
import pytest
from both_worlds import completion
from chat_server import KEY, ChatServer
from forms import read_form
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from magic_shell import run, usage_error
from raw_server import sse

import groqnb
from groqnb import keys
from groqnb.exporting.known import KNOWN, METHODS
from groqnb.exporting.shown import shown
from groqnb.exporting.text import literal
from groqnb.ledger import recent
from groqnb.ledger.watch import watch
from groqnb.local.process import Engine

MODEL = "llama-3.3-70b-versatile"
PIXEL = base64.b64encode(b"\x89PNG\r\n" + bytes(range(256)) * 4).decode()
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "model": MODEL,
    "output": [
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hi", "annotations": []}],
        }
    ],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}


class Endpoints:
    """A server on loopback with a reply for every endpoint; `seen` holds path, body, headers."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any, dict[str, str]]] = []
        handler = type("Handler", (_Handler,), {"owner": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self.root = f"http://127.0.0.1:{self._http.server_address[1]}"

    def bodies(self) -> list[tuple[str, Any]]:
        return [(path, body) for path, body, _ in self.seen]

    def __enter__(self) -> Endpoints:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


class _Handler(BaseHTTPRequestHandler):
    owner: Endpoints
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        return

    def do_GET(self) -> None:
        self._say(b'{"object":"list","data":[]}')

    def do_POST(self) -> None:
        length = self.headers["content-length"]
        content = self.rfile.read(int(length)) if length else self._chunks()
        kind = self.headers["content-type"]
        body: Any = read_form(kind, content) if "multipart" in kind else json.loads(content)
        path = self.path.removeprefix("/openai/v1")
        self.owner.seen.append((path, body, {k.lower(): v for k, v in self.headers.items()}))
        if path == "/audio/speech":
            self._say(b"RIFF\x00WAVE", "audio/wav")
        elif path.startswith("/audio"):
            self._say(b'{"text":"said"}')
        elif path == "/files":
            file = {"id": f"file_{len(self.owner.seen)}", "object": "file", "bytes": 3,
                    "created_at": 1, "filename": "a.jsonl", "purpose": "batch"}  # fmt: skip
            self._say(json.dumps(file).encode())
        elif path == "/batches":
            batch = {"id": "batch_1", "object": "batch", "created_at": 1, "status": "validating",
                     **body}  # fmt: skip
            self._say(json.dumps(batch).encode())
        elif body.get("stream"):
            self._stream(path)
        else:
            reply = RESPONSE if path == "/responses" else completion("Hi")
            self._say(json.dumps(reply).encode())

    def _chunks(self) -> bytes:
        content = b""
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def _stream(self, path: str) -> None:
        if path == "/responses":
            events = [
                {"type": "response.output_text.delta", "delta": "Hi", "sequence_number": 1,
                 "item_id": "msg_1", "output_index": 0, "content_index": 0, "logprobs": []},
                {"type": "response.completed", "response": RESPONSE, "sequence_number": 2},
            ]  # fmt: skip
            text = "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)
            self._say(text.encode(), "text/event-stream")
            return
        choice = {"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
        last = {"index": 0, "delta": {}, "finish_reason": "stop"}
        body = sse({**chunk, "choices": [choice]}, {**chunk, "choices": [last]})
        self._say(body, "text/event-stream")

    def _say(self, content: bytes, kind: str = "application/json") -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def endpoints() -> Iterator[Endpoints]:
    with Endpoints() as running:
        yield running


@pytest.fixture(autouse=True)
def _own_folder(shell: InteractiveShell, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)


def client_of(endpoints: Endpoints) -> groqnb.Groq:
    return groqnb.Groq(base_url=f"{endpoints.root}/openai/v1", api_key=KEY)


def execute(path: Path, root: str, key: str = KEY, **environment: str) -> str:
    """What the script prints; it must end well."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("GROQ")}
    done = subprocess.run(
        [sys.executable, path.name],
        cwd=path.parent,
        env={**known, "GROQ_API_KEY": key, "GROQ_BASE_URL": root, **environment},
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


PACKAGES = ["groq", "openai"]
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": 'The weather.\nSay "where".',
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
EVERYTHING: dict[str, Any] = {
    "model": MODEL,
    "messages": [
        {"role": "system", "content": 'Two lines,\nwith \\ and """quotes"""'},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is it? {x} 😀\tä"},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
                {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
            ],
        },
    ],
    "temperature": 0.25,
    "stop": ["\n", "END"],
    "seed": 7,
    "max_completion_tokens": 64,
    "tools": [TOOL],
    "tool_choice": "auto",
    "service_tier": "auto",
    "user": "me",
    "metadata": {"a": "b"},
    "extra_body": {"brand_new": {"x": [1, None, True]}},
    "extra_headers": {"Groq-Model-Version": "latest"},
}


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("stream", [False, True])
def test_a_question_with_everything_is_asked_the_same(
    endpoints: Endpoints, tmp_path: Path, package: Any, stream: bool
) -> None:
    more: Any = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    reply = client_of(endpoints).chat.completions.create(**EVERYTHING, **more)
    if stream:
        assert len(list(reply)) == 2
    text = groqnb.export("cell", "asked.py", package=package)
    assert 'Two lines,\nwith \\\\ and \\"\\"\\"quotes' in text, "a prompt is readable"
    assert PIXEL not in text
    assert execute(tmp_path / "asked.py", endpoints.root).strip() == "Hi"
    (_, first, _), (_, again, headers) = endpoints.seen
    assert again == first
    assert headers["groq-model-version"] == "latest"
    assert headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("stream", [False, True])
def test_responses_are_asked_the_same(
    endpoints: Endpoints, tmp_path: Path, package: Any, stream: bool
) -> None:
    """The groq package has no method for them, and the script runs all the same."""
    part = {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{PIXEL}"}
    reply = client_of(endpoints).responses.create(
        model=MODEL,
        input=[{"role": "user", "content": [{"type": "input_text", "text": "Hi"}, part]}],
        instructions="Be brief.",
        stream=stream,
        extra_headers={"X-Test": "1"},
    )
    if stream:
        list(reply)  # type: ignore[arg-type]
    groqnb.export("notebook", "asked.py", package=package)
    assert execute(tmp_path / "asked.py", endpoints.root).strip() == "Hi"
    (_, first, _), (path, again, headers) = endpoints.seen
    assert (path, again) == ("/responses", first)
    assert headers["x-test"] == "1"


@pytest.mark.parametrize("package", PACKAGES)
def test_audio_files_and_batches_are_made_the_same(
    endpoints: Endpoints, tmp_path: Path, package: Any
) -> None:
    """Recordings lie beside the script, and a batch names the file that the script uploads."""
    client = client_of(endpoints)
    sound = b"RIFF" + os.urandom(2000)
    client.audio.transcriptions.create(
        model="whisper-large-v3",
        file=("talk 1.wav", sound),
        language="en",
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    (tmp_path / "other.wav").write_bytes(sound[::-1])
    client.audio.translations.create(model="whisper-large-v3", file=tmp_path / "other.wav")
    client.audio.speech.create(model="m", voice="v", input="Hello\nyou", response_format="wav")
    file = client.files.create(file=("a.jsonl", b'{"custom_id": "a"}\n'), purpose="batch")
    client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    client.models.list()
    asked = endpoints.bodies()
    text = groqnb.export("notebook", "out.py", package=package)
    assert "Left out, since they only look: GET /models (1x)" in text
    assert "input_file_id=file.id" in text
    execute(tmp_path / "out.py", endpoints.root)
    again = endpoints.bodies()[len(asked) :]
    assert [path for path, _ in again] == [path for path, _ in asked]
    assert again[2] == asked[2]
    for at in (0, 1, 3):
        (_, one), (_, two) = asked[at], again[at]
        fields = [[f for f in form if f.filename is None] for form in (one, two)]
        files = [[f for f in form if f.filename is not None] for form in (one, two)]
        assert sorted(map(_pair, fields[0])) == sorted(map(_pair, fields[1]))
        assert [(f.filename, f.content) for f in files[0]] == [
            (f.filename, f.content) for f in files[1]
        ]
    new_file = {**asked[4][1], "input_file_id": again[4][1]["input_file_id"]}
    assert again[4][1] == new_file
    assert (tmp_path / "speech.wav").read_bytes() == b"RIFF\x00WAVE"


def _pair(field: Any) -> tuple[str, bytes]:
    return field.name, field.content


# --- the magics ---


@pytest.mark.parametrize("package", PACKAGES)
def test_cells_and_conversations_are_asked_the_same(
    ip: InteractiveShell, server: ChatServer, tmp_path: Path, package: str
) -> None:
    """A comparison has both its questions; a conversation goes on with its own answers."""
    ip.user_ns["system"] = "Be brief.\nReally."
    cells = [
        "%%groq -c talk -s {{system}} -p temperature=0\nfirst",
        "%%groq -c talk --no-stream -p seed=3\nsecond\nline",
        "%%groq -c talk\nthird",
        "%%groq -m llama-3.1-8b-instant,llama-3.3-70b-versatile\nboth of you",
    ]
    for cell in cells:
        assert ip.run_cell(cell, store_history=True).success
    asked = list(server.requests)
    root = server.url.removesuffix("/openai/v1")
    option = " --openai" if package == "openai" else ""

    def again(line: str) -> list[Any]:
        assert run(ip, f"%groq export {line}{option}").success
        done = len(server.requests)
        execute(tmp_path / "x.py", root)
        return server.requests[done:]

    whole = again("notebook x.py")
    assert whole[:3] == asked[:3]
    # A comparison asks at once; which question is answered first is chance.
    assert whole[3:] in (asked[3:], asked[:2:-1])
    assert again("chat talk x.py") == asked[:3]
    assert again("chat x.py") == asked[:3]
    assert again("x.py") in (asked[3:], asked[:2:-1])


def test_without_a_file_the_script_is_printed(
    ip: InteractiveShell, server: ChatServer, capsys: pytest.CaptureFixture[str]
) -> None:
    ip.run_cell("%%groq\nhello", store_history=True)
    capsys.readouterr()
    run(ip, "%groq export")
    printed = capsys.readouterr().out
    assert printed == groqnb.export()
    compile(printed, "x.py", "exec")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("export", "nothing to export"),
        ("export chat", "Which conversation?"),
        ("export chat tolk", "no conversation 'tolk'"),
        ("export notebok", "Did you mean notebook"),
        ("export --openia", "no other option"),
        ("export notebook a.py b.py", "takes one file"),
    ],
)
def test_mistakes_are_told_with_what_to_write(ip: InteractiveShell, line: str, told: str) -> None:
    assert told in usage_error(ip, f"%groq {line}")


def test_a_file_of_the_user_s_is_not_replaced(endpoints: Endpoints, tmp_path: Path) -> None:
    client_of(endpoints).chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "Hi"}]
    )
    (tmp_path / "mine.py").write_text("print('mine')\n", encoding="utf-8")
    with pytest.raises(groqnb.ParameterError, match="no script that was exported"):
        groqnb.export("cell", "mine.py")
    assert (tmp_path / "mine.py").read_text(encoding="utf-8") == "print('mine')\n"
    groqnb.export("cell", "new.py")
    groqnb.export("notebook", "new.py")


def test_what_is_too_large_to_show_asks_for_a_file(endpoints: Endpoints) -> None:
    large = base64.b64encode(os.urandom(30_000)).decode()
    part: Any = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{large}"}}
    client_of(endpoints).chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": [part]}]
    )
    with pytest.raises(groqnb.ParameterError, match="too large to be shown"):
        groqnb.export()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"what": "cel"}, "cell or chat or notebook"),
        ({"package": "grok"}, "groq or openai"),
        ({"chat": "a"}, "goes with"),
    ],
)
def test_wrong_arguments_are_refused(arguments: Any, told: str) -> None:
    with pytest.raises(groqnb.ParameterError, match=told):
        groqnb.export(**arguments)


@pytest.mark.parametrize(
    "line", ["'my calls.py'", 'notebook "my calls.py"', "'my calls.py' --openai"]
)
def test_a_file_with_spaces_in_its_name_stands_in_quotes(ip: InteractiveShell, line: str) -> None:
    """As everywhere in the magics."""
    ip.run_cell("%%groq\nHello", store_history=True)
    assert run(ip, f"%groq export {line}").success
    assert Path("my calls.py").read_text(encoding="utf-8").startswith('"""Exported by groqnb')


# --- secrets ---


def test_a_script_holds_no_secret_and_reads_them_from_the_environment(
    endpoints: Endpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = "environment-plain-words"
    monkeypatch.setenv("WEATHER_TOKEN", own)
    secrets = ["mcp-words-1", "mcp-words-2", "wolfram-words", "header-words"]
    tools = [
        {
            "type": "mcp",
            "server_label": "x",
            "server_url": "https://x.org",
            "headers": {"Authorization": secrets[0], "X-Weather": own},
            "authorization": secrets[1],
        }
    ]
    client_of(endpoints).chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": f"My key is {KEY}."}],
        extra_body={
            "tools": tools,
            "compound_custom": {"wolfram_settings": {"authorization": secrets[2]}},
        },
        extra_headers={"X-Api-Key": secrets[3]},
    )
    text = groqnb.export("cell", "x.py")
    assert not [each for each in [*secrets, own, KEY] if each in text]
    assert "My key is (secret)." in text
    needed = {
        "MCP_AUTHORIZATION": secrets[0],
        "TOOLS_AUTHORIZATION": secrets[1],
        "WOLFRAM_SETTINGS_AUTHORIZATION": secrets[2],
        "X_API_KEY": secrets[3],
        "WEATHER_TOKEN": own,
    }
    for name in needed:
        assert name in text.split('"""')[1]
    execute(tmp_path / "x.py", endpoints.root, **needed)
    (_, first, _), (_, again, headers) = endpoints.seen
    first["messages"][0]["content"] = "My key is (secret)."
    assert again == first
    assert headers["x-api-key"] == secrets[3]


def test_two_servers_keep_their_two_keys(endpoints: Endpoints, tmp_path: Path) -> None:
    """Both headers are called Authorization; a third server has the key of the first."""
    keys_of = ["Bearer first-words-1", "Bearer second-words-2", "Bearer first-words-1"]
    tools = [
        {
            "type": "mcp",
            "server_label": f"s{number}",
            "server_url": f"https://s{number}.org",
            "headers": {"Authorization": key},
        }
        for number, key in enumerate(keys_of)
    ]
    client_of(endpoints).chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "Hello"}],
        extra_body={"tools": tools},
        extra_headers={"Ocp-Apim-Subscription-Key": "plain-words-3"},
    )
    text = groqnb.export("cell", "x.py")
    assert "words" not in text
    needed = {
        "MCP_AUTHORIZATION": keys_of[0],
        "MCP_AUTHORIZATION_2": keys_of[1],
        "OCP_APIM_SUBSCRIPTION_KEY": "plain-words-3",
    }
    execute(tmp_path / "x.py", endpoints.root, **needed)
    (_, first, _), (_, again, headers) = endpoints.seen
    assert again == first
    assert headers["ocp-apim-subscription-key"] == "plain-words-3"


def test_a_conversation_with_a_point_in_its_name_is_exported(ip: InteractiveShell) -> None:
    """A word with a point is a file only where no conversation is called so."""
    ip.run_cell("%%groq -c v1.2\nHello", store_history=True)
    assert run(ip, "%groq export chat v1.2 answers.py").success
    assert not Path("v1.2").exists()
    assert "Hello" in Path("answers.py").read_text(encoding="utf-8")


def test_a_key_that_was_typed_in_is_not_in_a_script(endpoints: Endpoints) -> None:
    """It stands in no variable of the environment, and need not look like a key."""
    try:
        keys.set_session_key("our-own-proxy-key-0815")
        client_of(endpoints).chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "My key is our-own-proxy-key-0815."}],
            user="our-own-proxy-key-0815",
        )
        text = groqnb.export()
    finally:
        keys.set_session_key(None)
    assert "0815" not in text
    assert "My key is (secret)." in text
    assert 'user=os.environ["' in text


# --- the parts ---

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | texts | st.text('"\\\n\r\' a\x00\u2028'),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)  # fmt: skip


@given(values, st.integers(0, 3))
def test_values_are_written_as_python_that_reads_back(value: Any, indent: int) -> None:
    source = literal(value, indent)
    assert ast.literal_eval(source.strip()) == value
    # In a file too, where Python reads line ends in its own way.
    names: dict[str, Any] = {}
    exec(compile(f"x = {source}\n".encode(), "x.py", "exec"), names)
    assert names["x"] == value


@pytest.mark.parametrize("package", PACKAGES)
def test_the_official_methods_have_the_parameters_that_scripts_name(package: str) -> None:
    """What they do not name travels in extra_body, so a wrong table would break scripts."""
    client: Any = groq.Groq(api_key="x") if package == "groq" else openai.OpenAI(api_key="x")
    for path, names in KNOWN[package].items():
        method = client
        for part in METHODS[path].split("."):
            method = getattr(method, part)
        assert set(names.split()) <= set(inspect.signature(method).parameters), path


def test_what_is_kept_for_an_export_is_bounded(
    endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest calls are forgotten, by their number and by their size."""
    client = client_of(endpoints)

    def ask(text: str) -> list[str]:
        client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": text}])
        kept = [each.call.body for each in watch.recent.calls()]
        return [body["messages"][0]["content"][:1] for body in kept if body is not None]

    monkeypatch.setattr(recent, "MOST_CALLS", 3)
    for text in "abcd":
        said = ask(text)
    assert said == ["b", "c", "d"]
    monkeypatch.setattr(recent, "MOST_CHARACTERS", 500)
    assert ask("x" * 450) == ["d", "x"] or ask("x" * 450) == ["x"]
    assert ask("y" * 5000) == ["y"]


def test_messages_that_change_afterwards_are_exported_as_they_were_sent(
    endpoints: Endpoints,
) -> None:
    messages: Any = [{"role": "user", "content": "as it was"}]
    client_of(endpoints).chat.completions.create(model=MODEL, messages=messages)
    messages[0]["content"] = "changed"
    text = groqnb.export()
    assert "as it was" in text
    assert "changed" not in text


def test_a_tool_call_that_streams_is_printed_in_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """However small the pieces are that its arguments come in; the next call has its own."""
    from groq.types.chat import ChatCompletionChunk

    pieces = [("add", '{"a": '), (None, "2"), (None, "}"), ("stop", "{}")]
    chunks = [
        ChatCompletionChunk.model_validate(
            {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": MODEL,
             "choices": [{"index": 0, "delta": {"tool_calls": [
                 {"index": 0, "function": {"name": name, "arguments": some}}]}}]}
        )
        for name, some in pieces
    ]  # fmt: skip
    lines = shown("groq", "/chat/completions", "stream", {"stream": True, "tools": [TOOL]})
    exec("\n".join(lines), {"stream": chunks})
    assert capsys.readouterr().out == '\nadd {"a": 2}\nstop {}\n'


@pytest.mark.engine
def test_a_script_asks_the_local_engine_as_the_notebook_did(engine: Engine, tmp_path: Path) -> None:
    """The same answer, token for token, from the official package."""
    client = groqnb.Groq(base_url=engine.base_url, api_key=engine.api_key, timeout=240)
    stream = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "Name a colour."}],
        max_completion_tokens=12,
        temperature=0,
        seed=1,
        stream=True,
    )
    said = "".join(c.choices[0].delta.content or "" for c in stream if c.choices)
    assert said
    groqnb.export("cell", "asked.py")
    root = engine.base_url.removesuffix("/openai/v1")
    assert execute(tmp_path / "asked.py", root, engine.api_key).strip() == said.strip()
