"""`/articles?before=`: what the gateway asks for older items, and what it answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from streams.articles import encode
from streams.errors import InvalidError, TransientError
from streams.kafka.selection import Selection
from tests.unit.gateway.examples import Feed, Running, article, running

if TYPE_CHECKING:
    from collections.abc import Iterator

DATE = "2026-03-01T10:00:00Z"


class Page(NamedTuple):
    items: list[bytes]
    following: str | None


class Remembering:
    """An archive that keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Selection, str, int]] = []
        self.gives: Page | Exception = Page([], None)

    def older(self, wanted: Selection, before: str, limit: int) -> Page:
        self.asked.append((wanted, before, limit))
        if isinstance(self.gives, Exception):
            raise self.gives
        return self.gives


@pytest.fixture
def archive() -> Remembering:
    return Remembering()


@pytest.fixture
def gateway(archive: Remembering) -> Iterator[Running]:
    with running(Feed().source, archive=archive) as gateway:
        yield gateway


def test_a_page_of_older_items_and_where_the_next_begins(gateway: Running, archive: Remembering) -> None:
    items = [encode(article(2)), encode(article(1))]
    archive.gives = Page(items, "2026-02-01T00:00:00Z,abc")
    answer = gateway.get("/articles", before=DATE, topic="sport", region="TR", min_confidence=40, limit=2)
    assert answer.json() == {"following": "2026-02-01T00:00:00Z,abc", "items": [json.loads(item) for item in items]}
    wanted = Selection(frozenset({"sport"}), countries=frozenset({"TR"}), min_confidence=40)
    assert archive.asked == [(wanted, DATE, 2)]


def test_the_last_page_and_cards(gateway: Running, archive: Remembering) -> None:
    archive.gives = Page([encode(article(1, title="Rain")), b'{"uri": "no article"}'], None)
    found = gateway.get("/articles", before=DATE, form="card").json()
    assert found["following"] is None
    assert [card["title"] for card in found["items"]] == ["Rain"]


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (InvalidError("before: 'x' is not a date"), 422, "before: 'x' is not a date"),
        (TransientError("password of the database"), 503, "the tables with older items do not answer"),
    ],
)
def test_what_goes_wrong_is_told_and_no_more_than_that(
    gateway: Running, archive: Remembering, error: Exception, status: int, said: str
) -> None:
    archive.gives = error
    answer = gateway.get("/articles", before="x")
    assert (answer.status_code, answer.json()["detail"]) == (status, said)
    assert (answer.headers.get("retry-after") == "10") == (status == 503)


def test_a_gateway_without_them_says_so() -> None:
    with running(Feed().source) as gateway:
        answer = gateway.get("/articles", before=DATE)
        assert (answer.status_code, "gateway.archive" in answer.json()["detail"]) == (404, True)


def test_recent_items_are_not_asked_for(gateway: Running, archive: Remembering) -> None:
    assert "cursor" in gateway.get("/articles").json()
    assert archive.asked == []


def test_a_wrong_filter_is_told_before_anything_is_asked(gateway: Running, archive: Remembering) -> None:
    answer: Any = gateway.get("/articles", before=DATE, topic="sprot")
    assert answer.status_code == 422
    assert archive.asked == []
