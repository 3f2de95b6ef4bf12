"""Clustering figures by data set, method and settings, beside the published ones.

    python benchmarks/paper_tables.py --data mnist_test --settings paper --seeds 0

Every finished seed is a line of `benchmarks/results/paper_tables.jsonl` and is not
computed again: a run that was cut off goes on where it stopped. `--table` prints the
table of what is there and computes nothing. Set SKDEEPCLUST_DATA to a folder with the
data, or let it be fetched from OpenML.

The labels are used to score finished runs and for nothing else.
"""

import argparse
import math
import time
import warnings

import numpy as np
import torch
from _common import append, environment, load, read, scores
from sklearn.cluster import KMeans

from skdeepclust import DCEC

NAME = "paper_tables"
DATA = ["digits", "pendigits", "mnist_test", "mnist"]
METHODS = ["kmeans", "autoencoder+kmeans", "dcec"]

# ACC / NMI as published; the README beside this file names the sources.
PUBLISHED = {
    ("mnist_test", "kmeans"): ".55 / .50",
    ("mnist_test", "dcec"): ".853",
    ("mnist", "kmeans"): ".53 / .50",
    ("mnist", "autoencoder+kmeans"): ".879 / .807",
    ("mnist", "dcec"): ".890 / .885",
}


def settings_of_dcec(name, n_samples):
    if name == "paper":
        return {"batch_size": 256, "pretrain_epochs": 200, "max_iter": 20000}
    if name == "default":
        return {}
    if name == "quickstart":
        return {"pretrain_epochs": 50}
    # "50+50": passes through the data, batches of 64 or of the papers' 256.
    batch_size = {"50+50": "auto", "50+50/256": 256}[name]
    steps = math.ceil(n_samples / (64 if batch_size == "auto" else batch_size))
    return {
        "pretrain_epochs": 50,
        "batch_size": batch_size,
        "max_iter": 50 * steps,
    }


SETTINGS = ["paper", "default", "quickstart", "50+50", "50+50/256"]


def run_kmeans(X, y, seed):
    pixels = X.reshape(len(X), -1) / (255.0 if X.dtype == np.uint8 else 1.0)
    start = time.perf_counter()
    labels = KMeans(10, n_init=20, random_state=seed).fit_predict(pixels)
    seconds = time.perf_counter() - start
    yield {"method": "kmeans", "seconds": seconds, **scores(y, labels)}


def run_dcec(X, y, seed, settings, device):
    start = time.perf_counter()
    params = settings_of_dcec(settings, len(X))
    dcec = DCEC(n_clusters=10, random_state=seed, device=device, **params).fit(X)
    seconds = time.perf_counter() - start
    pretraining, joint = dcec.history_["pretraining"], dcec.history_["clustering"]
    yield {
        "method": "autoencoder+kmeans",
        "seconds": sum(pretraining["dur"]),
        "reconstruction_loss": pretraining["loss"][-1],
        **scores(y, dcec.init_labels_),
    }
    yield {
        "method": "dcec",
        "seconds": seconds,
        "n_iter": dcec.n_iter_,
        "stop_reason": dcec.stop_reason_,
        "n_effective_clusters": joint["n_effective_clusters"][-1],
        "n_reseeded": sum(joint["n_reseeded"]),
        "label_change": joint["label_change"],
        **scores(y, dcec.labels_),
    }


def compute(args):
    torch.set_num_threads(args.threads)
    warnings.simplefilter("ignore")  # what they say is in the rows
    X, y = load(args.data)
    for seed in args.seeds:
        done = {
            (row["method"], row["settings"])
            for row in read(NAME)
            if (row["data"], row["seed"]) == (args.data, seed)
        }
        rows = []
        if "kmeans" not in {method for method, _ in done}:
            rows += [{"settings": "-", **row} for row in run_kmeans(X, y, seed)]
        for settings in args.settings:
            if ("dcec", settings) not in done:
                fit = run_dcec(X, y, seed, settings, args.device)
                rows += [{"settings": settings, **row} for row in fit]
            for row in rows:
                found = {"data": args.data, "seed": seed, **row}
                append(NAME, {**found, **environment(args.threads, args.device)})
            rows = []


def table(data):
    all_rows = [row for row in read(NAME) if row["data"] == data]
    print(f"\n{data}: mean (sd, min, max) over seeds\n")
    print("| method | settings | seeds | ACC | NMI | ARI | s | published ACC / NMI |")
    print("|---|---|---|---|---|---|---|---|")
    for settings in ["-", *SETTINGS]:
        for method in METHODS:
            rows = [
                row
                for row in all_rows
                if (row["method"], row["settings"]) == (method, settings)
            ]
            if not rows:
                continue
            columns = [method, settings, str(len(rows))]
            for score in ("acc", "nmi", "ari"):
                v = np.array([row[score] for row in rows])
                columns.append(
                    f"{v.mean():.3f} ({v.std():.3f}, {v.min():.3f}, {v.max():.3f})"
                )
            columns.append(f"{np.mean([row['seconds'] for row in rows]):.0f}")
            columns.append(PUBLISHED.get((data, method), ""))
            print("| " + " | ".join(columns) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=DATA, default="mnist_test")
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=["paper"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--table", action="store_true", help="only print the table")
    args = parser.parse_args()
    if not args.table:
        compute(args)
    table(args.data)


if __name__ == "__main__":
    main()
