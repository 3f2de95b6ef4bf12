"""Scores of several runs, without labels."""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdeepclust._fitted import (
    as_samples,
    check_instance,
    clustered_space,
    clusters_of,
    count_samples,
)
from skdeepclust._sampling import check_seed, pooled_silhouettes
from skdeepclust.consensus._votes import agreement_of_runs

__all__ = ["agreement_scores", "pooled_scores", "scored_samples"]

_MAX_SAMPLES = 2000


def agreement_scores(runs: Any, X: Any) -> NDArray[np.float64]:
    """Score several fitted runs without labels, by their agreement with each other.

    The run with the largest score is the one to take if it has to be one. Over the
    fourteen sets of ``benchmarks/consensus.py`` whose runs differ it lost 1.6 points of
    accuracy against the best run, where a random choice loses 2.4 and the highest
    pooled score 2.7. It follows the majority: an error that most runs make is not seen.

    Parameters
    ----------
    runs : list of fitted estimators
        Clusterers that were fitted to X, or that can predict it.
    X : array-like of shape (n_samples, ...)
        Samples.

    Returns
    -------
    scores : ndarray of shape (n_runs,)
        Mean adjusted Rand index with the other runs. The larger, the better. NaN for a
        single run.

    Raises
    ------
    TypeError
        If `runs` is no list of fitted clusterers.
    ValueError
        If `runs` is empty.

    See Also
    --------
    ConsensusClustering : What the runs have in common; `best_run_` is by this score.

    Examples
    --------
    >>> from sklearn.cluster import KMeans
    >>> from sklearn.datasets import make_blobs
    >>> from skdeepclust.consensus import agreement_scores
    >>> X, _ = make_blobs(300, centers=4, random_state=0)
    >>> runs = [KMeans(4, n_init=1, random_state=i).fit(X) for i in range(5)]
    >>> best = runs[agreement_scores(runs, X).argmax()]
    """
    ari = agreement_of_runs(_clusters_of_runs(runs, as_samples(X)))
    if len(ari) == 1:
        return np.array([np.nan])
    return (ari.sum(axis=1) - 1) / (len(ari) - 1)


def pooled_scores(
    runs: Any, X: Any, *, max_samples: int = _MAX_SAMPLES, random_state: int = 0
) -> NDArray[np.float64]:
    """Score several fitted runs without labels, each in the embeddings of all runs.

    A run scored in its own embedding is judged by what it has itself arranged. Here the
    clusters of a run have their silhouette in the embedding of every run, and the mean
    counts [1]_.

    It is no reliable choice among runs. On fifteen sets of ``benchmarks/consensus.py``
    its rank correlation with the NMI was between -.59 and +.83, and the run with the
    highest score lost more accuracy than a random one: see :func:`agreement_scores`.

    Parameters
    ----------
    runs : list of fitted estimators
        Clusterers that were fitted to X, or that can predict it. The embedding of a run
        is the output of its `transform`; clusterers of scikit-learn cluster X itself.
    X : array-like of shape (n_samples, ...)
        Samples.
    max_samples : int, default=2000
        Number of samples, drawn at random, that the silhouettes are computed from.
    random_state : int, default=0
        Seed of the draw.

    Returns
    -------
    scores : ndarray of shape (n_runs,)
        Mean silhouette, from -1 to 1: the larger, the further apart are the clusters.
        NaN for a run with a single cluster.

    Raises
    ------
    TypeError
        If `runs` is no list of fitted clusterers.
    ValueError
        If `runs` is empty or `max_samples` is below 2.

    References
    ----------
    .. [1] Z. Wang, J. Ye, "Adaptive clustering evaluation: deep clustering evaluation
       without labels", arXiv:2403.14830, 2024.

    Examples
    --------
    >>> from sklearn.cluster import KMeans
    >>> from sklearn.datasets import make_blobs
    >>> from skdeepclust.consensus import pooled_scores
    >>> X, _ = make_blobs(300, centers=4, random_state=0)
    >>> runs = [KMeans(k, random_state=0).fit(X) for k in (2, 4, 8)]
    >>> pooled_scores(runs, X).shape
    (3,)
    """
    if not isinstance(max_samples, Integral):
        raise TypeError(f"max_samples={max_samples!r} should be a whole number.")
    if max_samples < 2:
        raise ValueError(f"max_samples={max_samples} should be at least 2.")
    check_seed(random_state)
    X = as_samples(X)
    found = _clusters_of_runs(runs, X)
    chosen = scored_samples(count_samples(X), max_samples, random_state)
    return pooled_silhouettes(
        np.stack([labels[chosen] for labels in found]),
        (clustered_space(run, X)[chosen] for run in runs),
    ).mean(axis=1)


def _clusters_of_runs(runs, X):
    if not isinstance(runs, list | tuple):
        raise TypeError(f"runs must be a list of fitted clusterers, got {runs!r}.")
    if not runs:
        raise ValueError("runs is empty. Pass a list of fitted clusterers.")
    for i, run in enumerate(runs):
        check_instance(run, f"runs[{i}]")
    found = [clusters_of(run, X) for run in runs]
    for run, labels in zip(runs, found):
        if labels is None:
            raise TypeError(f"{run!r} finds no clusters. Pass fitted clusterers.")
    return found


def scored_samples(n_samples, max_samples=_MAX_SAMPLES, random_state=0):
    """Positions of the samples that silhouettes are computed from."""
    rng = np.random.RandomState(random_state)
    return rng.permutation(n_samples)[:max_samples]
