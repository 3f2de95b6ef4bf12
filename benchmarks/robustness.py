"""What unbalanced, corrupted, few data and a wrong number of clusters do.

    python benchmarks/robustness.py --data digits --seeds 0 1 2 3 4

DCEC, with 50 epochs of pretraining and otherwise by default, beside the same
autoencoder with k-means and with DCEC's start, and k-means on the pixels. Conditions:

- plain: the data as they are;
- unbalanced: of class c a share of 10 % + 10 % * c, from a tenth of the first class
  to all of the last;
- corrupted: 5 % of the images have half of their rows replaced by noise;
- two clusters fewer, two more than classes;
- 500 samples only.

A condition is drawn anew with every seed, and all the methods get the same draw. NMI is
the score to compare over conditions: accuracy cannot be 1 with a wrong number of
clusters. Every run is a line of `results/robustness.jsonl` and is not made again.
Labels make the conditions and score finished runs.
"""

import argparse
import time
import warnings

import numpy as np
import torch
from _common import append, environment, load, mean_sd_min, pixels_of, rows_of, scores
from sklearn.cluster import KMeans

from skdeepclust import DCEC, Autoencoder

NAME = "robustness"
DATA = ["digits", "mnist_test-2000"]
CONDITIONS = [
    "plain",
    "unbalanced",
    "corrupted",
    "8 clusters",
    "12 clusters",
    "500 samples",
]
METHODS = [
    "k-means",
    "autoencoder + k-means",
    "autoencoder + landmark spectral",
    "DCEC",
]
EPOCHS = 50


def under(condition, X, y, seed):
    """Samples, classes and number of clusters of a condition."""
    rng = np.random.RandomState(seed)
    if condition == "unbalanced":
        keep = np.flatnonzero(rng.rand(len(y)) < 0.1 + 0.1 * y)
        return X[keep], y[keep], 10
    if condition == "corrupted":
        X = X.reshape(len(X), -1).copy()
        hit = rng.permutation(len(X))[: len(X) // 20]
        top = np.iinfo(X.dtype).max if X.dtype == np.uint8 else 1
        noise = (rng.rand(len(hit), X.shape[1] // 2) * top).astype(X.dtype)
        X[hit, : X.shape[1] // 2] = noise
        return X, y, 10
    if condition == "500 samples":
        keep = rng.permutation(len(X))[:500]
        return X[keep], y[keep], 10
    return X, y, int(condition.split()[0]) if condition[0].isdigit() else 10


def run(X, y, n_clusters, seed):
    pixels = pixels_of(X)
    start = time.perf_counter()
    labels = KMeans(n_clusters, n_init=20, random_state=seed).fit_predict(pixels)
    yield "k-means", time.perf_counter() - start, labels
    shared = {"random_state": seed, "device": "cpu"}
    autoencoder = Autoencoder(augment="auto", max_epochs=EPOCHS, **shared).fit(X)
    pretraining = sum(autoencoder.history_["pretraining"]["dur"])
    codes = KMeans(n_clusters, n_init=20, random_state=seed)
    labels = codes.fit_predict(autoencoder.transform(X))
    yield "autoencoder + k-means", pretraining, labels
    start = time.perf_counter()
    shared |= {"module": autoencoder.module_, "pretrain_epochs": 0}
    dcec = DCEC(n_clusters, **shared).fit(X)
    yield "autoencoder + landmark spectral", pretraining, dcec.init_labels_
    yield "DCEC", pretraining + time.perf_counter() - start, dcec.labels_


def compute(args):
    torch.set_num_threads(args.threads)
    warnings.simplefilter("ignore")
    X, y = load(args.data)
    for seed in args.seeds:
        for condition in CONDITIONS:
            where = {"data": args.data, "condition": condition, "seed": seed}
            if rows_of(NAME, where):
                continue
            X_now, y_now, n_clusters = under(condition, X, y, seed)
            for method, seconds, labels in list(run(X_now, y_now, n_clusters, seed)):
                row = {**where, "method": method, "seconds": seconds}
                row |= {"n_samples": len(X_now), **scores(y_now, labels)}
                append(NAME, {**row, **environment(args.threads, "cpu")})


def table(data):
    print(f"\n{data}: mean (sd, min) over seeds\n")
    print("| condition | method | seeds | NMI | ACC | ARI |")
    print("|---|---|---|---|---|---|")
    for condition in CONDITIONS:
        for method in METHODS:
            where = {"data": data, "condition": condition, "method": method}
            rows = rows_of(NAME, where)
            if rows:
                columns = [str(len(rows))]
                columns += [
                    mean_sd_min([row[score] for row in rows])
                    for score in ("nmi", "acc", "ari")
                ]
                print(f"| {condition} | {method} | {' | '.join(columns)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=DATA, default="digits")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--table", action="store_true", help="only print the table")
    args = parser.parse_args()
    if not args.table:
        compute(args)
    table(args.data)


if __name__ == "__main__":
    main()
