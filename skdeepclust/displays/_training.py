"""Curves of the training of an estimator."""

from functools import partial

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skdeepclust._fitted import last_step, step_with
from skdeepclust.displays._style import (
    COLORS,
    halo,
    panel_axes,
    set_text_size,
    text_size,
)

__all__ = ["TrainingCurvesDisplay"]

# Inches of a panel in a figure of our own.
_PANEL_WIDTH, _PANEL_HEIGHT = 3.6, 2.8

# Lines whose legend is put in the panel.
_MOST_IN_LEGEND = 5

_BLUE, _ORANGE, _GREEN = COLORS[:3]
_REFERENCE = {"color": "0.35", "linestyle": "--", "linewidth": 1}


class TrainingCurvesDisplay:
    """Losses and stop criteria over the training, as `history_` has them.

    Which panels there are depends on the tables of `history_`:

    - "pretraining", and every other table of "epoch" and "loss" (one line each): the
      reconstruction loss, on a logarithmic axis;
    - "clustering": the terms of the loss, the share of labels changed with a mark at
      every target update and a line at `tol`, and the effective number of clusters
      with a line at `n_clusters`;
    - "rounds" (DeepCluster): the loss, the mutual information between the
      pseudo-labels of two rounds with a line at ``1 - tol``, and the sizes of the
      smallest and the largest pseudo-class.

    Tables without rows are left out.

    Parameters
    ----------
    history : dict
        Tables, each a dict of columns.
    tol : float, default=None
        Stop criterion, drawn as a line.
    gamma : float, default=None
        Weight of the clustering loss. None takes 1.
    n_clusters : int, default=None
        Number of clusters asked for, drawn as a line.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        A panel each.
    figure_ : matplotlib Figure
        The figure.
    panels_ : list of str
        Names of the panels, in the order of `axes_`.

    See Also
    --------
    LatentSpaceDisplay : What training did to the codes.

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
            It, its last step that has one, or its best estimator has `history_`.
        ax : array of matplotlib Axes, Figure or SubFigure, default=None
            Where to draw: an axes per panel, or a figure to lay the panels out in.
            None makes a figure.

        Returns
        -------
        display : TrainingCurvesDisplay
            The display, drawn.
        """
        check_is_fitted(estimator)
        step = step_with(estimator, "history_")
        if step is None:
            raise TypeError(
                f"{type(last_step(estimator)).__name__} has no history_: there are no "
                "training curves to draw. Pass a fitted estimator of skdeepclust."
            )
        display = cls(
            step.history_,
            tol=getattr(step, "tol", None),
            gamma=getattr(step, "gamma", None),
            n_clusters=getattr(step, "n_clusters", None),
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
        tables = {k: t for k, t in self.history.items() if len(t.get("loss", ()))}
        pretraining = {
            name: table
            for name, table in tables.items()
            if name not in ("clustering", "rounds")
        }
        panels = {}
        if pretraining:
            panels["pretraining"] = partial(_draw_pretraining, tables=pretraining)
        for key, methods in (
            ("clustering", (self._losses, self._changes, self._clusters)),
            ("rounds", (self._round_loss, self._agreement, self._class_sizes)),
        ):
            for draw in methods if key in tables else ():
                name = draw.__name__.strip("_").replace("_", " ")
                panels[name] = partial(draw, table=tables[key])
        if not panels:
            raise ValueError(
                "history_ has no rows: nothing was trained (no epochs, max_iter=0), so "
                "that there are no curves to draw."
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
        # The first round has none before it, and still has its place on the axis.
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
        # Many lines leave no room for a legend among them.
        is_beside = len(tables) > _MOST_IN_LEGEND
        place = {"loc": "upper left", "bbox_to_anchor": (1, 1.02)} if is_beside else {}
        ax.legend(fontsize=size * 0.8, frameon=not is_beside, **place)


def _column(table, name):
    return np.asarray(table[name], dtype=float)


def _padded(values):
    width = max(np.ptp(values), 1)
    return values.min() - 0.05 * width, values.max() + 0.05 * width


def _log_with_zero(ax, values):
    """A logarithmic axis that also has a place for zero, where there is one."""
    positive = values[values > 0]
    if not len(positive):
        ax.set_ylim(-0.02, 1)
        return
    if not np.any(values == 0):
        ax.set_yscale("log")
        _plain_log_ticks(ax)
        return
    # Linear below the power of ten under the smallest value: only zero is there.
    least = 10.0 ** np.floor(np.log10(positive.min()))
    ax.set_yscale("symlog", linthresh=least, linscale=0.5)
    ax.set_ylim(0, 2 * positive.max())


def _plain_log_ticks(ax):
    """Label the values between powers of ten where fewer than two powers are there."""
    from matplotlib import ticker

    low, high = ax.get_ylim()
    if high / low < 100:
        ax.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5), numticks=6))
        ax.yaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
        ax.yaxis.set_minor_formatter(ticker.NullFormatter())


def _reference_line(ax, value, label, size, at_start=False):
    """A line with its label at the end, or at the start where the curve ends there."""
    ax.axhline(value, **_REFERENCE)
    ax.annotate(
        label,
        (0.02 if at_start else 0.98, value),
        xycoords=("axes fraction", "data"),
        xytext=(0, 2),
        textcoords="offset points",
        ha="left" if at_start else "right",
        va="bottom",
        fontsize=size * 0.85,
        color="0.2",
        zorder=4,
        path_effects=halo(1.5),
    )


def _whole_numbers(axis):
    from matplotlib import ticker

    axis.set_major_locator(ticker.MaxNLocator(nbins=6, integer=True))
