"""The gateway as programs see it: over HTTP, on a real server, from a source that the test feeds."""

from __future__ import annotations

import json
import re
import time

import httpx
import pytest

from streams.articles import encode
from streams.errors import TransientError
from streams.gateway.app import PAGE, ROUTES, Limits
from streams.gateway.items import Labelled
from streams.gateway.server import bind
from tests.helpers import wait_for
from tests.unit.gateway.examples import LABELS, NOW, Feed, article, events, labelled_at_no_time, running, titles


def labelled(number: int, *, partition: int = 0, **changes) -> Labelled:
    return Labelled(partition, number, article(number, **changes))


@pytest.fixture(scope="module")
def gateway():
    """One with five items, the second of them abstained."""
    feed = Feed()
    items = [
        labelled(0, topics={"sport": 90, "economy": 40}, countries={"TR": 80}, language="tr", at=NOW),
        labelled(1, topics={}, countries={}, language="ar", at=NOW + 1),
        labelled(2, topics={"weather": 55}, countries={"EG": 70, "TR": 60}, language="ar", at=NOW + 2, title="طقس"),
        labelled(3, topics={"sport": 60}, countries={"DE": 90}, at=NOW + 3),
        labelled(4, topics={"politics": 95}, countries={"DE": 90}, at=NOW + 4),
    ]
    feed.put(items)
    with running(feed.source, clock=lambda: NOW + 10) as gateway:
        gateway.wait_ready()
        yield gateway


def uris(response: httpx.Response) -> list[int]:
    assert response.status_code == 200, response.text
    return [int(item["uri"].rpartition(":")[2]) for item in response.json()["items"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [4, 3, 2, 1, 0]),
        ({"limit": 2}, [4, 3]),
        ({"topic": "sport"}, [3, 0]),
        ({"topic": ["sport", "weather"]}, [3, 2, 0]),
        ({"topic": "sport,weather", "region": "western-asia"}, [2, 0]),
        ({"region": "tr"}, [2, 0]),
        ({"region": "northern-africa"}, [2]),
        ({"language": "ar"}, [2, 1]),
        ({"min_confidence": 60}, [4, 3, 0]),
        ({"topic": "economy", "min_confidence": 41}, []),
        ({"region": "TR", "min_confidence": 61}, [0]),
    ],
)
def test_recent_items_by_filter(gateway, query, found):
    assert uris(gateway.get("/articles", **query)) == found


def test_item_is_as_on_the_wire(gateway):
    item = article(3, topics={"sport": 60}, countries={"DE": 90}, at=NOW + 3)
    answer = gateway.get("/article", uri=item.uri)
    assert answer.content == encode(item)
    assert gateway.get("/articles", topic="sport", limit=1).json()["items"] == [json.loads(encode(item))]
    assert gateway.get("/article", uri=item.uri, form="card").json()["title"] == "Headline 3"


def test_item_that_is_not_there(gateway):
    answer = gateway.get("/article", uri="urn:newswire:example:99")
    assert (answer.status_code, answer.json()["detail"]) == (404, "not among the recent items")


@pytest.mark.parametrize("path", ["/articles", "/stream"])
@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"topic": "sprot"}, "did you mean 'sport'"),
        ({"region": "nowhere-at-all"}, "unknown region"),
        ({"min_confidence": 101}, "less than or equal to 100"),
        ({"min_confidence": "much"}, "valid integer"),
        ({"topic": ["sport"] * 101}, "at most 100"),
        ({"form": "xml"}, "'wire' or 'card'"),
    ],
)
def test_wrong_filter_is_refused_in_words(gateway, path, query, message):
    answer = gateway.get(path, **query)
    assert answer.status_code == 422
    assert message in answer.text


def test_wrong_last_event_id_is_refused(gateway):
    answer = httpx.get(gateway.url + "/stream", headers={"last-event-id": "yesterday"})
    assert answer.status_code == 422
    assert "Last-Event-ID" in answer.text


def test_counts_of_the_last_hour(gateway):
    counts = gateway.get("/topics").json()
    assert (counts["items"], counts["abstained"]) == (5, 1)
    assert len(counts["topics"]) == 17
    assert len(counts["regions"]) == 22
    found = {topic["slug"]: topic["items"] for topic in counts["topics"] if topic["items"]}
    assert found == {"economy": 1, "politics": 1, "sport": 2, "weather": 1}
    assert counts["languages"] == {"en": 2, "ar": 2, "tr": 1}
    assert all(len(topic["minutes"]) == 60 for topic in counts["topics"])


def test_names_in_a_language_and_in_english_where_there_are_none(gateway):
    arabic = gateway.get("/names", language="ar").json()
    assert arabic["topics"]["sport"] == "الرياضة"
    assert arabic["countries"]["EG"] == "مصر"
    english = gateway.get("/names", language="tlh").json()
    assert english["topics"]["sport"] == "sport"
    assert set(english["regions"]) == {label.slug for label in LABELS.regions.values()}


def test_health_readiness_and_metrics(gateway):
    assert gateway.get("/healthz").json() == {"status": "ok"}
    assert gateway.get("/readyz").json() == {"status": "ready"}
    text = gateway.get("/metrics").text
    assert "newswire_gateway_items_total 5.0" in text
    assert "newswire_gateway_clients 0.0" in text

    def shown() -> bool:
        return "newswire_event_loop_lag_seconds 0.0\n" not in gateway.get("/metrics").text

    wait_for(shown, 20, "the lag of the event loop is not measured")


