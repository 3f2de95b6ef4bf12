"""Clusterings that compete, their consensus, and the network that starts as a PCA."""

import pickle
import warnings

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    load_wine,
    make_blobs,
    make_moons,
)
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import scale
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdeepclust import (
    IDEC,
    AutoClustering,
    Autoencoder,
    DataScaleWarning,
    DeepCluster,
    LandmarkSpectralClustering,
    _auto_clustering,
    _autoencoder,
    _initial_centers,
)
from skdeepclust._auto_clustering import _candidates, modularity, parts_of_modularity
from skdeepclust._clusterers import fit_predict_labels
from skdeepclust._initial_centers import first_clusters
from skdeepclust._spectral_starts import SpectralConsensus
from skdeepclust._tensor_data import TensorData
from skdeepclust._warnings import finished_first
from skdeepclust.networks import ResidualAutoencoder


@parametrize_with_checks([AutoClustering(n_init=2)])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def table(load):
    data = load()
    return scale(data.data).astype(np.float32), data.target


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer])
@pytest.mark.parametrize("seed", [0, 1])
def test_no_worse_than_k_means_on_tables(load, seed):
    X, y = table(load)
    k = len(np.unique(y))
    kmeans = KMeans(k, n_init=20, random_state=seed).fit_predict(X)
    auto = AutoClustering(k, random_state=seed).fit(X)
    reference = adjusted_rand_score(y, kmeans)
    assert adjusted_rand_score(y, auto.labels_) > reference - 0.02
    highest = max(auto.scores_, key=auto.scores_.get)
    few = len(X) < 100 * k
    assert auto.chosen_ in ((highest, "kmeans") if few else (highest,))
    np.testing.assert_array_equal(auto.predict(X), auto.labels_)
    idec = IDEC(k, random_state=seed, device="cpu").fit(X)
    assert adjusted_rand_score(y, idec.labels_) > reference - 0.03


def test_digits_are_clustered_well_as_they_are():
    X, y = load_digits(return_X_y=True)
    auto = AutoClustering(10, random_state=0).fit(X / 16)
    assert auto.chosen_ == "spectral"
    assert adjusted_rand_score(y, auto.labels_) > 0.8  # k-means has .67
    again = AutoClustering(10, random_state=0).fit(X / 16)
    np.testing.assert_array_equal(auto.labels_, again.labels_)
    for c in range(10):
        mean = (X / 16)[auto.labels_ == c].mean(axis=0)
        np.testing.assert_allclose(auto.cluster_centers_[c], mean, atol=1e-5)


def test_few_samples_are_clustered_better_than_by_k_means():
    X, y = load_digits(return_X_y=True)
    gains = []
    for seed in range(3):
        some = np.random.RandomState(seed).permutation(len(X))[:400]
        auto = AutoClustering(10, random_state=seed).fit(X[some] / 16)
        kmeans = KMeans(10, n_init=20, random_state=seed).fit_predict(X[some])
        found = [adjusted_rand_score(y[some], each) for each in (auto.labels_, kmeans)]
        gains.append(found[0] - found[1])
        assert set(auto.scores_) >= {"kmeans", "mixture", "spectral"}
    assert np.mean(gains) > 0.05


def test_k_means_is_kept_unless_another_is_better_by_a_standard_error(monkeypatch):
    X = load_digits().data[:400] / 16

    def chosen(standard_errors, enough=100):
        monkeypatch.setattr(_auto_clustering, "_STANDARD_ERRORS", standard_errors)
        monkeypatch.setattr(_auto_clustering, "_ENOUGH_PER_CLUSTER", enough)
        return AutoClustering(10, n_init=5, random_state=0).fit(X).chosen_

    assert chosen(1.0) == "spectral"
    assert chosen(1e3) == "kmeans"
    assert chosen(1e3, enough=40) == "spectral"


def test_bent_clusters_are_found():
    X, y = make_moons(500, noise=0.06, random_state=0)
    auto = AutoClustering(2, random_state=0).fit(X)
    assert auto.chosen_ == "spectral, plain"
    assert adjusted_rand_score(y, auto.labels_) == 1
    again = make_moons(200, noise=0.06, random_state=1)
    assert adjusted_rand_score(again[1], auto.predict(again[0])) == 1


def uneven(sizes):
    parts = [[8 * i, 8 * (i % 2)] for i in range(len(sizes))]
    return make_blobs(sizes, 2, centers=parts, random_state=0)


