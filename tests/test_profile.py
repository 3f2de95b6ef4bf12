"""Profiles of clusters: effects, categories, rules, and what X and labels may be."""

import datetime
import sys
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris

from skdeepclust import inspection
from skdeepclust._effects import mean_difference, trimmed_mean
from skdeepclust._tables import MISSING, OTHER, read_columns
from skdeepclust.inspection import ClusterProfile, cluster_profile

RNG = np.random.RandomState(0)
N = 300


@pytest.fixture
def table():
    """Numbers, text, categories, booleans and missing values, in two groups."""
    rng = np.random.RandomState(0)
    group = np.repeat([0, 1, 1], N // 3)
    frame = pd.DataFrame(
        {
            "income": np.exp(rng.normal(10 + 2 * group, 0.3)),
            "visits": rng.poisson(5, N),
            "plan": np.where(rng.rand(N) < 0.1 + 0.7 * group, "pro", "free"),
            "region": pd.Categorical(rng.choice(["north", "south", "west"], N)),
            "active": rng.rand(N) < 0.5,
        },
        index=[f"c{i:03d}" for i in range(N)],
    )
    frame.loc[frame.index[:40], "income"] = np.nan
    frame.loc[frame.index[-30:], "plan"] = None
    return frame, group


def row(frame, **where):
    """The one row with these values."""
    found = frame[np.logical_and.reduce([frame[k] == v for k, v in where.items()])]
    assert len(found) == 1
    return found.iloc[0]


# -- effects of numbers --------------------------------------------------------


def test_without_trimming_the_effect_is_hedges_g():
    rng = np.random.RandomState(0)
    a, b = np.sort(rng.normal(1, 2, 12)), np.sort(rng.normal(0, 1, 30))
    pooled = np.sqrt((11 * a.var(ddof=1) + 29 * b.var(ddof=1)) / 40)
    expected = (1 - 3 / (4 * 40 - 1)) * (a.mean() - b.mean()) / pooled
    effect, error = mean_difference(a, b, 0)
    assert_allclose(effect, expected)
    variance = (a.var(ddof=1) / 12 + b.var(ddof=1) / 30) / pooled**2
    assert_allclose(error, np.sqrt(variance + expected**2 / 80))


def test_trimmed_mean_and_deviation_of_a_known_case():
    values = np.array([-50.0, 1, 2, 3, 4, 5, 6, 7, 8, 99])
    center, deviation, kept = trimmed_mean(values, 0.1)
    assert (center, kept) == (4.5, 8)
    winsorised = np.clip(values, 1, 8).std(ddof=1)
    # Var of the standard normal distribution, winsorised at its 10 and 90 % points.
    assert_allclose(deviation, winsorised / 0.82380, rtol=1e-4)


def test_the_effect_of_normal_data_does_not_depend_on_trimming():
    rng = np.random.RandomState(0)
    a, b = np.sort(rng.normal(1, 1, 100_000)), np.sort(rng.normal(0, 1, 100_000))
    for trim in (0, 0.1, 0.2, 0.4):
        effect, _ = mean_difference(a, b, trim)
        assert_allclose(effect, 1, atol=0.02)


def test_outliers_and_heavy_tails_do_not_hide_an_effect():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(400, 1))
    labels = np.repeat([0, 1], 200)
    X[labels == 1] += 2
    clean = cluster_profile(X, labels).numeric["effect"][0]
    X[:5] = -1e6
    assert_allclose(cluster_profile(X, labels).numeric["effect"][0], clean, atol=0.2)
    assert abs(cluster_profile(X, labels, trim=0).numeric["effect"][0]) < 0.3
    X[:5] = 1e300  # squares would overflow
    assert_allclose(cluster_profile(X, labels).numeric["effect"][0], clean, atol=0.2)


