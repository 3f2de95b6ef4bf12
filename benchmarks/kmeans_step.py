"""An iteration of k-means, as DeepCluster can run it, beside a matrix product.

    python benchmarks/kmeans_step.py --threads 1

DeepCluster takes scikit-learn's k-means or, with ``clusterer="faiss"``, that of faiss.
An iteration has to compare all samples with all centres, which is a matrix product of
n x d and d x k numbers. The script prints the share of its speed that each k-means
reaches, from the fastest of the rounds. The time of an iteration is the difference of a
longer and a shorter run from random centres; the ways take turns. Lines go to
`results/kmeans_step.jsonl`; `--table` prints the newest ones.
"""

import time

import _common as common
import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from skdeepclust._clusterers import make_clusterer

NAME = "kmeans_step"
N_SAMPLES, WIDTH = 20_000, 256
CLUSTERS = [10, 100, 1000, 10_000]
SHORT = 2


def scikit_learn(F, k, n_iter):
    KMeans(
        k, init="random", n_init=1, max_iter=n_iter, tol=0, random_state=0, copy_x=False
    ).fit(F)


def with_faiss(F, k, n_iter):
    kmeans = make_clusterer("faiss", k, 1, 0)
    kmeans.n_iter = n_iter
    kmeans.fit_predict(F)


def product(F, k, n_iter):
    centers = F[np.random.RandomState(0).permutation(len(F))[:k]].T
    for _ in range(n_iter):
        for start in range(0, len(F), 1024):
            F[start : start + 1024] @ centers


WAYS = {"matrix product": product, "scikit-learn": scikit_learn, "faiss": with_faiss}


def measure(k, n_rounds):
    F = np.random.RandomState(0).normal(size=(N_SAMPLES, WIDTH)).astype(np.float32)
    long = SHORT + max(2, min(40, 20_000 // k))
    seconds = {(name, n_iter): [] for name in WAYS for n_iter in (SHORT, long)}
    for i in range(n_rounds):
        for name in common.rotated(WAYS, i):
            for n_iter in (SHORT, long):
                start = time.perf_counter()
                WAYS[name](F, k, n_iter)
                seconds[name, n_iter].append(time.perf_counter() - start)
    spent = {
        name: min(seconds[name, long]) - min(seconds[name, SHORT]) for name in WAYS
    }
    return {
        "k": k,
        "n": N_SAMPLES,
        "d": WIDTH,
        "rounds": n_rounds,
        "ms": {name: 1000 * s / (long - SHORT) for name, s in spent.items()},
    }


def compute(args):
    with threadpool_limits(args.threads):
        for k in args.clusters:
            common.append(NAME, measure(k, args.rounds), args)


def table(args):
    newest = {row["k"]: row["ms"] for row in common.read(NAME)}
    common.print_table(
        f"An iteration with {N_SAMPLES} samples of {WIDTH} features",
        "k | matrix product, ms | scikit-learn: share of its speed | faiss: share",
        [
            [k, f"{ms['matrix product']:.1f}"]
            + [f"{ms['matrix product'] / ms[way]:.2f}" for way in list(WAYS)[1:]]
            for k, ms in newest.items()
        ],
    )


if __name__ == "__main__":
    common.run(__doc__, compute, table, rounds=6, clusters=CLUSTERS)
