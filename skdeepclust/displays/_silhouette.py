"""Silhouettes of all samples, cluster by cluster."""

import numpy as np
from sklearn.metrics import silhouette_samples
from sklearn.utils import check_consistent_length, column_or_1d

from skdeepclust._fitted import (
    as_rows,
    clustered_space,
    clusters_of,
    name_of,
)
from skdeepclust._sampling import stratified_sample
from skdeepclust.displays._placing import spread
from skdeepclust.displays._style import (
    color_of,
    count,
    points_of,
    set_text_size,
    single_axes,
    text_size,
)

__all__ = ["SilhouetteDisplay"]

# Share of the height that goes into the gaps between all blades.
_GAPS = 0.12

# Height of a line of text as a multiple of its size.
_LINE = 1.2

# Points below which names are written in two columns.
_SMALLEST_TEXT = 5.0

# Points between the name of a blade and the blade, with a line from one to the other.
_LEADER = 8


class SilhouetteDisplay:
    """The silhouette of every sample: a blade per cluster, sorted, the best on top.

    A silhouette near 1 says that a sample is far nearer to its own cluster than to
    the next; below 0 it is nearer to the other one. In latent space it rewards
    collapse: compare clusterings of one space, never two spaces.

    Parameters
    ----------
    values : ndarray of shape (n_drawn,)
        Silhouettes.
    labels : ndarray of shape (n_drawn,)
        Clusters of these samples.
    clusters : ndarray of shape (n_clusters,)
        Clusters, in the order of the blades from the top.
    sizes : ndarray of shape (n_clusters,)
        Number of samples in each, those not drawn included.

    Attributes
    ----------
    mean_ : float
        Mean silhouette, each cluster weighted by its size.
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

    def __init__(self, values, labels, clusters, sizes):
        self.values = values
        self.labels = labels
        self.clusters = clusters
        self.sizes = sizes

    @classmethod
    def from_estimator(cls, estimator, X, *, max_samples=2000, random_state=0, ax=None):
        """Draw the silhouettes of predicted clusters, in the space they are made in.

        Parameters
        ----------
        estimator : fitted estimator, Pipeline or search
            Has `transform` and `predict`; scikit-learn's own clusterers are measured
            in the space of X.
        X : array-like
            Samples, as the estimator takes them.
        max_samples : int, default=2000
            Most samples to measure, for all pairs of them are. Of more a sample is
            drawn, in which every cluster keeps its share and small ones some more.
            None takes all.
        random_state : int, RandomState instance or None, default=0
            Governs the sample.
        ax : matplotlib Axes, Figure or SubFigure, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : SilhouetteDisplay
            The display, drawn.
        """
        labels = clusters_of(estimator, X)
        if labels is None:
            raise TypeError(f"{name_of(estimator)} has neither predict nor labels_.")
        return cls.from_predictions(
            clustered_space(estimator, X),
            labels,
            max_samples=max_samples,
            random_state=random_state,
            ax=ax,
        )

    @classmethod
    def from_predictions(cls, Z, labels, *, max_samples=2000, random_state=0, ax=None):
        """Draw the silhouettes of clusters of points.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_features)
            Points.
        labels : array-like of shape (n_samples,)
            Clusters, of any type.
        max_samples : int, default=2000
            Most samples to measure. None takes all.
        random_state : int, RandomState instance or None, default=0
            Governs the sample.
        ax : matplotlib Axes, Figure or SubFigure, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : SilhouetteDisplay
            The display, drawn.
        """
        Z, labels = as_rows(Z), column_or_1d(labels)
        check_consistent_length(Z, labels)
        clusters, sizes = np.unique(labels, return_counts=True)
        indices = stratified_sample(labels, max_samples, random_state)
        if not 2 <= len(clusters) < len(indices):
            raise ValueError(
                f"Silhouettes compare a cluster with the next one: got {len(clusters)} "
                f"cluster(s) in {len(indices)} samples drawn (max_samples="
                f"{max_samples}). There must be at least two clusters, and fewer than "
                "samples."
            )
        values = silhouette_samples(Z[indices], labels[indices])
        return cls(values, labels[indices], clusters, sizes).plot(ax=ax)

    @property
    def mean_(self):
        """Mean silhouette, each cluster weighted by its size."""
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
        n_clusters = len(self.clusters)
        ax = single_axes(ax, (6.4, max(4.0, 0.22 * n_clusters + 1.2)))
        size = text_size(ax)
        gap = _GAPS * len(self.values) / n_clusters
        top, middles = 0.0, []
        for k, cluster in enumerate(self.clusters):
            blade = np.sort(self.values[self.labels == cluster])[::-1]
            # A step per sample, so that a cluster of one is still a bar.
            edges = top + np.arange(len(blade) + 1)
            ax.stairs(
                blade, edges, orientation="horizontal", fill=True, color=color_of(k)
            )
            middles.append(top + len(blade) / 2)
            top += len(blade) + gap
        mean = self.mean_
        self.line_ = ax.axvline(mean, color="0.15", linestyle="--", linewidth=1)
        ax.set_xlim(min(-0.1, self.values.min() - 0.05), 1)
        ax.set_ylim(top, -gap)
        shown = count(len(self.values), int(self.sizes.sum()))
        ax.set(xlabel="silhouette", title=f"Mean silhouette {mean:.3f}\n{shown}")
        set_text_size(ax, size)
        self._name_blades(ax, np.array(middles), size)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _name_blades(self, ax, middles, size):
        """Write cluster and size beside every blade, moved apart where needed."""
        # The layout takes about a sixth of the height for title and axis.
        height = 0.85 * points_of(ax)[1]
        names = [str(cluster) for cluster in self.clusters]
        fitting = height / (_LINE * len(names))
        is_crowded = fitting < _SMALLEST_TEXT
        if is_crowded:  # in two columns, and without the sizes
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
        across = ax.get_yaxis_transform()  # x in shares of the axes, y in data
        for place, middle in zip(places, middles, strict=True):
            ax.plot(
                [-_LEADER / width, 0],
                [place, middle],
                transform=across,
                color="0.6",
                linewidth=0.6,
                clip_on=False,
            )
