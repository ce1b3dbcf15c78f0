"""Labelled items as a Python iterator, for threads and for event loops.

import streams

for item in streams.subscribe(topics=["sport"], regions=["TR"], languages=["tr"]):
    print(item.headlines[0].value, item.topics, item.countries)

async with streams.subscribe_async(topics=["sport"]) as items:
    async for item in items:
        print(item.headlines[0].value)
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypedDict, TypeVar, Unpack

from streams.errors import InvalidError
from streams.kafka.reader import Reader, Start
from streams.kafka.selection import chosen, kafka_topics_for, selection
from streams.kafka.subscription import Subscription

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streams.articles import LabelledArticle
    from streams.kafka.connection import Where
    from streams.kafka.link import Record
    from streams.wire import Labels

DEFAULT_BOOTSTRAP_SERVERS = "127.0.0.1:9092"  # the embedded broker's

Result = TypeVar("Result")

log = logging.getLogger(__name__)


class Wanted(TypedDict, total=False):
    """The arguments of `subscribe`."""

    topics: Iterable[str]
    regions: Iterable[str]
    languages: Iterable[str]
    min_confidence: int
    start: Start | None
    group: str | None
    limit: int | None
    follow: bool
    bootstrap_servers: Where
    labels: Labels | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """The same with their defaults; another name is a TypeError, as it is of any function."""

    topics: Iterable[str] = ()
    regions: Iterable[str] = ()
    languages: Iterable[str] = ()
    min_confidence: int = 0
    start: Start | None = None
    group: str | None = None
    limit: int | None = None
    follow: bool = True
    bootstrap_servers: Where = DEFAULT_BOOTSTRAP_SERVERS
    labels: Labels | None = None


class AsyncSubscription:
    """The same for an event loop: an asynchronous context manager and iterator. Kafka is spoken to in a thread.

    A wait that is given up (`asyncio.timeout`, a cancelled task) loses nothing: the item comes with the next one.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._thread = ThreadPoolExecutor(1, "newswire-subscription")
        self._items: Subscription | None = None
        self._next: asyncio.Future[LabelledArticle | None] | None = None

    @property
    def record(self) -> Record | None:
        """What brought the item that was delivered last."""
        return self._items.record if self._items else None

    async def __aenter__(self) -> Self:
        """Connects. Raises InvalidError, TransientError as `subscribe` does."""
        try:
            await self._run(self._open)
        except BaseException:
            self._thread.submit(self._close)  # behind the connecting, which nothing interrupts
            self._thread.shutdown(wait=False)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stores the group's place and leaves; an item that was fetched and not delivered comes again."""
        items = self._items
        if items is not None:
            items.interrupt()
            await self._run(self._close)
        if self._next is not None:
            await asyncio.wait([self._next])
            self._next.exception()  # nobody waits for it any more
        self._thread.shutdown()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> LabelledArticle:
        """The next item, waiting for it. Raises StopAsyncIteration at the end, TransientError where Kafka refuses."""
        items = self._items
        if items is None:
            raise RuntimeError("use it in `async with`: that is where it connects")
        if self._next is None:
            self._next = asyncio.ensure_future(self._run(lambda: next(items, None)))
        done, _ = await asyncio.wait([self._next])  # leaves the future alone where this wait is cancelled
        self._next = None
        item = done.pop().result()
        if item is None:
            raise StopAsyncIteration
        return item

    def _open(self) -> None:
        self._items = subscribe(**self._wanted)

    def _close(self) -> None:
        if self._items is not None:
            self._items.close()

    async def _run(self, call: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)


def subscribe(**wanted: Unpack[Wanted]) -> Subscription:
    """Labelled items as they come, each once.

    topics: slugs such as "sport". regions: slugs such as "western-asia", or countries such as "TR". languages: BCP 47
    tags, as detected. Within one kind any value will do, between kinds all must hold. min_confidence: 0-100, of the
    labels asked for (of the main topic where none is). start: "earliest", "latest" or an aware datetime; by default
    latest, and earliest for a group that is new. group: items are shared out among its members and its place is kept:
    an item whose loop body has ended is not delivered again, one whose body was left by an exception or `break` is.
    limit: stop after so many. follow=False: stop at what is the end now. labels: the tables of labels; without them a
    country is looked for in `news.labelled` instead of its region's stream.

    The connection is made before this returns, so "latest" means now. Raises InvalidError for a wrong argument,
    TransientError where Kafka cannot be reached or a stream does not exist.
    """
    asked = _Asked(**wanted)
    if asked.limit is not None and asked.limit < 1:
        raise InvalidError(f"limit is a count of items, not {asked.limit}")
    filters = selection(asked.topics, asked.regions, asked.languages, asked.min_confidence)
    reading = kafka_topics_for(filters, asked.labels)
    start = asked.start or ("earliest" if asked.group else "latest")
    reader = Reader(asked.bootstrap_servers, reading, start=start, group=asked.group)

    def choose(record: Record) -> LabelledArticle | None:
        """None also for a record that is no labelled item: anybody may write to these topics."""
        try:
            return chosen(record, filters, reading, asked.labels)
        except InvalidError as error:
            log.warning("%s-%d@%d passed over: %s", record.kafka_topic, record.partition, record.offset, error)
            return None

    return Subscription(reader, choose, limit=asked.limit, follow=asked.follow)


def subscribe_async(**wanted: Unpack[Wanted]) -> AsyncSubscription:
    """`subscribe` for an event loop, with the same arguments; `async with` connects, so "latest" means then."""
    return AsyncSubscription(wanted)
