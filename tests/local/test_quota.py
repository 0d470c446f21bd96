"""Rate limits, by a clock of the test's own."""

from __future__ import annotations

import pytest

from groqnb import catalog
from groqnb.local.quota import Quota, duration
from groqnb.local.refusal import Refusal
from groqnb.local.windows import Window

MODEL = catalog.find("llama-3.1-8b-instant")  # RPM 30, RPD 14,400, TPM 6,000, TPD 500,000


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_documented_example_of_a_reset() -> None:
    """30 of 14,400 requests a day are used: full again in three minutes."""
    clock = Clock()
    quota = Quota(enforced=False, clock=clock)
    for _ in range(30):
        quota.admit(MODEL, 1)
    clock.now += 0.44
    headers = quota.headers(MODEL)
    assert headers["x-ratelimit-remaining-requests"] == "14370"
    assert headers["x-ratelimit-reset-requests"] == "2m59.56s"


def test_a_minute_holds_no_more_than_its_limit_wherever_it_begins() -> None:
    """The window slides: the 31st request waits until the first is a minute old."""
    clock = Clock()
    quota = Quota(enforced=True, clock=clock)
    quota.admit(MODEL, 1)
    clock.now += 20
    for _ in range(29):
        quota.admit(MODEL, 1)
    with pytest.raises(Refusal) as caught:
        quota.admit(MODEL, 1)
    assert caught.value.status == 429
    assert caught.value.headers["retry-after"] == "40"
    clock.now += 40
    quota.admit(MODEL, 1)
    with pytest.raises(Refusal):
        quota.admit(MODEL, 1)


def test_tokens_of_answers_count_and_a_wait_of_retry_after_suffices() -> None:
    """The time that a refusal names is enough, and not a second more than needed."""
    clock = Clock()
    quota = Quota(enforced=True, clock=clock)
    quota.admit(MODEL, 2000)
    clock.now += 5
    quota.spent(MODEL, 3900)
    with pytest.raises(Refusal) as caught:
        quota.admit(MODEL, 1500)
    assert caught.value.type == "tokens"
    assert caught.value.headers["retry-after"] == "55"
    clock.now += 54
    with pytest.raises(Refusal):
        quota.admit(MODEL, 1500)
    clock.now += 1
    quota.admit(MODEL, 1500)
    assert quota.headers(MODEL)["x-ratelimit-remaining-tokens"] == "600"


def test_more_tokens_than_a_minute_ever_has_is_a_413() -> None:
    """Waiting would not help."""
    with pytest.raises(Refusal) as caught:
        Quota(enforced=True).admit(MODEL, 6001)
    assert caught.value.status == 413


def test_reported_limits_do_not_bite() -> None:
    """The default of notebooks: the numbers are told, nothing is refused, nothing is negative."""
    quota = Quota(enforced=False)
    for _ in range(40):
        quota.admit(MODEL, 1000)
    assert quota.headers(MODEL)["x-ratelimit-remaining-tokens"] == "0"


def test_what_is_over_is_forgotten_though_nobody_asks() -> None:
    """A batch of 50,000 lines leaves no trace of each: limits that do not bite are never asked."""
    clock = Clock()
    quota = Quota(enforced=False, clock=clock).for_batches()
    for _ in range(5000):
        quota.admit(MODEL, 1)
        clock.now += 1
    assert MODEL is not None
    counts = quota._counts(MODEL, "on_demand")
    kept = [counts.requests["RPM"], counts.tokens["TPM"]]
    assert all(isinstance(window, Window) and len(window._events) <= 60 for window in kept)


def test_models_have_their_own_counts_and_the_local_one_has_none() -> None:
    """One model's use is not another's; the local name is unlimited."""
    quota = Quota(enforced=True)
    for _ in range(30):
        quota.admit(MODEL, 1)
    quota.admit(catalog.find("llama-3.3-70b-versatile"), 1)
    for _ in range(100):
        quota.admit(None, 10**6)
    assert quota.headers(None) == {}


WHISPER = catalog.find("whisper-large-v3")  # RPM 20, RPD 2,000, ASH 7,200, ASD 28,800


def test_audio_is_limited_by_its_seconds() -> None:
    """In any hour, and in a day whose allowance flows back."""
    clock = Clock()
    quota = Quota(enforced=True, clock=clock)
    quota.admit(WHISPER, 0, audio_seconds=7000)
    with pytest.raises(Refusal) as caught:
        quota.admit(WHISPER, 0, audio_seconds=201)
    assert caught.value.type == "audio"
    assert "ASH" in caught.value.message
    assert caught.value.headers["retry-after"] == "3600"
    quota.admit(WHISPER, 0, audio_seconds=200)
    for _ in range(3):
        clock.now += 3601
        quota.admit(WHISPER, 0, audio_seconds=7000)
    clock.now += 3601
    with pytest.raises(Refusal) as caught:
        quota.admit(WHISPER, 0, audio_seconds=7200)
    assert "ASD" in caught.value.message
    assert "x-ratelimit-limit-tokens" not in quota.headers(WHISPER)
    assert quota.headers(WHISPER)["x-ratelimit-limit-requests"] == "2000"


def test_the_day_has_its_own_limit_of_tokens() -> None:
    """TPD bites where every minute was within TPM."""
    clock = Clock()
    quota = Quota(enforced=True, clock=clock)
    model = catalog.find("llama-3.3-70b-versatile")  # TPM 12,000, TPD 100,000
    for _ in range(8):
        quota.admit(model, 12_000)
        clock.now += 60
    with pytest.raises(Refusal) as caught:
        quota.admit(model, 12_000)
    assert "TPD" in caught.value.message
    wait = int(caught.value.headers["retry-after"])
    clock.now += wait
    quota.admit(model, 12_000)


def test_flex_has_ten_times_the_limits_and_windows_of_its_own() -> None:
    """What flex uses does not count for the normal tier, and the other way round."""
    quota = Quota(enforced=True, clock=Clock())
    for _ in range(300):
        assert quota.admit(MODEL, 1, "flex") == "flex"
    with pytest.raises(Refusal) as caught:
        quota.admit(MODEL, 1, "flex")
    assert caught.value.status == 429
    assert quota.admit(MODEL, 1) == "on_demand"


def test_auto_goes_on_with_flex_when_the_normal_limits_are_used_up() -> None:
    """Thirty the normal way, three hundred more as flex."""
    quota = Quota(enforced=True, clock=Clock())
    tiers = [quota.admit(MODEL, 1, "auto") for _ in range(330)]
    assert tiers == ["on_demand"] * 30 + ["flex"] * 300
    with pytest.raises(Refusal):
        quota.admit(MODEL, 1, "auto")


@pytest.mark.parametrize("enforced", [True, False])
def test_flex_without_a_place_is_a_498_that_counts_for_nothing(enforced: bool) -> None:
    """Real capacity, under any plan; the normal tier would wait instead."""
    quota = Quota(enforced=enforced, clock=Clock())
    with pytest.raises(Refusal) as caught:
        quota.admit(MODEL, 1, "flex", has_place=False)
    assert caught.value.status == 498
    assert caught.value.headers["x-ratelimit-remaining-requests"] == "14400"
    assert quota.admit(MODEL, 1, "auto", has_place=False) == "on_demand"
    assert quota.admit(MODEL, 1, has_place=False) == "on_demand"


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0s"),
        (0.0004, "0.4ms"),
        (0.5, "500ms"),
        (7.66, "7.66s"),
        (60, "1m0s"),
        (86400, "24h0m0s"),
    ],
)
def test_durations_are_written_as_documented(seconds: float, written: str) -> None:
    """Go's way, to the hundredth."""
    assert duration(seconds) == written
