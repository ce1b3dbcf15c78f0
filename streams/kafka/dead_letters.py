"""Dead letters read, found and sent back. What is sent back is the record as it came: bytes, key and headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from kafka.errors import KafkaError

from streams.errors import InvalidError, TransientError
from streams.kafka.bulk import FLUSH_SECONDS
from streams.kafka.clients import close_quietly, new_producer, positions, reaching
from streams.kafka.link import Output
from streams.kafka.reader import Reader
from streams.wire import ARTICLES, DEAD_LETTERS, ERROR_HEADER, SINK_STAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streams.kafka.connection import Where
    from streams.kafka.link import Record

REPLAY_GROUP = "newswire.dead-letters"
BATCH_RECORDS = 500
BATCH_BYTES = 8 << 20


class Replayed(NamedTuple):
    """What a replay did."""

    sent: int
    kept: int  # dead letters that hold no record of news.articles: an input that a source refused, or a mere pointer


def error_of(record: Record) -> dict[str, str]:
    """The fields of the error in a dead letter's headers, without their prefix."""
    return {
        name.removeprefix(ERROR_HEADER): (value or b"").decode("utf-8", "replace")
        for name, value in record.headers
        if name.startswith(ERROR_HEADER)
    }


def dead_letters(bootstrap_servers: Where, kafka_topic: str = DEAD_LETTERS) -> Iterator[Record]:
    """Every dead letter up to the end as of now, in the order of each partition. Raises TransientError."""
    with Reader(bootstrap_servers, [kafka_topic]) as reader:
        while True:
            records = reader.poll(0.2)
            yield from records
            if not records and reader.at_end():
                return


def find(bootstrap_servers: Where, partition: int, offset: int, kafka_topic: str = DEAD_LETTERS) -> Record:
    """One dead letter by its place. Raises InvalidError where there is none, TransientError."""
    with Reader(bootstrap_servers, [kafka_topic]) as reader:
        first, behind = reader.bounds().get((kafka_topic, partition), (0, 0))
        if first <= offset < behind:
            # the other partitions from their end, so that only this one is read
            reader.go_to({place: end for place, (_, end) in reader.bounds().items()})
            reader.go_to({(kafka_topic, partition): offset})
            while not reader.at_end():
                for record in reader.poll(0.2):
                    if (record.partition, record.offset) == (partition, offset):
                        return record
    raise InvalidError(
        f"there is no dead letter {partition}:{offset}; `newswire dead-letters list` shows what there is"
    )


def original(record: Record, kafka_topic: str = ARTICLES) -> Output | None:
    """The record that died, to be sent again; None where the dead letter does not hold it."""
    error = error_of(record)
    if "topic" not in error or "truncated" in error or not record.value or _is_pointer(record.value):
        return None
    if error.get("stage", "").startswith(SINK_STAGE):  # a labelled item: it has had its outcome
        return None
    headers = [(name, value) for name, value in record.headers if not name.startswith(ERROR_HEADER)]
    return Output(kafka_topic, record.key, record.value, headers)


def replay(
    bootstrap_servers: Where,
    group: str = REPLAY_GROUP,
    source: str = DEAD_LETTERS,
    target: str = ARTICLES,
    count: Callable[[int], None] = lambda _: None,
) -> Replayed:
    """Sends every dead letter back that this group has not, up to the end as of now: exactly once.

    What is sent and how far it got are one transaction. A second replay of the same group fences the first. An item
    that dies again is a new dead letter, behind the end of this run. Raises TransientError.
    """
    producer = new_producer(bootstrap_servers, transactional_id=group, linger_ms=1000, retry_backoff_ms=5)
    try:
        with reaching(bootstrap_servers):
            producer.init_transactions()  # ends what an earlier replay left open, before its place is read
        with Reader(bootstrap_servers, [source], group=group, shared=False) as reader:
            sent = kept = 0
            for batch in _batches(reader):
                outputs = [output for record in batch if (output := original(record, target))]
                _send(producer, outputs, batch, reader)
                sent, kept = sent + len(outputs), kept + len(batch) - len(outputs)
                count(len(batch))
            return Replayed(sent, kept)
    finally:
        close_quietly(producer)


def _batches(reader: Reader) -> Iterator[list[Record]]:
    ends = {place: behind for place, (_, behind) in reader.bounds().items()}
    while True:
        batch = [r for r in reader.poll(0.2, BATCH_RECORDS) if r.offset < ends[r.kafka_topic, r.partition]]
        if batch:
            yield batch
        elif all(offset >= ends[place] for place, offset in reader.places().items()):
            return


def _send(producer: Any, outputs: list[Output], batch: list[Record], reader: Reader) -> None:
    places = {(r.kafka_topic, r.partition): r.offset + 1 for r in batch}
    try:
        producer.begin_transaction()
        futures = [producer.send(o.kafka_topic, o.value, key=o.key, headers=o.headers) for o in outputs]
        producer.flush(timeout=FLUSH_SECONDS)
        for future in futures:
            future.get(timeout=FLUSH_SECONDS)
        producer.send_offsets_to_transaction(positions(places), reader.membership())
        producer.commit_transaction()
    except KafkaError as error:
        # not tried again here: the next run rolls this back and goes on from what is stored
        raise TransientError(f"the replay broke off, run it again: {error!r}") from error


def _is_pointer(value: bytes) -> bool:
    if not value.startswith(b'{"pointer":'):
        return False
    try:
        return set(msgspec.json.decode(value)) == {"pointer"}
    except msgspec.DecodeError:
        return False
