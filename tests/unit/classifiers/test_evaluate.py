from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from classifiers.contract import AbstainReason, Decision, Score, Verdict
from classifiers.dataset import Example
from classifiers.evaluate import Answer, answers, region_figures, report, topic_figures

if TYPE_CHECKING:
    from classifiers.model import Model


def answer(truth: str, labels: str, probability: float = 0.9, language: str = "en", source: str = "s") -> Answer:
    """`truth` and `labels`: topics, main first, one letter each; no labels = abstained."""
    example = Example("x", language, "", "", tuple(truth), ("TR",), source, "dev")
    scores = tuple(Score(code, round(probability - 0.1 * rank, 2)) for rank, code in enumerate(labels))
    if labels:
        verdict = Verdict(Decision.ASSIGNED, scores, scores, 0.2)
    else:
        verdict = Verdict(Decision.ABSTAINED, (), (), 1.0, AbstainReason.TOO_SHORT)
    places = (Score("TR", 0.9),) if labels else ()
    return Answer(example, language, verdict, Verdict(Decision.ASSIGNED, places, (*places, Score("GR", 0.1)), 0.4))


def test_topic_figures_by_hand() -> None:
    found = topic_figures(
        [answer("a", "a"), answer("a", "a"), answer("b", "b"), answer("b", "a", 0.6), answer("a", "")]
    )
    # a: precision 2/3, recall 2/3; b: precision 1, recall 1/2
    assert found["macro_f1"] == pytest.approx((2 / 3 + 2 / 3) / 2, abs=1e-3)
    assert found["top1"] == 0.6
    assert found["answered"] == 0.8
    assert found["accuracy_at_80"] == 0.75
    assert found["items"] == 5


def test_second_topics_by_hand() -> None:
    found = topic_figures(
        [answer("ab", "ab"), answer("ab", "ac"), answer("ab", "b"), answer("a", "ab"), answer("a", "a")]
    )
    # extra topics given: b (true), c (false), b (false)
    assert found["second_precision"] == pytest.approx(1 / 3, abs=1e-3)
    # topics open where two are true: b (found), b (not), a (not)
    assert found["second_recall"] == pytest.approx(1 / 3, abs=1e-3)
    # labels given 8, wanted 8, shared 1 + ... : ab 2, a 1, b 1, a 1, a 1
    assert found["set_f1"] == pytest.approx(2 * 6 / (8 + 8), abs=1e-3)


def test_region_figures_by_hand() -> None:
    found = report([answer("a", "a"), answer("a", "")], {"TR": "145", "GR": "039"})["regions"]["all"]
    assert (found["f1"], found["precision"], found["recall"]) == (pytest.approx(2 / 3), 1.0, 0.5)
    # candidates: TR .9 right, GR .1 wrong twice; each bin is .1 off
    assert found["calibration_error"] == pytest.approx(0.1)
    assert found["sub_region_f1"] == pytest.approx(2 / 3, abs=1e-3)
    assert "sub_region_f1" not in report([answer("a", "a")])["regions"]["all"]


def test_two_countries_of_one_sub_region_are_one() -> None:
    example = Example("x", "en", "", "", ("a",), ("TR", "SY"), "s", "dev")
    given = (Score("SY", 0.9), Score("IQ", 0.8))
    one = Answer(example, "en", answer("a", "a").topics, Verdict(Decision.ASSIGNED, given, given, 0.4))
    found = region_figures([one], dict.fromkeys(("TR", "SY", "IQ"), "145"))
    assert (found["f1"], found["sub_region_f1"]) == (0.5, 1.0)


def test_report_groups() -> None:
    some = [answer("a", "a", language=language) for language in ("ar", "tr", "en", "de")]
    none = answer("", "", language="de")
    found = report([*some, none])
    assert found["items"] == 5
    assert found["topics"]["all"]["items"] == 4
    assert found["topics"]["core"]["items"] == 3
    assert found["topics"]["languages"]["de"]["items"] == 1
    assert found["regions"]["all"]["items"] == 5
    assert found["abstained"] == {"too_short": 1}
    assert "core" not in report(some[:2])["topics"]


def test_confusions_and_sources() -> None:
    found = report([answer("a", "b") for _ in range(3)] + [answer("b", "b", source="big") for _ in range(50)])
    assert found["topics"]["confusions"] == [["a", "b", 3]]
    assert list(found["topics"]["sources"]) == ["big"]
    assert found["topics"]["classes"]["a"] == {"items": 3, "f1": 0.0}


def test_answers_come_from_the_bare_item(small_model: Model, examples: list[Example]) -> None:
    told: list[int] = []
    found = answers(small_model, examples[:30], told.append)
    assert [one.example.id for one in found] == [example.id for example in examples[:30]]
    assert {one.language for one in found} == {"ar"}
    assert told == [30]
