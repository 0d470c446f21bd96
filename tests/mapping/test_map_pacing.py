"""A map keeps to the limits it is told, uses all of them, and finds out those it is not told.

All of it in virtual time: ten minutes of pacing take a second, and no machine is too slow.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence

import httpx
import pytest
from limited import LimitedServer, Outcome, simulate

from groqnb.mapping.lanes import Timeline
from groqnb.mapping.limits import Limits
from groqnb.mapping.width import Width
from groqnb.types.rate_limit import RateLimit


def busiest(times: Sequence[float], span: float = 1.0) -> int:
    """The most requests in any span of so many seconds."""
    ordered = sorted(times)
    return max(bisect.bisect_left(ordered, at + span) - n for n, at in enumerate(ordered))


def steady(outcome: Outcome, server: LimitedServer) -> float:
    """Requests a second that were served between the first minute and the last."""
    ordered = sorted(at for at, _ in server.served)
    last = ordered[-1] - 10
    return sum(60 <= at < last for at in ordered) / (last - 60)


@pytest.mark.parametrize("latency", [0.05, 0.4, 2.0])
def test_it_uses_the_requests_a_minute_and_no_more(latency: float) -> None:
    """Of a limit of requests 0.97 to 1.01 are used, no second has 1.3 of it, none is refused."""
    server = LimitedServer(rpm=1200, latency=latency)
    outcome = simulate(server, 3600, concurrency=64, limits={"RPM": 1200})
    assert not outcome.failed
    assert 0.97 <= steady(outcome, server) / 20 <= 1.01
    assert busiest(server.asked) <= 1.3 * 20
    assert server.refused <= 0.005 * 3600


@pytest.mark.parametrize("latency", [0.05, 0.4, 2.0])
def test_it_uses_the_tokens_a_minute_that_headers_tell(latency: float) -> None:
    """Tokens are estimated before sending, and the estimate learns from the answers."""
    server = LimitedServer(tpm=120_000, latency=latency)
    outcome = simulate(server, 3600)
    assert not outcome.failed
    ordered = sorted(server.served)
    last = ordered[-1][0] - 10
    used = sum(tokens for at, tokens in ordered if 60 <= at < last) / (last - 60)
    assert 0.97 <= used / 2000 <= 1.01
    assert busiest(server.asked) <= 1.3 * 20
    assert server.refused <= 0.005 * 3600


@pytest.mark.parametrize("what", ["requests", "tokens"])
def test_four_maps_with_one_budget_use_what_one_may(what: str) -> None:
    """Lanes of several processes that share a pool: together they use the limit, and no more."""
    server = LimitedServer(rpm=1200) if what == "requests" else LimitedServer(tpm=120_000)
    limits = {"RPM": 1200.0} if what == "requests" else None
    outcome = simulate(server, 3600, limits=limits, maps=4)
    assert not outcome.failed
    assert sorted(result.number for result in outcome.results) == list(range(3600))
    ordered = sorted(server.served)
    last = ordered[-1][0] - 10
    counted = [
        1 if what == "requests" else tokens / 100 for at, tokens in ordered if 60 <= at < last
    ]
    assert 0.95 <= sum(counted) / (last - 60) / 20 <= 1.01
    assert busiest([at for at in server.asked if at >= 60]) <= 1.5 * 20
    assert server.refused <= 0.01 * 3600


def test_a_refusal_tells_the_limit() -> None:
    """A limit that nobody told is read in the first refusals, and kept to from then on."""
    server = LimitedServer(rpm=600, told=False)
    outcome = simulate(server, 3000)
    assert not outcome.failed
    assert outcome.lane.limits.per_minute["RPM"] == 600
    assert server.refused <= 64
    assert outcome.seconds < 3000 / 10 * 1.3 + 60


def test_a_refusal_is_waited_out_once() -> None:
    """After a refusal nothing goes out until the moment it names: no storm of refusals."""
    server = LimitedServer(rpm=60, told=False)
    outcome = simulate(server, 300, concurrency=32)
    assert not outcome.failed
    assert server.refused <= 32 + 5


class Garbling(LimitedServer):
    """Answers every row's first request with what is no reply."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        reply = await super().handle_async_request(request)
        content = await request.aread()
        if reply.status_code != 200 or content in self.garbled:
            return reply
        self.garbled.add(content)
        return httpx.Response(200, content=b'{"id": "c", "choi')

    def __post_init__(self) -> None:
        super().__post_init__()
        self.garbled: set[bytes] = set()


def test_rows_that_are_asked_again_for_garbage_keep_to_the_limits() -> None:
    """What makes no sense was a request all the same: the next one waits for its turn."""
    server = Garbling(rpm=600, latency=0.05)
    outcome = simulate(server, 900, limits={"RPM": 600})
    assert not outcome.failed
    assert len(server.garbled) == 900
    assert server.refused <= 0.005 * 1800


def test_more_at_once_where_it_helps() -> None:
    """With a server that has room the requests under way grow to the bound by themselves."""
    server = LimitedServer(latency=1.0)
    outcome = simulate(server, 3000)
    assert server.most_at_once == 64
    assert outcome.seconds < 3000 / 64 * 2


def test_no_more_at_once_than_help() -> None:
    """With a server that works on few at once, many more than these are never under way."""
    server = LimitedServer(latency=0.5, seats=4)
    outcome = simulate(server, 2000)
    assert server.most_at_once <= 32
    assert outcome.width.now <= 12
    assert outcome.seconds < 2000 / 8 * 1.15


def test_flex_that_has_no_capacity_is_asked_less_and_again() -> None:
    """498 makes it narrower, and rows come through when they are sent again."""
    server = LimitedServer(latency=0.5, capacity=6)
    outcome = simulate(server, 1000, service_tier="flex")
    assert outcome.failed <= 10
    assert server.refused < 1000
    assert outcome.width.now <= 16


def test_flex_has_ten_times_the_limits() -> None:
    """The headers tell the normal tier's limit; flex goes ten times as fast."""
    headers = {"x-ratelimit-limit-tokens": "6000"}
    told = RateLimit.from_headers(headers)
    assert told is not None
    for tier, limit in ((None, 6000), ("flex", 60_000), ("auto", 60_000)):
        limits = Limits("openai/gpt-oss-20b", "cloud", tier=tier)
        limits.hear(told, local=False)
        assert limits.per_minute["TPM"] == limit


def test_an_engine_on_this_machine_is_believed_after_its_first_refusal() -> None:
    """It tells the documented limits, and enforces them only where it was told to."""
    told = RateLimit.from_headers({"x-ratelimit-limit-tokens": "6000"})
    assert told is not None
    limits = Limits("openai/gpt-oss-20b", "url")
    assert not limits.hear(told, local=True)
    assert limits.per_minute == {}
    limits.refused("Rate limit reached on requests per minute (RPM): limit 30, used 30.")
    assert limits.hear(told, local=True)
    assert limits.per_minute == {"RPM": 30, "TPM": 6000}


def test_a_timeline_saves_up_nothing() -> None:
    """After an hour of silence the next requests are as far apart as ever."""
    line = Timeline(2.0)
    line.take(1, now=0.0)
    assert [line.take(1, now=3600.0) for _ in range(3)] == [3600.0, 3600.5, 3601.0]


def test_overload_counts_once_a_second() -> None:
    """A whole wave of refusals narrows it once."""
    width = Width(64, fixed=False)
    width.now = 40
    for at in (10.0, 10.1, 10.5):
        width.overloaded(at)
    assert width.now == 28
