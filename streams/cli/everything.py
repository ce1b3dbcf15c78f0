"""The parts of `newswire up`: started in the order of need, watched together, ended in order.

start   Kafka, the worker (a process) beside it where its Kafka topics are there already, else after they are made,
        the gateway, the poller, the feeder (threads)
stop    the feeder, the poller, the worker and the gateway at once, then Kafka
"""

from __future__ import annotations

import contextlib
import threading
import time
import urllib.request
from typing import TYPE_CHECKING, NamedTuple

from streams.cli.board import Board, figures_of
from streams.cli.children import Child
from streams.cli.ports import free_ports
from streams.cli.table import Addresses
from streams.errors import InvalidError, TransientError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from streams.cli.board import Row
    from streams.gateway.items import Batch, Source
    from streams.gateway.server import Server
    from streams.kafka.broker import KafkaBroker
    from streams.kafka.broker_process import Reservation
    from streams.kafka.connection import Where
    from streams.settings import Settings
    from streams.sources import base

# Ten seconds for all of it: the worker drains what is in flight (1 s seen) while the gateway ends its streams, then
# Kafka closes its files (0.2-0.7 s seen).
WORKER_SECONDS = 5.0
THREADS_SECONDS = 5.0
BROKER_SECONDS = 3.0
# Without Kafka nothing can be finished any more: its clients would try for half a minute.
FORLORN_SECONDS = 0.5
# A Kafka that ends takes its clients with it, and in order it closes their connections some tenths of a second before
# its process ends: they would be named in its place.
CAUSE_SECONDS = 2.0
POLL_SECONDS = 1.0
READY_SECONDS = 0.1
PAGE_SECONDS = 2.0


class Launch(NamedTuple):
    """How the command was called, for the commands that it calls."""

    config: Path | None
    environ: Mapping[str, str]
    external: bool  # a Kafka that is there already


class Task(threading.Thread):
    """A thread whose exception is kept."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Does the work once."""
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - the border of a thread: the loop that watches raises it again
            self.failure = error


