"""The papers' data sets with the papers' settings, beside the published figures.

    python benchmarks/paper_tables.py --data mnist_test --seeds 0 --threads 2

Every finished seed is a line of `benchmarks/results/paper_tables.jsonl` and is not
computed again: a run that was cut off goes on where it stopped. `--table` prints the
table of what is there and computes nothing. Set SKDEEPCLUST_DATA to a folder with the
data, or let it be fetched from OpenML.

The labels are used to score finished runs and for nothing else.
"""

import argparse
import json
import os
import platform
import time
from pathlib import Path

import numpy as np
import sklearn
import torch
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

import skdeepclust
from skdeepclust import DCEC
from skdeepclust.datasets import fetch_mnist, fetch_pendigits
from skdeepclust.metrics import clustering_accuracy

RESULTS = Path(__file__).parent / "results" / "paper_tables.jsonl"

# ACC / NMI as published; the sources are in the README beside this file.
PUBLISHED = {
    ("mnist_test", "kmeans"): ".55 / .50",
    ("mnist_test", "dcec"): ".853",
    ("mnist", "kmeans"): ".53 / .50",
    ("mnist", "autoencoder+kmeans"): ".879 / .807",
    ("mnist", "dcec"): ".890 / .885",
}


def load(name):
    if name == "digits":
        X, y = load_digits(return_X_y=True)
        return (X / 16).astype(np.float32), y
    if name == "pendigits":
        X, y = fetch_pendigits(return_X_y=True)
        return X / 100, y
    return fetch_mnist(
        subset="test" if name == "mnist_test" else "all", return_X_y=True
    )


def scores(y, labels):
    return {
        "acc": clustering_accuracy(y, labels),
        "nmi": normalized_mutual_info_score(y, labels),
        "ari": adjusted_rand_score(y, labels),
    }


def run_kmeans(X, y, seed, device):
    pixels = X.reshape(len(X), -1) / (255.0 if X.dtype == np.uint8 else 1.0)
    start = time.perf_counter()
    labels = KMeans(10, n_init=20, random_state=seed).fit_predict(pixels)
    seconds = time.perf_counter() - start
    yield {"method": "kmeans", "seconds": seconds, **scores(y, labels)}


def run_dcec(X, y, seed, device):
    start = time.perf_counter()
    dcec = DCEC(n_clusters=10, random_state=seed, device=device).fit(X)
    seconds = time.perf_counter() - start
    losses = dcec.history_["pretraining"]["loss"]
    yield {
        "method": "autoencoder+kmeans",
        "seconds": sum(dcec.history_["pretraining"]["dur"]),
        "reconstruction_loss": losses[-1],
        **scores(y, dcec.init_labels_),
    }
    yield {
        "method": "dcec",
        "seconds": seconds,
        "n_iter": dcec.n_iter_,
        "stop_reason": dcec.stop_reason_,
        "n_effective_clusters": dcec.history_["clustering"]["n_effective_clusters"][-1],
        "label_change": dcec.history_["clustering"]["label_change"],
        **scores(y, dcec.labels_),
    }


RUNS = {"kmeans": run_kmeans, "dcec": run_dcec}


def read():
    if not RESULTS.exists():
        return []
    return [json.loads(line) for line in RESULTS.read_text().splitlines()]


def compute(args):
    torch.set_num_threads(args.threads)
    X, y = load(args.data)
    environment = {
        "skdeepclust": skdeepclust.__version__,
        "torch": torch.__version__,
        "sklearn": sklearn.__version__,
        "python": platform.python_version(),
        "threads": args.threads,
        "device": args.device,
    }
    for seed in args.seeds:
        for name in args.methods:
            done = {
                (row["data"], row["method"], row["seed"], row["settings"])
                for row in read()
            }
            if (args.data, name, seed, "paper") in done:
                continue
            for row in RUNS[name](X, y, seed, args.device):
                row = {
                    "data": args.data,
                    "settings": "paper",
                    "seed": seed,
                    **row,
                    **environment,
                }
                RESULTS.parent.mkdir(exist_ok=True)
                with RESULTS.open("a") as file:
                    file.write(json.dumps(row) + "\n")
                    file.flush()
                    os.fsync(file.fileno())
                print(json.dumps(row), flush=True)


def table(data):
    rows = [row for row in read() if row["data"] == data]
    print(f"\n{data}: mean (sd, min, max) over seeds; settings of the papers\n")
    print("| method | seeds | ACC | NMI | ARI | seconds | published ACC / NMI |")
    print("|---|---|---|---|---|---|---|")
    for method in ("kmeans", "autoencoder+kmeans", "dcec"):
        of_method = [row for row in rows if row["method"] == method]
        if not of_method:
            continue
        columns = []
        for score in ("acc", "nmi", "ari"):
            v = np.array([row[score] for row in of_method])
            columns.append(
                f"{v.mean():.3f} ({v.std():.3f}, {v.min():.3f}, {v.max():.3f})"
            )
        seconds = np.mean([row["seconds"] for row in of_method])
        published = PUBLISHED.get((data, method), "")
        print(
            f"| {method} | {len(of_method)} | {' | '.join(columns)} | {seconds:.0f} | "
            f"{published} |"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data",
        choices=["digits", "pendigits", "mnist_test", "mnist"],
        default="mnist_test",
    )
    parser.add_argument("--methods", nargs="+", choices=list(RUNS), default=list(RUNS))
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
