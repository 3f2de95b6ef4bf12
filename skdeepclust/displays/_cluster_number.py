"""Silhouette and stability for several numbers of clusters."""

import warnings
from collections.abc import Iterable
from itertools import combinations
from numbers import Integral

import numpy as np
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score

from skdeepclust._fitted import (
    as_rows,
    as_samples,
    check_instance,
    check_same_length,
    clustered_space,
    count_samples,
)
from skdeepclust._sampling import (
    check_count,
    check_seed,
    pooled_silhouettes,
    stratified_sample,
)
from skdeepclust._warnings import warn
from skdeepclust.displays._style import (
    COLORS,
    check_axes,
    panel_axes,
    set_text_size,
    text_size,
)

__all__ = ["ClusterNumberDisplay"]

# Up to this many numbers of clusters have a tick each.
_MOST_TICKS = 12

# Upper bound of the seeds.
_SEEDS = 2**31 - 1


class ClusterNumberDisplay:
    """Silhouette and stability of the clusters against their number.

    The estimator is fitted with several seeds for every number of clusters. All fits
    start from the same pretrained network. The silhouette of their clusters is measured
    in the embedding of that network, which all fits share, or in the embeddings of all
    fits, and the mean counts [1]_. In the embedding that each fit trains, the
    silhouette would reward collapse. The second panel is the adjusted Rand index
    between the clusters of two seeds, averaged over all pairs.

    Neither score needs labels, and neither finds the true number. They show for which
    numbers the clusters are well separated and reproducible. Several numbers may
    qualify, as clusters can have sub-clusters, and the silhouette favours few clusters.

    Parameters
    ----------
    n_clusters : ndarray of shape (n_k,)
        Numbers of clusters, increasing.
    scores : ndarray of shape (n_k, n_seeds)
        Mean silhouettes in the shared space. NaN if all samples were in one cluster.
    stabilities : ndarray of shape (n_k, n_pairs)
        Adjusted Rand index of each pair of seeds. With a single seed, no columns.
    space_name : str, default="shared embedding"
        Name of the space of the silhouettes, for the title.

    Attributes
    ----------
    best_n_clusters_ : int or None
        Number of clusters with the highest mean silhouette. None if all silhouettes
        are NaN.
    axes_ : ndarray of matplotlib Axes
        Axes of the panels: silhouette and, with several seeds, stability.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    SilhouetteDisplay : The silhouettes of one clustering, sample by sample.

    References
    ----------
    .. [1] Z. Wang, J. Ye, "Adaptive clustering evaluation: deep clustering evaluation
       without labels", arXiv:2403.14830, 2024.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.cluster import KMeans
    >>> from sklearn.datasets import make_blobs
    >>> from skdeepclust.displays import ClusterNumberDisplay
    >>> X, _ = make_blobs(150, centers=3, cluster_std=0.5, random_state=3)
    >>> display = ClusterNumberDisplay.from_estimator(
    ...     KMeans(), X, n_clusters=range(2, 6), n_seeds=2
    ... )
    >>> display.best_n_clusters_, display.scores.shape
    (3, (4, 2))
    >>> plt.close(display.figure_)
    """

    def __init__(
        self, n_clusters, scores, stabilities, *, space_name="shared embedding"
    ):
        self.n_clusters = n_clusters
        self.scores = scores
        self.stabilities = stabilities
        self.space_name = space_name

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        n_clusters=range(2, 13),
        n_seeds=5,
        space="fixed",
        max_samples=2000,
        random_state=0,
        ax=None,
    ):
        """Fit clones of an estimator for every number of clusters, and draw the scores.

        Parameters
        ----------
        estimator : estimator or Pipeline
            It, or the last step of the pipeline, has the parameter `n_clusters`. An
            estimator with `pretrain_epochs` is pretrained once, and every fit starts
            from a copy of that network. The earlier steps of a pipeline are fitted
            once.
        X : array-like
            Samples, as the estimator takes them.
        n_clusters : iterable of int, default=range(2, 13)
            Numbers of clusters, each at least 2 and at most the number of samples.
        n_seeds : int, default=5
            Number of fits for each number of clusters.
        space : {"fixed", "pooled"}, default="fixed"
            Where silhouettes are measured. "fixed": in the space that all fits share,
            the embedding of the pretrained network, or what the last step of the
            pipeline gets. "pooled": in the embedding of every fit, that is, in what its
            `transform` returns, and the mean over all of them counts. Clusterers of
            scikit-learn have no embedding and are scored in their input in both cases.
            M fits take M x M silhouettes.
        max_samples : int, default=2000
            Most samples that silhouettes are measured with, the same ones for all
            fits: more than the largest number of clusters. None takes all samples.
        random_state : int, RandomState instance or None, default=0
            Seed of all fits and of the sample.
        ax : array of matplotlib Axes, Figure or SubFigure, default=None
            Where to draw: an axes per panel, or a figure to lay the panels out in.
            None makes a figure.

        Returns
        -------
        display : ClusterNumberDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If the estimator is a class or None or has no parameter `n_clusters`, if a
            number is not a whole number, or if `ax` is something else.
        ValueError
            If a number of clusters is below 2 or above the number of samples, if
            `space` is another word, if `n_seeds` is below 1, if `max_samples` is not
            above the numbers of clusters, or if `ax` holds too few axes. All errors
            come before the first fit.

        Warns
        -----
        UserWarning
            The first warning of each category from the fits, with the number of such
            warnings. They come after the figure is drawn.
        """
        X = as_samples(X)
        n_clusters = _checked_numbers(n_clusters, count_samples(X))
        check_count(n_seeds, "n_seeds")
        if max_samples is not None:
            check_count(max_samples, "max_samples", n_clusters[-1] + 1)
        _check_has_n_clusters(estimator)
        if space not in ("fixed", "pooled"):
            raise ValueError(f'space must be "fixed" or "pooled", got {space!r}.')
        check_axes(ax, 1 + (n_seeds > 1))
        rng = check_seed(random_state)
        seeds = rng.randint(_SEEDS), *rng.randint(_SEEDS, size=n_seeds)
        # The same samples for all fits, whose labels differ: a single stratum.
        n_samples = count_samples(X)
        drawn = stratified_sample(np.zeros(n_samples), max_samples, rng)
        labels, spaces, space_name, caught = _fit_all(
            estimator, X, n_clusters, seeds, drawn, space == "pooled"
        )
        scores = pooled_silhouettes(
            np.array([fit[drawn] for fits in labels for fit in fits]), spaces
        )
        agreements = [
            [adjusted_rand_score(a, b) for a, b in combinations(fits, 2)]
            for fits in labels
        ]
        if len(drawn) < n_samples:
            space_name += f" ({len(drawn):,} of {n_samples:,} samples)"
        display = cls(
            n_clusters,
            scores.mean(axis=1).reshape(len(n_clusters), n_seeds),
            np.array(agreements).reshape(len(n_clusters), -1),
            space_name=space_name,
        )
        display.plot(ax=ax)
        _warn_once_each(caught)
        return display

    @property
    def best_n_clusters_(self):
        """Number of clusters with the highest mean silhouette."""
        means = _row_means(self.scores)
        if np.isnan(means).all():
            return None
        return int(self.n_clusters[np.nanargmax(means)])

    def plot(self, ax=None):
        """Draw the panels.

        Parameters
        ----------
        ax : array of matplotlib Axes, Figure or SubFigure, default=None
            Where to draw: an axes per panel, or a figure to lay the panels out in.
            None makes a figure.

        Returns
        -------
        display : ClusterNumberDisplay
            Itself.
        """
        check_same_length(
            n_clusters=self.n_clusters,
            scores=self.scores,
            stabilities=self.stabilities,
        )
        panels = [(self.scores, f"Silhouette in the {self.space_name}", "silhouette")]
        if self.stabilities.shape[1]:
            panels.append((self.stabilities, "Agreement between seeds", "ARI"))
        axes = panel_axes(ax, len(panels), (4.8 * len(panels), 3.6))
        for i, (axis, (values, title, name)) in enumerate(
            zip(axes, panels, strict=True)
        ):
            size = text_size(axis)
            self._draw_spread(axis, values, COLORS[i])
            self._mark_best(axis, size if i == 0 else None)
            axis.set(xlabel="number of clusters", ylabel=name, title=title)
            set_text_size(axis, size)
        self.axes_, self.figure_ = axes, axes[0].figure
        return self

    def _draw_spread(self, ax, values, color):
        """Draw all values, their mean, and a band from the lowest to the highest."""
        from matplotlib import ticker

        k = self.n_clusters
        ax.plot(k, values, ".", color=color, alpha=0.45, markersize=5)
        ax.plot(k, _row_means(values), "o-", color=color, markersize=4)
        has_value = ~np.isnan(values).all(axis=1)
        low, high = np.nanmin(values[has_value], 1), np.nanmax(values[has_value], 1)
        ax.fill_between(k[has_value], low, high, color=color, alpha=0.15, linewidth=0)
        if len(k) <= _MOST_TICKS:
            ax.set_xticks(k)
        else:
            ax.xaxis.set_major_locator(ticker.MaxNLocator(nbins=10, integer=True))

    def _mark_best(self, ax, size):
        """Draw a line at the best number; with a text size, name it."""
        best = self.best_n_clusters_
        if best is None:
            return
        ax.axvline(best, color="0.35", linestyle="--", linewidth=1, zorder=1)
        if size is not None:
            is_right = best > (self.n_clusters[0] + self.n_clusters[-1]) / 2
            low, high = ax.get_ylim()
            ax.set_ylim(low, high + 0.18 * (high - low))
            ax.annotate(
                f"highest mean silhouette: {best}",
                (best, 0.98),
                xycoords=("data", "axes fraction"),
                xytext=(-4 if is_right else 4, 0),
                textcoords="offset points",
                ha="right" if is_right else "left",
                va="top",
                fontsize=size * 0.85,
                color="0.2",
            )


