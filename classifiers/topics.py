"""The topic classifier: one linear model a language, calibrated probabilities, one to three topics or an abstention."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classifiers.abstention import reason_to_abstain
from classifiers.contract import AbstainReason, Decision, Evidence, Score, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from classifiers.contract import Document
    from classifiers.linear import LinearModel

MOST_TOPICS = 3  # what the wire carries; of 23,674 desk items none has more
_SCORES_KEPT = 5
_DIGITS = 4
_EVIDENCE_KEPT = 10


class TopicClassifier:
    """Topics by the linear tier. Labels come from the model, so a model with labels of its own needs no other code."""

    name = "newswire-topics"

    def __init__(self, version: str, codes: Sequence[str], models: Mapping[str, LinearModel]) -> None:
        self.version = version
        self.codes = tuple(codes)
        self.models = dict(models)

    def classify(self, documents: Sequence[Document]) -> list[Verdict]:
        """One verdict a document, in order."""
        verdicts: list[Verdict | None] = [None] * len(documents)
        by_language: dict[str, list[int]] = {}
        for place, document in enumerate(documents):
            reason = reason_to_abstain(document, self.models)
            if reason is None:
                by_language.setdefault(document.language, []).append(place)
            else:
                verdicts[place] = _abstained(reason, (), 1.0)
        for language, places in by_language.items():
            found = self._linear(language, [documents[place] for place in places])
            for place, verdict in zip(places, found, strict=True):
                verdicts[place] = verdict
        return [verdict for verdict in verdicts if verdict is not None]

    def _linear(self, language: str, documents: Sequence[Document]) -> list[Verdict]:
        model = self.models[language]
        values, known = model.probabilities(documents)
        # Decisions are taken on the rounded numbers that are published, so that they can be checked from outside and
        # the last bit of an exponential decides nothing.
        rounded = values.round(_DIGITS)
        order = np.argsort(-rounded, axis=1, kind="stable")[:, : max(_SCORES_KEPT, MOST_TOPICS)]
        best = np.take_along_axis(rounded, order, axis=1)
        legible = (known >= model.thresholds.known).tolist()
        return [
            self._verdict(columns, row, model) if readable else _abstained(AbstainReason.NOT_NEWS, (), 1.0)
            for columns, row, readable in zip(order.tolist(), best.tolist(), legible, strict=True)
        ]

    def _verdict(self, columns: list[int], probabilities: list[float], model: LinearModel) -> Verdict:
        limits = model.thresholds
        scores = tuple([Score(self.codes[at], p) for at, p in zip(columns, probabilities, strict=True)])
        if probabilities[0] < limits.first:
            return _abstained(AbstainReason.LOW_CONFIDENCE, scores[:_SCORES_KEPT], limits.first)
        count = 1
        while count < MOST_TOPICS and count < len(scores) and probabilities[count] >= limits.second:
            count += 1
        return Verdict(Decision.ASSIGNED, scores[:count], scores[:_SCORES_KEPT], min(limits.first, limits.second))

    def explain(self, document: Document, verdict: Verdict) -> list[Evidence]:
        """The words that carried each label of `verdict`, strongest first, at most ten a label.

        A weight is what the word adds to the label's score against the mean of all labels; scores lie about 0..1, and a
        negative weight speaks against the label.
        """
        model = self.models.get(document.language)
        if model is None:
            return []
        evidence: list[Evidence] = []
        for label in verdict.labels:
            shares = model.contributions(document, self.codes.index(label.code))
            strongest = sorted(shares.items(), key=lambda share: (-abs(share[1]), share[0]))[:_EVIDENCE_KEPT]
            evidence += [Evidence(label.code, word, round(weight, _DIGITS)) for word, weight in strongest]
        return evidence


def _abstained(reason: AbstainReason, scores: tuple[Score, ...], threshold: float) -> Verdict:
    return Verdict(Decision.ABSTAINED, (), scores, threshold, reason)
