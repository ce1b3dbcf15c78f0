"""Labelled items for tests of the gateway, and a gateway that runs on a free port."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
from prometheus_client import CollectorRegistry

from streams.articles import LabelledArticle, decode_labelled
from streams.gateway.app import Limits, create_app
from streams.gateway.items import Batch, Entry, Labelled, entry_of
from streams.gateway.server import Server, address_of, bind
from streams.metrics import Metrics
from streams.settings import load_labels
from tests.helpers import wait_for
from tests.items import as_bytes, labelled_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from streams.gateway.archive import Archive
    from streams.gateway.items import Source
    from streams.gateway.push import Push

LABELS = load_labels()
CODES = {label.slug: label.code for label in LABELS.topics.values()}
AUTHOR = "urn:newswire:model:linear:1.0.0"
NOW = datetime(2026, 3, 14, 12, 0, tzinfo=UTC).timestamp()


def article(
    number: int = 1,
    *,
    topics: dict[str, int] | None = None,
    countries: dict[str, int] | None = None,
    language: str = "en",
    at: float = NOW,
    title: str | None = None,
    **changes: Any,
) -> LabelledArticle:
    """A labelled item: topics by slug and countries by ISO code, each with its confidence 0-100."""
    topics = {"sport": 90} if topics is None else topics
    countries = {"TR": 80} if countries is None else countries
    item = labelled_json()
    block = item["classification"]
    topic_axis, region_axis = block["axes"]
    topic_axis |= {
        "decision": "assigned" if topics else "abstained",
        "scores": [{"code": CODES[slug], "score": sure / 100} for slug, sure in topics.items()],
    }
    if not topics:
        topic_axis["abstainReason"] = "low_confidence"
    region_axis |= {
        "decision": "assigned" if countries else "none",
        "scores": [{"code": code, "score": sure / 100, "method": "text"} for code, sure in countries.items()],
    }
    block |= {
        "status": "labelled" if topics else "abstained",
        "labelledAt": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "language": {"tag": language, "confidence": 0.99},
    }
    item |= {
        "uri": f"urn:newswire:example:{number}",
        "headlines": [{"value": title or f"Headline {number}"}],
        "subjects": [
            {"rel": "about", "creator": AUTHOR, "literal": f"medtop:{CODES[slug]}", "name": slug, "confidence": sure}
            for slug, sure in topics.items()
        ],
        "places": [{"rel": "about", "literal": f"iso3166-1a2:{code}", "name": f"name of {code}"} for code in countries],
        **changes,
    }
    return decode_labelled(as_bytes(item))


def entry(number: int = 1, *, partition: int = 0, offset: int | None = None, **changes: Any) -> Entry:
    """The same as an entry of the window; by default offset = number."""
    return entry_of(Labelled(partition, number if offset is None else offset, article(number, **changes)), LABELS)


def labelled_at_no_time(item: LabelledArticle) -> LabelledArticle:
    """An item that the codec would not have let in."""
    block = msgspec.structs.replace(item.classification, labelled_at="yesterday")
    return msgspec.structs.replace(item, classification=block)


class Feed:
    """A source that a test feeds: `put` batches, `fail` with an exception."""

    def __init__(self, positions: dict[int, int] | None = None) -> None:
        self._queue: queue.Queue[Batch | Exception] = queue.Queue()
        self._queue.put(Batch((), positions or {0: 0, 1: 0}, caught_up=False))

    def put(
        self, items: Sequence[Labelled], positions: dict[int, int] | None = None, *, caught_up: bool = True
    ) -> None:
        after = {item.partition: item.offset + 1 for item in items}
        self._queue.put(Batch(items, {**after, **(positions or {})}, caught_up))

    def fail(self, error: Exception) -> None:
        self._queue.put(error)

    def source(self, stopped: Callable[[], bool]) -> Iterator[Batch]:
        while not stopped():
            try:
                batch = self._queue.get(timeout=0.05)
            except queue.Empty:
                continue
            if isinstance(batch, Exception):
                raise batch
            yield batch


@contextlib.contextmanager
def running(
    source: Source,
    *,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.time,
    port: int = 0,
    push: Push | None = None,
    archive: Archive | None = None,
) -> Iterator[Running]:
    """A gateway, by default on a free port, stopped at the end; an exception of its source is in `failure`."""
    app = create_app(
        source, LABELS, Metrics(CollectorRegistry()), clock=clock, limits=limits, push=push, archive=archive
    )
    bound = bind("127.0.0.1", port)
    server = Server(app, bound)
    gateway = Running(server, address_of(bound))
    thread = threading.Thread(target=gateway.run)
    thread.start()
    try:
        wait_for(lambda: server.started or not thread.is_alive(), 30, "the gateway did not start")
        yield gateway
    finally:
        server.stop()
        thread.join(30)
        assert not thread.is_alive(), "the gateway did not stop"


class Running:
    def __init__(self, server: Server, url: str) -> None:
        self.server = server
        self.url = url
        self.failure: Exception | None = None
        self.ended = threading.Event()

    def run(self) -> None:
        try:
            self.server.run_until_stopped()
        except Exception as error:  # noqa: BLE001 - the test asks for it
            self.failure = error
        self.ended.set()

    def get(self, path: str, **parameters: Any) -> httpx.Response:
        return httpx.get(self.url + path, params=parameters, timeout=20)

    def wait_ready(self) -> None:
        wait_for(lambda: self.get("/readyz").status_code == 200, 90, "the gateway did not get ready")


def events(response: httpx.Response) -> Iterator[dict[str, str]]:
    """Events of a stream as fields, joined as the standard says; a comment gives {"comment": ...}."""
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if not line:
            if fields:
                yield fields
            fields = {}
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        name = name or "comment"
        fields[name] = f"{fields[name]}\n{value}" if name in fields else value


def titles(response: httpx.Response, count: int) -> list[str]:
    """Headlines of the next items of a stream of cards."""
    found: list[str] = []
    for event in events(response):
        if "data" in event and "event" not in event:
            found.append(json.loads(event["data"])["title"])
            if len(found) == count:
                break
    return found
