"""A poller of feeds that is killed again and again: every story of every feed is published once, none is lost."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from streams.sources.identity import guid_uri
from streams.wire import ARTICLES, DEAD_LETTERS
from tests.flow.edges import ROOT, Watch, make_wire
from tests.helpers import wait_for
from tests.servers.background import site_of
from tests.servers.feeds import ChangingFeed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.web import Site

pytestmark = [pytest.mark.kafka, pytest.mark.chaos]

SPEED = 1200.0  # the ten minutes between two polls of a busy feed take half a second
FEEDS = 8
TIMEOUT = 120.0


class Wire:
    """Feeds that grow with every request, and pollers of them as processes."""

    def __init__(self, bootstrap_servers: str, unique: str, folder: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.growing = True
        self.feeds = [
            ChangingFeed(f"{unique}-{n}", shown=200, validators=n % 2 == 0, grow=self._grow) for n in range(FEEDS)
        ]
        self.handlers = {f"/{feed.name}.xml": feed.answer for feed in self.feeds}
        self._bootstrap_servers = bootstrap_servers
        self._unique = unique
        self._path = folder / "sources.toml"
        self._began = time.time()

    def _grow(self) -> int:
        return self.random.choice((0, 0, 1, 3)) if self.growing else 0

    def name(self, sites: list[Site]) -> None:
        tables = [f'[poller]\nname = "{self._unique}"\nallow = ["127.0.0.0/8"]\n']
        for feed, site in zip(self.feeds, sites, strict=True):
            feed.add(5)
            tables.append(f'[[feeds]]\nname = "{feed.name}"\nurl = "{site.url(f"/{feed.name}.xml")}"\n')
        self._path.write_text("".join(tables), encoding="utf-8")
        self._sites = sites

    def start(self, *how: str) -> subprocess.Popen[bytes]:
        arguments = [str(self._path), self._bootstrap_servers, str(SPEED), str(self._began), *how]
        return subprocess.Popen([sys.executable, "-m", "tests.servers.feed_process", *arguments], cwd=ROOT)

    @property
    def requests(self) -> int:
        return sum(len(feed.requests) for feed in self.feeds)

    @property
    def expected(self) -> set[str]:
        return {
            guid_uri(feed.guid(number), site.host)
            for feed, site in zip(self.feeds, self._sites, strict=True)
            for number in range(1, feed.count + 1)
        }


@pytest.fixture
def wire(bootstrap_servers: str, unique: str, tmp_path: Path) -> Iterator[Wire]:
    make_wire(bootstrap_servers)
    made = Wire(bootstrap_servers, unique, tmp_path, seed=11)
    with site_of(made.handlers, [f"127.0.0.{n + 2}" for n in range(FEEDS)]) as sites:
        made.name(sites)
        yield made


@pytest.fixture
def watch(bootstrap_servers: str, wire: Wire) -> Iterator[Watch]:
    watch = Watch(bootstrap_servers, [ARTICLES, DEAD_LETTERS])
    yield watch
    watch.close()


def killed(wire: Wire) -> None:
    """Starts a poller and kills it at some moment after it has begun to poll."""
    before = wire.requests
    process = wire.start()
    try:
        wait_for(lambda: wire.requests > before or process.poll() is not None, TIMEOUT, "it polls nothing")
        assert process.poll() is None, "the poller ended by itself"
        time.sleep(wire.random.uniform(0.0, 0.7))  # the moment of the fault
    finally:
        process.kill()
        process.wait()


def settled(wire: Wire, watch: Watch, found: Counter[str]) -> None:
    """Lets the feeds stand still and waits until a last poller has published everything."""
    wire.growing = False
    process = wire.start()
    try:

        def complete() -> bool:
            found.update(record.key.decode() for record in watch.read() if record.topic == ARTICLES)
            return wire.expected <= set(found)

        wait_for(complete, TIMEOUT, "stories are missing")
        polls = wire.requests
        wait_for(lambda: wire.requests >= polls + 3 * FEEDS, TIMEOUT, "the poller stands still")
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    found.update(record.key.decode() for record in watch.read() if record.topic == ARTICLES)


def account(wire: Wire, watch: Watch, kills: int) -> None:
    found: Counter[str] = Counter()
    for _ in range(kills):
        killed(wire)
    settled(wire, watch, found)
    ours = {uri: count for uri, count in found.items() if uri in wire.expected}
    assert [uri for uri, count in ours.items() if count > 1] == []
    assert set(ours) == wire.expected
    assert len(ours) >= 5 * FEEDS


def test_five_kills_lose_nothing_and_publish_nothing_twice(wire: Wire, watch: Watch) -> None:
    account(wire, watch, 5)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_fifty_kills_lose_nothing_and_publish_nothing_twice(wire: Wire, watch: Watch) -> None:
    account(wire, watch, 50)


def test_the_account_notices_items_and_positions_that_are_stored_apart(wire: Wire, watch: Watch) -> None:
    """Shows that the test above can fail."""
    process = wire.start("apart")
    assert process.wait(TIMEOUT) == 1
    found: Counter[str] = Counter()
    settled(wire, watch, found)
    assert max(found.values()) == 2
