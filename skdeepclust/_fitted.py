"""Read clusters, embedding and centres from any fitted estimator or pipeline.

The checks of what is passed along with an estimator, samples and labels, are here too.
"""

from numbers import Integral, Number

import numpy as np
import scipy.sparse
import torch
from sklearn.base import is_clusterer
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from skdeepclust._containers import as_array
from skdeepclust._scale import check_squares

__all__ = [
    "as_rows",
    "as_samples",
    "centers_in",
    "check_instance",
    "check_labels",
    "check_same_length",
    "clustered_space",
    "clusters_of",
    "count_samples",
    "last_step",
    "name_of",
    "step_with",
]


def as_samples(X, name="X"):
    """Samples as an estimator takes them, with tensors as arrays.

    What else has rows is returned as it is, such as the list of texts that the first
    step of a pipeline takes.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...)
        Samples.
    name : str, default="X"
        Name of the parameter, for the error.

    Returns
    -------
    X : array-like of shape (n_samples, ...)
        The same samples.

    Raises
    ------
    TypeError or ValueError
        If X has no rows, such as None, a file name or a DataLoader, or if values are
        masked.
    """
    is_list = isinstance(X, list | tuple)
    is_odd = is_list and any(
        each is None or isinstance(each, torch.Tensor | np.ma.MaskedArray) for each in X
    )
    is_foreign = isinstance(X, type | torch.Tensor | np.ma.MaskedArray)
    if not is_foreign and not is_list:
        is_foreign = len(getattr(X, "shape", ())) == 0
    if not is_foreign and not is_odd:
        return X
    X = as_array(X, name)
    if np.ndim(X) == 0:
        raise ValueError(
            f"{name} must hold a row or an image per sample, got {X!r}: Expected 2D "
            "array, got scalar array instead."
        )
    return X


def count_samples(X):
    """Number of samples of what :func:`as_samples` returns."""
    return X.shape[0] if hasattr(X, "shape") else len(X)


def as_rows(X, name="X"):
    """Samples of any shape as a finite matrix of floats; their scale is kept.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...)
        Samples.
    name : str, default="X"
        Name of the parameter, for the errors.

    Returns
    -------
    rows : ndarray of shape (n_samples, n_features)
        Rows.

    Raises
    ------
    TypeError or ValueError
        If X is no array of finite numbers, is empty, or has values whose squares
        overflow.
    """
    X = np.asarray(X.toarray() if scipy.sparse.issparse(X) else as_array(X, name))
    if X.ndim == 0:
        raise ValueError(f"{name} must be an array of samples, got {X.item()!r}.")
    if X.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: {name} must be real numbers.")
    rows = X.reshape(len(X), -1 if X.size else int(np.prod(X.shape[1:])))
    is_ready = rows.dtype in (np.float32, np.float64) and rows.dtype.isnative
    is_wide = rows.dtype.kind == "f" and rows.dtype.itemsize >= 8
    dtype = rows.dtype if is_ready else np.float64 if is_wide else np.float32
    if rows.dtype.kind == "O" and any(_is_missing(value) for value in rows.flat):
        raise ValueError(f"Input {name} contains NaN. Drop or impute these samples.")
    rows = check_array(rows, dtype=dtype, order=None, input_name=name)
    check_squares(rows, name=name)
    return rows


def check_instance(estimator, name="estimator"):
    """Refuse None, a class, and whatever else is no instance of an estimator."""
    if isinstance(estimator, type):
        raise TypeError(
            f"{name} is the class {estimator.__name__}. Pass an instance: "
            f"{estimator.__name__}(...)."
        )
    if not hasattr(estimator, "fit") and not hasattr(estimator, "predict"):
        raise TypeError(
            f"{name} must be an estimator, a Pipeline or a search, got {estimator!r}."
        )


