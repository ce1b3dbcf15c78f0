"""Requests of a sink by the guarded HTTP client, one at a time, for a thread that waits for each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from streams.http import Client, Limits
from streams.http_politeness import Politeness, SystemClock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streams.http_guard import AllowList
    from streams.http_outcomes import Outcome

USER_AGENT = "newswire (sink)"


class Post(Protocol):
    """Sends a body; what comes of it is a value."""

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """See Client.post."""
        ...

    def close(self) -> None:
        """Closes connections."""
        ...


class _Patient(Politeness):
    """Lets the sink wait by itself: a sleep in here could not be stopped."""

    def ask_quiet(self, host: str, seconds: float) -> None:
        pass


class Poster:
    """A Post over the network. Not for several threads."""

    def __init__(self, allowed: AllowList, seconds: float) -> None:
        """`allowed`: what may be reached although it is not public; `seconds` that an exchange may take."""
        self._runner = asyncio.Runner()
        clock = SystemClock()
        limits = Limits(total_seconds=seconds)
        self._client = Client(USER_AGENT, allowed=allowed, limits=limits, clock=clock, politeness=_Patient(clock))
        self._open = False

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """See Client.post; the connection is kept for the next one."""
        return self._runner.run(self._post(url, body, headers))

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        if not self._open:
            await self._client.__aenter__()
            self._open = True
        return await self._client.post(url, body, headers)

    def close(self) -> None:
        """Closes connections; may be called twice."""
        if self._open:
            self._open = False
            self._runner.run(self._client.__aexit__(None, None, None))
        self._runner.close()
