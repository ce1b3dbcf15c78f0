"""How far each consumer group of ours is behind, asked of Kafka from outside: also where the group is stuck or dead.

A worker only knows what it has fetched, and nothing once it is gone. Here the committed offsets are held against the
ends, and the first record that is not committed is read for its time: its age is the lag in seconds.
"""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from streams import wire
from streams.errors import TransientError
from streams.kafka.admin import connected
from streams.kafka.clients import close_quietly, end_offsets, first_offsets, new_consumer, partitions_of, reaching

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from kafka import TopicPartition

    from streams.kafka.connection import Where

OURS = (wire.LABEL_GROUP, wire.DUPLICATES_GROUP, wire.SINK_GROUP)
WATCH_SECONDS = 10.0  # between two looks; a scrape comes every 5 to 15 s
FIRST_RECORD_SECONDS = 5.0  # to read one record of each partition that is behind; a fetch waits 0.1 s at most

log = logging.getLogger(__name__)

Place = tuple[str, int]  # group, partition


class GroupLag(NamedTuple):
    """Where a group is in one partition."""

    offset: int  # of the next record that it will read
    records: int  # offsets from there to the end; markers of transactions between records count too
    seconds: float  # age of the first record there; 0 where there is none


class LagWatch:
    """Asks one Kafka. `prefix` stands before every name, where a cluster is shared.

    It and `look` raise TransientError where Kafka does not answer.
    """

    def __init__(self, bootstrap_servers: Where, prefix: str = "") -> None:
        self._bootstrap_servers = bootstrap_servers
        self._prefix = prefix
        with ExitStack() as stack:
            self._admin = stack.enter_context(connected(bootstrap_servers))
            self._consumer = new_consumer(bootstrap_servers)
            stack.callback(close_quietly, self._consumer)
            self._open = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def look(self, now: float) -> dict[Place, GroupLag]:
        """Every partition of every group of ours; the workers' group also before its first commit. `now`: Unix time."""
        with reaching(self._bootstrap_servers):
            committed = self._committed()
            behind: dict[Place, tuple[TopicPartition, int]] = {}
            for group, offsets in committed.items():
                name = wire.ARTICLES if group == self._prefix + wire.LABEL_GROUP else wire.LABELLED
                for place in self._partitions(self._prefix + name):
                    behind[group, place.partition] = (place, offsets.get(place, 0))
            places = sorted({place for place, _ in behind.values()})
            firsts, ends = first_offsets(self._consumer, places), end_offsets(self._consumer, places)
            return {
                # what has expired is nobody's lag any more
                (group.removeprefix(self._prefix), number): self._lag(
                    place, max(offset, firsts[place]), ends[place], now
                )
                for (group, number), (place, offset) in behind.items()
            }

    def _committed(self) -> dict[str, dict[TopicPartition, int]]:
        groups = {found["group_id"] for found in self._admin.list_groups()}
        ours = tuple(self._prefix + name for name in OURS)
        names = sorted({group for group in groups if group.startswith(ours)})
        offsets = self._admin.list_group_offsets(names) if names else {}
        known = {name: {tp: found.offset for tp, found in offsets[name].items()} for name in names}
        return {self._prefix + wire.LABEL_GROUP: {}, **known}

    def _partitions(self, kafka_topic: str) -> list[TopicPartition]:
        return partitions_of(self._consumer, [kafka_topic]) if kafka_topic in self._consumer.topics() else []

    def _lag(self, place: TopicPartition, offset: int, end: int, now: float) -> GroupLag:
        if offset >= end:
            return GroupLag(offset, 0, 0.0)
        record = self._first(place, offset, end)
        if record is None or record.offset >= end:  # up to there only the marker of a transaction is left
            return GroupLag(offset, 0, 0.0)
        return GroupLag(offset, end - record.offset, max(now - record.timestamp / 1000, 0.0))

    def _first(self, place: TopicPartition, offset: int, end: int) -> Any:
        """The first committed record from an offset on, None where there is none up to the end."""
        self._consumer.assign([place])
        self._consumer.seek(place, offset)
        deadline = time.monotonic() + FIRST_RECORD_SECONDS
        while self._consumer.position(place) < end and time.monotonic() < deadline:
            for records in self._consumer.poll(timeout_ms=200, max_records=1).values():
                return records[0]
        if self._consumer.position(place) < end:
            raise TransientError(f"{place.topic}-{place.partition} gave no record from {offset} to {end}")
        return None


def watch_lag(
    bootstrap_servers: Where,
    stop: threading.Event,
    show: Callable[[Mapping[Place, GroupLag]], None],
    now: Callable[[], float],
    prefix: str = "",
) -> None:
    """Shows the lag every WATCH_SECONDS until `stop`, and nothing while Kafka does not answer: old news is no news.

    For a thread of its own; what Kafka does never leaves it.
    """
    told = False
    while not stop.is_set():
        try:
            with LagWatch(bootstrap_servers, prefix) as watch:
                while not stop.is_set():
                    show(watch.look(now()))
                    told = False
                    stop.wait(WATCH_SECONDS)
        except TransientError as error:
            show({})
            if not told:
                log.warning("the lag of the groups is not known: %s", error)
            told = True
            stop.wait(WATCH_SECONDS)
