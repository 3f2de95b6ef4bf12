"""The agreement of runs: order, groups, best run, sizes and what is refused."""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import Rectangle
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import KMeans
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdeepclust import ConsensusClustering
from skdeepclust.displays import ConsensusDisplay


@pytest.fixture(scope="module")
def consensus():
    X = np.random.RandomState(0).uniform(size=(200, 2))
    kmeans = KMeans(4, n_init=1)
    return ConsensusClustering(kmeans, 5, reject_below=1, random_state=1).fit(X)


class FromList(ClusterMixin, BaseEstimator):
    """Gives the labels that it was made with."""

    def __init__(self, labels):
        self.labels = labels

    def fit(self, X, y=None):
        self.labels_ = np.asarray(self.labels)
        return self


@pytest.fixture(scope="module")
def divided():
    """Runs 0, 2, 4 and runs 1, 3 disagree."""
    y = np.arange(80) % 2
    other = (np.arange(80) // 2) % 2
    kinds = [FromList(each) for each in (y, other, 1 - y, 1 - other, y)]
    with pytest.warns(UserWarning, match="2 groups"):
        return ConsensusClustering(None, vary=kinds).fit(np.arange(80.0)[:, None])


def frames(ax):
    return [patch for patch in ax.patches if isinstance(patch, Rectangle)]


def written(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_rows_are_sorted_by_stability(consensus):
    display = ConsensusDisplay.from_estimator(consensus)
    stability = consensus.cluster_stability_[display.clusters]
    assert (np.diff(stability) <= 0).all()
    assert_array_equal(display.jaccard, consensus.cluster_jaccard_[display.clusters])
    assert_allclose([bar.get_width() for bar in display.bars_], stability)
    labels = consensus.labels_
    assert display.sizes.sum() == (labels >= 0).sum() < len(labels)
    assert_array_equal(display.sizes, [(labels == k).sum() for k in display.clusters])
    for ax in display.axes_:
        assert written(ax.yaxis) == [str(k) for k in display.clusters]
    (right,) = display.axes_[1].child_axes
    assert written(right.yaxis) == [str(n) for n in display.sizes]
    assert display.im_.get_clim() == (0, 1)


def test_one_group_has_no_gap(consensus):
    display = ConsensusDisplay.from_estimator(consensus)
    assert display.im_.get_array().shape == (4, 5)
    assert not display.axes_[0].texts
    (frame,) = frames(display.axes_[0])
    assert frame.get_x() + 0.5 == consensus.best_run_
    assert f"best run, {consensus.best_run_}" in display.axes_[0].get_xlabel()


def test_groups_of_runs_are_apart(divided):
    display = ConsensusDisplay.from_estimator(divided)
    assert_array_equal(display.runs, [0, 2, 4, 1, 3])
    cells = display.im_.get_array()
    assert_array_equal(cells.mask[0], [0, 0, 0, 1, 0, 0])
    assert_array_equal(cells[:, 4], divided.cluster_jaccard_[display.clusters, 1])
    heat = display.axes_[0]
    assert [text.get_text() for text in heat.texts] == ["group 0", "group 1"]
    assert_allclose([text.get_position()[0] for text in heat.texts], [1, 4.5])
    assert_allclose(heat.get_xticks(), [0, 1, 2, 4, 5])
    (frame,) = frames(heat)
    place = list(display.runs).index(divided.best_run_)
    assert frame.get_x() + 0.5 == [0, 1, 2, 4, 5][place]


def test_of_equal_runs_none_is_best(blobs):
    single = ConsensusClustering(KMeans(1), 2, random_state=0).fit(blobs[0])
    display = ConsensusDisplay.from_estimator(single)
    assert display.best_run is None
    assert not frames(display.axes_[0])
    assert display.axes_[0].get_xlabel() == "run"


@pytest.mark.parametrize("height", [3, 6])
@pytest.mark.parametrize(("k", "n_runs"), [(2, 2), (10, 10), (40, 30)])
def test_names_do_not_overlap_in_a_column(k, n_runs, height):
    rng = np.random.RandomState(0)
    display = ConsensusDisplay(
        rng.uniform(size=(k, n_runs)),
        np.arange(k),
        rng.randint(2000, size=k),
        np.arange(n_runs),
        groups=np.arange(n_runs) * 2 // n_runs,
        best_run=1,
    )
    figure = plt.figure(figsize=(4, height), layout="constrained")
    display.plot(figure)
    figure.canvas.draw()
    for ax in [*display.axes_, *display.axes_[1].child_axes]:
        for axis, low, high in ((ax.yaxis, "y0", "y1"), (ax.xaxis, "x0", "x1")):
            labels = axis.get_ticklabels()
            assert min((each.get_size() for each in labels), default=5) >= 4.5
            boxes = sorted(
                (getattr(box, low), getattr(box, high))
                for box in (label.get_window_extent() for label in labels)
            )
            for (_, end), (start, _) in pairwise(boxes):
                assert start > end - 2


def test_a_pipeline_that_ends_in_a_consensus(blobs):
    inner = ConsensusClustering(KMeans(2, n_init=1), 2, random_state=0)
    pipeline = make_pipeline(StandardScaler(), inner).fit(blobs[0])
    display = ConsensusDisplay.from_estimator(pipeline)
    assert_array_equal(display.jaccard.shape, (2, 2))


@pytest.mark.parametrize(
    ("consensus", "error", "message"),
    [
        (KMeans(3), TypeError, "fitted ConsensusClustering, got KMeans"),
        (None, TypeError, "consensus must be .* got None"),
        (ConsensusClustering, TypeError, "is the class ConsensusClustering"),
        (ConsensusClustering(KMeans(3)), NotFittedError, "Call fit first"),
    ],
)
def test_other_estimators_are_refused(consensus, error, message):
    with pytest.raises(error, match=message):
        ConsensusDisplay.from_estimator(consensus)
    assert not plt.get_fignums()


def test_parts_that_do_not_belong_together():
    table, two = np.ones((2, 3)), [0, 1]
    with pytest.raises(ValueError, match=r"row per cluster.*\(2, 2\), got \(2, 3\)"):
        ConsensusDisplay(table, two, two, two).plot()
    with pytest.raises(ValueError, match="sizes has 1"):
        ConsensusDisplay(table, two, [5], [0, 1, 2]).plot()
    with pytest.raises(ValueError, match="groups has 2"):
        ConsensusDisplay(table, two, two, [0, 1, 2], groups=two).plot()
    assert not plt.get_fignums()
