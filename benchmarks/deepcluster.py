"""DeepCluster beside k-means on pixels and on the features of its untrained network.

    python benchmarks/deepcluster.py --data digits mnist_test-2000 --seeds 0 1 2

`--settings` measures what the defaults rest on: other numbers of pseudo-classes, the
other variant, the plain case and the optimiser of the paper. All end with k-means, so
that features are compared and not the last clustering. A finished seed is a line
of `results/deepcluster.jsonl` and is not computed again; `--table` prints the table of
these results. Labels score finished runs and are used for nothing else.
"""

import time

import _common as common
import torch
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdeepclust import DeepCluster
from skdeepclust.metrics import latent_silhouette

NAME = "deepcluster"
PIXELS, UNTRAINED = "kmeans on pixels", "untrained features"
DATA = ["digits", "mnist_test-2000", "mnist_test", "cifar10_test-2000", "cifar10_test"]
SGD = {"optimizer": torch.optim.SGD, "lr": 0.05, "optimizer__momentum": 0.9}
SETTINGS = {
    UNTRAINED: {"max_iter": 0},
    "default": {},
    "v2": {"variant": "deepcluster-v2"},
    "plain": {"n_pseudo_labels": 10},
    "20 classes": {"n_pseudo_labels": 20},
    "100 classes": {"n_pseudo_labels": 100},
    "one epoch": {"epochs_per_round": 1},
    "10 rounds": {"max_iter": 10},
    "40 rounds": {"max_iter": 40},
    "batches of 256": {"batch_size": 256},
    "no augmentation": {"augment": None},
    "sgd": {**SGD, "optimizer__weight_decay": 1e-5},
}


def linear_probe(features, y, seed):
    """Accuracy of a linear classifier of frozen features: half train, half test."""
    parts = train_test_split(features, y, test_size=0.5, random_state=seed, stratify=y)
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
    return float(probe.fit(parts[0], parts[2]).score(parts[1], parts[3]))


def run_pixels(X, y, seed):
    pixels = common.pixels_of(X)
    labels = KMeans(10, n_init=20, random_state=seed).fit_predict(pixels)
    return {**common.scores(y, labels), "probe": linear_probe(pixels, y, seed)}


def run_deepcluster(X, y, seed, settings):
    start = time.perf_counter()
    fixed = {"final_clusterer": "kmeans", "random_state": seed, "device": "cpu"}
    deep = DeepCluster(10, **fixed, **settings).fit(X)
    seconds = time.perf_counter() - start
    rounds = {name: column[-1:] for name, column in deep.history_["rounds"].items()}
    return {
        "seconds": seconds,
        "n_iter": deep.n_iter_,
        "nmi_previous": rounds["nmi_previous"],
        "loss": rounds["loss"],
        "score": latent_silhouette(deep, X),
        **common.scores(y, deep.labels_),
        "probe": linear_probe(deep.transform(X), y, seed),
    }


def compute(args):
    for data in args.data:
        X, y = common.load(data)
        for seed in args.seeds:
            for name in [PIXELS, UNTRAINED, *args.settings]:
                where = {"data": data, "seed": seed, "settings": name}
                if common.rows_of(NAME, where):
                    continue
                if name == PIXELS:
                    row = run_pixels(X, y, seed)
                else:
                    row = run_deepcluster(X, y, seed, SETTINGS[name])
                common.append(NAME, {**where, **row, "n_samples": len(X)}, args)


def table(args):
    for data in args.data:
        lines = []
        found = common.groups(NAME, data=[data], settings=[PIXELS, *SETTINGS])
        for (_, name), rows in found:
            seconds = common.mean([{"seconds": 0, **row} for row in rows], "seconds")
            cells = common.spreads(rows, ("acc", "nmi", "ari", "probe"))
            lines.append([name, len(rows), *cells, seconds])
        common.print_table(
            f"{data}: mean (sd, min) over seeds",
            "settings | seeds | ACC | NMI | ARI | linear probe | s",
            lines,
        )


if __name__ == "__main__":
    common.run(
        __doc__,
        compute,
        table,
        data=(["digits"], DATA),
        settings=(["default"], SETTINGS),
        seeds=5,
        threads=2,
    )
