"""ConsensusClustering and pooled scores: what they promise."""

import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator, ClusterMixin, clone
from sklearn.cluster import DBSCAN, HDBSCAN, AgglomerativeClustering, KMeans
from sklearn.datasets import make_blobs
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from tiny import tiny

from skdeepclust import (
    DCEC,
    IDEC,
    CacheError,
    ClusterCollapseWarning,
    ConsensusClustering,
    FitCheckpoint,
    LandmarkSpectralClustering,
    RunsDisagreeWarning,
)
from skdeepclust.consensus import agreement_scores, pooled_scores
from skdeepclust.consensus._estimator import _MappedFile
from skdeepclust.exceptions import ClusterNumberWarning
from skdeepclust.metrics import ari_scorer

KMEANS = KMeans(4, n_init=1)


@pytest.fixture(scope="module")
def data():
    return make_blobs(300, centers=4, cluster_std=1.2, random_state=3)


@parametrize_with_checks([ConsensusClustering(KMeans(3, n_init=1), 3)])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def test_promises(data):
    X, y = data
    consensus = ConsensusClustering(KMEANS, 6, random_state=0).fit(X)
    assert adjusted_rand_score(y, consensus.labels_) > 0.8
    np.testing.assert_array_equal(consensus.predict(X), consensus.labels_)
    shares = consensus.predict_proba(X)
    np.testing.assert_array_equal(shares.max(axis=1), consensus.agreement_)
    of_labels = shares[np.arange(len(X)), consensus.labels_]
    np.testing.assert_array_equal(of_labels, consensus.agreement_)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert consensus.n_clusters_ == 4
    assert len(consensus.runs_) == len(consensus.pooled_scores_) == 6
    assert consensus.run_labels_.shape == (6, 300)
    assert consensus.run_ari_.shape == (6, 6)
    assert consensus.cluster_jaccard_.shape == (4, 6)
    np.testing.assert_array_equal(
        consensus.cluster_stability_, consensus.cluster_jaccard_.mean(axis=1)
    )
    assert consensus.best_run_ == consensus.run_ari_.mean(axis=1).argmax()
    assert consensus.n_features_in_ == 2
    again = pickle.loads(pickle.dumps(consensus))
    np.testing.assert_array_equal(again.predict(X[:7]), consensus.labels_[:7])


def test_seeds(data):
    X, _ = data
    first = ConsensusClustering(KMEANS, 3, random_state=5).fit(X)
    second = clone(first).fit(X)
    np.testing.assert_array_equal(first.run_labels_, second.run_labels_)
    seeds = {run.random_state for run in first.runs_}
    assert len(seeds) == 3
    other = ConsensusClustering(KMEANS, 3, random_state=6).fit(X)
    assert seeds.isdisjoint(run.random_state for run in other.runs_)


@pytest.mark.parametrize("kind", [str, lambda path: FitCheckpoint(path, minutes=9)])
def test_every_run_has_its_own_checkpoint(data, tmp_path, kind):
    X = data[0].astype(np.float32)
    small = {"pretrain_epochs": 1, "max_iter": 2, "update_interval": 1, "n_init": 1}
    idec = IDEC(4, **small, device="cpu", checkpoint=kind(tmp_path / "state"))
    pipeline = make_pipeline(StandardScaler(), idec)
    consensus = ConsensusClustering(pipeline, 2, random_state=0).fit(X)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"state.run0", "state.run1"} <= names
    assert "state" not in names
    again = clone(consensus).fit(X)  # finished fits are only loaded
    np.testing.assert_array_equal(again.run_labels_, consensus.run_labels_)
    assert idec.checkpoint is not None
    minutes = consensus.runs_[0][-1].checkpoint.minutes
    assert minutes == (1.0 if kind is str else 9)


def test_every_seed_of_a_pipeline_is_set(data):
    X, _ = data
    pipeline = make_pipeline(StandardScaler(), KMEANS)
    runs = ConsensusClustering(pipeline, 2, random_state=0).fit(X).runs_
    assert runs[0][-1].random_state != runs[1][-1].random_state


def test_subsamples(data):
    X, y = data
    consensus = ConsensusClustering(
        KMEANS, 5, vary="subsample", subsample=0.5, random_state=0
    ).fit(X)
    assert {len(run.labels_) for run in consensus.runs_} == {150}
    assert consensus.run_labels_.shape == (5, 300)
    assert adjusted_rand_score(y, consensus.labels_) > 0.8


