"""The guarded HTTP client of feeds, pages and webhooks: every request comes back as a value, whatever the server does.

Guarded against: addresses that are not public (http_guard), answers without end in size or time, compression bombs,
redirect loops, films and archives. Polite to hosts (http_politeness). aiohttp takes a nineteenth of httpx's CPU a
request and unpacks in bounded pieces (a gigabyte bomb stopped at 10 MB took 36 MB of memory, with httpx 160 MB).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple, Self

import aiohttp
import yarl

from streams.http_answers import ANY, Wanted, address_of, answer_of, failed_exchange, shown
from streams.http_guard import AllowList, guarded_socket
from streams.http_outcomes import Failed, Outcome, Validators
from streams.http_politeness import Clock, Politeness, SystemClock

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Any

    from aiohttp.abc import AbstractResolver

MAX_BYTES = 10 << 20  # decoded; the largest of 200 real feeds has 2.2 MB, of 440 article pages 5 MB
TOTAL_SECONDS = 20.0
MAX_REDIRECTS = 5
CONNECTIONS = 100
RATE_LIMITED_SECONDS = 30.0  # of quiet after a 429 without Retry-After
LONGEST_WAIT_SECONDS = 60.0  # a host that wants more quiet than this is not waited for: the caller comes again


class Limits(NamedTuple):
    """How much of an answer is waited for and kept; the seconds are those of all hops, without waiting for turns."""

    max_bytes: int = MAX_BYTES
    total_seconds: float = TOTAL_SECONDS
    max_redirects: int = MAX_REDIRECTS


class _Request(NamedTuple):
    method: str
    headers: dict[str, str]
    body: bytes | None
    wanted: Wanted
    validators: Validators
    limits: Limits


class _Journey:
    """Where a request stands: its next hop, how many more there may be, the seconds left."""

    def __init__(self, place: yarl.URL, limits: Limits) -> None:
        self.place = place
        self.redirects = limits.max_redirects
        self.seconds = limits.total_seconds


class Client:
    """A client with the politeness, the limits and the guard of one process. `async with` opens and closes it.

    `allowed`: what may be reached although it is not public. `resolver` stands in for the system's name service.
    """

    def __init__(
        self,
        user_agent: str,
        *,
        allowed: AllowList | None = None,
        limits: Limits | None = None,
        clock: Clock | None = None,
        politeness: Politeness | None = None,
        resolver: AbstractResolver | None = None,
        connections: int = CONNECTIONS,
    ) -> None:
        self._user_agent = user_agent
        self._allowed = allowed or AllowList()
        self._limits = limits or Limits()
        self._clock: Clock = clock or SystemClock()
        self._politeness = politeness or Politeness(self._clock)
        self._resolver = resolver
        self._connections = connections
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        """Makes the connection pools: one guarded, one for the host names that the operator allows."""
        self._sessions = {"guarded": self._session(guarded_socket(self._allowed))}
        if self._allowed.names:
            self._sessions["named"] = self._session(None)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes every connection."""
        for session in self._sessions.values():
            await session.close()

    def _session(self, guard: Callable[[tuple[Any, ...]], socket.socket] | None) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=self._connections,
            resolver=self._resolver,
            keepalive_timeout=15,
            socket_factory=guard,
            use_dns_cache=False,  # the next connection is seconds away, and the guard judges each by itself
        )
        return aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None),  # the limit is ours: it covers all hops
            cookie_jar=aiohttp.DummyCookieJar(),  # a real one would grow with every host
            headers={"User-Agent": self._user_agent, "Accept-Encoding": "gzip, deflate"},
            trust_env=False,  # a proxy would connect for us, past the guard
        )

    async def get(
        self,
        url: str,
        wanted: Wanted,
        *,
        validators: Validators | None = None,
        gap_seconds: float | None = None,
        limits: Limits | None = None,
    ) -> Outcome:
        """The document at an address, following redirects; never raises for what a server or an address does.

        Waits for the host's turn first; `gap_seconds` overrides how long the host is left alone afterwards.
        """
        known = validators or Validators()
        headers = {"Accept": wanted.accept}
        if known.etag:
            headers["If-None-Match"] = known.etag
        if known.last_modified:
            headers["If-Modified-Since"] = known.last_modified
        request = _Request("GET", headers, None, wanted, known, limits or self._limits)
        return await self._send(url, request, gap_seconds)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """Sends a body once, following no redirect; leaves no gap, for the receiver is the operator's own."""
        limits = self._limits._replace(max_redirects=0)
        return await self._send(url, _Request("POST", dict(headers), body, ANY, Validators(), limits), 0.0)

    async def _send(self, url: str, request: _Request, gap_seconds: float | None) -> Outcome:
        try:
            journey = _Journey(address_of(yarl.URL(url)), request.limits)
        except ValueError:
            return Failed("bad_url", f"{url[:200]!r} is not an address of http or https")
        while True:
            host = journey.place.raw_host or ""
            outcome: Outcome | None = self._quiet(host)
            if outcome is None:
                async with self._politeness.turn(host, gap_seconds):
                    outcome = self._quiet(host)  # who was before us in the line may have been told to go
                    if outcome is None:
                        await self._clock.sleep(self._politeness.quiet_seconds(host))
                        outcome = await self._visit(host, journey, request)
            if outcome is not None:
                return outcome

    def _quiet(self, host: str) -> Failed | None:
        """A refusal where a host wants quiet for longer than anybody should wait here."""
        quiet = self._politeness.quiet_seconds(host)
        if quiet <= LONGEST_WAIT_SECONDS:
            return None
        return Failed("rate_limited", f"{host} asked for quiet, {quiet:.0f} s more", quiet)

    async def _visit(self, host: str, journey: _Journey, request: _Request) -> Outcome | None:
        """The hops at one host, without gaps: http to https is one errand. None: the way goes on at another host."""
        clock = asyncio.get_running_loop().time
        while journey.place.raw_host == host:
            began = clock()
            found = await self._hop(journey, request)
            journey.seconds -= clock() - began
            if not isinstance(found, yarl.URL):
                return found
            if not journey.redirects:
                return Failed(
                    "too_many_redirects", f"{shown(journey.place)}: more than {request.limits.max_redirects} redirects"
                )
            journey.redirects -= 1
            journey.place = found
        return None

    async def _hop(self, journey: _Journey, request: _Request) -> Outcome | yarl.URL:
        place = journey.place
        session = self._sessions["named" if self._allowed.has_name(place) else "guarded"]
        try:
            async with (
                asyncio.timeout(journey.seconds),
                session.request(
                    request.method, place, headers=request.headers, data=request.body, allow_redirects=False
                ) as response,
            ):
                try:
                    found = await answer_of(
                        response,
                        place,
                        request.wanted,
                        request.validators,
                        request.limits.max_bytes,
                        self._clock.time(),
                    )
                finally:
                    if not response.content.at_eof():
                        response.close()  # what is left of a body is not waited for
                if isinstance(found, Failed):
                    self._mind(found, place.raw_host or "")
                return found
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return failed_exchange(error, place, request.limits.total_seconds)

    def _mind(self, failed: Failed, host: str) -> None:
        """A host that said that it has enough is left alone."""
        if failed.reason == "rate_limited" or (failed.reason == "server_error" and failed.retry_after):
            self._politeness.ask_quiet(host, failed.retry_after or RATE_LIMITED_SECONDS)
