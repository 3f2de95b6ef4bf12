"""Places of labels that do not overlap."""

import numpy as np
from sklearn.isotonic import isotonic_regression

__all__ = ["pushed_apart", "spread"]

_N_PUSHES = 300


def spread(targets, step, low, high):
    """Places near sorted targets that are at least a step apart, within bounds.

    Without the steps this is isotonic regression: the increasing values nearest to the
    targets.

    Parameters
    ----------
    targets : ndarray of shape (n,)
        Preferred places of the labels, increasing.
    step : float
        Smallest distance of two neighbours.
    low : float
        Smallest place.
    high : float
        Largest place.

    Returns
    -------
    places : ndarray of shape (n,)
        The places.
    """
    steps = step * np.arange(len(targets))
    highest = max(low, high - steps[-1])
    return isotonic_regression(targets - steps, y_min=low, y_max=highest) + steps


def pushed_apart(places, sizes):
    """Move boxes apart until no two of them overlap, or hardly.

    Two boxes that overlap are pushed apart along the axis of the smaller overlap.

    Parameters
    ----------
    places : ndarray of shape (n, 2)
        Centres of the boxes.
    sizes : ndarray of shape (n, 2)
        Widths and heights of the boxes.

    Returns
    -------
    places : ndarray of shape (n, 2)
        Centres of the boxes, moved.
    """
    places = np.array(places, dtype=float)
    first, second = np.triu_indices(len(places), k=1)
    least = (sizes[first] + sizes[second]) / 2
    for _ in range(_N_PUSHES):
        offsets = places[second] - places[first]
        overlaps = least - np.abs(offsets)
        pairs = np.flatnonzero((overlaps > 1e-9).all(axis=1))
        if not len(pairs):
            break
        sides = overlaps[pairs].argmin(axis=1)
        signs = np.where(offsets[pairs, sides] < 0, -1.0, 1.0)
        pushes = signs * overlaps[pairs, sides] / 4
        np.add.at(places, (second[pairs], sides), pushes)
        np.subtract.at(places, (first[pairs], sides), pushes)
    return places
