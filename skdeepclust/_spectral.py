"""Landmark spectral clustering as functions of arrays, sparse all the way.

With n samples, p landmarks and r neighbours everything here costs O(n p) time and
O(n r + p^2) memory; no matrix of n x n or n x p numbers is ever built.
"""

import math

import numpy as np
import scipy.linalg
import scipy.sparse
import scipy.sparse.linalg

from skdeepclust._clusterers import cluster, make_clusterer, nearest

__all__ = [
    "find_landmarks",
    "landmark_affinity",
    "resolve_bandwidth",
    "singular_basis",
    "spectral_embedding",
]

# Up to so many columns their products are decomposed as a dense matrix: exact also
# where singular values coincide, and as fast.
_MAX_DENSE = 2000

# Singular values below this share of the first are rounding errors.
_SMALLEST = 1e-6

_MAX_ITER_OF_LANDMARKS = 30  # landmarks have to be spread well, no more


def find_landmarks(Z, n_landmarks, seed):
    """Landmarks: the centres of a k-means.

    Parameters
    ----------
    Z : ndarray of shape (n, d)
        Points.
    n_landmarks : int
        Number of landmarks. Where the points have fewer different values, there are
        as many as these.
    seed : int
        Seed.

    Returns
    -------
    landmarks : ndarray of shape (at most n_landmarks, d)
        Landmarks, of the type of Z.
    """
    if n_landmarks >= len(Z):
        return np.unique(Z, axis=0)
    kmeans = make_clusterer("kmeans", n_landmarks, 1, seed)
    kmeans.set_params(max_iter=_MAX_ITER_OF_LANDMARKS)
    cluster(kmeans, Z)
    return np.unique(kmeans.cluster_centers_, axis=0)


def resolve_bandwidth(Z, landmarks, n_neighbors, bandwidth):
    """Width of the Gaussian kernel; "auto" is the mean distance to the neighbours."""
    if bandwidth != "auto":
        return float(bandwidth)
    distances, _ = nearest(Z, landmarks, n_neighbors)
    # All points may sit on landmarks; their only neighbour then has weight 1.
    return float(distances.mean(dtype=np.float64)) or 1.0


def landmark_affinity(Z, landmarks, n_neighbors, bandwidth):
    r"""Affinity of points to their nearest landmarks, rows summing to one.

    .. math::

        b_{ij} = \frac{\exp(-\|z_i - u_j\|^2 / 2 \sigma^2)}
                      {\sum_{l \in N_r(i)} \exp(-\|z_i - u_l\|^2 / 2 \sigma^2)},
        \qquad j \in N_r(i)

    Parameters
    ----------
    Z : ndarray of shape (n, d)
        Points.
    landmarks : ndarray of shape (p, d)
        Landmarks u.
    n_neighbors : int
        Number r of landmarks that a point is tied to.
    bandwidth : float
        Width sigma of the kernel.

    Returns
    -------
    B : csr_matrix of shape (n, p)
        Affinities, r of them in a row.
    """
    distances, index = nearest(Z, landmarks, n_neighbors)
    squares = np.square(distances.astype(np.float64) / bandwidth) / 2
    # Relative to the nearest one, so that a far point does not lose them all.
    weights = np.exp(squares[:, :1] - squares)
    weights /= weights.sum(axis=1, keepdims=True)
    n, r = index.shape
    starts = np.arange(0, n * r + 1, r)
    return scipy.sparse.csr_matrix(
        (weights.ravel(), index.ravel(), starts), shape=(n, len(landmarks))
    )


def singular_basis(B, n_components, seed):
    """What maps rows of affinities to the left singular vectors.

    The columns of B are scaled by the inverse roots of their sums; with the right
    singular vectors V and singular values s of the result, ``B @ basis`` are its left
    singular vectors, and the same product takes new rows there.

    Parameters
    ----------
    B : csr_matrix of shape (n, p)
        Affinities.
    n_components : int
        Number of singular vectors.
    seed : int
        Seed of the iteration's start.

    Returns
    -------
    basis : ndarray of shape (p, n_components)
        Zero columns where B has no such many different rows.
    """
    sums = np.asarray(B.sum(axis=0)).ravel()
    scale = np.zeros_like(sums)
    scale[sums > 0] = 1 / np.sqrt(sums[sums > 0])
    scaled = B @ scipy.sparse.diags(scale)
    values, V = _right_singular_vectors(scaled.tocsr(), n_components, seed)
    inverse = np.zeros_like(values)
    alive = values > _SMALLEST * values[0]
    inverse[alive] = 1 / values[alive]
    basis = np.zeros((B.shape[1], n_components))
    basis[:, : len(values)] = scale[:, None] * V * inverse
    return basis


def _right_singular_vectors(A, k, seed):
    """The k largest singular values, falling, and their right vectors."""
    k = min(k, *A.shape)
    p = A.shape[1]
    if p <= _MAX_DENSE or k >= min(A.shape):
        products = (A.T @ A).toarray()
        squares, V = scipy.linalg.eigh(products, subset_by_index=(p - k, p - 1))
        values, V = np.sqrt(squares.clip(0))[::-1], V[:, ::-1]
    else:
        start = np.random.RandomState(seed).uniform(-1, 1, min(A.shape))
        _, values, V = scipy.sparse.linalg.svds(A, k, v0=start, tol=1e-8)
        order = np.argsort(-values)
        values, V = values[order], V[order].T
    # A singular vector has no sign of its own.
    signs = np.sign(V[np.abs(V).argmax(axis=0), np.arange(k)])
    return values, V * signs


def spectral_embedding(B, basis):
    """Rows of the left singular vectors, scaled to length one.

    Parameters
    ----------
    B : csr_matrix of shape (n, p)
        Affinities, of training points or of new ones.
    basis : ndarray of shape (p, k)
        What :func:`singular_basis` returned.

    Returns
    -------
    embedding : ndarray of shape (n, k)
        Embedding, float32.
    """
    U = B @ basis
    norms = np.linalg.norm(U, axis=1, keepdims=True)
    return (U / np.maximum(norms, math.ulp(0.0))).astype(np.float32)
