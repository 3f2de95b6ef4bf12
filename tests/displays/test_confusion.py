"""Confusion of clusters and classes: order, numbers, scores."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import adjusted_rand_score

from skdeepclust.displays import (
    ClusterConfusionDisplay,
)
from skdeepclust.metrics import clustering_accuracy


def test_matches_are_on_the_diagonal_and_the_unmatched_last():
    y = np.repeat(["ant", "bee", "cat"], [5, 6, 7])
    labels = np.concatenate([[7] * 3 + [1] * 2, [2] * 6, [0] * 4 + [9] * 3])
    display = ClusterConfusionDisplay.from_predictions(y, labels)
    assert display.classes.tolist() == ["ant", "bee", "cat"]
    assert display.clusters.tolist() == [7, 2, 0, 1, 9]
    expected = [[3, 0, 0, 2, 0], [0, 6, 0, 0, 0], [0, 0, 4, 0, 3]]
    assert display.table.tolist() == expected
    assert_array_equal(display.im_.get_array(), expected)
    assert [text.get_text() for text in display.text_] == [
        str(n) if n else "" for row in expected for n in row
    ]
    ticks = [t.get_text() for t in display.ax_.get_xticklabels()]
    assert ticks == ["7", "2", "0", "1", "9"]


def test_fewer_clusters_than_classes():
    y = np.repeat(["ant", "bee", "cat"], [5, 6, 7])
    labels = np.repeat(["x", "y", "x"], [5, 6, 7])
    display = ClusterConfusionDisplay.from_predictions(y, labels)
    assert display.classes.tolist() == ["bee", "cat", "ant"]
    assert display.clusters.tolist() == ["y", "x"]
    assert display.table.tolist() == [[6, 0], [0, 7], [0, 5]]


def test_confusion_says_the_scores(dcec, digits):
    X, y = digits
    display = ClusterConfusionDisplay.from_estimator(dcec, X, y)
    labels = dcec.predict(X)
    assert display.table.sum() == len(y)
    assert display.accuracy == clustering_accuracy(y, labels)
    assert display.accuracy == np.trace(display.table) / len(y)
    title = display.ax_.get_title()
    assert f"ACC {display.accuracy:.3f}" in title
    assert f"ARI {adjusted_rand_score(y, labels):.3f}" in title
    assert "NMI" in title


def test_numbers_are_legible_on_their_cells():
    y = np.repeat([0, 1, 1], [50, 50, 1])
    display = ClusterConfusionDisplay.from_predictions(
        y, np.repeat([0, 1, 0], [50, 50, 1])
    )
    dark, empty, light, _ = display.text_
    assert to_rgba(dark.get_color()) == to_rgba("white")
    assert to_rgba(light.get_color()) == to_rgba("black")
    assert empty.get_text() == ""


def test_empty_clusters_stay_visible(Known, known_rows):
    X, y = known_rows([20, 0, 10, 0])
    estimator = Known(4).fit(X)
    display = ClusterConfusionDisplay.from_estimator(estimator, X, y)
    assert display.clusters.tolist() == [0, 2, 1, 3]
    assert display.table.tolist() == [[20, 0, 0, 0], [0, 10, 0, 0]]
    assert display.ax_.get_xlabel() == "cluster (2 empty)"
    hatched = [
        patch.get_x() + 0.5 for patch in display.ax_.patches if patch.get_hatch()
    ]
    assert hatched == [2, 3]
    assert display.ax_.get_xlim() == (-0.5, 3.5)
    assert display.accuracy == 1
    assert display.purity is None  # two clusters were found for two classes


def test_with_more_clusters_than_classes_the_title_has_the_purity():
    y, labels = np.repeat([0, 1], [6, 4]), [0, 0, 1, 1, 1, 2, 2, 2, 3, 3]
    display = ClusterConfusionDisplay.from_predictions(y, labels)
    assert display.accuracy is None
    assert display.purity == pytest.approx(0.9)
    assert display.ax_.get_title().startswith("purity 0.900")


@pytest.mark.parametrize("normalize", ["class", "cluster"])
def test_shares_of_classes_and_clusters(normalize):
    y, labels = np.repeat([0, 1], [8, 4]), np.repeat([0, 1, 0], [6, 5, 1])
    display = ClusterConfusionDisplay.from_predictions(y, labels, normalize=normalize)
    table = np.array([[6, 2], [1, 3]])
    assert_array_equal(display.table, table)
    sums = table.sum(axis=1 if normalize == "class" else 0, keepdims=True)
    assert_allclose(display.im_.get_array(), 100 * table / sums)
    assert display.text_[0].get_text() == f"{(100 * table / sums)[0, 0]:.0f}"
    assert normalize in display.ax_.get_xlabel()
    for wrong in ("rows", 1, ["class"]):
        with pytest.raises(ValueError, match="normalize="):
            ClusterConfusionDisplay.from_predictions(y, labels, normalize=wrong)


def test_forty_clusters_in_a_small_figure_have_a_colour_bar():
    y = np.tile(np.arange(40), 3)
    _, ax = plt.subplots(figsize=(4, 3), layout="constrained")
    display = ClusterConfusionDisplay.from_predictions(y, y, ax=ax)
    assert display.text_ == []
    assert len(ax.figure.axes) == 2
    roomy = ClusterConfusionDisplay.from_predictions(y, y)
    assert len(roomy.text_) == 1600
    assert len(roomy.figure_.axes) == 1
