"""How many clusters there are: find many, merge those without a valley between them."""

import warnings
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA

from skdeepclust._base import warn_of_collapse
from skdeepclust._clusterers import fit_predict_labels, make_clusterer, relabel
from skdeepclust._compat import Interval, StrOptions
from skdeepclust._random import derived_seed
from skdeepclust._spectral import diffusion_map
from skdeepclust._spectral_starts import mean_agreement
from skdeepclust._warnings import warn
from skdeepclust.exceptions import ClusterNumberWarning

__all__ = [
    "AUTO_NUMBER",
    "DEEP",
    "AutoNumberMixin",
    "FoundNumber",
    "check_auto_samples",
    "find_number",
    "is_auto",
    "merge_history",
    "merges",
    "shallowest_valley",
    "warn_of_number",
]

# Constraints of the two parameters.
AUTO_NUMBER: dict[str, list] = {
    "n_clusters": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "max_clusters": [Interval(Integral, 2, None, closed="left")],
}

# The number is found from at most this number of samples, in at most this number of
# main components. A valley of the same depth is more certain with more samples.
_MAX_SAMPLES, _MAX_WIDTH = 3000, 32

# A valley is deeper than chance if it is this number of standard deviations deep. The
# deepest valleys of one Gaussian and of uniform points have 2.5 to 4, since the
# clusters were chosen to lie apart. See benchmarks/number_of_clusters.py.
DEEP = 4.5

# In a diffusion map a valley is this deep, and clusterings in three maps have this mean
# adjusted Rand index. A map bends points that fill few dimensions into waves, and waves
# have valleys: it is looked at if there are more than three dimensions.
_DEEP_IN_MAP, _LEAST_AGREEMENT, _FEW_DIMENSIONS = 5.0, 0.7, 3

# Clusterings whose median number counts, and starts of the k-means of each.
_N_TREES, _N_INIT = 3, 3

# Clusters that are found first: at least this number, so that none of them holds parts
# of two groups.
_LEAST_FIRST = 30

# Samples that a first cluster needs on average, and that a valley is looked for with.
_LEAST_PER_CLUSTER, _LEAST_OF_VALLEY = 10, 4

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


@dataclass(frozen=True)
class FoundNumber:
    """A number of clusters, and how sure it is."""

    n_clusters: int
    depth: float  # of the shallowest valley between those that are kept; 0 for one
    is_most: bool  # whether there may be more
    in_map: bool = False  # whether the valleys are those of a diffusion map
    only_in_map: bool = False  # whether there are none elsewhere
    only_learned: bool = False  # whether X itself has no groups

    @property
    def needed(self):
        """Depth that a valley needs."""
        return _DEEP_IN_MAP if self.in_map else DEEP


def is_auto(n_clusters: Any) -> bool:
    """Whether the number is to be found."""
    return isinstance(n_clusters, str)


def check_auto_samples(n_samples: int) -> None:
    """Refuse too few samples to find a number from."""
    least = 2 * _LEAST_PER_CLUSTER
    if n_samples < least:
        raise ValueError(
            f'n_clusters="auto" needs at least {least} samples, got n_samples='
            f"{n_samples}. Pass a number."
        )


