"""Where heads begin: clusters of the graph of nearest neighbours."""

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from scipy.sparse.linalg import eigsh

from skdeepclust._geometry import unit_rows

__all__ = ["graph_embedding", "shared_neighbors"]

# Edges of the graph: to this number of neighbours at most.
_MOST_EDGES = 30

# Eigenvectors at most: the cost of Lanczos grows with their square.
_MOST_VECTORS = 64
_DENSE = 200  # samples up to which the whole matrix is decomposed
_TOLERANCE = 1e-4

_BLOCK = 4096  # samples whose shared neighbours are counted at once


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
    degrees = np.asarray(graph.sum(axis=1)).ravel()
    scale = scipy.sparse.diags(1 / np.sqrt(np.maximum(degrees, 1e-12)))
    normalised = (scale @ graph @ scale).astype(np.float64)
    if n <= max(_DENSE, 2 * n_vectors):
        values, vectors = np.linalg.eigh(normalised.toarray())
    else:
        # The start is fixed: the same graph gives the same vectors.
        start = np.random.RandomState(0).rand(n)
        values, vectors = eigsh(
            normalised, n_vectors, which="LA", tol=_TOLERANCE, v0=start
        )
    leading = vectors[:, np.argsort(-values)[:n_vectors]]
    return unit_rows(np.ascontiguousarray(leading))


def _adjacency(neighbors):
    """Sparse matrix with a one for every neighbour; repeated ones count once."""
    n, width = neighbors.shape
    ends = np.arange(0, n * width + 1, width)
    ones = np.ones(n * width, dtype=np.float32)
    matrix = scipy.sparse.csr_matrix((ones, neighbors.ravel(), ends), shape=(n, n))
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix
