"""Rate limits, by a clock of the test's own."""

from __future__ import annotations

import pytest

from groqnb import catalog
from groqnb.local.quota import Quota, duration
from groqnb.local.refusal import Refusal

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


def test_models_have_their_own_counts_and_the_local_one_has_none() -> None:
    """One model's use is not another's; the local name is unlimited."""
    quota = Quota(enforced=True)
    for _ in range(30):
        quota.admit(MODEL, 1)
    quota.admit(catalog.find("llama-3.3-70b-versatile"), 1)
    for _ in range(100):
        quota.admit(None, 10**6)
    assert quota.headers(None) == {}


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
