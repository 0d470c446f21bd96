"""Every refusal becomes the right error, which says what to do next."""

from __future__ import annotations

import pickle
import re
from typing import Any

import httpx
import pytest
from both_worlds import KEY, MODEL, World, answering, both, completion

import groqnb
from groqnb.types import errors
from groqnb.types.errors import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    GroqnbError,
    NotFoundError,
    ParameterError,
    RateLimitError,
    RequestTooLargeError,
    ResponseError,
    SpendLimitError,
    StreamError,
)
from groqnb.wire.retry import without_waiting


def refusal(
    status: int, message: str = "No.", headers: dict[str, str] | None = None, **fields: str
):  # type: ignore[no-untyped-def]
    body = {"error": {"message": message, "type": "some_error", **fields}}
    return httpx.Response(status, json=body, headers=headers)


def error_for(
    reply: httpx.Response, world: World | None = None, **params: object
) -> APIStatusError:
    world = world or World("sync")
    client = world.client(transport=answering(reply), max_retries=0)
    with pytest.raises(APIStatusError) as caught:
        world.ask(client, **params)
    return caught.value


@both
@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (413, "RequestTooLargeError"),
        (418, "APIStatusError"),
        (422, "UnprocessableEntityError"),
        (429, "RateLimitError"),
        (498, "FlexCapacityError"),
        (500, "InternalServerError"),
        (502, "InternalServerError"),
        (503, "InternalServerError"),
    ],
)
def test_each_status_has_its_error(world: World, status: int, name: str) -> None:
    error = error_for(
        refusal(status, "It failed", {"x-request-id": "req_7"}, code="c", param="messages"), world
    )
    assert type(error) is getattr(groqnb, name)
    assert (error.status_code, error.type, error.code, error.param, error.request_id) == (
        (status, "some_error", "c", "messages", "req_7")
    )
    assert error.message == "It failed."
    assert error.body["error"]["message"] == "It failed"


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = re.findall(r"^[│├└─ ]*([A-Z]\w*Error)", errors.__doc__ or "", flags=re.M)
    assert sorted(drawn) == sorted(name for name in errors.__all__ if name.endswith("Error"))
    for name in drawn:
        assert issubclass(getattr(errors, name), GroqnbError)
    assert issubclass(ParameterError, ValueError)


def test_a_spend_limit_is_told_from_other_bad_requests() -> None:
    error = error_for(refusal(400, code="blocked_api_access"))
    assert type(error) is SpendLimitError
    assert isinstance(error, BadRequestError)
    assert "limit" in str(error)


def test_401_says_where_the_key_was_found() -> None:
    assert "The key came from the api_key argument" in str(error_for(refusal(401)))


