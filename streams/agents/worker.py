"""A labelling worker: courier, agents and watchdog of one process, from its start to its end.

Exit status, which the command makes of it:
    0   told to stop, and did: everything in flight was committed
    1   could not go on (Kafka, another worker on the slot, a bug); what was not committed is read again
    70  nothing moved for `stalled` seconds: stacks on stderr
    75  told to stop, not done after `grace` seconds; the rest was not committed
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from streams import wire
from streams.agents.app import Flow, Web, make_agents
from streams.agents.batch import Pace
from streams.agents.courier import Courier, CourierSettings
from streams.agents.following import Following
from streams.agents.labeller import Labeller
from streams.agents.reload import Reloader
from streams.agents.terminal import Terminal
from streams.agents.watchdog import GRACE_STATUS, Watchdog, leave_after
from streams.collector import let_it_rest
from streams.errors import TransientError
from streams.metrics import watch_event_loop

if TYPE_CHECKING:
    from concurrent.futures import Future

    from streams.agents.app import Agents
    from streams.agents.batch import Batch
    from streams.agents.labeller import LoadedModel
    from streams.agents.reload import Pointer, Serving
    from streams.kafka.link import Link, OnRebalance, OpenLink
    from streams.metrics import Baseline, Metrics
    from streams.traces import Spans

log = logging.getLogger(__name__)

CRASH_STATUS = 1
OPEN_ATTEMPTS = 6  # of 5 s each: half a minute for a Kafka that starts together with its workers
OPEN_PAUSE_SECONDS = 1.0


class WorkerSettings(NamedTuple):
    """Plain values; times in seconds."""

    batch_size: int = 500
    linger: float = 0.03
    depth: int = 3
    drain: float = 4.0
    grace: float = 20.0
    stalled: float = 60.0
    host: str = "127.0.0.1"
    port: int = 0  # of /metrics, /healthz and /readyz; 0 = any
    watch: float = 5.0  # between two looks at the pointer; 0 = only on SIGHUP
    prefix: str = ""  # before the name of every Kafka topic, where a cluster is shared
    open_attempts: int = OPEN_ATTEMPTS


class Parts(NamedTuple):
    """What a worker is made of."""

    open_link: OpenLink
    model: LoadedModel
    labels: wire.Labels
    metrics: Metrics
    baseline: Baseline | None = None  # what the model's evaluation leads to expect
    pointer: Pointer | None = None  # where another model is to be looked for; None: this one to the end
    seen: object = None  # what the pointer said before the model was loaded
    spans: Spans | None = None  # where traces go
    hung_up: threading.Event | None = None  # set by a SIGHUP that came while the model was loaded


def run_worker(parts: Parts, settings: WorkerSettings) -> None:
    """Labels until told to stop (SIGTERM, SIGINT); SIGHUP asks for the model that stands behind the pointer now.

    To be called in the main thread, for the signals.

    Raises TransientError where it cannot go on, and whatever a bug raises; then nothing uncommitted is published.
    """
    asyncio.run(_run(parts, settings))


async def _run(parts: Parts, settings: WorkerSettings) -> None:
    worker = _Worker(parts, settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        worker.loop.add_signal_handler(number, worker.told_to_stop)
    worker.loop.add_signal_handler(signal.SIGHUP, worker.hung_up)
    if parts.hung_up is not None and parts.hung_up.is_set():
        worker.hung_up()
    await worker.run()


class _Worker:
    """Wires the parts; to be made within a running event loop."""

    def __init__(self, parts: Parts, settings: WorkerSettings) -> None:
        self.loop = asyncio.get_running_loop()
        self._parts = parts
        self._settings = settings
        self._terminal = Terminal()
        self._leaving = asyncio.Event()
        self._no_more_attempts = threading.Event()
        self._deadline: threading.Timer | None = None
        self._error: BaseException | None = None
        self._pace = Pace(settings.batch_size)
        self._classifier_thread = ThreadPoolExecutor(1, "classifier")
        self._counting = Following(parts.metrics, time.time, time.monotonic, parts.spans)
        self._courier = Courier(
            self._open_link,
            self._hand_over,
            self.crash,
            self._pace,
            self._counting,
            CourierSettings(linger=settings.linger, depth=settings.depth, drain=settings.drain),
        )
        self._labeller = self._new_labeller(parts.model, parts.labels)
        self._reloader = self._new_reloader()
        self._agents = self._make_agents()

    def _make_agents(self) -> Agents:
        metrics, courier, settings = self._parts.metrics, self._courier, self._settings
        model, labels = self._parts.model, self._parts.labels
        metrics.preset([t.slug for t in labels.topics.values()], [r.slug for r in labels.regions.values()])
        metrics.show_model(model.name, model.version, self._parts.baseline)
        flow = Flow(lambda: self._labeller, self._classifier_thread, _now, courier.deliver, self._pace.took, self.crash)
        web = Web(
            settings.host,
            settings.port,
            metrics.exposition,
            healthy=lambda: max(courier.stalled_seconds(), self._counting.waiting_seconds()) <= settings.stalled,
            ready=lambda: courier.ready,
            state=courier.state,
        )
        return make_agents(flow, web)

    def _new_labeller(self, model: LoadedModel, labels: wire.Labels) -> Labeller:
        seconds = self._parts.metrics.stage_seconds
        return Labeller(
            model,
            labels,
            prefix=self._settings.prefix,
            observe=lambda stage, spent: seconds.labels(stage).observe(spent),
        )

    def _new_reloader(self) -> Reloader | None:
        parts = self._parts
        if parts.pointer is None:
            return None
        return Reloader(parts.pointer, parts.seen, parts.labels, self._take, parts.metrics)

    def _take(self, found: Serving) -> None:
        """The next batch has the new model; those that have begun end with the one that they began with."""
        self._labeller = self._new_labeller(found.model, found.labels)
        self._parts.metrics.show_model(found.model.name, found.model.version, found.baseline)

    async def run(self) -> None:
        """From start to end; see run_worker."""
        let_it_rest()
        watchdog = Watchdog(self._courier.stalled_seconds, self._settings.stalled)
        try:
            await self._start()
            model, web = self._parts.model, f"http://{self._settings.host}:{self._settings.port}"
            log.info("labelling with model %s %s; %s/metrics, /healthz, /readyz", model.name, model.version, web)
            watchdog.start()
            await self._until_told()
        finally:
            watchdog.stop()
            self._arm(CRASH_STATUS)  # whatever happens now may not take for ever
            await self.loop.run_in_executor(None, self._courier.close)
            await self._agents.app.stop()
            self._classifier_thread.shutdown(wait=False, cancel_futures=True)
            if self._reloader is not None:
                self._reloader.close()
        if self._error is not None:
            raise self._error

    async def _start(self) -> None:
        try:
            await self._agents.app.start()
        except OSError as error:
            at = f"{self._settings.host}:{self._settings.port}"
            raise TransientError(f"cannot listen on {at} for /metrics ({error.strerror}): set label.port") from error
        finally:
            if self._agents.port is not None:
                self._agents.port.release()
        try:
            await self.loop.run_in_executor(None, self._courier.start)
        except TransientError:
            if not self._leaving.is_set():  # told to stop while it was trying: that is no failure any more
                raise

    async def _until_told(self) -> None:
        told = asyncio.ensure_future(self._leaving.wait())
        ended = asyncio.ensure_future(self._agents.app.wait_until_stopped())  # a service of Faust's own crashed
        tasks = {told, ended, asyncio.ensure_future(watch_event_loop(self._parts.metrics))}
        if self._reloader is not None:
            tasks.add(asyncio.ensure_future(self._reloader.run(self._settings.watch)))
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        if self._error is None and not self._leaving.is_set():
            self.crash(self._agents.app.crash_reason or RuntimeError("Faust stopped by itself"))

    def told_to_stop(self) -> None:
        """A signal came; a second one changes nothing."""
        log.info("told to stop: what is in flight is finished first")
        self._arm(GRACE_STATUS)
        self._no_more_attempts.set()
        self._leaving.set()

    def hung_up(self) -> None:
        """SIGHUP: another model may be there; from a terminal that was closed, the end."""
        if self._terminal.is_gone():
            self.told_to_stop()
        elif self._reloader is not None:
            self._reloader.tell()

    def crash(self, error: BaseException) -> None:
        """Something that this process cannot go on after; the first counts. From any thread."""
        self._courier.break_off()
        if self._error is None:
            self._error = error
        self.loop.call_soon_threadsafe(self._leaving.set)

    def _arm(self, status: int) -> None:
        if self._deadline is None:
            self._deadline = leave_after(self._settings.grace, status)

    def _hand_over(self, batch: Batch) -> None:
        sent = asyncio.run_coroutine_threadsafe(self._agents.hand_over(batch), self.loop)
        sent.add_done_callback(self._crash_if_failed)

    def _crash_if_failed(self, sent: Future[None]) -> None:
        if not sent.cancelled() and (error := sent.exception()) is not None:
            self.crash(error)

    def _open_link(self, on_rebalance: OnRebalance) -> Link:
        link = self._connect(on_rebalance)
        names = [self._settings.prefix + topic.name for topic in wire.kafka_topics(self._parts.labels)]
        try:
            missing = link.missing(names)
        except TransientError:
            link.close()
            raise
        if missing:
            link.close()
            listed = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
            raise TransientError(f"Kafka topics are missing: {listed}; run `newswire topics create`")
        return link

    def _connect(self, on_rebalance: OnRebalance) -> Link:
        """A bounded number of attempts; told to stop, none more."""
        for attempt in range(1, self._settings.open_attempts + 1):
            try:
                return self._parts.open_link(on_rebalance)
            except TransientError as error:
                last = attempt == self._settings.open_attempts
                if last or self._no_more_attempts.wait(OPEN_PAUSE_SECONDS):
                    raise
                log.warning("%s (attempt %d of %d)", error, attempt, self._settings.open_attempts)
        raise AssertionError("open_attempts is at least 1")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
