"""NMI under hard conditions, of three methods."""

import matplotlib.pyplot as plt
from _shared import BLUE, GREY, ORANGE, rows

conditions = {
    "plain": "as they are",
    "unbalanced": "unbalanced",
    "corrupted": "5 % half destroyed",
    "8 clusters": "8 clusters",
    "12 clusters": "12 clusters",
    "500 samples": "500 images",
}
colors = {"k-means": GREY, "autoencoder + k-means": BLUE, "DCEC": ORANGE}
figure, ax = plt.subplots(figsize=(7.6, 3.6), layout="constrained")
for place, condition in enumerate(conditions):
    for shift, (method, color) in enumerate(colors.items()):
        found = rows("robustness", data="digits", condition=condition, method=method)
        values = [row["nmi"] for row in found]
        heights = [place + 0.2 * (shift - 1)] * len(values)
        label = method if place == 0 else None
        ax.plot(values, heights, "o", color=color, ms=6, alpha=0.5, label=label)
ax.set_yticks(range(len(conditions)), conditions.values())
ax.set(xlabel="NMI with the digits", xlim=(0.6, 1), ylim=(5.6, -0.6))
ax.tick_params(axis="y", length=0)
ax.grid(axis="x", color="0.92")
ax.spines[["top", "right", "left"]].set_visible(False)
ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
