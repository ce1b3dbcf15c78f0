"""Documents made to hurt, parsed where feeds are parsed: each costs one answer, and the next feed is read."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from streams.errors import InvalidError
from streams.sources.confined import Bounds, Confined
from streams.sources.feed_parse import parse_feed

if TYPE_CHECKING:
    from collections.abc import Iterator

SOUND = b"<rss version='2.0'><channel><item><title>Sound</title></item></channel></rss>"


def _rss(inside: str) -> str:
    return f"<rss version='2.0'><channel>{inside}</channel></rss>"


HOSTILE = {
    "nested tags": "<a>" * 200_000,
    "nested tags in a feed": _rss("<item>" + "<a>" * 200_000 + "</a>" * 200_000 + "</item>"),
    "nested markup in a text": _rss(f"<item><description><![CDATA[{'<div>' * 200_000}]]></description></item>"),
    "nested lists of JSON": '{"version": "https://jsonfeed.org/version/1", "items": ' + "[" * 200_000,
    "billion laughs": (
        "<!DOCTYPE rss [<!ENTITY a0 'lol'>"
        + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 15))
        + "]>"
        + _rss("<item><title>&a14;</title></item>")
    ),
    "quadratic entity": f"<!DOCTYPE rss [<!ENTITY a '{'x' * 100_000}'>]>"
    + _rss(f"<item><title>{'&a;' * 50_000}</title></item>"),
    "a tag of megabytes": f"<rss {'a' * 5_000_000}>",
    "an attribute of megabytes": f"<rss a='{'a' * 5_000_000}'/>",
    "attributes without end": "<rss " + " ".join(f"a{n}='1'" for n in range(200_000)) + "/>",
    "entries without end": _rss("<item/>" * 500_000),
    "categories without end": _rss("<item>" + "<category>a</category>" * 100_000 + "</item>"),
    "a link that is not closed": "<link " * 100_000,
    "references without end": _rss(f"<item><title>{'&#38;' * 300_000}</title></item>"),
    "name spaces without end": "<rss " + " ".join(f"xmlns:a{n}='b{n}'" for n in range(20_000)) + "/>",
    "angles": "<" * 1_000_000,
    "entities that are none": _rss(f"<item><description>{'&amp;lt;' * 300_000}</description></item>"),
}


@pytest.fixture(scope="module")
def parse() -> Iterator[Confined]:
    with contextlib.closing(Confined(parse_feed, Bounds(seconds=5.0))) as made:
        yield made


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_costs_itself_alone(parse: Confined, name: str) -> None:
    with contextlib.suppress(InvalidError):
        feed = parse.call(HOSTILE[name].encode(), "https://news.example/feed")
        assert len(feed.entries) <= 2000
        assert all(len(entry.title) <= 1000 and len(entry.text) <= 200_000 for entry in feed.entries)
    assert parse.call(SOUND, "https://news.example/feed").entries[0].title == "Sound"