@both
def test_401_without_a_key_says_where_it_was_looked_for(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    monkeypatch.chdir(str(tmp_path))
    seen: list[httpx.Request] = []
    client = world.client(
        api_key=None, where="cloud", transport=answering(httpx.Response(200), seen=seen)
    )
    with pytest.raises(AuthenticationError, match=r"GROQ_API_KEY.*\.env.*keyring"):
        world.ask(client)
    assert not seen


def test_404_names_the_models_that_were_meant() -> None:
    error = error_for(refusal(404, "The model does not exist"), model="llama-3.3-70b-versatil")
    assert isinstance(error, NotFoundError)
    assert f"Did you mean '{MODEL}'" in str(error)


def test_413_says_which_limit() -> None:
    error = error_for(refusal(413))
    assert isinstance(error, RequestTooLargeError)
    assert "131,072 tokens" in str(error)


@pytest.mark.parametrize(
    ("headers", "said", "seconds"),
    [
        ({"retry-after": "2"}, "The limit resets in 2 s.", 2.0),
        (
            {
                "x-ratelimit-limit-tokens": "6000",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "7.66s",
            },
            "The limit resets in 7.7 s (all 6,000 tokens of the minute are used).",
            None,
        ),
        (
            {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2m59.56s"},
            "The limit resets in 3 min 0 s (all requests of the day are used).",
            None,
        ),
        ({}, "Wait for the limit to reset.", None),
    ],
)
def test_429_says_when_the_limit_resets(
    headers: dict[str, str], said: str, seconds: float | None
) -> None:
    error = error_for(refusal(429, "Rate limit reached", headers))
    assert isinstance(error, RateLimitError)
    assert str(error) == f"Rate limit reached. {said}"
    assert error.retry_after == seconds


@pytest.mark.parametrize(
    ("headers", "rest"),
    [
        ({"retry-after": "60"}, ""),
        (
            {"x-ratelimit-limit-tokens": "6000", "x-ratelimit-remaining-tokens": "0"},
            " All 6,000 tokens of the minute are used.",
        ),
    ],
)
def test_a_moment_that_the_server_tells_in_words_is_not_told_twice(
    headers: dict[str, str], rest: str
) -> None:
    """Groq's own message ends so; what the headers know besides is added."""
    said = "Rate limit reached for model `m` on requests per minute. Please try again in 1m0s."
    assert str(error_for(refusal(429, said, headers))) == said + rest


def test_a_key_that_the_server_quotes_is_masked() -> None:
    error = error_for(refusal(401, f"Incorrect API key: {KEY}", code=KEY))
    for text in (str(error), repr(error), repr(error.body), repr(vars(error))):
        assert KEY not in text


@pytest.mark.parametrize(
    "body", [b"", b"<html>Bad gateway</html>", b"[1]", b'{"error": null}', b"\xff"]
)
def test_an_error_without_the_promised_object_is_told_by_its_status(body: bytes) -> None:
    error = error_for(httpx.Response(502, content=body))
    assert "answered with the status 502" in str(error)
    assert "<html" not in str(error)


def test_an_error_that_is_a_bare_text_is_quoted() -> None:
    assert "no healthy upstream" in str(error_for(httpx.Response(503, text="no healthy upstream")))
    assert "nope" in str(error_for(httpx.Response(400, json={"error": "nope"})))


def test_a_redirect_says_where_to() -> None:
    error = error_for(httpx.Response(301, headers={"location": "https://there/"}))
    assert "https://there/" in str(error)


@both
@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (httpx.Response(200, content=b""), "not what this endpoint promises"),
        (httpx.Response(200, html="<html>Welcome</html>"), "web page"),
        (httpx.Response(200, json={"id": "1"}), "choices"),
        (httpx.Response(200, json=completion() | {"choices": [3]}), "choices.0"),
        (httpx.Response(200, content=b'{"id": "\xff"}'), "not what this endpoint promises"),
    ],
)
def test_a_reply_of_another_shape_is_an_error_that_says_where(
    world: World, reply: httpx.Response, said: str
) -> None:
    client = world.client(transport=answering(reply))
    with pytest.raises(ResponseError, match=said):
        world.ask(client)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (httpx.ConnectError("[Errno 111] Connection refused"), "No connection to api.groq.com"),
        (httpx.ConnectTimeout("x"), "No connection to api.groq.com"),
        (httpx.ReadTimeout("x"), "did not answer within 60 s"),
        (httpx.RemoteProtocolError("Server disconnected without sending a response."), "broke"),
        (httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] x"), "SSL_CERT_FILE"),
    ],
)
@both
def test_a_failed_connection_says_which_and_what_works_offline(
    world: World, kind: Exception, said: str
) -> None:
    client = world.client(transport=answering(kind), max_retries=0)
    with pytest.raises(groqnb.APIConnectionError) as caught:
        world.ask(client)
    assert said in str(caught.value)
    if "SSL" not in said and "did not" not in said:
        assert "%groq use local" in str(caught.value)


def test_errors_survive_pickling() -> None:
    error = error_for(refusal(429, headers={"retry-after": "2"}))
    for one in (
        error,
        GroqnbError("a", hint="b"),
        StreamError("a", received=[1]),
        ResponseError("a", body="b"),
        ParameterError("a"),
    ):
        copy = pickle.loads(pickle.dumps(one))
        assert type(copy) is type(one)
        assert str(copy) == str(one)
        assert {k: str(v) for k, v in vars(copy).items()} == (
            {k: str(v) for k, v in vars(one).items()}
        )


@both
def test_events_tell_of_a_failure(world: World) -> None:
    client = world.client(transport=answering(refusal(500)), max_retries=1)
    events: list[object] = []
    client.events.subscribe(events.append)
    with without_waiting(), pytest.raises(APIStatusError):
        world.ask(client)
    names = [type(event).__name__ for event in events]
    assert names == ["Sent", "Retried", "Sent", "Failed"]


