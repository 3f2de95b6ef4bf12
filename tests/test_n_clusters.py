"""The number of clusters, found: valleys, merges, warnings, estimators."""

import pickle
import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_wine, make_blobs
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from skdeepclust import (
    DCEC,
    DEC,
    IDEC,
    TEMI,
    DeepCluster,
    LandmarkSpectralClustering,
    Turtle,
    load,
)
from skdeepclust._n_clusters import (
    AutoNumberMixin,
    FoundNumber,
    find_number,
    warn_of_number,
)
from skdeepclust._valleys import merges
from skdeepclust.exceptions import ClusterNumberWarning
from skdeepclust.report._clustered import clustered, merge_suggestions

SHORT = {"pretrain_epochs": 2, "max_iter": 20, "update_interval": 20, "n_init": 2}
ESTIMATORS = [
    DEC("auto", max_clusters=10, **SHORT),
    IDEC("auto", max_clusters=10, **SHORT),
    DCEC("auto", max_clusters=10, image_shape=None, **SHORT),
    DeepCluster(
        "auto", max_clusters=10, max_iter=1, n_init=2, final_clusterer="kmeans"
    ),
    TEMI("auto", max_clusters=10, max_epochs=2, n_heads=2),
    Turtle("auto", max_clusters=10, max_epochs=5),
    LandmarkSpectralClustering("auto", max_clusters=10),
]


@pytest.fixture(scope="module")
def blobs():
    X, y = make_blobs(280, 6, centers=4, cluster_std=0.5, random_state=3)
    return (X / X.std()).astype(np.float32), y


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("k", "d"), [(2, 2), (3, 20), (6, 8)])
def test_finds_separate_gaussians(k, d, seed):
    rng = np.random.RandomState(seed)
    centers = 6 * np.eye(k, d) + rng.randn(k, d)
    Z = centers[rng.randint(k, size=150 * k)] + 0.5 * rng.randn(150 * k, d)
    assert find_number(Z, 12, seed).n_clusters == k


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: rng.randn(600, 8),
        lambda rng: rng.rand(600, 2),
        lambda rng: rng.randn(600, 3) @ rng.randn(3, 3),
        lambda rng: rng.standard_t(3, size=(600, 4)),
    ],
    ids=["gaussian", "uniform", "correlated", "heavy tails"],
)
def test_finds_no_groups_where_there_are_none(draw):
    assert find_number(draw(np.random.RandomState(0)), 12, 0).n_clusters == 1


@pytest.mark.parametrize("seed", [0, 1])
def test_the_wines_have_valleys_in_diffusion_maps_only(seed):
    Z = StandardScaler().fit_transform(load_wine().data)
    found = find_number(Z, 12, seed)
    assert found.n_clusters == 3
    assert found.in_map
    assert found.only_in_map
    with pytest.warns(ClusterNumberWarning, match="along the graph"):
        warn_of_number(found)
    assert find_number(Z, 12, seed, in_map=False).n_clusters == 1
    labels = KMeans(3, n_init=5, random_state=0).fit_predict(Z)
    in_map, outside = (merges(Z, labels, 0, in_map=way)[0] for way in (True, False))
    assert in_map["score"] > 4 > outside["score"]


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: rng.rand(1500, 4),
        lambda rng: rng.randn(1500, 4),
        lambda rng: rng.exponential(size=(1500, 8)),
        lambda rng: rng.rand(1500, 3),
    ],
    ids=["uniform", "gaussian", "exponential", "few dimensions"],
)
def test_diffusion_maps_make_no_groups(draw):
    assert find_number(draw(np.random.RandomState(0)), 12, 0).n_clusters == 1


def test_copies_of_points_are_no_groups():
    rng = np.random.RandomState(0)
    Z = 8 * np.eye(5, 10)[rng.randint(5, size=900)] + rng.randn(900, 10)
    assert find_number(np.concatenate([Z, Z[::3], Z[::3]]), 12, 0).n_clusters == 5
    few = np.repeat(Z[np.linspace(0, 899, 15, dtype=int)], 40, axis=0)
    found = find_number(few, 12, 0)
    assert found.n_clusters <= 12
    assert not found.in_map  # of 15 points there is no map


def test_a_ring_is_one_cluster_and_two_rings_are_two():
    rng = np.random.RandomState(0)
    angle = rng.uniform(0, 2 * np.pi, 1500)
    ring = np.c_[np.cos(angle), np.sin(angle)] + 0.05 * rng.randn(1500, 2)
    assert find_number(ring, 10, 0).n_clusters < 10
    apart = np.concatenate([ring, ring + np.array([5, 0])])
    steps = merges(apart, np.repeat([0, 1], 1500), 0)
    assert steps[-1]["score"] > 10


def test_the_unit_and_the_origin_do_not_matter():
    rng = np.random.RandomState(0)
    Z = 4 * rng.randint(4, size=(400, 1)) + 0.5 * rng.randn(400, 3)
    found = [
        find_number(a * Z + b, 10, 0).n_clusters for a, b in [(1, 0), (1e-6, 3e-5)]
    ]
    assert found[0] == found[1] == 4