@pytest.mark.parametrize("sizes", [[1500, 150, 60], [1000, 500, 200, 100]])
def test_small_clusters_with_valleys_around_them_are_found(sizes):
    X, y = uneven(sizes)
    for seed in range(3):
        auto = AutoClustering(len(sizes), random_state=seed).fit(X)
        assert adjusted_rand_score(y, auto.labels_) > 0.99
        np.testing.assert_array_equal(auto.predict(X), auto.labels_)
        # The modularity alone cuts the largest cluster in two.
        highest = max(auto.scores_, key=auto.scores_.get)
        if highest != auto.chosen_:
            assert auto.valleys_[highest] < 2.25
            assert auto.valleys_[auto.chosen_] > 4.5


def test_valleys_change_nothing_where_no_candidate_has_them():
    X = np.random.RandomState(0).normal(size=(900, 4))
    auto = AutoClustering(3, random_state=0).fit(X)
    assert max(auto.valleys_.values()) < 4.5
    assert auto.chosen_ == max(auto.scores_, key=auto.scores_.get)


def test_very_few_samples_leave_k_means_only():
    X = np.random.RandomState(0).rand(60, 3)
    auto = AutoClustering(4, random_state=0).fit(X)
    assert list(auto.scores_) == ["kmeans"]
    assert AutoClustering(1).fit(X).labels_.tolist() == [0] * 60


def test_outliers_are_no_component_of_the_graph():
    X, y = table(load_breast_cancer)
    labels = LandmarkSpectralClustering(2, random_state=0).fit_predict(X)
    assert adjusted_rand_score(y, labels) > 0.5


def test_modularity_by_hand():
    labels = np.array([0, 0, 1, 1])
    neighbors = np.array([[1, 2], [0, 2], [3, 0], [2, 0]])
    # 4 of 8 neighbours are in the own cluster; half of the samples are in cluster 0,
    # and so are 4 of the 8 neighbours.
    assert modularity(labels, neighbors) == pytest.approx(4 / 8 - 0.5)
    assert modularity(np.zeros(4, dtype=int), neighbors) == 0
    parts = parts_of_modularity(labels, neighbors)
    np.testing.assert_allclose(parts, [0, 0, 0, 0.0])
    parts = parts_of_modularity(np.array([0, 0, 1, 0]), neighbors)
    # 5 of 8 neighbours are in cluster 0, and 3 in cluster 1.
    np.testing.assert_allclose(
        parts, np.array([1, 1, 0, 1]) / 2 - np.array([5, 5, 3, 5]) / 8
    )


def test_consensus_is_no_worse_than_its_members():
    X, y = load_digits(return_X_y=True)
    Z = PCA(32, random_state=0).fit_transform(X / 16).astype(np.float32)
    spectral = SpectralConsensus(10, 20, 0)
    assert spectral.fit(Z)
    members = [adjusted_rand_score(y, each.labels) for each in spectral._members]
    assert adjusted_rand_score(y, spectral.labels) > np.mean(members)
    assert 0.5 < spectral.agreement < 1
    np.testing.assert_array_equal(spectral.predict(Z), spectral.labels)


def test_the_space_in_which_clusterings_agree_is_taken():
    rng = np.random.RandomState(0)
    y = np.repeat(range(4), 150)
    good = rng.normal(size=(600, 3)).astype(np.float32)
    good += 12 * np.eye(4, 3, dtype=np.float32)[y]
    noise = rng.normal(size=(600, 5)).astype(np.float32)
    for main, Z in ((good, noise), (noise, good)):
        labels = first_clusters(main, Z, 4, 4, 0)
        assert adjusted_rand_score(y, labels) == 1


def test_residual_autoencoder_starts_as_principal_components():
    X = np.random.RandomState(0).rand(200, 12).astype(np.float32)
    net = ResidualAutoencoder((12,), 4)
    net.start_from(torch.from_numpy(X))
    pca = PCA(4).fit(X)
    expected = pca.inverse_transform(pca.transform(X))
    with torch.no_grad():
        found = net(torch.from_numpy(X)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)
    wide = ResidualAutoencoder((3,), 5)  # more directions than the data has
    wide.start_from(torch.rand(50, 3))
    with torch.no_grad():
        assert wide(torch.rand(2, 3)).shape == (2, 3)
    images = ResidualAutoencoder((2, 4, 4), 3)
    assert images(torch.rand(6, 2, 4, 4)).shape == (6, 2, 4, 4)


