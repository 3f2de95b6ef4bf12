"""Silhouettes: blades, their mean, their names."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import silhouette_score

from skdeepclust import DCEC
from skdeepclust.displays import (
    ClusterConfusionDisplay,
    ClusterMontageDisplay,
    SilhouetteDisplay,
)


def test_silhouettes_are_scikit_learns(known_rows):
    X, labels = known_rows([30, 20, 10])
    display = SilhouetteDisplay.from_predictions(X[:, :2], labels)
    expected = silhouette_score(X[:, :2], labels)
    assert display.mean_ == pytest.approx(expected)
    assert display.line_.get_xdata()[0] == pytest.approx(expected)
    assert "60 samples" in display.ax_.get_title()
    blades = [patch.get_data().values for patch in display.ax_.patches[::2]]
    assert [len(blade) for blade in blades] == [30, 20, 10]
    for k, blade in enumerate(blades):
        assert_allclose(blade, np.sort(display.values[labels == k])[::-1])
    names = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert names == ["0 (30)", "1 (20)", "2 (10)"]


def test_silhouettes_of_a_sample(Known, known_rows):
    X, labels = known_rows([900, 95, 5])
    display = SilhouetteDisplay.from_estimator(Known(3).fit(X), X, max_samples=300)
    assert "300 of 1,000 samples" in display.ax_.get_title()
    assert len(display.values) == 300
    assert display.sizes.tolist() == [900, 95, 5]
    assert (display.labels == 2).sum() == 5
    # The small cluster is drawn in full, and counts no more for that.
    assert display.mean_ == pytest.approx(silhouette_score(X[:, :2], labels), abs=0.02)


@pytest.mark.parametrize("figsize", [(4, 3), (6, 9)])
def test_names_of_forty_blades_do_not_overlap(figsize, known_rows):
    X, labels = known_rows([40, *[1] * 20, *[15] * 19])
    _, ax = plt.subplots(figsize=figsize, layout="constrained")
    SilhouetteDisplay.from_predictions(X[:, :2], labels, ax=ax)
    ax.figure.draw_without_rendering()
    texts = ax.get_yticklabels()
    assert [int(text.get_text().split()[0]) for text in texts] == list(range(40))
    heights = [text.get_window_extent().height for text in texts]
    middles = [text.get_window_extent().y0 + h / 2 for text, h in zip(texts, heights)]
    step = 1 if figsize[1] == 9 else 2  # in two columns
    for first, second in zip(middles, middles[step:]):
        assert abs(first - second) > 0.8 * min(heights)
    size = texts[0].get_fontsize()
    assert size >= 5


@pytest.mark.parametrize("labels", [np.zeros(6), np.arange(6)])
def test_undefined_silhouettes_are_an_error(labels):
    with pytest.raises(ValueError, match="at least two clusters"):
        SilhouetteDisplay.from_predictions(np.eye(6), labels)


def test_an_estimator_without_clusters_is_an_error(autoencoder, digits):
    for draw in (
        lambda: SilhouetteDisplay.from_estimator(autoencoder, digits[0]),
        lambda: ClusterConfusionDisplay.from_estimator(autoencoder, *digits),
        lambda: ClusterMontageDisplay.from_estimator(autoencoder, digits[0]),
    ):
        with pytest.raises(TypeError, match="neither predict nor labels_"):
            draw()


def test_more_than_twenty_blades_have_the_same_height(known_rows):
    for n, is_same in ((20, False), (21, True)):
        X, labels = known_rows([4, 8] + [5] * (n - 2))
        display = SilhouetteDisplay.from_predictions(X[:, :2], labels)
        edges = [patch.get_data().edges for patch in display.ax_.patches]
        heights = [np.ptp(each) for each in edges]
        assert (np.ptp(heights) < 1e-9) == is_same


def test_a_trained_space_is_said(dcec, digits, known_rows):
    display = SilhouetteDisplay.from_estimator(dcec, digits[0])
    assert display.is_trained
    assert "trained" in display.ax_.get_xlabel()
    X, labels = known_rows([10, 10])
    display = SilhouetteDisplay.from_predictions(X[:, :2], labels)
    assert display.ax_.get_xlabel() == "silhouette"


def test_without_joint_training_the_space_is_not_called_trained(tiny_dcec, digits):
    X, _ = digits
    start = DCEC(5, **{**tiny_dcec, "max_iter": 0}).fit(X)
    display = SilhouetteDisplay.from_estimator(start, X)
    assert not display.is_trained
    assert display.ax_.get_xlabel() == "silhouette"
