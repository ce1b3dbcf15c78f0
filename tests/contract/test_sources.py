"""What every source keeps: one suite over all of them."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pytest

from streams.articles import Article, decode_article
from streams.cli.publish_feeds import open_warc
from streams.errors import InvalidError
from streams.http import Client
from streams.sources.base import KEPT_BYTES, Rejected, Source, record_of
from streams.sources.feed_documents import FeedDocuments
from streams.sources.feed_items import Publisher
from streams.sources.jsonl import open_json_lines
from streams.sources.normalise import Defaults
from streams.sources.page import Pages
from streams.wire import ARTICLES, DEAD_LETTERS, MAX_RECORD_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(__file__).parents[1] / "data"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Case(NamedTuple):
    make: Callable[[], Source]
    articles: int
    rejected: int


CASES = {
    "jsonl": Case(
        lambda: open_json_lines(DATA / "jsonl" / "mixed.jsonl", Defaults("wire"), lambda: NOW), articles=3, rejected=1
    ),
    "page": Case(
        lambda: Pages(
            [
                DATA / "pages" / "ar_four_teasers.txt",
                DATA / "pages" / "missing.txt",
                DATA / "pages" / "en_one_story.txt",
            ],
            Defaults("wire"),
            lambda: NOW,
        ),
        articles=6,
        rejected=1,
    ),
    "feed": Case(
        lambda: FeedDocuments(
            [str(DATA / "feeds" / "two_items.xml")] * 2, Publisher(""), lambda: Client("test"), lambda: NOW
        ),
        articles=4,
        rejected=2,
    ),
    "warc": Case(lambda: open_warc(DATA / "warc" / "three_pages.warc.gz", None, None), articles=2, rejected=1),
}


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


def test_it_says_what_it_is_and_what_it_guarantees(case: Case) -> None:
    with closing(case.make()) as source:
        assert source.kind.isidentifier()
        assert source.name
        assert len(source.guarantee.split()) > 5


def test_every_input_has_one_outcome(case: Case) -> None:
    with closing(case.make()) as source:
        outcomes = [step.outcome for step in source.steps(None)]
    assert sum(isinstance(o, Article) for o in outcomes) == case.articles
    assert sum(isinstance(o, Rejected) for o in outcomes) == case.rejected


def test_the_same_input_gives_the_same_steps(case: Case) -> None:
    with closing(case.make()) as first, closing(case.make()) as second:
        assert list(first.steps(None)) == list(second.steps(None))


def test_it_goes_on_after_every_position_it_gave(case: Case) -> None:
    with closing(case.make()) as source:
        whole = list(source.steps(None))
    assert whole[-1].position is not None
    for number, step in enumerate(whole):
        if step.position is not None:
            stored = msgspec.json.decode(msgspec.json.encode(step.position))
            with closing(case.make()) as again:
                assert list(again.steps(stored)) == whole[number + 1 :]


def test_a_position_of_another_source_is_refused(case: Case) -> None:
    with closing(case.make()) as source, pytest.raises(InvalidError):
        list(source.steps({"something": "else"}))


def test_progress_ends_where_it_is_done(case: Case) -> None:
    with closing(case.make()) as source:
        before = source.progress()
        list(source.steps(None))
        after = source.progress()
    assert before.done <= after.done == after.total


def test_closing_twice_and_before_the_end_is_no_fault(case: Case) -> None:
    source = case.make()
    next(iter(source.steps(None)))
    source.close()
    source.close()


def test_every_outcome_is_one_record_that_a_worker_can_read(case: Case) -> None:
    with closing(case.make()) as source:
        for step in source.steps(None):
            record = record_of(step.outcome, source, lambda: "2026-03-01T00:00:00Z")
            headers = dict(record.headers)
            if isinstance(step.outcome, Article):
                assert record.kafka_topic == ARTICLES
                assert decode_article(record.value) == step.outcome
                assert record.key == step.outcome.uri.encode()
                assert headers["ce_source"] == f"urn:newswire:{source.kind}".encode()
            else:
                assert record.kafka_topic == DEAD_LETTERS
                assert headers["newswire-error-source"] == f"{source.kind}:{source.name}".encode()
                assert headers["newswire-error-place"].decode() == step.outcome.place


def test_an_article_too_large_for_a_record_becomes_one_dead_letter(case: Case) -> None:
    with closing(case.make()) as source:
        article = next(s.outcome for s in source.steps(None) if isinstance(s.outcome, Article))
        large = msgspec.structs.replace(
            article, bodies=[msgspec.structs.replace(article.bodies[0], value="خ" * MAX_RECORD_BYTES)]
        )
        record = record_of(large, source, lambda: "2026-03-01T00:00:00Z")
    headers = dict(record.headers)
    assert record.kafka_topic == DEAD_LETTERS
    assert len(record.value or b"") == KEPT_BYTES
    assert int(headers["newswire-error-truncated"]) > 2 * MAX_RECORD_BYTES
    assert b"a record at most 900,000" in headers["newswire-error-message"]
    assert headers["newswire-error-place"] == article.uri.encode()


def test_an_article_with_half_a_letter_becomes_one_dead_letter(case: Case) -> None:
    with closing(case.make()) as source:
        article = next(s.outcome for s in source.steps(None) if isinstance(s.outcome, Article))
        record = record_of(msgspec.structs.replace(article, ed_note="\ud800"), source, lambda: "2026-03-01T00:00:00Z")
    assert record.kafka_topic == DEAD_LETTERS
    assert b"lone surrogate" in dict(record.headers)["newswire-error-message"]