@pytest.mark.parametrize("trim", [0, 0.1, 0.25])
@pytest.mark.parametrize("n", [12, 60])
def test_the_interval_covers_the_effect(trim, n):
    rng = np.random.RandomState(0)
    hits = []
    for _ in range(400):
        a, b = np.sort(rng.normal(1, 1, n)), np.sort(rng.normal(0, 1, 5 * n))
        effect, error = mean_difference(a, b, trim)
        hits.append(abs(effect - 1) < 1.96 * error)
    assert 0.88 < np.mean(hits) < 0.98


def test_a_column_that_is_nearly_always_zero_keeps_its_effect():
    labels = np.repeat([0, 1], 200)
    X = np.zeros((400, 1))
    X[:12] = 5.0
    found = cluster_profile(X, labels).numeric.set_index("cluster")
    assert found.loc[0, "effect"] > 0
    assert found.loc[0, "low"] > 0
    assert_allclose(found.loc[0, "effect"], -found.loc[1, "effect"])


def test_undefined_and_infinite_effects():
    labels = np.repeat([0, 1], 5)
    X = np.column_stack([np.ones(10), labels, [*range(5), *[np.nan] * 5]])
    found = cluster_profile(X, labels, feature_names=["same", "apart", "one"])
    numeric = found.numeric.set_index(["cluster", "column"])
    assert np.isnan(numeric.loc[(0, "same"), "effect"])
    assert numeric.loc[(0, "apart"), "effect"] == -np.inf
    assert np.isnan(numeric.loc[(0, "one"), ["effect", "rest_mean"]]).all()
    assert numeric.loc[(0, "one"), "mean"] == 2
    # The clearest first, the undefined last.
    assert found.numeric["column"][0] == "apart"
    assert "apart -inf" in repr(found)


def test_clusters_of_one_and_two_samples():
    X = np.arange(12.0)[:, None]
    labels = np.array([0] * 9 + [1, 2, 2])
    numeric = cluster_profile(X, labels).numeric.set_index("cluster")
    assert np.isfinite(numeric[["effect", "standard_error"]]).all(axis=None)
    assert numeric.loc[1, "effect"] > 0


def test_numbers_of_a_table(table):
    frame, group = table
    numeric = cluster_profile(frame, group).numeric
    assert list(numeric["cluster"]) == [0, 0, 1, 1]
    assert list(numeric["column"]) == ["income", "visits"] * 2
    found, own = row(numeric, cluster=0, column="income"), frame["income"][group == 0]
    assert_allclose(found["mean"], own.mean())
    assert_allclose(found["median"], own.median())
    assert_allclose(found["rest_median"], frame["income"][group == 1].median())
    assert found["missing"] == 0.4
    assert found["rest_missing"] == 0
    assert found["high"] < 0
    assert_allclose(found["high"] - found["low"], 2 * 1.959964 * found.standard_error)


def test_the_order_of_rows_does_not_matter(table):
    frame, group = table
    order = np.random.RandomState(1).permutation(N)
    first = cluster_profile(frame, group)
    second = cluster_profile(frame.iloc[order], group[order])
    for name in ("numeric", "categories", "rules"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(second, name))


def test_x_is_not_changed(table):
    frame, group = table
    before = frame.copy()
    cluster_profile(frame, group)
    pd.testing.assert_frame_equal(frame, before)


# -- categories ----------------------------------------------------------------


def test_a_small_cluster_has_no_effects_that_are_not_there():
    rng = np.random.RandomState(0)
    labels = np.repeat([1, 0], [20, 2980])
    X = pd.DataFrame({"unit": "EUR", "x": rng.normal(size=3000)})
    X.loc[1000, "x"] = np.nan
    X["country"] = rng.choice(["a", "b", "c"], 3000)
    profile = cluster_profile(X, labels)
    constant = profile.categories[profile.categories["column"] == "unit"]
    assert constant["effect"].isna().all()
    assert "EUR" not in str(profile)
    table = profile.categories[profile.categories["column"] != "unit"]
    above = table["share"] > table["rest_share"]
    np.testing.assert_array_equal(np.sign(table["effect"]), np.where(above, 1, -1))
    assert not ((table["low"] > 0) & (table["lift"] <= 1)).any()
    # What is there is found.
    X.loc[labels == 1, "country"] = "c"
    clear = cluster_profile(X, labels).categories
    assert row(clear, cluster=1, category="c")["low"] > 0


