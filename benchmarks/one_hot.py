"""The weight of one-hot encoded categories: k-means and IDEC on mixed tables.

    python benchmarks/one_hot.py --threads 1

Numbers are imputed and standardised, and categories become columns of 0 and w. Two
samples that differ in a category are then w * sqrt(2) apart in it. The weights w:

- 0: the categories are left out.
- 1 / sqrt(c), with c categories in the column.
- 1 / 2.
- 1 / sqrt(2): the distance of two different categories is 1.
- 1: plain one-hot encoding.
- standardised: every column of 0 and 1 is standardised like a number.

The tables:

- made: 2,000 customers in five groups of unequal sizes. All six numbers and two of the
  three categorical columns depend on the group. Four columns have missing values.
- made, weak numbers: the same with three numbers only.
- made, noise: the same with a column of 20 cities that mean nothing.
- penguins: 344 penguins of three species, with island, sex and year of the observation
  (Horst, Hill and Gorman, 2020). They need ``pip install palmerpenguins`` and are left
  out if that is not installed.

IDEC starts from k-means and has explicit settings, so that the lines do not depend on
defaults. Lines go to `results/one_hot.jsonl`; `--table` prints them.
"""

import importlib.util

import _common as common
import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skdeepclust import IDEC

NAME = "one_hot"
WEIGHTS = ["0", "1/sqrt(c)", "1/2", "1/sqrt(2)", "1", "standardised"]
METHODS = ["k-means", "IDEC"]


# -- tables ----------------------------------------------------------------------------


def made(n=2000, seed=0):
    rng = np.random.default_rng(seed)
    group = rng.choice(5, n, p=[0.35, 0.25, 0.2, 0.15, 0.05])

    def per_group(*values):
        return np.array(values)[group]

    def drawn(names, *shares):
        edges = np.cumsum(np.array(shares)[group], axis=1)[:, :-1]
        return np.array(names)[(rng.random((n, 1)) > edges).sum(axis=1)]

    income = np.exp(rng.normal(per_group(10, 10.8, 11.5, 10.3, 12.5), 0.25))
    factor = per_group(0.02, 0.05, 0.01, 0.03, 0.1)
    table = pd.DataFrame(
        {
            "income": income,
            "age": rng.normal(per_group(25, 42, 55, 68, 47), 5),
            "visits": rng.poisson(per_group(30, 8, 3, 12, 1)).astype(float),
            "spend": income * factor * rng.lognormal(0, 0.4, n),
            "rating": rng.normal(per_group(3.1, 4.0, 4.6, 3.8, 2.5), 0.4).clip(1, 5),
            "share": rng.beta(per_group(2, 5, 8, 1, 3), 3),
            "plan": drawn(
                ["free", "basic", "pro"],
                *[[0.8, 0.15, 0.05], [0.2, 0.6, 0.2], [0.1, 0.3, 0.6]],
                *[[0.5, 0.4, 0.1], [0.05, 0.1, 0.85]],
            ),
            "device": drawn(
                ["phone", "web", "tablet"],
                *[[0.9, 0.05, 0.05], [0.4, 0.5, 0.1], [0.2, 0.7, 0.1]],
                *[[0.3, 0.2, 0.5], [0.1, 0.8, 0.1]],
            ),
            "region": rng.choice(["north", "south", "east", "west"], n),
        }
    )
    for name, share in {"income": 0.08, "age": 0.05, "rating": 0.15}.items():
        table.loc[rng.random(n) < share, name] = np.nan
    table["plan"] = table["plan"].astype(object)
    table.loc[rng.random(n) < 0.04, "plan"] = np.nan
    return table, group


def weak_numbers():
    table, group = made()
    return table.drop(columns=["income", "age", "visits"]), group


def with_noise():
    table, group = made()
    rng = np.random.default_rng(1)
    cities = [f"city {i}" for i in range(20)]
    return table.assign(city=rng.choice(cities, len(table))), group


def penguins():
    from palmerpenguins import load_penguins

    table = load_penguins().astype({"year": str})
    return table.drop(columns="species"), pd.factorize(table["species"])[0]


TABLES = {"made": made, "made, weak numbers": weak_numbers, "made, noise": with_noise}
if importlib.util.find_spec("palmerpenguins"):
    TABLES["penguins"] = penguins


# -- the encoding ----------------------------------------------------------------------


def encoder(table, weight):
    """Numbers imputed and standardised, categories as columns of 0 and a weight."""
    numbers = make_column_selector(dtype_include="number")
    steps = [("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers)]
    weights = {}
    for name in table.select_dtypes(exclude="number") if weight != "0" else []:
        onehot = make_pipeline(
            SimpleImputer(strategy="most_frequent"), OneHotEncoder(sparse_output=False)
        )
        if weight == "standardised":
            onehot.steps.append(("scaler", StandardScaler()))
        steps.append((name, onehot, [name]))
        factors = {"1/sqrt(c)": table[name].nunique() ** -0.5, "1/2": 0.5}
        weights[name] = {"1/sqrt(2)": 0.5**0.5, **factors}.get(weight, 1.0)
    return ColumnTransformer(steps, sparse_threshold=0, transformer_weights=weights)


def clusterer(method, k, seed):
    if method == "k-means":
        return KMeans(k, n_init=10, random_state=seed)
    return IDEC(
        k,
        init="kmeans",
        embedding_dim=5,
        module__hidden_dims=(64, 64),
        batch_size=64,
        pretrain_epochs=50,
        update_interval=30,
        max_iter=600,
        random_state=seed,
    )


# -- the measurement -------------------------------------------------------------------


def compute(args):
    for seed in args.seeds:
        for name in args.tables:
            table, group = TABLES[name]()
            for weight in args.weights:
                X = encoder(table, weight).fit_transform(table)
                for method in args.methods:
                    model = clusterer(method, group.max() + 1, seed)
                    labels = model.fit_predict(X)
                    where = {"table": name, "weight": weight, "method": method}
                    row = {**where, "seed": seed, **common.scores(group, labels)}
                    common.append(NAME, row, args)


def table(args):
    where = {"table": args.tables, "method": args.methods}
    rows = []
    for values, _ in common.groups(NAME, **where):
        names = dict(zip(where, values))
        cells = []
        for weight in args.weights:
            found = common.rows_of(NAME, {**names, "weight": weight})
            newest = {row["seed"]: row["ari"] for row in found}
            cells.append(common.mean_sd_min(list(newest.values())) if newest else "")
        rows.append([*values, *cells])
    common.print_table(
        "ARI: mean (standard deviation, minimum) over seeds",
        f"table | method | {' | '.join(args.weights)}",
        rows,
    )


if __name__ == "__main__":
    common.run(
        __doc__,
        compute,
        table,
        seeds=5,
        tables=(list(TABLES), list(TABLES)),
        methods=(METHODS, METHODS),
        weights=(WEIGHTS, WEIGHTS),
    )
