"""Parts of clusters that move to another cluster."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits

import skdeepclust
from skdeepclust import AutoClustering, DeepCluster
from skdeepclust._auto_clustering import modularity
from skdeepclust._clusterers import Assignment
from skdeepclust._regrouping import Regrouping, _Graph

# Class 0 has a part that lies apart from all of the others in the first view, a bit
# nearer to class 1. In the second view it is beside the rest of its class.
SIZES = [200, 40, 200, 200]
TRUTH = np.repeat([0, 0, 1, 2], SIZES)
FIRST = [[0, 0, 0], [10, 0, 6], [20, 0, 0], [0, 20, 0]]
SECOND = [[0, 0], [2, 0], [20, 0], [0, 20]]
CENTERS = np.array([[-9.0, 0, 0], [18, 0, 1], [0, 20, 0]])


def blobs(centers, seed=0):
    rng = np.random.RandomState(seed)
    X = np.repeat(np.array(centers, dtype=float), SIZES, axis=0)
    return (X + rng.normal(size=X.shape)).astype(np.float32)


def assignment(Z, centers=CENTERS):
    """Three clusters, of which that of class 1 has the part of class 0."""
    return Assignment(None, Z, None, np.asarray(centers, dtype=np.float32))


def test_a_part_that_lies_apart_goes_where_the_other_view_has_it():
    Z, other = blobs(FIRST), blobs(SECOND, 1)
    given = assignment(Z)
    assert (given.predict(Z)[200:240] == 1).all()
    found = Regrouping(given, 0).fit(Z, other)
    assert found.n_moved == 1
    np.testing.assert_array_equal(found.predict(Z), TRUTH)
    means = [Z[i == TRUTH].mean(axis=0) for i in range(3)]
    np.testing.assert_allclose(found.centers, means, rtol=1e-4, atol=1e-4)


def test_new_points_go_with_their_part():
    Z = blobs(FIRST)
    found = Regrouping(assignment(Z), 0).fit(Z, blobs(SECOND, 1))
    np.testing.assert_array_equal(found.predict(blobs(FIRST, 2)), TRUTH)


def test_a_second_view_without_the_clusters_is_not_believed():
    Z = blobs(FIRST)
    noise = np.random.RandomState(0).normal(size=(len(Z), 2)).astype(np.float32)
    given = assignment(Z)
    found = Regrouping(given, 0).fit(Z, noise)
    assert found.n_moved == 0
    np.testing.assert_array_equal(found.predict(Z), given.predict(Z))
    np.testing.assert_array_equal(found.centers, given.centers)


def test_a_part_in_touch_with_others_stays():
    in_touch = [FIRST[0], [19, 0, 1], *FIRST[2:]]  # within class 1 in the first view
    Z = blobs(in_touch)
    assert Regrouping(assignment(Z), 0).fit(Z, blobs(SECOND, 1)).n_moved == 0


def test_a_cluster_is_not_dissolved():
    # The part has a cluster of its own, so that all of it would have to move.
    Z = blobs(FIRST)
    centers = [FIRST[0], FIRST[1], FIRST[2], FIRST[3]]
    found = Regrouping(assignment(Z, centers), 0).fit(Z, blobs(SECOND, 1))
    assert found.n_moved == 0
    assert len(np.unique(found.predict(Z))) == 4


@pytest.mark.parametrize("n", [50, 59])
def test_of_few_points_nothing_moves(n):
    Z = blobs(FIRST)[::10][:n]
    assert Regrouping(assignment(Z), 0).fit(Z, Z).n_moved == 0


def test_the_gains_are_those_of_the_modularity():
    Z, other = load_digits().data[:600], blobs(FIRST)[:600]
    labels = KMeans(4, n_init=1, random_state=0).fit_predict(Z)
    kmeans = KMeans(15, n_init=1, random_state=1).fit(Z)
    moved = np.tile(np.arange(4), (15, 1))
    graph = _Graph(kmeans.labels_, labels, (Z, other), moved)
    groups = list(graph.groups(kmeans.cluster_centers_))
    gains = graph.gains(groups)
    assert len(groups) > 5
    for (cluster, parts), of_group in zip(groups, gains, strict=True):
        for target in range(4):
            after = labels.copy()
            after[np.isin(kmeans.labels_, parts) & (labels == cluster)] = target
            wanted = sum(
                modularity(after, each) - modularity(labels, each)
                for each in graph._neighbors
            )
            assert of_group[target] == pytest.approx(wanted, abs=1e-12)


def digits():
    return (load_digits().images[:300] / 16).astype(np.float32)


def small(**parameters):
    settings = {"max_iter": 1, "random_state": 0, "module__widths": (4, 8)}
    return DeepCluster(3, **{**settings, **parameters})


@pytest.mark.parametrize(
    ("parameters", "is_regrouped"),
    [
        ({}, True),
        ({"final_clusterer": "kmeans"}, False),
        ({"final_clusterer": AutoClustering(3)}, False),
        ({"clusterer": KMeans(n_init=1)}, False),
    ],
)
def test_the_last_step_of_deep_cluster_regroups_by_default(parameters, is_regrouped):
    fitted = small(**parameters).fit(digits())
    assert isinstance(fitted._assignment_, Regrouping) == is_regrouped
    np.testing.assert_array_equal(fitted.labels_, fitted.predict(digits()))


def test_a_saved_estimator_regroups(tmp_path):
    X = digits()
    fitted = small().fit(X)
    found = fitted._assignment_
    # As if parts had moved: all of cluster 0 of some parts to cluster 1.
    found._moved = np.tile(np.arange(3), (len(found._parts), 1))
    found._moved[: len(found._parts) // 2, 0] = 1
    found.n_moved = 1
    labels = fitted.predict(X)
    assert (labels != fitted.labels_).any()
    fitted.save(tmp_path / "deep.model")
    again = skdeepclust.load(tmp_path / "deep.model")
    np.testing.assert_array_equal(again.predict(X), labels)
