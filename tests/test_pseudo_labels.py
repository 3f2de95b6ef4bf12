"""Pseudo-labels: whitening, clusterers, and draws that are really equal."""

import sys
import types

import numpy as np
import pytest
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.mixture import GaussianMixture

from skdeepclust._pseudo_labels import (
    balanced_draw,
    class_means,
    cluster,
    compact,
    make_clusterer,
    nearest,
    spherical_kmeans,
    unit_rows,
    whiten,
)


def features(n=300, d=6):
    rng = np.random.RandomState(0)
    return (rng.normal(size=(n, d)) * [1, 2, 3, 4, 5, 100][:d] + 7).astype(np.float32)


def test_whitening():
    F = features()
    W = whiten(F, 256)
    assert W.shape == (300, 6)
    np.testing.assert_allclose(np.linalg.norm(W, axis=1), 1, rtol=1e-5)
    # Before the rows were scaled, every direction had the same variance.
    covariance = np.cov(W.T)
    np.testing.assert_allclose(covariance, np.eye(6) / 6, atol=0.03)


def test_whitening_leaves_dead_and_constant_features_out():
    F = features()
    F = np.c_[F, np.zeros(300), np.full(300, 3.3), F[:, 0]].astype(np.float32)
    W = whiten(F, 256)
    assert W.shape == (300, 6)
    assert np.isfinite(W).all()


def test_whitening_keeps_no_more_than_the_data_allows():
    assert whiten(features(4), 256).shape == (4, 3)  # four points span three directions
    assert whiten(features(), 2).shape == (300, 2)
    constant = np.ones((5, 3), dtype=np.float32)
    np.testing.assert_array_equal(whiten(constant, 2), constant)


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


def test_noise_is_not_drawn():
    labels = np.array([-1, 0, 1, -1, 0])
    index = balanced_draw(labels, 100, np.random.RandomState(0))
    assert set(index) == {1, 2, 4}


def test_compact():
    np.testing.assert_array_equal(compact(np.array([5, 2, 5, 9])), [1, 0, 1, 2])
    np.testing.assert_array_equal(compact(np.array([5, -1, 9])), [0, -1, 1])
    with pytest.raises(ValueError, match="every sample noise"):
        compact(np.array([-1, -1]))


def test_class_means():
    F = np.array([[0.0, 1.0], [2.0, 3.0], [5.0, 5.0]], dtype=np.float32)
    means = class_means(F, np.array([1, 1, 0]))
    np.testing.assert_array_equal(means, [[5, 5], [1, 2]])
    assert means.dtype == np.float32


def test_nearest():
    F = np.random.RandomState(0).rand(5000, 3).astype(np.float32)
    centers = F[:7].copy()
    expected = np.linalg.norm(F[:, None] - centers, axis=2).argmin(axis=1)
    np.testing.assert_array_equal(nearest(F, centers), expected)


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


def test_clusterers_are_clones_with_our_number():
    mixture = GaussianMixture(2, covariance_type="diag")
    fresh = make_clusterer(mixture, 7, 3, seed=5)
    assert fresh is not mixture
    assert (fresh.n_components, fresh.random_state) == (7, 5)
    assert fresh.covariance_type == "diag"
    assert mixture.n_components == 2
    fresh = make_clusterer(KMeans(random_state=1), 7, 3, seed=5)
    assert (fresh.n_clusters, fresh.random_state) == (7, 1)
    assert make_clusterer(AgglomerativeClustering(), 7, 3, 5).n_clusters == 7
    fresh = make_clusterer("kmeans", 7, 3, 5)
    assert (fresh.n_clusters, fresh.n_init, fresh.random_state) == (7, 3, 5)


def test_faiss_is_asked_for_all_points(monkeypatch):
    calls = {}

    class Kmeans:
        def __init__(self, d, k, **options):
            calls.update(options, d=d, k=k)
            self.index = types.SimpleNamespace(
                search=lambda F, n: (None, np.arange(len(F))[:, None] % k)
            )
            self.centroids = np.zeros((k, d), dtype=np.float32)

        def train(self, F):
            assert F.dtype == np.float32

    monkeypatch.setitem(sys.modules, "faiss", types.SimpleNamespace(Kmeans=Kmeans))
    labels = cluster(make_clusterer("faiss", 3, 2, 5), features())
    assert labels.shape == (300,)
    assert calls["max_points_per_centroid"] == 300
    assert (calls["k"], calls["nredo"], calls["seed"], calls["niter"]) == (3, 2, 5, 20)


def test_faiss_where_it_is_absent(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(ImportError, match=r"skdeepclust\[faiss\]"):
        cluster(make_clusterer("faiss", 3, 2, 5), features())
