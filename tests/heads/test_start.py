"""The graph of shared neighbours, and its spectral embedding."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs, make_circles
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import NearestNeighbors

from skdeepclust.heads import _start
from skdeepclust.heads._start import graph_embedding, shared_neighbors


def test_weights_are_jaccard_indices(monkeypatch):
    monkeypatch.setattr(_start, "_BLOCK", 7)
    rng = np.random.RandomState(0)
    neighbors = np.stack(
        [rng.permutation(np.delete(np.arange(20), i))[:5] for i in range(20)]
    ).astype(np.int32)
    graph = shared_neighbors(neighbors).toarray()
    for i in range(20):
        for j in range(20):
            first, second = {i, *neighbors[i]}, {j, *neighbors[j]}
            is_edge = i != j and (j in neighbors[i] or i in neighbors[j])
            share = len(first & second) / len(first | second)
            assert graph[i, j] == pytest.approx(share if is_edge else 0)


@pytest.mark.parametrize("dense", [0, 1000])
def test_circles_are_apart(monkeypatch, dense):
    monkeypatch.setattr(_start, "_DENSE", dense)
    X, y = make_circles(300, factor=0.4, noise=0.05, random_state=0)
    model = NearestNeighbors(n_neighbors=11).fit(X)
    neighbors = model.kneighbors(X, return_distance=False)[:, 1:].astype(np.int32)
    Z = graph_embedding(shared_neighbors(neighbors), 2)
    np.testing.assert_allclose(np.linalg.norm(Z, axis=1), 1)
    labels = KMeans(2, n_init=5, random_state=0).fit_predict(Z)
    assert adjusted_rand_score(y, labels) == 1


@pytest.mark.parametrize("n_neighbors", [10, 30])
def test_a_graph_of_separate_parts(n_neighbors):
    X, y = make_blobs(240, n_features=12, centers=4, random_state=3)
    model = NearestNeighbors(n_neighbors=n_neighbors + 1).fit(X)
    neighbors = model.kneighbors(X, return_distance=False)[:, 1:].astype(np.int32)
    Z = graph_embedding(shared_neighbors(neighbors), 4)
    labels = KMeans(4, n_init=5, random_state=0).fit_predict(Z)
    assert adjusted_rand_score(y, labels) == 1
