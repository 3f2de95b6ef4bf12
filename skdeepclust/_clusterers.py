"""Any clusterer of scikit-learn's, and the assignment of other points."""

import warnings
from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from skdeepclust._geometry import class_means, nearest
from skdeepclust._warnings import at_once, warn
from skdeepclust.exceptions import ClusterCollapseWarning, DataScaleWarning

__all__ = [
    "Assignment",
    "fit_predict_labels",
    "limited_threads",
    "make_clusterer",
    "relabel",
]

# With at most two threads the sum does not depend on their order; with more, one seed
# could give different centres.
_MAX_THREADS = 2

# Beyond it a float64 does not hold every integer, and an int64 ends not much later.
_LARGEST_LABEL = 2**53


_OURS = (ClusterCollapseWarning, DataScaleWarning)


def make_clusterer(clusterer, n_clusters, n_init, seed):
    """A fresh clusterer for `n_clusters` clusters.

    Parameters
    ----------
    clusterer : {"kmeans", "faiss"} or estimator
        An estimator is cloned; its `n_clusters` or `n_components` (of a pipeline that
        of the last step) and every `random_state` that is None are set on the clone.
    n_clusters : int
        Number of clusters.
    n_init : int
        Starts of k-means.
    seed : int
        Seed.
    """
    if isinstance(clusterer, str):
        kinds = {"kmeans": KMeans, "faiss": _FaissKMeans}
        return kinds[clusterer](n_clusters, n_init=n_init, random_state=seed)
    try:
        fresh = clone(clusterer)
    except TypeError as error:
        raise TypeError(
            f"The clusterer {clusterer!r} cannot be cloned. Derive its class "
            f"{type(clusterer).__name__} from sklearn.base.BaseEstimator. {error}"
        ) from error
    steps = getattr(fresh, "steps", None)
    last, prefix = (fresh, "") if steps is None else (steps[-1][1], f"{steps[-1][0]}__")
    for name in ("n_clusters", "n_components"):
        if name in last.get_params(deep=False):
            fresh.set_params(**{prefix + name: n_clusters})
            break
    for name, value in fresh.get_params(deep=True).items():
        if name.split("__")[-1] == "random_state" and value is None:
            fresh.set_params(**{name: seed})
    return fresh


def fit_predict_labels(clusterer, F, *, quiet=False):
    """Labels of the rows of F by a clusterer or a mixture, fitted in place.

    Its warnings wait until our fit is complete; with `quiet` they are dropped. Those of
    this library are dropped in any case: F is an embedding, which nobody can scale, and
    of clusters that collapse our fit says it.

    Returns
    -------
    labels : ndarray of shape (n,)
        Integers; -1 is noise.

    Raises
    ------
    ValueError
        When the clusterer does not return an integer for every row.
    """
    is_ours = type(clusterer) in (KMeans, _FaissKMeans)  # these leave F unchanged
    with (
        threadpool_limits(limits=limited_threads(), user_api="openmp"),
        warnings.catch_warnings(record=True) as caught,
        at_once(),
    ):
        warnings.simplefilter("always")  # also if they are errors to the user
        try:
            labels = clusterer.fit_predict(F if is_ours else F.copy())
        except Exception as error:
            error.add_note(
                f"The clusterer {type(clusterer).__name__} raised it, given an "
                f"embedding of shape {F.shape}."
            )
            raise
    for each in () if quiet else caught:
        if not issubclass(each.category, _OURS):
            warn(str(each.message), each.category)
    return _as_labels(labels, clusterer, len(F))


def _as_labels(labels, clusterer, n_samples):
    labels = np.asarray(labels)
    is_whole = labels.dtype.kind in "iu" or (
        labels.dtype.kind == "f"
        and bool(np.isfinite(labels).all())
        and np.array_equal(labels, np.rint(labels))
    )
    if labels.shape != (n_samples,) or not is_whole:
        raise ValueError(
            f"{type(clusterer).__name__} returned labels of shape {labels.shape} and "
            f"type {labels.dtype} for {n_samples} samples. A clusterer must return an "
            "integer for every sample, negative for noise."
        )
    if n_samples and labels.max() > _LARGEST_LABEL:
        raise ValueError(
            f"{type(clusterer).__name__} returned the label {labels.max()}, more than "
            f"{_LARGEST_LABEL}. Number the clusters 0, 1, ...; numpy.unique(labels, "
            "return_inverse=True) does so."
        )
    signed = labels if labels.dtype.kind == "u" else np.maximum(labels, -1)
    return signed.astype(np.int64)


