"""What distinguishes clusters of a table: effect sizes, categories, and rules."""

import html
from numbers import Integral, Real

import numpy as np

from skdeepclust._effects import (
    HALF_WIDTH,
    LOGISTIC_SD,
    log_odds_ratio,
    mean_difference,
    strength,
)
from skdeepclust._fitted import check_labels, check_same_length
from skdeepclust._rules import Features, rules_of
from skdeepclust._sampling import check_count
from skdeepclust._tables import MISSING, import_pandas, index_of, read_columns

__all__ = ["ClusterProfile", "cluster_profile"]

# Clusters, columns, categories and rules that a printed profile shows.
_SHOWN_CLUSTERS, _SHOWN_COLUMNS, _SHOWN_CATEGORIES, _SHOWN_RULES = 10, 3, 2, 1

_UNASSIGNED = -1


class ClusterProfile:
    """What distinguishes every cluster of a table from all other samples.

    :func:`skdeepclust.inspection.cluster_profile` makes it. Printed, or shown in a
    notebook, it is a summary: the clearest columns and categories, and the best rule,
    of every cluster.

    Parameters
    ----------
    sizes : Series
        Number of samples by cluster. A group of label -1, the unassigned samples, comes
        last here and in all tables.
    numeric : DataFrame
        A row per cluster and numeric column. Of every cluster, the column with the
        clearest effect comes first: that whose interval is furthest from zero.

        - "cluster", "column".
        - "effect": standardised difference of the trimmed means, cluster minus rest.
        - "standard_error", "low", "high": its spread, and the ends of its 95 %
          interval.
        - "mean", "rest_mean", "median", "rest_median": in the units of the column,
          without trimming.
        - "missing", "rest_missing": shares of missing values.
    categories : DataFrame
        A row per cluster, column and category. Of every cluster, the category that is
        most clearly over-represented comes first. Missing values of any column,
        numeric columns included, are a category "(missing)".

        - "cluster", "column", "category".
        - "effect": log odds ratio divided by 1.81, which has the scale of the effects
          of numeric columns.
        - "standard_error", "low", "high": as above.
        - "log_odds": log odds ratio, cluster against rest. NaN for a category that all
          samples have.
        - "lift": share in the cluster divided by the share in all samples.
        - "share", "rest_share": shares of the samples, those with missing values
          included.
        - "count": number of samples in the cluster.
    rules : DataFrame
        A row per rule, the one that covers most of a cluster first. No sample fulfils
        two rules of one cluster.

        - "cluster", "rule".
        - "coverage": share of the samples of the cluster that fulfil the rule.
        - "purity": share of the samples that fulfil the rule that are in the cluster.
        - "n_samples": number of samples that fulfil it.

    See Also
    --------
    skdeepclust.displays.ClusterProfileDisplay : The effects as a heat map.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skdeepclust.inspection import cluster_profile
    >>> iris = load_iris(as_frame=True)
    >>> cluster_profile(iris.data[["petal width (cm)"]], iris.target == 0)
    ClusterProfile of 150 samples, 2 clusters, 1 column
    <BLANKLINE>
    Cluster False: 100 samples (67 %)
      petal width (cm) +3.7
      petal width (cm) > 0.8 (covers 100 %, purity 100 %)
    Cluster True: 50 samples (33 %)
      petal width (cm) -3.7
      petal width (cm) <= 0.8 (covers 100 %, purity 100 %)
    """

    def __init__(self, sizes, numeric, categories, rules):
        self.sizes = sizes
        self.numeric = numeric
        self.categories = categories
        self.rules = rules

    @property
    def effects(self):
        """All effects: a row per cluster and feature.

        A feature is a numeric column, or a category of another column, such as "plan =
        pro". Of two categories the second one only is a feature, because the first one
        has the opposite effect.
        """
        pandas = import_pandas()
        columns = ["cluster", "feature", "effect", "standard_error", "low", "high"]
        numeric = self.numeric.rename(columns={"column": "feature"})[columns]
        table = self.categories
        known = table.groupby("column", sort=False)["category"].unique()
        mirrored = {(c, sorted(v)[0]) for c, v in known.items() if len(v) == 2}
        pairs = list(zip(table["column"], table["category"], strict=True))
        is_kept = np.array([pair not in mirrored for pair in pairs], dtype=bool)
        names = [f"{column} = {category}" for column, category in pairs]
        others = table.assign(feature=names).loc[is_kept, columns]
        parts = [part for part in (numeric, others) if len(part)]
        return pandas.concat(parts, ignore_index=True) if parts else numeric

    def __repr__(self):
        blocks = [self._title(), ""]
        for cluster in self._shown():
            blocks.append(self._heading(cluster))
            blocks += [f"  {line}" for line in self._lines(cluster)]
        return "\n".join([*blocks, *self._left_out()])

    def _repr_html_(self):
        """The summary as a table."""
        rows = []
        for cluster in self._shown():
            cells = [self._heading(cluster), *self._summary(cluster)]
            lines = (html.escape(cell).replace("\n", "<br>") for cell in cells)
            rows.append("".join(f"<td>{line}</td>" for line in lines))
        head = "".join(
            f"<th>{name}</th>" for name in ("Cluster", "Columns", "Categories", "Rule")
        )
        body = "".join(f'<tr style="text-align: left">{row}</tr>' for row in rows)
        left_out = "".join(f"<p>{html.escape(line)}</p>" for line in self._left_out())
        return (
            f"<p>{html.escape(self._title())}</p><table><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table>{left_out}"
        )

    def _title(self):
        """How much was described."""
        n_clusters = len(self.sizes) - (_UNASSIGNED in self.sizes.index)
        columns = {*self.numeric["column"], *self.categories["column"]}
        return (
            f"ClusterProfile of {self.sizes.sum():,} samples, "
            f"{_counted(n_clusters, 'cluster')}, {_counted(len(columns), 'column')}"
        )

    def _shown(self):
        """The clusters of the summary; the unassigned samples are always among them."""
        names = list(self.sizes.index)
        rest = [name for name in names[_SHOWN_CLUSTERS:] if _is_unassigned(name)]
        return names[:_SHOWN_CLUSTERS] + rest

    def _left_out(self):
        """A line about the clusters that the summary leaves out."""
        n_others = len(self.sizes) - len(self._shown())
        if not n_others:
            return []
        return [
            f"... and {_counted(n_others, 'more cluster')}: see .sizes, .numeric, "
            ".categories and .rules"
        ]

    def _heading(self, cluster):
        """Name and size of a cluster."""
        size = self.sizes[cluster]
        share = f"{_counted(size, 'sample')} ({_percent(size / self.sizes.sum())})"
        if _is_unassigned(cluster):
            return f"Unassigned, label -1, not a cluster: {share}"
        return f"Cluster {cluster}: {share}"

    def _summary(self, cluster):
        """Columns, categories and rules of a cluster, as text."""
        own = self.numeric[self.numeric["cluster"] == cluster].head(_SHOWN_COLUMNS)
        is_infinite = own["effect"].isin([-np.inf, np.inf])
        own = own[(own["low"] > 0) | (own["high"] < 0) | is_infinite]
        columns = ", ".join(
            f"{row.column} {row.effect:+.1f}" for row in own.itertuples()
        )
        own = self.categories[self.categories["cluster"] == cluster]
        own = own[own["low"] > 0].head(_SHOWN_CATEGORIES)
        categories = ", ".join(
            f"{row.column} = {row.category}: {_percent(row.share)} "
            f"(rest {_percent(row.rest_share)})"
            for row in own.itertuples()
        )
        own = self.rules[self.rules["cluster"] == cluster].head(_SHOWN_RULES)
        rules = "\n".join(
            f"{row.rule} (covers {_percent(row.coverage)}, purity "
            f"{_percent(row.purity)})"
            for row in own.itertuples()
        )
        return columns, categories, rules

    def _lines(self, cluster):
        """The summary of a cluster as lines."""
        return [line for line in self._summary(cluster) if line]


