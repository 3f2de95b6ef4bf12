"""Places of labels that keep out of each other's way."""

import numpy as np
from sklearn.isotonic import isotonic_regression

__all__ = ["pushed_apart", "spread"]

_N_PUSHES = 300


def spread(targets, step, low, high):
    """Places near to sorted targets that are at least a step apart, within bounds.

    With the steps taken off, these are the values nearest to the targets that only
    have to increase.

    Parameters
    ----------
    targets : ndarray of shape (n,)
        Where labels would be if they were alone, increasing.
    step : float
        Least distance of two neighbours.
    low : float
        Least place.
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
    """Move the middles of boxes until no two boxes overlap, or nearly so.

    Every two that overlap are pushed apart along the side on which less is in the way.

    Parameters
    ----------
    places : ndarray of shape (n, 2)
        Middles of the boxes.
    sizes : ndarray of shape (n, 2)
        Widths and heights.

    Returns
    -------
    places : ndarray of shape (n, 2)
        Middles, moved.
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
