"""Samples that keep rare labels, and silhouettes of them."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.metrics import silhouette_samples, silhouette_score

from skdeepclust._sampling import silhouettes, stratified_sample


@pytest.mark.parametrize("max_samples", [3, 10, 50, 99, 100, None])
def test_stratified_samples_have_the_size_asked_for(max_samples):
    labels = np.repeat(["a", "b", "c"], [80, 19, 1])
    drawn = stratified_sample(labels, max_samples, random_state=0)
    assert len(drawn) == (max_samples or 100)
    assert len(set(drawn)) == len(drawn)
    assert set(labels[drawn]) == {"a", "b", "c"}
    assert_array_equal(drawn, stratified_sample(labels, max_samples, 0))


def test_stratified_samples_are_in_proportion():
    labels = np.repeat([0, 1], [9000, 1000])
    drawn = stratified_sample(labels, 1000, random_state=0)
    assert np.bincount(labels[drawn])[0] == pytest.approx(900, abs=50)


@pytest.fixture(scope="module")
def uneven():
    """Points of a large, a small and a rare cluster, close to each other."""
    labels = np.repeat([0, 1, 2], [900, 90, 5])
    points = np.random.default_rng(0).normal(size=(len(labels), 2))
    return points + 2 * labels[:, None], labels


def test_silhouettes_of_all_samples_are_scikit_learns(uneven):
    mean, values, indices = silhouettes(*uneven)
    assert mean == silhouette_score(*uneven)
    assert_array_equal(values, silhouette_samples(*uneven))
    assert_array_equal(indices, np.arange(995))


def test_rare_clusters_are_drawn_in_full_but_keep_their_weight(uneven):
    mean, values, indices = silhouettes(*uneven, max_samples=300)
    drawn = uneven[1][indices]
    assert len(values) == len(drawn) == 300
    assert (drawn == 2).sum() == 5
    expected = silhouette_score(*uneven)
    assert mean == pytest.approx(expected, abs=0.05)
    assert mean == pytest.approx(
        sum(n * values[drawn == k].mean() for k, n in enumerate([900, 90, 5])) / 995
    )
    assert mean == silhouettes(*uneven, max_samples=300)[0]
    assert mean != silhouettes(*uneven, max_samples=300, random_state=1)[0]


@pytest.mark.parametrize("labels", [np.zeros(6), np.arange(6), list("aaaaaa")])
def test_undefined_silhouettes_are_nan(labels):
    mean, values, indices = silhouettes(np.eye(6), labels)
    assert np.isnan(mean)
    assert np.isnan(values).all()
    assert len(values) == len(indices) == 6


def test_more_clusters_than_samples_to_draw_are_undefined():
    labels = np.repeat(np.arange(10), 2)
    assert np.isnan(silhouettes(np.eye(20), labels, max_samples=5)[0])
    assert np.isfinite(silhouettes(np.eye(20), labels)[0])
