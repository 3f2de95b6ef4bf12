"""How far samples are inside their clusters."""

import numpy as np

from skdeepclust._geometry import class_means, nearest

__all__ = ["ClusterMeans", "confidence_of"]


class ClusterMeans:
    """Means of the clusters of one run, in the space that it clusters.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_features)
        Points.
    labels : ndarray of shape (n_samples,)
        Clusters; -1 is noise.
    """

    def __init__(self, Z, labels):
        clustered = labels >= 0
        self._names, index = np.unique(labels[clustered], return_inverse=True)
        self._means = class_means(Z[clustered], index) if len(index) else Z[:0]

    def margins(self, Z, labels):
        """How much nearer points are to the mean of their cluster than to any other.

        Returns
        -------
        margins : ndarray of shape (n_samples,)
            ``(b - a) / max(a, b)`` with the distance a to the mean of the own cluster
            and b to the nearest of the others: 1 at the own mean, 0 in the middle, -1
            at another mean. 0 for noise, and 1 if there is a single cluster.
        """
        place = np.searchsorted(self._names, labels)
        known = np.isin(labels, self._names)
        margins = np.zeros(len(labels))
        if not known.any():
            return margins
        if len(self._names) == 1:
            margins[known] = 1
            return margins
        Z, place = Z[known], place[known]
        distances, index = nearest(Z, self._means, 2)
        is_nearest = index[:, 0] == place
        other = np.where(is_nearest, distances[:, 1], distances[:, 0])
        own = distances[:, 0].copy()
        far = ~is_nearest
        own[far] = np.linalg.norm(Z[far] - self._means[place[far]], axis=1)
        larger = np.maximum(own, other)
        margins[known] = (other - own) / np.where(larger > 0, larger, 1)
        return margins


def confidence_of(votes, labels, margins):
    """Mean over the runs of how far a sample is inside the cluster that they agree on.

    Parameters
    ----------
    votes : ndarray of shape (n_runs, n_samples)
        Cluster that every run votes for; -1 is noise.
    labels : ndarray of shape (n_samples,)
        Clusters of the consensus.
    margins : ndarray of shape (n_runs, n_samples)
        From -1 to 1.
    """
    agreed = np.where((votes == labels) & (labels >= 0), (1 + margins) / 2, 0)
    return agreed.mean(axis=0)
