"""Sample images of every cluster."""

import math
from numbers import Integral

import numpy as np

from skdeepclust._fitted import (
    as_samples,
    centers_in,
    check_instance,
    check_labels,
    clustered_space,
    clusters_of,
    last_step,
    name_of,
    step_with,
)
from skdeepclust._sampling import check_count, check_seed
from skdeepclust.displays._images import as_images, image_limits, to_unit
from skdeepclust.displays._style import (
    check_axes,
    check_cmap,
    grey,
    import_pyplot,
    largest_text,
    points_of,
)

__all__ = ["ClusterMontageDisplay"]

# Gaps between groups of images, between images, between blocks, in image widths.
_GROUP_GAP, _GAP, _BLOCK_GAP = 0.35, 0.06, 0.7

# In a new figure: inches of an image, of the widest figure, most rows of a block, most
# blocks.
_IMAGE, _WIDEST, _MOST_ROWS, _MOST_BLOCKS = 0.46, 13.0, 20, 3

# Images of fewer pixels than this on a side are drawn smoothed: single pixels that are
# larger than strokes are hard to read.
_SMOOTHED = 20

# Widths of "12,345" with a gap, "cluster" and "decoded", in multiples of the text size.
_FACTS_WIDTH, _NAME_WIDTH, _TITLE_WIDTH = 4.0, 4.4, 5.6

# Bottom of the titles, above the first row.
_TITLE = -0.15

# Title of the first group.
_DECODED = "decoded\ncentre"

# Smallest text in points, and the largest as a share of the user's setting.
_SMALLEST_TEXT, _LARGEST_TEXT = 4.0, 0.9