def test_a_list_of_estimators_and_noise(data):
    X, y = data
    kinds = [KMEANS, GaussianMixture(4), HDBSCAN(copy=True), AgglomerativeClustering(4)]
    consensus = ConsensusClustering(None, vary=kinds, random_state=0).fit(X)
    assert [type(run) for run in consensus.runs_] == [type(kind) for kind in kinds]
    assert adjusted_rand_score(y, consensus.labels_) > 0.8
    assert (consensus.run_labels_[2] == -1).any()
    assert not hasattr(consensus, "predict")  # two of them have none


def test_fewer_runs_than_wanted_is_no_consensus_but_works(data):
    X, _ = data
    one = ConsensusClustering(KMEANS, 1, random_state=0).fit(X)
    assert adjusted_rand_score(one.labels_, one.runs_[0].labels_) == 1
    assert one.agreement_.min() == 1


def test_rejection(data):
    X, _ = data
    kept = ConsensusClustering(KMEANS, 8, reject_below=0.9, random_state=0).fit(X)
    rejected = kept.labels_ == -1
    np.testing.assert_array_equal(rejected, kept.agreement_ < 0.9)
    np.testing.assert_array_equal(kept.predict(X), kept.labels_)
    everyone = ConsensusClustering(KMEANS, 8, random_state=0).fit(X)
    np.testing.assert_array_equal(kept.labels_[~rejected], everyone.labels_[~rejected])


def test_the_least_confident_share_stays_unassigned(data):
    X, _ = data
    everyone = ConsensusClustering(KMEANS, 8, random_state=0).fit(X)
    part = ConsensusClustering(KMEANS, 8, unassigned_share=0.2, random_state=0).fit(X)
    rejected = part.labels_ == -1
    assert 0.18 <= rejected.mean() <= 0.2
    assert part.confidence_[rejected].max() < part.confidence_[~rejected].min()
    np.testing.assert_array_equal(rejected, part.confidence_ < part.least_confidence_)
    np.testing.assert_array_equal(part.predict(X), part.labels_)
    np.testing.assert_array_equal(part.predict(X[:9]), part.labels_[:9])
    np.testing.assert_array_equal(part.labels_[~rejected], everyone.labels_[~rejected])
    np.testing.assert_array_equal(part.confidence_, everyone.confidence_)
    assert everyone.least_confidence_ == 0


def test_confidence_tells_samples_apart_on_which_all_runs_agree():
    X, y = make_blobs(400, centers=[[0, 0], [4, 0]], cluster_std=1.2, random_state=0)
    consensus = ConsensusClustering(KMeans(2, n_init=1), 5, random_state=0).fit(X)
    assert consensus.agreement_.min() == 1
    wrong = (consensus.labels_ == y) != (consensus.labels_ == y).mean().round()
    assert 5 <= wrong.sum() <= 40
    fifth = consensus.confidence_.argsort()[:80]
    assert wrong[fifth].sum() > 0.8 * wrong.sum()


def test_confidence_is_no_larger_than_agreement(data):
    X, _ = data
    kinds = [KMEANS, GaussianMixture(4), HDBSCAN(copy=True), AgglomerativeClustering(4)]
    consensus = ConsensusClustering(None, vary=kinds, random_state=0).fit(X)
    assert (consensus.confidence_ <= consensus.agreement_ + 1e-12).all()
    assert consensus.confidence_.min() >= 0


class FromList(ClusterMixin, BaseEstimator):
    """Gives the labels that it was made with."""

    def __init__(self, labels):
        self.labels = labels

    def fit(self, X, y=None):
        self.labels_ = np.asarray(self.labels)
        return self


def test_a_run_that_calls_a_sample_noise_does_not_agree():
    y = np.arange(100) % 2
    noisy = np.where(np.arange(100) < 50, -1, y)
    kinds = [FromList(y), *[FromList(noisy) for _ in range(9)]]
    X = np.c_[y, np.arange(100) / 100.0]
    consensus = ConsensusClustering(vary=kinds, reject_below=0.9).fit(X)
    np.testing.assert_allclose(consensus.agreement_[:50], 0.1)
    np.testing.assert_array_equal(consensus.agreement_[50:], 1)
    assert (consensus.labels_[:50] == -1).all()
    assert (consensus.labels_[50:] >= 0).all()
    assert consensus.confidence_[:50].max() <= 0.1
    with pytest.warns(RunsDisagreeWarning, match="hardly agree"):
        ConsensusClustering(vary=[FromList(np.full(100, -1))] * 5 + kinds[:1]).fit(X)


