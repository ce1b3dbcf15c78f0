"""Feed documents from files and addresses, once."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from streams.articles import Article, main_headline
from streams.errors import InvalidError, TransientError
from streams.http import Client
from streams.http_guard import allow_list
from streams.sources.feed_documents import FeedDocuments
from streams.sources.feed_items import Publisher
from tests.servers.background import site_of
from tests.servers.feeds import ChangingFeed
from tests.servers.web import always

if TYPE_CHECKING:
    from pathlib import Path

    from streams.sources.base import Step
    from tests.servers.web import Handler

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def documents(*places: str, publisher: Publisher | None = None) -> FeedDocuments:
    def client() -> Client:
        return Client("test", allowed=allow_list(["127.0.0.1"]))

    return FeedDocuments(places, publisher or Publisher(""), client, lambda: NOW)


def steps(source: FeedDocuments, position: dict[str, int] | None = None) -> list[Step]:
    with contextlib.closing(source):
        return list(source.steps(position))


def titles(found: list[Step]) -> list[str]:
    return [main_headline(s.outcome) for s in found if isinstance(s.outcome, Article)]


@pytest.fixture
def feed(tmp_path: Path) -> str:
    made = ChangingFeed("wire")
    made.add(3)
    path = tmp_path / "wire.xml"
    path.write_text(made.document("https://news.example"), encoding="utf-8")
    return str(path)


def test_a_file_gives_its_entries_the_oldest_first_and_is_cut_only_at_its_end(feed: str) -> None:
    found = steps(documents(feed))
    assert titles(found) == [f"Story {n} of wire" for n in (1, 2, 3)]
    assert [s.position for s in found] == [None, None, {"documents": 1}]
    first = found[0].outcome
    assert isinstance(first, Article)
    assert first.info_sources[0].name == "wire"


def test_the_same_document_gives_the_same_uris_from_a_file_and_from_its_address(feed: str, tmp_path: Path) -> None:
    body = (tmp_path / "wire.xml").read_text(encoding="utf-8")
    with site_of({"/feed": always(body)}) as (site,):
        uris = [
            [s.outcome.uri for s in steps(documents(p)) if isinstance(s.outcome, Article)]
            for p in (feed, site.url("/feed"))
        ]
    assert uris[0] == uris[1]


def test_what_the_operator_says_of_the_publisher_comes_first(feed: str) -> None:
    found = steps(documents(feed, publisher=Publisher("Example", "ar", "SA")))
    assert all(isinstance(s.outcome, Article) and s.outcome.info_sources[0].name == "Example" for s in found)
    assert all(isinstance(s.outcome, Article) and s.outcome.language == "ar" for s in found)


def test_it_goes_on_at_the_document_after_a_position(feed: str, tmp_path: Path) -> None:
    second = tmp_path / "second.json"
    second.write_text('{"version": "https://jsonfeed.org/version/1", "items": [{"title": "Second"}]}')
    assert titles(steps(documents(feed, str(second)), {"documents": 1})) == ["Second"]
    assert steps(documents(feed), {"documents": 1}) == []
    with pytest.raises(InvalidError, match="not a position"):
        steps(documents(feed), {"documents": 2})


def test_a_document_that_is_no_feed_keeps_no_other_back(feed: str, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<html><body>hello</body></html>")
    with contextlib.closing(documents(str(page), str(tmp_path / "absent"), feed)) as source:
        stream = source.steps(None)
        assert titles([next(stream) for _ in range(3)]) == [f"Story {n} of wire" for n in (1, 2, 3)]
        with pytest.raises(InvalidError, match=r"page\.html: this is a web page, not a feed; cannot read .*absent"):
            next(stream)


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        (always("gone", 410), InvalidError),
        (always("", 503), TransientError),
        (always(b"\0", Content_Type="image/png"), InvalidError),
        (always(b"", 304), TransientError),
    ],
)
def test_an_address_that_gives_no_feed_is_an_error_of_the_right_kind(handler: Handler, kind: type[Exception]) -> None:
    with site_of({"/feed": handler}) as (site,), pytest.raises(kind) as caught:
        steps(documents(site.url("/feed")))
    assert "\n" not in str(caught.value)


def test_private_addresses_need_the_operators_word() -> None:
    with pytest.raises(InvalidError, match="allow-list"):
        steps(documents("http://127.0.0.2:9/feed"))


def test_progress_counts_documents(feed: str) -> None:
    source = documents(feed, feed)
    assert source.progress().done == 0
    steps(source)
    assert source.progress() == (2, 2, "items")
