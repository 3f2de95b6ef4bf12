"""What a fitted estimator found, as tables and as folders of images.

- :func:`cluster_table`: a row per sample, the surest first within every cluster.
- :func:`export_images`: image files into a folder per cluster.
- :func:`compare_with_baselines`: did deep clustering help?
"""

import os
import shutil
from pathlib import Path

import numpy as np
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.metrics import (
    adjusted_rand_score,
    davies_bouldin_score,
    normalized_mutual_info_score,
    silhouette_score,
)
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from skdeepclust._centers import effective_clusters
from skdeepclust._clusterers import class_means, compact, nearest
from skdeepclust._fitted import (
    as_rows,
    centers_in,
    clustered_space,
    clusters_of,
    last_step,
    name_of,
    step_with,
)
from skdeepclust._sampling import stratified_sample
from skdeepclust.metrics import clustering_accuracy

__all__ = ["cluster_table", "compare_with_baselines", "export_images"]

# How export_images puts a file in its place.
_TRANSFERS = {
    "copy": shutil.copy2,
    "symlink": lambda source, target: os.symlink(os.path.abspath(source), target),
    "hardlink": os.link,
}

_MAX_SILHOUETTE_SAMPLES = 3000  # silhouettes take all pairs of points
_N_INIT = 20
_DEFAULT_DIM = 10  # of PCA, where the estimator has no embedding_dim


def cluster_table(estimator, X, paths=None):
    """Table of samples: cluster, confidence, distance to the centre, second choice.

    Parameters
    ----------
    estimator : fitted estimator, Pipeline or search
        Any clusterer, of this library or of another.
    X : array-like of shape (n_samples, ...)
        Samples, in a form that the estimator predicts.
    paths : sequence of str or path-like, default=None
        File of every sample, for a column "path".

    Returns
    -------
    table : DataFrame or ndarray
        A row per sample, sorted by cluster and within it from the highest confidence to
        the lowest; a structured array where pandas is not installed. Columns:

        - "sample": position of the sample in X.
        - "label": its cluster.
        - "confidence": the largest value of `predict_proba`. Where an estimator has
          none, one minus the quotient of the distances to the nearest centre and to
          the second nearest: 1 on a centre, 0 half-way between two.
        - "distance": to the centre of its cluster, in the space that was clustered.
          Where the estimator has no centres there, to the mean of the cluster.
        - "second_choice": the cluster that it would be in otherwise; -1 where there is
          only one.
        - "path": with `paths`.

        A sample of label -1 (noise) has no confidence and no distance: NaN.

    Examples
    --------
    >>> from sklearn.cluster import KMeans
    >>> from skdeepclust.inspection import cluster_table
    >>> X = [[0.0], [1.0], [2.0], [9.0]]
    >>> table = cluster_table(KMeans(2, random_state=0).fit(X), X)
    >>> [float(d) for d in table["distance"]]
    [0.0, 1.0, 1.0, 0.0]
    """
    labels = clusters_of(estimator, X)
    if labels is None:
        raise TypeError(f"{name_of(estimator)} has no clusters: pass a clusterer.")
    if paths is not None:
        check_consistent_length(X, paths)
    labels = np.maximum(labels, -1)  # HDBSCAN has several kinds of noise
    Z = clustered_space(estimator, X)
    distance, margin, second = _distances(estimator, Z, labels)
    proba = _probabilities(estimator, X)
    if proba is not None:
        margin = proba.max(axis=1)
        if proba.shape[1] > 1:
            second = np.argsort(-proba, axis=1, kind="stable")[:, 1]
    columns = {
        "sample": np.arange(len(labels)),
        "label": labels.astype(np.int64),
        "confidence": np.where(labels < 0, np.nan, margin),
        "distance": np.where(labels < 0, np.nan, distance),
        "second_choice": second.astype(np.int64),
    }
    if paths is not None:
        columns["path"] = np.array([os.fspath(path) for path in paths])
    order = np.lexsort((-columns["confidence"], labels))
    return _table({name: values[order] for name, values in columns.items()})


