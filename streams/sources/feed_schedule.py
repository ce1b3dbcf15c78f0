"""When a feed is polled next. Pure: the time and the randomness are arguments.

A feed that brings something is asked sooner, one that does not later, between ten minutes and a day. A failing feed is
asked ever more seldom, down to once a day, and never given up: active feeds answer 404 and 410 for weeks and come back
(Media Cloud raised its limit from 4 to 30 failures, then stopped disabling feeds at all).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from streams.http_outcomes import Reason

MIN_SECONDS = 600.0
MAX_SECONDS = 86_400.0
FIRST_SECONDS = 3600.0
JITTER = 0.1  # feeds that were added together must not stay together
LIMITED_JITTER = 0.5  # who was told 429 together must not come back together
# New entries as a share of the feed. Over a third new: soon one will be missed. Over two thirds: some may have been.
MANY, MOST = 1 / 3, 2 / 3
FASTER, SLOWER = 0.75, 1.25
# A failure counts by how likely it passes: a name service hiccups, a server has its day, a certificate stays expired
_WEIGHTS: dict[str, float] = {
    "dns": 0.25,
    "rate_limited": 0.0,  # not a failure of the feed: Retry-After and the jitter do what is needed
    "not_found": 0.5,
    "gone": 0.5,
    "server_error": 0.5,
    "timeout": 0.5,
    "connect": 0.5,
}
_HARD = 1.0
_MOST_FAILURES = 16.0  # beyond this the pause is a day anyhow


class Plan(NamedTuple):
    """A feed's place in time: unix seconds of the next poll, seconds between polls while all is well, failures."""

    next_at: float = 0.0
    interval: float = FIRST_SECONDS
    failures: float = 0.0


class Wishes(NamedTuple):
    """What the feed or its operator asks for, in seconds: a fixed interval, <ttl>, freshness of the answer."""

    fixed: float | None = None
    ttl: float | None = None
    fresh: float | None = None


def is_due(plan: Plan, now: float) -> bool:
    """Whether to poll now. A time further off than any pause can be means that the clock was set back."""
    return plan.next_at <= now or plan.next_at - now > MAX_SECONDS * (1 + LIMITED_JITTER)


def after_success(plan: Plan, new: int, shown: int, wishes: Wishes, now: float, chance: float) -> Plan:
    """After a poll that brought `new` entries of `shown` (0 of 0 where nothing was modified); `chance` in [0, 1)."""
    interval = plan.interval * _factor(new / shown if shown else 0.0)
    interval = min(max(interval, MIN_SECONDS), MAX_SECONDS)
    pause = max(interval, *(min(wish, MAX_SECONDS) for wish in (wishes.ttl, wishes.fresh) if wish), MIN_SECONDS)
    pause = wishes.fixed or pause
    return Plan(now + pause * (1 + JITTER * (2 * chance - 1)), interval, 0.0)


def after_failure(plan: Plan, reason: Reason | None, retry_after: float | None, now: float, chance: float) -> Plan:
    """After a poll that failed; `reason` None: it was fetched and is no feed."""
    failures = min(plan.failures + _WEIGHTS.get(reason or "", _HARD), _MOST_FAILURES)
    pause = min(plan.interval * 2**failures, MAX_SECONDS)
    if retry_after is not None:
        pause = min(max(retry_after, MIN_SECONDS), MAX_SECONDS)
    jitter = LIMITED_JITTER if reason == "rate_limited" else JITTER
    return Plan(now + pause * (1 + jitter * chance), plan.interval, failures)


def _factor(share: float) -> float:
    if share > MOST:
        return FASTER / 3
    if share > MANY:
        return FASTER / 1.5
    return FASTER if share > 0 else SLOWER
