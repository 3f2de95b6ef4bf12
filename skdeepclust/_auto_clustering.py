"""Clusterings of several kinds that compete, without labels."""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from skdeepclust._base import refitting, warn_of_collapse
from skdeepclust._clusterers import fit_predict_labels, limited_threads, make_clusterer
from skdeepclust._compat import Interval, validate_parameters
from skdeepclust._containers import as_array
from skdeepclust._geometry import class_means, nearest
from skdeepclust._random import derived_seed, root_seed
from skdeepclust._scale import (
    check_squares,
    measure_scale,
    origin_and_unit,
    warn_of_outweighing,
)
from skdeepclust._spectral import SpectralEnsemble, cluster_embedding
from skdeepclust._spectral_starts import MAX_CLUSTERS, N_NEIGHBORS, SpectralConsensus
from skdeepclust._valleys import DEEP, shallowest_valley
from skdeepclust._warnings import finished_first

__all__ = ["AutoClustering", "modularity", "parts_of_modularity"]

# Candidates are compared by this number of main components, and found from at most this
# number of samples. They suffice to place clusters.
_MAX_WIDTH, _MAX_SAMPLES = 32, 10_000

# The score looks at this number of samples, and at as many nearest neighbours of each
# as are a fifth of a mean cluster, but at least ten. See benchmarks/tables.py.
_SCORED, _SHARE_OF_CLUSTER, _MIN_NEIGHBORS = 5000, 5, 10

# With fewer samples per cluster k-means is the only candidate.
_MIN_PER_CLUSTER = 20

# With fewer samples per cluster another candidate must be better than k-means by this
# number of standard errors. See benchmarks/tables.py.
_ENOUGH_PER_CLUSTER, _STANDARD_ERRORS = 100, 1.0

# A single spectral clustering varies more than the consensus of several. It must be
# better by this much, and it needs enough samples.
_PLAIN, _LEAST_GAIN = "spectral, plain", 0.02

# A clustering with a valley between all of its clusters, as deep as `n_clusters="auto"`
# wants it, is taken before one that has two clusters without half as deep a valley.
_HALF = 0.5

# Mixtures are fitted to at most this number of samples.
_MAX_OF_MIXTURE, _MIXTURE_STARTS, _RIDGE = 5000, 2, 1e-3


