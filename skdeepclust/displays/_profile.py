"""Effect sizes of the columns of a table, by cluster."""

import numpy as np

from skdeepclust._effects import strength
from skdeepclust._fitted import check_instance, clusters_of, name_of
from skdeepclust._profile import ClusterProfile, cluster_profile
from skdeepclust._sampling import check_count
from skdeepclust.displays._style import (
    check_axes,
    check_cmap,
    grey,
    ink,
    ink_on,
    points_of,
    set_text_size,
    single_axes,
    text_size,
)

__all__ = ["ClusterProfileDisplay"]

# Inches of a row in a new figure, of a column, and of one of few columns.
_ROW, _COLUMN, _WIDE_COLUMN, _FEW = 0.25, 0.42, 0.58, 12

# Inches of a letter of the names, and of title, axis and colour bar.
_LETTER, _ABOVE, _BAR = 0.085, 1.1, 1.1

# Longest name of a feature, in letters.
_LONGEST = 32

# The colours reach at least this effect, so that weak effects look weak, and at most
# the other, so that one strong effect does not make all others pale.
_LEAST_LIMIT, _MOST_LIMIT = 0.8, 3.0

# Text size, in points, below which a number in a cell is illegible.
_SMALLEST_TEXT = 5.0

# Width of a digit in multiples of its size.
_DIGIT_WIDTH = 0.62


