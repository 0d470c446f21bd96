"""Requests and seconds of audio inside the limits, on a clock of the test's own."""

from __future__ import annotations

import pytest

from groqnb.hearing.pace import Pace

FREE = {"RPM": 20, "RPD": 2000, "ASH": 7200, "ASD": 28800}


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def booked(pace: Pace, clock: Clock, seconds: float) -> float:
    """Wait as long as the pace says, and book; when that was."""
    for _ in range(1000):
        wait = pace.book(seconds)
        if not wait:
            return clock.now
        clock.now += wait
    raise AssertionError("it never comes to an end")


def test_no_minute_has_more_requests_than_allowed() -> None:
    """100 short requests at 20 a minute: none too early, and none later than it must be."""
    clock = Clock()
    pace = Pace(FREE, clock)
    times = [booked(pace, clock, 10) for _ in range(100)]
    for at in times:
        assert sum(at - 60 < other <= at for other in times) <= 20
    assert times[-1] - times[0] == pytest.approx(4 * 60)


def test_no_hour_has_more_audio_than_allowed() -> None:
    """12 hours of audio at 7,200 s an hour and 28,800 s a day: both windows hold."""
    clock = Clock()
    pace = Pace(FREE, clock)
    times = [booked(pace, clock, 300) for _ in range(144)]
    for at in times:
        assert sum(at - 3600 < other <= at for other in times) * 300 <= 7200
        assert sum(at - 86400 < other <= at for other in times) * 300 <= 28800
    # 24 parts an hour, four of them in its second minute: the first takes 20 requests.
    # So the day's 28,800 s are through in the fourth hour, and the rest waits for the next day.
    assert times[95] - times[0] == pytest.approx(3 * 3600 + 60)
    assert times[96] - times[0] == pytest.approx(86400)


def test_a_piece_longer_than_the_limit_goes_alone() -> None:
    """Waiting for ever would help nobody: the server may say no to it."""
    clock = Clock()
    pace = Pace({"ASH": 100}, clock)
    assert booked(pace, clock, 300) == 1000.0
    assert booked(pace, clock, 300) == 1000.0 + 3600


def test_a_refusal_holds_everybody_back() -> None:
    """Nobody asks before the server wants to be asked, however empty the windows are."""
    clock = Clock()
    pace = Pace({}, clock)
    pace.refused(42)
    pace.refused(7)
    assert pace.book(10) == pytest.approx(42)
    clock.now += 42
    assert pace.book(10) == 0.0


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({"x-ratelimit-limit-requests": "500000"}, False),
        ({"x-ratelimit-limit-requests": "2000"}, True),
        ({}, True),
    ],
)
def test_a_larger_plan_is_known_by_its_headers(headers: dict[str, str], waits: bool) -> None:
    """More requests a day than the free plan has: its other limits are not the free plan's."""
    clock = Clock()
    pace = Pace(FREE, clock)
    for _ in range(20):
        booked(pace, clock, 10)
    pace.learn(headers)
    assert (pace.book(10) > 0) == waits


def test_other_servers_have_no_limits_but_what_they_refuse() -> None:
    """Nothing is waited for without a reason."""
    clock = Clock()
    pace = Pace({}, clock)
    assert [pace.book(3600) for _ in range(1000)] == [0.0] * 1000
