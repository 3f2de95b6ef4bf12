"""Scores by hand, and scorers at the edges where scikit-learn raises."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from sklearn.base import BaseEstimator
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.datasets import make_blobs
from sklearn.exceptions import NotFittedError
from sklearn.metrics import (
    adjusted_rand_score,
    davies_bouldin_score,
    normalized_mutual_info_score,
    silhouette_score,
)
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdeepclust import DCEC, metrics
from skdeepclust._sampling import silhouettes


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
        ([-1, -1, 5], [3, 3, 3], 2 / 3),
        # -1 is no cluster, and is matched to no class.
        ([0, 0, 1, 1], [-1, -1, 0, 0], 0.5),
        ([0, 0, 1], [-1.0, -1.0, -1.0], 0.0),
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


NAN = float("nan")

WRONG_LABELS = {
    "NaN": ([0, 1, NAN], ValueError, "Input {} contains NaN.*labelled samples only"),
    "array": (np.array([0, 1, NAN]), ValueError, "Input {} contains NaN"),
    "strings": (["a", NAN, "b"], ValueError, "Input {} contains NaN or None"),
    "None": (["a", None, "b"], ValueError, "Input {} contains NaN or None"),
    "NA": (pd.Series([0, pd.NA, 1], dtype="Int64"), ValueError, "Input {} contains"),
    "category": (pd.Series(["a", None, "b"], dtype="category"), ValueError, "Input {}"),
    "string": (pd.Series(["a", None, "b"], dtype="string"), ValueError, "Input {} con"),
    "NaT": (np.array(["NaT", "2020", "2021"], "M8[D]"), ValueError, "Input {} con"),
    "masked": (np.ma.array([0, 1, 1], mask=[0, 1, 0]), ValueError, "{} contains mask"),
    "infinite": ([0, 1, np.inf], ValueError, "Input {} contains infinity"),
    "continuous": ([0.5, 1, 2], ValueError, "label type: continuous. {} holds 0.5"),
    "mixed": (["a", 1, 2], TypeError, "{} mixes labels of several types: number, str"),
    "one-hot": (np.eye(3), ValueError, r"{} should be a 1d .*pass {}.argmax\(axis=1\)"),
    "3-D": (np.zeros((3, 1, 1)), ValueError, r"{} should be a 1d .*\(3, 1, 1\)"),
    "sparse": (scipy.sparse.csr_matrix([0, 1, 1]), TypeError, "{} is sparse. Pass"),
    "nothing": (None, ValueError, "{} should be a 1d array.*got NoneType"),
    "word": ("abc", ValueError, "{} should be a 1d array .* got str"),
    "complex": (np.array([1j, 2, 3]), TypeError, "{} of type complex128 cannot be"),
    "short": ([0, 1], ValueError, "inconsistent numbers of samples.*{} has 2"),
}


@pytest.mark.parametrize("kind", WRONG_LABELS)
@pytest.mark.parametrize("score", [metrics.clustering_accuracy, metrics.match_clusters])
def test_wrong_labels_are_refused_by_name(score, kind):
    labels, error, message = WRONG_LABELS[kind]
    with pytest.raises(error, match=message.format("y_true", "y_true")):
        score(labels, [0, 1, 1])
    with pytest.raises(error, match=message.format("y_pred", "y_pred")):
        score([0, 1, 1], labels)


@pytest.mark.parametrize(
    "labels",
    [
        [0, 1, 1],
        [0.0, 1.0, 1.0],
        [[0], [1], [1]],
        [True, False, False],
        ["a", "b", "b"],
        [torch.tensor(0), torch.tensor(1), torch.tensor(1)],
        torch.tensor([0.0, 1.0, 1.0], requires_grad=True),
        pd.Series([0, 1, 1], dtype="Int64"),
        pd.Series(["a", "b", "b"], dtype="category"),
        np.array([0, 1, 1], dtype=object),
        np.array(["2020", "2021", "2021"], "M8[Y]"),
    ],
)
def test_labels_of_any_type(labels):
    assert metrics.clustering_accuracy(labels, [5, 7, 7]) == 1
    assert metrics.clustering_accuracy([5, 7, 7], labels) == 1
    assert set(metrics.match_clusters([5, 7, 7], labels).values()) == {5, 7}


def test_matches_of_nullable_integers_are_integers():
    matching = metrics.match_clusters(pd.Series([0, 1], dtype="Int64"), [5, 6])
    assert matching == {5: 0, 6: 1}
    assert all(isinstance(label, int) for label in matching.values())


@pytest.mark.parametrize("name", ["accuracy_scorer", "nmi_scorer", "ari_scorer"])
def test_scorers_refuse_missing_and_continuous_classes(name):
    scorer, X = getattr(metrics, name), np.zeros((3, 1))
    for y, message in [([0, 1, NAN], "Input y contains NaN"), ([0.5, 1, 2], "continu")]:
        with pytest.raises(ValueError, match=message):
            scorer(Fixed([0, 1, 1]), X, y)
    with pytest.raises(ValueError, match="y should be .* got NoneType"):
        scorer(Fixed([0, 1, 1]), X, None)
    with pytest.raises(ValueError, match="X has 3, y has 2"):
        scorer(Fixed([0, 1, 1]), X, [0, 1])


@pytest.mark.parametrize("name", ["accuracy_scorer", "nmi_scorer", "ari_scorer"])
def test_scorers_refuse_what_is_no_fitted_estimator(name):
    scorer, X, y = getattr(metrics, name), np.zeros((3, 1)), [0, 1, 1]
    for estimator, message in [
        (None, "estimator must be an estimator, .* got None"),
        (KMeans, "estimator is the class KMeans"),
        (AgglomerativeClustering(2), "AgglomerativeClustering has no predict"),
    ]:
        with pytest.raises(TypeError, match=message):
            scorer(estimator, X, y)
    with pytest.raises(NotFittedError):
        scorer(KMeans(2), X, y)
    with pytest.raises(ValueError, match="X must be an array"):
        scorer(Fixed(y), None, y)


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
    for scorer, score in [
        (metrics.accuracy_scorer, metrics.clustering_accuracy),
        (metrics.nmi_scorer, normalized_mutual_info_score),
        (metrics.ari_scorer, adjusted_rand_score),
    ]:
        assert scorer(Fixed(labels), X, y) == pytest.approx(score(y, labels))


def test_label_free_scorers_ignore_y(blobs):
    X, y = blobs
    expected = silhouette_score(X, y)
    assert metrics.silhouette_scorer(Fixed(y), X) == pytest.approx(expected)
    assert metrics.silhouette_scorer(Fixed(y), X, y[::-1]) == pytest.approx(expected)
    expected = -davies_bouldin_score(X, y)
    assert metrics.davies_bouldin_scorer(Fixed(y), X) == pytest.approx(expected)


LABEL_FREE = pytest.mark.parametrize(
    "scorer",
    [metrics.silhouette_scorer, metrics.davies_bouldin_scorer],
    ids=["silhouette", "davies_bouldin"],
)


@pytest.mark.parametrize("labels", [np.zeros(10, int), np.arange(10)])
@LABEL_FREE
def test_undefined_scores_are_the_worst_and_finite(labels, scorer):
    X = np.random.RandomState(0).normal(size=(10, 2))
    good = np.repeat([0, 1], 5)
    worst = scorer(Fixed(labels), X)
    assert np.isfinite(worst)
    assert worst < scorer(Fixed(good), X)


@LABEL_FREE
def test_one_cluster_in_a_fold_does_not_stop_a_search(blobs, scorer):
    search = GridSearchCV(
        KMeans(n_init=2, random_state=0),
        {"n_clusters": [1, 3]},
        scoring=scorer,
        error_score="raise",
    ).fit(blobs[0])
    assert search.best_params_ == {"n_clusters": 3}
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_silhouette_is_sampled_and_stratified():
    X, y = make_blobs([3500, 170, 20], centers=None, random_state=0)
    score = metrics.latent_silhouette(Fixed(y), X)
    assert score == metrics.latent_silhouette(Fixed(y), X)
    assert score == pytest.approx(silhouette_score(X, y), abs=0.03)
    mean, values, indices = silhouettes(X, y)
    assert score == mean
    assert len(values) == 3000
    # The two large clusters are drawn in proportion, the rare one in full.
    shares = np.bincount(y[indices]) / 3000
    np.testing.assert_allclose(shares[:2], [3500 / 3690, 170 / 3690], atol=0.03)
    assert (y[indices] == 2).sum() == 20


def test_space_of_a_pipeline_is_the_one_clustered():
    X, _ = make_blobs(90, centers=3, random_state=0)
    X *= [1, 1000]
    pipeline = make_pipeline(StandardScaler(), KMeans(3, n_init=2, random_state=0))
    pipeline.fit(X)
    expected = silhouette_score(StandardScaler().fit_transform(X), pipeline.predict(X))
    assert metrics.latent_silhouette(pipeline, X) == pytest.approx(expected)


def test_space_of_our_estimators_is_the_embedding(make_dcec, digits):
    X, _ = digits
    short = {"pretrain_epochs": 1, "max_iter": 5, "image_shape": (8, 8)}
    unfitted = make_dcec(**short)
    dcec = make_dcec(**short).fit(X)
    expected = silhouette_score(dcec.transform(X), dcec.labels_)
    assert metrics.latent_silhouette(dcec, X) == pytest.approx(expected)
    scoring = metrics.silhouette_scorer
    search = GridSearchCV(unfitted, {"gamma": [0.1]}, scoring=scoring, cv=2)
    for around in (
        make_pipeline(unfitted),
        make_pipeline("passthrough", make_pipeline("passthrough", unfitted)),
        search,
    ):
        assert metrics.latent_silhouette(around.fit(X), X) == pytest.approx(expected)


def test_the_silhouette_is_its_own_scorer():
    assert metrics.silhouette_scorer is metrics.latent_silhouette


@pytest.mark.parametrize("name", ["latent_silhouette", "silhouette_scorer", "nmi"])
def test_scorers_have_no_names_in_a_search(make_dcec, digits, name, monkeypatch):
    def fit(self, X, y=None):
        raise AssertionError("trained in spite of the wrong scoring")

    monkeypatch.setattr(DCEC, "fit", fit)
    search = GridSearchCV(make_dcec(), {"gamma": [0.1]}, scoring=name, cv=2)
    with pytest.raises(ValueError, match="must be a str among") as raised:
        search.fit(digits[0])
    assert "'adjusted_rand_score'" in str(raised.value)
    assert name in str(raised.value)


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


@LABEL_FREE
def test_scores_want_an_instance_that_predicts(scorer, blobs):
    X, _ = blobs
    with pytest.raises(TypeError, match="estimator is the class KMeans. Pass an inst"):
        scorer(KMeans, X)
    with pytest.raises(TypeError, match="estimator must be .* got None"):
        scorer(None, X)
    with pytest.raises(TypeError, match="AgglomerativeClustering has no predict"):
        scorer(AgglomerativeClustering(3).fit(X), X)
    with pytest.raises(ValueError, match="inconsistent .*X has 100, labels has 50"):
        scorer(Fixed(np.arange(50)), X)


@LABEL_FREE
def test_an_embedding_of_nan_is_not_blamed_on_X(scorer, blobs):
    class Damaged(Fixed):
        def transform(self, X):
            return np.full((len(X), 2), np.nan)

    X, y = blobs
    with pytest.raises(ValueError, match=r"Damaged.transform\(X\) contains NaN"):
        scorer(Damaged(y), X)


@LABEL_FREE
def test_scores_take_tensors_with_gradients(scorer, blobs):
    X, _ = blobs
    tensor = torch.tensor(X, requires_grad=True)
    kmeans = KMeans(3, random_state=0).fit(X)
    assert scorer(kmeans, tensor) == scorer(kmeans, X) == scorer(kmeans, list(tensor))