class ClusterProfileDisplay:
    """Effect sizes as a heat map: features in rows, clusters in columns.

    A cell is the difference between a cluster and all other samples, in standard
    deviations (:func:`skdeepclust.inspection.cluster_profile`). A feature is a numeric
    column or a category, such as "plan = pro". The features are sorted by the cluster
    in which they are clearest, so that what distinguishes a cluster stands together.
    Those that are clear in no cluster come last. A cell is pale grey if the effect is
    undefined. A number is in brackets if its 95 % interval contains zero.

    Parameters
    ----------
    effects : ndarray of shape (n_features, n_clusters)
        Effects, in the order of the rows and columns.
    is_clear : ndarray of bool of shape (n_features, n_clusters)
        Whether the interval of an effect leaves out zero.
    features : ndarray of shape (n_features,)
        Names of the rows.
    clusters : ndarray of shape (n_clusters,)
        Names of the columns.
    sizes : ndarray of shape (n_clusters,)
        Number of samples in each cluster.
    n_features : int, default=None
        Number of all features, drawn or not. None: all are drawn.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.
    im_ : matplotlib AxesImage
        The cells.
    text_ : list of matplotlib Text
        The numbers in the cells, row by row. Empty if the cells are too small.

    See Also
    --------
    skdeepclust.inspection.cluster_profile : The numbers, with their intervals.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_iris
    >>> from skdeepclust.displays import ClusterProfileDisplay
    >>> iris = load_iris(as_frame=True)
    >>> display = ClusterProfileDisplay.from_data(iris.data, iris.target)
    >>> display.effects.shape
    (4, 3)
    >>> plt.close(display.figure_)
    """

    def __init__(
        self, effects, is_clear, features, clusters, sizes, *, n_features=None
    ):
        self.effects = effects
        self.is_clear = is_clear
        self.features = features
        self.clusters = clusters
        self.sizes = sizes
        self.n_features = n_features

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        feature_names=None,
        max_features=40,
        cmap="RdBu_r",
        ax=None,
    ):
        """Draw the profile of the clusters that an estimator predicts.

        Parameters
        ----------
        estimator : fitted estimator, Pipeline or search
            Has `predict`, or `labels_` of the same X.
        X : DataFrame or array-like of shape (n_samples, n_features)
            The table, as the estimator takes it.
        feature_names : sequence of str, default=None
            Names of the columns. None takes those of the data frame.
        max_features : int, default=40
            Most rows: those with the clearest effects. None draws all.
        cmap : str or matplotlib Colormap, default="RdBu_r"
            Colours of the cells; a diverging map.
        ax : matplotlib Axes, Figure or SubFigure, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : ClusterProfileDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If the estimator is a class or None, or has no clusters, or if X is no
            table.
        ValueError
            If all samples are in one cluster, or if a parameter is out of range.
        """
        check_instance(estimator)
        check_axes(ax)
        check_cmap(cmap)
        _check_max_features(max_features)
        labels = clusters_of(estimator, X)
        if labels is None:
            raise TypeError(f"{name_of(estimator)} has neither predict nor labels_.")
        return cls.from_data(
            X,
            labels,
            feature_names=feature_names,
            max_features=max_features,
            cmap=cmap,
            ax=ax,
        )

    @classmethod
    def from_data(
        cls, X, labels, *, feature_names=None, max_features=40, cmap="RdBu_r", ax=None
    ):
        """Draw the profile of clusters of a table.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
            The table, before scaling and encoding.
        labels : array-like of shape (n_samples,)
            Clusters: whole numbers, strings or booleans; -1 means unassigned.
        feature_names : sequence of str, default=None
            Names of the columns. None takes those of the data frame.
        max_features : int, default=40
            Most rows: those with the clearest effects. None draws all.
        cmap : str or matplotlib Colormap, default="RdBu_r"
            Colours of the cells; a diverging map.
        ax : matplotlib Axes, Figure or SubFigure, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : ClusterProfileDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If X is no table, or if labels are of several types.
        ValueError
            If X and labels do not match, if labels are missing or all the same, or if a
            parameter is out of range.
        """
        check_axes(ax)
        check_cmap(cmap)
        _check_max_features(max_features)
        profile = cluster_profile(X, labels, feature_names=feature_names)
        return cls.from_profile(profile, max_features=max_features, cmap=cmap, ax=ax)

    @classmethod
    def from_profile(cls, profile, *, max_features=40, cmap="RdBu_r", ax=None):
        """Draw a profile that is known already.

        Parameters
        ----------
        profile : ClusterProfile
            Result of :func:`skdeepclust.inspection.cluster_profile`.
        max_features : int, default=40
            Most rows: those with the clearest effects. None draws all.
        cmap : str or matplotlib Colormap, default="RdBu_r"
            Colours of the cells; a diverging map.
        ax : matplotlib Axes, Figure or SubFigure, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : ClusterProfileDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If `profile` is something else.
        ValueError
            If `max_features` is below 1.
        """
        check_axes(ax)
        check_cmap(cmap)
        _check_max_features(max_features)
        if not isinstance(profile, ClusterProfile):
            raise TypeError(
                "profile must be the result of inspection.cluster_profile(X, labels), "
                f"got {type(profile).__name__}. Of a table, use from_data(X, labels)."
            )
        clusters = list(profile.sizes.index)
        wide = profile.effects.pivot(index="feature", columns="cluster")
        effects, errors = (
            wide[name].reindex(columns=clusters).to_numpy()
            for name in ("effect", "standard_error")
        )
        rows = _order(effects, strength(effects, errors), max_features)
        display = cls(
            effects[rows],
            strength(effects, errors)[rows] > 0,
            wide.index.to_numpy()[rows],
            np.array(clusters),
            profile.sizes.to_numpy(),
            n_features=len(wide),
        )
        return display.plot(ax=ax, cmap=cmap)

    def plot(self, ax=None, *, cmap="RdBu_r"):
        """Draw the heat map.

        Parameters
        ----------
        ax : matplotlib Axes, Figure or SubFigure, default=None
            Where to draw. None makes a figure.
        cmap : str or matplotlib Colormap, default="RdBu_r"
            Colours of the cells; a diverging map.

        Returns
        -------
        display : ClusterProfileDisplay
            Itself.
        """
        check_cmap(cmap)
        shape = (len(self.features), len(self.clusters))
        for name in ("effects", "is_clear"):
            if np.shape(getattr(self, name)) != shape:
                raise ValueError(
                    f"{name} must have a row per feature and a column per cluster, "
                    f"{shape}, got {np.shape(getattr(self, name))}."
                )
        names = [_shortened(str(name)) for name in self.features]
        ax = single_axes(ax, _figure_size(names, len(self.clusters)))
        size = text_size(ax)
        limit = self._limit()
        shown = np.ma.masked_invalid(np.clip(self.effects, -99, 99))
        self.im_ = ax.imshow(shown, cmap=cmap, aspect="auto", vmin=-limit, vmax=limit)
        ax.set_facecolor(grey(0.9))
        beyond = "both" if (np.abs(shown) > limit).any() else "neither"
        bar = ax.figure.colorbar(
            self.im_, ax=ax, pad=0.02, aspect=30, extend=beyond, extendfrac=0.03
        )
        bar.set_label("effect, in standard deviations", fontsize=size)
        bar.ax.tick_params(labelsize=size * 0.9)
        ax.set_title(self._title())
        set_text_size(ax, size)
        self._name_ticks(ax, names, size)
        self._draw_lines(ax)
        self.text_ = self._write_numbers(ax, size)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _limit(self):
        """The effect at which the colours end."""
        sizes = np.abs(self.effects[np.isfinite(self.effects)])
        high = np.quantile(sizes, 0.95) if len(sizes) else _LEAST_LIMIT
        return float(np.clip(high, _LEAST_LIMIT, _MOST_LIMIT))

    def _title(self):
        """How many of the features are drawn."""
        n_shown = len(self.features)
        if self.n_features in (None, n_shown):
            return "Clusters against the rest"
        return f"Clusters against the rest\n{n_shown} of {self.n_features} features"

    def _name_ticks(self, ax, names, size):
        """Write the features at the left, and clusters and their sizes below."""
        width, height = points_of(ax)
        width /= len(self.clusters)
        row = height / len(names)
        ax.set_yticks(range(len(names)), names, fontsize=min(0.9 * size, 0.9 * row))
        labels = [
            f"{name}\n({count:,})"
            for name, count in zip(self.clusters, self.sizes, strict=True)
        ]
        longest = max(len(line) for label in labels for line in label.split("\n"))
        is_upright = longest * _DIGIT_WIDTH * 0.9 * size > width
        if is_upright:
            labels = [label.replace("\n", " ") for label in labels]
        ax.set_xticks(
            range(len(labels)),
            labels,
            rotation=90 if is_upright else 0,
            fontsize=min(0.9 * size, width) if is_upright else 0.9 * size,
        )
        ax.tick_params(length=0)
        note = "; -1: unassigned" if self._unassigned().any() else ""
        ax.set_xlabel(f"cluster (size){note}", fontsize=size)

    def _unassigned(self):
        """Mask of the group of unassigned samples."""
        clusters = np.asarray(self.clusters)
        is_number = clusters.dtype.kind in "iu"
        return clusters == -1 if is_number else np.zeros(len(clusters), dtype=bool)

    def _draw_lines(self, ax):
        """White lines between the cells, and a black one in front of the unassigned."""
        n_rows, n_columns = np.shape(self.effects)
        ax.set_xticks(np.arange(n_columns - 1) + 0.5, minor=True)
        ax.set_yticks(np.arange(n_rows - 1) + 0.5, minor=True)
        ax.grid(which="minor", color=grey(1), linewidth=0.8)
        ax.tick_params(which="minor", length=0)
        for column in np.flatnonzero(self._unassigned()):
            ax.axvline(column - 0.5, color=ink(), linewidth=1.2)

    def _write_numbers(self, ax, size):
        """Write the effects into the cells if they are legible there."""
        width, height = points_of(ax)
        n_rows, n_columns = np.shape(self.effects)
        labels = [
            _number(value) if clear or not np.isfinite(value) else f"({_number(value)})"
            for value, clear in zip(
                self.effects.ravel(), self.is_clear.ravel(), strict=True
            )
        ]
        longest = max(map(len, labels))
        fitting = min(
            0.8 * height / n_rows, width / n_columns / (longest * _DIGIT_WIDTH + 0.3)
        )
        if fitting < _SMALLEST_TEXT:
            return []
        texts = []
        for (i, j), label in zip(np.ndindex(n_rows, n_columns), labels, strict=True):
            shade = np.clip(np.nan_to_num(self.effects[i, j]), -99, 99)
            color = self.im_.cmap(self.im_.norm(shade))
            text = ax.text(
                j,
                i,
                label,
                ha="center",
                va="center",
                fontsize=min(0.85 * size, fitting),
                color=ink_on(color),
            )
            texts.append(text)
        return texts


