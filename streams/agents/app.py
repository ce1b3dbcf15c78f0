"""The Faust app: two agents on channels, three web pages, Kafka switched off.

Faust's own consumer loses items and its exactly-once doubles them (notes/faust, notes/delivery), so the courier
reads and writes Kafka, and Faust gives agents, channels, supervision and the web. An exception that leaves an agent is
swallowed by Faust: each agent's whole body reports to `crash`. One actor an agent: batches must not overtake.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import faust
from faust.app import BootStrategy

from streams.kafka.broker_process import Reservation

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from concurrent.futures import Executor

    from streams.agents.batch import Batch, Outcome
    from streams.agents.labeller import Labeller, Step

    Finish = Callable[[list[Step], str], list[Outcome]]

MAX_PENDING = 1000  # events a channel holds; never reached, the courier's depth bounds the batches in flight


class Web(NamedTuple):
    """Where the pages are and what they say."""

    host: str
    port: int  # 0: a free one is looked for; Faust itself refuses it
    metrics: Callable[[str], tuple[bytes, str]]  # of an Accept header: body and content type
    healthy: Callable[[], bool]
    ready: Callable[[], bool]
    state: Callable[[], dict[str, Any]]


class Flow(NamedTuple):
    """What happens to a batch on its way through the agents."""

    labeller: Callable[[], Labeller]  # the one to take for a batch that begins
    executor: Executor  # one thread: keeps the event loop, and so the web, free while a batch is classified
    now: Callable[[], str]  # RFC 3339
    deliver: Callable[[Batch], None]
    took: Callable[[int, float], None]  # items, seconds of classifying
    crash: Callable[[BaseException], None]


class _WithoutKafka(BootStrategy):  # type: ignore[misc]
    enable_kafka = False  # no consumer, no producer, no conductor: Faust opens no connection and declares no topic


class _App(faust.App):  # type: ignore[misc]
    BootStrategy = _WithoutKafka

    async def on_first_start(self) -> None:
        """Faust would make a data folder where the command is run; nothing here keeps data."""


class Agents(NamedTuple):
    """The app and the door to its first agent; `port`, which is kept for its pages, is released once it has started."""

    app: Any
    hand_over: Callable[[Batch], Coroutine[Any, Any, None]]
    port: Reservation | None


def make_agents(flow: Flow, web: Web) -> Agents:
    """A new app; nothing is started or connected. To be called within a running event loop."""
    port = None if web.port else Reservation(host=web.host)
    app = _App(
        "newswire",
        broker="kafka://unused",
        store="memory://",
        topic_disable_leader=True,
        topic_allow_declare=False,
        table_standby_replicas=0,
        web_router_enabled=False,
        web_tables_enabled=False,
        web_in_thread=False,
        web_bind=web.host,
        web_port=port.port if port else web.port,
        worker_redirect_stdouts=False,
    )
    app.finalize()
    for_topics = app.channel(maxsize=MAX_PENDING)
    for_regions = app.channel(maxsize=MAX_PENDING)

    async def to_regions(batch: Batch, finish: Finish, steps: list[Step]) -> None:
        await for_regions.send(value=(batch, finish, steps))

    _add_topic_agent(app, for_topics, flow, to_regions)
    _add_region_agent(app, for_regions, flow)
    _add_pages(app, web)
    app.flow_control.resume()  # with Kafka off nobody else opens the gate of the channels

    async def hand_over(batch: Batch) -> None:
        await for_topics.send(value=batch)

    return Agents(app, hand_over, port)


def _add_topic_agent(
    app: Any, channel: Any, flow: Flow, to_regions: Callable[[Batch, Finish, list[Step]], Awaitable[None]]
) -> None:
    @app.agent(channel, name="topics")  # type: ignore[untyped-decorator]
    async def topics(stream: Any) -> None:
        """Bytes to articles, articles to documents, documents to topics."""
        async for batch in stream:
            with _Reporting(flow.crash):
                labeller = flow.labeller()  # one model a batch, from its first step to its last
                steps = await _in_thread(flow, batch, labeller.begin, batch.records)
                await to_regions(batch, labeller.finish, steps)


def _add_region_agent(app: Any, channel: Any, flow: Flow) -> None:
    @app.agent(channel, name="regions")  # type: ignore[untyped-decorator]
    async def regions(stream: Any) -> None:
        """Documents to regions; then everything is known, and each item gets its outcome."""
        async for batch, finish, steps in stream:
            with _Reporting(flow.crash):
                batch.outcomes = await _in_thread(flow, batch, finish, steps)
                flow.took(len(batch.records), batch.seconds)
                flow.deliver(batch)


async def _in_thread(flow: Flow, batch: Batch, work: Callable[[Any, str], list[Any]], items: Any) -> list[Any]:
    def clocked() -> list[Any]:
        """In the classifier's thread; a batch adds up the seconds of both agents, which bound the size of the next."""
        began = time.perf_counter()
        found = work(items, flow.now())
        batch.seconds += time.perf_counter() - began
        return found

    return await asyncio.get_running_loop().run_in_executor(flow.executor, clocked)


class _Reporting:
    """Whatever leaves the body of an agent ends the process; a batch after it would skip the records of this one."""

    def __init__(self, crash: Callable[[BaseException], None]) -> None:
        self._crash = crash

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None and not isinstance(error, asyncio.CancelledError):
            self._crash(error)


def _add_pages(app: Any, web: Web) -> None:
    @app.page("/metrics")  # type: ignore[untyped-decorator]
    async def metrics(self: Any, request: Any) -> Any:
        """Prometheus text, or OpenMetrics with exemplars for who accepts it."""
        body, content_type = web.metrics(request.headers.get("Accept", ""))
        response = self.bytes(body)
        response.headers["Content-Type"] = content_type
        return response

    @app.page("/healthz")  # type: ignore[untyped-decorator]
    async def healthz(self: Any, _request: Any) -> Any:
        """503 once something should move and does not: restart this process."""
        return self.json(web.state(), status=200 if web.healthy() else 503)

    @app.page("/readyz")  # type: ignore[untyped-decorator]
    async def readyz(self: Any, _request: Any) -> Any:
        """200 once this worker is a member of the group."""
        return self.json(web.state(), status=200 if web.ready() else 503)
