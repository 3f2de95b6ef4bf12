"""DeepCluster: its rounds, its clusterers, its history."""

import pickle
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.cluster import (
    HDBSCAN,
    AffinityPropagation,
    AgglomerativeClustering,
    KMeans,
    MiniBatchKMeans,
    SpectralClustering,
)
from sklearn.metrics import normalized_mutual_info_score
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback
from tiny import tiny
from torch import nn

from skdeepclust import DeepCluster
from skdeepclust._pseudo_labels import whiten, whitening
from skdeepclust.inspection import cluster_table
from skdeepclust.metrics import silhouette_scorer
from skdeepclust.networks import VGG16, AlexNet, ConvNet, DenseNet, ResNet18, Sobel
from skdeepclust.networks._pseudo_label import PseudoLabelModel


@pytest.fixture
def make():
    return partial(tiny, DeepCluster)


# -- rounds ------------------------------------------------------------------


@pytest.mark.parametrize("variant", ["deepcluster", "deepcluster-v2"])
def test_training_lowers_the_loss(make, digits, variant):
    # A temperature of 1: with a small one a wrong logit costs more than chance does.
    deep = make(
        variant=variant,
        max_iter=4,
        epochs_per_round=10,
        n_pseudo_labels=10,
        temperature=1.0,
    )
    losses = deep.fit(digits[0]).history_["rounds"]["loss"]
    assert losses[-1] < losses[0] < np.log(10) + 0.3


def test_history(make, digits):
    deep = make(max_iter=3, n_pseudo_labels=8).fit(digits[0])
    table = deep.history_["rounds"]
    assert set(table) == {
        "epoch",
        "loss",
        "inertia",
        "nmi_previous",
        "smallest_class",
        "largest_class",
        "n_dropped",
        "dur",
    }
    assert {len(column) for column in table.values()} == {3}
    assert np.isnan(table["nmi_previous"][0])
    assert all(0 <= value <= 1 for value in table["nmi_previous"][1:])
    assert all(
        1 <= s <= 200 / 8 <= m
        for s, m in zip(table["smallest_class"], table["largest_class"])
    )
    assert deep.n_iter_ == 3
    assert deep.stop_reason_ == "max_iter=3 used up"
    assert not deep.converged_


def test_stable_pseudo_labels_end_it(make, digits):
    deep = make(max_iter=9, tol=0.999).fit(digits[0])
    assert deep.n_iter_ == 2
    assert deep.converged_
    assert "between the pseudo-labels" in deep.stop_reason_


def test_without_rounds_it_clusters_untrained_features(make, digits):
    deep = make(max_iter=0).fit(digits[0])
    np.testing.assert_array_equal(deep.labels_, deep.init_labels_)
    trained = make(max_iter=2).fit(digits[0])
    np.testing.assert_array_equal(trained.init_labels_, deep.init_labels_)
    assert not np.array_equal(trained.transform(digits[0]), deep.transform(digits[0]))


def test_features_have_length_one(make, digits):
    Z = make().fit(digits[0]).transform(digits[0])
    np.testing.assert_allclose(np.linalg.norm(Z, axis=1), 1, rtol=1e-5)


def test_number_of_pseudo_labels(make):
    def n_classes(n_samples, **params):
        deep = make(**params)
        deep._n_clusters_ = deep.n_clusters  # as `fit` sets it
        return deep._n_classes(n_samples)

    assert n_classes(2000, n_clusters=10) == 50
    assert n_classes(200, n_clusters=10) == 20
    assert n_classes(50, n_clusters=10) == 10
    assert n_classes(50, n_clusters=10, n_pseudo_labels=13) == 13
    with pytest.raises(ValueError, match="n_pseudo_labels=201"):
        make(n_pseudo_labels=201).fit(np.zeros((200, 64)))
    with pytest.raises(ValueError, match="n_clusters=5"):
        make().fit(np.zeros((4, 64)))


def test_draws_are_whole_batches(make):
    assert make(epochs_per_round="auto", batch_size=128)._n_draws(70000) == 70016
    assert make(epochs_per_round="auto", batch_size=128)._n_draws(100) == 60 * 128 + 128
    assert make(epochs_per_round=3, batch_size=32)._n_draws(100) == 320


class Heads(Callback):
    def __init__(self, log):
        self.log = log

    def on_epoch_end(self, net, **kwargs):
        self.log.append([p.detach().clone() for p in net.module_.heads.parameters()])


@pytest.mark.parametrize("n_heads", [1, 3])
def test_v2_has_fixed_centroids_as_last_layers(make, digits, n_heads):
    log = []
    make(
        variant="deepcluster-v2",
        n_heads=n_heads,
        n_pseudo_labels=7,
        callbacks=[Heads(log)],
    ).fit(digits[0])
    assert all(len(heads) == n_heads for heads in log)
    for head in log[0]:
        norms = torch.linalg.vector_norm(head, dim=1)
        assert (
            torch.isclose(norms, torch.ones(7), atol=1e-5).logical_or(norms == 0).all()
        )
    assert not torch.equal(log[0][0], log[1][0])


