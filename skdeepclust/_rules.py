"""Clusters in words: the branches of small decision trees as rules."""

from dataclasses import dataclass, field

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from skdeepclust._tables import Column

__all__ = ["Features", "Rule", "rules_of"]

# Most samples of a cluster, and most others, to grow a tree on.
_MOST_SAMPLES = 10_000

# A rule covers at least the cluster divided by this number. Less is not worth words.
_MOST_RULES = 20


class Features:
    """Columns as features of a tree: ranks of numbers, and a 0 or 1 per category.

    A tree depends on the order of numbers only. Ranks are exact in the single
    precision that trees use, whatever the numbers are.

    Parameters
    ----------
    columns : list of Column
        The columns.
    """

    def __init__(self, columns: list[Column]):
        self.sources: list[tuple[Column, int | None]] = []
        self.levels: dict[str, np.ndarray] = {}
        features = []
        for column in columns:
            if column.categories is None:
                known = ~column.missing
                ranks = np.full(len(column.values), np.nan, dtype=np.float32)
                levels, ranks[known] = np.unique(
                    column.values[known], return_inverse=True
                )
                self.levels[column.name] = levels
                self.sources.append((column, None))
                features.append(ranks)
            else:
                for code in range(len(column.categories)):
                    self.sources.append((column, code))
                    features.append((column.values == code).astype(np.float32))
        self.X = np.column_stack(features)

    def threshold(self, name, rank):
        """The shortest number between the values on both sides of a threshold."""
        levels = self.levels[name]
        i = int(np.floor(rank))
        low, high = levels[i], levels[i + 1]
        middle = low / 2 + high / 2
        for digits in range(1, 17):
            number = float(f"{middle:.{digits}g}")
            if low <= number < high:
                return number
        return low


@dataclass
class Condition:
    """What a rule says of one column.

    Parameters
    ----------
    column : Column
        The column.
    low : float, default=-inf
        The number must be above it.
    high : float, default=inf
        The number must be at most this.
    takes_missing : bool, default=True
        Whether a missing number fulfils the condition.
    code : int, default=None
        The category.
    others : list of int
        Categories that are excluded.
    """

    column: Column
    low: float = -np.inf
    high: float = np.inf
    takes_missing: bool = True
    code: int | None = None
    others: list[int] = field(default_factory=list)

    def mask(self):
        """Samples that fulfil the condition."""
        values = self.column.values
        if not self.column.is_numeric:
            if self.code is not None:
                return values == self.code
            return ~np.isin(values, self.others)
        fulfils = (values > self.low) & (values <= self.high)
        return fulfils | np.isnan(values) if self.takes_missing else fulfils

    def __str__(self):
        name = self.column.name
        categories = self.column.categories
        if categories is not None:
            left = set(range(len(categories))) - set(self.others)
            if self.code is not None or len(left) == 1:
                code = left.pop() if self.code is None else self.code
                return f"{name} = {categories[code]}"
            names = [categories[code] for code in self.others]
            return " and ".join(f"{name} != {each}" for each in names)
        if self.low == np.inf:
            return f"{name} is missing"
        if self.low == -np.inf and self.high == np.inf:
            return f"{name} is known"
        if self.low == -np.inf:
            text = f"{name} <= {_as_text(self.high)}"
        elif self.high == np.inf:
            text = f"{name} > {_as_text(self.low)}"
        else:
            text = f"{_as_text(self.low)} < {name} <= {_as_text(self.high)}"
        if self.takes_missing and self.column.missing.any():
            return f"({text} or missing)"
        return text


@dataclass(frozen=True)
class Rule:
    """A rule, with the numbers of samples that fulfil it.

    Parameters
    ----------
    text : str
        The rule in words.
    n_hits : int
        Samples of the cluster that fulfil it.
    n_samples : int
        All samples that fulfil it.
    """

    text: str
    n_hits: int
    n_samples: int


