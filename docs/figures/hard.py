"""NMI under hard conditions, of four methods."""

import matplotlib.pyplot as plt
from _shared import BLUE, GREEN, GREY, ORANGE, rows

conditions = {
    "plain": "as they are",
    "10:1": "10:1",
    "100:1": "100:1",
    "damaged": "5 % half destroyed",
    "duplicated": "a tenth five times",
    "8 clusters": "8 clusters",
    "12 clusters": "12 clusters",
    "500 samples": "500 images",
}
colors = {"k-means": GREY, "autoencoder + k-means": BLUE, "DCEC": ORANGE}
colors["DeepCluster"] = GREEN
figure, ax = plt.subplots(figsize=(7.6, 4.6), layout="constrained")
for place, condition in enumerate(conditions):
    for shift, (method, color) in enumerate(colors.items()):
        found = rows("robustness", data="digits", condition=condition, method=method)
        values = [row["nmi"] for row in found]
        heights = [place + 0.18 * (shift - 1.5)] * len(values)
        label = method if place == 0 else None
        ax.plot(values, heights, "o", color=color, ms=6, alpha=0.5, label=label)
ax.set_yticks(range(len(conditions)), conditions.values())
ax.set(xlabel="NMI with the digits", xlim=(0.55, 1), ylim=(7.6, -0.6))
ax.tick_params(axis="y", length=0)
ax.grid(axis="x", color="0.92")
ax.spines[["top", "right", "left"]].set_visible(False)
ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4)
