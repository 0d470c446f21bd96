"""The list of models, one model, and the numbers in the headers of any reply."""

from __future__ import annotations

import httpx
import pytest
from both_worlds import World, answering, both

from groqnb import NotFoundError, ParameterError
from groqnb.types.rate_limit import RateLimit, parse_duration

CARD = {
    "id": "llama3-8b-8192",
    "object": "model",
    "created": 1693721698,
    "owned_by": "Meta",
    "active": True,
    "context_window": 8192,
    "public_apps": None,
    "max_completion_tokens": 8192,
    "hue": "green",
}
HEADERS = {
    "x-ratelimit-limit-requests": "14400",
    "x-ratelimit-limit-tokens": "18000",
    "x-ratelimit-remaining-requests": "14370",
    "x-ratelimit-remaining-tokens": "17997",
    "x-ratelimit-reset-requests": "2m59.56s",
    "x-ratelimit-reset-tokens": "7.66s",
    "x-request-id": "req_1",
}


@both
def test_models_are_listed_with_all_their_fields(world: World) -> None:
    seen: list[httpx.Request] = []
    reply = httpx.Response(200, json={"object": "list", "data": [CARD]}, headers=HEADERS)
    client = world.client(transport=answering(reply, seen=seen))
    models = world.run(client, lambda c: c.models.list())
    assert models.data[0].context_window == 8192
    assert models.data[0].hue == "green"
    assert models.data[0].model_dump(exclude_unset=True) == CARD
    assert models.rate_limit == RateLimit(14400, 18000, 14370, 17997, 179.56, 7.66)
    assert models.request_id == "req_1"
    assert models.headers["X-Ratelimit-Limit-Tokens"] == "18000"
    assert (seen[0].method, str(seen[0].url)) == ("GET", "https://api.groq.com/openai/v1/models")
    assert seen[0].headers["host"] == "api.groq.com"
    assert "content-length" not in seen[0].headers


@both
def test_a_model_whose_id_has_a_slash_is_retrieved(world: World) -> None:
    seen: list[httpx.Request] = []
    client = world.client(transport=answering(httpx.Response(200, json=CARD), seen=seen))
    model = world.run(client, lambda c: c.models.retrieve("openai/gpt-oss-20b"))
    assert (model.id, model.max_completion_tokens) == ("llama3-8b-8192", 8192)
    assert seen[0].url.path == "/openai/v1/models/openai/gpt-oss-20b"


@both
def test_an_odd_id_stays_one_part_of_the_path(world: World) -> None:
    seen: list[httpx.Request] = []
    reply = httpx.Response(404, json={"error": {"message": "no", "type": "t"}})
    client = world.client(transport=answering(reply, seen=seen))
    with pytest.raises(NotFoundError):
        world.run(client, lambda c: c.models.retrieve("a b?c=d#é"))
    assert seen[0].url.raw_path == b"/openai/v1/models/a%20b%3Fc%3Dd%23%C3%A9"


def test_an_empty_id_is_refused() -> None:
    with pytest.raises(ParameterError):
        World("sync").client().models.retrieve(" ")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7.66s", 7.66),
        ("2m59.56s", 179.56),
        ("1h2m3s", 3723.0),
        ("120ms", 0.12),
        ("1m0.5s", 60.5),
        ("0s", 0.0),
        ("15µs", 15e-6),
        ("3", 3.0),
        ("", None),
        ("soon", None),
        ("1x", None),
        ("s", None),
        ("1s!", None),
    ],
)
def test_durations_of_go(text: str, seconds: float | None) -> None:
    assert parse_duration(text) == (seconds if seconds is None else pytest.approx(seconds))


def test_headers_that_are_not_numbers_are_not_guessed_at() -> None:
    assert RateLimit.from_headers({}) is None
    assert RateLimit.from_headers({"x-ratelimit-limit-tokens": "many"}) is None
    assert RateLimit.from_headers({"x-ratelimit-limit-tokens": "7"}) == RateLimit(limit_tokens=7)
