"""Clustering figures by data set, method and settings, beside the published ones.

    python benchmarks/paper_tables.py --data mnist_test --settings paper --seeds 0

The settings "paper" are ``DCEC.as_published(10)``, those of the reference code, and
"short" is the same with a tenth of the passes. `images.py` and `seeds.py` have the
defaults. Every finished seed is a line of
`benchmarks/results/paper_tables.jsonl` and is not computed again: a run that was cut
off goes on where it stopped. `--table` prints the table of these results and computes
nothing. Set SKDEEPCLUST_DATA to a folder with the data, or the script fetches it from
OpenML.

Labels score finished runs and are used for nothing else.
"""

import math
import time

import _common as common
import numpy as np
from sklearn.cluster import KMeans

from skdeepclust import DCEC, DEC, IDEC, Autoencoder
from skdeepclust._auto import resolve_batch_size

NAME = "paper_tables"
DATA = ["digits", "pendigits", "mnist_test", "mnist"]

# Methods fitted at once, which share an autoencoder, and the last row that they give.
FAMILIES = {"kmeans": "kmeans", "dcec": "dcec", "dec": "idec"}
METHODS = ["kmeans", "dense autoencoder+kmeans", "dec", "idec"]
METHODS += ["autoencoder+kmeans", "dcec"]

# ACC / NMI as published; the README beside this file names the sources.
PUBLISHED = {
    ("mnist_test", "kmeans"): ".55 / .50",
    ("mnist_test", "dcec"): ".853",
    ("mnist", "kmeans"): ".53 / .50",
    ("mnist", "dense autoencoder+kmeans"): ".879 / .807",
    ("mnist", "dec"): ".912 / .869",
    ("mnist", "idec"): ".881 / .867",
    ("mnist", "dcec"): ".890 / .885",
}

SETTINGS = ["paper", "short"]


def model_of(kind, settings, n_samples, **params):
    """DCEC, DEC or IDEC, by the name of the settings."""
    model = kind.as_published(10, **params)
    if settings == "short":  # a tenth of the paper's passes
        steps = 20 * math.ceil(n_samples / model.batch_size)
        model.set_params(pretrain_epochs=20, max_iter=steps)
    return model


def run_kmeans(X, y, seed, settings, device):
    pixels = common.pixels_of(X)
    start = time.perf_counter()
    labels = KMeans(10, n_init=20, random_state=seed).fit_predict(pixels)
    seconds = time.perf_counter() - start
    yield {"method": "kmeans", "seconds": seconds, **common.scores(y, labels)}


def run_dcec(X, y, seed, settings, device):
    dcec = model_of(DCEC, settings, len(X), random_state=seed, device=device)
    start = time.perf_counter()
    dcec.fit(X)
    seconds = time.perf_counter() - start
    yield row_of_start("autoencoder", dcec, dcec, y)
    yield row_of_joint("dcec", dcec, seconds, y)


def run_dec(X, y, seed, settings, device):
    """DEC and IDEC from the same pretrained dense autoencoder."""
    shared = {"random_state": seed, "device": device}
    dec, idec = (model_of(kind, settings, len(X), **shared) for kind in (DEC, IDEC))
    batch_size = resolve_batch_size(dec.batch_size, len(X))
    autoencoder = Autoencoder(
        module="dense",
        max_epochs=dec.pretrain_epochs,
        batch_size=batch_size,
        augment=dec.augment,
        **shared,
    ).fit(X)
    for model in (dec, idec):
        model.set_params(module=autoencoder.module_, pretrain_epochs=0)
        start = time.perf_counter()
        model.fit(X)
        seconds = sum(autoencoder.history_["pretraining"]["dur"])
        seconds += time.perf_counter() - start
        if model is dec:
            yield row_of_start("dense autoencoder", autoencoder, model, y)
        yield row_of_joint(type(model).__name__.lower(), model, seconds, y)


def row_of_start(method, pretrained, model, y):
    pretraining = pretrained.history_["pretraining"]
    return {
        "method": f"{method}+{model.init}",
        "seconds": sum(pretraining["dur"]),
        "reconstruction_loss": pretraining["loss"][-1],
        **common.scores(y, model.init_labels_),
    }


def row_of_joint(method, model, seconds, y):
    joint = model.history_["clustering"]
    return {
        "method": method,
        "seconds": seconds,
        "n_iter": model.n_iter_,
        "stop_reason": model.stop_reason_,
        "n_effective_clusters": joint["n_effective_clusters"][-1],
        "n_reseeded": sum(joint["n_reseeded"]),
        "label_change": joint["label_change"],
        **common.scores(y, model.labels_),
    }


RUNS = {"kmeans": run_kmeans, "dcec": run_dcec, "dec": run_dec}


def compute(args):
    X, y = common.load(args.data)
    for seed in args.seeds:
        for family in args.families:
            for settings in ["-"] if family == "kmeans" else args.settings:
                where = {"data": args.data, "seed": seed, "settings": settings}
                if common.rows_of(NAME, {**where, "method": FAMILIES[family]}):
                    continue
                for row in RUNS[family](X, y, seed, settings, args.device):
                    common.append(NAME, {**where, **row}, args, args.device)


def spread(rows, name):
    v = [row[name] for row in rows]
    return f"{np.mean(v):.3f} ({np.std(v):.3f}, {np.min(v):.3f}, {np.max(v):.3f})"


def table(args):
    lines = []
    found = common.groups(
        NAME, data=[args.data], settings=["-", *SETTINGS], method=METHODS
    )
    for (data, settings, method), rows in found:
        published = PUBLISHED.get((data, method), "")
        cells = [spread(rows, name) for name in ("acc", "nmi", "ari")]
        cells += [common.mean(rows, "seconds"), published]
        lines.append([method, settings, len(rows), *cells])
    common.print_table(
        f"{args.data}: mean (sd, min, max) over seeds",
        "method | settings | seeds | ACC | NMI | ARI | s | published ACC / NMI",
        lines,
    )


if __name__ == "__main__":
    common.run(
        __doc__,
        compute,
        table,
        data=("mnist_test", DATA),
        families=(list(FAMILIES), FAMILIES),
        settings=(["paper"], SETTINGS),
        seeds=5,
        threads=2,
        device="cpu",
    )
