"""Several estimators in one figure."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from skdeepclust.displays import LatentSpaceDisplay
from skdeepclust.displays._projection import turn_towards
from skdeepclust.displays._side_by_side import recoloured


@pytest.fixture(scope="module")
def pair(blobs):
    """Two k-means of the same blobs, and the blobs."""
    X, y = blobs
    return (
        {"a": KMeans(3, random_state=0).fit(X), "b": KMeans(3, random_state=5).fit(X)},
        X,
        y,
    )


def looks(ax):
    """Colour of every point, by its place."""
    return {
        tuple(np.round(place, 5)): to_hex(collection.get_facecolor()[0])
        for collection in ax.collections
        if collection.get_label() != "centre"
        for place in collection.get_offsets()
    }


def test_the_same_samples_in_every_panel(pair, Recorder):
    estimators, X, _ = pair
    seen = []
    display = LatentSpaceDisplay.from_estimators(
        estimators, X, projection=Recorder(seen), max_samples=60
    )
    assert list(display.panels) == ["a", "b"]
    assert [ax.get_title() for ax in display.axes_] == ["a", "b"]
    assert_array_equal(seen[0][:60], X[display.indices])
    assert_array_equal(seen[0][:60], seen[1][:60])
    for panel in display.panels.values():
        assert_array_equal(panel.indices, display.indices)
        assert panel.centers.shape == (3, 2)
    assert "60 of 150 samples" in display.axes_[0].get_xlabel()
    assert display.axes_[1].get_legend() is not None


def test_matched_clusters_have_the_same_colour(pair):
    estimators, X, y = pair
    first, second = (each.labels_ for each in estimators.values())
    assert not np.array_equal(first, second)  # the same clusters, numbered differently
    for more in ({}, {"reference": y}, {"y": y}):
        display = LatentSpaceDisplay.from_estimators(
            estimators, X, layout="first", projection="pca", **more
        )
        left, right = map(looks, display.axes_)
        assert left == right
        assert len(set(left.values())) == 3


def test_an_own_space_is_turned_but_not_bent(pair):
    _, X, _ = pair
    angle = 2.0
    turn = np.array([[np.cos(angle), np.sin(angle)], [np.sin(angle), -np.cos(angle)]])
    Z = X[:, :2] - X[:, :2].mean(axis=0)
    assert_allclose(Z @ turn @ turn_towards(Z @ turn, Z), Z, atol=1e-5)
    assert_allclose(turn @ turn.T, np.eye(2), atol=1e-12)
    other = PCA(2).fit(X @ np.diag([1, 1, 1, 1, 1, 3]))
    plain = PCA(2).fit(X)
    display = LatentSpaceDisplay.from_estimators(
        {"plain": plain, "other": other}, X, projection=None
    )
    left, right = (panel.points for panel in display.panels.values())
    assert_allclose(left, plain.transform(X), atol=1e-5)
    expected = np.linalg.norm(
        other.transform(X)[:50] - other.transform(X)[50:100], axis=1
    )
    assert_allclose(np.linalg.norm(right[:50] - right[50:100], axis=1), expected, 1e-4)
    assert np.sum(left * right) > 0


def test_a_layout_may_be_an_array(pair):
    estimators, X, _ = pair
    layout = np.arange(300.0).reshape(150, 2)
    display = LatentSpaceDisplay.from_estimators(
        estimators, X, layout=layout, projection=None
    )
    for panel in display.panels.values():
        assert_array_equal(panel.points, layout)
        assert panel.centers is None


def test_a_list_is_named_by_the_classes(pair, dcec, digits):
    estimators, X, _ = pair
    display = LatentSpaceDisplay.from_estimators(
        [*estimators.values()], X, projection="pca"
    )
    assert list(display.panels) == ["KMeans", "KMeans (2)"]


@pytest.mark.parametrize("projection", ["tsne", "pca"])
def test_deep_estimators_in_their_own_spaces(dcec, autoencoder, digits, projection):
    display = LatentSpaceDisplay.from_estimators(
        {"autoencoder": autoencoder, "DCEC": dcec},
        digits[0],
        projection=projection,
        max_samples=40,
    )
    before, after = display.panels.values()
    assert before.labels is None
    assert after.centers.shape == (5, 2)
    display.figure_.canvas.draw()


def test_given_axes_and_a_subfigure(pair):
    estimators, X, _ = pair
    options = {"projection": "pca", "max_samples": 30}
    figure, axes = plt.subplots(1, 2)
    display = LatentSpaceDisplay.from_estimators(estimators, X, ax=axes, **options)
    assert list(display.axes_) == list(axes)
    assert display.plot().figure_ is not figure  # drawn again
    with pytest.raises(ValueError, match="has 2 panels, but ax holds 1"):
        LatentSpaceDisplay.from_estimators(estimators, X, ax=axes[0], **options)


def test_clusters_without_a_match_have_names_of_their_own():
    reference = np.array([0, 0, 0, 1, 1, 1])
    labels = np.array([7, 7, 3, 9, 9, -1])
    assert_array_equal(recoloured(labels, reference), [0, 0, 2, 1, 1, -1])
    words = np.array(["cat", "cat", "cat", "dog", "dog", "dog"])
    names = recoloured(np.array([7, 7, 3, 9, 9, 9]), words)
    assert names.tolist() == ["cat", "cat", "extra 1", "dog", "dog", "dog"]
    assert_array_equal(recoloured(labels, None), labels)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"estimators": KMeans(2)}, TypeError, "must be a dict of titles"),
        ({"estimators": {}}, ValueError, "estimators is empty"),
        ({"estimators": {"a": None}}, TypeError, "estimators.'a'. must be an"),
        ({"estimators": [KMeans]}, TypeError, "is the class KMeans"),
        ({"layout": "own "}, ValueError, "layout='own ' must be"),
        ({"layout": np.zeros(3)}, ValueError, "layout=.* must be"),
        ({"layout": np.zeros((3, 2))}, ValueError, "inconsistent"),
        ({"projection": "umap"}, ValueError, "projection='umap'"),
        ({"reference": [1, 2]}, ValueError, "reference has 2"),
        ({"y": [1, 2]}, ValueError, "y has 2"),
        ({"max_samples": 0}, ValueError, "max_samples=0"),
    ],
)
def test_what_is_refused(pair, wrong, error, message):
    estimators, X, _ = pair
    with pytest.raises(error, match=message):
        LatentSpaceDisplay.from_estimators(
            **{"estimators": estimators, "X": X, **wrong}
        )
    assert not plt.get_fignums()
