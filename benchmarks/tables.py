"""Tables: what do deep methods gain over k-means and mixtures on rows of numbers?

    OMP_NUM_THREADS=1 python benchmarks/tables.py
    OMP_NUM_THREADS=1 python benchmarks/tables.py --rules
    OMP_NUM_THREADS=1 python benchmarks/tables.py --few

The methods have their defaults, except for k-means, which has 20 starts. The default
mixture has full covariances and one start. "start" is what DEC and IDEC have before
joint training, `init_labels_`. "from a mixture" is
`init=GaussianMixture(n_init=5, reg_covar=1e-3)`. `--rules` compares rules that choose
among the candidates of `AutoClustering` without labels. Its own is the first, with the
doubts and the valleys that its help describes.
`--few` draws a few rows of every table, 20, 40 or 80 per cluster, and compares k-means,
the candidate with the highest modularity, and `AutoClustering`, which keeps k-means
unless another is better by more than a standard error.

Real tables, all of scikit-learn but one: iris, wine and breast cancer, standardised;
digits, 64 pixels divided by 16; pendigits-3000, 3,000 of the pen strokes, standardised.

Generated tables, standardised unless said otherwise. Each has seeds of its own, so that
it is always the same; the seeds of the results are those of the methods.

- mixed, weight 1 and mixed, weight 1/2: the 5,000 customers of `one_hot.py` in five
  groups, with missing values. Numbers are standardised, categories are columns of 0 and
  the weight.
- correlated: 4,000 samples of 8 Gaussians in 20 columns. Each has a random matrix of
  its own, by which standard normal values are multiplied.
- heavy tails: 4,000 samples, 6 clusters, 12 columns; the values that are multiplied
  have Student's t distribution with 2.5 degrees of freedom.
- unbalanced: 3,000 samples, 4 clusters of sizes 10:5:2:1, 10 columns.
- very unbalanced: 4,000 samples, 3 clusters of sizes 100:10:1, 10 columns.
- outliers: 3,000 samples, 5 clusters, 10 columns. 5 % of the samples are replaced by
  uniform ones in the range of the data; they keep their labels.
- duplicates: 2,000 samples, 5 clusters, 10 columns, and 1,000 of them again.

Every run is a line of `results/tables.jsonl` and is not computed again; `--table`
prints the tables, with `--rules` or `--few` that of the rules or of few rows. Labels
score finished runs and are used for nothing else.
"""

import time

import _common as common
import numpy as np
from one_hot import encoder, made
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdeepclust import DEC, IDEC, AutoClustering, Autoencoder
from skdeepclust._auto_clustering import _candidates, _main_components, _Neighbors
from skdeepclust._random import derived_seed, root_seed
from skdeepclust._spectral_starts import cluster_moments, likelihood

NAME = "tables"
METHODS = ["k-means", "GaussianMixture", "AutoClustering", "autoencoder + k-means"]
METHODS += ["DEC", "IDEC", "IDEC from a mixture"]
RULES = ["modularity", "silhouette", "likelihood"]
FEW = [20, 40, 80]


# -- the tables ------------------------------------------------------------------------


def standardised(X):
    return StandardScaler().fit_transform(X).astype(np.float32)


def of_sklearn(fetch):
    X, y = fetch(return_X_y=True)
    return standardised(X), y


def digits():
    X, y = common.load("digits")
    return X.reshape(len(X), -1), y


def pendigits():
    X, y = common.load("pendigits-3000")
    return standardised(X.reshape(len(X), -1)), y


def mixed(weight):
    table, group = made(5000)
    return encoder(table, weight).fit_transform(table).astype(np.float32), group


def clusters(
    n, k, d, apart, seed, *, sizes=None, degrees=None, outliers=0.0, duplicates=0.0
):
    """Clusters with a random matrix each; their centres have the length `apart`.

    `degrees` are those of Student's t, None for Gaussians. `outliers` and `duplicates`
    are shares of the samples.
    """
    rng = np.random.default_rng(seed)
    shares = np.ones(k) if sizes is None else np.array(sizes)
    y = rng.choice(k, n, p=shares / shares.sum())
    centers = rng.normal(size=(k, d)) * apart / np.sqrt(d)
    matrices = rng.normal(size=(k, d, d)) / np.sqrt(d)
    shape = (n, d)
    values = (
        rng.normal(size=shape) if degrees is None else rng.standard_t(degrees, shape)
    )
    X = centers[y] + np.einsum("nij,nj->ni", matrices[y], values)
    n_outliers = int(outliers * n)
    X[:n_outliers] = rng.uniform(X.min(axis=0), X.max(axis=0), (n_outliers, d))
    again = rng.choice(n, int(duplicates * n))
    X, y = np.concatenate([X, X[again]]), np.concatenate([y, y[again]])
    return standardised(X), y


