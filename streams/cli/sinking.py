"""Sinks put together from the settings and kept running: one a thread, each with a reader of its own."""

from __future__ import annotations

import contextlib
import importlib
import logging
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from streams.errors import InvalidError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from streams.kafka.link import Record
    from streams.metrics import Metrics
    from streams.sinks.base import Bury, Sink
    from streams.wire import Labels

# A sink that failed among several begins anew after this long, and twice as long each time: a database restarts within
# seconds, and one that is away for an hour is asked once a minute.
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0

log = logging.getLogger(__name__)


class Parts(NamedTuple):
    """What a sink is made from. `table`: its settings."""

    table: Any
    labels: Labels
    bury: Bury
    again: Callable[[], None]  # is told of each delivery that must be tried again


def _files(parts: Parts) -> Sink:
    import time

    from streams.sinks.files import FilesSink

    return FilesSink(parts.table.directory, parts.table.max_items, parts.table.max_seconds, time.monotonic)


def _sql(parts: Parts) -> Sink:
    from streams.sinks.sql import SqlSink

    return SqlSink(parts.table.url, parts.labels, lambda: datetime.now(UTC), parts.bury)


MAKERS: dict[str, Callable[[Parts], Sink]] = {"files": _files, "sql": _sql}
# sink: the extra that it needs, and a module of it
EXTRAS = {"sql": ("sql", "sqlalchemy")}


def chosen_sinks(names: Sequence[str], run: str) -> list[str]:
    """The sinks to run: `all` stands for those of the setting sinks.run. Raises InvalidError for an unknown one."""
    found = [one for name in names for one in (run.split(",") if name == "all" else [name])]
    for name in found:
        if name not in MAKERS:
            raise InvalidError(f"sinks.run: {name!r} is no sink; known: {', '.join(MAKERS)}")
    return list(dict.fromkeys(found))


def make_sink(name: str, parts: Parts) -> Sink:
    """The sink of a name. Raises InvalidError where a package that it needs is not installed."""
    if name in EXTRAS:
        extra, module = EXTRAS[name]
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            raise InvalidError(f"sink {name} needs more packages: pip install 'newswire[{extra}]'") from error
    return MAKERS[name](parts)


class Meter:
    """A Watch that shows how a sink does in the metrics."""

    def __init__(self, name: str, metrics: Metrics) -> None:
        self._items = metrics.sink_items.labels(name)
        self._errors = {kind: metrics.sink_errors.labels(name, kind) for kind in ("again", "buried", "restarted")}
        self._lag = metrics.sink_lag_items.labels(name)
        self._paused = metrics.sink_paused_partitions.labels(name)

    def stored(self, items: int) -> None:
        """See Watch."""
        self._items.inc(items)

    def stands(self, behind: int, paused: int) -> None:
        """See Watch."""
        self._lag.set(behind)
        self._paused.set(paused)

    def failed(self, kind: str) -> None:
        """One more of metrics.SINK_ERRORS."""
        self._errors[kind].inc()


class Sinks:
    """Some sinks of one process."""

    def __init__(self, settings: Any, labels: Labels, metrics: Metrics, stop: threading.Event) -> None:
        self._settings = settings
        self._labels = labels
        self._metrics = metrics
        self._stop = stop
        self.stored: dict[str, int] = {}  # items, by sink
        self._failures: list[Exception] = []

    def run(self, names: Sequence[str]) -> None:
        """Until `stop` is set. Of one sink every error is raised; among several one that fails for a time begins anew.

        Raises InvalidError, TransientError.
        """
        self.stored = dict.fromkeys(names, 0)
        if len(names) == 1:
            self._run_once(names[0], Meter(names[0], self._metrics))
            return
        threads = [threading.Thread(target=self._keep_running, args=(name,), name=f"sink-{name}") for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def _keep_running(self, name: str) -> None:
        meter = Meter(name, self._metrics)
        wait = FIRST_WAIT_SECONDS
        while not self._stop.is_set():
            before = self.stored[name]
            try:
                self._run_once(name, meter)
            except TransientError as error:
                meter.failed("restarted")
                wait = FIRST_WAIT_SECONDS if self.stored[name] > before else min(2 * wait, LONGEST_WAIT_SECONDS)
                log.warning("%s; sink %s begins anew in %.0f s", error, name, wait)
                self._stop.wait(wait)
            except Exception as error:  # noqa: BLE001 - the end of a thread: it is raised again by the one that waits
                self._failures.append(error)
                self._stop.set()

    def _run_once(self, name: str, meter: Meter) -> None:
        from streams.kafka.reader import Reader
        from streams.sinks.base import run_sink
        from streams.wire import LABELLED, SINK_GROUP

        servers = self._settings.kafka.bootstrap_servers
        with burying(servers, name, lambda: meter.failed("buried")) as bury:
            table = getattr(self._settings.sinks, name)
            sink = make_sink(name, Parts(table, self._labels, bury, lambda: meter.failed("again")))
            with Reader(servers, [LABELLED], group=SINK_GROUP + name, shared=False) as reader:
                run_sink(sink, reader, self._stop, _Counting(self.stored, name, meter))


class _Counting:
    """A Watch that also adds up what is stored."""

    def __init__(self, stored: dict[str, int], name: str, meter: Meter) -> None:
        self._stored, self._name, self._meter = stored, name, meter

    def stored(self, items: int) -> None:
        self._stored[self._name] += items
        self._meter.stored(items)

    def stands(self, behind: int, paused: int) -> None:
        self._meter.stands(behind, paused)


@contextlib.contextmanager
def burying(bootstrap_servers: str, name: str, count: Callable[[], None]) -> Iterator[Bury]:
    """Yields a function that sends a record to the dead letters; connects when there is the first one."""
    from streams.kafka.link import Output
    from streams.kafka.publisher import Publisher
    from streams.wire import DEAD_LETTERS, SINK_STAGE, dead_letter_headers

    with contextlib.ExitStack() as open_clients:
        publisher: Publisher | None = None

        def bury(record: Record, why: str) -> None:
            nonlocal publisher
            if publisher is None:
                publisher = open_clients.enter_context(Publisher(bootstrap_servers, [DEAD_LETTERS]))
            error = {
                "topic": record.kafka_topic,
                "partition": str(record.partition),
                "offset": str(record.offset),
                "stage": SINK_STAGE + name,
                "class": "Refused",
                "message": why[:2000],
                "attempts": "1",
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            }
            headers = dead_letter_headers(record.headers, error)
            publisher.send(Output(DEAD_LETTERS, record.key, record.value, headers))
            publisher.flush()
            count()

        yield bury
