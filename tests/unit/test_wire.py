"""Names, routes and headers."""

from __future__ import annotations

import re
from typing import Any

import pytest

from streams import wire
from streams.articles import LabelledArticle, decode_article, decode_labelled
from streams.wire import CountryLabel, Labels, RegionLabel, TopicLabel
from tests.items import article_json, as_bytes, labelled_json

LABELS = Labels(
    {
        "04000000": TopicLabel("04000000", "economy", {"en": "economy"}),
        "14000000": TopicLabel("14000000", "society", {"en": "society"}),
        "15000000": TopicLabel("15000000", "sport", {"en": "sport"}),
    },
    {
        "145": RegionLabel("145", "western-asia", {"en": "Western Asia"}),
        "015": RegionLabel("015", "northern-africa", {"en": "Northern Africa"}),
    },
    {
        "TR": CountryLabel("TR", "145", {"en": "Türkiye"}),
        "SY": CountryLabel("SY", "145", {"en": "Syria"}),
        "EG": CountryLabel("EG", "015", {"en": "Egypt"}),
        "AQ": CountryLabel("AQ", None, {"en": "Antarctica"}),
    },
)


def labelled(topics: list[str], countries: list[str], **changes: Any) -> LabelledArticle:
    item = labelled_json()
    author = "urn:newswire:model:linear:1.0.0"
    item["subjects"] = [{"literal": f"medtop:{code}", "creator": author} for code in topics]
    item["places"] = [{"literal": f"iso3166-1a2:{code}", "rel": "about"} for code in countries]
    item["classification"]["axes"][1]["scores"] = [{"code": code, "score": 0.9} for code in countries]
    return decode_labelled(as_bytes(item | changes))


def test_kafka_topics_are_named_and_laid_out_as_promised() -> None:
    week, month = 7 * 24 * 3600 * 1000, 30 * 24 * 3600 * 1000
    assert [tuple(t) for t in wire.kafka_topics(LABELS)] == [
        ("news.articles", 12, week, "delete"),
        ("news.labelled", 12, week, "delete"),
        ("news.articles.dead", 3, month, "delete"),
        ("news.sources", 1, None, "compact"),
        ("news.duplicates", 1, None, "compact"),
        ("news.unique", 1, week, "delete"),
        ("news.signatures", 1, None, "compact"),
        ("news.topic.economy", 1, week, "delete"),
        ("news.topic.society", 1, week, "delete"),
        ("news.topic.sport", 1, week, "delete"),
        ("news.region.western-asia", 1, week, "delete"),
        ("news.region.northern-africa", 1, week, "delete"),
    ]


@pytest.mark.parametrize(
    ("topics", "countries", "streams"),
    [
        (["04000000"], ["TR"], ["news.topic.economy", "news.region.western-asia"]),
        (
            ["15000000", "04000000"],
            ["EG", "TR"],
            ["news.topic.sport", "news.topic.economy", "news.region.northern-africa", "news.region.western-asia"],
        ),
        (["04000000"], ["TR", "SY"], ["news.topic.economy", "news.region.western-asia"]),  # one region, one copy
        (["04000000"], [], ["news.topic.economy"]),
        ([], ["EG"], ["news.region.northern-africa"]),
        ([], [], []),
        (["99999999"], ["XX", "AQ"], []),  # a label of another model, a country of none, a place of no region
    ],
)
def test_an_item_goes_to_the_stream_of_each_of_its_labels_once(
    topics: list[str], countries: list[str], streams: list[str]
) -> None:
    assert wire.streams_of(labelled(topics, countries), LABELS) == ["news.labelled", *streams]


def test_every_stream_that_an_item_can_go_to_is_a_kafka_topic_that_exists() -> None:
    names = {t.name for t in wire.kafka_topics(LABELS)}
    assert set(wire.streams_of(labelled(list(LABELS.topics), list(LABELS.countries)), LABELS)) <= names


def test_the_key_is_the_uri_so_that_versions_stay_in_order() -> None:
    item = article_json(uri="https://example.org/خبر")
    assert wire.record_key(decode_article(as_bytes(item))) == "https://example.org/خبر".encode()


def test_an_articles_headers() -> None:
    headers = wire.article_headers(decode_article(as_bytes(article_json())), "jsonl")
    named = dict(headers)
    assert [name for name, _ in headers] == [
        "ce_specversion",
        "ce_id",
        "ce_source",
        "ce_type",
        "ce_subject",
        "ce_time",
        "content-type",
        "traceparent",
        "news-language",
    ]
    assert named["ce_source"] == b"urn:newswire:jsonl"
    assert named["ce_subject"] == b"urn:newswire:example:1"
    assert named["ce_time"] == b"2026-03-14T09:30:00+03:00"
    assert named["news-language"] == b"ar"
    undeclared = wire.article_headers(decode_article(as_bytes(article_json(language=None))), "jsonl")
    assert "news-language" not in dict(undeclared)


