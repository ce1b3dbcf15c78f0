"""The region classifier: which countries a document is about, most important first, at most four.

Forms of the gazetteer, and the feed's own country, make candidates (document, country). A boosted tree ensemble gives
each its probability, a second one orders those that pass. They read names, and for the order the words beside them;
never other wording, which knows the outlets that taught it, and gave "Police close the bridge" to the United States.

Only how many countries a document is about may be read from all its words (`wording`), by ensembles of their own.
Documents that an encoder has read have ensembles too, which know what its vector says of countries: it read more than
the outlets that taught it (`region_reading`).
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifiers.contract import AbstainReason, Decision, Score, Verdict
from classifiers.contract import Evidence as Word
from classifiers.encoder import ENCODER_WORD
from classifiers.gazetteer import Matcher
from classifiers.region_context import context_of
from classifiers.region_features import Candidates, Evidence, Places, accepting, candidates
from classifiers.region_files import FORMS_FILE, MODEL_FILE, RegionModel, Trees, read_model
from classifiers.region_hits import Hits, find, headline
from classifiers.region_reading import Read, suggests
from classifiers.wording import WORDING_WORD

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from classifiers.contract import Document

__all__ = ["FORMS_FILE", "MODEL_FILE", "MOST_COUNTRIES", "THRESHOLD", "Regions", "load_regions"]

MOST_COUNTRIES = 4
THRESHOLD = 0.4  # .35 to .45: the same F1 on held-out outlets; on sealed ones .45 gave P .94 but R .78
# Of what is judged by its wording too: on held-out outlets .48 and .5 give F1 .8721 and .8725, and items about no place
# get none in .790 and .806.
THRESHOLD_WORDED = 0.5
# Of what an encoder has read as well, with the language as labelled: .4 and .45 give F1 .8909 and .8904, .799 and .822.
THRESHOLD_READ = 0.45
_SCORES = 5
_EVIDENCE = 10
_LEAST_WEIGHT = 0.001  # a word that moves a probability by less explains nothing


def load_regions(directory: Path, encoder: str = "") -> Regions:
    """Load the region classifier of an artefact, to go with the encoder whose graph has this SHA-256. Reads no pickle.

    Raises OSError where a file is missing, ValueError where the files are damaged or do not belong together.
    """
    return Regions(read_model(directory, encoder))


_Chances = dict[tuple[int, int], float]  # probability by (document, country)


class _Kind(Enum):
    """What is known of a document besides its names."""

    NAMED = auto()
    WORDED = auto()  # what its words say together
    READ = auto()  # and what an encoder read


class _Seen(NamedTuple):
    """What the classifier reads from documents."""

    hits: Hits
    home: NDArray[np.int64]
    read: Read | None  # None: no encoder has read them
    wording: NDArray[np.float64] | None  # None: nobody says


class _Judges(NamedTuple):
    """By what documents of one kind are judged."""

    trees: Trees
    threshold: float
    tier: str
    word: str  # stands for what they know besides names


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
        verdicts: list[Verdict | None] = [None] * len(documents)
        kinds = [self._kind(document) for document in documents]
        for one in set(kinds):
            places = [place for place, kind in enumerate(kinds) if kind is one]
            found = self._judge([documents[place] for place in places])
            for place, verdict in zip(places, found, strict=True):
                verdicts[place] = verdict
        return [verdict for verdict in verdicts if verdict is not None]

    def _kind(self, document: Document) -> _Kind:
        if self._model.worded is None or not document.wording:
            return _Kind.NAMED
        return _Kind.READ if self._model.reader is not None and document.vector else _Kind.WORDED

    def _judge(self, documents: Sequence[Document]) -> list[Verdict]:
        """Verdicts on documents of one kind."""
        seen = self._see(documents)
        judges = self._judges(seen)
        found, probability, importance = self._predict(seen, judges)
        bounds = np.searchsorted(found.document, np.arange(len(documents) + 1)).tolist()
        codes, place_methods = self._places.codes, ("source-prior", "text")
        rows = zip(found.country.tolist(), probability.tolist(), found.in_text.tolist(), strict=True)
        scores = [Score(codes[country], chance, place_methods[in_text]) for country, chance, in_text in rows]
        main = importance.tolist()
        return [
            self._verdict(document, scores[start:end], main[start:end], judges)
            for document, start, end in zip(documents, bounds[:-1], bounds[1:], strict=True)
        ]

    def _see(self, documents: Sequence[Document]) -> _Seen:
        """`documents` are of one kind."""
        homes = [self._numbers.get(document.item.home or "", -1) for document in documents]
        kind, reader, read, wording = self._kind(documents[0]), self._model.reader, None, None
        if kind is _Kind.READ and reader is not None:
            scores = reader.head.scores([document.vector for document in documents])
            read = Read(reader.head.countries, scores, suggests([document.language for document in documents]))
        if kind is not _Kind.NAMED:
            wording = np.array([document.wording for document in documents])
        return _Seen(find(self.matchers, documents), np.array(homes, np.int64), read, wording)

    def _judges(self, seen: _Seen) -> _Judges:
        model = self._model
        if seen.read is not None and model.reader is not None:
            return _Judges(model.reader.trees, THRESHOLD_READ, "blend", ENCODER_WORD)
        if seen.wording is not None and model.worded is not None:
            return _Judges(model.worded, THRESHOLD_WORDED, "linear", WORDING_WORD)
        return _Judges(model.trees, self.threshold, "linear", "")

    def _predict(self, seen: _Seen, judges: _Judges) -> tuple[Candidates, NDArray[np.float64], NDArray[np.float64]]:
        """Candidates, the calibrated probability of each, and how much speaks for its being the main country."""
        evidence = Evidence(self._model.reliability[seen.hits.form], context_of(seen.hits, self._model.context))
        found = candidates(seen.hits, self._places, evidence, seen.home, seen.read, seen.wording)
        trees = judges.trees
        probability = np.interp(trees.accept.score(accepting(found.features)), trees.raw, trees.probability)
        importance = np.full(len(probability), -np.inf)
        passed = np.flatnonzero(probability >= judges.threshold)
        importance[passed] = trees.order.score(found.features[:, passed])
        return found, probability, importance

    def _verdict(self, document: Document, scores: list[Score], main: list[float], judges: _Judges) -> Verdict:
        threshold = judges.threshold
        if document.language not in self.matchers:
            return Verdict(Decision.ABSTAINED, (), (), threshold, AbstainReason.UNSUPPORTED_LANGUAGE)
        if not document.title_tokens and not document.text_tokens:
            return Verdict(Decision.ABSTAINED, (), (), threshold, AbstainReason.TOO_SHORT)
        best = sorted(range(len(scores)), key=lambda index: -scores[index].probability)
        accepted = [index for index in best[:MOST_COUNTRIES] if scores[index].probability >= threshold]
        labels = tuple(scores[index] for index in sorted(accepted, key=lambda index: -main[index]))
        decision = Decision.ASSIGNED if labels else Decision.NONE
        return Verdict(decision, labels, tuple(scores[index] for index in best[:_SCORES]), threshold, tier=judges.tier)

    def explain(self, document: Document, verdict: Verdict) -> list[Word]:
        """The forms that carried each label: by how much its probability falls when the form is not there.

        `WORDING_WORD` says by how much all the words together moved that, `ENCODER_WORD` what an encoder read.
        A country that came only through its feed's country has no evidence in the text.
        """
        whole = self._see([document])
        forms = sorted(set(whole.hits.form.tolist()))
        named = {self._as_written(document, whole.hits, form): form for form in forms}
        chance = self._chances(_without(whole, list(named.values())))
        beyond_names = self._beyond_names(whole)
        evidence: list[Word] = []
        for label in verdict.labels:
            number = self._numbers[label.code]
            full = chance.get((0, number), 0.0)
            words = [
                Word(label.code, word, full - chance.get((copy, number), 0.0)) for copy, word in enumerate(named, 1)
            ]
            words += [
                Word(label.code, word, after.get((0, number), 0.0) - before.get((0, number), 0.0))
                for word, after, before in beyond_names
            ]
            heavy = [word for word in words if abs(word.weight) >= _LEAST_WEIGHT]
            evidence += sorted(heavy, key=lambda word: -abs(word.weight))[:_EVIDENCE]
        return evidence

    def _beyond_names(self, whole: _Seen) -> list[tuple[str, _Chances, _Chances]]:
        """What is known of a document besides its names, and its chances with and without that."""
        stages = [whole]
        if whole.read is not None:
            stages.append(stages[-1]._replace(read=None))
        if whole.wording is not None:
            stages.append(stages[-1]._replace(wording=None))
        chances = [self._chances(stage) for stage in stages]
        words = [self._judges(stage).word for stage in stages[:-1]]
        return list(zip(words, chances[:-1], chances[1:], strict=True))

    def _chances(self, seen: _Seen) -> _Chances:
        """Probability by (document, country)."""
        found, probability, _ = self._predict(seen, self._judges(seen))
        rows = zip(found.document.tolist(), found.country.tolist(), probability.tolist(), strict=True)
        return {(document, country): value for document, country, value in rows}

    def _as_written(self, document: Document, hits: Hits, form: int) -> str:
        key = self._model.table.keys[form]
        if document.language == "zh":
            return key
        position = int(hits.position[hits.form == form][0])
        tokens = headline(document) + document.text_tokens
        return " ".join(tokens[position : position + len(key.split(" "))])


def _without(whole: _Seen, forms: Sequence[int]) -> _Seen:
    """One document, followed by a copy of it for each form that lacks the form."""
    hits, read, wording = whole.hits, whole.read, whole.wording
    kept = [hits.form != form for form in (-1, *forms)]
    copies = Hits(
        np.repeat(np.arange(len(kept)), [int(mask.sum()) for mask in kept]),
        np.concatenate([hits.form[mask] for mask in kept]),
        np.concatenate([hits.position[mask] for mask in kept]),
        np.concatenate([hits.beside[mask] for mask in kept]),
        np.repeat(hits.title_words, len(kept)),
        np.repeat(hits.words, len(kept)),
    )
    if read is not None:
        read = read._replace(
            scores=np.repeat(read.scores, len(kept), axis=0), suggests=np.repeat(read.suggests, len(kept))
        )
    if wording is not None:
        wording = np.repeat(wording, len(kept), axis=0)
    return _Seen(copies, np.repeat(whole.home, len(kept)), read, wording)
