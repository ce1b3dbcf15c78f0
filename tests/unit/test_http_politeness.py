"""One request at a time to a host, a gap after each, quiet where it is asked for."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

from aiohttp import web

from streams.http import Client
from streams.http_answers import FEED
from streams.http_guard import allow_list
from streams.http_outcomes import Failed, Fetched
from streams.http_politeness import Politeness
from tests.servers.clock import FastClock, JumpingClock
from tests.servers.web import always, serving

if TYPE_CHECKING:
    from collections.abc import Coroutine

LOOPBACK = allow_list(["127.0.0.0/8"])


def run(test: Coroutine[object, object, None]) -> None:
    asyncio.run(test)


def test_a_host_is_asked_by_one_at_a_time_with_a_gap_and_hosts_do_not_wait_for_each_other() -> None:
    clock = FastClock(speed=20.0)
    at_once: dict[str, int] = {}
    most: dict[str, int] = {}
    times: dict[str, list[float]] = {}

    async def slow(request: web.Request) -> web.Response:
        host = request.host
        times.setdefault(host, []).append(clock.time())
        at_once[host] = at_once.get(host, 0) + 1
        most[host] = max(most.get(host, 0), at_once[host])
        await clock.sleep(1.0)
        at_once[host] -= 1
        return web.Response(text="<rss/>" + str(clock.time()))

    async def test() -> None:
        async with (
            serving({"/a": slow}, "127.0.0.1") as one,
            serving({"/a": slow}, "127.0.0.2") as two,
            Client("test", allowed=LOOPBACK, clock=clock) as http,
        ):
            found = await asyncio.gather(*[http.get(site.url("/a"), FEED) for site in (one, two) for _ in range(3)])
            assert all(isinstance(outcome, Fetched) for outcome in found)

    run(test())
    assert set(most.values()) == {1}
    assert len(times) == 2
    for starts in times.values():
        assert all(b - a >= 5.0 for a, b in itertools.pairwise(starts))
    first, second = times.values()
    assert abs(first[0] - second[0]) < 5.0


def test_redirects_within_a_host_cost_no_gap() -> None:
    clock = JumpingClock()

    async def test() -> None:
        handlers = {"/a": always(status=301, Location="/b"), "/b": always("<rss/>")}
        async with serving(handlers) as site, Client("test", allowed=LOOPBACK, clock=clock) as http:
            await http.get(site.url("/a"), FEED)
            assert clock.slept == []
            await http.get(site.url("/a"), FEED)
            assert clock.slept == [5.0]

    run(test())


def test_two_hosts_that_redirect_to_each_other_do_not_lock_each_other_out() -> None:
    async def test() -> None:
        targets: dict[str, str] = {}

        async def elsewhere(request: web.Request) -> web.Response:
            await asyncio.sleep(0.05)
            return web.Response(status=302, headers={"Location": targets[request.host.partition(":")[0]]})

        handlers = {"/a": elsewhere, "/b": always("<rss/>")}
        async with serving(handlers, "127.0.0.1") as one, serving(handlers, "127.0.0.2") as two:
            targets.update({"127.0.0.1": two.url("/b"), "127.0.0.2": one.url("/b")})
            async with Client("test", allowed=LOOPBACK, clock=FastClock(100.0)) as http:
                found = await asyncio.gather(http.get(one.url("/a"), FEED), http.get(two.url("/a"), FEED))
                assert all(isinstance(outcome, Fetched) for outcome in found)

    run(test())


def test_after_429_the_host_is_left_alone_as_long_as_it_asked() -> None:
    clock = JumpingClock()

    async def test() -> None:
        handlers = {"/a": always(status=429, Retry_After="3600"), "/b": always("<rss/>")}
        async with serving(handlers) as site, Client("test", allowed=LOOPBACK, clock=clock) as http:
            await http.get(site.url("/a"), FEED)
            refused = await http.get(site.url("/b"), FEED)
            assert isinstance(refused, Failed)
            assert refused.reason == "rate_limited"
            assert refused.retry_after is not None
            assert 3590 < refused.retry_after <= 3600
            assert len(site.requests) == 1
            clock.now += 3601
            assert isinstance(await http.get(site.url("/b"), FEED), Fetched)

    run(test())


def test_a_short_quiet_is_waited_for() -> None:
    clock = JumpingClock()

    async def test() -> None:
        handlers = {"/a": always(status=429), "/b": always("<rss/>")}
        async with serving(handlers) as site, Client("test", allowed=LOOPBACK, clock=clock) as http:
            began = clock.now
            await http.get(site.url("/a"), FEED)
            assert isinstance(await http.get(site.url("/b"), FEED), Fetched)
            assert clock.now - began >= 30.0

    run(test())


def test_who_waits_in_line_hears_that_the_host_wants_quiet() -> None:
    clock = JumpingClock()

    async def test() -> None:
        handlers = {"/a": always(status=429, Retry_After="3600"), "/b": always("<rss/>")}
        async with serving(handlers) as site, Client("test", allowed=LOOPBACK, clock=clock) as http:
            found = await asyncio.gather(*(http.get(site.url(path), FEED) for path in ("/a", "/b", "/b")))
            assert [outcome.reason for outcome in found if isinstance(outcome, Failed)] == ["rate_limited"] * 3
            assert len(site.requests) == 1

    asyncio.run(test())


def test_a_clock_set_back_by_years_holds_nobody_up() -> None:
    clock = JumpingClock()

    async def test() -> None:
        async with serving({"/b": always("<rss/>")}) as site, Client("test", allowed=LOOPBACK, clock=clock) as http:
            await http.get(site.url("/b"), FEED)
            clock.now -= 10 * 365 * 86400
            assert isinstance(await http.get(site.url("/b"), FEED), Fetched)
            assert clock.slept == []

    run(test())


def test_hosts_that_are_done_are_forgotten() -> None:
    clock = JumpingClock()
    politeness = Politeness(clock, 5.0)

    async def test() -> None:
        for number in range(5000):
            async with politeness.turn(f"host-{number}.test"):
                clock.now += 1.0

    run(test())
    assert len(politeness._hosts) <= 1006