class Assignment:
    """Assigns points to the clusters 0, 1, ... of a fitted clusterer.

    A clusterer with `predict` assigns them itself; its clusters are numbered again if
    some of them have no samples. Without `predict`, and for samples that it assigns to
    no cluster, the cluster with the nearest centre is taken.

    Parameters
    ----------
    clusterer : estimator
        Fitted to F.
    F : ndarray of shape (n, d)
        Points.
    labels : ndarray of shape (n,)
        Their clusters, as `fit_predict_labels` gave them.
    centers : ndarray of shape (k, d) or None, default=None
        If given, the nearest of these centres is taken. None: the clusterer decides,
        and the centres are the means of its clusters.

    Attributes
    ----------
    centers : ndarray of shape (n_clusters_found, d)
        A row per cluster.
    """

    def __init__(self, clusterer, F, labels, centers=None):
        predicts = centers is None and hasattr(clusterer, "predict")
        self._clusterer: Any = clusterer if predicts else None
        if centers is None:
            labels = self._predicted(F) if predicts else labels
            relabelled = relabel(labels)
            self._classes = np.unique(labels[labels >= 0])
            centers = class_means(F[relabelled >= 0], relabelled[relabelled >= 0])
        self.centers = centers

    def predict(self, F):
        """Cluster of every point."""
        if self._clusterer is None:
            return nearest(F, self.centers)
        labels = self._predicted(F)
        position = np.searchsorted(self._classes, labels)
        position = np.minimum(position, len(self._classes) - 1)
        elsewhere = self._classes[position] != labels
        if elsewhere.any():
            position[elsewhere] = nearest(F[elsewhere], self.centers)
        return position

    def _predicted(self, F):
        labels = self._clusterer.predict(F.copy())
        return _as_labels(labels, self._clusterer, len(F))


def relabel(labels):
    """Number the classes that have samples 0, 1, ...; noise (-1) stays noise.

    Returns
    -------
    relabelled : ndarray of shape (n,)
        New labels.

    Raises
    ------
    ValueError
        When every sample is noise.
    """
    classes, relabelled = np.unique(np.maximum(labels, -1), return_inverse=True)
    if classes[-1] < 0:
        raise ValueError(
            "The clusterer calls every sample noise. Loosen its parameters, or choose "
            "a clusterer that assigns all samples."
        )
    return relabelled - int(classes[0] < 0)


def limited_threads() -> int:
    """Threads with which scikit-learn's k-means gives the same result each time."""
    return min(_MAX_THREADS, torch.get_num_threads())


class _FaissKMeans:
    """K-means of the faiss library, for many clusters of many points."""

    n_iter = 20  # as many as in the DeepCluster paper

    def __init__(self, n_clusters, *, n_init, random_state):
        self.n_clusters = n_clusters
        self.n_init = n_init
        self.random_state = random_state

    def fit_predict(self, F):
        try:
            import faiss
        except ImportError as error:
            raise ImportError(
                'clusterer="faiss" needs faiss: pip install "skdeepclust[faiss]".'
            ) from error
        # Its own start is at random points, several of which may be in one cluster.
        plus_plus = getattr(faiss, "ClusteringInitMethod_KMEANS_PLUS_PLUS", None)
        start = {} if plus_plus is None else {"init_method": plus_plus}
        kmeans = faiss.Kmeans(
            F.shape[1],
            self.n_clusters,
            niter=self.n_iter,
            nredo=self.n_init,
            seed=self.random_state % (2**31),
            min_points_per_centroid=1,
            max_points_per_centroid=len(F),  # by default it takes 256 per centre
            **start,
        )
        kmeans.train(np.ascontiguousarray(F, dtype=np.float32))
        self.cluster_centers_ = kmeans.centroids
        return kmeans.index.search(F, 1)[1].ravel()