def _checked_numbers(n_clusters, n_samples):
    """Numbers of clusters as an increasing array."""
    if isinstance(n_clusters, str) or not isinstance(n_clusters, Iterable):
        raise TypeError(
            f"n_clusters={n_clusters!r} must be several whole numbers, such as "
            "range(2, 13) or [2, 3, 5]."
        )
    numbers = list(n_clusters)
    if not numbers:
        raise ValueError(
            f"n_clusters={n_clusters!r} is empty. Pass at least one number of clusters."
        )
    for number in numbers:
        if not isinstance(number, Integral) or isinstance(number, bool):
            raise TypeError(f"n_clusters holds {number!r}, which is no whole number.")
        if not 2 <= int(number) <= n_samples:
            raise ValueError(
                f"n_clusters holds {number}, but each number must be at least 2 and at "
                f"most the number of samples, {n_samples}."
            )
    return np.array(sorted(set(numbers)), dtype=int)


def _check_has_n_clusters(estimator):
    """Refuse an estimator or pipeline whose last step has no `n_clusters`."""
    check_instance(estimator)
    steps = getattr(estimator, "steps", [("", estimator)])
    last = steps[-1][1]
    if "n_clusters" not in getattr(last, "get_params", dict)():
        raise TypeError(
            f"{type(last).__name__} has no parameter n_clusters. Pass a clusterer that "
            "has one, or a Pipeline that ends in one."
        )


