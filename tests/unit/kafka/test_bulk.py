"""The bulk path against kafka-python's own: the same bytes, the same partitions, and every private name there."""

from __future__ import annotations

from importlib.metadata import version

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as stock_murmur2
from kafka.producer import KafkaProducer
from kafka.producer.producer_batch import ProducerBatch
from kafka.producer.record_accumulator import RecordAccumulator
from kafka.producer.transaction_manager import TransactionManager
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder

from streams.kafka import bulk
from streams.kafka.link import FanOut
from streams.kafka.murmur import murmur2

headers = st.lists(
    st.tuples(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.binary(max_size=300)), max_size=4
)
outputs = st.builds(
    FanOut, st.just(("t",)), st.none() | st.binary(max_size=200), st.none() | st.binary(max_size=2000), headers
)
LZ4 = 3
NOW = 1_772_000_000_000


def test_the_pinned_version_is_installed() -> None:
    assert version("kafka-python") == bulk.VERSION


@given(st.lists(outputs, min_size=1, max_size=40), st.integers(200, 4000), st.sampled_from([0, LZ4]))
def test_records_are_byte_for_byte_those_of_the_client(
    records: list[FanOut], batch_size: int, compression: int
) -> None:
    ours = MemoryRecordsBuilder(bulk.MAGIC, compression, batch_size)
    count = bulk.fill(ours, [bulk.encode_tail(output) for output in records], NOW)
    theirs = MemoryRecordsBuilder(bulk.MAGIC, compression, batch_size)
    taken = 0
    for output in records:
        if theirs.append(NOW, output.key, output.value, output.headers) is None:
            break
        taken += 1
    assert count == taken
    for builder in (ours, theirs):
        builder.set_producer_state(7, 1, 100, True)
        builder.close()
    assert ours.next_offset() == theirs.next_offset()
    assert bytes(ours.buffer()) == bytes(theirs.buffer())


@given(st.lists(st.binary(max_size=40) | st.binary(min_size=45, max_size=45), max_size=60))
@settings(max_examples=200)
def test_the_hash_of_a_key_is_the_clients(keys: list[bytes]) -> None:
    assert murmur2(keys) == [stock_murmur2(key) & 0x7FFFFFFF for key in keys]


def test_many_keys_of_one_length_take_the_fast_way_to_the_same_hash() -> None:
    keys = [b"urn:newswire:%032x" % (n * 7919) for n in range(500)]
    assert murmur2(keys) == [stock_murmur2(key) & 0x7FFFFFFF for key in keys]


def test_lengths_beyond_the_cache_are_encoded() -> None:
    assert bulk.varint(0) == b"\x00"
    assert bulk.varint(1) == b"\x02"
    assert bulk.varint(300_000) == b"\xc0\xcf\x24"


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        (KafkaProducer, ["partitions_for", "flush"]),
        (RecordAccumulator, ["_tp_lock"]),
        (TransactionManager, ["maybe_add_partition_to_transaction"]),
        (MemoryRecordsBuilder, ["_builder", "_next_offset"]),
        (ProducerBatch, ["is_done"]),
    ],
)
def test_the_private_names_exist(owner: type, names: list[str]) -> None:
    assert [name for name in names if not hasattr(owner, name)] == []


def test_the_private_attributes_exist() -> None:
    accumulator = RecordAccumulator(linger_ms=0, request_timeout_ms=1, delivery_timeout_ms=10)
    builder = MemoryRecordsBuilder(bulk.MAGIC, 0, 1000)
    assert {"_batches", "_incomplete", "config"} <= vars(accumulator).keys()
    assert {"compression_attrs", "batch_size"} <= accumulator.config.keys()
    inner = type(builder._builder).__slots__
    assert {"_buffer", "_batch_size", "_first_timestamp", "_max_timestamp", "_num_records", "_last_offset"} <= set(
        inner
    )


@given(st.lists(outputs, min_size=1, max_size=40), st.booleans())
def test_the_quicker_compression_holds_the_same_records(records: list[FanOut], repeated: bool) -> None:
    tails = [bulk.encode_tail(output) for output in records] * (20 if repeated else 1)
    builder = bulk.new_builder(LZ4, 1 << 20)
    assert bulk.fill(builder, tails, NOW) == len(tails)
    builder.set_producer_state(7, 1, 100, True)
    builder.close()
    (batch,) = list(MemoryRecords(builder.buffer()))
    assert batch.validate_crc()
    assert (batch.producer_id, batch.base_sequence, batch.is_transactional) == (7, 100, True)
    read = [(r.offset, r.timestamp, r.key, r.value, r.headers) for r in batch]
    wanted = records * (20 if repeated else 1)
    assert read == [(n, NOW, o.key, o.value, o.headers) for n, o in enumerate(wanted)]


def test_what_does_not_shrink_is_sent_as_it_is() -> None:
    builder = bulk.new_builder(LZ4, 1 << 20)
    bulk.fill(builder, [bulk.encode_tail(FanOut(("t",), None, b"\x00\x01\x02", []))], NOW)
    builder.close()
    (batch,) = list(MemoryRecords(builder.buffer()))
    assert batch.compression_type == 0
    assert next(batch).value == b"\x00\x01\x02"
