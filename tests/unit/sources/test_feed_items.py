"""From entries to articles of the wire."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from streams.articles import Article, decode_article, encode, home_country, main_headline, main_text
from streams.sources.base import Rejected
from streams.sources.feed_entries import FeedEntry
from streams.sources.feed_items import Publisher, outcome_of

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ENTRY = FeedEntry(
    identity="urn:newswire:item:" + "0" * 32,
    url="https://news.example/1?utm_source=feed",
    title="Rain in Ankara",
    text="It rained.\nThen it stopped.",
    language="tr",
    published="2025-11-24T08:00:00+03:00",
    updated=None,
    author="A. Writer",
    categories=("weather", "Ankara"),
)
PUBLISHER = Publisher("Example", "en", "TR")


def article(entry: FeedEntry, publisher: Publisher = PUBLISHER) -> Article:
    made = outcome_of(entry, publisher, NOW)
    assert isinstance(made, Article), made
    return decode_article(encode(made))


def test_every_field_has_its_place() -> None:
    made = article(ENTRY)
    assert (made.uri, main_headline(made), main_text(made)) == (ENTRY.identity, ENTRY.title, ENTRY.text)
    assert (made.version_created, made.first_created, made.version) == (ENTRY.published, ENTRY.published, None)
    assert (made.language, made.by, home_country(made)) == ("tr", "A. Writer", "TR")
    assert [subject.name for subject in made.subjects or ()] == ["weather", "Ankara"]
    assert made.alt_ids is not None
    assert made.alt_ids[0].value == "https://news.example/1"
    assert made.info_sources[0].name == "Example"


def test_an_entry_of_a_title_alone_is_an_article() -> None:
    bare = FeedEntry(ENTRY.identity, "", "Only this", "", None, None, None, None, ())
    made = article(bare, Publisher("Example"))
    assert (main_headline(made), main_text(made)) == ("Only this", "Only this")
    assert (made.version_created, made.first_created) == ("2026-01-02T03:04:05+00:00", None)
    assert (made.alt_ids, made.subjects, home_country(made), made.language) == (None, None, None, None)


def test_the_language_of_the_feed_stands_in() -> None:
    assert article(ENTRY._replace(language=None)).language == "en"


def test_a_date_in_the_future_is_flagged() -> None:
    made = article(ENTRY._replace(published="2031-01-01T00:00:00Z"))
    assert made.version_created == "2026-01-02T03:04:05+00:00"
    assert "future" in (made.ed_note or "")


def test_an_entry_that_only_says_when_it_was_changed() -> None:
    made = article(ENTRY._replace(published=None, updated="2025-11-25T08:00:00Z"))
    assert (made.version_created, made.first_created) == ("2025-11-25T08:00:00Z", None)


@pytest.mark.parametrize(
    ("updated", "version_created"),
    [
        ("2025-11-25T08:00:00+03:00", "2025-11-25T08:00:00+03:00"),
        (None, "2026-01-02T03:04:05+00:00"),
        ("2025-11-24T08:00:00+03:00", "2026-01-02T03:04:05+00:00"),  # changed under the old date
        ("2031-01-01T00:00:00Z", "2026-01-02T03:04:05+00:00"),
    ],
)
def test_a_changed_entry_is_a_later_version(updated: str | None, version_created: str) -> None:
    made = article(ENTRY._replace(revision=2, updated=updated))
    assert (made.version, made.version_created, made.first_created) == ("3", version_created, ENTRY.published)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"title": "", "text": ""}, "empty"),
        ({"text": "\ufffd" * 40}, "U+FFFD"),
        ({"title": "\ufffd" * 40}, "U+FFFD"),
    ],
)
def test_what_cannot_be_an_article_is_rejected_with_what_it_was(changes: dict[str, str], message: str) -> None:
    made = outcome_of(ENTRY._replace(**changes), PUBLISHER, NOW)
    assert isinstance(made, Rejected)
    assert message in made.message
    assert ENTRY.identity.encode() in made.value
    assert made.place == ENTRY.url