TABLES = {
    "iris": lambda: of_sklearn(load_iris),
    "wine": lambda: of_sklearn(load_wine),
    "breast cancer": lambda: of_sklearn(load_breast_cancer),
    "digits": digits,
    "pendigits-3000": pendigits,
    "mixed, weight 1": lambda: mixed("1"),
    "mixed, weight 1/2": lambda: mixed("1/2"),
    "correlated": lambda: clusters(4000, 8, 20, 5, 3),
    "heavy tails": lambda: clusters(4000, 6, 12, 9, 4, degrees=2.5),
    "unbalanced": lambda: clusters(3000, 4, 10, 6, 5, sizes=[10, 5, 2, 1]),
    "very unbalanced": lambda: clusters(4000, 3, 10, 9, 6, sizes=[100, 10, 1]),
    "outliers": lambda: clusters(3000, 5, 10, 9, 7, outliers=0.05),
    "duplicates": lambda: clusters(2000, 5, 10, 9, 8, duplicates=0.5),
}


# -- the methods -----------------------------------------------------------------------


def fitted(method, X, k, seed):
    """Labels, and what else there is to say about the fit."""
    ours = {"random_state": seed, "device": "cpu"}
    kmeans = KMeans(k, n_init=20, random_state=seed)
    if method == "k-means":
        return kmeans.fit_predict(X), {}
    if method == "GaussianMixture":
        return GaussianMixture(k, random_state=seed).fit_predict(X), {}
    if method == "AutoClustering":
        auto = AutoClustering(k, random_state=seed).fit(X)
        return auto.labels_, {"chosen": auto.chosen_}
    if method == "autoencoder + k-means":
        return make_pipeline(Autoencoder(**ours), kmeans).fit_predict(X), {}
    if method == "IDEC from a mixture":
        ours["init"] = GaussianMixture(k, n_init=5, reg_covar=1e-3)
    model = (DEC if method == "DEC" else IDEC)(k, **ours).fit(X)
    return model.labels_, {"init_labels": model.init_labels_, "steps": model.n_iter_}


def measure(method, X, y, seed):
    start = time.process_time()
    labels, more = fitted(method, X, len(np.unique(y)), seed)
    row = {"cpu_seconds": time.process_time() - start, **common.scores(y, labels)}
    init_labels = more.pop("init_labels", None)
    if init_labels is not None:
        of_start = common.scores(y, init_labels)
        row |= {f"start_{name}": value for name, value in of_start.items()}
    return row | more


def choices(X, y, seed):
    """A row for every rule: what it chooses among the candidates."""
    k = len(np.unique(y))
    main = _main_components(X, seed)(X)
    found = list(_candidates(X, main, k, 20, seed))
    neighbors = _Neighbors(main, k, seed)
    rules = {
        "modularity": neighbors.modularity,
        "silhouette": lambda labels: silhouette_score(main, labels),
        "likelihood": lambda labels: likelihood(*cluster_moments(main, labels)),
    }
    aris = {each.name: adjusted_rand_score(y, each.labels) for each in found}
    for rule, score in rules.items():
        best = max(found, key=lambda each: score(compact(each.labels)))
        row = {"rule": rule, "chosen": best.name, "ari": aris[best.name]}
        yield row | {"best": max(aris.values()), "kmeans": aris["kmeans"]}


def of_few(X, y, per_cluster, seed):
    """ARI of a few rows by k-means, the highest modularity, and AutoClustering."""
    k = len(np.unique(y))
    drawn = np.random.RandomState(seed).permutation(len(y))[: per_cluster * k]
    X, y = X[drawn], y[drawn]
    auto = AutoClustering(k, random_state=seed).fit(X)
    root = root_seed(seed)
    main = _main_components(X, derived_seed(root, "components"))
    found = _candidates(X, main(X), k, 20, root)
    aris = {each.name: adjusted_rand_score(y, each.labels) for each in found}
    highest = max(auto.scores_, key=auto.scores_.get)
    row = {"kmeans": aris["kmeans"], "highest": aris[highest]}
    return row | {"ari": adjusted_rand_score(y, auto.labels_), "chosen": auto.chosen_}


def compact(labels):
    return np.unique(labels, return_inverse=True)[1]


