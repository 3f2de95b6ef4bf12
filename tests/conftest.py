"""Fixtures: small data, one thread, no window."""

import matplotlib
import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, make_blobs

from skdeepclust import DCEC, Autoencoder

matplotlib.use("agg")

TINY_CONV = {"module__filters": (4, 8, 8), "embedding_dim": 4}
TINY_DENSE = {"module__hidden_dims": (16,), "embedding_dim": 4}


@pytest.fixture(autouse=True)
def _one_thread():
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture(scope="session")
def digits():
    """200 digits of 8 x 8 as rows in [0, 1], and their classes."""
    X, y = load_digits(return_X_y=True)
    return (X[:200] / 16).astype(np.float32), y[:200]


@pytest.fixture(scope="session")
def blobs():
    """Three well separated blobs of 6 columns."""
    X, y = make_blobs(150, n_features=6, centers=3, cluster_std=0.5, random_state=3)
    return (X / 5).astype(np.float32), y


@pytest.fixture
def make_dcec():
    """A DCEC small enough for a test; images by default."""

    def make(**params):
        defaults = {
            "n_clusters": 5,
            "pretrain_epochs": 2,
            "max_iter": 20,
            "update_interval": 5,
            "batch_size": 32,
            "n_init": 2,
            "random_state": 0,
            "device": "cpu",
            "image_shape": (8, 8),
            # The paper's; ours are tested by name.
            "augment": None,
            "init": "kmeans",
            "n_iter_no_change": None,
            **TINY_CONV,
        }
        if params.get("image_shape", "") is None or params.get("module") == "dense":
            defaults.pop("module__filters")
            defaults["module__hidden_dims"] = (16,)
        return DCEC(**{**defaults, **params})

    return make


@pytest.fixture
def make_autoencoder():
    """An Autoencoder small enough for a test; images by default."""

    def make(**params):
        defaults = {
            "max_epochs": 2,
            "batch_size": 32,
            "random_state": 0,
            "device": "cpu",
            "image_shape": (8, 8),
            **TINY_CONV,
        }
        if params.get("image_shape", "") is None or params.get("module") == "dense":
            defaults.pop("module__filters")
            defaults["module__hidden_dims"] = (16,)
        return Autoencoder(**{**defaults, **params})

    return make
