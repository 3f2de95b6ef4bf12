"""Sections of the page that need no script: facts, warnings, baselines."""

import html
import platform
from importlib import metadata

import numpy as np
from sklearn.pipeline import Pipeline

from skdeepclust._base import BaseDeepEstimator
from skdeepclust._fitted import name_of, step_with
from skdeepclust._geometry import effective_clusters
from skdeepclust.inspection import compare_with_baselines

__all__ = ["baselines_section", "escaped", "facts_section", "notes_section"]

_MOST_OPEN = 3  # warnings that are shown at once

_PACKAGES = ("skdeepclust", "scikit-learn", "torch", "skorch", "numpy")

# Most values of X for which the baselines are computed unasked: the 20 k-means runs of
# a larger X take longer than all the rest of the report.
_MOST_VALUES = 2_000_000

# Columns of the comparison: headline, digits, and what is better.
_HEADS = {
    "method": ("method", None, ""),
    "silhouette": ("silhouette", 3, "higher is better"),
    "davies_bouldin": ("Davies-Bouldin", 3, "lower is better"),
    "n_effective_clusters": ("effective clusters", 1, ""),
    "accuracy": ("ACC", 3, "higher is better"),
    "nmi": ("NMI", 3, "higher is better"),
    "ari": ("ARI", 3, "higher is better"),
}


def escaped(value):
    """Text of a value, safe in HTML, quotes included."""
    return html.escape(str(value))


def facts_section(estimator, found, n_features):
    """What was clustered, by what, and how the training ended.

    Parameters
    ----------
    estimator : fitted estimator, Pipeline or search
        The estimator.
    found : Clustered
        Its clusters.
    n_features : str
        Description of a sample, such as "1 x 28 x 28".

    Returns
    -------
    text : str
        A list of terms in HTML.
    """
    labels = found.labels[found.labels >= 0]
    clusters, index = np.unique(labels, return_inverse=True)
    facts = {
        "Method": name_of(estimator),
        "Samples": f"{len(found.labels):,}, each {n_features}",
        "Clusters found": f"{len(clusters)}",
    }
    asked = _attribute(estimator, "n_clusters")
    if isinstance(asked, int | np.integer) and asked != len(clusters):
        facts["Clusters found"] += f" of {asked} asked for"
    if len(labels):
        effective = effective_clusters(index, len(clusters))
        facts["Effective clusters"] = f"{effective:.1f}, from the entropy of the sizes"
    n_noise = int((found.labels < 0).sum())
    if n_noise:
        facts["Noise"] = f"{n_noise:,} samples"
    facts["Confidence"] = (
        "margin: one minus the distance to the nearest centre, divided by that to the "
        "second nearest"
        if found.proba is None
        else "probability: the largest value of predict_proba"
    )
    for name, attribute in (("Seed", "random_state"), ("Iterations", "n_iter_")):
        value = _attribute(estimator, attribute)
        if isinstance(value, int | float | np.number):
            facts[name] = f"{value:,}" if name == "Iterations" else f"{value}"
    reason = _attribute(estimator, "stop_reason_")
    if reason is not None:
        facts["Training ended"] = reason
    seconds = _duration(estimator)
    if seconds:
        facts["Training time"] = _as_time(seconds)
    facts["Versions"] = ", ".join(_versions())
    rows = (
        f"<div><dt>{escaped(term)}</dt><dd>{escaped(value)}</dd></div>"
        for term, value in facts.items()
    )
    return f'<dl class="facts">{"".join(rows)}</dl>'


def notes_section(estimator, found, warnings, notes):
    """Warnings of the fit, and what the page leaves out.

    Parameters
    ----------
    estimator : fitted estimator, Pipeline or search
        The estimator.
    found : Clustered
        Its clusters.
    warnings : list of str
        Warnings that the user passed.
    notes : list of str
        What the page leaves out.

    Returns
    -------
    text : str
        Lists in HTML, or "" if there is nothing to say.
    """
    own = []
    is_said = any("max_iter" in text for text in warnings)
    if _attribute(estimator, "converged_") is False and not is_said:
        reason = _attribute(estimator, "stop_reason_") or "it reached its limit"
        own.append(f"The training did not converge: {reason}.")
    n_found = len(np.unique(found.labels[found.labels >= 0]))
    n_asked = _attribute(estimator, "n_clusters")
    if isinstance(n_asked, int) and 0 < n_found < n_asked:
        n_empty = n_asked - n_found
        are = "cluster is" if n_empty == 1 else "clusters are"
        own.append(f"{n_empty} of {n_asked} {are} empty for these samples.")
    kinds = (("warning", [*own, *warnings]), ("note", list(notes)))
    return "".join(_notices(kind, texts) for kind, texts in kinds if texts)


