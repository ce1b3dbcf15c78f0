"""The articles of the wire: the profile of ninjs 3.1 that is taken in, and what the labels add to it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from streams.ninjs import URI_PATTERN, Body, Headline, InfoSource, Item, NewsType, Timestamp, Wire

# the uri is also the record's key and a header: 2,048 characters are more than any browser's address bar takes
MAX_URI = 2048
ItemUri = Annotated[str, msgspec.Meta(min_length=3, max_length=MAX_URI, pattern=URI_PATTERN)]
Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]

COUNTRY_PREFIX = "iso3166-1a2:"
TOPIC_PREFIX = "medtop:"
MODEL_PREFIX = "urn:newswire:model:"


class Article(Item, frozen=True, kw_only=True):
    """A news item as published on `news.articles`."""

    uri: ItemUri
    type: NewsType
    version_created: Timestamp
    headlines: Annotated[list[Headline], msgspec.Meta(min_length=1)]
    bodies: Annotated[list[Body], msgspec.Meta(min_length=1)]
    info_sources: Annotated[list[InfoSource], msgspec.Meta(min_length=1)]


class DetectedLanguage(Wire, frozen=True, kw_only=True):
    """BCP 47 primary tag as detected, its probability; what the publisher declared stays in the item's `language`."""

    tag: str
    confidence: Probability


class LabelScore(Wire, frozen=True, kw_only=True):
    """One label that the model considered: `code` as in the label table, calibrated probability, how it was reached."""

    code: str
    score: Probability
    method: str | None = None


class Evidence(Wire, frozen=True, kw_only=True):
    """A word that spoke for (or, negative, against) a label."""

    code: str
    word: str
    weight: float


class Model(Wire, frozen=True, kw_only=True):
    """Who made the claim."""

    name: str
    version: str


class Axis(Wire, frozen=True, kw_only=True):
    """The claim on one axis: decision, its threshold and the best few scores."""

    axis: Literal["topic", "region"]
    model: Model
    decision: Literal["assigned", "none", "abstained"]
    abstain_reason: Literal["too_short", "not_news", "unsupported_language", "low_confidence"] | None = None
    threshold: Probability
    tier: str | None = None
    scores: list[LabelScore] = msgspec.field(default_factory=list)
    explanation: list[Evidence] | None = None


class Classification(Wire, frozen=True, kw_only=True):
    """What we say of the item. `labelled` = it has at least one topic; `abstained` = none, its countries may stand."""

    status: Literal["labelled", "abstained"]
    labelled_at: Timestamp
    language: DetectedLanguage
    axes: list[Axis]


class LabelledArticle(Article, frozen=True, kw_only=True):
    """An article with its labels, as published on `news.labelled` and the label streams."""

    classification: Classification

    @property
    def topics(self) -> list[str]:
        """Codes of our topics, main first."""
        return [
            (s.literal or "").removeprefix(TOPIC_PREFIX)
            for s in self.subjects or ()
            if (s.creator or "").startswith(MODEL_PREFIX)
        ]

    @property
    def countries(self) -> list[str]:
        """ISO 3166-1 alpha-2 codes of the countries that we assigned, most important first."""
        axis = next((a for a in self.classification.axes if a.axis == "region"), None)
        ours = {s.code for s in axis.scores} if axis and axis.decision == "assigned" else set()
        codes = [(p.literal or "").removeprefix(COUNTRY_PREFIX) for p in self.places or () if p.rel == "about"]
        return list(dict.fromkeys(c for c in codes if c in ours))  # a publisher may name a place twice