def cluster_profile(
    X, labels, *, feature_names=None, max_depth=3, trim=0.1, max_categories=30
):
    r"""Describe clusters of a table: what distinguishes each from all other samples.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_samples, n_features)
        The table as you would read it: before scaling, imputation and encoding. A data
        frame of pandas or polars, or a matrix. Columns hold numbers, text, categories
        or booleans. All but numbers are categories. Missing values are counted.
    labels : array-like of shape (n_samples,)
        Clusters: whole numbers, strings or booleans. -1 means unassigned: these samples
        are a group of their own, are described like a cluster, and belong to the rest
        of every cluster.
    feature_names : sequence of str, default=None
        Names of the columns. None takes those of the data frame, or x0, x1, and so on.
    max_depth : int, default=3
        Depth of the trees that give the rules: most conditions of a rule.
    trim : float, default=0.1
        Share of the values that is cut off at each end of the cluster and of the rest,
        for the effects of numeric columns. Below 0.5. The larger, the less heavy tails
        and outliers matter. 0 gives Hedges' g.
    max_categories : int, default=30
        Most categories of a column, at least 2. The rarer ones become "(other)".

    Returns
    -------
    profile : ClusterProfile
        The description: `sizes`, `numeric`, `categories` and `rules`, all of them
        pandas objects.

    Raises
    ------
    ImportError
        If pandas is not installed.
    TypeError
        If X is no table, if a column holds dates or other objects, if labels are of
        several types, or if a parameter is no number.
    ValueError
        If the lengths of X and labels differ, if labels are missing or all the same,
        if labels come in a Series whose index does not match that of X, if names are
        not unique, if a number is infinite, or if `max_depth`, `trim` or
        `max_categories` is out of range.

    See Also
    --------
    skdeepclust.inspection.cluster_table : A row per sample.
    skdeepclust.displays.ClusterProfileDisplay : The effects as a heat map.

    Notes
    -----
    **Numeric columns.** The effect is a standardised mean difference that is robust to
    heavy tails [1]_: the difference of the trimmed means, divided by the pooled
    standard deviation of the winsorised values. This deviation is scaled so that the
    effect of normal data is that without trimming, and a factor corrects the bias of
    small samples. The standard error adds that of the difference [2]_ and that of the
    deviation. If trimming would leave equal values only in a group, as in a column that
    is nearly always zero, that effect is computed without trimming. It is infinite if
    the values within both groups are equal, and NaN if the column is constant.

    **Categories.** The log odds ratio has the usual standard error [3]_. Divided by
    :math:`\pi / \sqrt{3} \approx 1.81` it is on the scale of a standardised mean
    difference [4]_. So that it is finite, the cluster and the rest get half a sample
    with the category, and as many without it as there are by the share in all samples;
    if most samples have the category, half a sample without it. Equal shares give zero.

    **Rules.** For every cluster, a decision tree separates it from the rest, both with
    equal total weight. The rules are the leaves, of at least a twentieth of the
    cluster, that together have the highest F1 score. Coverage and purity are counted in
    X itself, and new samples may fit less well. Trees grow on at most 10,000 samples of
    either side, drawn at random with a fixed seed; rules are counted on all samples.

    **The intervals are approximate, and they are no test.** They are somewhat narrow if
    the cluster is small or skewed. The clusters were found in the same data, so large
    effects are expected even where there are no groups.

    References
    ----------
    .. [1] Algina, Keselman and Penfield, "An alternative to Cohen's standardized mean
       difference effect size", Psychological Methods 10 (2005) 317-328.
    .. [2] Yuen, "The two-sample trimmed t for unequal population variances", Biometrika
       61 (1974) 165-170.
    .. [3] Woolf, "On estimating the relation between blood group and disease", Annals
       of Human Genetics 19 (1955) 251-253.
    .. [4] Chinn, "A simple method for converting an odds ratio to effect size for use
       in meta-analysis", Statistics in Medicine 19 (2000) 3127-3131.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdeepclust.inspection import cluster_profile
    >>> X = pd.DataFrame(
    ...     {
    ...         "income": [20, 25, 30, 60, 65, 70, 75, 80],
    ...         "plan": ["free", "free", "pro", "free", "pro", "pro", "pro", "pro"],
    ...     }
    ... )
    >>> profile = cluster_profile(X, [0, 0, 0, 0, 1, 1, 1, 1])
    >>> profile.rules[["cluster", "rule", "coverage", "purity"]]
       cluster          rule  coverage  purity
    0        0  income <= 60       1.0     1.0
    1        1   income > 60       1.0     1.0
    >>> own = profile.categories[profile.categories["cluster"] == 1]
    >>> own[["column", "category", "share", "rest_share"]]
      column category  share  rest_share
    2   plan      pro    1.0        0.25
    3   plan     free    0.0        0.75
    """
    pandas = import_pandas()
    _check_settings(max_depth, trim, max_categories)
    columns = read_columns(X, feature_names, max_categories)
    n_samples = len(columns[0].values)
    _check_index(X, labels, n_samples)
    labels = check_labels(labels, "labels")
    check_same_length(X=columns[0].values, labels=labels)
    if labels.dtype.kind in "if":
        # HDBSCAN has several kinds of unassigned samples.
        labels = np.maximum(labels.astype(np.int64), _UNASSIGNED)
    clusters, codes = np.unique(labels, return_inverse=True)
    if len(clusters) < 2:
        raise ValueError(
            f"labels hold a single group, {clusters[0]}: there is no rest to compare "
            "it with. Pass labels of at least two clusters."
        )
    order = sorted(range(len(clusters)), key=lambda i: _is_unassigned(clusters[i]))
    clusters, codes = clusters[order], np.argsort(order)[codes]
    names = clusters.tolist()
    counts = np.bincount(codes)
    sizes = pandas.Series(counts, pandas.Index(names, name="cluster"), name="n_samples")
    return ClusterProfile(
        sizes,
        _numeric_table(columns, codes, names, trim),
        _category_table(columns, codes, names),
        _rule_table(columns, codes, names, max_depth),
    )


