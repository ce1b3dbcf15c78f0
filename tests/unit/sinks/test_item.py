"""What sinks read of an item: the same as the full codec, of everything that the full codec takes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from streams.articles import decode_labelled, main_headline, main_text
from streams.errors import InvalidError
from streams.sinks.item import read_item, read_time
from tests.items import as_bytes, labelled_json

AUTHOR = "urn:newswire:model:linear:1.0.0"


def block(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = labelled_json()["classification"]
    return made | changes


def axes(*changes: dict[str, Any]) -> list[dict[str, Any]]:
    return [axis | change for axis, change in zip(block()["axes"], changes, strict=True)]


EXAMPLES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "no labels": {"subjects": None, "places": None},
    "no scores": {"classification": block(axes=axes({"decision": "none", "scores": []}, {"decision": "none"}))},
    "places not assigned": {"classification": block(axes=axes({}, {"decision": "abstained"}))},
    "a place named twice": {"places": [{"rel": "about", "literal": "iso3166-1a2:TR"}] * 2},
    "a place without a literal": {"places": [{"rel": "about", "name": "Berlin"}, {"name": "Rome"}]},
    "one axis only": {"classification": block(axes=block()["axes"][:1])},
    "a topic without confidence": {"subjects": [{"creator": AUTHOR, "literal": "medtop:04000000"}]},
    "a subject without a literal": {"subjects": [{"creator": AUTHOR, "name": "x"}, {"name": "y"}]},
    "members that are not read": {"urgency": 3, "genres": [{"name": "feature"}], "slugline": "x"},
    "markup": {"bodies": [{"value": "<p>one</p>", "contentType": "text/html"}, {"value": "two", "wordCount": 1}]},
    "other times": {"versionCreated": "2026-03-14t23:59:60.123456789z"},
    "explained": {
        "classification": block(
            axes=axes({"explanation": [{"code": "04000000", "word": "para", "weight": 0.5}], "tier": "linear"}, {})
        )
    },
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_is_read_as_the_full_codec_reads_it(name: str) -> None:
    value = as_bytes(labelled_json(**EXAMPLES[name]))
    full, item = decode_labelled(value), read_item(value)
    assert [code for code, _ in item.topics()] == full.topics
    assert [code for code, _ in item.countries()] == full.countries
    assert (item.uri, item.version, item.version_created) == (full.uri, full.version, full.version_created)
    assert (main_headline(item), main_text(item)) == (main_headline(full), main_text(full))
    assert item.info_sources[0].name == full.info_sources[0].name
    ours, theirs = item.classification, full.classification
    assert (ours.status, ours.labelled_at, ours.language.tag) == (
        theirs.status,
        theirs.labelled_at,
        theirs.language.tag,
    )
    assert [(a.axis, a.decision, a.abstain_reason, a.model.name, a.model.version) for a in ours.axes] == [
        (a.axis, a.decision, a.abstain_reason, a.model.name, a.model.version) for a in theirs.axes
    ]


def test_labels_come_with_their_confidence() -> None:
    item = read_item(as_bytes(labelled_json()))
    assert item.topics() == [("04000000", 81), ("14000000", 44)]
    assert item.countries() == [("TR", 90), ("EG", 60)]
    assert read_item(as_bytes(labelled_json(**EXAMPLES["a topic without confidence"]))).topics() == [("04000000", None)]


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (b"{}", "missing required field"),
        (b"[]", "Expected `object`"),
        (b"{", "not JSON in UTF-8"),
        (b"", "a tombstone"),
        (as_bytes(labelled_json(headlines=[])), "length >= 1"),
        (as_bytes(labelled_json(classification=None)), "classification"),
        (as_bytes(labelled_json(headlines=[{"value": 3}])), r"\$\.headlines\[0\]\.value"),
        (b'{"uri": "\xff"}', "not JSON in UTF-8"),
        (as_bytes(labelled_json(places=[{"geoJSON": {"x": "DEEP"}}])).replace(b'"DEEP"', b"[" * 9_999), "too deep"),
    ],
)
def test_what_is_no_labelled_article_is_refused_in_the_words_of_the_codec(value: bytes, complaint: str) -> None:
    with pytest.raises(InvalidError, match=complaint):
        read_item(value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-14T09:30:00+03:00", datetime(2026, 3, 14, 6, 30, tzinfo=UTC)),
        ("2026-03-14T09:30:00Z", datetime(2026, 3, 14, 9, 30, tzinfo=UTC)),
        ("2026-03-14t09:30:60.123456789z", datetime(2026, 3, 14, 9, 30, 59, 123456, tzinfo=UTC)),
    ],
)
def test_times_are_in_utc(text: str, expected: datetime) -> None:
    found = read_time(text, "versionCreated")
    assert found == expected
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-03-14T09:30:00", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00+03:00"]
)
def test_a_time_that_is_none_is_told(text: str) -> None:
    with pytest.raises(InvalidError, match=f"versionCreated: '{text.replace('+', '.')}'"):
        read_time(text, "versionCreated")
