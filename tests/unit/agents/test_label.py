"""Verdicts written into an article."""

from __future__ import annotations

import json
from typing import Any

import pytest

from classifiers.contract import AbstainReason, Decision, Document, Item, Score, Verdict
from streams.agents.label import Author, Claim, label_article, pass_through
from streams.articles import LabelledArticle, decode_article, decode_labelled, encode
from streams.wire import CountryLabel, Labels, RegionLabel, TopicLabel

NOW = "2026-03-01T12:00:00.000Z"
CODES = ["04000000", "15000000", "07000000", "11000000"]
COUNTRIES = ["YE", "DE", "TR", "FR", "EG"]
LABELS = Labels(
    {code: TopicLabel(code, f"t{code[:2]}", {"en": f"topic {code}", "ar": "-"}) for code in CODES},
    {"145": RegionLabel("145", "western-asia", {"en": "Western Asia"})},
    {code: CountryLabel(code, "145", {"en": f"country {code}"}) for code in COUNTRIES},
)
AUTHOR = Author("desk", "1.2", LABELS)
NOTHING = Verdict(Decision.NONE, (), (), 0.5)
ABSTAINED = Verdict(Decision.ABSTAINED, (), (Score("04000000", 0.3),), 0.5, AbstainReason.TOO_SHORT)


def assigned(*scores: tuple[str, float], considered: tuple[tuple[str, float], ...] = (), **members: Any) -> Verdict:
    labels = tuple(Score(*s) for s in scores)
    return Verdict(Decision.ASSIGNED, labels, labels + tuple(Score(*s) for s in considered), 0.4, **members)


def labelled(topics: Verdict = NOTHING, regions: Verdict = NOTHING, **members: Any) -> LabelledArticle:
    item = {
        "uri": "urn:example:1",
        "type": "text",
        "versionCreated": "2026-03-01T10:00:00+03:00",
        "headlines": [{"value": "headline"}],
        "bodies": [{"value": "text"}],
        "infoSources": [{"name": "example"}],
        **members,
    }
    document = Document(Item("headline", "text"), "ar", 0.98765, [], [])
    article = label_article(decode_article(json.dumps(item).encode()), Claim(document, topics, regions), AUTHOR, NOW)
    return decode_labelled(encode(article))  # what stands on the wire


def test_a_topic_is_a_subject_of_iptc_with_its_author_and_confidence() -> None:
    article = labelled(assigned(("04000000", 0.876)))
    (subject,) = article.subjects or ()
    assert subject.uri == "http://cv.iptc.org/newscodes/mediatopic/04000000"
    assert (subject.literal, subject.name, subject.rel) == ("medtop:04000000", "topic 04000000", "about")
    assert subject.creator == "urn:newswire:model:desk:1.2"
    assert (subject.confidence, subject.relevance) == (88, 100)


def test_relevance_is_the_share_of_the_main_topic() -> None:
    article = labelled(assigned(("04000000", 0.8), ("15000000", 0.4), ("07000000", 0.82)))
    assert [s.relevance for s in article.subjects or ()] == [100, 50, 100]
    assert article.topics == ["04000000", "15000000", "07000000"]


def test_at_most_three_topics_and_four_countries() -> None:
    article = labelled(assigned(*((c, 0.9) for c in CODES)), assigned(*((c, 0.9) for c in COUNTRIES)))
    assert article.topics == CODES[:3]
    assert article.countries == COUNTRIES[:4]


def test_a_country_is_a_place_the_item_is_about() -> None:
    (place,) = labelled(regions=assigned(("YE", 0.9))).places or ()
    assert (place.literal, place.name, place.rel) == ("iso3166-1a2:YE", "country YE", "about")


def test_an_item_with_a_topic_is_labelled_one_without_is_abstained() -> None:
    assert labelled(assigned(("04000000", 0.9))).classification.status == "labelled"
    assert labelled(ABSTAINED, assigned(("YE", 0.9))).classification.status == "abstained"


def test_the_block_says_what_was_decided_on_each_axis() -> None:
    block = labelled(ABSTAINED, assigned(("YE", 0.912345), considered=(("DE", 0.2),), tier="encoder")).classification
    assert (block.labelled_at, block.language.tag, block.language.confidence) == (NOW, "ar", 0.988)
    topic, region = block.axes
    assert (topic.axis, topic.decision, topic.abstain_reason, topic.threshold) == (
        "topic",
        "abstained",
        "too_short",
        0.5,
    )
    assert [(s.code, s.score) for s in topic.scores] == [("04000000", 0.3)]
    assert (region.axis, region.decision, region.abstain_reason, region.tier) == ("region", "assigned", None, "encoder")
    assert [(s.code, s.score) for s in region.scores] == [("YE", 0.912), ("DE", 0.2)]
    assert (region.model.name, region.model.version) == ("desk", "1.2")