def images(count: int) -> dict[str, Any]:
    """A question written by hand, with so many images."""
    part = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    return {"role": "user", "content": [{"type": "text", "text": "What is it?"}, *[part] * count]}


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"temperature": 2.5}, "temperature is 2.5; it goes from 0 to 2"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"top_p": -0.1}, "top_p is -0.1; it goes from 0 to 1"),
        ({"presence_penalty": 3}, "from -2 to 2"),
        ({"n": 2}, "n is 2; only 1"),
        ({"stop": ["a"] * 5}, "5 stop sequences; at most 4"),
        ({"tools": [{}] * 129}, "129 tools; at most 128"),
        ({"max_completion_tokens": 0}, "at least 1"),
        ({"stream_options": {"include_usage": True}}, "needs stream=True"),
        ({"include_reasoning": True, "reasoning_format": "parsed"}, "exclude each other"),
        ({"reasoning_format": "raw", "response_format": {"type": "json_object"}}, "JSON mode"),
        ({"reasoning_format": "raw", "tools": [{}]}, "tools"),
        ({"messages": [images(3), images(3)]}, "6 images; a request holds at most 5"),
        ({"functions": [{}] * 129}, "129 functions; at most 128"),
        ({"frequency_penalty": -2.1}, "from -2 to 2"),
        ({"max_tokens": 0}, "at least 1"),
        ({"include_reasoning": False, "reasoning_format": "hidden"}, "exclude each other"),
        ({"reasoning_format": "raw", "response_format": {"type": "json_schema"}}, "JSON mode"),
        ({"messages": []}, "messages is empty"),
        ({"messages": "Hello"}, "messages is a text"),
        ({"messages": {"role": "user", "content": "Hello"}}, "messages is a dict, not a list"),
        ({"messages": None}, "messages is a NoneType, not a list"),
        ({"tools": {"type": "function"}}, "tools is of the type dict, not a list"),
        ({"tools": "f"}, "tools is of the type str, not a list"),
        ({"seed": 1, "user": object()}, "user cannot be sent as JSON"),
        ({"metadata": {"a": [1.0, float("nan")]}}, "metadata cannot be sent as JSON: it holds NaN"),
        ({"seed": float("inf")}, "seed cannot be sent as JSON: it holds NaN or an infinity"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, "messages cannot be sent as JSON"),
        ({"model": ""}, "model is missing"),
        ({"temprature": 1}, "Did you mean 'temperature'"),
        ({"extra_headers": {"Authorization": "x"}}, "api_key"),
        ({"extra_headers": {"X": "a\nb"}}, "one line"),
        ({"extra_headers": {"X\nY": "a"}}, "no name of a header"),
        ({"extra_headers": {"a b": "a"}}, "no name of a header"),
        ({"extra_headers": {1: "a"}}, "no name of a header"),
        ({"timeout": "5"}, "timeout is '5'"),
        ({"timeout": -1}, "timeout is -1"),
        ({"timeout": float("nan")}, "timeout is nan"),
    ],
)
@both
def test_what_the_api_is_sure_to_refuse_is_refused_before_it_is_sent(
    world: World, params: dict[str, object], said: str
) -> None:
    seen: list[httpx.Request] = []
    client = world.client(transport=answering(httpx.Response(200), seen=seen))
    with pytest.raises(ParameterError, match=re.escape(said)):
        world.ask(client, **params)
    assert not seen


@pytest.mark.parametrize(
    "params",
    [
        {"temperature": 0},
        {"temperature": 2},
        {"stop": ["a"] * 4},
        {"messages": [images(2), {"role": "assistant", "content": "Two."}, images(3)]},
        {"tools": [{}] * 128},
        {"n": None},
        {"reasoning_format": "raw"},
        {"reasoning_format": "parsed", "tools": [{}]},
        {"model": "a-model-nobody-knows"},
    ],
)
def test_everything_else_is_the_server_s_to_judge(params: dict[str, object]) -> None:
    client = World("sync").client(transport=answering(httpx.Response(200, json=completion())))
    World("sync").ask(client, **params)


def test_an_unknown_setting_of_a_client_names_the_nearest() -> None:
    with pytest.raises(ParameterError, match="Did you mean 'api_key'"):
        groqnb.Groq(apikey=KEY)  # type: ignore[call-arg]
    with pytest.raises(ParameterError, match="timeout is -1"):
        groqnb.AsyncGroq(timeout=-1)


@pytest.mark.parametrize("count", [float("inf"), 1.5])
def test_a_number_of_retries_is_a_whole_one(count: float) -> None:
    with pytest.raises(ParameterError, match=f"max_retries is {count}; it is a whole number"):
        groqnb.Groq(max_retries=count)  # type: ignore[arg-type]
