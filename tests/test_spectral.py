"""Landmark spectral clustering: its matrices, its embedding, its memory."""

import tracemalloc
import warnings

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
import torch
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs, make_moons
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skdeepclust._spectral as spectral
from skdeepclust import (
    ClusterCollapseWarning,
    DataScaleWarning,
    DeepCluster,
    LandmarkSpectralClustering,
)
from skdeepclust._spectral import (
    SpectralEnsemble,
    find_landmarks,
    landmark_affinity,
    mean_distance,
    singular_basis,
)


def points(n=200, d=4):
    return np.random.RandomState(0).normal(size=(n, d))


def test_affinities_are_those_of_the_formula():
    Z, U = points(50), points(9)[:7] * 1.1
    B = landmark_affinity(Z, U, 3, 0.8)
    assert B.shape == (50, 7)
    assert (np.diff(B.indptr) == 3).all()
    np.testing.assert_allclose(B.sum(axis=1), 1)
    for i in range(50):
        squares = [float(((Z[i] - u) ** 2).sum()) for u in U]
        own = sorted(range(7), key=lambda j: squares[j])[:3]
        kernel = {j: np.exp(-squares[j] / (2 * 0.8**2)) for j in own}
        for j in range(7):
            expected = kernel.get(j, 0.0) / sum(kernel.values())
            assert B[i, j] == pytest.approx(expected, abs=1e-9)


def test_a_point_far_from_all_landmarks_still_has_them():
    B = landmark_affinity(np.full((1, 2), 1e6), points(5, 2), 2, 0.01)
    assert np.isfinite(B.data).all()
    assert B.sum() == pytest.approx(1)


@pytest.mark.parametrize("bandwidth", [1e-300, 1e-160, 1e300])
def test_any_bandwidth_gives_weights(bandwidth):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        B = landmark_affinity(points(20), points(5), 3, bandwidth)
    np.testing.assert_allclose(B.sum(axis=1), 1)


def test_bandwidth_scales_with_the_data():
    Z, U = points(100), points(120)[100:]
    assert mean_distance(7 * Z, 7 * U, 3) == pytest.approx(7 * mean_distance(Z, U, 3))
    assert mean_distance(U, U, 1) == 1.0  # all points sit on landmarks


def test_landmarks():
    Z = points(300)
    assert find_landmarks(Z, 20, 0).shape == (20, 4)
    np.testing.assert_array_equal(find_landmarks(Z, 500, 0), np.unique(Z, axis=0))
    few = np.repeat(points(5), 40, axis=0)  # five different points
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it is no concern of the user's
        assert len(find_landmarks(few, 20, 0)) == 5


def dense_left_vectors(B, k):
    """Left singular vectors of B D^-1/2, by another route."""
    B = B.toarray()
    scale = np.where(B.sum(axis=0) > 0, B.sum(axis=0), 1) ** -0.5
    U, _, _ = np.linalg.svd(B * scale, full_matrices=False)
    return U[:, :k]


@pytest.mark.parametrize("most_dense", [10_000, 0])
def test_the_basis_gives_the_left_singular_vectors(monkeypatch, most_dense):
    monkeypatch.setattr(spectral, "_MAX_DENSE", most_dense)  # both ways to decompose
    Z = make_blobs(150, centers=4, n_features=3, random_state=1, cluster_std=3)[0]
    B = landmark_affinity(Z, find_landmarks(Z, 30, 0), 4, 3.0)
    U = B @ singular_basis(B, 5, seed=0)
    expected = dense_left_vectors(B, 5)
    np.testing.assert_allclose(np.abs((U * expected).sum(axis=0)), 1, atol=1e-6)


def test_basis_of_fewer_landmarks_than_components():
    Z = points(20)
    B = landmark_affinity(Z, Z[:3], 2, 1.0)
    basis = singular_basis(B, 5, seed=0)
    assert basis.shape == (3, 5)
    assert not basis[:, 3:].any()


def test_clusters_that_are_not_round():
    X, y = make_moons(400, noise=0.05, random_state=0)
    found = LandmarkSpectralClustering(2, random_state=0).fit(X)
    assert adjusted_rand_score(y, found.labels_) > 0.95
    assert adjusted_rand_score(y, KMeans(2, random_state=0).fit_predict(X)) < 0.6


def test_new_points_come_through_the_same_landmarks():
    X, y = make_moons(600, noise=0.05, random_state=0)
    found = LandmarkSpectralClustering(2, random_state=0).fit(X[:400])
    assert adjusted_rand_score(y[400:], found.predict(X[400:])) > 0.95
    np.testing.assert_array_equal(found.transform(X[:400]), found.embedding_)
    np.testing.assert_array_equal(found.predict(X[:400]), found.labels_)
    np.testing.assert_allclose(np.linalg.norm(found.embedding_, axis=1), 1, rtol=1e-5)


def test_scale_and_order_do_not_matter():
    X, _ = make_moons(300, noise=0.05, random_state=0)
    labels = LandmarkSpectralClustering(2, random_state=0).fit_predict(X)
    scaled = LandmarkSpectralClustering(2, random_state=0).fit_predict(X * 1000)
    assert adjusted_rand_score(labels, scaled) == 1


def test_number_of_landmarks():
    def number(n_samples, k, n_landmarks="auto"):
        return SpectralEnsemble(k, n_landmarks, 5, "auto")._number_of_landmarks(
            n_samples
        )

    assert number(50_000, 10) == 1000
    assert number(4000, 10) == 800
    assert number(400, 10) == 100
    assert number(60, 10) == 30
    assert number(2000, 300) == 1000
    assert number(12, 8) == 8
    assert number(60, 10, 25) == 25
    assert number(60, 10, 100) == 60


