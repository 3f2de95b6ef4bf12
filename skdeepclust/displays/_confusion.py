"""Clusters against known classes."""

import numpy as np
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix

from skdeepclust._fitted import (
    check_instance,
    check_labels,
    check_same_length,
    clusters_of,
    last_step,
    name_of,
)
from skdeepclust.displays._style import (
    check_axes,
    check_cmap,
    ink_on,
    points_of,
    set_text_size,
    single_axes,
    text_size,
)
from skdeepclust.metrics import clustering_accuracy, match_clusters

__all__ = ["ClusterConfusionDisplay"]

# Text size, in points, below which a number in a cell is illegible.
_SMALLEST_TEXT = 5.0

# Width of a digit, with some space around it, in multiples of its size.
_DIGIT_WIDTH = 0.66

# Inches of a cell in a new figure, of the margins, and of the widest figure.
_CELL, _AROUND, _WIDEST = 0.4, 1.6, 14.0

# What a cell is a share of, by the parameter `normalize`: the axis that is summed.
_SUMMED = {None: None, "class": 1, "cluster": 0}


class ClusterConfusionDisplay:
    """Numbers of samples by class (rows) and cluster (columns).

    Clusters are matched to classes one to one so that most samples agree
    (:func:`skdeepclust.metrics.match_clusters`). The matches are on the diagonal.
    Clusters and classes without a match come last, then the clusters without samples,
    which are hatched. Zeros are left blank.

    The title has ACC, the share of samples on the diagonal. With more clusters than
    classes it has the purity instead: the share of samples that are of the most
    frequent class of their cluster. ACC would count only one cluster per class.

    Parameters
    ----------
    table : ndarray of shape (n_classes, n_clusters)
        Numbers of samples.
    classes : ndarray of shape (n_classes,)
        Classes in the order of the rows.
    clusters : ndarray of shape (n_clusters,)
        Clusters in the order of the columns.
    accuracy : float, default=None
        Clustering accuracy for the title. None leaves it out.
    nmi : float, default=None
        Normalised mutual information for the title. None leaves it out.
    ari : float, default=None
        Adjusted Rand index for the title. None leaves it out.
    purity : float, default=None
        Purity for the title, with more clusters than classes. None leaves it out.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.
    im_ : matplotlib AxesImage
        The cells.
    text_ : list of matplotlib Text
        The numbers in the cells, row by row. Empty if the cells are too small for
        numbers; a colour bar is drawn instead.

    See Also
    --------
    skdeepclust.metrics.clustering_accuracy : The share on the diagonal.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skdeepclust.displays import ClusterConfusionDisplay
    >>> y, labels = ["cat", "cat", "dog", "dog"], [1, 1, 0, 2]
    >>> display = ClusterConfusionDisplay.from_predictions(y, labels)
    >>> display.clusters
    array([1, 0, 2])
    >>> display.table
    array([[2, 0, 0],
           [0, 1, 1]])
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        table,
        classes,
        clusters,
        *,
        accuracy=None,
        nmi=None,
        ari=None,
        purity=None,
    ):
        self.table = table
        self.classes = classes
        self.clusters = clusters
        self.accuracy = accuracy
        self.nmi = nmi
        self.ari = ari
        self.purity = purity

    @classmethod
    def from_estimator(cls, estimator, X, y, *, normalize=None, cmap="Blues", ax=None):
        """Draw the clusters that an estimator predicts against known classes.

        Parameters
        ----------
        estimator : fitted estimator, Pipeline or search
            Has `predict`, or `labels_` of the same X.
        X : array-like
            Samples, as the estimator takes them.
        y : array-like of shape (n_samples,)
            Classes: whole numbers, strings or booleans, none missing.
        normalize : {"class", "cluster"} or None, default=None
            Draw per cent of every class, or of every cluster, instead of numbers.
        cmap : str or matplotlib Colormap, default="Blues"
            Colours of the cells.
        ax : matplotlib Axes, Figure or SubFigure, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : ClusterConfusionDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If the estimator is a class or None, or has no clusters.
        ValueError
            If the lengths of X and y differ, if y has missing or continuous values, or
            if `normalize` is another word.
        """
        check_instance(estimator)
        check_axes(ax)
        check_cmap(cmap)
        _check_normalize(normalize)
        y = check_labels(y, "y")
        labels = clusters_of(estimator, X)
        if labels is None:
            raise TypeError(f"{name_of(estimator)} has neither predict nor labels_.")
        check_same_length(X=labels, y=y)
        display = cls._from_labels(y, labels, _empty_clusters(estimator, labels))
        return display.plot(ax=ax, normalize=normalize, cmap=cmap)

    @classmethod
    def from_predictions(cls, y_true, labels, *, normalize=None, cmap="Blues", ax=None):
        """Draw clusters against known classes.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            Classes: whole numbers, strings or booleans, none missing.
        labels : array-like of shape (n_samples,)
            Clusters, likewise.
        normalize : {"class", "cluster"} or None, default=None
            Draw per cent of every class, or of every cluster, instead of numbers.
        cmap : str or matplotlib Colormap, default="Blues"
            Colours of the cells.
        ax : matplotlib Axes, Figure or SubFigure, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : ClusterConfusionDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the inputs are empty, differ in length, or have missing or continuous
            values, if matplotlib does not know `cmap`, or if `normalize` is another
            word.
        """
        check_axes(ax)
        check_cmap(cmap)
        _check_normalize(normalize)
        y_true, labels = check_labels(y_true, "y_true"), check_labels(labels, "labels")
        check_same_length(y_true=y_true, labels=labels)
        display = cls._from_labels(y_true, labels, ())
        return display.plot(ax=ax, normalize=normalize, cmap=cmap)

    @classmethod
    def _from_labels(cls, y_true, labels, empty):
        """The display of checked labels, and of clusters without samples."""
        matching = match_clusters(y_true, labels)
        table = contingency_matrix(y_true, labels)
        classes, clusters = np.unique(y_true), np.unique(labels)
        rows, columns = _matched_order(table, classes, clusters, matching)
        purity = table.max(axis=0).sum() / table.sum()
        table = table[np.ix_(rows, columns)]
        has_purity = len(clusters) > len(classes)
        return cls(
            np.pad(table, ((0, 0), (0, len(empty)))),
            classes[rows],
            np.append(clusters[columns], empty) if len(empty) else clusters[columns],
            accuracy=None if has_purity else clustering_accuracy(y_true, labels),
            nmi=float(normalized_mutual_info_score(y_true, labels)),
            ari=float(adjusted_rand_score(y_true, labels)),
            purity=float(purity) if has_purity else None,
        )

    def plot(self, ax=None, *, normalize=None, cmap="Blues"):
        """Draw the table.

        Parameters
        ----------
        ax : matplotlib Axes, Figure or SubFigure, default=None
            Where to draw. None makes a figure.
        normalize : {"class", "cluster"} or None, default=None
            Draw per cent of every class, or of every cluster, instead of numbers.
        cmap : str or matplotlib Colormap, default="Blues"
            Colours of the cells.

        Returns
        -------
        display : ClusterConfusionDisplay
            Itself.
        """
        check_cmap(cmap)
        _check_normalize(normalize)
        shape = (len(self.classes), len(self.clusters))
        if np.shape(self.table) != shape:
            raise ValueError(
                f"table must have a row per class and a column per cluster, {shape}, "
                f"got {np.shape(self.table)}."
            )
        n_rows, n_columns = shape
        width = min(max(4.2, _CELL * n_columns + _AROUND), _WIDEST)
        ax = single_axes(ax, (width, max(3.6, _CELL * n_rows + _AROUND)))
        size = text_size(ax)
        width, height = points_of(ax)
        cell = (width / n_columns, height / n_rows)
        shown = _shares(self.table, normalize)
        self.im_ = ax.imshow(shown, cmap=cmap, aspect="auto")
        self.im_.set_clim(0, max(shown.max(), 1))
        self.text_ = self._write_numbers(ax, shown, cell, size)
        unit = "samples" if normalize is None else f"% of the {normalize}"
        if not self.text_:
            bar = ax.figure.colorbar(self.im_, ax=ax, pad=0.02)
            bar.set_label(unit, fontsize=size)
            bar.ax.tick_params(labelsize=size * 0.9)
        n_empty = self._hatch_empty_columns(ax)
        notes = [] if normalize is None else [unit]
        notes += [f"{n_empty} empty"] if n_empty else []
        ax.set(
            xlabel=f"cluster ({', '.join(notes)})" if notes else "cluster",
            ylabel="class",
            title=self._title(),
        )
        set_text_size(ax, size)
        self._name_ticks(ax, cell, size)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _hatch_empty_columns(self, ax):
        """Hatch the clusters without samples; return their number."""
        empty = np.flatnonzero(np.asarray(self.table).sum(axis=0) == 0)
        style = {"fill": False, "linewidth": 0, "hatch": "///", "alpha": 0.25}
        style["edgecolor"] = ink_on(self.im_.cmap(self.im_.norm(0)))
        for column in empty:
            ax.axvspan(column - 0.5, column + 0.5, **style)
        return len(empty)

    def _title(self):
        """The scores that are known."""
        scores = {"ACC": self.accuracy, "purity": self.purity}
        scores |= {"NMI": self.nmi, "ARI": self.ari}
        known = [
            f"{name} {value:.3f}" for name, value in scores.items() if value is not None
        ]
        return "   ".join(known)

    def _write_numbers(self, ax, shown, cell, size):
        """Write the numbers into the cells if they are legible there."""
        n_digits = len(f"{shown.max():.0f}")
        fitting = min(0.8 * cell[1], cell[0] / (n_digits * _DIGIT_WIDTH + 0.3))
        if fitting < _SMALLEST_TEXT:
            return []
        texts = []
        for (i, j), value in np.ndenumerate(shown):
            ink = ink_on(self.im_.cmap(self.im_.norm(value)))
            text = ax.text(
                j,
                i,
                f"{value:.0f}" if self.table[i, j] else "",
                ha="center",
                va="center",
                fontsize=min(size, fitting),
                color=ink,
            )
            texts.append(text)
        return texts

    def _name_ticks(self, ax, cell, size):
        """Write classes and clusters at the axes, upright if that is necessary."""
        rows, columns = self.table.shape
        clusters = [str(name) for name in self.clusters]
        classes = [str(name) for name in self.classes]
        size *= 0.9
        longest = max(map(len, clusters))
        is_upright = longest * _DIGIT_WIDTH * min(size, 7) > cell[0]
        ax.set_xticks(
            range(columns),
            clusters,
            rotation=90 if is_upright else 0,
            fontsize=min(size, max(4, 0.9 * cell[0])),
        )
        ax.set_yticks(range(rows), classes, fontsize=min(size, max(4, 0.9 * cell[1])))
        if not is_upright:
            width = longest * _DIGIT_WIDTH
            ax.tick_params(axis="x", labelsize=min(size, max(4, cell[0] / width)))


def _check_normalize(normalize):
    """Refuse another word."""
    if not isinstance(normalize, str | None) or normalize not in _SUMMED:
        raise ValueError(
            f"normalize={normalize!r} must be None (numbers of samples), 'class' or "
            "'cluster' (per cent of each)."
        )


def _shares(table, normalize):
    """The table, or per cent of its rows or columns."""
    if normalize is None:
        return table
    sums = np.sum(table, axis=_SUMMED[normalize], keepdims=True)
    return 100 * table / np.maximum(sums, 1)


def _empty_clusters(estimator, labels):
    """Clusters of the estimator that have no samples, by its centres."""
    centers = getattr(last_step(estimator), "cluster_centers_", None)
    if centers is None or np.asarray(labels).dtype.kind not in "iu":
        return np.array([], dtype=int)
    return np.setdiff1d(np.arange(len(centers)), labels)


def _matched_order(table, classes, clusters, matching):
    """Order of rows and columns: matches on the diagonal, unmatched ones last."""
    row_of = {name: i for i, name in enumerate(classes.tolist())}
    matches = {
        row_of[matching[name]]: column
        for column, name in enumerate(clusters.tolist())
        if name in matching
    }
    rows = sorted(matches)
    columns = [matches[row] for row in rows]
    rows += [row for row in range(len(classes)) if row not in matches]
    # Unmatched clusters are sorted by their most frequent class.
    unmatched = set(range(len(clusters))) - set(columns)
    columns += sorted(unmatched, key=lambda column: (table[:, column].argmax(), column))
    return rows, columns