def test_the_id_is_the_same_for_the_same_version_at_the_same_stage_and_no_other() -> None:
    def event(**changes: Any) -> bytes:
        return dict(wire.article_headers(decode_article(as_bytes(article_json(**changes))), "jsonl"))["ce_id"]

    labels = dict(wire.labelled_headers(labelled(["04000000"], []), LABELS))
    same = event()
    assert same == event(bodies=[{"value": "other text, same version"}])
    ids = {same, event(version="2"), event(uri="urn:newswire:example:2"), event(version=None), labels["ce_id"]}
    assert len(ids) == 5
    assert event(version=None) != event(version=None, versionCreated="2026-03-14T09:31:00+03:00")


def test_a_labelled_items_headers_are_copies_of_its_labels_main_first() -> None:
    named = dict(wire.labelled_headers(labelled(["15000000", "04000000"], ["EG", "SY", "TR"]), LABELS))
    assert named["news-topic"] == b"sport,economy"
    assert named["news-region"] == b"northern-africa,western-asia"
    assert named["news-country"] == b"EG,SY,TR"
    assert named["news-language"] == b"ar"
    assert named["news-status"] == b"labelled"
    assert named["ce_type"] == b"org.newswire.article.labelled.v1"
    assert named["ce_time"] == b"2026-03-14T06:30:01Z"


def test_an_abstained_items_headers_are_there_and_empty() -> None:
    block = labelled_json()["classification"] | {"status": "abstained", "axes": []}
    named = dict(wire.labelled_headers(labelled([], [], classification=block), LABELS))
    assert (named["news-topic"], named["news-region"], named["news-country"]) == (b"", b"", b"")
    assert named["news-status"] == b"abstained"


TRACE = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-01")


def test_one_trace_goes_from_publishing_to_labelling() -> None:
    incoming = wire.article_headers(decode_article(as_bytes(article_json())), "jsonl")
    outgoing = wire.labelled_headers(labelled(["04000000"], []), LABELS, incoming)
    before, after = (TRACE.fullmatch(dict(h)["traceparent"]) for h in (incoming, outgoing))
    assert before
    assert after
    assert before[1] == after[1]  # one trace
    assert before[2] != after[2]  # two steps in it


def test_a_foreign_trace_is_carried_on() -> None:
    trace = b"0af7651916cd43dd8448eb211c80319c"
    incoming = [("traceparent", b"00-" + trace + b"-b7ad6b7169203331-00")]
    out = TRACE.fullmatch(dict(wire.labelled_headers(labelled([], []), LABELS, incoming))["traceparent"])
    assert out
    assert out[1] == trace


ZEROS = b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01"
DAMAGED = [b"", b"nonsense", b"\xff\xfe", b"00-zz-11-01", b"-" * 3, "00-é-1-01".encode(), ZEROS]


@pytest.mark.parametrize("value", DAMAGED)
def test_a_damaged_trace_does_not_leave_again(value: bytes) -> None:
    headers = wire.labelled_headers(labelled([], []), LABELS, [("traceparent", value)])
    found = TRACE.fullmatch(dict(headers)["traceparent"])
    assert found
    assert set(found[1]) != {ord("0")}  # W3C: all zeros is no trace


def test_a_dead_letter_keeps_its_headers_and_carries_the_newest_error_only() -> None:
    incoming = [("theirs", b"\xff"), ("newswire-error-stage", b"decode"), ("newswire-error-place", b"line 1")]
    headers = wire.dead_letter_headers(incoming, {"stage": "topics", "message": "überall"})
    assert headers == [
        ("theirs", b"\xff"),
        ("newswire-error-stage", b"topics"),
        ("newswire-error-message", "überall".encode()),
    ]


def test_an_error_message_with_a_lone_surrogate_can_still_be_written() -> None:
    assert wire.dead_letter_headers([], {"message": "a\ud800b"}) == [("newswire-error-message", b"a?b")]


def test_regions_of_countries_come_in_their_order_each_once() -> None:
    assert [r.code for r in LABELS.regions_of(["EG", "TR", "SY", "AQ", "XX"])] == ["015", "145"]
    assert LABELS.region_of("AQ") is None
    assert LABELS.region_of("XX") is None
