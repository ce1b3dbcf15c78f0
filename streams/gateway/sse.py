"""Server-sent events (WHATWG HTML, section 9.2) over ASGI: a response that runs until either side goes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import Response

from streams.gateway.listener import ClosedError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from streams.gateway.hub import Hub
    from streams.gateway.listener import Listener

RETRY_MS = 2000
# Proxies close what is silent for 60 s (nginx's default); 15 s leaves room for three.
HEARTBEAT_SECONDS = 15.0
# A listener that takes nothing for so long holds a connection and a queue for nobody.
STUCK_SECONDS = 60.0


class EventStream(Response):
    """Sends what a listener of the hub is given. The hub forgets it when the response ends, however it ends."""

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, listener: Listener, *, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._hub = hub
        self._listener = listener
        self._heartbeat_seconds = heartbeat_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Runs the response; returns when the connection is closed by either side."""
        gone = asyncio.ensure_future(self._until_gone(receive))
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await self._write(send, b"retry: %d\n\n" % RETRY_MS)
            while True:
                chunk = await self._listener.take(self._heartbeat_seconds)
                await self._write(send, chunk or self._listener.heartbeat(self._hub.positions))
        except (ClosedError, TimeoutError):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()
            self._hub.leave(self._listener)

    async def _write(self, send: Send, chunk: bytes) -> None:
        async with asyncio.timeout(STUCK_SECONDS):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def _until_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._listener.close()
