from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.calibration import (
    Curve,
    accuracy_at_coverage,
    calibration_error_by_chance,
    expected_calibration_error,
    probabilities,
    second_strength,
)
from classifiers.calibration_fit import fit_curve, fit_second_threshold


def test_probabilities_sum_to_one_and_keep_the_order() -> None:
    scores = np.array([[0.9, 0.1, -0.2], [-1.0, 0.3, 0.0]])
    found = probabilities(scores, Curve(power=2.0, floor=0.1))
    assert found.sum(axis=1) == pytest.approx([1, 1])
    assert found.argmax(axis=1).tolist() == [0, 1]
    # (share + floor) ** power, by hand: 1.0, 0.04, 0.01
    assert found[0] == pytest.approx(np.array([1.0, 0.04, 0.01]) / 1.05)


@given(
    st.lists(st.lists(st.floats(-5, 5), min_size=3, max_size=3), min_size=1, max_size=5),
    st.floats(0.1, 30),
    st.floats(1e-6, 10),
)
def test_probabilities_are_finite(scores: list[list[float]], power: float, floor: float) -> None:
    found = probabilities(np.array(scores), Curve(power, floor))
    assert np.isfinite(found).all()
    assert found.sum(axis=1) == pytest.approx([1.0] * len(scores))


def test_the_fitted_curve_undoes_a_known_one() -> None:
    random = np.random.default_rng(5)
    scores = random.uniform(-0.1, 1.0, (4000, 4))
    true = Curve(power=3.0, floor=0.2)
    chances = probabilities(scores, true)
    truth = np.array([random.choice(4, p=row) for row in chances])
    fitted = probabilities(scores, fit_curve(scores, truth))
    assert np.abs(fitted - chances).mean() < 0.02
    confidence, right = fitted.max(axis=1), fitted.argmax(axis=1) == truth
    assert expected_calibration_error(confidence, right) < 0.05


def test_calibration_error_by_hand() -> None:
    confidence = np.array([0.9, 0.9, 0.9, 0.9, 0.1, 1.0])
    right = np.array([True, True, True, False, False, True])
    # bins: .9 x 4 with accuracy .75, .1 with 0, 1.0 with 1
    assert expected_calibration_error(confidence, right) == pytest.approx((4 * 0.15 + 0.1 + 0.0) / 6)
    assert expected_calibration_error(np.array([]), np.array([], bool)) == 0.0


def test_what_chance_makes_of_the_calibration_error_is_what_drawn_answers_give() -> None:
    random = np.random.default_rng(3)
    confidence = random.beta(4, 1, 700)
    drawn = [expected_calibration_error(confidence, random.random(700) < confidence) for _ in range(400)]
    assert calibration_error_by_chance(confidence) == pytest.approx(np.mean(drawn), rel=0.05)
    assert calibration_error_by_chance(np.repeat(confidence, 100)) == pytest.approx(np.mean(drawn) / 10, rel=0.05)
    assert calibration_error_by_chance(np.ones(5)) == 0.0
    assert calibration_error_by_chance(np.array([])) == 0.0


def test_accuracy_at_coverage_takes_the_most_confident() -> None:
    confidence = np.array([0.9, 0.8, 0.7, 0.2])
    right = np.array([True, True, False, False])
    assert accuracy_at_coverage(confidence, right, 0.5) == 1.0
    assert accuracy_at_coverage(confidence, right, 1.0) == 0.5


def test_the_second_threshold_separates_true_second_labels() -> None:
    values = np.array([[0.6, 0.35, 0.05], [0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.75, 0.15, 0.1]])
    truth = [frozenset({0, 1}), frozenset({0}), frozenset({0, 1}), frozenset({0})]
    # the strengths of the true ones are .163 and .141, the strongest of the others .117
    assert 0.117 < fit_second_threshold(values, truth) <= 0.141


def test_a_second_label_is_strong_where_two_share_the_probability() -> None:
    assert second_strength(0.3, 0.64) == pytest.approx(0.3 * 0.512)
    assert second_strength(0.25, 0.25) < second_strength(0.25, 0.7)
