"""Geometry of clusters: nearest centres, means, distances, sizes."""

import numpy as np
import torch

from skdeepclust._device import plain_torch
from skdeepclust._tensor_data import as_tensor

__all__ = [
    "class_means",
    "effective_clusters",
    "mean_squared_distance",
    "nearest",
    "unit_rows",
]

_BLOCK = 1024  # rows compared with all centres at once


def class_means(F, labels):
    """Mean of the rows of every class.

    Parameters
    ----------
    F : ndarray of shape (n, d)
        Features.
    labels : ndarray of shape (n,)
        Classes 0, 1, ..., each with at least one sample.

    Returns
    -------
    means : ndarray of shape (n_classes, d)
        Means, of the type of F.
    """
    shape = (int(labels.max()) + 1, F.shape[1])
    sums = torch.zeros(shape, dtype=torch.float64, device="cpu")
    classes = torch.from_numpy(labels)
    for points, own in zip(as_tensor(F).split(_BLOCK), classes.split(_BLOCK)):
        sums.index_add_(0, own, points.to(torch.float64))
    return (sums.numpy() / np.bincount(labels)[:, None]).astype(F.dtype)


def mean_squared_distance(F, means, labels):
    """Mean squared distance of the rows to the mean of their class, block by block."""
    total = 0.0
    for start in range(0, len(F), _BLOCK):
        block = slice(start, start + _BLOCK)
        difference = (F[block] - means[labels[block]]).ravel()
        total += float(np.vdot(difference, difference))
    return total / len(F)


def nearest(F, centers, n_neighbors=None):
    """Nearest centres of every row, block by block.

    Distances are taken directly: those of a row are the same to the bit whatever other
    rows come with it.

    Parameters
    ----------
    F : ndarray of shape (n, d)
        Points.
    centers : ndarray of shape (k, d)
        Centres.
    n_neighbors : int or None, default=None
        Number of centres asked for, at most k.

    Returns
    -------
    distances : ndarray of shape (n, n_neighbors)
        Distances, rising. Only with `n_neighbors`.
    index : ndarray of shape (n,) or (n, n_neighbors)
        Index of the nearest centre, or of the nearest ones.
    """
    with plain_torch():
        return _nearest(as_tensor(F), as_tensor(centers), n_neighbors)


def _nearest(points, centers, n_neighbors):
    shape = (len(points), n_neighbors or 1)
    # Filled in place: results that lay between the blocks would keep their memory.
    distances = torch.empty(shape, dtype=points.dtype)
    index = torch.empty(shape, dtype=torch.int64)
    for start in range(0, len(points), _BLOCK):
        block = slice(start, start + _BLOCK)
        to_all = torch.cdist(
            points[block], centers, compute_mode="donot_use_mm_for_euclid_dist"
        )
        if n_neighbors is None:
            torch.argmin(to_all, dim=1, keepdim=True, out=index[block])
        else:
            out = (distances[block], index[block])
            torch.topk(to_all, n_neighbors, largest=False, out=out)
    if n_neighbors is None:
        return index[:, 0].numpy()
    return distances.numpy(), index.numpy()


def unit_rows(F):
    """Rows of length one; a row of zeros stays zero.

    Parameters
    ----------
    F : ndarray of shape (n, d)
        Features.
    """
    norms = np.linalg.norm(F, axis=1, keepdims=True)
    return F / np.maximum(norms, np.finfo(F.dtype).tiny)


def effective_clusters(labels: np.ndarray, n_clusters: int) -> float:
    """Effective number of clusters: exponential of the entropy of their sizes.

    Equal sizes give `n_clusters`, a single cluster gives 1. Label -1 does not count.
    """
    sizes = np.bincount(labels[labels >= 0], minlength=n_clusters)
    shares = sizes[sizes > 0] / max(1, sizes.sum())
    return float(np.exp(-(shares * np.log(shares)).sum()))
