"""Scores of a clustering, and scorers for scikit-learn's `scoring=`."""

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import (
    adjusted_rand_score,
    davies_bouldin_score,
    make_scorer,
    normalized_mutual_info_score,
    silhouette_score,
)
from sklearn.metrics.cluster import contingency_matrix
from sklearn.utils import check_consistent_length, column_or_1d, resample

from skdeepclust._fitted import clustered_space

__all__ = [
    "accuracy_scorer",
    "ari_scorer",
    "clustering_accuracy",
    "davies_bouldin_scorer",
    "get_scorer",
    "get_scorer_names",
    "latent_davies_bouldin",
    "latent_silhouette",
    "match_clusters",
    "nmi_scorer",
    "silhouette_scorer",
]

# Silhouettes take all pairs of points: above this many, a sample.
_MAX_SAMPLES = 3000

# What a score is where it is undefined, as with a single cluster. The Davies-Bouldin
# index has no upper bound; a finite value keeps the statistics of a search finite.
_WORST_SILHOUETTE = -1.0
_WORST_DAVIES_BOULDIN = 1e6


def clustering_accuracy(y_true, y_pred):
    """Accuracy under the best one-to-one match of clusters and classes.

    The match is found by the Hungarian algorithm. Where there are more clusters
    than classes, or fewer, the samples of those left unmatched count as wrong.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Classes, of any type.
    y_pred : array-like of shape (n_samples,)
        Clusters, of any type.

    Returns
    -------
    accuracy : float
        Between 0 and 1, the higher the better.

    References
    ----------
    .. [1] Y. Yang, D. Xu, F. Nie, S. Yan, Y. Zhuang, "Image clustering using local
       discriminant models and global integration", IEEE TIP 2010.

    Examples
    --------
    >>> from skdeepclust.metrics import clustering_accuracy
    >>> clustering_accuracy(["a", "a", "b", "b"], [1, 1, 0, 2])
    0.75
    """
    table, rows, columns, _, _ = _matched_table(y_true, y_pred)
    return float(table[rows, columns].sum() / table.sum())


def match_clusters(y_true, y_pred):
    """Match clusters to classes so that most samples agree.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Classes.
    y_pred : array-like of shape (n_samples,)
        Clusters.

    Returns
    -------
    matching : dict
        Cluster -> class, for as many pairs as the smaller number of the two.

    Examples
    --------
    >>> from skdeepclust.metrics import match_clusters
    >>> match_clusters(["a", "a", "b"], [1, 1, 0])
    {1: 'a', 0: 'b'}
    """
    _, rows, columns, classes, clusters = _matched_table(y_true, y_pred)
    return dict(zip(clusters[columns].tolist(), classes[rows].tolist(), strict=True))


def latent_silhouette(estimator, X, y=None):
    """Mean silhouette of the predicted clusters in the learned embedding.

    .. warning::
       A score in latent space rewards collapse: training pulls the points of a
       cluster together, and an embedding that has forgotten everything but its
       clusters scores best, right or wrong. Compare with it only clusterings of
       one embedding, never two embeddings.

    Above 3,000 samples a stratified sample of that size is scored, the same one
    each time.

    Parameters
    ----------
    estimator : fitted estimator, Pipeline or search
        Has `predict`. Distances are taken in the space that it clusters: the
        output of `transform` of an estimator of this library, or of the steps
        before the last of another pipeline, or X itself.
    X : array-like
        Samples.
    y : Ignored
        Present for API consistency.

    Returns
    -------
    score : float
        Between -1 and 1, the higher the better. -1, the worst value, where the
        silhouette is undefined (a single cluster, or as many as samples).
    """
    Z, labels = _embedding_and_labels(estimator, X)
    Z, labels = _sample(Z, labels, _MAX_SAMPLES)
    if not _is_scorable(labels):
        return _WORST_SILHOUETTE
    return float(silhouette_score(Z, labels))


