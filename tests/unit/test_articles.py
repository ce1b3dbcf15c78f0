"""The codec: what is refused and how it says so, and that what passes leaves as it came."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from streams.articles import (
    Article,
    Place,
    article_of,
    decode_article,
    decode_labelled,
    encode,
    home_country,
    main_headline,
    main_text,
    parse_timestamp,
)
from streams.errors import InvalidError
from tests.items import article_json, as_bytes, labelled_json


def article(**changes: Any) -> Article:
    return decode_article(as_bytes(article_json(**changes)))


FULL = {
    "firstCreated": "2026-03-14T06:00:00.123456789Z",
    "contentCreated": "2026-02-28T06:00:00z",
    "embargoedUntil": "2028-02-29t23:59:60-02:30",
    "expires": "2000-02-29T00:00:00Z",
    "pubStatus": "usable",
    "urgency": 9,
    "associations": [
        {"name": "picture", "uri": "urn:example:2", "type": "picture", "renditions": [{"name": "web", "duration": 1.5}]}
    ],
    "title": "t",
    "by": "b",
    "slugline": "s",
    "located": "l",
    "edNote": "e",
    "copyrightHolder": "c",
    "copyrightNotice": "c",
    "usageTerms": "u",
    "representationType": "partial",
    "profile": "p",
    "digitalSourceType": {"name": "n", "uri": "https://example.org/digital", "literal": "l"},
    "descriptions": [{"value": "d", "role": "r", "contentType": "text/plain"}],
    "people": [{"name": "n", "rel": "about", "contactInfo": [{"type": "phone", "value": "+90 000"}]}],
    "organisations": [{"name": "n", "symbols": [{"exchange": "e", "symbol": "s", "symbolType": "urn:example:t"}]}],
    "events": [{"id": "1", "name": "n", "uri": "urn:example:event"}],
    "eventDetails": {
        "eventStatus": "urn:example:planned",
        "dates": {
            "startDate": "2026-05-01T10:00:00Z",
            "expectedEndDate": "2026-05",
            "recurrence": {
                "recurrenceDates": ["2026", "2026-06-01T10:00:00"],
                "recurrenceRules": [{"frequency": "weekly", "interval": 2, "until": "2026-12-31T00:00:00Z"}],
            },
        },
        "organiser": {"name": "n"},
    },
    "plannedCoverage": [
        {
            "uri": "urn:example:coverage",
            "pubStatus": "withheld",
            "type": "picture",
            "commissioned": {"by": "b", "on": "2026-01-01T00:00:00Z", "references": [{"name": "n", "value": "v"}]},
            "dates": {"endDate": "2026-05-02T00:00:00Z"},
            "audiences": [{"audience": "a", "significance": 3}],
            "exclAudience": ["x"],
            "urgency": 1,
            "itemCount": {"rangeFrom": 1, "rangeTo": 3},
            "wordCount": 400,
        }
    ],
    "objects": [{"name": "n", "rel": "r", "uri": "urn:example:o", "literal": "l"}],
    "renditions": [
        {"name": "n", "href": "https://example.org/ملف.jpg", "poi": {"x": 1, "y": 2}, "scanType": "interlaced"}
    ],
    "trustIndicators": [{"role": "urn:example:role", "title": "t", "href": "https://example.org/trust"}],
    "standard": {"name": "ninjs", "version": "3.1", "schema": "urn:example:schema"},
    "genres": [{"name": "n", "uri": "no uri at all", "literal": "l"}],
    "rightsInfo": {"langId": "urn:example:odrl", "encodedRights": "x"},
    "places": [{"name": "n", "geoJSON": {"type": "Feature", "geometry": None, "properties": None, "bbox": [1.5, 2]}}],
}


def test_every_member_of_ninjs_leaves_as_it_came() -> None:
    item = article_json(**FULL)
    assert set(Article.__struct_fields__) == set(decode_article(as_bytes(item)).__struct_fields__)
    # the test itself names every member that the profile knows
    assert set(item) | {"subjects"} == set(Article.__struct_encode_fields__)
    assert json.loads(encode(decode_article(as_bytes(item)))) == item
    assert article_of(item) == decode_article(as_bytes(item))


def test_a_labelled_item_leaves_as_it_came() -> None:
    item = labelled_json()
    assert json.loads(encode(decode_labelled(as_bytes(item)))) == item


def test_required_members_come_first_so_that_a_reader_of_lines_sees_what_it_is() -> None:
    assert list(json.loads(encode(article())))[:4] == ["uri", "type", "versionCreated", "headlines"]


@pytest.mark.parametrize("text", ["\u0000\u0007 control letters, escaped", "\u2028\u200f\U0001f4f0", "", "a" * 100_000])
def test_any_text_that_utf8_can_carry_is_a_text(text: str) -> None:
    item = article(bodies=[{"value": text}])
    assert decode_article(encode(item)) == item
    assert item.bodies[0].value == text


@pytest.mark.parametrize("value", [None, b""])
def test_a_tombstone_is_refused(value: bytes | None) -> None:
    with pytest.raises(InvalidError, match="tombstone"):
        decode_article(value)
    with pytest.raises(InvalidError, match="tombstone"):
        decode_labelled(value)


NOT_JSON = {
    "undecodable bytes": as_bytes(article_json()).replace("افتتاح".encode(), b"\xff\xfe"),
    "a surrogate in UTF-8": as_bytes(article_json()).replace("افتتاح".encode(), b"\xed\xa0\x80"),
    "UTF-16": json.dumps(article_json()).encode("utf-16"),
    "no JSON": b"<html>",
    "half of it": as_bytes(article_json())[:-20],
    "two of it": as_bytes(article_json()) * 2,
    "a raw control letter": as_bytes(article_json()).replace(b"urn:", b"urn:\x01"),
    "a lone high surrogate": as_bytes(article_json()).replace(b'"urn:newswire', b'"\\ud800" ,"urn:newswire'),
    "a lone low surrogate": as_bytes(article_json(version="SURROGATE")).replace(b"SURROGATE", b"\\udc00"),
    "a high surrogate and a letter": as_bytes(article_json(version="SURROGATE")).replace(
        b"SURROGATE", b"\\ud800xxxxxxx"
    ),
    "not a number": as_bytes(article_json(urgency=1)).replace(b'"urgency": 1', b'"urgency": NaN'),
    "nothing but space": b"  \n",
}


@pytest.mark.parametrize("value", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_no_json_in_utf8_is_refused(value: bytes) -> None:
    with pytest.raises(InvalidError, match="not JSON in UTF-8") as caught:
        decode_article(value)
    assert "\n" not in str(caught.value)


NOT_THE_PROFILE: dict[str, tuple[Any, str]] = {
    "a list": ([article_json()], "Expected `object`"),
    "a text": ("news", "Expected `object`"),
    "null": (None, "Expected `object`"),
    "the short form": ({"title": "t", "text": "t"}, "unknown field `text`"),
    **{
        f"no {name}": (article_json(**{name: None}), f"missing required field `{name}`")
        for name in ("uri", "type", "versionCreated", "headlines", "bodies", "infoSources")
    },
    **{
        f"empty {name}": (article_json(**{name: []}), rf"length >= 1.*\$\.{name}")
        for name in ("headlines", "bodies", "infoSources")
    },
    "an unknown member": (article_json(sections=["world"]), "unknown field `sections`"),
    "an unknown member below": (
        article_json(bodies=[{"value": "x", "lang": "ar"}]),
        r"unknown field `lang`.*bodies\[0\]",
    ),
    "a body without a value": (article_json(bodies=[{"role": "main"}]), r"missing required field `value`.*bodies\[0\]"),
    "a type of ours": (article_json(type="article"), r"Invalid enum value 'article'.*\$\.type"),
    "a status of ours": (article_json(pubStatus="live"), r"\$\.pubStatus"),
    "a number for a text": (article_json(version=1), r"Expected `str.*got `int`.*\$\.version"),
    "a text for a number": (article_json(urgency="5"), r"Expected `int.*got `str`.*\$\.urgency"),
    "an urgency of ten": (article_json(urgency=10), r"<= 9.*\$\.urgency"),
    "true for a number": (article_json(urgency=True), r"got `bool`.*\$\.urgency"),
    "one headline, no list": (article_json(headlines={"value": "x"}), r"Expected `array`.*\$\.headlines"),
    "a text for a headline": (article_json(headlines=["x"]), r"Expected `object`.*headlines\[0\]"),
    "a confidence of 1.0": (article_json(subjects=[{"confidence": 0.93}]), r"got `float`.*confidence"),
    "a confidence of 101": (article_json(subjects=[{"confidence": 101}]), r"<= 100.*confidence"),
    "a uri without a scheme": (article_json(uri="news/1"), r"that is a URI, such as urn:example:1 - at `\$\.uri"),
    "a uri with a space": (article_json(uri="urn:a b"), r"that is a URI.*\$\.uri"),
    "a uri with a line end": (article_json(uri="urn:a\n"), r"that is a URI.*\$\.uri"),
    "a uri with a direction mark": (article_json(uri="urn:a\u202eb"), r"that is a URI.*\$\.uri"),
    "a uri of 2,049 letters": (article_json(uri="urn:" + "a" * 2045), r"length <= 2048.*\$\.uri"),
    "contact by two ways": (
        article_json(infoSources=[{"contactInfo": [{"value": "x", "address": {}}]}]),
        r"either `value` or `address`.*contactInfo\[0\]",
    ),
    "rights by no way": (article_json(rightsInfo={}), "either `linkedRights` or `encodedRights`"),
    "an event without dates": (article_json(eventDetails={"dates": {}}), "`dates` holds one of"),
    "an event that begins twice": (
        article_json(eventDetails={"dates": {"startDate": "2026-01-01T00:00:00Z", "expectedStartDate": "2026"}}),
        "`dates` holds one of",
    ),
    "an association without a name": (
        article_json(associations=[{"uri": "urn:example:2"}]),
        "missing required field `name`",
    ),
    "a place's geoJSON as text": (
        article_json(places=[{"geoJSON": "[1,2]"}]),
        r"Expected `object.*places\[0\]\.geoJSON",
    ),
}


@pytest.mark.parametrize(("item", "message"), NOT_THE_PROFILE.values(), ids=NOT_THE_PROFILE)
def test_what_is_not_the_profile_is_refused_with_the_place(item: Any, message: str) -> None:
    with pytest.raises(InvalidError, match=f"not an article of the ninjs 3.1 profile: .*{message}") as caught:
        decode_article(as_bytes(item))
    assert "\n" not in str(caught.value)
    assert "regex" not in str(caught.value)


@pytest.mark.parametrize(("item", "message"), NOT_THE_PROFILE.values(), ids=NOT_THE_PROFILE)
def test_a_decoded_object_is_judged_as_its_bytes_are(item: Any, message: str) -> None:
    with pytest.raises(InvalidError, match=f"not an article of the ninjs 3.1 profile: .*{message}"):
        article_of(item)


NULLS = {
    "$.language": article_json() | {"language": None},
    "$.bodies[0].role": article_json(bodies=[{"value": "null", "role": None}]),
    "$.associations[1].places": article_json(
        associations=[{"name": "a", "uri": "urn:a:1"}, {"name": "b", "uri": "urn:a:2", "places": None}]
    ),
    "$.places[0].geoJSON": article_json(places=[{"geoJSON": None}]),
    "$.infoSources[0].contactInfo[0].value": article_json(
        infoSources=[{"contactInfo": [{"address": {}, "value": None}]}]
    ),
}


@pytest.mark.parametrize(("place", "item"), NULLS.items(), ids=NULLS)
def test_null_is_refused_and_not_dropped(place: str, item: dict[str, Any]) -> None:
    with pytest.raises(InvalidError) as caught:
        decode_article(as_bytes(item))
    assert f"never null - at `{place}`" in str(caught.value)
    with pytest.raises(InvalidError) as caught:
        article_of(item)
    assert f"never null - at `{place}`" in str(caught.value)


def test_the_word_null_in_a_text_is_a_word() -> None:
    assert article(bodies=[{"value": "Um null Uhr: null"}]).bodies[0].value == "Um null Uhr: null"


BAD_DATES = [
    "2026-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:60:00Z",
    "2026-01-01T00:00:61Z",
    "2026-01-01T00:00:00",
    "2026-01-01T00:00:00+24:00",
    "2026-01-01T00:00:00+0300",
    "2026-01-01T00:00Z",
    "2026-01-01 00:00:00Z",
    "2026-01-01",
    "0000-01-01T00:00:00Z",
    "2026-01-01T00:00:00.Z",
    "2026-01-01T00:00:00Z\n",
    " 2026-01-01T00:00:00Z",
    "٢٠٢٦-٠١-٠١T٠٠:٠٠:٠٠Z",
    "26-01-01T00:00:00Z",
    "yesterday",
    "",
]
DATE_MEMBERS = ["versionCreated", "firstCreated", "contentCreated", "embargoedUntil", "expires"]


@pytest.mark.parametrize("date", BAD_DATES)
@pytest.mark.parametrize("member", DATE_MEMBERS)
def test_a_date_that_no_calendar_has_is_refused(member: str, date: str) -> None:
    with pytest.raises(InvalidError, match=rf"of RFC 3339 with offset, such as \S+ - at `\$\.{member}`"):
        article(**{member: date})


def test_a_bad_date_inside_is_refused_too() -> None:
    with pytest.raises(InvalidError, match="RFC 3339"):
        article(plannedCoverage=[{"commissioned": {"on": "2026-02-30T00:00:00Z"}}])
    with pytest.raises(InvalidError, match="that is a date"):
        article(eventDetails={"dates": {"expectedStartDate": "2026-13"}})
    block = labelled_json()["classification"] | {"labelledAt": "2026-02-30T00:00:00Z"}
    with pytest.raises(InvalidError, match=r"RFC 3339.*classification\.labelledAt"):
        decode_labelled(as_bytes(labelled_json(classification=block)))


def test_every_day_of_four_centuries_is_a_date() -> None:
    day = datetime(1999, 12, 30, tzinfo=UTC)
    while day.year < 2400:
        text = f"{day:%Y-%m-%d}T00:00:00Z"
        assert article(versionCreated=text).version_created == text
        last = (day + timedelta(days=1)).day == 1
        if last and day.day < 31:
            with pytest.raises(InvalidError):
                article(versionCreated=f"{day:%Y-%m}-{day.day + 1}T00:00:00Z")
        day += timedelta(days=1 if day.day > 26 or day.day == 1 else 25)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T08:00:00Z", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("2026-01-31t08:00:00z", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("2026-01-31T08:00:00.5+03:00", datetime(2026, 1, 31, 8, 0, 0, 500_000, timezone(timedelta(hours=3)))),
        ("2026-01-31T08:00:00.123456789Z", datetime(2026, 1, 31, 8, 0, 0, 123_456, UTC)),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2016-12-31T18:29:60.25-05:30", datetime(2016, 12, 31, 23, 59, 59, 250_000, UTC)),
    ],
)
def test_a_timestamp_is_an_aware_moment(text: str, moment: datetime) -> None:
    assert parse_timestamp(text) == moment
    assert parse_timestamp(article(versionCreated=text).version_created) == moment


def test_a_timestamp_that_cannot_be_read_names_its_field() -> None:
    with pytest.raises(InvalidError, match="expires: '2026-02-30T00:00:00Z' is not a date of RFC 3339"):
        parse_timestamp("2026-02-30T00:00:00Z", field="expires")


NESTED = {
    "associations": (b'"associations": [', b'{"name": "a", "uri": "urn:a:1", "associations": [', b"]}", b"]"),
    "lists": (b'"places": [{"geoJSON": {"a": [', b"[", b"]", b"]}}]"),
    "objects": (b'"places": [{"geoJSON": {"a":', b'{"a": ', b"}", b"}}]"),
}


def nested(form: str, depth: int) -> bytes:
    before, opening, closing, after = NESTED[form]
    inner = b"1" if form == "objects" else b""
    member = before + opening * depth + inner + closing * depth + after
    return as_bytes(article_json(version="HERE")).replace(b'"version": "HERE"', member)


@pytest.mark.parametrize("form", NESTED)
def test_nesting_as_deep_as_news_has_it_is_carried(form: str) -> None:
    value = nested(form, 20)
    assert json.loads(encode(decode_article(value))) == json.loads(value)


@pytest.mark.parametrize("form", NESTED)
def test_deep_nesting_is_one_refusal_and_no_crash(form: str) -> None:
    with pytest.raises(InvalidError, match="nested too deep"):
        decode_article(nested(form, 250_000))


def test_what_is_nested_too_deep_to_encode_is_refused_as_well() -> None:
    # how deep is too deep depends on what stands on the stack: an item may be decoded that cannot be encoded lower down
    deep: list[Any] = []
    for _ in range(250_000):
        deep = [deep]
    item = msgspec.structs.replace(article(), places=[Place(geo_json={"a": deep})])
    with pytest.raises(InvalidError, match="'urn:newswire:example:1': nested too deep"):
        encode(item)


@pytest.mark.parametrize("member", ["version", "uri"])
def test_a_lone_surrogate_cannot_leave(member: str) -> None:
    # json.loads, unlike the decoder here, makes such a text; a source that uses it must not kill a publisher
    item = msgspec.structs.replace(article(), **{member: "urn:x:\ud800"})
    with pytest.raises(InvalidError, match=r"lone surrogate \(U\+D800\)"):
        encode(item)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classification": None}, "missing required field `classification`"),
        ({"sections": []}, "unknown field `sections`"),
        ({"headlines": None}, "missing required field `headlines`"),
    ],
)
def test_a_labelled_item_is_checked_as_well(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidError, match=message):
        decode_labelled(as_bytes(labelled_json(**change)))


def test_an_article_with_a_classification_is_no_incoming_article() -> None:
    with pytest.raises(InvalidError, match="unknown field `classification`"):
        decode_article(as_bytes(labelled_json()))


@pytest.mark.parametrize(
    ("member", "value", "message"),
    [
        ("status", "partial", "Invalid enum value 'partial'"),
        ("labelledAt", "now", "RFC 3339"),
        ("language", {"tag": "ar", "confidence": 1.5}, "<= 1.0"),
        ("axes", [{"axis": "genre"}], "classification.axes"),
    ],
)
def test_a_classification_outside_its_form_is_refused(member: str, value: Any, message: str) -> None:
    block = labelled_json()["classification"] | {member: value}
    with pytest.raises(InvalidError, match=message):
        decode_labelled(as_bytes(labelled_json(classification=block)))


def test_topics_are_our_subjects_only_in_their_order() -> None:
    assert decode_labelled(as_bytes(labelled_json())).topics == ["04000000", "14000000"]
    assert decode_labelled(as_bytes(labelled_json(subjects=None))).topics == []


def test_countries_are_those_that_the_region_axis_assigned() -> None:
    item = labelled_json()
    assert decode_labelled(as_bytes(item)).countries == ["TR", "EG"]
    item["places"].insert(0, {"rel": "about", "literal": "iso3166-1a2:DE"})  # the publisher's own
    assert decode_labelled(as_bytes(item)).countries == ["TR", "EG"]
    item["classification"]["axes"][1]["decision"] = "none"
    assert decode_labelled(as_bytes(item)).countries == []
    item["classification"]["axes"].pop()
    assert decode_labelled(as_bytes(item)).countries == []


def test_the_main_headline_and_text_are_read_else_all_of_it() -> None:
    parts = [{"value": "first"}, {"value": "second", "role": "main"}, {"value": "third"}]
    chosen = article(headlines=parts, bodies=parts)
    assert (main_headline(chosen), main_text(chosen)) == ("second", "second")
    plain = article(headlines=parts[::2], bodies=parts[::2])
    assert (main_headline(plain), main_text(plain)) == ("first", "first\nthird")


def test_markup_goes_where_the_item_says_html_and_only_there() -> None:
    html = [{"value": "<p>Kar <b>yağdı</b></p>", "contentType": "application/xhtml+html", "role": "main"}]
    plain = [{"value": "3 < 5 <b>", "contentType": "text/plain"}]
    assert main_text(article(bodies=html)).split() == ["Kar", "yağdı"]
    assert main_headline(article(headlines=plain)) == "3 < 5 <b>"


@pytest.mark.parametrize(
    ("sources", "country"),
    [
        ([{"name": "a"}], None),
        ([{"contactInfo": [{"value": "+90"}, {"address": {"country": "tr"}}]}], "TR"),
        ([{"contactInfo": [{"address": {"country": "Türkiye"}}]}], None),
        ([{"name": "a"}, {"contactInfo": [{"address": {"locality": "x"}}, {"address": {"country": "EG"}}]}], "EG"),
    ],
)
def test_the_home_country_is_the_first_that_is_a_code(sources: list[dict[str, Any]], country: str | None) -> None:
    assert home_country(article(infoSources=sources)) == country
