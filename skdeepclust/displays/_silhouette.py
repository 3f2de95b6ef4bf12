"""Silhouettes of the samples of every cluster."""

import numpy as np

from skdeepclust._fitted import (
    as_rows,
    check_instance,
    check_labels,
    check_same_length,
    clustered_space,
    clusters_of,
    last_step,
    name_of,
)
from skdeepclust._sampling import check_max_samples, check_seed, silhouettes
from skdeepclust.displays._placing import spread
from skdeepclust.displays._style import (
    check_axes,
    color_of,
    count,
    grey,
    ink,
    points_of,
    set_text_size,
    single_axes,
    text_size,
)

__all__ = ["SilhouetteDisplay"]

# Share of the height taken by the gaps between the blades.
_GAPS = 0.12

# Height of a line of text in multiples of its size.
_LINE = 1.2

# Text size, in points, below which names are written in two columns.
_SMALLEST_TEXT = 5.0

# With more clusters, all blades have the same height.
_MOST_BY_SIZE = 20

# Height of a blade, in points, from which it is outlined: yellow is pale on white.
_LEAST_OUTLINED = 6

# Length, in points, of the line from the name of a blade to the blade.
_LEADER = 8


class SilhouetteDisplay:
    """Silhouettes of all samples: a blade per cluster, sorted, the highest on top.

    A sample with a silhouette near 1 is much nearer to its own cluster than to the
    next one. With a silhouette below 0 it is nearer to the other cluster. In a learned
    embedding the silhouette rewards collapse: compare clusterings of one embedding,
    never of two embeddings. The figure says so below the axis if the space was trained.

    The height of a blade is the number of its samples. With more than 20 clusters all
    blades have the same height, so that each has room for its name.

    Parameters
    ----------
    values : ndarray of shape (n_drawn,)
        Silhouettes of the drawn samples.
    labels : ndarray of shape (n_drawn,)
        Their clusters.
    clusters : ndarray of shape (n_clusters,)
        Clusters in the order of the blades, from the top.
    sizes : ndarray of shape (n_clusters,)
        Number of all samples in each cluster, drawn or not.
    is_trained : bool, default=False
        Whether the space was trained together with the clusters.

    Attributes
    ----------
    mean_ : float
        Mean silhouette, with every cluster weighted by its size.
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.
    line_ : matplotlib Line2D
        The line at the mean.

    See Also
    --------
    skdeepclust.metrics.latent_silhouette : The mean as a score.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from skdeepclust.displays import SilhouetteDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> display = SilhouetteDisplay.from_predictions(X, y, max_samples=300)
    >>> len(display.values), display.sizes.sum()
    (300, np.int64(1797))
    >>> plt.close(display.figure_)
    """

    def __init__(self, values, labels, clusters, sizes, *, is_trained=False):
        self.values = values
        self.labels = labels
        self.clusters = clusters
        self.sizes = sizes
        self.is_trained = is_trained

    @classmethod
    def from_estimator(cls, estimator, X, *, max_samples=2000, random_state=0, ax=None):
        """Draw the silhouettes of predicted clusters, in the space of the clusters.

        Parameters
        ----------
        estimator : fitted estimator, Pipeline or search
            Has `transform`, and `predict` or `labels_` of the same X. Clusterers of
            scikit-learn are measured in the space of X.
        X : array-like
            Samples, as the estimator takes them.
        max_samples : int, default=2000
            Most samples to measure, as silhouettes need the distances of all pairs. Of
            more samples, a sample in proportion to the clusters is drawn, with a
            minimum for small clusters. None takes all samples.
        random_state : int, RandomState instance or None, default=0
            Seed of the sample.
        ax : matplotlib Axes, Figure or SubFigure, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : SilhouetteDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If the estimator is a class or None, or has no clusters, or if `max_samples`
            is not a whole number.
        ValueError
            If silhouettes are undefined, as for a single cluster, or if `max_samples`
            is below 1.
        """
        check_instance(estimator)
        check_axes(ax)
        check_max_samples(max_samples)
        check_seed(random_state)
        Z = clustered_space(estimator, X)
        labels = clusters_of(estimator, X)
        if labels is None:
            raise TypeError(f"{name_of(estimator)} has neither predict nor labels_.")
        display = cls._from_space(Z, labels, max_samples, random_state)
        display.is_trained = _is_trained(last_step(estimator))
        return display.plot(ax=ax)

    @classmethod
    def from_predictions(cls, Z, labels, *, max_samples=2000, random_state=0, ax=None):
        """Draw the silhouettes of clusters of points.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_features)
            Points.
        labels : array-like of shape (n_samples,)
            Clusters: whole numbers, strings or booleans, none missing.
        max_samples : int, default=2000
            Most samples to measure. None takes all samples.
        random_state : int, RandomState instance or None, default=0
            Seed of the sample.
        ax : matplotlib Axes, Figure or SubFigure, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : SilhouetteDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If silhouettes are undefined, as for a single cluster, if the lengths of Z
            and labels differ, if one of them has missing values, or if `max_samples` is
            below 1.
        """
        check_axes(ax)
        check_max_samples(max_samples)
        check_seed(random_state)
        return cls._from_space(Z, labels, max_samples, random_state).plot(ax=ax)

    @classmethod
    def _from_space(cls, Z, labels, max_samples, random_state):
        """The display of clusters of points."""
        Z, labels = as_rows(Z, "Z"), check_labels(labels, "labels")
        check_same_length(Z=Z, labels=labels)
        clusters, sizes = np.unique(labels, return_counts=True)
        mean, values, indices = silhouettes(Z, labels, max_samples, random_state)
        if np.isnan(mean):
            raise ValueError(
                "Silhouettes need at least two clusters, and fewer clusters than "
                f"samples: got {len(clusters)} cluster(s) in {len(indices)} samples "
                f"drawn (max_samples={max_samples})."
            )
        return cls(values, labels[indices], clusters, sizes)

    @property
    def mean_(self):
        """Mean silhouette, with every cluster weighted by its size."""
        means = [self.values[self.labels == c].mean() for c in self.clusters]
        return float(np.average(means, weights=self.sizes))

    def plot(self, ax=None):
        """Draw the blades.

        Parameters
        ----------
        ax : matplotlib Axes, Figure or SubFigure, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : SilhouetteDisplay
            Itself.
        """
        check_same_length(values=self.values, labels=self.labels)
        check_same_length(clusters=self.clusters, sizes=self.sizes)
        n_clusters = len(self.clusters)
        ax = single_axes(ax, (6.4, max(4.0, 0.22 * n_clusters + 1.2)))
        size = text_size(ax)
        gap = _GAPS * len(self.values) / n_clusters
        per_blade = points_of(ax)[1] / n_clusters
        top, middles = 0.0, []
        for k, cluster in enumerate(self.clusters):
            blade = np.sort(self.values[self.labels == cluster])[::-1]
            is_same = n_clusters > _MOST_BY_SIZE
            height = len(self.values) / n_clusters if is_same else float(len(blade))
            # A step per sample: a cluster of one sample is still a bar.
            edges = np.linspace(top, top + height, len(blade) + 1)
            style = {"orientation": "horizontal", "color": color_of(k)}
            ax.stairs(blade, edges, fill=True, **style)
            if per_blade >= _LEAST_OUTLINED:
                style["color"] = grey(0.3)
                ax.stairs(blade, edges, linewidth=0.4, **style)
            middles.append(top + height / 2)
            top += height + gap
        mean = self.mean_
        self.line_ = ax.axvline(mean, color=ink(), linestyle="--", linewidth=1)
        highest = max(0.3, mean, self.values.max())
        ax.set_xlim(min(-0.1, self.values.min() - 0.05), min(1, highest + 0.05))
        ax.set_ylim(top, -gap)
        shown = count(len(self.values), int(self.sizes.sum()))
        ax.set(
            xlabel="silhouette" + " in a trained space" * bool(self.is_trained),
            title=f"Mean silhouette {mean:.3f}\n{shown}",
        )
        set_text_size(ax, size)
        self._name_blades(ax, np.array(middles), size)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _name_blades(self, ax, middles, size):
        """Write cluster and size beside every blade, moved apart if they overlap."""
        # Title and axis take about a sixth of the height.
        height = 0.85 * points_of(ax)[1]
        names = [str(cluster) for cluster in self.clusters]
        fitting = height / (_LINE * len(names))
        is_crowded = fitting < _SMALLEST_TEXT
        if is_crowded:  # two columns without sizes
            fitting *= 2
            indent = " " * (2 * max(map(len, names)) + 1)
            names = [name + indent * (i % 2) for i, name in enumerate(names)]
        else:
            names = [f"{n} ({m:,})" for n, m in zip(names, self.sizes, strict=True)]
        size = min(0.9 * size, fitting)
        low, high = sorted(ax.get_ylim())
        lines = 0.5 if is_crowded else 1.0
        step = min(lines * _LINE * size / height, 1 / len(names)) * (high - low)
        places = spread(middles, step, low + step / 2, high - step / 2)
        ax.set_yticks(places, names, fontsize=size, va="center_baseline")
        ax.tick_params(axis="y", length=0, pad=_LEADER + 2)
        ax.set_ylabel("cluster" if is_crowded else "cluster (size)")
        width = points_of(ax)[0]
        across = ax.get_yaxis_transform()  # x as a share of the axes, y in data
        for place, middle in zip(places, middles, strict=True):
            ax.plot(
                [-_LEADER / width, 0],
                [place, middle],
                transform=across,
                color=grey(0.6),
                linewidth=0.6,
                clip_on=False,
            )


def _is_trained(step):
    """Whether an estimator trained its space together with the clusters."""
    has_history = getattr(step, "history_", None) is not None
    return has_history and getattr(step, "n_iter_", 1) > 0
