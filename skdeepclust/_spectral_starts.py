"""Landmark spectral clusterings that find too many clusters, and merge them."""

import math
from itertools import combinations, product

import numpy as np
from scipy.special import xlogy
from sklearn.metrics import adjusted_rand_score

from skdeepclust._clusterers import fit_predict_labels, make_clusterer, relabel
from skdeepclust._geometry import nearest, unit_rows
from skdeepclust._random import derived_seed
from skdeepclust._spectral import (
    SpectralEnsemble,
    cluster_embedding,
    memberships,
    number_of_landmarks,
    singular_basis,
)

__all__ = [
    "MAX_CLUSTERS",
    "MIN_PER_CLUSTER",
    "N_NEIGHBORS",
    "MergedSpectral",
    "SpectralConsensus",
    "Votes",
    "choices_of_landmarks",
    "cluster_moments",
    "likelihood",
    "mean_agreement",
    "merge",
]

# With fewer samples per cluster a neighbourhood is too sparse to be informative. With
# more clusters the singular vectors take longer than the training.
MIN_PER_CLUSTER, MAX_CLUSTERS = 20, 100

# n/5 and n/10 landmarks x 1.2 and 1.5 times n_clusters, each run twice. Each run has a
# quarter of the starts of k-means.
_SAMPLES_PER_LANDMARK, _FINER, _REPEATS = (5, 10), (1.2, 1.5), 2
_SHARE_OF_STARTS = 4

# A consensus has each choice twice up to this number of samples, and once beyond.
_MAX_OF_MANY = 5000
N_NEIGHBORS = 3  # landmarks of a sample, as in LandmarkSpectralClustering

# A covariance is shrunk towards the mean one with the weight of this number of samples
# per dimension.
_PRIOR_SAMPLES = 10


def choices_of_landmarks():
    """Samples per landmark and share of additional clusters of every clustering."""
    return _REPEATS * list(product(_SAMPLES_PER_LANDMARK, _FINER))