@pytest.mark.parametrize("path", [*ROUTES, "/page/wire.js", "/page/wire.css", "/nowhere"])
def test_every_answer_carries_the_security_headers(gateway, path):
    with httpx.stream("GET", gateway.url + path, timeout=20) as answer:
        policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "server" not in answer.headers


def test_nothing_of_the_page_is_loaded_from_elsewhere():
    texts = {path.name: path.read_text(encoding="utf-8") for path in PAGE.iterdir()}
    assert {"index.html", "wire.css", "wire.js", "theme.js", "icon.svg"} <= set(texts)
    namespace = "http://www.w3.org/2000/svg"
    for name, text in texts.items():
        assert not re.search(r"(?:https?:)?//[a-z]", text.replace(namespace, "").replace('"http://"', "")), name
        assert " style=" not in text, f"{name}: the policy forbids style attributes"
        assert not re.search(r"<[^>]+ on\w+=|innerHTML|insertAdjacentHTML|document\.write|eval\(", text), name


def test_page_is_served_with_types_that_nosniff_accepts(gateway):
    types = {path: gateway.get(path).headers["content-type"] for path in ("/", "/page/wire.js", "/page/wire.css")}
    assert types["/"].startswith("text/html")
    assert "javascript" in types["/page/wire.js"]
    assert types["/page/wire.css"].startswith("text/css")


def test_no_documentation_page_that_loads_from_elsewhere(gateway):
    assert gateway.get("/docs").status_code == gateway.get("/redoc").status_code == 404
    assert "/stream" in gateway.get("/openapi.json").json()["paths"]


def test_stream_gives_recent_items_then_new_ones():
    feed = Feed()
    feed.put([labelled(n) for n in range(3)])
    with running(feed.source) as gateway:
        gateway.wait_ready()
        with httpx.stream("GET", f"{gateway.url}/stream?form=card&recent=2", timeout=20) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            found = events(response)
            assert next(found) == {"retry": "2000"}
            assert [next(found)["id"], next(found)["id"]] == ["0:2,1:0", "0:3,1:0"]
            feed.put([labelled(7, partition=1)])
            assert json.loads(next(found)["data"])["title"] == "Headline 7"
            assert "newswire_gateway_clients 1.0" in gateway.get("/metrics").text
        wait_for(lambda: gateway.get("/topics").json()["listeners"] == 0, 20, "the listener is not forgotten")


def test_stream_resumes_after_the_last_event():
    feed = Feed()
    feed.put([labelled(n) for n in range(5)])
    with running(feed.source) as gateway:
        gateway.wait_ready()
        headers = {"last-event-id": "0:3,1:0"}
        with httpx.stream("GET", f"{gateway.url}/stream?form=card&recent=99", headers=headers, timeout=20) as response:
            assert titles(response, 2) == ["Headline 3", "Headline 4"]


def test_full_gateway_turns_listeners_away_and_recovers():
    feed = Feed()
    feed.put([])
    with running(feed.source, limits=Limits(listeners=1)) as gateway:
        gateway.wait_ready()
        with httpx.stream("GET", gateway.url + "/stream", timeout=20) as first:
            found = events(first)  # held: the connection goes with the iterator
            next(found)
            answer = gateway.get("/stream")
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")

        def admitted() -> bool:
            with httpx.stream("GET", gateway.url + "/stream", timeout=20) as response:
                return response.status_code == 200

        wait_for(admitted, 20, "nobody is let in after the first has left")


def test_not_ready_until_everything_is_read_that_was_there():
    feed = Feed()
    feed.put([labelled(0)], caught_up=False)
    with running(feed.source) as gateway:
        assert gateway.get("/readyz").status_code == 503
        assert gateway.get("/healthz").status_code == 200
        feed.put([])
        gateway.wait_ready()
        assert uris(gateway.get("/articles")) == [0]


def test_item_that_cannot_be_shown_harms_no_other(caplog):
    feed = Feed()
    feed.put([labelled(0), Labelled(0, 1, labelled_at_no_time(article(1))), labelled(2)])
    with running(feed.source) as gateway:
        gateway.wait_ready()
        assert uris(gateway.get("/articles")) == [2, 0]
    assert "not shown: news.labelled 0 at 1" in caplog.text


def test_failed_source_ends_the_gateway_with_its_error():
    feed = Feed()
    with running(feed.source) as gateway:
        feed.fail(TransientError("Kafka has gone"))
        assert gateway.ended.wait(30)
    assert isinstance(gateway.failure, TransientError)


def test_stopping_ends_open_streams_at_once():
    feed = Feed()
    feed.put([])
    with running(feed.source) as gateway:
        gateway.wait_ready()
        with httpx.stream("GET", gateway.url + "/stream", timeout=60) as response:
            found = events(response)
            next(found)
            begun = time.monotonic()
            gateway.server.stop()
            assert list(found) == []
            assert gateway.ended.wait(30)
    assert time.monotonic() - begun < 15  # the heartbeat, for which an open stream would otherwise wait


def test_taken_port_is_one_clear_line():
    with bind("127.0.0.1", 0) as first:
        first.listen()
        with pytest.raises(TransientError) as error:
            bind("127.0.0.1", first.getsockname()[1])
    assert re.fullmatch(r"the gateway cannot listen on 127\.0\.0\.1:\d+: Address already in use; .+", str(error.value))
