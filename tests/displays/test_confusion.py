"""Confusion of clusters and classes: order, numbers, scores."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgba
from numpy.testing import assert_array_equal
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
    assert [int(text.get_text()) for text in display.text_] == [
        n for row in expected for n in row
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
    assert to_rgba(empty.get_color()) == to_rgba("0.6")


def test_forty_clusters_in_a_small_figure_have_a_colour_bar():
    y = np.tile(np.arange(40), 3)
    _, ax = plt.subplots(figsize=(4, 3), layout="constrained")
    display = ClusterConfusionDisplay.from_predictions(y, y, ax=ax)
    assert display.text_ == []
    assert len(ax.figure.axes) == 2
    roomy = ClusterConfusionDisplay.from_predictions(y, y)
    assert len(roomy.text_) == 1600
    assert len(roomy.figure_.axes) == 1
