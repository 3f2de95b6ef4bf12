"""Parts of clusters that move to another cluster, if two views of the data agree."""

import math

import numpy as np
from scipy.cluster.hierarchy import linkage
from sklearn.neighbors import NearestNeighbors

from skdeepclust._auto_clustering import parts_of_modularity
from skdeepclust._clusterers import fit_predict_labels, make_clusterer
from skdeepclust._geometry import class_means, nearest
from skdeepclust._random import derived_seed
from skdeepclust._spectral_starts import MAX_CLUSTERS, MIN_PER_CLUSTER

__all__ = ["Regrouping"]

# Parts per cluster, and samples that a part has on average at least.
_PARTS_PER_CLUSTER, _SAMPLES_PER_PART = 5, 10

# Neighbours of a sample, samples that are looked at, and starts of k-means.
_N_NEIGHBORS, _MAX_SAMPLES, _N_INIT = 10, 10_000, 3

# More of a cluster than this does not move: the cluster would be lost.
_LARGEST_SHARE = 0.5

# A part moves only if it lies apart: so many of its neighbours are its own samples. And
# the other view is asked only if so many neighbours in it are in one cluster.
_APART, _CREDIBLE = 0.75, 0.75

# A part moves if that raises the modularity by this number of standard errors.
_STANDARD_ERRORS = 2.0


class Regrouping:
    """Moves parts of clusters to those that they belong to in two views together.

    What was learnt from its own clusters lies in groups, and some of them are a small
    part of a class that lies apart from all others. No distance in this space tells
    where such a part belongs. The samples as they were before training still do.

    The clusters are cut into parts, by k-means. A part, or several of one cluster that
    are near each other, moves to the cluster for which the sum of two modularities
    rises the most: of the graph of neighbours in the space of the clusters, and of that
    in the other view. It stays if the gain is below two standard errors, if it does not
    lie apart, or if it is more than half of its cluster. This goes on until no part
    moves. Nothing moves if neighbours in the other view are in different clusters too
    often.

    Parameters
    ----------
    assignment : Assignment
        Has the clusters, 0, 1, ..., of any points.
    seed : int
        Seed.

    Attributes
    ----------
    centers : ndarray of shape (n_clusters, d)
        Means of the clusters of `fit`.
    n_moved : int
        Number of moves; 0 if there are too few points to look.
    """

    def __init__(self, assignment, seed):
        self._assignment = assignment
        self._seed = seed

    def fit(self, Z, other):
        """Look for parts to move.

        Parameters
        ----------
        Z : ndarray of shape (n, d)
            Points in the space of the clusters.
        other : ndarray of shape (n, d_other)
            The same in the other view.

        Returns
        -------
        self
        """
        labels, self.centers = self._assignment.predict(Z), self._assignment.centers
        n_clusters, self.n_moved = len(self.centers), 0
        is_few = len(Z) < MIN_PER_CLUSTER * n_clusters
        if is_few or not 1 < n_clusters <= MAX_CLUSTERS:
            return self
        rng = np.random.RandomState(derived_seed(self._seed, "sample"))
        chosen = np.sort(rng.permutation(len(Z))[:_MAX_SAMPLES])
        parts = self._set_parts(Z[chosen], n_clusters)
        self._moved = np.tile(np.arange(n_clusters), (len(self._parts), 1))
        graph = _Graph(parts, labels[chosen], (Z[chosen], other[chosen]), self._moved)
        while graph.is_credible() and self._move(graph):
            self.n_moved += 1
        if self.n_moved:
            self.centers = class_means(Z, self._regrouped(labels, Z))
        return self

    def predict(self, F):
        """Cluster of every point, of those of `fit` or new ones.

        Parameters
        ----------
        F : ndarray of shape (n, d)
            Points in the space of the clusters.
        """
        labels = self._assignment.predict(F)
        return self._regrouped(labels, F) if self.n_moved else labels

    def _regrouped(self, labels, F):
        return self._moved[nearest(F, self._parts), labels]

    def _set_parts(self, Z, n_clusters):
        """Cut the points into parts."""
        most = len(Z) // _SAMPLES_PER_PART
        n_parts = min(_PARTS_PER_CLUSTER * n_clusters, most)
        seed = derived_seed(self._seed, "parts")
        kmeans = make_clusterer("kmeans", n_parts, _N_INIT, seed)
        # K-means warns if there are fewer different points than parts.
        fit_predict_labels(kmeans, Z, quiet=True)
        self._parts = kmeans.cluster_centers_
        return nearest(Z, self._parts)

    def _move(self, graph):
        """Make the best move that is clear; whether there is one."""
        groups = [each for each in graph.groups(self._parts) if graph.is_apart(each)]
        if not groups:
            return False
        gains = graph.gains(groups)
        for i in np.argsort(-gains, axis=None):
            group, target = np.unravel_index(i, gains.shape)
            if gains[group, target] <= 0:
                return False
            if graph.is_clear(groups[group], target):
                graph.move(groups[group], target)
                return True
        return False


