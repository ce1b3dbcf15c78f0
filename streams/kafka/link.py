"""The contract between the worker core and a Kafka client: one consumer and one transactional producer of one slot.

Two implementations keep it: `link_kafka_python` (the default) and `link_confluent` (extra `confluent`); one contract suite
and one chaos test run over both. `poll`, `rewind` and `group` are called by the reader thread only, `publish` by the
writer thread only, `close` after both have ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from streams.errors import TransientError


class Record(NamedTuple):
    """A record as read from Kafka."""

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
    value: bytes
    headers: list[tuple[str, bytes]]


Offsets = Mapping[tuple[str, int], int]  # (Kafka topic, partition) -> offset of the next record to read


class AbortedError(TransientError):
    """The transaction was rolled back, nothing of it will ever be visible; rewind and go on."""


class LinkLostError(TransientError):
    """Fenced by a newer holder of the slot, or the state of the transaction is unknown: leave the process."""


class LinkSettings(NamedTuple):
    """Plain values for a link; times in milliseconds."""

    bootstrap_servers: str
    kafka_topic: str
    group: str
    slot: str | None  # a stable name of this worker's place; None = dynamic member and a random transactional id
    session_ms: int = 10_000
    transaction_ms: int = 10_000


# Called inside poll() when partitions are about to go (True: wait for what is in flight) or have gone or come (False).
OnRebalance = Callable[["Rebalance"], None]


class Rebalance(NamedTuple):
    """What happens to the partitions."""

    drain: bool  # they are still ours: batches in flight should commit before this call returns
    partitions: int  # how many are assigned after it, -1 where not known yet


class Link(Protocol):
    """One worker's place at Kafka."""

    def poll(self, seconds: float, limit: int) -> list[Record]:
        """Up to `limit` records, waiting up to `seconds` for the first. May call on_rebalance. Raises LinkLostError."""
        ...

    def rewind(self) -> None:
        """Every assigned partition goes back to its committed offset, or to its beginning where there is none."""
        ...

    def group(self) -> Any | None:
        """The membership as it is now, to be taken with the batch; None where this process is out of the group."""
        ...

    def publish(self, outputs: Sequence[Output], offsets: Offsets, group: Any) -> None:
        """Outputs and offsets in one transaction: all or nothing. Raises AbortedError or LinkLostError."""
        ...

    def lag(self) -> dict[int, int]:
        """Records behind the end, by assigned partition, as far as the client knows without asking the broker."""
        ...

    def close(self) -> None:
        """Leave; nothing is committed by closing."""
        ...
