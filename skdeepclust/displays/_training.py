"""Curves of the training of an estimator."""

from functools import partial
from numbers import Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skdeepclust._fitted import check_instance, name_of, step_with
from skdeepclust.displays._style import (
    COLORS,
    grey,
    halo,
    ink,
    panel_axes,
    set_text_size,
    text_size,
)

__all__ = ["TrainingCurvesDisplay"]

# Inches of a panel in a new figure.
_PANEL_WIDTH, _PANEL_HEIGHT = 3.6, 2.8

# Largest number of lines with a legend inside the panel.
_MOST_IN_LEGEND = 5

_BLUE, _ORANGE, _GREEN = COLORS[:3]
_REFERENCE = {"linestyle": "--", "linewidth": 1}

# Columns that the panels of joint training and of DeepCluster need.
_NEEDED = {
    "clustering": {"step", "loss", "label_change", "n_effective_clusters"},
    "rounds": {"epoch", "loss", "nmi_previous", "largest_class", "smallest_class"},
}

# Columns that get no panel.
_NOT_DRAWN = ("epoch", "step", "dur")


class TrainingCurvesDisplay:
    """Losses and stop criteria over the training, from the tables of `history_`.

    The tables decide which panels are drawn:

    - "pretraining", "autoencoder 0", "autoencoder 1", ...: one panel with the
      reconstruction loss of each autoencoder, on a logarithmic axis.
    - "clustering" (joint training): the terms of the loss; the share of labels changed,
      with a mark at every target update and a line at `tol`; and the effective number
      of clusters, with a line at `n_clusters`.
    - "rounds" (DeepCluster): the loss; the mutual information between the
      pseudo-labels of two rounds, with a line at ``1 - tol``; and the sizes of the
      smallest and the largest pseudo-class.
    - Any other table, such as one of an estimator outside this library: a panel for
      every column of numbers except "epoch", "step" and "dur". The x axis is "step" if
      the table has this column, and "epoch" otherwise.

    Tables without rows are not drawn.

    Parameters
    ----------
    history : dict
        Tables by name. A table is a dict of columns of equal length.
    tol : float, default=None
        Stop criterion, drawn as a line. None draws no line.
    gamma : float, default=None
        Weight of the clustering loss. None takes 1.
    n_clusters : int, default=None
        The estimator's `n_clusters`, drawn as a line. None draws no line.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        Axes of the panels.
    figure_ : matplotlib Figure
        The figure.
    panels_ : list of str
        Names of the panels, in the order of `axes_`. A panel of another table is named
        after table and column, as in "training: loss".

    See Also
    --------
    LatentSpaceDisplay : The embedding, before and after training.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from skdeepclust import Autoencoder
    >>> from skdeepclust.displays import TrainingCurvesDisplay
    >>> X = load_digits().images[:100] / 16
    >>> autoencoder = Autoencoder(max_epochs=2, random_state=0).fit(X)
    >>> display = TrainingCurvesDisplay.from_estimator(autoencoder)
    >>> display.panels_
    ['pretraining']
    >>> plt.close(display.figure_)
    """

    def __init__(self, history, *, tol=None, gamma=None, n_clusters=None):
        self.history = history
        self.tol = tol
        self.gamma = gamma
        self.n_clusters = n_clusters

    @classmethod
    def from_estimator(cls, estimator, *, ax=None):
        """Draw the training of a fitted estimator.

        Parameters
        ----------
        estimator : fitted estimator, Pipeline or search
            An estimator with `history_`. Of a pipeline, the last step with `history_`
            is drawn; of a search, the best estimator.
        ax : array of matplotlib Axes, Figure or SubFigure, default=None
            Where to draw: an axes per panel, or a figure to lay the panels out in.
            None makes a figure.

        Returns
        -------
        display : TrainingCurvesDisplay
            The display, drawn.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If it is a class or None, or has no `history_`.
        ValueError
            If `history_` has no curves to draw, or if `ax` holds too few axes.
        """
        check_instance(estimator)
        check_is_fitted(estimator)
        step = step_with(estimator, "history_")
        if step is None:
            raise TypeError(
                f"{name_of(estimator)} has no history_, so there are no training "
                "curves to draw. Pass a fitted estimator of skdeepclust."
            )
        display = cls(
            step.history_,
            tol=getattr(step, "tol", None),
            gamma=getattr(step, "gamma", None),
            n_clusters=getattr(step, "n_clusters_", getattr(step, "n_clusters", None)),
        )
        return display.plot(ax=ax)

    def plot(self, ax=None):
        """Draw the panels.

        Parameters
        ----------
        ax : array of matplotlib Axes, Figure or SubFigure, default=None
            Where to draw: an axes per panel, or a figure to lay the panels out in.
            None makes a figure.

        Returns
        -------
        display : TrainingCurvesDisplay
            Itself.

        Raises
        ------
        ValueError
            If `history` has no curves to draw, or if `ax` holds too few axes.
        """
        panels = self._panels()
        n_columns = min(len(panels), 3) if len(panels) != 4 else 2
        n_rows = -(-len(panels) // n_columns)
        figsize = (_PANEL_WIDTH * n_columns, _PANEL_HEIGHT * n_rows)
        axes = panel_axes(ax, len(panels), figsize)
        for axis, draw in zip(axes, panels.values(), strict=True):
            size = text_size(axis)
            draw(axis, size)
            set_text_size(axis, size)
        self.panels_ = list(panels)
        self.axes_, self.figure_ = axes, axes[0].figure
        return self

    def _panels(self):
        """Functions that draw a panel, by its name."""
        _check_history(self.history)
        for name in ("tol", "gamma", "n_clusters"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, Real):
                raise TypeError(f"{name}={value!r} must be None or a number.")
        tables = {k: t for k, t in self.history.items() if any(map(len, t.values()))}
        pretraining = {k: t for k, t in tables.items() if _is_of_autoencoder(k, t)}
        panels = {}
        if pretraining:
            panels["pretraining"] = partial(_draw_pretraining, tables=pretraining)
        own_panels = {
            "clustering": (self._losses, self._changes, self._clusters),
            "rounds": (self._round_loss, self._agreement, self._class_sizes),
        }
        for name, table in tables.items():
            if name in own_panels and _NEEDED[name] <= set(table):
                for draw in own_panels[name]:
                    panel = draw.__name__.strip("_").replace("_", " ")
                    panels[panel] = partial(draw, table=table)
            elif name not in pretraining:
                for column in _drawn_columns(table):
                    panel = f"{name}: {column}"
                    panels[panel] = partial(
                        _draw_column, table=table, column=column, title=panel
                    )
        if not panels:
            raise ValueError(
                "history_ has no curves to draw: nothing was trained (no epochs, "
                "max_iter=0), or no column holds numbers."
            )
        return panels

    # -- panels of joint training ------------------------------------------------------

    def _losses(self, ax, size, table):
        gamma = 1.0 if self.gamma is None else self.gamma
        drawn, lowest = [], np.inf
        if "reconstruction_loss" in table:
            drawn.append(("reconstruction_loss", "$L_r$", 1.0, _BLUE, "o-"))
        if "clustering_loss" in table:
            label = (
                "$L_c$"
                if self.gamma is None
                else rf"$\gamma L_c$, $\gamma$ = {gamma:g}"
            )
            drawn.append(("clustering_loss", label, gamma, _ORANGE, "s--"))
        for column, label, weight, color, style in drawn or (
            ("loss", "$L$", 1.0, _BLUE, "o-"),
        ):
            values = weight * _column(table, column)
            lowest = min(lowest, np.nanmin(values))
            ax.plot(
                _column(table, "step"),
                values,
                style,
                color=color,
                label=label,
                markersize=3.5,
            )
        if lowest > 0:
            ax.set_yscale("log")
            _plain_log_ticks(ax)
        ax.set(xlabel="step", ylabel="loss", title="Joint training")
        ax.legend(fontsize=size * 0.9)

    def _changes(self, ax, size, table):
        changes = _column(table, "label_change")
        ax.plot(
            _column(table, "step"),
            changes,
            "o-",
            color=_BLUE,
            markersize=3.5,
            clip_on=False,
            zorder=3,
        )
        _log_with_zero(ax, np.append(changes, np.nan if self.tol is None else self.tol))
        if self.tol is not None:
            _reference_line(ax, self.tol, f"tol = {self.tol:g}", size, at_start=True)
        ax.set(xlabel="step", ylabel="share changed", title="Labels changed")

    def _clusters(self, ax, size, table):
        found = _column(table, "n_effective_clusters")
        ax.plot(_column(table, "step"), found, "o-", color=_GREEN, markersize=3.5)
        top = np.nanmax(found)
        if self.n_clusters is not None:
            top = max(top, self.n_clusters)
            _reference_line(
                ax, self.n_clusters, f"n_clusters = {self.n_clusters}", size
            )
        ax.set_ylim(0, 1.18 * top)
        ax.set(xlabel="step", ylabel="effective number", title="Clusters")

    # -- panels of DeepCluster ---------------------------------------------------------

    def _round_loss(self, ax, size, table):
        ax.plot(
            _column(table, "epoch"),
            _column(table, "loss"),
            "o-",
            color=_BLUE,
            markersize=3.5,
        )
        ax.set(xlabel="round", ylabel="loss", title="Training on pseudo-labels")
        _whole_numbers(ax.xaxis)

    def _agreement(self, ax, size, table):
        ax.plot(
            _column(table, "epoch"),
            _column(table, "nmi_previous"),
            "o-",
            color=_ORANGE,
            markersize=3.5,
        )
        # The first round has no value, but keeps its place on the axis.
        ax.set_xlim(*_padded(_column(table, "epoch")))
        ax.set_ylim(0, 1.12)
        if self.tol is not None:
            label = f"1 \N{MINUS SIGN} tol = {1 - self.tol:g}"
            _reference_line(ax, 1 - self.tol, label, size, at_start=True)
        ax.set(xlabel="round", ylabel="NMI", title="With the round before")
        _whole_numbers(ax.xaxis)

    def _class_sizes(self, ax, size, table):
        for column, style, color in (
            ("largest_class", "o-", _GREEN),
            ("smallest_class", "v--", COLORS[3]),
        ):
            values = _column(table, column)
            label = column.removesuffix("_class")
            ax.plot(
                _column(table, "epoch"),
                values,
                style,
                color=color,
                label=label,
                markersize=3.5,
            )
        ax.set_ylim(bottom=0)
        ax.set(xlabel="round", ylabel="samples", title="Pseudo-classes")
        ax.legend(fontsize=size * 0.9)
        _whole_numbers(ax.xaxis)


def _check_history(history):
    """Refuse a history that is not tables of columns of equal length."""
    if not isinstance(history, dict):
        raise TypeError(
            "history must be a dict of tables, such as estimator.history_, got "
            f"{type(history).__name__}."
        )
    for name, table in history.items():
        if not isinstance(table, dict) or any(np.ndim(v) != 1 for v in table.values()):
            raise TypeError(
                f"history[{name!r}] must be a dict of columns, each a list of values."
            )
        lengths = {column: len(values) for column, values in table.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(
                f"The columns of history[{name!r}] differ in length: {lengths}."
            )
        losses = np.asarray(table.get("loss", ()), dtype=float)
        if len(losses) and np.isnan(losses).all():
            raise ValueError(
                f"The column 'loss' of history[{name!r}] holds NaN only: there is no "
                "curve to draw."
            )


def _is_of_autoencoder(name, table):
    """Whether a table has the losses of an autoencoder, pretrained on its own."""
    is_named = name == "pretraining" or name.startswith("autoencoder ")
    return is_named and {"epoch", "loss"} <= set(table)


def _drawn_columns(table):
    """Names of the columns of numbers, without counters and durations."""
    return [
        name
        for name, values in table.items()
        if name not in _NOT_DRAWN and np.asarray(values).dtype.kind in "biuf"
    ]


def _draw_column(ax, size, table, column, title):
    """A column of any table, against its steps or epochs."""
    name = next((name for name in ("step", "epoch") if name in table), "row")
    values = _column(table, column)
    x = 1 + np.arange(len(values)) if name == "row" else _column(table, name)
    ax.plot(x, values, "o-", color=_BLUE, markersize=3.5)
    ax.set(xlabel=name, title=title)
    _whole_numbers(ax.xaxis)


def _draw_pretraining(ax, size, tables):
    """A line per autoencoder."""
    losses = {name: _column(table, "loss") for name, table in tables.items()}
    for i, (name, table) in enumerate(tables.items()):
        style = ("-", "--", "-.", ":")[i // len(COLORS) % 4]
        marker = "o" if len(losses[name]) == 1 else ""
        ax.plot(
            _column(table, "epoch"),
            losses[name],
            style,
            marker=marker,
            color=COLORS[i % len(COLORS)],
            label=name,
        )
    if all(np.nanmin(loss) > 0 for loss in losses.values()):
        ax.set_yscale("log")
        _plain_log_ticks(ax)
    ax.set(xlabel="epoch", ylabel="reconstruction loss", title="Pretraining")
    _whole_numbers(ax.xaxis)
    if len(tables) > 1:
        # Beside many lines there is no room for a legend inside the panel.
        is_beside = len(tables) > _MOST_IN_LEGEND
        place = {"loc": "upper left", "bbox_to_anchor": (1, 1.02)} if is_beside else {}
        ax.legend(fontsize=size * 0.8, frameon=not is_beside, **place)


def _column(table, name):
    return np.asarray(table[name], dtype=float)


def _padded(values):
    width = max(np.ptp(values), 1)
    return values.min() - 0.05 * width, values.max() + 0.05 * width


def _log_with_zero(ax, values):
    """A logarithmic axis that also has a place for zero, if there are zeros."""
    positive = values[values > 0]
    if not len(positive):
        ax.set_ylim(-0.02, 1)
        return
    if not np.any(values == 0):
        ax.set_yscale("log")
        _plain_log_ticks(ax)
        return
    # Linear below the power of ten under the smallest positive value.
    least = 10.0 ** np.floor(np.log10(positive.min()))
    ax.set_yscale("symlog", linthresh=least, linscale=0.5)
    ax.set_ylim(0, 2 * positive.max())


def _plain_log_ticks(ax):
    """Label values between powers of ten if the axis spans fewer than two of them."""
    from matplotlib import ticker

    low, high = ax.get_ylim()
    if high / low >= 100:
        return
    if high / low >= 5:
        ax.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5), numticks=6))
    else:  # hardly a logarithmic axis: even steps
        ax.yaxis.set_major_locator(ticker.MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
    ax.yaxis.set_minor_locator(ticker.NullLocator())


def _reference_line(ax, value, label, size, at_start=False):
    """A horizontal line, with its label at the end or at the start of the axis."""
    ax.axhline(value, color=grey(0.3), **_REFERENCE)
    ax.annotate(
        label,
        (0.02 if at_start else 0.98, value),
        xycoords=("axes fraction", "data"),
        xytext=(0, 2),
        textcoords="offset points",
        ha="left" if at_start else "right",
        va="bottom",
        fontsize=size * 0.85,
        color=ink(),
        zorder=4,
        path_effects=halo(1.5),
    )


def _whole_numbers(axis):
    """Put ticks at whole numbers only."""
    from matplotlib import ticker

    axis.set_major_locator(ticker.MaxNLocator(nbins=6, integer=True))
