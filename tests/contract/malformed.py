"""Hypothesis strategies of requests that are wrong: good ones, spoiled in one or two places."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from tests.contract.documented_schemas import closed
from tests.contract.raw_wire import Sent

__all__ = ["KINDS", "post"]

JSON = {"Content-Type": b"application/json"}
MODEL = "llama-3.1-8b-instant"
ASK: dict[str, Any] = {"role": "user", "content": "Hi."}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TOOL = {
    "type": "function",
    "function": {"name": "f", "description": "Do it", "parameters": closed(a={"type": "integer"})},
}
# Refused as no image, so that no pictures are looked at here.
NO_IMAGE = "data:image/png;base64,AAAA"
SCHEMA = {
    "type": "object",
    "properties": {
        "a": {"type": "string", "enum": ["x", "y"]},
        "b": {"type": "array", "items": {"$ref": "#/$defs/n"}, "minItems": 1, "maxItems": 2},
        "c": {"anyOf": [{"type": "number", "minimum": 0}, {"type": "null"}]},
        "d": {"type": "string", "pattern": "^a+$", "maxLength": 9},
    },
    "required": ["a", "b", "c", "d"],
    "additionalProperties": False,
    "$defs": {"n": {"type": "integer", "multipleOf": 2}},
}


def chat(**more: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": [ASK], "max_completion_tokens": 1, **more}


def response(**more: Any) -> dict[str, Any]:
    return {"model": "openai/gpt-oss-20b", "input": "Hi.", "max_output_tokens": 1, **more}


GOOD: list[tuple[str, dict[str, Any]]] = [
    (
        "/chat/completions",
        chat(
            temperature=0.5,
            top_p=0.9,
            n=1,
            seed=1,
            stop=["x"],
            stream=True,
            stream_options={"include_usage": True},
            service_tier="auto",
            user="u",
            frequency_penalty=0,
            presence_penalty=0,
        ),
    ),
    ("/chat/completions", chat(tools=[TOOL], tool_choice="none", parallel_tool_calls=False)),
    (
        "/chat/completions",
        chat(
            messages=[
                {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
                ASK,
                {"role": "assistant", "content": None, "tool_calls": [CALL]},
                {"role": "tool", "tool_call_id": "call_1", "content": "19"},
            ]
        ),
    ),
    (
        "/chat/completions",
        chat(
            model="moonshotai/kimi-k2-instruct-0905",
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "s", "strict": True, "schema": SCHEMA},
            },
        ),
    ),
    (
        "/chat/completions",
        chat(
            model="openai/gpt-oss-20b",
            reasoning_effort="low",
            include_reasoning=True,
            documents=[{"id": "d", "source": {"type": "text", "text": "An oak."}}],
        ),
    ),
    (
        "/chat/completions",
        chat(
            model="groq/compound",
            compound_custom={
                "models": {"answering_model": MODEL},
                "tools": {"enabled_tools": ["telepathy"]},
            },
            search_settings={"include_domains": ["*.fr"], "country": "france"},
        ),
    ),
    (
        "/chat/completions",
        chat(
            model="meta-llama/llama-4-scout-17b-16e-instruct",
            messages=[
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What is it?"},
                        {"type": "image_url", "image_url": {"url": NO_IMAGE, "detail": "low"}},
                    ],
                }
            ],
        ),
    ),
    (
        "/responses",
        response(
            instructions="Be brief.",
            temperature=0.5,
            top_p=0.9,
            metadata={"a": "b"},
            reasoning={"effort": "low"},
            text={"format": {"type": "json_schema", "name": "s", "schema": SCHEMA}},
            truncation="disabled",
            service_tier="auto",
            store=False,
        ),
    ),
    (
        "/responses",
        response(
            input=[
                {
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_text", "text": "Hi"}],
                },
                {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c", "output": "19"},
            ],
            tools=[{"type": "function", "name": "f", "parameters": closed(a={"type": "null"})}],
            tool_choice="none",
            parallel_tool_calls=True,
        ),
    ),
    (
        "/batches",
        {
            "completion_window": "24h",
            "endpoint": "/v1/chat/completions",
            "input_file_id": "file_none",
            "metadata": {"a": "b"},
        },
    ),
    (
        "/fine_tunings",
        {"base_model": MODEL, "input_file_id": "file_none", "name": "a", "type": "lora"},
    ),
    (
        "/audio/speech",
        {
            "model": "playai-tts",
            "input": "Hi.",
            "voice": "nobody",
            "response_format": "wav",
            "sample_rate": 48000,
            "speed": 1,
        },
    ),
    (
        "/audio/transcriptions",
        {
            "model": "whisper-large-v3-turbo",
            "url": "gopher://example.com/a.wav",
            "language": "en",
            "prompt": "Ada",
            "response_format": "verbose_json",
            "temperature": 0,
            "timestamp_granularities": ["word"],
        },
    ),
    ("/audio/translations", {"model": "whisper-large-v3", "url": "gopher://example.com/a.wav"}),
]


def _nested(levels: int, inside: Any = None) -> Any:
    value = inside
    for level in range(levels):
        value = {"a": value} if level % 2 else [value]
    return value


_ODD: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        [
            *(None, True, False, 0, -1, 1.5, 10**400, -(10**400), 1e308, -0.0),
            *(float("nan"), float("inf"), "", "\ud800", "a\udc00b", "\x00", "é\u202e🦙", "#"),
            *([], {}, [[]], [None], [{}], {"": None}, {"\ud800": 1}, {"type": 3}, [1] * 500),
            *("x" * 70, "y" * 20_000, {"$ref": "#"}, {"type": "object"}, {"not": {}}),
            *(_nested(60), _nested(400), _nested(3, "\ud800")),
        ]
    ),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from(["type", "text", "name", "role", "function", "a", ""]),
                inner,
                max_size=3,
            ),
        ),
        max_leaves=5,
    ),
)


# What is drawn may be spoiled further; the samples are not to change.
ODD = _ODD.map(copy.deepcopy)


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each part of a body."""
    yield at
    if len(at) > 12 or not isinstance(value, dict | list):
        return
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _places(inner, (*at, key))


