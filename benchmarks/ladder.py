r"""The ladder from k-means on pixels to joint training and ensembles.

    python benchmarks/ladder.py --data digits --seeds 0 1 2 3 4
    python benchmarks/ladder.py --data mnist_test --seeds 0 1 2
    python benchmarks/ladder.py --data mnist_test --epochs 50 --rungs SCEDAE \
        "autoencoder + k-means" "autoencoder + landmark spectral" --seeds 0 1 2
    python benchmarks/ladder.py --embeddings FILE.npz

All rungs have the same number of passes through the data: 50 of pretraining and at most
50 of joint training on digits, 20 and 20 on MNIST-test, or `--epochs`. Joint training
follows the papers: no augmentation, and a start from k-means. The dense rungs of one
seed share one pretrained autoencoder and differ only in what comes after it; each of
them includes its seconds. "UMAP + GMM" is N2D and needs the extra "umap".

With `--embeddings` the rungs are the clusterers and heads on given embeddings: arrays X
(n, d) and y (n) in a file of numpy, of features of a frozen network or anything else.

Every finished rung is a line of `results/ladder.jsonl` and is not computed again;
`--table` prints the table of these results. Labels score finished runs and are used for
nothing else.
"""

import importlib.util
import itertools
import math
import time
from pathlib import Path

import _common as common
import numpy as np
from sklearn.cluster import KMeans, SpectralClustering
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline

from skdeepclust import DCEC, DEC, IDEC, SCEDAE, TEMI, Autoencoder, Turtle
from skdeepclust import LandmarkSpectralClustering as LandmarkSpectral

NAME = "ladder"
DATA = ["digits", "mnist_test-2000", "mnist_test"]
EPOCHS = {"digits": 50, "mnist_test-2000": 50, "mnist_test": 20}
BATCH = {"digits": 64, "mnist_test-2000": 64, "mnist_test": 256}

# Clusterers of given points.
CLUSTERERS = {
    "k-means": lambda k, seed: KMeans(k, n_init=20, random_state=seed),
    "GMM": lambda k, seed: GaussianMixture(k, n_init=5, random_state=seed),
    "spectral": lambda k, seed: SpectralClustering(
        k, affinity="nearest_neighbors", n_init=20, random_state=seed
    ),
    "landmark spectral": lambda k, seed: LandmarkSpectral(k, random_state=seed),
    "UMAP + GMM": lambda k, seed: umap_and_mixture(k, seed),
    "TEMI": lambda k, seed: TEMI(k, random_state=seed, device="cpu"),
    "Turtle": lambda k, seed: Turtle(k, random_state=seed, device="cpu"),
}
ON_PIXELS = ["k-means", "landmark spectral"]
JOINT = {"DEC": DEC, "IDEC": IDEC, "DCEC": DCEC}
NAMES = [
    *(f"pixels + {name}" for name in ON_PIXELS),
    *(f"autoencoder + {name}" for name in CLUSTERERS),
    *JOINT,
    "SCEDAE",
]
ON_EMBEDDINGS = [f"embeddings + {name}" for name in CLUSTERERS]
DENSE = {name for name in NAMES if name.startswith("autoencoder")} | {"DEC", "IDEC"}


def umap_and_mixture(k, seed):
    from umap import UMAP  # the extra "umap"

    shape = {"n_components": 10, "n_neighbors": 20, "min_dist": 0.0}
    umap = UMAP(**shape, random_state=seed, n_jobs=1)
    return make_pipeline(umap, GaussianMixture(k, n_init=5, random_state=seed))


def run_clusterer(name, points, y, seed):
    start = time.perf_counter()
    clusterer = CLUSTERERS[name](len(np.unique(y)), seed)
    labels = clusterer.fit_predict(points)
    return {"seconds": time.perf_counter() - start, **common.scores(y, labels)}


