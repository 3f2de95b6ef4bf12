"""Cluster scikit-learn's bundled digits, and look at the result.

    python examples/quickstart.py [figure.png]

Prints ACC, NMI and ARI of k-means on the pixels, of the start of joint training and of
DCEC, and saves a figure of the clusters and of the training. DCEC has its defaults but
for a quarter of the pretraining, which is enough for images of 8 x 8. About a minute on
two cores.
"""

import sys
import time

import matplotlib
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from skdeepclust import DCEC
from skdeepclust.displays import ClusterMontageDisplay, TrainingCurvesDisplay
from skdeepclust.metrics import clustering_accuracy

matplotlib.use("agg")
import matplotlib.pyplot as plt


def print_scores(name, y, labels, seconds):
    print(
        f"{name:24}"
        f"{clustering_accuracy(y, labels):8.3f}"
        f"{normalized_mutual_info_score(y, labels):8.3f}"
        f"{adjusted_rand_score(y, labels):8.3f}{seconds:9.1f}"
    )


def plot(dcec, images, path):
    """Draw a row of images per cluster, and the curves of the training below."""
    figure = plt.figure(figsize=(10, 11), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(2, 1))
    ClusterMontageDisplay.from_estimator(dcec, images, n_images=4, ax=above)
    TrainingCurvesDisplay.from_estimator(dcec, ax=below)
    figure.savefig(path, dpi=120)


def main(path="digits_clusters.png"):
    images, y = load_digits().images / 16, load_digits().target
    print(f"{'':24}{'ACC':>8}{'NMI':>8}{'ARI':>8}{'seconds':>9}")

    start = time.perf_counter()
    kmeans = KMeans(10, n_init=20, random_state=0).fit(images.reshape(len(images), -1))
    seconds = time.perf_counter() - start
    print_scores("k-means on the pixels", y, kmeans.labels_, seconds)

    start = time.perf_counter()
    dcec = DCEC(n_clusters=10, pretrain_epochs=50, random_state=0).fit(images)
    seconds = time.perf_counter() - start
    pretraining_seconds = sum(dcec.history_["pretraining"]["dur"])
    print_scores("start of joint training", y, dcec.init_labels_, pretraining_seconds)
    print_scores("DCEC", y, dcec.labels_, seconds)
    print(f"\nJoint training: {dcec.n_iter_} steps, {dcec.stop_reason_}.")

    plot(dcec, images, path)
    print(f"Figure: {path}")


if __name__ == "__main__":
    main(*sys.argv[1:])
