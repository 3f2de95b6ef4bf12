"""An embedding while it is trained: what its classes and its clusters are worth."""

import matplotlib.pyplot as plt
from _shared import BLUE, ORANGE, rows

scores = {"probe": "a linear classifier, with labels", "kmeans": "k-means, without"}
trained = rows("contrastive", what="images", settings="simclr")
trained = [row for row in trained if isinstance(row["epoch"], int)]
seeds = sorted({row["seed"] for row in trained})
figure, ax = plt.subplots(figsize=(7.6, 3.4), layout="constrained")
for (score, name), color in zip(scores.items(), (ORANGE, BLUE), strict=True):
    for seed in seeds:
        curve = [row for row in trained if row["seed"] == seed]
        x, y = zip(*((row["epoch"], row[score]) for row in curve), strict=True)
        ax.plot(x, y, "o-", ms=4, color=color, label=name if seed == seeds[0] else None)
    for settings, line in (("untrained", "--"), ("pixels", ":")):
        values = [row[score] for row in rows("contrastive", settings=settings)]
        ax.axhline(sum(values) / len(values), color=color, ls=line, lw=1)
        side = "top" if (score, settings) == ("kmeans", "pixels") else "bottom"
        style = {"color": color, "fontsize": 8, "va": side, "ha": "right"}
        ax.text(116, values[0], settings, **style)
ax.set(xlabel="epoch", ylabel="accuracy", xlim=(0, 116), ylim=(0.1, 0.7))
number = "one seed" if len(seeds) == 1 else f"{len(seeds)} seeds"
ax.set_title(f'ContrastiveEncoder("simclr") on CIFAR-10, {number}', fontsize=11)
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False, loc="center right", bbox_to_anchor=(0.88, 0.6), fontsize=9)
