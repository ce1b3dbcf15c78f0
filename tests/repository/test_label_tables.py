"""The label tables: codes, slugs and roll-up of the design, names of CLDR but for the documented ones."""

from __future__ import annotations

import csv
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from babel import Locale

from streams.settings import load_labels
from tests.repository.source import ROOT

if TYPE_CHECKING:
    from pathlib import Path

# written out, not computed: these are promises to subscribers
TOPICS = """
arts 01000000, crime 02000000, disaster 03000000, economy 04000000, education 05000000, environment 06000000,
health 07000000, human-interest 08000000, labour 09000000, lifestyle 10000000, politics 11000000, religion 12000000,
science 13000000, society 14000000, sport 15000000, conflict 16000000, weather 17000000
"""
REGIONS = """
northern-africa 015, eastern-africa 014, middle-africa 017, southern-africa 018, western-africa 011, caribbean 029,
central-america 013, south-america 005, northern-america 021, central-asia 143, eastern-asia 030,
south-eastern-asia 035, southern-asia 034, western-asia 145, eastern-europe 151, northern-europe 154,
southern-europe 039, western-europe 155, australia-and-new-zealand 053, melanesia 054, micronesia 057, polynesia 061
"""
LANGUAGES = {"ar", "tr", "en", "fa", "de", "es", "fr", "it", "pl", "ru", "zh"}
FIRST_LANGUAGES = {"ar", "tr", "en"}
# What news calls a country where CLDR adds a city, an older name or an administrative term; Palestine is argued in the
# table itself. (code, language): our name. One that is not here is a slip of the pen.
OVERRIDDEN = {
    ("CD", "en"): "DR Congo",
    ("CD", "tr"): "Kongo Demokratik Cumhuriyeti",
    ("CG", "en"): "Congo",
    ("CG", "tr"): "Kongo",
    ("HK", "ar"): "هونغ كونغ",
    ("HK", "en"): "Hong Kong",
    ("HK", "tr"): "Hong Kong",
    ("MM", "en"): "Myanmar",
    ("MM", "tr"): "Myanmar",
    ("MO", "ar"): "ماكاو",
    ("MO", "en"): "Macao",
    ("MO", "tr"): "Makao",
    ("PS", "ar"): "فلسطين",
    ("PS", "en"): "Palestine",
    ("PS", "tr"): "Filistin",
}
# in no row of the table: rolled up to where its neighbours stand
NOT_IN_M49 = {"XK": "039"}


def table(name: str) -> Any:
    return json.loads((ROOT / "configs" / "taxonomies" / f"{name}.json").read_text(encoding="utf-8"))


def written(text: str) -> dict[str, str]:
    return dict(part.split() for part in text.replace("\n", " ").strip().split(", "))


def test_topics_are_the_17_of_the_design_in_its_order() -> None:
    labels = load_labels()
    assert [(t.slug, t.code) for t in labels.topics.values()] == list(written(TOPICS).items())


def test_regions_are_the_22_of_the_design() -> None:
    labels = load_labels()
    assert {r.slug: r.code for r in labels.regions.values()} == written(REGIONS)


def test_slugs_fit_a_kafka_topic_a_url_and_a_header() -> None:
    labels = load_labels()
    slugs = [label.slug for label in (*labels.topics.values(), *labels.regions.values())]
    assert len(set(slugs)) == len(slugs)  # one --topic, --region and feed address each
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", slug) for slug in slugs)


def test_every_label_has_names_in_the_languages_it_promises() -> None:
    labels = load_labels()
    for label in labels.topics.values():
        assert set(label.names) >= FIRST_LANGUAGES, label
    for label in (*labels.regions.values(), *labels.countries.values()):
        assert set(label.names) == LANGUAGES, label
    for label in (*labels.topics.values(), *labels.regions.values(), *labels.countries.values()):
        assert all(name == name.strip() and name for name in label.names.values()), label
    for axis in (labels.topics, labels.regions, labels.countries):
        for language in FIRST_LANGUAGES:
            names = [label.names[language] for label in axis.values()]
            assert len(set(names)) == len(names), language


def test_english_topic_names_are_those_of_iptc() -> None:
    names = {t.code: t.names["en"] for t in load_labels().topics.values()}
    assert names["11000000"] == "politics and government"  # renamed by IPTC in 2025; it was "politics"
    assert names["01000000"] == "arts, culture, entertainment and media"
    assert names["03000000"] == "disaster, accident and emergency incident"
    assert names["16000000"] == "conflict, war and peace"


def test_countries_are_iso_3166_and_each_lies_in_a_region_that_has_a_stream() -> None:
    labels = load_labels()
    assert all(re.fullmatch(r"[A-Z]{2}", code) for code in labels.countries)
    known = {code for code in Locale("en").territories if re.fullmatch(r"[A-Z]{2}", code)}
    assert set(labels.countries) <= known
    assert len(labels.countries) >= 249
    nowhere = {c.code for c in labels.countries.values() if c.region is None}
    assert nowhere == {"AQ"}
    assert {c.region for c in labels.countries.values()} - {None} == set(labels.regions)


def names_that_differ_from_cldr(kind: str) -> dict[tuple[str, str], str]:
    return {
        (row["code"], language): name
        for row in table(kind)[kind]
        for language, name in row["names"].items()
        if name != Locale(language).territories.get(row["code"])
    }


def test_names_are_those_of_cldr_but_for_the_documented_ones() -> None:
    assert names_that_differ_from_cldr("regions") == {}
    assert names_that_differ_from_cldr("countries") == OVERRIDDEN


def test_what_is_disputed_is_argued_in_the_table() -> None:
    argued = {row["code"] for row in table("countries")["countries"] if row.get("why")}
    assert argued >= {"CY", "EH", "PS", "TW", "XK"}


def test_the_tables_say_whose_names_they_hold() -> None:
    assert "IPTC" in table("topics")["about"]
    assert "CC BY 4.0" in table("topics")["about"]
    assert "CLDR" in table("regions")["about"]
    assert "CLDR" in table("countries")["about"]


@pytest.mark.shared
def test_the_roll_up_is_that_of_the_un(shared: Path) -> None:
    path = shared / "data" / "regions" / "gazetteer" / "ocha-hdx-countries-territories-m49.csv"
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = {row["ISO 3166-1 Alpha 2-Codes"]: row for row in csv.DictReader(lines) if row["Sub-region Code"]}
    # the finer level where there is one (Africa south of the Sahara, Latin America), else the sub-region; the finer
    # level of Guernsey and Jersey, Channel Islands, has no stream
    streams = load_labels().regions
    levels = {code: (row["Intermediate Region Code"], row["Sub-region Code"]) for code, row in rows.items()}
    expected = {code: next(c.zfill(3) for c in both if c.zfill(3) in streams) for code, both in levels.items()}
    assert len(expected) > 240
    ours = {c.code: c.region for c in load_labels().countries.values() if c.region}
    assert {code: region for code, region in ours.items() if expected.get(code) != region} == NOT_IN_M49
