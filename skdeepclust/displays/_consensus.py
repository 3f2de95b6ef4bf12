"""How far the runs of a consensus agree, cluster by cluster."""

import numpy as np
from sklearn.exceptions import NotFittedError

from skdeepclust._fitted import check_instance, check_same_length, last_step
from skdeepclust.displays._style import (
    check_axes,
    halo,
    panel_axes,
    points_of,
    set_text_size,
    text_size,
)

__all__ = ["ConsensusDisplay"]

# Hennig (2007): above the first a cluster is very stable, below the other it dissolves.
_VERY_STABLE, _DISSOLVED = 0.85, 0.5

# Colours of the bars: very stable, between, dissolved. Colour of the best run.
_BARS, _BEST = ("#0072B2", "#56B4E9", "#E69F00"), "#D55E00"

# Width of the gap between two groups of runs, in columns.
_GAP = 1

# Inches of a row in a new figure, of a column, of the bars, and of what is around.
_ROW, _COLUMN, _BARS_WIDTH, _AROUND, _ABOVE = 0.2, 0.2, 3.0, 2.2, 1.3

# Text size, in points, below which names are left out.
_SMALLEST_TEXT = 5.0

# Width of a letter in multiples of its size.
_LETTER = 0.62


class ConsensusDisplay:
    """Where the runs of a consensus agree: clusters in rows.

    The left panel shows how well every run (column) finds a cluster (row): the Jaccard
    index of the cluster with the most similar cluster of the run. A gap separates
    groups of runs that disagree with each other. A frame marks the best run. The right
    panel shows the stability of the cluster, which is the mean over the runs, and its
    size. Above .85 a cluster is very stable, below .5 it dissolves [1]_. The most
    stable cluster comes first.

    Parameters
    ----------
    jaccard : ndarray of shape (n_clusters, n_runs)
        Jaccard indices, from 0 to 1, in the order of the rows and columns.
    clusters : ndarray of shape (n_clusters,)
        Names of the rows.
    sizes : ndarray of shape (n_clusters,)
        Number of samples in each cluster, without those that are rejected.
    runs : ndarray of shape (n_runs,)
        Names of the columns.
    groups : ndarray of shape (n_runs,), default=None
        Group of every run; runs of one group are next to each other. None: one group.
    best_run : int, default=None
        Name of the run to mark. None marks no run.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        The two panels.
    figure_ : matplotlib Figure
        The figure.
    im_ : matplotlib AxesImage
        The cells of the left panel, with an empty column between groups.
    bars_ : matplotlib BarContainer
        The bars of the right panel.

    See Also
    --------
    skdeepclust.ConsensusClustering : Several runs, and where they agree.
    LatentSpaceDisplay : With ``values=consensus.agreement_``, where samples are on
        which the runs disagree.

    References
    ----------
    .. [1] C. Hennig, "Cluster-wise assessment of cluster stability", Computational
       Statistics & Data Analysis, 2007.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.cluster import KMeans
    >>> from sklearn.datasets import load_digits
    >>> from skdeepclust import ConsensusClustering
    >>> from skdeepclust.displays import ConsensusDisplay
    >>> X = load_digits().data[:500]
    >>> kmeans = KMeans(10, n_init=1)
    >>> consensus = ConsensusClustering(kmeans, n_runs=5, random_state=0).fit(X)
    >>> display = ConsensusDisplay.from_estimator(consensus)
    >>> display.jaccard.shape
    (10, 5)
    >>> plt.close(display.figure_)
    """

    def __init__(self, jaccard, clusters, sizes, runs, *, groups=None, best_run=None):
        self.jaccard = jaccard
        self.clusters = clusters
        self.sizes = sizes
        self.runs = runs
        self.groups = groups
        self.best_run = best_run

    @classmethod
    def from_estimator(cls, consensus, *, ax=None):
        """Draw the agreement of the runs of a consensus.

        Parameters
        ----------
        consensus : ConsensusClustering
            A fitted one, or a pipeline that ends in one.
        ax : array of 2 matplotlib Axes, Figure or SubFigure, default=None
            Where to draw: two axes, or a figure to lay them out in. None makes a
            figure.

        Returns
        -------
        display : ConsensusDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If `consensus` is another estimator.
        NotFittedError
            If it is not fitted.
        """
        check_axes(ax, 2)
        check_instance(consensus, "consensus")
        consensus = _fitted_consensus(consensus)
        jaccard, stability = consensus.cluster_jaccard_, consensus.cluster_stability_
        rows = np.argsort(-stability, kind="stable")
        columns = np.argsort(consensus.run_groups_, kind="stable")
        labels = consensus.labels_
        sizes = np.bincount(labels[labels >= 0], minlength=len(jaccard))
        display = cls(
            jaccard[np.ix_(rows, columns)],
            rows,
            sizes[rows],
            columns,
            groups=consensus.run_groups_[columns],
            # Of equal runs none is better than the others.
            best_run=consensus.best_run_ if np.ptp(consensus.run_ari_) else None,
        )
        return display.plot(ax=ax)

    def plot(self, ax=None):
        """Draw both panels.

        Parameters
        ----------
        ax : array of 2 matplotlib Axes, Figure or SubFigure, default=None
            Where to draw: two axes, or a figure to lay them out in. None makes a
            figure.

        Returns
        -------
        display : ConsensusDisplay
            Itself.
        """
        check_axes(ax, 2)
        self._check_shapes()
        n_rows, n_columns = np.shape(self.jaccard)
        heat, height = n_columns * _COLUMN + _AROUND, n_rows * _ROW + _ABOVE
        axes = panel_axes(
            ax,
            2,
            (max(4.0, heat) + _BARS_WIDTH, max(3.2, height)),
            aspect=np.clip(8 / n_rows, 0.3, 1.4),  # many rows need high panels
        )
        size = min(text_size(axis) for axis in axes)
        self._draw_cells(axes[0], size)
        self._draw_bars(axes[1], size)
        self.axes_, self.figure_ = axes, axes[0].figure
        return self

    def _check_shapes(self):
        """Refuse parts that do not belong together."""
        shape = (len(self.clusters), len(self.runs))
        if np.shape(self.jaccard) != shape:
            raise ValueError(
                f"jaccard must have a row per cluster and a column per run, {shape}, "
                f"got {np.shape(self.jaccard)}."
            )
        check_same_length(clusters=self.clusters, sizes=self.sizes)
        check_same_length(runs=self.runs, groups=self.groups)

    def _groups(self):
        """Group of every run."""
        n_runs = len(self.runs)
        return np.zeros(n_runs, int) if self.groups is None else np.array(self.groups)

    def _places(self):
        """Column of every run in the picture: groups have a gap in between."""
        groups = self._groups()
        is_first = np.append(False, groups[1:] != groups[:-1])
        return np.arange(len(groups)) + _GAP * np.cumsum(is_first)

    def _draw_cells(self, ax, size):
        """Draw the heat map, the groups of runs, and the frame of the best run."""
        places = self._places()
        shown = np.full((len(self.clusters), places[-1] + 1), np.nan)
        shown[:, places] = self.jaccard
        self.im_ = ax.imshow(
            np.ma.masked_invalid(shown), cmap="viridis", aspect="auto", vmin=0, vmax=1
        )
        bar = ax.figure.colorbar(self.im_, ax=ax, pad=0.03, aspect=30)
        bar.set_label("Jaccard index", fontsize=size)
        bar.ax.tick_params(labelsize=size * 0.9)
        ax.set_title("Clusters by run")
        set_text_size(ax, size)
        _name_rows(ax, self.clusters, size)
        self._name_runs(ax, places, size)
        has_groups = self._name_groups(ax, places, size)
        ax.set_xlabel(self._label(has_groups), fontsize=size)
        for place in places[np.asarray(self.runs) == self.best_run]:
            width = np.clip(points_of(ax)[0] / len(shown.T) / 6, 0.6, 2)
            ax.add_patch(_frame(place, len(shown), width))

    def _label(self, has_groups):
        """What the columns are, and how groups and the best run are marked."""
        marks = ["groups above"] if has_groups else []
        if self.best_run is not None:
            marks.append(f"framed: best run, {self.best_run}")
        return "\n".join(["run", *marks])

    def _name_runs(self, ax, places, size):
        """Write the runs below, upright or only some if there are many."""
        column = points_of(ax)[0] / (places[-1] + 1)
        longest = max(len(str(run)) for run in self.runs)
        is_upright = (longest + 0.5) * _LETTER * 0.9 * size > column
        step = int(np.ceil(_SMALLEST_TEXT / column)) if is_upright else 1
        ax.set_xticks(
            places[::step],
            self.runs[::step],
            rotation=90 if is_upright else 0,
            fontsize=min(0.9 * size, max(column * step, _SMALLEST_TEXT)),
        )
        ax.tick_params(length=0)

    def _name_groups(self, ax, places, size):
        """Write the groups above if there are several."""
        groups = self._groups()
        names = list(dict.fromkeys(groups.tolist()))
        if len(names) == 1:
            return False
        column = points_of(ax)[0] / (places[-1] + 1)
        fewest = min((groups == name).sum() for name in names) + _GAP
        has_room = len("group 0") * _LETTER * 0.9 * size < fewest * column
        for name in names:
            ax.text(
                places[groups == name].mean(),
                1.01,
                f"group {name}" if has_room else str(name),
                transform=ax.get_xaxis_transform(),
                ha="center",
                va="bottom",
                fontsize=0.9 * size,
            )
        ax.set_title(ax.get_title(), pad=1.9 * size, fontsize=ax.title.get_size())
        return True

    def _draw_bars(self, ax, size):
        """Draw the stability of every cluster, with the marks and the sizes."""
        stability = np.mean(self.jaccard, axis=1)
        very, between, dissolved = _BARS
        colors = np.where(
            stability > _VERY_STABLE,
            very,
            np.where(stability < _DISSOLVED, dissolved, between),
        )
        places = np.arange(len(stability))
        self.bars_ = ax.barh(places, stability, height=0.8, color=colors)
        for mark in (_DISSOLVED, _VERY_STABLE):
            ax.axvline(mark, color="black", linewidth=1, linestyle="--")
        ax.set(xlim=(0, 1), ylim=(len(stability) - 0.5, -0.5), title="Stability")
        ax.set_xticks([0, _DISSOLVED, _VERY_STABLE], ["0", "0.5", "0.85"])
        ax.set_xlabel(
            "mean Jaccard index\nbelow 0.5: dissolved\nabove 0.85: very stable"
        )
        set_text_size(ax, size)
        step = _name_rows(ax, self.clusters, size)
        right = ax.secondary_yaxis("right")
        right.set_yticks(places[::step], [f"{n:,}" for n in self.sizes[::step]])
        right.tick_params(length=0, labelsize=ax.yaxis.get_ticklabels()[0].get_size())
        right.set_ylabel("samples", fontsize=size)


