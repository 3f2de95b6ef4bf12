"""Clusters as tables and as folders of images, and a comparison with baselines.

- :func:`cluster_table`: a row per sample, sorted by cluster and confidence.
- :func:`export_images`: puts image files into a folder per cluster.
- :func:`compare_with_baselines`: scores of the estimator and of simpler methods.

The tables are pandas DataFrames. pandas comes with
``pip install "skdeepclust[tables]"``.
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
)
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from skdeepclust._clusterers import relabel
from skdeepclust._fitted import (
    as_rows,
    centers_in,
    clustered_space,
    clusters_of,
    last_step,
    name_of,
    step_with,
)
from skdeepclust._geometry import class_means, effective_clusters, nearest
from skdeepclust._sampling import is_scorable, silhouettes
from skdeepclust.metrics import clustering_accuracy

__all__ = ["cluster_table", "compare_with_baselines", "export_images"]

# The ways of export_images to put a file in its place.
_TRANSFERS = {
    "copy": shutil.copy2,
    "symlink": lambda source, target: os.symlink(os.path.abspath(source), target),
    "hardlink": os.link,
}

_N_INIT = 20  # runs of k-means
_DEFAULT_DIM = 10  # number of principal components without an embedding_dim


def cluster_table(estimator, X, paths=None):
    """Table of samples: cluster, confidence, distance to the centre, second choice.

    Parameters
    ----------
    estimator : fitted estimator, Pipeline or search
        Any clusterer of this library or of another.
    X : array-like of shape (n_samples, ...)
        Samples, as the estimator takes them.
    paths : sequence of str or path-like of length n_samples, default=None
        File of every sample, for a column "path".

    Returns
    -------
    table : DataFrame
        A row per sample, sorted by cluster, then from the highest confidence to the
        lowest. Columns:

        - "sample": position of the sample in X.
        - "label": its cluster.
        - "confidence": the largest value of `predict_proba`. If the estimator has no
          `predict_proba`: one minus the distance to the nearest centre divided by the
          distance to the second nearest. This is 1 on a centre and 0 half-way between
          two centres.
        - "distance": to the centre of its cluster, in the space that was clustered. If
          the estimator has no centres in that space: to the mean of the cluster.
        - "second_choice": the second most likely cluster; -1 if there is only one.
        - "path": with `paths`.

        A sample of label -1 (noise) has NaN for confidence and distance.

    Raises
    ------
    ImportError
        If pandas is not installed.
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If the estimator has no clusters.
    ValueError
        If `paths` has another length than X, or if an estimator without `predict` was
        fitted to another number of samples.

    Examples
    --------
    >>> from sklearn.cluster import KMeans
    >>> from skdeepclust.inspection import cluster_table
    >>> X = [[0.0], [1.0], [2.0], [9.0]]
    >>> table = cluster_table(KMeans(2, random_state=0).fit(X), X)
    >>> [float(d) for d in table["distance"]]
    [0.0, 1.0, 1.0, 0.0]
    """
    pandas = _import_pandas()
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
    return pandas.DataFrame({name: values[order] for name, values in columns.items()})


def export_images(table, folder, *, how="copy"):
    """Put image files into a folder per cluster.

    The new names begin with the rank by confidence, so that a file browser shows the
    most confident images first. All checks come before the first file is written. If
    writing fails, the files written so far are removed. No existing file is changed.

    Parameters
    ----------
    table : DataFrame
        Result of :func:`cluster_table` with `paths`, or some of its rows.
    folder : str or path-like
        Folder for the folders of the clusters. It must be new or empty.
    how : {"copy", "symlink", "hardlink"}, default="copy"
        Copy the files, or link them, which takes no disk space.

    Returns
    -------
    folders : dict
        Cluster -> path of its folder, ``cluster_000`` or, for label -1, ``noise``.

    Raises
    ------
    FileExistsError
        If `folder` exists and is not an empty folder.
    FileNotFoundError
        If a file of the table does not exist.
    ValueError
        If `how` is another word, or if the table has no column "path", "label" or
        "confidence".

    Examples
    --------
    >>> from skdeepclust.inspection import cluster_table, export_images
    >>> table = cluster_table(dcec, X, paths)  # doctest: +SKIP
    >>> export_images(table[table["confidence"] > 0.9], "clusters")  # doctest: +SKIP
    """
    if how not in _TRANSFERS:
        raise ValueError(f"how={how!r} is none of {sorted(_TRANSFERS)}.")
    if not {"path", "label", "confidence"} <= set(table.columns):
        raise ValueError(
            "The table has no paths, labels or confidences. Make it with "
            "cluster_table(estimator, X, paths)."
        )
    paths, folder = [Path(path) for path in table["path"]], Path(folder)
    _check_files(paths, folder)
    labels = np.asarray(table["label"]).astype(np.int64)
    order = np.argsort(-np.asarray(table["confidence"]), kind="stable")
    existed = folder.exists()
    try:
        return _write_folders(
            labels[order], [paths[i] for i in order], folder, _TRANSFERS[how]
        )
    except BaseException:  # such as a full disk or a link across disks: clean up
        shutil.rmtree(folder, ignore_errors=True)
        if existed:
            folder.mkdir()
        raise


def compare_with_baselines(estimator, X, y=None, *, random_state=0):
    """Compare an estimator with simpler methods, by the same scores.

    Parameters
    ----------
    estimator : estimator, Pipeline or search
        A clusterer with a parameter `n_clusters` and a method `predict`. If it is
        fitted, it must be fitted to X. If not, a clone is fitted to X.
    X : array-like of shape (n_samples, ...)
        Samples.
    y : array-like of shape (n_samples,), default=None
        Classes. They are used for the scores only.
    random_state : int, default=0
        Seed of the baselines.

    Returns
    -------
    table : DataFrame
        A row per method:

        1. k-means on X.
        2. k-means on the first principal components of X, as many as the embedding
           has dimensions.
        3. For a deep clusterer, its own start. For :class:`~skdeepclust.DCEC`,
           :class:`~skdeepclust.IDEC` and :class:`~skdeepclust.DEC` these are the
           clusters of `init` in the embedding of the pretrained autoencoder: with the
           default, landmark spectral clustering. For
           :class:`~skdeepclust.DeepCluster` they are the clusters in the features of
           the untrained network. For :class:`~skdeepclust.SCEDAE` the row is k-means
           in the embedding of its first autoencoder.
        4. The estimator.

        Columns:

        - "method".
        - "silhouette", "davies_bouldin": scores without labels, in the space of X for
          all methods. (Scores in the embedding that a method has trained cannot be
          compared.) They favour round clusters in X, and therefore k-means on X. NaN
          for a single cluster.
        - "n_effective_clusters": exponential of the entropy of the cluster sizes.
        - "accuracy", "nmi", "ari": with y.

    Raises
    ------
    ImportError
        If pandas is not installed.
    TypeError
        If the estimator has no parameter `n_clusters` or no method `predict`.
    ValueError
        If the estimator was fitted to other data, or if y has another length than X.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skdeepclust import DCEC
    >>> from skdeepclust.inspection import compare_with_baselines
    >>> digits = load_digits()
    >>> X, y = digits.images[:300] / 16, digits.target[:300]
    >>> dcec = DCEC(10, pretrain_epochs=1, max_iter=0, random_state=0)
    >>> table = compare_with_baselines(dcec, X, y)
    >>> list(table["method"])
    ['k-means', 'PCA + k-means', 'autoencoder + landmark spectral', 'DCEC']
    """
    pandas = _import_pandas()
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
            f"{name_of(estimator)} was fitted to other data: its labels_ differ from "
            "its predictions for X. Pass the X of its fit, or an estimator that is "
            "not fitted."
        )
    rows = as_rows(X)
    found = {**_baselines(estimator, X, rows, random_state), name_of(estimator): labels}
    columns = {"method": np.array(list(found))}
    scores = [_scores(rows, each, y) for each in found.values()]
    columns |= {name: np.array([s[name] for s in scores]) for name in scores[0]}
    return pandas.DataFrame(columns)


def _distances(estimator, Z, labels):
    """Distance to the own centre, margin to the second, and the second cluster."""
    clustered = labels >= 0
    if not clustered.any():
        nothing = np.full(len(Z), np.nan)
        return nothing, nothing, np.full(len(Z), -1)
    centers = centers_in(estimator, Z)
    if centers is not None:
        names = np.arange(len(centers))
    else:
        names = np.unique(labels[clustered])
        centers = class_means(Z[clustered], relabel(labels)[clustered])
    Z, centers = np.ascontiguousarray(Z), centers.astype(Z.dtype)
    distances, index = nearest(Z, centers, min(2, len(centers)))
    index = names[index]  # from rows of the centres to labels
    if len(centers) == 1:
        return distances[:, 0], np.ones(len(Z)), np.full(len(Z), -1)
    with np.errstate(invalid="ignore"):
        margin = 1 - distances[:, 0] / distances[:, 1]
    # The second choice is the nearest other cluster.
    own_first = index[:, 0] == labels
    second = np.where(own_first, index[:, 1], index[:, 0])
    own = np.linalg.norm(Z - centers[np.searchsorted(names, labels)], axis=1)
    return own, np.where(own_first, np.nan_to_num(margin), 0.0), second


def _check_compares(estimator):
    """Refuse an estimator without `n_clusters` or `predict`."""
    inner = getattr(estimator, "best_estimator_", getattr(estimator, "estimator", None))
    model = last_step(estimator if inner is None else inner)
    if not hasattr(model, "predict") or "n_clusters" not in model.get_params():
        raise TypeError(
            f"{type(model).__name__} cannot be compared. Pass a clusterer with a "
            "parameter n_clusters and a method predict."
        )


def _probabilities(estimator, X):
    """Output of `predict_proba`, or None if the clusterer has no such method."""
    has_any = step_with(estimator, "predict_proba") is last_step(estimator)
    return np.asarray(estimator.predict_proba(X)) if has_any else None


def _import_pandas():
    """Import pandas, or say how to get it."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            "Tables are pandas DataFrames, and pandas is not installed. Install it "
            'with: pip install pandas, or pip install "skdeepclust[tables]"'
        ) from error
    return pandas


