"""Readers that share a group out on a real Kafka: what one has dealt with, another does not see when partitions move."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from streams.kafka.reader import Reader
from tests.flow.edges import SECONDS
from tests.flow.kafka_records import make_topic, write
from tests.helpers import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.kafka.link import Record

pytestmark = pytest.mark.kafka

PARTITIONS = 4
RECORDS = 80


class Member:
    """A reader in a thread of its own, as another process is one; `records` is what it was given."""

    def __init__(self, bootstrap_servers: str, kafka_topic: str) -> None:
        self.reader = Reader(bootstrap_servers, [kafka_topic], group=kafka_topic)
        self.records: list[Record] = []
        self.partitions = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        while not self._ended.is_set():
            found = self.reader.poll(0.1)
            for record in found:
                self.reader.finished(record)
            self.records.extend(found)
            self.partitions = len(self.reader.places())

    def end(self) -> None:
        self._ended.set()
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()


@pytest.fixture
def kafka_topic(bootstrap_servers: str, unique: str) -> str:
    make_topic(bootstrap_servers, unique, PARTITIONS)
    write(bootstrap_servers, unique, [b"%d" % n for n in range(RECORDS)])
    return unique


@pytest.fixture
def members(bootstrap_servers: str, kafka_topic: str) -> Iterator[tuple[Member, Member]]:
    """One that has dealt with everything and stored nothing, and one that took half of the partitions over."""
    older = Member(bootstrap_servers, kafka_topic)
    wait_for(lambda: len(older.records) == RECORDS, SECONDS, "the records did not come")
    newer = Member(bootstrap_servers, kafka_topic)
    wait_for(lambda: older.partitions == newer.partitions == PARTITIONS // 2, SECONDS, "they do not share")
    yield older, newer
    for member in (older, newer):
        member.end()
        member.reader.close()


def read_new_ones(bootstrap_servers: str, kafka_topic: str, members: tuple[Member, Member]) -> None:
    write(bootstrap_servers, kafka_topic, [b"new %d" % n for n in range(RECORDS)])
    wait_for(
        lambda: sum(len(member.records) for member in members) >= 2 * RECORDS, SECONDS, "the new ones did not come"
    )


def test_what_is_finished_and_not_stored_does_not_come_again_to_who_takes_the_partition_over(
    bootstrap_servers: str, kafka_topic: str, members: tuple[Member, Member]
) -> None:
    older, newer = members
    read_new_ones(bootstrap_servers, kafka_topic, members)
    seen = [(r.partition, r.offset) for r in older.records + newer.records]
    assert len(seen) == len(set(seen)) == 2 * RECORDS
    assert newer.records


def test_the_place_of_a_partition_that_went_to_another_member_is_not_stored_any_more(
    bootstrap_servers: str, kafka_topic: str, members: tuple[Member, Member]
) -> None:
    older, newer = members
    read_new_ones(bootstrap_servers, kafka_topic, members)
    newer.end()
    newer.reader.commit()
    older.end()
    older.reader.commit()
    for member in members:
        member.reader.close()
    with Reader(bootstrap_servers, [kafka_topic], group=kafka_topic, shared=False) as reader:
        assert reader.places() == {place: end for place, (_, end) in reader.bounds().items()}


def test_who_leaves_without_storing_leaves_nothing_stored(bootstrap_servers: str, kafka_topic: str) -> None:
    member = Member(bootstrap_servers, kafka_topic)
    wait_for(lambda: len(member.records) == RECORDS, SECONDS, "the records did not come")
    member.end()
    member.reader.close()
    with Reader(bootstrap_servers, [kafka_topic], group=kafka_topic, shared=False) as reader:
        assert set(reader.places().values()) == {0}
