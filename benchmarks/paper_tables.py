"""Clustering figures by data set, method and settings, beside the published ones.

    python benchmarks/paper_tables.py --data mnist_test --settings paper --seeds 0

The settings "paper" are those of the reference code, "short" the same with a tenth of
the passes, "default" is ``DCEC(10)``, and "quickstart" that with 50 epochs. Every
finished seed is a line of `benchmarks/results/paper_tables.jsonl` and is not computed
again: a run that was cut off goes on where it stopped. `--table` prints the table of
what is there and computes nothing. Set SKDEEPCLUST_DATA to a folder with the data, or
let it be fetched from OpenML.

The labels are used to score finished runs and for nothing else.
"""

import argparse
import math
import time
import warnings

import numpy as np
import torch
from _common import PAPER, append, environment, load, pixels_of, read, rows_of, scores
from sklearn.cluster import KMeans

from skdeepclust import DCEC, DEC, IDEC, Autoencoder
from skdeepclust._batches import resolve_batch_size, resolve_epochs

NAME = "paper_tables"
DATA = ["digits", "pendigits", "mnist_test", "mnist"]

# What is fitted at once, because it shares an autoencoder, and the last row it gives.
FAMILIES = {"kmeans": "kmeans", "dcec": "dcec", "dec": "idec"}
STARTS = ["kmeans", "spectral"]
METHODS = [
    "kmeans",
    *(f"dense autoencoder+{start}" for start in STARTS),
    *("dec", "idec"),
    *(f"autoencoder+{start}" for start in STARTS),
    "dcec",
]

# ACC / NMI as published; the README beside this file names the sources.
PUBLISHED = {
    ("mnist_test", "kmeans"): ".55 / .50",
    ("mnist_test", "dcec"): ".853",
    ("mnist_test", "dcec", "default"): ".983 / .958 (augmented DEC)",
    ("mnist", "dcec", "default"): ".985 / .960 (augmented DEC)",
    ("mnist", "kmeans"): ".53 / .50",
    ("mnist", "dense autoencoder+kmeans"): ".879 / .807",
    ("mnist", "dec"): ".912 / .869",
    ("mnist", "idec"): ".881 / .867",
    ("mnist", "dcec"): ".890 / .885",
}

WHOLE_PAPER = {**PAPER, "batch_size": 256, "pretrain_epochs": 200}
SETTINGS = ["paper", "short", "default", "quickstart"]


def params_of(name, n_samples):
    """Parameters of DCEC, DEC and IDEC, by the name of the settings."""
    if name == "short":  # a tenth of the paper's passes
        steps = 20 * math.ceil(n_samples / 256)
        return {**WHOLE_PAPER, "pretrain_epochs": 20, "max_iter": steps}
    return {
        "paper": WHOLE_PAPER,
        "default": {},
        "quickstart": {"pretrain_epochs": 50},
    }[name]


def run_kmeans(X, y, seed, settings, device):
    pixels = pixels_of(X)
    start = time.perf_counter()
    labels = KMeans(10, n_init=20, random_state=seed).fit_predict(pixels)
    seconds = time.perf_counter() - start
    yield {"method": "kmeans", "seconds": seconds, **scores(y, labels)}


def run_dcec(X, y, seed, settings, device):
    params = params_of(settings, len(X))
    start = time.perf_counter()
    dcec = DCEC(10, random_state=seed, device=device, **params).fit(X)
    seconds = time.perf_counter() - start
    yield row_of_codes("autoencoder", dcec, dcec, y)
    yield row_of_joint("dcec", dcec, seconds, y)


def run_dec(X, y, seed, settings, device):
    """DEC and IDEC from the same pretrained dense autoencoder."""
    params = {"batch_size": "auto", "pretrain_epochs": "auto", "augment": None}
    params |= params_of(settings, len(X))
    batch_size = resolve_batch_size(params["batch_size"], len(X))
    shared = {"random_state": seed, "device": device}
    autoencoder = Autoencoder(
        module="dense",
        max_epochs=resolve_epochs(params["pretrain_epochs"], len(X), batch_size),
        batch_size=batch_size,
        augment=params["augment"],
        **shared,
    ).fit(X)
    shared |= {**params, "module": autoencoder.module_, "pretrain_epochs": 0}
    for kind in (DEC, IDEC):
        start = time.perf_counter()
        model = kind(10, **shared).fit(X)
        seconds = sum(autoencoder.history_["pretraining"]["dur"])
        seconds += time.perf_counter() - start
        if kind is DEC:
            yield row_of_codes("dense autoencoder", autoencoder, model, y)
        yield row_of_joint(kind.__name__.lower(), model, seconds, y)


def row_of_codes(method, pretrained, model, y):
    pretraining = pretrained.history_["pretraining"]
    return {
        "method": f"{method}+{model.init}",
        "seconds": sum(pretraining["dur"]),
        "reconstruction_loss": pretraining["loss"][-1],
        **scores(y, model.init_labels_),
    }


def row_of_joint(method, model, seconds, y):
    joint = model.history_["clustering"]
    return {
        "method": method,
        "seconds": seconds,
        "n_iter": model.n_iter_,
        "stop_reason": model.stop_reason_,
        "n_effective_clusters": joint["n_effective_clusters"][-1],
        "n_reseeded": sum(joint["n_reseeded"]),
        "label_change": joint["label_change"],
        **scores(y, model.labels_),
    }


RUNS = {"kmeans": run_kmeans, "dcec": run_dcec, "dec": run_dec}


def compute(args):
    torch.set_num_threads(args.threads)
    warnings.simplefilter("ignore")  # what they say is in the rows
    X, y = load(args.data)
    for seed in args.seeds:
        for family in args.families:
            for settings in ["-"] if family == "kmeans" else args.settings:
                where = {"data": args.data, "seed": seed, "settings": settings}
                last = {**where, "method": FAMILIES[family]}
                if rows_of(NAME, last):
                    continue
                for row in RUNS[family](X, y, seed, settings, args.device):
                    setting = environment(args.threads, args.device)
                    append(NAME, {**where, **row, **setting})


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
            published = PUBLISHED.get((data, method), "")
            for score in ("acc", "nmi", "ari"):
                v = np.array([row[score] for row in rows])
                columns.append(
                    f"{v.mean():.3f} ({v.std():.3f}, {v.min():.3f}, {v.max():.3f})"
                )
            columns.append(f"{np.mean([row['seconds'] for row in rows]):.0f}")
            columns.append(PUBLISHED.get((data, method, settings), published))
            print("| " + " | ".join(columns) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=DATA, default="mnist_test")
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=FAMILIES)
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