@pytest.mark.parametrize("Z", [np.ones((50, 3)), np.arange(30.0)[:, None]])
def test_constant_and_even_points_are_one_cluster(Z):
    assert find_number(Z, 10, 0).n_clusters == 1


def test_merges_name_the_clusters_and_end_with_one():
    rng = np.random.RandomState(0)
    labels = np.repeat([0, 2, 5, -1], 100)
    Z = np.array([0, 3, 20, 50])[np.repeat(range(4), 100), None] + rng.randn(400, 2)
    steps = merges(Z, labels, 0)
    assert [step["clusters"] for step in steps] == [(0, 2), (0, 5)]
    assert [step["n_clusters"] for step in steps] == [2, 1]
    assert steps[0]["score"] < steps[1]["score"]
    assert merges(Z, np.full(400, -1), 0) == []
    assert merges(Z, np.zeros(400, int), 0) == []


@pytest.fixture(scope="module", params=ESTIMATORS, ids=lambda each: type(each).__name__)
def found(request, blobs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return clone(request.param).set_params(random_state=0).fit(blobs[0])


def test_estimators_find_the_number(found, blobs):
    X, y = blobs
    assert found.n_clusters_ == len(np.unique(found.labels_)) == 4
    assert adjusted_rand_score(y, found.labels_) > 0.9
    np.testing.assert_array_equal(found.predict(X), found.labels_)
    assert [step["n_clusters"] for step in found.merge_history_] == [3, 2, 1]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", [ESTIMATORS[1], ESTIMATORS[-1]])
def test_the_same_seed_finds_the_same(estimator, blobs):
    X, _ = blobs
    found, again = (clone(estimator).set_params(random_state=0).fit(X) for _ in "ab")
    np.testing.assert_array_equal(again.labels_, found.labels_)
    assert again.merge_history_ == found.merge_history_


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda each: type(each).__name__)
def test_a_number_that_is_asked_for_is_kept(estimator, blobs):
    given = clone(estimator).set_params(n_clusters=3)
    assert not hasattr(given, "n_clusters_")
    given.fit(blobs[0])
    assert given.n_clusters_ == 3
    assert not hasattr(given, "merge_history_")


def test_images_are_looked_at_as_pixels_and_as_embeddings():
    rng = np.random.RandomState(0)
    images = np.zeros((200, 8, 8), np.float32)
    images[:100, :4], images[100:, 4:] = 1, 1
    images += 0.1 * rng.rand(200, 8, 8).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dcec = DCEC("auto", random_state=0, **SHORT).fit(images)
    assert dcec.n_clusters_ == 2


def test_one_cluster_is_never_silent():
    Z = np.random.RandomState(0).randn(300, 4)
    spectral = LandmarkSpectralClustering("auto", random_state=0)
    with pytest.warns(ClusterNumberWarning, match="found one cluster"):
        assert spectral.fit(Z).n_clusters_ == 1


def test_two_clusters_are_never_silent():
    X, _ = make_blobs(300, 4, centers=2, cluster_std=0.3, random_state=0)
    spectral = LandmarkSpectralClustering("auto", random_state=0)
    with pytest.warns(ClusterNumberWarning, match="found two clusters"):
        assert spectral.fit(X).n_clusters_ == 2


def test_as_many_as_allowed_is_said(blobs):
    spectral = LandmarkSpectralClustering("auto", max_clusters=3, random_state=0)
    with pytest.warns(ClusterNumberWarning, match="increase max_clusters"):
        spectral.fit(blobs[0])


def test_clear_numbers_do_not_warn(blobs):
    with warnings.catch_warnings():
        warnings.simplefilter("error", ClusterNumberWarning)
        LandmarkSpectralClustering("auto", random_state=0).fit(blobs[0])


@pytest.mark.parametrize("value", ["many", 0, 2.5])
def test_odd_numbers_are_refused(value, blobs):
    with pytest.raises(ValueError, match=r"n_clusters"):
        LandmarkSpectralClustering(value).fit(blobs[0])
    with pytest.raises(ValueError, match="max_clusters"):
        LandmarkSpectralClustering("auto", max_clusters=1).fit(blobs[0])


def test_too_few_samples_are_refused(blobs):
    for estimator in (LandmarkSpectralClustering("auto"), IDEC("auto")):
        with pytest.raises(ValueError, match="at least 20 samples"):
            estimator.fit(blobs[0][:19])