def _spoiled(draw: st.DrawFn, body: Any) -> Any:
    at = draw(st.sampled_from(list(_places(body))))
    if not at:
        return draw(st.one_of(ODD, st.just([body])))
    around = body
    for key in at[:-1]:
        around = around[key]
    last, how = at[-1], draw(st.sampled_from(["odd", "odd", "odd", "gone", "more", "wrapped"]))
    if how == "gone":
        del around[last]
    elif how == "more" and isinstance(around, dict):
        around[draw(st.text(max_size=8))] = draw(ODD)
    elif how == "wrapped":
        around[last] = [around[last]]
    else:
        around[last] = draw(ODD)
    return body


def post(path: str, body: Any) -> Sent:
    """`body` as JSON; NaN stays NaN, half a surrogate pair is escaped."""
    return Sent("POST", path.encode(), JSON, json.dumps(body).encode())


@st.composite
def wrong_fields(draw: st.DrawFn) -> Sent:
    """A field of another type or out of range, missing, unknown, too deep, in any place."""
    path, good = draw(st.sampled_from(GOOD))
    body = copy.deepcopy(good)
    for _ in range(draw(st.integers(1, 3))):
        body = _spoiled(draw, body)
    most = "max_output_tokens" if path == "/responses" else "max_completion_tokens"
    if isinstance(body, dict) and most in good:
        # What is still right is to cost one token.
        asked = body.get(most)
        if asked is None or (isinstance(asked, int) and 1 < asked <= 1_000_000):
            body[most] = 1
    return post(path, body)


@st.composite
def broken_json(draw: st.DrawFn) -> Sent:
    """Cut off, with bytes that do not belong there, in another encoding, too deep."""
    path, good = draw(st.sampled_from(GOOD))
    text = json.dumps(good).encode()
    at = draw(st.integers(0, len(text) - 1))
    junk = draw(st.one_of(st.binary(min_size=1, max_size=4), st.sampled_from([b"\xff", b"\x00"])))
    body = draw(
        st.sampled_from(
            [
                *(b"", b" ", junk, text[:at], text[:at] + junk + text[at + 1 :]),
                *(b"[" * 100_000, b'{"a":' * 50_000, b"1" * 5000, text + text, text + junk),
                *(b"\xef\xbb\xbf" + text, text.replace(b'"', b"'"), text.replace(b":", b"=")),
                text[:-1] + b', "model": ' + junk + b"}",
                text[:-1] + b', "model": 3, "model": NaN}',
                text[:-1] + b', "model": 3, "input_file_id": 3}',
            ]
        )
    )
    kind = draw(
        st.sampled_from(
            [b"application/json", b"text/plain", b"multipart/form-data; boundary=x", b"\xff", b""]
        )
    )
    return Sent("POST", path.encode(), {"Content-Type": kind}, body)