def test_v2_logits_are_cosines_to_centroids_of_whitened_features():
    X = torch.from_numpy(np.random.RandomState(0).rand(50, 64).astype(np.float32))
    model = PseudoLabelModel(Own(6), 6, n_classes=5, n_heads=2, temperature=0.1)
    F = model.features(X).detach().numpy()
    W = whiten(F, *whitening(F, 4))
    model.set_whitening(*map(torch.from_numpy, whitening(F, 4)))
    for head in range(2):
        model.set_centroids(head, torch.from_numpy(W[head : head + 3]))
        logits = model(X)[head].detach().numpy()
        expected = W @ W[head : head + 3].T / 0.1
        np.testing.assert_allclose(logits[:, :3], expected, atol=1e-3)
        assert not logits[:, 3:].any()  # classes without samples


def test_last_layers_are_drawn_again(make, digits):
    log = []
    make(callbacks=[Heads(log)], lr=1e-12).fit(digits[0])  # training changes nothing
    assert 0 < log[0][0].abs().max() < 0.1
    assert not torch.equal(log[0][0], log[1][0])


@pytest.mark.parametrize(
    ("optimizer", "params"),
    [
        (torch.optim.SGD, {"lr": 0.05, "optimizer__momentum": 0.9}),
        (torch.optim.SGD, {"lr": 0.05}),
        (torch.optim.AdamW, {}),
        (torch.optim.RMSprop, {}),
    ],
)
def test_optimisers_forget_the_last_layer_of_the_round_before(
    make, digits, optimizer, params
):
    seen = []

    class Memory(Callback):
        def on_batch_begin(self, net, **kwargs):
            state = net.optimizer_.state.get(net.module_.heads[0].weight, {})
            seen.append([float(v.abs().max()) for v in state.values() if v is not None])

    deep = make(max_iter=2, optimizer=optimizer, callbacks=[Memory()], **params)
    deep.fit(digits[0])
    first_of_round_2 = seen[len(seen) // 2]
    assert not any(first_of_round_2)
    if len(seen[-1]):
        assert any(seen[-1])


# -- clusterers --------------------------------------------------------------


@pytest.mark.parametrize(
    "clusterer",
    [
        "kmeans",
        KMeans(n_init=2),
        MiniBatchKMeans(n_init=2),
        GaussianMixture(covariance_type="diag"),
        AgglomerativeClustering(),
        SpectralClustering(affinity="nearest_neighbors"),
    ],
)
def test_any_clusterer(make, digits, clusterer):
    X, y = digits
    deep = make(clusterer=clusterer, n_clusters=10, module__widths=(8, 16)).fit(X[:150])
    assert set(deep.labels_) <= set(range(10))
    assert len(set(deep.labels_)) >= 8
    assert deep.cluster_centers_.shape == (10, 16)
    np.testing.assert_array_equal(deep.predict(X[:150]), deep.labels_)
    new = deep.predict(X[150:])
    assert new.shape == (50,)
    assert normalized_mutual_info_score(y[:150], deep.labels_) > 0.25


def test_faiss(make, digits):
    pytest.importorskip("faiss")
    params = {"clusterer": "faiss", "n_clusters": 10, "n_pseudo_labels": 30}
    deep = make(**params).fit(digits[0])
    np.testing.assert_array_equal(deep.predict(digits[0]), deep.labels_)
    assert len(set(deep.labels_)) == 10
    again = make(**params).fit(digits[0])
    np.testing.assert_array_equal(again.transform(digits[0]), deep.transform(digits[0]))
    pickle.loads(pickle.dumps(deep)).predict(digits[0])


@pytest.mark.parametrize(
    "clusterer",
    [
        HDBSCAN(min_cluster_size=2, copy=True),  # finds more than n_pseudo_labels
        AffinityPropagation(),
        BayesianGaussianMixture(covariance_type="diag"),  # leaves components empty
        make_pipeline(StandardScaler(copy=False), KMeans(n_init=1)),
    ],
    ids=lambda clusterer: type(clusterer).__name__,
)
def test_clusterers_that_decide_themselves(make, digits, clusterer):
    deep = make(clusterer=clusterer, n_pseudo_labels=6).fit(digits[0])
    np.testing.assert_array_equal(deep.predict(digits[0]), deep.labels_)
    assert deep.labels_.max() < len(deep.cluster_centers_)
    assert deep.cluster_centers_.shape[1] == 8
    again = make(clusterer=clusterer, n_pseudo_labels=6).fit(digits[0])
    np.testing.assert_array_equal(again.labels_, deep.labels_)
    cluster_table(deep, digits[0])


def test_noise_sits_out(make, digits):
    deep = make(clusterer=HDBSCAN(min_cluster_size=3, copy=True)).fit(digits[0])
    np.testing.assert_array_equal(deep.predict(digits[0]), deep.labels_)
    assert deep.labels_.min() >= 0


def test_classes_without_samples_are_dropped_and_counted(make, digits):
    class Lazy(KMeans):
        """Never uses its label 1."""

        def fit_predict(self, X, y=None, sample_weight=None):
            labels = super().fit_predict(X)
            labels[labels == 1] = 0
            return labels

    deep = make(clusterer=Lazy(n_init=1), n_pseudo_labels=6).fit(digits[0])
    assert deep.history_["rounds"]["n_dropped"] == [1, 1]


def test_search_reaches_into_the_clusterer(make, digits):
    search = GridSearchCV(
        make(clusterer=GaussianMixture(covariance_type="diag"), max_iter=1),
        {
            "clusterer__covariance_type": ["diag", "spherical"],
            "n_pseudo_labels": [5, 10],
        },
        scoring=silhouette_scorer,
        cv=2,
        error_score="raise",
    ).fit(digits[0])
    assert len(search.cv_results_["params"]) == 4
    assert search.best_estimator_.clusterer_.covariance_type in ("diag", "spherical")


# -- networks and augmentation -----------------------------------------------


@pytest.mark.parametrize(
    ("network", "shape", "n_features"),
    [
        (ConvNet, (3, 31, 17), 128),
        (ConvNet, (1, 1, 1), 128),
        (ResNet18, (3, 32, 40), 512),
        (ResNet18, (1, 70, 65), 512),
        (DenseNet, (2, 3), 128),
    ],
)
def test_networks_give_features_for_any_size(network, shape, n_features):
    features = network(shape).eval()(torch.zeros(2, *shape))
    assert features.shape == (2, n_features)


@pytest.mark.parametrize("network", [AlexNet, VGG16])
@pytest.mark.parametrize("side", [32, 65])
def test_large_networks_give_features_for_any_size(network, side):
    with torch.device("meta"):
        assert network((3, side, side)).eval()(torch.zeros(2, 3, side, side)).shape == (
            2,
            4096,
        )


def test_small_network_is_small():
    n_parameters = sum(p.numel() for p in ConvNet((1, 28, 28)).parameters())
    assert 200_000 < n_parameters < 500_000


def test_sobel_filter():
    X = torch.arange(5.0).repeat(5, 1).repeat(1, 3, 1, 1)  # brightness grows along x
    gradient = Sobel(3)(X)[0, :, 1:-1, 1:-1]
    torch.testing.assert_close(gradient[0], torch.full((3, 3), -8.0))
    torch.testing.assert_close(gradient[1], torch.zeros(3, 3))
    assert not list(Sobel(3).parameters())


def test_sobel_in_front(make):
    X = np.random.RandomState(0).rand(40, 3, 12, 9)
    deep = make(sobel=True, image_shape="auto").fit(X)
    assert isinstance(deep.module_[0], Sobel)
    assert deep.module_[1].layers[0].in_channels == 2
    with pytest.raises(ValueError, match="sobel=True needs images"):
        make(sobel=True, image_shape=None).fit(X)


class Own(nn.Module):
    def __init__(self, width=3):
        super().__init__()
        self.layer = nn.Linear(64, width)

    def forward(self, X):
        return self.layer(X.flatten(1))


class Tuple(Own):
    def forward(self, X):
        return X, X


def test_own_network(make, digits):
    deep = make(module=Own, module__width=6).fit(digits[0])
    assert deep.transform(digits[0]).shape == (200, 6)
    with pytest.raises(ValueError, match="module__depth"):
        make(module=Own, module__depth=6).fit(digits[0])
    with pytest.raises(TypeError, match="not a nn.Module"):
        make(module=lambda: abs).fit(digits[0])
    with pytest.raises(ValueError, match="one tensor of features"):
        make(module=Tuple).fit(digits[0])
    with pytest.raises(ValueError, match="failed on a trial batch"):
        make(module=nn.Linear(63, 3)).fit(digits[0])
    with pytest.raises(ValueError, match="one tensor of features"):
        make(module=nn.Flatten(0)).fit(digits[0])


def test_augmentation_is_called_on_batches_of_images(make, digits):
    shapes = []

    def augment(X):
        shapes.append(tuple(X.shape))
        return X

    make(augment=augment, max_iter=1).fit(digits[0])
    assert shapes == [(32, 1, 8, 8)] * 7
    with pytest.raises(ValueError, match="augment made.*must return a tensor"):
        make(augment=lambda X: X[:, :, 1:]).fit(digits[0])
    with pytest.raises(ValueError, match="must return floating-point values"):
        make(augment=lambda X: (X * 255).to(torch.uint8)).fit(digits[0])
    make(augment=lambda X: X.double(), max_iter=1).fit(digits[0])


def test_augmentation_matters_and_can_be_switched_off(make, digits):
    X, _ = digits
    on, off = (make(augment=a).fit(X).transform(X) for a in ("auto", None))
    assert not np.array_equal(on, off)


def test_model_without_temperature_has_a_trained_bias():
    model = PseudoLabelModel(Own(4), 4, 6)
    assert model(torch.zeros(2, 64)).shape == (1, 2, 6)
    assert model.heads[0].bias.requires_grad
    fixed = PseudoLabelModel(Own(4), 4, 6, n_heads=2, temperature=0.1)
    assert fixed(torch.zeros(2, 64)).shape == (2, 2, 6)
    assert not any(p.requires_grad for p in fixed.heads.parameters())
