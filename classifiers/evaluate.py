"""Measures a model on labelled examples, from the bare item on: language, topics, regions, calibration, abstention."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.metrics import f1_score

from classifiers.calibration import accuracy_at_coverage, calibration_error_by_chance, expected_calibration_error
from classifiers.contract import Decision
from classifiers.region_train import measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from classifiers.contract import Verdict
    from classifiers.dataset import Example
    from classifiers.model import Model

CORE = ("ar", "tr", "en")  # the languages of the published targets; reported together where all three are there
BATCH = 500
_DIGITS = 4
_CONFUSIONS = 20
_LEAST_OF_SOURCE = 50  # examples of a source from which its own figures are given


class Answer(NamedTuple):
    """What the model said of one example."""

    example: Example
    language: str
    topics: Verdict
    regions: Verdict

    @property
    def countries(self) -> list[str]:
        """The countries given, most important first."""
        return [label.code for label in self.regions.labels]


def answers(model: Model, examples: Sequence[Example], progress: Callable[[int], None] | None = None) -> list[Answer]:
    """Classify examples in batches; `progress` is told the size of each batch that is done."""
    found = []
    for start in range(0, len(examples), BATCH):
        batch = examples[start : start + BATCH]
        documents = model.prepare([example.item for example in batch])
        topics, regions = model.classify(documents)
        for example, document, topic, region in zip(batch, documents, topics, regions, strict=True):
            found.append(Answer(example, document.language, topic, region))
        if progress:
            progress(len(batch))
    return found


def report(found: Sequence[Answer], sub_regions: Mapping[str, str] | None = None) -> dict[str, Any]:
    """All figures of a set of answers, ready for JSON. Examples without topics count for regions and abstention alone.

    Topic figures per group: `macro_f1` and `top1` of the first guess against the main topic whether or not the model
    abstained (an item without a guess counts as wrong); `calibration_error` of that guess and, as
    `calibration_by_chance`, what it would be on so few items if every confidence were right; `answered`, the share that
    got a topic; `accuracy_at_80`, over the 80 % most confident; `set_f1` and `second_*` over the topics given. Regions:
    `region_train.measure`, `calibration_error` of every candidate's probability, and with `sub_regions` (M49 code by
    country) `sub_region_f1`.
    """
    news = [answer for answer in found if answer.example.topics]
    return {
        "items": len(found),
        "topics": {
            **_groups(news, topic_figures),
            "classes": _classes(news),
            "sources": {
                source: topic_figures(group)
                for source, group in _split(news, lambda one: one.example.source).items()
                if source and len(group) >= _LEAST_OF_SOURCE
            },
            "confusions": _confusions(news),
        },
        "regions": _groups(found, lambda group: region_figures(group, sub_regions)),
        "language": _groups(found, _language_figures),
        "abstained": dict(Counter(str(answer.topics.reason) for answer in found if answer.topics.reason)),
    }


def _split(found: Iterable[Answer], key: Callable[[Answer], str]) -> dict[str, list[Answer]]:
    groups: dict[str, list[Answer]] = {}
    for answer in found:
        groups.setdefault(key(answer), []).append(answer)
    return dict(sorted(groups.items()))


def _groups(found: Sequence[Answer], figures: Callable[[Sequence[Answer]], dict[str, Any]]) -> dict[str, Any]:
    """The figures over all, over the core languages and by language (as labelled)."""
    languages = _split(found, lambda answer: answer.example.language)
    result: dict[str, Any] = {"all": figures(found)} if found else {}
    if all(language in languages for language in CORE):
        result["core"] = figures([answer for language in CORE for answer in languages[language]])
    return {**result, "languages": {language: figures(group) for language, group in languages.items()}}


def topic_figures(found: Sequence[Answer]) -> dict[str, Any]:
    """Figures of one group of examples that all have topics."""
    truth = [answer.example.topics[0] for answer in found]
    guess = [guess_of(answer) for answer in found]
    right = np.array([a == b for a, b in zip(truth, guess, strict=True)])
    confidence = np.array([confidence_of(answer) for answer in found])
    given = [{label.code for label in answer.topics.labels} for answer in found]
    wanted = [set(answer.example.topics) for answer in found]
    return {
        "items": len(found),
        "macro_f1": _round(f1_score(truth, guess, average="macro", labels=sorted(set(truth)), zero_division=0)),
        "top1": _round(right.mean()),
        "calibration_error": _round(expected_calibration_error(confidence, right)),
        "calibration_by_chance": _round(calibration_error_by_chance(confidence)),
        "answered": _round(sum(a.topics.decision is Decision.ASSIGNED for a in found) / len(found)),
        "accuracy_at_80": _round(accuracy_at_coverage(confidence, right, 0.8)),
        "set_f1": _round(_set_f1(wanted, given)),
        **_second(wanted, given, found),
    }


def region_figures(found: Sequence[Answer], sub_regions: Mapping[str, str] | None = None) -> dict[str, float]:
    """Figures of the countries of one group of examples."""
    figures = measure([(list(answer.example.countries), answer.countries) for answer in found])
    pairs = [(score, answer.example.countries) for answer in found for score in answer.regions.scores]
    confidence = np.array([score.probability for score, _ in pairs])
    right = np.array([score.code in countries for score, countries in pairs], np.bool_)
    figures["calibration_error"] = _round(expected_calibration_error(confidence, right))
    if sub_regions:
        wanted = [{sub_regions.get(code, code) for code in answer.example.countries} for answer in found]
        given = [{sub_regions.get(code, code) for code in answer.countries} for answer in found]
        figures["sub_region_f1"] = _round(_set_f1(wanted, given))
    return figures


def guess_of(answer: Answer) -> str:
    """The code of the first guess, whether or not the model stands by it; empty where there is none."""
    return answer.topics.scores[0].code if answer.topics.scores else ""


def confidence_of(answer: Answer) -> float:
    """The probability of the first guess."""
    return answer.topics.scores[0].probability if answer.topics.scores else 0.0


def _set_f1(wanted: Sequence[set[str]], given: Sequence[set[str]]) -> float:
    hits = sum(len(a & b) for a, b in zip(wanted, given, strict=True))
    return 2 * hits / max(sum(map(len, wanted)) + sum(map(len, given)), 1)


def _second(wanted: Sequence[set[str]], given: Sequence[set[str]], found: Sequence[Answer]) -> dict[str, float]:
    """Topics after the first: how many of those given are true, how many of the true are given."""
    firsts = [{answer.topics.labels[0].code} if answer.topics.labels else set() for answer in found]
    extra = [labels - first for labels, first in zip(given, firsts, strict=True)]
    missing = [labels - first for labels, first in zip(wanted, firsts, strict=True)]
    several = [len(labels) > 1 for labels in wanted]
    hits = sum(len(a & b) for a, b in zip(extra, missing, strict=True))
    hits_where_several = sum(len(a & b) for a, b, two in zip(extra, missing, several, strict=True) if two)
    open_where_several = sum(len(b) for b, two in zip(missing, several, strict=True) if two)
    return {
        "second_precision": _round(hits / max(sum(map(len, extra)), 1)),
        "second_recall": _round(hits_where_several / max(open_where_several, 1)),
    }


def _classes(found: Sequence[Answer]) -> dict[str, Any]:
    truth = [answer.example.topics[0] for answer in found]
    guess = [guess_of(answer) for answer in found]
    codes = sorted(set(truth))
    scores = f1_score(truth, guess, average=None, labels=codes, zero_division=0)
    counts = Counter(truth)
    return {code: {"items": counts[code], "f1": _round(score)} for code, score in zip(codes, scores, strict=True)}


def _confusions(found: Sequence[Answer]) -> list[list[Any]]:
    """The commonest (main topic, guess, count)."""
    pairs = Counter((answer.example.topics[0], guess_of(answer)) for answer in found)
    wrong = sorted((-count, truth, guess) for (truth, guess), count in pairs.items() if truth != guess)
    return [[truth, guess, -count] for count, truth, guess in wrong[:_CONFUSIONS]]


def _language_figures(found: Sequence[Answer]) -> dict[str, Any]:
    right = sum(answer.language == answer.example.language for answer in found)
    return {"items": len(found), "accuracy": _round(right / len(found))}


def _round(value: float) -> float:
    return round(float(value), _DIGITS)
