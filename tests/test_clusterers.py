"""Any clusterer: cloned, and asked for our number."""

import sys
import types

import numpy as np
import pytest
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdeepclust._clusterers import (
    Assignment,
    fit_predict_labels,
    make_clusterer,
    relabel,
)
from skdeepclust._geometry import class_means, mean_squared_distance, nearest


def features(n=300, d=6):
    rng = np.random.RandomState(0)
    return rng.normal(size=(n, d)).astype(np.float32)


# -- pieces ------------------------------------------------------------------


def test_relabel():
    np.testing.assert_array_equal(relabel(np.array([5, 2, 5, 9])), [1, 0, 1, 2])
    np.testing.assert_array_equal(relabel(np.array([5, -1, 9])), [0, -1, 1])
    np.testing.assert_array_equal(relabel(np.array([5, -1, -3])), [0, -1, -1])
    with pytest.raises(ValueError, match="every sample noise"):
        relabel(np.array([-1, -1]))


def test_clusterers_must_return_an_integer_per_sample():
    class Odd(KMeans):
        def __init__(self, n_clusters=2, made=None):
            self.n_clusters, self.made = n_clusters, made

        def fit_predict(self, X, y=None, sample_weight=None):
            return self.made

    assert fit_predict_labels(Odd(made=[0.0, 2.0, -3.0]), features(3)).tolist() == [
        0,
        2,
        -1,
    ]
    for made in (
        [0, 1],
        [[0], [1], [1]],
        [0.5, 1, 1],
        ["a", "b", "a"],
        [None] * 3,
        [0, 1, np.inf],
        [True, False, True],
    ):
        with pytest.raises(ValueError, match="an integer for every sample"):
            fit_predict_labels(Odd(made=made), features(3))
    for most in (2.0**60, np.uint64(2**63)):
        with pytest.raises(ValueError, match=r"Odd returned the label .*unique"):
            fit_predict_labels(Odd(made=np.array([0, 1, most])), features(3))
    unsigned = np.array([0, 1, 1], np.uint8)
    assert fit_predict_labels(Odd(made=unsigned), features(3)).dtype == np.int64


def test_errors_of_a_clusterer_are_named():
    class Failing(KMeans):
        def fit_predict(self, X, y=None, sample_weight=None):
            raise ZeroDivisionError("division by zero")

    with pytest.raises(ZeroDivisionError) as caught:
        fit_predict_labels(Failing(2), features(3))
    assert "The clusterer Failing raised it" in caught.value.__notes__[0]
    with pytest.raises(TypeError, match="cannot be cloned. Derive its class object"):
        make_clusterer(object(), 2, 1, 0)


def test_clusterers_get_points_of_their_own():
    class InPlace(KMeans):
        def fit_predict(self, X, y=None, sample_weight=None):
            X *= -100
            return super().fit_predict(X)

    F = features()
    fit_predict_labels(InPlace(3), F)
    np.testing.assert_array_equal(F, features())


def test_pipelines_are_clusterers():
    pipeline = make_pipeline(StandardScaler(), KMeans())
    state = np.random.get_state()[2]
    fresh = make_clusterer(pipeline, 5, 2, seed=3)
    assert (fresh[-1].n_clusters, fresh[-1].random_state) == (5, 3)
    assert len(set(fit_predict_labels(fresh, features()))) == 5
    assert np.random.get_state()[2] == state


def test_assignment_numbers_clusters_without_gaps():
    class Gaps(KMeans):
        """Calls its cluster 1 by the number 7, and new far points -1."""

        def predict(self, X):
            labels = np.where(super().predict(X) == 1, 7, super().predict(X))
            return np.where(X[:, 0] > 1e3, -1, labels)

    F = features()
    clusterer = Gaps(3, n_init=1, random_state=0)
    assignment = Assignment(clusterer, F, fit_predict_labels(clusterer, F))
    labels = assignment.predict(F)
    assert set(labels) == {0, 1, 2}
    for each in range(3):
        mean = F[labels == each].mean(axis=0)
        np.testing.assert_allclose(assignment.centers[each], mean, atol=1e-5)
    far = np.full((1, 6), 1e4, dtype=np.float32)
    assert assignment.predict(far) == nearest(far, assignment.centers)


def test_class_means():
    F = np.array([[0.0, 1.0], [2.0, 3.0], [5.0, 5.0]], dtype=np.float32)
    means = class_means(F, np.array([1, 1, 0]))
    np.testing.assert_array_equal(means, [[5, 5], [1, 2]])
    assert means.dtype == np.float32


def test_mean_squared_distance():
    F = np.random.RandomState(0).rand(3000, 4).astype(np.float32)
    labels = np.arange(3000) % 3
    means = class_means(F, labels)
    expected = ((F - means[labels]).astype(float) ** 2).sum(axis=1).mean()
    assert mean_squared_distance(F, means, labels) == pytest.approx(expected, rel=1e-5)


def test_nearest():
    F = np.random.RandomState(0).rand(5000, 3).astype(np.float32)
    centers = F[:7].copy()
    expected = np.linalg.norm(F[:, None] - centers, axis=2).argmin(axis=1)
    np.testing.assert_array_equal(nearest(F, centers), expected)


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
    labels = fit_predict_labels(make_clusterer("faiss", 3, 2, 5), features())
    assert labels.shape == (300,)
    assert calls["max_points_per_centroid"] == 300
    assert (calls["k"], calls["nredo"], calls["seed"], calls["niter"]) == (3, 2, 5, 20)


def test_faiss_where_it_is_absent(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(ImportError, match=r"skdeepclust\[faiss\]"):
        fit_predict_labels(make_clusterer("faiss", 3, 2, 5), features())


def test_faiss_finds_what_scikit_learn_finds():
    pytest.importorskip("faiss")
    centers = features(8, 5) * 20
    F = (centers.repeat(50, axis=0) + features(400, 5)).astype(np.float32)
    found = make_clusterer("faiss", 8, 5, seed=0)
    labels = fit_predict_labels(found, F)
    expected = fit_predict_labels(make_clusterer("kmeans", 8, 5, seed=0), F)
    assert adjusted_rand_score(labels, expected) == 1
    np.testing.assert_array_equal(labels, nearest(F, found.cluster_centers_))
    again = make_clusterer("faiss", 8, 5, seed=0)
    np.testing.assert_array_equal(labels, fit_predict_labels(again, F))
