"""Read clusters, embedding and centres from any fitted estimator or pipeline."""

import numpy as np
import scipy.sparse
from sklearn.base import is_clusterer
from sklearn.utils.validation import check_is_fitted

__all__ = [
    "as_rows",
    "centers_in",
    "clustered_space",
    "clusters_of",
    "last_step",
    "name_of",
    "step_with",
]


def as_rows(X):
    """Samples of any shape as a matrix of floats; their scale is kept.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...)
        Samples.

    Returns
    -------
    rows : ndarray of shape (n_samples, n_features)
        Rows.
    """
    if scipy.sparse.issparse(X):
        X = X.toarray()
    X = np.asarray(X)
    rows = X.reshape(len(X), -1)
    is_ready = rows.dtype in (np.float32, np.float64) and rows.dtype.isnative
    is_wide = rows.dtype.kind == "f" and rows.dtype.itemsize >= 8
    return rows if is_ready else rows.astype(np.float64 if is_wide else np.float32)


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
    return as_rows(estimator.transform(X))


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
    ValueError
        If an estimator without `predict` was fitted to another number of samples.
    """
    if hasattr(estimator, "predict"):
        return np.asarray(estimator.predict(X))
    if is_clusterer(last_step(estimator)):
        check_is_fitted(last_step(estimator))
    labels = getattr(last_step(estimator), "labels_", None)
    if labels is not None and len(labels) != len(X):
        raise ValueError(
            f"{name_of(estimator)} has no predict: its clusters are those of the "
            f"{len(labels)} samples of fit, but X has {len(X)} samples. Pass the X "
            "that it was fitted on."
        )
    return labels


def centers_in(estimator, Z):
    """Cluster centres in the space of Z, or None if there are none in that space."""
    centers = getattr(last_step(estimator), "cluster_centers_", None)
    if centers is None or np.ndim(centers) != 2 or np.shape(centers)[1] != Z.shape[1]:
        return None
    return np.asarray(centers)
