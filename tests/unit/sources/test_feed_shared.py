"""Feeds that publishers and other readers' test suites really hold; they lie beside the project."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

import pytest

from streams.articles import Article
from streams.errors import InvalidError
from streams.sources.extract import Extractor
from streams.sources.feed_entries import unseen
from streams.sources.feed_items import Publisher, outcome_of
from streams.sources.feed_parse import parse_feed
from streams.sources.warc_records import DamagedError, captures
from tests.bench.bench_extraction import GOAL, measure
from tests.bench.bench_feeds import documents
from tests.unit.sources.test_feed_items import NOW

if TYPE_CHECKING:
    from pathlib import Path

    from streams.sources.feed_fields import ParsedFeed

pytestmark = pytest.mark.shared


def parsed(body: bytes) -> ParsedFeed | None:
    with contextlib.suppress(InvalidError):
        return parse_feed(body, "https://example.com/")
    return None


def test_every_document_is_a_feed_or_refused_and_every_entry_an_article_or_rejected(shared: Path) -> None:
    found = [parsed(body) for body in documents(shared / "data" / "ingest")]
    feeds = [feed for feed in found if feed]
    assert len(feeds) > 0.95 * len(found)
    for feed in feeds:
        outcomes = [
            outcome_of(entry, Publisher("x"), NOW) for entry in unseen(feed.entries, "https://example.com/", "x")
        ]
        articles = [outcome for outcome in outcomes if isinstance(outcome, Article)]
        assert len({article.uri for article in articles}) == len(articles)


def test_titles_links_and_dates_are_those_that_another_reader_expects(shared: Path) -> None:
    """A dozen documents with their expectations (kagisearch/fastfeedparser)."""
    folder = shared / "data" / "ingest" / "feeds_fastfeedparser" / "tests" / "integration"
    compared = wrong = 0
    for path in sorted(folder.glob("*.xml")):
        expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["entries"]
        feed = parsed(path.read_bytes())
        for theirs, ours in zip(expected, feed.entries if feed else (), strict=False):
            compared += 1
            date = ours.published or ours.updated or ""
            wrong += (theirs.get("link") or "") != ours.url or (theirs.get("published") or "")[:19] != date[:19]
    assert compared > 150
    assert wrong == 0


def test_no_sound_feed_is_read_in_a_wrong_charset(shared: Path) -> None:
    for path in sorted((shared / "data" / "ingest" / "feeds_miniflux").rglob("*.xml")):
        feed = parsed(path.read_bytes())
        texts = [feed.title, *(e.title + e.text for e in feed.entries)] if feed else []
        assert not any("\ufffd" in text or "Ø§" in text or "Ð°" in text for text in texts), path.name


def test_real_archives_give_their_pages_or_one_error(shared: Path) -> None:
    pages = 0
    for path in sorted((shared / "data" / "ingest" / "warc").rglob("*")):
        if path.is_file() and path.suffix != ".md":
            with path.open("rb", buffering=0) as file, contextlib.suppress(DamagedError):
                pages += sum(1 for _ in captures(file, 0))
    assert pages >= 85


def test_no_page_is_empty_or_in_error(shared: Path) -> None:
    folder = shared / "data" / "ingest"
    paths = [
        *(folder / "article_html_newspaper4k").rglob("*.html"),
        *(folder / "article_html_trafilatura").rglob("*.html"),
    ]
    empty = []
    with Extractor() as extractor:
        for path in paths:
            if b"<rss" in path.read_bytes()[:200]:  # a feed under the name of a page
                continue
            try:
                extractor.extract(path.read_bytes())
            except InvalidError as error:
                empty.append(f"{path.name}: {error}")
    assert empty == []


def test_the_text_of_pages_is_found_as_well_as_promised(shared: Path) -> None:
    scores, _ = measure(shared / "data" / "extraction")
    assert scores.f1 >= GOAL
    assert scores.empty == 0
