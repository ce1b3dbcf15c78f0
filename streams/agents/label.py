"""What a classifier says, written into an article: our subjects, our places and the `classification` block. Pure.

An item whose pubStatus is `canceled` is passed through and not classified (it withdraws an item, it is no news): it
counts as abstained, reason "canceled", and its block has no axis. A withheld or embargoed item is labelled like any
other; its own members say that it must wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

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
    encode,
)
from streams.ninjs import Wire

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from classifiers.contract import Document, Score, Verdict
    from classifiers.contract import Evidence as Word
    from streams.articles import Article

TOPIC_URI = "http://cv.iptc.org/newscodes/mediatopic/"
MAX_SCORES = 5  # scores kept on an axis: the accepted labels and the next best; a wire item stays small
UNKNOWN_LANGUAGE = DetectedLanguage(tag="und", confidence=0.0)


class Claim(msgspec.Struct, frozen=True, gc=False):
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

    def subjects(self, topics: tuple[Score, ...]) -> list[Subject]:
        """Topics as subjects of ours, main first: relevance is 100 for that one, else the share of its probability."""
        known, found, share = self._subjects, [], 0.0
        for code, probability, _ in topics:
            share = share or 100 / max(probability, 1e-9)
            relevance = int(share * probability + 0.5)
            key = (code, 100 if relevance > 100 else relevance, int(100 * probability + 0.5))  # noqa: FURB136  min() is slow
            found.append(known.get(key) or self._new_subject(*key))
        return found

    def _new_subject(self, code: str, relevance: int, confidence: int) -> Subject:
        label = self.labels.topics.get(code)
        made = self._subjects[code, relevance, confidence] = Subject(
            name=label.names.get("en") if label else None,
            rel="about",
            uri=TOPIC_URI + code,
            literal=TOPIC_PREFIX + code,
            creator=self.creator,
            relevance=relevance,
            confidence=confidence,
        )
        return made

    def place(self, code: str) -> Place:
        """A country as a place of ours."""
        found = self._places.get(code)
        if found is None:
            label = self.labels.countries.get(code)
            name = label.names.get("en") if label else None
            found = self._places[code] = Place(name=name, rel="about", literal=COUNTRY_PREFIX + code)
        return found


class Added(Wire, frozen=True, kw_only=True):
    """What labelling adds to an article: members of LabelledArticle."""

    subjects: list[Subject] | None = None
    places: list[Place] | None = None
    classification: Classification


def added(claim: Claim, author: Author, labelled_at: str, theirs: Collection[str | None] = ()) -> Added:
    """Our subjects and places, in the model's order, and the block. `labelled_at` is RFC 3339.

    A country of `theirs` (literals of the publisher's places) that the model considered but refused is left out of the
    scores: LabelledArticle.countries takes the places whose code stands among the scores for ours.
    """
    document, regions = claim.document, claim.regions
    topics, countries = accepted_topics(claim.topics), accepted_countries(regions)
    if theirs:
        regions = regions._replace(scores=tuple([s for s in regions.scores if COUNTRY_PREFIX + s.code not in theirs]))
    return Added(
        subjects=author.subjects(topics) or None,
        places=[author.place(code) for code, _, _ in countries] or None,
        classification=Classification(
            status="labelled" if topics else "abstained",
            labelled_at=labelled_at,
            language=DetectedLanguage(tag=document.language, confidence=thousandths(document.language_confidence)),
            axes=[
                _axis("topic", claim.topics, author.model, claim.topic_words, topics),
                _axis("region", regions, author.model, claim.region_words, countries),
            ],
        ),
    )


def label_article(article: Article, claim: Claim, author: Author, labelled_at: str) -> LabelledArticle:
    """The article with its labels. `labelled_at` is RFC 3339.

    Subjects and places of ours stand in front, in the model's order; what the publisher gave follows unchanged, but for
    subjects that an earlier run of a model left in it.
    """
    new = added(claim, author, labelled_at, {place.literal for place in article.places or ()})
    return _with(
        article,
        subjects=(new.subjects or []) + _publishers_subjects(article),
        places=_places(article, new.places or []),
        classification=new.classification,
    )


def write_labelled(value: bytes, article: Article, claim: Claim, author: Author, labelled_at: str) -> bytes:
    """As `encode(label_article(...))` of the article that `value` decodes to, at half of its CPU.

    What labelling adds is encoded, the rest stays as it came to the byte; a test holds both equal. Raises InvalidError
    as `encode` does.
    """
    if article.subjects is not None or article.places is not None:
        return encode(label_article(article, claim, author, labelled_at))
    return b"%b,%b" % (value.rstrip()[:-1], _encoder.encode(added(claim, author, labelled_at))[1:])


_encoder = msgspec.json.Encoder()


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


def _places(article: Article, ours: list[Place]) -> list[Place]:
    """Ours first. Where the publisher gave the same place it is not repeated: its own moves to ours in the order."""
    theirs = list(article.places or ())
    if not theirs:
        return ours
    for position, place in enumerate(ours):
        same = next((p for p in theirs if p.literal == place.literal and p.rel == "about"), None)
        if same is not None:
            theirs.remove(same)
            ours[position] = same
    return ours + theirs


def thousandths(probability: float) -> float:
    """A probability as it is shown: round() to digits costs five times as much, and no model knows the fourth."""
    return int(1000 * probability + 0.5) / 1000


def considered(scores: tuple[Score, ...], accepted: tuple[Score, ...]) -> tuple[Score, ...]:
    """The scores to show: those of the accepted labels, then the next best, MAX_SCORES in all."""
    if scores[: len(accepted)] == accepted:  # nearly always: both are in the order of the probability
        return scores[:MAX_SCORES]
    codes = [s.code for s in accepted]
    return (*accepted, *[s for s in scores if s.code not in codes][: MAX_SCORES - len(accepted)])


def _axis(
    axis: Literal["topic", "region"],
    verdict: Verdict,
    model: Model,
    words: Sequence[Word],
    accepted: tuple[Score, ...],
) -> Axis:
    decision, _, scores, threshold, reason, tier, _, _ = verdict
    return Axis(
        axis=axis,
        model=model,
        decision=decision._value_,  # `value` is a property in Python code, 0.4 us
        abstain_reason=reason._value_ if reason else None,
        threshold=int(10_000 * threshold + 0.5) / 10_000,
        tier=tier,
        scores=[
            LabelScore(code=code, score=int(1000 * p + 0.5) / 1000, method=None if method == "text" else method)
            for code, p, method in considered(scores, accepted)
        ],
        explanation=[Evidence(code=w.code, word=w.word, weight=round(w.weight, 4)) for w in words] if words else None,
    )
