"""Where joint training starts: centres in the embedding."""

import math

import numpy as np
import torch
from sklearn.decomposition import PCA

from skdeepclust._auto_clustering import AutoClustering
from skdeepclust._clusterers import fit_predict_labels, make_clusterer, relabel
from skdeepclust._containers import as_array
from skdeepclust._fitted import check_labels
from skdeepclust._geometry import class_means, nearest
from skdeepclust._random import derived_seed
from skdeepclust._scale import check_size
from skdeepclust._spectral_starts import (
    MAX_CLUSTERS,
    MIN_PER_CLUSTER,
    MergedSpectral,
    SpectralConsensus,
    choices_of_landmarks,
    likelihood,
)
from skdeepclust._tensor_data import map_blocks
from skdeepclust._valley_votes import ValleyVotes
from skdeepclust._valleys import DEEP_IN_MAP

__all__ = [
    "check_centers",
    "first_clusters",
    "given_labels",
    "holds_labels",
    "initial_centers",
    "main_components",
    "spectral_starts",
]

# "spectral" looks at no more than this number of samples. They suffice to place
# centres, and time and memory do not grow with the data.
_MAX_SPECTRAL = 20_000

# A consensus is found from at most this number of samples.
_MAX_CONSENSUS = 10_000

# Main components are those of at most this number of samples, and of this number of
# values unless two samples per component are more.
_MAX_OF_COMPONENTS, _MAX_OF_VALUES = 10_000, 2**27

# Clusters that are further apart by this number of standard deviations are taken
# before a consensus of spectral clusterings.
_DEEPER = 1.0

# Wider embeddings are compared by this number of main components.
_MAX_WIDTH = 32


def initial_centers(init, Z, n_clusters, n_init, seed):
    """Centres in the embedding that joint training starts from.

    Parameters
    ----------
    init : "spectral", "kmeans", array-like of shape (n_clusters, embedding_dim) or \
            (n_samples,), or estimator
        Source of the centres: the means of landmark spectral clusters, k-means, the
        centres themselves, or the means of clusters: given ones, or those of any
        clusterer or mixture.
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
    if holds_labels(init):
        labels = given_labels(init, n_clusters, len(Z))
    elif not hasattr(init, "fit_predict"):
        centers = check_centers(init, n_clusters, Z.shape[1]).astype(Z.dtype)
        return centers, nearest(Z, centers)
    else:
        labels = _labels_of_clusterer(init, Z, n_clusters, n_init, seed)
    centers = class_means(Z[labels >= 0], labels[labels >= 0])
    noise = labels < 0
    labels[noise] = nearest(Z, centers)[noise]
    return centers, labels


def _labels_of_clusterer(init, Z, n_clusters, n_init, seed):
    clusterer = make_clusterer(init, n_clusters, n_init, seed)
    # In float32 the covariances of a mixture can come out singular.
    labels = relabel(fit_predict_labels(clusterer, Z.astype(np.float64)))
    n_found = int(labels.max()) + 1
    if n_found != n_clusters:
        raise ValueError(
            f"init={init} found {n_found} clusters in the embedding, but "
            f"n_clusters={n_clusters}. Pass n_clusters={n_found}, or another init."
        )
    return labels


def _kmeans(Z, n_clusters, n_init, seed):
    kmeans = make_clusterer("kmeans", n_clusters, n_init, seed)
    kmeans.set_params(copy_x=False)  # it centres Z in place and undoes it
    labels = fit_predict_labels(kmeans, Z)
    return kmeans.cluster_centers_, labels


def _spectral(Z, n_clusters, n_init, seed):
    """Centres and labels, or None if k-means is the better start."""
    if len(Z) < MIN_PER_CLUSTER * n_clusters or n_clusters > MAX_CLUSTERS:
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

    Yields
    ------
    score : float
        Likelihood of the clusters as Gaussians; the largest is the best start.
    labels : ndarray of shape (n,)
        Clusters.
    """
    main = _main_components(Z, derived_seed(seed, "components"))
    for i, (per_landmark, finer) in enumerate(choices_of_landmarks()):
        start = MergedSpectral(
            n_clusters, per_landmark, finer, n_init, derived_seed(seed, f"start {i}")
        )
        if start.fit(main):
            yield likelihood(*start.moments), start.labels


def _main_components(Z, seed):
    """The points, or the main components of wide ones."""
    if Z.shape[1] <= _MAX_WIDTH:
        return Z
    return PCA(_MAX_WIDTH, random_state=seed).fit_transform(Z)