def test_a_method_other_than_the_text_is_named() -> None:
    verdict = Verdict(Decision.ASSIGNED, (Score("YE", 0.9, "source-prior"), Score("DE", 0.8)), (), 0.5)
    region = labelled(regions=verdict).classification.axes[1]
    assert [(s.code, s.method) for s in region.scores] == [("YE", "source-prior"), ("DE", None)]


def test_accepted_labels_stand_among_the_scores_however_many_there_are() -> None:
    many = tuple((f"{n:02}", 0.95) for n in range(9))
    region = labelled(regions=assigned(("YE", 0.5), ("DE", 0.45), considered=many)).classification.axes[1]
    assert [s.code for s in region.scores][:2] == ["YE", "DE"]
    assert len(region.scores) == 5


def test_the_publisher_s_subjects_follow_ours_unchanged() -> None:
    theirs = {"name": "own", "literal": "house:7", "rel": "about"}
    article = labelled(assigned(("04000000", 0.9)), subjects=[theirs])
    assert [s.literal for s in article.subjects or ()] == ["medtop:04000000", "house:7"]
    assert article.topics == ["04000000"]


def test_subjects_that_an_earlier_run_left_are_replaced() -> None:
    old = {"literal": "medtop:15000000", "creator": "urn:newswire:model:desk:0.9"}
    assert labelled(assigned(("04000000", 0.9)), subjects=[old]).topics == ["04000000"]
    assert labelled(ABSTAINED, subjects=[old]).subjects is None


def test_a_place_that_the_publisher_gave_is_kept_once_in_our_order() -> None:
    theirs = [
        {"literal": "iso3166-1a2:DE", "rel": "about", "name": "Deutschland"},
        {"literal": "house:9", "rel": "about"},
    ]
    article = labelled(regions=assigned(("YE", 0.9), ("DE", 0.8)), places=theirs)
    assert [(p.literal, p.name) for p in article.places or ()] == [
        ("iso3166-1a2:YE", "country YE"),
        ("iso3166-1a2:DE", "Deutschland"),
        ("house:9", None),
    ]
    assert article.countries == ["YE", "DE"]


def test_a_country_that_only_the_publisher_gives_is_not_ours() -> None:
    theirs = [{"literal": "iso3166-1a2:DE", "rel": "about"}]
    article = labelled(regions=assigned(("YE", 0.9), considered=(("DE", 0.2),)), places=theirs)
    assert article.countries == ["YE"]
    assert [p.literal for p in article.places or ()] == ["iso3166-1a2:YE", "iso3166-1a2:DE"]
    nowhere = labelled(regions=NOTHING, places=theirs)
    assert (nowhere.countries, len(nowhere.places or ())) == ([], 1)


def test_every_other_member_stays_as_it_came() -> None:
    members = {"language": "ar", "version": "3", "urgency": 4, "by": "someone", "altIds": [{"role": "r", "value": "v"}]}
    value = json.loads(encode(labelled(assigned(("04000000", 0.9)), **members)))
    assert members.items() <= value.items()
    assert value["versionCreated"] == "2026-03-01T10:00:00+03:00"


def test_a_label_that_the_tables_do_not_name_has_no_name() -> None:
    (subject,) = labelled(assigned(("99000000", 0.9))).subjects or ()
    assert (subject.literal, subject.name) == ("medtop:99000000", None)


def test_a_canceled_article_claims_nothing_and_keeps_its_own() -> None:
    item = {
        **json.loads(encode(labelled())),
        "subjects": [{"literal": "house:7"}, {"literal": "medtop:04000000", "creator": "urn:newswire:model:x:1"}],
    }
    del item["classification"]
    passed = pass_through(decode_article(json.dumps(item).encode()), NOW)
    assert [s.literal for s in passed.subjects or ()] == ["house:7"]
    assert passed.classification.status == "abstained"
    assert passed.classification.language.tag == "und"


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_probabilities_at_the_ends_are_percent(probability: float) -> None:
    (subject,) = labelled(assigned(("04000000", probability))).subjects or ()
    assert subject.confidence == 100 * probability
