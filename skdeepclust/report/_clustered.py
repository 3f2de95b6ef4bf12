"""What a report shows of a fitted estimator: clusters, confidences, points."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.manifold import TSNE

from skdeepclust._base import SoftClusterer
from skdeepclust._fitted import (
    as_samples,
    check_labels,
    clustered_space,
    clusters_of,
    last_step,
    name_of,
)
from skdeepclust._geometry import nearest
from skdeepclust._sampling import stratified_sample
from skdeepclust.displays._projection import project, projection_name
from skdeepclust.inspection import _distances, _probabilities

__all__ = [
    "Clustered",
    "clustered",
    "merge_suggestions",
    "model_digest",
    "place_points",
    "steps_of",
    "stratified_shown",
]

# "auto" runs t-SNE for so many samples, and places the others beside their neighbours.
_MOST_TSNE = 1000
_TSNE_STEPS = 500
_N_NEIGHBORS = 3

# Samples of a cluster that are kept at each end: the nearest and the least certain.
_KEPT = 24

# Most pairs of clusters suggested for merging, and the least overlap.
_MOST_SUGGESTIONS, _LEAST_OVERLAP = 6, 0.15


@dataclass
class Clustered:
    """Samples and their clusters.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, width)
        Samples in the space that was clustered.
    labels : ndarray of shape (n_samples,)
        Clusters; -1 is noise.
    confidence, distance : ndarray of shape (n_samples,)
        As in :func:`~skdeepclust.inspection.cluster_table`; NaN for noise.
    second : ndarray of shape (n_samples,)
        Second choice; -1 if there is none.
    proba : ndarray of shape (n_samples, n_clusters) or None
        Soft assignments, if the estimator has them.
    """

    Z: np.ndarray
    labels: np.ndarray
    confidence: np.ndarray
    distance: np.ndarray
    second: np.ndarray
    proba: np.ndarray | None


def steps_of(estimator, X):
    """The steps of an estimator, and the samples on their way through them.

    Parameters
    ----------
    estimator : fitted estimator, Pipeline or search
        The estimator.
    X : array-like
        Samples, as it takes them.

    Returns
    -------
    steps : list of estimator
        Steps, without those that do nothing, also of pipelines in pipelines.
    stages : list of array-like
        Input of every step: X first, then the output of the steps before the last.
    """
    if hasattr(estimator, "best_estimator_"):
        return steps_of(estimator.best_estimator_, X)
    X = as_samples(X)
    inner = getattr(estimator, "steps", None)
    if inner is None:
        return [estimator], [X]
    steps, stages = [], [X]
    for _, step in inner[:-1]:
        if step is not None and step != "passthrough":
            steps.append(step)
            stages.append(as_samples(step.transform(stages[-1])))
    last_steps, last_stages = steps_of(inner[-1][1], stages[-1])
    return steps + last_steps, stages[:-1] + last_stages


def clustered(estimator, X):
    """Clusters of the samples, with a single pass per question to the estimator.

    Parameters
    ----------
    estimator : fitted clusterer
        No pipeline: see :func:`steps_of`.
    X : array-like
        Its input.

    Returns
    -------
    found : Clustered
        The clusters.

    Raises
    ------
    TypeError
        If the estimator has no clusters, or if they are not whole numbers.
    """
    name = name_of(estimator)
    proba = _probabilities(estimator, X)
    if isinstance(estimator, SoftClusterer) and proba is not None:
        labels = proba.argmax(axis=1)  # what its predict does
    else:
        labels = clusters_of(estimator, X)
    if labels is None:
        raise TypeError(f"{name} has no clusters: pass a clusterer.")
    labels = check_labels(labels, f"{name}.predict(X)")
    if labels.dtype.kind not in "iuf":
        raise TypeError(
            f"{name} predicts labels of type {labels.dtype}, but clusters are whole "
            "numbers. Pass a clusterer."
        )
    labels = np.maximum(labels.astype(np.int64), -1)
    Z = clustered_space(estimator, X)
    distance, confidence, second = _distances(estimator, Z, labels)
    if proba is not None:
        confidence = proba.max(axis=1)
        if proba.shape[1] > 1:
            second = np.argsort(-proba, axis=1, kind="stable")[:, 1]
    is_noise = labels < 0
    return Clustered(
        Z,
        labels,
        np.where(is_noise, np.nan, confidence),
        np.where(is_noise, np.nan, distance),
        np.asarray(second, dtype=np.int64),
        proba,
    )


def stratified_shown(found, max_images, random_state):
    """Samples that the page shows, sorted by cluster and distance.

    Of every cluster the samples nearest to its centre and the least certain ones are
    always among them. The others are drawn in proportion to the sizes.

    Parameters
    ----------
    found : Clustered
        The clusters.
    max_images : int
        Most samples to show. More clusters than that have two samples each.
    random_state : int or RandomState instance
        Seed of the draw.

    Returns
    -------
    shown : ndarray of shape (n_shown,)
        Positions of the samples.
    """
    labels = found.labels
    shown = np.arange(len(labels))
    if len(labels) > max_images:
        clusters = np.unique(labels)
        n_kept = int(np.clip(max_images // (4 * len(clusters)), 1, _KEPT))
        ends: list[np.ndarray] = []
        for cluster in clusters:
            own = np.flatnonzero(labels == cluster)
            ends.append(own[np.argsort(found.distance[own], kind="stable")[:n_kept]])
            ends.append(own[np.argsort(found.confidence[own], kind="stable")[:n_kept]])
        kept = np.unique(np.concatenate(ends))
        others = np.setdiff1d(shown, kept)
        n_free = max_images - len(kept)
        if n_free >= len(clusters):
            drawn = stratified_sample(labels[others], n_free, random_state)
            kept = np.concatenate([kept, others[drawn]])
        shown = np.sort(kept)
    return shown[np.lexsort((found.distance[shown], labels[shown]))]


def place_points(projection, Z, labels, random_state):
    """Points of the map.

    Parameters
    ----------
    projection : {"auto", "tsne", "pca"}, transformer or ndarray of shape (n, 2)
        How to project. "auto" is t-SNE; of many samples some are projected, and the
        others are placed between their nearest neighbours among these.
    Z : ndarray of shape (n, width)
        Samples.
    labels : ndarray of shape (n,)
        Clusters, for the choice of the samples that "auto" projects.
    random_state : int or RandomState instance
        Seed.

    Returns
    -------
    points : ndarray of shape (n, 2)
        Points.
    caption : str
        How they were made.
    """
    if isinstance(projection, np.ndarray):
        return projection, "Points as they were passed."
    if Z.shape[1] == 1:
        heights = np.random.RandomState(0).uniform(size=len(Z)) * np.ptp(Z) / 2
        caption = "The embedding has one dimension: heights are random."
        return np.column_stack([Z[:, 0], heights]), caption
    if isinstance(projection, str) and projection == "auto":
        return _landmark_tsne(Z, labels, random_state)
    points, _ = project(projection, Z, None, random_state)
    return points, f"{projection_name(projection)} of the space that was clustered."


def _landmark_tsne(Z, labels, random_state):
    """t-SNE of a sample; the others lie between their nearest neighbours in it."""
    chosen = stratified_sample(labels, _MOST_TSNE, random_state)
    spread = np.ptp(Z, axis=0).max() if len(Z) else 0
    if len(chosen) < 4 or not spread > 1e-6 * np.abs(Z).max():
        points = np.zeros((len(Z), 2))
        points[:, : min(2, Z.shape[1])] = Z[:, :2]
        return points, "The first two dimensions of the space that was clustered."
    F = np.ascontiguousarray(Z, dtype=np.float32)
    tsne = TSNE(
        perplexity=min(30, (len(chosen) - 1) / 3),
        init="pca",
        max_iter=_TSNE_STEPS,
        random_state=random_state,
    )
    landmarks = tsne.fit_transform(F[chosen])
    if len(chosen) == len(Z):
        return landmarks, "t-SNE of the space that was clustered."
    distances, index = nearest(F, F[chosen], _N_NEIGHBORS)
    weights = 1 / np.maximum(distances, 1e-9 * distances.max()) ** 2
    weights /= weights.sum(axis=1, keepdims=True)
    points = (landmarks[index] * weights[:, :, None]).sum(axis=1)
    points[chosen] = landmarks
    caption = (
        f"t-SNE of {len(chosen):,} samples in the space that was clustered; the others "
        "lie between their nearest neighbours among these."
    )
    return points, caption


def _next_merges(history, names, overlap):
    """Pairs of a history of merges whose clusters are there, as those of overlaps."""
    position = {int(name): row for row, name in enumerate(names)}
    pairs = [step["clusters"] for step in history]
    rows = [(position[a], position[b]) for a, b in pairs if {a, b} <= {*position}]
    return [(-overlap[a, b], a, b) for a, b in rows]


def merge_suggestions(found, history=()):
    """Pairs of clusters that were to be merged next, or that are confused most.

    The overlap of two clusters is the mass of soft assignment that their members give
    to the other cluster, divided by the mass that they give to their own. It is 0 for
    clusters apart and 1 for clusters that cannot be told apart. Without soft
    assignments, those of fuzzy c-means with the fuzzifier 1.5 are taken: a member gives
    one to its own cluster, and to its second choice the fourth power of the distance to
    the own centre divided by the distance to the second.

    Parameters
    ----------
    found : Clustered
        The clusters.
    history : list of dicts, default=()
        `merge_history_` of an estimator that has one: its pairs come instead, in its
        order.

    Returns
    -------
    pairs : list of (int, int, float)
        Two clusters and their overlap, the largest first without a `history`. Two
        clusters alone are not suggested: merged, they would be none.
    """
    names = np.unique(found.labels[found.labels >= 0])
    if len(names) < 3:
        return []
    mass = np.zeros((len(names), len(names)))
    for row, cluster in enumerate(names):
        own = found.labels == cluster
        if found.proba is not None and names[-1] < found.proba.shape[1]:
            mass[row] = found.proba[own][:, names].mean(axis=0)
            continue
        second, doubt = found.second[own], (1 - found.confidence[own]) ** 4
        mass[row] = [doubt[second == other].sum() / own.sum() for other in names]
        mass[row, row] = 1
    own_mass = np.diag(mass)
    with np.errstate(invalid="ignore", divide="ignore"):
        overlap = (mass + mass.T) / (own_mass[:, None] + own_mass)
    first, second = np.triu_indices(len(names), 1)
    pairs = sorted(zip(-overlap[first, second], first, second, strict=True))
    if history:
        pairs = _next_merges(history, names, overlap)
    return [
        (int(names[a]), int(names[b]), float(min(1.0, -value)))
        for value, a, b in pairs[:_MOST_SUGGESTIONS]
        if -value >= _LEAST_OVERLAP
    ]


def model_digest(estimator: Any) -> str | None:
    """Digest of a fitted clusterer, or None if it has neither labels nor centres.

    Another fit, such as one with another seed, numbers its clusters in another way:
    names given to the clusters of one fit are wrong for the other.
    """
    last = last_step(estimator)
    for attribute in ("labels_", "cluster_centers_", "means_"):
        values = getattr(last, attribute, None)
        if values is not None:
            values = np.asarray(values)
            is_whole = values.dtype.kind in "iu"
            values = values.astype("<i8" if is_whole else "<f8")
            return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
    return None
