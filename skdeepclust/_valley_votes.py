"""Clusters with deep valleys in between, on which several diffusion maps vote."""

from typing import NamedTuple

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from skdeepclust._clusterers import relabel
from skdeepclust._random import derived_seed
from skdeepclust._spectral import diffusion_map
from skdeepclust._spectral_starts import Votes
from skdeepclust._valleys import (
    LEAST_FIRST,
    LEAST_PER_CLUSTER,
    depth_between,
    draw_points,
    levels,
)

__all__ = ["ValleyVotes"]

# Maps that tell how far apart clusters are, maps in all, and those of them that vote:
# the ones with the deepest valleys.
_N_LOOKED_AT, _N_MAPS, _N_VOTERS = 3, 8, 4

# Clusters that a map has first, for each that is wanted. More than the second number
# take too long, and fewer than the third are too few to choose from.
_FIRST_PER_CLUSTER, _MOST_FIRST, _FEWEST_PER_CLUSTER = 6, 100, 2

# Other points than those of the sample are in the cluster of most of their neighbours.
_N_NEIGHBORS = 5


class _Map(NamedTuple):
    """A diffusion map, its clusters, and the shallowest valley between two of them."""

    space: np.ndarray
    labels: np.ndarray
    depth: float


class ValleyVotes:
    """Clusters of those diffusion maps in which they are the furthest apart.

    In every map more clusters than wanted are found. The two with the shallowest valley
    of lower density in between are merged, again and again, until `n_clusters` are
    left. The valleys that are then left tell how well these are apart: the half of the
    maps with the deepest vote.

    Parameters
    ----------
    n_clusters, n_init, seed : int
        Clusters, starts of k-means for the votes, seed.

    Attributes
    ----------
    depth : float
        Depth of the shallowest valley between two clusters, in standard deviations:
        the median of several maps.
    """

    def __init__(self, n_clusters, n_init, seed):
        self._n_clusters = n_clusters
        self._n_init = n_init
        self._seed = seed

    def fit(self, Z):
        """Look at a few maps; whether they have enough clusters.

        Parameters
        ----------
        Z : ndarray of shape (n, d)
            Points. At most 3,000 of them are looked at.
        """
        self._sample, points = draw_points(Z, derived_seed(self._seed, "points"))
        # Copies of a point are a group of their own in a graph of neighbours.
        self._points, self._position = np.unique(points, axis=0, return_inverse=True)
        if self._n_first < _FEWEST_PER_CLUSTER * self._n_clusters or not np.ptp(points):
            return False
        self._maps = [self._map(i) for i in range(_N_LOOKED_AT)]
        deepest = max(self._maps, key=lambda each: each.depth)
        self._set_labels(deepest.labels)
        return True

    @property
    def _n_first(self):
        """Number of clusters that a map has first."""
        wanted = max(LEAST_FIRST, _FIRST_PER_CLUSTER * self._n_clusters)
        return min(wanted, _MOST_FIRST, len(self._points) // LEAST_PER_CLUSTER)

    def _map(self, i):
        seed = derived_seed(self._seed, f"map {i}")
        space = diffusion_map(self._points, self._n_first, seed)
        steps = levels(space, self._n_first, seed)
        found = next((each for each in steps if each[0] <= self._n_clusters), None)
        if found is None or found[0] < self._n_clusters:  # as in a map of few points
            return _Map(space, np.zeros(len(space), dtype=np.intp), 0.0)
        _, labels, depth = found
        return _Map(space, relabel(labels), depth)

    def vote(self, Z):
        """Look at more maps, and let the best of them vote.

        Parameters
        ----------
        Z : ndarray of shape (n, d)
            Points of `fit`.
        """
        maps = self._maps + [self._map(i) for i in range(_N_LOOKED_AT, _N_MAPS)]
        maps.sort(key=lambda each: -each.depth)
        self._maps = maps[:_N_VOTERS]
        votes = Votes(self._n_clusters, self._n_init, derived_seed(self._seed, "votes"))
        self._set_labels(votes.fit([each.labels for each in self._maps]))
        self._neighbors = KNeighborsClassifier(min(_N_NEIGHBORS, len(self._sample)))
        self._neighbors.fit(Z[self._sample], self._labels[self._position])

    def _set_labels(self, labels):
        self._labels = labels
        self.depth = self._depth(labels)

    def predict(self, Z):
        """Clusters of points, those of `fit` or new ones, by the vote."""
        return self._neighbors.predict(Z)

    def depth_of(self, labels):
        """Depth of the shallowest valley between other clusters of the points of `fit`.

        Parameters
        ----------
        labels : ndarray of shape (n,)
            Clusters of all points.
        """
        of_points = np.zeros(len(self._points), dtype=np.intp)
        of_points[self._position] = labels[self._sample]
        return self._depth(of_points)

    def _depth(self, labels):
        names, labels = np.unique(labels, return_inverse=True)
        if len(names) < self._n_clusters:
            return 0.0
        seed = derived_seed(self._seed, "depth")
        depths = [depth_between(each.space, labels, seed) for each in self._maps]
        return float(np.median(depths))
