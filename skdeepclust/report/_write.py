"""Write the report."""

import hashlib
import json
import math
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import scipy.sparse

from skdeepclust._fitted import (
    as_samples,
    check_instance,
    count_samples,
    last_step,
    name_of,
    step_with,
)
from skdeepclust._sampling import check_count, check_seed
from skdeepclust.displays._style import COLORS
from skdeepclust.report import _sprites
from skdeepclust.report._checks import (
    check_title,
    checked_baselines,
    checked_images,
    checked_paths,
    checked_projection,
    checked_target,
    texts_of,
)
from skdeepclust.report._clustered import (
    clustered,
    merge_suggestions,
    model_digest,
    place_points,
    steps_of,
    stratified_shown,
)
from skdeepclust.report._curves import curves
from skdeepclust.report._page import VERSION, page, write_file
from skdeepclust.report._profile import profiles
from skdeepclust.report._sections import (
    baselines_section,
    escaped,
    facts_section,
    notes_section,
)

__all__ = ["write_report"]

# Points are whole numbers from 0 to this.
_GRID = 10_000

_DIGITS = 4  # of confidences and distances in the page


def write_report(
    estimator,
    X,
    paths=None,
    path="report.html",
    *,
    images=None,
    projection="auto",
    max_images=5000,
    thumbnail_size=64,
    baselines="auto",
    warnings=(),
    title=None,
    random_state=0,
):
    """Write a report of clusters to one HTML file.

    The page has a map of the samples, a gallery for every cluster, the training curves,
    a comparison with simpler methods and the warnings of the fit. In it, clusters are
    renamed, merged and rejected, and samples are moved to other clusters. The browser
    keeps these edits. The page exports them as ``edits.json`` for :func:`apply_edits`,
    and the edited table as ``labels.csv``.

    The file contains everything that it needs, and loads nothing. It opens by a double
    click.

    Parameters
    ----------
    estimator : fitted estimator, Pipeline or search
        Any clusterer of this library or of another. What it lacks is left out of the
        page: without `predict_proba`, confidences are computed from distances, as in
        :func:`~skdeepclust.inspection.cluster_table`; without `history_` there are no
        training curves.
    X : array-like of shape (n_samples, ...)
        Samples, as the estimator takes them.
    paths : sequence of str or path-like of length n_samples, default=None
        File of every sample. The page links to them, by paths relative to the report.
        None takes X itself if X is a list of paths.
    path : str or path-like, default="report.html"
        File to write, in an existing folder. An older report is replaced. Another file
        is not.
    images : array-like of shape (n, H, W) or (n, C, H, W), or False, default=None
        Images to show as thumbnails. None takes the first images that the estimator
        meets: X, or the output of a step of the pipeline. If there are none, and there
        are `paths`, they are read from the files. If there are no paths either, X is a
        table: the galleries are then profiles, the columns in which a cluster differs
        most from the rest. False shows no images.
    projection : {"auto", "tsne", "pca"}, transformer or array, default="auto"
        Map of the samples: a name, a transformer with `fit_transform`, or points of
        shape ``(n_samples, 2)``. "auto" is t-SNE of up to 1,000 samples; the others are
        placed between their three nearest neighbours among these.
    max_images : int, default=5000
        Most samples to show on the map and in the galleries. Of more samples, a part
        is drawn, in proportion to the sizes of the clusters. It always has the samples
        nearest to the centres and the least certain ones. The page says so. Its
        ``labels.csv`` has all samples in any case.
    thumbnail_size : int, default=64
        Longest side of a thumbnail in pixels. Smaller images keep their size.
    baselines : {"auto", False} or DataFrame, default="auto"
        The comparison: the result of
        :func:`~skdeepclust.inspection.compare_with_baselines`. "auto" computes it if
        X has at most two million values. False leaves it out.
    warnings : sequence of str or warnings, default=()
        Warnings of the fit to show, such as those that
        ``warnings.catch_warnings(record=True)`` has caught.
    title : str, default=None
        Title of the page. None takes the method and the number of clusters.
    random_state : int, RandomState instance or None, default=0
        Seed of the map and of the choice of samples.

    Returns
    -------
    path : Path
        The file written.

    Raises
    ------
    FileExistsError
        If `path` exists and is not a report.
    FileNotFoundError
        If the folder of `path` does not exist.
    ImportError
        If there are thumbnails, and Pillow is not installed; if there is a comparison,
        and pandas is not installed.
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If the estimator has no clusters, is a class or None, or if a parameter has the
        wrong type.
    ValueError
        If `paths`, `images` or points differ from X in length, or if a parameter has a
        wrong value.

    See Also
    --------
    apply_edits : Brings the edits of the page back to Python.

    Notes
    -----
    File names and names of clusters are data: whatever they contain is shown as text.
    In ``labels.csv`` a name that a spreadsheet could take for a formula (it begins with
    one of ``= + - @``, a tab or a line break) is preceded by an apostrophe, and such a
    path by ``./``.

    With 5,000 thumbnails the file has less than 20 MB: their quality is reduced where
    they would need more. Every sample that is not shown adds about 20 bytes and the
    length of its path.

    Examples
    --------
    >>> import os, tempfile
    >>> from sklearn.cluster import KMeans
    >>> from sklearn.datasets import load_iris
    >>> from skdeepclust.report import write_report
    >>> X = load_iris().data
    >>> kmeans = KMeans(3, random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_report(
    ...         kmeans, X, path=os.path.join(folder, "report.html"), projection="pca"
    ...     )
    ...     path.name
    'report.html'
    """
    check_instance(estimator)
    check_count(max_images, "max_images")
    check_count(thumbnail_size, "thumbnail_size", 8)
    check_seed(random_state)
    baselines = checked_baselines(baselines)
    warnings = texts_of(warnings)
    check_title(title)
    path = checked_target(path)
    X = as_samples(X)
    paths = checked_paths(paths, X)
    projection = checked_projection(projection, count_samples(X))
    images = checked_images(images, X)
    (*before, last), stages = steps_of(estimator, X)
    found = clustered(last, stages[-1])
    shown = stratified_shown(found, max_images, random_state)
    small, notes = _thumbnails(estimator, stages, images, paths, shown, thumbnail_size)
    sheets, n_centres = _sheets(last, small, thumbnail_size)
    points, caption = _points(projection, found, shown, random_state)
    data = {
        **_rows_of(found, estimator, paths, path),
        "title": title if title is not None else _own_title(last, found),
        "shown": shown.tolist(),
        "points": points,
        "thumbs": None if sheets is None else sheets.layout(),
        "centres": n_centres,
        "suggestions": _suggestions(last, found),
        "profiles": _profiles(X, stages, small, found.labels),
        "colors": COLORS,
    }
    data["report"] = _digest(data)
    notes += _note_on_shown(len(shown), len(found.labels))
    sections = {
        "facts": facts_section(estimator, found, _shape_of(stages)),
        "notices": notes_section(estimator, found, warnings, notes),
        "baselines": baselines_section(baselines, [*before, last], stages),
        "curves": "".join(curves(estimator)),
        "map-caption": escaped(caption),
    }
    write_file(path, page(data, sections, sheets))
    return path