def test_a_given_instance_keeps_its_weights():
    X = np.random.RandomState(0).rand(40, 6).astype(np.float32)
    net = ResidualAutoencoder((6,), 2)
    model = Autoencoder(module=net, max_epochs=0, device="cpu").fit(X)
    assert torch.equal(model.module_.to_embedding, net.to_embedding)


def test_the_width_of_the_embedding_follows_the_rows():
    rng = np.random.RandomState(0)
    for n_features, width in ((3, 3), (30, 20)):
        model = Autoencoder(max_epochs=0, device="cpu").fit(rng.rand(40, n_features))
        assert model.transform(rng.rand(2, n_features)).shape == (2, width)


def test_final_clusterer_of_deepcluster():
    X = load_digits().images[:200] / 16
    params = {"max_iter": 1, "random_state": 0, "device": "cpu"}
    assert isinstance(DeepCluster(4, **params).fit(X).clusterer_, AutoClustering)
    kmeans = DeepCluster(4, final_clusterer="kmeans", **params).fit(X)
    assert isinstance(kmeans.clusterer_, KMeans)
    own = DeepCluster(4, clusterer=KMeans(n_init=1), **params).fit(X)
    assert isinstance(own.clusterer_, KMeans)
    for model in (kmeans, own):
        np.testing.assert_array_equal(model.predict(X), model.labels_)


def test_the_start_looks_at_no_more_samples_than_said(monkeypatch):
    sizes = []
    original = ResidualAutoencoder.start_from

    def spy(self, X):
        sizes.append(len(X))
        original(self, X)

    monkeypatch.setattr(ResidualAutoencoder, "start_from", spy)
    monkeypatch.setattr(_autoencoder, "_MAX_OF_START", 50)
    monkeypatch.setattr(_initial_centers, "_MAX_OF_COMPONENTS", 50)
    original_fit = _initial_centers.PCA.fit

    def fit(self, X, y=None):
        sizes.append(len(X))
        return original_fit(self, X)

    monkeypatch.setattr(_initial_centers.PCA, "fit", fit)
    X = np.random.RandomState(0).rand(99, 5)
    IDEC(3, pretrain_epochs=0, max_iter=0, random_state=0, device="cpu").fit(X)
    assert sizes
    assert max(sizes) <= 50


