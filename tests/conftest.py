"""Fixtures: small data, one thread, no window."""

from functools import partial

import matplotlib
import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, make_blobs
from tiny import tiny

from skdeepclust import DCEC, Autoencoder

matplotlib.use("agg")


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
    return partial(tiny, DCEC)


@pytest.fixture
def make_autoencoder():
    """An Autoencoder small enough for a test; images by default."""
    return partial(tiny, Autoencoder)
