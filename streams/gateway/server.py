"""uvicorn around the application: a socket that is bound first, streams that end when the server stops."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

import uvicorn

from streams.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

# The rest of `newswire up`'s ten seconds belongs to the workers and the broker.
GRACE_SECONDS = 2
# Whoever waits for Kafka then gets an answer while there still is a connection: 503, to be sent again.
PUSH_SECONDS = 1.0


def bind(host: str, port: int) -> socket.socket:
    """A listening address, before anything is started; port 0 takes a free one. Raises TransientError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise TransientError(
            f"the gateway cannot listen on {host}:{port}: {error.strerror}; "
            "free the port, or choose another one: NEWSWIRE_GATEWAY__PORT=8081 or --port"
        ) from error
    return bound


def address_of(bound: socket.socket) -> str:
    """The URL at which a browser of this machine finds it."""
    host, port = bound.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - read
    return f"http://{shown}:{port}"


class Server(uvicorn.Server):
    """Serves the application on a bound socket until `stop`, which any thread may call; signals are the caller's."""

    def __init__(self, app: FastAPI, bound: socket.socket) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._app = app
        self._bound = bound

    def run_until_stopped(self) -> None:
        """Returns after `stop`, or after the source of the application has failed, and then raises its exception."""
        asyncio.run(self.serve(sockets=[self._bound]))
        failure = self._app.state.gateway.reader.failure
        if failure is not None:
            raise failure

    def stop(self) -> None:
        """Ends the streams, then the server."""
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """As uvicorn's, ten times a second; ends the server also when the source has failed."""
        failed = self._app.state.gateway.reader.failure is not None
        return await super().on_tick(counter) or failed

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, which waits for every connection: the endless ones are ended first."""
        self._app.state.gateway.hub.close()
        if self._app.state.push is not None:
            asyncio.get_running_loop().call_later(PUSH_SECONDS, self._app.state.push.intake.give_up)
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None: uvicorn would take SIGINT from whoever runs it, and raise it again at the end."""
        yield