def _notices(kind, texts):
    """A list; all but the first entries are folded, so that the map is in sight."""
    n_open = len(texts) if len(texts) <= _MOST_OPEN + 1 else _MOST_OPEN
    first, rest = (
        "".join(f"<li>{escaped(text)}</li>" for text in some)
        for some in (texts[:n_open], texts[n_open:])
    )
    if rest:
        summary = f"<summary>{len(texts) - n_open} more {kind}s</summary>"
        rest = f"<details>{summary}<ul>{rest}</ul></details>"
    return f'<div class="notices {kind}s"><ul>{first}</ul>{rest}</div>'


def baselines_section(baselines, steps, stages):
    """The comparison with simpler methods.

    Parameters
    ----------
    baselines : DataFrame, "auto" or False
        The table, or whether to compute it.
    steps, stages : list
        Steps of the estimator and their inputs.

    Returns
    -------
    text : str
        A table in HTML, or a sentence that says why there is none; "" if the caller
        wants none.
    """
    if baselines is False:
        return ""
    if isinstance(baselines, str):
        estimator, X = _compared(steps, stages)
        n_values = int(np.prod(np.shape(X)))
        if n_values > _MOST_VALUES:
            return _sentence(
                "The comparison with k-means was not computed, because X is large. "
                "Pass baselines=compare_with_baselines(estimator, X) to have it here."
            )
        try:
            baselines = compare_with_baselines(estimator, X)
        except (ImportError, TypeError, ValueError) as error:
            return _sentence(f"There is no comparison with simpler methods. {error}")
    columns = [name for name in _HEADS if name in baselines.columns]
    heads = "".join(_head(name) for name in columns)
    rows = "".join(
        f"<tr>{''.join(_cell(name, row[name]) for name in columns)}</tr>"
        for _, row in baselines.iterrows()
    )
    return (
        '<div class="scroll"><table><thead><tr>'
        f"{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
        + _sentence(
            "Silhouette and Davies-Bouldin are measured on the data itself, where they "
            "favour round clusters, and therefore k-means. Scores with classes (ACC, "
            "NMI, ARI) are there if classes were passed."
        )
    )


def _compared(steps, stages):
    """The steps to compare, and their input: what only reads or scales stays out."""
    is_deep = [isinstance(step, BaseDeepEstimator) for step in steps]
    start = is_deep.index(True) if any(is_deep) else len(steps) - 1
    if start == len(steps) - 1:
        return steps[-1], stages[-1]
    rest = [(f"step {i}", step) for i, step in enumerate(steps[start:])]
    return Pipeline(rest), stages[start]


def _head(name):
    title, _, meaning = _HEADS[name]
    small = f"<small>{meaning}</small>" if meaning else ""
    return f'<th scope="col">{title}{small}</th>'


def _cell(name, value):
    """A cell of the comparison: the method heads its row."""
    digits = _HEADS[name][1]
    if digits is None:
        return f'<th scope="row">{escaped(value)}</th>'
    text = "n/a" if not np.isfinite(value) else f"{value:.{digits}f}"
    return f"<td>{text}</td>"


def _sentence(text):
    return f'<p class="caption">{escaped(text)}</p>'


def _attribute(estimator, name):
    """An attribute of the last step that has it, or None."""
    return getattr(step_with(estimator, name), name, None)


def _duration(estimator):
    """Seconds of training that `history_` has noted."""
    history = _attribute(estimator, "history_")
    tables = history.values() if isinstance(history, dict) else ()
    columns = [table["dur"] for table in tables if "dur" in table]
    return float(sum(np.nansum(np.asarray(c, dtype=float)) for c in columns))


def _as_time(seconds):
    if seconds < 90:
        return f"{seconds:.1f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def _versions():
    """Names and versions of Python and of the packages that are installed."""
    yield f"Python {platform.python_version()}"
    for name in _PACKAGES:
        try:
            yield f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            continue
