"""Streamed moments, main components and unit rows."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from skdeepclust import DataScaleWarning
from skdeepclust._tensor_data import TensorData
from skdeepclust.heads import _prepare
from skdeepclust.heads._prepare import column_moments, fit_preparation, prepared


@pytest.fixture
def X(monkeypatch):
    monkeypatch.setattr(_prepare, "_BLOCK", 37)
    rng = np.random.RandomState(0)
    X = rng.randn(200, 12) @ rng.randn(12, 12) + 5 * rng.randn(12)
    X[:, 3] = 0.1  # constant
    return X.astype(np.float32)


def data_of(X):
    return TensorData(X, X.shape[1:], torch.device("cpu"))


def test_moments(X):
    mean, spread = column_moments(data_of(X))
    np.testing.assert_allclose(mean, X.astype(float).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(spread, X.astype(float).std(axis=0), atol=1e-12)
    mean, spread = column_moments(data_of(X + np.float32(1e6)))
    np.testing.assert_allclose(spread[0], (X + np.float32(1e6))[:, 0].std(dtype=float))


@pytest.mark.parametrize("scale", ["standard", None])
def test_against_scikit_learn(X, scale):
    Z = prepared(fit_preparation(data_of(X), scale, 4), data_of(X))
    expected = X.astype(float)
    if scale == "standard":
        expected = StandardScaler().fit_transform(expected)
        expected[:, 3] = 0
    expected = PCA(4).fit_transform(expected)
    expected /= np.sqrt(np.mean(expected**2))
    np.testing.assert_allclose(np.abs(Z), np.abs(expected), atol=1e-4)


@pytest.mark.parametrize("n", [200, 3])
def test_components_of_many_columns(X, monkeypatch, n):
    X = X[:n]
    exact = prepared(fit_preparation(data_of(X), "standard", 4), data_of(X))
    monkeypatch.setattr(_prepare, "_MOST_COLUMNS", 11)
    monkeypatch.setattr(_prepare, "_MOST_VALUES", 60)  # blocks of five rows
    found = prepared(fit_preparation(data_of(X), "standard", 4), data_of(X))
    rank = min(4, n - 1)
    np.testing.assert_allclose(found[:, :rank], exact[:, :rank], atol=1e-3)
    np.testing.assert_allclose(np.mean(found**2), 1, rtol=1e-3)


def test_pixels_of_large_images():
    rng = np.random.RandomState(0)  # a covariance of 7 GB, by itself
    X = rng.randn(40, 5) @ rng.randn(5, 30_000) + 0.1 * rng.randn(40, 30_000)
    X = X.astype(np.float32)
    Z = prepared(fit_preparation(data_of(X), None, 5), data_of(X))
    expected = PCA(5, svd_solver="full").fit_transform(X)
    expected /= np.sqrt(np.mean(expected**2))
    np.testing.assert_allclose(np.abs(Z), np.abs(expected), atol=1e-3)


def test_unit_rows_and_all_columns(X):
    data = data_of(X)
    Z = prepared(fit_preparation(data, "unit", 12), data)
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    centred = unit - unit.mean(axis=0)
    np.testing.assert_allclose(Z, centred / np.sqrt(np.mean(centred**2)), atol=1e-4)
    again = prepared(fit_preparation(data, "unit", None), data)
    np.testing.assert_array_equal(Z, again)


@pytest.mark.parametrize("scale", ["unit", None])
def test_a_column_that_outweighs_the_others_is_warned_of(scale):
    X = np.random.RandomState(0).normal(size=(200, 30)).astype(np.float32)
    X[:, 7] *= 30
    with pytest.warns(DataScaleWarning, match="Column 7 of X has [89].% .*'standard'"):
        fit_preparation(data_of(X), scale, None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit_preparation(data_of(X), "standard", None)
        X[:, 7] = X[:, 7] / 30 + 1000  # far from zero, but not wide
        fit_preparation(data_of(X), None, None)