def test_without_predict_the_nearest_sample_of_the_part_counts(data):
    X, y = data
    parts = ConsensusClustering(
        AgglomerativeClustering(4), 5, vary="subsample", random_state=0
    ).fit(X)
    assert parts.run_labels_.min() == 0
    assert adjusted_rand_score(y, parts.labels_) > 0.8
    assert not hasattr(parts, "predict")
    for run, labels in zip(parts.runs_, parts.run_labels_):
        assert len(run.labels_) == 240
        assert adjusted_rand_score(y, labels) > 0.7
    # Those of the part keep their own, also in the space of a pipeline.
    scaled = make_pipeline(StandardScaler(), AgglomerativeClustering(4))
    again = ConsensusClustering(scaled, 3, vary="subsample", random_state=0).fit(X)
    assert adjusted_rand_score(y, again.labels_) > 0.8


def test_a_list_keeps_the_seeds_that_it_has(data):
    kinds = [KMeans(4, n_init=1, random_state=i) for i in (3, None)]
    runs = ConsensusClustering(vary=kinds, random_state=0).fit(data[0]).runs_
    assert runs[0].random_state == 3
    assert runs[1].random_state not in (3, None)


def test_fewer_clusters_than_wanted_are_said(data):
    consensus = ConsensusClustering(KMEANS, 3, n_clusters=9, random_state=0)
    with pytest.warns(ClusterCollapseWarning, match=r"4 clusters.*n_clusters=9"):
        consensus.fit(data[0])
    assert consensus.n_clusters_ == 4


def test_names_of_columns(data):
    frame = pd.DataFrame(data[0], columns=["a", "b"])
    consensus = ConsensusClustering(KMEANS, 2, random_state=0).fit(frame)
    np.testing.assert_array_equal(consensus.feature_names_in_, ["a", "b"])
    assert not hasattr(clone(consensus).fit(data[0]), "feature_names_in_")


