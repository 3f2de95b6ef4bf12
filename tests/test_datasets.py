"""Loaders: local files if there are any, else the data of OpenML."""

import numpy as np
import pytest

from skdeepclust import datasets


@pytest.fixture
def no_local_files(monkeypatch):
    monkeypatch.delenv("SKDEEPCLUST_DATA", raising=False)


def test_mnist_from_openml(no_local_files, monkeypatch):
    asked = []

    def fetch(name, version, **kwargs):
        asked.append((name, version))
        bunch = type("Bunch", (), {})()
        pixels = (np.arange(784) % 256).astype(np.uint8)
        bunch.data = np.broadcast_to(pixels, (70000, 784))
        bunch.target = np.array(["7"] * 60000 + ["3"] * 10000)
        return bunch

    monkeypatch.setattr(datasets, "fetch_openml", fetch)
    data = datasets.fetch_mnist(subset="test")
    assert asked == [("mnist_784", 1)]
    assert data.data.shape == (10000, 1, 28, 28)
    assert data.data.dtype == np.uint8
    assert data.data[0, 0, 1, 3] == 31
    assert (data.target == 3).all()
    X, y = datasets.fetch_mnist(subset="train", return_X_y=True)
    assert len(X) == len(y) == 60000


def test_local_files(monkeypatch, tmp_path):
    monkeypatch.setenv("SKDEEPCLUST_DATA", str(tmp_path))
    X = np.zeros((3, 1, 28, 28), dtype=np.uint8)
    np.savez(tmp_path / "mnist_test.npz", X=X, y=np.arange(3))
    np.savez(tmp_path / "pendigits.npz", X=np.ones((2, 16)), y=[4, 5])
    X, y = datasets.fetch_mnist(subset="test", return_X_y=True)
    assert X.shape == (3, 1, 28, 28)
    assert y.tolist() == [0, 1, 2]
    data = datasets.fetch_pendigits()
    assert data.data.dtype == np.float32
    assert data.target.dtype == np.int64


def test_pendigits_from_openml(no_local_files, monkeypatch):
    bunch = type("Bunch", (), {"data": np.ones((2, 16)), "target": ["1", "2"]})
    monkeypatch.setattr(datasets, "fetch_openml", lambda *a, **k: bunch)
    X, y = datasets.fetch_pendigits(return_X_y=True)
    assert X.shape == (2, 16)
    assert y.tolist() == [1, 2]


def test_unknown_subset():
    with pytest.raises(ValueError, match="'validation' is none of"):
        datasets.fetch_mnist(subset="validation")
