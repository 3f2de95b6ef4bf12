"""Clusters as tables and as folders of images, and a comparison with baselines.

- :func:`cluster_table`: a row per sample, sorted by cluster and confidence.
- :func:`cluster_profile`: what distinguishes the clusters of a table.
- :func:`export_images`: puts image files into a folder per cluster.
- :func:`compare_with_baselines`: scores of the estimator and of simpler methods.

The tables are pandas DataFrames. pandas comes with
``pip install "skdeepclust[tables]"``.
"""

import errno
import os
import shutil
from collections.abc import Iterable, Mapping, Set
from contextlib import suppress
from numbers import Integral, Real
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
from sklearn.pipeline import make_pipeline
from sklearn.utils.validation import check_is_fitted

from skdeepclust._auto_clustering import AutoClustering
from skdeepclust._base import BaseDeepEstimator
from skdeepclust._clusterers import fit_predict_labels, relabel
from skdeepclust._fitted import (
    as_rows,
    as_samples,
    centers_in,
    check_instance,
    check_labels,
    check_same_length,
    clustered_space,
    clusters_of,
    last_step,
    name_of,
    step_with,
)
from skdeepclust._geometry import class_means, effective_clusters, nearest
from skdeepclust._profile import ClusterProfile, cluster_profile
from skdeepclust._sampling import check_seed, is_scorable, silhouettes
from skdeepclust._tables import import_pandas, index_of, text_column
from skdeepclust.heads import TEMI, Turtle
from skdeepclust.heads._spaces import refuse_spaces
from skdeepclust.metrics import clustering_accuracy

__all__ = [
    "ClusterProfile",
    "cluster_profile",
    "cluster_table",
    "compare_with_baselines",
    "export_images",
]


def _copy(source, target):
    """Copy a file to a place where there is none."""
    with open(target, "xb"):
        pass
    shutil.copy2(source, target)


# The ways of export_images to put a file in its place, where there must be none yet.
_TRANSFERS = {
    "copy": _copy,
    "symlink": lambda source, target: os.symlink(os.path.abspath(source), target),
    "hardlink": lambda source, target: os.link(os.path.realpath(source), target),
}

# Bytes that a file name may have, if the file system does not tell.
_MOST_BYTES = 255

_N_INIT = 20  # runs of k-means
_DEFAULT_DIM = 10  # number of principal components without an embedding_dim

# Simpler methods. Heads are for features: rows of a table have fewer columns than this.
_METHODS = ("k-means", "PCA + k-means", "AutoClustering")
_HEADS = ("TEMI", "Turtle")
_LEAST_FEATURES = 32
_ON_FROZEN = ("k-means", *_HEADS)


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
        lowest. The index is that of X, so that ``X.join(table)`` puts the columns
        beside those of a data frame whose index is unique. In any other case, sort by
        position, ``table.sort_values("sample")``, and take the columns as arrays. If X
        is no pandas object, the index is the position. Columns:

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
        If the estimator has no clusters, is a class or None, if its clusters are not
        whole numbers, or if an entry of `paths` is not a path.
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
    pandas = import_pandas()
    check_instance(estimator)
    X = as_samples(X)
    if paths is not None:
        paths = _as_paths(paths, "paths")
        check_same_length(X=X, paths=paths)
    Z = clustered_space(estimator, X)
    labels = clusters_of(estimator, X)
    if labels is None:
        raise TypeError(f"{name_of(estimator)} has no clusters: pass a clusterer.")
    labels = check_labels(labels, f"{name_of(estimator)}.predict(X)")
    if labels.dtype.kind not in "iuf":
        raise TypeError(
            f"{name_of(estimator)} predicts labels of type {labels.dtype}, but "
            "clusters are whole numbers. Pass a clusterer."
        )
    # HDBSCAN has several kinds of noise.
    labels = np.maximum(labels.astype(np.int64), -1)
    distance, margin, second = _distances(estimator, Z, labels)
    proba = _probabilities(estimator, X)
    if proba is not None:
        margin = proba.max(axis=1)
        if proba.shape[1] > 1:
            second = np.argsort(-proba, axis=1, kind="stable")[:, 1]
    index = index_of(X, len(labels))
    columns = {
        "sample": np.arange(len(labels)),
        "label": labels,
        "confidence": np.where(labels < 0, np.nan, margin),
        "distance": np.where(labels < 0, np.nan, distance),
        "second_choice": second.astype(np.int64),
    }
    if paths is not None:
        columns["path"] = text_column([str(path) for path in paths], index)
    order = np.lexsort((-columns["confidence"], labels))
    return pandas.DataFrame(columns, index=index).iloc[order]


