"""The gateway's application: the live page, the stream, recent items and counts over HTTP.

`create_app` takes plain values and a source of labelled items; it opens nothing. The application reads the source from
the start of its lifespan to the end.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from starlette.staticfiles import StaticFiles

from streams.errors import InvalidError
from streams.gateway.access import Access, Pace
from streams.gateway.archive import older_articles
from streams.gateway.cursor import decode_cursor, encode_cursor
from streams.gateway.described import responses_of
from streams.gateway.hub import FullError, Hub
from streams.gateway.problems import answer_in_problems
from streams.gateway.push import ROUTE as PUSH_ROUTE
from streams.gateway.push import SECURITY_SCHEMES, push_articles
from streams.gateway.query import Filtered, Form, Gateway, gateway_of, selection_asked
from streams.gateway.reader import Reader
from streams.gateway.security import SecurityHeaders
from streams.gateway.sse import EventStream
from streams.gateway.syndication_routes import ROUTES as SYNDICATION_ROUTES
from streams.gateway.tables import counts_table, names_table
from streams.gateway.tokens import Tokens
from streams.gateway.window import Tally, Window
from streams.metrics import watch_event_loop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from streams.gateway.archive import Archive
    from streams.gateway.items import Entry, Source
    from streams.gateway.push import Push
    from streams.metrics import Metrics
    from streams.wire import Labels

PAGE = Path(__file__).parent / "page"
JSON = "application/json"
NOBODY = Tokens(())


class Limits(NamedTuple):
    """What the gateway holds at most, and who may ask how often. `pace`: of one client; None: no bound."""

    recent_items: int = 2000
    recent_bytes: int = 64 * 1024 * 1024
    listeners: int = 5000
    readers: Tokens = NOBODY  # who may read; nobody named: everybody
    pace: Pace | None = None


def create_app(
    source: Source,
    labels: Labels,
    metrics: Metrics,
    *,
    clock: Callable[[], float],
    limits: Limits | None = None,
    push: Push | None = None,
    archive: Archive | None = None,
) -> FastAPI:
    """The application. `clock` gives seconds since 1970; a failed source shows in `app.state.gateway.reader`.

    `push`: what takes items; it is closed with the application. None: nothing can be pushed. `archive`: what knows
    older items than the gateway holds.
    """
    limits = limits or Limits()
    hub = Hub(Window(limits.recent_items, limits.recent_bytes), Tally(), max_listeners=limits.listeners)
    gateway = Gateway(hub, Reader(source, hub, labels, metrics), labels, metrics, clock, clock(), archive)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        """The reader runs as long as the server; at the end it has 3 s, beside the last items that were pushed."""
        gateway.reader.start()
        watch = asyncio.create_task(watch_event_loop(metrics))
        yield
        watch.cancel()
        hub.close()
        closing = [gateway.reader.stop(seconds=3.0)]
        if push is not None:
            closing.append(asyncio.to_thread(push.intake.close))
        await asyncio.gather(*closing)

    app = FastAPI(title="Newswire", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.gateway = gateway
    app.state.push = push
    app.add_middleware(Access, readers=limits.readers, pace=limits.pace)
    app.add_middleware(SecurityHeaders)  # around all else: answers of the others carry them too
    app.mount("/page", StaticFiles(directory=PAGE), name="page")
    for path, endpoint in ROUTES.items():
        route: dict[str, Any] = {
            "responses": responses_of(path),
            "response_class": Response,
            "include_in_schema": path != "/",
        }
        app.get(path, **route)(endpoint)
    app.post(**PUSH_ROUTE)(push_articles)
    answer_in_problems(app)
    app.openapi().setdefault("components", {})["securitySchemes"] = SECURITY_SCHEMES
    return app


async def page() -> FileResponse:
    """The live page."""
    return FileResponse(PAGE / "index.html", headers={"cache-control": "no-cache"})


async def stream(
    request: Request,
    filters: Filtered,
    form: Form = "wire",
    recent: Annotated[int, Query(ge=0, le=1000)] = 0,
) -> Response:
    """Labelled items as server-sent events, as they come.

    `data` is the item as on Kafka (`form=wire`) or a summary (`form=card`); `id` holds the offsets, and a listener that
    comes back with Last-Event-ID goes on after it. `recent` new listeners get so many recent items first. An event of
    the type `dropped` says that items are missing at this place.
    """
    gateway = gateway_of(request)
    wanted = selection_asked(gateway, filters)
    last = request.headers.get("last-event-id")
    try:
        since = decode_cursor(last) if last else None
        listener = gateway.hub.join(wanted, form, since=since, recent=recent)
    except InvalidError as error:
        raise HTTPException(422, str(error)) from error
    except FullError:
        raise HTTPException(503, "as many listeners as this gateway takes", {"retry-after": "10"}) from None
    return EventStream(gateway.hub, listener)


async def articles(
    request: Request,
    filters: Filtered,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    form: Form = "wire",
    before: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    """Recent labelled items, newest first, the newest version of each; `cursor` is a Last-Event-ID to go on from.

    With `before`, a date: older items from the tables of the sink `sql`, by the time at which they were published;
    `following` is the `before` of the next page, null at the end. Without those tables 404.
    """
    gateway = gateway_of(request)
    wanted = selection_asked(gateway, filters)
    if before is not None:
        return await older_articles(gateway.archive, gateway.labels, wanted, before, limit, cards=form == "card")
    cursor = encode_cursor(gateway.hub.positions).encode()
    items = b",".join(_json(entry, form) for entry in gateway.hub.window.newest(wanted, limit))
    return Response(b'{"cursor":"%b","items":[%b]}' % (cursor, items), media_type=JSON)


async def article(request: Request, uri: Annotated[str, Query(max_length=2048)], form: Form = "wire") -> Response:
    """The newest version of one item, where the recent items hold it."""
    entry = gateway_of(request).hub.window.find(uri)
    if entry is None:
        raise HTTPException(404, "not among the recent items")
    return Response(_json(entry, form), media_type=JSON)


async def topics(request: Request) -> Response:
    """Counts of the last hour by topic, region and language."""
    gateway = gateway_of(request)
    counts = gateway.hub.tally.counts(gateway.clock())
    return JSONResponse(counts_table(counts, gateway.labels, listeners=gateway.hub.listeners))


async def names(request: Request, language: Annotated[str, Query(max_length=35)] = "en") -> Response:
    """Names of topics, regions and countries in one language, English where it has none."""
    table = names_table(gateway_of(request).labels, language.lower().split("-")[0])
    return JSONResponse(table, headers={"cache-control": "max-age=3600"})


async def healthz(request: Request) -> Response:
    """200 while the gateway reads."""
    alive = gateway_of(request).reader.alive
    return JSONResponse({"status": "ok" if alive else "the reader has ended"}, 200 if alive else 503)


async def readyz(request: Request) -> Response:
    """200 once everything is read that was there at the start."""
    gateway = gateway_of(request)
    ready = gateway.hub.ready and gateway.reader.alive
    return JSONResponse({"status": "ready" if ready else "reading what is there"}, 200 if ready else 503)


async def metrics_page(request: Request) -> Response:
    """Prometheus metrics."""
    gateway = gateway_of(request)
    gateway.metrics.gateway_clients.set(gateway.hub.listeners)
    body, content_type = gateway.metrics.exposition()
    return Response(body, headers={"content-type": content_type})


ROUTES: dict[str, Any] = {
    **SYNDICATION_ROUTES,
    "/": page,
    "/stream": stream,
    "/articles": articles,
    "/article": article,
    "/topics": topics,
    "/names": names,
    "/healthz": healthz,
    "/readyz": readyz,
    "/metrics": metrics_page,
}


def _json(entry: Entry, form: Form) -> bytes:
    return entry.card if form == "card" else entry.wire
