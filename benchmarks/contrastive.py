"""ContrastiveEncoder: what clusterers and a linear probe find in its embedding.

    OMP_NUM_THREADS=1 python benchmarks/contrastive.py
    OMP_NUM_THREADS=1 python benchmarks/contrastive.py --presets
    OMP_NUM_THREADS=1 python benchmarks/contrastive.py --speed

Data: the 10,000 test images of CIFAR-10. A run trains a network from scratch on one
core (about 40 minutes of processor time). After some epochs, and at the end, the
embedding is clustered by k-means and a linear classifier is trained on half of it and
tested on the other half; at the end also by landmark spectral clustering, TEMI, and
TEMI with the SCAN loss. Beside it the same on pixels and on the embedding of the
untrained network.

`--presets` trains for a short time with every preset of augmentations: on the digits of
scikit-learn, on 2,000 images of MNIST-test, and on made images of 13 bands without an
up.

`--speed` times an epoch against a hand-written loop of the same steps, in turns.

Every run is lines of `results/contrastive.jsonl` and is not computed again; `--table`
prints the tables. Labels score embeddings and are used for nothing else.
"""

import time

import _common as common
import numpy as np
import torch
from deepcluster import linear_probe
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback
from torch.nn.functional import cross_entropy, normalize

from skdeepclust import (
    TEMI,
    ContrastiveEncoder,
    DeepCluster,
    LandmarkSpectralClustering,
)
from skdeepclust._tensor_data import map_blocks
from skdeepclust.augmentations import preset
from skdeepclust.contrastive._model import ContrastiveModel, dense_head
from skdeepclust.metrics import clustering_accuracy
from skdeepclust.networks import SmallResNet

NAME = "contrastive"
PIXELS, UNTRAINED, DEEP = "pixels", "untrained", "DeepCluster"
COMMON = {"dtype": "bfloat16", "device": "cpu"}
SIMCLR = {"temperature": 0.2, "lr": 2e-3, "batch_size": 128}
SETTINGS = {
    PIXELS: {},
    UNTRAINED: {"max_epochs": 0},
    DEEP: {},
    "simclr": {"method": "simclr", **SIMCLR},
    "byol": {"method": "byol", "lr": 2e-3, "batch_size": 128},
    "propos": {"method": "byol", "prototypes": True, "lr": 2e-3, "batch_size": 128},
    "swav": {"method": "swav", "lr": 2e-3, "batch_size": 128},
}
SURE = 0.95  # probability from which self-labelling believes a label
LOOKS = (1, 3, 5, 10, 20, 30, 40, 60, 80, 100)
THEN = ("then DeepCluster", "then self-labelling")
KNOWN = ("known", "known_acc")
HEADS = ("kmeans", "spectral", "temi", "scan")
PRESETS = ("photo", "overhead", "microscopy", "grey")
OF_PRESETS = ("digits", "mnist_test-2000", "bands")


# -- scores of an embedding ------------------------------------------------------------


def labels_of(name, Z, k, seed):
    if name == "kmeans":
        return KMeans(k, n_init=20, random_state=seed).fit_predict(Z)
    if name == "spectral":
        return LandmarkSpectralClustering(k, random_state=seed).fit_predict(Z)
    head = TEMI(k, loss=name, random_state=seed, device="cpu")
    return head.fit_predict(Z)


def scores_of(Z, y, seed, heads=HEADS):
    found = {"probe": linear_probe(Z, y, seed)}
    for name in heads:
        labels = labels_of(name, Z, len(np.unique(y)), seed)
        found[name] = clustering_accuracy(y, labels)
        found[f"{name}_nmi"] = common.scores(y, labels)["nmi"]
    return found


class Looks(Callback):
    """Scores of the embedding after some epochs, and the time until then."""

    def __init__(self, write, y, seed):
        self.write = write
        self.y = y
        self.seed = seed

    def on_train_begin(self, net, **kwargs):
        self.start = time.process_time()

    def on_epoch_end(self, net, dataset_train=None, **kwargs):
        epoch = len(net.history)
        if epoch not in LOOKS:
            return
        stopped = time.process_time()
        Z = map_blocks(net.module_.eval().encode, dataset_train).numpy()
        found = scores_of(Z, self.y, self.seed, ("kmeans",))
        row = {"epoch": epoch, "seconds": stopped - self.start, **found}
        row |= {name: net.history[-1, name] for name in ("train_loss", "std", "rank")}
        self.write(row)
        self.start += time.process_time() - stopped


# -- CIFAR-10 --------------------------------------------------------------------------


def run_images(args):
    X, y = common.load("cifar10_test")
    for name in args.settings:
        for seed in args.seeds:
            where = {"what": "images", "settings": name, "seed": seed}
            where["max_epochs"] = args.epochs
            if common.rows_of(NAME, {**where, "epoch": "last"}):
                continue

            def write(row, where=where):
                common.append(NAME, {**where, **row}, args)

            write(run_one(name, X, y, seed, args.epochs, write))


