"""The feeds of an operator, polled for ever or once: one task a host, so that no feed waits for a stranger.

Items and the feed's new state go to Kafka in one transaction; only then is the state used. A process that is killed
loses nothing and publishes nothing twice: its successor reads the states back and goes on.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, cast

import yarl

from streams.errors import TransientError
from streams.sources.base import record_of
from streams.sources.feed_poll import poll
from streams.sources.feed_schedule import is_due
from streams.sources.feed_state import KEY_PREFIX, decode_state, encode_state, is_silent
from streams.wire import ARTICLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from streams.kafka.link import Output
    from streams.sources.base import Source
    from streams.sources.feed_committer import Committer
    from streams.sources.feed_poll import Batch, Feed, Polled, Tools
    from streams.sources.feed_state import FeedState

POLLS_AT_ONCE = 50
_LONGEST_SLEEP = 60.0  # so that a clock that is set is noticed within a minute


class Origin(NamedTuple):
    """What a record says of where it came from."""

    name: str
    kind: str = "feed"


class Report(NamedTuple):
    """One poll, for the log and the metrics; what it published is committed."""

    feed: Feed
    polled: Polled
    state: FeedState
    published: int
    dead: int
    silent: int  # of all feeds, those that have brought nothing for days


class Poller:
    """Polls feeds. `positions`: every state by key, as read at the start. Raises InvalidError: one is damaged."""

    def __init__(
        self,
        feeds: Sequence[Feed],
        positions: Mapping[str, bytes],
        tools: Tools,
        committer: Committer,
        report: Callable[[Report], None],
    ) -> None:
        self._tools = tools
        self._committer = committer
        self._report = report
        self._states = {feed.name: positions.get(KEY_PREFIX + feed.name) for feed in feeds}
        self._hosts: dict[str, list[Feed]] = {}
        self._new_at: dict[str, float] = {}
        for feed in feeds:
            # a damaged one is found now, not in the middle of the night
            self._new_at[feed.name] = self._state(feed).new_at
            self._hosts.setdefault(yarl.URL(feed.url).raw_host or "", []).append(feed)
        self._slots = asyncio.Semaphore(POLLS_AT_ONCE)

    async def run(self, *, once: bool = False) -> None:
        """Polls for ever, or each feed once, due or not. Raises TransientError where Kafka does not take the items."""
        work = self._poll_once if once else self._poll_on
        try:
            async with asyncio.TaskGroup() as group:
                for feeds in self._hosts.values():
                    group.create_task(work(feeds))
        except* TransientError as errors:
            raise cast("TransientError", errors.exceptions[0]) from None

    def silent(self) -> int:
        """How many feeds have brought nothing for days."""
        now = self._tools.clock.time()
        return sum(is_silent(new_at, now) for new_at in self._new_at.values())

    async def _poll_once(self, feeds: list[Feed]) -> None:
        for feed in feeds:
            await self._poll(feed)

    async def _poll_on(self, feeds: list[Feed]) -> None:
        clock = self._tools.clock
        while True:
            feed = min(feeds, key=lambda f: self._state(f).next_at)
            state = self._state(feed)
            if is_due(state.plan, clock.time()):
                await self._poll(feed)
            else:
                await clock.sleep(min(state.next_at - clock.time(), _LONGEST_SLEEP))

    async def _poll(self, feed: Feed) -> None:
        published = dead = 0
        async with self._slots:
            async for batch in poll(feed, self._state(feed), self._tools):
                outputs = self._records(feed, batch)
                position = encode_state(batch.state)
                await self._committer.commit(outputs, KEY_PREFIX + feed.name, position)
                # Dies here: items and state are committed, the next process starts behind them.
                self._states[feed.name] = position
                self._new_at[feed.name] = batch.state.new_at
                published += sum(output.kafka_topic == ARTICLES for output in outputs)
                dead += sum(output.kafka_topic != ARTICLES for output in outputs)
                if batch.polled:
                    self._report(Report(feed, batch.polled, batch.state, published, dead, self.silent()))

    def _records(self, feed: Feed, batch: Batch) -> list[Output]:
        origin = cast("Source", Origin(feed.name))
        return [record_of(outcome, origin, self._now) for outcome in batch.outcomes]

    def _now(self) -> str:
        return datetime.fromtimestamp(self._tools.clock.time(), UTC).isoformat(timespec="milliseconds")

    def _state(self, feed: Feed) -> FeedState:
        return decode_state(self._states[feed.name], feed.url, feed.name)
