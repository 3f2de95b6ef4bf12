"""Training curves as SVG."""

import html
import math

import numpy as np

from skdeepclust._fitted import step_with

__all__ = ["curves"]

# Size of a panel, and the margins of its axes, in units of the drawing.
_WIDTH, _HEIGHT = 320, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 14, 34

# Columns that are no curves: counters and durations.
_COUNTERS = ("step", "epoch")
_NOT_DRAWN = (*_COUNTERS, "dur")

# The axis is logarithmic if the largest value is so many times the smallest.
_LOG_FROM = 20

# Most points of a curve.
_MOST_POINTS = 400


def curves(estimator):
    """Panels of the tables in `history_`.

    Parameters
    ----------
    estimator : fitted estimator, Pipeline or search
        The last step with `history_` is drawn.

    Returns
    -------
    figures : list of str
        A figure in HTML per column of numbers. Empty if there is no history.
    """
    step = step_with(estimator, "history_")
    history = getattr(step, "history_", None)
    if not isinstance(history, dict):
        return []
    figures = []
    for name, table in history.items():
        if not isinstance(table, dict):
            continue
        counter = next((c for c in _COUNTERS if c in table), None)
        for column, values in table.items():
            values = np.asarray(values)
            if column in _NOT_DRAWN or values.dtype.kind not in "biuf":
                continue
            x = np.arange(1, len(values) + 1) if counter is None else table[counter]
            figures.append(_figure(f"{name}: {column}", x, values, counter or "row"))
    return [figure for figure in figures if figure]


def _figure(title, x, values, x_name):
    """A curve with its axes, or "" if there is nothing to draw."""
    x, y = np.asarray(x, dtype=float), np.asarray(values, dtype=float)
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if not len(x) or not y.any():  # nothing, or a count that has stayed zero
        return ""
    chosen = np.unique(np.linspace(0, len(x) - 1, _MOST_POINTS).astype(int))
    x, y = x[chosen], y[chosen]
    is_log = y.min() > 0 and y.max() > _LOG_FROM * y.min()
    across = _Axis(x.min(), x.max(), _LEFT, _WIDTH - _RIGHT, whole=True)
    # Most values are shares and counts: zero is on their axis unless it is far below.
    low = 0.0 if not is_log and 0 <= y.min() <= y.max() / 2 else y.min()
    up = _Axis(low, y.max(), _HEIGHT - _BOTTOM, _TOP, log=is_log)
    points = " ".join(f"{across(a):.1f},{up(b):.1f}" for a, b in zip(x, y, strict=True))
    name = html.escape(title.replace("_", " "))
    alt = f"{name}: from {y[0]:.3g} to {y[-1]:.3g} over {len(y)} points."
    parts = [_x_axis(across, x_name), _y_axis(up)]
    if len(x) == 1:
        center = f'cx="{across(x[0]):.1f}" cy="{up(y[0]):.1f}"'
        parts.append(f'<circle class="curve-dot" {center} r="3"/>')
    else:
        parts.append(f'<polyline class="curve" points="{points}"/>')
    return (
        f'<figure class="panel"><figcaption>{name}</figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{alt}">'
        f"{''.join(parts)}</svg></figure>"
    )


def _x_axis(axis, name):
    """Baseline, ticks and name of the horizontal axis."""
    base = _HEIGHT - _BOTTOM
    parts = [f'<path class="axis" d="M{_LEFT} {base}H{_WIDTH - _RIGHT}"/>']
    for value in axis.ticks():
        place = f'x="{axis(value):.1f}" y="{base + 14}" text-anchor="middle"'
        parts.append(f"<text {place}>{value:,.0f}</text>")
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    place = f'x="{middle:.0f}" y="{_HEIGHT - 5}" text-anchor="middle"'
    parts.append(f"<text {place}>{html.escape(name)}</text>")
    return "".join(parts)


def _y_axis(axis):
    """Grid lines and ticks of the vertical axis."""
    parts = []
    for value in axis.ticks():
        y = axis(value)
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>')
        place = f'x="{_LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end"'
        parts.append(f"<text {place}>{value:.3g}</text>")
    return "".join(parts)


class _Axis:
    """Values to places, linear or logarithmic."""

    def __init__(self, low, high, start, end, *, log=False, whole=False):
        self.log, self.whole = log, whole
        if not high > low:
            pad = abs(low) / 2 or 0.5
            low, high = low - pad, high + pad
        self.low, self.high, self.start, self.end = low, high, start, end

    def __call__(self, value):
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def ticks(self):
        """Round values, three to six of them."""
        if self.log:
            first = math.floor(math.log10(self.low))
            powers = range(first, math.ceil(math.log10(self.high)) + 1)
            bases = (
                (1,) if len(powers) > 4 else (1, 3) if len(powers) > 2 else (1, 2, 5)
            )
            values = [base * 10.0**power for power in powers for base in bases]
        else:
            step = _round_step((self.high - self.low) / 4)
            step = max(1, step) if self.whole else step
            first = math.ceil(self.low / step)
            values = [i * step for i in range(first, first + 8)]
        margin = 1e-9 * (self.high - self.low)
        return [v for v in values if self.low - margin <= v <= self.high + margin]


def _round_step(step):
    """The next of 1, 2, 5, 10, ... that is not smaller."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(base * power for base in (1, 2, 5, 10) if base * power >= step * 0.999)
