from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from classifiers.region_train import export_model
from classifiers.region_trees import Ensemble, Nodes


def data(rows: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    features = np.column_stack(
        [
            random.integers(0, 6, rows),
            random.normal(size=rows),
            random.integers(0, 2, rows),
            random.exponential(size=rows),
        ]
    ).astype(np.float32)
    target = features[:, 0] + 2 * features[:, 1] * features[:, 2] - features[:, 3] + random.normal(size=rows) > 1.5
    return features, target


@pytest.fixture(scope="module")
def fitted() -> HistGradientBoostingClassifier:
    features, target = data(4000)
    return HistGradientBoostingClassifier(
        max_iter=37, max_leaf_nodes=15, learning_rate=0.2, early_stopping=False, random_state=0
    ).fit(features, target)


def test_scores_are_those_of_scikit_learn(fitted: HistGradientBoostingClassifier) -> None:
    features, _ = data(9001, seed=8)  # more than two blocks
    nodes, baseline = export_model(fitted)
    ours = Ensemble(nodes, baseline).score(np.ascontiguousarray(features.T))
    np.testing.assert_allclose(ours, fitted.decision_function(features), rtol=0, atol=1e-6)


def test_values_on_a_threshold_go_left_as_in_scikit_learn(fitted: HistGradientBoostingClassifier) -> None:
    nodes, baseline = export_model(fitted)
    inner = nodes.left >= 0
    edges = np.unique(nodes.threshold[inner & (nodes.feature == 1)])
    features = np.zeros((len(edges), 4))
    features[:, 1] = edges
    exact = Ensemble(nodes, baseline).score(features.T.astype(np.float64))
    np.testing.assert_allclose(exact, fitted.decision_function(features), rtol=0, atol=1e-6)


def test_a_row_scores_the_same_to_the_last_bit_alone_and_in_any_batch(fitted: HistGradientBoostingClassifier) -> None:
    features, _ = data(300, seed=5)
    ensemble = Ensemble(*export_model(fitted))
    together = ensemble.score(np.ascontiguousarray(features.T))
    for row in range(0, 300, 7):
        assert ensemble.score(np.ascontiguousarray(features[row : row + 1].T))[0] == together[row]
    backwards = ensemble.score(np.ascontiguousarray(features[::-1].T))
    assert (backwards[::-1] == together).all()


def test_no_row_gives_no_score(fitted: HistGradientBoostingClassifier) -> None:
    assert Ensemble(*export_model(fitted)).score(np.empty((4, 0), np.float32)).shape == (0,)


def chain(leaves: int) -> Nodes:
    """One tree that splits off a leaf at a time."""
    tree, feature, threshold, left, right, value = [], [], [], [], [], []
    for number in range(leaves - 1):
        here = 2 * number
        tree += [0, 0]
        feature += [0, 0]
        threshold += [float(number), 0.0]
        left += [here + 1, -1]
        right += [here + 2, -1]
        value += [0.0, float(number)]
    for column, last in ((tree, 0), (feature, 0), (threshold, 0.0), (left, -1), (right, -1), (value, leaves - 1.0)):
        column.append(last)
    columns = (tree, feature, threshold, left, right, value)
    types = (np.int32, np.int32, np.float64, np.int32, np.int32, np.float64)
    return Nodes(*(np.array(column, kind) for column, kind in zip(columns, types, strict=True)))


def test_sixteen_leaves_are_the_most() -> None:
    scores = Ensemble(chain(16), 0.5).score(np.array([[-1.0, 0.0, 0.5, 14.0, 99.0]], np.float32))
    assert scores.tolist() == [0.5, 0.5, 1.5, 14.5, 15.5]
    with pytest.raises(ValueError, match="more than 16 leaves"):
        Ensemble(chain(17), 0.0)


def test_nodes_that_point_backwards_are_refused() -> None:
    nodes = chain(4)
    nodes.left[2] = 0
    with pytest.raises(ValueError, match="points backwards"):
        Ensemble(nodes, 0.0)
