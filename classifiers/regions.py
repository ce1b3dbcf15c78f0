"""The region classifier: which countries a document is about, most important first, at most four.

Forms of the gazetteer, and the feed's own country, make candidates (document, country). A boosted tree ensemble gives
each its probability, a second one orders those that pass. They read names, never wording: wording knows the outlets
that taught it, and gave "Police close the bridge" to the United States.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifiers.contract import AbstainReason, Decision, Evidence, Score, Verdict
from classifiers.gazetteer import Matcher
from classifiers.region_features import Candidates, Hits, Places, candidates, find, headline
from classifiers.region_files import FORMS_FILE, MODEL_FILE, RegionModel, read_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from classifiers.contract import Document

__all__ = ["FORMS_FILE", "MODEL_FILE", "MOST_COUNTRIES", "THRESHOLD", "Regions", "load_regions"]

MOST_COUNTRIES = 4
THRESHOLD = 0.4  # .35 to .45: the same F1 on held-out outlets; on sealed ones .45 gave P .94 but R .78
_SCORES = 5
_EVIDENCE = 10
_LEAST_WEIGHT = 0.001  # a word that moves a probability by less explains nothing


def load_regions(directory: Path) -> Regions:
    """Load the region classifier of an artefact. Reads no pickle.

    Raises OSError where a file is missing, ValueError where the files are damaged or do not belong together.
    """
    return Regions(read_model(directory))


class _Seen(NamedTuple):
    """What the classifier reads from documents."""

    hits: Hits
    home: NDArray[np.int64]


class Regions:
    """A `classifiers.contract.Classifier` for countries. Thread-safe; its memory is bounded by its memos."""

    name = "newswire-regions"

    def __init__(self, model: RegionModel) -> None:
        self.version = model.digest
        self.threshold = THRESHOLD
        self._model = model
        self._places = Places.of(model.table)
        self._numbers = {code: number for number, code in enumerate(self._places.codes)}
        self.matchers = {language: Matcher(model.table, language) for language in model.table.languages}

    def classify(self, documents: Sequence[Document]) -> list[Verdict]:
        """One verdict a document. Abstains on documents without a word and in languages without forms."""
        if not documents:
            return []
        found, probability, importance = self._predict(self._see(documents))
        bounds = np.searchsorted(found.document, np.arange(len(documents) + 1)).tolist()
        codes, place_methods = self._places.codes, ("source-prior", "text")
        rows = zip(found.country.tolist(), probability.tolist(), found.in_text.tolist(), strict=True)
        scores = [Score(codes[country], chance, place_methods[in_text]) for country, chance, in_text in rows]
        main = importance.tolist()
        return [
            self._verdict(document, scores[start:end], main[start:end])
            for document, start, end in zip(documents, bounds[:-1], bounds[1:], strict=True)
        ]

    def _see(self, documents: Sequence[Document]) -> _Seen:
        homes = [self._numbers.get(document.item.home or "", -1) for document in documents]
        return _Seen(find(self.matchers, documents), np.array(homes, np.int64))

    def _predict(self, seen: _Seen) -> tuple[Candidates, NDArray[np.float64], NDArray[np.float64]]:
        """Candidates, the calibrated probability of each, and how much speaks for its being the main country."""
        found = candidates(seen.hits, self._places, self._model.reliability[seen.hits.form], seen.home)
        probability = np.interp(self._model.accept.score(found.features), self._model.raw, self._model.probability)
        importance = np.full(len(probability), -np.inf)
        passed = np.flatnonzero(probability >= self.threshold)
        importance[passed] = self._model.order.score(found.features[:, passed])
        return found, probability, importance

    def _verdict(self, document: Document, scores: list[Score], main: list[float]) -> Verdict:
        if document.language not in self.matchers:
            return Verdict(Decision.ABSTAINED, (), (), self.threshold, AbstainReason.UNSUPPORTED_LANGUAGE)
        if not document.title_tokens and not document.text_tokens:
            return Verdict(Decision.ABSTAINED, (), (), self.threshold, AbstainReason.TOO_SHORT)
        best = sorted(range(len(scores)), key=lambda index: -scores[index].probability)
        accepted = [index for index in best[:MOST_COUNTRIES] if scores[index].probability >= self.threshold]
        labels = tuple(scores[index] for index in sorted(accepted, key=lambda index: -main[index]))
        decision = Decision.ASSIGNED if labels else Decision.NONE
        return Verdict(decision, labels, tuple(scores[index] for index in best[:_SCORES]), self.threshold)

    def explain(self, document: Document, verdict: Verdict) -> list[Evidence]:
        """The forms that carried each label: by how much its probability falls when the form is not there.

        A country that came only through its feed's country has no evidence in the text.
        """
        whole = self._see([document])
        numbers = [self._numbers[label.code] for label in verdict.labels]
        forms = sorted(set(whole.hits.form.tolist()))
        named = {self._as_written(document, whole.hits, form): form for form in forms}
        # One copy of the document a form, each lacking it, after the whole one.
        kept = [whole.hits.form != form for form in (-1, *named.values())]
        copies = Hits(
            np.repeat(np.arange(len(kept)), [int(mask.sum()) for mask in kept]),
            np.concatenate([whole.hits.form[mask] for mask in kept]),
            np.concatenate([whole.hits.position[mask] for mask in kept]),
            np.repeat(whole.hits.title_words, len(kept)),
            np.repeat(whole.hits.words, len(kept)),
        )
        found, probability, _ = self._predict(_Seen(copies, np.repeat(whole.home, len(kept))))
        rows = zip(found.document.tolist(), found.country.tolist(), probability.tolist(), strict=True)
        chance = {(copy, country): value for copy, country, value in rows}
        evidence: list[Evidence] = []
        for label, number in zip(verdict.labels, numbers, strict=True):
            full = chance.get((0, number), 0.0)
            fall = [full - chance.get((copy, number), 0.0) for copy in range(1, len(kept))]
            words = [Evidence(label.code, word, weight) for word, weight in zip(named, fall, strict=True)]
            heavy = [word for word in words if abs(word.weight) >= _LEAST_WEIGHT]
            evidence += sorted(heavy, key=lambda word: -abs(word.weight))[:_EVIDENCE]
        return evidence

    def _as_written(self, document: Document, hits: Hits, form: int) -> str:
        key = self._model.table.keys[form]
        if document.language == "zh":
            return key
        position = int(hits.position[hits.form == form][0])
        tokens = headline(document) + document.text_tokens
        return " ".join(tokens[position : position + len(key.split(" "))])
