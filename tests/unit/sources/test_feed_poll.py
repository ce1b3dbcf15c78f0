"""One poll of one feed against a server on loopback: what it gives, and when the next one is planned."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from streams.articles import Article, main_headline, main_text
from streams.http import Client, Limits
from streams.http_guard import allow_list
from streams.http_politeness import Politeness
from streams.sources.base import Rejected
from streams.sources.extract import Extractor
from streams.sources.feed_page import PageTexts
from streams.sources.feed_parse import parse_feed
from streams.sources.feed_poll import BATCH_PAGES, MAX_PAGES, Batch, Feed, Tools, poll
from streams.sources.feed_schedule import FIRST_SECONDS
from streams.sources.feed_state import FeedState, decode_state, encode_state, is_silent
from streams.sources.robots import Robots
from tests.servers.clock import JumpingClock
from tests.servers.feeds import ChangingFeed
from tests.servers.web import always, bomb, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from tests.servers.web import Handler, Site

PARAGRAPH = "The council met in the capital on Monday and agreed on a plan for the harbour, its chair said. "


class Bench:
    """A feed at a site, polled with a clock that jumps; the state goes through its stored form."""

    def __init__(self, site: Site, tools: Tools, clock: JumpingClock, **settings: object) -> None:
        self.site = site
        self.tools = tools
        self.clock = clock
        self.feed = Feed("example", site.url("/feed"), **settings)  # type: ignore[arg-type]
        self.stored: bytes | None = None

    @property
    def state(self) -> FeedState:
        return decode_state(self.stored, self.feed.url, self.feed.name)

    async def poll(self) -> list[Batch]:
        batches = [batch async for batch in poll(self.feed, self.state, self.tools)]
        self.stored = encode_state(batches[-1].state)
        assert [batch.polled is not None for batch in batches] == [*[False] * (len(batches) - 1), True]
        return batches

    async def articles(self) -> list[Article]:
        return [o for batch in await self.poll() for o in batch.outcomes if isinstance(o, Article)]

    async def result(self) -> str:
        polled = (await self.poll())[-1].polled
        assert polled is not None
        return polled.result


@contextlib.asynccontextmanager
async def bench(
    handlers: Mapping[str, Handler], limits: Limits | None = None, **settings: object
) -> AsyncIterator[Bench]:
    clock = JumpingClock()

    async def parse(body: bytes, url: str, charset: str | None) -> object:
        return parse_feed(body, url, charset)

    async with (
        PageTexts(Extractor()) as pages,
        serving(handlers) as site,
        Client(
            "test",
            allowed=allow_list(["127.0.0.0/8"]),
            limits=limits or Limits(total_seconds=60.0),
            clock=clock,
            politeness=Politeness(clock, 5.0),
        ) as client,
    ):
        tools = Tools(client, Robots(client, clock, "newswire"), parse, pages.text, clock, lambda: 0.5)  # type: ignore[arg-type]
        yield Bench(site, tools, clock, **settings)


def run_with(feed: ChangingFeed) -> dict[str, Handler]:
    return {"/feed": feed.answer}


def test_new_entries_become_articles_and_known_ones_do_not() -> None:
    async def test() -> None:
        feed = ChangingFeed("wire")
        feed.add(3)
        async with bench(run_with(feed), source="Example", language="en", country="GB") as b:
            first = await b.articles()
            assert [main_headline(a) for a in first] == [f"Story {n} of wire" for n in (1, 2, 3)]
            assert first[0].info_sources[0].name == "Example"
            assert first[0].language == "en"
            feed.add(2)
            assert [main_headline(a) for a in await b.articles()] == ["Story 4 of wire", "Story 5 of wire"]
            assert await b.result() == "not_modified"

    asyncio.run(test())


def test_without_validators_the_same_bytes_are_not_modified() -> None:
    async def test() -> None:
        feed = ChangingFeed("wire", validators=False)
        feed.add(3)
        async with bench(run_with(feed)) as b:
            assert await b.result() == "fetched"
            assert await b.result() == "not_modified"
            feed.add()
            assert len(await b.articles()) == 1

    asyncio.run(test())


def test_a_server_that_always_says_304_is_asked_without_validators_once_a_day() -> None:
    async def test() -> None:
        feed = ChangingFeed("wire")
        feed.add()

        async def lying(request: web.Request) -> web.Response:
            if "If-None-Match" in request.headers:
                return web.Response(status=304, headers={"ETag": '"forever"'})
            return web.Response(text=feed.document(""), headers={"ETag": '"forever"'})

        async with bench({"/feed": lying}) as b:
            assert len(await b.articles()) == 1
            feed.add(2)
            assert await b.result() == "not_modified"
            b.clock.now += 86_401
            assert len(await b.articles()) == 2

    asyncio.run(test())


def test_a_changed_entry_is_a_new_version_under_the_same_uri() -> None:
    async def test() -> None:
        feed = ChangingFeed("wire")
        feed.add(2)
        async with bench(run_with(feed)) as b:
            before = {main_headline(a): a for a in await b.articles()}
            feed.titles[1] = "Story 1, corrected"
            b.clock.now += 600
            (changed,) = await b.articles()
            assert changed.uri == before["Story 1 of wire"].uri
            assert (changed.version, main_headline(changed)) == ("2", "Story 1, corrected")
            assert changed.version_created > before["Story 1 of wire"].version_created

    asyncio.run(test())


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (404, "not_found"),
        (410, "gone"),
        (429, "rate_limited"),
        (500, "server_error"),
        (503, "server_error"),
        (403, "forbidden"),
    ],
)
def test_a_failing_feed_keeps_its_memory_and_comes_back(status: int, result: str) -> None:
    async def test() -> None:
        feed = ChangingFeed("wire")
        feed.add(2)
        async with bench(run_with(feed)) as b:
            await b.poll()
            feed.status = status
            for _ in range(40):
                assert await b.result() == result
                b.clock.now = max(b.state.next_at, b.clock.now)
            assert b.state.next_at <= b.clock.now + 1.5 * 86_400
            feed.status = 200
            feed.add()
            assert [main_headline(a) for a in await b.articles()] == ["Story 3 of wire"]
            assert b.state.failures == 0.0

    asyncio.run(test())


def test_retry_after_is_kept() -> None:
    async def test() -> None:
        feed = ChangingFeed("wire")
        feed.status, feed.headers = 503, {"Retry-After": "7200"}
        async with bench(run_with(feed)) as b:
            await b.poll()
            assert b.state.next_at - b.clock.now >= 7200

    asyncio.run(test())


def test_ttl_and_max_age_hold_the_next_poll_back() -> None:
    async def test() -> None:
        feed = ChangingFeed("wire")
        feed.headers = {"Cache-Control": "max-age=14400"}
        async with bench(run_with(feed)) as b:
            await b.poll()
            assert b.state.next_at - b.clock.now == 14_400

    asyncio.run(test())


@pytest.mark.parametrize(
    ("body", "content_type", "result"),
    [
        (b"<html><body>Under construction</body></html>", "text/html", "no_feed"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\r", "application/xml", "no_feed"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\r", "image/png", "content_type"),
        (b"", "text/xml", "no_feed"),
        (b"x" * (2 << 20), "text/xml", "too_large"),
    ],
)
def test_what_is_no_feed_is_a_failure_and_no_item(body: bytes, content_type: str, result: str) -> None:
    async def test() -> None:
        handlers = {"/feed": always(body, Content_Type=content_type)}
        async with bench(handlers, Limits(max_bytes=1 << 20, total_seconds=60.0)) as b:
            for _ in range(2):
                batches = await b.poll()
                assert [batch.outcomes for batch in batches] == [[]]
                assert batches[-1].polled is not None
                assert batches[-1].polled.result == result
            assert b.state.failures > 0
            assert b.state.next_at - b.clock.now > FIRST_SECONDS

    asyncio.run(test())


def test_a_bomb_is_a_failure_and_no_item() -> None:
    async def test() -> None:
        packed = bomb(64)
        async with bench({"/feed": always(packed, Content_Encoding="gzip", Content_Type="text/xml")}) as b:
            assert await b.result() == "too_large"

    asyncio.run(test())


def test_an_entry_that_cannot_be_saved_is_rejected_once_and_its_neighbours_live() -> None:
    async def test() -> None:
        lost = "\ufffd" * 50
        body = (
            "<rss version='2.0'><channel>"
            f"<item><guid>a-guid-1</guid><title>{lost}</title><description>{lost}</description></item>"
            "<item><guid>a-guid-2</guid></item><item><guid>a-guid-3</guid><title>Sound</title></item></channel></rss>"
        )
        async with bench({"/feed": always(body)}) as b:
            outcomes = [o for batch in await b.poll() for o in batch.outcomes]
            rejected = [o for o in outcomes if isinstance(o, Rejected)]
            assert [main_headline(o) for o in outcomes if isinstance(o, Article)] == ["Sound"]
            assert len(rejected) == 2
            assert any("U+FFFD" in r.message for r in rejected)
            assert await b.result() == "not_modified"

    asyncio.run(test())


def test_robots_txt_keeps_us_from_a_feed_unless_the_operator_knows_better() -> None:
    async def test() -> None:
        feed = ChangingFeed("wire")
        handlers = {**run_with(feed), "/robots.txt": always("User-agent: *\nDisallow: /feed\n")}
        async with bench(handlers) as b:
            assert await b.result() == "robots"
            assert not feed.requests
        async with bench(handlers, robots=False) as b:
            assert await b.result() == "fetched"

    asyncio.run(test())


def _page(paragraphs: int) -> str:
    text = "".join(f"<p>{PARAGRAPH}{n}</p>" for n in range(paragraphs))
    return f"<html><head><title>Story</title></head><body><nav>Home</nav><article>{text}</article></body></html>"


def test_a_short_entry_gets_the_text_of_its_page_where_the_feed_wants_that() -> None:
    async def test() -> None:
        feed = ChangingFeed("wire")
        feed.add(2)
        handlers = {**run_with(feed), "/wire/1": always(_page(12), Content_Type="text/html")}
        async with bench(handlers, full_text=True) as b:
            long, short = await b.articles()
            assert main_text(long).count("harbour") == 12
            assert main_text(short) == "Text of story 2."  # its page answers 404
        async with bench(handlers) as b:
            assert all("harbour" not in main_text(a) for a in await b.articles())
            assert [r.path for r in b.site.requests] == ["/robots.txt", "/feed"]

    asyncio.run(test())


def test_a_long_entry_costs_no_page() -> None:
    async def test() -> None:
        feed = ChangingFeed("wire", text=PARAGRAPH * 12)
        feed.add(2)
        async with bench(run_with(feed), full_text=True) as b:
            assert len(await b.articles()) == 2
            assert [r.path for r in b.site.requests] == ["/robots.txt", "/feed"]

    asyncio.run(test())


@pytest.mark.parametrize("page", [b"\0\1\2\3" * 1000, b"<html></html>", b"<div>" * 50_000, b"", b"\xff" * 5000])
def test_a_page_that_gives_nothing_leaves_the_entry_its_own_text(page: bytes) -> None:
    async def test() -> None:
        feed = ChangingFeed("wire")
        feed.add()
        handlers = {**run_with(feed), "/wire/1": always(page, Content_Type="text/html")}
        async with bench(handlers, full_text=True) as b:
            assert [main_text(a) for a in await b.articles()] == ["Text of story 1."]

    asyncio.run(test())


def test_pages_of_a_host_are_five_seconds_apart_and_bounded_in_number_and_items_do_not_wait_for_all() -> None:
    async def test() -> None:
        items = "".join(
            f"<item><guid>a-guid-{n}</guid><title>{n}</title><link>/page/{n}</link></item>"
            for n in range(MAX_PAGES + 20)
        )
        body = f"<rss version='2.0'><channel>{items}</channel></rss>"
        async with bench({"/feed": always(body)}, full_text=True) as b:
            began = b.clock.now
            batches = await b.poll()
            pages = [r for r in b.site.requests if r.path.startswith("/page/")]
            assert len(pages) == MAX_PAGES
            assert b.clock.now - began >= 5.0 * MAX_PAGES
            assert {len(batch.outcomes) for batch in batches[:-1]} == {BATCH_PAGES}
            assert sum(len(batch.outcomes) for batch in batches) == MAX_PAGES + 20

    asyncio.run(test())


def test_a_poll_cut_off_between_batches_goes_on_with_what_is_left() -> None:
    async def test() -> None:
        feed = ChangingFeed("wire")
        feed.add(18)
        async with bench(run_with(feed), full_text=True) as b:
            first = await anext(poll(b.feed, b.state, b.tools))
            b.stored = encode_state(first.state)
            rest = [o for batch in await b.poll() for o in batch.outcomes]
            uris = [o.uri for o in (*first.outcomes, *rest) if isinstance(o, Article)]
            assert len(uris) == len(set(uris)) == 18

    asyncio.run(test())


def test_a_feed_that_moves_keeps_what_it_has_shown() -> None:
    async def test() -> None:
        feed = ChangingFeed("wire")
        feed.add(3)
        async with bench({"/feed": feed.answer, "/new": feed.answer}) as b:
            await b.poll()
            b.feed = b.feed._replace(url=b.site.url("/new"))
            assert await b.articles() == []
            assert "If-None-Match" not in feed.requests[-1]

    asyncio.run(test())


def test_validators_of_any_length_leave_a_state_of_bounded_size() -> None:
    async def test() -> None:
        handlers = {"/feed": always("<rss version='2.0'><channel/></rss>", ETag='"' + "x" * 5000 + '"')}
        async with bench(handlers) as b:
            await b.poll()
            assert b.state.etag is None
            assert len(b.stored or b"") < 500

    asyncio.run(test())


def test_a_feed_is_silent_when_it_has_brought_nothing_for_three_days() -> None:
    async def test() -> None:
        feed = ChangingFeed("wire")
        feed.add()
        async with bench(run_with(feed)) as b:
            await b.poll()
            b.clock.now += 2 * 86_400
            await b.poll()
            assert not is_silent(b.state.new_at, b.clock.now)
            b.clock.now += 2 * 86_400
            await b.poll()
            assert is_silent(b.state.new_at, b.clock.now)
            feed.add()
            await b.poll()
            assert not is_silent(b.state.new_at, b.clock.now)

    asyncio.run(test())


def test_a_clock_that_jumps_forward_and_back_brings_nothing_twice() -> None:
    async def test() -> None:
        feed = ChangingFeed("wire")
        feed.add(3)
        async with bench(run_with(feed)) as b:
            found = len(await b.articles())
            for jump in (10 * 365 * 86_400.0, -20 * 365 * 86_400.0, 10 * 365 * 86_400.0):
                b.clock.now += jump
                feed.add()
                found += len(await b.articles())
            assert found == 6

    asyncio.run(test())
