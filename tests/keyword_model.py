"""A small real model for tests of the worker: labels by words, so that a test can say what every item must become.

sport, economy, health      topics          yemen, germany      countries
poison-prepare, poison-topics, poison-regions      an item on which that classifier raises
crash                       something that is no Exception: the process is broken
stuck                       classifying does not return
slow                        classifying takes a quarter of a second
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from classifiers.contract import AbstainReason, Decision, Document, Evidence, Item, Score, Verdict
from streams.wire import CountryLabel, Labels, RegionLabel, TopicLabel

if TYPE_CHECKING:
    from collections.abc import Sequence

TOPICS = {"sport": "15000000", "economy": "04000000", "health": "07000000"}
COUNTRIES = {"yemen": "YE", "germany": "DE"}
LABELS = Labels(
    {code: TopicLabel(code, slug, {"en": slug}) for slug, code in TOPICS.items()},
    {
        "145": RegionLabel("145", "western-asia", {"en": "Western Asia"}),
        "155": RegionLabel("155", "western-europe", {"en": "Western Europe"}),
    },
    {
        "YE": CountryLabel("YE", "145", {"en": "Yemen"}),
        "DE": CountryLabel("DE", "155", {"en": "Germany"}),
    },
)


class CrashError(BaseException):
    """No Exception: a classifier that is broken itself, not by an item."""


class Keywords:
    """One axis: a label for each of its words that stands in the text, in the order of the text."""

    def __init__(
        self, name: str, codes: dict[str, str], otherwise: Decision, burn: float = 0.0, version: str = "1"
    ) -> None:
        self.name = name
        self.version = version
        self._codes = codes
        self._otherwise = otherwise
        self._burn = burn
        self.calls: list[int] = []  # sizes of the batches that it was asked for

    def classify(self, documents: Sequence[Document]) -> list[Verdict]:
        self.calls.append(len(documents))
        return [self._verdict(document) for document in documents]

    def explain(self, document: Document, verdict: Verdict) -> list[Evidence]:
        words = {code: word for word, code in self._codes.items()}
        return [Evidence(score.code, words[score.code], 1.0) for score in verdict.labels]

    def _verdict(self, document: Document) -> Verdict:
        words = document.text_tokens
        if f"poison-{self.name}" in words:
            raise ValueError(f"the {self.name} classifier cannot take this item")
        if "crash" in words:
            raise CrashError("the classifier is broken")
        if "stuck" in words:
            time.sleep(3600)
        if "slow" in words:
            time.sleep(0.25)
        end = time.thread_time() + self._burn
        while time.thread_time() < end:
            pass
        found = [Score(self._codes[w], 0.9 - 0.1 * n) for n, w in enumerate(w for w in words if w in self._codes)]
        if found:
            return Verdict(Decision.ASSIGNED, tuple(found), tuple(found), 0.5, tier=f"words-{self.version}")
        reason = AbstainReason.LOW_CONFIDENCE if self._otherwise is Decision.ABSTAINED else None
        return Verdict(self._otherwise, (), (), 0.5, reason)


class KeywordModel:
    """What classifiers.model.load_model gives, by words. `burn` is CPU seconds an item."""

    name = "keywords"

    def __init__(self, burn: float = 0.0, version: str = "1") -> None:
        self.version = version
        self.topics = Keywords("topics", TOPICS, Decision.ABSTAINED, burn, version)
        self.regions = Keywords("regions", COUNTRIES, Decision.NONE, version=version)

    def prepare(self, items: Sequence[Item]) -> list[Document]:
        documents = []
        for item in items:
            words = item.text.split()
            if "poison-prepare" in words:
                raise ValueError("this item cannot be prepared")
            documents.append(Document(item, "en", 0.99, item.title.split(), words))
        return documents
