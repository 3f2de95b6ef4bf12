"""Photographs: what a network that was trained elsewhere is worth."""

from _shared import BLUE, GREY, ORANGE, accuracies, draw, figure_of

small = {"data": "cifar10_test", "settings": "kmeans on pixels"}
last = {"what": "images", "epoch": "last"}
groups = {
    "pixels, k-means": accuracies("deepcluster", **small),
    "trained here, DeepCluster, k-means": accuracies(
        "deepcluster", data="cifar10_test", settings="default"
    ),
    "trained here, ContrastiveEncoder, k-means": accuracies(
        "contrastive", "kmeans", settings="simclr", **last
    ),
    "frozen, k-means": accuracies("frozen", data="lite0", method="k-means"),
    "frozen, Turtle": accuracies("frozen", data="lite0", method="Turtle"),
    "frozen, TEMI": accuracies("frozen", data="lite0", method="TEMI"),
}
colors = dict(zip(groups, (GREY, BLUE, BLUE, ORANGE, ORANGE, ORANGE), strict=True))
figure, axes = figure_of(len(groups), width=7.6)
draw(axes[0, 0], groups, "10,000 photographs of CIFAR-10", colors, (0, 0.75))
axes[0, 0].axvline(0.1, color=GREY, ls=":")
axes[0, 0].text(0.1, 5.3, " chance", color=GREY, fontsize=9)
