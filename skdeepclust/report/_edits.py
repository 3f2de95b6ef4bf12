"""Bring the edits of a report back to Python."""

import json
import os
import re
from contextlib import suppress
from numbers import Integral
from pathlib import Path

import numpy as np

from skdeepclust._fitted import check_instance, check_labels, clusters_of, name_of
from skdeepclust._tables import import_pandas, text_column
from skdeepclust.inspection import export_images
from skdeepclust.report._clustered import model_digest
from skdeepclust.report._page import MARK, VERSION

__all__ = ["EditedClusters", "apply_edits"]

_FORMAT = "skdeepclust edits"

# Samples in no cluster: noise of the clusterer, and what was rejected in the page.
_NOISE, _REJECTED = -1, -2

_DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.S)

# Most letters of a name in the name of a folder.
_MOST_LETTERS = 40


class EditedClusters:
    """Clusters of a report, with the edits that were made in it.

    :func:`apply_edits` makes it.

    Parameters
    ----------
    table : DataFrame
        The edited table.
    names : dict of int to str
        Name of every cluster that the edits leave.
    label_map : dict of int to int
        Cluster of the estimator -> edited cluster; -1 if it was rejected.
    estimator : fitted estimator, Pipeline or search, default=None
        What predicts.

    Attributes
    ----------
    table : DataFrame
        A row per sample, in the order of X:

        - "sample": position of the sample in X.
        - "path": if the report has paths.
        - "cluster": the edited cluster. -1 for a sample in no cluster.
        - "name": the name of the cluster, such as "cluster 3" if it was not named;
          "rejected" or "noise" for a sample in no cluster.
        - "confidence": that of the estimator for the cluster that it chose, with the
          four digits of the report.
        - "second_choice": the second choice of the estimator, after merging; -1 if
          there is none, or if it is now the cluster of the sample.
        - "edited": "moved", "rejected", "merged" or "renamed", the first that applies;
          "" for a sample without any edit.
    names, label_map, estimator
        As passed.

    See Also
    --------
    write_report : Writes the report.
    """

    def __init__(self, table, names, label_map, estimator=None):
        self.table = table
        self.names = names
        self.label_map = label_map
        self.estimator = estimator

    def predict_labels(self, X):
        """Edited clusters of samples, as numbers.

        Parameters
        ----------
        X : array-like
            Samples, as the estimator takes them.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Edited clusters; -1 for a cluster that was rejected, and for noise. Moves of
            single samples in the report have no influence.

        Raises
        ------
        TypeError
            If there is no estimator, or if it has no `predict`.
        """
        return np.maximum(self._groups(X), -1)

    def predict(self, X):
        """Edited clusters of samples, by their names.

        Parameters
        ----------
        X : array-like
            Samples, as the estimator takes them.

        Returns
        -------
        names : ndarray of shape (n_samples,)
            Names; "rejected" for a cluster that was rejected, "noise" for noise.

        Raises
        ------
        TypeError
            If there is no estimator, or if it has no `predict`.
        """
        return np.array([_name(self.names, label) for label in self._groups(X)])

    def export_images(self, folder, *, how="copy"):
        """Put the image files into a folder per edited cluster.

        Rejected samples are left out. The folders have the names of the clusters
        behind their numbers, such as ``cluster_003_trucks``.

        Parameters
        ----------
        folder : str or path-like
            New or empty folder.
        how : {"copy", "symlink", "hardlink"}, default="copy"
            As for :func:`~skdeepclust.inspection.export_images`.

        Returns
        -------
        folders : dict of int to Path
            Edited cluster -> its folder; -1 is noise.

        Raises
        ------
        FileExistsError
            If `folder` exists and is not an empty folder.
        FileNotFoundError
            If a file does not exist.
        ValueError
            If the report has no paths.
        """
        if "path" not in self.table.columns:
            raise ValueError(
                "The report has no paths of files. Write it with "
                "write_report(estimator, X, paths)."
            )
        kept = self.table[
            self.table["name"].ne("rejected") | self.table["cluster"].ge(0)
        ]
        folders = export_images(
            kept.rename(columns={"cluster": "label"}), folder, how=how
        )
        for label, made in folders.items():
            letters = re.sub(r"[^\w-]+", "_", self.names.get(label, "")).strip("_")
            if letters and label >= 0 and letters != f"cluster_{label}":
                named = made.with_name(f"{made.name}_{letters[:_MOST_LETTERS]}")
                with suppress(OSError):  # the number is name enough
                    folders[label] = made.rename(named)
        return folders

    def _groups(self, X):
        """Edited clusters, with noise and rejected ones apart."""
        if self.estimator is None:
            raise TypeError(
                "There is no estimator to predict with. Pass it: "
                "apply_edits(edits, report, estimator)."
            )
        if not hasattr(self.estimator, "predict"):
            raise TypeError(
                f"{name_of(self.estimator)} has no predict: its clusters are those of "
                "the samples of fit. The table has them."
            )
        labels = clusters_of(self.estimator, X)
        labels = check_labels(labels, f"{name_of(self.estimator)}.predict(X)")
        found = {c: self.label_map.get(c, c) for c in np.unique(labels).tolist()}
        groups = [found[c] for c in labels.tolist()]
        # label_map says -1 for rejected and noise alike.
        is_rejected = [g < 0 <= c for g, c in zip(groups, labels.tolist(), strict=True)]
        return np.where(is_rejected, _REJECTED, np.maximum(groups, _NOISE))