def export_images(table, folder, *, how="copy"):
    """Put image files into a folder per cluster.

    Within a folder the names begin with the rank by confidence, so that a file browser
    shows the surest first. Nothing is written before all is known to be in order,
    what was written is removed when something fails on the way, and no existing file is
    touched.

    Parameters
    ----------
    table : DataFrame or ndarray
        What :func:`cluster_table` returned for `paths`; rows may have been left out.
    folder : str or path-like
        Where the folders of the clusters are made; new or empty.
    how : {"copy", "symlink", "hardlink"}, default="copy"
        Copy the files, or link them, which takes no space.

    Returns
    -------
    folders : dict
        Cluster -> path of its folder.

    Raises
    ------
    FileExistsError
        When `folder` is there and not empty.
    FileNotFoundError
        When a file of the table is not there.

    Examples
    --------
    >>> from skdeepclust.inspection import cluster_table, export_images
    >>> table = cluster_table(dcec, X, paths)  # doctest: +SKIP
    >>> export_images(table[table["confidence"] > 0.9], "clusters")  # doctest: +SKIP
    """
    if how not in _TRANSFERS:
        raise ValueError(f"how={how!r} is none of {sorted(_TRANSFERS)}.")
    names = getattr(table, "columns", None)
    names = list(table.dtype.names or ()) if names is None else list(names)
    if not {"path", "label", "confidence"} <= set(names):
        raise ValueError(
            "The table has no paths, labels or confidences. Make it with "
            "cluster_table(estimator, X, paths)."
        )
    paths = [Path(path) for path in table["path"]]
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(paths)} files are not there, {missing[0]!r} among "
            "them. Nothing was written."
        )
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(
            f"{str(folder)!r} is there and not empty. Pass a new folder, so that no "
            "file is overwritten. Nothing was written."
        )
    labels = np.asarray(table["label"]).astype(np.int64)
    order = np.argsort(-np.asarray(table["confidence"]), kind="stable")
    existed = folder.exists()
    try:
        return _write_folders(
            labels[order], [paths[i] for i in order], folder, _TRANSFERS[how]
        )
    except BaseException:  # a full disk, a link across disks: nothing is left behind
        shutil.rmtree(folder, ignore_errors=True)
        if existed:
            folder.mkdir()
        raise


def compare_with_baselines(estimator, X, y=None, *, random_state=0):
    """Did deep clustering help? The estimator beside simpler methods, in one table.

    Parameters
    ----------
    estimator : estimator
        A clusterer of this library, fitted to X, or a new one, a clone of which is then
        fitted to X.
    X : array-like of shape (n_samples, ...)
        Samples.
    y : array-like of shape (n_samples,), default=None
        Classes. They are only compared with.
    random_state : int, default=0
        Seed of the baselines.

    Returns
    -------
    table : DataFrame or ndarray
        A row per method; a structured array where pandas is not installed. Methods:
        k-means on X; k-means on as many principal components as the code is wide;
        k-means in the code of the autoencoder that the estimator itself was pretrained
        by (in the features of the untrained network for
        :class:`~skdeepclust.DeepCluster`, in the code of the first autoencoder for
        :class:`~skdeepclust.SCEDAE`); the estimator. Columns:

        - "method".
        - "silhouette", "davies_bouldin": label-free, all in the space of X, so that
          they can be compared (a score in the space that a method made for itself
          cannot). They favour what is round in X, and k-means on X with it. NaN for a
          single cluster.
        - "n_effective_clusters": exponential of the entropy of the cluster sizes.
        - "accuracy", "nmi", "ari": with y.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skdeepclust import DCEC
    >>> from skdeepclust.inspection import compare_with_baselines
    >>> X, y = load_digits(return_X_y=True)
    >>> dcec = DCEC(10, pretrain_epochs=1, max_iter=0, random_state=0)
    >>> table = compare_with_baselines(dcec, X[:300] / 16, y[:300])
    >>> list(table["method"])
    ['k-means', 'PCA + k-means', 'autoencoder + landmark spectral', 'DCEC']
    """
    if y is not None:
        check_consistent_length(X, y)
    _check_compares(estimator)
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        estimator = clone(estimator).fit(X)
    estimator = getattr(estimator, "best_estimator_", estimator)
    labels = np.asarray(last_step(estimator).labels_)
    if len(labels) != len(X) or not np.array_equal(labels, estimator.predict(X)):
        raise ValueError(
            f"{name_of(estimator)} was fitted to other data: its labels_ are not its "
            "predictions of X. Pass the X of its fit, or an estimator that is not "
            "fitted."
        )
    rows = as_rows(X)
    found = {**_baselines(estimator, X, rows, random_state), name_of(estimator): labels}
    columns = {"method": np.array(list(found))}
    scores = [_scores(rows, each, y) for each in found.values()]
    columns |= {name: np.array([s[name] for s in scores]) for name in scores[0]}
    return _table(columns)


