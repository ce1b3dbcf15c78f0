"""What a subscriber reads and wants; pure, no Kafka."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import streams
from streams.articles import decode_labelled
from streams.errors import InvalidError
from streams.kafka.link import Record
from streams.kafka.selection import Selection, chosen, kafka_topics_for, selection
from streams.wire import LABELLED, labelled_headers, streams_of
from tests.flow.labelled import labelled, labels_of

if TYPE_CHECKING:
    from collections.abc import Sequence

LABELS = labels_of("x")
CODES = list(LABELS.topics)
TOPICS = [t.slug for t in LABELS.topics.values()]
REGIONS = [r.slug for r in LABELS.regions.values()]


def records(item: dict[str, Any], *, headers: bool = True) -> list[Record]:
    """The item on each of its streams."""
    value = json.dumps(item).encode()
    article = decode_labelled(value)
    written = labelled_headers(article, LABELS) if headers else []
    return [Record(name, 0, 0, b"k", value, written, 0) for name in streams_of(article, LABELS)]


def delivered(item: dict[str, Any], wanted: Selection, *, headers: bool = True) -> int:
    reading = kafka_topics_for(wanted, LABELS)
    return sum(
        chosen(r, wanted, reading, LABELS) is not None
        for r in records(item, headers=headers)
        if r.kafka_topic in reading
    )


def test_only_the_streams_that_hold_what_is_wanted_are_read() -> None:
    assert kafka_topics_for(Selection(), LABELS) == [LABELLED]
    assert kafka_topics_for(selection(["x-war", "x-sport"], [], [], 0), LABELS) == [
        "news.topic.x-sport",
        "news.topic.x-war",
    ]
    assert kafka_topics_for(selection([], ["x-west"], [], 0), LABELS) == ["news.region.x-west"]
    assert kafka_topics_for(selection([], ["SY", "tr"], [], 0), LABELS) == ["news.region.x-west"]
    assert kafka_topics_for(selection(["x-war", "x-sport"], ["x-west"], [], 0), LABELS) == ["news.region.x-west"]
    assert kafka_topics_for(selection(["x-war"], ["x-west", "CN"], [], 0), LABELS) == ["news.topic.x-war"]
    assert kafka_topics_for(selection([], ["AQ"], [], 0), LABELS) == [
        LABELLED
    ]  # no sub-region, so on no region's stream
    assert kafka_topics_for(selection([], ["TR"], [], 0), None) == [LABELLED]
    assert kafka_topics_for(selection([], [], ["ar"], 0), LABELS) == [LABELLED]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(CODES), unique=True, max_size=3),
    st.lists(st.sampled_from(["SY", "TR", "CN"]), unique=True, max_size=3),
    st.lists(st.sampled_from(TOPICS), unique=True),
    st.lists(st.sampled_from([*REGIONS, "SY", "TR", "cn"]), unique=True),
    st.booleans(),
)
def test_every_wanted_item_is_delivered_once_and_no_other(
    topics: list[str],
    countries: list[str],
    wanted_topics: list[str],
    wanted_regions: list[str],
    headers: bool,
) -> None:
    item = labelled("urn:e:1", [(c, 50) for c in topics], [(c, 50) for c in countries])
    slugs = {LABELS.topics[c].slug for c in topics}
    places = set(countries) | {LABELS.region_of(c).slug for c in countries}  # type: ignore[union-attr]
    wants = (not wanted_topics or slugs & set(wanted_topics)) and (
        not wanted_regions or places & {r.upper() if len(r) == 2 else r for r in wanted_regions}
    )
    assert delivered(item, selection(wanted_topics, wanted_regions, [], 0), headers=headers) == bool(wants)


@pytest.mark.parametrize(
    ("topics", "regions", "least"),
    [
        ([], [], 80),
        (["x-sport"], [], 80),
        (["x-war"], [], 30),
        (["x-war", "x-sport"], [], 80),
        ([], ["SY"], 40),
        ([], ["x-west"], 60),
        (["x-war"], ["x-west"], 30),
        (["x-sport"], ["SY"], 40),
    ],
)
def test_confidence_is_that_of_the_labels_asked_for(topics: Sequence[str], regions: Sequence[str], least: int) -> None:
    item = labelled("urn:e:1", [(CODES[0], 80), (CODES[2], 30)], [("TR", 60), ("SY", 40)])
    assert delivered(item, selection(topics, regions, [], least)) == 1
    assert delivered(item, selection(topics, regions, [], least + 1)) == 0


def test_languages_are_compared_by_their_primary_tag() -> None:
    item = labelled("urn:e:1", [(CODES[0], 80)], language="zh-Hant")
    assert delivered(item, selection([], [], ["ZH-hans"], 0)) == 1
    assert delivered(item, selection([], [], ["za"], 0)) == 0


def test_an_abstained_item_is_delivered_where_nothing_is_asked_for() -> None:
    item = labelled("urn:e:1", [], [("TR", 60)])
    assert delivered(item, Selection()) == 1
    assert delivered(item, selection([], ["TR"], [], 0)) == 1
    assert delivered(item, selection([], [], [], 1)) == 0


def test_without_tables_the_headers_decide() -> None:
    item = labelled("urn:e:1", [(CODES[0], 80)], [("TR", 60)])
    wanted = selection([], ["TR"], [], 0)
    found = [r for r in records(item) if r.kafka_topic == LABELLED]
    assert [chosen(r, wanted, [LABELLED], None) is not None for r in found] == [True]


def test_a_header_without_a_value_is_no_fault() -> None:
    item = labelled("urn:e:1", [(CODES[0], 80)])
    (record, *_) = records(item)
    odd = record._replace(headers=[(n, None if n == "news-topic" else v) for n, v in record.headers])  # type: ignore[list-item]
    assert chosen(odd, Selection(), [LABELLED], LABELS) is not None


def test_a_value_that_is_no_labelled_article_is_told() -> None:
    with pytest.raises(InvalidError):
        chosen(Record(LABELLED, 0, 0, None, b"{}", [("news-status", b"labelled")], 0), Selection(), [LABELLED], LABELS)
    with pytest.raises(InvalidError):
        chosen(Record(LABELLED, 0, 0, None, None, [], 0), Selection(), [LABELLED], LABELS)


def test_the_order_of_streams_does_not_depend_on_how_they_were_named() -> None:
    for named in itertools.permutations(TOPICS):
        assert kafka_topics_for(selection(named, [], [], 0), LABELS) == kafka_topics_for(
            selection(TOPICS, [], [], 0), LABELS
        )


@pytest.mark.parametrize("arguments", [{"min_confidence": -1}, {"min_confidence": 101}, {"limit": 0}])
def test_a_wrong_argument_is_told_before_anything_is_opened(arguments: dict[str, int]) -> None:
    with pytest.raises(InvalidError, match=r"min_confidence is a percentage|limit is a count"):
        streams.subscribe(**arguments, bootstrap_servers="127.0.0.1:1")  # type: ignore[arg-type]


def test_an_argument_that_does_not_exist_is_told_before_anything_is_opened() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'topic'"):
        streams.subscribe(topic=["sport"], bootstrap_servers="127.0.0.1:1")  # type: ignore[call-arg]


def test_streams_offers_subscribe_and_nothing_it_does_not_have() -> None:
    assert streams.__all__ == ["subscribe", "subscribe_async"]
    with pytest.raises(AttributeError, match="no attribute 'unsubscribe'"):
        _ = streams.unsubscribe  # type: ignore[attr-defined]
