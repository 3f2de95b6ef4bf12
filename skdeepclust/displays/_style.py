"""Axes, text sizes, colours and markers that all displays share."""

import math

import numpy as np

__all__ = [
    "COLORS",
    "MARKERS",
    "color_of",
    "count",
    "halo",
    "import_pyplot",
    "ink_on",
    "marker_of",
    "panel_axes",
    "points_of",
    "set_text_size",
    "single_axes",
    "text_size",
]

# The palette of Okabe and Ito, which colour-blind readers tell apart, then a grey and
# a wine red that are not confused with its members either.
COLORS = (
    *("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000"),
    *("#F0E442", "#999999", "#882255"),
)

# A second run through the colours gets another shape.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")


def import_pyplot():
    """Import pyplot, or say how to get it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Displays are drawn by matplotlib, which is not installed. Install it "
            'with: pip install "skdeepclust[plot]"'
        ) from error
    return plt


def single_axes(ax, figsize=None):
    """The axes to draw in: the user's, one in the user's figure, or a new one.

    Parameters
    ----------
    ax : matplotlib Axes, Figure, SubFigure or None
        None makes a figure.
    figsize : tuple of 2 floats, default=None
        Inches of a new figure.

    Returns
    -------
    ax : matplotlib Axes
        The axes.
    """
    plt = import_pyplot()
    if ax is None:
        return plt.figure(figsize=figsize, layout="constrained").subplots()
    if hasattr(ax, "subplots"):
        return ax.subplots()
    _check_axes([ax])
    return ax


def panel_axes(ax, n_panels, figsize, aspect=1.35):
    """Axes for several panels.

    Parameters
    ----------
    ax : array of matplotlib Axes, Figure, SubFigure, Axes or None
        None makes a figure. In a figure, panels are laid out to suit its shape. Axes
        beyond those needed are left alone.
    n_panels : int
        Number of axes needed.
    figsize : tuple of 2 floats
        Inches of a new figure.
    aspect : float, default=1.35
        Width divided by height of a good panel.

    Returns
    -------
    axes : ndarray of shape (n_panels,)
        The axes.
    """
    plt = import_pyplot()
    if ax is None:
        ax = plt.figure(figsize=figsize, layout="constrained")
    if hasattr(ax, "subplots"):
        n_columns = _n_columns(n_panels, ax.bbox.width / ax.bbox.height / aspect)
        n_rows = math.ceil(n_panels / n_columns)
        grid = ax.subplots(n_rows, n_columns, squeeze=False).ravel()
        for surplus in grid[n_panels:]:
            surplus.remove()
        return grid[:n_panels]
    axes = np.ravel(np.asarray(ax, dtype=object))
    _check_axes(axes)
    if len(axes) < n_panels:
        raise ValueError(
            f"This figure has {n_panels} panels, but ax holds {len(axes)} axes. Pass "
            f"{n_panels} axes, a figure or subfigure to lay them out in, or ax=None."
        )
    return axes[:n_panels]


def _check_axes(axes):
    from matplotlib.axes import Axes

    wrong = [each for each in axes if not isinstance(each, Axes)]
    if wrong:
        raise TypeError(
            f"ax must be matplotlib Axes, a figure or a subfigure (or a list of axes "
            f"where there are several panels); got {type(wrong[0]).__name__}."
        )


def _n_columns(n_panels, relative_aspect):
    """Columns that give panels of a good shape and leave few places empty."""

    def badness(n_columns):
        n_rows = math.ceil(n_panels / n_columns)
        shape = relative_aspect * n_rows / n_columns
        return abs(math.log(shape)) + 0.4 * (n_rows * n_columns - n_panels)

    return min(range(1, n_panels + 1), key=badness)


def points_of(ax):
    """Width and height of axes in points, as far as known before the layout."""
    box, dpi = ax.get_window_extent(), ax.get_figure().dpi
    return box.width * 72 / dpi, box.height * 72 / dpi


def text_size(ax):
    """Points of text that suit the size of the axes, at most the user's own size."""
    import matplotlib as mpl

    width, height = points_of(ax)
    largest = float(mpl.rcParams["font.size"])
    return min(largest, max(6.0, min(width / 22, height / 14)))


def set_text_size(ax, size):
    """Set title, labels and ticks of axes to a size, the title a little larger."""
    ax.title.set_size(size * 1.1)
    for label in (ax.xaxis.label, ax.yaxis.label):
        label.set_size(size)
    ax.tick_params(labelsize=size * 0.9)
    for axis in (ax.xaxis, ax.yaxis):
        axis.offsetText.set_size(size * 0.9)


def color_of(index):
    """Colour of the cluster at an index."""
    return COLORS[index % len(COLORS)]


def marker_of(index):
    """Marker of the cluster at an index: another one for every use of a colour."""
    return MARKERS[index // len(COLORS) % len(MARKERS)]


def halo(width=2.0):
    """Path effects that keep text legible on points."""
    from matplotlib import patheffects

    return [patheffects.withStroke(linewidth=width, foreground="white")]


def ink_on(rgba):
    """Black or white, whichever is read better on a colour."""
    luminance = np.dot(np.asarray(rgba[:3]), (0.299, 0.587, 0.114))
    return "black" if luminance > 0.5 else "white"


def count(n_shown, n_samples):
    """How many samples a figure shows, in words."""
    if n_shown == n_samples:
        return f"{n_samples:,} samples"
    return f"{n_shown:,} of {n_samples:,} samples"