class ClusterMontageDisplay:
    r"""A row of images per cluster: decoded centre, nearest, random, farthest samples.

    Distances are measured in the space of the clusters (for a deep clusterer, the
    embedding), from a sample to the centre of its own cluster. They increase along a
    row. A row has no image twice, so small clusters have short rows. At the left are
    the cluster, its size and, if the estimator has `predict_proba`, the mean confidence
    ("conf."): the mean of the largest probability. A line below says what it would be
    by chance, one divided by the number of clusters. The largest cluster comes first,
    and empty clusters come last. Images with sides below 20 pixels are smoothed.

    Parameters
    ----------
    clusters : list
        Cluster of every row.
    sizes : list of int
        Number of samples in each cluster.
    groups : dict of str to list of ndarray
        Groups of columns by title: "decoded\ncentre" (only if the estimator decodes its
        centres), "nearest", "random", "farthest". A group has an array of images
        ``(n_shown, H, W)`` or ``(n_shown, H, W, 3)`` per row.
    confidences : list of float, default=None
        Mean confidence of every row. None writes none.
    n_images : int, default=5
        Most images of a group in a row.
    limits : tuple of 2 floats, default=(0, 1)
        Values drawn as black and as white.
    chance : float, default=None
        Confidence of an estimator that knows nothing, said below the rows. None says
        nothing.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of all images.
    figure_ : matplotlib Figure
        The figure.
    row_labels_ : list of matplotlib Text
        The names of the clusters at the left of the rows.
    images_ : list of matplotlib AxesImage
        The images drawn, row by row.

    See Also
    --------
    LatentSpaceDisplay : All samples as points of one picture.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.cluster import KMeans
    >>> from sklearn.datasets import load_digits
    >>> from skdeepclust.displays import ClusterMontageDisplay
    >>> X = load_digits().data[:200] / 16
    >>> kmeans = KMeans(4, random_state=0).fit(X)
    >>> display = ClusterMontageDisplay.from_estimator(
    ...     kmeans, X, n_images=3, image_shape=(8, 8)
    ... )
    >>> list(display.groups)
    ['nearest', 'random', 'farthest']
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        clusters,
        sizes,
        groups,
        *,
        confidences=None,
        n_images=5,
        limits=(0, 1),
        chance=None,
    ):
        self.clusters = clusters
        self.sizes = sizes
        self.groups = groups
        self.confidences = confidences
        self.n_images = n_images
        self.limits = limits
        self.chance = chance

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        n_images=5,
        clusters=None,
        order="size",
        image_shape=None,
        random_state=0,
        cmap="gray",
        ax=None,
    ):
        """Draw the images of the clusters that an estimator predicts.

        Parameters
        ----------
        estimator : fitted estimator, Pipeline or search
            Has `predict`, or `labels_` of the same X.
        X : array-like of shape (n, C, H, W), (n, H, W) or (n, n_features)
            Images, as the estimator takes them. Images of one channel are drawn in
            grey, images of three channels in colour. For other numbers of channels
            their mean is drawn.
        n_images : int, default=5
            Most images of a group in a row.
        clusters : list, default=None
            Clusters to draw, in this order. None draws all clusters, also empty ones.
        order : {"size", "number"}, default="size"
            Order of the rows if `clusters` is None: the largest cluster first, or by
            number.
        image_shape : tuple of 2 or 3 ints, default=None
            Shape of a row of X, ``(H, W)`` or ``(C, H, W)``. None takes the estimator's
            `image_shape_`.
        random_state : int, RandomState instance or None, default=0
            Seed of the random images.
        cmap : str or matplotlib Colormap, default="gray"
            Colours of images of one channel; "gray_r" has dark strokes on white.
        ax : matplotlib Axes, Figure or SubFigure, default=None
            Where to draw. None makes a figure whose height grows with the rows.

        Returns
        -------
        display : ClusterMontageDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If the estimator is a class or None, or has no clusters, or if `n_images` is
            not a whole number.
        ValueError
            If X is not images and the shape of the images is unknown, if `image_shape`
            does not fit to X, if `n_images` is below 1, if `clusters` holds other
            clusters than those of the estimator, or if `order` is another word.
        """
        check_instance(estimator)
        check_axes(ax)
        check_cmap(cmap)
        check_count(n_images, "n_images")
        _check_order(order)
        rng = check_seed(random_state)
        X = as_samples(X)
        labels = clusters_of(estimator, X)
        if labels is None:
            raise TypeError(f"{name_of(estimator)} has neither predict nor labels_.")
        labels = check_labels(labels, f"{name_of(estimator)}.predict(X)")
        images = as_images(estimator, X, image_shape)
        Z = clustered_space(estimator, X)
        centers = centers_in(estimator, Z)
        known = _all_clusters(estimator, labels)
        if clusters is None and order == "size":
            known = sorted(known, key=lambda cluster: -np.sum(labels == cluster))
        clusters = _checked_clusters(clusters, known)
        members = [np.flatnonzero(labels == cluster) for cluster in clusters]
        groups: dict = {"nearest": [], "random": [], "farthest": []}
        for cluster, own in zip(clusters, members, strict=True):
            distances = _distances(Z[own], centers, cluster)
            order = own[np.argsort(distances, kind="stable")]
            shown = _near_random_far(order, n_images, rng)
            for group, indices in zip(groups.values(), shown, strict=True):
                group.append(images[indices])
        centres = _decoded_centers(estimator, clusters, image_shape)
        confidences, chance = _confidences(estimator, X, members)
        display = cls(
            list(clusters),
            [len(own) for own in members],
            groups if centres is None else {_DECODED: centres, **groups},
            confidences=confidences,
            chance=chance,
            n_images=n_images,
            limits=image_limits(images),
        )
        return display.plot(ax=ax, cmap=cmap)

    def plot(self, ax=None, *, cmap="gray"):
        """Draw the rows.

        Parameters
        ----------
        ax : matplotlib Axes, Figure or SubFigure, default=None
            Where to draw. None makes a figure whose height grows with the rows.
        cmap : str or matplotlib Colormap, default="gray"
            Colours of images of one channel.

        Returns
        -------
        display : ClusterMontageDisplay
            Itself.
        """
        plt = import_pyplot()
        check_axes(ax)
        check_cmap(cmap)
        height = self._height()
        grid = _Grid(len(self.clusters), self._group_widths(), height)
        if ax is None:
            figure = plt.figure(figsize=grid.own_inches(), layout="constrained")
            ax = figure.subplots()
        else:
            ax = ax.subplots() if hasattr(ax, "subplots") else ax
            grid.fit(*points_of(ax))
        self.images_, self.row_labels_ = [], []
        for row in range(len(self.clusters)):
            self._draw_row(ax, grid, row, cmap)
        self._write_titles(ax, grid)
        if self.chance is not None:
            note = (
                f"conf.: mean of the largest probability; {self.chance:.2g} by chance"
            )
            style = {"ha": "left", "va": "top", "color": grey(0.3)}
            ax.text(0, grid.height, note, fontsize=0.9 * grid.text_size, **style)
        ax.set_xlim(0, grid.width)
        ax.set_ylim(grid.height, -_GAP)
        ax.set_aspect("equal")
        ax.axis("off")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _height(self):
        """Height of an image in image widths."""
        for rows in self.groups.values():
            for images in rows:
                if len(images):
                    return images.shape[1] / images.shape[2]
        return 1.0

    def _group_widths(self):
        """Number of columns of every group."""
        return [1 if title == _DECODED else self.n_images for title in self.groups]

    def _draw_row(self, ax, grid, row, cmap):
        """Draw the label and the images of a row."""
        left, top = grid.corner(row)
        middle = top + grid.image_height / 2
        facts = f"{self.sizes[row]:,}"
        if self.confidences is not None and self.sizes[row]:
            facts += f"\n{self.confidences[row]:.2f}"
        name = str(self.clusters[row])
        self.row_labels_.append(
            grid.write_label(ax, left, middle, name, facts, va="center")
        )
        for start, rows in zip(grid.starts, self.groups.values(), strict=True):
            for i, image in enumerate(rows[row]):
                x = left + start + i
                extent = (x + _GAP, x + 1, top + grid.image_height, top)
                shown = to_unit(image, self.limits)
                is_small = max(image.shape[:2]) < _SMOOTHED
                style = {"interpolation": "bilinear" if is_small else None}
                self.images_.append(
                    ax.imshow(shown, extent=extent, cmap=cmap, vmin=0, vmax=1, **style)
                )
        if not self.sizes[row]:
            start = grid.starts[list(self.groups).index("nearest")]
            style = {"color": grey(0.4), "style": "italic"}
            style["fontsize"] = grid.text_size
            ax.text(left + start + 0.1, middle, "empty", va="center", **style)

    def _write_titles(self, ax, grid):
        """Write the titles of the columns above every block."""
        facts = "size" if self.confidences is None else "size\nconf."
        for block in range(grid.n_blocks):
            left, _ = grid.corner(block * grid.rows_per_block)
            grid.write_label(ax, left, _TITLE, "cluster", facts, va="bottom")
            titles = zip(grid.starts, grid.group_widths, self.groups, strict=True)
            for start, n_columns, title in titles:
                middle = left + start + (n_columns + _GAP) / 2
                style = {"fontsize": grid.text_size, "linespacing": 1.0}
                ax.text(middle, _TITLE, title, ha="center", va="bottom", **style)


class _Grid:
    """Layout of the images, in image widths from the upper left corner.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    group_widths : list of int
        Number of columns of every group.
    image_height : float
        Height of an image in image widths.
    """

    def __init__(self, n_rows, group_widths, image_height):
        self.n_rows = n_rows
        self.group_widths = group_widths
        self.image_height = image_height
        self.starts = np.cumsum([0, *(w + _GROUP_GAP for w in group_widths)])[:-1]
        self.row_width = self.starts[-1] + group_widths[-1]
        self._set(min(_MOST_BLOCKS, math.ceil(n_rows / _MOST_ROWS)), 72 * _IMAGE)

    def _set(self, n_blocks, unit):
        """Set the number of blocks side by side and the points of an image width."""
        self.n_blocks = n_blocks
        self.rows_per_block = math.ceil(self.n_rows / n_blocks)
        # Two lines of text must fit beside an image.
        fitting = unit * self.image_height / 2.3
        largest = _LARGEST_TEXT * largest_text()
        self.text_size = min(largest, max(_SMALLEST_TEXT, fitting))
        self.letter = self.text_size / unit
        # The title of the first group is wider than the image below it.
        is_narrow = self.group_widths[0] == 1
        overhang = (_TITLE_WIDTH * self.letter - 1) / 2 if is_narrow else 0
        self.pad = max(0.15, overhang + 0.1)
        self.label_width = (_FACTS_WIDTH + _NAME_WIDTH) * self.letter + self.pad
        block = self.label_width + self.row_width
        self.width = n_blocks * (block + _BLOCK_GAP) - _BLOCK_GAP
        self.height = self.rows_per_block * (self.image_height + _GAP)

    def write_label(self, ax, left, y, name, facts, va):
        """Write the name of a row, and its size and confidence, left of the images."""
        style = {"ha": "right", "va": va, "linespacing": 1.0}
        x = left - self.pad
        ax.text(x, y, facts, color=grey(0.3), fontsize=0.9 * self.text_size, **style)
        x -= _FACTS_WIDTH * self.letter
        return ax.text(x, y, name, fontweight="bold", fontsize=self.text_size, **style)

    def own_inches(self):
        """Width and height of a new figure, with smaller images if it is too wide."""
        unit = _IMAGE
        for _ in range(5):  # the text size depends on the unit, and vice versa
            unit = min(unit, (_WIDEST - 0.2) / self.width)
            self._set(self.n_blocks, 72 * unit)
        return self.width * unit + 0.2, self.height * unit + 0.6

    def fit(self, width, height):
        """Make the images as large as this width and height, in points, allow."""

        def best_unit(n_blocks):
            unit = 72 * _IMAGE
            for _ in range(5):  # the text size depends on the unit, and vice versa
                self._set(n_blocks, unit)
                unit = min(width / self.width, height / (self.height + 1))
            return unit

        n_blocks = max(range(1, min(_MOST_BLOCKS, self.n_rows) + 1), key=best_unit)
        self._set(n_blocks, best_unit(n_blocks))

    def corner(self, row):
        """Upper left corner of the first image of a row."""
        block, line = divmod(row, self.rows_per_block)
        left = block * (self.label_width + self.row_width + _BLOCK_GAP)
        return left + self.label_width, line * (self.image_height + _GAP)


def _all_clusters(estimator, labels):
    """All clusters, also empty ones if the estimator has their centres."""
    found = np.unique(labels).tolist()
    centers = getattr(last_step(estimator), "cluster_centers_", ())
    if not all(isinstance(label, int) for label in found):
        return found
    return sorted({*range(len(centers)), *found})


def _check_order(order):
    """Refuse another word."""
    if not isinstance(order, str) or order not in ("size", "number"):
        raise ValueError(f"order={order!r} must be 'size' or 'number'.")


def _checked_clusters(clusters, known):
    """The clusters to draw: those asked for, or all that are known."""
    if clusters is None:
        return known
    is_several = np.ndim(clusters) == 1 and not isinstance(clusters, str)
    asked = np.asarray(clusters).tolist() if is_several else []
    odd = [cluster for cluster in asked if cluster not in known]
    if not asked or odd:
        raise ValueError(
            f"clusters={clusters!r} must be a list of one or more of the clusters "
            f"{known}."
        )
    return asked


def _is_row(array, cluster):
    """Whether an array has a row for a cluster."""
    return isinstance(cluster, Integral) and 0 <= int(cluster) < len(array)


def _distances(Z, centers, cluster):
    """Distances of the points of a cluster to its centre, or to their mean."""
    if len(Z) == 0:
        return np.zeros(0)
    known = centers is not None and _is_row(centers, cluster)
    center = centers[cluster] if known else Z.mean(axis=0)
    return np.linalg.norm(Z - center, axis=1)


def _near_random_far(order, n_images, rng):
    """Up to `n_images` each from the start, the middle and the end, none twice."""
    nearest, rest = order[:n_images], order[n_images:]
    n_far = min(n_images, len(rest))
    farthest, middle = rest[len(rest) - n_far :], rest[: len(rest) - n_far]
    drawn = rng.choice(len(middle), min(n_images, len(middle)), replace=False)
    return nearest, middle[np.sort(drawn)], farthest


def _decoded_centers(estimator, clusters, image_shape):
    """Decoded centre of every cluster: an array of one image or of none."""
    step = step_with(estimator, "cluster_images_")
    if step is None:
        return None
    images = as_images(estimator, step.cluster_images_, image_shape)
    return [
        images[cluster : cluster + 1] if _is_row(images, cluster) else images[:0]
        for cluster in clusters
    ]


def _confidences(estimator, X, members):
    """Mean of the largest probability in every cluster, NaN if empty, and by chance."""
    if not hasattr(estimator, "predict_proba"):
        return None, None
    proba = np.asarray(estimator.predict_proba(X))
    largest = proba.max(axis=1)
    means = [float(largest[own].mean()) if len(own) else math.nan for own in members]
    return means, 1 / proba.shape[1]
