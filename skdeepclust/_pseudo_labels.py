"""From features to pseudo-labels, and from pseudo-labels to an order of samples."""

import numpy as np
import torch
from sklearn.base import clone
from sklearn.cluster import KMeans, kmeans_plusplus
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from skdeepclust._kmeans import limited_threads

__all__ = [
    "balanced_draw",
    "class_means",
    "cluster",
    "compact",
    "make_clusterer",
    "nearest",
    "spherical_kmeans",
    "unit_rows",
    "whiten",
]

# Directions with less than this share of the largest variance are dead: whitening
# would blow their rounding errors up to the size of everything else.
_DEAD = 1e-6

_BLOCK = 4096  # rows of a block, wherever all rows meet all centres


def unit_rows(F):
    """Rows of length one; a row of zeros stays zero.

    Parameters
    ----------
    F : ndarray of shape (n, d)
        Features.
    """
    norms = np.linalg.norm(F, axis=1, keepdims=True)
    return F / np.maximum(norms, np.finfo(F.dtype).tiny)


def whiten(F, n_components):
    """Principal components of unit variance, rows of length one.

    Dead and constant features are left out, so that there are fewer components where
    the data has fewer.

    Parameters
    ----------
    F : ndarray of shape (n, d)
        Features.
    n_components : int
        Most components to keep.

    Returns
    -------
    W : ndarray of shape (n, at most n_components)
        Whitened features, float32. Features without any variance come back as they
        are.
    """
    if len(F) < 2:
        return F
    n_components = min(n_components, *F.shape)
    pca = PCA(n_components, svd_solver="covariance_eigh").fit(F)
    variance = pca.explained_variance_
    alive = variance > _DEAD * variance[0]
    if not variance[0] > 0:
        return F
    projection = pca.components_[alive] / np.sqrt(variance[alive])[:, None]
    return unit_rows(((F - pca.mean_) @ projection.T).astype(np.float32))


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
    points, classes = torch.from_numpy(F), torch.from_numpy(labels)
    sums = torch.zeros(int(labels.max()) + 1, F.shape[1], dtype=torch.float64)
    sums.index_add_(0, classes, points.to(torch.float64))
    return (sums.numpy() / np.bincount(labels)[:, None]).astype(F.dtype)


def balanced_draw(labels, n_draws, rng):
    """Draw samples so that every class comes up equally often.

    Shares differ by one draw at most, and within a class the same holds for its
    samples. Samples of label -1 are left out.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        Classes 0, 1, ..., each with at least one sample.
    n_draws : int
        Number of draws.
    rng : RandomState
        Decides who comes up once more, and the order.

    Returns
    -------
    index : ndarray of shape (n_draws,)
        Positions of the samples drawn.
    """
    n_classes = labels.max() + 1
    quotas = np.full(n_classes, n_draws // n_classes)
    quotas[rng.permutation(n_classes)[: n_draws % n_classes]] += 1
    draws = []
    for each, quota in enumerate(quotas):
        members = np.flatnonzero(labels == each)
        rounds = -(-quota // len(members))
        passes = [rng.permutation(members) for _ in range(rounds)]
        draws.append(np.concatenate(passes)[:quota] if rounds else members[:0])
    return rng.permutation(np.concatenate(draws))


def nearest(F, centers):
    """Nearest centre of every row, block by block.

    Parameters
    ----------
    F : ndarray of shape (n, d)
        Points.
    centers : ndarray of shape (k, d)
        Centres.

    Returns
    -------
    labels : ndarray of shape (n,)
        Index of the nearest centre.
    """
    points, centers = torch.from_numpy(F), torch.from_numpy(centers)
    mode = "donot_use_mm_for_euclid_dist"
    return torch.cat(
        [
            torch.cdist(block, centers, compute_mode=mode).argmin(dim=1)
            for block in points.split(_BLOCK)
        ]
    ).numpy()


def spherical_kmeans(F, n_clusters, seed, n_iter=20):
    """K-means of directions: centroids are means of unit vectors, of length one.

    Parameters
    ----------
    F : ndarray of shape (n, d)
        Rows of length one, float32.
    n_clusters : int
        Number of clusters.
    seed : int
        Seed of the starting points (k-means++).
    n_iter : int, default=20
        Iterations. The default is DeepCluster's.

    Returns
    -------
    centroids : ndarray of shape (n_clusters, d)
        Unit vectors.
    labels : ndarray of shape (n,)
        Nearest centroid of every row.
    """
    centroids, _ = kmeans_plusplus(F, n_clusters, random_state=seed)
    points, centroids = torch.from_numpy(F), torch.from_numpy(centroids.copy())
    labels = torch.full((len(F),), -1)
    for _ in range(n_iter):
        previous = labels
        labels = torch.cat(
            [(b @ centroids.T).argmax(dim=1) for b in points.split(_BLOCK)]
        )
        if torch.equal(labels, previous):
            break
        sums = torch.zeros_like(centroids).index_add_(0, labels, points)
        norms = torch.linalg.vector_norm(sums, dim=1, keepdim=True)
        centroids = torch.where(norms > 0, sums / norms, centroids)
    return centroids.numpy(), labels.numpy()


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
        kmeans = faiss.Kmeans(
            F.shape[1],
            self.n_clusters,
            niter=20,
            nredo=self.n_init,
            seed=self.random_state % (2**31),
            min_points_per_centroid=1,
            max_points_per_centroid=len(F),  # it would take 256 a centre and no more
        )
        kmeans.train(np.ascontiguousarray(F, dtype=np.float32))
        self.cluster_centers_ = kmeans.centroids
        return kmeans.index.search(F, 1)[1].ravel()
