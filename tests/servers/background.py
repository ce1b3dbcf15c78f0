"""A server in a thread with an event loop of its own, for tests whose own code blocks."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING

from tests.servers.web import serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.servers.web import Handler, Site


@contextlib.contextmanager
def site_of(handlers: Mapping[str, Handler], hosts: Sequence[str] = ("127.0.0.1",)) -> Iterator[list[Site]]:
    """The handlers served at every host, each on a port of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    stack = contextlib.AsyncExitStack()

    async def start() -> list[Site]:
        return [await stack.enter_async_context(serving(handlers, host)) for host in hosts]

    try:
        yield asyncio.run_coroutine_threadsafe(start(), loop).result(60)
    finally:
        asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
