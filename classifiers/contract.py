"""What a classifier reads and what it answers: plain values, no framework, no clock, no network."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Item(NamedTuple):
    """One news item as its publisher wrote it."""

    title: str
    text: str
    declared_language: str | None = None  # BCP 47, as the publisher says; kept beside the detected one, never trusted
    home: str | None = None  # ISO 3166-1 alpha-2 of the publisher's country, where its feed says so


class Codes(NamedTuple):
    """The words of one document as `classifiers.words` has looked them up, title and text apart."""

    words: object  # the `Words` whose codes they are; another model's must not be read
    title: bytes
    text: bytes


@dataclass(slots=True, frozen=True)
class Document:
    """An item made ready once for every classifier: its language and its words as they stand in the text.

    `title_tokens` and `text_tokens` are surface forms (not folded, not lower-cased), at most 300 of the text.
    """

    item: Item
    language: str  # BCP 47 primary tag of the detected language; "und" where nothing could be read
    language_confidence: float  # 0..1
    title_tokens: list[str]
    text_tokens: list[str]
    codes: Codes | None = field(default=None, compare=False, repr=False)  # the words, looked up for all classifiers
    vector: bytes = field(default=b"", repr=False)  # what the encoder read (`Verdict.vector`); empty: it was not asked
    wording: tuple[float, ...] = field(default=(), repr=False)  # `Verdict.wording`; empty: nobody said


class Decision(StrEnum):
    """What became of an axis: labels, the certain answer that there is none, or no answer."""

    ASSIGNED = "assigned"
    NONE = "none"  # regions only: the item is about no particular place, which is an answer
    ABSTAINED = "abstained"


class AbstainReason(StrEnum):
    """Why a classifier gave no answer; a closed list, used as a metric label."""

    TOO_SHORT = "too_short"
    NOT_NEWS = "not_news"
    UNSUPPORTED_LANGUAGE = "unsupported_language"
    LOW_CONFIDENCE = "low_confidence"


class Score(NamedTuple):
    """A label and the calibrated probability that an editor would give it to the item."""

    code: str  # a topic's code ("11000000") or ISO 3166-1 alpha-2
    probability: float  # 0..1
    method: str = "text"  # regions: "source-prior" where nothing but the feed's country speaks for it


class Verdict(NamedTuple):
    """The answer of one classifier for one document."""

    decision: Decision
    labels: tuple[Score, ...]  # accepted, most important first; empty unless assigned
    scores: tuple[Score, ...]  # the best few, accepted or not, by probability
    threshold: float  # least probability at which a label is accepted
    reason: AbstainReason | None = None  # given if and only if abstained
    tier: str = "linear"  # which tier decided
    vector: bytes = (
        b""  # the numbers (float32) that an encoder made of the document, for the classifiers after this one
    )
    wording: tuple[float, ...] = ()  # for those too: what its words say of its countries (`wording.WORDING_FEATURES`)


def passed_on(documents: Sequence[Document], verdicts: Sequence[Verdict]) -> list[Document]:
    """Documents for the next classifier, with what was read of each for this one's verdict."""
    return [
        replace(document, vector=verdict.vector, wording=verdict.wording)
        if verdict.vector or verdict.wording
        else document
        for document, verdict in zip(documents, verdicts, strict=True)
    ]


class Evidence(NamedTuple):
    """One word or place that spoke for a label."""

    code: str  # the label
    word: str  # as it stands in the text
    weight: float  # its share in the label's score; negative speaks against


class Classifier(Protocol):
    """One axis. `classify` is pure: a document gives the same verdict whatever stands beside it in the batch."""

    name: str
    version: str

    def classify(self, documents: Sequence[Document]) -> list[Verdict]:
        """One verdict a document, in order. Raises only on a bug."""
        ...

    def explain(self, document: Document, verdict: Verdict) -> list[Evidence]:
        """The words that carried each label of `verdict`, strongest first, at most ten a label."""
        ...
