"""Where joint training starts: centres in the embedding."""

import math
from itertools import product

import numpy as np
from scipy.special import xlogy
from sklearn.decomposition import PCA

from skdeepclust._clusterers import fit_predict_labels, make_clusterer, relabel
from skdeepclust._containers import as_array
from skdeepclust._geometry import class_means, nearest
from skdeepclust._random import derived_seed
from skdeepclust._scale import check_size
from skdeepclust._spectral import (
    SpectralEnsemble,
    cluster_embedding,
    number_of_landmarks,
)

__all__ = [
    "check_centers",
    "cluster_moments",
    "initial_centers",
    "likelihood",
    "merge",
    "spectral_starts",
]

# "spectral" looks at no more than this number of samples. They suffice to place
# centres, and time and memory do not grow with the data.
_MAX_SPECTRAL = 20_000

# Candidates of "spectral": n/5 and n/10 landmarks x 1.2 and 1.5 times n_clusters, each
# run twice. Each run has a quarter of the starts of k-means.
_SAMPLES_PER_LANDMARK, _FINER, _REPEATS = (5, 10), (1.2, 1.5), 2
_SHARE_OF_STARTS = 4
_N_NEIGHBORS = 3  # landmarks of a sample, as in LandmarkSpectralClustering

# With fewer samples per cluster a neighbourhood is too sparse to be informative. With
# more clusters the singular vectors take longer than the training.
_MIN_PER_CLUSTER, _MAX_CLUSTERS = 20, 100

# Wider embeddings are compared by this number of main components.
_MAX_WIDTH = 32

# A covariance is shrunk towards the mean one with the weight of this number of samples
# per dimension.
_PRIOR_SAMPLES = 10


def initial_centers(init, Z, n_clusters, n_init, seed):
    """Centres in the embedding that joint training starts from.

    Parameters
    ----------
    init : "spectral", "kmeans", array-like of shape (n_clusters, embedding_dim) or \
            estimator
        Source of the centres: the means of landmark spectral clusters, k-means, the
        centres themselves, or the means of the clusters of any clusterer or mixture.
    Z : ndarray of shape (n_samples, embedding_dim)
        Embedded points. They may be changed by rounding errors.
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
        Cluster of every point. Noise and points that the clusterer did not see have the
        cluster of the nearest centre.

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
    labels = relabel(
        fit_predict_labels(make_clusterer(init, n_clusters, n_init, seed), Z)
    )
    centers = class_means(Z[labels >= 0], labels[labels >= 0])
    if len(centers) != n_clusters:
        raise ValueError(
            f"init={init} found {len(centers)} clusters in the embedding, but "
            f"n_clusters={n_clusters}. Pass n_clusters={len(centers)}, or another init."
        )
    noise = labels < 0
    labels[noise] = nearest(Z, centers)[noise]
    return centers, labels


def _kmeans(Z, n_clusters, n_init, seed):
    kmeans = make_clusterer("kmeans", n_clusters, n_init, seed)
    kmeans.set_params(copy_x=False)  # it centres Z in place and undoes it
    labels = fit_predict_labels(kmeans, Z)
    return kmeans.cluster_centers_, labels


def _spectral(Z, n_clusters, n_init, seed):
    """Centres and labels, or None if k-means is the better start."""
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

    The clusters that are found depend on the landmarks, on their number and on chance.
    More clusters than wanted are found first, so that neighbouring classes do not share
    a cluster. Those that are most like one Gaussian are then merged.

    Yields
    ------
    score : float
        Likelihood of the clusters as Gaussians; the largest is the best start.
    labels : ndarray of shape (n,)
        Clusters.
    """
    choices = _REPEATS * list(product(_SAMPLES_PER_LANDMARK, _FINER))
    main = _main_components(Z, derived_seed(seed, "components"))
    for i, (per_landmark, finer) in enumerate(choices):
        n_finer = math.ceil(finer * n_clusters)
        n_landmarks = number_of_landmarks(len(Z), n_finer, per_landmark)
        labels = _landmark_spectral(
            Z,
            n_finer,
            n_landmarks,
            max(1, n_init // _SHARE_OF_STARTS),
            derived_seed(seed, f"start {i}"),
        )
        counts, means, scatters = cluster_moments(main, labels)
        if len(counts) >= n_clusters:
            merged, moments = merge(counts, means, scatters, n_clusters)
            yield likelihood(*moments), merged[labels]


def _main_components(Z, seed):
    """The points, or the main components of wide ones.

    Merging and likelihood take time with the square of the width and the number of
    pairs of clusters, and need covariances that few samples cannot give.
    """
    if Z.shape[1] <= _MAX_WIDTH:
        return Z
    return PCA(_MAX_WIDTH, random_state=seed).fit_transform(Z)


def _landmark_spectral(Z, n_clusters, n_landmarks, n_init, seed):
    """Landmark spectral clusters 0, 1, ... of the points."""
    spectral = SpectralEnsemble(n_clusters, n_landmarks, _N_NEIGHBORS, "auto")
    embedding = spectral.fit([Z], seed).embed([Z])
    kmeans_seed = derived_seed(seed, "kmeans")
    # K-means warns if there are fewer different points than clusters.
    _, labels = cluster_embedding(
        embedding, n_clusters, n_init, kmeans_seed, quiet=True
    )
    return relabel(labels)


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


def check_centers(init, n_clusters, width=None):
    """Centres that a user gives, as a new matrix.

    Parameters
    ----------
    init : array-like of shape (n_clusters, embedding_dim)
        Centres.
    n_clusters : int
        Number of clusters.
    width : int or None, default=None
        Width of the embedding, if it is known.
    """
    wanted = f"a centre in the embedding for each of n_clusters={n_clusters} clusters"
    try:
        given = np.asarray(as_array(init, "init"))
        if given.dtype.kind == "c":
            raise TypeError("It holds complex numbers.")
        centers = np.array(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"init must hold {wanted}, as numbers. {error}") from error
    is_matrix = centers.ndim == 2 and len(centers) == n_clusters
    if not is_matrix or centers.shape[1] != (width or centers.shape[1]):
        shape = (n_clusters, width or "embedding_dim")
        raise ValueError(
            f"init must hold {wanted}, shape ({shape[0]}, {shape[1]}); got shape "
            f"{centers.shape}."
        )
    if not np.isfinite(centers).all():
        raise ValueError(f"init must hold {wanted}; got NaN or infinity among them.")
    check_size(float(np.abs(centers).max()), name="init")
    if len(np.unique(centers, axis=0)) < n_clusters:
        raise ValueError(f"init must hold {wanted}; got some that are equal.")
    return centers