def latent_davies_bouldin(estimator, X, y=None):
    """Davies-Bouldin index of the predicted clusters in the learned embedding.

    .. warning::
       A score in latent space rewards collapse: training pulls the points of a
       cluster together, and an embedding that has forgotten everything but its
       clusters scores best, right or wrong. Compare with it only clusterings of
       one embedding, never two embeddings.

    Parameters
    ----------
    estimator : fitted estimator or Pipeline
        As for :func:`latent_silhouette`.
    X : array-like
        Samples.
    y : Ignored
        Present for API consistency.

    Returns
    -------
    index : float
        From 0 upwards, the lower the better. 1e6, the worst value given, where the
        index is undefined (a single cluster, or as many as samples).
    """
    Z, labels = _embedding_and_labels(estimator, X)
    if not _is_scorable(labels):
        return _WORST_DAVIES_BOULDIN
    return min(float(davies_bouldin_score(Z, labels)), _WORST_DAVIES_BOULDIN)


def silhouette_scorer(estimator, X, y=None):
    """Score by :func:`latent_silhouette`: the higher the better, y ignored.

    .. warning::
       Latent-space scores reward collapse; compare only within one embedding.

    Parameters
    ----------
    estimator : fitted estimator or Pipeline
        As for :func:`latent_silhouette`.
    X : array-like
        Samples.
    y : Ignored
        Present for API consistency.

    Returns
    -------
    score : float
        Between -1 and 1; -1 where it is undefined.
    """
    return latent_silhouette(estimator, X)


def davies_bouldin_scorer(estimator, X, y=None):
    """Score by minus :func:`latent_davies_bouldin`: the higher the better.

    .. warning::
       Latent-space scores reward collapse; compare only within one embedding.

    Parameters
    ----------
    estimator : fitted estimator or Pipeline
        As for :func:`latent_silhouette`.
    X : array-like
        Samples.
    y : Ignored
        Present for API consistency.

    Returns
    -------
    score : float
        At most 0; -1e6 where it is undefined.
    """
    return -latent_davies_bouldin(estimator, X)


accuracy_scorer = make_scorer(clustering_accuracy)
nmi_scorer = make_scorer(normalized_mutual_info_score)
ari_scorer = make_scorer(adjusted_rand_score)

_SCORERS = {
    "clustering_accuracy": accuracy_scorer,
    "nmi": nmi_scorer,
    "ari": ari_scorer,
    "latent_silhouette": silhouette_scorer,
    "neg_latent_davies_bouldin": davies_bouldin_scorer,
}


def get_scorer_names():
    """Names that :func:`get_scorer` knows.

    Returns
    -------
    names : list of str
        The names, sorted.

    Examples
    --------
    >>> from skdeepclust.metrics import get_scorer_names
    >>> get_scorer_names()
    ['ari', 'clustering_accuracy', 'latent_silhouette', 'neg_latent_davies_bouldin', \
'nmi']
    """
    return sorted(_SCORERS)


def get_scorer(name):
    """Get a scorer by its name, for `scoring=` of scikit-learn's searches.

    Parameters
    ----------
    name : str
        "clustering_accuracy", "nmi" and "ari" compare with y; "latent_silhouette"
        and "neg_latent_davies_bouldin" do without.

    Returns
    -------
    scorer : callable
        Called as ``scorer(estimator, X, y)``, the higher the better.

    Examples
    --------
    >>> from skdeepclust.metrics import get_scorer
    >>> get_scorer("ari")
    make_scorer(adjusted_rand_score, response_method='predict')
    """
    if name not in _SCORERS:
        raise ValueError(f"{name!r} is no scorer; there are {get_scorer_names()}.")
    return _SCORERS[name]


def _matched_table(y_true, y_pred):
    y_true, y_pred = column_or_1d(y_true), column_or_1d(y_pred)
    check_consistent_length(y_true, y_pred)
    if len(y_true) == 0:
        raise ValueError("y_true and y_pred are empty: there is nothing to score.")
    table = contingency_matrix(y_true, y_pred)
    rows, columns = linear_sum_assignment(table, maximize=True)
    return table, rows, columns, np.unique(y_true), np.unique(y_pred)


def _embedding_and_labels(estimator, X):
    """The points in the space that was clustered, and their clusters."""
    labels = np.asarray(estimator.predict(X))
    return clustered_space(estimator, X), labels


def _is_scorable(labels):
    return 2 <= len(np.unique(labels)) < len(labels)


def _sample(Z, labels, max_samples):
    if len(Z) <= max_samples:
        return Z, labels
    return resample(
        Z,
        labels,
        replace=False,
        n_samples=max_samples,
        random_state=0,
        stratify=labels,
    )