class Everything:
    """All parts. `start`, then `check` again and again, then `stop`; `stop` also after a start that failed.

    `stopping` is set by `stop`; sources that wait look at it. `on_row` is told every item as it is labelled.
    """

    def __init__(
        self,
        settings: Settings,
        launch: Launch,
        sources: Sequence[base.Source],
        *,
        stopping: threading.Event,
        on_row: Callable[[Row], None],
    ) -> None:
        from streams.cli.serve import labels_in_use

        self._settings = settings
        self._launch = launch
        self._sources = sources
        self._labels = labels_in_use(settings)
        self._stopping = stopping
        self._ready = threading.Event()
        self._bound: socket.socket | None = None
        self._ports: list[Reservation] = []
        self._broker: KafkaBroker | None = None
        self._worker: Child | None = None
        self._server: Server | None = None
        self._tasks: list[Task] = []
        self.board = Board(self._labels, time.time, on_row)
        self.addresses = Addresses("", "", "")

    def start(self) -> None:
        """Raises TransientError or InvalidError where a part cannot be started."""
        from streams.cli.connection import kafka_of
        from streams.gateway.server import address_of, bind
        from streams.kafka.admin import create_topics
        from streams.kafka.broker_process import Reservation
        from streams.wire import kafka_topics

        settings = self._settings
        label = settings.label
        self._bound = bind(settings.gateway.host, settings.gateway.port)
        port = free_ports(
            label.host, label.port, label.workers, what="the labelling worker", setting="NEWSWIRE_LABEL__PORT"
        )
        # Until the worker listens, a minute later on a busy machine; a client's connection had been given that port.
        self._ports = [Reservation(port + number, label.host) for number in range(label.workers)]
        kafka = kafka_of(settings) if self._launch.external else self._launch_kafka()
        made = kafka_topics(self._labels)
        # Kafka and the worker, which loads its model, take longest; before its topics are made a worker would give up.
        beside = self._broker is not None and self._broker.holds(topic.name for topic in made)
        if beside:
            self._start_worker(kafka, port)
        gateway = self._make_gateway(kafka, self._bound)  # imports half a second of code meanwhile
        if self._broker is not None:
            self._broker.wait_ready()
        create_topics(kafka, made, replication=settings.kafka.replication_factor or None)
        if not beside:
            self._start_worker(kafka, port)
        self._start_task(gateway)
        workers = [f"http://{label.host}:{port + number}" for number in range(label.workers)]
        self._start_task(Task("the poller", lambda: self._poll(workers)))
        self._start_task(Task("the feeder", lambda: self._feed(kafka, workers)))
        self.addresses = Addresses(address_of(self._bound), str(kafka), f"{workers[0]}/metrics")

    def check(self) -> None:
        """Raises what ended a part that should run: TransientError says which, and why; of several, what came first."""
        failure = self._failure()
        if failure is None:
            return
        deadline = time.monotonic() + CAUSE_SECONDS
        while self._broker is not None and self._broker.alive and time.monotonic() < deadline:
            time.sleep(READY_SECONDS)
        raise self._failure() or failure

    def _failure(self) -> BaseException | None:
        """The broker's before those of its clients."""
        if self._broker is not None and not self._broker.alive:
            return self._broker.failure()
        if self._worker is not None and not self._worker.alive:
            return self._worker.failure()
        return next((task.failure for task in self._tasks if task.failure is not None), None)

    def stop(self) -> None:
        """Ends what runs: feeder, worker, which drains, and gateway at once, the broker last. Under 10 seconds."""
        self._stopping.set()
        broker, worker = self._broker, self._worker
        forlorn = broker is not None and not broker.alive
        with contextlib.ExitStack() as last_first:
            if broker is not None:
                last_first.callback(broker.stop, BROKER_SECONDS)
            if self._bound is not None:
                last_first.callback(self._bound.close)
            for kept in self._ports:
                last_first.callback(kept.release)
            last_first.callback(join, self._tasks, FORLORN_SECONDS if forlorn else THREADS_SECONDS)
            if worker is not None:
                last_first.callback(worker.stop, FORLORN_SECONDS if forlorn else WORKER_SECONDS)
                last_first.callback(worker.terminate)
            if self._server is not None:
                last_first.callback(self._server.stop)

    @property
    def note(self) -> str:
        """What a person waits for."""
        return "" if self._ready.is_set() else "the worker is loading its model ..."

    def _launch_kafka(self) -> str:
        from streams.cli.broker import shown_progress
        from streams.kafka.admin import reachable
        from streams.kafka.broker import KafkaBroker

        if self._settings.kafka.security.protocol != "PLAINTEXT":
            raise InvalidError(
                "kafka.security is for a Kafka of your own (`newswire up --external`); the embedded one asks for none"
            )
        settings = self._settings.broker
        address = f"127.0.0.1:{settings.port}"
        if settings.port and reachable(address, timeout=1.0):
            raise TransientError(
                f"something answers at {address} already: `newswire up --external` uses the Kafka of"
                " kafka.bootstrap_servers, `--kafka-port 0` starts another one"
            )
        with shown_progress() as progress:
            self._broker = KafkaBroker(settings.data, settings.port, progress=progress)
            self._broker.launch()
        return self._broker.bootstrap_servers

    def _make_gateway(self, kafka: Where, bound: socket.socket) -> Task:
        from streams.cli.pushing import make_push
        from streams.cli.serve import lag_shown, make_server, new_metrics
        from streams.gateway.source import labelled_source

        settings = self._settings
        source = observed(labelled_source(kafka, settings.gateway.recent_items), self.board)
        metrics = new_metrics()
        push = make_push(settings.gateway.tokens, kafka)
        server = make_server(source, self._labels, metrics, settings, bound, push)
        self._server = server

        def serve() -> None:
            """Until told; raises TransientError where the server ends before, for nobody would see the page go."""
            with lag_shown(metrics, kafka):
                server.run_until_stopped()
            if not self._stopping.is_set():
                raise TransientError("the live page ended by itself")

        return Task("the gateway", serve)

    def _start_worker(self, kafka: Where, port: int) -> None:
        settings, launch = self._settings, self._launch
        environ = {
            **launch.environ,
            "NEWSWIRE_KAFKA__BOOTSTRAP_SERVERS": str(kafka),
            "NEWSWIRE_LABEL__PORT": str(port),
            # what it would still do after that is killed anyway, and done again at the next start
            "NEWSWIRE_LABEL__GRACE_SECONDS": str(min(settings.label.grace_seconds, WORKER_SECONDS - 1)),
        }
        arguments = ["--config", str(launch.config), "label"] if launch.config else ["label"]
        self._worker = Child("the labelling worker", arguments, environ, settings.up.logs.absolute() / "label.log")
        self._worker.start()

    def _start_task(self, task: Task) -> None:
        self._tasks.append(task)
        task.start()

    def _feed(self, kafka: Where, workers: Sequence[str]) -> None:
        from prometheus_client import CollectorRegistry

        from streams.cli.feeding import feed
        from streams.metrics import Metrics

        # not before somebody labels: the demo would come as one burst, and be over when the table shows it
        while fetched(f"{workers[0]}/readyz") is None:
            if self._stopping.wait(READY_SECONDS):
                return
        self._ready.set()
        feed(self._sources, kafka, Metrics(CollectorRegistry()), self.board)

    def _poll(self, workers: Sequence[str]) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            self.board.update(figures_of(fetched(f"{worker}/metrics") or "" for worker in workers))


def join(threads: Sequence[threading.Thread], seconds: float) -> None:
    """Waits for all of them, so long at most."""
    deadline = time.monotonic() + seconds
    for thread in threads:
        if thread.ident is not None:  # an interrupted start may have made one that it did not start
            thread.join(max(0.0, deadline - time.monotonic()))


def observed(source: Source, board: Board) -> Source:
    """The same batches, seen by the board too: one reader of Kafka for the live page and for the table."""

    def seen(stopped: Callable[[], bool]) -> Iterator[Batch]:
        for batch in source(stopped):
            board.add(item.article for item in batch.items)
            yield batch

    return seen


def fetched(url: str) -> str | None:
    """The page, None while nobody answers or the answer is not 200: a worker that loads its model is not there yet."""
    try:
        with urllib.request.urlopen(url, timeout=PAGE_SECONDS) as answer:  # noqa: S310 - our own address
            text: str = answer.read().decode()
    except OSError:  # URLError too
        return None
    return text