def apply_edits(edits, report, estimator=None):
    """Apply the edits that were made in a report.

    Parameters
    ----------
    edits : str, path-like or dict
        The file ``edits.json`` that the page has exported, or its content.
    report : str or path-like
        The report: the file that :func:`write_report` has written.
    estimator : fitted estimator, Pipeline or search, default=None
        The estimator of the report, for predictions. None predicts nothing.

    Returns
    -------
    edited : EditedClusters
        The edited table, and what exports images and predicts.

    Raises
    ------
    FileNotFoundError
        If a file does not exist.
    ImportError
        If pandas is not installed.
    TypeError
        If a parameter has the wrong type.
    ValueError
        If a file is no report or holds no edits, if the edits belong to another report,
        or if the estimator is not the one of the report.

    See Also
    --------
    write_report : Writes the report.

    Examples
    --------
    >>> from skdeepclust.report import apply_edits
    >>> edited = apply_edits("edits.json", "report.html", dcec)  # doctest: +SKIP
    >>> edited.table.to_csv("labels.csv", index=False)  # doctest: +SKIP
    >>> edited.predict(X_new)  # doctest: +SKIP
    array(['trucks', 'cars', 'trucks'], dtype='<U6')
    """
    pandas = import_pandas()
    if estimator is not None:
        check_instance(estimator)
    name, edits = _read_edits(edits)
    data, folder = _read_report(report)
    if edits["report"] != data["report"]:
        raise ValueError(
            f"{name} belongs to another report: it was made in the report "
            f"{str(edits['report'])[:12]}, but {str(report)!r} is "
            f"{data['report'][:12]}. A report keeps its number as long as samples, "
            "paths and clusters are the same."
        )
    if estimator is not None and model_digest(estimator) != data["model"]:
        raise ValueError(
            f"This {name_of(estimator)} is not the one of the report: its clusters are "
            "others. The names of the clusters would be wrong. Pass the estimator that "
            "the report was written for."
        )
    clusters, samples = _checked(edits, data, name)
    groups = {c: _root(clusters, c) for c in {*data["clusters"], *clusters}}
    table = pandas.DataFrame(_columns(data, folder, clusters, samples, groups))
    left = sorted({g for g in groups.values() if g >= 0})
    names = {g: clusters.get(g, {}).get("name") or f"cluster {g}" for g in left}
    label_map = {c: max(groups[c], -1) for c in data["clusters"]}
    return EditedClusters(table, names, label_map, estimator)


# -- files -----------------------------------------------------------------------------


def _read_edits(edits):
    """Name and content of the edits."""
    name = "edits"
    if isinstance(edits, str | os.PathLike):
        name = str(edits)
        try:
            edits = json.loads(Path(edits).read_text(encoding="utf-8-sig"))
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ValueError(
                f"{name} is no JSON ({error}). Export it again: the button "
                '"edits.json" of the report.'
            ) from error
        if not isinstance(edits, dict):
            raise _no_edits(name, f"it holds a {type(edits).__name__}")
    if not isinstance(edits, dict):
        raise TypeError(
            "edits must be the path of edits.json or its content, got "
            f"{type(edits).__name__}."
        )
    if edits.get("format") != _FORMAT:
        raise _no_edits(name, f'its "format" is {edits.get("format")!r}')
    if edits.get("version") != VERSION:
        raise _no_edits(name, f"its version is {edits.get('version')!r}, not {VERSION}")
    missing = [key for key in ("report", "clusters", "samples") if key not in edits]
    if missing:
        raise _no_edits(name, f"it lacks {missing}")
    return name, edits


def _no_edits(name, why):
    """The error for a file that is no edits.json."""
    return ValueError(
        f"{name} does not hold edits of a report: {why}. Pass the edits.json that the "
        "report has exported."
    )


