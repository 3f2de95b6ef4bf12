"""What the figures of the pages share: the lines that the benchmarks wrote."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

__all__ = ["BLUE", "DOCS", "GREEN", "GREY", "ORANGE"]
__all__ += ["accuracies", "draw", "figure_of", "rows"]

DOCS = Path(__file__).resolve().parents[1]
RESULTS = DOCS.parent / "benchmarks" / "results"
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "0.55"


def rows(name, **chosen):
    """Lines of a file of results that have these values."""
    lines = (RESULTS / f"{name}.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    return [row for row in found if all(row.get(k) == v for k, v in chosen.items())]


def accuracies(name, score="acc", **chosen):
    """The scores of all seeds."""
    return [row[score] for row in rows(name, **chosen)]


def figure_of(n_rows, n_panels=1, width=8.4):
    """Panels for rows of dots."""
    size = (width, 0.9 + 0.3 * n_rows)
    return plt.subplots(1, n_panels, figsize=size, layout="constrained", squeeze=False)


def draw(ax, groups, title, colors=None, limits=(0, 1)):
    """A row per method: a dot per seed, a line at the mean, and the mean in words."""
    for place, (name, values) in enumerate(groups.items()):
        color = (colors or {}).get(name, BLUE)
        if not values:
            ax.text(limits[0], place, "  not measured", va="center", color=GREY)
            continue
        mean = np.mean(values)
        ax.plot(values, [place] * len(values), "o", color=color, ms=6, alpha=0.45)
        ax.plot([mean, mean], [place - 0.28, place + 0.28], color=color, lw=2)
        label = f"{mean:.3f}".lstrip("0") + ("" if len(values) > 1 else "  one seed")
        at = max(values) + 0.02 * (limits[1] - limits[0])
        ax.text(at, place, label, va="center", fontsize=9, color="0.25")
    ax.set_yticks(range(len(groups)), list(groups))
    ax.set(xlim=limits, ylim=(len(groups) - 0.5, -0.5), xlabel="accuracy")
    ax.set_title(title, loc="left", fontsize=11)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color="0.92")
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left"]].set_visible(False)