def test_groups_that_disagree_are_named():
    y = np.arange(80) % 2
    other = (np.arange(80) // 2) % 2
    kinds = [FromList(y), FromList(other), FromList(1 - y), FromList(1 - other)]
    consensus = ConsensusClustering(None, vary=[*kinds, FromList(y)], random_state=0)
    with pytest.warns(RunsDisagreeWarning, match=r"2 groups.*runs 0, 2, 4.*runs 1, 3"):
        consensus.fit(np.arange(80.0)[:, None])
    np.testing.assert_array_equal(consensus.run_groups_, [0, 1, 0, 1, 0])
    assert adjusted_rand_score(consensus.group_labels_[0], y) == 1
    assert adjusted_rand_score(consensus.group_labels_[1], other) == 1


def test_runs_that_hardly_agree_are_said():
    rng = np.random.RandomState(0)
    kinds = [FromList(rng.randint(10, size=500)) for _ in range(5)]
    with pytest.warns(RunsDisagreeWarning, match="hardly agree"):
        ConsensusClustering(None, vary=kinds).fit(np.zeros((500, 1)))


class Complains(KMeans):
    def fit(self, X, y=None):
        warnings.warn("odd data", UserWarning, stacklevel=2)
        return super().fit(X)


def test_warnings_of_the_runs_are_given_once(data):
    with pytest.warns(UserWarning, match=r"odd data \(in 3 of 3 runs\)") as caught:
        ConsensusClustering(Complains(4, n_init=1), 3, random_state=0).fit(data[0])
    assert len(caught) == 1


def test_warnings_of_our_runs_are_given_once_also_from_a_folder(tmp_path):
    X = np.random.RandomState(0).normal(size=(100, 3))
    spectral = LandmarkSpectralClustering("auto")
    consensus = ConsensusClustering(spectral, 3, memory=tmp_path, random_state=0)
    for _ in range(2):  # computed, and from the folder
        with pytest.warns(ClusterNumberWarning, match="in 3 of 3 runs") as caught:
            clone(consensus).fit(X)
        assert len(caught) == 1


def test_a_folder_and_processes_change_nothing(data, tmp_path):
    X, _ = data
    plain = ConsensusClustering(KMEANS, 3, random_state=0).fit(X)
    kept = ConsensusClustering(KMEANS, 3, memory=tmp_path, random_state=0).fit(X)
    np.testing.assert_array_equal(plain.run_labels_, kept.run_labels_)
    with joblib.parallel_config(backend="threading"):
        side_by_side = clone(plain).set_params(n_jobs=2).fit(X)
    np.testing.assert_array_equal(plain.run_labels_, side_by_side.run_labels_)


def test_more_runs_make_only_those_that_are_missing(data, tmp_path, monkeypatch):
    X, _ = data
    ConsensusClustering(KMEANS, 3, memory=tmp_path, random_state=0).fit(X)
    fits = []
    original = KMeans.fit

    def spy(self, *args, **kwargs):
        fits.append(1)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(KMeans, "fit", spy)
    more = ConsensusClustering(KMEANS, 5, memory=tmp_path, random_state=0).fit(X)
    # Two runs, and the k-means of the vote, which is fitted by fit_predict.
    assert len(more.runs_) == 5
    assert len(fits) <= 3


def test_other_samples_than_arrays(data):
    X, _ = data
    frame = pd.DataFrame(X, columns=["a", "b"])
    consensus = ConsensusClustering(KMEANS, 2, vary="subsample", random_state=0)
    np.testing.assert_array_equal(
        consensus.fit(frame).labels_, clone(consensus).fit(X).labels_
    )
    texts = ["cats and dogs", "dogs", "the stock market", "market prices"] * 5
    words = make_pipeline(TfidfVectorizer(), KMeans(2, n_init=3))
    labels = ConsensusClustering(words, 3, random_state=0).fit_predict(texts)
    assert adjusted_rand_score(labels, [0, 0, 1, 1] * 5) == 1


def test_deep_clusterers(digits):
    X, _ = digits
    consensus = ConsensusClustering(tiny(DCEC), 3, random_state=0).fit(X)
    np.testing.assert_array_equal(consensus.predict(X), consensus.labels_)
    assert np.isfinite(consensus.pooled_scores_).all()


def test_a_search_over_it(data):
    X, y = data
    consensus = ConsensusClustering(KMEANS, 2, random_state=0)
    grid = {"estimator__n_clusters": [2, 4]}
    search = GridSearchCV(consensus, grid, scoring=ari_scorer, cv=2).fit(X, y)
    assert search.best_params_ == {"estimator__n_clusters": 4}


@pytest.mark.parametrize(
    ("consensus", "error", "words"),
    [
        (
            ConsensusClustering(AgglomerativeClustering(2)),
            ValueError,
            "no random_state",
        ),
        (ConsensusClustering(None), ValueError, "needs a list"),
        (ConsensusClustering(None, vary=[]), ValueError, "empty list"),
        (ConsensusClustering(None, vary=[KMeans]), TypeError, "is the class KMeans"),
        (ConsensusClustering(KMEANS, n_runs=0), ValueError, "n_runs"),
        (ConsensusClustering(StandardScaler()), ValueError, "no random_state"),
        (
            ConsensusClustering(StandardScaler(), vary="subsample"),
            TypeError,
            "StandardScaler finds no clusters",
        ),
        (ConsensusClustering(KMEANS, vary=[KMEANS]), ValueError, "given as well"),
        (
            ConsensusClustering(vary=[DBSCAN(eps=1e-9), DBSCAN(eps=1e-8)]),
            ValueError,
            "call every sample noise",
        ),
    ],
)
def test_bad_parameters(data, consensus, error, words):
    with pytest.raises(error, match=words):
        consensus.fit(data[0])


def test_sparse_input_gets_advice(data):
    with pytest.raises(TypeError, match="Sparse input is not supported"):
        ConsensusClustering(KMEANS).fit(scipy.sparse.csr_matrix(data[0]))


FACTORS = [1.0, 1.0]


def times_factors(X):
    return X * FACTORS


class Untold:
    __slots__ = ("value",)


def test_memory_knows_functions_by_what_they_do(data, tmp_path, monkeypatch):
    scaled = make_pipeline(FunctionTransformer(times_factors), KMeans(2, n_init=1))
    found = []
    for factors in ([1.0, 1.0], [0.0, 1.0]):
        monkeypatch.setitem(globals(), "FACTORS", factors)
        plain = ConsensusClustering(scaled, 2, random_state=0)
        kept = clone(plain).set_params(memory=tmp_path).fit(data[0])
        np.testing.assert_array_equal(kept.labels_, plain.fit(data[0]).labels_)
        found.append(kept.labels_)
    assert adjusted_rand_score(*found) < 0.9


def test_memory_refuses_what_nobody_can_tell(data, tmp_path):
    odd = make_pipeline(FunctionTransformer(kw_args={"x": Untold()}), KMeans(2))
    with pytest.raises(CacheError, match="whether estimator="):
        ConsensusClustering(odd, 2, memory=tmp_path, random_state=0).fit(data[0])


# -- pooled scores -----------------------------------------------------------


def test_pooled_scores_of_runs_in_one_space_are_silhouettes(data):
    X, _ = data
    runs = [KMeans(k, n_init=1, random_state=0).fit(X) for k in (2, 4, 7)]
    scores = pooled_scores(runs, X)
    expected = [silhouette_score(X, run.labels_) for run in runs]
    np.testing.assert_allclose(scores, expected)


def test_pooled_scores_are_means_over_spaces(data):
    X, _ = data
    runs = [
        KMeans(4, n_init=1, random_state=0).fit(X),
        make_pipeline(StandardScaler(), KMeans(3, n_init=1, random_state=0)).fit(X),
    ]
    spaces = [X, runs[1][0].transform(X)]
    expected = [
        np.mean([silhouette_score(Z, run.predict(X)) for Z in spaces]) for run in runs
    ]
    np.testing.assert_allclose(pooled_scores(runs, X), expected)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (np.array(3.0), "X must hold a row or an image per sample"),
        (np.ndarray, "X must be an array.*class ndarray"),
        (np.ma.masked_greater(np.eye(9), 0.5), "masked values"),
        ([np.ma.masked_greater(row, 0.5) for row in np.eye(9)], "masked values"),
        (np.full((9, 2), 1e19, np.float32), "their squares overflow"),
        (np.full((9, 2), 1e200), "their squares overflow"),
    ],
)
def test_samples_that_no_run_can_take(X, words, data):
    consensus = ConsensusClustering(KMEANS, 2, random_state=0)
    with pytest.raises((TypeError, ValueError), match=words):
        consensus.fit(X)
    with pytest.raises((TypeError, ValueError), match=words):
        consensus.fit(data[0]).predict(X)