def blobs_of(n, k, d=4):
    return make_blobs(n, d, centers=k, cluster_std=0.5, random_state=1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_new_samples_get_the_cluster_of_their_neighbours(dtype):
    X, y = blobs_of(900, 3)
    X = X.astype(dtype)
    auto = AutoClustering(3, random_state=0).fit(X[:600])
    assert adjusted_rand_score(y[600:], auto.predict(X[600:])) == 1
    one_by_one = [auto.predict(X[i : i + 1])[0] for i in range(600, 610)]
    np.testing.assert_array_equal(one_by_one, auto.predict(X[600:610]))


def test_every_candidate_predicts_its_labels():
    X, _ = blobs_of(600, 3)
    auto = AutoClustering(3, random_state=0)
    for found in _candidates(X, X, 3, 2, 0):
        auto.fit(X)
        auto._best_ = found
        np.testing.assert_array_equal(found.predict(X), found.labels)


@pytest.mark.parametrize("chosen", ["kmeans", "mixture", "spectral", "spectral, plain"])
def test_other_types_of_floats_and_pickles(chosen, monkeypatch):
    X, _ = blobs_of(600, 3, 40)
    monkeypatch.setattr(_auto_clustering._Valleys, "choice", lambda *_: chosen)
    for fitted, other in [(np.float32, np.float64), (np.float64, np.float32)]:
        auto = AutoClustering(3, random_state=0).fit(X.astype(fitted))
        assert auto.chosen_ == chosen
        np.testing.assert_array_equal(auto.predict(X.astype(other)), auto.labels_)
        again = pickle.loads(pickle.dumps(auto))
        np.testing.assert_array_equal(again.predict(X), auto.labels_)


def test_more_samples_than_are_looked_at(monkeypatch):
    monkeypatch.setattr(_auto_clustering, "_MAX_SAMPLES", 400)
    X, y = blobs_of(1000, 3)
    auto = AutoClustering(3, random_state=0).fit(X)
    assert adjusted_rand_score(y, auto.labels_) == 1
    np.testing.assert_array_equal(auto.predict(X), auto.labels_)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_duplicates_and_constant_columns():
    X = np.repeat(np.eye(3), 200, axis=0)
    auto = AutoClustering(3, random_state=0).fit(X)
    assert adjusted_rand_score(np.repeat(range(3), 200), auto.labels_) == 1
    wide = np.zeros((500, 40))
    wide[:250, 7] = 1
    labels = AutoClustering(2, random_state=0).fit_predict(wide)
    assert adjusted_rand_score(wide[:, 7], labels) == 1
    assert np.unique(AutoClustering(2).fit_predict(np.ones((500, 40)))).tolist() == [0]


@pytest.mark.parametrize(
    ("params", "X", "words"),
    [
        ({"n_clusters": 0}, np.eye(5), "n_clusters"),
        ({"n_clusters": 2.5}, np.eye(5), "n_clusters"),
        ({"n_init": 0}, np.eye(5), "n_init"),
        ({"random_state": "seed"}, np.eye(5), "random_state"),
        ({"n_clusters": 6}, np.eye(5), "n_samples=5 should be >= n_clusters=6"),
        ({}, np.array([[np.nan, 1.0]] * 9), "NaN"),
        ({}, np.array([[np.inf, 1.0]] * 9), "infinity"),
        ({}, np.zeros(9), "1D array"),
        ({}, np.zeros((9, 0)), "0 feature"),
        ({}, np.full((9, 2), 1e19, np.float32), r"'float32'\): their squares overflow"),
        ({}, np.full((9, 2), -1e200), r"'float64'\): their squares overflow"),
    ],
)
def test_wrong_inputs_are_refused(params, X, words):
    with pytest.raises(ValueError, match=words):
        AutoClustering(**params).fit(X)


def test_a_column_that_outweighs_the_others_is_warned_of():
    X = make_blobs(300, n_features=12, centers=3, random_state=0)[0]
    with pytest.warns(DataScaleWarning, match="Column 7 of X.*AutoClustering"):
        AutoClustering(3, random_state=0).fit(X * np.where(np.arange(12) == 7, 1e3, 1))
    moved = AutoClustering(3, random_state=0).fit(X + 1e6)
    with pytest.raises(ValueError, match="their squares overflow"):
        moved.predict(np.full((1, 12), 1e200))


def test_the_scale_of_an_embedding_is_nobodys_to_change():
    F = np.random.RandomState(0).normal(size=(200, 8)) * np.r_[1e4, np.ones(7)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with finished_first():  # as within a fit
            for points in (F, np.ones_like(F)):
                fit_predict_labels(AutoClustering(2, random_state=0), points)


def test_main_components_of_images_and_rows():
    X = np.random.RandomState(0).rand(80, 1, 8, 8).astype(np.float32)
    data = TensorData(X.reshape(80, -1), (1, 8, 8), torch.device("cpu"))
    Z = _initial_centers.main_components(data, 0)
    expected = PCA(32, random_state=0).fit_transform(X.reshape(80, -1))
    np.testing.assert_allclose(np.abs(Z), np.abs(expected), atol=1e-4)
    assert Z.shape == (80, 32)
    rows = TensorData(X.reshape(80, -1)[:, :3].copy(), (3,), torch.device("cpu"))
    assert _initial_centers.main_components(rows, 0).shape == (80, 3)


def test_main_components_of_large_images_are_those_of_fewer(monkeypatch):
    monkeypatch.setattr(_initial_centers, "_MAX_OF_VALUES", 75 * 64)
    X = np.random.RandomState(0).rand(150, 64).astype(np.float32)
    data = TensorData(X, (1, 8, 8), torch.device("cpu"))
    pca = PCA(32, random_state=0).fit(X[::2])
    Z = _initial_centers.main_components(data, 0)
    np.testing.assert_allclose(np.abs(Z), np.abs(pca.transform(X)), atol=1e-4)


def test_too_few_different_points_start_from_k_means():
    X = np.repeat(np.eye(2, 8, dtype=np.float32), 20, axis=0)
    with pytest.warns(ConvergenceWarning, match="distinct clusters"):
        idec = IDEC(3, pretrain_epochs=1, max_iter=0, random_state=0).fit(X)
    assert len(np.unique(idec.init_labels_)) == 2
