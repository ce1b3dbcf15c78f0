from __future__ import annotations

import json

import pytest

from streams.articles import decode_labelled
from streams.errors import InvalidError
from streams.gateway.items import SNIPPET_CHARACTERS, Labelled, card_of, entry_of
from tests.items import as_bytes, labelled_json
from tests.unit.gateway.examples import AUTHOR, LABELS, article, entry, labelled_at_no_time


def test_card_shows_labels_with_confidence_and_where_they_roll_up_to():
    card = card_of(article(topics={"economy": 81, "politics": 44}, countries={"TR": 90, "EG": 60}), LABELS)
    assert [(mark.slug, mark.confidence) for mark in card.topics] == [("economy", 81), ("politics", 44)]
    assert [(mark.code, mark.region, mark.confidence) for mark in card.countries] == [
        ("TR", "western-asia", 90),
        ("EG", "northern-africa", 60),
    ]
    assert card.source == "Örnek Ajansı"


def test_labels_of_the_publisher_are_not_shown_as_ours():
    card = card_of(decode_labelled(as_bytes(labelled_json())), LABELS)
    assert [mark.name for mark in card.topics] == ["economy", "society"]
    assert [mark.name for mark in card.countries] == ["Türkiye", "Egypt"]


def test_topic_that_the_tables_do_not_know_goes_by_its_code():
    subjects = [{"rel": "about", "creator": AUTHOR, "literal": "medtop:99000000", "name": "chess", "confidence": 70}]
    card = card_of(article(subjects=subjects), LABELS)
    assert [(mark.slug, mark.name) for mark in card.topics] == [("99000000", "chess")]


def test_abstained_item_says_why():
    card = card_of(article(topics={}), LABELS)
    assert (card.status, card.reason, card.topics) == ("abstained", "low_confidence", [])


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://example.org/1", "https://example.org/1"),
        ("HTTP://example.org/1", "HTTP://example.org/1"),
        ("javascript:alert(1)", None),
        ("data:text/html,<script>alert(1)</script>", None),
    ],
)
def test_only_web_addresses_become_links(address: str, shown: str | None):
    assert card_of(article(altIds=[{"role": "canonicalUrl", "value": address}]), LABELS).url == shown


def test_snippet_is_cut_at_a_word_and_white_space_is_one_blank():
    card = card_of(article(bodies=[{"value": "one\n\ntwo  " + "word " * 200}], title="a\nb"), LABELS)
    assert card.title == "a b"
    assert card.snippet.startswith("one two word")
    assert len(card.snippet) <= SNIPPET_CHARACTERS + 1
    assert card.snippet.endswith("word…")


def test_text_without_blanks_is_cut_too():
    assert len(card_of(article(bodies=[{"value": "新" * 5000}]), LABELS).snippet) == SNIPPET_CHARACTERS + 1


def test_frames_are_one_line_whatever_the_text_holds():
    made = entry(title="line\nbreak\r", bodies=[{"value": "a\n\n\rdata: b\u2028c"}])
    for frame in (made.wire, made.card):
        assert b"\n" not in frame
        assert b"\r" not in frame
    assert json.loads(made.wire)["bodies"][0]["value"] == "a\n\n\rdata: b\u2028c"


def test_time_of_labelling_is_kept_to_the_millisecond():
    assert entry(at=1_773_489_600.125).at == 1_773_489_600.125


def test_item_labelled_at_no_time_is_refused():
    with pytest.raises(InvalidError, match="labelledAt"):
        entry_of(Labelled(0, 0, labelled_at_no_time(article())), LABELS)


@pytest.mark.parametrize(
    ("title", "text", "snippet"),
    [
        ("The first words…", "The first words of a teaser.", "…of a teaser."),
        ("All of it", "All of it", ""),
        ("Another title", "The text.", "The text."),
        ("…", "The text.", "The text."),
    ],
)
def test_snippet_does_not_say_the_headline_again(title: str, text: str, snippet: str):
    assert card_of(article(title=title, bodies=[{"value": text}]), LABELS).snippet == snippet
