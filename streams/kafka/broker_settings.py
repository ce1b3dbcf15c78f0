"""What the embedded Kafka is told: its server.properties and the flags of its Java. Pure: values in, text out."""

from __future__ import annotations

import base64
import uuid
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MEBIBYTE = 1 << 20
HOST = "127.0.0.1"  # loopback only: this Kafka knows no passwords

# C1 and the serial collector: ready after 1.4 CPU seconds instead of 3.8; Kafka's default (G1, 1 GB) is for servers.
JAVA_FLAGS = (
    "-Xms64m",
    "-Xss512k",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
    "-Xlog:disable",
    "-Xlog:all=error:stderr",
    "-Djava.awt.headless=true",
    "--sun-misc-unsafe-memory-access=allow",  # else four lines of warning about Kafka's own code at each start
)
HEAP_MEBIBYTES = 256


class Node(NamedTuple):
    """One Kafka process, broker and controller in one, and the quorum it belongs to."""

    data: Path
    port: int
    node_id: int
    voters: Mapping[int, int]  # node id -> controller port, of every node

    @property
    def controller_port(self) -> int:
        return self.voters[self.node_id]


def server_properties(node: Node, overrides: Mapping[str, str | int]) -> str:
    """Kafka's configuration file for one node; https://kafka.apache.org/documentation/#brokerconfigs."""
    settings = {**_identity(node), **_guarantees(len(node.voters)), **_size(len(node.voters)), **overrides}
    return "".join(f"{name}={_escaped(str(value))}\n" for name, value in settings.items())


def _escaped(value: str) -> str:
    """A value of a Java properties file, which is read as Latin-1 with escapes (java.util.Properties)."""
    units = value.replace("\\", "\\\\").encode("utf-16-be")
    codes = [int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2)]
    return "".join(chr(code) if 0x20 <= code < 0x7F else f"\\u{code:04x}" for code in codes)


def _identity(node: Node) -> dict[str, str | int]:
    listener = f"PLAINTEXT://{HOST}:{node.port}"
    return {
        "process.roles": "broker,controller",
        "node.id": node.node_id,
        "log.dirs": str(node.data / "logs"),
        # a static quorum: unlike with controller.quorum.bootstrap.servers, the port may change at each start
        "controller.quorum.voters": ",".join(f"{other}@{HOST}:{port}" for other, port in node.voters.items()),
        "listeners": f"{listener},CONTROLLER://{HOST}:{node.controller_port}",
        "advertised.listeners": listener,
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    }


def _guarantees(nodes: int) -> dict[str, str | int]:
    replication = min(3, nodes)
    in_sync = max(1, replication - 1)
    return {
        "auto.create.topics.enable": "false",  # a misspelt name must be an error, not a topic with wrong partitions
        "unclean.leader.election.enable": "false",  # it loses acknowledged records
        "default.replication.factor": replication,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": replication,
        "offsets.topic.num.partitions": 8,  # this and the next two are fixed once data exists
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": replication,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": replication,
        "share.coordinator.state.topic.min.isr": in_sync,
        "transaction.max.timeout.ms": 900_000,
        # default 10 s: a transaction left open by a killed program holds back read_committed for that much longer
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1_000,
        "group.initial.rebalance.delay.ms": 0,  # default 3 s before the first record of every group
        "group.min.session.timeout.ms": 1_000,
        "offsets.retention.minutes": 30 * 24 * 60,  # the dead letters stay 30 days; so must a reader's place in them
    }


def _size(nodes: int) -> dict[str, str | int]:
    return {
        "log.segment.bytes": 64 * MEBIBYTE,
        "log.index.size.max.bytes": MEBIBYTE,  # 10 MiB by default, two for each partition; 64 MiB of log fill 0.2
        "log.cleaner.dedupe.buffer.size": 8 * MEBIBYTE,  # the default of 128 MiB is taken from the heap at start
        "num.network.threads": 2,
        "num.io.threads": 4,
        "background.threads": 2,
        "num.recovery.threads.per.data.dir": 2,
        # after kill -9 the new process waits until the old one's session has ended: 12.5 s with the default of 9 s
        "broker.session.timeout.ms": 3_000 if nodes == 1 else 6_000,
        "broker.heartbeat.interval.ms": 500,
        "controlled.shutdown.max.retries": 1,
    }


def new_id() -> str:
    """A Kafka Uuid: 16 random bytes as unpadded URL-safe base64, never with a leading "-" (it would read as a flag)."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text
