"""Scores by hand, and scorers at the edges where scikit-learn raises."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.metrics import (
    adjusted_rand_score,
    davies_bouldin_score,
    normalized_mutual_info_score,
    silhouette_score,
)
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdeepclust import metrics


@pytest.mark.parametrize(
    ("y_true", "y_pred", "expected"),
    [
        ([0, 0, 1, 1], [1, 1, 0, 0], 1.0),
        ([0, 0, 1, 1], [0, 1, 0, 1], 0.5),
        # Three clusters for two classes: the third counts wrong.
        ([0, 0, 0, 1, 1, 1], [0, 0, 2, 1, 1, 1], 5 / 6),
        # One cluster for three classes: the largest class is matched.
        ([0, 0, 0, 1, 1, 2], [7, 7, 7, 7, 7, 7], 0.5),
        # Taking the largest pair first would give 3 + 0; the best is 2 + 2.
        ([0, 0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 0, 0], 4 / 7),
        (["a", "b", "b"], ["x", "y", "y"], 1.0),
        ([-1, -1, 5], [-1, -1, -1], 2 / 3),
    ],
)
def test_accuracy_by_hand(y_true, y_pred, expected):
    assert metrics.clustering_accuracy(y_true, y_pred) == pytest.approx(expected)


def test_accuracy_equals_the_best_of_all_permutations():
    from itertools import permutations

    rng = np.random.RandomState(0)
    y_true, y_pred = rng.randint(4, size=60), rng.randint(4, size=60)
    best = max(np.mean(np.take(p, y_pred) == y_true) for p in permutations(range(4)))
    assert metrics.clustering_accuracy(y_true, y_pred) == pytest.approx(best)


def test_accuracy_refuses_what_it_cannot_score():
    with pytest.raises(ValueError, match="inconsistent"):
        metrics.clustering_accuracy([0, 1], [0])
    with pytest.raises(ValueError, match="empty"):
        metrics.clustering_accuracy([], [])


def test_match_clusters():
    matching = metrics.match_clusters(["a", "a", "b", "b"], [3, 3, 1, 5])
    assert matching[3] == "a"
    assert len(matching) == 2


class Fixed(BaseEstimator):
    """Predicts what it is told."""

    def __init__(self, labels=()):
        self.labels = labels

    def fit(self, X, y=None):
        return self

    def predict(self, X):
        return np.asarray(self.labels)[: len(X)]


@pytest.fixture(scope="module")
def blobs():
    return make_blobs(100, centers=3, random_state=0)


def test_label_scorers(blobs):
    X, y = blobs
    labels = np.random.RandomState(0).randint(3, size=100)
    for name, score in [
        ("clustering_accuracy", metrics.clustering_accuracy),
        ("nmi", normalized_mutual_info_score),
        ("ari", adjusted_rand_score),
    ]:
        scorer = metrics.get_scorer(name)
        assert scorer(Fixed(labels), X, y) == pytest.approx(score(y, labels))


def test_label_free_scorers_ignore_y(blobs):
    X, y = blobs
    expected = silhouette_score(X, y)
    assert metrics.silhouette_scorer(Fixed(y), X) == pytest.approx(expected)
    assert metrics.silhouette_scorer(Fixed(y), X, y[::-1]) == pytest.approx(expected)
    expected = -davies_bouldin_score(X, y)
    assert metrics.davies_bouldin_scorer(Fixed(y), X) == pytest.approx(expected)


@pytest.mark.parametrize("labels", [np.zeros(10, int), np.arange(10)])
@pytest.mark.parametrize("name", ["latent_silhouette", "neg_latent_davies_bouldin"])
def test_undefined_scores_are_the_worst_and_finite(labels, name):
    X = np.random.RandomState(0).normal(size=(10, 2))
    good = np.repeat([0, 1], 5)
    scorer = metrics.get_scorer(name)
    worst = scorer(Fixed(labels), X)
    assert np.isfinite(worst)
    assert worst < scorer(Fixed(good), X)


def test_one_cluster_in_a_fold_does_not_stop_a_search(blobs):
    X, _ = blobs
    for name in ("latent_silhouette", "neg_latent_davies_bouldin"):
        search = GridSearchCV(
            KMeans(n_init=2, random_state=0),
            {"n_clusters": [1, 3]},
            scoring=metrics.get_scorer(name),
            error_score="raise",
        ).fit(X)
        assert search.best_params_ == {"n_clusters": 3}
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_silhouette_is_sampled_and_stratified():
    X, y = make_blobs([6000, 300, 30], centers=None, random_state=0)
    score = metrics.latent_silhouette(Fixed(y), X)
    assert score == metrics.latent_silhouette(Fixed(y), X)
    assert score == pytest.approx(silhouette_score(X, y), abs=0.03)
    Z, labels = metrics._sample(X, y, 3000)
    assert len(Z) == 3000
    shares = np.bincount(labels) / 3000
    np.testing.assert_allclose(shares, np.bincount(y) / len(y), atol=1e-3)


def test_space_of_a_pipeline_is_the_one_clustered():
    X, _ = make_blobs(90, centers=3, random_state=0)
    X *= [1, 1000]
    pipeline = make_pipeline(StandardScaler(), KMeans(3, n_init=2, random_state=0))
    pipeline.fit(X)
    expected = silhouette_score(StandardScaler().fit_transform(X), pipeline.predict(X))
    assert metrics.latent_silhouette(pipeline, X) == pytest.approx(expected)


def test_space_of_our_estimators_is_the_code(make_dcec, digits):
    X, _ = digits
    dcec = make_dcec().fit(X)
    expected = silhouette_score(dcec.transform(X), dcec.labels_)
    assert metrics.latent_silhouette(dcec, X) == pytest.approx(expected)
    assert dcec.score(X) == pytest.approx(expected)
    search = GridSearchCV(make_dcec(), {"gamma": [0.1]}, cv=2)
    for around in (
        make_pipeline(make_dcec()),
        make_pipeline("passthrough", make_pipeline("passthrough", make_dcec())),
        search,
    ):
        assert metrics.latent_silhouette(around.fit(X), X) == pytest.approx(expected)


def test_get_scorer():
    assert metrics.get_scorer("ari") is metrics.ari_scorer
    for name in metrics.get_scorer_names():
        assert callable(metrics.get_scorer(name))
    with pytest.raises(ValueError, match="there are"):
        metrics.get_scorer("accuracy")


def test_latent_scores_warn_in_their_docstrings():
    for function in (
        metrics.latent_silhouette,
        metrics.latent_davies_bouldin,
        metrics.silhouette_scorer,
        metrics.davies_bouldin_scorer,
    ):
        text = " ".join(function.__doc__.split())
        assert "collapse" in text
        assert "one embedding" in text