def export_images(table, folder, *, how="copy"):
    """Put image files into a folder per cluster.

    The new names begin with the rank by confidence, so that a file browser shows the
    most confident images first. All checks come before the first file is written. If
    writing fails, exactly what was written is removed: files, folders, and parents
    that were made. No existing file or folder is changed.

    Parameters
    ----------
    table : DataFrame
        Result of :func:`cluster_table` with `paths`, or some of its rows. Without any
        rows, nothing is written.
    folder : str or path-like
        Folder for the folders of the clusters. It must be new or empty. If it is a
        symbolic link to a folder, the files go into that folder, and the link stays.
    how : {"copy", "symlink", "hardlink"}, default="copy"
        Copy the files, or link them, which takes no disk space. If a file of the table
        is itself a symbolic link, "copy" and "hardlink" take the file that it points
        to, and "symlink" points to the link.

    Returns
    -------
    folders : dict
        Cluster -> path of its folder, ``cluster_000`` or, for label -1, ``noise``.

    Raises
    ------
    FileExistsError
        If `folder` exists and is not an empty folder, or if another program writes
        into it at the same time.
    FileNotFoundError
        If a file of the table does not exist.
    TypeError
        If `table` is not a DataFrame, if `folder` is not a path, or if a column of the
        table holds something else than labels, confidences or paths.
    ValueError
        If `how` is another word, if the table lacks a column "path", "label" or
        "confidence", if a label is missing or is not a whole number of at least -1, or
        if a new name would be too long for the file system.

    Examples
    --------
    >>> from skdeepclust.inspection import cluster_table, export_images
    >>> table = cluster_table(dcec, X, paths)  # doctest: +SKIP
    >>> export_images(table[table["confidence"] > 0.9], "clusters")  # doctest: +SKIP
    """
    if not isinstance(how, str) or how not in _TRANSFERS:
        raise ValueError(f"how={how!r} is none of {sorted(_TRANSFERS)}.")
    labels, paths = _ranked_files(table)
    _check_files(paths)
    folder, real, is_new = _check_folder(folder)
    members = _members(labels, paths)
    _check_lengths(real, members)
    _write(real, is_new, members, _TRANSFERS[how])
    return {label: folder / _folder_name(label) for label in members}


