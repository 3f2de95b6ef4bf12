"""Landmark spectral clustering as functions of arrays, sparse all the way.

With n samples, p landmarks and r neighbours everything here costs O(n p) time and
O(n r + p^2) memory; no matrix of n x n or n x p numbers is ever built.
"""

import math

import numpy as np
import scipy.linalg
import scipy.sparse
import scipy.sparse.linalg

from skdeepclust._clusterers import fit_predict_labels, make_clusterer
from skdeepclust._geometry import nearest, unit_rows
from skdeepclust._random import derived_seed

__all__ = [
    "SpectralEnsemble",
    "cluster_embedding",
    "diffusion_map",
    "find_landmarks",
    "landmark_affinity",
    "mean_distance",
    "memberships",
    "number_of_landmarks",
    "singular_basis",
]

# Up to this number of columns their products are decomposed as a dense matrix. This is
# exact also if singular values coincide, and as fast.
_MAX_DENSE = 2000

# n_landmarks="auto": a fifth of the samples, within these bounds. With more landmarks
# each has too few samples to tie together; see benchmarks/landmarks.py.
_SAMPLES_PER_LANDMARK, _LANDMARKS_PER_CLUSTER, _MAX_LANDMARKS = 5, 10, 1000

# Singular values below this share of the first are rounding errors.
_SMALLEST = 1e-6

# Landmarks that a point is tied to in a diffusion map, and steps of the walk.
_N_NEIGHBORS, _N_STEPS = 5, 2

_MAX_ITER_OF_LANDMARKS = 30  # landmarks need to be spread well, not to converge


