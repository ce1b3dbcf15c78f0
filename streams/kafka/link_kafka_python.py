"""The default link, on kafka-python 3.0.12. Each oddity of it that could lose or double an item is named here.

tests/contract/test_links.py and tests/chaos hold this file to them.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from typing import TYPE_CHECKING, Any

from kafka import ConsumerRebalanceListener, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import (
    CorruptRecordError,
    FencedInstanceIdError,
    InvalidProducerEpochError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    ProducerFencedError,
    UnknownTopicOrPartitionError,
)
from kafka.record import util
from kafka.structs import MemberState, OffsetAndMetadata

from streams.errors import TransientError
from streams.kafka.admin import reachable
from streams.kafka.bulk import FLUSH_SECONDS, fan_out, partition_count
from streams.kafka.connection import for_kafka_python, unanswered
from streams.kafka.link import AbortedError, LinkLostError, Rebalance, fenced, missing_topic
from streams.kafka.opening import opened
from streams.kafka.unpack import read_quickly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from streams.kafka.connection import Where
    from streams.kafka.link import FanOut, LinkSettings, Offsets, OnRebalance, Record

    Send = Callable[[Any, Sequence[FanOut]], None]  # writes within the open transaction; raises KafkaError

BOOTSTRAP_MS = 5_000  # one attempt to reach Kafka; who opens the link decides how many
POLL_INTERVAL_MS = 60_000  # a worker that does not come back for records so long has stalled; above any batch
COMMITTED_MS = 15_000  # to learn the committed offset; offsets of an open transaction hold it up until that ends
CLOSE_SECONDS = 3.0  # each of consumer and producer, within the 20 s of grace
_FENCED = (ProducerFencedError, InvalidProducerEpochError, FencedInstanceIdError)


def open_link(settings: LinkSettings, on_rebalance: OnRebalance) -> KafkaPythonLink:
    """Connects and joins the group. Raises TransientError where Kafka cannot be reached."""
    return KafkaPythonLink(settings, on_rebalance)


class KafkaPythonLink:
    """A Link; see the contract for who calls what.

    `send` writes the records of a transaction: in bulk, or one by one through the public API, which tests compare.
    """

    def __init__(self, settings: LinkSettings, on_rebalance: OnRebalance, *, send: Send = fan_out) -> None:
        if util.crc32c_c is None:
            raise TransientError("kafka-python runs without crc32c, 100 us a message: pip install crc32c")
        self._settings = settings
        self._send = send
        self._silent_since: float | None = None
        # a random id where there is no slot: nobody aborts what this process leaves open, readers wait for the time-out
        self._transactional_id = f"{settings.group}.{settings.slot or uuid.uuid4().hex}"
        with _reaching(settings.bootstrap_servers):
            self._producer = self._new_producer()
            try:
                self._consumer = self._new_consumer()
            except KafkaError:
                self._producer.close(timeout=CLOSE_SECONDS)
                raise
        read_quickly(self._consumer)
        self._consumer.subscribe([settings.kafka_topic], listener=_Listener(on_rebalance))

    def _new_consumer(self) -> Any:
        session_ms = self._settings.session_ms
        return opened(
            KafkaConsumer,
            **for_kafka_python(self._settings.bootstrap_servers),
            bootstrap_timeout_ms=BOOTSTRAP_MS,
            group_id=self._settings.group,
            group_instance_id=self._settings.slot,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            # Also where the input is not transactional: only so does it ask for stable offsets. Without it an heir
            # reads the offset from before a zombie's pending commit: 200 records for 100 items (tests/chaos, zombie).
            isolation_level="read_committed",
            # one eager assignor: the courier's epochs assume that a rebalance voids everything
            partition_assignment_strategy=(RangePartitionAssignor(),),
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=max(session_ms // 5, 500),
            max_poll_interval_ms=POLL_INTERVAL_MS,
            fetch_max_bytes=8 << 20,
            fetch_max_wait_ms=100,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )

    def _new_producer(self) -> Any:
        producer = opened(
            KafkaProducer,
            **for_kafka_python(self._settings.bootstrap_servers),
            bootstrap_timeout_ms=BOOTSTRAP_MS,
            transactional_id=self._transactional_id,
            transaction_timeout_ms=self._settings.transaction_ms,
            compression_type="lz4",
            linger_ms=1000,  # flush() sends at once; this only keeps half a batch from leaving before it
            batch_size=256 << 10,
            # Slept in the sender's thread before each retried transactional request, and "concurrent transactions" is a
            # normal answer right after a commit: with the default of 100 ms the p99 of a commit is 120-200 ms.
            retry_backoff_ms=5,
            request_timeout_ms=8_000,
            delivery_timeout_ms=40_000,
            max_block_ms=10_000,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )
        try:
            producer.init_transactions()  # aborts what an earlier holder of this slot left open, and fences it
        except KafkaError:
            producer.close(timeout=CLOSE_SECONDS)
            raise
        return producer

    def missing(self, kafka_topics: Iterable[str]) -> list[str]:
        """See Link."""
        with _reaching(self._settings.bootstrap_servers):
            return sorted(set(kafka_topics) - self._consumer.topics())

    def poll(self, seconds: float, limit: int) -> list[Record]:
        """See Link."""
        try:
            found = self._consumer.poll(timeout_ms=int(seconds * 1000), max_records=limit)
            self._look_after_membership()
        except FencedInstanceIdError as error:
            raise fenced(self._settings.slot) from error
        except CorruptRecordError as error:
            raise TransientError(
                f"{self._settings.kafka_topic} holds a record that this client cannot read ({error}): "
                "label.link = 'confluent' may, else delete records up to it"
            ) from error
        except KafkaError as error:
            raise TransientError(f"cannot read {self._settings.kafka_topic}: {error!r}") from error
        return [record for records in found.values() for record in records]

    def _look_after_membership(self) -> None:
        """Two states of 3.0.12 from which it does not come back by itself; see each. Asks nobody."""
        state, coordinator = self._consumer.group_metadata().state, self._consumer._coordinator  # noqa: SLF001
        if state is MemberState.REBALANCING:
            # A join that new metadata caused (a first join before the metadata came, more partitions) is forgotten
            # where the poll ends between its JoinGroup and its SyncGroup: need_rejoin() is false by then, nobody takes
            # the answer, heartbeats stay off, and the worker reads nothing for ever. Seen in one of forty starts.
            coordinator.request_rejoin()
        silent = state is MemberState.STABLE and not coordinator._heartbeat_enabled  # noqa: SLF001
        if not silent:
            self._silent_since = None
        elif self._silent_since is None:
            self._silent_since = time.monotonic()
        elif time.monotonic() - self._silent_since > self._settings.session_ms / 1000:
            # the heartbeat that learns that another holds the slot is switched off, and nobody is told
            raise fenced(self._settings.slot)

    def rewind(self) -> None:
        """See Link. Positions survive a rebalance and an abort in kafka-python: what was dropped would be skipped."""
        try:
            for place in self._consumer.assignment():
                # An OffsetFetch that timed out leaves its future behind, and the next call for the same partition
                # takes that old answer: the first call uses it up.
                self._consumer.committed(place, timeout_ms=COMMITTED_MS)
                offset = self._consumer.committed(place, timeout_ms=COMMITTED_MS)
                if offset is None:
                    self._consumer.seek_to_beginning(place)
                else:
                    self._consumer.seek(place, offset)
        except KafkaError as error:
            raise TransientError(f"cannot learn the committed offsets of {self._settings.group}: {error!r}") from error

    def group(self) -> Any | None:
        """See Link. A member that was thrown out has the generation -1, which would be committed without any check."""
        membership = self._consumer.group_metadata()
        return membership if membership.generation_id >= 0 and membership.member_id else None

    def publish(self, outputs: Sequence[FanOut], offsets: Offsets, group: Any) -> None:
        """See Link. The waits of kafka-python 3.0.12 in here have no limit of their own: the watchdog has one."""
        producer = self._producer
        positions = {TopicPartition(*place): OffsetAndMetadata(o, "", -1) for place, o in offsets.items()}
        try:
            producer.begin_transaction()
            self._send(producer, outputs)
            # Dies here: an open transaction, aborted by the slot's next holder or its time-out; readers wait so long.
            producer.send_offsets_to_transaction(positions, group)
            # Dies here: as above; the heir waits until the offsets are stable, then reads the old ones.
            producer.commit_transaction()
            # Dies here: committed; the broker finishes the markers, the heir starts behind this batch.
        except KafkaError as error:
            # Fenced between two calls: the next says only that an earlier request failed, and has why among its args.
            if any(isinstance(one, _FENCED) for one in (error, *error.args)):
                raise fenced(self._settings.slot) from error
            self._roll_back(error)

    def _roll_back(self, error: KafkaError) -> None:
        """Aborts and takes a new producer.

        3.0.12 keeps the offsets of an aborted transaction (_pending_txn_offset_commits) and sends them with the next
        one of the same producer, under the new generation: a partition that is no longer ours jumps back (33 duplicates
        in a chaos run) or forward (loss).
        """
        try:
            self._producer.abort_transaction()
            self._producer.close(timeout=CLOSE_SECONDS)
            if isinstance(error, UnknownTopicOrPartitionError):
                raise missing_topic(error) from error
            self._producer = self._new_producer()
        except KafkaError as second:
            # abort_transaction() itself fails where the state is fatal, or where an epoch bump ended the transaction
            # behind our back: nothing is known then
            raise LinkLostError(
                f"the transaction failed ({error!r}) and could not be rolled back ({second!r})"
            ) from error
        raise AbortedError(f"transaction rolled back: {error!r}") from error

    def lag(self) -> dict[int, int]:
        """See Link."""
        found = {}
        for place in self._consumer.assignment():
            end = self._consumer.highwater(place)
            with contextlib.suppress(KafkaTimeoutError):
                position = self._consumer.position(place, timeout_ms=0)
                if end is not None and position is not None:
                    found[place.partition] = max(end - position, 0)
        return found

    def close(self) -> None:
        """See Link."""
        with contextlib.suppress(KafkaError):
            self._consumer.close(autocommit=False, timeout_ms=int(CLOSE_SECONDS * 1000))  # calls the listener once more
        with contextlib.suppress(KafkaError):
            self._producer.close(timeout=CLOSE_SECONDS)


def send_one_by_one(producer: Any, outputs: Sequence[FanOut]) -> None:
    """What `fan_out` does, by the public API: three times the CPU. Raises KafkaError where any failed."""
    for name in {name for output in outputs for name in output.kafka_topics}:
        partition_count(producer, name)
    futures = [producer.send(name, o.value, key=o.key, headers=o.headers) for o in outputs for name in o.kafka_topics]
    producer.flush(timeout=FLUSH_SECONDS)
    for future in futures:
        if not future.succeeded():
            raise future.exception or KafkaTimeoutError(f"no answer in {FLUSH_SECONDS:g} s")


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Called on the consumer's I/O thread: never call the consumer from here (it would wait for itself)."""

    def __init__(self, on_rebalance: OnRebalance) -> None:
        self._on_rebalance = on_rebalance

    def on_partitions_revoked(self, revoked: Any) -> None:  # noqa: ARG002
        self._on_rebalance(Rebalance(drain=True, partitions=-1))

    def on_partitions_lost(self, lost: Any) -> None:  # noqa: ARG002
        self._on_rebalance(Rebalance(drain=False, partitions=0))

    def on_partitions_assigned(self, assigned: Any) -> None:
        self._on_rebalance(Rebalance(drain=False, partitions=len(assigned)))


@contextlib.contextmanager
def _reaching(bootstrap_servers: Where) -> Iterator[None]:
    """A plain connection is tried first: it is refused at once where nothing listens."""
    absent = TransientError(
        f"cannot reach Kafka at {bootstrap_servers}: start it (`newswire broker`) or set kafka.bootstrap_servers"
    )
    if not reachable(bootstrap_servers):
        raise absent
    try:
        yield
    except KafkaConnectionError as error:
        raise absent from error
    except KafkaTimeoutError as error:
        raise TransientError(unanswered(bootstrap_servers)) from error
    except KafkaError as error:
        raise TransientError(f"Kafka at {bootstrap_servers} refuses this worker: {error!r}") from error
