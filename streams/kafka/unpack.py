"""Records out of kafka-python's consumer at a third of its CPU: straight from the bytes to a Record.

The client makes three objects of a record before ours, decodes each number by a call and copies each field twice: 8 us
a record of 1.5 kB without headers, 22 with the nine that a published item has; this takes 3 and 8.

This uses private names of kafka-python, which is pinned to 3.0.12; tests/unit/kafka/test_unpack.py holds records,
positions and failures equal to those of the client, and fails where a name has gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kafka.consumer.fetcher import Fetcher, IsolationLevel
from kafka.errors import CorruptRecordError

from streams.kafka.link import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMAT = 2  # of the records of every broker since 0.11
LOG_APPEND_TIME = 1
MAX_NAMES = 8192  # of headers that are kept; ours are twenty, others are their publishers'


def read_quickly(consumer: Any) -> None:
    """From now on `poll` of this consumer gives Records. To be called before it reads."""
    consumer._fetcher.PartitionRecords = QuickRecords  # noqa: SLF001


class QuickRecords(Fetcher.PartitionRecords):  # type: ignore[misc]
    """The records of one partition in an answer of the broker, as its base class gives them but for their type."""

    def _unpack_records(self, tp: Any, records: Any, *_deserializers: Any) -> Iterator[Record]:
        """Every record that a reader of this isolation may see; keeps next_fetch_offset one past the last given."""
        while (batch := records.next_batch()) is not None:
            if batch.magic != FORMAT:
                raise CorruptRecordError(f"{tp}: the batch at offset {batch.base_offset} is in format {batch.magic}")
            if not batch.validate_crc():
                raise CorruptRecordError(f"{tp}: the batch at offset {batch.base_offset} fails its checksum")
            self.leader_epoch = batch.leader_epoch
            if self._is_visible(batch):
                for record in unpack(tp.topic, tp.partition, batch):
                    self.next_fetch_offset = record.offset + 1
                    yield record
            # also past what compaction has taken, else the same batch would be fetched for ever
            self.next_fetch_offset = batch.next_offset
        self.drain()

    def _is_visible(self, batch: Any) -> bool:
        """Neither a marker nor, to one that reads what is committed, of a transaction that was rolled back."""
        if self.isolation_level == IsolationLevel.READ_COMMITTED and batch.has_producer_id():
            self._consume_aborted_transactions_up_to(batch.last_offset)
            if self._contains_abort_marker(batch):
                self.aborted_producer_ids.discard(batch.producer_id)
            elif self._is_batch_aborted(batch):
                return False
        return not batch.is_control_batch


def unpack(kafka_topic: str, partition: int, batch: Any) -> Iterator[Record]:
    """The records of a batch in format 2 (KIP-98). Raises CorruptRecordError.

    A header's null is made empty; a record with a header whose name is no UTF-8 has none.
    """
    batch._maybe_uncompress()  # noqa: SLF001
    data, pos = bytes(batch._buffer), batch._pos  # noqa: SLF001
    first, base = batch.first_timestamp, batch.base_offset
    fixed = batch.max_timestamp if batch.timestamp_type == LOG_APPEND_TIME else None
    try:
        for _ in range(batch.records_count):
            length, pos = _varint(data, pos)
            end = pos + length
            later, pos = _varint(data, pos + 1)  # after one byte of attributes, of which there are none
            number, pos = _varint(data, pos)
            key, pos = _bytes(data, pos)
            value, pos = _bytes(data, pos)
            try:
                headers, pos = _headers(data, pos)
            except UnicodeDecodeError:  # of a name, which Kafka forbids and no broker checks: the item may be good
                headers, pos = [], end
            if pos != end:
                raise CorruptRecordError(f"a record of {length} bytes ends {pos - end} bytes behind that")
            yield Record(
                kafka_topic, partition, base + number, key, value, headers, first + later if fixed is None else fixed
            )
    except (ValueError, IndexError) as error:
        raise CorruptRecordError(f"a record that cannot be read: {error!r}") from error
    if pos != len(data):
        raise CorruptRecordError(f"{len(data) - pos} bytes behind the last record")


def _headers(data: bytes, pos: int) -> tuple[list[tuple[str, bytes]], int]:
    count, pos = _varint(data, pos)
    if count < 0:
        raise CorruptRecordError(f"{count} headers")
    headers = []
    for _ in range(count):
        # nearly every length is one byte, a zig-zag varint: half of it where it is even, negative where it is odd
        size = data[pos]
        if size & 0x81:
            size, pos = _varint(data, pos)
            if size < 0:
                raise CorruptRecordError(f"a name of {size} bytes")
        else:
            size, pos = size >> 1, pos + 1
        name = _NAMES[data[pos : pos + size]]
        pos += size
        size = data[pos]
        if size & 0x81:
            content, pos = _bytes(data, pos)
            headers.append((name, content or b""))
        else:
            pos += 1
            headers.append((name, data[pos : pos + (size >> 1)]))
            pos += size >> 1
    return headers, pos


def _bytes(data: bytes, pos: int) -> tuple[bytes | None, int]:
    size, pos = _varint(data, pos)
    return (None, pos) if size < 0 else (data[pos : pos + size], pos + size)


def _varint(data: bytes, pos: int) -> tuple[int, int]:
    """A zig-zag varint and where it ends. Raises IndexError behind the data, ValueError for one over 64 bits."""
    low = data[pos]
    if low < 0x80:
        return (low >> 1) ^ -(low & 1), pos + 1
    found, shift = low & 0x7F, 7
    while True:
        pos += 1
        low = data[pos]
        found |= (low & 0x7F) << shift
        if low < 0x80:
            return (found >> 1) ^ -(found & 1), pos + 1
        shift += 7
        if shift >= 64:
            raise ValueError("a number of more than 64 bits")


class _Names(dict[bytes, str]):
    def __missing__(self, data: bytes) -> str:
        name = data.decode()
        if len(self) < MAX_NAMES:
            self[data] = name
        return name


_NAMES = _Names()
