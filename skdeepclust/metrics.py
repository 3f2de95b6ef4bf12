"""Scores of a clustering, and scorers for scikit-learn's `scoring=`.

A score is called with labels or with an estimator. A scorer is called as
``scorer(estimator, X, y)``, and higher is better. Pass the function itself, as in
``GridSearchCV(..., scoring=silhouette_scorer)``: scikit-learn does not know its name.

Scores with classes need the class of every sample. If some samples have no class,
score the others: with ``mask = ~np.isnan(y)``, the labels ``y[mask]`` and the clusters
``labels[mask]``.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import (
    adjusted_rand_score,
    davies_bouldin_score,
    normalized_mutual_info_score,
)
from sklearn.metrics.cluster import contingency_matrix

from skdeepclust._fitted import (
    as_samples,
    check_instance,
    check_labels,
    check_same_length,
    clustered_space,
    name_of,
)
from skdeepclust._sampling import is_scorable, silhouettes

__all__ = [
    "accuracy_scorer",
    "ari_scorer",
    "clustering_accuracy",
    "davies_bouldin_scorer",
    "latent_davies_bouldin",
    "latent_silhouette",
    "match_clusters",
    "nmi_scorer",
    "silhouette_scorer",
]

# Values of undefined scores, as with a single cluster. The Davies-Bouldin index has no
# upper bound; a finite value keeps the statistics of a search finite.
_WORST_SILHOUETTE = -1.0
_WORST_DAVIES_BOULDIN = 1e6


def clustering_accuracy(y_true, y_pred):
    """Accuracy under the best one-to-one match of clusters and classes.

    The Hungarian algorithm finds the match. If the numbers of clusters and classes
    differ, some clusters or classes have no match, and their samples count as wrong.
    So do samples that are in no cluster (label -1).

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Classes: whole numbers, strings or booleans, none missing.
    y_pred : array-like of shape (n_samples,)
        Clusters, likewise; -1 is no cluster.

    Returns
    -------
    accuracy : float
        Between 0 and 1, the higher the better.

    Raises
    ------
    TypeError
        If the labels of an input are of several types.
    ValueError
        If the inputs are empty, differ in length or have missing or continuous values.

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
        Cluster -> class. If the numbers of clusters and classes differ, the smaller
        of the two is the number of pairs. -1, no cluster, is never matched.

    Raises
    ------
    TypeError
        If the labels of an input are of several types.
    ValueError
        If the inputs are empty, differ in length or have missing or continuous values.

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

    The function is a scorer, too: ``scoring=latent_silhouette`` in a search.
    `silhouette_scorer` is another name for it.

    .. warning::
       A score in the embedding rewards collapse. Training pulls the points of a
       cluster together, and an embedding that has lost everything but its clusters
       scores best, whether the clusters are right or wrong. Compare clusterings of
       one embedding, never of two embeddings.

    Of more than 3,000 samples, a stratified sample is scored. The same clusters give
    the same sample.

    Parameters
    ----------
    estimator : fitted estimator, Pipeline or search
        Has `predict`. Distances are taken in the space that it clusters. For an
        estimator of this library this is the output of `transform`. For a clusterer of
        scikit-learn it is X, or the output of the steps before it in a pipeline.
    X : array-like
        Samples.
    y : Ignored
        Present for API consistency.

    Returns
    -------
    score : float
        Between -1 and 1, the higher the better. If the silhouette is undefined (a
        single cluster, or as many clusters as samples), -1, the worst value.

    Raises
    ------
    TypeError
        If the estimator is a class, None, or has no `predict`.
    ValueError
        If X or its embedding is not finite.

    Examples
    --------
    >>> from sklearn.cluster import KMeans
    >>> from skdeepclust.metrics import latent_silhouette
    >>> X = [[0.0], [1.0], [10.0], [11.0]]
    >>> round(latent_silhouette(KMeans(2, random_state=0).fit(X), X), 2)
    0.9
    """
    mean, _, _ = silhouettes(*_embedding_and_labels(estimator, X))
    return _WORST_SILHOUETTE if np.isnan(mean) else mean


def latent_davies_bouldin(estimator, X, y=None):
    """Davies-Bouldin index of the predicted clusters in the learned embedding.

    .. warning::
       A score in the embedding rewards collapse, as :func:`latent_silhouette` does.
       Compare clusterings of one embedding, never of two embeddings.

    Parameters
    ----------
    estimator : fitted estimator, Pipeline or search
        As for :func:`latent_silhouette`.
    X : array-like
        Samples.
    y : Ignored
        Present for API consistency.

    Returns
    -------
    index : float
        0 or more, the lower the better. If the index is undefined (a single cluster,
        or as many clusters as samples), 1e6, which is also its upper limit here.

    Raises
    ------
    TypeError
        If the estimator is a class, None, or has no `predict`.
    ValueError
        If X or its embedding is not finite.
    """
    Z, labels = _embedding_and_labels(estimator, X)
    if not is_scorable(labels):
        return _WORST_DAVIES_BOULDIN
    return min(float(davies_bouldin_score(Z, labels)), _WORST_DAVIES_BOULDIN)


def davies_bouldin_scorer(estimator, X, y=None):
    """Negative of :func:`latent_davies_bouldin`, so that higher is better.

    .. warning::
       A score in the embedding rewards collapse, as :func:`latent_silhouette` does.
       Compare clusterings of one embedding, never of two embeddings.

    Parameters
    ----------
    estimator : fitted estimator, Pipeline or search
        As for :func:`latent_silhouette`.
    X : array-like
        Samples.
    y : Ignored
        Present for API consistency.

    Returns
    -------
    score : float
        At most 0. If the index is undefined, -1e6.

    Raises
    ------
    TypeError
        If the estimator is a class, None, or has no `predict`.
    ValueError
        If X or its embedding is not finite.
    """
    return -latent_davies_bouldin(estimator, X)


# A scorer is called as scorer(estimator, X, y), and so is this function.
silhouette_scorer = latent_silhouette


def accuracy_scorer(estimator, X, y):
    """:func:`clustering_accuracy` of the predicted clusters, as a scorer.

    Parameters
    ----------
    estimator : fitted estimator, Pipeline or search
        Has `predict`.
    X : array-like
        Samples.
    y : array-like of shape (n_samples,)
        Classes: whole numbers, strings or booleans, none missing.

    Returns
    -------
    score : float
        Between 0 and 1, the higher the better.

    Raises
    ------
    TypeError
        If the estimator is a class, None, or has no `predict`, or if classes are of
        several types.
    ValueError
        If classes are missing or continuous, or if their number is not that of the
        samples.
    """
    return clustering_accuracy(*_classes_and_clusters(estimator, X, y))


def nmi_scorer(estimator, X, y):
    """Normalised mutual information of classes and predicted clusters, as a scorer.

    Parameters
    ----------
    estimator : fitted estimator, Pipeline or search
        Has `predict`.
    X : array-like
        Samples.
    y : array-like of shape (n_samples,)
        Classes: whole numbers, strings or booleans, none missing.

    Returns
    -------
    score : float
        Between 0 and 1, the higher the better.

    Raises
    ------
    TypeError
        If the estimator is a class, None, or has no `predict`, or if classes are of
        several types.
    ValueError
        If classes are missing or continuous, or if their number is not that of the
        samples.
    """
    labels = _classes_and_clusters(estimator, X, y)
    return float(normalized_mutual_info_score(*labels))


def ari_scorer(estimator, X, y):
    """Adjusted Rand index of classes and predicted clusters, as a scorer.

    Parameters
    ----------
    estimator : fitted estimator, Pipeline or search
        Has `predict`.
    X : array-like
        Samples.
    y : array-like of shape (n_samples,)
        Classes: whole numbers, strings or booleans, none missing.

    Returns
    -------
    score : float
        At most 1; 0 is that of chance.

    Raises
    ------
    TypeError
        If the estimator is a class, None, or has no `predict`, or if classes are of
        several types.
    ValueError
        If classes are missing or continuous, or if their number is not that of the
        samples.
    """
    labels = _classes_and_clusters(estimator, X, y)
    return float(adjusted_rand_score(*labels))


def _checked(y_true, y_pred):
    """Classes and clusters as arrays of one length, none missing."""
    y_true, y_pred = check_labels(y_true, "y_true"), check_labels(y_pred, "y_pred")
    check_same_length(y_true=y_true, y_pred=y_pred)
    if len(y_true) == 0:
        raise ValueError("y_true and y_pred are empty: there is nothing to score.")
    return y_true, y_pred


def _matched_table(y_true, y_pred):
    """Contingency table, the matched rows and columns, classes and clusters."""
    y_true, y_pred = _checked(y_true, y_pred)
    table = contingency_matrix(y_true, y_pred)
    clusters = np.unique(y_pred)
    is_number = clusters.dtype.kind in "if"
    known = np.flatnonzero(clusters != -1 if is_number else np.ones(len(clusters)))
    rows, columns = linear_sum_assignment(table[:, known], maximize=True)
    return table, rows, known[columns], np.unique(y_true), clusters


def _classes_and_clusters(estimator, X, y):
    """Classes and predicted clusters of the samples, checked."""
    _check_predicts(estimator, "clustering_accuracy(y, estimator.labels_)")
    X, y = as_samples(X), check_labels(y, "y")
    check_same_length(X=X, y=y)
    return _checked(y, estimator.predict(X))


def _check_predicts(estimator, instead):
    """Refuse what is no estimator, and an estimator without `predict`."""
    check_instance(estimator)
    if not hasattr(estimator, "predict"):
        raise TypeError(
            f"{name_of(estimator)} has no predict, so it has no clusters of new "
            f"samples. Score the samples of its fit instead: {instead}."
        )


def _embedding_and_labels(estimator, X):
    """Samples in the space that the estimator clusters, and their clusters."""
    _check_predicts(estimator, "sklearn.metrics.silhouette_score(X, estimator.labels_)")
    X = as_samples(X)
    Z = clustered_space(estimator, X)
    labels = check_labels(estimator.predict(X), "estimator.predict(X)")
    check_same_length(X=Z, labels=labels)
    return Z, labels
