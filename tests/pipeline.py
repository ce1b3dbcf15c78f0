"""The Kafka topics of one worker under test, fed and read; and workers as processes of their own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, TransactionState
from kafka.errors import RetriableError, TransactionalIdNotFoundError

from streams import wire
from streams.kafka.bulk import fan_out
from streams.kafka.link import Record
from tests.flow.kafka_records import ends_of
from tests.helpers import wait_for
from tests.keyword_model import LABELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streams.kafka.link import FanOut

ROOT = Path(__file__).parents[1]
TIMEOUT = 90.0  # for one thing that takes a second on a quiet machine
READ_SECONDS = 300.0  # 60,000 records of a long chaos run take 5 s; 90 were not enough at load 20


def item(number: int, text: str = "sport yemen", **members: Any) -> dict[str, Any]:
    """An article; its number is its uri."""
    return {
        "uri": f"urn:example:{number}",
        "type": "text",
        "versionCreated": "2026-03-01T10:00:00Z",
        "headlines": [{"value": f"headline {number}"}],
        "bodies": [{"value": text}],
        "infoSources": [{"name": "example"}],
        **members,
    }


class Pipeline:
    """Every Kafka topic of the wire, with a prefix of its own."""

    def __init__(self, bootstrap_servers: str, prefix: str, partitions: int = 4, **configs: str) -> None:
        self.bootstrap_servers = bootstrap_servers
        self.prefix = f"{prefix}."
        self.group = self.prefix + wire.LABEL_GROUP
        self.names = [self.prefix + topic.name for topic in wire.kafka_topics(LABELS)]
        self._partitions = {
            self.prefix + t.name: partitions if t.name in (wire.ARTICLES, wire.LABELLED) else t.partitions
            for t in wire.kafka_topics(LABELS)
        }
        self.connect()
        self._admin.create_topics(
            {n: {"num_partitions": p, "configs": configs} for n, p in self._partitions.items()},
            wait_for_metadata=True,
        )

    def connect(self) -> None:
        """Opens the clients of the test itself."""
        self._admin = KafkaAdminClient(bootstrap_servers=self.bootstrap_servers)
        self._producer = self._new_producer()

    def disconnect(self) -> None:
        """Closes them, before an outage: kafka-python leaks a socket at each attempt to connect that fails."""
        self._producer.close(timeout=5)
        self._admin.close()

    def _new_producer(self) -> KafkaProducer:
        return KafkaProducer(bootstrap_servers=self.bootstrap_servers, max_request_size=8 << 20, linger_ms=5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.disconnect()

    def publish(self, items: Iterable[dict[str, Any]], partition: int | None = None) -> None:
        """Articles, keyed by their uri."""
        self.publish_raw(((i["uri"].encode(), json.dumps(i).encode()) for i in items), partition=partition)

    def publish_raw(
        self,
        records: Iterable[tuple[bytes | None, bytes | None]],
        headers: list[tuple[str, bytes]] | None = None,
        partition: int | None = None,
    ) -> None:
        """Whatever bytes, acknowledged when this returns."""
        name = self.prefix + wire.ARTICLES
        sent = [self._producer.send(name, v, key=k, headers=headers, partition=partition) for k, v in records]
        for future in sent:
            future.get(timeout=TIMEOUT)

    def read(self, name: str, isolation_level: str = "read_committed") -> list[Record]:
        """Everything that stands in a Kafka topic of the wire now, from its beginning to its end.

        Of committed records too the end is that of all records: a commit is answered before its markers stand in the
        partitions, and until then what a reader of committed records takes for the end lies before what was committed.
        """
        kafka_topic = self.prefix + name
        ends = self.ends(name, "read_uncommitted")
        consumer = KafkaConsumer(
            bootstrap_servers=self.bootstrap_servers, isolation_level=isolation_level, enable_auto_commit=False
        )
        places = [TopicPartition(kafka_topic, p) for p in range(self._partitions[kafka_topic])]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        found: list[Record] = []

        def at_end() -> bool:
            for records in consumer.poll(timeout_ms=200).values():
                found.extend(
                    Record(r.topic, r.partition, r.offset, r.key, r.value, r.headers, r.timestamp) for r in records
                )
            return all(consumer.position(p) >= ends[p.partition] for p in places)

        wait_for(at_end, READ_SECONDS, f"the end of {kafka_topic} was not reached")
        consumer.close()
        return found

    def publish_in_a_transaction(self, items: Iterable[dict[str, Any]], partition: int | None = None) -> None:
        """Articles as a source with a position writes them."""
        producer = KafkaProducer(bootstrap_servers=self.bootstrap_servers, transactional_id=self.prefix + "source")
        producer.init_transactions()
        producer.begin_transaction()
        for one in items:
            value = json.dumps(one).encode()
            producer.send(self.prefix + wire.ARTICLES, value, key=one["uri"].encode(), partition=partition)
        producer.commit_transaction()
        producer.close(timeout=5)

    def publish_bulk(self, outputs: list[FanOut]) -> None:
        """Records as the worker writes them, byte for byte."""
        producer = KafkaProducer(bootstrap_servers=self.bootstrap_servers, transactional_id=self.prefix + "bulk")
        producer.init_transactions()
        producer.begin_transaction()
        fan_out(producer, outputs)
        producer.commit_transaction()
        producer.close(timeout=5)

    def add_partitions(self, name: str, count: int) -> None:
        """Gives a Kafka topic more partitions, so many in all."""
        kafka_topic = self.prefix + name
        self._admin.create_partitions({kafka_topic: count})
        self._partitions[kafka_topic] = count
        place = TopicPartition(kafka_topic, count - 1)
        wait_for(lambda: self._has_leader(place), TIMEOUT, f"{place} has no leader")
        self._producer.close(timeout=5)  # the old one knows the old count for five minutes
        self._producer = self._new_producer()

    def _has_leader(self, place: TopicPartition) -> bool:
        (topic,) = self._admin.describe_topics([place.topic])
        return any(p["partition_index"] == place.partition and p["leader_id"] >= 0 for p in topic["partitions"])

    def ends(self, name: str, isolation_level: str = "read_committed") -> dict[int, int]:
        """The offset behind the last record of each partition; read_committed: of the last that is decided."""
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap_servers, isolation_level=isolation_level)
        places = [TopicPartition(self.prefix + name, p) for p in range(self._partitions[self.prefix + name])]
        found = {place.partition: offset for place, offset in ends_of(consumer, places).items()}
        consumer.close()
        return found

    def committed(self) -> dict[int, int]:
        """The group's offset by partition of news.articles."""
        try:
            found = self._admin.list_group_offsets([self.group])[self.group]
        except RetriableError:  # the first group of a fresh broker: its offsets topic is just being made
            return {}
        return {place.partition: o.offset for place, o in found.items() if place.topic.endswith(wire.ARTICLES)}

    def has_open_transaction(self, slot: str) -> bool:
        """Whether the worker of a slot has written what it has not committed yet."""
        name = f"{self.group}.{slot}"
        try:
            return bool(self._admin.describe_transactions([name])[name].state == TransactionState.ONGOING)
        except TransactionalIdNotFoundError:
            return False

    def wait_until_committed(self, records: int, *workers: WorkerProcess, timeout: float = TIMEOUT) -> None:
        """Until the offsets of the group add up to so many records; fails at once where one of the workers has ended."""

        def done() -> bool:
            for worker in workers:
                assert worker.process.poll() is None, worker.said()
            return sum(self.committed().values()) >= records

        wait_for(done, timeout, f"{records} records were not committed")


