"""DeepCluster beside k-means on pixels and on the features of its untrained network.

    python benchmarks/deepcluster.py --data digits mnist_test-2000 --seeds 0 1 2

Also what its defaults are made of: `--settings` runs other numbers of pseudo-classes,
the other variant, the plain case and the optimiser of the paper. A finished seed is a
line of `results/deepcluster.jsonl` and is not computed again; `--table` prints the
table of what is there. Labels score finished runs and are used for nothing else.
"""

import argparse
import time
import warnings

import numpy as np
import torch
from _common import append, environment, load, mean_sd_min, pixels_of, read, scores
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdeepclust import DeepCluster

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
    pixels = pixels_of(X)
    labels = KMeans(10, n_init=20, random_state=seed).fit_predict(pixels)
    return {**scores(y, labels), "probe": linear_probe(pixels, y, seed)}


def run_deepcluster(X, y, seed, settings):
    start = time.perf_counter()
    deep = DeepCluster(10, random_state=seed, device="cpu", **settings).fit(X)
    seconds = time.perf_counter() - start
    rounds = {name: column[-1:] for name, column in deep.history_["rounds"].items()}
    return {
        "seconds": seconds,
        "n_iter": deep.n_iter_,
        "nmi_previous": rounds["nmi_previous"],
        "loss": rounds["loss"],
        "score": deep.score(X),
        **scores(y, deep.labels_),
        "probe": linear_probe(deep.transform(X), y, seed),
    }


def compute(args):
    torch.set_num_threads(args.threads)
    warnings.simplefilter("ignore")  # what they say is in the rows
    for data in args.data:
        X, y = load(data)
        for seed in args.seeds:
            done = {
                row["settings"]
                for row in read(NAME)
                if (row["data"], row["seed"]) == (data, seed)
            }
            for name in [PIXELS, UNTRAINED, *args.settings]:
                if name in done:
                    continue
                if name == PIXELS:
                    row = run_pixels(X, y, seed)
                else:
                    row = run_deepcluster(X, y, seed, SETTINGS[name])
                where = {"data": data, "n_samples": len(X), "seed": seed}
                where |= environment(args.threads, "cpu")
                append(NAME, {"settings": name, **row, **where})


def table(data):
    print(f"\n{data}: mean (sd, min) over seeds\n")
    print("| settings | seeds | ACC | NMI | ARI | linear probe | s |")
    print("|---|---|---|---|---|---|---|")
    for name in [PIXELS, *SETTINGS]:
        rows = [r for r in read(NAME) if (r["data"], r["settings"]) == (data, name)]
        if rows:
            names = ("acc", "nmi", "ari", "probe")
            columns = [mean_sd_min([r[s] for r in rows]) for s in names]
            seconds = np.mean([r.get("seconds", 0) for r in rows])
            print(f"| {name} | {len(rows)} | {' | '.join(columns)} | {seconds:.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", choices=DATA, default=["digits"])
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=["default"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--table", action="store_true", help="only print the tables")
    args = parser.parse_args()
    if not args.table:
        compute(args)
    for data in args.data:
        table(data)


if __name__ == "__main__":
    main()
