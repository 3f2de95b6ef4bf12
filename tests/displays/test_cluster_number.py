"""Numbers of clusters: what is fitted, shared and scored."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.pipeline import Pipeline, make_pipeline

from skdeepclust import DCEC, Autoencoder, ClusterCollapseWarning
from skdeepclust.displays import (
    ClusterNumberDisplay,
)


@pytest.fixture
def fits(monkeypatch):
    """Parameters of every fit of a DCEC, and epochs of every pretraining."""
    seen, fit, pretrain = [], DCEC.fit, Autoencoder._fit

    def recorded(self, X, y=None):
        seen.append(dict(self.get_params(deep=False)))
        return fit(self, X, y)

    def recorded_pretraining(self, *args):
        seen[-1]["epochs"] = self.max_epochs
        return pretrain(self, *args)

    monkeypatch.setattr(DCEC, "fit", recorded)
    monkeypatch.setattr(Autoencoder, "_fit", recorded_pretraining)
    return seen


@pytest.mark.filterwarnings("ignore")
def test_one_pretraining_for_all_numbers(fits, digits, tmp_path, tiny_dcec):
    X = digits[0][:100]
    dcec = DCEC(4, **{**tiny_dcec, "max_iter": 5}, memory=str(tmp_path))
    display = ClusterNumberDisplay.from_estimator(
        dcec, X, n_clusters=[5, 2, 3], n_seeds=2
    )
    assert [f["epochs"] for f in fits] == [2] + [0] * 6
    assert [f["max_iter"] for f in fits] == [0] + [5] * 6
    assert [f["n_clusters"] for f in fits] == [4, 2, 2, 3, 3, 5, 5]
    assert all(f["memory"] is None for f in fits[1:])
    seeds = [f["random_state"] for f in fits[1:]]
    assert seeds == seeds[:2] * 3
    assert len(set(seeds)) == 2
    assert display.n_clusters.tolist() == [2, 3, 5]
    assert display.scores.shape == (3, 2)
    assert display.stabilities.shape == (3, 1)
    # The estimator itself is left as it was.
    assert dcec.module == "auto"
    assert not hasattr(dcec, "net_")


@pytest.mark.filterwarnings("ignore")
def test_scores_are_of_the_shared_embedding(fits, digits, monkeypatch, tiny_dcec):
    X, found = digits[0][:100], []
    fit_transform = DCEC.transform

    def recorded(self, X):
        found.append(fit_transform(self, X))
        return found[-1]

    labels, fit = [], DCEC.fit

    def with_labels(self, X, y=None):
        fit(self, X, y)
        labels.append(self.labels_)
        return self

    monkeypatch.setattr(DCEC, "transform", recorded)
    monkeypatch.setattr(DCEC, "fit", with_labels)
    display = ClusterNumberDisplay.from_estimator(
        DCEC(**{**tiny_dcec, "max_iter": 5}), X, n_clusters=[3], n_seeds=3
    )
    (Z,) = found
    expected = [silhouette_score(Z, fitted) for fitted in labels[1:]]
    assert_allclose(display.scores[0], expected, rtol=1e-5)
    a, b, c = labels[1:]
    pairs = [adjusted_rand_score(*p) for p in ((a, b), (a, c), (b, c))]
    assert_allclose(display.stabilities[0], pairs)


def test_number_of_clusters_of_blobs(blobs, xy):
    kmeans = KMeans(n_init=1)
    display = ClusterNumberDisplay.from_estimator(
        kmeans, blobs[0], n_clusters=range(2, 6), n_seeds=3
    )
    assert display.best_n_clusters_ == 3
    silhouette, stability = display.axes_
    means = silhouette.lines[3]  # behind the dots of three seeds
    assert_allclose(xy(means), [[2, 3, 4, 5], display.scores.mean(axis=1)])
    assert_allclose(xy(stability.lines[3])[1], display.stabilities.mean(axis=1))
    (note,) = silhouette.texts
    assert note.get_text() == "highest mean silhouette: 3"
    for ax in display.axes_:
        assert 3 in [xy(line)[0][0] for line in ax.lines if len(set(xy(line)[0])) == 1]
    again = ClusterNumberDisplay.from_estimator(
        kmeans, blobs[0], n_clusters=range(2, 6), n_seeds=3
    )
    assert_array_equal(display.scores, again.scores)


def test_one_seed_has_no_stability(blobs):
    display = ClusterNumberDisplay.from_estimator(
        AgglomerativeClustering(), blobs[0], n_clusters=[2, 3], n_seeds=1
    )
    assert len(display.axes_) == 1
    assert display.stabilities.shape == (2, 0)


def test_the_sample_of_the_silhouettes_is_said(blobs):
    display = ClusterNumberDisplay.from_estimator(
        KMeans(n_init=1), blobs[0], n_clusters=[2, 3], n_seeds=1, max_samples=60
    )
    assert "60 of 150 samples" in display.axes_[0].get_title()


def test_steps_before_the_clusterer_are_fitted_once(digits, monkeypatch):
    calls, fit = [], Autoencoder.fit

    def recorded(self, X, y=None):
        calls.append(self.random_state)
        return fit(self, X, y)

    monkeypatch.setattr(Autoencoder, "fit", recorded)
    autoencoder = Autoencoder(max_epochs=1, embedding_dim=3, device="cpu")
    display = ClusterNumberDisplay.from_estimator(
        make_pipeline(autoencoder, KMeans(n_init=1)),
        digits[0][:80],
        n_clusters=[2, 3],
        n_seeds=2,
    )
    assert len(calls) == 1
    assert calls[0] is not None  # seeded by the display
    assert "output of Autoencoder" in display.axes_[0].get_title()


class Collapsing(ClusterMixin, BaseEstimator):
    def __init__(self, n_clusters=2, random_state=None):
        self.n_clusters = n_clusters
        self.random_state = random_state

    def fit(self, X, y=None):
        warnings.warn(f"{self.n_clusters} collapsed", ClusterCollapseWarning)
        warnings.warn("not yet", ConvergenceWarning)
        self.labels_ = np.arange(len(X)) % (1 if self.n_clusters > 2 else 2)
        return self


def test_a_warning_of_each_category():
    with pytest.warns() as caught:
        display = ClusterNumberDisplay.from_estimator(
            Collapsing(), np.eye(6), n_clusters=[2, 3, 4], n_seeds=2
        )
    ours = {w.category: str(w.message) for w in caught}
    assert len(caught) == 2
    assert {w.filename for w in caught} == {__file__}
    assert ours[ClusterCollapseWarning].startswith("2 collapsed (6 such warnings")
    assert ConvergenceWarning in ours
    assert np.isnan(display.scores[1:]).all()  # a single cluster has no silhouette
    assert display.best_n_clusters_ == 2


def test_no_score_at_all():
    with pytest.warns():
        display = ClusterNumberDisplay.from_estimator(
            Collapsing(), np.eye(6), n_clusters=[3, 4], n_seeds=2
        )
    assert display.best_n_clusters_ is None


def test_errors_of_the_number_of_clusters(blobs):
    with pytest.raises(TypeError, match="PCA has no parameter n_clusters"):
        ClusterNumberDisplay.from_estimator(PCA(), blobs[0])
    with pytest.raises(ValueError, match="holds 1, but each number must be at least 2"):
        ClusterNumberDisplay.from_estimator(KMeans(), blobs[0], n_clusters=[1, 2])


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(KMeans(4, n_init=1)),
        Pipeline([("nothing", "passthrough"), ("cluster", KMeans(4, n_init=1))]),
    ],
)
def test_number_of_clusters_in_any_pipeline(estimator, digits):
    display = ClusterNumberDisplay.from_estimator(
        estimator, digits[0], n_clusters=[2, 3], n_seeds=2
    )
    assert display.scores.shape == (2, 2)


def test_number_of_clusters_with_pandas_output(tiny_dcec, digits):
    dcec = DCEC(**{**tiny_dcec, "max_iter": 0}).set_output(transform="pandas")
    display = ClusterNumberDisplay.from_estimator(
        dcec, digits[0], n_clusters=[2, 3], n_seeds=1
    )
    assert np.isfinite(display.scores).all()


def test_pooled_scores_are_means_over_the_embeddings_of_all_fits(
    digits, monkeypatch, tiny_dcec
):
    X, models, fit = digits[0][:100], [], DCEC.fit

    def kept(self, X, y=None):
        models.append(fit(self, X, y))
        return self

    monkeypatch.setattr(DCEC, "fit", kept)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        display = ClusterNumberDisplay.from_estimator(
            DCEC(**{**tiny_dcec, "max_iter": 5}),
            X,
            n_clusters=[2, 3],
            n_seeds=2,
            space="pooled",
        )
    models = models[1:]  # the first is the pretraining
    expected = [
        np.mean([silhouette_score(other.transform(X), own.labels_) for other in models])
        for own in models
    ]
    assert_allclose(display.scores.ravel(), expected, atol=1e-5)
    assert "embeddings of all fits" in display.axes_[0].get_title()


def test_pooled_scores_of_scikit_learns_clusterers_are_those_of_their_input(blobs):
    kmeans, numbers = KMeans(n_init=1), {"n_clusters": [2, 3], "n_seeds": 2}
    fixed, pooled = (
        ClusterNumberDisplay.from_estimator(kmeans, blobs[0], space=space, **numbers)
        for space in ("fixed", "pooled")
    )
    assert_array_equal(fixed.scores, pooled.scores)
    with pytest.raises(ValueError, match="space must be"):
        ClusterNumberDisplay.from_estimator(kmeans, blobs[0], space="own")
