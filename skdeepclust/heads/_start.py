"""Where heads begin: clusters of the graph of nearest neighbours, learned first."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import LinearOperator, eigsh
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import KMeans
from torch import Tensor

from skdeepclust._clusterers import fit_predict_labels, make_clusterer, relabel
from skdeepclust._geometry import unit_rows
from skdeepclust._random import derived_seed

__all__ = [
    "LEARNING_RATE",
    "LabelledBatches",
    "first_clusters",
    "graph_embedding",
    "shared_neighbors",
]

# Heads learn the clusters that they begin with in these steps of Adam, more if it takes
# more to draw so many samples of each cluster.
_LEARNING_STEPS, _DRAWN, LEARNING_RATE = 150, 256, 1e-2

# Edges of the graph: to this number of neighbours at most.
_MOST_EDGES = 30

# Eigenvectors at most: the cost of Lanczos grows with their square. More clusters are
# found by k-means of the rows, from so many samples per cluster and in so many rounds.
_MOST_VECTORS = 64
_PER_CLUSTER, _MOST_ROUNDS = 64, 30
_DENSE = 200  # samples up to which the whole matrix is decomposed
_TOLERANCE = 1e-4

# A separate part of the graph has a dimension of its own if it has at least this share
# of the mean size of a cluster; a few samples far from all others have none.
_LEAST_PART = 0.05

_BLOCK = 4096  # samples whose shared neighbours are counted at once


class LabelledBatches:
    """Batches of prepared rows and the clusters that heads begin with.

    Parameters
    ----------
    data : TensorData or MappedRows
        Prepared rows.
    labels : ndarray of shape (n_starts, n_samples)
        Clusters of every start; -1 is none.
    batch_size : int
        Rows per batch.
    seed : int
        Seed of the draws.
    """

    def __init__(self, data: Any, labels: NDArray, batch_size: int, seed: int):
        self._data = data
        self._labels = torch.from_numpy(labels)
        self._batch_size = batch_size
        n_wanted = _DRAWN * (int(labels.max()) + 1)
        self._n_steps = max(_LEARNING_STEPS, n_wanted // batch_size)
        self._generator = torch.Generator().manual_seed(derived_seed(seed, "learn"))

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        size = (self._batch_size,)
        for _ in range(self._n_steps):
            index = torch.randint(len(self._data), size, generator=self._generator)
            labels = self._labels[:, index].to(self._data.device)
            yield self._data.take(index), labels


def first_clusters(
    init: Any,
    Z: NDArray,
    neighbors: Callable[[], NDArray],
    n_clusters: int,
    n_starts: int,
    n_init: int,
    seed: int,
) -> NDArray[np.int64]:
    """Clusters that heads begin with, of another seed for every start.

    Parameters
    ----------
    init : "spectral" or clusterer
        Parameter of the estimator. More than 64 clusters are found by k-means of Z.
    Z : ndarray of shape (n_samples, n_features)
        Rows that a clusterer sees.
    neighbors : callable
        Returns the neighbours of every sample, for "spectral".
    n_clusters : int
        Number of clusters.
    n_starts : int
        Number of starts.
    n_init : int
        Starts of each k-means.
    seed : int
        Seed of all of them.

    Returns
    -------
    labels : ndarray of shape (n_starts, n_samples)
        Clusters of every start; -1 is none.

    Raises
    ------
    ValueError
        If a clusterer finds more than `n_clusters`.
    """
    space, clusterer = Z, init
    if isinstance(init, str) and n_clusters > _MOST_VECTORS:
        clusterer, n_init = ManyMeans(n_clusters), 1
    elif isinstance(init, str):
        graph = shared_neighbors(neighbors())
        space, clusterer = graph_embedding(graph, n_clusters), "kmeans"
    found = []
    for i in range(n_starts):
        own = derived_seed(seed, f"start {i}")
        each = make_clusterer(clusterer, n_clusters, n_init, own)
        labels = relabel(fit_predict_labels(each, space, quiet=True))
        if labels.max() >= n_clusters:
            raise ValueError(
                f"init={init!r} finds {labels.max() + 1} clusters, but "
                f"n_clusters={n_clusters}. Pass a clusterer that finds at most these."
            )
        found.append(labels)
    return np.stack(found).astype(np.int64)


class ManyMeans(ClusterMixin, BaseEstimator):
    """K-means for many clusters: their centres are found from a part of the samples.

    Parameters
    ----------
    n_clusters : int
        Number of clusters.
    random_state : int, default=None
        Seed.
    """

    def __init__(self, n_clusters, random_state=None):
        self.n_clusters = n_clusters
        self.random_state = random_state

    def fit(self, X, y=None):
        """Find the centres, and assign all samples to the nearest."""
        rng = np.random.RandomState(self.random_state)
        n_seen = min(len(X), _PER_CLUSTER * self.n_clusters)
        seen = X[np.sort(rng.permutation(len(X))[:n_seen])]
        kmeans = KMeans(
            min(self.n_clusters, len(X)),
            n_init=1,
            max_iter=_MOST_ROUNDS,
            random_state=self.random_state,
        )
        self.labels_ = kmeans.fit(seen).predict(X)
        return self


def shared_neighbors(neighbors: NDArray[np.int32]) -> scipy.sparse.csr_matrix:
    """Graph whose weights are the shares of common neighbours of two samples.

    The weight of an edge is the number of common neighbours over the number of all
    neighbours of the two (Jaccard), a sample being a neighbour of itself. Edges go to
    the 30 nearest neighbours, in both directions.

    Parameters
    ----------
    neighbors : ndarray of shape (n_samples, n_neighbors)
        Positions of the neighbours, the nearest first.

    Returns
    -------
    graph : csr_matrix of shape (n_samples, n_samples)
        Symmetric weights.
    """
    n = len(neighbors)
    itself = np.arange(n, dtype=np.int32)[:, None]
    lists = _adjacency(np.hstack([itself, neighbors]))
    edges = _adjacency(neighbors[:, :_MOST_EDGES])
    across = lists.T.tocsc()
    size = neighbors.shape[1] + 1
    found = []
    for start in range(0, n, _BLOCK):
        block = slice(start, start + _BLOCK)
        common = (lists[block] @ across).multiply(edges[block]).tocsr()
        common.data = common.data / (2 * size - common.data)
        found.append(common)
    graph = scipy.sparse.vstack(found).tocsr()
    graph.setdiag(0)
    return graph.maximum(graph.T).tocsr()


def graph_embedding(graph: scipy.sparse.csr_matrix, n_vectors: int) -> NDArray:
    """Spectral embedding: leading eigenvectors of the normalised graph, unit rows.

    Parameters
    ----------
    graph : csr_matrix of shape (n_samples, n_samples)
        Symmetric weights.
    n_vectors : int
        Number of eigenvectors; at most 64 are taken.

    Returns
    -------
    embedding : ndarray of shape (n_samples, n_vectors)
        Rows of length one.
    """
    n = graph.shape[0]
    n_vectors = min(n_vectors, _MOST_VECTORS, n)
    n_parts, part = connected_components(graph, directed=False)
    degrees = np.asarray(graph.sum(axis=1)).ravel()
    scale = scipy.sparse.diags(1 / np.sqrt(np.maximum(degrees, 1e-12)))
    normalised = (scale @ graph @ scale).astype(np.float64)
    if n <= max(_DENSE, 2 * n_vectors):
        values, vectors = np.linalg.eigh(normalised.toarray())
        leading = vectors[:, np.argsort(-values)[:n_vectors]]
    elif n_parts == 1:
        leading = _leading(normalised, n_vectors)
    else:
        leading = _leading_of_parts(normalised, n_vectors, degrees, part)
    return unit_rows(np.ascontiguousarray(leading))


def _leading(matrix, n_vectors):
    """Leading eigenvectors, the first first."""
    # The start is fixed: the same graph gives the same vectors.
    start = np.random.RandomState(0).rand(matrix.shape[0])
    values, vectors = eigsh(matrix, n_vectors, which="LA", tol=_TOLERANCE, v0=start)
    return vectors[:, np.argsort(-values)]


def _leading_of_parts(matrix, n_vectors, degrees, part):
    """Leading eigenvectors of a graph of separate parts.

    Every part has an eigenvector of eigenvalue one, the roots of its degrees. Lanczos
    finds one vector of a repeated eigenvalue and may miss the others, so that these are
    given to it.
    """
    sizes = np.bincount(part)
    kept = np.argsort(-sizes, kind="stable")[:n_vectors]
    kept = kept[sizes[kept] >= _LEAST_PART * len(part) / n_vectors]
    sums = np.maximum(np.bincount(part, degrees), 1e-12)
    roots = np.sqrt(degrees / sums[part])
    known = (part[:, None] == kept) * roots[:, None]
    if len(kept) == n_vectors:
        return known

    def without_known(x):
        x = x.ravel()
        return matrix @ x - roots * np.bincount(part, roots * x)[part]

    others = LinearOperator(matrix.shape, without_known, dtype=matrix.dtype)
    return np.hstack([known, _leading(others, n_vectors - len(kept))])


def _adjacency(neighbors):
    """Sparse matrix with a one for every neighbour; repeated ones count once."""
    n, width = neighbors.shape
    ends = np.arange(0, n * width + 1, width)
    ones = np.ones(n * width, dtype=np.float32)
    matrix = scipy.sparse.csr_matrix((ones, neighbors.ravel(), ends), shape=(n, n))
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix
