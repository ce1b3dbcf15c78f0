"""Three Kafkas on loopback: replication 3, of which 2 must be in sync. For tests of what happens when one dies."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

from streams.kafka.broker import STOP_SECONDS, KafkaBroker, Quorum
from streams.kafka.broker_errors import BrokerError
from streams.kafka.broker_process import Reservation
from streams.kafka.broker_settings import new_id
from streams.kafka.broker_storage import cluster_id_of

if TYPE_CHECKING:
    from pathlib import Path

READY_SECONDS = 120.0  # 7-9 s at load 6; three JVMs start at once
# All are told to end at once, and the last has no quorum left to say goodbye to: it ends after 20 s, or by force now.
TOGETHER_SECONDS = 8.0


class KafkaCluster:
    """Nodes 1 to N, each broker and controller, under one folder.

    Args:
        data: holds one folder a node; a folder used before must be opened with as many nodes.
        nodes: how many.
        options: as of KafkaBroker (config, heap, cache, progress), for each node.

    """

    def __init__(self, data: Path, nodes: int = 3, **options: Any) -> None:
        self.data = data.absolute()
        self._nodes = nodes
        self._options = options
        self._controllers: list[Reservation] = []
        self.brokers: list[KafkaBroker] = []

    @property
    def bootstrap_servers(self) -> str:
        return ",".join(broker.bootstrap_servers for broker in self.brokers)

    @property
    def alive(self) -> bool:
        """Whether every node is."""
        return bool(self.brokers) and all(broker.alive for broker in self.brokers)

    def start(self) -> Self:
        """Start all nodes and wait until each knows the others; whatever fails leaves nothing behind.

        Raises:
            BrokerError: a node does not start.

        """
        with ExitStack() as undo:
            undo.callback(self.stop)
            if not self.brokers:
                self._make()
            for broker in self.brokers:
                broker.launch()
            self.wait_ready()
            undo.pop_all()
        return self

    def _make(self) -> None:
        folders = [self.data / f"node-{number}" for number in range(1, self._nodes + 1)]
        if len(list(self.data.glob("node-*"))) not in (0, self._nodes):
            raise BrokerError(f"{self.data} holds a cluster of another size; use another data folder")
        cluster_id = next(filter(None, map(cluster_id_of, folders)), None) or new_id()
        self._controllers = [Reservation() for _ in folders]
        voters = {number: reserved.port for number, reserved in enumerate(self._controllers, 1)}
        self.brokers = [
            KafkaBroker(folder, quorum=Quorum(number, voters, cluster_id), **self._options)
            for number, folder in enumerate(folders, 1)
        ]

    def wait_ready(self, timeout: float = READY_SECONDS) -> None:
        """Wait until every node that lives knows all nodes; needs all of them alive.

        Raises:
            BrokerError: one ended, or they have not found each other in `timeout` seconds.

        """
        deadline = time.monotonic() + timeout
        for broker in self.brokers:
            broker.wait_ready(max(0.1, deadline - time.monotonic()), peers=range(1, self._nodes + 1))

    def kill(self, node_id: int) -> None:
        """End one node by SIGKILL."""
        self.brokers[node_id - 1].kill()

    def restart(self, node_id: int) -> None:
        """Start a killed node again, on its ports with its data, and wait until it is back in the cluster.

        Raises:
            BrokerError: it does not start.

        """
        broker = self.brokers[node_id - 1]
        broker.launch()
        broker.wait_ready(READY_SECONDS, peers=range(1, self._nodes + 1))

    def stop(self, timeout: float = TOGETHER_SECONDS) -> None:
        """End all nodes: told at once, by force after `timeout` seconds."""
        for broker in self.brokers:
            broker.terminate()
        deadline = time.monotonic() + min(timeout, STOP_SECONDS)
        for broker in self.brokers:
            broker.stop(max(0.1, deadline - time.monotonic()))
        for reserved in self._controllers:
            reserved.release()
        self._controllers = []
        self.brokers = []

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
