"""Any clusterer of scikit-learn's, and assignment by the nearest mean."""

from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from skdeepclust._batches import as_tensor

__all__ = [
    "Assignment",
    "class_means",
    "cluster",
    "compact",
    "limited_threads",
    "make_clusterer",
    "mean_squared_distance",
    "nearest",
]

# Two threads add their partial sums in either order with the same result; more do
# not, and the same seed would give other centres from run to run.
_MAX_THREADS = 2

_BLOCK = 1024  # rows of a block, where all rows meet all centres


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
    fresh = clone(clusterer)
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


def cluster(clusterer, F):
    """Labels of the rows of F by a clusterer or a mixture, fitted in place.

    Returns
    -------
    labels : ndarray of shape (n,)
        Integers; -1 is noise.

    Raises
    ------
    ValueError
        When the clusterer does not return an integer for every row.
    """
    is_ours = type(clusterer) in (KMeans, _FaissKMeans)  # which leave F as it is
    with threadpool_limits(limits=limited_threads(), user_api="openmp"):
        labels = clusterer.fit_predict(F if is_ours else F.copy())
    return _as_labels(labels, clusterer, len(F))


def _as_labels(labels, clusterer, n_samples):
    labels = np.asarray(labels)
    is_whole = labels.dtype.kind in "iu" or (
        labels.dtype.kind == "f" and np.array_equal(labels, np.rint(labels))
    )
    if labels.shape != (n_samples,) or not is_whole:
        raise ValueError(
            f"{type(clusterer).__name__} returned labels of shape {labels.shape} and "
            f"type {labels.dtype} for {n_samples} samples. A clusterer must return an "
            "integer for every sample, negative for noise."
        )
    return np.maximum(labels.astype(np.int64), -1)


class Assignment:
    """The way of points into the clusters 0, 1, ... that a fitted clusterer found.

    A clusterer with `predict` assigns them itself; its clusters are numbered anew where
    some of them have no samples. For one without, and for samples that it puts
    nowhere, it is the cluster with the nearest centre.

    Parameters
    ----------
    clusterer : estimator
        Fitted to F.
    F : ndarray of shape (n, d)
        Points.
    labels : ndarray of shape (n,)
        Their clusters, as `cluster` gave them.
    centers : ndarray of shape (k, d) or None, default=None
        Centres whose nearest decides. None: the clusterer decides, and its centres are
        the means of the clusters.

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
            compacted = compact(labels)
            self._classes = np.unique(labels[labels >= 0])
            centers = class_means(F[compacted >= 0], compacted[compacted >= 0])
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


def compact(labels):
    """Number the classes that have samples 0, 1, ...; noise (-1) stays noise.

    Returns
    -------
    compacted : ndarray of shape (n,)
        New labels.

    Raises
    ------
    ValueError
        When there is nothing but noise.
    """
    classes, compacted = np.unique(np.maximum(labels, -1), return_inverse=True)
    if classes[-1] < 0:
        raise ValueError(
            "The clusterer calls every sample noise. Loosen its parameters, or choose "
            "a clusterer that assigns all samples."
        )
    return compacted - int(classes[0] < 0)


def class_means(F, labels):
    """Mean of the rows of every class.

    Parameters
    ----------
    F : ndarray of shape (n, d)
        Features.
    labels : ndarray of shape (n,)
        Classes 0, 1, ..., each with at least one sample.

    Returns
    -------
    means : ndarray of shape (n_classes, d)
        Means, of the type of F.
    """
    sums = torch.zeros(int(labels.max()) + 1, F.shape[1], dtype=torch.float64)
    classes = torch.from_numpy(labels)
    for points, own in zip(as_tensor(F).split(_BLOCK), classes.split(_BLOCK)):
        sums.index_add_(0, own, points.to(torch.float64))
    return (sums.numpy() / np.bincount(labels)[:, None]).astype(F.dtype)


def mean_squared_distance(F, means, labels):
    """Mean squared distance of the rows to the mean of their class, block by block."""
    total = 0.0
    for start in range(0, len(F), _BLOCK):
        block = slice(start, start + _BLOCK)
        difference = (F[block] - means[labels[block]]).ravel()
        total += float(np.vdot(difference, difference))
    return total / len(F)


def nearest(F, centers, n_neighbors=None):
    """Nearest centres of every row, block by block.

    Distances are taken directly: a row gets the same to the bit whatever comes with it.

    Parameters
    ----------
    F : ndarray of shape (n, d)
        Points.
    centers : ndarray of shape (k, d)
        Centres.
    n_neighbors : int or None, default=None
        How many centres are asked for, at most k.

    Returns
    -------
    distances : ndarray of shape (n, n_neighbors)
        Distances, rising. Only with `n_neighbors`.
    index : ndarray of shape (n,) or (n, n_neighbors)
        Index of the nearest centre, or of the nearest ones.
    """
    points, centers = as_tensor(F), as_tensor(centers)
    shape = (len(points), n_neighbors or 1)
    # Filled in place: results that lay between the blocks would keep their memory.
    distances = torch.empty(shape, dtype=points.dtype)
    index = torch.empty(shape, dtype=torch.int64)
    for start in range(0, len(points), _BLOCK):
        block = slice(start, start + _BLOCK)
        to_all = torch.cdist(
            points[block], centers, compute_mode="donot_use_mm_for_euclid_dist"
        )
        if n_neighbors is None:
            torch.argmin(to_all, dim=1, keepdim=True, out=index[block])
        else:
            out = (distances[block], index[block])
            torch.topk(to_all, n_neighbors, largest=False, out=out)
    if n_neighbors is None:
        return index[:, 0].numpy()
    return distances.numpy(), index.numpy()


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
            max_points_per_centroid=len(F),  # it would take 256 a centre and no more
            **start,
        )
        kmeans.train(np.ascontiguousarray(F, dtype=np.float32))
        self.cluster_centers_ = kmeans.centroids
        return kmeans.index.search(F, 1)[1].ravel()
