"""Atom (RFC 4287) and JSON Feed 1.1 documents of the newest items, for feed readers.

An entry carries the headline, two lines of the text and the labels; the whole text stays with its publisher.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote
from xml.etree import ElementTree as ET

import msgspec

from streams.gateway.items import Card

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from streams.gateway.items import Entry
    from streams.wire import Labels

ATOM = "http://www.w3.org/2005/Atom"
JSON_FEED = "https://jsonfeed.org/version/1.1"
AUTHOR = "Newswire"
# the IRIs that IPTC's catalogue gives for the prefixes medtop: and iso3166-1a2:
TOPIC_SCHEME = "http://cv.iptc.org/newscodes/mediatopic/"
COUNTRY_SCHEME = "http://cvx.iptc.org/iso3166-1a2/"
# XML 1.0 §2.2: characters that no document may hold, not even escaped; a foreign producer may have sent them
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# RFC 3987 §2.2: what an IRI may not hold; an item's uri begins with a scheme and may hold any of these
_NOT_IRI = re.compile(r"[\s<>\"{}|\\^`\x00-\x20\x7f-\x9f]")

_card = msgspec.json.Decoder(Card)
_encoder = msgspec.json.Encoder()


class Document(NamedTuple):
    """A feed. `address` is its own URL, `home` that of the live page; `updated` in seconds since 1970, UTC."""

    title: str
    address: str
    home: str
    updated: float
    cards: Sequence[Card]


def document(title: str, address: str, home: str, entries: Iterable[Entry], *, empty_since: float) -> Document:
    """The feed of these entries, newest first; one without entries was last updated at `empty_since`."""
    cards = [_card.decode(entry.card) for entry in entries]
    return Document(title, address, home, max((card.at / 1000 for card in cards), default=empty_since), cards)


def atom(feed: Document, labels: Labels) -> bytes:
    """The feed as an Atom document."""
    root = ET.Element("feed", {"xmlns": ATOM})
    _text(root, "id", feed.address)
    _text(root, "title", feed.title)
    _text(root, "updated", _time(feed.updated))
    _text(ET.SubElement(root, "author"), "name", AUTHOR)
    ET.SubElement(root, "link", {"rel": "self", "type": "application/atom+xml", "href": feed.address})
    ET.SubElement(root, "link", {"rel": "alternate", "type": "text/html", "href": feed.home})
    for card in feed.cards:
        _atom_entry(ET.SubElement(root, "entry", {"xml:lang": card.language}), card, labels)
    body: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return body


def json_feed(feed: Document, labels: Labels) -> bytes:
    """The feed as JSON Feed 1.1."""
    return _encoder.encode(
        {
            "version": JSON_FEED,
            "title": feed.title,
            "home_page_url": feed.home,
            "feed_url": feed.address,
            "authors": [{"name": AUTHOR}],
            "items": [_json_item(card, labels) for card in feed.cards],
        }
    )


def iri(uri: str) -> str:
    """The item's uri as an IRI, which RFC 4287 wants as an entry's id."""
    return _NOT_IRI.sub(lambda found: quote(found[0]), uri)


def _atom_entry(entry: ET.Element, card: Card, labels: Labels) -> None:
    _text(entry, "id", iri(card.uri))
    _text(entry, "title", card.title or card.snippet or card.uri)
    _text(entry, "updated", _time(card.at / 1000))
    if card.source:
        _text(ET.SubElement(entry, "author"), "name", card.source)
    # an entry without content must have an alternate link (§4.1.2); one without an address has its text as content
    if card.url:
        ET.SubElement(entry, "link", {"rel": "alternate", "href": iri(card.url)})
        _text(entry, "summary", card.snippet)
    else:
        _text(entry, "content", card.snippet or card.title)
    for scheme, term, name in _categories(card, labels):
        ET.SubElement(entry, "category", {"scheme": scheme, "term": term, "label": _clean(name)})


def _json_item(card: Card, labels: Labels) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": card.uri,
        "title": card.title,
        "content_text": card.snippet or card.title,
        "date_published": _time(card.at / 1000),
        "language": card.language,
        "tags": [name for _, _, name in _categories(card, labels)],
    }
    if card.url:
        item["url"] = card.url
    if card.source:
        item["authors"] = [{"name": card.source}]
    return item


def _categories(card: Card, labels: Labels) -> list[tuple[str, str, str]]:
    """Scheme, term and name of each topic and country."""
    codes = {label.slug: label.code for label in labels.topics.values()}
    topics = [(TOPIC_SCHEME, codes.get(mark.slug, mark.slug), mark.name) for mark in card.topics]
    return topics + [(COUNTRY_SCHEME, mark.code, mark.name) for mark in card.countries]


def _text(parent: ET.Element, name: str, value: str) -> None:
    ET.SubElement(parent, name).text = _clean(value)


def _clean(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
