"""Where joint training starts: centres in the code."""

import math
import warnings
from itertools import product

import numpy as np
from scipy.special import xlogy
from sklearn.exceptions import ConvergenceWarning

from skdeepclust._clusterers import (
    class_means,
    cluster,
    compact,
    make_clusterer,
    nearest,
)
from skdeepclust._device import derived_seed
from skdeepclust._landmark_spectral import LandmarkSpectralClustering
from skdeepclust._spectral import number_of_landmarks

__all__ = [
    "Gaussians",
    "check_centers",
    "initial_centers",
    "spectral_starts",
]

# "spectral" looks at so many codes at most: enough to place centres, and what it
# needs of time and memory does not grow with the data.
_MAX_SPECTRAL = 20_000

# "spectral" chooses from clusterings of n / 5 or n / 10 landmarks, within the bounds of
# "auto", into so many times more clusters than are wanted; two of each. Each has a
# quarter of the starts of k-means.
_CODES_PER_LANDMARK, _FINER, _REPEATS = (5, 10), (1.2, 1.5), 2
_SHARE_OF_STARTS = 4

# Below so many codes per cluster a neighbourhood is too sparse to tell anything; for
# more clusters the singular vectors take longer than the training.
_MIN_PER_CLUSTER, _MAX_CLUSTERS = 20, 100


def initial_centers(init, Z, n_clusters, n_init, seed):
    """Centres in the embedding that joint training starts from.

    Parameters
    ----------
    init : "spectral", "kmeans", array-like of shape (n_clusters, embedding_dim) or \
            estimator
        Where they come from: the means of the clusters that landmark spectral
        clustering finds, k-means, given, or the means of the clusters that any
        clusterer or mixture finds.
    Z : ndarray of shape (n_samples, embedding_dim)
        Embedded points. They may come back with other rounding errors.
    n_clusters : int
        Number of clusters.
    n_init : int
        Starts of k-means.
    seed : int
        Seed.

    Returns
    -------
    centers : ndarray of shape (n_clusters, embedding_dim)
        Cluster centres, of the type of Z.
    labels : ndarray of shape (n_samples,)
        Cluster of every point, as found. A point that a clusterer calls noise, or did
        not see, has the cluster of the nearest centre.

    Raises
    ------
    ValueError
        When there are not `n_clusters` centres of the width of Z.
    """
    if isinstance(init, str):
        found = None if init == "kmeans" else _spectral(Z, n_clusters, n_init, seed)
        return found or _kmeans(Z, n_clusters, n_init, seed)
    if not hasattr(init, "fit_predict"):
        centers = check_centers(init, n_clusters, Z.shape[1]).astype(Z.dtype)
        return centers, nearest(Z, centers)
    labels = compact(cluster(make_clusterer(init, n_clusters, n_init, seed), Z))
    centers = class_means(Z[labels >= 0], labels[labels >= 0])
    if len(centers) != n_clusters:
        raise ValueError(
            f"init={init} found {len(centers)} clusters in the code, but n_clusters="
            f"{n_clusters}. Pass n_clusters={len(centers)}, or another init."
        )
    noise = labels < 0
    labels[noise] = nearest(Z, centers)[noise]
    return centers, labels


def _kmeans(Z, n_clusters, n_init, seed):
    kmeans = make_clusterer("kmeans", n_clusters, n_init, seed)
    kmeans.set_params(copy_x=False)  # it centres Z, and puts it back
    labels = cluster(kmeans, Z)
    return kmeans.cluster_centers_, labels


def _spectral(Z, n_clusters, n_init, seed):
    """Centres and labels, or None where k-means is the better start."""
    if len(Z) < _MIN_PER_CLUSTER * n_clusters or n_clusters > _MAX_CLUSTERS:
        return None
    rng = np.random.RandomState(seed)
    chosen = np.sort(rng.permutation(len(Z))[:_MAX_SPECTRAL])
    seen = Z[chosen]
    starts = list(spectral_starts(seen, n_clusters, n_init, seed))
    if not starts:
        return None
    _, labels = max(starts, key=lambda start: start[0])
    centers = class_means(seen, labels)
    if len(chosen) == len(Z):
        return centers, labels
    everyone = nearest(Z, centers)
    everyone[chosen] = labels
    return centers, everyone


