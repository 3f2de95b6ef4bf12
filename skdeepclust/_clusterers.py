"""Any clusterer of scikit-learn's, and assignment by the nearest mean."""

import numpy as np
import torch
from sklearn.base import clone
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

__all__ = [
    "class_means",
    "cluster",
    "compact",
    "initial_centers",
    "limited_threads",
    "make_clusterer",
    "mean_squared_distance",
    "nearest",
]

# Two threads add their partial sums in either order with the same result; more do
# not, and the same seed would give other centres from run to run.
_MAX_THREADS = 2

_BLOCK = 1024  # rows of a block, where all rows meet all centres


def initial_centers(init, Z, n_clusters, n_init, seed):
    """Centres in the embedding that joint training starts from.

    Parameters
    ----------
    init : "kmeans", array-like of shape (n_clusters, embedding_dim) or estimator
        Where they come from: k-means, given, or the means of the clusters that any
        clusterer or mixture finds.
    Z : ndarray of shape (n_samples, embedding_dim)
        Embedded points. They may come back with other rounding errors.
    n_clusters : int
        Number of clusters.
    n_init : int
        Starts of k-means, the best of which is kept.
    seed : int
        Seed.

    Returns
    -------
    centers : ndarray of shape (n_clusters, embedding_dim)
        Cluster centres, of the type of Z.
    labels : ndarray of shape (n_samples,)
        Cluster of every point, as found. A point that a clusterer calls noise has
        the cluster of the nearest centre.

    Raises
    ------
    ValueError
        When there are not `n_clusters` centres of the width of Z.
    """
    if isinstance(init, str):
        kmeans = make_clusterer("kmeans", n_clusters, n_init, seed)
        kmeans.set_params(copy_x=False)  # it centres Z, and puts it back
        labels = cluster(kmeans, Z).astype(np.int64)
        return kmeans.cluster_centers_, labels
    if not hasattr(init, "fit_predict"):
        centers = np.array(init, dtype=Z.dtype)  # a copy
        if centers.shape != (n_clusters, Z.shape[1]) or not np.isfinite(centers).all():
            raise ValueError(
                f"init must hold a finite centre for each of n_clusters={n_clusters} "
                f"clusters in the code, shape {(n_clusters, Z.shape[1])}; got shape "
                f"{centers.shape}."
            )
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


def make_clusterer(clusterer, n_clusters, n_init, seed):
    """A fresh clusterer for `n_clusters` clusters.

    Parameters
    ----------
    clusterer : {"kmeans", "faiss"} or estimator
        An estimator is cloned; its `n_clusters` or `n_components`, and its
        `random_state` where it has one that is None, are set on the clone.
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
    params = fresh.get_params(deep=False)
    for name in ("n_clusters", "n_components"):
        if name in params:
            fresh.set_params(**{name: n_clusters})
            break
    if "random_state" in params and params["random_state"] is None:
        fresh.set_params(random_state=seed)
    return fresh


def cluster(clusterer, F):
    """Labels of the rows of F by a clusterer or a mixture, fitted in place."""
    with threadpool_limits(limits=limited_threads(), user_api="openmp"):
        return np.asarray(clusterer.fit_predict(F))


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
    classes, compacted = np.unique(labels, return_inverse=True)
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
    for points, own in zip(torch.from_numpy(F).split(_BLOCK), classes.split(_BLOCK)):
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
    points, centers = torch.from_numpy(F), torch.from_numpy(centers)
    mode = "donot_use_mm_for_euclid_dist"
    blocks = (torch.cdist(b, centers, compute_mode=mode) for b in points.split(_BLOCK))
    if n_neighbors is None:
        return torch.cat([block.argmin(dim=1) for block in blocks]).numpy()
    found = [block.topk(n_neighbors, largest=False) for block in blocks]
    distances, index = (torch.cat(part).numpy() for part in zip(*found, strict=True))
    return distances, index


def limited_threads() -> int:
    """Threads with which scikit-learn's k-means gives the same result each time."""
    return min(_MAX_THREADS, torch.get_num_threads())


class _FaissKMeans:
    """K-means of the faiss library, for many clusters of many points."""

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
            niter=20,
            nredo=self.n_init,
            seed=self.random_state % (2**31),
            min_points_per_centroid=1,
            max_points_per_centroid=len(F),  # it would take 256 a centre and no more
            **start,
        )
        kmeans.train(np.ascontiguousarray(F, dtype=np.float32))
        self.cluster_centers_ = kmeans.centroids
        return kmeans.index.search(F, 1)[1].ravel()
