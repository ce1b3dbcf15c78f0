"""robots.txt: what it forbids, what its absence means, how long it is believed."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from streams.http import Client
from streams.http_guard import allow_list
from streams.http_politeness import Politeness
from streams.sources import robots
from streams.sources.robots import Robots
from tests.servers.clock import JumpingClock
from tests.servers.web import always, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from tests.servers.web import Handler, Site

RULES = """User-agent: *
Disallow: /private/
Disallow: /*.pdf$
Disallow: /search
Allow: /search/help
Crawl-delay: 12

User-agent: badbot
Disallow: /
"""


@contextlib.asynccontextmanager
async def asking(handlers: Mapping[str, Handler], clock: JumpingClock) -> AsyncIterator[tuple[Site, Robots]]:
    async with (
        serving(handlers) as site,
        Client("test", allowed=allow_list(["127.0.0.0/8"]), clock=clock, politeness=Politeness(clock, 0.0)) as client,
    ):
        yield site, Robots(client, clock, "newswire")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", True),
        ("/story", True),
        ("/private/story", False),
        ("/report.pdf", False),
        ("/report.pdf?page=2", True),
        ("/search?q=a", False),
        ("/search/help", True),
    ],
)
def test_the_rules_for_all_robots_hold_for_us(path: str, allowed: bool) -> None:
    async def test() -> None:
        async with asking({"/robots.txt": always(RULES)}, JumpingClock()) as (site, rules):
            refusal = await rules.refusal(site.url(path))
            assert (refusal is None) == allowed
            assert refusal is None or refusal.reason == "robots"
            assert await rules.gap_seconds(site.url(path)) == 12.0

    asyncio.run(test())


def test_our_own_rules_come_first() -> None:
    async def test() -> None:
        text = "User-agent: *\nDisallow:\n\nUser-agent: Newswire\nDisallow: /paid/\n"
        async with asking({"/robots.txt": always(text)}, JumpingClock()) as (site, rules):
            assert await rules.refusal(site.url("/paid/1"))
            assert await rules.refusal(site.url("/free/1")) is None

    asyncio.run(test())


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 418])
def test_without_a_robots_txt_everything_is_allowed(status: int) -> None:
    async def test() -> None:
        async with asking({"/robots.txt": always("no", status)}, JumpingClock()) as (site, rules):
            assert await rules.refusal(site.url("/story")) is None
            assert await rules.gap_seconds(site.url("/story")) is None

    asyncio.run(test())


def test_a_server_that_fails_forbids_for_ten_minutes_unless_older_rules_are_known() -> None:
    async def test() -> None:
        clock, status = JumpingClock(), 500

        async def answer(_: web.Request) -> web.Response:
            return web.Response(status=status, text=RULES)

        async with asking({"/robots.txt": answer}, clock) as (site, rules):
            refusal = await rules.refusal(site.url("/story"))
            assert refusal is not None
            assert refusal.reason == "server_error"
            status = 200
            assert await rules.refusal(site.url("/story")), "asked again within ten minutes"
            clock.now += 601
            assert await rules.refusal(site.url("/story")) is None
            status = 500
            clock.now += 86_401
            assert await rules.refusal(site.url("/story")) is None
            assert await rules.refusal(site.url("/private/1"))

    asyncio.run(test())


def test_rules_are_asked_for_once_a_day() -> None:
    async def test() -> None:
        clock = JumpingClock()
        async with asking({"/robots.txt": always(RULES)}, clock) as (site, rules):
            for _ in range(5):
                await rules.refusal(site.url("/story"))
            assert len(site.requests) == 1
            clock.now += 86_401
            await rules.refusal(site.url("/story"))
            assert len(site.requests) == 2
            clock.now -= 10 * 86_400  # a clock set back does not make rules hold for ten days more
            await rules.refusal(site.url("/story"))
            assert len(site.requests) == 3

    asyncio.run(test())


@pytest.mark.parametrize(
    "body", [b"\xff\xfe\x00garbage", b"Disallow" * 50_000, b"User-agent: *\nDisallow: /" + b"*" * 9000]
)
def test_rules_that_make_no_sense_are_no_error(body: bytes) -> None:
    async def test() -> None:
        async with asking({"/robots.txt": always(body)}, JumpingClock()) as (site, rules):
            await rules.refusal(site.url("/" + "a" * 1000))

    asyncio.run(test())


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robots, "MAX_HOSTS", 5)
    monkeypatch.setattr(robots, "PARSED_HOSTS", 2)

    async def test() -> None:
        async with asking({"/robots.txt": always(RULES)}, JumpingClock()) as (site, rules):
            for number in range(1, 12):
                await rules.refusal(site.url("/", host=f"127.0.0.{number}") if number == 1 else site.url("/"))
                rules._keep(f"http://host-{number}.test", rules._known[site.url("").rstrip("/")])
                rules._of(f"http://host-{number}.test")
            assert len(rules._known) <= 5
            assert len(rules._parsed) <= 2

    asyncio.run(test())


def test_what_is_no_address_is_refused() -> None:
    async def test() -> None:
        async with asking({}, JumpingClock()) as (_, rules):
            for url in ("", "story", "http://[::1", "mailto:a@b.example"):
                refusal = await rules.refusal(url)
                assert refusal is not None
                assert refusal.reason == "bad_url"

    asyncio.run(test())