def run_one(name, X, y, seed, n_epochs, write):
    if name == PIXELS:
        return {"epoch": "last", **scores_of(common.pixels_of(X), y, seed)}
    if name == DEEP:
        deep = DeepCluster(10, random_state=seed, device="cpu").fit(X)
        found = {"own": clustering_accuracy(y, deep.labels_)}
        return {"epoch": "last", **found, **scores_of(deep.transform(X), y, seed)}
    params = {"max_epochs": n_epochs, **COMMON, **SETTINGS[name]}
    looks = [Looks(write, y, seed)]
    encoder = ContrastiveEncoder(random_state=seed, callbacks=looks, **params).fit(X)
    table = encoder.history_["training"]
    last = {key: table[key][-1] for key in ("loss", "std", "rank") if table["epoch"]}
    last |= {"dur": sum(table["dur"])}
    if name == "simclr":
        go_on(encoder, X, y, seed, write)
    return {"epoch": "last", **last, **scores_of(encoder.transform(X), y, seed)}


class Known(ClusterMixin, BaseEstimator):
    """Labels that are known, -1 where they are not."""

    def __init__(self, labels):
        self.labels = labels

    def fit_predict(self, Z, y=None):
        return self.labels


class Spread(Known):
    """The known labels, and what a linear classifier makes of the others."""

    def fit_predict(self, Z, y=None):
        known = self.labels >= 0
        classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
        return classifier.fit(Z[known], self.labels[known]).predict(Z)


def go_on(encoder, X, y, seed, write):
    """Train the network of an encoder further, on clusters of its own features."""
    head = TEMI(10, loss="scan", random_state=seed, device="cpu")
    Z = encoder.transform(X)
    sure = head.fit(Z).predict_proba(Z).max(axis=1)
    known = sure >= SURE
    labels = np.where(known, head.labels_, -1)
    scores = known.mean(), clustering_accuracy(y[known], labels[known])
    of_known = dict(zip(KNOWN, map(float, scores), strict=True))
    start = time.process_time()
    params = {"module": encoder.module_, "random_state": seed, "device": "cpu"}
    params |= {"augment": preset("photo", X.shape[1:])}
    ways = {
        "then DeepCluster": {"max_iter": 5},
        "then self-labelling": {
            "clusterer": Known(labels),
            "final_clusterer": Spread(labels),
            **{"max_iter": 1, "epochs_per_round": 5},
        },
    }
    for name, way in ways.items():
        deep = DeepCluster(10, **params, **way).fit(X)
        row = {"epoch": name, "own": clustering_accuracy(y, deep.labels_)}
        row |= {"probe": linear_probe(deep.transform(X), y, seed)}
        write({**row, **of_known, "seconds": time.process_time() - start})
        start = time.process_time()


# -- the kinds of augmentation ---------------------------------------------------------


def bands(n=2000, side=24, seed=0):
    """Images of 13 bands without an up: fields whose rows run in any direction.

    The four classes are spectra of two crops by rows that are wide or narrow. Light
    changes from image to image and from band to band.
    """
    rng = np.random.RandomState(seed)
    spectra = 0.5 + 0.1 * rng.randn(2, 13)
    y = rng.randint(4, size=n)
    along = np.linspace(-1, 1, side)
    angle = rng.rand(n, 1, 1) * 2 * np.pi
    across = np.cos(angle) * along[:, None] + np.sin(angle) * along
    width = np.where(y % 2, 4.0, 9.0)[:, None, None]
    rows = np.sin(width * np.pi / 2 * across + 2 * np.pi * rng.rand(n, 1, 1))
    images = spectra[y // 2][:, :, None, None] * (1 + 0.3 * rows[:, None])
    images = images * (1 + 0.25 * rng.randn(n, 13, 1, 1)) + 0.1 * rng.randn(
        *images.shape
    )
    return images.astype(np.float32), y


def run_presets(args):
    for data in OF_PRESETS:
        X, y = bands() if data == "bands" else common.load(data)
        shape = X.shape[1:] if X.ndim == 4 else (1, *X.shape[1:])
        for kind in (UNTRAINED, *PRESETS):
            for seed in args.seeds:
                where = {"what": "presets", "data": data, "kind": kind, "seed": seed}
                where["max_epochs"] = args.epochs
                if common.rows_of(NAME, where):
                    continue
                n_epochs = 0 if kind == UNTRAINED else args.epochs
                encoder = ContrastiveEncoder(
                    augment="auto" if kind == UNTRAINED else preset(kind, shape),
                    **{"random_state": seed, "max_epochs": n_epochs},
                    **{**COMMON, **SIMCLR},
                )
                start = time.process_time()
                Z = encoder.fit_transform(X)
                seconds = time.process_time() - start
                row = {"seconds": seconds, **scores_of(Z, y, seed, HEADS[:3])}
                common.append(NAME, {**where, **row}, args)


# -- the speed of an epoch -------------------------------------------------------------


def by_hand(X, n_epochs, seed=0):
    """Seconds per epoch of the same steps in a plain loop."""
    torch.manual_seed(seed)
    network = SmallResNet(X.shape[1:])
    model = ContrastiveModel(network, dense_head(192, 512, 128), "bfloat16")
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)
    augment, data = preset("photo", X.shape[1:]), torch.from_numpy(X)
    target = torch.arange(256).roll(128)
    model.train()
    start = time.process_time()
    for _ in range(n_epochs):
        for index in torch.randperm(len(X)).split(128):
            batch = data[index].float() / 255
            Z = normalize(model(torch.cat([augment(batch), augment(batch)]))[1])
            logits = (Z @ Z.T / 0.2).fill_diagonal_(-torch.inf)
            loss = cross_entropy(logits, target[: len(Z)])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return (time.process_time() - start) / n_epochs