def test_agreement_scores_are_mean_rand_indices(data):
    X, _ = data
    runs = [KMeans(4, n_init=1, random_state=i).fit(X) for i in range(3)]
    a, b, c = (run.labels_ for run in runs)
    expected = (adjusted_rand_score(a, b) + adjusted_rand_score(a, c)) / 2
    scores = agreement_scores(runs, X)
    assert scores[0] == pytest.approx(expected)
    consensus = ConsensusClustering(vary=runs).fit(X)
    assert agreement_scores(consensus.runs_, X).argmax() == consensus.best_run_
    assert np.isnan(agreement_scores(runs[:1], X)).all()
    with pytest.raises(TypeError, match="must be a list"):
        agreement_scores(runs[0], X)


def test_pooled_scores_refuse(data):
    X, _ = data
    with pytest.raises(TypeError, match="max_samples=2.5 should be a whole number"):
        pooled_scores([KMEANS], X, max_samples=2.5)
    with pytest.raises(TypeError, match="must be a list"):
        pooled_scores(KMeans(2).fit(X), X)
    with pytest.raises(ValueError, match="empty"):
        pooled_scores([], X)
    with pytest.raises(TypeError, match="finds no clusters"):
        pooled_scores([StandardScaler().fit(X)], X)
    one = pooled_scores([KMeans(1).fit(X)], X)
    assert np.isnan(one).all()


def test_workers_open_the_file_of_a_memory_map(data, tmp_path):
    X, _ = data
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    sent = _MappedFile.of(mapped)
    assert len(pickle.dumps(sent)) < 1000
    opened = sent.opened()
    assert isinstance(opened, np.memmap)
    np.testing.assert_array_equal(opened, X)
    # What is no whole file is sent as it is.
    for other in (X, mapped[1:], mapped.T):
        assert _MappedFile.of(other) is other
    (tmp_path / "X.npy").unlink()
    with pytest.raises(FileNotFoundError, match="another computer cannot open"):
        sent.opened()


def test_what_differs_from_its_file_is_sent_as_an_array(data, tmp_path):
    X, _ = data
    np.save(tmp_path / "X.npy", X)
    changed = np.load(tmp_path / "X.npy", mmap_mode="c")
    changed[:, 1] = 0
    for each in (changed, changed[:200], np.asarray(changed)):
        consensus = ConsensusClustering(KMEANS, 2, n_jobs=2, random_state=0).fit(each)
        assert not consensus.runs_[0].cluster_centers_[:, 1].any()
    gone = np.load(tmp_path / "X.npy", mmap_mode="r")
    (tmp_path / "X.npy").unlink()
    labels = ConsensusClustering(KMEANS, 2, random_state=0).fit(gone).labels_
    expected = ConsensusClustering(KMEANS, 2, random_state=0).fit(X).labels_
    np.testing.assert_array_equal(labels, expected)


def test_a_memory_map_and_an_array_are_the_same_to_the_cache(data, tmp_path):
    X, _ = data
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    kept = ConsensusClustering(KMEANS, 2, memory=tmp_path / "runs", random_state=0)
    runs = [clone(kept).fit(each).run_labels_ for each in (X, mapped)]
    np.testing.assert_array_equal(*runs)
    assert len([*(tmp_path / "runs").rglob("output.pkl")]) == 2
