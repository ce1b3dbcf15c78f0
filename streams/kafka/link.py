"""The contract between the worker core and a Kafka client: one consumer and one transactional producer of one slot.

Two implementations keep it: `link_kafka_python` (the default) and `link_confluent` (extra `confluent`); one contract
suite and one chaos test run over both. `poll`, `rewind`, `group` and `lag` are called by the reader thread only,
`publish` by the writer thread only, `missing` before both start, `close` after both have ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

from streams.errors import TransientError

if TYPE_CHECKING:
    from streams.kafka.connection import Where


class Record(NamedTuple):
    """A record as read from Kafka; a header without a value has an empty one."""

    kafka_topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    timestamp_ms: int


class Output(NamedTuple):
    """A record to be written."""

    kafka_topic: str
    key: bytes | None
    value: bytes | None  # None only in the dead letter of a tombstone
    headers: list[tuple[str, bytes]]


class FanOut(msgspec.Struct, frozen=True, gc=False):
    """One record to be written to several Kafka topics: what is the same in all of them is encoded once."""

    kafka_topics: Sequence[str]
    key: bytes | None
    value: bytes | None  # None only in the dead letter of a tombstone
    headers: list[tuple[str, bytes]]


def with_values(headers: Sequence[tuple[str, bytes | None]]) -> Sequence[tuple[str, bytes]]:
    """The headers of a record as clients give them, null made empty: no client of ours ever writes null."""
    if None in dict(headers).values() or len(dict(headers)) != len(headers):
        return [(name, data or b"") for name, data in headers]
    return headers  # type: ignore[return-value]


Offsets = Mapping[tuple[str, int], int]  # (Kafka topic, partition) -> offset of the next record to read


class AbortedError(TransientError):
    """The transaction was rolled back, nothing of it will ever be visible; rewind and go on."""


class LinkLostError(TransientError):
    """Fenced by a newer holder of the slot, or the state of the transaction is unknown: leave the process."""


class LinkSettings(NamedTuple):
    """Plain values for a link; times in milliseconds."""

    bootstrap_servers: Where
    kafka_topic: str
    group: str
    slot: str | None  # a stable name of this worker's place; None = dynamic member and a random transactional id
    session_ms: int = 10_000
    transaction_ms: int = 10_000


class Rebalance(NamedTuple):
    """What happens to the partitions."""

    drain: bool  # they are still ours: batches in flight should commit before this call returns
    partitions: int  # how many are assigned after it, -1 where not known yet


# Called inside poll() when partitions are about to go (drain), or have gone or come. kafka-python calls it on its I/O
# thread, which sends no heartbeat meanwhile: return well within the session.
OnRebalance = Callable[[Rebalance], None]


class Link(Protocol):
    """One worker's place at Kafka."""

    def missing(self, kafka_topics: Iterable[str]) -> list[str]:
        """Those of some Kafka topics that do not exist, sorted. Raises TransientError where Kafka does not answer."""
        ...

    def poll(self, seconds: float, limit: int) -> list[Record]:
        """Up to `limit` records, waiting up to `seconds` for the first.

        May call on_rebalance. Raises LinkLostError, or TransientError where reading cannot go on.
        """
        ...

    def rewind(self) -> None:
        """Every assigned partition goes back to its committed offset, or to its beginning where there is none.

        Raises TransientError where Kafka does not answer.
        """
        ...

    def group(self) -> Any | None:
        """The membership as it is now, to be taken with the batch; None where this process is out of the group."""
        ...

    def publish(self, outputs: Sequence[FanOut], offsets: Offsets, group: Any) -> None:
        """Outputs and offsets in one transaction: all or nothing. Raises AbortedError or LinkLostError."""
        ...

    def lag(self) -> dict[int, int]:
        """Records behind the end, by assigned partition, as far as the client knows without asking the broker."""
        ...

    def close(self) -> None:
        """Leave; nothing is committed by closing. Never raises."""
        ...


OpenLink = Callable[[OnRebalance], Link]  # connects and joins; raises TransientError where Kafka cannot be reached


def fenced(slot: str | None) -> LinkLostError:
    """The error of a worker that Kafka fenced off; which of the two causes it was, Kafka does not say."""
    place = f"slot {slot!r}" if slot else "this worker's transactional id"
    return LinkLostError(
        f"fenced off: another worker took {place} over (give every worker a --slot of its own), "
        "or a transaction outlived label.transaction_seconds"
    )


def missing_topic(name: object) -> LinkLostError:
    """The error of a worker whose Kafka topics have gone while it ran."""
    return LinkLostError(f"a Kafka topic is missing ({name}); run `newswire topics create`")
