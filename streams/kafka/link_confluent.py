"""The second link, on confluent-kafka (librdkafka; extra `confluent`): two thirds of the CPU, half outside the GIL.

What link_kafka_python has to work around in transactions is right in librdkafka: a failed send makes the transaction
abortable, and offsets of an aborted one are forgotten. It hangs in places of its own instead: see HUNG_SECONDS,
`_roll_back` and `close`.
"""

from __future__ import annotations

import contextlib
import logging
import time
import uuid
from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from streams.errors import TransientError
from streams.kafka.librdkafka_errors import FENCED, NO_TOPIC, is_passing, kafka_error, why_not_open
from streams.kafka.librdkafka_settings import for_consumer, for_producer
from streams.kafka.link import AbortedError, LinkLostError, Rebalance, Record, fenced, missing_topic, with_values
from streams.kafka.within import within

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from streams.kafka.link import FanOut, LinkSettings, Offsets, OnRebalance

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0  # one attempt to reach Kafka; who opens the link decides how many
COMMITTED_SECONDS = 15.0  # to learn the committed offsets; offsets of an open transaction hold it up until that ends
# send_offsets_to_transaction() may hang for ever, beyond its own time-out, when a broker comes back (2.16.1, in 7 of 8
# runs of two restarts): given up a second after that time-out, before a worker that is to end runs out of its 20 s.
HUNG_SECONDS = COMMITTED_SECONDS + 1.0
FLUSH_SECONDS = 30.0
LEAVE_SECONDS = 2.0  # of the ten that a worker has to end
POLL_EVERY = 256  # outputs between two looks at the deliveries, so that the queue of reports stays short
BEGINNING = -2  # OFFSET_BEGINNING of librdkafka
UNKNOWN = -1001  # OFFSET_INVALID of librdkafka: nothing committed, nothing fetched yet


def open_link(settings: LinkSettings, on_rebalance: OnRebalance) -> ConfluentLink:
    """Connects and joins the group. Raises TransientError where Kafka cannot be reached."""
    return ConfluentLink(settings, on_rebalance)