class MergedSpectral:
    """Landmark spectral clusters, of which those most like one Gaussian are merged.

    The clusters that are found depend on the landmarks, on their number and on chance.
    More clusters than wanted are found first, so that neighbouring classes do not share
    a cluster.

    Parameters
    ----------
    n_clusters : int
        Number of clusters.
    per_landmark : int
        Samples per landmark.
    finer : float
        Number of clusters before merging, as a multiple of `n_clusters`.
    n_init : int
        Starts of k-means elsewhere; here it has a quarter of them.
    seed : int
        Seed.

    Attributes
    ----------
    labels : ndarray of shape (n,)
        Clusters of the points of `fit`.
    moments : tuple of ndarrays
        Their sizes, means and scatters.
    """

    def __init__(self, n_clusters, per_landmark, finer, n_init, seed):
        self._n_clusters = n_clusters
        self._per_landmark = per_landmark
        self._n_finer = math.ceil(finer * n_clusters)
        self._n_init = max(1, n_init // _SHARE_OF_STARTS)
        self._seed = seed

    def fit(self, Z):
        """Whether `n_clusters` clusters are found.

        Parameters
        ----------
        Z : ndarray of shape (n, d)
            Points, of at most some 32 dimensions: merging takes time with the square of
            their number, and needs covariances that few samples cannot give.
        """
        n_landmarks = number_of_landmarks(len(Z), self._n_finer, self._per_landmark)
        self._spectral = SpectralEnsemble(
            self._n_finer, n_landmarks, N_NEIGHBORS, "auto"
        ).fit([Z], self._seed)
        embedding = self._spectral.embed([Z])
        kmeans = make_clusterer(
            "kmeans", self._n_finer, self._n_init, derived_seed(self._seed, "kmeans")
        )
        # K-means warns if there are fewer different points than clusters.
        fit_predict_labels(kmeans, embedding, quiet=True)
        self._centers = kmeans.cluster_centers_
        found = nearest(embedding, self._centers)
        labels = relabel(found)
        moments = cluster_moments(Z, labels)
        if len(moments[0]) < self._n_clusters:
            return False
        counts, means, scatters = moments
        merged, self.moments = merge(counts, means, scatters, self._n_clusters)
        self.labels = merged[labels]
        # Centres without points in `fit` do not take any later.
        self._centers = self._centers[np.unique(found)]
        self._merged = merged
        return True

    def predict(self, Z):
        """Clusters of points, those of `fit` or new ones."""
        return self._merged[nearest(self._spectral.embed([Z]), self._centers)]


class SpectralConsensus:
    """What several clusterings by `MergedSpectral` have in common, by `Votes`.

    One clustering of a few merges the wrong clusters or splits one; seldom do most of
    them.

    Parameters
    ----------
    n_clusters, n_init, seed : int
        As in `MergedSpectral`.

    Attributes
    ----------
    labels : ndarray of shape (n,)
        Clusters of the points of `fit`.
    agreement : float
        Mean adjusted Rand index between two of the clusterings; 0 if there is one.
    """

    def __init__(self, n_clusters, n_init, seed):
        self._n_clusters = n_clusters
        self._n_init = n_init
        self._seed = seed

    def fit(self, Z):
        """Whether any clustering finds `n_clusters` clusters.

        Parameters
        ----------
        Z : ndarray of shape (n, d)
            Points, as in `MergedSpectral`.
        """
        choices = choices_of_landmarks()
        if len(Z) > _MAX_OF_MANY:
            choices = choices[: len(choices) // 2]
        members = [
            MergedSpectral(
                *(self._n_clusters, per_landmark, finer, self._n_init),
                derived_seed(self._seed, f"start {i}"),
            )
            for i, (per_landmark, finer) in enumerate(choices)
        ]
        self._members = [each for each in members if each.fit(Z)]
        if not self._members:
            return False
        found = [each.labels for each in self._members]
        self.agreement = mean_agreement(found)
        self._votes = Votes(self._n_clusters, self._n_init, self._seed)
        self.labels = self._votes.fit(found)
        return True

    def predict(self, Z):
        """Clusters of points, those of `fit` or new ones."""
        return self._votes.predict([each.predict(Z) for each in self._members])


class Votes:
    """Clusters that several clusterings vote for.

    Their clusters are the landmarks of the points that are in them, for a landmark
    spectral clustering.

    Parameters
    ----------
    n_clusters, n_init, seed : int
        As in `MergedSpectral`. Every clustering has at most `n_clusters` clusters.
    """

    def __init__(self, n_clusters, n_init, seed):
        self._n_clusters = n_clusters
        self._n_init = n_init
        self._seed = seed

    def fit(self, found):
        """Clusters of the points of several clusterings, from 0."""
        votes = self._memberships(found)
        self._basis = singular_basis(votes, self._n_clusters, self._seed)
        self._centers, labels = cluster_embedding(
            *(self._embed(votes), self._n_clusters, self._n_init),
            derived_seed(self._seed, "consensus"),
            quiet=True,
        )
        return labels

    def predict(self, found):
        """Clusters of points, by theirs in the clusterings of `fit`."""
        return nearest(self._embed(self._memberships(found)), self._centers)

    def _memberships(self, found):
        return memberships(found, [self._n_clusters] * len(found))

    def _embed(self, votes):
        return unit_rows(votes @ self._basis).astype(np.float32)


def mean_agreement(found):
    """Mean adjusted Rand index between two of several clusterings; 0 for one."""
    pairs = [adjusted_rand_score(a, b) for a, b in combinations(found, 2)]
    return float(np.mean(pairs)) if pairs else 0.0


def cluster_moments(Z, labels):
    """Size, mean and scatter of every cluster.

    Parameters
    ----------
    Z : ndarray of shape (n, d)
        Points.
    labels : ndarray of shape (n,)
        Clusters 0, 1, ..., none of them empty.

    Returns
    -------
    counts : ndarray of shape (k,)
        Number of points.
    means : ndarray of shape (k, d)
        Means.
    scatters : ndarray of shape (k, d, d)
        Sums of squares and products about the mean.
    """
    d = Z.shape[1]
    counts = np.bincount(labels).astype(np.float64)
    means, scatters = np.zeros((len(counts), d)), np.zeros((len(counts), d, d))
    for i in range(len(counts)):
        own = Z[labels == i].astype(np.float64)
        means[i] = own.mean(axis=0)
        own -= means[i]
        scatters[i] = own.T @ own
    return counts, means, scatters


def likelihood(counts, means, scatters):
    r"""Mean log-likelihood ratio per point of clusters as Gaussians.

    .. math::

        \frac{1}{2} \log \det S - \sum_c \pi_c \left( \frac{1}{2} \log \det \Sigma_c
        + \frac{1}{2} \operatorname{tr} (\Sigma_c^{-1} S_c - 1) \right)

    This is the classification likelihood with equal proportions [1]_: like the target
    distribution of joint training it expects clusters of similar sizes. With estimated
    proportions, uneven sizes would score higher. :math:`\pi_c` and :math:`S_c` are
    share and covariance of a cluster, :math:`S` is the covariance of all points. Each
    :math:`\Sigma_c` is :math:`S_c` shrunk towards the mean covariance with the weight
    of 10 d samples, so that a nearly singular small cluster gains nothing. Linear maps
    of the points change nothing: embeddings of different networks can be compared.

    Parameters
    ----------
    counts, means, scatters : ndarrays
        As returned by `cluster_moments`.

    Returns
    -------
    score : float
        The larger, the better.

    References
    ----------
    .. [1] G. Celeux, G. Govaert, "A classification EM algorithm for clustering and two
       stochastic versions", Computational Statistics & Data Analysis, 1992.
    """
    within, floor, whole = _covariances(counts, means, scatters)
    losses = _losses(counts, scatters, counts.sum(), within, floor)
    return float((np.linalg.slogdet(whole + floor)[1] - losses.sum()) / 2)


def merge(counts, means, scatters, n_clusters):
    r"""Merge the two clusters that cost least, until `n_clusters` remain.

    The cost is the loss of likelihood with estimated proportions, which adds
    :math:`- \sum_c \pi_c \log \pi_c`. With equal proportions two halves of one Gaussian
    would be likelier than the whole, and small clusters would be merged first.

    Parameters
    ----------
    counts, means, scatters : ndarrays
        As returned by `cluster_moments`.
    n_clusters : int
        Number of clusters to keep.

    Returns
    -------
    merged : ndarray of shape (number of clusters before,)
        New label of every old cluster.
    moments : tuple of ndarrays
        Counts, means and scatters of the new clusters.
    """
    merged, n = np.arange(len(counts)), counts.sum()
    within, floor, _ = _covariances(counts, means, scatters)

    def losses(counts, scatters):
        shares = counts / n
        own = _losses(counts, scatters, n, within, floor)
        return own - 2 * xlogy(shares, shares)

    def merge_costs(a):
        """Cost of merging cluster a with each other one; infinite with itself."""
        union_counts, _, union_scatters = _union(
            counts, means, scatters, a, slice(None)
        )
        costs = losses(union_counts, union_scatters)
        costs -= alone[a] + alone
        costs[a] = np.inf
        return costs

    alone = losses(counts, scatters)
    costs = np.array([merge_costs(a) for a in range(len(counts))])
    while len(counts) > n_clusters:
        a, b = sorted(np.unravel_index(costs.argmin(), costs.shape))
        merged[merged == b] = a
        merged[merged > b] -= 1
        union = _union(counts, means, scatters, a, b)
        counts, means, scatters = (
            _replaced(known, a, both, b)
            for known, both in zip((counts, means, scatters), union, strict=True)
        )
        alone = losses(counts, scatters)
        costs = np.delete(np.delete(costs, b, axis=0), b, axis=1)
        costs[a] = costs[:, a] = merge_costs(a)
    return merged, (counts, means, scatters)


def _replaced(known, a, value, b):
    """The array with `value` at position a and without position b."""
    known = known.copy()
    known[a] = value
    return np.delete(known, b, axis=0)


def _union(counts, means, scatters, a, b):
    """Count, mean and scatter of cluster a united with cluster(s) b."""
    count = counts[a] + counts[b]
    share = (counts[b] / count)[..., None]
    apart = means[b] - means[a]
    between = (share * counts[a] * apart)[..., None] * apart[..., None, :]
    return count, means[a] + share * apart, scatters[a] + scatters[b] + between


def _covariances(counts, means, scatters):
    """Mean covariance within clusters, a small regular one, and that of all points."""
    n, d = counts.sum(), means.shape[1]
    within = scatters.sum(axis=0) / n
    shares = counts / n
    apart = means - shares @ means
    whole = within + (apart.T * shares) @ apart
    floor = (1e-6 * np.trace(whole) / d or 1.0) * np.eye(d)
    return within, floor, whole


def _losses(counts, scatters, n, within, floor):
    """Terms of the sum over clusters, times two."""
    d = len(within)
    own = scatters / counts[:, None, None]
    weight = (_PRIOR_SAMPLES * d / (counts + _PRIOR_SAMPLES * d))[:, None, None]
    covariances = (1 - weight) * own + weight * within + floor
    distance = np.trace(np.linalg.solve(covariances, own), axis1=1, axis2=2) - d
    return counts / n * (np.linalg.slogdet(covariances)[1] + distance)
