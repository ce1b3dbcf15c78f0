"""A poller of feeds over plain memory in place of Kafka."""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING

from streams.http import Client
from streams.http_guard import allow_list
from streams.http_politeness import Politeness
from streams.sources.confined import ConfinedPool
from streams.sources.extract import Extractor
from streams.sources.feed import Poller
from streams.sources.feed_committer import Committer
from streams.sources.feed_page import PageTexts
from streams.sources.feed_parse import parse_feed
from streams.sources.feed_poll import Tools
from streams.sources.robots import Robots

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from streams.http_politeness import Clock
    from streams.kafka.link import Output
    from streams.sources.feed import Report
    from streams.sources.feed_poll import Feed


class Memory:
    """What was published and stored; a transaction fails whole while `fail` is set."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []
        self.positions: dict[str, bytes] = {}
        self.reports: list[Report] = []
        self.fail: Exception | None = None

    def publish(self, outputs: Sequence[Output], positions: Mapping[str, bytes]) -> None:
        if self.fail:
            raise self.fail
        self.outputs += outputs
        self.positions.update(positions)

    @property
    def uris(self) -> list[str]:
        return [(output.key or b"").decode() for output in self.outputs]


@contextlib.asynccontextmanager
async def polling(
    feeds: Sequence[Feed], memory: Memory, clock: Clock, report: Callable[[Report], None] | None = None
) -> AsyncIterator[Poller]:
    """A poller with all its parts, allowed on loopback."""
    async with (
        Client("test", allowed=allow_list(["127.0.0.0/8"]), clock=clock, politeness=Politeness(clock)) as client,
        ConfinedPool(parse_feed, 1) as parsers,
        PageTexts(Extractor()) as pages,
        Committer(memory.publish) as committer,
    ):
        chance = random.Random(7).random
        tools = Tools(client, Robots(client, clock, "newswire"), parsers.call, pages.text, clock, chance)
        yield Poller(feeds, memory.positions, tools, committer, report or memory.reports.append)
