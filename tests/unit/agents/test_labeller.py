"""From records to outcomes: every record has exactly one, and bad input harms nothing but itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from streams import wire
from streams.agents.labeller import Labeller
from streams.articles import decode_labelled
from streams.kafka.link import Record
from tests.keyword_model import LABELS, CrashError, KeywordModel
from tests.pipeline import item

if TYPE_CHECKING:
    from streams.agents.batch import Outcome

NOW = "2026-03-01T12:00:00.000Z"


def record(value: bytes | None, offset: int = 0, headers: tuple[tuple[str, bytes], ...] = ()) -> Record:
    return Record(wire.ARTICLES, 3, offset, b"key", value, headers, 1_772_000_000_000)


def records(*items: dict[str, Any]) -> list[Record]:
    return [record(json.dumps(one).encode(), n) for n, one in enumerate(items)]


def outcomes(*items: dict[str, Any], model: KeywordModel | None = None, **settings: Any) -> list[Outcome]:
    labeller = Labeller(model or KeywordModel(), LABELS, **settings)
    return labeller.finish(labeller.begin(records(*items), NOW), NOW)


def outcome_of(value: bytes | None) -> Outcome:
    labeller = Labeller(KeywordModel(), LABELS)
    (outcome,) = labeller.finish(labeller.begin([record(value)], NOW), NOW)
    return outcome


def streams(outcome: Outcome) -> list[str]:
    return list(outcome.output.kafka_topics)


def header(outcome: Outcome, name: str) -> str:
    return dict(outcome.output.headers)[name].decode()


def test_a_labelled_item_goes_to_the_stream_of_each_label() -> None:
    (outcome,) = outcomes(item(1, "economy sport yemen germany"))
    assert outcome.status == "labelled"
    assert streams(outcome) == [
        "news.labelled",
        "news.topic.economy",
        "news.topic.sport",
        "news.region.western-asia",
        "news.region.western-europe",
    ]
    assert (list(outcome.topics), list(outcome.regions)) == (["economy", "sport"], ["western-asia", "western-europe"])
    assert outcome.topic_confidence == pytest.approx(0.9)
    assert outcome.timestamp_ms == 1_772_000_000_000


def test_an_item_without_a_topic_is_abstained_and_its_countries_stand() -> None:
    (outcome,) = outcomes(item(1, "words about yemen"))
    assert (outcome.status, outcome.reason) == ("abstained", "low_confidence")
    assert streams(outcome) == ["news.labelled", "news.region.western-asia"]
    assert header(outcome, "news-status") == "abstained"


def test_outcomes_come_in_the_order_of_the_records() -> None:
    texts = ["sport", "poison-topics", "nothing", "poison-regions", "economy", "poison-prepare", "sport yemen"]
    found = outcomes(*(item(n, text) for n, text in enumerate(texts)))
    assert [o.status for o in found] == ["labelled", "dead", "abstained", "dead", "labelled", "dead", "labelled"]
    assert [o.output.key for o in found] == [
        *(b"urn:example:0", b"key", b"urn:example:2", b"key", b"urn:example:4", b"key", b"urn:example:6")
    ]


@pytest.mark.parametrize("stage", ["prepare", "topics", "regions"])
@pytest.mark.parametrize("bad", [{0}, {9}, {4, 5}, set(range(10))], ids=["first", "last", "neighbours", "all"])
def test_a_poison_item_is_one_dead_letter_and_its_neighbours_are_labelled(stage: str, bad: set[int]) -> None:
    found = outcomes(*(item(n, f"sport poison-{stage}" if n in bad else "sport") for n in range(10)))
    assert {n for n, outcome in enumerate(found) if outcome.status == "dead"} == bad
    for number in bad:
        dead = found[number]
        assert streams(dead) == ["news.articles.dead"]
        assert dead.reason == "poison"
        assert header(dead, "newswire-error-stage") == stage
        assert header(dead, "newswire-error-class") == "ValueError"
        assert header(dead, "newswire-error-offset") == str(number)
        assert "Traceback" in header(dead, "newswire-error-stacktrace")
        assert json.loads(dead.output.value or b"")["uri"] == f"urn:example:{number}"


def test_a_broken_classifier_is_no_dead_letter() -> None:
    with pytest.raises(CrashError):
        outcomes(item(1, "sport"), item(2, "crash"))


def test_each_classifier_is_asked_once_for_a_batch_without_poison() -> None:
    model = KeywordModel()
    outcomes(*(item(n) for n in range(50)), model=model)
    assert (model.topics.calls, model.regions.calls) == ([50], [50])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "tombstone"),
        (b"", "tombstone"),
        (b"\xff\xfe\x00", "JSON"),
        (b"{", "JSON"),
        (b"[]", "object"),
        (json.dumps({"uri": "urn:example:1"}).encode(), "missing"),
        (json.dumps(item(1, unknown="member")).encode(), "unknown"),
        (json.dumps(item(1) | {"headlines": "text"}).encode(), "headlines"),
        (json.dumps(item(1) | {"versionCreated": "2026-02-30T10:00:00Z"}).encode(), "versionCreated"),
        (json.dumps(item(1) | {"versionCreated": "yesterday"}).encode(), "versionCreated"),
        (b'{"events":[' + b'{"relatedEvents":[' * 20_000, ""),
    ],
    ids=["tombstone", "empty", "bytes", "half", "array", "missing", "unknown", "type", "date", "words", "deep"],
)
def test_what_is_no_article_is_one_dead_letter_with_its_bytes(value: bytes | None, message: str) -> None:
    outcome = outcome_of(value)
    assert (outcome.status, outcome.reason, streams(outcome)) == ("dead", "invalid", ["news.articles.dead"])
    assert outcome.output.value == value
    assert header(outcome, "newswire-error-class") == "InvalidError"
    assert message in header(outcome, "newswire-error-message")
    assert "newswire-error-stacktrace" not in dict(outcome.output.headers)


def test_a_lone_surrogate_is_a_dead_letter_wherever_it_is_found() -> None:
    value = json.dumps(item(1) | {"headlines": [{"value": "half \ud83d emoji"}]}).encode()
    assert outcome_of(value).status == "dead"


def test_empty_text_and_control_characters_are_no_error() -> None:
    found = outcomes(item(1, ""), item(2, "sport \u0000 \u001b[31m \u202e"))
    assert [o.status for o in found] == ["abstained", "labelled"]


def test_a_canceled_item_is_passed_through_and_not_classified() -> None:
    model = KeywordModel()
    (outcome,) = outcomes(item(1, "sport yemen", pubStatus="canceled"), model=model)
    assert (outcome.status, outcome.reason, streams(outcome)) == ("abstained", "canceled", ["news.labelled"])
    assert (model.topics.calls, model.regions.calls) == ([], [])
    article = decode_labelled(outcome.output.value)
    assert article.classification.axes == []
    assert article.pub_status == "canceled"


@pytest.mark.parametrize("members", [{"pubStatus": "withheld"}, {"embargoedUntil": "2030-01-01T00:00:00Z"}])
def test_a_withheld_or_embargoed_item_is_labelled_and_says_so_itself(members: dict[str, str]) -> None:
    (outcome,) = outcomes(item(1, "sport", **members))
    assert outcome.status == "labelled"
    assert members.items() <= json.loads(outcome.output.value or b"").items()


def test_an_item_that_labels_make_too_large_is_a_dead_letter_with_its_bytes() -> None:
    text = "sport " + "x" * (wire.MAX_RECORD_BYTES - 700)
    (outcome,) = outcomes(item(1, text))
    assert (outcome.status, outcome.reason) == ("dead", "too_large")
    assert len(outcome.output.value or b"") > wire.MAX_RECORD_BYTES - 700
    assert str(wire.MAX_RECORD_BYTES) in header(outcome, "newswire-error-message")


def test_an_item_of_two_megabytes_is_a_dead_letter_that_points_to_it() -> None:
    (outcome,) = outcomes(item(1, "sport " + "x" * 2_000_000))
    pointer = json.loads(outcome.output.value or b"")["pointer"]
    assert (pointer["kafkaTopic"], pointer["partition"], pointer["offset"]) == (wire.ARTICLES, 3, 0)
    assert pointer["uri"] == "urn:example:1"
    assert pointer["valueBytes"] > 2_000_000


def test_a_prefix_stands_before_every_kafka_topic() -> None:
    found = outcomes(item(1, "sport yemen"), item(2, "poison-topics"), prefix="test.")
    assert all(name.startswith("test.news.") for outcome in found for name in streams(outcome))


def test_the_trace_of_the_publisher_is_carried_on() -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    labeller = Labeller(KeywordModel(), LABELS)
    value = json.dumps(item(1)).encode()
    steps = labeller.begin([record(value, headers=(("traceparent", trace.encode()),))], NOW)
    (outcome,) = labeller.finish(steps, NOW)
    assert header(outcome, "traceparent").split("-")[1] == trace.split("-")[1]


def test_the_words_stand_in_the_item_only_where_they_are_asked_for() -> None:
    (plain,) = outcomes(item(1, "sport yemen"))
    (explained,) = outcomes(item(1, "sport yemen"), explain=True)
    topic, region = decode_labelled(explained.output.value).classification.axes
    assert [w.word for w in topic.explanation or ()] == ["sport"]
    assert [w.word for w in region.explanation or ()] == ["yemen"]
    assert all(a.explanation is None for a in decode_labelled(plain.output.value).classification.axes)


def test_every_stage_is_timed_once_a_batch() -> None:
    seen: list[str] = []
    outcomes(item(1), item(2), observe=lambda stage, _: seen.append(stage))
    assert seen == ["prepare", "topics", "regions", "encode"]