def _check_max_features(max_features):
    """Refuse anything but None and whole numbers from 1."""
    if max_features is not None:
        check_count(max_features, "max_features")


def _order(effects, clear, max_features):
    """Rows to draw: the clearest, sorted by the cluster in which they are clearest.

    In front are those that are high in their cluster, and the clearest of them. Those
    that are clear in no cluster come last.
    """
    kept = np.argsort(-clear.max(axis=1), kind="stable")[:max_features]
    effects, clear = effects[kept], clear[kept]
    # Of two clusters that are each other's rest, the one with more comes first.
    cluster = (clear + 1e-9 * (effects > 0)).argmax(axis=1)
    place = np.arange(len(kept)), cluster
    is_unclear, is_low = clear[place] <= 0, effects[place] < 0
    return kept[np.lexsort((-clear[place], is_low, cluster, is_unclear))]


def _figure_size(names, n_clusters):
    """Width and height in inches: a row for every feature, room for its name."""
    column = _WIDE_COLUMN if n_clusters <= _FEW else _COLUMN
    width = max(map(len, names)) * _LETTER + n_clusters * column + _BAR
    return max(5.0, width), max(3.0, len(names) * _ROW + _ABOVE)


def _shortened(name):
    """A name without its middle if it is too long."""
    if len(name) <= _LONGEST:
        return name
    half = (_LONGEST - 1) // 2
    return f"{name[:half]}…{name[-half:]}"


def _number(value):
    """An effect with few digits."""
    if np.isnan(value):
        return ""
    if np.isinf(value):
        return "+∞" if value > 0 else "-∞"
    if abs(value) < 0.05:
        return "0.0"
    return f"{value:+.0f}" if abs(value) >= 9.95 else f"{value:+.1f}"