def compare_with_baselines(
    estimator, X, y=None, *, methods="auto", encoder=None, random_state=0
):
    """Compare an estimator with simpler methods, by the same scores.

    Parameters
    ----------
    estimator : estimator, Pipeline or search
        A clusterer with a parameter `n_clusters` and a method `predict`. If it is
        fitted, it must be fitted to X. If not, a clone is fitted to X.
    X : array-like of shape (n_samples, ...)
        Samples, as the estimator takes them.
    y : array-like of shape (n_samples,), default=None
        Classes. They are used for the scores only.
    methods : "auto" or list of str, default="auto"
        Which of the first five rows below the table has: "k-means", "PCA + k-means",
        "AutoClustering", "TEMI", "Turtle". "auto" takes the first three, and the two
        heads for rows that are no images and have at least 32 columns, as features of
        a network do, unless X is a data frame. Rows have the order below.
    encoder : transformer, default=None
        For images: from images to features, such as a
        :class:`~skdeepclust.FrozenEncoder`. It adds three rows, "frozen features +
        k-means", "frozen features + TEMI" and "frozen features + Turtle". It gets X as
        it is; rows that the estimator takes for images get their shape back. It is
        fitted if it is not.
    random_state : int, default=0
        Seed of the baselines.

    Returns
    -------
    table : DataFrame
        A row per method. For a pipeline, the rows about X are about what reaches its
        last step, such as the scaled and encoded columns, or its first step of this
        library if that comes earlier.

        1. k-means on X.
        2. k-means on the first principal components of X, as many as the embedding
           has dimensions.
        3. :class:`~skdeepclust.AutoClustering` on X: the best of several clusterings
           without any network.
        4. :class:`~skdeepclust.TEMI` and :class:`~skdeepclust.Turtle` on X: heads that
           learn the clusters of features. See `methods`.
        5. The same, and k-means, on the features of `encoder`.
        6. For a deep clusterer, its own start. For :class:`~skdeepclust.DCEC`,
           :class:`~skdeepclust.IDEC` and :class:`~skdeepclust.DEC` these are the
           clusters that joint training starts from. For
           :class:`~skdeepclust.DeepCluster` they are the clusters that its final
           clusterer finds in the features of the untrained network. For
           :class:`~skdeepclust.SCEDAE` the row is k-means in the embedding of its
           first autoencoder.
        7. The estimator. A method that is the estimator's own is left out above.

        Columns:

        - "method".
        - "silhouette", "davies_bouldin": scores without labels, in the space of X for
          all methods. (Scores in the embedding that a method has trained cannot be
          compared.) They favour round clusters in X, and therefore k-means on X. NaN
          for a single cluster.
        - "n_effective_clusters": exponential of the entropy of the cluster sizes.
        - "accuracy", "nmi", "ari": with y.

        Samples of label -1 are in no cluster: the first three leave them out, the
        accuracy counts them as wrong, and NMI and ARI take them for a group of their
        own.

    Raises
    ------
    ImportError
        If pandas is not installed.
    TypeError
        If the estimator is a class or None, or if it has no parameter `n_clusters` or
        no method `predict`; if `encoder` is no transformer; if `methods` is no list of
        names.
    ValueError
        If the estimator was fitted to other data, if X (of a pipeline: what reaches the
        last step) is no array of finite numbers, or if y has another length than X or
        missing or continuous values; if `methods` has another name.

    Notes
    -----
    Which to take first? For grey images, :class:`~skdeepclust.DeepCluster`, or
    :class:`~skdeepclust.DCEC` for few images and for clusters of unequal sizes: they
    gain much over all baselines, and the former takes less time. For photographs,
    :class:`~skdeepclust.TEMI` on the features of a pretrained network: pass `encoder`.
    For tables, :class:`~skdeepclust.AutoClustering`: most of what
    :class:`~skdeepclust.IDEC` gains there is this start. If the estimator is no better
    than a baseline, take the baseline. ``benchmarks/README.md`` has the measurements.

    Time: on 10,000 rows of 768 features k-means takes 16 seconds of a processor,
    :class:`~skdeepclust.TEMI` 10 and :class:`~skdeepclust.Turtle` 15.

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
    ['k-means', 'PCA + k-means', 'AutoClustering', 'autoencoder + start', 'DCEC']
    """
    pandas = import_pandas()
    _check_compares(estimator)
    _check_rungs(methods, encoder)
    check_seed(random_state)
    refuse_spaces(X, "compare_with_baselines")
    X = as_samples(X)
    if not _is_pipeline(estimator):  # of a pipeline, X may be text
        as_rows(X)
    y = None if y is None else check_labels(y, "y")
    check_same_length(X=X, y=y)
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        estimator = clone(estimator).fit(X)
    estimator = getattr(estimator, "best_estimator_", estimator)
    prepared = _prepared(estimator, X)
    rows = as_rows(prepared)
    labels = np.asarray(last_step(estimator).labels_)
    if len(labels) != len(rows) or not np.array_equal(labels, estimator.predict(X)):
        raise ValueError(
            f"{name_of(estimator)} was fitted to other data: its labels_ differ from "
            "its predictions for X. Pass the X of its fit, or an estimator that is "
            "not fitted."
        )
    names = _rungs(methods, estimator, prepared, rows)
    found = _baselines(names, estimator, rows, random_state)
    if encoder is not None:
        found |= _on_frozen(encoder, estimator, X, random_state)
    found |= {**_own_start(estimator, X, random_state), name_of(estimator): labels}
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
    check_instance(estimator)
    inner = getattr(estimator, "best_estimator_", getattr(estimator, "estimator", None))
    model = last_step(estimator if inner is None else inner)
    check_instance(model)
    params = model.get_params() if hasattr(model, "get_params") else {}
    if not hasattr(model, "predict") or "n_clusters" not in params:
        raise TypeError(
            f"{type(model).__name__} cannot be compared. Pass a clusterer with a "
            "parameter n_clusters and a method predict."
        )


def _is_pipeline(estimator):
    """Whether the estimator, or that of a search, has steps."""
    inner = getattr(estimator, "best_estimator_", getattr(estimator, "estimator", None))
    return hasattr(estimator if inner is None else inner, "steps")


