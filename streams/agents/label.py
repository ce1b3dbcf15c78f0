"""What a classifier says, written into an article: our subjects, our places and the `classification` block. Pure.

An item whose pubStatus is `canceled` is passed through and not classified (it withdraws an item, it is no news): it
counts as abstained, reason "canceled", and its block has no axis. A withheld or embargoed item is labelled like any
other; its own members say that it must wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

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


class Author:
    """Who makes the claims: the model, and the names that it gives its labels."""

    def __init__(self, name: str, version: str, labels: wire.Labels) -> None:
        self.labels = labels
        self.model = Model(name=name, version=version)
        self.creator = f"{MODEL_PREFIX}{name}:{version}"
        # structs are frozen: the same label with the same confidence is made once. Codes times two percentages: bounded
        self._subjects: dict[tuple[str, int, int], Subject] = {}
        self._places: dict[str, Place] = {}

    def subject(self, code: str, relevance: int, confidence: int) -> Subject:
        """A topic as a subject of ours."""
        found = self._subjects.get((code, relevance, confidence))
        if found is None:
            label = self.labels.topics.get(code)
            found = self._subjects[code, relevance, confidence] = Subject(
                name=label.names.get("en") if label else None,
                rel="about",
                uri=TOPIC_URI + code,
                literal=TOPIC_PREFIX + code,
                creator=self.creator,
                relevance=relevance,
                confidence=confidence,
            )
        return found

    def percentages(self, topics: tuple[Score, ...]) -> list[tuple[str, int, int]]:
        """Code, relevance and confidence of each topic: relevance is 100 for the main one, else its share of that."""
        found, share = [], 0.0
        for code, probability, _ in topics:
            share = share or 100 / max(probability, 1e-9)
            relevance = int(share * probability + 0.5)
            found.append((code, 100 if relevance > 100 else relevance, int(100 * probability + 0.5)))  # noqa: FURB136
        return found

    def place(self, code: str) -> Place:
        """A country as a place of ours."""
        found = self._places.get(code)
        if found is None:
            label = self.labels.countries.get(code)
            name = label.names.get("en") if label else None
            found = self._places[code] = Place(name=name, rel="about", literal=COUNTRY_PREFIX + code)
        return found


def label_article(article: Article, claim: Claim, author: Author, labelled_at: str) -> LabelledArticle:
    """The article with its labels. `labelled_at` is RFC 3339.

    Subjects and places of ours stand in front, in the model's order; what the publisher gave follows unchanged, but for
    subjects that an earlier run of a model left in it.
    """
    topics = accepted_topics(claim.topics)
    language = DetectedLanguage(
        tag=claim.document.language, confidence=thousandths(claim.document.language_confidence) / 1000
    )
    return _with(
        article,
        subjects=[author.subject(*key) for key in author.percentages(topics)] + _publishers_subjects(article),
        places=_places(article, claim.regions, author),
        classification=Classification(
            status="labelled" if topics else "abstained",
            labelled_at=labelled_at,
            language=language,
            axes=[_topic_axis(claim, author), _region_axis(article, claim, author)],
        ),
    )


def pass_through(article: Article, labelled_at: str) -> LabelledArticle:
    """A canceled article as it goes to `news.labelled`: nothing is claimed about it."""
    block = Classification(status="abstained", labelled_at=labelled_at, language=UNKNOWN_LANGUAGE, axes=[])
    return _with(
        article, subjects=_publishers_subjects(article), places=list(article.places or ()), classification=block
    )


def _with(
    article: Article, *, subjects: list[Subject], places: list[Place], classification: Classification
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


def accepted_topics(verdict: Verdict) -> tuple[Score, ...]:
    """The topics that an item gets, main first: at most MAX_TOPICS."""
    return verdict.labels[: wire.MAX_TOPICS] if verdict.decision is Decision.ASSIGNED else ()


def accepted_countries(verdict: Verdict) -> tuple[Score, ...]:
    """The countries that an item gets, most important first: at most MAX_COUNTRIES."""
    return verdict.labels[: wire.MAX_COUNTRIES] if verdict.decision is Decision.ASSIGNED else ()


def _places(article: Article, verdict: Verdict, author: Author) -> list[Place]:
    """Ours first. Where the publisher gave the same place it is not repeated: its own moves to ours in the order."""
    ours = [author.place(score.code) for score in accepted_countries(verdict)]
    theirs = list(article.places or ())
    if not theirs:
        return ours
    for position, place in enumerate(ours):
        same = next((p for p in theirs if p.literal == place.literal and p.rel == "about"), None)
        if same is not None:
            theirs.remove(same)
            ours[position] = same
    return ours + theirs


def _topic_axis(claim: Claim, author: Author) -> Axis:
    return _axis("topic", claim.topics, author, claim.topic_words, accepted_topics(claim.topics))


def _region_axis(article: Article, claim: Claim, author: Author) -> Axis:
    """A country that the publisher names and the model considered but refused is left out of the scores.

    LabelledArticle.countries takes the places whose code stands among the scores for ours: it would take that one too.
    """
    verdict, accepted = claim.regions, accepted_countries(claim.regions)
    if article.places:
        named = {p.literal for p in article.places}
        scores = tuple(s for s in verdict.scores if COUNTRY_PREFIX + s.code not in named)
        verdict = verdict._replace(scores=scores)
    return _axis("region", verdict, author, claim.region_words, accepted)


def thousandths(probability: float) -> int:
    """A probability as it is shown: round() to digits costs ten times as much, and no model knows the fourth."""
    return int(1000 * probability + 0.5)


def considered(scores: tuple[Score, ...], accepted: tuple[Score, ...]) -> tuple[Score, ...]:
    """The scores to show: those of the accepted labels, then the next best, MAX_SCORES in all."""
    if scores == accepted:
        return accepted
    codes = [s.code for s in accepted]
    return (*accepted, *[s for s in scores if s.code not in codes][: MAX_SCORES - len(accepted)])


def _axis(
    axis: Literal["topic", "region"],
    verdict: Verdict,
    author: Author,
    words: Sequence[Word],
    accepted: tuple[Score, ...],
) -> Axis:
    return Axis(
        axis=axis,
        model=author.model,
        decision=verdict.decision.value,
        abstain_reason=verdict.reason.value if verdict.reason else None,
        threshold=round(verdict.threshold, 4),
        tier=verdict.tier,
        scores=[
            LabelScore(code=code, score=thousandths(p) / 1000, method=None if method == "text" else method)
            for code, p, method in considered(verdict.scores, accepted)
        ],
        explanation=[Evidence(code=w.code, word=w.word, weight=round(w.weight, 4)) for w in words] if words else None,
    )
