"""Valleys of lower density between clusters, and merging by them."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA

from skdeepclust._clusterers import fit_predict_labels, make_clusterer, relabel
from skdeepclust._random import derived_seed
from skdeepclust._spectral import diffusion_map

__all__ = [
    "DEEP",
    "DEEP_IN_MAP",
    "LEAST_FIRST",
    "LEAST_PER_CLUSTER",
    "depth_between",
    "draw_points",
    "levels",
    "merges",
    "shallowest_valley",
]

# Valleys are looked for among at most this number of samples, in at most this number
# of main components. A valley of the same depth is more certain with more samples.
_MAX_SAMPLES, _MAX_WIDTH = 3000, 32

# A valley is deeper than chance if it is this number of standard deviations deep. The
# deepest valleys of one Gaussian and of uniform points have 2.5 to 4, since the
# clusters were chosen to lie apart. See benchmarks/number_of_clusters.py.
DEEP = 4.5

# The same in a diffusion map, which bends points that fill few dimensions into waves,
# and waves have valleys.
DEEP_IN_MAP = 5.0

# Clusters that are found first: at least this number, so that none of them holds parts
# of two groups.
LEAST_FIRST = 30

_N_INIT = 3  # starts of their k-means

# Samples that a first cluster needs on average, and that a valley is looked for with.
LEAST_PER_CLUSTER, _LEAST_OF_VALLEY = 10, 4

# Draws of halves per pair of clusters, and how much larger than the smaller cluster the
# part of the larger one is.
_N_DRAWS, _MOST_LARGER = 3, 2

# The window in which samples are counted, as a part of the distance of the medians; the
# beginnings and ends of its positions, from one window before the one median to one
# after the other; and the positions that lie between the medians.
_WINDOW = 0.25
_GRID = np.linspace(-_WINDOW, 1 + _WINDOW, 25)
_ENDS = np.stack([_GRID - _WINDOW / 2, _GRID + _WINDOW / 2])
_INSIDE = np.flatnonzero((_GRID > _WINDOW / 4) & (_GRID < 1 - _WINDOW / 4))

# A covariance is never more singular than this.
_RIDGE = 1e-9

# Valleys are looked for between each cluster and this number of nearest ones.
_N_NEAREST = 6


# -- points and clusters ---------------------------------------------------------------


def draw_points(Z: NDArray, seed: int) -> tuple[NDArray, NDArray]:
    """At most 3,000 of the points in at most 32 main components, of mean square one.

    Parameters
    ----------
    Z : ndarray of shape (n, d)
        Points.
    seed : int
        Seed.

    Returns
    -------
    drawn : ndarray of int
        Their positions, rising.
    points : ndarray of shape (len(drawn), at most 32)
        The points.
    """
    rng = np.random.RandomState(seed)
    drawn = np.sort(rng.permutation(len(Z))[:_MAX_SAMPLES])
    points = Z[drawn].astype(np.float64)
    points -= points.mean(axis=0)
    points /= np.abs(points).max() or 1.0
    width = min(_MAX_WIDTH, *points.shape)
    if points.shape[1] > width:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # constant points have no components
            points = PCA(width, random_state=seed).fit_transform(points)
    return drawn, points / (np.sqrt(np.mean(points**2)) or 1.0)


def _first_clusters(points, n_first, seed):
    """Many clusters of points, by k-means."""
    kmeans = make_clusterer("kmeans", n_first, _N_INIT, seed)
    return relabel(fit_predict_labels(kmeans, points, quiet=True))


def levels(
    points: NDArray, n_first: int, seed: int
) -> Iterator[tuple[int, NDArray, float]]:
    """Many clusters, and fewer and fewer, as the shallowest valleys are merged away.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        Points.
    n_first : int
        Number of clusters of the k-means that begins.
    seed : int
        Seed.

    Yields
    ------
    n_clusters : int
        Number of clusters, falling to 2.
    labels : ndarray of shape (n,)
        Clusters.
    depth : float
        Depth of the shallowest valley between two of them.
    """
    labels = _first_clusters(points, n_first, seed)
    for step in _merge_tree(points, labels, seed):
        yield step["n_clusters"] + 1, labels, step["score"]
        kept, gone = step["clusters"]
        labels = np.where(labels == gone, kept, labels)


def merges(
    Z: NDArray, labels: NDArray, seed: int, *, in_map: bool = False
) -> list[dict[str, Any]]:
    """In which order clusters would be merged, until one is left.

    Parameters
    ----------
    Z : ndarray of shape (n, d)
        Points.
    labels : ndarray of shape (n,)
        Clusters; -1 is none.
    seed : int
        Seed.
    in_map : bool, default=False
        Look at a diffusion map of the points.

    Returns
    -------
    steps : list of dicts
        "clusters": the two, the smaller name first, which the new cluster keeps;
        "n_clusters": how many there are afterwards; "score": depth of the valley
        between the two, in standard deviations.
    """
    drawn = _drawn(np.flatnonzero(labels >= 0), seed)
    if not len(drawn):
        return []
    names, position = np.unique(labels[drawn], return_inverse=True)
    _, points = draw_points(Z[drawn], seed)
    if in_map and len(names) > 1 and np.ptp(points):
        n_first = min(LEAST_FIRST, len(points) // LEAST_PER_CLUSTER)
        points = diffusion_map(points, max(n_first, len(names)), seed)
    steps = _merge_tree(points, position, seed)
    return [
        {**step, "clusters": tuple(int(names[each]) for each in step["clusters"])}
        for step in steps
    ]


def shallowest_valley(Z: NDArray, labels: NDArray, seed: int) -> float:
    """Depth of the shallowest valley between two clusters, in standard deviations.

    Parameters
    ----------
    Z : ndarray of shape (n, d)
        Points; at most 3,000 of them are looked at.
    labels : ndarray of shape (n,)
        Two clusters or more.
    seed : int
        Seed.
    """
    drawn = _drawn(np.arange(len(Z)), seed)
    _, points = draw_points(Z[drawn], seed)
    return depth_between(points, relabel(labels[drawn]), seed)


def depth_between(points: NDArray, labels: NDArray, seed: int) -> float:
    """The same in the points as they are; 0 for one cluster."""
    steps = _merge_tree(points, labels, seed)
    return next((step["score"] for step in steps), 0.0)


def _drawn(positions, seed):
    """At most 3,000 of the positions, rising."""
    rng = np.random.RandomState(derived_seed(seed, "points"))
    return np.sort(rng.permutation(positions)[:_MAX_SAMPLES])


# -- merging, and the depth of a valley ------------------------------------------------


def _merge_tree(points, labels, seed):
    """Steps of merging the two clusters with the shallowest valley, one by one."""
    rng = np.random.RandomState(derived_seed(seed, "valleys"))
    members = {int(i): np.flatnonzero(labels == i) for i in np.unique(labels)}
    depths: dict[tuple[int, int], float] = {}

    def look(pairs):
        for a, b in pairs:
            depths[a, b] = _valley(points[members[a]], points[members[b]], rng)

    while len(members) > 1:
        # All that are near each other, also those that a merger has brought near.
        near = _near(points, members)
        look(sorted(near - depths.keys()))
        pair = min(depths, key=lambda each: depths[each])
        yield {
            "clusters": pair,
            "n_clusters": len(members) - 1,
            "score": float(depths[pair]),
        }
        a, b = pair
        members[a] = np.concatenate([members[a], members.pop(b)])
        gone = [each for each in depths if a in each or b in each]
        look_again = {_ordered(a, c) for each in gone for c in each if c not in pair}
        for each in gone:
            del depths[each]
        look(sorted(look_again))


def _ordered(a, b):
    return (a, b) if a < b else (b, a)


def _near(points, members):
    """Pairs of clusters of which one is among the nearest of the other."""
    names = sorted(members)
    means = np.array([points[members[name]].mean(axis=0) for name in names])
    distances = cdist(means, means)
    order = distances.argsort(axis=1, kind="stable")[:, 1 : 1 + _N_NEAREST]
    return {
        _ordered(names[i], names[j])
        for i, row in enumerate(order)
        for j in row
        if i != j
    }


def _valley(A, B, rng):
    """Depth of the valley between two clusters, mean over draws of halves.

    The direction in which the two differ most is found from one half of the samples and
    looked at with the other. With the same samples, noise in many dimensions looks like
    two groups.
    """
    least = min(len(A), len(B))
    if least < _LEAST_OF_VALLEY:
        return 0.0
    depths = []
    for _ in range(_N_DRAWS):
        a = A[rng.permutation(len(A))[: _MOST_LARGER * least]]
        b = B[rng.permutation(len(B))[: _MOST_LARGER * least]]
        parts = [
            _projected(a[i::2], b[i::2], a[1 - i :: 2], b[1 - i :: 2]) for i in (0, 1)
        ]
        parts = [each for each in parts if each is not None]
        depths.append(_depth(*map(np.concatenate, zip(*parts))) if parts else 0.0)
    return float(np.mean(depths))


def _projected(a, b, a_seen, b_seen):
    """Other samples of two clusters on the line between them, medians at 0 and 1."""
    d, n = a.shape[1], len(a) + len(b)
    mean_a, mean_b = a.mean(axis=0), b.mean(axis=0)
    a, b = a - mean_a, b - mean_b
    covariance = (a.T @ a + b.T @ b) / (n + d)
    # Shrunk towards a round one with the weight of d samples; never singular.
    variance = np.trace(covariance) / d or 1.0
    covariance.flat[:: d + 1] += variance * (d / n + _RIDGE)
    w = np.linalg.solve(covariance, mean_b - mean_a)
    x, y = a_seen @ w, b_seen @ w
    start = _median(x)
    distance = _median(y) - start
    if not distance > 0:
        return None
    return (x - start) / distance, (y - start) / distance


def _median(x):
    return np.partition(x, len(x) // 2)[len(x) // 2]


def _depth(x, y):
    """How much fewer samples the valley has than the lower of the two sides.

    The two clusters have their medians at 0 and 1. Samples are counted in a window, and
    the difference is divided by its standard deviation, that of two independent counts.
    """
    values = np.sort(np.concatenate([x, y]))
    ends = np.searchsorted(values, _ENDS)
    counts = ends[1] - ends[0]
    bottom = _INSIDE[counts[_INSIDE].argmin()]
    side = min(counts[:bottom].max(), counts[bottom + 1 :].max())
    return (side - counts[bottom]) / np.sqrt(max(1, side + counts[bottom]))