def _check_files(paths, folder):
    """Refuse files that do not exist, and a folder that is not new or empty."""
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(paths)} files do not exist, for example "
            f"{missing[0]!r}. Nothing was written."
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(
            f"{str(folder)!r} exists and is not empty. Pass a new folder, so that no "
            "file is overwritten. Nothing was written."
        )


def _write_folders(labels, paths, folder, transfer):
    """Transfer the files, in order of their rank, and return the folders."""
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
        embedding = model.autoencoders_[0].transform(before)
        found["autoencoder + k-means"] = kmeans(embedding)
    elif hasattr(model, "init_labels_"):
        network, start = "autoencoder", getattr(model, "init", None)
        if start is None and hasattr(model, "clusterer"):
            network, start = "untrained network", model.clusterer
        found[f"{network} + {_name_of_start(start)}"] = model.init_labels_
    return found


def _name_of_start(start):
    """Name of a parameter `init` or `clusterer`, for the table."""
    if start is None:
        return "start"
    if isinstance(start, str):
        return "landmark spectral" if start == "spectral" else "k-means"
    return "init" if np.ndim(start) else name_of(start)


def _scores(rows, labels, y):
    """Columns of the table for one method, by name."""
    scores = {
        "silhouette": silhouettes(rows, labels)[0],
        "davies_bouldin": davies_bouldin_score(rows, labels)
        if is_scorable(labels)
        else np.nan,
        "n_effective_clusters": effective_clusters(labels, labels.max() + 1),
    }
    if y is not None:
        scores["accuracy"] = clustering_accuracy(y, labels)
        scores["nmi"] = normalized_mutual_info_score(y, labels)
        scores["ari"] = adjusted_rand_score(y, labels)
    return scores