class AutoClustering(ClusterMixin, BaseEstimator):
    r"""K-means, mixtures and landmark spectral clusterings, of which the best is kept.

    No clusterer is right for all data: k-means splits long clusters, mixtures fall for
    outliers, and the graph of spectral clustering follows categories and gaps that have
    nothing to do with the clusters. Here all of them cluster the data, and a score that
    needs no labels and assumes no shape chooses.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters.
    n_init : int, default=20
        Starts of k-means.
    random_state : int, RandomState instance or None, default=None
        Governs all candidates. None draws fresh entropy. The global generator of numpy
        is never touched.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,)
        Cluster of every sample. Equal to ``predict(X)``.
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
        Mean of every cluster.
    scores_ : dict of str to float
        Score of every candidate: "kmeans", "mixture" (full covariances),
        "mixture, tied" (one covariance), "spectral", a consensus of landmark spectral
        clusterings, and "spectral, plain", a single one.
    valleys_ : dict of str to float
        Depth of the shallowest valley between two clusters of a candidate, in standard
        deviations, of those for which it was looked at.
    chosen_ : str
        The candidate with the highest score, with two exceptions: see Notes.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, when X had them.

    Warns
    -----
    ClusterCollapseWarning
        When the effective number of clusters is below half of `n_clusters`.
    DataScaleWarning
        When a column or a value outweighs all others.

    See Also
    --------
    LandmarkSpectralClustering : One of the candidates, without merging.

    Notes
    -----
    The score of a clustering is its modularity [1]_ in the graph of nearest neighbours:
    the share of a sample's neighbours that are in its own cluster, less that share if
    neighbours were drawn at random. The neighbours are as many as a fifth of a mean
    cluster, :math:`n / 5k`, but at least ten. With few neighbours, small gaps within a
    cluster would count as much as those between clusters. A few outliers cannot be a
    good cluster, because nearly all of the others are then left in one.
    ``benchmarks/tables.py`` has the choice beside the candidates.

    The score prefers clusters of similar sizes, and would rather cut a large cluster in
    two than have a small one. So the chosen clusters are looked at once more: if two of
    them have no valley of lower density in between (at most 2.25 standard deviations),
    and another candidate has a valley deeper than 4.5 between all of its clusters, the
    latter is taken. These are the valleys of ``n_clusters="auto"``. A cluster needs
    some twenty samples for a valley that deep.

    Of few samples the score is uncertain. With fewer than 100 per cluster, k-means is
    kept unless another candidate is better by more than one standard error of the
    difference, the rule that [3]_ has for the size of a tree. With fewer than 20, or
    with more than 100 clusters, k-means is the only candidate.

    "spectral" is the consensus of eight landmark spectral clusterings (four with more
    than 5,000 samples). They find 1.2 and 1.5 times as many clusters, with two numbers
    of landmarks, and merge those that are most like one Gaussian; then the samples are
    clustered by the clusters that they are in, with these as landmarks [2]_. "spectral,
    plain" merges nothing, and finds clusters that are long or bent. One clustering
    varies more than eight, so its score must be higher by .02 than all others, with at
    least 100 samples per cluster.

    More than 32 features are replaced by their first 32 main components, except for
    k-means; with more than 10,000 samples, candidates
    are found from a random 10,000.

    References
    ----------
    .. [1] M. E. J. Newman, M. Girvan, "Finding and evaluating community structure in
       networks", Physical Review E, 2004.
    .. [2] A. Strehl, J. Ghosh, "Cluster ensembles: a knowledge reuse framework for
       combining multiple partitions", Journal of Machine Learning Research, 2002.
    .. [3] L. Breiman, J. H. Friedman, R. A. Olshen, C. J. Stone, "Classification and
       regression trees", 1984.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.metrics import adjusted_rand_score
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skdeepclust import AutoClustering
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> clustering = AutoClustering(2, random_state=0)
    >>> labels = clustering.fit_predict(StandardScaler().fit_transform(X))
    >>> adjusted_rand_score(y, labels) > 0.6
    True
    """

    _parameter_constraints = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(self, n_clusters=8, *, n_init=20, random_state=None):
        self.n_clusters = n_clusters
        self.n_init = n_init
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the clusters.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Points, such as standardised rows or embeddings.
        y : Ignored
            Ignored.

        Returns
        -------
        self : AutoClustering
            The fitted estimator.

        Raises
        ------
        ValueError
            When there are fewer samples than clusters, or when the squares of values
            overflow.
        """
        with refitting(self) as refit:
            validate_parameters(self)
            X = self._checked(X, reset=True)
            if len(X) < self.n_clusters:
                raise ValueError(
                    f"n_samples={len(X)} should be >= n_clusters={self.n_clusters}."
                )
            with finished_first():
                self._fit(X, root_seed(self.random_state))
                refit.is_complete = True
                warn_of_collapse(
                    self.labels_,
                    int(self.n_clusters),
                    "Scale X, or try another n_clusters or random_state.",
                )
        return self

    def _checked(self, X, reset):
        dtype = [np.float64, np.float32]
        X = validate_data(self, as_array(X), reset=reset, dtype=dtype, order="C")
        check_squares(X)
        return X

    def _fit(self, X, seed):
        self._dtype_ = X.dtype
        n_clusters = int(self.n_clusters)
        rng = np.random.RandomState(derived_seed(seed, "sample"))
        chosen = np.sort(rng.permutation(len(X))[:_MAX_SAMPLES])
        sample = X[chosen]
        origin, unit = origin_and_unit(sample)
        warn_of_outweighing(measure_scale((sample - origin) / unit, np.inf), self)
        self._components_ = _main_components(sample, derived_seed(seed, "components"))
        main = self._components_(sample)
        neighbors = _Neighbors(main, n_clusters, derived_seed(seed, "neighbors"))
        found = list(_candidates(sample, main, n_clusters, int(self.n_init), seed))
        parts = {each.name: neighbors.parts(each.labels) for each in found}
        self.scores_ = {name: float(part.mean()) for name, part in parts.items()}
        is_few = len(sample) < _ENOUGH_PER_CLUSTER * n_clusters
        best = _choice(parts, self.scores_, is_few)
        valleys = _Valleys(main, found, n_clusters, derived_seed(seed, "valleys"))
        self.chosen_ = valleys.choice(best, self.scores_)
        self.valleys_ = valleys.depths
        self._best_ = next(each for each in found if each.name == self.chosen_)
        self.labels_ = self._predict(X)
        present, self.labels_ = np.unique(self.labels_, return_inverse=True)
        self._present_ = present
        self.cluster_centers_ = class_means(X, self.labels_)

    def predict(self, X: Any) -> NDArray[np.integer]:
        """Cluster of every sample, by the clusterer that was chosen.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Points.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Clusters.
        """
        check_is_fitted(self, "labels_")
        X = self._checked(X, reset=False).astype(self._dtype_, copy=False)
        labels = self._predict(X)
        position = np.searchsorted(self._present_, labels)
        position = np.minimum(position, len(self._present_) - 1)
        empty = self._present_[position] != labels  # a cluster without samples in `fit`
        position[empty] = nearest(X[empty], self.cluster_centers_.astype(X.dtype))
        return position

    def _predict(self, X):
        best = self._best_
        return best.predict(X if best.takes_all_features else self._components_(X))


@dataclass
class _Candidate:
    """A clustering of the sample, and its way to predict other points."""

    name: str
    labels: np.ndarray
    predict: Callable[[np.ndarray], np.ndarray]
    takes_all_features: bool = False


def _candidates(X, main, n_clusters, n_init, seed):
    kmeans = make_clusterer("kmeans", n_clusters, n_init, derived_seed(seed, "kmeans"))
    labels = fit_predict_labels(kmeans, X, quiet=True)
    centers = kmeans.cluster_centers_
    yield _Candidate("kmeans", labels, partial(_nearest_of, centers), True)
    if len(X) < _MIN_PER_CLUSTER * n_clusters or not 1 < n_clusters <= MAX_CLUSTERS:
        return
    for name, kind in (("mixture", "full"), ("mixture, tied", "tied")):
        mixture = _mixture(main, n_clusters, kind, derived_seed(seed, name))
        if mixture is not None:
            yield _Candidate(name, mixture(main), mixture)
    spectral = SpectralConsensus(n_clusters, n_init, derived_seed(seed, "spectral"))
    if spectral.fit(main):
        yield _Candidate("spectral", spectral.labels, spectral.predict)
    yield _plain_spectral(main, n_clusters, n_init, derived_seed(seed, "plain"))


def _plain_spectral(main, n_clusters, n_init, seed):
    """A single landmark spectral clustering, without merging."""
    spectral = SpectralEnsemble(n_clusters, "auto", N_NEIGHBORS, "auto")
    embedding = spectral.fit([main], seed).embed([main])
    centers, labels = cluster_embedding(
        *(embedding, n_clusters, n_init), derived_seed(seed, "kmeans"), quiet=True
    )
    return _Candidate(_PLAIN, labels, partial(_plain, spectral, centers))


def _plain(spectral, centers, X):
    return nearest(spectral.embed([X]), centers)


class _Valleys:
    """Depths of the shallowest valleys of candidates, found when they are asked for."""

    def __init__(self, main, found, n_clusters, seed):
        self._labels = {each.name: each.labels for each in found}
        self._main, self._n_clusters, self._seed = main, n_clusters, seed
        self.depths: dict[str, float] = {}

    def choice(self, best, scores):
        """The best, or the best of those with deep valleys if it has none at all."""
        if len(self._labels) == 1 or self._n_clusters == 1:
            return best
        if self._depth(best) > _HALF * DEEP:
            return best
        deep = [name for name in self._labels if self._depth(name) > DEEP]
        return max(deep, key=lambda name: scores[name], default=best)

    def _depth(self, name):
        labels = self._labels[name]
        if len(np.unique(labels)) < self._n_clusters:
            self.depths[name] = 0.0
        if name not in self.depths:
            self.depths[name] = shallowest_valley(self._main, labels, self._seed)
        return self.depths[name]


def _choice(parts, scores, is_few):
    """The candidate with the highest score; of few samples k-means in doubt."""
    kmeans, *others = (name for name in parts if name != _PLAIN)
    if is_few:
        gains = {name: parts[name] - parts[kmeans] for name in others}
        others = [name for name in others if _is_clear(gains[name])]
    # Of equal scores the first, and k-means comes first.
    best = max([kmeans, *others], key=lambda name: scores[name])
    is_clear = not is_few and scores.get(_PLAIN, 0.0) >= scores[best] + _LEAST_GAIN
    return _PLAIN if is_clear else best


def _is_clear(gains):
    """Whether the mean gain is above zero by more than a standard error."""
    error = gains.std(ddof=1) / math.sqrt(len(gains))
    return gains.mean() > _STANDARD_ERRORS * error


def _nearest_of(centers, X):
    return nearest(X, centers.astype(X.dtype))


def _mixture(main, n_clusters, kind, seed):
    """`predict` of a mixture of Gaussians, or None if it cannot be fitted."""
    rng = np.random.RandomState(seed)
    sample = main[rng.permutation(len(main))[:_MAX_OF_MIXTURE]].astype(np.float64)
    mixture = GaussianMixture(
        n_clusters,
        covariance_type=kind,
        n_init=_MIXTURE_STARTS,
        reg_covar=_RIDGE * float(sample.var()) or _RIDGE,
        random_state=seed,
    )
    with (
        threadpool_limits(limits=limited_threads(), user_api="openmp"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # it is one candidate of several
        try:
            mixture.fit(sample)
        except ValueError:  # singular covariances
            return None
    return mixture.predict


class _Neighbors:
    """Nearest neighbours of a sample of the points."""

    def __init__(self, Z, n_clusters, seed):
        n = min(len(Z), _SCORED)
        self._chosen = np.random.RandomState(seed).permutation(len(Z))[:n]
        wanted = max(_MIN_NEIGHBORS, n // (_SHARE_OF_CLUSTER * n_clusters))
        points = Z[self._chosen]
        found = NearestNeighbors(n_neighbors=max(1, min(wanted, n - 1))).fit(points)
        self._index = found.kneighbors(return_distance=False) if n > 1 else None

    def parts(self, labels):
        """What every point contributes to the modularity; 0 if there is one point."""
        if self._index is None:
            return np.zeros(1)
        return parts_of_modularity(labels[self._chosen], self._index)

    def modularity(self, labels):
        """Modularity of clusters; 0 if there is one point."""
        return float(self.parts(labels).mean())


def modularity(labels, neighbors):
    """Modularity of clusters in a graph of nearest neighbours.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        Clusters 0, 1, ...
    neighbors : ndarray of shape (n, n_neighbors)
        Positions of the nearest neighbours of every sample.

    Returns
    -------
    score : float
        Share of neighbours in the same cluster, less what chance would give.
    """
    return float(parts_of_modularity(labels, neighbors).mean())


def parts_of_modularity(labels, neighbors):
    """What every sample contributes: the modularity is the mean of these."""
    of_neighbors = labels[neighbors]
    together = (of_neighbors == labels[:, None]).mean(axis=1)
    counts = np.bincount(of_neighbors.ravel(), minlength=int(labels.max()) + 1)
    return together - counts[labels] / neighbors.size


def _main_components(X, seed):
    """Map of points to at most 32 main components."""
    if X.shape[1] <= _MAX_WIDTH or len(X) <= _MAX_WIDTH:
        return _unchanged
    if math.isclose(float(np.ptp(X)), 0.0):
        return _unchanged
    return PCA(_MAX_WIDTH, random_state=seed).fit(X).transform


def _unchanged(X):
    return X