def spectral_starts(Z, n_clusters, n_init, seed):
    """Clusterings by several choices of landmarks, those with `n_clusters` clusters.

    Which clusters are found depends on the landmarks, on their number and on chance. A
    few clusters too many are found first, so that classes that lie close together do
    not share one; those that are most like one Gaussian are then merged.

    Yields
    ------
    likelihood : float
        Likelihood of the clusters as Gaussians, by which to choose.
    labels : ndarray of shape (n,)
        Clusters.
    """
    choices = _REPEATS * list(product(_CODES_PER_LANDMARK, _FINER))
    for i, (per_landmark, finer) in enumerate(choices):
        n_finer = math.ceil(finer * n_clusters)
        clusterer = LandmarkSpectralClustering(
            n_finer,
            n_landmarks=number_of_landmarks(len(Z), n_finer, per_landmark),
            n_init=max(1, n_init // _SHARE_OF_STARTS),
            random_state=derived_seed(seed, f"start {i}"),
        )
        with warnings.catch_warnings():
            # Of fewer different points than clusters, which k-means then says itself.
            warnings.simplefilter("ignore", ConvergenceWarning)
            labels = compact(cluster(clusterer, Z))
        gaussians = Gaussians(Z, labels)
        if len(gaussians.counts) >= n_clusters:
            labels = gaussians.merge_to(n_clusters)[labels]
            yield gaussians.likelihood(), labels


class Gaussians:
    r"""Clusters as Gaussians: how likely they are, and which of them are one.

    .. math::

        \frac{1}{2} \log \det S - \sum_c \pi_c \left( \frac{1}{2} \log \det \Sigma_c
        + \frac{1}{2} \operatorname{tr} (\Sigma_c^{-1} S_c - 1) \right)

    This is the classification likelihood with equal proportions [1]_, as a mean over
    the points: the target distribution of joint training expects clusters of similar
    sizes, too. With the proportions in it, it would pay to be uneven. Shares
    :math:`\pi_c` and covariances :math:`S_c` are the clusters', :math:`S` is the
    covariance of all points. In :math:`\Sigma_c` 10 d samples' worth of the mean
    covariance is added to that of the cluster, so that a tiny cluster gains nothing by
    being flat. Linear maps of the points change nothing: codes of different networks
    compare.

    Where clusters are merged the proportions count, :math:`- \sum_c \pi_c \log \pi_c`
    is added to the loss: without them two halves of one Gaussian would be likelier than
    the whole, and two small clusters would be merged before two large ones.

    Parameters
    ----------
    Z : ndarray of shape (n, d)
        Points.
    labels : ndarray of shape (n,)
        Clusters 0, 1, ..., none of them empty.

    Attributes
    ----------
    counts : ndarray of shape (n_clusters,)
        Number of points.
    means : ndarray of shape (n_clusters, d)
        Means.
    scatters : ndarray of shape (n_clusters, d, d)
        Sums of squares and products about the mean.

    References
    ----------
    .. [1] G. Celeux, G. Govaert, "A classification EM algorithm for clustering and two
       stochastic versions", Computational Statistics & Data Analysis, 1992.
    """

    def __init__(self, Z, labels):
        d = Z.shape[1]
        self.counts = np.bincount(labels).astype(np.float64)
        self.means = np.zeros((len(self.counts), d))
        self.scatters = np.zeros((len(self.counts), d, d))
        for i in range(len(self.counts)):
            own = Z[labels == i].astype(np.float64)
            self.means[i] = own.mean(axis=0)
            own -= self.means[i]
            self.scatters[i] = own.T @ own

    def likelihood(self):
        """Mean log-likelihood ratio per point, the larger, the better."""
        within, floor, whole = self._covariances()
        losses = self._losses(self.counts, self.scatters, within, floor)
        return float((np.linalg.slogdet(whole + floor)[1] - losses.sum()) / 2)

    def merge_to(self, n_clusters):
        """Merge the two clusters whose merging costs least, until so many are left.

        Returns
        -------
        merged : ndarray of shape (number of clusters before,)
            What has become of every cluster.
        """
        merged = np.arange(len(self.counts))
        within, floor, _ = self._covariances()
        alone = self._losses_with_shares(self.counts, self.scatters, within, floor)
        costs = np.array(
            [self._merge_costs(i, alone, within, floor) for i in range(len(merged))]
        )
        while len(self.counts) > n_clusters:
            a, b = sorted(np.unravel_index(costs.argmin(), costs.shape))
            merged[merged == b] = a
            merged[merged > b] -= 1
            for known, both in zip(
                (self.counts, self.means, self.scatters), self._union(a, b), strict=True
            ):
                known[a] = both
            self.counts, self.means, self.scatters = (
                np.delete(known, b, axis=0)
                for known in (self.counts, self.means, self.scatters)
            )
            alone = self._losses_with_shares(self.counts, self.scatters, within, floor)
            costs = np.delete(np.delete(costs, b, axis=0), b, axis=1)
            costs[a] = costs[:, a] = self._merge_costs(a, alone, within, floor)
        return merged

    def _merge_costs(self, a, alone, within, floor):
        """What it costs to merge cluster a with any other; infinite with itself."""
        counts, _, scatters = self._union(a, slice(None))
        costs = self._losses_with_shares(counts, scatters, within, floor)
        costs -= alone[a] + alone
        costs[a] = np.inf
        return costs

    def _union(self, a, b):
        """Counts, means and scatters of cluster a taken as one with cluster(s) b."""
        counts = self.counts[a] + self.counts[b]
        share = (self.counts[b] / counts)[..., None]
        apart = self.means[b] - self.means[a]
        between = (share * self.counts[a] * apart)[..., None] * apart[..., None, :]
        scatters = self.scatters[a] + self.scatters[b] + between
        return counts, self.means[a] + share * apart, scatters

    def _losses_with_shares(self, counts, scatters, within, floor):
        shares = counts / self.counts.sum()
        losses = self._losses(counts, scatters, within, floor)
        return losses - 2 * xlogy(shares, shares)

    def _covariances(self):
        """Within clusters, what keeps it regular, and of all points."""
        n, d = self.counts.sum(), self.means.shape[1]
        within = self.scatters.sum(axis=0) / n
        shares = self.counts / n
        apart = self.means - shares @ self.means
        whole = within + (apart.T * shares) @ apart
        floor = (1e-6 * np.trace(whole) / d or 1.0) * np.eye(d)
        return within, floor, whole

    def _losses(self, counts, scatters, within, floor):
        """Terms of the sum over clusters, twice."""
        n, d = self.counts.sum(), self.means.shape[1]
        own = scatters / counts[:, None, None]
        weight = (10 * d / (counts + 10 * d))[:, None, None]
        covariances = (1 - weight) * own + weight * within + floor
        distance = np.trace(np.linalg.solve(covariances, own), axis1=1, axis2=2) - d
        return counts / n * (np.linalg.slogdet(covariances)[1] + distance)


def check_centers(init, n_clusters, width=None):
    """Centres that a user gives, as a matrix of its own.

    Parameters
    ----------
    init : array-like of shape (n_clusters, embedding_dim)
        Centres.
    n_clusters : int
        Number of clusters.
    width : int or None, default=None
        Width of the code, when it is known.
    """
    wanted = f"a centre in the code for each of n_clusters={n_clusters} clusters"
    try:
        centers = np.array(init, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"init must hold {wanted}, as numbers; got {error}."
        ) from error
    is_matrix = centers.ndim == 2 and len(centers) == n_clusters
    if not is_matrix or centers.shape[1] != (width or centers.shape[1]):
        shape = (n_clusters, width or "embedding_dim")
        raise ValueError(
            f"init must hold {wanted}, shape ({shape[0]}, {shape[1]}); got shape "
            f"{centers.shape}."
        )
    if not np.isfinite(centers).all():
        raise ValueError(f"init must hold {wanted}; got NaN or infinity among them.")
    return centers