def _thumbnails(estimator, stages, images, paths, shown, size):
    """Thumbnails of the shown samples or None, and what is to be said about them."""
    if images is False:
        return None, []
    if images is None:
        images = _first_images(estimator, stages)
    if images is not None:
        return _sprites.thumbnails(estimator, images, shown, size)[0], []
    if paths is None:
        return None, []
    files = [paths[i] for i in shown]
    if not any(file.is_file() for file in files[:100]):
        return None, []
    return _sprites.thumbnails_of_files(files, size)


def _first_images(estimator, stages):
    """The first stage that holds images, or None."""
    own_shape = getattr(step_with(estimator, "image_shape_"), "image_shape_", None)
    for stage in stages:
        shape = tuple(getattr(stage, "shape", ()))
        if len(shape) in (3, 4):
            return stage
        if own_shape is not None and shape[1:] == (math.prod(own_shape),):
            return stage
    if not hasattr(stages[0], "shape") and np.ndim(stages[0][0]) in (2, 3):
        return np.stack(stages[0])
    return None


def _sheets(last, small, size):
    """Thumbnails and decoded centres in sheets, and the number of centres."""
    if small is None:
        return None, 0
    centres = _centres(last, small, size)
    if centres is None:
        return _sprites.pack(small), 0
    return _sprites.pack(np.concatenate([small, centres])), len(centres)


def _note_on_shown(n_shown, n_samples):
    """What to say if not all samples are shown."""
    if n_shown == n_samples:
        return []
    return [
        f"The map and the galleries show {n_shown:,} of {n_samples:,} samples: the "
        "nearest and the least certain ones of every cluster, and others in proportion "
        "to the sizes. labels.csv has all samples."
    ]