def _prepared(estimator, X):
    """Samples as they reach the last step, or the first step of this library."""
    for _, step in getattr(estimator, "steps", [])[:-1]:
        if isinstance(step, BaseDeepEstimator):
            return X
        if step is not None and step != "passthrough":
            X = step.transform(X)
    is_pipeline = hasattr(estimator, "steps")
    return _prepared(estimator.steps[-1][1], X) if is_pipeline else X


def _probabilities(estimator, X):
    """Output of `predict_proba`, or None if the clusterer has no such method."""
    has_any = step_with(estimator, "predict_proba") is last_step(estimator)
    return np.asarray(estimator.predict_proba(X)) if has_any else None


def _as_paths(paths, name):
    """Paths, given by strings or path-likes in a sequence."""
    is_single = isinstance(paths, str | bytes | os.PathLike)
    # Sets have no order; mappings and data frames iterate over names.
    is_other = isinstance(paths, Mapping | Set) or hasattr(paths, "columns")
    if is_single or is_other or not isinstance(paths, Iterable):
        raise TypeError(
            f"{name} must be a sequence with a path per sample, got "
            f"{type(paths).__name__}."
        )
    found = []
    for i, path in enumerate(paths):
        if not isinstance(path, str | bytes | os.PathLike):
            raise TypeError(
                f"{name} must hold a path (str or path-like) per sample, but entry {i} "
                f"is {path!r}."
            )
        if not os.fspath(path):
            raise ValueError(f"{name} must hold paths, but entry {i} is empty.")
        found.append(Path(os.fsdecode(path)))
    return found


def _ranked_files(table):
    """Labels and paths of a table, from the highest confidence to the lowest."""
    needed = ("path", "label", "confidence")
    if not hasattr(table, "columns"):
        raise TypeError(
            "table must be a DataFrame, the result of cluster_table(estimator, X, "
            f"paths), got {type(table).__name__}."
        )
    names = list(table.columns)
    if any(names.count(name) != 1 for name in needed):
        raise ValueError(
            "The table has no paths, labels or confidences. Make it with "
            "cluster_table(estimator, X, paths)."
        )
    labels = [_as_label(value) for value in table["label"]]
    paths = _as_paths(table["path"], 'Column "path" of the table')
    try:
        confidences = np.array([float(value) for value in table["confidence"]])
    except (TypeError, ValueError) as error:
        raise TypeError(
            f'Column "confidence" of the table must hold numbers: {error}'
        ) from error
    order = np.argsort(-confidences, kind="stable")
    return [labels[i] for i in order], [paths[i] for i in order]


def _as_label(value):
    """A label of a table as an int of at least -1."""
    is_whole = isinstance(value, Integral) or (
        isinstance(value, Real) and float(value).is_integer()
    )
    if not is_whole or isinstance(value, bool | np.bool_):
        raise ValueError(
            f'Column "label" of the table holds {value!r}, but a label must be a whole '
            "number. Drop rows without a label: table.dropna(subset=['label']). Turn "
            "names into numbers: pandas.factorize(table['label'])[0]."
        )
    if value < -1:
        raise ValueError(
            f'Column "label" of the table holds {value}, but a label must be at least '
            "-1, which means noise. If lower labels are noise too: "
            "table['label'].clip(lower=-1)."
        )
    return int(value)


def _check_files(paths):
    """Refuse paths that are not files."""
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(paths)} files do not exist or are no files, for "
            f"example {missing[0]!r}. Nothing was written."
        )


def _check_folder(folder):
    """The folder as it was passed, the real one, and whether that is yet to be made."""
    if not isinstance(folder, str | os.PathLike):
        raise TypeError(f"folder must be a path, got {type(folder).__name__}.")
    name = os.fsdecode(folder)
    if not name.strip() or "\0" in name:
        raise ValueError(
            f"folder={name!r} is no path of a folder. Pass the path of a new folder."
        )
    folder = Path(name)
    real = Path(os.path.realpath(folder))
    if folder.is_symlink() and not real.exists():
        raise FileExistsError(
            f"folder={name!r} is a symbolic link to {str(real)!r}, which does not "
            "exist. Pass that folder, or another one. Nothing was written."
        )
    try:
        exists = real.exists()
    except OSError as error:  # too long, or in a folder that may not be read
        raise type(error)(
            error.errno, f"folder cannot be used: {error.strerror}", name
        ) from error
    if exists and (not real.is_dir() or any(real.iterdir())):
        what = "is not empty" if real.is_dir() else "is not a folder"
        raise FileExistsError(
            f"folder={name!r} exists and {what}. Pass a new folder, so that no file is "
            "overwritten. Nothing was written."
        )
    return folder, real, not exists