def _read_report(report):
    """Data of a report, and its folder."""
    if not isinstance(report, str | os.PathLike):
        raise TypeError(f"report must be a path, got {type(report).__name__}.")
    path = Path(report)
    text = path.read_text(encoding="utf-8", errors="replace")
    found = _DATA.search(text) if MARK in text[:4096] else None
    try:
        data = json.loads(found[1]) if found else {}
    except json.JSONDecodeError as error:
        raise ValueError(f"{str(report)!r} is a damaged report ({error}).") from error
    if data.get("version") != VERSION:
        raise ValueError(
            f"{str(report)!r} is no report of this version. Pass the file that "
            "write_report has written."
        )
    return data, path.parent


# -- edits -----------------------------------------------------------------------------


def _checked(edits, data, name):
    """Edits of clusters and of samples, by whole numbers."""
    for key in ("clusters", "samples"):
        if not isinstance(edits[key], dict):
            raise _no_edits(name, f'"{key}" is no object')
    clusters = {_whole(key, name): value for key, value in edits["clusters"].items()}
    known = {*data["clusters"]} | {
        c
        for c, v in clusters.items()
        if isinstance(v, dict) and v.get("created") and c >= 0
    }
    for cluster, value in clusters.items():
        _check_cluster(cluster, value, known, name)
    samples = {}
    for key, target in edits["samples"].items():
        sample = _whole(key, name)
        if not 0 <= sample < len(data["labels"]):
            raise _no_edits(name, f"there is no sample {key}")
        is_known = _is_whole(target) and target in known
        if target is not None and not is_known:
            raise _no_edits(name, f"sample {key} goes to the cluster {target!r}")
        samples[sample] = _REJECTED if target is None else target
    for cluster in clusters:
        _root(clusters, cluster, name)
    return clusters, samples


def _check_cluster(cluster, value, known, name):
    """Refuse an edit of a cluster that the page cannot have made."""
    if cluster not in known or not isinstance(value, dict):
        raise _no_edits(name, f"there is no cluster {cluster}")
    target = value.get("merged_into")
    if target is not None and (not _is_whole(target) or target not in known):
        raise _no_edits(name, f"cluster {cluster} is merged into {target!r}")
    if not isinstance(value.get("name", ""), str):
        raise _no_edits(name, f"the name of cluster {cluster} is no text")


def _is_whole(value):
    return isinstance(value, Integral) and not isinstance(value, bool)


def _whole(key, name):
    """A key of JSON as a whole number."""
    try:
        return int(key)
    except ValueError as error:
        raise _no_edits(name, f"{key!r} is no number") from error


def _root(clusters, cluster, name="edits"):
    """The cluster that a cluster has become part of; -2 if it was rejected."""
    seen = {cluster}
    while True:
        edit = clusters.get(cluster, {})
        if edit.get("rejected"):
            return _REJECTED
        if edit.get("merged_into") is None:
            return cluster
        cluster = edit["merged_into"]
        if cluster in seen:
            raise _no_edits(name, f"cluster {cluster} is merged into itself")
        seen.add(cluster)


def _name(names, group):
    """Name of a group."""
    own = {_NOISE: "noise", _REJECTED: "rejected"}
    return names.get(group, own.get(group, f"cluster {group}"))


def _columns(data, folder, clusters, samples, groups):
    """Columns of the edited table."""
    labels = data["labels"]
    before = [samples.get(i, label) for i, label in enumerate(labels)]
    after = [groups.get(c, c) for c in before]
    names = {c: v["name"] for c, v in clusters.items() if v.get("name")}
    second = [groups.get(s, s) for s in data["second"]]
    columns = {"sample": np.arange(len(labels))}
    if data["paths"] is not None:
        columns["path"] = text_column(_paths(data["paths"], folder))
    merged = {group for cluster, group in groups.items() if cluster != group}

    def what(label, own, group):
        """What was edited, the first that applies."""
        if group == _REJECTED:
            return "rejected"
        if own != label:
            return "moved"
        if group in merged:
            return "merged"
        return "renamed" if group in names else ""

    edited = [what(*each) for each in zip(labels, before, after, strict=True)]
    columns |= {
        "cluster": np.maximum(after, -1),
        "name": np.array([_name(names, group) for group in after], dtype=object),
        "confidence": np.array(data["confidence"], dtype=float),
        "second_choice": np.array(
            [-1 if s == a else max(s, -1) for s, a in zip(second, after, strict=True)]
        ),
        "edited": np.array(edited, dtype=object),
    }
    return columns


def _paths(packed, folder):
    """Paths of the files, from the folder in which Python runs."""
    found = []
    for place, name in zip(packed["folder"], packed["name"], strict=True):
        inside = packed["folders"][place]
        # A file in the root has the folder "" as a file beside the report has.
        found.append(os.path.normpath(folder / inside / name))
    return found