def test_given_centres_and_auto_are_refused(blobs):
    with pytest.raises(ValueError, match="init holds"):
        IDEC("auto", init=np.zeros((3, 6))).fit(blobs[0])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "estimator",
    [ESTIMATORS[1], ESTIMATORS[4]],
    ids=lambda each: type(each).__name__,
)
def test_a_fit_that_goes_on_warns_as_well(estimator, tmp_path):
    """A start is kept and not found again; what was thought of it is kept as well."""
    X = np.random.RandomState(0).randn(200, 4).astype(np.float32)
    first = clone(estimator).set_params(
        random_state=0, checkpoint=str(tmp_path / "state")
    )
    with pytest.warns(ClusterNumberWarning, match="found one cluster"):
        first.fit(X)
    with pytest.warns(ClusterNumberWarning, match="found one cluster"):
        again = clone(first).fit(X)
    assert again.n_clusters_ == first.n_clusters_ == 1
    assert again.merge_history_ == first.merge_history_ == []


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "estimator",
    [ESTIMATORS[2], ESTIMATORS[3], ESTIMATORS[5]],
    ids=lambda each: type(each).__name__,
)
def test_no_estimator_is_silent_on_points_without_groups(estimator):
    """Networks and rows of length one make groups of a square that has none."""
    X = np.random.RandomState(3).rand(400, 2).astype(np.float32)
    with pytest.warns(ClusterNumberWarning):
        clone(estimator).set_params(random_state=0).fit(X)


def test_groups_that_only_training_makes_are_said():
    even = np.random.RandomState(0).rand(300, 2)
    made = np.repeat(np.arange(3), 100)[:, None] + 0.01 * even
    found = Finds("auto", 10).found(made, lambda: even)
    assert found.n_clusters == 3
    with pytest.warns(ClusterNumberWarning, match="X itself has no two groups"):
        warn_of_number(found)
    assert not Finds("auto", 10).found(made, lambda: made).only_learned


class Finds(AutoNumberMixin):
    def __init__(self, n_clusters, max_clusters):
        self.n_clusters = n_clusters
        self.max_clusters = max_clusters

    def found(self, Z, given):
        self._find_number([Z], 0, given)
        return self._found_


def test_files_copies_and_shapes(found, blobs, tmp_path):
    X, _ = blobs
    copies = [pickle.loads(pickle.dumps(found))]
    if hasattr(found, "save"):
        found.save(tmp_path / "file.model")
        copies.append(load(tmp_path / "file.model"))
    for copy in copies:
        assert copy.n_clusters_ == found.n_clusters_
        assert copy.merge_history_ == found.merge_history_
        np.testing.assert_array_equal(copy.predict(X), found.labels_)
    k = found.n_clusters_
    assert found.transform(X[:7]).shape[0] == found.predict(X[:7]).shape[0] == 7
    assert found.cluster_centers_.shape[0] == k
    if hasattr(found, "predict_proba"):
        assert found.predict_proba(X[:7]).shape == (7, k)
    assert clone(found).get_params()["n_clusters"] == "auto"
    assert not hasattr(clone(found), "labels_")


IMAGES = [
    DCEC("auto", max_clusters=10, **SHORT),
    IDEC("auto", max_clusters=10, **SHORT),
    DEC("auto", max_clusters=10, **SHORT),
    DeepCluster(
        *("auto",),
        max_clusters=6,
        max_iter=1,
        epochs_per_round=1,
        n_init=2,
        final_clusterer="kmeans",
        module__widths=(8,),
    ),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", IMAGES, ids=lambda each: type(each).__name__)
def test_images_of_four_kinds(estimator):
    rng = np.random.RandomState(0)
    kinds = rng.randint(4, size=240)
    images = 0.1 * rng.rand(240, 8, 8).astype(np.float32)
    for image, kind in zip(images, kinds):
        row, column = divmod(int(kind), 2)
        image[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] += 1
    found = clone(estimator).set_params(random_state=0).fit(images)
    assert found.n_clusters_ == 4
    assert adjusted_rand_score(kinds, found.labels_) > 0.9
    assert found.predict(images[:7, None]).shape == (7,)


@pytest.mark.filterwarnings("ignore")
def test_a_search_compares_auto_with_a_number(blobs):
    search = GridSearchCV(
        LandmarkSpectralClustering("auto", random_state=0),
        {"n_clusters": ["auto", 2]},
        cv=2,
        scoring=lambda model, X, y: adjusted_rand_score(y, model.predict(X)),
    ).fit(*blobs)
    assert search.best_params_ == {"n_clusters": "auto"}


@pytest.mark.filterwarnings("ignore")
def test_the_report_suggests_what_would_come_next():
    X, _ = make_blobs(400, centers=4, cluster_std=0.3, random_state=3)
    found = LandmarkSpectralClustering("auto", random_state=0).fit(X)
    assert found.n_clusters_ == 4
    # Overlaps that all are equal would keep the order of the names.
    alike = replace(clustered(found, X), proba=np.full((400, 4), 0.25))
    suggested = merge_suggestions(alike, found.merge_history_)
    expected = [step["clusters"] for step in found.merge_history_]
    assert [pair[:2] for pair in suggested] == expected


def test_a_shallow_valley_between_final_clusters_is_said():
    found = FoundNumber(4, 6.0, False)
    with pytest.warns(ClusterNumberWarning, match=r"valley of 3.3 .*4.5 are needed"):
        warn_of_number(found, [{"score": 7.0}, {"score": 3.3}, {"score": 9.0}])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_number(found, [{"score": 7.0}, {"score": 5.3}])
        warn_of_number(found)