def compute(args):
    for seed in args.seeds:
        for name in args.tables:
            X, y = TABLES[name]()
            where = {"table": name, "seed": seed}
            if args.few:
                compute_few(args, where, X, y)
                continue
            if args.rules:
                if not common.rows_of(NAME, {**where, "rule": RULES[0]}):
                    for row in choices(X, y, seed):
                        common.append(NAME, {**where, **row}, args)
                continue
            for method in args.methods:
                here = {**where, "method": method}
                if not common.rows_of(NAME, here):
                    common.append(NAME, here | measure(method, X, y, seed), args)


def compute_few(args, where, X, y):
    for number in FEW:
        here = {**where, "few": number}
        is_done = common.rows_of(NAME, here)
        if not is_done and len(y) >= number * len(np.unique(y)):
            row = of_few(X, y, number, where["seed"])
            common.append(NAME, here | row, args)


# -- the tables of results -------------------------------------------------------------


def table(args):
    if args.rules:
        return table_of_rules(args)
    if args.few:
        return table_of_few(args)
    lines, where = [], {"table": args.tables, "method": args.methods}
    for values, rows in common.groups(NAME, **where):
        starts = ("start_acc", "start_nmi", "start_ari")
        has_start = starts[0] in rows[0]
        cells = common.spreads(rows)
        before = common.spreads(rows, starts) if has_start else [""] * 3
        pairs = [cell for pair in zip(before, cells) for cell in pair]
        seconds = common.mean(rows, "cpu_seconds", 1)
        lines.append([*values, len(rows), *pairs, seconds, chosen(rows)])
    common.print_table(
        "Mean (sd, min) over seeds; start: before joint training",
        "table | method | seeds | ACC, start | ACC | NMI, start | NMI | ARI, start | "
        "ARI | CPU s | chosen",
        lines,
    )
    print_summary(args)


def chosen(rows):
    """What AutoClustering chose, and how often."""
    names = [row["chosen"] for row in rows if "chosen" in row]
    return ", ".join(f"{each} ({names.count(each)})" for each in dict.fromkeys(names))


def print_summary(args):
    """ARI less that of k-means, over tables."""
    lines = []
    for method in [name for name in args.methods if name != "k-means"]:
        for label, key in ((", start", "start_ari"), ("", "ari")):
            gains = {}
            for name in args.tables:
                rows = common.rows_of(NAME, {"table": name, "method": method})
                base = common.rows_of(NAME, {"table": name, "method": "k-means"})
                if base and rows and key in rows[0]:
                    gains[name] = mean_of(rows, key) - mean_of(base, "ari")
            if gains:
                lines.append([method + label, *gain_cells(gains)])
    common.print_table(
        "ARI less that of k-means: means over seeds, over the tables",
        "method | tables | mean | worst | higher by .02 or more | lower by .02 or more",
        lines,
    )


def mean_of(rows, key):
    return np.mean([row[key] for row in rows])


def gain_cells(gains):
    worst = min(gains, key=gains.get)
    values = np.round(list(gains.values()), 3) + 0.0  # no negative zero
    better, worse = (values >= 0.02).sum(), (values <= -0.02).sum()
    of_worst = f"{values.min():+.3f} ({worst})"
    return [len(gains), f"{values.mean():+.3f}", of_worst, better, worse]


def table_of_rules(args):
    lines = []
    for rule in [*RULES, "the best candidate"]:
        gains = {}
        for name in args.tables:
            where = {"table": name, "rule": rule if rule in RULES else RULES[0]}
            rows = common.rows_of(NAME, where)
            key = "ari" if rule in RULES else "best"
            if rows:
                gains[name] = np.mean([row[key] - row["kmeans"] for row in rows])
        if gains:
            lines.append([rule, *gain_cells(gains)])
    common.print_table(
        "ARI of the choice less that of k-means: means over seeds, over the tables",
        "rule | tables | mean | worst | higher by .02 or more | lower by .02 or more",
        lines,
    )


def table_of_few(args):
    lines = []
    for (name, number), rows in common.groups(NAME, table=args.tables, few=FEW):
        cells = [common.spreads(rows, [key])[0] for key in ("kmeans", "highest", "ari")]
        lines.append([name, number, len(rows), *cells, chosen(rows)])
    common.print_table(
        "ARI of a few rows: mean (sd, min) over draws",
        "table | rows per cluster | draws | k-means | highest modularity | "
        "AutoClustering | it chose",
        lines,
    )


if __name__ == "__main__":
    common.run(
        __doc__,
        compute,
        table,
        seeds=5,
        tables=(list(TABLES), list(TABLES)),
        methods=(METHODS, METHODS),
        rules=False,
        few=False,
    )
