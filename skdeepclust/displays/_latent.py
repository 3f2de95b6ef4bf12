"""The embedding in two dimensions."""

import numpy as np

from skdeepclust._fitted import (
    as_rows,
    as_samples,
    centers_in,
    check_instance,
    check_labels,
    check_same_length,
    clustered_space,
    clusters_of,
    name_of,
)
from skdeepclust._sampling import check_max_samples, check_seed, stratified_sample
from skdeepclust.displays._film import film_of
from skdeepclust.displays._placing import pushed_apart
from skdeepclust.displays._projection import (
    check_projection,
    project,
    projection_name,
)
from skdeepclust.displays._style import (
    check_axes,
    color_of,
    count,
    halo,
    marker_of,
    panel_axes,
    points_of,
    set_text_size,
    text_size,
)

__all__ = ["LatentSpaceDisplay"]

# With more labels than this, their names are in the picture, not in a legend.
_MOST_IN_LEGEND = 10


class LatentSpaceDisplay:
    """The samples in the embedding, in two dimensions and coloured by cluster.

    Up to ten labels have a legend. More labels are written at the median of their
    points. With a value for every sample, such as a confidence, the colours show the
    values, and all labels are written at the medians.

    Parameters
    ----------
    points : ndarray of shape (n_drawn, 2)
        Projected samples.
    labels : ndarray of shape (n_drawn,), default=None
        Labels that decide the colours, of any type. None takes one colour.
    centers : ndarray of shape (n_clusters, 2), default=None
        Projected cluster centres.
    points_before : ndarray of shape (n_drawn, 2), default=None
        The same samples before joint training, for a second panel.
    projection_name : str, default="projection"
        Name of the projection, for title and axes.
    space_name : str, default="embedding"
        Name of the projected space, for the title.
    label_name : str, default="cluster"
        Title of the legend.
    values : ndarray of shape (n_drawn,), default=None
        Values that decide the colours instead of the labels. None takes the labels.
    value_name : str, default="value"
        Name of the values, for the colour bar.
    n_samples : int, default=None
        Number of samples that `points` were drawn from. None if all are drawn.
    indices : ndarray of shape (n_drawn,), default=None
        Positions of the drawn samples in X.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The panel of `points`; with `points_before` this is the second panel.
    axes_ : ndarray of matplotlib Axes
        One or two panels.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    SilhouetteDisplay : The separation of the clusters in numbers.

    Notes
    -----
    t-SNE keeps neighbours together. In its pictures the sizes of clusters and the gaps
    between them mean little, and data without clusters can show groups. Do not judge a
    clustering by them.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.cluster import KMeans
    >>> from sklearn.datasets import load_digits
    >>> from skdeepclust.displays import LatentSpaceDisplay
    >>> X = load_digits().data[:300]
    >>> kmeans = KMeans(10, random_state=0).fit(X)
    >>> display = LatentSpaceDisplay.from_estimator(kmeans, X, projection="pca")
    >>> display.points.shape, display.centers.shape
    ((300, 2), (10, 2))
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        points,
        labels=None,
        *,
        centers=None,
        points_before=None,
        projection_name="projection",
        space_name="embedding",
        label_name="cluster",
        values=None,
        value_name="value",
        n_samples=None,
        indices=None,
    ):
        self.points = points
        self.labels = labels
        self.centers = centers
        self.points_before = points_before
        self.projection_name = projection_name
        self.space_name = space_name
        self.label_name = label_name
        self.values = values
        self.value_name = value_name
        self.n_samples = n_samples
        self.indices = indices

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        y=None,
        values=None,
        value_name="value",
        projection="tsne",
        max_samples=2000,
        before=None,
        random_state=0,
        ax=None,
    ):
        """Draw the space that an estimator clusters.

        Parameters
        ----------
        estimator : fitted estimator, Pipeline or search
            Has `transform`. Clusterers of scikit-learn are drawn in the space of X.
        X : array-like
            Samples, as the estimator takes them.
        y : array-like of shape (n_samples,), default=None
            Labels that decide the colours, none missing. None takes the predicted
            clusters, or one colour if the estimator predicts none.
        values : array-like of shape (n_samples,), default=None
            A number per sample that decides the colours instead of the labels, such as
            the `agreement_` of a :class:`~skdeepclust.ConsensusClustering`. Finite.
        value_name : str, default="value"
            Name of the values, for the colour bar.
        projection : {"tsne", "pca"}, transformer or None, default="tsne"
            Projection to two dimensions: a name or a transformer. A copy of the
            transformer is fitted to samples and centres together, by `fit_transform`.
            None draws a two-dimensional embedding as it is.
        max_samples : int, default=2000
            Most samples to draw. Of more samples, a sample in proportion to the labels
            is drawn, with a minimum for rare labels. None draws all samples.
        before : fitted transformer or array of shape (n_samples, width), default=None
            An embedding to draw beside it: that of a transformer, such as the
            :class:`~skdeepclust.Autoencoder` of the pretraining, or an array. Both
            panels have the same samples in the same colours.
        random_state : int, RandomState instance or None, default=0
            Seed of the sample and of the projection.
        ax : matplotlib Axes, array of them, Figure or SubFigure, default=None
            Where to draw: an axes, two with `before`, or a figure to lay them out in.
            None makes a figure.

        Returns
        -------
        display : LatentSpaceDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If the estimator is a class or None, or if `max_samples` is not a whole
            number.
        ValueError
            If the projection does not return two columns, if X, `y`, `values` and
            `before` differ in length, if one of them has missing values, if `values`
            are no numbers, or if `max_samples` is below 1.
        """
        check_instance(estimator)
        check_axes(ax, 1 + (before is not None))
        check_projection(projection)
        check_max_samples(max_samples)
        check_seed(random_state)
        X = as_samples(X)
        labels = None if y is None else check_labels(y, "y")
        values = None if values is None else _as_values(values)
        check_same_length(X=X, y=labels, values=values)
        Z = clustered_space(estimator, X)
        # A data frame has a `transform` too.
        if hasattr(before, "transform") and not hasattr(before, "shape"):
            check_instance(before, "before")
            before = clustered_space(before, X)
        if y is None:
            labels = clusters_of(estimator, X)
        is_deep = hasattr(estimator, "transform") and hasattr(estimator, "module_")
        return cls._from_space(
            Z,
            labels,
            centers_in(estimator, Z),
            before,
            projection,
            max_samples,
            random_state,
            values,
            value_name=value_name,
            space_name=f"{'embedding' if is_deep else 'space'} of {name_of(estimator)}",
            label_name="cluster" if y is None else "class",
        ).plot(ax=ax)

    @classmethod
    def from_embedding(
        cls,
        Z,
        labels=None,
        *,
        values=None,
        value_name="value",
        centers=None,
        projection="tsne",
        max_samples=2000,
        before=None,
        random_state=0,
        ax=None,
    ):
        """Draw an embedding.

        Parameters
        ----------
        Z : array-like of shape (n_samples, width)
            Embeddings of the samples, or other points.
        labels : array-like of shape (n_samples,), default=None
            Labels that decide the colours, none missing. None takes one colour.
        values : array-like of shape (n_samples,), default=None
            As for :meth:`from_estimator`.
        value_name : str, default="value"
            As for :meth:`from_estimator`.
        centers : array-like of shape (n_clusters, width), default=None
            Cluster centres, projected together with the points.
        projection : {"tsne", "pca"}, transformer or None, default="tsne"
            As for :meth:`from_estimator`.
        max_samples : int, default=2000
            Most samples to draw. None draws all samples.
        before : array of shape (n_samples, other_width), default=None
            The same samples before joint training.
        random_state : int, RandomState instance or None, default=0
            Seed of the sample and of the projection.
        ax : matplotlib Axes, array of them, Figure or SubFigure, default=None
            Where to draw: an axes, two with `before`, or a figure to lay them out in.
            None makes a figure.

        Returns
        -------
        display : LatentSpaceDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If `max_samples` is not a whole number.
        ValueError
            If the projection does not return two columns, if the inputs differ in
            length or in width, if one of them has missing values, or if `max_samples`
            is below 1.
        """
        check_axes(ax, 1 + (before is not None))
        check_projection(projection)
        check_max_samples(max_samples)
        check_seed(random_state)
        return cls._from_space(
            Z,
            labels,
            centers,
            before,
            projection,
            max_samples,
            random_state,
            values,
            value_name=value_name,
        ).plot(ax=ax)

    @classmethod
    def animate(cls, recorder, *, y=None, projection="auto", title=None, seconds=0.6):
        """Make a film of an embedding while it was trained.

        Parameters
        ----------
        recorder : EmbeddingRecorder
            A :class:`skdeepclust.callbacks.EmbeddingRecorder` that was set before
            `fit`.
        y : array-like of shape (n_recorded,), default=None
            Labels of the recorded samples that decide the colours, such as
            ``y[recorder.indices_]``. None takes the clusters of every frame.
        projection : "auto", transformer or None, default="auto"
            "auto" draws two dimensions as they are, and the two main components of
            more. A transformer needs `fit` and `transform`: a copy is fitted to the
            embeddings of all frames together, so that all frames have the same axes.
            None draws two dimensions as they are.
        title : str, default=None
            Title of the film. None says that it is the embedding.
        seconds : float, default=0.6
            Seconds from one frame to the next.

        Returns
        -------
        film : LatentFilm
            A player in a notebook; ``film.save("film.html")`` writes a page.

        Raises
        ------
        ValueError
            If the recorder has no frames, if `y` has another length than they, if the
            embedding cannot be drawn by the projection, or if `seconds` is not
            positive.
        """
        return film_of(recorder, y, projection, title, seconds)

    @classmethod
    def _from_space(
        cls,
        Z,
        labels,
        centers,
        before,
        projection,
        max_samples,
        random_state,
        values,
        **names,
    ):
        """Draw a sample, and project it."""
        Z = as_rows(Z, "Z")
        if labels is not None:
            labels = check_labels(labels, "labels")
        if before is not None:
            before = as_rows(before, "before")
        values = None if values is None else _as_values(values)
        check_same_length(Z=Z, labels=labels, values=values, before=before)
        strata = np.zeros(len(Z), dtype=int) if labels is None else labels
        indices = stratified_sample(strata, max_samples, random_state)
        points, centers = project(projection, Z[indices], centers, random_state)
        if before is not None:
            before, _ = project(projection, before[indices], None, random_state)
        return cls(
            points,
            None if labels is None else labels[indices],
            centers=centers,
            points_before=before,
            projection_name=projection_name(projection),
            values=None if values is None else values[indices],
            n_samples=len(Z),
            indices=indices,
            **names,
        )

    def plot(self, ax=None):
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib Axes, array of them, Figure or SubFigure, default=None
            Where to draw: an axes, two with `points_before`, or a figure to lay them
            out in. None makes a figure.

        Returns
        -------
        display : LatentSpaceDisplay
            Itself.
        """
        has_before = self.points_before is not None
        for name in ("points", "centers", "points_before"):
            shape = np.shape(getattr(self, name))
            if getattr(self, name) is not None and shape[1:] != (2,):
                raise ValueError(f"{name} must have the shape (n, 2), got {shape}.")
        check_same_length(
            points=self.points,
            labels=self.labels,
            values=self.values,
            points_before=self.points_before,
        )
        axes = panel_axes(
            ax, 1 + has_before, (11, 5) if has_before else (6.4, 5), aspect=1
        )
        size = min(text_size(axis) for axis in axes)
        n_samples = self.n_samples or len(self.points)
        shown = count(len(self.points), n_samples)
        main = axes[-1]
        if has_before:
            self._draw(axes[0], self.points_before, None, size)
            axes[0].set_title(f"Before\n{shown}")
            main.set_title(f"After\n{shown}")
        else:
            main.set_title(f"{self.projection_name} of the {self.space_name}\n{shown}")
        self._draw(main, self.points, self.centers, size)
        self._add_legend(main, size)
        for axis in axes:
            set_text_size(axis, size)
        self.ax_, self.axes_, self.figure_ = main, axes, main.figure
        return self

    def _draw(self, ax, points, centers, size):
        """Draw the points of a panel, coloured by label or value, and the centres."""
        names, index = self._names_and_index()
        side = min(points_of(ax))
        for k in range(len(names)):
            ax.scatter(
                *points[index == k].T,
                s=np.clip(0.12 * side**2 / max(len(points), 1), 4, 30),
                marker=marker_of(k),
                label=str(names[k]),
                alpha=0.75,
                linewidths=0,
                **self._colors(index == k, color_of(k)),
            )
        is_crowded = self._has_names_in_picture()
        if centers is not None:
            # Beside the names a filled cross could be mistaken for a letter.
            look = (
                {"marker": "+", "s": 20, "color": "black"}
                if is_crowded
                else {
                    "marker": "X",
                    "s": np.clip(0.0008 * side**2, 15, 80),
                    "color": "white",
                    "edgecolors": "black",
                }
            )
            ax.scatter(*centers.T, label="centre", linewidths=0.8, zorder=3, **look)
        ax.set(xticks=[], yticks=[], aspect="equal", adjustable="datalim")
        ax.set_xlabel(f"{self.projection_name} 1")
        ax.set_ylabel(f"{self.projection_name} 2")
        if is_crowded:
            medians = [np.median(points[index == k], axis=0) for k in range(len(names))]
            share = 0.85 if len(names) <= 20 else 0.7
            _write_names(ax, names, np.array(medians), share * size)

    def _colors(self, chosen, color):
        """Colours of the chosen points: those of their values, or one colour."""
        if self.values is None:
            return {"color": color}
        low, high = np.min(self.values), np.max(self.values)
        return {"c": self.values[chosen], "cmap": "viridis", "vmin": low, "vmax": high}

    def _has_names_in_picture(self):
        """Whether labels are written at their points: many, or without own colours."""
        if self.labels is None:
            return False
        names, _ = self._names_and_index()
        return len(names) > _MOST_IN_LEGEND or self.values is not None

    def _names_and_index(self):
        """The labels, and for every point the index of its label."""
        if self.labels is None:
            return np.array(["sample"]), np.zeros(len(self.points), dtype=int)
        return np.unique(self.labels, return_inverse=True)

    def _add_legend(self, ax, size):
        """Add a colour bar for values, or a legend if there are few labels."""
        if self.values is not None:
            bar = ax.figure.colorbar(ax.collections[0], ax=ax, pad=0.02, aspect=30)
            bar.solids.set_alpha(1)
            bar.set_label(self.value_name, fontsize=size)
            bar.ax.tick_params(labelsize=size * 0.9)
        if self.labels is None or self._has_names_in_picture():
            return
        names, _ = self._names_and_index()
        legend = ax.legend(
            title=self.label_name,
            loc="center left",
            bbox_to_anchor=(1.0, 0.5),
            fontsize=size * 0.9,
            title_fontsize=size * 0.9,
            handletextpad=0.2,
            borderpad=0.3,
            labelspacing=0.35,
            frameon=False,
        )
        for handle in legend.legend_handles[: len(names)]:
            handle.set(sizes=[28], alpha=1)


def _as_values(values):
    """A finite number per sample."""
    rows = as_rows(values, "values")
    if rows.shape[1] != 1:
        raise ValueError(
            f"values must have one number per sample, got the shape {np.shape(values)}."
        )
    return rows[:, 0]


def _write_names(ax, names, medians, size):
    """Write names near the medians of their points, with lines to moved names."""
    low, high = np.array([ax.get_xlim(), ax.get_ylim()]).T
    # Both axes have the smaller of the two scales.
    scale = np.min(np.array(points_of(ax)) / (high - low))
    boxes = [(size * (0.7 * len(str(name)) + 0.3), 1.15 * size) for name in names]
    places = pushed_apart(medians * scale, np.array(boxes)) / scale
    for name, place, median in zip(names, places, medians, strict=True):
        if np.hypot(*(place - median)) * scale > size / 2:
            ax.plot(*np.array([place, median]).T, color="0.4", linewidth=0.6, zorder=3)
        ax.text(
            *place,
            str(name),
            ha="center",
            va="center_baseline",
            fontsize=size,
            fontweight="bold",
            path_effects=halo(),
            zorder=4,
        )
