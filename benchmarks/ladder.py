r"""The ladder from k-means on pixels to joint training and ensembles.

    python benchmarks/ladder.py --data digits --seeds 0 1 2 3 4
    python benchmarks/ladder.py --data mnist_test --seeds 0 1 2
    python benchmarks/ladder.py --data mnist_test --epochs 50 --rungs SCEDAE \
        "autoencoder + k-means" "autoencoder + landmark spectral" --seeds 0 1 2

All rungs have the same number of passes through the data: 50 of pretraining and at most
50 of joint training on digits, 20 and 20 on MNIST-test, or `--epochs`, and joint
training is the papers', without augmentation and from k-means. The dense rungs
of one seed share one pretrained autoencoder, so that they differ in what comes after;
its seconds are in each of them. "UMAP + GMM" is N2D and needs the extra "umap". Every
finished rung is a line of `results/ladder.jsonl` and is not computed again; `--table`
prints the table of what is there. Labels score finished runs and are used for nothing
else.
"""

import argparse
import importlib.util
import math
import time
import warnings

import numpy as np
import torch
from _common import (
    PAPER,
    append,
    environment,
    load,
    mean_sd_min,
    pixels_of,
    rows_of,
    scores,
)
from sklearn.cluster import KMeans, SpectralClustering
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline

from skdeepclust import DCEC, DEC, IDEC, SCEDAE, Autoencoder
from skdeepclust import LandmarkSpectralClustering as LandmarkSpectral

NAME = "ladder"
DATA = ["digits", "mnist_test-2000", "mnist_test"]
EPOCHS = {"digits": 50, "mnist_test-2000": 50, "mnist_test": 20}
BATCH = {"digits": 64, "mnist_test-2000": 64, "mnist_test": 256}

# What clusters given points into 10.
CLUSTERERS = {
    "k-means": lambda seed: KMeans(10, n_init=20, random_state=seed),
    "GMM": lambda seed: GaussianMixture(10, n_init=5, random_state=seed),
    "spectral": lambda seed: SpectralClustering(
        10, affinity="nearest_neighbors", n_init=20, random_state=seed
    ),
    "landmark spectral": lambda seed: LandmarkSpectral(10, random_state=seed),
    "UMAP + GMM": lambda seed: umap_and_mixture(seed),
}
ON_PIXELS = ["k-means", "landmark spectral"]
JOINT = {"DEC": DEC, "IDEC": IDEC, "DCEC": DCEC}
NAMES = [
    *(f"pixels + {name}" for name in ON_PIXELS),
    *(f"autoencoder + {name}" for name in CLUSTERERS),
    *JOINT,
    "SCEDAE",
]
DENSE = {name for name in NAMES if name.startswith("autoencoder")} | {"DEC", "IDEC"}


def umap_and_mixture(seed):
    from umap import UMAP  # the extra "umap"

    shape = {"n_components": 10, "n_neighbors": 20, "min_dist": 0.0}
    umap = UMAP(**shape, random_state=seed, n_jobs=1)
    return make_pipeline(umap, GaussianMixture(10, n_init=5, random_state=seed))


def run_clusterer(name, points, y, seed):
    start = time.perf_counter()
    labels = CLUSTERERS[name](seed).fit_predict(points)
    return {"seconds": time.perf_counter() - start, **scores(y, labels)}


def run_joint(name, module, X, y, seed, epochs, batch_size):
    """Joint training; from the given autoencoder where it is dense."""
    steps = math.ceil(len(X) / batch_size)
    # The papers' recipes, so that the rungs differ in one thing at a time.
    params = {**PAPER, "max_iter": epochs * steps, "pretrain_epochs": epochs}
    params["batch_size"] = batch_size
    if module is not None:
        params.update(module=module, pretrain_epochs=0)
    start = time.perf_counter()
    model = JOINT[name](10, random_state=seed, device="cpu", **params).fit(X)
    return {
        "seconds": time.perf_counter() - start,
        "n_iter": model.n_iter_,
        "init_acc": scores(y, model.init_labels_)["acc"],
        **scores(y, model.labels_),
    }


