"""Several short runs: is their consensus better, and can the best be told?

    OMP_NUM_THREADS=1 python benchmarks/consensus.py --pool runs
    OMP_NUM_THREADS=1 python benchmarks/consensus.py --pool runs --analyse

Every set has a pool of runs that differ in nothing but the seed. They are short, a
fraction of what the defaults take, so that ten of them cost about as much as one long
run. The labels of every run, and its embedding of at most 2,000 samples, are kept in
the folder of `--pool`, and a finished run is not made again. `--analyse` then draws ten
runs from each pool, several times, and compares

- a single run with the consensus of ten, and both with a long run (the defaults);
- samples on which the ten agree with the others;
- scores that need no labels: their rank correlation with NMI, and the ACC that is lost
  when the run with the best score is taken.

Draws are disjoint if the pool has enough runs, and random otherwise. Lines of
`results/consensus.jsonl` have the figures; `--table` prints the tables. Labels score
finished runs and are used for nothing else.
"""

import time
from pathlib import Path

import _common as common
import numpy as np
from scipy.stats import spearmanr
from sklearn.cluster import KMeans
from sklearn.datasets import get_data_home
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import NearestCentroid, NearestNeighbors
from tables import TABLES

from skdeepclust import DCEC, IDEC, TEMI, DeepCluster, Turtle
from skdeepclust._auto_clustering import modularity
from skdeepclust._sampling import pooled_silhouettes
from skdeepclust.consensus._margins import ClusterMeans, confidence_of
from skdeepclust.consensus._votes import Vote, agreement_of_runs
from skdeepclust.metrics import clustering_accuracy, match_clusters

NAME = "consensus"
STORED = 2000  # samples whose embedding is kept

SHORT = {"update_interval": 70, "device": "cpu"}
KMEANS = {"n_init": 1}
ROUNDS = {"max_iter": 2, "device": "cpu"}

# Set, data, clusterer, its settings, number of runs. The cheap ones come first.
POOLS = {
    "iris, IDEC": ("iris", IDEC, {"pretrain_epochs": 10, "max_iter": 280, **SHORT}, 50),
    "wine, IDEC": ("wine", IDEC, {"pretrain_epochs": 10, "max_iter": 280, **SHORT}, 50),
    "breast cancer, IDEC": (
        *("breast cancer", IDEC),
        *({"pretrain_epochs": 10, "max_iter": 280, **SHORT}, 50),
    ),
    "digits, k-means": ("digits rows", KMeans, KMEANS, 50),
    "CIFAR features, k-means": ("cifar features", KMeans, KMEANS, 50),
    "digits, DCEC": (
        *("digits", DCEC),
        *({"pretrain_epochs": 5, "max_iter": 560, **SHORT}, 20),
    ),
    "digits, DeepCluster": ("digits", DeepCluster, ROUNDS, 20),
    "pendigits, IDEC": (
        *("pendigits rows", IDEC),
        *({"pretrain_epochs": 3, "max_iter": 560, **SHORT}, 20),
    ),
    "CIFAR features, TEMI from random weights": (
        *("cifar features", TEMI),
        *({"init": "random", "device": "cpu"}, 20),
    ),
    "MNIST 2,000, DeepCluster": ("mnist_test-2000", DeepCluster, ROUNDS, 20),
    "CIFAR 2,000, DeepCluster": ("cifar10_test-2000", DeepCluster, ROUNDS, 12),
    "MNIST 10,000, IDEC": (
        *("mnist rows", IDEC),
        *({"pretrain_epochs": 3, "max_iter": 280, **SHORT}, 12),
    ),
    "MNIST 10,000, DeepCluster": ("mnist_test", DeepCluster, ROUNDS, 12),
    "CIFAR features, TEMI": ("cifar features", TEMI, {"device": "cpu"}, 12),
    "CIFAR features, Turtle": ("cifar features", Turtle, {"device": "cpu"}, 12),
}


# -- the runs --------------------------------------------------------------------------