def run_joint(name, module, X, y, seed, epochs, batch_size):
    """Joint training, from a given autoencoder if it is dense."""
    # The papers' recipes, so that the rungs differ in one thing at a time.
    model = JOINT[name].as_published(
        10,
        pretrain_epochs=epochs,
        max_iter=epochs * math.ceil(len(X) / batch_size),
        batch_size=batch_size,
        random_state=seed,
        device="cpu",
    )
    if module is not None:
        model.set_params(module=module, pretrain_epochs=0)
    start = time.perf_counter()
    model.fit(X)
    return {
        "seconds": time.perf_counter() - start,
        "n_iter": model.n_iter_,
        "init_acc": common.scores(y, model.init_labels_)["acc"],
        **common.scores(y, model.labels_),
    }


def run_ensemble(X, y, seed, epochs, batch_size):
    start = time.perf_counter()
    params = {"max_epochs": epochs, "batch_size": batch_size}
    ensemble = SCEDAE(10, random_state=seed, device="cpu", **params).fit(X)
    return {
        "seconds": time.perf_counter() - start,
        **common.scores(y, ensemble.labels_),
    }


def rungs(X, y, seed, epochs, batch_size, wanted):
    """Name and result of every rung that is wanted, from the lowest up."""
    pixels = common.pixels_of(X)
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
    Z = autoencoder.transform(X)
    for name in available():
        if f"autoencoder + {name}" in wanted:
            row = run_clusterer(name, Z, y, seed)
            row["seconds"] += pretraining
            yield f"autoencoder + {name}", row
    for name in ("DEC", "IDEC"):
        if name in wanted:
            row = run_joint(name, autoencoder.module_, X, y, seed, epochs, batch_size)
            row["seconds"] += pretraining
            yield name, row


def available():
    """Names of the clusterers whose packages are installed."""
    has_umap = importlib.util.find_spec("umap") is not None
    return [name for name in CLUSTERERS if has_umap or not name.startswith("UMAP")]


def compute_on_embeddings(args):
    """The clusterers on the embeddings of a file."""
    file = np.load(args.embeddings)
    X, y = file["X"].astype(np.float32), file["y"]
    for seed, name in itertools.product(args.seeds, available()):
        where = {"data": Path(args.embeddings).stem, "rung": f"embeddings + {name}"}
        where |= {"epochs": 0, "seed": seed}
        if not common.rows_of(NAME, where):
            common.append(NAME, where | run_clusterer(name, X, y, seed), args)


def compute(args):
    if args.embeddings:
        return compute_on_embeddings(args)
    X, y = common.load(args.data)
    epochs = args.epochs or EPOCHS[args.data]
    for seed in args.seeds:
        where = {"data": args.data, "epochs": epochs, "seed": seed}
        done = {row["rung"] for row in common.rows_of(NAME, where)}
        wanted = set(args.rungs) - done
        for rung, row in rungs(X, y, seed, epochs, BATCH[args.data], wanted):
            common.append(NAME, {"rung": rung, **row, **where}, args)
    return None


def table(args):
    data, epochs = args.data, args.epochs or EPOCHS[args.data]
    what, names = f"{data}, {epochs} + at most {epochs} epochs", NAMES
    if args.embeddings:
        data, epochs, names = Path(args.embeddings).stem, 0, ON_EMBEDDINGS
        what = f"{data}, given embeddings"
    common.print_table(
        f"{what}: mean (sd, min) over seeds",
        "rung | seeds | ACC | NMI | ARI | s",
        [
            [rung, len(rows), *common.spreads(rows), common.mean(rows, "seconds")]
            for (*_, rung), rows in common.groups(
                NAME, data=[data], epochs=[epochs], rung=names
            )
        ],
    )


if __name__ == "__main__":
    common.run(
        __doc__,
        compute,
        table,
        data=("digits", DATA),
        epochs=0,
        rungs=(NAMES, NAMES),
        embeddings="",
        seeds=5,
    )
