"""What the tests of the displays share: small fits, known clusters, helpers."""

import warnings

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClusterMixin, TransformerMixin
from tiny import tiny_params

from skdeepclust import DCEC, Autoencoder

# k-means gives five clusters with samples after so few steps.
TINY = {**tiny_params(DCEC), "n_iter_no_change": 10}
del TINY["n_clusters"]


@pytest.fixture(autouse=True)
def _closed_and_untouched(monkeypatch):
    """No display shows a window or changes the user's settings."""

    def show(*args, **kwargs):
        raise AssertionError("plt.show was called")

    monkeypatch.setattr(plt, "show", show)
    before = dict(mpl.rcParams)
    yield
    assert dict(mpl.rcParams) == before
    plt.close("all")


@pytest.fixture(scope="session")
def tiny_dcec():
    """Parameters of a DCEC of images of 8 x 8 that is fitted in a moment."""
    return dict(TINY)


@pytest.fixture(scope="session")
def dcec(digits):
    """A fitted DCEC. Tests only look at it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return DCEC(5, **TINY).fit(digits[0])


@pytest.fixture(scope="session")
def autoencoder(digits):
    """A fitted Autoencoder. Tests only look at it."""
    params = {k: TINY[k] for k in ("batch_size", "random_state", "device")}
    return Autoencoder(max_epochs=2, embedding_dim=4, **params).fit(digits[0])


class KnownClusterer(ClusterMixin, TransformerMixin, BaseEstimator):
    """Embeds a sample as its first two columns; the third is its cluster."""

    def __init__(self, n_clusters=3):
        self.n_clusters = n_clusters

    def fit(self, X, y=None):
        self.cluster_centers_ = np.zeros((self.n_clusters, 2))
        self.module_ = None
        return self

    def transform(self, X):
        return np.asarray(X).reshape(len(X), -1)[:, :2]

    def predict(self, X):
        return np.asarray(X).reshape(len(X), -1)[:, 2].astype(int)


@pytest.fixture(scope="session")
def Known():
    """The class of estimators that read embedding and cluster from X."""
    return KnownClusterer


@pytest.fixture(scope="session")
def known_rows():
    """A function that makes such samples, of clusters of the sizes asked for."""

    def make(sizes, seed=0):
        labels = np.repeat(np.arange(len(sizes)), sizes)
        points = np.random.default_rng(seed).normal(size=(len(labels), 2))
        return np.column_stack([points + 8 * labels[:, None], labels]), labels

    return make


@pytest.fixture(scope="session")
def xy():
    """A function that gives the places of a line."""
    return lambda line: [np.asarray(v, dtype=float) for v in line.get_data()]


class RecordingProjection(TransformerMixin, BaseEstimator):
    """A projection that writes down what it gets."""

    def __init__(self, seen):
        self.seen = seen

    def __sklearn_clone__(self):
        return RecordingProjection(self.seen)

    def fit_transform(self, X, y=None):
        self.seen.append(X)
        return X[:, :2]


@pytest.fixture(scope="session")
def Recorder():
    """The class of projections that write down what they get."""
    return RecordingProjection
