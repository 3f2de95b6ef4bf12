"""The heat map of effects: order, colours, names, and what it refuses."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skdeepclust.displays import ClusterProfileDisplay
from skdeepclust.inspection import cluster_profile


@pytest.fixture
def wine():
    data = load_wine(as_frame=True)
    return data.data, data.target.to_numpy()


def names_of(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_cells_are_the_effects(wine):
    X, y = wine
    display = ClusterProfileDisplay.from_data(X, y)
    effects = cluster_profile(X, y).effects.set_index(["feature", "cluster"])["effect"]
    assert set(display.features) == set(X.columns)
    for (i, j), value in np.ndenumerate(display.effects):
        assert value == effects[display.features[i], display.clusters[j]]
    assert_array_equal(display.im_.get_array(), display.effects)
    low, high = display.im_.get_clim()
    assert low == -high
    assert display.sizes.tolist() == [59, 71, 48]


def test_features_stand_by_the_cluster_in_which_they_are_clearest(wine):
    display = ClusterProfileDisplay.from_data(*wine)
    clusters = np.abs(display.effects).argmax(axis=1)
    assert np.mean(np.diff(clusters) >= 0) > 0.8
    assert display.features[0] == "proline"


def test_of_two_clusters_the_clearest_feature_is_on_top_and_the_unclear_below():
    rng = np.random.RandomState(0)
    y = np.repeat([0, 1], 100)
    X = rng.normal(size=(200, 4)) + np.outer(y, [0, 3, -1, 0])
    display = ClusterProfileDisplay.from_data(X, y)
    assert display.features[:2].tolist() == ["x2", "x1"]
    assert not display.is_clear[2:].any()
    texts = [text.get_text() for text in display.text_]
    assert all(text.startswith("(") for text in texts[4:])
    assert texts[2][0] in "+-"


def test_one_estimator_on_a_frame_with_categories(wine):
    X = (
        wine[0]
        .iloc[:, :4]
        .assign(
            kind=np.where(wine[1] == 0, "a", "b"), place=np.array(list("xyz"))[wine[1]]
        )
    )
    pipeline = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(), ["kind", "place"]), remainder=StandardScaler()
        ),
        KMeans(3, n_init=1, random_state=0),
    ).fit(X)
    display = ClusterProfileDisplay.from_estimator(pipeline, X)
    found = set(display.features) - set(X.columns)
    assert found == {"kind = b", "place = x", "place = y", "place = z"}
    same = ClusterProfileDisplay.from_data(X, pipeline.predict(X))
    assert_array_equal(same.effects, display.effects)


def test_unassigned_samples_come_last_and_are_named(wine):
    X, y = wine
    y = y.copy()
    y[::9] = -1
    display = ClusterProfileDisplay.from_data(X, y)
    assert display.clusters.tolist() == [0, 1, 2, -1]
    assert "-1: unassigned" in display.ax_.get_xlabel()
    plain = ClusterProfileDisplay.from_data(*wine)
    assert plain.ax_.get_xlabel() == "cluster (size)"


def test_booleans_and_names_are_clusters():
    iris = load_iris()
    display = ClusterProfileDisplay.from_data(iris.data, iris.target == 0)
    assert display.clusters.tolist() == [False, True]
    assert_allclose(display.effects[:, 0], -display.effects[:, 1])
    named = iris.target_names[iris.target]
    display = ClusterProfileDisplay.from_data(iris.data, named)
    assert names_of(display.ax_.xaxis)[0].startswith("setosa")


@pytest.mark.parametrize("n_clusters", [2, 10, 40])
@pytest.mark.parametrize("n_columns", [5, 30, 60])
def test_names_do_not_overlap(n_clusters, n_columns):
    rng = np.random.RandomState(0)
    y = np.arange(400) % n_clusters
    X = rng.normal(size=(400, n_columns)) + rng.normal(size=(n_clusters, n_columns))[y]
    display = ClusterProfileDisplay.from_data(
        X, y, feature_names=[f"measurement {i}" for i in range(n_columns)]
    )
    figure = display.figure_
    figure.canvas.draw()
    for axis, side in ((display.ax_.yaxis, "y"), (display.ax_.xaxis, "x")):
        boxes = [label.get_window_extent() for label in axis.get_ticklabels()]
        starts = np.array([getattr(box, f"{side}0") for box in boxes])
        ends = np.array([getattr(box, f"{side}1") for box in boxes])
        order = np.argsort(starts)
        assert (ends[order][:-1] <= starts[order][1:] + 1).all()
        sizes = [label.get_fontsize() for label in axis.get_ticklabels()]
        assert min(sizes) >= 6
    assert len(display.features) == min(n_columns, 40)
    plt.close(figure)


def test_only_the_clearest_features_are_drawn_and_that_is_said(wine):
    display = ClusterProfileDisplay.from_data(*wine, max_features=5)
    assert len(display.features) == 5
    assert "5 of 13 features" in display.ax_.get_title()
    everything = ClusterProfileDisplay.from_data(*wine, max_features=None)
    clear = np.abs(everything.effects).max(axis=1)
    strong = set(everything.features[clear > np.sort(clear)[-6]])
    assert strong == set(display.features)


def test_undefined_and_infinite_effects():
    y = np.repeat([0, 1], 5)
    X = np.column_stack([np.ones(10), y])
    display = ClusterProfileDisplay.from_data(X, y, feature_names=["same", "apart"])
    texts = [text.get_text() for text in display.text_]
    assert texts == ["-∞", "+∞", "", ""]
    assert display.im_.get_array().mask.tolist() == [[False] * 2, [True] * 2]
    display.figure_.canvas.draw()


def test_long_names_lose_their_middle():
    name = "mean of the " + "very " * 20 + "long name"
    X = pd.DataFrame({name: range(6)})
    display = ClusterProfileDisplay.from_data(X, [0, 0, 0, 1, 1, 1])
    (shown,) = names_of(display.ax_.yaxis)
    assert len(shown) <= 32
    assert shown.startswith("mean of the")
    assert shown.endswith("long name")
    assert display.features.tolist() == [name]


def test_numbers_are_legible_on_their_cells(wine):
    display = ClusterProfileDisplay.from_data(*wine)
    for text, value in zip(display.text_, display.effects.ravel(), strict=True):
        is_strong = abs(value) > 0.9 * display.im_.get_clim()[1]
        if is_strong:
            assert to_rgba(text.get_color()) == to_rgba("white")
        elif abs(value) < 0.3:
            assert to_rgba(text.get_color()) == to_rgba("black")


def test_small_axes_have_no_numbers():
    rng = np.random.RandomState(0)
    _, ax = plt.subplots(figsize=(3, 2))
    display = ClusterProfileDisplay.from_data(
        rng.normal(size=(100, 40)), np.arange(100) % 10, ax=ax
    )
    assert display.text_ == []


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"max_features": 0}, ValueError, "max_features=0 must be"),
        ({"max_features": 2.5}, TypeError, "max_features=2.5 must be"),
        ({"cmap": "nope"}, ValueError, "cmap='nope'"),
        ({"ax": "right"}, TypeError, "ax must be matplotlib Axes"),
        ({"feature_names": ["a"]}, ValueError, "has 1 names"),
    ],
)
def test_wrong_parameters_leave_no_figure(wine, params, error, message):
    with pytest.raises(error, match=message):
        ClusterProfileDisplay.from_data(*wine, **params)
    assert not plt.get_fignums()


def test_wrong_estimators_profiles_and_shapes(wine):
    X, y = wine
    with pytest.raises(TypeError, match="PCA has neither predict nor labels_"):
        ClusterProfileDisplay.from_estimator(PCA(2).fit(X), X)
    with pytest.raises(TypeError, match="Of a table, use from_data"):
        ClusterProfileDisplay.from_profile(X)
    display = ClusterProfileDisplay(np.ones((2, 2)), np.ones((2, 3)), *["ab"] * 2, y)
    with pytest.raises(ValueError, match=r"is_clear must .* \(2, 2\), got \(2, 3\)"):
        display.plot()
    assert not plt.get_fignums()
