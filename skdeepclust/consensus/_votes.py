"""What several clusterings of the same samples have in common, from labels alone."""

from itertools import combinations

import numpy as np
from scipy.cluster.hierarchy import cut_tree, linkage
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import squareform
from sklearn.metrics import adjusted_rand_score, silhouette_score

from skdeepclust._geometry import class_means, nearest, unit_rows
from skdeepclust._random import derived_seed
from skdeepclust._spectral import cluster_embedding, memberships, singular_basis

__all__ = ["Vote", "agreement_of_runs", "groups_of_runs", "jaccard_with_runs"]

# Runs form groups if the mean silhouette of the groups, with 1 - ARI as the distance,
# is at least this, and two runs of a group agree by this much ARI more than two runs
# of different groups.
_LEAST_SILHOUETTE, _LEAST_GAP = 0.5, 0.1

# Times that runs are matched to the majority at most; three to five are usual.
_MOST_ALIGNMENTS = 20

# Far from rows of length one.
_FAR = 1e6


class Vote:
    """Clusters that several clusterings vote for.

    The clusters of all runs are the landmarks of the samples that are in them, and
    landmark spectral clustering finds clusters of samples that are often together. If
    no run has more clusters than are wanted, the runs are also matched to the run that
    agrees most with the others, and vote. Of both, the clusters count that have the
    higher mean ARI with the runs. Every cluster of a run then votes for that of the new
    clusters which has most of its samples. No matrix of samples by samples is built.

    Parameters
    ----------
    n_clusters : int
        Number of clusters wanted.
    n_init : int
        Starts of k-means.
    seed : int
        Seed.

    Attributes
    ----------
    n_clusters : int
        Number of clusters that have samples, at most the number wanted.
    """

    def __init__(self, n_clusters, n_init, seed):
        self._wanted = n_clusters
        self._n_init = n_init
        self._seed = seed

    def fit(self, found):
        """Take part of every run's clusters into account.

        Parameters
        ----------
        found : ndarray of shape (n_runs, n_samples)
            Clusters of every run, from 0; -1 is noise.
        """
        self._n_labels = [int(labels.max(initial=-1)) + 1 for labels in found]
        columns = self._columns(found)
        k = min(self._wanted, columns.shape[1])
        self._basis = singular_basis(columns, k, self._seed)
        Z = self._embed(columns)
        _, joint = cluster_embedding(
            *(Z, k, self._n_init), derived_seed(self._seed, "consensus"), quiet=True
        )
        candidates = [joint]
        if max(self._n_labels) <= k and (found >= 0).all():
            candidates.append(_aligned_vote(found, k))
        # That which agrees most with the runs; of equals the first.
        agreements, voted = [], []
        for each in candidates:
            self._set_clusters(columns, Z, each, k)
            labels, _ = self.predict(found)
            voted.append(labels)
            agreements.append(np.mean([adjusted_rand_score(labels, r) for r in found]))
        best = int(np.argmax(agreements))
        self._set_clusters(columns, Z, candidates[best], k)
        self._present = np.unique(voted[best][voted[best] >= 0])
        self.n_clusters = len(self._present)
        return self

    def _set_clusters(self, columns, Z, joint, k):
        """Take clusters of the samples; every column votes for that of most of its."""
        overlap = (columns > 0).T.astype(float) @ memberships([joint], [k])
        self._cluster_of_column = np.asarray(overlap.todense()).argmax(axis=1)
        self._centers = _centers(Z, joint, k)
        self._present = np.arange(k)

    def predict(self, found):
        """Clusters of samples, those of `fit` or others, by the clusters of every run.

        Returns
        -------
        labels : ndarray of shape (n,)
            The cluster with most votes; -1 if all runs call a sample noise.
        shares : ndarray of shape (n, n_clusters)
            Share of the runs that vote for every cluster; noise is a vote for none.
        """
        # Of several clusters with equally many votes: that of the spectral embedding.
        joint = nearest(self._embed(self._columns(found)), self._centers)
        votes = np.zeros((found.shape[1], len(self._present)))
        for own in self.votes(found):
            voted = np.flatnonzero(own >= 0)
            votes[voted, own[voted]] += 1
        first = votes + 0.5 * (joint[:, None] == self._present)
        labels = np.where(votes.any(axis=1), first.argmax(axis=1), -1)
        return labels, votes / len(found)

    def votes(self, found):
        """Cluster that every run votes for, -1 where it calls a sample noise.

        Returns
        -------
        votes : ndarray of shape (n_runs, n)
            Clusters of the consensus; -1 also stands for one that `predict` never
            gives.
        """
        name = np.full(len(self._centers), -1)
        name[self._present] = np.arange(len(self._present))
        cluster_of_column = np.append(name[self._cluster_of_column], -1)
        first = np.cumsum([0, *self._n_labels[:-1]])
        return np.stack(
            [
                cluster_of_column[np.where((own >= 0) & (own < k), own + start, -1)]
                for own, k, start in zip(found, self._n_labels, first)
            ]
        )

    def _columns(self, found):
        return memberships(found, self._n_labels)

    def _embed(self, columns):
        return unit_rows(columns @ self._basis).astype(np.float32)


