"""The autoencoder as a transformer."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.cluster import (
    HDBSCAN,
    AgglomerativeClustering,
    KMeans,
    SpectralClustering,
)
from sklearn.exceptions import NotFittedError
from sklearn.metrics import normalized_mutual_info_score
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from torch import nn

from skdeepclust import Autoencoder, LandmarkSpectralClustering
from skdeepclust.networks import (
    ConvAutoencoder,
    DenseAutoencoder,
    ResidualAutoencoder,
)


def test_training_happens(make_autoencoder, digits):
    X, _ = digits
    autoencoder = make_autoencoder(max_epochs=15).fit(X)
    losses = autoencoder.history_["pretraining"]["loss"]
    assert losses[-1] < 0.5 * losses[0]
    assert autoencoder.n_iter_ == len(losses) == 15
    assert autoencoder.stop_reason_ == "max_epochs=15 used up"


def test_loss_is_the_mean_squared_error(make_autoencoder, digits):
    X, _ = digits
    # One batch, one epoch: the loss recorded is that of the initial network.
    autoencoder = make_autoencoder(max_epochs=1, batch_size=200).fit(X)
    untrained = make_autoencoder(max_epochs=0).fit(X)
    X_decoded = untrained.inverse_transform(untrained.transform(X))
    expected = np.mean((X - X_decoded) ** 2)
    recorded = autoencoder.history_["pretraining"]["loss"][0]
    assert recorded == pytest.approx(expected, rel=1e-5)
    assert untrained.score(X) == pytest.approx(-expected, rel=1e-5)
    assert untrained.history_ == {"pretraining": {"epoch": [], "loss": [], "dur": []}}


def test_network_by_the_input(make_autoencoder, digits, blobs):
    assert isinstance(make_autoencoder().fit(digits[0]).module_, ConvAutoencoder)
    dense = make_autoencoder(image_shape=None).fit(digits[0])
    assert isinstance(dense.module_, ResidualAutoencoder)
    assert dense.image_shape_ is None
    table = make_autoencoder(image_shape=None).set_params(image_shape="auto")
    assert isinstance(table.fit(blobs[0]).module_, ResidualAutoencoder)
    flat = make_autoencoder(module="dense").fit(digits[0])
    assert isinstance(flat.module_, DenseAutoencoder)
    assert flat.image_shape_ == (1, 8, 8)


@pytest.mark.parametrize("shape", [(64,), (8, 8), (1, 8, 8)])
def test_inverse_transform_gives_back_the_layout(make_autoencoder, digits, shape):
    X = digits[0].reshape(-1, *shape)
    autoencoder = make_autoencoder().fit(X)
    Z = autoencoder.transform(X)
    assert Z.shape == (200, 4)
    assert Z.dtype == np.float32
    assert autoencoder.inverse_transform(Z).shape == X.shape
    with pytest.raises(ValueError, match=r"Z has 3 columns.*has 4\."):
        autoencoder.inverse_transform(Z[:, :3])


@pytest.mark.parametrize("shape", [(3, 9, 14), (2, 7, 5)])
def test_images_of_any_shape(make_autoencoder, shape):
    X = np.random.RandomState(0).rand(20, *shape)
    autoencoder = make_autoencoder(image_shape="auto").fit(X)
    assert autoencoder.image_shape_ == shape
    assert autoencoder.inverse_transform(autoencoder.transform(X)).shape == X.shape


def test_names_and_containers(make_autoencoder, digits):
    X = pd.DataFrame(digits[0]).add_prefix("pixel")
    autoencoder = make_autoencoder().set_output(transform="pandas")
    Z = autoencoder.fit_transform(X)
    names = [f"autoencoder{i}" for i in range(4)]
    assert list(Z.columns) == list(autoencoder.get_feature_names_out()) == names
    assert list(autoencoder.feature_names_in_) == list(X.columns)
    with pytest.raises(ValueError, match="feature names should match"):
        autoencoder.transform(X[X.columns[::-1]])


def test_in_front_of_a_clusterer(make_autoencoder, digits):
    X, _ = digits
    kmeans = KMeans(5, n_init=2, random_state=0)
    pipeline = make_pipeline(MinMaxScaler(), make_autoencoder(), kmeans)
    labels = pipeline.fit_predict(X)
    np.testing.assert_array_equal(pipeline.predict(X), labels)
    assert len(np.unique(labels)) == 5


def test_search_by_reconstruction(make_autoencoder, digits):
    search = GridSearchCV(
        make_autoencoder(), {"embedding_dim": [2, 4], "lr": [1e-6, 1e-3]}, cv=2
    ).fit(digits[0])
    assert search.best_params_["lr"] == 1e-3
    assert search.best_score_ < 0


class Linear(nn.Module):
    def __init__(self, embedding_dim, bias=True):
        super().__init__()
        self.down = nn.Linear(64, embedding_dim, bias)
        self.up = nn.Linear(embedding_dim, 64, bias)

    def encode(self, X):
        return self.down(X)

    def decode(self, Z):
        return self.up(Z)


def test_users_own_module(digits):
    X, _ = digits
    autoencoder = Autoencoder(
        6, module=Linear, image_shape=None, max_epochs=2, module__bias=False
    ).fit(X)
    assert isinstance(autoencoder.module_, Linear)
    assert autoencoder.module_.down.bias is None
    assert autoencoder.transform(X).shape == (200, 6)


def test_users_own_instance_is_not_trained_in_place(digits):
    own = Linear(6)
    before = own.down.weight.detach().clone()
    autoencoder = Autoencoder(module=own, image_shape=None, max_epochs=1).fit(digits[0])
    assert torch.equal(own.down.weight, before)
    assert not torch.equal(autoencoder.module_.down.weight, before)
    clone(autoencoder).fit(digits[0])


def test_unfitted(make_autoencoder, digits):
    autoencoder = make_autoencoder()
    for use in (
        lambda: autoencoder.transform(digits[0]),
        lambda: autoencoder.inverse_transform(np.zeros((1, 4))),
        lambda: autoencoder.score(digits[0]),
        autoencoder.get_feature_names_out,
    ):
        with pytest.raises(NotFittedError):
            use()
    assert not hasattr(autoencoder, "module_")


# -- any clusterer on the embedding ------------------------------------------


@pytest.mark.parametrize(
    "clusterer",
    [
        KMeans(10, random_state=0),
        GaussianMixture(10, covariance_type="diag", random_state=0),
        SpectralClustering(10, affinity="nearest_neighbors", random_state=0),
        AgglomerativeClustering(10),
        HDBSCAN(min_cluster_size=3, copy=True),
        LandmarkSpectralClustering(10, random_state=0),
    ],
    ids=lambda clusterer: type(clusterer).__name__,
)
def test_any_clusterer_in_the_latent_space(make_autoencoder, digits, clusterer):
    X, y = digits
    pipeline = make_pipeline(make_autoencoder(max_epochs=20), clusterer)
    labels = pipeline.fit_predict(X)
    assert labels.shape == (200,)
    assert normalized_mutual_info_score(y, labels) > 0.2
    if hasattr(clusterer, "predict"):
        np.testing.assert_array_equal(pipeline.predict(X), labels)
        new = pipeline.predict(X[:1])
        assert new.shape == (1,)
