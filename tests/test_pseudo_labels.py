"""Pseudo-labels: whitening, spherical k-means, and draws that are really equal."""

import numpy as np
import pytest

from skdeepclust._geometry import unit_rows
from skdeepclust._pseudo_labels import (
    balanced_draw,
    spherical_kmeans,
    whiten,
    whitening,
)


def features(n=300, d=6):
    rng = np.random.RandomState(0)
    return (rng.normal(size=(n, d)) * [1, 2, 3, 4, 5, 100][:d] + 7).astype(np.float32)


def whitened(F, n_components):
    return whiten(F, *whitening(F, n_components))


def test_whitening():
    F = features()
    W = whitened(F, 256)
    assert W.shape == (300, 6)
    np.testing.assert_allclose(np.linalg.norm(W, axis=1), 1, rtol=1e-5)
    # Before the rows were scaled, every direction had the same variance.
    covariance = np.cov(W.T)
    np.testing.assert_allclose(covariance, np.eye(6) / 6, atol=0.03)


def test_whitening_leaves_dead_and_constant_features_out():
    F = features()
    F = np.c_[F, np.zeros(300), np.full(300, 3.3), F[:, 0]].astype(np.float32)
    W = whitened(F, 256)
    assert W.shape == (300, 6)
    assert np.isfinite(W).all()


def test_whitening_keeps_no_more_than_the_data_allows():
    assert whitened(features(4), 256).shape == (4, 3)  # points span three directions
    assert whitened(features(), 2).shape == (300, 2)
    constant = np.ones((5, 3), dtype=np.float32)
    np.testing.assert_array_equal(whitened(constant, 2), unit_rows(constant))
    np.testing.assert_array_equal(whitened(constant[:1], 2), unit_rows(constant[:1]))


def test_unit_rows():
    F = np.array([[3.0, 4.0], [0.0, 0.0]], dtype=np.float32)
    np.testing.assert_allclose(unit_rows(F), [[0.6, 0.8], [0, 0]], rtol=1e-6)


@pytest.mark.parametrize("n_draws", [7, 60, 601])
def test_equal_draws_are_equal(n_draws):
    labels = np.repeat([0, 1, 2, 3], [1, 5, 50, 144])
    index = balanced_draw(labels, n_draws, np.random.RandomState(0))
    assert len(index) == n_draws
    per_class = np.bincount(labels[index], minlength=4)
    assert per_class.max() - per_class.min() <= 1
    for each in range(4):
        per_sample = np.bincount(index, minlength=200)[labels == each]
        assert per_sample.max() - per_sample.min() <= 1
    assert (np.diff(labels[index]) != 0).sum() > n_draws / 3  # in mixed order


@pytest.mark.parametrize(
    ("balance", "expected"), [(1, [20, 20, 20]), (0.5, [6, 18, 36]), (0, [1, 12, 47])]
)
def test_draws_in_proportion_to_a_power_of_the_size(balance, expected):
    labels = np.repeat([0, 1, 2, -1], [4, 36, 144, 50])
    index = balanced_draw(labels, 60, np.random.RandomState(0), balance)
    drawn = np.bincount(labels[index], minlength=3)
    assert drawn.sum() == 60
    assert np.abs(drawn - expected).max() <= 1


def test_noise_is_not_drawn():
    labels = np.array([-1, 0, 1, -1, 0])
    index = balanced_draw(labels, 100, np.random.RandomState(0))
    assert set(index) == {1, 2, 4}


def test_spherical_kmeans():
    rng = np.random.RandomState(0)
    directions = unit_rows(rng.normal(size=(4, 10)))
    F = unit_rows(directions.repeat(50, axis=0) + 0.1 * rng.normal(size=(200, 10)))
    F = F.astype(np.float32)
    centroids, labels = spherical_kmeans(F, 4, seed=0)
    np.testing.assert_allclose(np.linalg.norm(centroids, axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(labels, (F @ centroids.T).argmax(axis=1))
    assert len({tuple(labels[i : i + 50]) for i in range(0, 200, 50)}) == 4
    for each in range(4):
        mean = unit_rows(F[labels == each].mean(axis=0, keepdims=True))[0]
        np.testing.assert_allclose(centroids[each], mean, atol=1e-5)
