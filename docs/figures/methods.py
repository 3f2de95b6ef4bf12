"""What every method reached, and how far its seeds are apart."""

from _shared import GREY, ORANGE, accuracies, draw, figure_of

paper = "DCEC.as_published"
names = {
    "k-means": "k-means",
    "Gaussian mixture": "PCA + GaussianMixture",
    "AutoClustering": "AutoClustering",
    "DEC": "DEC",
    "IDEC": "IDEC",
}


def measured(data):
    """Accuracies on one data set."""
    return {
        name: accuracies("images", data=data, method=method)
        for name, method in names.items()
    } | {paper: accuracies("paper_tables", data=data, method="dcec", settings="paper")}


digits, mnist = measured("digits"), measured("mnist_test")
for name in ("DeepCluster", "DCEC"):
    digits[name] = accuracies("images", data="digits", method=name)
    mnist[name] = accuracies("seeds", data="mnist_test", method=name)

colors = {"k-means": GREY, "Gaussian mixture": GREY, "AutoClustering": GREY}
colors |= {"DeepCluster": ORANGE, "DCEC": ORANGE}
figure, axes = figure_of(len(digits), 2, width=9.6)
draw(axes[0, 0], digits, "digits, 8 x 8", colors, (0.4, 1.08))
draw(axes[0, 1], mnist, "MNIST-test, 28 x 28", colors, (0.4, 1.08))
axes[0, 1].set_yticklabels([])
