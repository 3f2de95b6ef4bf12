"""Heads and simpler clusterers on the features of two networks."""

from _shared import BLUE, GREY, ORANGE, accuracies, draw, figure_of

methods = {
    "k-means": ("k-means", GREY),
    "UMAP + mixture, unit rows": ("UMAP + mixture, unit rows", BLUE),
    'TEMI, loss="scan"': ("TEMI, scan loss", ORANGE),
    "Turtle": ("Turtle", ORANGE),
    "TEMI": ("TEMI", ORANGE),
}
colors = {name: color for name, (_, color) in methods.items()}
figure, axes = figure_of(len(methods), 2, width=9.6)
networks = {"lite0": "EfficientNet-Lite0", "lite2": "EfficientNet-Lite2"}
for ax, (data, network) in zip(axes[0], networks.items(), strict=True):
    groups = {
        name: accuracies("frozen", data=data, method=method)
        for name, (method, _) in methods.items()
    }
    draw(ax, groups, f"CIFAR-10, features of {network}", colors, (0.4, 0.65))
axes[0, 1].set_yticklabels([])