def _fitted_consensus(consensus):
    """The fitted ConsensusClustering, or an error that says what else came."""
    last = last_step(consensus)
    if hasattr(last, "cluster_jaccard_"):
        return last
    names = last.get_params(deep=False) if hasattr(last, "get_params") else ()
    if {"n_runs", "vary"} <= set(names):
        raise NotFittedError("This ConsensusClustering is not fitted. Call fit first.")
    raise TypeError(
        f"consensus must be a fitted ConsensusClustering, got {type(last).__name__}. "
        "Fit ConsensusClustering(estimator) to get several runs of an estimator."
    )


def _name_rows(ax, names, size):
    """Write names at the rows, every second one and so on if there are too many."""
    row = points_of(ax)[1] / len(names)
    step = int(np.ceil(_SMALLEST_TEXT / row))
    fontsize = min(0.9 * size, max(0.9 * row * step, _SMALLEST_TEXT))
    ax.set_yticks(range(0, len(names), step), names[::step], fontsize=fontsize)
    ax.set_ylabel("cluster", fontsize=size)
    ax.tick_params(axis="y", length=0)
    return step


def _frame(place, n_rows, width):
    """Frame around the cells of a run."""
    from matplotlib.patches import Rectangle

    return Rectangle(
        (place - 0.5, -0.5),
        1,
        n_rows,
        fill=False,
        edgecolor=_BEST,
        linewidth=width,
        path_effects=halo(1.6 * width),
        clip_on=False,
        zorder=3,
    )