def by_us(X, n_epochs, seed=0):
    params = {"max_epochs": n_epochs, "random_state": seed, **COMMON, **SIMCLR}
    encoder = ContrastiveEncoder("simclr", module="small-resnet", **params)
    start = time.process_time()
    encoder.fit(X)
    return (time.process_time() - start) / n_epochs


def run_speed(args):
    X, _ = common.load("cifar10_test-1280")
    for turn in range(args.turns):
        done = common.rows_of(NAME, {"what": "speed", "turn": turn})
        if done:
            continue
        found = {}
        for name, run in common.rotated([("loop", by_hand), ("ours", by_us)], turn):
            found[name] = run(X, 4)
        common.append(NAME, {"what": "speed", "turn": turn, **found}, args)


# -- tables ----------------------------------------------------------------------------


def compute(args):
    if args.presets:
        run_presets(args)
    elif args.speed:
        run_speed(args)
    else:
        run_images(args)


def table(args):
    if args.presets:
        table_of_presets(args)
    elif args.speed:
        rows = common.rows_of(NAME, {"what": "speed"})
        ratios = [row["ours"] / row["loop"] for row in rows]
        cells = [len(rows), f"{np.median(ratios):.2f}", f"{min(ratios):.2f}"]
        head = "turns | ours / loop, median | least | most"
        common.print_table("", head, [[*cells, f"{max(ratios):.2f}"]])
    else:
        table_of_images()


def table_of_images():
    values = {"what": ["images"], "settings": SETTINGS, "epoch": ["last"]}
    lines = []
    for (_, name, _), rows in common.groups(NAME, **values):
        cells = common.spreads(rows, ("probe", *HEADS))
        n_epochs = 0 if name in (PIXELS, UNTRAINED) else rows[0]["max_epochs"]
        lines.append([name, n_epochs, len(rows), *cells])
    head = "settings | epochs | seeds | linear probe | k-means | landmark spectral "
    common.print_table("ACC: mean (sd, min)", head + "| TEMI | TEMI, SCAN loss", lines)
    lines = []
    values["epoch"] = LOOKS
    for (_, name, epoch), rows in common.groups(NAME, **values):
        cells = common.spreads(rows, ("probe", "kmeans"))
        minutes = f"{np.mean([row['seconds'] for row in rows]) / 60:.1f}"
        more = [common.mean(rows, "std", 2), common.mean(rows, "rank")]
        lines.append([name, epoch, len(rows), *cells, *more, minutes])
    head = (
        "settings | epoch | seeds | linear probe | k-means | std | rank | CPU minutes"
    )
    common.print_table("During the training", head, lines)
    lines = []
    values["epoch"] = THEN
    for (_, name, what), rows in common.groups(NAME, **values):
        cells = common.spreads(rows, ("own", "probe"))
        known = [f"{np.mean([row[key] for row in rows]):.3f}" for key in KNOWN]
        is_labels = what == "then self-labelling"
        cells += known if is_labels else ["", ""]
        lines.append([f"{name}, {what}", len(rows), *cells])
    for (_, name, _), rows in common.groups(
        NAME, what=["images"], settings=[DEEP], epoch=["last"]
    ):
        cells = common.spreads(rows, ("own", "probe"))
        lines.append([name, len(rows), *cells, "", ""])
    head = "training | seeds | its clusters | linear probe | labels that were believed "
    common.print_table("DeepCluster", head + "| their ACC", lines)


def table_of_presets(args):
    lines = []
    values = {"what": ["presets"], "data": OF_PRESETS, "kind": [UNTRAINED, *PRESETS]}
    for (_, data, kind), rows in common.groups(NAME, **values):
        cells = common.spreads(rows, ("probe", *HEADS[:3]))
        lines.append([data, kind, len(rows), *cells, common.mean(rows, "seconds")])
    head = "data | preset | seeds | linear probe | k-means | landmark spectral | TEMI "
    common.print_table("ACC: mean (sd, min)", head + "| CPU seconds", lines)


if __name__ == "__main__":
    common.run(
        __doc__,
        compute,
        table,
        settings=([PIXELS, UNTRAINED, "simclr"], list(SETTINGS)),
        epochs=100,
        presets=False,
        speed=False,
        turns=6,
        seeds=1,
    )
