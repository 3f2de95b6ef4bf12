"""Stratified samples, and silhouettes of such a sample."""

from numbers import Integral

import numpy as np
from sklearn.metrics import pairwise_distances, silhouette_samples, silhouette_score
from sklearn.utils import check_random_state

__all__ = [
    "MAX_SILHOUETTES",
    "check_count",
    "check_max_samples",
    "check_seed",
    "is_scorable",
    "pooled_silhouettes",
    "silhouettes",
    "stratified_sample",
]

# Silhouettes need the distances of all pairs: of more samples, a sample is drawn.
MAX_SILHOUETTES = 3000

# Minimum for a rare label, as a share of its part if all labels were equally frequent.
_SHARE_KEPT = 0.1


def check_count(value, name, least=1):
    """Refuse a parameter that is not a whole number of at least this.

    Parameters
    ----------
    value : object
        Value of the parameter.
    name : str
        Name of the parameter.
    least : int, default=1
        Smallest value allowed.

    Raises
    ------
    TypeError
        If the value is not a whole number.
    ValueError
        If the value is too small.
    """
    message = f"{name}={value!r} must be a whole number of at least {least}."
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(message)
    if value < least:
        raise ValueError(message)


def check_max_samples(max_samples):
    """Refuse a `max_samples` that is neither None nor a whole number of at least 1."""
    if max_samples is not None:
        check_count(max_samples, "max_samples")


def check_seed(random_state):
    """The generator of a `random_state`, or an error that names the parameter."""
    try:
        return check_random_state(random_state)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"random_state={random_state!r} must be None, a whole number from 0 to "
            "2**32 - 1 or a numpy.random.RandomState."
        ) from error


def stratified_sample(labels, max_samples, random_state):
    """Draw samples in proportion to the labels, with a minimum for rare labels.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)
        Labels.
    max_samples : int or None
        Most samples to draw, exceeded only if there are more labels than that. None
        takes all samples.
    random_state : int, RandomState instance or None
        Seed of the draw.

    Returns
    -------
    indices : ndarray of shape (n_drawn,)
        Indices of the drawn samples, sorted.

    Raises
    ------
    TypeError or ValueError
        If `max_samples` is neither None nor a whole number of at least 1, or if
        `random_state` is no seed.
    """
    check_max_samples(max_samples)
    rng = check_seed(random_state)
    n_samples = len(labels)
    if max_samples is None or n_samples <= max_samples:
        return np.arange(n_samples)
    _, index, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    drawn = []
    for k, n_drawn in enumerate(_quotas(sizes, max_samples)):
        drawn.append(rng.choice(np.flatnonzero(index == k), n_drawn, replace=False))
    return np.sort(np.concatenate(drawn))


def is_scorable(labels):
    """Whether silhouette and Davies-Bouldin index are defined for these labels."""
    return 2 <= len(np.unique(labels)) < len(labels)


def silhouettes(Z, labels, max_samples=MAX_SILHOUETTES, random_state=0):
    """Silhouettes of a stratified sample, and their mean.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_features)
        Points.
    labels : ndarray of shape (n_samples,)
        Clusters, of any type.
    max_samples : int or None, default=3000
        Most samples to draw. None takes all samples.
    random_state : int, RandomState instance or None, default=0
        Seed of the draw.

    Returns
    -------
    mean : float
        Mean silhouette. Every cluster has the weight of its size in `labels`,
        although small clusters have a larger share of the sample.
    values : ndarray of shape (n_drawn,)
        Silhouettes of the drawn samples.
    indices : ndarray of shape (n_drawn,)
        Indices of the drawn samples, sorted.

    Notes
    -----
    `mean` and `values` are NaN if silhouettes are undefined: with a single cluster, or
    with as many clusters as drawn samples.
    """
    labels = np.asarray(labels)
    indices = stratified_sample(labels, max_samples, random_state)
    drawn = labels[indices]
    if not is_scorable(drawn):
        return np.nan, np.full(len(indices), np.nan), indices
    values = silhouette_samples(Z[indices], drawn)
    _, index, n_drawn = np.unique(drawn, return_inverse=True, return_counts=True)
    _, sizes = np.unique(labels, return_counts=True)
    weights = (sizes / n_drawn)[index].astype(values.dtype)
    return float(np.average(values, weights=weights)), values, indices


def pooled_silhouettes(found, spaces):
    """Silhouette of the clusters of every run in every space.

    Parameters
    ----------
    found : ndarray of shape (n_runs, n)
        Clusters of every run; -1 is left out.
    spaces : iterable of ndarrays of shape (n, d)
        Embeddings. They are looked at one after the other.

    Returns
    -------
    scores : ndarray of shape (n_runs, n_spaces)
        Silhouettes; NaN where there is a single cluster.
    """
    columns = []
    for Z in spaces:
        distances = pairwise_distances(Z.astype(np.float64))
        columns.append([_silhouette(distances, labels) for labels in found])
    return np.array(columns).T


def _silhouette(distances, labels):
    known = np.flatnonzero(labels >= 0)
    if not is_scorable(labels[known]):
        return np.nan
    own = distances[np.ix_(known, known)] if len(known) < len(labels) else distances
    return silhouette_score(own, labels[known], metric="precomputed")


def _quotas(sizes, max_samples):
    """Number of samples to draw from groups of these sizes."""
    least = max(1, int(_SHARE_KEPT * max_samples / len(sizes)))
    quotas = np.minimum(sizes, least)
    left = sizes - quotas
    n_free = max_samples - quotas.sum()
    if n_free <= 0:
        return quotas
    exact = left * (n_free / left.sum())
    extra = exact.astype(int)
    n_missing = n_free - extra.sum()
    # The groups with the largest remainders get one more each: the sum is then right.
    extra[np.argsort(extra - exact, kind="stable")[:n_missing]] += 1
    return quotas + extra
