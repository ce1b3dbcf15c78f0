"""What a classifier says, written into an article: our subjects, our places and the `classification` block. Pure.

An item whose pubStatus is `canceled` is passed through and not classified (it withdraws an item, it is no news): it
counts as abstained, reason "canceled", and its block has no axis. A withheld or embargoed item is labelled like any
other; its own members say that it must wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from classifiers.contract import Decision
from streams import wire
from streams.articles import (
    COUNTRY_PREFIX,
    MODEL_PREFIX,
    TOPIC_PREFIX,
    Axis,
    Classification,
    DetectedLanguage,
    Evidence,
    LabelledArticle,
    LabelScore,
    Model,
    Place,
    Subject,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifiers.contract import Document, Score, Verdict
    from classifiers.contract import Evidence as Word
    from streams.articles import Article

TOPIC_URI = "http://cv.iptc.org/newscodes/mediatopic/"
MAX_SCORES = 5  # scores kept on an axis: the accepted labels and the next best; a wire item stays small
UNKNOWN_LANGUAGE = DetectedLanguage(tag="und", confidence=0.0)


class Claim(NamedTuple):
    """What the classifiers say of one item; the words that carried it are optional."""

    document: Document
    topics: Verdict
    regions: Verdict
    topic_words: Sequence[Word] = ()
    region_words: Sequence[Word] = ()


class Author(NamedTuple):
    """Who makes the claims: the model and the names that it gives its labels."""

    name: str
    version: str
    labels: wire.Labels

    @property
    def creator(self) -> str:
        """The uri that marks a subject as ours."""
        return f"{MODEL_PREFIX}{self.name}:{self.version}"


def label_article(article: Article, claim: Claim, author: Author, labelled_at: str) -> LabelledArticle:
    """The article with its labels. `labelled_at` is RFC 3339.

    Subjects and places of ours stand in front, in the model's order; what the publisher gave follows unchanged, but for
    subjects that an earlier run of a model left in it.
    """
    subjects = _subjects(claim.topics, author)
    return _with(
        article,
        subjects=[*subjects, *_publishers_subjects(article)],
        places=_places(article, claim.regions, author),
        classification=Classification(
            status="labelled" if subjects else "abstained",
            labelled_at=labelled_at,
            language=DetectedLanguage(
                tag=claim.document.language, confidence=round(claim.document.language_confidence, 3)
            ),
            axes=[_topic_axis(claim, author), _region_axis(article, claim, author)],
        ),
    )


def pass_through(article: Article, labelled_at: str) -> LabelledArticle:
    """A canceled article as it goes to `news.labelled`: nothing is claimed about it."""
    block = Classification(status="abstained", labelled_at=labelled_at, language=UNKNOWN_LANGUAGE, axes=[])
    return _with(article, subjects=_publishers_subjects(article), places=article.places, classification=block)


def _with(
    article: Article, *, subjects: list[Subject], places: list[Place] | None, classification: Classification
) -> LabelledArticle:
    members = {name: getattr(article, name) for name in _MEMBERS}
    return LabelledArticle(**members, subjects=subjects or None, places=places or None, classification=classification)


_MEMBERS = [
    field.name
    for field in msgspec.structs.fields(LabelledArticle)
    if field.name not in ("subjects", "places", "classification")
]


def _publishers_subjects(article: Article) -> list[Subject]:
    return [s for s in article.subjects or () if not (s.creator or "").startswith(MODEL_PREFIX)]


def _subjects(verdict: Verdict, author: Author) -> list[Subject]:
    """At most MAX_TOPICS. `relevance` tells them apart: 100 for the main one, else its share of that score."""
    if verdict.decision is not Decision.ASSIGNED:
        return []
    accepted = verdict.labels[: wire.MAX_TOPICS]
    creator = author.creator
    return [
        Subject(
            name=_english(author.labels.topics, score.code),
            rel="about",
            uri=TOPIC_URI + score.code,
            literal=TOPIC_PREFIX + score.code,
            creator=creator,
            relevance=min(round(100 * score.probability / max(accepted[0].probability, 1e-9)), 100),
            confidence=round(100 * score.probability),
        )
        for score in accepted
    ]


def _places(article: Article, verdict: Verdict, author: Author) -> list[Place] | None:
    """Ours first. Where the publisher gave the same place it is not repeated: its own moves to ours in the order."""
    if verdict.decision is not Decision.ASSIGNED:
        return article.places
    theirs = list(article.places or ())
    ours = []
    for score in verdict.labels[: wire.MAX_COUNTRIES]:
        literal = COUNTRY_PREFIX + score.code
        same = next((p for p in theirs if p.literal == literal and p.rel == "about"), None)
        if same is not None:
            theirs.remove(same)
        name = _english(author.labels.countries, score.code)
        ours.append(same if same is not None else Place(name=name, rel="about", literal=literal))
    return ours + theirs


def _topic_axis(claim: Claim, author: Author) -> Axis:
    return _axis("topic", claim.topics, author, claim.topic_words, claim.topics.scores)


def _region_axis(article: Article, claim: Claim, author: Author) -> Axis:
    """A country that the publisher names and the model considered but refused is left out of the scores.

    LabelledArticle.countries takes the places whose code stands among the scores for ours: it would take that one too.
    """
    named = {p.literal for p in article.places or ()}
    scores = (
        [s for s in claim.regions.scores if COUNTRY_PREFIX + s.code not in named] if named else claim.regions.scores
    )
    return _axis("region", claim.regions, author, claim.region_words, scores)


def _axis(axis: str, verdict: Verdict, author: Author, words: Sequence[Word], scores: Sequence[Score]) -> Axis:
    accepted = verdict.labels[: wire.MAX_TOPICS if axis == "topic" else wire.MAX_COUNTRIES]
    codes = {s.code for s in accepted}
    considered = [*accepted, *(s for s in scores if s.code not in codes)][: max(MAX_SCORES, len(accepted))]
    return Axis(
        axis=axis,  # type: ignore[arg-type]
        model=Model(name=author.name, version=author.version),
        decision=verdict.decision.value,
        abstain_reason=verdict.reason.value if verdict.reason else None,
        threshold=round(verdict.threshold, 4),
        tier=verdict.tier,
        scores=[
            LabelScore(code=s.code, score=round(s.probability, 4), method=s.method if s.method != "text" else None)
            for s in considered
        ],
        explanation=[Evidence(code=w.code, word=w.word, weight=round(w.weight, 4)) for w in words] or None,
    )


def _english(table: object, code: str) -> str | None:
    label = table.get(code)  # type: ignore[attr-defined]
    return label.names.get("en") if label else None
