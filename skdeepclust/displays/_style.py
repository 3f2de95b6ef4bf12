"""Axes, text sizes, colours and markers shared by all displays."""

import math

import numpy as np

__all__ = [
    "COLORS",
    "MARKERS",
    "check_axes",
    "check_cmap",
    "color_of",
    "count",
    "grey",
    "halo",
    "import_pyplot",
    "ink",
    "ink_on",
    "largest_text",
    "marker_of",
    "panel_axes",
    "points_of",
    "set_text_size",
    "single_axes",
    "text_size",
]

# The palette of Okabe and Ito, which is safe for colour-blind readers, and a grey and a
# wine red that differ from all of its colours.
COLORS = (
    *("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000"),
    *("#F0E442", "#999999", "#882255"),
)

# Shares of black, then of white, in the second and third use of a colour.
_DARKER, _LIGHTER = 0.45, 0.5

# Weights of red, green and blue in the brightness of a colour.
_LUMINANCE = (0.299, 0.587, 0.114)

# Darker than this, a background needs light text.
_DARK = 0.5

# Every further use of a colour gets the next marker.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")


def import_pyplot():
    """Import pyplot, or raise an ImportError that says what to install."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Displays need matplotlib, which is not installed. Install it "
            'with: pip install "skdeepclust[plot]"'
        ) from error
    return plt


def check_axes(ax, n_panels=1):
    """Refuse an `ax` in which the panels cannot be drawn, before anything is computed.

    Parameters
    ----------
    ax : matplotlib Axes, array of them, Figure, SubFigure or None
        The parameter `ax`.
    n_panels : int, default=1
        Number of axes needed.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError
        If `ax` is something else.
    ValueError
        If `ax` holds too few axes.
    """
    import_pyplot()
    if ax is None or hasattr(ax, "subplots"):
        return
    axes = np.ravel(np.asarray(ax, dtype=object))
    _check_axes(axes)
    if len(axes) < n_panels:
        raise ValueError(
            f"This figure has {n_panels} panels, but ax holds {len(axes)} axes. Pass "
            f"{n_panels} axes, a figure or subfigure to lay them out in, or ax=None."
        )


def check_cmap(cmap):
    """Refuse colours that matplotlib does not know, before a figure is made."""
    plt = import_pyplot()
    try:
        plt.get_cmap(cmap)
    except (TypeError, ValueError) as error:
        raise type(error)(f"cmap={cmap!r}: {error}") from error


def single_axes(ax, figsize=None):
    """Axes to draw in: those given, new ones in a given figure, or in a new figure.

    Parameters
    ----------
    ax : matplotlib Axes, Figure, SubFigure or None
        None makes a figure.
    figsize : tuple of 2 floats, default=None
        Width and height of a new figure in inches. None takes matplotlib's default.

    Returns
    -------
    ax : matplotlib Axes
        The axes.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError
        If `ax` is something else.
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
        None makes a figure. In a figure the layout of the panels suits its shape. Of
        an array, the first `n_panels` axes are used.
    n_panels : int
        Number of axes needed.
    figsize : tuple of 2 floats
        Width and height of a new figure in inches.
    aspect : float, default=1.35
        Width divided by height of a good panel.

    Returns
    -------
    axes : ndarray of shape (n_panels,)
        The axes.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError
        If `ax` is something else.
    ValueError
        If `ax` holds too few axes.
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
    check_axes(ax, n_panels)
    return np.ravel(np.asarray(ax, dtype=object))[:n_panels]


def _check_axes(axes):
    """Refuse anything but matplotlib Axes."""
    from matplotlib.axes import Axes

    wrong = [each for each in axes if not isinstance(each, Axes)]
    if wrong:
        raise TypeError(
            f"ax must be matplotlib Axes, a figure or a subfigure (or a list of axes "
            f"for several panels); got {type(wrong[0]).__name__}."
        )


def _n_columns(n_panels, relative_aspect):
    """Number of columns for panels of a good shape and few empty places."""

    def badness(n_columns):
        n_rows = math.ceil(n_panels / n_columns)
        shape = relative_aspect * n_rows / n_columns
        return abs(math.log(shape)) + 0.4 * (n_rows * n_columns - n_panels)

    return min(range(1, n_panels + 1), key=badness)


def points_of(ax):
    """Width and height of axes in points, estimated before the layout."""
    box, dpi = ax.get_window_extent(), ax.get_figure().dpi
    return box.width * 72 / dpi, box.height * 72 / dpi


def largest_text():
    """The user's setting of the text size, in points."""
    import matplotlib as mpl

    return float(mpl.rcParams["font.size"])


def text_size(ax):
    """Text size in points for axes of this size, at most the user's setting."""
    width, height = points_of(ax)
    return min(largest_text(), max(6.0, min(width / 22, height / 14)))


def set_text_size(ax, size):
    """Set the text size of labels and ticks; the title is slightly larger."""
    ax.title.set_size(size * 1.1)
    for label in (ax.xaxis.label, ax.yaxis.label):
        label.set_size(size)
    ax.tick_params(labelsize=size * 0.9)
    for axis in (ax.xaxis, ax.yaxis):
        axis.offsetText.set_size(size * 0.9)


def color_of(index):
    """Colour of the cluster at an index: the palette, then darker, then lighter.

    Black is white on a dark background.
    """
    import matplotlib as mpl

    color = np.array(mpl.colors.to_rgb(COLORS[index % len(COLORS)]))
    use = index // len(COLORS) % 3
    if use == 1:
        color = color * (1 - _DARKER) if color.any() else color + 0.3
    elif use == 2:
        color = color + (1 - color) * _LIGHTER
    if _is_dark() and color.max() < 0.5:
        color = 1 - color if not color.any() else color + (1 - color) * _LIGHTER
    return mpl.colors.to_hex(tuple(color))


def marker_of(index):
    """Marker of the cluster at an index: the next one for each reuse of a colour."""
    return MARKERS[index // len(COLORS) % len(MARKERS)]


def ink():
    """Colour of text and lines in the user's style."""
    import matplotlib as mpl

    return mpl.rcParams["text.color"]


def grey(share):
    """Colour of weaker text and lines: from 0, that of text, to 1, the background."""
    import matplotlib as mpl

    text, paper = (np.array(mpl.colors.to_rgb(each)) for each in (ink(), _paper()))
    return mpl.colors.to_hex(tuple((1 - share) * text + share * paper))


def _paper():
    """Colour behind the points in the user's style; white if there is none."""
    import matplotlib as mpl

    for name in ("axes.facecolor", "figure.facecolor"):
        rgba = mpl.colors.to_rgba(mpl.rcParams[name])
        if rgba[3] > 0:
            return rgba[:3]
    return (1.0, 1.0, 1.0)


def _is_dark():
    """Whether the user's style has a dark background."""
    return float(np.dot(_paper(), _LUMINANCE)) < _DARK


def halo(width=2.0):
    """Path effects that keep text legible in front of points."""
    from matplotlib import patheffects

    return [patheffects.withStroke(linewidth=width, foreground=_paper())]


def ink_on(rgba):
    """Black or white, whichever has the better contrast with a colour."""
    luminance = np.dot(np.asarray(rgba[:3]), _LUMINANCE)
    return "black" if luminance > 0.5 else "white"


def count(n_shown, n_samples):
    """Number of samples that a figure shows, for its title."""
    if n_shown == n_samples:
        return f"{n_samples:,} samples"
    return f"{n_shown:,} of {n_samples:,} samples"
