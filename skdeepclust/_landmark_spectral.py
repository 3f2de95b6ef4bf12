"""Landmark spectral clustering as a scikit-learn clusterer."""

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_is_fitted, validate_data

from skdeepclust._base import refitting, warn_of_collapse
from skdeepclust._compat import Interval, StrOptions, validate_parameters
from skdeepclust._containers import as_array
from skdeepclust._geometry import nearest
from skdeepclust._n_clusters import (
    AUTO_NUMBER,
    check_auto_samples,
    find_number,
    is_auto,
    merge_history,
    warn_of_number,
)
from skdeepclust._random import derived_seed, root_seed
from skdeepclust._scale import (
    check_squares,
    measure_scale,
    origin_and_unit,
    warn_of_outweighing,
)
from skdeepclust._spectral import SpectralEnsemble, cluster_embedding
from skdeepclust._warnings import finished_first

__all__ = ["LandmarkSpectralClustering"]

_BLOCK = 4096  # rows that are converted at once


class LandmarkSpectralClustering(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator
):
    r"""Spectral clustering through landmarks, for any number of samples.

    Every sample is tied to its nearest few landmarks, which are the centres of a
    k-means. Samples that share landmarks are similar; the left singular vectors of
    the sparse matrix of these ties are the spectral embedding, and k-means in it gives
    the clusters [1]_. Time and memory grow with the number of samples and not with its
    square, and new samples are embedded through the same landmarks.

    Parameters
    ----------
    n_clusters : int or "auto", default=8
        Number of clusters, and of the singular vectors. "auto" finds it, see
        :ref:`the user guide <auto_number>`.
    max_clusters : int, default=30
        Largest number that ``n_clusters="auto"`` can find.
    n_landmarks : int or "auto", default="auto"
        Number p of landmarks. "auto" takes a fifth of the samples, but at least 10
        per cluster and at most 1000, and never more than half of the samples
        (``benchmarks/README.md``).
    n_neighbors : int, default=3
        Number r of landmarks that a sample is tied to. The default, with the
        number of landmarks that "auto" takes, clustered digits best
        (``benchmarks/README.md``); [1]_ has 5.
    bandwidth : float or "auto", default="auto"
        Width :math:`\sigma` of the Gaussian kernel. "auto" is the mean distance of
        the samples to their `n_neighbors` landmarks.
    n_init : int, default=20
        Starts of the k-means in the embedding.
    random_state : int, RandomState instance or None, default=None
        Governs landmarks and k-means. None draws fresh entropy. The global generator
        of numpy is never touched.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,)
        Cluster of every sample. Equal to ``predict(X)``.
    n_clusters_ : int
        Number of clusters: the one that was found, or that was asked for.
    merge_history_ : list of dicts
        Only with ``n_clusters="auto"``: which clusters would be merged next, down to
        one. "clusters" are the two, of which the first gives the new one its name;
        "n_clusters" is the number afterwards, and "score" the depth of the valley
        between the two in X, in standard deviations.
    embedding_ : ndarray of shape (n_samples, n_clusters)
        Spectral embedding, float32, rows of length one. Equal to ``transform(X)``.
    cluster_centers_ : ndarray of shape (n_clusters, n_clusters)
        Centres in the embedding.
    landmarks_ : ndarray of shape (n_landmarks, n_features)
        Landmarks.
    bandwidth_ : float
        Width of the kernel.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, when X had them.

    Warns
    -----
    ClusterCollapseWarning
        When the effective number of clusters is below half of `n_clusters`.
    ClusterNumberWarning
        When ``n_clusters="auto"`` finds a number that deserves a doubt, such as one,
        two, or as many as `max_clusters`.

    See Also
    --------
    SCEDAE : The same over an ensemble of autoencoders.
    sklearn.cluster.SpectralClustering : With a matrix of n x n similarities.

    Notes
    -----
    With B the affinities of n samples to p landmarks, rows summing to one and r values
    in a row, and D the diagonal matrix of its column sums, the embedding is made of the
    first `n_clusters` left singular vectors of :math:`B D^{-1/2}`, rows scaled to
    length one. A new row b of affinities has the embedding
    :math:`b D^{-1/2} V \Sigma^{-1}`, with V and :math:`\Sigma` the right singular
    vectors and the singular values; the rows of B get their own embedding from it.

    References
    ----------
    .. [1] X. Chen, D. Cai, "Large scale spectral clustering with landmark-based
       representation", AAAI 2011.

    Examples
    --------
    >>> from sklearn.datasets import make_circles
    >>> from sklearn.metrics import adjusted_rand_score
    >>> from skdeepclust import LandmarkSpectralClustering
    >>> X, y = make_circles(500, factor=0.4, noise=0.05, random_state=0)
    >>> labels = LandmarkSpectralClustering(2, random_state=0).fit_predict(X)
    >>> adjusted_rand_score(y, labels)
    1.0
    """

    _parameter_constraints = {
        **AUTO_NUMBER,
        "n_landmarks": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "bandwidth": [
            StrOptions({"auto"}),
            Interval(Real, 0, None, closed="neither"),
        ],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_clusters=8,
        *,
        max_clusters=30,
        n_landmarks="auto",
        n_neighbors=3,
        bandwidth="auto",
        n_init=20,
        random_state=None,
    ):
        self.n_clusters = n_clusters
        self.max_clusters = max_clusters
        self.n_landmarks = n_landmarks
        self.n_neighbors = n_neighbors
        self.bandwidth = bandwidth
        self.n_init = n_init
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find landmarks, embedding and clusters.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Points.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        self : LandmarkSpectralClustering
            The fitted clusterer.
        """
        with refitting(self) as refit:
            validate_parameters(self)
            X = self._checked(X, reset=True)
            if is_auto(self.n_clusters):
                check_auto_samples(len(X))
            elif len(X) < self.n_clusters:
                raise ValueError(
                    f"n_samples={len(X)} should be >= n_clusters={self.n_clusters}."
                )
            with finished_first():
                self._fit(X, root_seed(self.random_state))
                refit.is_complete = True
                warn_of_number(self._found_, getattr(self, "merge_history_", ()))
                warn_of_collapse(
                    self.labels_,
                    self.n_clusters_,
                    "Try another n_landmarks, n_neighbors or random_state, or scale X.",
                )
        return self

    def _checked(self, X, reset):
        """X as a matrix of floats; its type is that of `fit` in later calls."""
        X = validate_data(self, as_array(X), reset=reset, dtype="numeric", order="C")
        is_float = X.dtype in (np.float64, np.float32)
        dtype = (X.dtype if is_float else np.float64) if reset else self._dtype_
        check_squares(X, dtype)
        return np.ascontiguousarray(X, dtype=dtype)

    def _fit(self, X, seed):
        self._dtype_ = X.dtype
        self._center_, self._unit_ = origin_and_unit(X)
        Z = self._normalized(X)
        warn_of_outweighing(measure_scale(Z, np.inf), self)
        bandwidth = self.bandwidth
        if bandwidth != "auto":
            bandwidth = bandwidth / self._unit_
        n_clusters = self._number(Z, seed)
        self._spectral_ = SpectralEnsemble(
            n_clusters, self.n_landmarks, int(self.n_neighbors), bandwidth
        ).fit([Z], seed)
        (landmarks,) = self._spectral_.landmarks
        self.landmarks_ = (landmarks * self._unit_ + self._center_).astype(X.dtype)
        self.bandwidth_ = self._spectral_.bandwidths[0] * self._unit_
        self.embedding_ = self._spectral_.embed([Z])
        self.cluster_centers_, self.labels_ = cluster_embedding(
            self.embedding_, n_clusters, int(self.n_init), derived_seed(seed, "kmeans")
        )
        self.n_clusters_ = n_clusters
        if is_auto(self.n_clusters):
            self.merge_history_ = merge_history(self._found_, Z, self.labels_, seed)

    def _number(self, Z, seed):
        """The number that is asked for, or that is found."""
        self._found_ = None
        if not is_auto(self.n_clusters):
            return int(self.n_clusters)
        own = derived_seed(seed, "number")
        self._found_ = find_number(Z, int(self.max_clusters), own)
        return self._found_.n_clusters

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Spectral embedding of samples, through the landmarks of `fit`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Points.

        Returns
        -------
        embedding : ndarray of shape (n_samples, n_clusters)
            Embedding, float32. The embedding of a sample is the same to the bit
            whatever other samples come with it.
        """
        return self._embed(X)

    def predict(self, X: Any) -> NDArray[np.integer]:
        """Cluster of every sample: that of the nearest centre in the embedding.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Points.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Clusters.
        """
        return nearest(self._embed(X), self.cluster_centers_)

    def _embed(self, X):
        check_is_fitted(self, "landmarks_")
        return self._spectral_.embed([self._normalized(self._checked(X, reset=False))])

    def _normalized(self, X):
        """X about the centre and in the unit of `fit`, so that nothing is rounded."""
        Z = np.empty_like(X)
        for start in range(0, len(X), _BLOCK):
            block = X[start : start + _BLOCK].astype(np.float64)
            Z[start : start + _BLOCK] = (block - self._center_) / self._unit_
        return Z

    @property
    def _n_features_out(self):
        return self.embedding_.shape[1]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # the embedding is float32
        return tags