def _folder_name(label):
    """Name of the folder of a cluster."""
    return f"cluster_{label:03d}" if label >= 0 else "noise"


def _members(labels, paths):
    """New name and source of every file, by cluster."""
    members = {}
    for label in sorted(set(labels)):
        own = [
            path for path, other in zip(paths, labels, strict=True) if other == label
        ]
        digits = len(str(len(own)))
        members[label] = [
            (f"{rank:0{digits}d}_{path.name}", path)
            for rank, path in enumerate(own, start=1)
        ]
    return members


def _check_lengths(real, members):
    """Refuse new names that are too long for the file system."""
    existing = next(parent for parent in [real, *real.parents] if parent.exists())
    try:
        of_name = os.pathconf(existing, "PC_NAME_MAX")
        of_path = os.pathconf(existing, "PC_PATH_MAX") - 1  # the last byte is a zero
    except (AttributeError, OSError, ValueError):  # Windows has no pathconf
        of_name, of_path = _MOST_BYTES, None
    for label, files in members.items():
        inside = real / _folder_name(label)
        for target in [inside, *(inside / name for name, _ in files)]:
            for what, text, most in (
                ("name", target.name, of_name),
                ("path", str(target), of_path),
            ):
                n_bytes = len(os.fsencode(text))
                if most is not None and n_bytes > most:
                    raise ValueError(
                        f"The new {what} {text[:40]!r}... would have {n_bytes} bytes, "
                        f"more than the {most} that the file system allows. Give that "
                        "file a shorter name, or pass a shorter folder. Nothing was "
                        "written."
                    )


def _write(real, is_new, members, transfer):
    """Make the folders and transfer the files; after a failure, remove just these."""
    made: list[Path] = []
    try:
        if members and is_new:
            _make_folder(real, made)
        # All folders come first: of two exports to one place, one fails at once.
        for label in members:
            _make(os.mkdir, real / _folder_name(label), made)
        for label, files in members.items():
            for name, source in files:
                target = real / _folder_name(label) / name
                _make(lambda to, source=source: transfer(source, to), target, made)
    except BaseException as error:  # such as a full disk or a link across disks
        _remove(made)
        error.add_note("What the export had written was removed.")
        raise


def _make_folder(real, made):
    """Make the folder and its missing parents, which another export may make too."""
    missing = [folder for folder in real.parents if not folder.exists()]
    for parent in reversed(missing):
        with suppress(FileExistsError):
            _make(os.mkdir, parent, made)
    _make(os.mkdir, real, made)


def _make(make, target, made):
    """Make a file or folder, and note that it is ours. It must not exist yet."""
    made.append(target)  # before it is made: an interrupt may come at any time
    try:
        make(target)
    except FileExistsError as error:
        made.pop()
        raise FileExistsError(
            errno.EEXIST, "Another export or program made this meanwhile", target
        ) from error


def _remove(made):
    """Remove our files and folders. A folder in which others have put files stays."""
    for path in reversed(made):
        with suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink()


def _check_rungs(methods, encoder):
    """Refuse names of other methods, and an encoder that is no transformer."""
    known = [*_METHODS, *_HEADS]
    is_auto = isinstance(methods, str) and methods == "auto"
    is_list = isinstance(methods, list | tuple)
    if not is_auto and not is_list:
        raise TypeError(
            f"methods must be 'auto' or a list of names from {known}, got {methods!r}."
        )
    odd = [] if is_auto else [each for each in methods if each not in known]
    if odd:
        raise ValueError(f"methods has {odd[0]!r}, which is none of {known}.")
    is_transformer = hasattr(encoder, "fit") and hasattr(encoder, "transform")
    if encoder is not None and (isinstance(encoder, type) or not is_transformer):
        raise TypeError(
            "encoder must be a transformer from images to features, such as "
            f"FrozenEncoder('timm:convnext_tiny.fb_in22k'), got {encoder!r}."
        )