def _fit_all(estimator, X, n_clusters, seeds, drawn, is_pooled):
    """Fit every number of clusters with every seed; the first is for the pretraining.

    Returns
    -------
    labels : list of n_k lists of n_seeds ndarrays
        Clusters of each fit.
    spaces : list of ndarrays of shape (n_drawn, n_features)
        The drawn samples in the space that all fits share, or in that of every fit.
    space_name : str
        Name of that space, or of these.
    caught : list of WarningMessage
        Warnings of the fits.
    """
    pretraining_seed, *seeds = seeds
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        unfitted, X, Z, space_name = _share_pretraining(estimator, X, pretraining_seed)
        # Clusterers of scikit-learn have no embedding.
        is_pooled = is_pooled and _has_embedding(unfitted)
        spaces, labels = [] if is_pooled else [Z[drawn]], []
        for k in n_clusters.tolist():
            fits = [_fit(unfitted, X, k, seed) for seed in seeds]
            labels.append([np.asarray(fit.labels_) for fit in fits])
            if is_pooled:
                spaces += [as_rows(clustered_space(fit, X))[drawn] for fit in fits]
    if is_pooled:
        space_name = "embeddings of all fits"
    return labels, spaces, space_name, caught


def _share_pretraining(estimator, X, seed):
    """Do once what all fits have in common.

    Returns
    -------
    unfitted : estimator
        Estimator to clone for each fit, which then starts from the pretrained network.
    X : array-like
        Samples to fit it to.
    Z : ndarray of shape (n_samples, n_features)
        Samples in the space that all fits share.
    space_name : str
        Name of that space.
    """
    steps = getattr(estimator, "steps", None)
    if steps is not None and len(steps) > 1:
        before = clone(estimator[:-1])
        for name, value in before.get_params(deep=True).items():
            if name.endswith("__random_state") and value is None:
                before.set_params(**{name: seed})
        X, estimator = before.fit_transform(X), steps[-1][1]
        return estimator, X, as_rows(X), f"output of {type(before[-1]).__name__}"
    if steps is not None:
        estimator = steps[-1][1]
    params = estimator.get_params(deep=False)
    if not {"pretrain_epochs", "module", "max_iter"} <= set(params):
        return estimator, X, as_rows(X), "space of X"
    pretrained = clone(estimator).set_params(max_iter=0, random_state=seed).fit(X)
    # A network passed as an instance is copied with its weights.
    shared = {k: v for k, v in params.items() if not k.startswith("module__")}
    shared.update(module=pretrained.module_, pretrain_epochs=0)
    if "memory" in shared:  # there is nothing left to cache
        shared["memory"] = None
    unfitted = type(estimator)(**shared)
    return unfitted, X, as_rows(pretrained.transform(X)), "shared embedding"


def _has_embedding(estimator):
    """Whether a clusterer has a space of its own; `transform` of KMeans is no such."""
    is_theirs = type(estimator).__module__.startswith("sklearn.")
    return hasattr(estimator, "transform") and not is_theirs


def _fit(unfitted, X, n_clusters, seed):
    """One fit."""
    estimator = clone(unfitted).set_params(n_clusters=n_clusters)
    if "random_state" in estimator.get_params(deep=False):
        estimator.set_params(random_state=int(seed))
    return estimator.fit(X)


def _warn_once_each(caught):
    """Give the first warning of each category, with the number of such warnings."""
    for category in dict.fromkeys(warning.category for warning in caught):
        alike = [w for w in caught if w.category is category]
        message = str(alike[0].message)
        if len(alike) > 1:
            message += f" ({len(alike)} such warnings; this is the first of them.)"
        warn(message, category)


def _row_means(values):
    """Means of the rows without their NaN; NaN for a row of NaN."""
    n_known = (~np.isnan(values)).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.nansum(values, axis=1) / np.where(n_known, n_known, np.nan)