class _Graph:
    """Neighbours in two views, between pieces of clusters: a part of one cluster each.

    Parameters
    ----------
    parts, labels : ndarray of shape (n,)
        Part and cluster of every point.
    views : sequence of ndarrays of shape (n, d)
        The points.
    moved : ndarray of shape (n_parts, n_clusters)
        Where the points of a part that were in a cluster are now; it is changed.
    """

    def __init__(self, parts, labels, views, moved):
        self._n_clusters = moved.shape[1]
        self._moved = moved
        pieces, self._piece = np.unique(
            parts * self._n_clusters + labels, return_inverse=True
        )
        self._part, self._first = np.divmod(pieces, self._n_clusters)
        self._size = np.bincount(self._piece)
        n_neighbors = min(_N_NEIGHBORS, len(parts) - 1)
        self._neighbors = [
            NearestNeighbors(n_neighbors=n_neighbors)
            .fit(view)
            .kneighbors(return_distance=False)
            for view in views
        ]
        self._edges = [self._between(each) for each in self._neighbors]

    def _between(self, neighbors):
        """Share of the edges that goes from one piece to another."""
        n = len(self._size)
        source = np.repeat(self._piece, neighbors.shape[1])
        flat = source * n + self._piece[neighbors.ravel()]
        return np.bincount(flat, minlength=n * n).reshape(n, n) / flat.size

    @property
    def _now(self):
        """Cluster in which every piece is."""
        return self._moved[self._part, self._first]

    def groups(self, centers):
        """Parts, and unions of near ones, that are a part of one cluster each.

        Yields
        ------
        cluster : int
            The cluster in which most of their points are.
        parts : list of ints
            The parts.
        """
        n_parts = len(self._moved)
        sizes = np.zeros((n_parts, self._n_clusters))
        np.add.at(sizes, (self._part, self._now), self._size)
        home = np.where(sizes.any(axis=1), sizes.argmax(axis=1), -1)
        for cluster in range(self._n_clusters):
            own = np.flatnonzero(home == cluster)
            in_all = sizes[own, cluster].sum()
            for union in _unions(centers[own]):
                if sizes[own[union], cluster].sum() <= _LARGEST_SHARE * in_all:
                    yield cluster, own[union]

    def _pieces(self, group):
        cluster, parts = group
        return np.isin(self._part, parts) & (self._now == cluster)

    def is_apart(self, group):
        """Whether most of its neighbours, in the first view, are in a group itself."""
        pieces = self._pieces(group)
        edges = self._edges[0][pieces]
        return edges[:, pieces].sum() >= _APART * edges.sum()

    def is_credible(self):
        """Whether most neighbours in the second view are in the same cluster."""
        member = np.eye(self._n_clusters)[self._now]
        return np.trace(member.T @ self._edges[1] @ member) >= _CREDIBLE

    def gains(self, groups):
        """Gain in modularity if a group moves to a cluster, for all of both."""
        of_group = np.array([self._pieces(group) for group in groups], dtype=float)
        homes = np.array([cluster for cluster, _ in groups])
        member = np.eye(self._n_clusters)[self._now]
        each = np.arange(len(groups))
        gains = np.zeros((len(groups), self._n_clusters))
        for edges in self._edges:
            to, fro = of_group @ edges, of_group @ edges.T
            shared = (to + fro) @ member
            within = 2 * (to * of_group).sum(axis=1)
            own = (shared[each, homes] - within)[:, None]
            # What chance would give: products of the shares of edges from and to.
            out, into = edges.sum(axis=1) @ member, edges.sum(axis=0) @ member
            g_out, g_into = to.sum(axis=1), fro.sum(axis=1)
            more = g_out[:, None] * into + g_into[:, None] * out
            less = g_out * into[homes] + g_into * out[homes] - 2 * g_out * g_into
            gains += shared - own - (more - less[:, None])
        gains[each, homes] = 0.0
        return gains

    def is_clear(self, group, target):
        """Whether the gain is above zero by two standard errors."""
        before, after = self._now, self._now
        after[self._pieces(group)] = target
        gain = sum(
            parts_of_modularity(after[self._piece], neighbors)
            - parts_of_modularity(before[self._piece], neighbors)
            for neighbors in self._neighbors
        )
        error = gain.std(ddof=1) / math.sqrt(len(gain))
        return gain.mean() > _STANDARD_ERRORS * error

    def move(self, group, target):
        """Move a group to a cluster."""
        cluster, parts = group
        rows = self._moved[parts]
        self._moved[parts] = np.where(rows == cluster, target, rows)


def _unions(centers):
    """Positions of single parts and of near ones, but not of all, by Ward's tree."""
    n = len(centers)
    if n < 2:
        return []
    unions = [[i] for i in range(n)]
    for a, b, _, _ in linkage(centers, "ward")[:-1]:
        unions.append(unions[int(a)] + unions[int(b)])
    return unions
