"""Several estimators in one figure: the same samples, in the same colours."""

from collections.abc import Mapping

import numpy as np
from scipy.spatial.distance import cdist

from skdeepclust._fitted import (
    as_rows,
    centers_in,
    check_instance,
    check_same_length,
    clustered_space,
    name_of,
)
from skdeepclust.displays._projection import project, turn_towards
from skdeepclust.metrics import match_clusters

__all__ = ["check_estimators", "check_layout", "recoloured", "side_by_side"]


def check_estimators(estimators):
    """The estimators by their titles, or an error.

    Parameters
    ----------
    estimators : dict of str to estimator, or list of estimators
        The parameter.

    Returns
    -------
    named : dict of str to estimator
        A list is named by the classes.
    """
    if isinstance(estimators, Mapping):
        named = {str(name): each for name, each in estimators.items()}
    elif isinstance(estimators, list | tuple):
        named = {}
        for each in estimators:
            check_instance(each, "an entry of estimators")
            name = name_of(each)
            n_same = sum(key == name or key.startswith(f"{name} (") for key in named)
            named[f"{name} ({n_same + 1})" if n_same else name] = each
    else:
        raise TypeError(
            f"estimators must be a dict of titles and fitted estimators, or a list of "
            f"estimators, got {type(estimators).__name__}. For a single one there is "
            "LatentSpaceDisplay.from_estimator."
        )
    if not named:
        raise ValueError("estimators is empty. Pass at least one fitted estimator.")
    for name, each in named.items():
        check_instance(each, f"estimators[{name!r}]")
    return named


def check_layout(layout):
    """Refuse a layout that is neither a known word nor an array of points."""
    if isinstance(layout, str) and layout in ("own", "first"):
        return
    if isinstance(layout, str) or np.ndim(layout) != 2:
        raise ValueError(
            f"layout={layout!r} must be 'own' (each estimator's space), 'first' (the "
            "space of the first) or an array of shape (n_samples, width)."
        )


def side_by_side(estimators, X, layout, indices, projection, random_state):
    """Places of the same samples, and of the centres, for every estimator.

    Parameters
    ----------
    estimators : dict of str to estimator
        Fitted estimators.
    X : array-like
        Samples.
    layout : {"own", "first"} or ndarray of shape (n_samples, width)
        Where the samples are.
    indices : ndarray of shape (n_drawn,)
        Positions of the samples to draw in X.
    projection : {"tsne", "pca"}, transformer or None
        Projection to two dimensions.
    random_state : int, RandomState instance or None
        Seed of the projection.

    Returns
    -------
    places : dict of str to tuple
        Points and centres, or None for the centres, by title.
    """
    if not isinstance(layout, str) or layout == "first":
        if isinstance(layout, str):
            layout = clustered_space(next(iter(estimators.values())), X)
        layout = as_rows(layout, "layout")
        check_same_length(X=X, layout=layout)
        points, _ = project(projection, layout[indices], None, random_state)
        return dict.fromkeys(estimators, (points, None))
    places, first = {}, None
    for name, each in estimators.items():
        Z = clustered_space(each, X)
        centers = centers_in(each, Z)
        start = None
        if first is not None:  # t-SNE begins where the samples are in the first panel
            start = (
                first if centers is None else _with_centers(first, Z, centers, indices)
            )
        points, centers = project(projection, Z[indices], centers, random_state, start)
        if first is None:
            first = points
        else:
            points, centers = _turned(points, centers, first)
        places[name] = points, centers
    return places


def _with_centers(first, Z, centers, indices):
    """Places in the first panel, and for every centre that of the nearest sample."""
    nearest = cdist(centers, Z[indices]).argmin(axis=1)
    return np.concatenate([first, first[nearest]])


def _turned(points, centers, target):
    """Samples and centres, turned as the samples have to be."""
    middle = points.mean(axis=0)
    turn = turn_towards(points, target)
    turned = (points - middle) @ turn
    return turned, None if centers is None else (centers - middle) @ turn


def recoloured(labels, reference):
    """Labels renamed by the reference that they share most samples with.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)
        Clusters.
    reference : ndarray of shape (n_samples,) or None
        Clusters of another estimator, or classes. None leaves the labels.

    Returns
    -------
    names : ndarray of shape (n_samples,)
        A matched cluster has the name of its match, and noise (-1) stays -1. The others
        are called "extra 1", "extra 2" and so on if the reference holds words, and get
        the next numbers otherwise.
    """
    if reference is None or labels is reference:
        return labels
    is_noise = (
        labels == -1 if labels.dtype.kind in "if" else np.zeros(len(labels), bool)
    )
    if is_noise.all():
        return labels
    matching = match_clusters(reference[~is_noise], labels[~is_noise])
    matching |= {-1: -1} if is_noise.any() else {}
    found = np.unique(labels).tolist()
    missing = [label for label in found if label not in matching]
    is_number = np.asarray(reference).dtype.kind in "biuf"
    for i, label in enumerate(missing):
        free = int(np.max(reference)) + 1 + i if is_number else f"extra {i + 1}"
        matching[label] = free
    return np.array([matching[label] for label in labels.tolist()])