def _centres(last, small, size):
    """Thumbnails of the decoded centres, if they fit to those of the samples."""
    decoded = getattr(last, "cluster_images_", None)
    if decoded is None or np.ndim(decoded) < 2:
        return None
    try:
        index = np.arange(len(decoded))
        centres, _ = _sprites.thumbnails(last, np.asarray(decoded), index, size)
    except ValueError:  # rows without the shape of an image
        return None
    return centres if centres.shape[1:] == small.shape[1:] else None


def _rows_of(found, estimator, paths, path):
    """What the page knows of every sample."""
    top_two = None
    if found.proba is not None and found.proba.shape[1] > 1:
        top_two = -np.partition(-found.proba, 1, axis=1)[:, 1]
    clusters = np.union1d(found.labels, _all_clusters(estimator))
    has_proba = found.proba is not None
    return {
        "version": VERSION,
        "model": model_digest(estimator),
        "clusters": clusters.astype(int).tolist(),
        "labels": found.labels.tolist(),
        "confidence": _rounded(found.confidence),
        "confidenceName": "probability" if has_proba else "margin",
        "second": found.second.tolist(),
        "secondConfidence": None if top_two is None else _rounded(top_two),
        "distance": _rounded(found.distance),
        "paths": None if paths is None else _packed(paths, path),
    }


def _all_clusters(estimator):
    """Clusters that the estimator has centres of, empty ones among them."""
    centers = getattr(last_step(estimator), "cluster_centers_", ())
    return np.arange(len(centers) if np.ndim(centers) == 2 else 0)


def _rounded(values):
    """Numbers with few digits; None for NaN."""
    found = np.round(np.asarray(values, dtype=float), _DIGITS).tolist()
    return [value if np.isfinite(value) else None for value in found]


def _packed(paths, path):
    """Paths relative to the report: folders, the folder of each file, and its name."""
    pairs = [os.path.split(each) for each in paths]
    place = {folder: i for i, folder in enumerate(dict.fromkeys(f for f, _ in pairs))}
    home = os.path.abspath(path.parent)
    return {
        "folders": [_relative(folder, home) for folder in place],
        "folder": [place[folder] for folder, _ in pairs],
        "name": [name for _, name in pairs],
    }


def _relative(folder, home):
    """A folder as seen from another one, with forward slashes; "" for the same one."""
    whole = os.path.abspath(folder)
    with suppress(ValueError):  # on another drive of Windows
        whole = os.path.relpath(whole, home)
    return "" if whole == os.curdir else Path(whole).as_posix()


def _points(projection, found, shown, random_state):
    """Points of the map on a grid, x and y in turn, and how they were made."""
    if isinstance(projection, np.ndarray):
        projection = projection[shown]
    points, caption = place_points(
        projection, found.Z[shown], found.labels[shown], random_state
    )
    points = np.asarray(points, dtype=float)
    span = np.ptp(points, axis=0).max() or 1.0  # the aspect is kept
    grid = np.round((points - points.min(axis=0)) / span * _GRID)
    return grid.astype(int).ravel().tolist(), caption


def _suggestions(last, found):
    """Pairs of clusters to merge, as the page takes them."""
    pairs = merge_suggestions(found, getattr(last, "merge_history_", ()))
    return [[a, b, round(overlap, 3)] for a, b, overlap in pairs]


def _profiles(X, stages, small, labels):
    """Profiles of a table, by cluster; None for images and other samples."""
    if small is not None:
        return None
    for table in (X, stages[-1]):
        if len(getattr(table, "shape", ())) == 2 and not scipy.sparse.issparse(table):
            # One group has no rest; embeddings may hold what is no column.
            with suppress(TypeError, ValueError):
                return profiles(table, labels)
    return None


def _own_title(last, found):
    n_clusters = len(np.unique(found.labels[found.labels >= 0]))
    clusters = "1 cluster" if n_clusters == 1 else f"{n_clusters} clusters"
    return f"{name_of(last)}: {clusters} of {len(found.labels):,} samples"


def _shape_of(stages):
    """Description of a sample, such as "28 x 28" or "9 columns"."""
    for stage in stages:
        shape = tuple(getattr(stage, "shape", ()))
        if len(shape) > 2:
            return " x ".join(str(side) for side in shape[1:])
        if len(shape) == 2:
            return f"{shape[1]:,} columns"
    return "an item"


def _digest(data):
    """Digest of what the edits are about: the samples and their clusters."""
    about = {name: data[name] for name in ("model", "clusters", "labels", "paths")}
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()
