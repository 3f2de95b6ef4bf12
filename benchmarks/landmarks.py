"""Landmarks: how many, and to how many is a sample tied? What the defaults rest on.

    python benchmarks/landmarks.py

Trains autoencoders on 5,000 training images of MNIST, which no table of results here
uses. Clusters each embedding by k-means and by landmark spectral clustering with
several numbers of landmarks and neighbours, and all of them by the ensemble. Then
clusters by ensembles of one, two, ... of them, each with several seeds of the
landmarks. Every finished setting is a line of `results/landmarks.jsonl`; `--table`
prints the tables of these results. Settings share the autoencoders, so one run computes
all of them.
"""

import itertools

import _common as common
import numpy as np
from sklearn.cluster import KMeans

from skdeepclust import Autoencoder
from skdeepclust._spectral import SpectralEnsemble
from skdeepclust.datasets import fetch_mnist

NAME = "landmarks"
N_SAMPLES, EPOCHS, N_AUTOENCODERS, N_SEEDS = 5000, 40, 5, 5
NEIGHBORS, LANDMARKS = [2, 3, 5, 10], [100, 200, 500, 1000, 1700, 2500]


def compute(args):
    X, y = fetch_mnist(subset="train", return_X_y=True)
    keep = np.random.RandomState(123).permutation(len(X))[:N_SAMPLES]
    X, y = X[keep], y[keep]
    params = {"module": "dense", "max_epochs": EPOCHS, "device": "cpu"}
    embeddings = [
        Autoencoder(**params, random_state=seed).fit_transform(X)
        for seed in range(N_AUTOENCODERS)
    ]

    def record(spaces, points, r, p, seed=0):
        labels = KMeans(10, n_init=10, random_state=0).fit_predict(points)
        row = {"r": r, "p": p, "n_spaces": len(spaces), "seed": seed}
        common.append(NAME, {**row, **common.scores(y, labels)}, args)

    for Z in embeddings:
        record([Z], Z, 0, 0)
    for r in NEIGHBORS:
        for p in LANDMARKS:
            for spaces in [*([Z] for Z in embeddings), embeddings]:
                ensemble = SpectralEnsemble(10, p, r, "auto").fit(spaces, seed=0)
                record(spaces, ensemble.embed(spaces), r, p)
    for size in range(1, N_AUTOENCODERS + 1):
        some = itertools.cycle(itertools.combinations(embeddings, size))
        for seed, spaces in zip(range(N_SEEDS), some):
            ensemble = SpectralEnsemble(10, "auto", 3, "auto").fit(spaces, seed)
            record(spaces, ensemble.embed(spaces), 3, "auto", seed)


def table(args):
    rows = [row for row in common.read(NAME) if row["p"] != "auto"]
    lines = []
    for r, p in dict.fromkeys((row["r"], row["p"]) for row in rows):
        of = [row for row in rows if (row["r"], row["p"]) == (r, p)]
        one = [row for row in of if row["n_spaces"] == 1]
        every = [row for row in of if row["n_spaces"] > 1]
        columns = common.spreads(one, ("nmi", "acc"))
        columns += [f"{row[s]:.3f}" for row in every for s in ("nmi", "acc")]
        columns += [""] * (4 - len(columns))
        lines.append([*((r, p) if r else ("k-means", "")), *columns])
    common.print_table(
        f"{N_SAMPLES} training images of MNIST, {N_AUTOENCODERS} autoencoders of "
        f"{EPOCHS} epochs:\nNMI and ACC, mean (sd, min) over the autoencoders",
        "r | landmarks | one embedding: NMI | ACC | ensemble: NMI | ACC",
        lines,
    )
    rows = [row for row in common.read(NAME) if row["p"] == "auto"]
    lines = []
    for size in dict.fromkeys(row["n_spaces"] for row in rows):
        of = [row for row in rows if row["n_spaces"] == size]
        lines.append([size, len(of), *common.spreads(of, ("acc", "nmi"))])
    common.print_table(
        "The defaults, by size of the ensemble, over seeds and subsets",
        "autoencoders | fits | ACC | NMI",
        lines,
    )


if __name__ == "__main__":
    common.run(__doc__, compute, table)