def load(data):
    """Samples and classes of a set."""
    if data in TABLES:
        return TABLES[data]()
    if data == "cifar features":
        X, y = common.load("cifar10_test")
        folder = Path(get_data_home())
        return np.load(folder / "skdeepclust_frozen_lite0.npy"), y
    if data == "pendigits rows":
        X, y = common.load("pendigits")
        return ((X - X.mean(axis=0)) / X.std(axis=0)).astype(np.float32), y
    name, _, _rows = data.partition(" rows")
    X, y = common.load("mnist_test" if name == "mnist" else name)
    return (common.pixels_of(X).astype(np.float32) if "rows" in data else X), y


def compute(args):
    for name in args.sets:
        if args.analyse:
            analyse(args, name)
            continue
        data, method, settings, n_runs = POOLS[name]
        X, y = None, None
        for seed in range(n_runs):
            path = run_file(args, name, seed)
            if path.exists():
                continue
            X, y = load(data) if X is None else (X, y)
            model = method(len(np.unique(y)), random_state=seed, **settings)
            start = time.process_time()
            model.fit(X)
            seconds = time.process_time() - start
            chosen = stored(len(X))
            np.savez_compressed(
                path,
                labels=model.labels_,
                embedding=model.transform(X)[chosen].astype(np.float32),
                loss=last_loss(model),
            )
            row = {"kind": "run", "set": name, "seed": seed, "cpu_seconds": seconds}
            common.append(NAME, {**row, **common.scores(y, model.labels_)}, args)


def run_file(args, name, seed):
    folder = Path(args.pool) / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{seed}.npz"


def stored(n_samples):
    """Samples whose embedding is kept: the same in all runs."""
    return np.random.RandomState(0).permutation(n_samples)[:STORED]


def last_loss(model):
    """What the training minimised, at its end."""
    if isinstance(model, KMeans):
        return model.inertia_
    table = [*model.history_.values()][-1]
    return table["loss"][-1]


# -- what the runs tell ----------------------------------------------------------------

DRAWN, FEW = 10, 5  # runs of a consensus; FEW from pools of less than twenty
N_DRAWS, COMPARED = 8, 1000
MOST_COMPARED = 20  # runs whose scores are compared
SCORES = ["own silhouette", "pooled silhouette", "silhouette in X", "pooled modularity"]
SCORES += ["mean ARI with the others", "linear classifier", "prediction strength"]
SCORES += ["loss"]


def analyse(args, name):
    """Lines of a set, if its pool is there and they are not."""
    files = sorted((Path(args.pool) / name).glob("*.npz"), key=lambda f: int(f.stem))
    is_drawn, is_compared = (
        common.rows_of(NAME, {"set": name, "kind": kind}) for kind in ("draw", "choice")
    )
    if len(files) < DRAWN or (is_drawn and is_compared):
        return
    pool = [dict(np.load(file)) for file in files]
    X, y = load(POOLS[name][0])
    if not is_drawn:
        for i, chosen in enumerate(draws(len(pool))):
            row = {"kind": "draw", "set": name, "draw": i, "n_runs": len(chosen)}
            drawn = of_draw([pool[run] for run in chosen], y)
            common.append(NAME, row | drawn, args)
    if not is_compared:
        common.append(NAME, of_choice(name, pool[:MOST_COMPARED], X, y), args)


def draws(n_runs):
    """Positions of the runs of every draw."""
    size = DRAWN if n_runs >= 2 * DRAWN else FEW
    rng = np.random.RandomState(0)
    if n_runs >= 5 * size:
        yield from rng.permutation(n_runs)[: 5 * size].reshape(5, size)
    else:
        for _ in range(N_DRAWS):
            yield rng.permutation(n_runs)[:size]


def of_draw(runs, y):
    """The consensus of a draw, and what its agreement and its confidence say."""
    found = np.stack([run["labels"] for run in runs])
    k = len(np.unique(y))
    start = time.process_time()
    vote = Vote(k, 20, 0).fit(found)
    labels, shares = vote.predict(found)
    seconds = time.process_time() - start
    agreement = shares.max(axis=1)
    matches = match_clusters(y, labels)
    is_right = np.array([y[i] == matches.get(c) for i, c in enumerate(labels)])
    agreed = agreement > 0.9
    kept = stored(len(y))
    margins = []
    for run in runs:
        embedded = run["embedding"], run["labels"][kept]
        margins.append(ClusterMeans(*embedded).margins(*embedded))
    votes = vote.votes(found)[:, kept]
    confidence = confidence_of(votes, labels[kept], np.stack(margins))
    return {
        **common.scores(y, labels),
        "vote_seconds": seconds,
        "agreed": float(agreed.mean()),
        "acc_agreed": float(is_right[agreed].mean()) if agreed.any() else None,
        "acc_rest": float(is_right[~agreed].mean()) if not agreed.all() else None,
        "errors_in_worst": errors_in_worst(agreement, is_right),
        "errors_in_least_confident": errors_in_worst(confidence, is_right[kept]),
    }