def run_ensemble(X, y, seed, epochs, batch_size):
    start = time.perf_counter()
    params = {"max_epochs": epochs, "batch_size": batch_size}
    ensemble = SCEDAE(10, random_state=seed, device="cpu", **params).fit(X)
    return {"seconds": time.perf_counter() - start, **scores(y, ensemble.labels_)}


def rungs(X, y, seed, epochs, batch_size, wanted):
    """Name and result of every rung that is wanted, from the lowest up."""
    pixels = pixels_of(X)
    pixels = pixels.astype(np.float32)
    for name in ON_PIXELS:
        if f"pixels + {name}" in wanted:
            yield f"pixels + {name}", run_clusterer(name, pixels, y, seed)
    if wanted & DENSE:
        yield from dense_rungs(X, y, seed, epochs, batch_size, wanted)
    if "DCEC" in wanted:
        yield "DCEC", run_joint("DCEC", None, X, y, seed, epochs, batch_size)
    if "SCEDAE" in wanted:
        yield "SCEDAE", run_ensemble(X, y, seed, epochs, batch_size)


def dense_rungs(X, y, seed, epochs, batch_size, wanted):
    """The rungs that share one dense autoencoder."""
    start = time.perf_counter()
    autoencoder = Autoencoder(
        module="dense",
        max_epochs=epochs,
        batch_size=batch_size,
        random_state=seed,
        device="cpu",
    ).fit(X)
    pretraining = time.perf_counter() - start
    codes = autoencoder.transform(X)
    for name in CLUSTERERS:
        if name.startswith("UMAP") and importlib.util.find_spec("umap") is None:
            continue
        if f"autoencoder + {name}" in wanted:
            row = run_clusterer(name, codes, y, seed)
            row["seconds"] += pretraining
            yield f"autoencoder + {name}", row
    for name in ("DEC", "IDEC"):
        if name in wanted:
            row = run_joint(name, autoencoder.module_, X, y, seed, epochs, batch_size)
            row["seconds"] += pretraining
            yield name, row


def compute(args):
    torch.set_num_threads(args.threads)
    warnings.simplefilter("ignore")  # what they say is in the rows
    X, y = load(args.data)
    epochs = args.epochs or EPOCHS[args.data]
    for seed in args.seeds:
        where = {"data": args.data, "epochs": epochs, "seed": seed}
        done = [row["rung"] for row in rows_of(NAME, where)]
        where |= environment(args.threads, "cpu")
        wanted = set(args.rungs) - set(done)
        for rung, row in rungs(X, y, seed, epochs, BATCH[args.data], wanted):
            append(NAME, {"rung": rung, **row, **where})


def table(data, epochs):
    print(f"\n{data}, {epochs} + at most {epochs} epochs: mean (sd, min) over seeds\n")
    print("| rung | seeds | ACC | NMI | ARI | s |")
    print("|---|---|---|---|---|---|")
    for name in NAMES:
        where = {"data": data, "epochs": epochs, "rung": name}
        rows = rows_of(NAME, where)
        if rows:
            columns = [mean_sd_min([r[s] for r in rows]) for s in ("acc", "nmi", "ari")]
            seconds = np.mean([r["seconds"] for r in rows])
            print(f"| {name} | {len(rows)} | {' | '.join(columns)} | {seconds:.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=DATA, default="digits")
    parser.add_argument("--epochs", type=int, help="of pretraining, and most of joint")
    parser.add_argument("--rungs", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--table", action="store_true", help="only print the table")
    args = parser.parse_args()
    if not args.table:
        compute(args)
    table(args.data, args.epochs or EPOCHS[args.data])


if __name__ == "__main__":
    main()