def first_clusters(main, Z, n_clusters, n_init, seed):
    """Clusters that `init="auto"` starts from.

    Parameters
    ----------
    main : ndarray of shape (n_samples, at most 32)
        The samples in their main components.
    Z : ndarray of shape (n_samples, embedding_dim) or None
        Their embedding. None: the embedding is made of the main components, and the
        best of several clusterings of these is taken. Otherwise that of the two spaces
        is taken in which clusters are the further apart, and in it a consensus of
        spectral clusterings, or clusters between which valleys are clearly deeper. If
        no valley is deep, the consensus is taken in the space in which the clusterings
        agree the more with each other.
    n_clusters, n_init, seed : int
        Clusters, starts of k-means, seed.

    Returns
    -------
    labels : ndarray of shape (n_samples,)
        Clusters, none of them empty.
    """
    if Z is None:
        auto = AutoClustering(n_clusters, n_init=n_init, random_state=seed)
        labels = fit_predict_labels(auto, main, quiet=True)
        return _none_empty(labels, main, n_clusters, n_init, seed)
    starts = [
        _Start(space, n_clusters, n_init, derived_seed(seed, name))
        for name, space in (("components", main), ("embedding", Z))
    ]
    starts = [each for each in starts if each.found]
    if not starts:
        return _kmeans(Z, n_clusters, n_init, seed)[1]
    best = max(starts, key=lambda each: each.depth)
    if best.depth > DEEP_IN_MAP:
        labels = best.furthest_apart()
    else:
        labels = max(starts, key=lambda each: each.agreement).labels
    return _none_empty(labels, Z, n_clusters, n_init, seed)


def _none_empty(labels, Z, n_clusters, n_init, seed):
    """The clusters, or those of k-means if some are empty."""
    if len(np.unique(labels)) == n_clusters:
        return relabel(labels)
    return _kmeans(Z, n_clusters, n_init, seed)[1]


class _Start:
    """Initial clusters in one space.

    Attributes
    ----------
    found : bool
        Whether there are enough points for `n_clusters` clusters.
    labels : ndarray of shape (n,)
        Consensus of spectral clusterings.
    agreement : float
        How much these agree with each other.
    depth : float
        Depth of the shallowest valley between two clusters, of the consensus or of a
        diffusion map; 0 if there are too few points for a map.
    """

    def __init__(self, Z, n_clusters, n_init, seed):
        self.found, self.agreement, self.depth = False, 0.0, 0.0
        if len(Z) < MIN_PER_CLUSTER * n_clusters or not 1 < n_clusters <= MAX_CLUSTERS:
            return
        chosen = np.random.RandomState(seed).permutation(len(Z))[:_MAX_CONSENSUS]
        self._points = _main_components(Z, derived_seed(seed, "components"))
        spectral = SpectralConsensus(n_clusters, n_init, seed)
        if not spectral.fit(self._points[np.sort(chosen)]):
            return
        self.found, self.agreement = True, spectral.agreement
        self.labels = spectral.predict(self._points)
        self._votes = ValleyVotes(n_clusters, n_init, derived_seed(seed, "valleys"))
        if self._votes.fit(self._points):
            self.depth = max(self._votes.depth, self._votes.depth_of(self.labels))

    def furthest_apart(self):
        """Clusters by the votes of maps if they are clearly further apart."""
        if not self._is_clear():
            return self.labels
        self._votes.vote(self._points)
        return self._votes.predict(self._points) if self._is_clear() else self.labels

    def _is_clear(self):
        return self._votes.depth > self._votes.depth_of(self.labels) + _DEEPER


def main_components(data, seed):
    """Samples in their main components, at most 32 of them.

    Parameters
    ----------
    data : TensorData
        Samples.
    seed : int
        Seed of the estimator.

    Returns
    -------
    Z : ndarray of shape (n, at most 32)
        The samples themselves, about their mean, if they have no more features.
    """
    in_memory = max(2 * _MAX_WIDTH, _MAX_OF_VALUES // data.take(slice(0, 1)).numel())
    step = math.ceil(len(data) / min(_MAX_OF_COMPONENTS, in_memory))
    sample = data.take(slice(None, None, step)).flatten(1).cpu().numpy()
    width, own = min(_MAX_WIDTH, *sample.shape), derived_seed(seed, "components")
    with np.errstate(invalid="ignore"):  # a single sample has no variance
        pca = PCA(width, random_state=own).fit(sample)
    components, mean = (
        torch.from_numpy(np.asarray(each, dtype=np.float32)).to(data.device)
        for each in (pca.components_, pca.mean_)
    )
    return (
        map_blocks(lambda X: (X.flatten(1) - mean) @ components.T, data).cpu().numpy()
    )


def holds_labels(init):
    """Whether `init` is an array of labels, one per sample."""
    if isinstance(init, str) or hasattr(init, "fit_predict"):
        return False
    try:
        return np.ndim(init) == 1
    except ValueError:  # lists of different lengths
        return False


def given_labels(init, n_clusters, n_samples):
    """Labels that a user gives, as a new array of 0, 1, ... and -1.

    Parameters
    ----------
    init : array-like of shape (n_samples,)
        Labels: whole numbers, of which those below 0 are noise, or strings.
    n_clusters, n_samples : int
        Number of clusters and of samples.
    """
    labels = check_labels(init, "init")
    if len(labels) != n_samples:
        raise ValueError(
            f"init must hold a label for each of the {n_samples} samples, shape "
            f"({n_samples},), or centres of shape (n_clusters={n_clusters}, "
            f"embedding_dim); got shape {labels.shape}."
        )
    is_number = labels.dtype.kind in "biuf"
    noise = labels < 0 if is_number else np.zeros(n_samples, dtype=bool)
    _, index = np.unique(labels, return_inverse=True)
    index[noise] = -1
    n_found = len(np.unique(index[~noise]))
    if n_found != n_clusters:
        raise ValueError(
            f"init holds labels of {n_found} clusters, but n_clusters={n_clusters}. "
            "Pass their number as n_clusters, or other labels."
        )
    return relabel(index)


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
