"""`news.labelled` as the gateway reads it: a stretch before the end, then everything that comes. Committed only."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from streams.articles import decode_labelled
from streams.errors import InvalidError
from streams.gateway.items import Batch, Labelled
from streams.kafka.reader import Reader
from streams.wire import LABELLED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from streams.gateway.items import Source
    from streams.kafka.connection import Where
    from streams.kafka.link import Record

_log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
# Of two offsets one may be a marker: a quiet wire commits item by item, and every commit takes an offset.
OFFSETS_PER_ITEM = 2


def labelled_source(bootstrap_servers: Where, recent_items: int, kafka_topic: str = LABELLED) -> Source:
    """A source of labelled items that begins with about so many of those that are there.

    Reading raises TransientError where Kafka cannot be reached or the Kafka topic is missing.
    """

    def source(stopped: Callable[[], bool]) -> Iterator[Batch]:
        """One reader, from near the end of each partition; the first batch is empty and says where that is."""
        with Reader(bootstrap_servers, [kafka_topic], start="latest") as reader:
            bounds = reader.bounds()
            share = -(-recent_items * OFFSETS_PER_ITEM // len(bounds))
            start = {place: max(first, behind - share) for place, (first, behind) in bounds.items()}
            reader.go_to(start)
            positions = {partition: offset for (_, partition), offset in start.items()}
            yield Batch((), dict(positions), caught_up=False)
            caught_up = False
            while not stopped():
                records = reader.poll(POLL_SECONDS if caught_up else 0.1)
                caught_up = caught_up or reader.at_end()
                for record in records:
                    positions[record.partition] = record.offset + 1
                yield Batch(_items(records), dict(positions), caught_up)

    return source


def _items(records: Sequence[Record]) -> list[Labelled]:
    items = []
    for record in records:
        try:
            items.append(Labelled(record.partition, record.offset, decode_labelled(record.value)))
        except InvalidError as error:
            # a foreign producer's: one record that is no labelled item harms no other
            _log.warning("not shown: %s %d at %d: %s", record.kafka_topic, record.partition, record.offset, error)
    return items