def errors_in_worst(values, is_right):
    """Share of the errors that the fifth with the lowest values holds.

    Of equal values the first of a random order count.
    """
    order = np.random.RandomState(0).permutation(len(values))
    worst = order[values[order].argsort(kind="stable")][: len(values) // 5]
    return float((~is_right)[worst].sum() / max(1, (~is_right).sum()))


def of_choice(name, pool, X, y):
    """Scores without labels of every run, and how they rank the runs."""
    found = np.stack([run["labels"] for run in pool])
    acc = np.array([clustering_accuracy(y, labels) for labels in found])
    nmi = np.array([common.scores(y, labels)["nmi"] for labels in found])
    chosen = stored(len(y))[:COMPARED]
    spaces = [run["embedding"][:COMPARED] for run in pool]
    labels = found[:, chosen]
    rows = np.asarray(X[chosen]).reshape(len(chosen), -1).astype(np.float64)
    silhouettes = pooled_silhouettes(labels, spaces)
    graphs = np.array([[modularity(own, near(Z)) for Z in spaces] for own in labels])
    ari = agreement_of_runs(found)
    of_run = {
        "own silhouette": np.diag(silhouettes),
        "silhouette in X": pooled_silhouettes(labels, [rows])[:, 0],
        "linear classifier": [linear(Z, own) for Z, own in zip(spaces, labels)],
        "prediction strength": [strength(Z, own) for Z, own in zip(spaces, labels)],
        "loss": [-float(run["loss"]) for run in pool],
    }
    of_pair = {"pooled silhouette": silhouettes, "pooled modularity": graphs}
    of_pair["mean ARI with the others"] = ari
    row = {"kind": "choice", "set": name, "n_runs": len(pool)}
    row["acc_mean"], row["acc_best"] = float(acc.mean()), float(acc.max())
    for score in SCORES:
        pairs = of_pair.get(score)
        values = of_run[score] if pairs is None else pairs.mean(axis=1)
        row[score] = float(spearmanr(values, nmi).statistic) if np.ptp(nmi) else None
        lost = []
        for part in draws(len(pool)):
            own = np.array(values)[part] if pairs is None else pairs[np.ix_(part, part)]
            own = own if pairs is None else own.mean(axis=1)
            lost.append(acc[part].max() - acc[part][np.argmax(own)])
        row[f"lost by {score}"] = float(np.mean(lost))
    lost = [acc[part].max() - acc[part].mean() for part in draws(len(pool))]
    return row | {"lost by chance": float(np.mean(lost))}


def near(Z):
    """Nearest neighbours of every sample, a tenth of a mean cluster of ten."""
    found = NearestNeighbors(n_neighbors=20).fit(Z)
    return found.kneighbors(return_distance=False)


def linear(Z, labels):
    """TURTLE's rule: accuracy of a linear classifier of the labels on other samples."""
    counts = np.bincount(labels)
    kept = np.flatnonzero(counts[labels] >= 3)
    if len(np.unique(labels[kept])) < 2:
        return 0.0
    model = LogisticRegression(max_iter=100)
    Z = (Z - Z.mean(axis=0)) / (Z.std() or 1)
    guess = cross_val_predict(model, Z[kept], labels[kept], cv=3)
    return float((guess == labels[kept]).mean())


def strength(Z, labels):
    """Agreement of one half's k-means with the other half's clusters (mean ARI)."""
    k, half = len(np.unique(labels)), len(Z) // 2
    found = []
    for a, b in (
        (slice(None, half), slice(half, None)),
        (slice(half, None), slice(None, half)),
    ):
        own = KMeans(k, n_init=2, random_state=0).fit_predict(Z[b])
        if len(np.unique(labels[a])) > 1:
            guess = NearestCentroid().fit(Z[a], labels[a]).predict(Z[b])
            found.append(adjusted_rand_score(own, guess))
    return float(np.mean(found)) if found else 0.0


# -- the tables ------------------------------------------------------------------------

# Long runs with the defaults that other scripts have measured.
LONG = {
    "digits, DCEC": ("images", {"data": "digits", "method": "DCEC"}),
    "digits, DeepCluster": ("images", {"data": "digits", "method": "DeepCluster"}),
    "digits, k-means": ("images", {"data": "digits", "method": "k-means"}),
    "MNIST 2,000, DeepCluster": (
        *("images", {"data": "mnist_test-2000", "method": "DeepCluster"}),
    ),
    "MNIST 10,000, IDEC": ("images", {"data": "mnist_test", "method": "IDEC"}),
    "iris, IDEC": ("tables", {"table": "iris", "method": "IDEC"}),
    "wine, IDEC": ("tables", {"table": "wine", "method": "IDEC"}),
    "breast cancer, IDEC": ("tables", {"table": "breast cancer", "method": "IDEC"}),
    "CIFAR features, k-means": ("frozen", {"data": "lite0", "method": "k-means"}),
    "CIFAR features, TEMI from random weights": (
        *("frozen", {"data": "lite0", "method": "TEMI, random weights"}),
    ),
}


def kind_of(kind, name):
    return common.rows_of(NAME, {"kind": kind, "set": name})


def table(_):
    sets = [name for name in POOLS if kind_of("draw", name)]
    lines = []
    for name in sets:
        runs, drawn = kind_of("run", name), kind_of("draw", name)
        long = common.rows_of(*LONG[name]) if name in LONG else []
        one, size = float(common.mean(runs, "cpu_seconds", 2)), drawn[0]["n_runs"]
        costs = [f"{one:.1f}", f"{one * size:.0f}"]
        cells = [common.spreads(each, ["acc"])[0] for each in (runs, drawn)]
        default = common.spreads(long, ["acc"])[0] if long else ""
        cost = common.mean(long, "cpu_seconds") if long else ""
        cells = [len(runs), cells[0], costs[0], f"{len(drawn)} x {size}", cells[1]]
        lines.append([name, *cells, costs[1], default, cost])
    common.print_table(
        "ACC of one short run, of their consensus and of a long run: mean (sd, min)",
        "set | runs | one run | CPU s | draws | consensus | CPU s | defaults | CPU s",
        lines,
    )
    table_of_rejection(sets)
    table_of_choice(sets)


REJECTION = ["agreed", "acc_agreed", "acc_rest", "errors_in_worst"]
REJECTION += ["errors_in_least_confident"]


def table_of_rejection(sets):
    lines = []
    for name in sets:
        cells = []
        drawn = kind_of("draw", name)
        for key in REJECTION:
            values = [row[key] for row in drawn if row[key] is not None]
            cells.append(f"{np.mean(values):.2f}" if values else "")
        most = [min(1, 0.2 / max(1e-9, 1 - row["acc"])) for row in drawn]
        lines.append([name, *cells, f"{np.mean(most):.2f}"])
    common.print_table(
        "Samples on which more than nine tenths of the runs agree, and the errors in a "
        "fifth of the samples: means over draws",
        "set | share | their ACC | ACC of the rest | errors in the fifth of least "
        "agreement | of least confidence | most that a fifth can hold",
        lines,
    )


def signed(value):
    return "" if value is None or np.isnan(value) else f"{value:+.2f}"


def table_of_choice(sets):
    rows = [row for name in sets for row in kind_of("choice", name)]
    common.print_table(
        "Spearman's correlation of a score with NMI over runs",
        " | ".join(["set", "runs", *SCORES]),
        [[r["set"], r["n_runs"], *(signed(r[s]) for s in SCORES)] for r in rows],
    )
    lost = [*(f"lost by {score}" for score in SCORES), "lost by chance"]
    common.print_table(
        "ACC lost against the best run of a draw, in points, if the score chooses",
        " | ".join(["set", *SCORES, "chance"]),
        [[r["set"], *(f"{100 * r[key]:.1f}" for key in lost)] for r in rows],
    )


if __name__ == "__main__":
    common.run(
        __doc__,
        compute,
        table,
        sets=([*POOLS], [*POOLS]),
        pool="runs",
        analyse=False,
    )
