"""What the benchmark scripts share: data by name, scores, lines of JSON."""

import json
import os
import platform
from pathlib import Path

import numpy as np
import sklearn
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

import skdeepclust
from skdeepclust.datasets import fetch_cifar10, fetch_mnist, fetch_pendigits
from skdeepclust.metrics import clustering_accuracy

_RESULTS = Path(__file__).parent / "results"

# What all the papers do where the defaults do something else.
PAPER = {"augment": None, "init": "kmeans", "n_iter_no_change": None}


def load(name):
    """Data set by name; "name-1000" is a fixed random sample of 1000 of it."""
    name, _, size = name.partition("-")
    if name == "digits":
        X, y = load_digits(return_X_y=True)
        X = (X / 16).astype(np.float32)
    elif name == "pendigits":
        X, y = fetch_pendigits(return_X_y=True)
        X = X / 100
    elif name == "cifar10_test":
        X, y = fetch_cifar10(subset="test", return_X_y=True)
    else:
        subsets = {"mnist_test": "test", "mnist_train": "train", "mnist": "all"}
        X, y = fetch_mnist(subset=subsets[name], return_X_y=True)
    if size:
        keep = np.random.RandomState(0).permutation(len(X))[: int(size)]
        X, y = X[keep], y[keep]
    return X, y


def pixels_of(X):
    """Rows of pixels; those of uint8 images scaled to [0, 1]."""
    return X.reshape(len(X), -1) / (255.0 if X.dtype == np.uint8 else 1.0)


def rotated(items, i):
    """The items, beginning with the i-th: an order that differs from turn to turn."""
    items = list(items)
    start = i % len(items)
    return items[start:] + items[:start]


def scores(y, labels):
    return {
        "acc": clustering_accuracy(y, labels),
        "nmi": float(normalized_mutual_info_score(y, labels)),
        "ari": float(adjusted_rand_score(y, labels)),
    }


def environment(threads, device):
    return {
        "skdeepclust": skdeepclust.__version__,
        "torch": torch.__version__,
        "sklearn": sklearn.__version__,
        "python": platform.python_version(),
        "threads": threads,
        "device": device,
    }


def read(name):
    """Results so far: a dict per line of results/NAME.jsonl."""
    path = _RESULTS / f"{name}.jsonl"
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def rows_of(name, where):
    """Results so far that have these values."""
    return [row for row in read(name) if where.items() <= row.items()]


def append(name, row):
    """Add a result, safe on disk when this returns."""
    _RESULTS.mkdir(exist_ok=True)
    with (_RESULTS / f"{name}.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")
        file.flush()
        os.fsync(file.fileno())
    print(json.dumps(row), flush=True)


def mean_sd_min(values):
    return f"{np.mean(values):.3f} ({np.std(values):.3f}, {np.min(values):.3f})"