def find_number(
    Z: NDArray, max_clusters: int, seed: int, *, in_map: bool = True
) -> FoundNumber:
    """Find how many groups of points have valleys of lower density between them.

    K-means finds `max_clusters` clusters, at least 30. The two with the shallowest
    valley between them are merged, again and again, until every valley is deeper than
    chance makes it. The median of three such numbers counts.

    The same is done with three diffusion maps of the points, each with landmarks of its
    own, which take groups apart that are bent or long. There every valley must be deep,
    and the clusters of the three must agree. The larger number counts.

    Parameters
    ----------
    Z : ndarray of shape (n, d)
        Points.
    max_clusters : int
        Largest number. Fewer are found first if there are less than ten points for
        each.
    seed : int
        Seed.
    in_map : bool, default=True
        Look at diffusion maps as well.

    Returns
    -------
    found : FoundNumber
        1 for points without groups.
    """
    points = _points(Z, derived_seed(seed, "points"))
    n_first = min(max(_LEAST_FIRST, max_clusters), len(points) // _LEAST_PER_CLUSTER)
    if n_first < 2 or not np.ptp(points):
        return FoundNumber(1, 0.0, False)
    n_clusters, depth = _number_in_space(points, n_first, max_clusters, seed)
    found = FoundNumber(n_clusters, depth, n_clusters == max_clusters)
    if not in_map or _n_dimensions(points) <= _FEW_DIMENSIONS:
        return found
    n_in_map, depth = _number_in_maps(points, n_first, max_clusters, seed)
    if n_in_map <= n_clusters:
        return found
    return FoundNumber(
        n_in_map, depth, n_in_map == max_clusters, True, only_in_map=n_clusters == 1
    )


def _first_clusters(points, n_first, seed):
    kmeans = make_clusterer("kmeans", n_first, _N_INIT, seed)
    return relabel(fit_predict_labels(kmeans, points, quiet=True))


def _number_in_space(points, n_first, most, seed):
    """The median of three trees: a number, and the depth of its shallowest valley."""
    seeds = [derived_seed(seed, f"tree {i}") for i in range(_N_TREES)]
    found = sorted(
        _number(_tree(points, _first_clusters(points, n_first, own), own), most)
        for own in seeds
    )
    return found[len(found) // 2]


def _number(tree, most):
    """Number of clusters of a tree, and the depth of the shallowest valley left."""
    for step in tree:
        n_clusters = step["n_clusters"] + 1  # before this step
        if n_clusters <= most and step["score"] > DEEP:
            return n_clusters, step["score"]
    return 1, 0.0


def _number_in_maps(points, n_first, most, seed):
    """The largest number with deep valleys whose clusters the maps agree on."""
    # Copies of a point are a group of their own in a graph of neighbours.
    points = np.unique(points, axis=0)
    n_first = min(n_first, len(points) // _LEAST_PER_CLUSTER)
    if n_first < 2:
        return 1, 0.0
    maps = [
        _levels(points, n_first, derived_seed(seed, f"map {i}"))
        for i in range(_N_TREES)
    ]
    for n_clusters in range(min(most, n_first), 1, -1):
        levels = [levels[n_clusters] for levels in maps if n_clusters in levels]
        if len(levels) < _N_TREES:
            continue
        found, depths = zip(*levels)
        depth = float(np.median(depths))
        if depth > _DEEP_IN_MAP and mean_agreement(found) >= _LEAST_AGREEMENT:
            return n_clusters, depth
    return 1, 0.0


def _levels(points, n_first, seed):
    """Clusters in a diffusion map and their shallowest valley, by their number."""
    embedding = diffusion_map(points, n_first, seed)
    labels = _first_clusters(embedding, n_first, seed)
    levels = {}
    for step in _tree(embedding, labels, seed):
        levels[step["n_clusters"] + 1] = (labels, step["score"])
        kept, gone = step["clusters"]
        labels = np.where(labels == gone, kept, labels)
    return levels


def _n_dimensions(points):
    """How many dimensions the points fill: participation ratio of the variances."""
    centered = points - points.mean(axis=0)
    covariance = centered.T @ centered
    return np.trace(covariance) ** 2 / np.sum(covariance**2)


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
    points = _points(Z[drawn], seed)
    if in_map and len(names) > 1 and np.ptp(points):
        n_first = min(_LEAST_FIRST, len(points) // _LEAST_PER_CLUSTER)
        points = diffusion_map(points, max(n_first, len(names)), seed)
    steps = _tree(points, position, seed)
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
    points = _points(Z[drawn], seed)
    steps = _tree(points, relabel(labels[drawn]), seed)
    return next((step["score"] for step in steps), 0.0)


def merge_history(found, Z, labels, seed):
    """What `merge_history_` holds: merges in the kind of space with the number found.

    `seed` is that of the estimator.
    """
    in_map = found is not None and found.in_map
    return merges(Z, labels, derived_seed(seed, "merges"), in_map=in_map)


def _drawn(positions, seed):
    """At most 3,000 of the positions, rising."""
    rng = np.random.RandomState(derived_seed(seed, "points"))
    return np.sort(rng.permutation(positions)[:_MAX_SAMPLES])


def _points(Z, seed):
    """At most 3,000 of the points in at most 32 main components, of mean square one."""
    rng = np.random.RandomState(seed)
    points = Z[np.sort(rng.permutation(len(Z))[:_MAX_SAMPLES])].astype(np.float64)
    points -= points.mean(axis=0)
    points /= np.abs(points).max() or 1.0
    width = min(_MAX_WIDTH, *points.shape)
    if points.shape[1] > width:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # constant points have no components
            points = PCA(width, random_state=seed).fit_transform(points)
    return points / (np.sqrt(np.mean(points**2)) or 1.0)


def _tree(points, labels, seed):
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


def warn_of_number(
    found: FoundNumber | None, history: Sequence[dict[str, Any]] = ()
) -> None:
    """Say when a number that was found deserves a doubt.

    `history` is what `merge_history_` holds: how deep the valleys between the final
    clusters are.
    """
    if found is None:
        return
    depth = min((step["score"] for step in history), default=np.inf)
    doubt = _doubt_in_groups(found) or _doubt_in_number(found, depth)
    if doubt is not None:
        warn(f'n_clusters="auto" found {doubt}', ClusterNumberWarning)


def _doubt_in_groups(found):
    """Why there may be no groups at all."""
    if found.n_clusters == 1:
        return (
            "one cluster: no two groups have a valley of lower density between them "
            "that is deeper than chance makes it. Pass a number if you know that there "
            "are clusters; see also displays.ClusterNumberDisplay."
        )
    if found.only_learned:
        return (
            f"{found.n_clusters} clusters in the space that was learned or prepared, "
            "but X itself has no two groups with a valley of lower density between "
            "them. Training can make groups of points that have none. Look at the "
            "clusters before you rely on the number."
        )
    if found.only_in_map:
        return (
            f"{found.n_clusters} clusters along the graph of nearest points, but no "
            "two groups have a valley of lower density between them in the space "
            "itself. Look at the clusters before you rely on the number."
        )
    return None


def _doubt_in_number(found, depth):
    """Why there may be more groups, or fewer; `depth` is that of the least valley."""
    if found.is_most:
        return (
            f"as many clusters as max_clusters={found.n_clusters} allows. There may be "
            "more: increase max_clusters."
        )
    if found.n_clusters == 2:
        return (
            f"two clusters, with a valley of {found.depth:.1f} standard deviations in "
            f"between ({found.needed:g} are needed). Two is also what is found if only "
            "the coarsest split of the data can be seen in this space. Look at both "
            "before you rely on the number."
        )
    if depth <= found.needed:
        return (
            f"{found.n_clusters} clusters, but two of them have a valley of "
            f"{depth:.1f} standard deviations in between ({found.needed:g} are "
            "needed). There may be fewer: look at merge_history_."
        )
    return None


class AutoNumberMixin:
    """Adds ``n_clusters="auto"``, `n_clusters_` and `merge_history_` to a clusterer.

    A subclass calls `_find_number` where its clusters are looked for first, and
    `_set_merge_history` when `labels_` are set.
    """

    n_clusters: Any
    max_clusters: int
    labels_: NDArray
    cluster_centers_: NDArray
    _found_: FoundNumber | None
    _number_in_x_: int | None = None

    @property
    def n_clusters_(self) -> int:
        """Number of clusters: the one that was found, or that was asked for."""
        return len(self.cluster_centers_)

    def _check_n_samples(self, n_samples):
        self._found_ = self._number_in_x_ = None
        if not is_auto(self.n_clusters):
            super()._check_n_samples(n_samples)  # type: ignore[misc]
            return
        check_auto_samples(n_samples)
        self._n_clusters_ = min(int(self.max_clusters), n_samples)

    def _find_number(self, spaces, seed, given=None, *, in_map=True):
        """The number, in that of the spaces in which more clusters can be told apart.

        `given` returns X in its main components; None if that is the first space. If no
        groups can be told apart there, a warning comes with the number. `in_map` says
        whether diffusion maps of the spaces are looked at. Without "auto" nothing
        happens.
        """
        if not is_auto(self.n_clusters):
            return
        own, most = derived_seed(seed, "number"), int(self.max_clusters)
        in_spaces = [find_number(Z, most, own, in_map=in_map) for Z in spaces]
        found = max(in_spaces, key=lambda each: each.n_clusters)
        if found.n_clusters > 1:
            if given is None:
                self._number_in_x_ = in_spaces[0].n_clusters
            elif self._number_in_x_ is None:
                self._number_in_x_ = find_number(given(), most, own).n_clusters
            found = replace(found, only_learned=self._number_in_x_ == 1)
        self._found_ = found
        self._n_clusters_ = found.n_clusters

    def _keep_number(self, keeper):
        """Keep what was found for a fit that goes on and does not look again."""

        def compute():
            return None if self._found_ is None else astuple(self._found_)

        kept = keeper.once("number", compute)
        self._found_ = None if kept is None else FoundNumber(*kept)

    def _set_merge_history(self, embed, seed):
        """Which clusters would be merged next, if the number was found.

        `embed` returns the space in which the clusters lie.
        """
        if is_auto(self.n_clusters):
            self.merge_history_ = merge_history(
                self._found_, embed(), self.labels_, seed
            )

    def _warn_of_collapse(self, remedy):
        warn_of_number(self._found_, getattr(self, "merge_history_", ()))
        warn_of_collapse(self.labels_, self._n_clusters_, remedy)
