"""From features to pseudo-labels, and from pseudo-labels to an order of samples."""

import numpy as np
import torch
from sklearn.cluster import kmeans_plusplus
from sklearn.decomposition import PCA

from skdeepclust._geometry import unit_rows

__all__ = ["balanced_draw", "spherical_kmeans", "whiten", "whitening"]

# Directions with less than this share of the largest variance are dead: whitening
# would blow their rounding errors up to the size of everything else.
_DEAD = 1e-6

_BLOCK = 4096  # rows compared with all centres at once


def whitening(F, n_components):
    """Map to principal components of unit variance: ``(F - mean) @ projection.T``.

    Dead and constant features are left out, so that the number of components can be
    smaller than asked for.

    Parameters
    ----------
    F : ndarray of shape (n, d)
        Features.
    n_components : int
        Most components to keep.

    Returns
    -------
    mean : ndarray of shape (d,)
        Mean of the features.
    projection : ndarray of shape (at most n_components, d)
        Scaled components. Without any variance in the features it is the identity,
        and the mean zero.
    """
    if len(F) > 1 and np.ptp(F, axis=0).any():
        n_components = min(n_components, *F.shape)
        pca = PCA(n_components, svd_solver="covariance_eigh").fit(F)
        variance = pca.explained_variance_
        alive = variance > _DEAD * variance[0]
        if variance[0] > 0:
            scale = np.sqrt(variance[alive])[:, None]
            return pca.mean_, pca.components_[alive] / scale
    return np.zeros_like(F[0]), np.eye(F.shape[1], dtype=F.dtype)


def whiten(F, mean, projection):
    """Whitened features, rows of length one, float32; see :func:`whitening`."""
    return unit_rows(((F - mean) @ projection.T).astype(np.float32))


def balanced_draw(labels, n_draws, rng, balance=1.0):
    """Draw samples so that every class comes up equally often, or nearly.

    Shares differ from those that are wanted by one draw at most, and within a class the
    same holds for its samples. Samples of label -1 are left out.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        Classes 0, 1, ..., each with at least one sample.
    n_draws : int
        Number of draws.
    rng : RandomState
        Draws which classes get one more sample, and the order.
    balance : float, default=1.0
        1 draws every class equally often, 0 as often as it has samples. In between,
        a class comes up in proportion to its size to the power of 1 - balance.

    Returns
    -------
    index : ndarray of shape (n_draws,)
        Positions of the samples drawn.
    """
    n_classes = labels.max() + 1
    sizes = np.bincount(labels[labels >= 0], minlength=n_classes)
    weights = sizes ** (1.0 - balance)
    wanted = n_draws * weights / weights.sum()
    quotas = np.floor(wanted).astype(int)
    # What rounding left goes to the largest fractions, of equal ones at random.
    order = rng.permutation(n_classes)
    rest = order[np.argsort(-(wanted - quotas)[order], kind="stable")]
    quotas[rest[: n_draws - quotas.sum()]] += 1
    draws = []
    for each, quota in enumerate(quotas):
        members = np.flatnonzero(labels == each)
        rounds = -(-quota // len(members))
        passes = [rng.permutation(members) for _ in range(rounds)]
        draws.append(np.concatenate(passes)[:quota] if rounds else members[:0])
    return rng.permutation(np.concatenate(draws))


def spherical_kmeans(F, n_clusters, seed, n_iter=20):
    """K-means of directions: centroids are means of unit vectors, of length one.

    Parameters
    ----------
    F : ndarray of shape (n, d)
        Rows of length one, float32.
    n_clusters : int
        Number of clusters.
    seed : int
        Seed of the starting points (k-means++).
    n_iter : int, default=20
        Iterations. The default is DeepCluster's.

    Returns
    -------
    centroids : ndarray of shape (n_clusters, d)
        Unit vectors.
    labels : ndarray of shape (n,)
        Nearest centroid of every row.
    """
    centroids, _ = kmeans_plusplus(F, n_clusters, random_state=seed)
    points, centroids = torch.from_numpy(F), torch.from_numpy(centroids.copy())
    labels = torch.full((len(F),), -1)
    for _ in range(n_iter):
        previous = labels
        labels = torch.cat(
            [(b @ centroids.T).argmax(dim=1) for b in points.split(_BLOCK)]
        )
        if torch.equal(labels, previous):
            break
        sums = torch.zeros_like(centroids).index_add_(0, labels, points)
        norms = torch.linalg.vector_norm(sums, dim=1, keepdim=True)
        centroids = torch.where(norms > 0, sums / norms, centroids)
    return centroids.numpy(), labels.numpy()