def test_an_ensemble_of_spaces_is_one_matrix():
    spaces = [points(100), points(100, 3) * 5]
    ensemble = SpectralEnsemble(4, 20, 3, "auto").fit(spaces, seed=0)
    B = ensemble._affinities(spaces)
    assert B.shape == (100, 40)
    assert B.nnz == 100 * 2 * 3
    np.testing.assert_allclose(B.sum(axis=1), np.sqrt(2))
    assert ensemble.bandwidths[1] > ensemble.bandwidths[0]
    U = B @ ensemble.basis
    np.testing.assert_allclose(
        np.abs((U * dense_left_vectors(B, 4)).sum(axis=0)), 1, atol=1e-6
    )


def test_memory_stays_far_below_a_matrix_of_all_pairs():
    n, p = 50_000, 200
    rng = np.random.RandomState(0)
    X = (rng.normal(size=(10, 5))[rng.randint(10, size=n)] * 5).astype(np.float32)
    X += rng.normal(size=X.shape).astype(np.float32)
    torch.set_num_threads(2)
    tracemalloc.start()
    found = LandmarkSpectralClustering(10, n_landmarks=p, n_init=1, random_state=0)
    found.fit(X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * n * p / 2  # half of n x p doubles; n x n would be 20 GB
    assert len(np.unique(found.labels_)) == 10


def test_in_a_pipeline_and_in_deepcluster(digits):
    X, _ = digits
    clusterer = LandmarkSpectralClustering(5, n_init=2, random_state=0)
    pipeline = make_pipeline(StandardScaler(), clusterer)
    labels = pipeline.fit_predict(X)
    np.testing.assert_array_equal(pipeline.predict(X), labels)
    deep = DeepCluster(
        5, clusterer=clusterer, module__widths=(8,), max_iter=1, random_state=0
    ).fit(X)
    np.testing.assert_array_equal(deep.predict(X), deep.labels_)
    assert isinstance(deep.clusterer_, LandmarkSpectralClustering)


def test_a_refused_refit_keeps_the_old_fit():
    found = LandmarkSpectralClustering(4, random_state=0).fit(points(50))
    before = found.predict(points(50))
    for wrong in (points(3, 2), points(50) * np.nan):
        with pytest.raises(ValueError, match="n_samples=3|NaN"):
            found.fit(wrong)
        np.testing.assert_array_equal(found.predict(points(50)), before)


def three_blobs():
    return make_blobs(600, centers=[[0, 0], [10, 0], [0, 10]], random_state=0)


@pytest.mark.parametrize(
    "change",
    [
        lambda X: (X + 1e7).astype(np.float32),  # metres on a map, in steps of 1
        lambda X: (X - 1e7).astype(np.float32),
        lambda X: X + 1e12,
        lambda X: X * 1e-10,
        lambda X: X * 1e140,
        lambda X: (X * 1e-15).astype(np.float32),
        lambda X: (X * 1e15).astype(np.float32),
    ],
)
def test_origin_and_scale_do_not_matter(change):
    X, y = three_blobs()
    clusterer = LandmarkSpectralClustering(3, random_state=0)
    assert adjusted_rand_score(y, clusterer.fit_predict(change(X))) == 1
    np.testing.assert_array_equal(clusterer.predict(change(X)), clusterer.labels_)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_fill_value_is_refused_or_warned_of(dtype):
    X = three_blobs()[0].astype(dtype)
    X[0] = 9.96921e36
    clusterer = LandmarkSpectralClustering(3, random_state=0)
    if dtype == np.float32:
        with pytest.raises(ValueError, match="squares overflow.*fill values"):
            clusterer.fit(X)
    else:
        with pytest.warns(DataScaleWarning, match="fill values"):
            clusterer.fit(X)


def test_a_column_that_outweighs_the_others_is_warned_of():
    X = points(200, 60)
    X[:, 7] *= 300
    with pytest.warns(DataScaleWarning, match="Column 7 of X.*StandardScaler"):
        LandmarkSpectralClustering(4, random_state=0).fit(X)


def test_one_cluster_is_warned_of():
    X = np.zeros((40, 3))
    with pytest.warns(ClusterCollapseWarning, match="only 1.0 of n_clusters=4"):
        LandmarkSpectralClustering(4, random_state=0).fit(X)


def test_all_eigenpairs_are_found_if_one_is_multiple(monkeypatch):
    # A graph of 40 parts: the eigenvalue 1, forty times.
    B = scipy.sparse.csr_matrix(np.kron(np.eye(40), np.ones((3, 2)) / 2))
    original = scipy.linalg.eigh

    def fewer(products, **params):
        values, vectors = original(products, **params)
        if "subset_by_index" in params:  # what LAPACK's evr did with such a matrix
            return values[1:], vectors[:, 1:]
        return values, vectors

    expected = np.linalg.matrix_rank(B.toarray() @ singular_basis(B, 6, 0))
    monkeypatch.setattr(scipy.linalg, "eigh", fewer)
    basis = singular_basis(B, 6, 0)
    assert basis.shape == (80, 6)
    assert np.linalg.matrix_rank(B.toarray() @ basis) == expected == 6


def test_a_read_only_array_is_no_warning():
    X = points(50)
    X.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LandmarkSpectralClustering(4, n_init=1).fit(X).predict(X)


def test_bad_input():
    with pytest.raises(ValueError, match="n_clusters=8"):
        LandmarkSpectralClustering(8).fit(points(5))
    with pytest.raises(ValueError, match="bandwidth"):
        LandmarkSpectralClustering(2, bandwidth=0.0).fit(points(5))
