"""Landmarks: how many, and to how many is a sample tied? What the defaults rest on.

    python benchmarks/landmarks.py

Trains autoencoders on 5,000 training images of MNIST, which no table of results here
uses, and clusters their codes by k-means, by landmark spectral clustering with several
numbers of landmarks and neighbours, and by the ensemble of all of them; and by
ensembles of one, two, ... of them, each with several seeds of the landmarks. Every
finished setting is a line of `results/landmarks.jsonl`; `--table` prints the tables of
what is there. Settings share the autoencoders and are computed in one go.
"""

import argparse
import itertools
import warnings

import numpy as np
import torch
from _common import append, environment, mean_sd_min, read, scores
from sklearn.cluster import KMeans

from skdeepclust import Autoencoder
from skdeepclust._spectral import SpectralEnsemble
from skdeepclust.datasets import fetch_mnist

NAME = "landmarks"
N_SAMPLES, EPOCHS, N_AUTOENCODERS, N_SEEDS = 5000, 40, 5, 5
NEIGHBORS, LANDMARKS = [2, 3, 5, 10], [100, 200, 500, 1000, 1700, 2500]


def compute(threads):
    torch.set_num_threads(threads)
    warnings.simplefilter("ignore")
    X, y = fetch_mnist(subset="train", return_X_y=True)
    keep = np.random.RandomState(123).permutation(len(X))[:N_SAMPLES]
    X, y = X[keep], y[keep]
    params = {"module": "dense", "max_epochs": EPOCHS, "device": "cpu"}
    codes = [
        Autoencoder(**params, random_state=seed).fit_transform(X)
        for seed in range(N_AUTOENCODERS)
    ]
    where = environment(threads, "cpu")

    def record(spaces, points, r, p, seed=0):
        labels = KMeans(10, n_init=10, random_state=0).fit_predict(points)
        row = {"r": r, "p": p, "n_spaces": len(spaces), "seed": seed}
        append(NAME, {**row, **scores(y, labels), **where})

    for Z in codes:
        record([Z], Z, 0, 0)
    for r in NEIGHBORS:
        for p in LANDMARKS:
            for spaces in [*([Z] for Z in codes), codes]:
                ensemble = SpectralEnsemble(10, p, r, "auto").fit(spaces, seed=0)
                record(spaces, ensemble.embed(spaces), r, p)
    for size in range(1, N_AUTOENCODERS + 1):
        some = itertools.cycle(itertools.combinations(codes, size))
        for seed, spaces in zip(range(N_SEEDS), some):
            ensemble = SpectralEnsemble(10, "auto", 3, "auto").fit(spaces, seed)
            record(spaces, ensemble.embed(spaces), 3, "auto", seed)


def table():
    rows = [row for row in read(NAME) if row["p"] != "auto"]
    print(f"\n{N_SAMPLES} training images of MNIST, {N_AUTOENCODERS} autoencoders of ")
    print(f"{EPOCHS} epochs: NMI and ACC, mean (sd, min) over the autoencoders\n")
    print("| r | landmarks | one code: NMI | ACC | ensemble: NMI | ACC |")
    print("|---|---|---|---|---|---|")
    for r, p in dict.fromkeys((row["r"], row["p"]) for row in rows):
        of = [row for row in rows if (row["r"], row["p"]) == (r, p)]
        one = [row for row in of if row["n_spaces"] == 1]
        every = [row for row in of if row["n_spaces"] > 1]
        columns = [mean_sd_min([row[s] for row in one]) for s in ("nmi", "acc")]
        columns += [f"{row[s]:.3f}" for row in every for s in ("nmi", "acc")]
        columns += [""] * (4 - len(columns))
        name = f"{r} | {p}" if r else "k-means |"
        print(f"| {name} | {' | '.join(columns)} |")
    print("\nThe defaults, by size of the ensemble, over seeds and subsets\n")
    print("| autoencoders | fits | ACC | NMI |")
    print("|---|---|---|---|")
    rows = [row for row in read(NAME) if row["p"] == "auto"]
    for size in dict.fromkeys(row["n_spaces"] for row in rows):
        of = [row for row in rows if row["n_spaces"] == size]
        columns = [mean_sd_min([row[s] for row in of]) for s in ("acc", "nmi")]
        print(f"| {size} | {len(of)} | {' | '.join(columns)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--table", action="store_true", help="only print the table")
    args = parser.parse_args()
    if not args.table:
        compute(args.threads)
    table()


if __name__ == "__main__":
    main()
