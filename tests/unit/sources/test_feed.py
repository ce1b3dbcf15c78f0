"""Many feeds polled by one process: each in its time, none waits for another host, what is stored is what was published."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from streams.errors import InvalidError, TransientError
from streams.sources.feed_poll import Feed
from streams.sources.feed_state import FeedState, encode_state
from streams.wire import ARTICLES, DEAD_LETTERS
from tests.servers.clock import FastClock, JumpingClock
from tests.servers.feeds import ChangingFeed
from tests.servers.polling import Memory, polling
from tests.servers.web import always, serving

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT = 90.0


async def until(condition: Callable[[], object], what: str) -> None:
    """Waits for a condition, in this loop."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(TIMEOUT):
            while not condition():  # noqa: ASYNC110 - the condition is a server's, which knows no event of ours
                await asyncio.sleep(0.02)
            return
    pytest.fail(f"{what} (waited {TIMEOUT:g} s)")


def test_once_polls_every_feed_once_due_or_not() -> None:
    async def test() -> None:
        one, two = ChangingFeed("one"), ChangingFeed("two")
        one.add(3)
        two.add(2)
        async with serving({"/one": one.answer, "/two": two.answer}) as site:
            feeds = [Feed(name, site.url(f"/{name}")) for name in ("one", "two")]
            memory = Memory()
            for _ in range(2):
                async with polling(feeds, memory, JumpingClock()) as poller:
                    await poller.run(once=True)
            assert len(memory.uris) == len(set(memory.uris)) == 5
            assert set(memory.positions) == {"feed:one", "feed:two"}
            assert [r.polled.result for r in memory.reports] == ["fetched", "fetched", "not_modified", "not_modified"]
            assert [r.published for r in memory.reports] == [3, 2, 0, 0]

    asyncio.run(test())


def test_records_are_articles_of_the_class_feed_and_dead_letters() -> None:
    async def test() -> None:
        body = "<rss version='2.0'><channel><item><title>Sound</title></item><item><guid>a-guid-1</guid></item></channel></rss>"
        async with serving({"/feed": always(body)}) as site:
            memory = Memory()
            async with polling([Feed("one", site.url("/feed"))], memory, JumpingClock()) as poller:
                await poller.run(once=True)
            by_topic = {output.kafka_topic: dict(output.headers) for output in memory.outputs}
            assert by_topic[ARTICLES]["ce_source"] == b"urn:newswire:feed"
            assert by_topic[DEAD_LETTERS]["newswire-error-source"] == b"feed:one"
            assert (memory.reports[0].published, memory.reports[0].dead) == (1, 1)

    asyncio.run(test())


def test_for_ever_polls_each_feed_as_often_as_it_brings_something() -> None:
    async def test() -> None:
        clock = FastClock(speed=20_000.0)
        busy, quiet = ChangingFeed("busy", validators=False), ChangingFeed("quiet", validators=False)
        quiet.add()
        async with (
            serving({"/busy": busy.answer}, "127.0.0.2") as a,
            serving({"/quiet": quiet.answer}, "127.0.0.3") as b,
        ):
            memory = Memory()
            feeds = [Feed("busy", a.url("/busy")), Feed("quiet", b.url("/quiet"))]
            async with polling(feeds, memory, clock) as poller:
                run = asyncio.create_task(poller.run())
                for polls in range(1, 31):
                    busy.add()
                    await until(lambda polls=polls: len(busy.requests) > polls, "the busy feed is not polled")
                assert len(busy.requests) > 2 * len(quiet.requests)
                run.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await run
            assert len(memory.uris) == len(set(memory.uris))
            assert len(memory.uris) >= 30

    asyncio.run(test())


def test_a_host_that_hangs_holds_no_other_up() -> None:
    async def test() -> None:
        gate = asyncio.Event()

        async def hanging(_: object) -> object:
            await gate.wait()
            return await always("<rss version='2.0'><channel/></rss>")(None)  # type: ignore[arg-type]

        sound = ChangingFeed("sound")
        sound.add()
        handlers = {"/robots.txt": always("", 404), "/feed": hanging}
        async with serving(handlers, "127.0.0.2") as a, serving({"/feed": sound.answer}, "127.0.0.3") as b:  # type: ignore[dict-item]
            memory = Memory()
            feeds = [*(Feed(f"slow-{n}", a.url("/feed")) for n in range(100)), Feed("sound", b.url("/feed"))]
            async with polling(feeds, memory, FastClock(1000.0)) as poller:
                run = asyncio.create_task(poller.run(once=True))
                await until(lambda: memory.uris, "the sound feed waits for the one that hangs")
                gate.set()
                await run
            assert len(memory.positions) == 101

    asyncio.run(test())


def test_what_could_not_be_stored_is_not_taken_for_published() -> None:
    async def test() -> None:
        feed = ChangingFeed("one")
        feed.add(3)
        async with serving({"/one": feed.answer}) as site:
            memory = Memory()
            memory.fail = TransientError("Kafka is away")
            feeds = [Feed("one", site.url("/one"))]
            async with polling(feeds, memory, JumpingClock()) as poller:
                with pytest.raises(TransientError, match="Kafka is away"):
                    await poller.run(once=True)
                assert memory.positions == {}
                assert memory.reports == []
                memory.fail = None
                await poller.run(once=True)
            assert len(memory.uris) == 3

    asyncio.run(test())


def test_a_stored_position_that_is_damaged_is_said_before_anything_starts() -> None:
    async def test() -> None:
        memory = Memory()
        memory.positions["feed:one"] = b'{"line": 3}'
        with pytest.raises(InvalidError, match="the stored position of one is not a feed's"):
            async with polling([Feed("one", "http://127.0.0.1:9/feed")], memory, JumpingClock()):
                pytest.fail("it started")

    asyncio.run(test())


def test_silent_feeds_are_counted() -> None:
    async def test() -> None:
        clock = JumpingClock()
        memory = Memory()
        feeds = [Feed(name, "http://127.0.0.1:9/feed") for name in ("a", "b")]
        for feed, days in zip(feeds, (1, 10), strict=True):
            state = FeedState(url=feed.url, new_at=clock.now - days * 86_400)
            memory.positions[f"feed:{feed.name}"] = encode_state(state)
        async with polling(feeds, memory, clock) as poller:
            assert poller.silent() == 1
            await poller.run(once=True)
        assert [report.silent for report in memory.reports] == [1, 1]

    asyncio.run(test())
