"""What is true of every display."""

import inspect
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpydoc.docscrape import NumpyDocString

from skdeepclust.displays import (
    ClusterConfusionDisplay,
    ClusterMontageDisplay,
    ClusterNumberDisplay,
    ClusterProfileDisplay,
    ConsensusDisplay,
    LatentSpaceDisplay,
    SilhouetteDisplay,
    TrainingCurvesDisplay,
)


def drawings(dcec, X, y):
    """Each display, as a function of ax."""
    rows = np.arange(3)
    consensus = ConsensusDisplay(np.ones((3, 2)) / 2, rows, rows, rows[:2], best_run=1)
    number = ClusterNumberDisplay(np.arange(2, 5), np.ones((3, 2)), np.ones((3, 1)))
    return {
        "training": lambda ax: TrainingCurvesDisplay.from_estimator(dcec, ax=ax),
        "latent": lambda ax: LatentSpaceDisplay.from_estimator(
            dcec, X, projection="pca", ax=ax
        ),
        "montage": lambda ax: ClusterMontageDisplay.from_estimator(dcec, X, ax=ax),
        "confusion": lambda ax: ClusterConfusionDisplay.from_estimator(
            dcec, X, y, ax=ax
        ),
        "silhouette": lambda ax: SilhouetteDisplay.from_estimator(dcec, X, ax=ax),
        "number": lambda ax: number.plot(ax=ax),
        "consensus": lambda ax: consensus.plot(ax=ax),
        "profile": lambda ax: ClusterProfileDisplay.from_estimator(dcec, X, ax=ax),
    }


NAMES = ("training", "latent", "montage", "confusion", "silhouette", "number")
NAMES += ("profile", "consensus")
N_PANELS = {"training": 4, "number": 2, "consensus": 2}


def axes_of(display):
    axes = getattr(display, "axes_", None)
    return [display.ax_] if axes is None else list(axes)


@pytest.mark.parametrize("name", NAMES)
def test_without_ax_a_figure_is_made(name, dcec, digits):
    display = drawings(dcec, *digits)[name](None)
    assert plt.get_fignums() == [display.figure_.number]
    assert display.figure_.get_layout_engine() is not None
    assert all(ax.figure is display.figure_ for ax in axes_of(display))
    assert len(axes_of(display)) == N_PANELS.get(name, 1)
    display.figure_.canvas.draw()


@pytest.mark.parametrize("name", NAMES)
def test_given_axes_are_used(name, dcec, digits):
    n_panels = N_PANELS.get(name, 1)
    figure, grid = plt.subplots(1, n_panels, squeeze=False)
    ax = grid[0] if n_panels > 1 else grid[0, 0]
    display = drawings(dcec, *digits)[name](ax)
    assert axes_of(display) == list(grid[0])
    assert display.figure_ is figure
    assert plt.get_fignums() == [figure.number]


@pytest.mark.parametrize("name", NAMES)
def test_a_subfigure_is_drawn_in(name, dcec, digits):
    figure = plt.figure(layout="constrained")
    left, right = figure.subfigures(1, 2)
    display = drawings(dcec, *digits)[name](right)
    panels = [ax for ax in right.axes if ax.get_label() != "<colorbar>"]
    assert panels == axes_of(display)
    assert not left.axes
    assert display.figure_ is right


@pytest.mark.parametrize("name", sorted(N_PANELS))
def test_too_few_axes_are_an_error(name, dcec, digits):
    _, ax = plt.subplots()
    with pytest.raises(
        ValueError, match=f"has {N_PANELS[name]} panels, but ax holds 1"
    ):
        drawings(dcec, *digits)[name](ax)


@pytest.mark.parametrize("name", NAMES)
def test_plot_draws_again(name, dcec, digits):
    display = drawings(dcec, *digits)[name](None)
    first = display.figure_
    assert display.plot() is display
    assert display.figure_ is not first


@pytest.mark.parametrize("name", NAMES)
def test_attributes_are_described(name, dcec, digits):
    display = drawings(dcec, *digits)[name](None)
    doc = NumpyDocString(inspect.getdoc(type(display)))
    public = [n for n in dir(display) if n.endswith("_") and n[0] != "_"]
    assert sorted(p.name for p in doc["Attributes"]) == sorted(public)
    stored = [n for n in vars(display) if not n.endswith("_")]
    assert stored == [p.name for p in doc["Parameters"]]


@pytest.mark.parametrize("name", NAMES)
def test_missing_matplotlib_says_how_to_get_it(name, dcec, digits, monkeypatch):
    draw = drawings(dcec, *digits)[name]
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'pip install "skdeepclust\[plot\]"'):
        draw(None)


def test_wrong_axes_are_refused(digits):
    with pytest.raises(TypeError, match="ax must be matplotlib Axes.*got str"):
        SilhouetteDisplay.from_predictions(digits[0], digits[1], ax="right")
    with pytest.raises(TypeError, match="got ndarray"):
        SilhouetteDisplay.from_predictions(
            digits[0], digits[1], ax=plt.subplots(1, 2)[1]
        )