def test_odds_of_a_known_case():
    X = pd.DataFrame({"plan": ["pro"] * 8 + ["free"] * 2 + ["pro"] * 3 + ["free"] * 17})
    labels = np.repeat([0, 1, 1], 10)
    found = row(cluster_profile(X, labels).categories, cluster=0, category="pro")
    assert found["count"] == 8
    assert_allclose(found[["share", "rest_share"]].tolist(), [0.8, 0.15])
    assert_allclose(found["lift"], 0.8 / (11 / 30))
    more = 0.5 * 19 / 11  # half a sample of the rarer kind, and others by the shares
    log_odds = np.log(8.5 * (17 + more) / ((2 + more) * 3.5))
    assert_allclose(found["log_odds"], log_odds)
    assert_allclose(found["effect"], log_odds * np.sqrt(3) / np.pi)
    error = np.sqrt(1 / 8.5 + 1 / (2 + more) + 1 / 3.5 + 1 / (17 + more))
    assert_allclose(found["standard_error"], error * np.sqrt(3) / np.pi)


def test_odds_and_differences_have_one_scale():
    # A number cut at its middle: the effect of the halves is near that of the number.
    rng = np.random.RandomState(0)
    labels = np.repeat([0, 1], 20_000)
    x = rng.logistic(size=40_000) + 1.0 * labels
    X = pd.DataFrame({"x": x, "is_high": x > 0.5})
    found = cluster_profile(X, labels, trim=0)
    number = row(found.numeric, cluster=1, column="x")["effect"]
    half = row(found.categories, cluster=1, category="True")["effect"]
    assert_allclose(half, number, rtol=0.05)


def test_missing_values_are_a_category_of_any_column(table):
    frame, group = table
    found = cluster_profile(frame, group).categories
    income = row(found, cluster=0, column="income", category=MISSING)
    assert (income["count"], income["rest_share"]) == (40, 0)
    assert income["low"] > 0
    plan = row(found, cluster=1, column="plan", category=MISSING)
    assert plan["count"] == 30
    shares = found[found["column"] == "plan"].groupby("cluster")["share"].sum()
    assert_allclose(shares, 1)


def test_over_represented_categories_come_first(table):
    frame, group = table
    found = cluster_profile(frame, group).categories
    for _, own in found.groupby("cluster"):
        assert (np.diff(np.sign(own["effect"])) <= 0).all()
    assert found["category"][0] == "free"


def test_rare_categories_are_one():
    X = pd.DataFrame({"city": [f"city {i // 2}" for i in range(60)] + ["Bonn"] * 40})
    labels = np.repeat([0, 1], 50)
    found = cluster_profile(X, labels, max_categories=3).categories
    assert set(found["category"]) == {"Bonn", "city 0", OTHER}
    assert found.groupby("cluster")["count"].sum().tolist() == [50, 50]


def test_of_two_categories_one_is_a_feature(table):
    frame, group = table
    profile = cluster_profile(frame, group)
    features = set(profile.effects["feature"])
    assert {"active = True", "region = south", "income", "income = (missing)"} < (
        features
    )
    assert "active = False" not in features
    assert {"plan = free", "plan = pro", "plan = (missing)"} < features


# -- rules ---------------------------------------------------------------------


def test_rules_say_what_they_count(table):
    frame, group = table
    frame = frame.drop(columns="region").assign(income=np.round(frame["income"]))
    rules = cluster_profile(frame, group).rules
    for rule in rules.itertuples():
        fulfils = fulfilled(rule.rule, frame)
        assert rule.n_samples == fulfils.sum()
        assert_allclose(
            rule.coverage,
            (fulfils & (group == rule.cluster)).sum() / (group == rule.cluster).sum(),
        )
        assert_allclose(rule.purity, (group[fulfils] == rule.cluster).mean())
    assert rules.groupby("cluster")["coverage"].sum().min() > 0.9