def check_same_length(**arrays):
    """Refuse arrays of different lengths, by their names; None is left out.

    Parameters
    ----------
    **arrays : array-like or None
        The arrays by the names of the parameters.

    Raises
    ------
    ValueError
        If the lengths differ.
    """
    lengths = {
        name: count_samples(array)
        for name, array in arrays.items()
        if array is not None
    }
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} has {n}" for name, n in lengths.items())
        raise ValueError(
            f"{' and '.join(lengths)} have inconsistent numbers of samples: {found}. "
            "Pass one entry per sample in each."
        )


def check_labels(y, name):
    """Labels, such as classes or clusters, as an array without missing values.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels: whole numbers, strings or booleans.
    name : str
        Name of the parameter, for the errors.

    Returns
    -------
    labels : ndarray of shape (n_samples,)
        The labels. Objects that are numbers come as numbers.

    Raises
    ------
    TypeError
        If the labels are of several types.
    ValueError
        If the shape is another one, if labels are missing or infinite, or if they are
        continuous values.
    """
    labels = _as_column(y, name)
    if labels.dtype.kind == "O":
        labels = _without_objects(labels, name)
    if labels.dtype.kind in "mM" and np.isnat(labels).any():
        raise _missing(name, "NaT")
    if labels.dtype.kind in "cV":
        raise TypeError(f"{name} of type {labels.dtype} cannot be labels.")
    if labels.dtype.kind == "f":
        if np.isnan(labels).any():
            raise _missing(name, "NaN")
        if np.isinf(labels).any():
            raise ValueError(f"Input {name} contains infinity. Pass finite labels.")
        odd = labels[labels != np.trunc(labels)]
        if len(odd):
            raise ValueError(
                f"Unknown label type: continuous. {name} holds {odd[0]}, but must hold "
                "classes or clusters: whole numbers or strings. Bin measurements "
                "first, such as with numpy.digitize."
            )
    return labels


def last_step(estimator):
    """The estimator, the last step of a pipeline, or the best one of a search."""
    if hasattr(estimator, "best_estimator_"):
        return last_step(estimator.best_estimator_)
    steps = getattr(estimator, "steps", None)
    return estimator if steps is None else last_step(steps[-1][1])


def name_of(estimator):
    """Name of the class of the estimator that clusters."""
    return type(last_step(estimator)).__name__


def step_with(estimator, attribute):
    """The last step whose attribute is not None, or None if no step has it."""
    if hasattr(estimator, "best_estimator_"):
        return step_with(estimator.best_estimator_, attribute)
    steps = getattr(estimator, "steps", [("", estimator)])
    for _, step in reversed(steps):
        if getattr(step, attribute, None) is not None:
            return step
    return None


def clustered_space(estimator, X):
    """Samples in the space in which the estimator has its clusters.

    This is the output of `transform`, with two exceptions. In a pipeline, the last
    step decides, and it is given the output of the steps before it. The clusterers of
    scikit-learn cluster X itself: their `transform` returns distances to the centres.

    Parameters
    ----------
    estimator : fitted estimator, Pipeline or search
        The estimator.
    X : array-like
        Samples.

    Returns
    -------
    Z : ndarray of shape (n_samples, n_features)
        Points.
    """
    X = as_samples(X)
    if hasattr(estimator, "best_estimator_"):
        return clustered_space(estimator.best_estimator_, X)
    steps = getattr(estimator, "steps", None)
    if steps is not None:
        before = X if len(steps) == 1 else estimator[:-1].transform(X)
        return clustered_space(steps[-1][1], before)
    is_theirs = type(estimator).__module__.startswith("sklearn.")
    gives_distances = is_theirs and is_clusterer(estimator)
    if gives_distances or not hasattr(estimator, "transform"):
        return as_rows(X)
    return as_rows(estimator.transform(X), f"{name_of(estimator)}.transform(X)")


