"""Where joint training starts: centres from spectral clustering, k-means or outside."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.cluster import HDBSCAN, AgglomerativeClustering, KMeans
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

import skdeepclust._initial_centers
import skdeepclust._spectral_starts
from skdeepclust._initial_centers import initial_centers, spectral_starts
from skdeepclust._spectral_starts import (
    MergedSpectral,
    cluster_moments,
    likelihood,
    merge,
)


def likelihood_of(Z, labels):
    return likelihood(*cluster_moments(Z, labels))


def features(n=300, d=6):
    rng = np.random.RandomState(0)
    return rng.normal(size=(n, d)).astype(np.float32)


def test_initial_centers_are_scikit_learns():
    Z = features(100, 3)
    with threadpool_limits(1, "openmp"):
        expected = KMeans(4, n_init=5, random_state=7).fit(Z)
        centers, labels = initial_centers("kmeans", Z, 4, 5, 7)
    np.testing.assert_array_equal(labels, expected.labels_)
    np.testing.assert_array_equal(centers, expected.cluster_centers_)
    assert labels.dtype == np.int64


def test_initial_centers_given():
    Z = features(100, 3)
    given = Z[:4].astype(np.float64)
    centers, labels = initial_centers(given.tolist(), Z, 4, 5, 7)
    np.testing.assert_array_equal(centers, Z[:4])
    np.testing.assert_array_equal(labels[:4], range(4))
    assert centers.dtype == np.float32
    assert not np.shares_memory(initial_centers(Z[:4], Z, 4, 5, 7)[0], Z)
    for wrong, message in (
        (given[:3], r"shape \(4, 3\); got shape \(3, 3\)"),
        (given[:, :2], r"got shape \(4, 2\)"),
        (given * np.nan, "NaN or infinity among them"),
        ([["a"] * 3] * 4, "as numbers"),
    ):
        with pytest.raises(ValueError, match=f"n_clusters=4 clusters.*{message}"):
            initial_centers(wrong, Z, 4, 5, 7)


def test_initial_centers_from_labels():
    Z = features(100, 3)
    given = np.repeat([7, 3, -1, 5], 25)
    centers, labels = initial_centers(given.tolist(), Z, 3, 5, 7)
    np.testing.assert_array_equal(labels[:25], 2)
    np.testing.assert_array_equal(labels[25:50], 0)
    np.testing.assert_array_equal(labels[75:], 1)
    assert set(labels[50:75]) <= {0, 1, 2}  # the nearest
    np.testing.assert_allclose(centers[2], Z[:25].mean(axis=0), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(given, np.repeat([7, 3, -1, 5], 25))
    as_floats, _ = initial_centers(np.where(given == 7, 1e300, given), Z, 3, 5, 7)
    np.testing.assert_array_equal(as_floats, centers)
    names = np.array(["seven", "three", "three", "five"])[np.repeat(range(4), 25)]
    _, of_names = initial_centers(names, Z, 3, 5, 7)
    np.testing.assert_array_equal(of_names, np.repeat([1, 2, 2, 0], 25))
    for wrong, message in (
        (given[:99], r"shape \(100,\), or centres.*got shape \(99,\)"),
        (given + 0.5, "init holds 7.5, but must hold .*whole numbers"),
        (given // 4, "labels of 2 clusters, but n_clusters=3.*Pass their number"),
        (given * 0 - 1, "labels of 0 clusters"),
    ):
        with pytest.raises(ValueError, match=message):
            initial_centers(wrong, Z, 3, 5, 7)


def test_initial_centers_from_a_clusterer():
    Z = features(100, 3)
    agglomeration = AgglomerativeClustering()
    centers, labels = initial_centers(agglomeration, Z, 4, 5, 7)
    expected = AgglomerativeClustering(4).fit_predict(Z)
    np.testing.assert_array_equal(labels, expected)
    for each in range(4):
        np.testing.assert_allclose(
            centers[each], Z[expected == each].mean(axis=0), rtol=1e-4, atol=1e-6
        )
    assert agglomeration.n_clusters == 2


def test_initial_centers_from_a_clusterer_with_noise_or_another_number():
    blobs = np.repeat(features(3, 2) * 20, 30, axis=0) + features(90, 2) / 10
    Z = np.r_[blobs, [[500.0, 0.0]]].astype(np.float32)
    clusterer = HDBSCAN(min_cluster_size=10, copy=True)
    centers, labels = initial_centers(clusterer, Z, 3, 5, 7)
    assert (np.bincount(labels) >= 30).all()  # the outlier joined one of them
    assert centers.shape == (3, 2)
    with pytest.raises(ValueError, match=r"found 3 clusters.*Pass n_clusters=3"):
        initial_centers(clusterer, Z, 4, 5, 7)


def bands():
    """Two long clusters side by side, which k-means cuts across."""
    rng = np.random.RandomState(0)
    Z = rng.normal(size=(400, 2)) * [5, 0.3]
    y = np.arange(400) % 2
    Z[:, 1] += 3 * y
    return Z.astype(np.float32), y


def test_spectral_centers_are_the_means_of_what_it_finds():
    Z, y = bands()
    centers, labels = initial_centers("spectral", Z, 2, 5, 7)
    assert adjusted_rand_score(y, labels) > 0.95
    assert adjusted_rand_score(y, initial_centers("kmeans", Z, 2, 5, 7)[1]) < 0.5
    for each in range(2):
        np.testing.assert_allclose(centers[each], Z[labels == each].mean(0), rtol=1e-5)
    assert centers.dtype == np.float32


def test_spectral_takes_the_likeliest_of_several(monkeypatch):
    Z = features(300, 3)
    given = [np.arange(300) % 4, (Z[:, 0] > 0) * 2 + (Z[:, 1] > 0), np.zeros(300)]
    given += [given[0]] * 5
    likely = [likelihood_of(Z, each.astype(int)) for each in given[:2]]
    assert likely[1] > likely[0]
    calls = iter(given)

    def fit(self, Z):
        self.labels = next(calls).astype(np.int64)
        self.moments = cluster_moments(Z, self.labels)
        return self.labels.any()

    monkeypatch.setattr(MergedSpectral, "fit", fit)
    _, labels = initial_centers("spectral", Z, 4, 5, 7)
    np.testing.assert_array_equal(labels, given[1])


def test_gaussian_likelihood():
    rng = np.random.RandomState(0)
    y = np.repeat([0, 1, 2], [600, 300, 100])
    Z = rng.normal(size=(1000, 2)) * [3, 1]
    Z[:, 1] += 20 * y
    # Of the densities that it comes from: the log of their ratio, on average.
    densities = [multivariate_normal([0, 20 * c], np.diag([9, 1])) for c in range(3)]
    own = np.choose(y, [each.logpdf(Z) for each in densities])
    whole = multivariate_normal(Z.mean(0), np.cov(Z.T))
    expected = (own - whole.logpdf(Z)).mean()
    assert likelihood_of(Z, y) == pytest.approx(expected, abs=0.05)
    # Another linear map changes nothing.
    turned = Z @ rng.normal(size=(2, 2)) + 7
    assert likelihood_of(turned, y) == pytest.approx(likelihood_of(Z, y), rel=1e-4)
    assert likelihood_of(Z, 0 * y) == pytest.approx(0, abs=1e-4)
    # A cluster of one point gains next to nothing, and points may coincide.
    tiny = y.copy()
    tiny[0] = 3
    assert likelihood_of(Z, tiny) < likelihood_of(Z, y) + 0.01
    assert np.isfinite(likelihood_of(np.zeros((4, 2)), np.array([0, 1, 1, 0])))


def test_gaussians_merge_what_is_one():
    rng = np.random.RandomState(0)
    y = np.repeat([0, 1, 2, 3], [400, 300, 200, 100])
    Z = rng.normal(size=(1000, 3)) * [4, 1, 1] + 6 * y[:, None] * [0, 1, 0]
    Z = Z @ rng.normal(size=(3, 3))
    halves = np.where(rng.rand(1000) < 0.5, y, y + 4)  # every cluster is split
    halves[y == 3] = 3
    before = cluster_moments(Z, halves)
    copies = [values.copy() for values in before]
    new_labels, moments = merge(*before, 4)
    merged = new_labels[halves]
    assert adjusted_rand_score(y, merged) == 1
    direct = cluster_moments(Z, merged)
    for values, expected in zip(moments, direct, strict=True):
        np.testing.assert_allclose(values, expected)
    for values, copy in zip(before, copies, strict=True):  # left as they are
        np.testing.assert_array_equal(values, copy)
    assert likelihood(*moments) == pytest.approx(likelihood_of(Z, merged))
    np.testing.assert_array_equal(merge(*direct, 4)[0], range(4))


def test_spectral_finds_clusters_too_many_and_merges_them(monkeypatch):
    n_found = []
    original = skdeepclust._spectral_starts.merge

    def spy(counts, means, scatters, n_clusters):
        n_found.append(len(counts))
        return original(counts, means, scatters, n_clusters)

    monkeypatch.setattr(skdeepclust._spectral_starts, "merge", spy)
    Z = features(1000, 3)
    starts = list(spectral_starts(Z, 10, 4, 0))
    assert n_found == [12, 15] * 4
    for score, labels in starts:
        np.testing.assert_array_equal(np.unique(labels), range(10))
        assert score == pytest.approx(likelihood_of(Z, labels))
    assert len({score for score, _ in starts}) > 1


def test_spectral_looks_at_a_part_of_many_samples(monkeypatch):
    seen = []
    original = MergedSpectral.fit

    def spy(self, Z):
        seen.append(len(Z))
        return original(self, Z)

    monkeypatch.setattr(MergedSpectral, "fit", spy)
    monkeypatch.setattr(skdeepclust._initial_centers, "_MAX_SPECTRAL", 300)
    Z, y = bands()
    _, labels = initial_centers("spectral", Z, 2, 5, 7)
    assert set(seen) == {300}
    # Of all 400; k-means has 0. Far samples are tied to several landmarks, so that
    # outliers are no cluster; with few samples this also ties the two bands together.
    assert adjusted_rand_score(y, labels) > 0.5


@pytest.mark.parametrize(
    ("Z", "k"),
    [
        (features(79, 3), 4),  # fewer than 20 per cluster
        (features(2020, 3), 101),  # many clusters
        (np.repeat(features(3, 3), 40, axis=0), 4),  # 3 different points
    ],
)
@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_spectral_is_kmeans_where_it_finds_no_clusters(Z, k):
    # k-means moves what it is given by rounding errors.
    by_spectral = initial_centers("spectral", Z.copy(), k, 5, 7)
    by_kmeans = initial_centers("kmeans", Z.copy(), k, 5, 7)
    for a, b in zip(by_spectral, by_kmeans, strict=True):
        np.testing.assert_array_equal(a, b)
