"""How many clusters there are: find many, merge those without a valley between them."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdeepclust._base import warn_of_collapse
from skdeepclust._compat import Interval, StrOptions
from skdeepclust._random import derived_seed
from skdeepclust._spectral import diffusion_map
from skdeepclust._spectral_starts import mean_agreement
from skdeepclust._valleys import (
    DEEP,
    DEEP_IN_MAP,
    LEAST_FIRST,
    LEAST_PER_CLUSTER,
    draw_points,
    levels,
    merges,
)
from skdeepclust._warnings import warn
from skdeepclust.exceptions import ClusterNumberWarning

__all__ = [
    "AUTO_NUMBER",
    "AutoNumberMixin",
    "FoundNumber",
    "check_auto_samples",
    "find_number",
    "is_auto",
    "merge_history",
    "warn_of_number",
]

# Constraints of the two parameters.
AUTO_NUMBER: dict[str, list] = {
    "n_clusters": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "max_clusters": [Interval(Integral, 2, None, closed="left")],
}

# Clusterings whose median number counts, and that must have this mean adjusted Rand
# index in a diffusion map. It is looked at if there are more than three dimensions.
_N_TREES, _LEAST_AGREEMENT, _FEW_DIMENSIONS = 3, 0.7, 3


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
        return DEEP_IN_MAP if self.in_map else DEEP


def is_auto(n_clusters: Any) -> bool:
    """Whether the number is to be found."""
    return isinstance(n_clusters, str)


def check_auto_samples(n_samples: int) -> None:
    """Refuse too few samples to find a number from."""
    least = 2 * LEAST_PER_CLUSTER
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
    _, points = draw_points(Z, derived_seed(seed, "points"))
    n_first = min(max(LEAST_FIRST, max_clusters), len(points) // LEAST_PER_CLUSTER)
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


def _number_in_space(points, n_first, most, seed):
    """The median of three trees: a number, and the depth of its shallowest valley."""
    seeds = [derived_seed(seed, f"tree {i}") for i in range(_N_TREES)]
    found = sorted(_number(levels(points, n_first, own), most) for own in seeds)
    return found[len(found) // 2]


def _number(tree, most):
    """Number of clusters of a tree, and the depth of the shallowest valley left."""
    for n_clusters, _, depth in tree:
        if n_clusters <= most and depth > DEEP:
            return n_clusters, depth
    return 1, 0.0


def _number_in_maps(points, n_first, most, seed):
    """The largest number with deep valleys whose clusters the maps agree on."""
    # Copies of a point are a group of their own in a graph of neighbours.
    points = np.unique(points, axis=0)
    n_first = min(n_first, len(points) // LEAST_PER_CLUSTER)
    if n_first < 2:
        return 1, 0.0
    maps = [
        _levels_in_map(points, n_first, derived_seed(seed, f"map {i}"))
        for i in range(_N_TREES)
    ]
    for n_clusters in range(min(most, n_first), 1, -1):
        clusterings = [found[n_clusters] for found in maps if n_clusters in found]
        if len(clusterings) < _N_TREES:
            continue
        found, depths = zip(*clusterings)
        depth = float(np.median(depths))
        if depth > DEEP_IN_MAP and mean_agreement(found) >= _LEAST_AGREEMENT:
            return n_clusters, depth
    return 1, 0.0


def _levels_in_map(points, n_first, seed):
    """Clusters in a diffusion map and their shallowest valley, by their number."""
    embedding = diffusion_map(points, n_first, seed)
    return {
        n_clusters: (labels, depth)
        for n_clusters, labels, depth in levels(embedding, n_first, seed)
    }


def _n_dimensions(points):
    """How many dimensions the points fill: participation ratio of the variances."""
    centered = points - points.mean(axis=0)
    covariance = centered.T @ centered
    return np.trace(covariance) ** 2 / np.sum(covariance**2)


def merge_history(found, Z, labels, seed):
    """What `merge_history_` holds: merges in the kind of space with the number found.

    `seed` is that of the estimator.
    """
    in_map = found is not None and found.in_map
    return merges(Z, labels, derived_seed(seed, "merges"), in_map=in_map)


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
