"""Several short runs: is their consensus better, and can the best be told?

    OMP_NUM_THREADS=1 python benchmarks/consensus.py --pool runs
    OMP_NUM_THREADS=1 python benchmarks/consensus.py --pool runs --analyse

Every set has a pool of runs that differ in nothing but the seed. They are short, a
fraction of what the defaults take, so that ten of them cost about as much as one long
run. The labels of every run, and its embedding of at most 2,000 samples, are kept in
the folder of `--pool`, and a finished run is not made again. `--analyse` then draws ten
runs from each pool, several times, and compares

- a single run with the consensus of ten, and both with a long run (the defaults);
- samples on which the ten agree with the others;
- scores that need no labels: their rank correlation with NMI, and the ACC that is lost
  when the run with the best score is taken.

Draws are disjoint if the pool has enough runs, and random otherwise. Lines of
`results/consensus.jsonl` have the figures; `--table` prints the tables. Labels score
finished runs and are used for nothing else.
"""

import time
from pathlib import Path

import _common as common
import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import get_data_home
from tables import TABLES

from skdeepclust import DCEC, IDEC, TEMI, DeepCluster, Turtle

NAME = "consensus"
STORED = 2000  # samples whose embedding is kept

SHORT = {"update_interval": 70, "device": "cpu"}
KMEANS = {"n_init": 1}
ROUNDS = {"max_iter": 2, "device": "cpu"}

# Set, data, clusterer, its settings, number of runs. The cheap ones come first.
POOLS = {
    "iris, IDEC": ("iris", IDEC, {"pretrain_epochs": 10, "max_iter": 280, **SHORT}, 50),
    "wine, IDEC": ("wine", IDEC, {"pretrain_epochs": 10, "max_iter": 280, **SHORT}, 50),
    "breast cancer, IDEC": (
        *("breast cancer", IDEC),
        *({"pretrain_epochs": 10, "max_iter": 280, **SHORT}, 50),
    ),
    "digits, k-means": ("digits rows", KMeans, KMEANS, 50),
    "CIFAR features, k-means": ("cifar features", KMeans, KMEANS, 50),
    "digits, DCEC": (
        *("digits", DCEC),
        *({"pretrain_epochs": 5, "max_iter": 560, **SHORT}, 20),
    ),
    "digits, DeepCluster": ("digits", DeepCluster, ROUNDS, 20),
    "pendigits, IDEC": (
        *("pendigits rows", IDEC),
        *({"pretrain_epochs": 3, "max_iter": 560, **SHORT}, 20),
    ),
    "CIFAR features, TEMI from random weights": (
        *("cifar features", TEMI),
        *({"init": "random", "device": "cpu"}, 20),
    ),
    "MNIST 2,000, DeepCluster": ("mnist_test-2000", DeepCluster, ROUNDS, 20),
    "CIFAR 2,000, DeepCluster": ("cifar10_test-2000", DeepCluster, ROUNDS, 12),
    "MNIST 10,000, IDEC": (
        *("mnist rows", IDEC),
        *({"pretrain_epochs": 3, "max_iter": 280, **SHORT}, 12),
    ),
    "MNIST 10,000, DeepCluster": ("mnist_test", DeepCluster, ROUNDS, 12),
    "CIFAR features, TEMI": ("cifar features", TEMI, {"device": "cpu"}, 12),
    "CIFAR features, Turtle": ("cifar features", Turtle, {"device": "cpu"}, 12),
}


# -- the runs --------------------------------------------------------------------------


def load(data):
    """Samples and classes of a set."""
    if data in TABLES:
        return TABLES[data]()
    if data == "cifar features":
        X, y = common.load("cifar10_test")
        folder = Path(get_data_home())
        return np.load(folder / "skdeepclust_frozen_lite0.npy"), y
    if data == "pendigits rows":
        X, y = common.load("pendigits")
        return ((X - X.mean(axis=0)) / X.std(axis=0)).astype(np.float32), y
    name, _, rows = data.partition(" rows")
    X, y = common.load("mnist_test" if name == "mnist" else name)
    return (common.pixels_of(X).astype(np.float32) if "rows" in data else X), y


def compute(args):
    for name in args.sets:
        data, method, settings, n_runs = POOLS[name]
        X, y = None, None
        for seed in range(n_runs):
            path = run_file(args, name, seed)
            if path.exists():
                continue
            X, y = load(data) if X is None else (X, y)
            model = method(len(np.unique(y)), random_state=seed, **settings)
            start = time.process_time()
            model.fit(X)
            seconds = time.process_time() - start
            chosen = stored(len(X))
            np.savez_compressed(
                path,
                labels=model.labels_,
                embedding=model.transform(X)[chosen].astype(np.float32),
                loss=last_loss(model),
            )
            row = {"kind": "run", "set": name, "seed": seed, "cpu_seconds": seconds}
            common.append(NAME, {**row, **common.scores(y, model.labels_)}, args)


def run_file(args, name, seed):
    folder = Path(args.pool) / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{seed}.npz"


def stored(n_samples):
    """Samples whose embedding is kept: the same in all runs."""
    return np.random.RandomState(0).permutation(n_samples)[:STORED]


def last_loss(model):
    """What the training minimised, at its end."""
    if isinstance(model, KMeans):
        return model.inertia_
    table = [*model.history_.values()][-1]
    return table["loss"][-1]


def table(_):
    pass


if __name__ == "__main__":
    common.run(
        __doc__,
        compute,
        table,
        sets=([*POOLS], [*POOLS]),
        pool="runs",
        analyse=False,
    )
