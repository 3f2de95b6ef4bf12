"""An iteration of k-means, as DeepCluster can run it, beside a matrix product.

    python benchmarks/kmeans_step.py --threads 1

DeepCluster takes scikit-learn's k-means or, with ``clusterer="faiss"``, that of faiss.
An iteration has to compare all samples with all centres, which is a matrix product of
n x d and d x k numbers; how much of its speed is reached is what is printed, with the
fastest of the rounds. Iterations are timed as the difference of a longer and a shorter
run from random centres, in turns. Lines go to `results/kmeans_step.jsonl`; `--table`
prints the newest ones.
"""

import argparse
import time

import numpy as np
import torch
from _common import append, environment, read, rotated
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
        for name in rotated(WAYS, i):
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


def table():
    print(f"\nAn iteration with {N_SAMPLES} samples of {WIDTH} features\n")
    print(
        "| k | matrix product, ms | scikit-learn: share of its speed | faiss: share |"
    )
    print("|---|---|---|---|")
    for row in {row["k"]: row for row in read(NAME)}.values():
        ms = row["ms"]
        whole = ms["matrix product"]
        print(
            f"| {row['k']} | {whole:.1f} | {whole / ms['scikit-learn']:.2f} | "
            f"{whole / ms['faiss']:.2f} |"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--clusters", type=int, nargs="+", default=CLUSTERS)
    parser.add_argument("--table", action="store_true", help="only print the table")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    with threadpool_limits(args.threads):
        for k in args.clusters if not args.table else ():
            row = measure(k, args.rounds)
            append(NAME, {**row, **environment(args.threads, "cpu")})
    table()


if __name__ == "__main__":
    main()
