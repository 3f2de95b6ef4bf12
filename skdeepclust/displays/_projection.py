"""Projections of points to two dimensions."""

import numpy as np
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from skdeepclust._fitted import as_rows

__all__ = ["check_projection", "project", "projection_name", "turn_towards"]

_NAMES = {"tsne": "t-SNE", "pca": "PCA"}

# Perplexity of t-SNE if there are enough samples; its authors advise 5 to 50.
_PERPLEXITY = 30

# Standard deviation of the first column at the start of t-SNE, as with init="pca".
_START = 1e-4

# Spread of the points as a share of the largest value: less is rounding error.
_LEAST_SPREAD = 1e-6


def check_projection(projection):
    """Refuse a projection that is neither a known name, None nor a transformer."""
    if projection is None or (isinstance(projection, str) and projection in _NAMES):
        return
    if isinstance(projection, type) or not hasattr(projection, "fit_transform"):
        raise ValueError(
            f"projection={projection!r} must be 'tsne', 'pca', None or a transformer "
            "(an instance) with fit_transform."
        )


def project(projection, Z, centers, random_state, start=None):
    """Project points, together with centres if there are any.

    Parameters
    ----------
    projection : {"tsne", "pca"}, transformer or None
        The projection. None keeps points of two columns as they are.
    Z : ndarray of shape (n_samples, width)
        Points.
    centers : array-like of shape (n_clusters, width) or None
        Centres in the same space.
    random_state : int, RandomState instance or None
        Seed of t-SNE and PCA. A transformer has its own.
    start : ndarray of shape (n_samples + n_clusters, 2), default=None
        Places of samples and centres from which t-SNE begins. None takes its default.

    Returns
    -------
    points : ndarray of shape (n_samples, 2)
        Projected points.
    centers : ndarray of shape (n_clusters, 2) or None
        Projected centres.

    Raises
    ------
    ValueError
        For another projection, for one that does not return two columns, and for
        centres in another space.
    """
    n_points = len(Z)
    if centers is not None:
        centers = as_rows(centers, "centers")
        if centers.shape[1] != Z.shape[1]:
            raise ValueError(
                f"centers have {centers.shape[1]} columns, but Z has {Z.shape[1]}."
            )
        Z = np.concatenate([Z, centers])
    points = np.asarray(_fit_transform(projection, Z, random_state, start))
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(
            f"projection={projection} made points of shape {points.shape}, but a "
            "picture needs (n_samples, 2). Set its number of components to 2."
        )
    return points[:n_points], None if centers is None else points[n_points:]


def _fit_transform(projection, Z, random_state, start):
    """Points and centres in one array, projected."""
    if projection is None:
        return Z
    if isinstance(projection, str):
        if Z.shape[1] < 2:
            raise ValueError(
                "Points of one column cannot be drawn in two dimensions. Train with an "
                "embedding_dim of at least 2."
            )
        if projection == "pca":
            return PCA(2, random_state=random_state).fit_transform(Z)
        perplexity = min(_PERPLEXITY, max(1.0, (len(Z) - 1) / 3))
        Z = np.asarray(Z, dtype=np.float32)
        # The default start divides by the spread along the first principal component.
        # Without any spread the result is NaN, and t-SNE then ends the process.
        spread, size = np.ptp(Z, axis=0).max(), np.abs(Z).max()
        init = "pca" if spread > _LEAST_SPREAD * size else "random"
        if start is not None and np.std(start[:, 0]) > 0:
            init = (_START * start / np.std(start[:, 0])).astype(np.float32)
        tsne = TSNE(perplexity=perplexity, init=init, random_state=random_state)
        return tsne.fit_transform(Z)
    return clone(projection, safe=False).fit_transform(Z)


def turn_towards(points, target):
    """The turn, with a mirror or not, that brings points nearest to a target.

    Distances between the points stay as they are. This is an orthogonal Procrustes
    problem: the best turn is the product of the singular vectors.

    Parameters
    ----------
    points : ndarray of shape (n_samples, 2)
        Points.
    target : ndarray of shape (n_samples, 2)
        Where the same samples are in another picture.

    Returns
    -------
    turn : ndarray of shape (2, 2)
        Orthogonal matrix, to be applied to the centred points from the right.
    """
    centered, aim = points - points.mean(axis=0), target - target.mean(axis=0)
    left, _, right = np.linalg.svd(centered.T @ aim)
    return left @ right


def projection_name(projection):
    """Name of a projection, for titles and axes."""
    if projection is None:
        return "dimension"
    is_name = isinstance(projection, str)
    return _NAMES[projection] if is_name else type(projection).__name__
