"""Training curves: panels for any table of a history."""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from skdeepclust import DCEC, DeepCluster
from skdeepclust.displays import (
    TrainingCurvesDisplay,
)


def test_training_curves_are_the_history(dcec, xy):
    display = TrainingCurvesDisplay.from_estimator(dcec)
    assert display.panels_ == ["pretraining", "losses", "changes", "clusters"]
    pretraining, losses, changes, clusters = display.axes_
    table = dcec.history_["clustering"]
    assert pretraining.get_yscale() == "log"
    assert_allclose(xy(pretraining.lines[0])[1], dcec.history_["pretraining"]["loss"])
    assert_allclose(xy(losses.lines[0]), [table["step"], table["reconstruction_loss"]])
    weighted = dcec.gamma * np.array(table["clustering_loss"])
    assert_allclose(xy(losses.lines[1]), [table["step"], weighted])
    assert_allclose(xy(changes.lines[0]), [table["step"], table["label_change"]])
    assert changes.lines[0].get_marker() == "o"
    assert_allclose(xy(changes.lines[1])[1], dcec.tol)
    assert_allclose(xy(clusters.lines[0])[1], table["n_effective_clusters"])
    assert_allclose(xy(clusters.lines[1])[1], 5)


def test_panels_are_those_of_the_tables(autoencoder, digits, dcec):
    assert TrainingCurvesDisplay.from_estimator(autoencoder).panels_ == ["pretraining"]
    pipeline = make_pipeline(autoencoder, KMeans(3, n_init=1)).fit(digits[0])
    assert TrainingCurvesDisplay.from_estimator(pipeline).panels_ == ["pretraining"]
    no_joint = {**dcec.history_, "clustering": {"loss": [], "step": []}}
    assert TrainingCurvesDisplay(no_joint).plot().panels_ == ["pretraining"]


def test_clustering_without_reconstruction(dcec, xy):
    table = dict(dcec.history_["clustering"])
    del table["reconstruction_loss"]
    display = TrainingCurvesDisplay({"clustering": table}, tol=0.1).plot()
    (line,) = display.axes_[0].lines
    assert_allclose(xy(line)[1], table["clustering_loss"])  # no gamma: as it is


def test_several_autoencoders_share_a_panel(xy):
    tables = {
        f"autoencoder {i}": {"epoch": [1, 2, 3], "loss": [1.0, 0.5, 0.1 * (i + 1)]}
        for i in range(7)
    }
    display = TrainingCurvesDisplay(tables).plot()
    (ax,) = display.axes_
    assert [line.get_label() for line in ax.lines] == list(tables)
    assert [xy(line)[1][-1] for line in ax.lines] == pytest.approx(
        [0.1 * (i + 1) for i in range(7)]
    )
    assert len(ax.get_legend().texts) == 7


def test_rounds_of_deepcluster(digits, xy):
    params = {"image_shape": (8, 8), "random_state": 0, "device": "cpu"}
    deep = DeepCluster(3, max_iter=3, epochs_per_round=1, **params)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        deep.fit(digits[0][:60])
    display = TrainingCurvesDisplay.from_estimator(deep)
    assert display.panels_ == ["round loss", "agreement", "class sizes"]
    loss, agreement, sizes = display.axes_
    table = deep.history_["rounds"]
    assert_allclose(xy(loss.lines[0])[1], table["loss"])
    assert_allclose(xy(agreement.lines[0])[1], table["nmi_previous"])
    assert_allclose(xy(agreement.lines[1])[1], 1 - deep.tol)
    assert agreement.get_xlim()[0] < 1  # the first round has its place
    drawn = {line.get_label(): xy(line)[1] for line in sizes.lines}
    assert_allclose(drawn["largest"], table["largest_class"])
    assert_allclose(drawn["smallest"], table["smallest_class"])


# A history as an estimator outside the package may write it.
OUTSIDE = {
    "training": {
        "epoch": [1, 2, 3],
        "loss": [3.0, 2.0, 1.5],
        "kl": [0.1, np.nan, -0.3],
        "stop": [False, False, True],
        "dur": [0.1, 0.1, 0.1],
        "note": ["a", "b", "c"],
    },
    "warm-up": {"step": [10, 20], "epoch": [1, 2], "n_moved": [7, 5]},
    "nothing": {"epoch": [], "loss": []},
    "rows": {"share": [0.5]},
}


