"""One poll of one feed: fetch, parse, select what is new, complete it from its page, and plan the next poll.

It gives batches, each of items and the state that knows them. Who runs it stores both in one transaction before it
asks for the next batch; a poll that is cut off is done again from the last state that was stored.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from streams.errors import InvalidError
from streams.http_answers import FEED, PAGE
from streams.http_outcomes import Failed, Fetched, NotModified
from streams.sources.charset import in_utf8
from streams.sources.feed_entries import Seen
from streams.sources.feed_items import Publisher, outcome_of
from streams.sources.feed_schedule import Wishes, after_failure, after_success

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from streams.articles import Article
    from streams.http import Client
    from streams.http_outcomes import Outcome
    from streams.http_politeness import Clock
    from streams.sources.base import Rejected
    from streams.sources.feed_entries import FeedEntry
    from streams.sources.feed_fields import ParsedFeed
    from streams.sources.feed_state import FeedState
    from streams.sources.robots import Robots

FULL_TEXT_LETTERS = 1000  # 42 % of entries of real feeds carry so much themselves: no page is fetched for them
BATCH_ENTRIES = 500
BATCH_PAGES = (
    5  # entries a batch where each costs a page: with 5 s between pages nothing waits longer than half a minute
)
MAX_PAGES = 50  # of one poll: four minutes of one host; the entries beyond come with the feed's own text


class Feed(NamedTuple):
    """A feed as its operator names it. `interval_seconds` None: adapted to what it brings."""

    name: str  # what its state is stored under
    url: str
    source: str | None = None  # name of the publisher; None: the title of the feed
    language: str | None = None
    country: str | None = None
    interval_seconds: float | None = None
    full_text: bool = False  # fetch the page of an entry whose own text is short
    robots: bool = True  # ask robots.txt


class Tools(NamedTuple):
    """What a poll works with. `parse(body, url, charset)` and `extract(page)` raise InvalidError."""

    client: Client
    robots: Robots
    parse: Callable[[bytes, str, str | None], Awaitable[ParsedFeed]]
    extract: Callable[[bytes], Awaitable[str]]
    clock: Clock
    chance: Callable[[], float]  # in [0, 1)


class Polled(NamedTuple):
    """What came of a poll: `result` is "fetched", "not_modified", "no_feed" or a Reason of http_outcomes."""

    result: str
    message: str = ""  # of a failure
    shown: int = 0  # entries in the document
    new: int = 0
    changed: int = 0


class Batch(NamedTuple):
    """Items and the state that knows them; `polled` in the last one of a poll."""

    outcomes: list[Article | Rejected]
    state: FeedState
    polled: Polled | None = None


async def poll(feed: Feed, state: FeedState, tools: Tools) -> AsyncIterator[Batch]:
    """The batches of one poll; never raises for what a server or a document does."""
    found = await _fetch(feed, state, tools)
    now = tools.clock.time()
    state = msgspec.structs.replace(state, new_at=state.new_at or now)
    if isinstance(found, Failed):
        plan = after_failure(state.plan, found.reason, found.retry_after, now, tools.chance())
        yield Batch([], state.with_plan(plan), Polled(found.reason, found.message))
        return
    if isinstance(found, NotModified):
        wishes = Wishes(feed.interval_seconds, state.ttl, found.fresh_seconds)
        plan = after_success(state.plan, 0, 0, wishes, now, tools.chance())
        yield Batch([], state.with_validators(found.validators).with_plan(plan), Polled("not_modified"))
        return
    try:
        parsed = await tools.parse(found.body, found.url, found.charset)
    except InvalidError as error:
        plan = after_failure(state.plan, None, None, now, tools.chance())
        yield Batch([], state.with_plan(plan), Polled("no_feed", f"{found.url}: {error}"))
        return
    async for batch in _batches(feed, state, parsed, found, tools):
        yield batch


async def _fetch(feed: Feed, state: FeedState, tools: Tools) -> Outcome:
    refused = await tools.robots.refusal(feed.url) if feed.robots else None
    if refused:
        return refused
    gap = await tools.robots.gap_seconds(feed.url)
    validators = state.validators(tools.clock.time())
    return await tools.client.get(feed.url, FEED, validators=validators, gap_seconds=gap)


async def _batches(
    feed: Feed, state: FeedState, parsed: ParsedFeed, found: Fetched, tools: Tools
) -> AsyncIterator[Batch]:
    """What is new, oldest first, and at the end the state with the new validators and the next poll."""
    seen, shown = Seen(state.seen), len(parsed.entries)
    publisher = Publisher(feed.source or parsed.title or feed.name, feed.language or parsed.language, feed.country)
    fresh = seen.select(parsed.entries, found.url, feed.name)
    new = changed = 0
    while True:
        entries = list(islice(fresh, BATCH_PAGES if feed.full_text else BATCH_ENTRIES))
        if feed.full_text:
            pages = MAX_PAGES - new - changed
            entries = [await _completed(e, feed, tools) if n < pages else e for n, e in enumerate(entries)]
        now = tools.clock.time()
        moment = datetime.fromtimestamp(now, UTC)
        outcomes = [outcome_of(entry, publisher, moment) for entry in entries]
        changed += sum(entry.revision > 0 for entry in entries)
        new += sum(entry.revision == 0 for entry in entries)
        state = msgspec.structs.replace(state, new_at=now if entries else state.new_at)
        if len(entries) < (BATCH_PAGES if feed.full_text else BATCH_ENTRIES):
            break
        yield Batch(outcomes, msgspec.structs.replace(state, seen=seen.packed()))
    wishes = Wishes(feed.interval_seconds, parsed.ttl_seconds, found.fresh_seconds)
    plan = after_success(state.plan, new + changed, shown, wishes, now, tools.chance())
    state = msgspec.structs.replace(state, seen=seen.packed(shown), fetched_at=now, ttl=parsed.ttl_seconds)
    state = state.with_validators(found.validators).with_plan(plan)
    yield Batch(outcomes, state, Polled("fetched", "", shown, new, changed))


async def _completed(entry: FeedEntry, feed: Feed, tools: Tools) -> FeedEntry:
    """The entry with the text of its page, where its own is short and the page gives more."""
    if len(entry.text) >= FULL_TEXT_LETTERS or not entry.url:
        return entry
    if feed.robots and await tools.robots.refusal(entry.url):
        return entry
    found = await tools.client.get(entry.url, PAGE, gap_seconds=await tools.robots.gap_seconds(entry.url))
    if not isinstance(found, Fetched):
        return entry
    try:
        text = await tools.extract(in_utf8(found.body, found.charset))
    except InvalidError:
        return entry
    return entry._replace(text=text) if len(text) > len(entry.text) else entry