def _aligned_vote(found, k):
    """Majority of the runs, their clusters matched to those of the result so far."""
    result = found[agreement_of_runs(found).mean(axis=1).argmax()]
    samples = np.arange(found.shape[1])
    for _ in range(_MOST_ALIGNMENTS):
        votes = np.zeros((found.shape[1], k))
        for labels in found:
            overlap = np.zeros((k, k))
            np.add.at(overlap, (labels, result), 1)
            votes[samples, linear_sum_assignment(-overlap)[1][labels]] += 1
        previous, result = result, votes.argmax(axis=1)
        if np.array_equal(previous, result):
            break
    return result


def _centers(Z, labels, k):
    """Means of the clusters; one without samples lies where no sample is."""
    centers = np.full((k, Z.shape[1]), _FAR, dtype=np.float32)
    present = np.unique(labels)
    centers[present] = class_means(Z, np.searchsorted(present, labels))
    return centers


def agreement_of_runs(found):
    """Adjusted Rand index between every two runs.

    Parameters
    ----------
    found : ndarray of shape (n_runs, n_samples)
        Clusters of every run.

    Returns
    -------
    ari : ndarray of shape (n_runs, n_runs)
        Symmetric, with ones in the diagonal.
    """
    ari = np.eye(len(found))
    for a, b in combinations(range(len(found)), 2):
        ari[a, b] = ari[b, a] = adjusted_rand_score(found[a], found[b])
    return ari


def jaccard_with_runs(labels, found):
    """Jaccard index of every cluster with the most similar cluster of every run.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)
        Clusters 0, 1, ...; -1 is left out.
    found : ndarray of shape (n_runs, n_samples)
        Clusters of every run.

    Returns
    -------
    jaccard : ndarray of shape (n_clusters, n_runs)
        Samples in both clusters as a share of those in either.
    """
    k = int(labels.max(initial=-1)) + 1
    sizes = np.bincount(labels[labels >= 0], minlength=k)
    jaccard = np.zeros((k, len(found)))
    for run, others in enumerate(found):
        n_others = max(1, int(others.max(initial=-1)) + 1)
        both = (labels >= 0) & (others >= 0)
        overlap = np.zeros((k, n_others))
        np.add.at(overlap, (labels[both], others[both]), 1)
        of_others = np.bincount(others[others >= 0], minlength=n_others)
        union = sizes[:, None] + of_others - overlap
        jaccard[:, run] = (overlap / np.maximum(union, 1)).max(axis=1)
    return jaccard


def groups_of_runs(ari):
    """Groups of runs that agree among themselves and disagree with each other.

    Parameters
    ----------
    ari : ndarray of shape (n_runs, n_runs)
        Adjusted Rand index between every two runs.

    Returns
    -------
    groups : ndarray of shape (n_runs,)
        Group of every run. 0 is the largest; all are 0 if there are no groups.
    """
    n_runs = len(ari)
    one = np.zeros(n_runs, dtype=int)
    if n_runs < 4:  # two groups of at least two runs
        return one
    distance = np.clip(1 - ari, 0, None)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), method="average")
    best, highest = one, _LEAST_SILHOUETTE
    for n_groups in range(2, n_runs // 2 + 1):
        groups = cut_tree(tree, n_groups)[:, 0]
        if not _are_groups(groups, ari):
            continue
        silhouette = silhouette_score(distance, groups, metric="precomputed")
        if silhouette >= highest:
            best, highest = groups, silhouette
    sizes = np.bincount(best)
    rank = np.empty(len(sizes), dtype=int)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return rank[best]


def _are_groups(groups, ari):
    """Whether two groups or more have two runs, and runs agree more within groups."""
    same = groups[:, None] == groups
    others = ~np.eye(len(ari), dtype=bool)
    several = (np.bincount(groups) >= 2).sum() >= 2
    return several and ari[same & others].mean() - ari[~same].mean() >= _LEAST_GAP
