"""Images: what does every method reach with its defaults, and at which cost?

    OMP_NUM_THREADS=1 python benchmarks/images.py --data digits
    OMP_NUM_THREADS=1 python benchmarks/images.py --data cifar10_test-3000 \
        --methods k-means DeepCluster --seeds 0 1

The methods have their defaults, except for k-means, which has 20 starts, and for the
mixture, which has full covariances in the first 32 main components of the pixels. "the
autoencoder" is that of `DCEC`. `DEC` and `IDEC` get the images as rows. "start" is
`init_labels_`: what joint training starts from, or what the last step of `DeepCluster`
makes of the features before training. "before" are the clusters of `DeepCluster` by
`AutoClustering`, before parts of them move to other clusters. "DCEC from DeepCluster"
is `DCEC` with the labels of `DeepCluster` as `init`; both are part of its cost.
"name-2000" is a fixed random sample of 2,000.

Every run is a line of `results/images.jsonl` and is not computed again; `--table`
prints the table. Labels score finished runs and are used for nothing else.
"""

import time

import _common as common
import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline

from skdeepclust import DCEC, DEC, IDEC, AutoClustering, Autoencoder, DeepCluster

NAME = "images"
DATA = ["digits", "mnist_test-2000", "mnist_test", "cifar10_test-3000", "cifar10_test"]
DEEP = {"DEC": DEC, "IDEC": IDEC, "DCEC": DCEC, "DeepCluster": DeepCluster}
METHODS = ["k-means", "PCA + GaussianMixture", "AutoClustering"]
METHODS += ["autoencoder + k-means", *DEEP, "DCEC from DeepCluster"]


def fitted(method, X, seed, device):
    """Labels, and a dict of others: of the start, and before parts move."""
    kmeans = KMeans(10, n_init=20, random_state=seed)
    if method in DEEP:
        rows = method in ("DEC", "IDEC")
        Z = common.pixels_of(X).astype(np.float32) if rows else X
        model = DEEP[method](10, random_state=seed, device=device).fit(Z)
        others = {"start": model.init_labels_}
        if method == "DeepCluster":
            others["before"] = model.clusterer_.labels_
        return model.labels_, others
    if method == "DCEC from DeepCluster":
        start = DeepCluster(10, random_state=seed, device=device).fit_predict(X)
        model = DCEC(10, init=start, random_state=seed, device=device).fit(X)
        return model.labels_, {"start": start}
    if method == "autoencoder + k-means":
        autoencoder = Autoencoder(augment="auto", random_state=seed, device=device)
        return make_pipeline(autoencoder, kmeans).fit_predict(X), {}
    model = {
        "k-means": kmeans,
        "AutoClustering": AutoClustering(10, random_state=seed),
        "PCA + GaussianMixture": make_pipeline(
            PCA(32, random_state=seed), GaussianMixture(10, random_state=seed)
        ),
    }[method]
    return model.fit_predict(common.pixels_of(X).astype(np.float32)), {}


def compute(args):
    for data in args.data:
        X, y = common.load(data)
        for seed in args.seeds:
            for method in args.methods:
                where = {"data": data, "method": method, "seed": seed}
                if common.rows_of(NAME, where):
                    continue
                wall, cpu = time.perf_counter(), time.process_time()
                labels, others = fitted(method, X, seed, args.device)
                row = {
                    **where,
                    "seconds": time.perf_counter() - wall,
                    "cpu_seconds": time.process_time() - cpu,
                    **common.scores(y, labels),
                }
                for when, theirs in others.items():
                    found = common.scores(y, theirs)
                    row |= {f"{when}_{name}": each for name, each in found.items()}
                common.append(NAME, row, args, args.device)


def table(args):
    lines = []
    for values, rows in common.groups(NAME, data=args.data, method=args.methods):
        has_start = "start_acc" in rows[0]
        starts = common.spreads(rows, ["start_acc"])[0] if has_start else ""
        device = "GPU" if rows[0]["device"] == "cuda" else "CPU"
        seconds = common.mean(rows, "cpu_seconds", 1)
        lines.append(
            [*values, len(rows), starts, *common.spreads(rows), f"{device} {seconds}"]
        )
    common.print_table(
        "Mean (sd, min) over seeds; start: before training",
        "images | method | seeds | ACC, start | ACC | NMI | ARI | processor seconds",
        lines,
    )
    lines = [
        [values[0], len(rows), *common.spreads(rows, ("before_acc", "acc"))]
        for values, rows in common.groups(NAME, data=args.data, method=["DeepCluster"])
        if all("before_acc" in row for row in rows)
    ]
    if lines and "DeepCluster" in args.methods:
        common.print_table(
            "The last step of DeepCluster, ACC before and after parts of clusters move",
            "images | seeds | before | after",
            lines,
        )


if __name__ == "__main__":
    common.run(
        __doc__,
        compute,
        table,
        seeds=5,
        data=(["digits"], DATA),
        methods=(METHODS, METHODS),
        device="cpu",
    )