def _distances(estimator, Z, labels):
    """Distance to the own centre, margin before the second, and the second cluster."""
    clustered = labels >= 0
    if not clustered.any():
        nothing = np.full(len(Z), np.nan)
        return nothing, nothing, np.full(len(Z), -1)
    centers = centers_in(estimator, Z)
    if centers is not None:
        names = np.arange(len(centers))
    else:
        names = np.unique(labels[clustered])
        centers = class_means(Z[clustered], compact(labels)[clustered])
    Z, centers = np.ascontiguousarray(Z), centers.astype(Z.dtype)
    distances, index = nearest(Z, centers, min(2, len(centers)))
    index = names[index]  # from rows of the centres to labels
    if len(centers) == 1:
        return distances[:, 0], np.ones(len(Z)), np.full(len(Z), -1)
    with np.errstate(invalid="ignore"):
        margin = 1 - distances[:, 0] / distances[:, 1]
    # The second choice is the nearest cluster that is not the own.
    own_first = index[:, 0] == labels
    second = np.where(own_first, index[:, 1], index[:, 0])
    own = np.linalg.norm(Z - centers[np.searchsorted(names, labels)], axis=1)
    return own, np.where(own_first, np.nan_to_num(margin), 0.0), second


def _check_compares(estimator):
    inner = getattr(estimator, "best_estimator_", getattr(estimator, "estimator", None))
    model = last_step(estimator if inner is None else inner)
    if not hasattr(model, "predict") or "n_clusters" not in model.get_params():
        raise TypeError(
            f"{type(model).__name__} cannot be compared: that takes a clusterer with a "
            "parameter n_clusters and a method predict."
        )


def _probabilities(estimator, X):
    has_any = step_with(estimator, "predict_proba") is last_step(estimator)
    return np.asarray(estimator.predict_proba(X)) if has_any else None


def _table(columns):
    """Columns as a DataFrame, or as a structured array where there is no pandas."""
    try:
        import pandas as pd
    except ImportError:
        kinds = [(name, values.dtype) for name, values in columns.items()]
        table = np.empty(len(next(iter(columns.values()))), dtype=kinds)
        for name, values in columns.items():
            table[name] = values
        return table
    return pd.DataFrame(columns)


def _write_folders(labels, paths, folder, transfer):
    folders = {}
    for label in np.unique(labels).tolist():
        members = [
            path for path, own in zip(paths, labels, strict=True) if own == label
        ]
        name = f"cluster_{label:03d}" if label >= 0 else "noise"
        folders[label] = folder / name
        folders[label].mkdir(parents=True)
        digits = len(str(len(members)))
        for rank, path in enumerate(members, start=1):
            transfer(path, folders[label] / f"{rank:0{digits}d}_{path.name}")
    return folders


def _baselines(estimator, X, rows, random_state):
    """Labels of the simpler methods, by name."""
    model = last_step(estimator)

    def kmeans(points):
        clusterer = KMeans(model.n_clusters, n_init=_N_INIT, random_state=random_state)
        return clusterer.fit_predict(points)

    dim = min(getattr(model, "embedding_dim", _DEFAULT_DIM), *rows.shape)
    found = {
        "k-means": kmeans(rows),
        "PCA + k-means": kmeans(
            PCA(dim, random_state=random_state).fit_transform(rows)
        ),
    }
    if hasattr(model, "autoencoders_"):
        before = X if model is estimator else estimator[:-1].transform(X)
        code = model.autoencoders_[0].transform(before)
        found["autoencoder + k-means"] = kmeans(code)
    elif hasattr(model, "init_labels_"):
        network, start = "autoencoder", getattr(model, "init", None)
        if start is None:
            network, start = "untrained network", model.clusterer
        found[f"{network} + {_name_of_start(start)}"] = model.init_labels_
    return found


def _name_of_start(start):
    if isinstance(start, str):
        return "landmark spectral" if start == "spectral" else "k-means"
    return "init" if np.ndim(start) else name_of(start)


def _scores(rows, labels, y):
    is_scorable = 2 <= len(np.unique(labels)) < len(labels)
    drawn = stratified_sample(labels, _MAX_SILHOUETTE_SAMPLES, random_state=0)
    scores = {
        "silhouette": silhouette_score(rows[drawn], labels[drawn])
        if is_scorable
        else np.nan,
        "davies_bouldin": davies_bouldin_score(rows, labels) if is_scorable else np.nan,
        "n_effective_clusters": effective_clusters(labels, labels.max() + 1),
    }
    if y is not None:
        scores["accuracy"] = clustering_accuracy(y, labels)
        scores["nmi"] = normalized_mutual_info_score(y, labels)
        scores["ari"] = adjusted_rand_score(y, labels)
    return scores