def fulfilled(rule, frame):
    """Samples that fulfil a rule, read from its words."""
    mask = np.ones(len(frame), dtype=bool)
    for part in rule.split(" and "):
        takes_missing = part.endswith(" or missing)")
        words = part.strip("()").removesuffix(" or missing").split()
        values = frame[words[2] if words[1] == "<" else words[0]]
        if words[1:] == ["is", "missing"]:
            mask &= values.isna().to_numpy()
        elif words[1:] == ["is", "known"]:
            mask &= values.notna().to_numpy()
        elif words[1] in ("=", "!="):
            is_it = values.fillna(MISSING).astype(str) == words[2].rstrip(")").replace(
                "(missing", MISSING
            )
            mask &= (is_it if words[1] == "=" else ~is_it).to_numpy()
        else:
            known = pd.Series(True, index=frame.index)
            if words[1] == "<":  # low < name <= high
                known = (values > float(words[0])) & (values <= float(words[4]))
            else:
                bound = float(words[2])
                known = values > bound if words[1] == ">" else values <= bound
            mask &= (known | (values.isna() & takes_missing)).to_numpy()
    return mask


def test_rules_of_random_tables_say_what_they_count():
    rng = np.random.RandomState(0)
    for _ in range(20):
        X = pd.DataFrame(rng.normal(size=(120, 3)).round(1), columns=list("abc"))
        X["d"] = rng.choice(list("xyz"), 120)
        X = X.mask(rng.rand(*X.shape) < 0.15)
        labels = rng.randint(3, size=120)
        labels[X["a"].isna()] = 0
        labels[X["b"] > 0.5] = 1
        for rule in cluster_profile(X, labels).rules.itertuples():
            fulfils = fulfilled(rule.rule, X)
            assert rule.n_samples == fulfils.sum(), rule
            assert_allclose(rule.purity, (labels[fulfils] == rule.cluster).mean())


def test_a_rule_in_words():
    X = pd.DataFrame(
        {
            "income": [*range(100, 200), *range(100, 200)],
            "plan": ["pro"] * 100 + ["free"] * 100,
        }
    )
    labels = ((X["plan"] == "pro") & (X["income"] > 152)).astype(int)
    rules = cluster_profile(X, labels).rules
    of_one = rules[rules["cluster"] == 1]
    assert of_one["rule"].tolist() == ["income > 152 and plan = pro"]
    assert of_one[["coverage", "purity"]].to_numpy().tolist() == [[1, 1]]
    assert rules[rules["cluster"] == 0]["coverage"].sum() == 1


def test_missing_values_can_be_the_rule():
    X = np.random.RandomState(0).normal(size=(60, 2))
    labels = np.repeat([0, 1], 30)
    X[:30, 1] = np.nan
    rules = cluster_profile(X, labels).rules
    assert rules["rule"].tolist() == ["x1 is missing", "x1 is known"]


def test_rules_do_not_overlap_and_are_as_short_as_asked():
    iris = load_iris()
    for depth in (1, 2, 3):
        rules = cluster_profile(iris.data, iris.target, max_depth=depth).rules
        assert rules["rule"].str.count(" and ").max() < depth
        covered = rules.groupby("cluster")["coverage"].sum()
        assert covered.between(0, 1).all()


def test_thresholds_are_short_and_split_as_the_tree():
    X = np.array([[1000.123456], [1000.4], [54321.9], [60000.1]] * 10)
    labels = (X[:, 0] > 2000).astype(int)
    rules = cluster_profile(X, labels).rules["rule"].tolist()
    assert rules == ["x0 <= 30000", "x0 > 30000"]
    huge = X * 1e300  # beyond the range of the trees' single precision
    rules = cluster_profile(huge, labels).rules
    assert rules["purity"].tolist() == [1, 1]


def test_a_constant_table_has_a_rule_that_says_so():
    rules = cluster_profile(np.ones((6, 1)), [0, 0, 0, 0, 1, 1]).rules
    assert set(rules["rule"]) == {"every sample"}
    assert_allclose(rules["purity"], [4 / 6, 2 / 6])