def test_any_table_has_a_panel_per_column_of_numbers(xy):
    display = TrainingCurvesDisplay(OUTSIDE, tol=0.1, gamma=2.0, n_clusters=3).plot()
    drawn = {
        "training: loss": ("epoch", [[1, 2, 3], [3.0, 2.0, 1.5]]),
        "training: kl": ("epoch", [[1, 2, 3], [0.1, np.nan, -0.3]]),
        "training: stop": ("epoch", [[1, 2, 3], [0, 0, 1]]),
        "warm-up: n_moved": ("step", [[10, 20], [7, 5]]),
        "rows: share": ("row", [[1], [0.5]]),
    }
    assert display.panels_ == list(drawn)
    for ax, (title, (xlabel, values)) in zip(display.axes_, drawn.items(), strict=True):
        assert ax.get_title() == title
        assert ax.get_xlabel() == xlabel
        (line,) = ax.lines
        assert_allclose(xy(line), values)
        assert line.get_marker() == "o"  # a single row is seen
    display.figure_.canvas.draw()


def test_other_tables_are_drawn_beside_ours(dcec):
    history = {**dcec.history_, "warm-up": OUTSIDE["warm-up"]}
    panels = TrainingCurvesDisplay(history).plot().panels_
    ours = ["pretraining", "losses", "changes", "clusters"]
    assert panels == [*ours, "warm-up: n_moved"]


@pytest.mark.parametrize(
    "name", ["pretraining", "autoencoder 0", "clustering", "rounds"]
)
def test_a_table_of_our_name_with_other_columns_is_any_table(name):
    table = {"epoch": [1, 2], "elbo": [-3.0, -2.0]}
    display = TrainingCurvesDisplay({name: table}).plot()
    assert display.panels_ == [f"{name}: elbo"]


def test_an_estimator_outside_the_package_has_training_curves():
    class Outside(BaseEstimator):
        def fit(self, X, y=None):
            self.history_ = OUTSIDE
            return self

    pipeline = make_pipeline(Outside().fit(None), KMeans(2, n_init=1).fit(np.eye(4)))
    for estimator in (pipeline[0], pipeline):
        display = TrainingCurvesDisplay.from_estimator(estimator)
        assert display.panels_[:2] == ["training: loss", "training: kl"]


def test_columns_without_numbers_are_nothing_to_draw():
    table = {"epoch": [1, 2], "dur": [0.1, 0.1], "note": ["a", "b"]}
    with pytest.raises(ValueError, match="no column holds numbers"):
        TrainingCurvesDisplay({"training": table}).plot()


@pytest.mark.parametrize("tol", [1e-3, 0.0, None])
@pytest.mark.parametrize("changes", [[0.2, 0.01, 0.0], [0.0, 0.0, 0.0]])
def test_no_label_change_is_visible(changes, tol, dcec):
    table = {k: v[:3] for k, v in dcec.history_["clustering"].items()}
    table["label_change"] = changes
    display = TrainingCurvesDisplay({"clustering": table}, tol=tol).plot()
    ax = display.axes_[1]
    display.figure_.draw_without_rendering()
    pixels = ax.transData.transform([(table["step"][i], changes[i]) for i in range(3)])
    inside = ax.get_window_extent().padded(1)
    assert all(inside.contains(*place) for place in pixels)
    assert 0 in ax.get_yticks()


def test_nothing_to_draw_is_said():
    with pytest.raises(NotFittedError):
        TrainingCurvesDisplay.from_estimator(DCEC())
    with pytest.raises(ValueError, match="nothing was trained"):
        TrainingCurvesDisplay({"pretraining": {"epoch": [], "loss": []}}).plot()
    kmeans = KMeans(2, n_init=1).fit(np.eye(4))
    with pytest.raises(TypeError, match="KMeans has no history_"):
        TrainingCurvesDisplay.from_estimator(kmeans)


def test_a_single_update_of_the_target_is_seen(tiny_dcec, digits):
    dcec = DCEC(5, **{**tiny_dcec, "max_iter": 5}).fit(digits[0])
    display = TrainingCurvesDisplay.from_estimator(dcec)
    for ax in display.axes_[1:]:
        points = [line for line in ax.lines if len(line.get_xdata()) == 1]
        assert points
        assert all(line.get_marker() != "None" for line in points)


def test_axes_may_have_lines_already(dcec):
    _, axes = plt.subplots(2, 2)
    for ax in axes.flat:
        ax.axhline(-1)
    TrainingCurvesDisplay.from_estimator(dcec, ax=axes)
    assert axes.flat[1].get_yscale() == "log"
