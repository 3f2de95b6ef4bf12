"""Checks of the parameters of a report, before anything is computed."""

import os
from pathlib import Path

import numpy as np

from skdeepclust._fitted import as_rows, as_samples, check_same_length
from skdeepclust.displays._projection import check_projection
from skdeepclust.inspection import _as_paths
from skdeepclust.report._page import MARK

__all__ = [
    "check_title",
    "checked_baselines",
    "checked_images",
    "checked_paths",
    "checked_projection",
    "checked_target",
    "texts_of",
]


def checked_baselines(baselines):
    """The parameter, if it is a table, "auto" or False."""
    if baselines is False or (isinstance(baselines, str) and baselines == "auto"):
        return baselines
    if hasattr(baselines, "iterrows") and "method" in baselines.columns:
        return baselines
    raise TypeError(
        'baselines must be "auto", False or the table of compare_with_baselines, got '
        f"{type(baselines).__name__}."
    )


def check_title(title):
    """Refuse a title that is neither text nor None."""
    if title is not None and not isinstance(title, str):
        raise TypeError(f"title must be text or None, got {type(title).__name__}.")


def texts_of(warnings):
    """Texts of warnings: strings, warnings, or what `catch_warnings` has recorded."""
    if isinstance(warnings, str | bytes) or not hasattr(warnings, "__iter__"):
        raise TypeError(
            "warnings must be a list of texts or warnings, got "
            f"{type(warnings).__name__}."
        )
    found = [str(getattr(each, "message", each)) for each in warnings]
    return list(dict.fromkeys(found))


def checked_target(path):
    """The file to write, in a folder that exists; no other file is replaced."""
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"path must be a path, got {type(path).__name__}.")
    target = Path(os.fsdecode(path))
    if not target.name or "\0" in str(target):
        raise ValueError(f"path={str(path)!r} is no path of a file.")
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"The folder of path={str(path)!r} does not exist. Make it first."
        )
    if target.is_dir():
        raise FileExistsError(f"path={str(path)!r} is a folder. Pass a file in it.")
    if target.exists():
        with target.open("rb") as file:
            is_report = MARK.encode() in file.read(4096)
        if not is_report:
            raise FileExistsError(
                f"path={str(path)!r} exists and is no report. Pass another path, so "
                "that it is not overwritten."
            )
    return target


def checked_paths(paths, X):
    """Paths of the samples: those passed, or X if it holds paths."""
    if paths is None:
        is_paths = isinstance(X, list | tuple) and len(X) > 0
        if is_paths and all(isinstance(each, os.PathLike) for each in X):
            return _as_paths(X, "X")
        if is_paths and all(isinstance(each, str) for each in X):
            found = [Path(each) for each in X]
            return found if all(each.is_file() for each in found[:20]) else None
        return None
    paths = _as_paths(paths, "paths")
    check_same_length(X=X, paths=paths)
    return paths


def checked_projection(projection, n_samples):
    """The parameter, with points as an array."""
    if hasattr(projection, "shape") or isinstance(projection, list | tuple):
        points = as_rows(projection, "projection")
        if points.shape != (n_samples, 2):
            raise ValueError(
                f"projection of shape {points.shape} must be ({n_samples}, 2): a point "
                "per sample."
            )
        return points
    if projection is None:
        raise ValueError(
            "projection=None: pass 'auto', 'tsne', 'pca', a transformer or points of "
            "shape (n_samples, 2)."
        )
    if not (isinstance(projection, str) and projection == "auto"):
        check_projection(projection)
    return projection


def checked_images(images, X):
    """The parameter, with images as an array."""
    if images is None or images is False:
        return images
    images = as_samples(images, "images")
    images = images if hasattr(images, "shape") else np.asarray(images)
    if len(images.shape) not in (3, 4):
        raise ValueError(
            f"images of shape {images.shape} must be (n, H, W) or (n, C, H, W)."
        )
    kind = getattr(images.dtype, "kind", "f")
    if kind not in "buif":
        raise TypeError(f"images of type {images.dtype} must be numbers.")
    if kind == "f" and not all(np.isfinite(each).all() for each in images):
        raise ValueError("Input images contains NaN or infinity. Fill these pixels.")
    check_same_length(X=X, images=images)
    return images
