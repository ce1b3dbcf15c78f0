"""Sinks put together from the settings and kept running: one a thread, each with a reader of its own."""

from __future__ import annotations

import contextlib
import importlib
import logging
import random
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from streams.errors import InvalidError, TransientError
from streams.traces import traceparent_of, uri_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from streams.kafka.connection import Where
    from streams.kafka.link import Record
    from streams.metrics import Metrics
    from streams.sinks.base import Bury, Sink
    from streams.sinks.delivery import Target
    from streams.sinks.folder import Rotation
    from streams.traces import Spans
    from streams.wire import Labels

# A sink that failed among several begins anew after this long, and twice as long each time: a database restarts within
# seconds, and one that is away for an hour is asked once a minute.
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0

MOST_REQUEST_BYTES = 8 << 20  # OpenSearch advises 5 to 15 MB a bulk request; one item has 0.9 MB at most

log = logging.getLogger(__name__)


class Parts(NamedTuple):
    """What a sink is made from. `table`: its settings."""

    table: Any
    labels: Labels
    bury: Bury
    again: Callable[[], None]  # is told of each delivery that must be tried again


def _files(parts: Parts) -> Sink:
    from streams.sinks.files import FilesSink

    table = parts.table
    return FilesSink(table.directory, _rotation(table), time.monotonic, table.compression)


def _parquet(parts: Parts) -> Sink:
    from streams.sinks.parquet import Layout, ParquetSink, layout_keys

    table = parts.table
    layout = Layout(table.directory, layout_keys(table.partition_by), _rotation(table))
    return ParquetSink(layout, parts.labels, time.monotonic, parts.bury)


def _rotation(table: Any) -> Rotation:
    from streams.sinks.folder import Rotation

    return Rotation(table.max_items, table.max_megabytes << 20, table.max_seconds)


def _sql(parts: Parts) -> Sink:
    from streams.sinks.sql import SqlSink

    return SqlSink(parts.table.url, parts.labels, lambda: datetime.now(UTC), parts.bury)


def _webhook(parts: Parts) -> Sink:
    from streams.http_guard import allow_list
    from streams.sinks.posting import Poster
    from streams.sinks.webhook import Webhook

    table = parts.table
    allowed = allow_list(one.strip() for one in table.allow.split(",") if one.strip())
    target = Webhook(table.url, table.secret, Poster(allowed, table.seconds), time.time, single=table.single)
    return _delivery(parts, target, 1 if table.single else table.max_items)


def _search(parts: Parts) -> Sink:
    import yarl

    from streams.http_guard import allow_list
    from streams.sinks.posting import Poster
    from streams.sinks.search import Search

    table = parts.table
    # the operator's own server, named in the settings alone: the one host that it may be
    own = [host for host in [yarl.URL(table.url).raw_host] if host]
    post = Poster(allow_list(own), table.seconds)
    return _delivery(parts, Search(table.url, table.index, parts.labels, post), table.max_items)


def _delivery(parts: Parts, target: Target, max_items: int) -> Sink:
    from streams.sinks.delivery import DeliverySink, Limits, Patience

    patience = Patience(time.monotonic, random.Random())
    return DeliverySink(target, Limits(max_items, MOST_REQUEST_BYTES), patience, parts.bury, parts.again)


MAKERS: dict[str, Callable[[Parts], Sink]] = {
    "files": _files,
    "parquet": _parquet,
    "search": _search,
    "sql": _sql,
    "webhook": _webhook,
}
# sink: the extra that it needs, and a module of it
EXTRAS = {"parquet": ("parquet", "pyarrow"), "sql": ("sql", "sqlalchemy")}


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

    def __init__(
        self,
        settings: Any,
        labels: Labels,
        metrics: Metrics,
        stop: threading.Event,
        spans: Spans | None = None,
    ) -> None:
        self._settings = settings
        self._spans = spans
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
        from streams.cli.connection import kafka_of
        from streams.kafka.reader import Reader
        from streams.sinks.base import run_sink
        from streams.sinks.followed import Followed
        from streams.wire import LABELLED, SINK_GROUP

        servers = kafka_of(self._settings)
        with burying(servers, name, lambda: meter.failed("buried")) as bury:
            table = getattr(self._settings.sinks, name)
            sink = make_sink(name, Parts(table, self._labels, bury, lambda: meter.failed("again")))
            if self._spans is not None or log.isEnabledFor(logging.DEBUG):
                sink = Followed(sink, self._spans, time.time_ns)
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


def _told(name: str, record: Record) -> dict[str, object]:
    return {
        "sink": name,
        "uri": uri_of(record.key),
        "traceparent": traceparent_of(record.headers),
        "kafka_topic": record.kafka_topic,
        "partition": record.partition,
        "offset": record.offset,
    }


@contextlib.contextmanager
def burying(bootstrap_servers: Where, name: str, count: Callable[[], None]) -> Iterator[Bury]:
    """Yields a function that sends a record to the dead letters; connects when there is the first one."""
    from streams.kafka.link import Output
    from streams.kafka.publisher import Publisher
    from streams.wire import DEAD_LETTERS, SINK_STAGE, dead_letter_headers

    with contextlib.ExitStack() as open_clients:
        publisher: Publisher | None = None

        def bury(record: Record, why: str) -> None:
            """Returns when Kafka has it: the sink goes on behind it then. Raises TransientError."""
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
            log.warning("sink %s: an item went to the dead letters: %s", name, why, extra=_told(name, record))

        yield bury
