"""Records to Kafka from outside of it: one by one and idempotent, or a source's items together with its position.

kafka-python's flush() returns as if all were well when records have failed: here every delivery is asked for.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from kafka.errors import (
    InvalidProducerEpochError,
    KafkaError,
    MessageSizeTooLargeError,
    ProducerFencedError,
)

from streams.errors import InvalidError, TransientError
from streams.kafka.bulk import send_in_bulk
from streams.kafka.clients import (
    DELIVERY_MS,
    close_quietly,
    new_consumer,
    new_producer,
    reaching,
    require,
)
from streams.kafka.compacted import read_latest
from streams.kafka.link import Output
from streams.wire import ARTICLES, DEAD_LETTERS, PUBLISH_TRANSACTIONS, SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streams.kafka.connection import Where

__all__ = ["Publisher", "SourcePublisher", "read_latest"]

IN_FLIGHT_RECORDS = 10_000
IN_FLIGHT_BYTES = 16 << 20  # ten thousand items of the largest size would be 9 GB
ATTEMPTS = 3  # of one transaction; each has waited DELIVERY_MS before it counts as failed
# the producer gives a record up before this
_WAIT_SECONDS = DELIVERY_MS / 1000 + 5


# Told of records that Kafka has acknowledged, and when they were handed over (Unix time in ns); must not raise.
Acknowledged = Callable[[Sequence[Output], int], None]


def _nobody(_outputs: Sequence[Output], _began: int) -> None:
    pass


class _Pending(NamedTuple):
    future: Any
    output: Output
    size: int
    began: int


class Publisher:
    """Sends records, each acknowledged by every replica in sync; at least once where a failed run is repeated.

    Not for several threads. Raises TransientError where Kafka cannot be reached or a Kafka topic is missing.
    """

    def __init__(
        self,
        bootstrap_servers: Where,
        kafka_topics: Iterable[str] = (ARTICLES, DEAD_LETTERS),
        acknowledged: Acknowledged = _nobody,
    ) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._acknowledged = acknowledged
        _check(bootstrap_servers, kafka_topics)
        self._producer = new_producer(bootstrap_servers)
        self._pending: deque[_Pending] = deque()
        self._bytes = 0
        self.delivered: Counter[str] = Counter()  # records that Kafka has acknowledged, by Kafka topic

    def send(self, output: Output) -> None:
        """Hands a record over; waits where too much is on its way. Raises TransientError where one has failed."""
        size = len(output.value or b"") + 200
        while self._pending and (
            self._pending[0].future.is_done
            or len(self._pending) >= IN_FLIGHT_RECORDS
            or self._bytes + size > IN_FLIGHT_BYTES
        ):
            self._settle_first()
        try:
            future = self._producer.send(output.kafka_topic, output.value, key=output.key, headers=output.headers)
        except MessageSizeTooLargeError as error:
            raise InvalidError(f"a record of {size:,} bytes is more than Kafka takes: {error}") from error
        except KafkaError as error:
            raise self._failed(error) from error
        self._pending.append(_Pending(future, output, size, time.time_ns()))
        self._bytes += size

    def send_all(self, outputs: Sequence[Output]) -> None:
        """Hands records over at a third of the cost of `send` and returns when each is acknowledged.

        Raises TransientError where any has failed; some of the others may have arrived then.
        """
        if not outputs:
            return
        began = time.time_ns()
        try:
            send_in_bulk(_Untransacted(self._producer), outputs)
        except KafkaError as error:
            raise self._failed(error, len(outputs)) from error
        self.delivered.update(output.kafka_topic for output in outputs)
        self._acknowledged(outputs, began)

    def flush(self, seconds: float = _WAIT_SECONDS) -> None:
        """Returns when every record is acknowledged. Raises TransientError where one has failed or time is over."""
        deadline = time.monotonic() + seconds
        with contextlib.suppress(KafkaError):  # says nothing that the futures do not say better
            self._producer.flush(timeout=seconds)
        while self._pending:
            self._settle_first(max(0.0, deadline - time.monotonic()))

    def close(self) -> None:
        """Ends the producer; call flush() first, records on their way may be lost."""
        close_quietly(self._producer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _settle_first(self, seconds: float = _WAIT_SECONDS) -> None:
        first = self._pending[0]
        if not first.future.succeeded():  # the common answer first: get() takes as long as sending
            try:
                first.future.get(timeout=seconds)
            except KafkaError as error:
                raise self._failed(error) from error
        self._pending.popleft()
        self._bytes -= first.size
        self.delivered[first.output.kafka_topic] += 1
        self._acknowledged([first.output], first.began)

    def _failed(self, error: KafkaError, more: int = 0) -> TransientError:
        done = sum(self.delivered.values())
        return TransientError(
            f"Kafka at {self._bootstrap_servers} did not take a record ({error!r}); {done:,} before it are delivered,"
            f" {len(self._pending) + more:,} are not known to be: publish again, the same items keep their uri"
        )


class _Untransacted:
    """An idempotent producer as send_in_bulk wants it: there is no transaction to announce partitions to."""

    def __init__(self, producer: Any) -> None:
        self._producer = producer
        self._transaction_manager = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._producer, name)

    def maybe_add_partition_to_transaction(self, place: Any) -> None:
        pass


class SourcePublisher:
    """Publishes what a source gave and the source's new position in one transaction: both or neither, exactly once.

    One holder a name: a second one fences the first, which then raises TransientError. Positions are JSON values in
    `news.sources` by key; a source of many parts (a poller of feeds) keeps one for each. Call positions() first.
    """

    def __init__(
        self,
        bootstrap_servers: Where,
        name: str,
        *,
        transaction_seconds: float = 30.0,
        acknowledged: Acknowledged = _nobody,
    ) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._acknowledged = acknowledged
        self._settings = {
            "transactional_id": PUBLISH_TRANSACTIONS + name,
            "transaction_timeout_ms": int(transaction_seconds * 1000),
            "linger_ms": 1000,  # flush() sends at once
            "retry_backoff_ms": 5,  # slept before each retried transactional request: 100 makes a commit take 121 ms
        }
        _check(bootstrap_servers, (ARTICLES, DEAD_LETTERS, SOURCES))
        self._producer = self._open()
        self._stored: dict[str, bytes] = {}
        self.delivered: Counter[str] = Counter()

    def positions(self) -> dict[str, bytes]:
        """Every stored position by key; what an earlier holder of this name left open was rolled back before."""
        self._stored = read_latest(self._bootstrap_servers, SOURCES)
        return dict(self._stored)

    def publish(self, outputs: Sequence[Output], positions: Mapping[str, bytes]) -> None:
        """All records and positions, or none. Raises TransientError after ATTEMPTS, or where another holds the name."""
        if not positions:
            raise ValueError("a transaction without a position could not be told from one that did not happen")
        began = time.time_ns()
        records = [*outputs, *(Output(SOURCES, key.encode(), value, []) for key, value in positions.items())]
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._attempt(records)
                break
            except (ProducerFencedError, InvalidProducerEpochError) as error:
                raise self._fenced() from error
            except KafkaError as error:
                if attempt == ATTEMPTS:
                    raise TransientError(f"not published after {ATTEMPTS} attempts: {error!r}") from error
                if self._happened(positions):
                    break
        self._stored.update(positions)
        self.delivered.update(output.kafka_topic for output in outputs)
        self._acknowledged(outputs, began)

    def close(self) -> None:
        """Ends the producer; an open transaction is rolled back by the next holder of the name."""
        close_quietly(self._producer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _happened(self, positions: Mapping[str, bytes]) -> bool:
        """Whether a commit whose answer was lost took place.

        A new producer of the same id ends what was open; the stored positions then say which it was, or that somebody
        else has gone on from them meanwhile.
        """
        close_quietly(self._producer)
        self._producer = self._open()
        before = self._stored
        now = self.positions()
        if all(now.get(key) == value for key, value in positions.items()):
            return True
        if any(now.get(key) != before.get(key) for key in positions):
            raise self._fenced()
        return False

    def _fenced(self) -> TransientError:
        return TransientError(f"another process publishes as {self._settings['transactional_id']}: stop one of them")

    def _open(self) -> Any:
        producer = new_producer(self._bootstrap_servers, **self._settings)
        try:
            with reaching(self._bootstrap_servers):
                producer.init_transactions()
        except TransientError:
            close_quietly(producer)
            raise
        return producer

    def _attempt(self, records: Sequence[Output]) -> None:
        producer = self._producer
        producer.begin_transaction()
        send_in_bulk(producer, records)  # raises where one has failed: commit_transaction() would commit without it
        producer.commit_transaction()


def _check(bootstrap_servers: Where, kafka_topics: Iterable[str]) -> None:
    """Before the first record: a producer would wait for a missing Kafka topic until its time is over."""
    consumer = new_consumer(bootstrap_servers)
    try:
        require(consumer, bootstrap_servers, kafka_topics)
    finally:
        close_quietly(consumer)
