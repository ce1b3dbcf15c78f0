"""The search sink: documents, versions, what the bulk API's answers mean. The server is a strict stand-in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from streams.errors import InvalidError, TransientError
from streams.http_guard import allow_list
from streams.http_outcomes import Failed, Fetched, Validators
from streams.kafka.link import Record
from streams.sinks.posting import Poster
from streams.sinks.search import Search, document_of
from streams.sinks.search_template import ANALYZERS, index_template
from streams.wire import LABELLED
from tests.contract.sink_cases import LABELS
from tests.items import as_bytes, labelled_json
from tests.servers.background import site_of
from tests.servers.receivers import BulkApi
from tests.unit.sinks.test_webhook import Post

if TYPE_CHECKING:
    from collections.abc import Iterator


def item(offset: int, **changes: Any) -> Record:
    return Record(LABELLED, 3, offset, b"k", as_bytes(labelled_json(**changes)), [], 0)


@pytest.fixture
def api() -> BulkApi:
    return BulkApi()


@pytest.fixture
def search(api: BulkApi) -> Iterator[Search]:
    with site_of({"/_bulk": api.bulk, "/_index_template/news": api.template}) as (site,):
        target = Search(site.url("/"), "news", LABELS, Poster(allow_list(["127.0.0.1"]), 10.0))
        target.prepare()
        yield target
        target.close()


def test_a_document_and_its_texts_under_their_language() -> None:
    assert document_of(item(1), LABELS) == {
        "uri": "urn:newswire:example:1",
        "version": "1",
        "published": "2026-03-14T06:30:00+00:00",
        "labelled_at": "2026-03-14T06:30:01+00:00",
        "status": "labelled",
        "language": "ar",
        "topic": "economy",
        "topics": ["economy", "society"],
        "country": "TR",
        "countries": ["TR", "EG"],
        "regions": ["western-asia", "northern-africa"],
        "source": "Örnek Ajansı",
        "url": "https://example.org/1",
        "headline": {"ar": "افتتاح خط قطار جديد بين مدينتين"},
        "text": {"ar": "بدأ الخط عمله صباح اليوم بعشر رحلات."},
        "model": "linear:1.0.0",
    }
    block = labelled_json()["classification"] | {"language": {"tag": "ku", "confidence": 0.9}}
    assert set(document_of(item(1, classification=block), LABELS)["headline"]) == {"other"}


def test_the_template_takes_texts_apart_by_language(search: Search, api: BulkApi) -> None:
    assert api.templates == {"news": index_template("news")}
    properties = index_template("news")["template"]["mappings"]["properties"]
    assert {lang: field["analyzer"] for lang, field in properties["headline"]["properties"].items()} == ANALYZERS
    assert (ANALYZERS["ar"], ANALYZERS["tr"], ANALYZERS["en"]) == ("arabic", "turkish", "english")
    assert set(document_of(item(1), LABELS)) <= set(properties)


def test_an_item_is_one_document_of_its_newest_version(search: Search, api: BulkApi) -> None:
    search.send([item(5), item(6, version="2"), item(6, uri="urn:n:2")])
    assert search.send([item(5), item(6, version="2")]) == ({}, frozenset(), False, "", None)  # they come again
    assert sorted(version for version, _ in api.documents.values()) == [7, 7]
    assert {document["version"] for _, document in api.documents.values()} == {"1", "2"}
    assert api.uris() == ["urn:n:2", "urn:newswire:example:1"]
    assert api.writes == 3


def test_what_the_server_is_too_busy_for_is_sent_again(search: Search, api: BulkApi) -> None:
    api.busy = [1]
    answer = search.send([item(1), item(2, uri="urn:n:2")])
    assert answer.again == {1}
    assert answer.refused == {}
    assert "429: es_rejected_execution_exception" in answer.message


def test_what_the_mapping_refuses_is_refused_and_its_neighbours_are_taken(search: Search, api: BulkApi) -> None:
    immense = "x" * 40_000
    answer = search.send([item(1), item(2, uri="urn:n:2", infoSources=[{"name": immense}]), item(3, uri="urn:n:3")])
    assert answer.again == frozenset()
    assert list(answer.refused) == [1]
    assert answer.refused[1].startswith("400: mapper_parsing_exception: failed to parse; illegal_argument_exception:")
    assert api.uris() == ["urn:n:3", "urn:newswire:example:1"]


def test_a_server_that_is_away_is_waited_for(search: Search, api: BulkApi) -> None:
    api.away = True
    assert search.send([item(1)]).again == {0}
    with pytest.raises(TransientError, match="cannot put the index template in place"):
        search.prepare()


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"items": []}', b'{"items": [{}]}', b'{"items": [{"index": {"status": "x"}}]}']
)
def test_an_answer_of_something_else_is_not_taken_for_one(body: bytes) -> None:
    target = Search("http://x", "news", LABELS, Post(Fetched("http://x", body, "", None, Validators(), None)))
    answer = target.send([item(1)])
    assert answer.again == {0}
    assert answer.message


def test_what_is_wrong_with_the_settings_is_told() -> None:
    with pytest.raises(InvalidError, match=r"set sinks\.search\.url"):
        Search("", "news", LABELS, Post()).prepare()
    for reason in ("forbidden", "client_error", "bad_url"):
        with pytest.raises(InvalidError, match="cannot put the index template in place: no"):
            Search("http://x", "news", LABELS, Post(Failed(reason, "no"))).prepare()  # type: ignore[arg-type]
    with pytest.raises(InvalidError, match="sink search: no"):
        Search("http://x", "news", LABELS, Post(Failed("refused_address", "no"))).send([item(1)])
    assert Search("http://x", "news", LABELS, Post(Failed("client_error", "413"))).send([item(1)]).divide


def test_the_lines_of_a_request() -> None:
    post = Post(Fetched("http://x", b'{"items":[{"index":{"status":201}}]}', "", None, Validators(), None))
    assert Search("http://x/", "news", LABELS, post).send([item(41)]) == ({}, frozenset(), False, "", None)
    ((url, body, headers),) = post.sent
    assert url == "http://x/_bulk"
    assert headers == {"Content-Type": "application/x-ndjson"}
    action, document, end = body.split(b"\n")
    assert end == b""
    assert json.loads(action)["index"] == {
        "_index": "news",
        "_id": json.loads(action)["index"]["_id"],
        "version": 42,
        "version_type": "external",
    }
    assert json.loads(document)["uri"] == "urn:newswire:example:1"
    with pytest.raises(InvalidError):
        Search("http://x", "news", LABELS, post).check(Record(LABELLED, 0, 0, None, b"{}", [], 0))
