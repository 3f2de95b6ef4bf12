"""Cluster scikit-learn's bundled digits, and look at the result.

    python examples/quickstart.py [figure.png]

Prints ACC, NMI and ARI of DCEC beside k-means on the pixels, and saves a figure of
the clusters and of the training. About half a minute on two cores.
"""

import sys
import time

import matplotlib
import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from skdeepclust import DCEC
from skdeepclust.metrics import clustering_accuracy

matplotlib.use("agg")
import matplotlib.pyplot as plt

# A quarter of the papers' pretraining: on these small images the codes are good by
# then, and the example ends within a minute. All else is the default.
SETTINGS = {"pretrain_epochs": 50, "random_state": 0}


def print_scores(name, y, labels, seconds):
    print(
        f"{name:24}"
        f"{clustering_accuracy(y, labels):8.3f}"
        f"{normalized_mutual_info_score(y, labels):8.3f}"
        f"{adjusted_rand_score(y, labels):8.3f}{seconds:9.1f}"
    )


def plot_clusters(dcec, images, axes):
    """A row per cluster: its decoded centre, then the images surest to be in it."""
    Q = dcec.predict_proba(images)
    n_images = axes.shape[1] - 1
    for k, row in enumerate(axes):
        members = np.flatnonzero(dcec.labels_ == k)
        surest = members[np.argsort(-Q[members, k])][:n_images]
        for ax, image in zip(row, [dcec.cluster_images_[k, 0], *images[surest]]):
            ax.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        for ax in row:
            ax.set(xticks=[], yticks=[])
        row[0].set_ylabel(
            f"{k}: {len(members)}", rotation=0, ha="right", va="center", labelpad=6
        )
    axes[0, 0].set_title("decoded\ncentre", fontsize=9)
    axes[0, n_images // 2 + 1].set_title("the surest images", fontsize=9)


def plot_training(dcec, axes):
    pretraining, joint = dcec.history_["pretraining"], dcec.history_["clustering"]
    axes[0].semilogy(pretraining["epoch"], pretraining["loss"])
    axes[0].set(xlabel="epoch", ylabel="reconstruction loss", title="Pretraining")
    axes[1].semilogy(joint["step"], np.maximum(joint["label_change"], 1e-4), "o-")
    axes[1].axhline(dcec.tol, color="0.4", linestyle="--")
    axes[1].annotate("tol", (joint["step"][0], dcec.tol), va="bottom", color="0.4")
    axes[1].set(xlabel="step", ylabel="labels changed", title="Joint training")


def plot(dcec, images, path):
    figure = plt.figure(figsize=(10, 6), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(3, 2))
    plot_clusters(dcec, images, left.subplots(dcec.n_clusters, 11))
    left.suptitle("Clusters (number: size)")
    plot_training(dcec, right.subplots(2, 1))
    figure.savefig(path, dpi=120)


def main(path="digits_clusters.png"):
    images, y = load_digits().images / 16, load_digits().target
    print(f"{'':24}{'ACC':>8}{'NMI':>8}{'ARI':>8}{'seconds':>9}")

    start = time.perf_counter()
    kmeans = KMeans(10, n_init=20, random_state=0).fit(images.reshape(len(images), -1))
    seconds = time.perf_counter() - start
    print_scores("k-means on the pixels", y, kmeans.labels_, seconds)

    start = time.perf_counter()
    dcec = DCEC(n_clusters=10, **SETTINGS).fit(images)
    seconds = time.perf_counter() - start
    pretraining_seconds = sum(dcec.history_["pretraining"]["dur"])
    print_scores("autoencoder + k-means", y, dcec.init_labels_, pretraining_seconds)
    print_scores("DCEC", y, dcec.labels_, seconds)
    print(f"\nJoint training: {dcec.n_iter_} steps, {dcec.stop_reason_}.")

    plot(dcec, images, path)
    print(f"Figure: {path}")


if __name__ == "__main__":
    main(*sys.argv[1:])
