"""The topic classifier: a linear model a language, an encoder for the items that need it; one to three topics, or none.

Which tier answers depends on the item alone, so a replay gives the same label whatever the batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifiers.abstention import reason_to_abstain
from classifiers.calibration import second_strength
from classifiers.contract import AbstainReason, Decision, Evidence, Score, Verdict
from classifiers.encoder import ENCODER_WORD, blended, route

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from classifiers.contract import Document
    from classifiers.encoder import Blend, Encoder, Quality
    from classifiers.linear import LinearModel

MOST_TOPICS = 3  # what the wire carries; of 23,674 desk items none has more
_SCORES_KEPT = 5
_DIGITS = 4
_EVIDENCE_KEPT = 10


class Rule(NamedTuple):
    """Who gave the probabilities of an item, and from where on they count."""

    tier: str
    first: float
    second: float
    vector: bytes = b""  # what the encoder read, where it was asked


_ALONE = Rule("linear", 1.0, 1.0)


class TopicClassifier:
    """Topics by one tier or two. Labels come from the model, so a model with labels of its own needs no other code.

    Args:
        version: of the model.
        codes: label of each column.
        models: the linear model of each language.
        encoder: the second tier; without it every item is answered by the first.
        quality: which items the encoder sees (`encoder.route`).

    """

    name = "newswire-topics"

    def __init__(
        self,
        version: str,
        codes: Sequence[str],
        models: Mapping[str, LinearModel],
        encoder: Encoder | None = None,
        quality: Quality = "fast",
    ) -> None:
        self.version = version
        self.codes = tuple(codes)
        self.models = dict(models)
        self.encoder = encoder
        self.quality = quality

    def classify(self, documents: Sequence[Document]) -> list[Verdict]:
        """One verdict a document, in order."""
        verdicts: list[Verdict | None] = [None] * len(documents)
        by_language: dict[str, list[int]] = {}
        for place, document in enumerate(documents):
            reason = reason_to_abstain(document, self.models)
            if reason is None:
                by_language.setdefault(document.language, []).append(place)
            else:
                verdicts[place] = _abstained(reason, ())
        for language, places in by_language.items():
            found = self._answer(language, [documents[place] for place in places])
            for place, verdict in zip(places, found, strict=True):
                verdicts[place] = verdict
        return [verdict for verdict in verdicts if verdict is not None]

    def _answer(self, language: str, documents: Sequence[Document]) -> list[Verdict]:
        model = self.models[language]
        limits = model.thresholds
        values, known, wording = model.probabilities(documents)
        legible = known >= limits.known
        rules = [Rule("linear", limits.first, limits.second)] * len(documents)
        if self.encoder is not None and self.quality != "fast":
            self._ask_encoder(self.encoder, language, documents, np.flatnonzero(legible).tolist(), values, rules)
        # Decisions are taken on the rounded numbers that are published, so that they can be checked from outside and
        # the last bit of an exponential decides nothing.
        rounded = values.round(_DIGITS)
        order = np.argsort(-rounded, axis=1, kind="stable")[:, : max(_SCORES_KEPT, MOST_TOPICS)]
        best = np.take_along_axis(rounded, order, axis=1)
        return [
            self._verdict(columns, row, rule, said) if readable else _abstained(AbstainReason.NOT_NEWS, ())
            for columns, row, rule, said, readable in zip(
                order.tolist(), best.tolist(), rules, wording, legible.tolist(), strict=True
            )
        ]

    def _ask_encoder(
        self,
        encoder: Encoder,
        language: str,
        documents: Sequence[Document],
        places: Sequence[int],
        values: NDArray[np.float64],
        rules: list[Rule],
    ) -> None:
        """Put the blend of both tiers in the place of `values` and `rules` for the items that the encoder sees."""
        mixture = encoder.numbers.languages.get(language)
        if mixture is None:
            return
        two = np.sort(values.round(_DIGITS), axis=1)[:, -2:]
        uncertain = (two[:, 1] - two[:, 0] < self.models[language].thresholds.margin).tolist()
        groups: dict[Blend, list[int]] = {}
        for place in places:
            blend = route(documents[place].item, mixture, self.quality, uncertain=uncertain[place])
            if blend is not None:
                groups.setdefault(blend, []).append(place)
        for blend, rows in groups.items():
            read = encoder.read([documents[row] for row in rows])
            values[rows] = blended(values[rows], read.logarithms, blend.linear, blend.encoder)
            tier = "blend" if blend.linear else "encoder"
            for row, vector in zip(rows, read.vectors, strict=True):
                rules[row] = Rule(tier, blend.first, blend.second, vector)

    def _verdict(
        self, columns: list[int], probabilities: list[float], rule: Rule, wording: tuple[float, ...] = ()
    ) -> Verdict:
        scores = tuple([Score(self.codes[at], p) for at, p in zip(columns, probabilities, strict=True)])
        best = scores[:_SCORES_KEPT]
        if probabilities[0] < rule.first:
            return _abstained(AbstainReason.LOW_CONFIDENCE, best, rule, wording)
        least = rule.second / second_strength(1.0, probabilities[0])  # probability of a further label of this item
        count = 1
        while count < MOST_TOPICS and count < len(scores) and probabilities[count] >= least:
            count += 1
        least = round(min(rule.first, least), _DIGITS)
        return Verdict(Decision.ASSIGNED, scores[:count], best, least, None, rule.tier, rule.vector, wording)

    def explain(self, document: Document, verdict: Verdict) -> list[Evidence]:
        """The words that carried each label of `verdict`, strongest first, at most ten a label.

        A weight is what the word adds to the label's score in the linear tier against the mean of all labels; scores
        lie about 0..1, and a negative weight speaks against the label. Where the encoder had a say, one entry named
        `ENCODER_WORD` says by how much it moved the label's probability: it reads the text as a whole.
        """
        model = self.models.get(document.language)
        if model is None:
            return []
        before = None if verdict.tier == "linear" else model.probabilities([document]).values[0]
        evidence: list[Evidence] = []
        for label in verdict.labels:
            column = self.codes.index(label.code)
            shares = model.contributions(document, column)
            if before is not None:
                shares = {**shares, ENCODER_WORD: label.probability - float(before[column])}
            strongest = sorted(shares.items(), key=lambda share: (-abs(share[1]), share[0]))[:_EVIDENCE_KEPT]
            evidence += [Evidence(label.code, word, round(weight, _DIGITS)) for word, weight in strongest]
        return evidence


def _abstained(
    reason: AbstainReason, scores: tuple[Score, ...], rule: Rule = _ALONE, wording: tuple[float, ...] = ()
) -> Verdict:
    return Verdict(Decision.ABSTAINED, (), scores, rule.first, reason, rule.tier, rule.vector, wording)