def test_many_samples_are_counted_though_trees_see_some(monkeypatch):
    monkeypatch.setattr("skdeepclust._rules._MOST_SAMPLES", 50)
    X = np.random.RandomState(0).normal(size=(2000, 2))
    labels = (X[:, 0] > 0).astype(int)
    rules = cluster_profile(X, labels).rules
    assert rules["purity"].min() > 0.9
    assert_allclose(rules["coverage"] * [1, 1] > 0.9, True)


# -- labels --------------------------------------------------------------------


def test_unassigned_samples_are_a_group_and_no_cluster(table):
    frame, group = table
    labels = group.copy()
    labels[::10] = -1
    labels[5] = -3  # HDBSCAN has several kinds
    profile = cluster_profile(frame, labels)
    assert profile.sizes.index.tolist() == [0, 1, -1]
    assert profile.sizes[-1] == 31
    assert profile.numeric["cluster"].tolist()[-1] == -1
    text = repr(profile)
    assert "300 samples, 2 clusters, 5 columns" in text
    assert "Unassigned, label -1, not a cluster: 31 samples (10 %)" in text
    assert "Cluster -1" not in text + profile._repr_html_()


def test_unassigned_samples_are_shown_behind_many_clusters():
    X = np.arange(200.0)[:, None]
    labels = np.arange(200) // 10
    labels[:10] = -1
    text = repr(cluster_profile(X, labels))
    assert "Unassigned, label -1" in text
    assert "... and 9 more clusters: see .sizes" in text


@pytest.mark.parametrize("kind", [list, pd.Series, torch.tensor, np.float32])
def test_labels_of_any_container(kind):
    iris = load_iris()
    expected = cluster_profile(iris.data, iris.target)
    found = cluster_profile(iris.data, kind(iris.target.tolist()))
    pd.testing.assert_frame_equal(found.numeric, expected.numeric)


def test_names_and_booleans_are_clusters(table):
    frame, group = table
    names = np.array(["low", "high"])[group]
    assert cluster_profile(frame, names).sizes.to_dict() == {"high": 200, "low": 100}
    assert cluster_profile(frame, group == 1).sizes.to_dict() == {True: 200, False: 100}


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([0] * N, ValueError, "a single group, 0: there is no rest"),
        ([-1] * N, ValueError, "a single group, -1"),
        ([0, 1], ValueError, "X has 300, labels has 2"),
        ([0.5] * N, ValueError, "labels holds 0.5, but must hold"),
        ([0, None] * (N // 2), ValueError, "labels contains NaN or None"),
        (np.eye(N), ValueError, "labels should be a 1d array"),
        (None, ValueError, "labels should be a 1d array"),
    ],
)
def test_wrong_labels(table, labels, error, message):
    with pytest.raises(error, match=message):
        cluster_profile(table[0], labels)


def test_labels_in_another_order_are_refused(table):
    frame, group = table
    labels = pd.Series(group, index=frame.index)
    expected = cluster_profile(frame, group).numeric
    message = r"pass labels.loc\[X.index\].*pass labels.to_numpy\(\)"
    with pytest.raises(ValueError, match=message):
        cluster_profile(frame, labels.iloc[::-1])
    with pytest.raises(ValueError, match=message):
        cluster_profile(frame, labels.add_prefix("x"))
    # Positions cannot be told from an index of the same numbers.
    numbered = frame.set_index(np.arange(N)[::-1])
    with pytest.raises(ValueError, match=message):
        cluster_profile(numbered, pd.Series(group))
    for same in (labels, pd.Series(group), labels.iloc[::-1].loc[frame.index]):
        pd.testing.assert_frame_equal(cluster_profile(frame, same).numeric, expected)


# -- tables --------------------------------------------------------------------


def test_arrays_and_names():
    iris = load_iris(as_frame=True)
    X, y = iris.data, iris.target
    expected = cluster_profile(X, y).numeric
    for same in (X.to_numpy(), X.to_numpy().tolist(), torch.tensor(X.to_numpy())):
        found = cluster_profile(same, y, feature_names=list(X.columns)).numeric
        pd.testing.assert_frame_equal(found, expected)
    assert set(cluster_profile(X.to_numpy(), y).numeric["column"]) == {
        *("x0", "x1", "x2", "x3")
    }


