"""Apache Kafka itself as a child of this process: from pip, without Docker, root or a Java of the system.

    with KafkaBroker(Path("data/kafka"), port=9092) as broker:
        print(broker.bootstrap_servers)

One node, correct for transactions, on loopback only. It ends when this process ends, also by kill -9; its data stays.
"""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple, Self

from streams.kafka.broker_archive import Runtime, prepare
from streams.kafka.broker_errors import BrokerError, BrokerRefusedError
from streams.kafka.broker_process import FolderLock, Reservation, kill_group, spawn, wait_until_up
from streams.kafka.broker_settings import HEAP_MEBIBYTES, HOST, Node, new_id, server_properties
from streams.kafka.broker_storage import (
    cluster_id_of,
    format_folder,
    open_folder,
    read_lines,
    why_it_ended,
    write_whole,
)
from streams.kafka.jars import Progress, cache_folder, no_progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["BrokerError", "BrokerRefusedError", "KafkaBroker", "Quorum"]

READY_SECONDS = 60.0  # 1.2 s on a quiet machine, 25 s seen at load 8
STOP_SECONDS = 30.0  # 0.2-0.7 s seen


class Quorum(NamedTuple):
    """The cluster a node is part of."""

    node_id: int
    voters: Mapping[int, int]  # node id -> controller port, of every node
    cluster_id: str


class KafkaBroker:
    """One Kafka node over one data folder.

    Args:
        data: where records, settings and logs are kept; made if absent, locked while in use.
        port: where clients connect on 127.0.0.1; 0 takes a free one at the first start and keeps it.
        config: settings of Kafka's own that differ from ours, for tests.
        heap: MiB of Java heap.
        quorum: the cluster, if it is not alone.
        cache: where Kafka is installed; by default in the user's cache folder.
        progress: told what a first start downloads and prepares.

    Every method that starts something raises BrokerError with the reason in one line.

    """

    def __init__(
        self,
        data: Path,
        port: int = 0,
        *,
        config: Mapping[str, str | int] | None = None,
        heap: int = HEAP_MEBIBYTES,
        quorum: Quorum | None = None,
        cache: Path | None = None,
        progress: Progress = no_progress,
    ) -> None:
        self.data = data.absolute()
        self.port = port
        self._config = dict(config or {})
        self._heap = heap
        self._quorum = quorum
        self._cache = cache
        self._progress = progress
        self._cluster_id = ""
        self._lock: FolderLock | None = None
        self._ports: list[Reservation] = []
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap_servers(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def node_id(self) -> int:
        return self._quorum.node_id if self._quorum else 1

    @property
    def pid(self) -> int | None:
        """The process id of its Java, while it lives."""
        return self._process.pid if self._process and self.alive else None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def holds(self, kafka_topics: Iterable[str]) -> bool:
        """Whether its folder holds all these Kafka topics, which can be known before it is up; False in a cluster."""
        logs = self.data / "logs"
        return self._quorum is None and all((logs / f"{name}-0").is_dir() for name in kafka_topics)

    def start(self) -> Self:
        """Start, and wait until clients can connect; whatever fails leaves nothing behind."""
        self._refuse_twice()
        with ExitStack() as undo:
            undo.callback(self.stop)
            self.launch()
            self.wait_ready()
            undo.pop_all()
        return self

    def launch(self) -> None:
        """Start without waiting. A caller that sees this raise calls stop()."""
        self._refuse_twice()
        runtime = prepare(self._cache or cache_folder(os.environ), self._progress)
        try:
            self._launch(runtime)
        except OSError as error:
            raise BrokerError(
                f"cannot use {self.data} for Kafka: {error.strerror}; make it writable or use another data folder"
            ) from error

    def _refuse_twice(self) -> None:
        if self.alive:
            raise BrokerError(f"the Kafka at {self.bootstrap_servers} runs already")

    def _launch(self, runtime: Runtime) -> None:
        open_folder(self.data)
        self._lock = self._lock or FolderLock(self.data)
        self._ports = self._ports or self._reserve()
        self.port = self._ports[0].port
        known = cluster_id_of(self.data) or new_id()
        quorum = self._quorum or Quorum(1, {1: self._ports[1].port}, known)
        self._cluster_id = quorum.cluster_id
        format_folder(self.data, runtime.checkpoint, node_id=quorum.node_id, cluster_id=quorum.cluster_id)
        node = Node(self.data, self.port, quorum.node_id, quorum.voters)
        write_whole(self.data / "server.properties", server_properties(node, self._config))
        command = runtime.command(self.data, self._heap, *runtime.archive_flags())
        # SIGTERM lets one node close its files; in a cluster that loses all nodes the last would wait for a quorum
        death_signal = signal.SIGTERM if len(quorum.voters) == 1 else signal.SIGKILL
        with (self.data / "kafka.out").open("wb") as output:
            self._process = spawn(command, output, death_signal=death_signal, inherit=[self._lock.descriptor])

    def _reserve(self) -> list[Reservation]:
        with ExitStack() as undo:
            client = Reservation(self.port)
            undo.callback(client.release)
            controller = Reservation(self._quorum.voters[self.node_id] if self._quorum else 0)
            undo.pop_all()
        return [client, controller]

    def wait_ready(self, timeout: float = READY_SECONDS, peers: Iterable[int] = ()) -> None:
        """Wait until this node answers and knows that it and these other nodes are up.

        Raises:
            BrokerError: it ended (and why), or was not ready in `timeout` seconds.

        """
        if self._process is None:
            raise BrokerError(f"the Kafka at {self.bootstrap_servers} was not started")
        try:
            ready = wait_until_up(self._process, self.port, self._cluster_id, {self.node_id, *peers}, timeout)
        except TimeoutError:
            raise BrokerError(f"Kafka was not ready after {timeout:.0f} s; see {self.data}/kafka.log") from None
        if not ready:
            raise self.failure()

    def failure(self) -> BrokerError:
        """Why a Kafka that is no longer alive ended."""
        status = self._process.returncode if self._process else None
        reason = why_it_ended(self.data, read_lines(self.data / "kafka.out"))
        kind = BrokerRefusedError if reason.startswith("disk full") else BrokerError
        return kind(f"Kafka ended with status {status}: {reason}")

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """End it in order, or by force after `timeout` seconds; does nothing if it does not run."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                kill_group(self._process)
                self._process.wait()
        for port in self._ports:
            port.release()
        self._ports = []
        if self._lock:
            self._lock.release()
            self._lock = None

    def terminate(self) -> None:
        """Tell it to end, without waiting."""
        if self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL); start() brings it back on the same port with the same data."""
        if self._process is not None:
            kill_group(self._process)
            self._process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