def clusters_of(estimator, X):
    """Clusters of the samples.

    Parameters
    ----------
    estimator : fitted estimator, Pipeline or search
        The estimator.
    X : array-like
        Samples. If the estimator has no `predict`, those that it was fitted to.

    Returns
    -------
    labels : ndarray of shape (n_samples,) or None
        Clusters, or None if the estimator finds none.

    Raises
    ------
    NotFittedError
        If a clusterer without `predict` is not fitted.
    TypeError
        If the estimator is a class or no estimator.
    ValueError
        If an estimator without `predict` was fitted to another number of samples.
    """
    check_instance(estimator)
    X = as_samples(X)
    if hasattr(estimator, "predict"):
        return np.asarray(estimator.predict(X))
    if is_clusterer(last_step(estimator)):
        check_is_fitted(last_step(estimator))
    labels = getattr(last_step(estimator), "labels_", None)
    if labels is not None and len(labels) != count_samples(X):
        raise ValueError(
            f"{name_of(estimator)} has no predict: its clusters are those of the "
            f"{len(labels)} samples of fit, but X has {count_samples(X)} samples. Pass "
            "the X that it was fitted on."
        )
    return None if labels is None else np.asarray(labels)


def centers_in(estimator, Z):
    """Cluster centres in the space of Z, or None if there are none in that space."""
    centers = getattr(last_step(estimator), "cluster_centers_", None)
    if centers is None or np.ndim(centers) != 2 or np.shape(centers)[1] != Z.shape[1]:
        return None
    return np.asarray(centers)


def _as_column(y, name):
    """Labels as a one-dimensional array, of objects if they come in a list."""
    if scipy.sparse.issparse(y):
        raise TypeError(f"{name} is sparse. Pass {name}.toarray().ravel().")
    if np.ma.is_masked(y):
        raise _missing(name, "masked values")
    if isinstance(y, torch.Tensor):
        y = as_array(y, name)
    # numpy would turn the None or NaN of a list of strings into a string.
    is_list = isinstance(y, list | tuple)
    if is_list and any(isinstance(each, torch.Tensor) for each in y):
        y = [each.item() if torch.is_tensor(each) else each for each in y]
    array = np.asarray(y, dtype=object if is_list else None)
    if array.ndim == 2 and array.shape[1] > 1:
        raise ValueError(
            f"{name} should be a 1d array, got an array of shape {array.shape}. Of "
            f"one-hot labels pass {name}.argmax(axis=1)."
        )
    if array.ndim not in (1, 2):
        got = f"shape {array.shape}" if array.ndim else f"{type(y).__name__}"
        raise ValueError(
            f"{name} should be a 1d array with a label per sample, got {got}."
        )
    return array.ravel()


def _without_objects(labels, name):
    """An array of objects as one of numbers or strings, all of one type."""
    if any(_is_missing(value) for value in labels):
        raise _missing(name, "NaN or None")
    kinds = {_kind_of(value) for value in labels}
    if len(kinds) > 1:
        raise TypeError(
            f"{name} mixes labels of several types: {', '.join(sorted(kinds))}. Make "
            f"them one type, such as [str(label) for label in {name}]."
        )
    if kinds == {"number"}:
        is_whole = all(isinstance(value, Integral) for value in labels)
        return np.array(labels.tolist(), dtype=None if is_whole else float)
    return np.array(labels.tolist()) if kinds in ({"str"}, {"bool"}) else labels


def _kind_of(label):
    """Name of the type of a label; all numbers are one type."""
    if isinstance(label, str):
        return "str"
    if isinstance(label, bool | np.bool_):
        return "bool"
    return "number" if isinstance(label, Number) else type(label).__name__


def _is_missing(value):
    """Whether a value is None, NaN, NaT or pandas.NA."""
    try:
        return value is None or bool(value != value)
    except (TypeError, ValueError):  # pandas.NA is neither true nor false
        return type(value).__name__ == "NAType"


def _missing(name, what):
    """The error for missing labels."""
    return ValueError(
        f"Input {name} contains {what}. Score or draw the labelled samples only: "
        f"mask = ~np.isnan({name}) (of strings: ~pandas.isna({name})), then "
        f"{name}[mask] and the same rows of everything else."
    )
