"""The region classifier: which countries a document is about, most important first, at most four.

Forms of the gazetteer make candidates (document, country); a boosted tree ensemble gives each its probability, a second
one orders those that pass. It reads names, never wording, so it carries to outlets it has not seen.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from classifiers.contract import AbstainReason, Decision, Evidence, Score, Verdict
from classifiers.gazetteer import Matcher, read_table
from classifiers.region_features import FEATURES, Candidates, Hits, Places, candidates, find
from classifiers.region_trees import Ensemble, Nodes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from classifiers.contract import Document
    from classifiers.gazetteer import FormTable

MODEL_FILE = "regions.npz"
FORMS_FILE = "regions.forms.tsv"
MOST_COUNTRIES = 4
THRESHOLD = 0.45  # .35, .45 and .55 differ by .003 in F1; lower ones trade precision for recall
_SCORES = 5
_EVIDENCE = 10


class Model(NamedTuple):
    """What training leaves: the trees, what each form is worth, and the calibration of the scores."""

    accept: Ensemble
    order: Ensemble
    reliability: NDArray[np.float64]  # P(country | form), by form number
    raw: NDArray[np.float64]  # calibration: scores, increasing, and the probability at each
    probability: NDArray[np.float64]
    digest: str


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def save_model(
    directory: Path, trees: Mapping[str, tuple[Nodes, float]], arrays: Mapping[str, NDArray[np.float64]]
) -> None:
    """Write MODEL_FILE beside the FORMS_FILE that is already there. `trees`: accept, order; `arrays`: as in `Model`."""
    content: dict[str, NDArray[Any]] = dict(arrays)
    for name, (nodes, baseline) in trees.items():
        columns: dict[str, NDArray[Any]] = nodes._asdict()
        content |= {f"{name}_{field}": column for field, column in columns.items()}
        content[f"{name}_baseline"] = np.array(baseline)
    content["features"] = np.array(FEATURES)
    content["forms_sha256"] = np.array(digest_of(directory / FORMS_FILE))
    np.savez_compressed(directory / MODEL_FILE, allow_pickle=False, **content)


def load_regions(directory: Path) -> Regions:
    """Load the region classifier of an artefact. Reads no pickle.

    Raises OSError where a file is missing, ValueError where the files are damaged or do not belong together.
    """
    path, forms = directory / MODEL_FILE, directory / FORMS_FILE
    table = read_table(forms)
    with np.load(path, allow_pickle=False) as stored:
        try:
            if str(stored["forms_sha256"]) != digest_of(forms):
                raise ValueError(f"{forms} is not the form table {path} was trained with: train the regions again")
            if tuple(stored["features"].tolist()) != FEATURES:
                raise ValueError(f"{path} was trained by another version of this program: train the regions again")
            accept, order = (
                Ensemble(
                    Nodes(*(stored[f"{name}_{field}"] for field in Nodes._fields)), float(stored[f"{name}_baseline"])
                )
                for name in ("accept", "order")
            )
            model = Model(
                accept, order, stored["reliability"], stored["raw"], stored["probability"], digest_of(path)[:8]
            )
        except KeyError as error:
            raise ValueError(f"{path} lacks {error}: train the regions again") from error
    if len(model.reliability) != len(table.keys):
        raise ValueError(f"{path} knows {len(model.reliability)} forms, {forms} has {len(table.keys)}")
    return Regions(table, model)


class Regions:
    """A `classifiers.contract.Classifier` for countries. Thread-safe; its memory is bounded by the matchers' memos."""

    name = "newswire-regions"

    def __init__(self, table: FormTable, model: Model) -> None:
        self.version = model.digest
        self.threshold = THRESHOLD
        self._model = model
        self._table = table
        self._places = Places.of(table)
        self._numbers = {code: number for number, code in enumerate(self._places.codes)}
        self._matchers = {language: Matcher(table, language) for language in table.languages}

    def classify(self, documents: Sequence[Document]) -> list[Verdict]:
        """One verdict a document. Abstains on documents without a word and in languages without forms."""
        if not documents:
            return []
        homes = np.array([self._numbers.get(document.item.home or "", -1) for document in documents], np.int64)
        found, probability, importance = self._predict(find(self._matchers, documents), homes)
        bounds = np.searchsorted(found.document, np.arange(len(documents) + 1)).tolist()
        country, has_hits = found.country.tolist(), found.has_hits.tolist()
        scores = [
            Score(self._places.codes[c], p, "text" if hit else "source-prior")
            for c, p, hit in zip(country, probability.tolist(), has_hits, strict=True)
        ]
        main = importance.tolist()
        return [
            self._verdict(document, scores[start:end], main[start:end])
            for document, start, end in zip(documents, bounds[:-1], bounds[1:], strict=True)
        ]

    def _predict(
        self, hits: Hits, homes: NDArray[np.int64]
    ) -> tuple[Candidates, NDArray[np.float64], NDArray[np.float64]]:
        """Candidates, the calibrated probability of each, and how much speaks for its being the main country."""
        found = candidates(hits, self._places, self._model.reliability[hits.form], homes)
        probability = np.interp(self._model.accept.score(found.features), self._model.raw, self._model.probability)
        importance = np.full(len(probability), -np.inf)
        passed = np.flatnonzero(probability >= self.threshold)
        importance[passed] = self._model.order.score(found.features[:, passed])
        return found, probability, importance

    def _verdict(self, document: Document, scores: list[Score], main: list[float]) -> Verdict:
        if document.language not in self._matchers:
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
        hits = find(self._matchers, [document])
        forms = sorted(set(hits.form.tolist()))
        if not forms:
            return []
        # One copy of the document a form, each lacking that form, after the whole one.
        kept = [np.ones(len(hits.form), np.bool_), *(hits.form != form for form in forms)]
        copies = Hits(
            np.repeat(np.arange(len(kept)), [int(mask.sum()) for mask in kept]),
            np.concatenate([hits.form[mask] for mask in kept]),
            np.concatenate([hits.position[mask] for mask in kept]),
            np.repeat(hits.title_words, len(kept)),
            np.repeat(hits.words, len(kept)),
        )
        home = self._numbers.get(document.item.home or "", -1)
        found, probability, _ = self._predict(copies, np.full(len(kept), home, np.int64))
        by_copy = {
            (int(d), int(c)): float(p) for d, c, p in zip(found.document, found.country, probability, strict=True)
        }
        evidence: list[Evidence] = []
        for label in verdict.labels:
            number = self._numbers[label.code]
            whole = by_copy.get((0, number), 0.0)
            spoken = [
                Evidence(label.code, self._as_written(document, hits, form), whole - by_copy.get((copy, number), 0.0))
                for copy, form in enumerate(forms, start=1)
            ]
            spoken = [word for word in spoken if abs(word.weight) >= 0.001]
            evidence += sorted(spoken, key=lambda word: -abs(word.weight))[:_EVIDENCE]
        return evidence

    def _as_written(self, document: Document, hits: Hits, form: int) -> str:
        position = int(hits.position[hits.form == form][0])
        tokens = document.title_tokens + document.text_tokens
        if document.language == "zh":
            return self._table.keys[form]
        return " ".join(tokens[position : position + len(self._table.keys[form].split(" "))])
