"""Picture of a latent space in two dimensions."""

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d

from skdeepclust._fitted import (
    as_rows,
    centers_in,
    clustered_space,
    clusters_of,
    name_of,
)
from skdeepclust._sampling import stratified_sample
from skdeepclust.displays._placing import pushed_apart
from skdeepclust.displays._projection import project, projection_name
from skdeepclust.displays._style import (
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

# With more labels than this, numbers in the picture are read better than a legend.
_MOST_IN_LEGEND = 10


class LatentSpaceDisplay:
    """The samples in the latent space, in two dimensions and coloured by cluster.

    Up to ten labels have a legend; more are written at the median of their points.

    Parameters
    ----------
    points : ndarray of shape (n_drawn, 2)
        Samples in the picture.
    labels : ndarray of shape (n_drawn,), default=None
        Labels to colour by, of any type. None: one colour.
    centers : ndarray of shape (n_clusters, 2), default=None
        Cluster centres in the picture.
    points_before : ndarray of shape (n_drawn, 2), default=None
        The same samples before joint training, drawn in a panel of their own.
    projection_name : str, default="projection"
        Name of what made the picture, for title and axes.
    space_name : str, default="codes"
        What was projected, for the title.
    label_name : str, default="cluster"
        What the labels are, for the legend.
    n_samples : int, default=None
        Number of samples that `points` were drawn from. None: all are drawn.
    indices : ndarray of shape (n_drawn,), default=None
        Which of the samples these are.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Panel of the latent space, the second one where there is a panel before.
    axes_ : ndarray of matplotlib Axes
        All panels, 1 or 2.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    SilhouetteDisplay : The separation of the clusters in numbers.

    Notes
    -----
    t-SNE keeps neighbours together; sizes of clusters and gaps between them mean
    little in its pictures, and it makes groups of data without any. Do not read the
    quality of a clustering from them.

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
        space_name="codes",
        label_name="cluster",
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
        self.n_samples = n_samples
        self.indices = indices

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        y=None,
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
            Has `transform`; scikit-learn's own clusterers are drawn in the space of X.
        X : array-like
            Samples, as the estimator takes them.
        y : array-like of shape (n_samples,), default=None
            Labels to colour by. None takes the clusters that are predicted; one
            colour where the estimator predicts none.
        projection : {"tsne", "pca"}, transformer or None, default="tsne"
            What makes the picture: a name, or a transformer to two dimensions, of
            which a copy gets `fit_transform` of samples and centres together. None
            takes codes of width 2 as they are.
        max_samples : int, default=2000
            Most samples to draw. Of more a sample is drawn, in which every label
            keeps its share and small ones some more. None draws all.
        before : fitted transformer or array of shape (n_samples, width), default=None
            What to draw beside it: a transformer such as the
            :class:`~skdeepclust.Autoencoder` of the pretraining, or its codes of X.
            Both panels have the same samples in the same colours.
        random_state : int, RandomState instance or None, default=0
            Governs the sample and the projection.
        ax : matplotlib Axes, array of them, Figure or SubFigure, default=None
            Where to draw: an axes, two with `before`, or a figure to lay them out in.
            None makes a figure.

        Returns
        -------
        display : LatentSpaceDisplay
            The display, drawn.
        """
        Z = clustered_space(estimator, X)
        # A data frame has a `transform` too.
        if hasattr(before, "transform") and not hasattr(before, "shape"):
            before = clustered_space(before, X)
        labels = clusters_of(estimator, X) if y is None else y
        of_codes = hasattr(estimator, "transform") and hasattr(estimator, "module_")
        return cls._from_space(
            Z,
            labels,
            centers_in(estimator, Z),
            before,
            projection,
            max_samples,
            random_state,
            space_name=f"{'codes' if of_codes else 'space'} of {name_of(estimator)}",
            label_name="cluster" if y is None else "class",
        ).plot(ax=ax)

    @classmethod
    def from_embedding(
        cls,
        Z,
        labels=None,
        *,
        centers=None,
        projection="tsne",
        max_samples=2000,
        before=None,
        random_state=0,
        ax=None,
    ):
        """Draw points of a latent space.

        Parameters
        ----------
        Z : array-like of shape (n_samples, width)
            Points.
        labels : array-like of shape (n_samples,), default=None
            Labels to colour by. None: one colour.
        centers : array-like of shape (n_clusters, width), default=None
            Cluster centres, projected together with the points.
        projection : {"tsne", "pca"}, transformer or None, default="tsne"
            As for :meth:`from_estimator`.
        max_samples : int, default=2000
            Most samples to draw. None draws all.
        before : array of shape (n_samples, other_width), default=None
            The same samples before joint training.
        random_state : int, RandomState instance or None, default=0
            Governs the sample and the projection.
        ax : matplotlib Axes, array of them, Figure or SubFigure, default=None
            Where to draw: an axes, two with `before`, or a figure to lay them out in.
            None makes a figure.

        Returns
        -------
        display : LatentSpaceDisplay
            The display, drawn.
        """
        display = cls._from_space(
            Z, labels, centers, before, projection, max_samples, random_state
        )
        return display.plot(ax=ax)

    @classmethod
    def _from_space(
        cls, Z, labels, centers, before, projection, max_samples, random_state, **names
    ):
        Z = as_rows(Z)
        if labels is not None:
            labels = column_or_1d(labels)
        if before is not None:
            before = as_rows(before)
        check_consistent_length(Z, labels, before)
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
            n_samples=len(Z),
            indices=indices,
            **names,
        )

    def plot(self, ax=None):
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib Axes, array of them, Figure or SubFigure, default=None
            Where to draw: an axes, two with a panel before, or a figure to lay them
            out in. None makes a figure.

        Returns
        -------
        display : LatentSpaceDisplay
            Itself.
        """
        has_before = self.points_before is not None
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
        names, codes = self._names_and_codes()
        side = min(points_of(ax))
        for k in range(len(names)):
            ax.scatter(
                *points[codes == k].T,
                s=np.clip(0.12 * side**2 / max(len(points), 1), 4, 30),
                color=color_of(k),
                marker=marker_of(k),
                label=str(names[k]),
                alpha=0.75,
                linewidths=0,
            )
        is_crowded = len(names) > _MOST_IN_LEGEND
        if centers is not None:
            # A cross with a face would pass for a digit beside the names.
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
            medians = [np.median(points[codes == k], axis=0) for k in range(len(names))]
            share = 0.85 if len(names) <= 20 else 0.7
            _write_names(ax, names, np.array(medians), share * size)

    def _names_and_codes(self):
        if self.labels is None:
            return np.array(["sample"]), np.zeros(len(self.points), dtype=int)
        return np.unique(self.labels, return_inverse=True)

    def _add_legend(self, ax, size):
        names, _ = self._names_and_codes()
        if self.labels is None or len(names) > _MOST_IN_LEGEND:
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
        for handle in legend.legend_handles[: len(names)]:
            handle.set(sizes=[28], alpha=1)


def _write_names(ax, names, medians, size):
    """Write names at the medians of their points, moved apart, with lines to them."""
    low, high = np.array([ax.get_xlim(), ax.get_ylim()]).T
    # Both axes have the scale of the one that is short of room.
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
