"""Feeds of the gateway: read by feedparser, checked against the rules of RFC 4287 and JSON Feed 1.1."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import feedparser
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from streams.gateway.items import Labelled
from streams.gateway.syndication import ATOM, atom, document, iri, json_feed
from tests.unit.gateway.examples import LABELS, NOW, Feed, article, entry, running

STARTED = NOW - 100
SCHEMA = etree.RelaxNG(etree.parse(Path(__file__).parents[2] / "data" / "feeds" / "atom.rng"))
NAMES = {"a": ATOM}
WHOLE = {
    "altIds": [{"role": "canonicalUrl", "value": "https://news.example/a?x=1&y=<2>"}],
    "infoSources": [{"name": "Örnek <Ajans>"}],
}


@pytest.fixture(scope="module")
def gateway():
    feed = Feed()
    items = [
        article(0, topics={"sport": 90, "economy": 40}, countries={"TR": 80}, language="tr", title="Maç <b> & sonuç"),
        article(1, topics={}, countries={}, language="ar", at=NOW + 1, title="طقس"),
        article(2, topics={"sport": 60}, countries={"DE": 90}, at=NOW + 2),
    ]
    feed.put([Labelled(0, number, item) for number, item in enumerate(items)])
    with running(feed.source, clock=lambda: NOW + 10) as gateway:
        gateway.wait_ready()
        yield gateway


@pytest.mark.parametrize(
    ("path", "title", "found"),
    [
        ("/feeds/all", "Newswire", [2, 1, 0]),
        ("/feeds/all?language=ar", "Newswire: ar", [1]),
        ("/feeds/topic/sport", "Newswire: sport", [2, 0]),
        ("/feeds/topic/sport?region=TR", "Newswire: sport", [0]),
        ("/feeds/topic/sport?min_confidence=61", "Newswire: sport", [0]),
        ("/feeds/region/western-asia", "Newswire: Western Asia", [0]),
        ("/feeds/region/de", "Newswire: Germany", [2]),
        ("/feeds/topic/weather", "Newswire: weather", []),
    ],
)
def test_both_forms_hold_the_same_items(gateway, path, title, found):
    path, mark, query = path.partition("?")
    atom_address = f"{gateway.url}{path}.atom{mark}{query}"
    atom_answer = httpx.get(atom_address)
    must_be_atom(atom_answer.content)
    parsed = feedparser.parse(atom_answer.content)
    assert not parsed.bozo, parsed.get("bozo_exception")
    assert parsed.version == "atom10"
    assert atom_answer.headers["content-type"].startswith("application/atom+xml")
    json_answer = httpx.get(f"{gateway.url}{path}.json{mark}{query}")
    assert json_answer.headers["content-type"].startswith("application/feed+json")
    uris = [f"urn:newswire:example:{number}" for number in found]
    assert [e.id for e in parsed.entries] == [i["id"] for i in json_answer.json()["items"]] == uris
    assert parsed.feed.title == json_answer.json()["title"] == title
    assert parsed.feed.links[0].href == atom_address


def test_entry_says_what_and_where(gateway):
    parsed = feedparser.parse(gateway.get("/feeds/all.atom", language="tr").content)
    found = parsed.entries[0]
    assert found.title == "Maç <b> & sonuç"
    assert [(tag.term, tag.label) for tag in found.tags] == [
        ("15000000", "sport"),
        ("04000000", "economy"),
        ("TR", "name of TR"),
    ]
    assert found.title_detail.language == "tr"


def test_unknown_topic_and_form(gateway):
    answer = gateway.get("/feeds/topic/sprot.atom")
    assert answer.status_code == 422
    assert "did you mean 'sport'" in answer.text
    assert gateway.get("/feeds/topic/sport.rss").status_code == 422


@pytest.mark.parametrize("path", ["/feeds/all.atom", "/feeds/topic/sport.json"])
def test_reader_that_has_it_gets_nothing_again(gateway, path):
    first = gateway.get(path)
    for headers in (
        {"if-none-match": first.headers["etag"]},
        {"if-none-match": f'"other", W/{first.headers["etag"]}'},
        {"if-modified-since": first.headers["last-modified"]},
    ):
        again = httpx.get(gateway.url + path, headers=headers)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    for headers in (
        {"if-none-match": '"other"', "if-modified-since": first.headers["last-modified"]},
        {"if-modified-since": "Sat, 14 Mar 2026 11:59:59 GMT"},
        {"if-modified-since": "yesterday"},
    ):
        assert httpx.get(gateway.url + path, headers=headers).content == first.content


def must_be_atom(body: bytes) -> ET.Element:
    """What RFC 4287 demands of a feed and its entries: the schema of appendix B, and what §4.1 says beyond it."""
    assert SCHEMA.validate(etree.fromstring(body)), SCHEMA.error_log
    root = ET.fromstring(body)
    times = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
    for element in (root, *root.findall("a:entry", NAMES)):
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"a:{name}", NAMES)) == 1, name
        assert element.findtext("a:id", "", NAMES)
        assert times.fullmatch(element.findtext("a:updated", "", NAMES))
        assert len(element.findall("a:link[@rel='alternate']", NAMES)) <= 1
        assert all(link.get("href") for link in element.findall("a:link", NAMES))
        assert all(author.findtext("a:name", "", NAMES) for author in element.findall("a:author", NAMES))
    assert root.find("a:author", NAMES) is not None
    assert root.find("a:link[@rel='self']", NAMES) is not None
    for found in root.findall("a:entry", NAMES):
        has_content = found.find("a:content", NAMES) is not None
        assert has_content or found.find("a:link[@rel='alternate']", NAMES) is not None
        assert has_content != (found.find("a:summary", NAMES) is not None)
    return root


def feed_of(*entries):
    return document("t", "http://127.0.0.1/feeds/all.atom", "http://127.0.0.1/", entries, empty_since=STARTED)


def test_entry_with_an_address_links_to_it():
    root = must_be_atom(atom(feed_of(entry(1, **WHOLE)), LABELS))
    link = root.find("a:entry/a:link", NAMES)
    assert link is not None
    assert link.get("href") == "https://news.example/a?x=1&y=%3C2%3E"
    assert root.findtext("a:entry/a:author/a:name", "", NAMES) == "Örnek <Ajans>"


def test_empty_feed_is_as_old_as_the_gateway():
    root = must_be_atom(atom(feed_of(), LABELS))
    assert root.findtext("a:updated", "", NAMES) == "2026-03-14T11:58:20.000Z"
    assert b'"items":[]' in json_feed(feed_of(), LABELS)


@given(title=st.text(min_size=1, max_size=50).filter(lambda t: not re.search("[\ud800-\udfff]", t)))
def test_any_title_is_a_valid_document(title):
    must_be_atom(atom(feed_of(entry(1, headlines=[{"value": title}])), LABELS))


@given(st.from_regex(r"[a-z]{2,5}:[^\s]{1,30}", fullmatch=True))
def test_id_is_an_iri(uri):
    assert not re.search(r"[\s<>\"{}|\\^`]", iri(uri))


def test_ids_of_different_items_differ():
    assert iri("urn:a:<b>") != iri("urn:a:b")