def test_columns_of_pandas(table):
    _frame, _ = table
    kinds = {
        "integers": pd.array([1, None, 3], dtype="Int64"),
        "floats": pd.array([0.5, None, 1.5], dtype="Float32"),
        "objects": np.array([1, None, 2.5], dtype=object),
        "bools": pd.array([True, None, False], dtype="boolean"),
        "text": pd.array(["a", None, "b"], dtype="string"),
        "mixed": np.array([1, "a", True], dtype=object),
        "nothing": np.array([None] * 3, dtype=object),
        "cut": pd.cut([0.5, 1.5, np.nan], [0, 1, 2]),
        "ordered": pd.Categorical(["low", "high", "low"], ["low", "high", "top"]),
    }
    columns = {c.name: c for c in read_columns(pd.DataFrame(kinds))}
    numeric = {name for name, column in columns.items() if column.is_numeric}
    assert numeric == {"integers", "floats", "objects"}
    assert_array_equal(columns["integers"].values, [1, np.nan, 3])
    assert columns["bools"].categories == ("False", "True", MISSING)
    assert columns["mixed"].categories == ("1", "True", "a")
    assert columns["nothing"].categories == (MISSING,)
    assert columns["cut"].categories == ("(0, 1]", "(1, 2]", MISSING)
    assert columns["ordered"].categories == ("low", "high")  # in their order
    assert columns["text"].missing.tolist() == [False, True, False]


def test_frames_of_polars(table):
    polars = pytest.importorskip("polars")
    frame, group = table
    data = {name: frame[name].astype(object).tolist() for name in frame}
    data = {k: [None if v != v else v for v in values] for k, values in data.items()}
    found = cluster_profile(polars.DataFrame(data), group)
    expected = cluster_profile(frame, group)
    for name in ("numeric", "categories", "rules"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(expected, name))
    frame = polars.DataFrame({"a": [1, 2], "day": [datetime.date(2020, 1, 1)] * 2})
    with pytest.raises(TypeError, match=r"'day' of X holds dates.*\(Date\)"):
        cluster_profile(frame, [0, 1])
    with pytest.raises(TypeError, match=r"Pass X.collect\(\)"):
        cluster_profile(frame.lazy(), [0, 1])


