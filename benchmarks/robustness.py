"""The effect of unbalanced, damaged or few images and a wrong number of clusters.

    OMP_NUM_THREADS=1 python benchmarks/robustness.py --data digits --seeds 0 1 2

DCEC, with its defaults except for 50 epochs of pretraining, beside its start, the same
autoencoder with k-means, DeepCluster with its defaults and with `balance=0.5`, and
k-means on the pixels. Conditions:

- plain: the data as they are;
- 10:1, 100:1: classes of unequal sizes, which fall by the same factor from class to
  class, in a random order: the largest is whole, of the smallest there is a tenth or a
  hundredth;
- damaged: noise replaces half of the rows of 5 % of the images;
- duplicated: a tenth of the images five times;
- two clusters fewer, and two more, than classes;
- 500 samples only.

Every seed draws the conditions again, and all methods get the same draw. Compare
conditions by NMI: accuracy cannot be 1 with a wrong number of clusters. Every run is a
line of `results/robustness.jsonl` and is not repeated. Labels make the conditions and
score finished runs.
"""

import time

import _common as common
import numpy as np
from sklearn.cluster import KMeans

from skdeepclust import DCEC, Autoencoder, DeepCluster

NAME = "robustness"
DATA = ["digits", "mnist_test-2000"]
CONDITIONS = ["plain", "10:1", "100:1", "damaged", "duplicated"]
CONDITIONS += ["8 clusters", "12 clusters", "500 samples"]
METHODS = ["k-means", "autoencoder + k-means", "DCEC, start", "DCEC"]
BALANCES = {"DeepCluster": 1.0, "DeepCluster, balance 0.5": 0.5}
METHODS += list(BALANCES)
EPOCHS = 50


def under(condition, X, y, seed):
    """Samples, classes and number of clusters of a condition."""
    rng = np.random.RandomState(seed)
    if condition.endswith(":1"):
        keep = unbalanced(y, float(condition[:-2]), rng)
        return X[keep], y[keep], 10
    if condition == "duplicated":
        some = rng.permutation(len(X))[: len(X) // 10]
        keep = np.sort(np.concatenate([np.arange(len(X)), *[some] * 4]))
        return X[keep], y[keep], 10
    if condition == "damaged":
        rows = X.reshape(len(X), -1).copy()
        hit = rng.permutation(len(X))[: len(X) // 20]
        top = np.iinfo(X.dtype).max if X.dtype == np.uint8 else 1
        noise = (rng.rand(len(hit), rows.shape[1] // 2) * top).astype(X.dtype)
        rows[hit, : rows.shape[1] // 2] = noise
        return rows.reshape(X.shape), y, 10
    if condition == "500 samples":
        keep = rng.permutation(len(X))[:500]
        return X[keep], y[keep], 10
    return X, y, int(condition.split()[0]) if condition[0].isdigit() else 10


def unbalanced(y, ratio, rng):
    """Samples of classes whose sizes fall by the same factor from class to class."""
    rank = rng.permutation(10)
    kept = []
    for label in range(10):
        own = rng.permutation(np.flatnonzero(y == label))
        share = ratio ** (-rank[label] / 9)
        kept.append(own[: max(1, round(share * len(own)))])
    return np.sort(np.concatenate(kept))


def fits(X, n_clusters, seed, wanted):
    """Method, seconds and labels of the methods wanted."""
    shared = {"random_state": seed, "device": "cpu"}
    if wanted - set(BALANCES):
        yield from fits_of_autoencoder(X, n_clusters, seed, shared)
    for method in [each for each in BALANCES if each in wanted]:
        start = time.perf_counter()
        model = DeepCluster(n_clusters, balance=BALANCES[method], **shared).fit(X)
        yield method, time.perf_counter() - start, model.labels_


def fits_of_autoencoder(X, n_clusters, seed, shared):
    pixels = common.pixels_of(X)
    start = time.perf_counter()
    labels = KMeans(n_clusters, n_init=20, random_state=seed).fit_predict(pixels)
    yield "k-means", time.perf_counter() - start, labels
    autoencoder = Autoencoder(augment="auto", max_epochs=EPOCHS, **shared).fit(X)
    pretraining = sum(autoencoder.history_["pretraining"]["dur"])
    kmeans = KMeans(n_clusters, n_init=20, random_state=seed)
    labels = kmeans.fit_predict(autoencoder.transform(X))
    yield "autoencoder + k-means", pretraining, labels
    start = time.perf_counter()
    trained = {"module": autoencoder.module_, "pretrain_epochs": 0}
    dcec = DCEC(n_clusters, **shared, **trained).fit(X)
    yield "DCEC, start", pretraining, dcec.init_labels_
    yield "DCEC", pretraining + time.perf_counter() - start, dcec.labels_


def compute(args):
    X, y = common.load(args.data)
    for seed in args.seeds:
        for condition in CONDITIONS:
            where = {"data": args.data, "condition": condition, "seed": seed}
            wanted = set(METHODS) - {
                row["method"] for row in common.rows_of(NAME, where)
            }
            if not wanted:
                continue
            X_now, y_now, n_clusters = under(condition, X, y, seed)
            for method, seconds, labels in list(fits(X_now, n_clusters, seed, wanted)):
                if method not in wanted:
                    continue
                row = {**where, "method": method, "seconds": seconds}
                row |= {"n_samples": len(X_now), **common.scores(y_now, labels)}
                common.append(NAME, row, args)


def table(args):
    found = common.groups(NAME, data=[args.data], condition=CONDITIONS, method=METHODS)
    common.print_table(
        f"{args.data}: mean (sd, min) over seeds",
        "condition | method | seeds | NMI | ACC | ARI",
        [
            [condition, method, len(rows), *common.spreads(rows, ("nmi", "acc", "ari"))]
            for (_, condition, method), rows in found
        ],
    )


if __name__ == "__main__":
    common.run(__doc__, compute, table, data=("digits", DATA), seeds=5)
