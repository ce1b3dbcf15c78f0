"""Who may ask, and how often: tokens for reading where the settings name some, and a bound on each client's pace.

A token comes as `Authorization: Bearer TOKEN`, or as the password of `Basic` with any user name: so browsers ask for
it and send it with the live page's own requests too, and feed readers take it in an address. What writes asks for its
own tokens itself (push), as Bearer only: a browser sends that with no request that another page has caused.
"""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from streams.gateway.problems import problem
from streams.gateway.tokens import bearer, password

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from streams.gateway.tokens import Tokens

# What probes and Prometheus ask; none of it says anything of an item.
OPEN_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
BURST_SECONDS = 4.0  # of the pace at once: the live page asks for a dozen things when it opens
MOST_CLIENTS = 10_000  # that are remembered, 300 bytes each; of more the one that was away longest begins anew
# One header each: Chromium takes two in one for a scheme that it does not know, and never asks for the password.
_CHALLENGES = ('Bearer realm="newswire"', 'Basic realm="newswire", charset="UTF-8"')


class Pace:
    """A bucket of tokens for each client: filled at `per_second`, BURST_SECONDS deep. `clock` in seconds."""

    def __init__(self, per_second: float, clock: Callable[[], float], most_clients: int = MOST_CLIENTS) -> None:
        self._per_second = per_second
        self._deep = max(1.0, per_second * BURST_SECONDS)
        self._clock = clock
        self._most_clients = most_clients
        self._clients: OrderedDict[str, tuple[float, float]] = OrderedDict()  # what is in it, and when that was

    def __len__(self) -> int:
        return len(self._clients)

    def wait(self, client: str) -> float:
        """Takes one for a request, and gives 0; or takes none, and gives the seconds until there is one."""
        now = self._clock()
        held, then = self._clients.pop(client, (self._deep, now))
        held = min(self._deep, held + (now - then) * self._per_second)
        wait = 0.0 if held >= 1 else (1 - held) / self._per_second
        self._clients[client] = (held if wait else held - 1, now)
        if len(self._clients) > self._most_clients:
            self._clients.popitem(last=False)
        return wait


class Access:
    """ASGI middleware. `readers`: none of them where everybody may read; `pace`: None for no bound."""

    def __init__(self, app: ASGIApp, readers: Tokens, pace: Pace | None) -> None:
        self._app = app
        self._readers = readers
        self._pace = pace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or answers 429 or 401."""
        if scope["type"] == "http" and scope["path"] not in OPEN_PATHS:
            wait = self._pace.wait(client_of(scope)) if self._pace is not None else 0.0
            if wait:
                answer = problem(429, "more requests than a client may send", {"retry-after": str(math.ceil(wait))})
                return await answer(scope, receive, send)
            if self._readers and scope["method"] != "POST" and not self._may_read(scope):
                return await _challenged()(scope, receive, send)
        return await self._app(scope, receive, send)

    def _may_read(self, scope: Scope) -> bool:
        given = Headers(scope=scope).get("authorization", "")
        token = bearer(given) or password(given)
        return token is not None and self._readers.take(token)


def _challenged() -> Response:
    answer = problem(
        401, "send a token of gateway.read_tokens: Authorization: Bearer TOKEN, or as the password of Basic"
    )
    for challenge in _CHALLENGES:
        answer.headers.append("www-authenticate", challenge)
    return answer


def client_of(scope: Scope) -> str:
    """Whose request it is: an address of IPv4, the network of 64 bits of one of IPv6, which one client has whole."""
    host = scope["client"][0] if scope.get("client") else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 4:
        return str(address)
    return str(address.ipv4_mapped or ipaddress.ip_network((int(address) >> 64 << 64, 64)))
