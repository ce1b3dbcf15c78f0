"""The parts of `newswire up`: started in the order of need, watched together, ended the other way round.

Kafka -> its topics -> the gateway (a thread) -> the worker (a process) -> the feeder and the poller (threads)
"""

from __future__ import annotations

import contextlib
import threading
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, NamedTuple

from streams.cli.board import Board, figures_of
from streams.cli.children import Child
from streams.cli.ports import free_ports
from streams.cli.table import Addresses
from streams.errors import TransientError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from streams.cli.board import Row
    from streams.gateway.items import Batch, Source
    from streams.gateway.server import Server
    from streams.kafka.broker import KafkaBroker
    from streams.settings import Settings
    from streams.sources import base

# Ten seconds for all of it: the worker drains what is in flight (under 1 s seen), the gateway ends its streams, Kafka
# closes its files (0.2-0.7 s seen).
WORKER_SECONDS = 5.0
THREAD_SECONDS = 3.0
BROKER_SECONDS = 3.0
POLL_SECONDS = 1.0
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
        self.failure: Exception | None = None

    def run(self) -> None:
        """Does the work once."""
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - the border of a thread: the loop that watches raises it again
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
        self._stack = contextlib.ExitStack()
        self._stopping = stopping
        self._broker: KafkaBroker | None = None
        self._worker: Child | None = None
        self._tasks: list[Task] = []
        self.board = Board(self._labels, time.time, on_row)
        self.addresses = Addresses("", "", "")

    def start(self) -> None:
        """Raises TransientError or InvalidError where a part cannot be started."""
        from streams.gateway.server import address_of, bind
        from streams.kafka.admin import create_topics
        from streams.wire import kafka_topics

        settings = self._settings
        bound = self._stack.enter_context(bind(settings.gateway.host, settings.gateway.port))
        port = free_ports(
            settings.label.host,
            settings.label.port,
            settings.label.workers,
            what="the labelling worker",
            setting="NEWSWIRE_LABEL__PORT",
        )
        kafka = settings.kafka.bootstrap_servers if self._launch.external else self._start_kafka()
        create_topics(kafka, kafka_topics(self._labels), replication=settings.kafka.replication_factor or None)
        self._start_gateway(kafka, bound)
        self._start_worker(kafka, port)
        self._start_task(Task("the feeder", lambda: self._feed(kafka)), on_stop=self._stopping.set)
        pages = [f"http://{settings.label.host}:{port + n}/metrics" for n in range(settings.label.workers)]
        self._start_task(Task("the poller", lambda: self._poll(pages)), on_stop=self._stopping.set)
        self.addresses = Addresses(address_of(bound), kafka, pages[0])

    def check(self) -> None:
        """Raises what ended a part that should run: TransientError says which, and why."""
        if self._broker is not None and not self._broker.alive:
            raise self._broker.failure()
        if self._worker is not None and not self._worker.alive:
            raise self._worker.failure()
        for task in self._tasks:
            if task.failure is not None:
                raise task.failure

    def stop(self) -> None:
        """Ends what runs, the broker last. Takes under 10 seconds."""
        self._stopping.set()
        self._stack.close()

    def _start_kafka(self) -> str:
        from streams.cli.broker import shown_progress
        from streams.kafka.admin import reachable
        from streams.kafka.broker import KafkaBroker

        settings = self._settings.broker
        address = f"127.0.0.1:{settings.port}"
        if settings.port and reachable(address, timeout=1.0):
            raise TransientError(
                f"something answers at {address} already: `newswire up --external` uses the Kafka of"
                " kafka.bootstrap_servers, `--kafka-port 0` starts another one"
            )
        with shown_progress() as progress:
            broker = KafkaBroker(settings.data, settings.port, progress=progress)
            self._stack.callback(lambda: broker.stop(BROKER_SECONDS))
            broker.start()
        self._broker = broker
        return broker.bootstrap_servers

    def _start_gateway(self, kafka: str, bound: socket.socket) -> None:
        from streams.cli.serve import make_server
        from streams.gateway.source import labelled_source

        settings = self._settings.gateway
        source = observed(labelled_source(kafka, settings.recent_items), self.board)
        server: Server = make_server(source, self._labels, settings, bound)
        self._start_task(Task("the gateway", server.run_until_stopped), on_stop=server.stop)

    def _start_worker(self, kafka: str, port: int) -> None:
        settings, launch = self._settings, self._launch
        environ = {
            **launch.environ,
            "NEWSWIRE_KAFKA__BOOTSTRAP_SERVERS": kafka,
            "NEWSWIRE_LABEL__PORT": str(port),
            # what it would still do after that is killed anyway, and done again at the next start
            "NEWSWIRE_LABEL__GRACE_SECONDS": str(min(settings.label.grace_seconds, WORKER_SECONDS - 1)),
        }
        arguments = ["--config", str(launch.config), "label"] if launch.config else ["label"]
        worker = Child("the labelling worker", arguments, environ, settings.up.logs.absolute() / "label.log")
        self._stack.callback(lambda: worker.stop(WORKER_SECONDS))
        worker.start()
        self._worker = worker

    def _start_task(self, task: Task, on_stop: Callable[[], None]) -> None:
        def stop() -> None:
            on_stop()
            task.join(THREAD_SECONDS)

        self._stack.callback(stop)
        self._tasks.append(task)
        task.start()

    def _feed(self, kafka: str) -> None:
        from prometheus_client import CollectorRegistry

        from streams.cli.feeding import feed
        from streams.metrics import Metrics

        feed(self._sources, kafka, Metrics(CollectorRegistry()), self.board.sent)

    def _poll(self, pages: Sequence[str]) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            self.board.update(figures_of(fetched(page) for page in pages))


def observed(source: Source, board: Board) -> Source:
    """The same batches, seen by the board too: one reader of Kafka for the live page and for the table."""

    def seen(stopped: Callable[[], bool]) -> Iterator[Batch]:
        for batch in source(stopped):
            board.add(item.article for item in batch.items)
            yield batch

    return seen


def fetched(url: str) -> str:
    """The page, or nothing while nobody answers: a worker that loads its model has no figures yet."""
    try:
        with urllib.request.urlopen(url, timeout=PAGE_SECONDS) as answer:  # noqa: S310 - our own address
            text: str = answer.read().decode()
    except (OSError, urllib.error.URLError):
        return ""
    return text
