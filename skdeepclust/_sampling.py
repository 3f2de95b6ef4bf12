"""A sample of the samples that keeps small clusters."""

import numpy as np
from sklearn.utils import check_random_state

__all__ = ["stratified_sample"]

# A cluster keeps at least this share of what it would get if all were equally large.
_SHARE_KEPT = 0.1


def stratified_sample(labels, max_samples, random_state):
    """Draw samples so that every label keeps its share, and small ones some more.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)
        Labels.
    max_samples : int or None
        Most samples to draw, exceeded only where there are more labels than that.
        None: all.
    random_state : int, RandomState instance or None
        Governs the draw.

    Returns
    -------
    indices : ndarray of shape (n_drawn,)
        Indices of the drawn samples, sorted.
    """
    n_samples = len(labels)
    if max_samples is None or n_samples <= max_samples:
        return np.arange(n_samples)
    rng = check_random_state(random_state)
    _, codes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    drawn = []
    for k, n_drawn in enumerate(_quotas(sizes, max_samples)):
        drawn.append(rng.choice(np.flatnonzero(codes == k), n_drawn, replace=False))
    return np.sort(np.concatenate(drawn))


def _quotas(sizes, max_samples):
    """How many to draw of groups of these sizes: a minimum, then by proportion."""
    least = max(1, int(_SHARE_KEPT * max_samples / len(sizes)))
    quotas = np.minimum(sizes, least)
    left = sizes - quotas
    n_free = max_samples - quotas.sum()
    if n_free <= 0:
        return quotas
    exact = left * (n_free / left.sum())
    extra = exact.astype(int)
    n_missing = n_free - extra.sum()
    # The largest remainders get one more each, so that the sum is right.
    extra[np.argsort(extra - exact, kind="stable")[:n_missing]] += 1
    return quotas + extra
