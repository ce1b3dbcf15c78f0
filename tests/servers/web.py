"""Web servers on loopback for tests: a sound one with handlers by path, and one that writes what it likes."""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
    Write = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Site:
    """A running server: where it is and the requests that it has seen."""

    def __init__(self, scheme: str, host: str) -> None:
        self.scheme = scheme
        self.host = host
        self.port = 0
        self.requests: list[web.Request] = []

    def url(self, path: str = "/", host: str | None = None) -> str:
        return f"{self.scheme}://{host or self.host}:{self.port}{path}"


@contextlib.asynccontextmanager
async def serving(
    handlers: Mapping[str, Handler], host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Site]:
    """A server with a handler for each path, 404 for all else; on a free port."""
    site = Site("https" if tls else "http", host)

    async def answer(request: web.Request) -> web.StreamResponse:
        site.requests.append(request)
        handler = handlers.get(request.path)
        return await handler(request) if handler else web.Response(status=404, text="nothing here")

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    listener = web.TCPSite(runner, host, 0, ssl_context=tls)
    await listener.start()
    site.port = runner.addresses[0][1]
    try:
        yield site
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def writing(write: Write, host: str = "127.0.0.1") -> AsyncIterator[Site]:
    """A server that reads the head of a request and lets `write` answer."""
    site = Site("http", host)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await reader.readuntil(b"\r\n\r\n")
            await write(writer)
        writer.close()

    server = await asyncio.start_server(answer, host, 0)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()


def always(body: bytes | str = b"", status: int = 200, **headers: str) -> Handler:
    """A handler with one answer; header names with _ for -."""
    data = body.encode() if isinstance(body, str) else body

    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=data, status=status, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return handler


def bomb(mebibytes: int) -> bytes:
    """gzip data that unpacks to so many MiB of spaces, in members of 16."""
    assert mebibytes % 16 == 0
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    member = packer.compress(b" " * (16 << 20)) + packer.flush()
    return member * (mebibytes // 16)
