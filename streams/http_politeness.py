"""One request at a time to a host, and a gap after each; a host that asked for quiet is left alone.

miniflux users were shut out by a host for what their readers did together (its issue 3289), and a site that answers
429 counts the requests that follow.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

GAP_SECONDS = 5.0  # between two requests to a host; what Media Cloud's fetchers settled on over years
MAX_QUIET_SECONDS = 24 * 3600.0  # a host may ask for a day of quiet; more is a mistake
_SWEEP_TURNS = 1000


class Clock(Protocol):
    """Time as an argument: a test has one of its own."""

    def time(self) -> float:
        """Unix seconds."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Returns after so many seconds of this clock."""
        ...


class SystemClock:
    """The clock of this machine."""

    def time(self) -> float:
        """Unix seconds."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Returns after so many seconds."""
        await asyncio.sleep(seconds)


class _Host:
    __slots__ = ("free_at", "lock", "quiet_until", "users")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.users = 0
        self.free_at = 0.0
        self.quiet_until = 0.0


class Politeness:
    """The turns of all hosts that one client asks."""

    def __init__(self, clock: Clock, gap_seconds: float = GAP_SECONDS) -> None:
        self._clock = clock
        self._gap = gap_seconds
        self._hosts: dict[str, _Host] = {}
        self._turns = 0

    @contextlib.asynccontextmanager
    async def turn(self, host: str, gap_seconds: float | None = None) -> AsyncIterator[None]:
        """Waits until nobody else asks the host and its gap is over; `gap_seconds` is the gap after this turn."""
        entry = self._hosts.setdefault(host, _Host())
        entry.users += 1
        gap = self._gap if gap_seconds is None else gap_seconds
        try:
            async with entry.lock:
                # a wait longer than any gap means that the clock was set back
                while 0 < (wait := entry.free_at - self._clock.time()) <= MAX_QUIET_SECONDS:
                    await self._clock.sleep(wait)
                try:
                    yield
                finally:
                    entry.free_at = self._clock.time() + gap
        finally:
            entry.users -= 1
            self._sweep()

    def ask_quiet(self, host: str, seconds: float) -> None:
        """The host wants no request for so long."""
        entry = self._hosts.setdefault(host, _Host())
        entry.quiet_until = max(entry.quiet_until, self._clock.time() + min(seconds, MAX_QUIET_SECONDS))

    def quiet_seconds(self, host: str) -> float:
        """How long the host still wants no request; 0 where it does not mind."""
        entry = self._hosts.get(host)
        left = entry.quiet_until - self._clock.time() if entry else 0.0
        return left if 0 < left <= MAX_QUIET_SECONDS else 0.0

    def _sweep(self) -> None:
        """Forgets hosts that need not be remembered: article pages bring new hosts without end."""
        self._turns += 1
        if self._turns < _SWEEP_TURNS:
            return
        self._turns, now = 0, self._clock.time()
        for host, entry in list(self._hosts.items()):
            if not entry.users and max(entry.free_at, entry.quiet_until) <= now:
                del self._hosts[host]
