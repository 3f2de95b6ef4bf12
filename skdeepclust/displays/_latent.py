"""The embedding in two dimensions."""

import numpy as np
from scipy.spatial.distance import cdist

from skdeepclust._fitted import (
    as_rows,
    as_samples,
    centers_in,
    check_instance,
    check_labels,
    check_same_length,
    clustered_space,
    clusters_of,
    count_samples,
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
from skdeepclust.displays._side_by_side import (
    check_estimators,
    check_layout,
    recoloured,
    side_by_side,
)
from skdeepclust.displays._style import (
    check_axes,
    color_of,
    count,
    grey,
    halo,
    ink,
    marker_of,
    panel_axes,
    points_of,
    set_text_size,
    text_size,
)

__all__ = ["LatentSpaceDisplay"]

# With more labels than this, their names are in the picture, not in a legend.
_MOST_IN_LEGEND = 10

# In a new figure: width of the picture and of the legend in inches, the flattest and
# the tallest picture, and inches of titles and axis.
_WIDTH, _LEGEND, _FLATTEST, _TALLEST, _AROUND = 5.2, 1.2, 0.45, 1.3, 0.8


class LatentSpaceDisplay:
    """The samples in the embedding, in two dimensions and coloured by cluster.

    Up to ten labels have a legend. More labels are written at the medoids of their
    points: the point with the smallest sum of distances to the others. With a value
    for every sample, such as a confidence, the colours show the values, and all labels
    are written at the medoids. Further uses of the ten colours are darker, then
    lighter, and have other markers. Samples without a cluster (-1) are small and grey.

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
    panels : dict of str to LatentSpaceDisplay, default=None
        Several displays of the same samples by title, drawn side by side instead.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The panel of `points`; with `points_before` or `panels` this is the last panel.
    axes_ : ndarray of matplotlib Axes
        All panels.
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
        panels=None,
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
        self.panels = panels

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
    def from_estimators(
        cls,
        estimators,
        X,
        *,
        y=None,
        reference=None,
        layout="own",
        projection="tsne",
        max_samples=1000,
        random_state=0,
        ax=None,
    ):
        """Draw the same samples for several estimators, side by side.

        Parameters
        ----------
        estimators : dict of str to estimator, or list of estimators
            Fitted estimators, by the titles of their panels. A list has the names of
            the classes as titles. All of them take X.
        X : array-like
            Samples, as the estimators take them.
        y : array-like of shape (n_samples,), default=None
            Labels that decide the colours in all panels, such as classes. None takes
            the clusters of each estimator.
        reference : array-like of shape (n_samples,), default=None
            Labels that name and colour the clusters, such as classes: a cluster takes
            the label that it is matched to one to one
            (:func:`skdeepclust.metrics.match_clusters`). Further clusters have other
            colours. None takes the clusters of the first estimator.
        layout : {"own", "first"} or array of shape (n_samples, width), default="own"
            Where the samples are. "own" is the space of each estimator: t-SNE begins
            with the places of the first panel, and the picture is turned and mirrored
            towards it. "first" is the space of the first estimator in all panels, so
            that only the colours differ. An array is such a space, too.
        projection : {"tsne", "pca"}, transformer or None, default="tsne"
            As for :meth:`from_estimator`.
        max_samples : int, default=1000
            Most samples to draw. None draws all samples.
        random_state : int, RandomState instance or None, default=0
            Seed of the sample and of the projection.
        ax : array of matplotlib Axes, Figure or SubFigure, default=None
            Where to draw: an axes per estimator, or a figure to lay them out in. None
            makes a figure.

        Returns
        -------
        display : LatentSpaceDisplay
            The display, drawn. Its `panels` has a display per estimator.

        Raises
        ------
        TypeError
            If `estimators` is neither a dict nor a list, or holds something else than
            estimators.
        ValueError
            If there are no estimators, if inputs differ in length, or if `layout` or
            `projection` is another word.
        """
        named = check_estimators(estimators)
        check_layout(layout)
        check_axes(ax, len(named))
        check_projection(projection)
        check_max_samples(max_samples)
        check_seed(random_state)
        X = as_samples(X)
        y = None if y is None else check_labels(y, "y")
        reference = None if reference is None else check_labels(reference, "reference")
        check_same_length(X=X, y=y, reference=reference)
        labels = _labels_of(named, X, y, reference)
        first = next(iter(labels.values()))
        strata = np.zeros(count_samples(X)) if first is None else first
        indices = stratified_sample(strata, max_samples, random_state)
        places = side_by_side(named, X, layout, indices, projection, random_state)
        shared = {
            "projection_name": projection_name(projection),
            "label_name": "cluster" if y is None else "class",
            "n_samples": count_samples(X),
            "indices": indices,
        }
        panels = {}
        for name, (points, centers) in places.items():
            drawn = None if labels[name] is None else labels[name][indices]
            panels[name] = cls(points, drawn, centers=centers, **shared)
        last = panels[name]
        display = cls(last.points, last.labels, centers=last.centers, **shared)
        display.panels = panels
        return display.plot(ax=ax)

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
        if self.panels is not None:
            return self._plot_panels(ax)
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
        figsize = (11, 5) if has_before else self._figsize()
        axes = panel_axes(ax, 1 + has_before, figsize, aspect=1)
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

    def _plot_panels(self, ax):
        """Draw the panels, with one legend."""
        panels = list(self.panels.values())
        n_columns = 2 if len(panels) == 4 else min(len(panels), 3)
        n_rows = -(-len(panels) // n_columns)
        axes = panel_axes(ax, len(panels), (3.6 * n_columns, 3.4 * n_rows), aspect=1)
        size = min(text_size(axis) for axis in axes)
        known = [panel.labels for panel in panels if panel.labels is not None]
        names = np.unique(np.concatenate(known)) if known else None
        for axis, title, panel in zip(axes, self.panels, panels, strict=True):
            panel._draw(axis, panel.points, panel.centers, size, names)
            axis.set(title=title, xlabel="", ylabel="")
            set_text_size(axis, size)
        shown = count(len(self.points), self.n_samples or len(self.points))
        axes[0].set_xlabel(f"{self.projection_name}, {shown}", fontsize=size * 0.9)
        if names is not None and len(names) <= _MOST_IN_LEGEND:
            corners = [axis.get_position().p1.round(3).tolist() for axis in axes]
            self._add_legend(axes[corners.index(max(corners))], size)
        self.ax_, self.axes_, self.figure_ = axes[-1], axes, axes[-1].figure
        return self

    def _figsize(self):
        """Width and height of a new figure of one panel, in the shape of the points."""
        width, height = np.maximum(np.ptp(self.points, axis=0), 1e-12)
        shape = np.clip(height / width, _FLATTEST, _TALLEST)
        has_beside = self.labels is not None or self.values is not None
        beside = 0 if not has_beside or self._is_written_only() else _LEGEND
        return _WIDTH + beside, _WIDTH * shape + _AROUND

    def _draw(self, ax, points, centers, size, shared_names=None):
        """Draw the points of a panel, coloured by label or value, and the centres."""
        names, index = self._names_and_index()
        if shared_names is not None and self.labels is not None:
            names, index = shared_names, np.searchsorted(shared_names, self.labels)
        first = int(self._has_noise(names))  # -1, the smallest, has no colour
        present = np.unique(index[index >= first])
        side = min(points_of(ax))
        area = np.clip(0.12 * side**2 / max(len(points), 1), 4, 30)
        for k in range(len(names)):
            color = color_of(k - first) if k >= first else grey(0.7)
            ax.scatter(
                *points[index == k].T,
                s=area if k >= first else area / 2,
                marker=marker_of(max(k - first, 0)),
                label=str(names[k]),
                alpha=0.75,
                linewidths=0,
                **self._colors(index == k, color),
            )
        is_crowded = self.values is not None or len(names) > _MOST_IN_LEGEND
        is_crowded &= self.labels is not None
        if centers is not None and not is_crowded:  # the names would hide them
            area = np.clip(0.0008 * side**2, 15, 80)
            look = {"marker": "X", "s": area, "color": "white", "edgecolors": "black"}
            ax.scatter(*centers.T, label="centre", linewidths=0.8, zorder=3, **look)
        ax.set(xticks=[], yticks=[], aspect="equal", adjustable="datalim")
        ax.set_xlabel(f"{self.projection_name} 1")
        ax.set_ylabel(f"{self.projection_name} 2")
        if is_crowded:
            medoids = [_medoid(points[index == k]) for k in present]
            share = 0.85 if len(names) <= 20 else 0.7
            _write_names(ax, names[present], np.array(medoids), share * size)

    def _has_noise(self, names):
        """Whether the first name is -1, which clusterers give to samples of none."""
        if self.label_name != "cluster" or names.dtype.kind not in "iu":
            return False
        return names[0] == -1 and names.tolist() != [-1, 1]

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

    def _is_written_only(self):
        """Whether there is nothing beside the picture: neither legend nor colours."""
        return self.values is None and self._has_names_in_picture()

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
        for handle in legend.legend_handles:
            if handle.get_label() != "centre":
                handle.set(sizes=[28], alpha=1)


def _labels_of(estimators, X, y, reference):
    """Labels of every estimator: the same y, or its clusters, named by a reference."""
    if y is not None:
        return dict.fromkeys(estimators, y)
    labels = {name: clusters_of(each, X) for name, each in estimators.items()}
    for name, found in labels.items():
        if found is not None:
            labels[name] = check_labels(found, f"the clusters of {name!r}")
            reference = labels[name] if reference is None else reference
    return {
        name: None if found is None else recoloured(found, reference)
        for name, found in labels.items()
    }


def _as_values(values):
    """A finite number per sample."""
    rows = as_rows(values, "values")
    if rows.shape[1] != 1:
        raise ValueError(
            f"values must have one number per sample, got the shape {np.shape(values)}."
        )
    return rows[:, 0]


def _medoid(points):
    """The point with the smallest sum of distances to the others."""
    return points[cdist(points, points).sum(axis=1).argmin()]


def _write_names(ax, names, anchors, size):
    """Write names near their anchors, with lines to moved names."""
    low, high = np.array([ax.get_xlim(), ax.get_ylim()]).T
    # Both axes have the smaller of the two scales.
    scale = np.min(np.array(points_of(ax)) / (high - low))
    boxes = [(size * (0.7 * len(str(name)) + 0.3), 1.15 * size) for name in names]
    places = pushed_apart(anchors * scale, np.array(boxes)) / scale
    for name, place, anchor in zip(names, places, anchors, strict=True):
        if np.hypot(*(place - anchor)) * scale > size / 2:
            line = {"color": grey(0.3), "linewidth": 0.6, "zorder": 3}
            ax.plot(*np.array([place, anchor]).T, **line)
        ax.text(
            *place,
            str(name),
            ha="center",
            va="center_baseline",
            fontsize=size,
            fontweight="bold",
            color=ink(),
            path_effects=halo(),
            zorder=4,
        )