def _rungs(methods, estimator, prepared, rows):
    """Names of the simpler methods that the table has; not that of the estimator."""
    if isinstance(methods, str):  # "auto"
        steps = [step for _, step in getattr(estimator, "steps", [("", estimator)])]
        shapes = [getattr(step, "image_shape_", None) for step in steps]
        are_images = np.ndim(prepared) > 2 or any(shape for shape in shapes)
        is_table = any(hasattr(step, "feature_names_in_") for step in steps)
        are_features = not (are_images or is_table) and rows.shape[1] >= _LEAST_FEATURES
        methods = _METHODS + (_HEADS if are_features else ())
    own = name_of(estimator)
    return [each for each in (*_METHODS, *_HEADS) if each in methods and each != own]


def _clusterer(name, n_clusters, seed):
    """A simpler method by its name."""
    if name in ("k-means", "PCA + k-means"):
        return KMeans(n_clusters, n_init=_N_INIT, random_state=seed)
    kinds = {"AutoClustering": AutoClustering, "TEMI": TEMI, "Turtle": Turtle}
    return kinds[name](n_clusters, random_state=seed)


def _baselines(names, estimator, rows, random_state):
    """Labels of the simpler methods, by name."""
    model = last_step(estimator)
    dim = getattr(model, "embedding_dim", _DEFAULT_DIM)
    dim = min(dim if isinstance(dim, Integral) else _DEFAULT_DIM, *rows.shape)
    found = {}
    for name in names:
        clusterer = _clusterer(name, _number(model), random_state)
        if name == "PCA + k-means":
            clusterer = make_pipeline(PCA(dim, random_state=random_state), clusterer)
        found[name] = fit_predict_labels(clusterer, rows, quiet=True)
    return found


def _number(model):
    """Number of clusters of a model: what it found, or was told."""
    return getattr(model, "n_clusters_", model.n_clusters)


def _on_frozen(encoder, estimator, X, random_state):
    """Labels of k-means and the heads on the features of a frozen network."""
    model = last_step(estimator)
    shape = getattr(model, "image_shape_", None)
    images = np.reshape(X, (-1, *shape)) if shape and np.ndim(X) == 2 else X
    try:
        check_is_fitted(encoder)
    except NotFittedError:
        encoder = clone(encoder).fit(images)
    features = as_rows(encoder.transform(images), "encoder.transform(X)")
    return {
        f"frozen features + {name}": fit_predict_labels(
            _clusterer(name, _number(model), random_state), features, quiet=True
        )
        for name in _ON_FROZEN
    }


def _own_start(estimator, X, random_state):
    """Labels that a deep clusterer begins with, by name; none for others."""
    model = last_step(estimator)
    if hasattr(model, "autoencoders_"):
        before = X if model is estimator else estimator[:-1].transform(X)
        embedding = model.autoencoders_[0].transform(before)
        kmeans = _clusterer("k-means", _number(model), random_state)
        return {"autoencoder + k-means": fit_predict_labels(kmeans, embedding)}
    if getattr(model, "init_labels_", None) is not None:
        return {_name_of_first(model): model.init_labels_}
    return {}


def _name_of_first(model):
    """Name of the clusters that a model begins with, for the table."""
    if hasattr(model, "pretrain_epochs"):
        return f"autoencoder + {_name_of_start(model.init)}"
    if hasattr(model, "final_clusterer"):
        return f"untrained network + {_name_of_start(model.final_clusterer)}"
    return f"start of {name_of(model)}"


def _name_of_start(start):
    """Name of a parameter `init` or `final_clusterer`, for the table."""
    if start is None or (isinstance(start, str) and start == "auto"):
        return "start"
    if isinstance(start, str):
        return "landmark spectral" if start == "spectral" else "k-means"
    return "init" if np.ndim(start) else name_of(start)


def _scores(rows, labels, y):
    """Columns of the table for one method, by name."""
    known = labels >= 0
    scores = {
        "silhouette": silhouettes(rows[known], labels[known])[0],
        "davies_bouldin": davies_bouldin_score(rows[known], labels[known])
        if is_scorable(labels[known])
        else np.nan,
        "n_effective_clusters": effective_clusters(labels, labels.max() + 1),
    }
    if y is not None:
        scores["accuracy"] = clustering_accuracy(y, labels)
        scores["nmi"] = normalized_mutual_info_score(y, labels)
        scores["ari"] = adjusted_rand_score(y, labels)
    return scores
