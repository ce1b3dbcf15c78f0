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
    encode,
)
from streams.ninjs import Wire

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


class Addition(Wire, frozen=True, kw_only=True):
    """The members that labelling gives to an article; subjects and places are the publisher's own too."""

    subjects: list[Subject] | None = None
    places: list[Place] | None = None
    classification: Classification


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
    return _with(article, addition(article, claim, author, labelled_at))


def pass_through(article: Article, labelled_at: str) -> LabelledArticle:
    """A canceled article as it goes to `news.labelled`: nothing is claimed about it."""
    return _with(article, no_claim(article, labelled_at))


def addition(article: Article, claim: Claim, author: Author, labelled_at: str) -> Addition:
    """What `label_article` adds."""
    subjects = _subjects(claim.topics, author)
    language = DetectedLanguage(tag=claim.document.language, confidence=round(claim.document.language_confidence, 3))
    return Addition(
        subjects=[*subjects, *_publishers_subjects(article)] or None,
        places=_places(article, claim.regions, author) or None,
        classification=Classification(
            status="labelled" if subjects else "abstained",
            labelled_at=labelled_at,
            language=language,
            axes=[_topic_axis(claim, author), _region_axis(article, claim, author)],
        ),
    )


def no_claim(article: Article, labelled_at: str) -> Addition:
    """What `pass_through` adds."""
    block = Classification(status="abstained", labelled_at=labelled_at, language=UNKNOWN_LANGUAGE, axes=[])
    return Addition(subjects=_publishers_subjects(article) or None, places=article.places, classification=block)


def attach(value: bytes, article: Article, added: Addition) -> bytes:
    """The JSON of a labelled article from that of the article: what is added is encoded, the rest stays as it came.

    `value` must decode to `article`. Where the publisher gave subjects or places of its own, all is encoded anew.
    Raises InvalidError as streams.articles.encode does.
    """
    if article.subjects is not None or article.places is not None:
        return encode(_with(article, added))
    return b"".join((memoryview(value.rstrip())[:-1], b",", memoryview(_encoder.encode(added))[1:]))


_encoder = msgspec.json.Encoder()


def _with(article: Article, added: Addition) -> LabelledArticle:
    members = {name: getattr(article, name) for name in _MEMBERS}
    return LabelledArticle(**members, subjects=added.subjects, places=added.places, classification=added.classification)


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


def _subjects(verdict: Verdict, author: Author) -> list[Subject]:
    """`relevance` tells them apart: 100 for the main one, else its share of that score."""
    accepted = accepted_topics(verdict)
    if not accepted:
        return []
    share = 100 / max(accepted[0].probability, 1e-9)
    return [author.subject(code, min(round(share * p), 100), round(100 * p)) for code, p, _ in accepted]


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


def _axis(
    axis: Literal["topic", "region"],
    verdict: Verdict,
    author: Author,
    words: Sequence[Word],
    accepted: tuple[Score, ...],
) -> Axis:
    considered = list(accepted)
    if verdict.scores != accepted:
        codes = [s.code for s in accepted]
        considered += [s for s in verdict.scores if s.code not in codes][: MAX_SCORES - len(accepted)]
    return Axis(
        axis=axis,
        model=author.model,
        decision=verdict.decision.value,
        abstain_reason=verdict.reason.value if verdict.reason else None,
        threshold=round(verdict.threshold, 4),
        tier=verdict.tier,
        scores=[
            LabelScore(code=code, score=round(p, 4), method=None if method == "text" else method)
            for code, p, method in considered
        ],
        explanation=[Evidence(code=w.code, word=w.word, weight=round(w.weight, 4)) for w in words] if words else None,
    )
