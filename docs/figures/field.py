"""The methods of the field by year and branch, read from the tables of the page."""

import re
from collections import Counter

import matplotlib.pyplot as plt
from _shared import DOCS

COLORS = {
    "multistage": "#0072B2",
    "iterative": "#00805D",
    "simultaneous": "#C04F00",
    "generative": "#A8497F",
}
SHORT = {"Contrastive clustering (CC)": "CC", "Autoencoder + clusterer": "AE"}


def methods_of(text):
    """Year, name and whether it is here, for the rows of a table."""
    for row in re.split(r"\n   \* - ", text)[2:]:
        method, here, _, reference = row.split("\n     - ")[:4]
        years = re.findall(r"\b(?:19|20)\d\d\b", reference.split("\n")[0])
        names = method.split(", ")
        years = years if len(years) == len(names) else years[:1] * len(names)
        for year, name in zip(years, names, strict=False):
            yield int(year), name, not here.startswith("no;")


parts = re.split(r"\n[^\n]*\((\w+)\)\n====", (DOCS / "field.rst").read_text("utf-8"))
figure, ax = plt.subplots(figsize=(11, 5.6), layout="constrained")
base = 0
for branch, text in zip(parts[1::2], parts[2::2], strict=True):
    color, stacked = COLORS[branch], Counter()
    for year, name, is_here in sorted(methods_of(text), key=lambda m: (m[0], not m[2])):
        box = {"boxstyle": "round,pad=0.25", "ec": color}
        box["fc"] = color if is_here else "white"
        style = {"ha": "center", "va": "center", "fontsize": 7.5, "bbox": box}
        style["color"] = "white" if is_here else "0.35"
        ax.text(year, base + 0.5 + stacked[year], SHORT.get(name, name), **style)
        stacked[year] += 1
    height = max(stacked.values())
    ax.axhspan(base, base + height, color=color, alpha=0.07, lw=0)
    ax.text(2010.4, base + height / 2, branch, va="center", color=color, weight="bold")
    base += height + 0.3
ax.set(xlim=(2010.3, 2025.6), ylim=(base, -0.3), yticks=[], xticks=range(2012, 2026))
ax.set_title("filled: here; white: not here", fontsize=10, loc="right")
ax.spines[["top", "right", "left"]].set_visible(False)
