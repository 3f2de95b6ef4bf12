"""Nearest neighbours, exact and approximate."""

import numpy as np
import pytest

from skdeepclust.heads import _neighbors
from skdeepclust.heads._neighbors import nearest_neighbors, resolve_search


def points(n=300, d=6):
    Z = np.random.RandomState(0).randn(n, d).astype(np.float32)
    return Z / np.linalg.norm(Z, axis=1, keepdims=True)


def by_hand(Z, n_neighbors):
    distances = ((Z[:, None].astype(float) - Z[None]) ** 2).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    return np.argsort(distances, axis=1)[:, :n_neighbors]


@pytest.mark.parametrize("search", ["sklearn", "faiss"])
def test_exact_neighbours(search, monkeypatch):
    if search == "faiss":
        pytest.importorskip("faiss")
    monkeypatch.setattr(_neighbors, "_BLOCK", 64)
    Z = points()
    found = nearest_neighbors(Z, 5, search, 0)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, by_hand(Z, 5))


def test_the_approximate_search_finds_most_of_them():
    pytest.importorskip("faiss")
    Z = points(5000)
    found, exact = (nearest_neighbors(Z, 10, s, 0) for s in ("faiss-ivf", "sklearn"))
    shared = [len(set(a) & set(b)) for a, b in zip(found, exact)]
    assert np.mean(shared) > 7
    assert not (found == np.arange(5000)[:, None]).any()
    np.testing.assert_array_equal(found, nearest_neighbors(Z, 10, "faiss-ivf", 0))


@pytest.mark.parametrize("search", ["sklearn", "faiss"])
def test_duplicates_are_neighbours_of_each_other(search):
    if search == "faiss":
        pytest.importorskip("faiss")
    found = nearest_neighbors(np.ones((20, 3), np.float32), 4, search, 0)
    assert found.shape == (20, 4)
    assert not (found == np.arange(20)[:, None]).any()


def test_too_few_are_filled_up():
    positions = np.array([[0, 3, -1], [2, -1, -1]])
    found = _neighbors._without_itself(positions, np.array([0, 2]))
    np.testing.assert_array_equal(found, [[3, 3], [2, 2]])


def test_what_auto_stands_for(monkeypatch):
    monkeypatch.setattr(_neighbors, "find_spec", lambda name: object())
    assert resolve_search("auto", 1000) == "faiss"
    assert resolve_search("auto", 10**6) == "faiss-ivf"
    monkeypatch.setattr(_neighbors, "find_spec", lambda name: None)
    assert resolve_search("auto", 10**6) == "sklearn"
    with pytest.raises(ImportError, match=r"skdeepclust\[faiss\]"):
        resolve_search("faiss", 10)