class ConfluentLink:
    """A Link; see the contract for who calls what."""

    def __init__(self, settings: LinkSettings, on_rebalance: OnRebalance) -> None:
        self._settings = settings
        self._ends: dict[int, int] = {}  # where a partition ended when it was last read to its end
        # a random id where there is no slot: nobody aborts what this process leaves open, readers wait for the time-out
        self._transactional_id = f"{settings.group}.{settings.slot or uuid.uuid4().hex}"
        with self._reaching():
            self._producer = self._new_producer()
        self._consumer: Any = Consumer(for_consumer(settings))
        self._subscribe(on_rebalance)

    def _new_producer(self) -> Any:
        producer = Producer(for_producer(self._settings, self._transactional_id))
        # aborts what an earlier holder of this slot left open, and fences it
        producer.init_transactions(CONNECT_SECONDS)
        return producer

    def _subscribe(self, on_rebalance: OnRebalance) -> None:
        """The callbacks run inside poll, on the reader's thread; heartbeats go on."""

        def assigned(_consumer: Any, places: Any) -> None:
            self._ends.clear()
            on_rebalance(Rebalance(drain=False, partitions=len(places)))

        def revoked(_consumer: Any, _places: Any) -> None:
            on_rebalance(Rebalance(drain=True, partitions=-1))

        def lost(_consumer: Any, _places: Any) -> None:
            on_rebalance(Rebalance(drain=False, partitions=0))

        self._consumer.subscribe([self._settings.kafka_topic], on_assign=assigned, on_revoke=revoked, on_lost=lost)

    def missing(self, kafka_topics: Iterable[str]) -> list[str]:
        """See Link."""
        with self._reaching():
            present = self._consumer.list_topics(timeout=CONNECT_SECONDS).topics
        return sorted(set(kafka_topics) - present.keys())

    def poll(self, seconds: float, limit: int) -> list[Record]:
        """See Link. `consume(n, t)` alone would wait the whole `t` unless n are there (p50 290 ms in place of 28)."""
        try:
            first = self._consumer.poll(seconds)
            rest = self._consumer.consume(limit - 1, 0) if first is not None and limit > 1 else []
        except (KafkaException, SystemError) as error:
            raise self._failure(kafka_error(error)) from error
        messages = [first, *rest] if first is not None else []
        return [self._record(m) for m in messages if self._is_record(m)]

    def _record(self, message: Any) -> Record:
        return Record(
            message.topic(),
            message.partition(),
            message.offset(),
            message.key(),
            message.value(),
            _headers(message),
            message.timestamp()[1],
        )

    def _is_record(self, message: Any) -> bool:
        error = message.error()
        if error is None:
            return True
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  public in librdkafka
            self._ends[message.partition()] = message.offset()
            return False
        if error.fatal() or not is_passing(error):
            raise self._failure(error)
        log.warning("reading %s: %s", self._settings.kafka_topic, error)
        return False

    def _failure(self, error: KafkaError) -> TransientError:
        if error.fatal() or error.code() in FENCED:
            return fenced(self._settings.slot)
        return TransientError(f"cannot read {self._settings.kafka_topic}: {error}")

    def rewind(self) -> None:
        """See Link."""
        try:
            places = self._consumer.assignment()
            if places:
                committed = self._consumer.committed(places, timeout=COMMITTED_SECONDS)
                self._consumer.assign([_start_of(place) for place in committed])
        except KafkaException as error:
            raise TransientError(
                f"cannot learn the committed offsets of {self._settings.group}: {error.args[0]}"
            ) from error

    def group(self) -> Any | None:
        """See Link. A dynamic member that was thrown out has no id, and would be committed without any check.

        The metadata cannot be looked into; a member id is never given twice, so the same one before and after means
        that it stands in the metadata too. (A static member without an id is refused by the broker.)
        """
        before = self._consumer.memberid()
        membership = self._consumer.consumer_group_metadata()
        return membership if before and before == self._consumer.memberid() else None

    def publish(self, outputs: Sequence[FanOut], offsets: Offsets, group: Any) -> None:
        """See Link."""
        producer = self._producer
        positions = [TopicPartition(kafka_topic, n, offset) for (kafka_topic, n), offset in offsets.items()]
        try:
            producer.begin_transaction()
            self._send(outputs)
            # Dies here: an open transaction, aborted by the slot's next holder or its time-out; readers wait so long.
            within(HUNG_SECONDS, lambda: producer.send_offsets_to_transaction(positions, group, COMMITTED_SECONDS))
            # Dies here: as above; the heir waits until the offsets are stable, then reads the old ones.
            producer.commit_transaction(COMMITTED_SECONDS)
            # Dies here: committed; the broker finishes the markers, the heir starts behind this batch.
        except TimeoutError as error:
            self._leave_behind(error)
        except (KafkaException, SystemError) as error:
            self._roll_back(error)

    def _leave_behind(self, failure: TimeoutError) -> None:
        """Takes a new producer, which fences the one that hangs: its transaction is aborted and can never commit."""
        try:
            self._producer = self._new_producer()
        except KafkaException as second:
            raise LinkLostError(f"the client hangs, and no other can take its place: {second.args[0]}") from failure
        raise AbortedError(f"transaction given up: the client did not come back in {HUNG_SECONDS:.0f} s") from failure

    def _send(self, outputs: Sequence[FanOut]) -> None:
        failed: list[KafkaError] = []

        def not_delivered(error: KafkaError, _message: Any) -> None:
            failed.append(error)

        produce = self._producer.produce
        for number, output in enumerate(outputs):
            key, value, headers = output.key, output.value, output.headers
            for name in output.kafka_topics:
                try:
                    produce(name, value, key, headers=headers, on_delivery=not_delivered)
                except BufferError:  # flush waits for all that is queued, and tells what failed
                    self._producer.flush(FLUSH_SECONDS)
                    produce(name, value, key, headers=headers, on_delivery=not_delivered)
            if number % POLL_EVERY == POLL_EVERY - 1:
                self._producer.poll(0)
        left = self._producer.flush(FLUSH_SECONDS)
        if failed:
            raise KafkaException(failed[0])
        if left:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"{left} records not written"))  # noqa: SLF001

    def _roll_back(self, failure: Exception) -> None:
        """Aborts and takes a new producer.

        One that had been refused its offsets and aborted hung in the next send_offsets_to_transaction(), beyond its
        time-out and for ever (2.16, once in three restarts of a broker).
        """
        error = kafka_error(failure)
        if error.fatal():
            raise fenced(self._settings.slot) from failure
        try:
            # refused where a commit that was not answered may still go through: then nothing is known, and we leave
            self._producer.abort_transaction(COMMITTED_SECONDS)
            if error.code() not in NO_TOPIC:
                self._producer = self._new_producer()
        except KafkaException as second:
            reason = f"the transaction failed ({error}), so did its rollback ({second.args[0]})"
            raise LinkLostError(reason) from failure
        if error.code() in NO_TOPIC:
            raise missing_topic(error.str()) from failure
        raise AbortedError(f"transaction rolled back: {error}") from failure

    def lag(self) -> dict[int, int]:
        """See Link. The cached end is known from the first fetch on."""
        found = {}
        for place in self._consumer.position(self._consumer.assignment()):
            _, end = self._consumer.get_watermark_offsets(place, cached=True)
            position = max(place.offset, self._ends.get(place.partition, UNKNOWN))
            if end >= 0 and position >= 0:
                found[place.partition] = max(end - position, 0)
        return found

    def close(self) -> None:
        """See Link.

        The consumer is given up, not closed: its close() may call us back when the group's side has ended, and then
        waits for it for ever, with Python's lock in hand (2.16, seen once: rd_kafka_rebalance_protocol under
        rd_kafka_consumer_close). A member with a slot does not leave anyway; one without is out by unsubscribing.
        """
        if self._settings.slot is None and self._consumer is not None:
            with contextlib.suppress(KafkaException, SystemError, RuntimeError):
                self._consumer.unsubscribe()
                deadline = time.monotonic() + LEAVE_SECONDS
                while self._consumer.assignment() and time.monotonic() < deadline:
                    self._consumer.poll(0.1)  # calls on_revoke once more
        self._consumer = None
        with contextlib.suppress(KafkaException):
            self._producer.purge()
            self._producer.flush(1)

    @contextlib.contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except KafkaException as error:
            raise TransientError(why_not_open(error.args[0], self._settings.bootstrap_servers)) from error


def _start_of(committed: Any) -> Any:
    """A partition with the offset to read on at."""
    if committed.error:
        raise KafkaException(committed.error)
    return TopicPartition(committed.topic, committed.partition, max(committed.offset, BEGINNING))


def _headers(message: Any) -> Sequence[tuple[str, bytes]]:
    """The headers; none where a name is not UTF-8, which Kafka forbids and no broker checks: the item may be good."""
    try:
        return with_values(message.headers() or ())
    except (SystemError, UnicodeDecodeError):
        return ()