@pytest.mark.parametrize(
    "values",
    [
        pd.date_range("2020", periods=4),
        pd.to_timedelta([1, 2, 3, 4], unit="D"),
        pd.period_range("2020", periods=4, freq="D"),
        [datetime.date(2020, 1, 1)] * 4,
        np.array([datetime.datetime(2020, 1, 1)] * 4, dtype=object),
    ],
)
def test_dates_are_refused_with_advice(values):
    X = pd.DataFrame({"a": [1, 2, 3, 4], "day": values})
    with pytest.raises(TypeError, match=r"'day' of X holds dates.*days since a date"):
        cluster_profile(X, [0, 0, 1, 1])


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (pd.DataFrame({"a": [1, np.inf, 2, 3]}), ValueError, "'a' of X contains inf"),
        (pd.DataFrame({"a": [[1], [2], [3], [4]]}), TypeError, r"'a' .* objects"),
        (pd.DataFrame({"a": ["x", {}, "y", "z"]}), TypeError, r"objects \(dict\)"),
        (pd.DataFrame({"a": [1j] * 4}), TypeError, "'a' of X holds complex"),
        (pd.DataFrame([[1, 2]] * 4, columns=["a", "a"]), ValueError, "several .* 'a'"),
        (pd.DataFrame(index=range(4)), ValueError, "X is empty"),
        (np.zeros((0, 3)), ValueError, "X is empty"),
        (np.zeros(4), ValueError, r"Expected 2D array, got 1D .*to_frame\(\)"),
        ([1, 2, 3, 4], ValueError, "Expected 2D array, got 1D"),
        (pd.Series([1, 2, 3, 4]), ValueError, "Expected 2D array, got 1D"),
        (np.zeros((4, 8, 8)), ValueError, "3D array .*ClusterMontageDisplay"),
        (scipy.sparse.eye(4).tocsr(), TypeError, "before it is encoded"),
        ({"a": [1, 2, 3, 4]}, TypeError, r"pandas.DataFrame\(X\)"),
        (None, ValueError, "X must be an array"),
        ("table.csv", TypeError, "Load the file"),
    ],
)
def test_what_is_no_table(X, error, message):
    with pytest.raises(error, match=message):
        cluster_profile(X, [0, 0, 1, 1])


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"feature_names": ["a"]}, ValueError, "has 1 names, but X has 2 columns"),
        ({"feature_names": "ab"}, TypeError, "'ab' is text"),
        ({"feature_names": ["a", "a"]}, ValueError, "several columns .* 'a'"),
        ({"max_depth": 0}, ValueError, "max_depth=0 must be"),
        ({"max_depth": 2.5}, TypeError, "max_depth=2.5 must be"),
        ({"max_categories": 1}, ValueError, "max_categories=1 must be"),
        ({"trim": 0.5}, ValueError, "trim=0.5 must be a number from 0 to below"),
        ({"trim": np.nan}, ValueError, "trim=nan must be"),
        ({"trim": "a"}, TypeError, "trim='a' must be"),
        ({"trim": True}, TypeError, "trim=True must be"),
    ],
)
def test_wrong_parameters(params, error, message):
    with pytest.raises(error, match=message):
        cluster_profile(np.eye(4)[:, :2], [0, 0, 1, 1], **params)


def test_more_depth_than_samples():
    assert cluster_profile(np.eye(4)[:, :2], [0, 0, 1, 1], max_depth=2**70).rules.size


def test_missing_pandas_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r'pip install "skdeepclust\[tables\]"'):
        cluster_profile(np.eye(4), [0, 0, 1, 1])


# -- the summary ---------------------------------------------------------------


def test_the_summary_is_safe_and_has_what_counts(table):
    frame, group = table
    profile = cluster_profile(frame.rename(columns={"plan": "<b>plan"}), group)
    assert isinstance(profile, ClusterProfile)
    text = repr(profile)
    assert "income +" in text
    assert "income -" in text
    assert "visits" not in text  # its interval contains zero
    assert "<b>plan = pro: 67 %" in text
    assert "(rest " in text
    assert "purity" in text
    page = profile._repr_html_()
    assert "&lt;b&gt;plan" in page
    assert "<b>" not in page
    assert "nan" not in text


def test_a_table_without_numbers_and_one_without_categories():
    words = pd.DataFrame({"a": list("xxyyzz")})
    profile = cluster_profile(words, [0, 0, 0, 1, 1, 1])
    assert profile.numeric.empty
    assert "1 column" in repr(profile)
    assert set(profile.effects["feature"]) == {"a = x", "a = y", "a = z"}
    numbers = cluster_profile(np.arange(6.0)[:, None], [0, 0, 0, 1, 1, 1])
    assert numbers.categories.empty
    assert "1 column" in repr(numbers)
    assert numbers.effects["feature"].unique().tolist() == ["x0"]


def test_a_column_of_missing_values_alone():
    X = pd.DataFrame({"a": range(6), "b": [np.nan] * 6, "c": [None] * 6})
    profile = cluster_profile(X, [0, 0, 0, 1, 1, 1])
    assert "3 columns" in repr(profile)
    assert row(profile.numeric, cluster=0, column="b")["missing"] == 1


def test_memory_stays_near_that_of_the_table():
    X = RNG.normal(size=(20_000, 20))
    labels = RNG.randint(5, size=20_000)
    cluster_profile(X[:100], labels[:100])
    tracemalloc.start()
    cluster_profile(X, labels)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * X.nbytes


def test_the_module_names_what_is_public():
    assert {"cluster_profile", "ClusterProfile"} < set(inspection.__all__)