def _check_settings(max_depth, trim, max_categories):
    """Refuse parameters that are out of range."""
    check_count(max_depth, "max_depth")
    check_count(max_categories, "max_categories", 2)
    is_number = isinstance(trim, Real) and not isinstance(trim, bool)
    error = ValueError if is_number else TypeError
    if not is_number or not 0 <= trim < 0.5:
        raise error(f"trim={trim!r} must be a number from 0 to below 0.5.")


def _check_index(X, labels, n_samples):
    """Refuse a Series of labels that may belong to other rows of X."""
    pandas = import_pandas()
    if not isinstance(labels, pandas.Series) or len(labels) != n_samples:
        return
    rows = index_of(X, n_samples)
    is_plain = labels.index.equals(pandas.RangeIndex(n_samples))
    if labels.index.equals(rows) or (is_plain and not rows.isin(labels.index).all()):
        return
    raise ValueError(
        "labels is a Series with another index than X, or with its entries in another "
        "order. To match by index, pass labels.loc[X.index] (of an array X: "
        "labels.sort_index()). To match by position, pass labels.to_numpy()."
    )


def _numeric_table(columns, codes, names, trim):
    """Effects of the numeric columns."""
    rows = []
    for column in (each for each in columns if each.is_numeric):
        order = np.argsort(column.values, kind="stable")
        known = order[: len(order) - int(column.missing.sum())]
        values, owners = column.values[known], codes[known]
        missing = np.bincount(codes[column.missing], minlength=len(names))
        sizes = np.bincount(codes)
        for i, name in enumerate(names):
            own = owners == i
            rows.append(
                {
                    "cluster": name,
                    "column": column.name,
                    **_spread(*mean_difference(values[own], values[~own], trim)),
                    "mean": _mean(values[own]),
                    "rest_mean": _mean(values[~own]),
                    "median": _median(values[own]),
                    "rest_median": _median(values[~own]),
                    "missing": missing[i] / sizes[i],
                    "rest_missing": (missing.sum() - missing[i])
                    / (len(codes) - sizes[i]),
                }
            )
    keys = ["cluster", "column", "effect", "standard_error", "low", "high", "mean"]
    keys += ["rest_mean", "median", "rest_median", "missing", "rest_missing"]
    return _sorted(rows, keys, names, np.abs)


