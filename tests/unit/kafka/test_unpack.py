"""The quick reader against kafka-python's own: the same records, the same positions, the same refusals."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.consumer.fetcher import Fetcher, IsolationLevel
from kafka.errors import CorruptRecordError
from kafka.protocol.consumer import FetchResponse
from kafka.record.default_records import DefaultRecordBatch
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder
from kafka.record.util import calc_crc32c
from kafka.structs import TopicPartition

from streams.kafka.link import Record, with_values
from streams.kafka.unpack import QuickRecords

PLACE = TopicPartition("news.articles", 3)
NOW = 1_772_000_000_000
LZ4 = 3
COMMIT, ABORT = struct.pack(">hh", 0, 1), struct.pack(">hh", 0, 0)
PRODUCERS = [1, 2]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
headers = st.lists(st.tuples(texts, st.none() | st.binary(max_size=300)), max_size=4)
fields = st.tuples(
    st.integers(NOW - 10**9, NOW + 10**9),
    st.none() | st.binary(max_size=100),
    st.none() | st.binary(max_size=9000),
    headers,
)
# records of a producer (None: of one without transactions), or the end of a producer's transaction
batches = st.one_of(
    st.tuples(st.none() | st.sampled_from(PRODUCERS), st.lists(fields, min_size=1, max_size=5)),
    st.tuples(st.sampled_from(PRODUCERS), st.sampled_from([COMMIT, ABORT])),
)


def batch_of(producer: int | None, records: Any, base: int, compression: int) -> bytearray:
    """A batch as it lies in the log, at its offset; bytes in place of records are a marker."""
    marker = isinstance(records, bytes)
    builder = MemoryRecordsBuilder(2, 0 if marker else compression, 1 << 20)
    for timestamp, key, value, its_headers in [(NOW, records, b"\0" * 6, [])] if marker else records:
        builder._builder.append(builder.next_offset(), timestamp, key, value, its_headers)
        builder._next_offset += 1
    if producer is not None:
        builder.set_producer_state(producer, 0, 0, True)
    builder.close()
    data = bytearray(builder.buffer())
    struct.pack_into(">q", data, 0, base)
    if marker:
        data[22] |= DefaultRecordBatch.CONTROL_MASK
        seal(data)
    return data


def seal(data: bytearray) -> None:
    """The checksum again, after a change."""
    struct.pack_into(">I", data, DefaultRecordBatch.CRC_OFFSET, calc_crc32c(memoryview(data)[21:]))


def log_of(parts: list[tuple[int | None, Any]], compression: int, gap: int) -> tuple[bytes, list[Any]]:
    """A log and its rolled-back transactions, as the broker names both; `gap` offsets are missing after each batch."""
    log, offset, began, aborted = b"", 0, dict[int, int](), []
    for producer, records in parts:
        log += batch_of(producer, records, offset, compression)
        if isinstance(records, bytes):
            start = began.pop(producer or 0, None)
            if records == ABORT and start is not None:
                aborted.append(Aborted(producer_id=producer, first_offset=start))
        elif producer is not None:
            began.setdefault(producer, offset)
        offset += gap + (1 if isinstance(records, bytes) else len(records))
    return log, aborted


Aborted = FetchResponse.FetchableTopicResponse.PartitionData.AbortedTransaction


def read(kind: Any, log: bytes, start: int, sizes: list[int], **settings: Any) -> list[Any]:
    """What `take` gives, call by call, and where it stands after each."""
    part = kind(start, PLACE, MemoryRecords(log), **settings)
    seen: list[Any] = []
    for size in [*sizes, 1000, 1000]:
        if not part:
            break
        seen.append(([as_record(r) for r in part.take(size)], part.next_fetch_offset, part.leader_epoch))
    return [*seen, bool(part)]


def as_record(found: Any) -> Record:
    if isinstance(found, Record):
        return found
    r = found
    return Record(r.topic, r.partition, r.offset, r.key, r.value, with_values(r.headers), r.timestamp)


@given(
    st.lists(batches, min_size=1, max_size=6),
    st.integers(0, 12),
    st.lists(st.integers(1, 4), max_size=4),
    st.sampled_from(IsolationLevel),
    st.sampled_from([0, LZ4]),
    st.integers(0, 2),
)
def test_records_and_positions_are_those_of_the_client(
    parts: list[Any], start: int, sizes: list[int], isolation: IsolationLevel, compression: int, gap: int
) -> None:
    log, aborted = log_of(parts, compression, gap)
    settings = {"isolation_level": isolation, "aborted_transactions": aborted}
    assert read(QuickRecords, log, start, sizes, **settings) == read(
        Fetcher.PartitionRecords, log, start, sizes, **settings
    )


def test_the_time_of_a_log_that_stamps_its_records_itself_is_that_of_the_batch() -> None:
    data = batch_of(None, [(NOW, b"k", b"v", []), (NOW + 5, b"k", b"v", [])], 0, LZ4)
    data[22] |= DefaultRecordBatch.TIMESTAMP_TYPE_MASK
    seal(data)
    assert [r.timestamp_ms for r in QuickRecords(0, PLACE, MemoryRecords(bytes(data))).take()] == [NOW + 5] * 2


@given(st.lists(fields, min_size=1, max_size=4), st.data())
def test_a_damaged_batch_is_refused_and_never_anything_else(records: list[Any], data: st.DataObject) -> None:
    batch = batch_of(None, records, 0, 0)
    at = data.draw(st.integers(61, len(batch) - 1))
    batch[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CorruptRecordError, match="checksum"):
        QuickRecords(0, PLACE, MemoryRecords(bytes(batch))).take()
    seal(batch)  # damage that the checksum does not show: written so
    for kind in (QuickRecords, Fetcher.PartitionRecords):
        part = kind(0, PLACE, MemoryRecords(bytes(batch)))
        try:
            while part:
                part.take(1)
        except CorruptRecordError:
            pass


def test_a_name_that_is_not_utf8_costs_one_record_its_headers() -> None:
    records = [(NOW, b"k%d" % n, b"v", [("own", b"1"), ("name", b"2")]) for n in range(3)]
    data = batch_of(None, records, 0, 0)
    at = data.index(b"name", data.index(b"k1"))
    data[at : at + 4] = b"\xff\xfe\xfd\xfc"
    seal(data)
    found = QuickRecords(0, PLACE, MemoryRecords(bytes(data))).take()
    both = [("own", b"1"), ("name", b"2")]
    assert [(r.key, r.value, r.headers) for r in found] == [(b"k0", b"v", both), (b"k1", b"v", []), (b"k2", b"v", both)]


def test_the_private_names_exist() -> None:
    names = ["_unpack_records", "_consume_aborted_transactions_up_to", "_contains_abort_marker", "_is_batch_aborted"]
    assert [name for name in names if not hasattr(Fetcher.PartitionRecords, name)] == []
    assert {"_buffer", "_pos"} <= set(DefaultRecordBatch.__slots__)