class WorkerProcess:
    """A worker in a process of its own: `python -m tests.worker_process` with these settings."""

    def __init__(self, pipeline: Pipeline, slot: str | None, log: Path, **settings: Any) -> None:
        values = {"bootstrap_servers": pipeline.bootstrap_servers, "prefix": pipeline.prefix, "slot": slot, **settings}
        self.log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.worker_process", json.dumps(values)],
                cwd=ROOT,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )

    def wait_until_ready(self) -> None:
        """Until it is a member of the group."""
        wait_for(lambda: "worker ready" in self.said() or self.process.poll() is not None, TIMEOUT, "no worker came up")
        assert self.process.poll() is None, self.said()

    def page(self, path: str) -> tuple[int, str]:
        """Status and body of one of its web pages."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port()}{path}", timeout=TIMEOUT) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def state(self) -> dict[str, Any]:
        """What its health page says; nothing while it is starting."""
        try:
            return dict(json.loads(self.page("/healthz")[1]))
        except (OSError, ValueError):
            return {}

    def port(self) -> int:
        """Where its web pages are. Raises ValueError before it has said so."""
        (port,) = re.findall(r"worker port (\d+)", self.said())
        return int(port)

    def connections_to(self, port: int) -> int:
        """Its established connections to a port, as Linux tells them."""
        proc = Path("/proc", str(self.process.pid))
        own = {str(fd.readlink()) for fd in (proc / "fd").iterdir()}
        rows = [row.split() for row in (proc / "net" / "tcp").read_text().splitlines()[1:]]
        remote, state, inode = 2, 3, 9  # columns, see proc(5)
        found = [r for r in rows if r[state] == "01" and int(r[remote].rpartition(":")[2], 16) == port]
        return len([r for r in found if f"socket:[{r[inode]}]" in own])

    def said(self) -> str:
        """Its log so far."""
        return self.log.read_text(errors="replace")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Its exit status after the signal."""
        self.process.send_signal(number)
        return self.process.wait(TIMEOUT)

    def kill(self) -> None:
        """kill -9, also of one that is frozen."""
        self.process.kill()
        self.process.wait(TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()


def _environment() -> Mapping[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1"}
