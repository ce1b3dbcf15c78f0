"""The contract of a sink, and the loop that feeds one: poll, write, settle, commit.

One suite (tests/contract/test_sinks.py) runs over every sink. A sink knows no Kafka client; what it gets are records of
labelled items in the order of their partitions, committed ones only.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from streams.errors import InvalidError
from streams.kafka.link import Record

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence

    from streams.kafka.link import Offsets
    from streams.kafka.reader import Reader

Place = tuple[str, int]  # Kafka topic and partition
# Takes a record that its sink can never store, and why: a dead letter that Kafka has when this returns. Raises
# TransientError.
Bury = Callable[[Record, str], None]

POLL_SECONDS = 0.5  # how late a stop, or a file that is due by time, is noticed
POLL_RECORDS = 1_000

log = logging.getLogger(__name__)


class Settled(NamedTuple):
    """What has become durable: the offset of the next record by partition, and how many items that were."""

    offsets: Offsets
    items: int


class Sink(Protocol):
    """Where labelled items end up. Used by one thread."""

    name: str  # in metrics, and in the group `newswire.sink.<name>`
    # exactly once: the sink stores offsets together with the items, so `resume` knows; else its group does
    guarantee: Literal["exactly once", "at least once"]
    # Whether what the group has committed counts as stored too. Not for a database: one that was restored from a backup
    # is behind the group, and what it lost must come again. Files may be moved away, and must not come again.
    group_counts: bool

    def resume(self) -> Offsets:
        """The offset of the next record that is not stored, by partition as far as the sink knows. Called once, first.

        Raises InvalidError where what is there is not this sink's, TransientError where it cannot be reached.
        """
        ...

    def room(self) -> int:
        """How many records `write` would take now. 0: the partitions are paused until `settle` has made room."""
        ...

    def write(self, records: Sequence[Record]) -> None:
        """Takes records, to be durable when `settle` says so; passes over what it has stored already.

        Raises TransientError where nothing more can be written; the run ends and is repeated from `resume`.
        """
        ...

    def settle(self, *, everything: bool = False) -> Settled:
        """Makes durable what is due, or all there is, and says what that was. Called after every write."""
        ...

    def close(self) -> None:
        """Lets go; what was not settled is dropped and comes again."""
        ...


class Watch(Protocol):
    """Who is told how a sink does."""

    def stored(self, items: int) -> None:
        """So many more items are durable."""
        ...

    def stands(self, behind: int, paused: int) -> None:
        """So many records are not durable yet; so many partitions are paused because the sink has no room."""
        ...


def run_sink(sink: Sink, reader: Reader, stop: threading.Event, watch: Watch) -> int:
    """Feeds a sink until `stop` is set; the number of items it has stored. `watch` is told about it every while.

    A sink without room is not read for: its partitions are paused, the client goes on answering Kafka, and memory stays
    what the sink holds. Raises InvalidError, TransientError from both sides; what was not settled then comes again.
    """
    stored = 0
    try:
        known = sink.resume()
        committed = reader.places() if sink.group_counts else {}
        reader.go_to(places_to_begin(known, reader.bounds(), committed, sink.name))
        held = 0  # records that the sink has and that are not durable
        stopping = False
        while not stopping:
            stopping = stop.is_set()
            room = 0 if stopping else min(sink.room(), POLL_RECORDS)
            if room:
                records = reader.poll(POLL_SECONDS, room)
                sink.write(records)
                held += len(records)
            elif not stopping:
                reader.hold(POLL_SECONDS)
            # dies here: nothing of it is durable, it is read again
            settled = sink.settle(everything=stopping)
            # dies here: durable; a sink that stores offsets goes on behind it, others write it again
            if settled.offsets:
                reader.commit(settled.offsets)
                watch.stored(settled.items)
                stored += settled.items
                held = max(0, held - settled.items)
            watch.stands(reader.behind() + held, reader.paused())
    finally:
        sink.close()
    return stored


def places_to_begin(
    known: Offsets, bounds: Mapping[Place, tuple[int, int]], committed: Offsets, name: str
) -> dict[Place, int]:
    """Where to read on: behind what the sink has stored or what its group has committed, whichever is further.

    A sink's own knowledge is the newer one, but files may have been taken away since. Raises InvalidError where the
    sink is ahead of Kafka; says in the log how many items Kafka has dropped before the sink had them.
    """
    begin = {}
    for place, (first, behind) in bounds.items():
        offset = max(known.get(place, 0), committed.get(place, 0))
        if offset > behind:
            raise InvalidError(
                f"sink {name}: it holds items up to offset {offset} of {place[0]}-{place[1]}, which ends at {behind}:"
                " they are of another Kafka; give it a place of its own"
            )
        if 0 < offset < first:
            log.warning("sink %s: %s-%d: %d records expired unread", name, place[0], place[1], first - offset)
        begin[place] = max(offset, first)
    return begin
