"""What a host's robots.txt allows (RFC 9309), read by protego, which knows `*`, `$` and Crawl-delay."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

import yarl
from protego import Protego

from streams.http import Limits
from streams.http_answers import ANY
from streams.http_outcomes import Failed, Fetched

if TYPE_CHECKING:
    from streams.http import Client
    from streams.http_outcomes import Outcome
    from streams.http_politeness import Clock

KEPT_SECONDS = 86_400.0  # RFC 9309 2.4
UNREACHABLE_SECONDS = 600.0  # then a host whose robots.txt could not be had is asked again
MAX_BYTES = 500 << 10  # RFC 9309 2.5: at least that much has to be read
MAX_HOSTS = 10_000
PARSED_HOSTS = 64  # kept as rules; the others packed as text: rules take a hundred times the room
LONGEST_DELAY = 60.0  # of Crawl-delay; a site that says an hour means "stay away", and Disallow says that
_ABSENT = frozenset({"not_found", "gone", "forbidden", "client_error"})
_NOTHING = zlib.compress(b"")


class _Known(NamedTuple):
    until: float
    packed: bytes | None
    failure: Failed | None = None  # why it could not be had, where nothing may be fetched therefore


class Robots:
    """The robots.txt of the hosts that one client asks; `token` is our name in them, in lower case."""

    def __init__(self, client: Client, clock: Clock, token: str) -> None:
        self._client = client
        self._clock = clock
        self._token = token
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._parsed: OrderedDict[str, Protego] = OrderedDict()

    async def refusal(self, url: str) -> Failed | None:
        """Why an address may not be fetched; None where it may."""
        try:
            place = yarl.URL(url)
            root = str(place.origin())
        except ValueError:
            return Failed("bad_url", f"{url[:200]!r} is not an address of http or https")
        await self._ask(root)
        rules = self._of(root)
        if rules is None:
            return self._known[root].failure
        if rules.can_fetch(url, self._token):
            return None
        return Failed("robots", f"{root}/robots.txt forbids {place.raw_path[:100]} to {self._token}")

    async def gap_seconds(self, url: str) -> float | None:
        """The Crawl-delay of a host that has been asked about before; None where it names none."""
        root = str(yarl.URL(url).origin())
        rules = self._of(root) if root in self._known else None
        delay = rules.crawl_delay(self._token) if rules else None
        return min(float(delay), LONGEST_DELAY) if delay else None

    async def _ask(self, root: str) -> None:
        known, now = self._known.get(root), self._clock.time()
        if known is None or not now < known.until <= now + KEPT_SECONDS:
            limits = Limits(max_bytes=MAX_BYTES)
            found = await self._client.get(f"{root}/robots.txt", ANY, gap_seconds=0.0, limits=limits)
            self._keep(root, self._judged(found, known, now))

    def _judged(self, found: Outcome, known: _Known | None, now: float) -> _Known:
        if isinstance(found, Fetched):
            return _Known(now + KEPT_SECONDS, zlib.compress(found.body))
        if not isinstance(found, Failed) or found.reason in _ABSENT:
            return _Known(now + KEPT_SECONDS, _NOTHING)  # RFC 9309 2.3.1.3: no rules, everything may be fetched
        # RFC 9309 2.3.1.4: a server that fails forbids everything, unless older rules are known
        return _Known(now + UNREACHABLE_SECONDS, known.packed if known else None, found)

    def _keep(self, root: str, known: _Known) -> None:
        self._known.pop(root, None)
        self._parsed.pop(root, None)
        self._known[root] = known
        if len(self._known) > MAX_HOSTS:
            self._known.popitem(last=False)

    def _of(self, root: str) -> Protego | None:
        packed = self._known[root].packed
        if packed is None:
            return None
        rules = self._parsed.pop(root, None) or Protego.parse(zlib.decompress(packed).decode("utf-8", "replace"))
        self._parsed[root] = rules
        if len(self._parsed) > PARSED_HOSTS:
            self._parsed.popitem(last=False)
        return rules
