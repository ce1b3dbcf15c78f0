"""When a feed is polled next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.sources.feed_schedule import MAX_SECONDS, MIN_SECONDS, Plan, Wishes, after_failure, after_success, is_due

NOW = 1_750_000_000.0
HOUR = 3600.0


def success(plan: Plan, new: int, shown: int, wishes: Wishes | None = None, chance: float = 0.5) -> Plan:
    return after_success(plan, new, shown, wishes or Wishes(), NOW, chance)


def test_a_feed_that_brings_something_is_asked_sooner_and_one_that_does_not_later() -> None:
    plan = Plan(interval=HOUR)
    few, third, most, none = (success(plan, new, 30).interval for new in (1, 15, 25, 0))
    assert most < third < few < HOUR < none
    assert success(plan, 0, 0).interval == none


def test_the_interval_stays_between_ten_minutes_and_a_day() -> None:
    busy = quiet = Plan()
    for _ in range(50):
        busy, quiet = success(busy, 30, 30), success(quiet, 0, 30)
    assert busy.interval == MIN_SECONDS == 600.0
    assert quiet.interval == MAX_SECONDS == 86_400.0


def test_the_interval_settles_where_half_the_polls_bring_something() -> None:
    """An item every two hours: no poll every ten minutes, none a day late."""
    plan, now, last = Plan(), NOW, NOW
    intervals = []
    for _ in range(300):
        new = int(now // (2 * HOUR)) - int(last // (2 * HOUR))
        last = now
        plan = after_success(plan, new, 30, Wishes(), now, 0.5)
        now = plan.next_at
        intervals.append(plan.interval)
    settled = intervals[100:]
    assert HOUR / 2 < sum(settled) / len(settled) < 3 * HOUR


@pytest.mark.parametrize("wishes", [Wishes(ttl=4 * HOUR), Wishes(fresh=4 * HOUR), Wishes(ttl=HOUR, fresh=4 * HOUR)])
def test_ttl_and_freshness_hold_the_next_poll_back(wishes: Wishes) -> None:
    plan = success(Plan(interval=HOUR), 1, 30, wishes)
    assert plan.next_at == NOW + 4 * HOUR
    assert plan.interval < HOUR


def test_a_wish_for_a_month_is_granted_for_a_day() -> None:
    assert success(Plan(), 0, 30, Wishes(ttl=30 * MAX_SECONDS)).next_at == NOW + MAX_SECONDS


def test_a_fixed_interval_is_kept() -> None:
    assert success(Plan(), 30, 30, Wishes(fixed=120.0, ttl=4 * HOUR)).next_at == NOW + 120.0


def test_jitter_spreads_polls_by_a_tenth_to_each_side() -> None:
    times = [
        success(Plan(interval=HOUR), 0, 30, Wishes(fixed=HOUR), chance).next_at - NOW for chance in (0.0, 0.5, 0.999)
    ]
    assert times[0] == pytest.approx(0.9 * HOUR)
    assert times[1] == HOUR
    assert times[2] == pytest.approx(1.1 * HOUR, rel=0.001)


@pytest.mark.parametrize("reason", ["not_found", "gone", "server_error", "dns", "tls", "forbidden", None])
def test_a_failing_feed_is_asked_ever_more_seldom_and_never_given_up(reason: str | None) -> None:
    plan, pauses = Plan(interval=HOUR), []
    now = NOW
    for _ in range(1000):
        plan = after_failure(plan, reason, None, now, 0.0)  # type: ignore[arg-type]
        pauses.append(plan.next_at - now)
        now = plan.next_at
    assert pauses == sorted(pauses)
    assert pauses[-1] == MAX_SECONDS
    assert plan.interval == HOUR


def test_soft_failures_weigh_less_than_hard_ones() -> None:
    pauses = [after_failure(Plan(), reason, None, NOW, 0.0).next_at for reason in ("dns", "not_found", "tls")]
    assert pauses == sorted(pauses)
    assert len(set(pauses)) == 3


def test_a_feed_that_comes_back_is_polled_as_before() -> None:
    plan = Plan(interval=HOUR)
    for _ in range(30):
        plan = after_failure(plan, "gone", None, NOW, 0.0)
    back = success(plan, 1, 30)
    assert back.failures == 0.0
    assert back.next_at - NOW < HOUR


def test_retry_after_decides_within_ten_minutes_and_a_day() -> None:
    for asked, pause in ((1.0, MIN_SECONDS), (2 * HOUR, 2 * HOUR), (10 * MAX_SECONDS, MAX_SECONDS)):
        assert after_failure(Plan(), "rate_limited", asked, NOW, 0.0).next_at == NOW + pause
    assert after_failure(Plan(), "rate_limited", 2 * HOUR, NOW, 0.99).next_at > NOW + 2.9 * HOUR


def test_a_poll_is_due_when_its_time_has_come() -> None:
    assert is_due(Plan(), NOW)
    assert is_due(Plan(next_at=NOW), NOW)
    assert not is_due(Plan(next_at=NOW + 1), NOW)


def test_a_clock_set_back_makes_a_poll_due_and_one_set_forward_too() -> None:
    plan = success(Plan(), 0, 30)
    assert is_due(plan, NOW - 30 * MAX_SECONDS)
    assert is_due(plan, NOW + 30 * MAX_SECONDS)


@given(
    st.builds(Plan, next_at=st.floats(0, 2e9), interval=st.floats(600, 86400), failures=st.floats(0, 16)),
    st.sampled_from(["dns", "gone", "rate_limited", None]),
    st.one_of(st.none(), st.floats(0, 86400)),
    st.floats(0, 1, exclude_max=True),
)
def test_the_next_poll_is_never_nearer_than_ten_minutes_nor_further_than_a_day_and_a_half(
    plan: Plan, reason: str | None, retry_after: float | None, chance: float
) -> None:
    failed = after_failure(plan, reason, retry_after, NOW, chance)  # type: ignore[arg-type]
    fetched = after_success(plan, 1, 30, Wishes(fresh=retry_after), NOW, chance)
    for made in (failed, fetched):
        assert 0.9 * MIN_SECONDS <= made.next_at - NOW <= 1.5 * MAX_SECONDS
        assert not is_due(made, NOW)