def number_of_landmarks(n_samples, n_components, per_landmark=_SAMPLES_PER_LANDMARK):
    """What "auto" stands for: a landmark per `per_landmark` samples, within bounds."""
    least = _LANDMARKS_PER_CLUSTER * n_components
    share = min(n_samples // per_landmark, _MAX_LANDMARKS)
    # With one landmark per sample no two samples would share one.
    most = max(n_samples // 2, n_components)
    return min(max(least, share), most, n_samples)


def find_landmarks(Z, n_landmarks, seed):
    """Landmarks: the centres of a k-means.

    Parameters
    ----------
    Z : ndarray of shape (n, d)
        Points.
    n_landmarks : int
        Number of landmarks. Fewer are found if there are fewer different points.
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
    # It warns if there are fewer different points than landmarks: all are found then.
    used = np.unique(fit_predict_labels(kmeans, Z, quiet=True))
    return kmeans.cluster_centers_[used]


def mean_distance(Z, landmarks, n_neighbors):
    """Mean distance of points to their nearest landmarks; 1 if all are zero."""
    distances, _ = nearest(Z, landmarks, n_neighbors)
    return float(distances.mean(dtype=np.float64)) or 1.0


def landmark_affinity(Z, landmarks, n_neighbors, bandwidth, *, widens=False):
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
    widens : bool, default=False
        Take at least the mean distance of a point to these landmarks as its width. Far
        points are tied to several landmarks then; with one each, a few outliers would
        be a part of the graph of their own, and so a cluster.

    Returns
    -------
    B : csr_matrix of shape (n, p)
        Affinities, r of them in a row.
    """
    distances, index = nearest(Z, landmarks, n_neighbors)
    # Relative to the nearest one, so that a far point does not lose them all; as a
    # product of difference and sum, and bounded, so that no square overflows.
    distances = distances.astype(np.float64)
    if widens:
        bandwidth = np.maximum(bandwidth, distances.mean(axis=1, keepdims=True))
    farther = (distances - distances[:, :1]) / bandwidth
    total = (distances + distances[:, :1]) / bandwidth
    with np.errstate(over="ignore", invalid="ignore"):
        weights = np.exp(-np.nan_to_num(farther * total / 2, nan=0.0))
    weights /= weights.sum(axis=1, keepdims=True)
    n, r = index.shape
    starts = np.arange(0, n * r + 1, r)
    return scipy.sparse.csr_matrix(
        (weights.ravel(), index.ravel(), starts), shape=(n, len(landmarks))
    )


def memberships(found, n_labels):
    """Clusters of several clusterings as the landmarks of the points in them.

    Parameters
    ----------
    found : sequence of ndarrays of shape (n,)
        Clusters of every clustering, from 0; -1 is none.
    n_labels : sequence of int
        Number of clusters of every clustering. Larger labels count as none.

    Returns
    -------
    B : csr_matrix of shape (n, sum of `n_labels`)
        Equal affinities to the clusters of a point; rows sum to one, or are zero.
    """
    first = np.cumsum([0, *n_labels])
    rows = [
        np.flatnonzero((labels >= 0) & (labels < k))
        for labels, k in zip(found, n_labels, strict=True)
    ]
    columns = [
        labels[own] + start for labels, own, start in zip(found, rows, first[:-1])
    ]
    row, column = np.concatenate(rows), np.concatenate(columns)
    counts = np.bincount(row, minlength=len(found[0]))
    shape = (len(found[0]), first[-1])
    return scipy.sparse.csr_matrix((1 / counts[row], (row, column)), shape=shape)


def singular_basis(B, n_components, seed):
    """Map from rows of affinities to the left singular vectors.

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
        Columns are zero if B has fewer different rows than components.
    """
    scaled, scale = _scaled_columns(B)
    values, V = _right_singular_vectors(scaled, n_components, seed)
    inverse = np.zeros_like(values)
    alive = values > _SMALLEST * values[0]
    inverse[alive] = 1 / values[alive]
    basis = np.zeros((B.shape[1], n_components))
    basis[:, : len(values)] = scale[:, None] * V * inverse
    return basis


def _scaled_columns(B):
    """B with columns divided by the roots of their sums, and these factors."""
    sums = np.asarray(B.sum(axis=0)).ravel()
    scale = np.zeros_like(sums)
    scale[sums > 0] = 1 / np.sqrt(sums[sums > 0])
    return (B @ scipy.sparse.diags(scale)).tocsr(), scale


def diffusion_map(Z, n_components, seed):
    r"""Coordinates in which points are near that many short paths lead between.

    With the singular values s and left singular vectors u of the affinities to
    landmarks, their columns scaled by the roots of their sums, a point has the
    coordinates :math:`s_j^4 u_{ij}`: those of two steps of the random walk from points
    to landmarks and back (Coifman and Lafon, "Diffusion maps", Applied and
    Computational Harmonic Analysis 21, 2006). The first vector is constant and left
    out.

    Parameters
    ----------
    Z : ndarray of shape (n, d)
        Points.
    n_components : int
        Number of coordinates.
    seed : int
        Seed.

    Returns
    -------
    embedding : ndarray of shape (n, at most n_components)
        Coordinates, of mean square one.
    """
    Z = Z.astype(np.float32)
    p = min(number_of_landmarks(len(Z), n_components), max(2, len(Z) // 3))
    landmarks = find_landmarks(Z, p, derived_seed(seed, "landmarks"))
    r = min(_N_NEIGHBORS, len(landmarks))
    bandwidth = mean_distance(Z, landmarks, r)
    B = landmark_affinity(Z, landmarks, r, bandwidth, widens=True)
    scaled, _ = _scaled_columns(B)
    own = derived_seed(seed, "svd")
    values, V = _right_singular_vectors(scaled, n_components + 1, own)
    embedding = (scaled @ V[:, 1:]) * values[1:] ** (2 * _N_STEPS - 1)
    return embedding / (np.sqrt(np.mean(embedding**2)) or 1.0)


def _right_singular_vectors(A, k, seed):
    """The k largest singular values, falling, and their right vectors."""
    k = min(k, *A.shape)
    p = A.shape[1]
    if p <= _MAX_DENSE or k >= min(A.shape):
        squares, V = _largest_eigenpairs(A, k)
        values, V = np.sqrt(squares.clip(0))[::-1], V[:, ::-1]
    else:
        start = np.random.RandomState(seed).uniform(-1, 1, min(A.shape))
        _, values, V = scipy.sparse.linalg.svds(A, k, v0=start, tol=1e-8)
        order = np.argsort(-values)
        values, V = values[order], V[order].T
    # The sign of a singular vector is arbitrary.
    signs = np.sign(V[np.abs(V).argmax(axis=0), np.arange(k)])
    return values, V * signs


def _largest_eigenpairs(A, k):
    """The k largest eigenvalues of A^T A, rising, and their vectors."""
    p = A.shape[1]
    products = (A.T @ A).toarray(order="F")  # an order that LAPACK does not copy
    values, vectors = scipy.linalg.eigh(
        products, subset_by_index=(p - k, p - 1), overwrite_a=True
    )
    if len(values) < k:
        # The driver for a part of the spectrum can miss pairs if an eigenvalue is
        # multiple, as in a graph of several parts. The one for all of them does not.
        values, vectors = scipy.linalg.eigh((A.T @ A).toarray(), driver="evd")
        values, vectors = values[p - k :], vectors[:, p - k :]
    return values, vectors


def cluster_embedding(embedding, n_clusters, n_init, seed, *, quiet=False):
    """Clusters by k-means; every point is in that of the nearest centre.

    Parameters
    ----------
    embedding : ndarray of shape (n, k)
        Embedded points.
    n_clusters : int
        Number of clusters.
    n_init : int
        Starts of k-means.
    seed : int
        Seed.
    quiet : bool, default=False
        Drop the warnings of k-means.

    Returns
    -------
    centers : ndarray of shape (n_clusters, k)
        Centres.
    labels : ndarray of shape (n,)
        Clusters.
    """
    kmeans = make_clusterer("kmeans", n_clusters, n_init, seed)
    fit_predict_labels(kmeans, embedding, quiet=quiet)
    return kmeans.cluster_centers_, nearest(embedding, kmeans.cluster_centers_)


class SpectralEnsemble:
    """Spectral embedding of points that are known in one or several spaces.

    Every space has its landmarks and its affinities; these stand side by side, divided
    by the root of the number of spaces.

    Parameters
    ----------
    n_components : int
        Number of singular vectors.
    n_landmarks : int or "auto"
        Landmarks of a space. "auto" takes a fifth of the samples, but at least 10 per
        component and at most 1000, and never more than half of the samples.
    n_neighbors : int
        Landmarks that a point is tied to; all if there are fewer.
    bandwidth : float or "auto"
        Width of the kernel; "auto" is the mean distance to the neighbours, of all
        points or of the point itself, whichever is larger.

    Attributes
    ----------
    landmarks : list of ndarrays of shape (p, d)
        Landmarks of every space.
    bandwidths : list of floats
        Width of the kernel in every space.
    basis : ndarray of shape (p of all spaces, n_components)
        Map from affinities to the embedding.
    """

    def __init__(self, n_components, n_landmarks, n_neighbors, bandwidth):
        self.n_components = n_components
        self.n_landmarks = n_landmarks
        self.n_neighbors = n_neighbors
        self.bandwidth = bandwidth

    def fit(self, spaces, seed):
        """Find landmarks and basis.

        Parameters
        ----------
        spaces : list of ndarrays of shape (n, d)
            The same points in every space.
        seed : int
            Seed.
        """
        p = self._number_of_landmarks(len(spaces[0]))
        self.landmarks = [
            find_landmarks(Z, p, derived_seed(seed, f"landmarks {i}"))
            for i, Z in enumerate(spaces)
        ]
        self.bandwidths = [
            mean_distance(Z, U, self._neighbors(U))
            if self.bandwidth == "auto"
            else float(self.bandwidth)
            for Z, U in zip(spaces, self.landmarks, strict=True)
        ]
        self.basis = singular_basis(
            self._affinities(spaces), self.n_components, derived_seed(seed, "svd")
        )
        return self

    def embed(self, spaces):
        """Embed points, those of `fit` or new ones.

        Parameters
        ----------
        spaces : list of ndarrays of shape (n, d)
            The same points in every space.

        Returns
        -------
        embedding : ndarray of shape (n, n_components)
            Rows of the left singular vectors, scaled to length one, float32.
        """
        U = self._affinities(spaces) @ self.basis
        return unit_rows(U).astype(np.float32)

    def _affinities(self, spaces):
        parts = [
            landmark_affinity(
                Z, U, self._neighbors(U), width, widens=self.bandwidth == "auto"
            )
            for Z, U, width in zip(spaces, self.landmarks, self.bandwidths, strict=True)
        ]
        return scipy.sparse.hstack(parts, format="csr") / math.sqrt(len(parts))

    def _neighbors(self, landmarks):
        return min(self.n_neighbors, len(landmarks))

    def _number_of_landmarks(self, n_samples):
        if self.n_landmarks != "auto":
            return min(self.n_landmarks, n_samples)
        return number_of_landmarks(n_samples, self.n_components)