def _mean(values):
    """Mean, NaN without values."""
    return float(values.mean()) if len(values) else np.nan


def _median(values):
    """Median of sorted values, NaN without values."""
    if not len(values):
        return np.nan
    return float(values[(len(values) - 1) // 2] / 2 + values[len(values) // 2] / 2)


def _spread(effect, standard_error):
    """Columns of an effect and its interval."""
    return {
        "effect": effect,
        "standard_error": standard_error,
        "low": effect - HALF_WIDTH * standard_error,
        "high": effect + HALF_WIDTH * standard_error,
    }


def _category_table(columns, codes, names):
    """Effects of the categories, missing values of numeric columns included."""
    sizes = np.bincount(codes)
    rows = []
    for column in columns:
        for category, mask in _members(column):
            counts = np.bincount(codes[mask], minlength=len(names))
            for i, name in enumerate(names):
                n, total = int(counts[i]), int(counts.sum())
                others = [sizes[i] - n, total - n, len(codes) - sizes[i] - total + n]
                log_odds, error = log_odds_ratio(n, *others)
                spread = _spread(log_odds / LOGISTIC_SD, error / LOGISTIC_SD)
                rows.append(
                    {
                        "cluster": name,
                        "column": column.name,
                        "category": category,
                        **spread,
                        "log_odds": log_odds,
                        "lift": n / sizes[i] / (total / len(codes)),
                        "share": n / sizes[i],
                        "rest_share": (total - n) / (len(codes) - sizes[i]),
                        "count": n,
                    }
                )
    keys = ["cluster", "column", "category", "effect", "standard_error", "low", "high"]
    keys += ["log_odds", "lift", "share", "rest_share", "count"]
    return _sorted(rows, keys, names, np.sign)


def _members(column):
    """Categories of a column, with masks of their samples."""
    if not column.is_numeric:
        for code, category in enumerate(column.categories):
            yield category, column.values == code
    elif column.missing.any():
        yield MISSING, column.missing


def _sorted(rows, keys, names, side):
    """The rows as a table: by cluster, then the clearest effects first.

    `side` is `abs` to sort by size alone, or `sign` for positive effects first.
    """
    table = import_pandas().DataFrame(rows, columns=keys)
    if not rows:
        return table
    effect = table["effect"].to_numpy()
    clear = strength(effect, table["standard_error"].to_numpy())
    # An unclear effect is behind clear ones of its side, and in front of the others.
    rank = np.arange(len(table))
    rank[np.lexsort((np.abs(np.nan_to_num(effect)), clear))] = np.arange(len(table))
    sides = np.ones(len(table)) if side is np.abs else np.nan_to_num(np.sign(effect))
    place = {name: i for i, name in enumerate(names)}
    cluster = table["cluster"].map(place).to_numpy()
    order = np.lexsort((-sides * rank, -sides, cluster))
    return table.iloc[order].reset_index(drop=True)


def _rule_table(columns, codes, names, max_depth):
    """Rules of every cluster."""
    features = Features(columns)
    sizes = np.bincount(codes)
    rows = [
        {
            "cluster": name,
            "rule": rule.text,
            "coverage": rule.n_hits / sizes[i],
            "purity": rule.n_hits / max(rule.n_samples, 1),
            "n_samples": rule.n_samples,
        }
        for i, name in enumerate(names)
        for rule in rules_of(features, codes == i, min(max_depth, len(codes)))
    ]
    keys = ["cluster", "rule", "coverage", "purity", "n_samples"]
    return import_pandas().DataFrame(rows, columns=keys)


def _is_unassigned(cluster):
    """Whether a label means unassigned; True is a name, and no number."""
    is_number = isinstance(cluster, Integral) and not isinstance(cluster, bool)
    return is_number and cluster == _UNASSIGNED


def _counted(number, what):
    """A number of things, such as "2 clusters"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _percent(share):
    """A share in percent; only nothing is 0 %, and only all is 100 %."""
    percent = 100 * share
    if 0 < percent < 0.5 or 99.5 < percent < 100:
        return "< 1 %" if percent < 1 else "> 99 %"
    return f"{percent:.0f} %"