def rules_of(features, is_member, max_depth):
    """Rules for the samples of one cluster.

    A tree separates the cluster from all other samples, both with the same total
    weight. Of its leaves that cover a twentieth of the cluster or more, those are
    taken that together have the highest F1 score for the cluster. Two leaves of one
    branch become one rule.

    Parameters
    ----------
    features : Features
        Columns of all samples.
    is_member : ndarray of bool of shape (n_samples,)
        Whether a sample is in the cluster.
    max_depth : int
        Depth of the tree.

    Returns
    -------
    rules : list of Rule
        The rules, the one that covers most of the cluster first. No sample fulfils two
        of them.
    """
    drawn = _drawn(is_member)
    least = max(1, int(is_member[drawn].sum()) // _MOST_RULES)
    tree = DecisionTreeClassifier(
        max_depth=max_depth,
        min_samples_leaf=least,
        class_weight="balanced",
        random_state=0,
    )
    tree = tree.fit(features.X[drawn], is_member[drawn]).tree_
    paths = _paths(tree)
    masks = {
        node: _mask(_conditions(tree, path, features), len(is_member))
        for node, path in paths.items()
        if tree.children_left[node] < 0
    }
    chosen = _best_leaves(masks, is_member)
    rules = []
    for node in _merged(tree, chosen):
        conditions = _conditions(tree, paths[node], features)
        fulfils = _mask(conditions, len(is_member))
        text = " and ".join(map(str, conditions.values())) or "every sample"
        rules.append(Rule(text, int((fulfils & is_member).sum()), int(fulfils.sum())))
    return sorted(rules, key=lambda rule: -rule.n_hits)


def _drawn(is_member):
    """Samples to grow a tree on."""
    rng = np.random.RandomState(0)
    parts = []
    for side in (True, False):
        own = np.flatnonzero(is_member == side)
        if len(own) > _MOST_SAMPLES:
            own = rng.choice(own, _MOST_SAMPLES, replace=False)
        parts.append(own)
    return np.sort(np.concatenate(parts))


def _paths(tree):
    """For every node the steps from the root: pairs of a node and "goes left"."""
    paths: dict[int, tuple[tuple[int, bool], ...]] = {0: ()}
    for node in range(tree.node_count):  # parents come before their children
        left, right = tree.children_left[node], tree.children_right[node]
        if left >= 0:
            paths[left] = (*paths[node], (node, True))
            paths[right] = (*paths[node], (node, False))
    return paths


def _conditions(tree, path, features):
    """The conditions of a path by column, in the order of their first use."""
    conditions: dict[str, Condition] = {}
    for node, goes_left in path:
        column, code = features.sources[tree.feature[node]]
        condition = conditions.setdefault(column.name, Condition(column))
        if code is not None:
            if goes_left:
                condition.others.append(code)
            else:
                condition.code = code
            continue
        condition.takes_missing &= bool(tree.missing_go_to_left[node]) == goes_left
        rank = tree.threshold[node]
        is_about_missing = not rank < len(features.levels[column.name]) - 1
        bound = np.inf if is_about_missing else features.threshold(column.name, rank)
        if not goes_left:
            condition.low = max(condition.low, bound)
        else:
            condition.high = min(condition.high, bound)
    return conditions


def _mask(conditions, n_samples):
    """Samples that fulfil all conditions."""
    fulfils = np.ones(n_samples, dtype=bool)
    for condition in conditions.values():
        fulfils &= condition.mask()
    return fulfils


def _best_leaves(masks, is_member):
    """The leaves that together have the highest F1 score, purest first."""
    nodes = list(masks)
    totals = np.array([masks[node].sum() for node in nodes])
    hits = np.array([(masks[node] & is_member).sum() for node in nodes])
    order = np.lexsort((-hits, -hits / np.maximum(totals, 1)))
    order = order[hits[order] >= min(hits.max(), is_member.sum() / _MOST_RULES)]
    f1 = 2 * hits[order].cumsum() / (is_member.sum() + totals[order].cumsum())
    return {nodes[i] for i in order[: f1.argmax() + 1]}


def _merged(tree, chosen, node=0):
    """Nodes that stand for the chosen leaves: a branch of chosen leaves is one node."""
    left, right = tree.children_left[node], tree.children_right[node]
    if left < 0:
        return [node] if node in chosen else []
    below = _merged(tree, chosen, left) + _merged(tree, chosen, right)
    return [node] if below == [left, right] else below


def _as_text(number):
    """A number without more digits than it has."""
    if number == 0 or 1e-4 <= abs(number) < 1e9:
        return np.format_float_positional(number, trim="-")
    return f"{number:g}" if float(f"{number:g}") == number else repr(float(number))
