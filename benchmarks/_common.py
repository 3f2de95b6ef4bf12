"""What the benchmark scripts share: data, scores, lines of JSON, tables, arguments."""

import argparse
import itertools
import json
import os
import platform
import warnings
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

# -- data and scores -------------------------------------------------------------------


def load(name):
    """Data set by name; "name-1000" is a fixed random sample of 1000 of it."""
    name, _, size = name.partition("-")
    if name == "digits":
        digits = load_digits()
        X, y = (digits.images / 16).astype(np.float32), digits.target
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
    """Rows of pixels; those of uint8 images are scaled to [0, 1]."""
    return X.reshape(len(X), -1) / (255.0 if X.dtype == np.uint8 else 1.0)


def rotated(items, i):
    """The items, beginning with the i-th: every turn has another order."""
    items = list(items)
    start = i % len(items)
    return items[start:] + items[:start]


def scores(y, labels):
    return {
        "acc": clustering_accuracy(y, labels),
        "nmi": float(normalized_mutual_info_score(y, labels)),
        "ari": float(adjusted_rand_score(y, labels)),
    }


# -- results: a line of JSON each ------------------------------------------------------


def read(name):
    """Results so far: a dict per line of results/NAME.jsonl."""
    path = _RESULTS / f"{name}.jsonl"
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def rows_of(name, where):
    """Results so far that have these values."""
    return [row for row in read(name) if where.items() <= row.items()]


def groups(name, **values):
    """Every combination of the values that has results, and these results."""
    rows = read(name)
    for combination in itertools.product(*values.values()):
        where = dict(zip(values, combination))
        found = [row for row in rows if where.items() <= row.items()]
        if found:
            yield combination, found


def append(name, row, args, device="cpu"):
    """Add a result and what it ran on. It is safe on disk when this returns."""
    row = {
        **row,
        "skdeepclust": skdeepclust.__version__,
        "torch": torch.__version__,
        "sklearn": sklearn.__version__,
        "python": platform.python_version(),
        "threads": args.threads,
        "device": device,
    }
    _RESULTS.mkdir(exist_ok=True)
    with (_RESULTS / f"{name}.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")
        file.flush()
        os.fsync(file.fileno())
    print(json.dumps(row), flush=True)


# -- tables ----------------------------------------------------------------------------


def print_table(title, head, rows):
    """A table in Markdown, below its title; rows are lists of cells."""
    print(f"\n{title}\n" if title else "")
    print(f"| {head} |")
    print("|" + "---|" * len(head.split("|")))
    for cells in rows:
        print(f"| {' | '.join(map(str, cells))} |")


def mean_sd_min(values):
    return f"{np.mean(values):.3f} ({np.std(values):.3f}, {np.min(values):.3f})"


def spreads(rows, names=("acc", "nmi", "ari")):
    """A cell for every score: its mean, standard deviation and minimum."""
    return [mean_sd_min([row[name] for row in rows]) for name in names]


def mean(rows, name, digits=0):
    """A cell with the mean of a value."""
    return f"{np.mean([row[name] for row in rows]):.{digits}f}"


# -- the command line ------------------------------------------------------------------


def run(doc, compute, table, *, seeds=0, threads=1, **arguments):
    """Run a script: `compute(args)`, unless --table is given, then `table(args)`.

    `seeds` is a number: seeds 0, 1, ... are the default. `arguments` are the script's
    own, as name=default or name=(default, choices). One whose default is a list takes
    several values.
    """
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments |= {"seeds": list(range(seeds))} if seeds else {}
    for name, default in {**arguments, "threads": threads, "table": False}.items():
        default, choices = default if isinstance(default, tuple) else (default, None)
        settings = {"action": "store_true"}
        if default is not False:
            several = isinstance(default, list)
            value = default[0] if several else default
            settings = {"choices": choices, "nargs": "+" if several else None}
            settings["type"] = str if value is None else type(value)
        parser.add_argument(f"--{name}", default=default, **settings)
    args = parser.parse_args()
    if not args.table:
        torch.set_num_threads(args.threads)
        warnings.simplefilter("ignore")  # the rows have the same facts
        compute(args)
    table(args)