@st.composite
def bad_forms(draw: st.DrawFn) -> Sent:
    """Multipart forms without a boundary, cut, with wrong parts, with bytes gone."""
    path = draw(st.sampled_from(["/files", "/audio/transcriptions", "/audio/translations"]))
    parts = [
        b'Content-Disposition: form-data; name="purpose"\r\n\r\nbatch',
        b'Content-Disposition: form-data; name="model"\r\n\r\nwhisper-large-v3',
        b'Content-Disposition: form-data; name="file"; filename="a.wav"\r\n'
        b"Content-Type: audio/wav\r\n\r\nRIFF",
        b'Content-Disposition: form-data; name="file"\r\n\r\n{}',
        b'Content-Disposition: form-data; name="purpose"; filename="b"\r\n\r\nx',
        b"Content-Disposition: form-data\r\n\r\nx",
        b'Content-Disposition: attachment; name="file"\r\n\r\nx',
        b'Content-Disposition: form-data; name="file"; filename="\xff\x00"\r\n\r\nx',
        b'Content-Disposition: form-data; name="temperature"\r\n\r\nnan',
        b"Nothing\r\n\r\nx",
        b"\r\n",
        b"x" * 9000,
        draw(st.binary(max_size=30)),
    ]
    chosen = draw(st.lists(st.sampled_from(parts), max_size=4))
    body = b"".join(b"--b\r\n" + part + b"\r\n" for part in chosen) + b"--b--\r\n"
    if draw(st.booleans()):
        first = draw(st.integers(0, len(body)))
        body = body[:first] + body[first + draw(st.integers(1, 40)) :]
    kind = draw(
        st.sampled_from(
            [
                *(b"multipart/form-data; boundary=b",) * 5,
                *(b"multipart/form-data", b"multipart/form-data; boundary=", b"text/plain", b""),
                *(b"multipart/form-data; boundary=c", b"multipart/mixed; boundary=b"),
                *(b"multipart/form-data; boundary=" + b"b" * 300, b"application/json"),
                b'multipart/form-data; boundary="\xff',
            ]
        )
    )
    return Sent("POST", path.encode(), {"Content-Type": kind}, body)


IDS = st.one_of(
    st.text(min_size=1, max_size=30).map(lambda text: quote(text.encode("utf-8", "replace"), "")),
    st.binary(min_size=1, max_size=8).map(lambda data: quote(data, "")),
    st.sampled_from(
        ["..", "%2e%2e", "%00", "file_" + "a" * 3000, "%ff", "a%2fb", "'--", "%", "%zz"]
    ),
).map(str.encode)


@st.composite
def unknown_ids(draw: st.DrawFn) -> Sent:
    """Ids of nothing, of strange characters; methods that an endpoint does not have."""
    method, path = draw(
        st.sampled_from(
            [
                *(("GET", b"/models/%s"), ("GET", b"/files/%s"), ("DELETE", b"/files/%s")),
                *(("GET", b"/files/%s/content"), ("GET", b"/batches/%s"), ("GET", b"/%s")),
                *(("POST", b"/batches/%s/cancel"), ("GET", b"/fine_tunings/%s")),
                *(("DELETE", b"/fine_tunings/%s"), ("POST", b"/chat/%s"), ("PUT", b"/files/%s")),
            ]
        )
    )
    return Sent(method, path % draw(IDS), {})


ENDPOINTS = sorted({path for path, _ in GOOD} | {"/models", "/files"})


@st.composite
def bad_queries(draw: st.DrawFn) -> Sent:
    """Cursors of nothing, limits that are none, names twice; bytes that are no text."""
    path = draw(st.sampled_from([b"/batches", b"/batches", b"/files", b"/fine_tunings"]))
    name = draw(st.sampled_from([b"cursor", b"id", b"limit", b"after", b"order", b"%ff", b""]))
    method = draw(st.sampled_from(["GET", "GET", "PATCH"]))
    return Sent(method, b"%s?%s=%s&%s=%s" % (path, name, draw(IDS), name, draw(IDS)), {})


@st.composite
def bad_heads(draw: st.DrawFn) -> Sent:
    """No or a wrong key, lengths that are none, hosts and pages from elsewhere, odd methods."""
    path, good = draw(st.sampled_from(GOOD))
    value = draw(st.binary(max_size=20).map(lambda data: data.translate(None, b"\r\n")))
    headers = draw(
        st.sampled_from(
            [
                *({"Authorization": value}, {"Authorization": b"Bearer " + value}),
                *({"Authorization": b"Basic " + value}, {"Authorization": b"Bearer \xff"}),
                *({"Host": value}, {"Host": b"example.com"}, {"Origin": b"http://a.example"}),
                *({"Content-Length": b"-1"}, {"Content-Length": b"1x"}, {"Content-Length": b""}),
                *({"Content-Length": b"9" * 40}, {"Transfer-Encoding": b"nonsense"}),
                *({"Groq-Model-Version": value}, {"Bad Name": value}, {"": b"x"}),
                {},
            ]
        )
    )
    if headers:
        return Sent("POST", path.encode(), {**JSON, **headers}, json.dumps(good).encode())
    methods = ["PUT", "PATCH", "OPTIONS", "TRACE", "HEAD", "FROB", "get", "P\xf6ST", "PROPFIND"]
    method = draw(st.sampled_from(methods))
    return Sent(method, draw(st.sampled_from(ENDPOINTS)).encode(), {})


#: Each kind with the number of requests that are made of it.
KINDS = {
    "wrong fields": (wrong_fields(), 2700),
    "broken JSON": (broken_json(), 700),
    "bad forms": (bad_forms(), 700),
    "unknown ids": (unknown_ids(), 700),
    "bad queries": (bad_queries(), 300),
    "bad heads": (bad_heads(), 500),
}
