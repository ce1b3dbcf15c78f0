"""The second link, on confluent-kafka (librdkafka; extra `confluent`): two thirds of the CPU, half outside the GIL.

Transactions of librdkafka needed none of the workarounds that link_kafka_python names: a failed send makes the
transaction abortable, and offsets of an aborted one are forgotten.
"""

from __future__ import annotations

import contextlib
import logging
import time
import uuid
from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from streams.errors import TransientError
from streams.kafka.admin import reachable
from streams.kafka.connection import for_librdkafka, unanswered
from streams.kafka.link import AbortedError, LinkLostError, Rebalance, Record, fenced, missing_topic, with_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from streams.kafka.connection import Where
    from streams.kafka.link import FanOut, LinkSettings, Offsets, OnRebalance

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0  # one attempt to reach Kafka; who opens the link decides how many
COMMITTED_SECONDS = 15.0  # to learn the committed offsets; offsets of an open transaction hold it up until that ends
FLUSH_SECONDS = 30.0
LEAVE_SECONDS = 2.0  # of the ten that a worker has to end
POLL_INTERVAL_MS = 60_000  # a worker that does not come back for records so long has stalled; above any batch
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
        self._consumer: Any = Consumer(self._consumer_settings())
        self._subscribe(on_rebalance)

    def _new_producer(self) -> Any:
        producer = Producer(
            {
                **self._common(),
                "transactional.id": self._transactional_id,
                "transaction.timeout.ms": self._settings.transaction_ms,
                "compression.type": "lz4",
                "linger.ms": 500,  # flush() sends at once; this only keeps half a batch from leaving before it
                "batch.size": 256 << 10,
                "message.max.bytes": 1 << 20,  # counted before compression; its default is less than our dead letters
                "partitioner": "murmur2_random",  # that of all other clients; librdkafka's own default is not
                "queue.buffering.max.messages": 500_000,
                "retry.backoff.ms": 5,
                "delivery.report.only.error": True,
                # how long a Kafka topic that is not there may be one that is just being made; the default outlives
                # the transaction, and the error would only say that a message timed out
                "topic.metadata.propagation.max.ms": self._settings.transaction_ms // 2,
            }
        )
        producer.init_transactions(
            CONNECT_SECONDS
        )  # aborts what an earlier holder of this slot left open, and fences it
        return producer

    def _common(self) -> dict[str, Any]:
        return {
            **for_librdkafka(self._settings.bootstrap_servers),
            "allow.auto.create.topics": False,
            "logger": logging.getLogger("confluent_kafka"),
        }

    def _consumer_settings(self) -> dict[str, Any]:
        session_ms = self._settings.session_ms
        return {
            **self._common(),
            "group.id": self._settings.group,
            **({"group.instance.id": self._settings.slot} if self._settings.slot else {}),
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",  # also makes it ask for stable offsets, see link_kafka_python
            "partition.assignment.strategy": "range",  # eager: the courier's epochs assume that all partitions go
            "session.timeout.ms": session_ms,
            "heartbeat.interval.ms": max(session_ms // 5, 500),
            "max.poll.interval.ms": POLL_INTERVAL_MS,
            "fetch.wait.max.ms": 100,
            "fetch.queue.backoff.ms": 10,
            "queued.max.messages.kbytes": 8192,
            "enable.partition.eof": True,  # the only way to know the lag: its position stops before markers
        }

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
            raise self._failure(_kafka_error(error)) from error
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
        if error.fatal() or not _is_passing(error):
            raise self._failure(error)
        log.warning("reading %s: %s", self._settings.kafka_topic, error)
        return False

    def _failure(self, error: KafkaError) -> TransientError:
        if error.fatal() or error.code() in _FENCED:
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
            producer.send_offsets_to_transaction(positions, group, COMMITTED_SECONDS)
            # Dies here: as above; the heir waits until the offsets are stable, then reads the old ones.
            producer.commit_transaction(COMMITTED_SECONDS)
            # Dies here: committed; the broker finishes the markers, the heir starts behind this batch.
        except (KafkaException, SystemError) as error:
            self._roll_back(error)

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
        error = _kafka_error(failure)
        if error.fatal():
            raise fenced(self._settings.slot) from failure
        try:
            # refused where a commit that was not answered may still go through: then nothing is known, and we leave
            self._producer.abort_transaction(COMMITTED_SECONDS)
            if error.code() not in _NO_TOPIC:
                self._producer = self._new_producer()
        except KafkaException as second:
            reason = f"the transaction failed ({error}), so did its rollback ({second.args[0]})"
            raise LinkLostError(reason) from failure
        if error.code() in _NO_TOPIC:
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
        rd_kafka_consumer_close). A member with a slot does not leave anyway; one without
        is out at once by unsubscribing.
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
            raise TransientError(_why_not_open(error.args[0], self._settings.bootstrap_servers)) from error


def _why_not_open(error: KafkaError, bootstrap_servers: Where) -> str:
    if not reachable(bootstrap_servers):
        return (
            f"cannot reach Kafka at {bootstrap_servers}: start it (`newswire broker`) or set kafka.bootstrap_servers "
            f"({error.str()})"
        )
    if error.code() == KafkaError._TIMED_OUT:  # noqa: SLF001  public in librdkafka
        return unanswered(bootstrap_servers)
    return f"Kafka at {bootstrap_servers} refuses this worker: {error.str()}"


def _kafka_error(raised: Exception) -> KafkaError:
    """What librdkafka said. Raises a SystemError that is of another kind again.

    The client raises a fatal error inside whatever call it is in and goes on to call our callbacks: Python then finds
    an exception set where none may be, and makes it the cause of a SystemError.
    """
    cause = raised if isinstance(raised, KafkaException) else raised.__cause__
    if not isinstance(cause, KafkaException):
        raise raised
    error: KafkaError = cause.args[0]
    return error


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


def _is_passing(error: KafkaError) -> bool:
    """Errors after which librdkafka goes on by itself: connections, leaders, a missed poll (on_lost follows)."""
    return error.retriable() or error.code() in _PASSING


_FENCED = (KafkaError._FATAL, KafkaError._FENCED, KafkaError.FENCED_INSTANCE_ID)  # noqa: SLF001
_NO_TOPIC = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC)  # noqa: SLF001
_PASSING = {
    KafkaError._TRANSPORT,  # noqa: SLF001
    KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001
    KafkaError._RESOLVE,  # noqa: SLF001
    KafkaError._TIMED_OUT,  # noqa: SLF001
    KafkaError._MAX_POLL_EXCEEDED,  # noqa: SLF001
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.OFFSET_OUT_OF_RANGE,
    KafkaError._AUTO_OFFSET_RESET,  # noqa: SLF001
}
