"""Wrong parameters and data are refused by name, before anything is computed."""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from sklearn.base import clone
from sklearn.cluster import KMeans

from skdeepclust import DCEC
from skdeepclust.displays import (
    ClusterConfusionDisplay,
    ClusterMontageDisplay,
    ClusterNumberDisplay,
    ClusterProfileDisplay,
    LatentSpaceDisplay,
    SilhouetteDisplay,
    TrainingCurvesDisplay,
)

NAN = float("nan")


def refused(call, error, message):
    """The call raises this error and leaves no figure open."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(error, match=message):
            call()
    assert not plt.get_fignums()


FROM_ESTIMATOR = [
    TrainingCurvesDisplay.from_estimator,
    lambda e, X=None, **k: LatentSpaceDisplay.from_estimator(e, X, **k),
    lambda e, X=None, **k: SilhouetteDisplay.from_estimator(e, X, **k),
    lambda e, X=None, **k: ClusterMontageDisplay.from_estimator(e, X, **k),
    lambda e, X=None, **k: ClusterConfusionDisplay.from_estimator(e, X, [0, 1], **k),
    lambda e, X=None, **k: ClusterNumberDisplay.from_estimator(
        e, np.eye(9) if X is None else X, n_clusters=[2], **k
    ),
    lambda e, X=None, **k: ClusterProfileDisplay.from_estimator(e, X, **k),
]


@pytest.mark.parametrize("draw", FROM_ESTIMATOR)
def test_estimators_that_are_none(draw):
    refused(lambda: draw(DCEC), TypeError, "estimator is the class DCEC. Pass an inst")
    refused(lambda: draw(None), TypeError, "estimator must be .* got None")
    refused(lambda: draw("dcec"), TypeError, "estimator must be .* got 'dcec'")


@pytest.mark.parametrize("draw", FROM_ESTIMATOR[1:])
def test_containers_that_have_no_samples(draw, dcec):
    for X, got in [("a.npy", "'a.npy'"), ({"data": 1}, "a dict"), (3, "3")]:
        message = f"X must .* got {got}"
        refused(lambda X=X: draw(dcec, X), (TypeError, ValueError), message)


@pytest.mark.parametrize("draw", FROM_ESTIMATOR[1:4])
def test_values_of_X_that_are_not_finite(draw, dcec, digits):
    X = digits[0].copy()
    X[3, 3] = np.inf
    refused(lambda: draw(dcec, X), ValueError, "Input X contains infinity")
    X[3, 3] = 1e20
    refused(lambda: draw(dcec, X), ValueError, "X contains values of up to 1e.20, too")


@pytest.mark.parametrize("draw", FROM_ESTIMATOR[1:4])
def test_tensors_with_gradients_are_drawn(draw, dcec, digits):
    X = torch.tensor(digits[0].reshape(-1, 8, 8), requires_grad=True)
    for given in (X, list(X)):
        draw(dcec, given)


@pytest.mark.parametrize("draw", FROM_ESTIMATOR)
def test_axes_are_looked_at_first(draw, dcec, digits, monkeypatch):
    monkeypatch.setattr(DCEC, "fit", lambda *args: pytest.fail("was fitted"))
    args = () if draw is FROM_ESTIMATOR[0] else (digits[0],)
    for wrong in ("right", 3):
        refused(
            lambda wrong=wrong: draw(dcec, *args, ax=wrong), TypeError, "ax must be mat"
        )


MAX_SAMPLES = [
    (0, ValueError, "max_samples=0 must be a whole number of at least "),
    (-5, ValueError, "max_samples=-5 must be"),
    (1.5, TypeError, "max_samples=1.5 must be"),
    ("all", TypeError, "max_samples='all' must be"),
    (True, TypeError, "max_samples=True must be"),
]


@pytest.mark.parametrize(("max_samples", "error", "message"), MAX_SAMPLES)
def test_max_samples(max_samples, error, message, digits):
    X, y = digits
    for call in (
        lambda: SilhouetteDisplay.from_predictions(X, y, max_samples=max_samples),
        lambda: SilhouetteDisplay.from_estimator(KMeans(2), X, max_samples=max_samples),
        lambda: LatentSpaceDisplay.from_embedding(X, max_samples=max_samples),
        lambda: LatentSpaceDisplay.from_estimator(
            KMeans(2), X, max_samples=max_samples
        ),
        lambda: ClusterNumberDisplay.from_estimator(
            KMeans(2), X, max_samples=max_samples
        ),
    ):
        refused(call, error, message)


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        (
            {"n_clusters": "a"},
            TypeError,
            "n_clusters='a' must be several",
        ),
        ({"n_clusters": 3}, TypeError, "n_clusters=3 must be several whole numbers"),
        ({"n_clusters": None}, TypeError, "n_clusters=None must be several"),
        ({"n_clusters": []}, ValueError, "n_clusters=.. is empty"),
        ({"n_clusters": [0]}, ValueError, "n_clusters holds 0, but .* at least 2"),
        ({"n_clusters": [2.5]}, TypeError, "n_clusters holds 2.5, which is no whole"),
        (
            {"n_clusters": [2, "3"]},
            TypeError,
            "n_clusters holds '3', which is",
        ),
        ({"n_clusters": [2, True]}, TypeError, "n_clusters holds True, which"),
        ({"n_clusters": [2, 201]}, ValueError, "holds 201, but .* of samples, 200"),
        ({"n_seeds": 0}, ValueError, "n_seeds=0 must be a whole number of at least 1"),
        ({"n_seeds": 2.0}, TypeError, "n_seeds=2.0 must be a whole number"),
        ({"max_samples": 12}, ValueError, "max_samples=12 .* at least 13"),
        ({"random_state": "a"}, ValueError, "random_state='a' must be None, a"),
    ],
)
def test_parameters_of_the_number_of_clusters_before_any_fit(
    params, error, message, digits, monkeypatch
):
    monkeypatch.setattr(KMeans, "fit", lambda *args: pytest.fail("was fitted"))
    refused(
        lambda: ClusterNumberDisplay.from_estimator(KMeans(), digits[0], **params),
        error,
        message,
    )


def test_warnings_that_are_errors_come_after_the_figure(blobs):
    class Warns(KMeans):
        def fit(self, X, y=None):
            warnings.warn("look", UserWarning)
            return super().fit(X)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="look .4 such warnings"):
            ClusterNumberDisplay.from_estimator(
                Warns(), blobs[0], n_clusters=[2, 3], n_seeds=2
            )
    assert len(plt.figure(plt.get_fignums()[0]).axes) == 2


def test_numbers_of_numpy(blobs):
    display = ClusterNumberDisplay.from_estimator(
        KMeans(), blobs[0], n_clusters=np.array([3, 2]), n_seeds=np.int64(1)
    )
    assert display.n_clusters.tolist() == [2, 3]


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        (
            {"n_images": 0},
            ValueError,
            "n_images=0 must be a whole number",
        ),
        ({"n_images": -1}, ValueError, "n_images=-1 must be"),
        ({"n_images": 2.5}, TypeError, "n_images=2.5 must be"),
        ({"n_images": None}, TypeError, "n_images=None must be"),
        ({"image_shape": (3, 3)}, ValueError, r"image_shape=\(3, 3\) needs 9 values"),
        ({"image_shape": 8}, TypeError, "image_shape=8 must be"),
        ({"image_shape": "auto"}, TypeError, "image_shape='auto' must be"),
        ({"image_shape": (64,)}, ValueError, r"image_shape=\(64,\) must be"),
        ({"image_shape": (-8, -8)}, ValueError, r"image_shape=\(-8, -8\) must be"),
        ({"image_shape": (8.0, 8)}, ValueError, r"image_shape=\(8.0, 8\) must be"),
        ({"clusters": [99]}, ValueError, r"clusters=\[99\] must be a list .*0, 1, 2"),
        ({"clusters": []}, ValueError, r"clusters=\[\] must be a list"),
        ({"clusters": 1}, ValueError, "clusters=1 must be a list"),
        ({"clusters": "01"}, ValueError, "clusters='01' must be a list"),
        ({"cmap": "nope"}, ValueError, "cmap='nope': "),
        ({"cmap": 3}, (TypeError, ValueError), "cmap=3: "),
        ({"random_state": "a"}, ValueError, "random_state='a' must be None, a"),
    ],
)
def test_parameters_of_the_montage(params, error, message, dcec, digits):
    refused(
        lambda: ClusterMontageDisplay.from_estimator(dcec, digits[0], **params),
        error,
        message,
    )


def test_an_image_shape_of_images_must_be_theirs(dcec, digits):
    X = digits[0].reshape(-1, 8, 8)
    ClusterMontageDisplay.from_estimator(dcec, X, image_shape=(8, 8))
    ClusterMontageDisplay.from_estimator(dcec, X, image_shape=(1, 8, 8))
    plt.close("all")
    refused(
        lambda: ClusterMontageDisplay.from_estimator(dcec, X, image_shape=(4, 16)),
        ValueError,
        r"image_shape=\(4, 16\) differs from the image_shape_ of the estimator",
    )


LABELS = [
    ([0, 1, NAN], ValueError, "Input {} contains NaN.*labelled samples only"),
    ([0, None, 1], ValueError, "Input {} contains NaN or None"),
    (pd.Series([0, pd.NA, 1], dtype="Int64"), ValueError, "Input {} contains"),
    ([0, 1, np.inf], ValueError, "Input {} contains infinity"),
    ([0.5, 1, 2], ValueError, "label type: continuous. {} holds 0.5"),
    (["a", 1, 2], TypeError, "{} mixes labels of several types"),
    (np.eye(3), ValueError, "{} should be a 1d array"),
    ([0, 1], ValueError, "inconsistent numbers of samples.*{} has 2"),
]


@pytest.mark.parametrize(("labels", "error", "message"), LABELS)
def test_labels(labels, error, message):
    X, kmeans = np.eye(3), KMeans(2).fit(np.eye(3))
    refused(
        lambda: ClusterConfusionDisplay.from_predictions(labels, [0, 1, 1]),
        error,
        message.format("y_true"),
    )
    for call in (
        lambda: ClusterConfusionDisplay.from_predictions([0, 1, 1], labels),
        lambda: SilhouetteDisplay.from_predictions(X, labels),
        lambda: LatentSpaceDisplay.from_embedding(X, labels),
    ):
        refused(call, error, message.format("labels"))
    for call in (
        lambda: ClusterConfusionDisplay.from_estimator(kmeans, X, labels),
        lambda: LatentSpaceDisplay.from_estimator(kmeans, X, y=labels),
    ):
        refused(call, error, message.format("y"))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"projection": "foo"}, "projection='foo' must be 'tsne', 'pca', None"),
        ({"projection": ["tsne"]}, "projection=.'tsne'. must be"),
        ({"projection": TrainingCurvesDisplay}, "projection=.* must be"),
        ({"centers": np.zeros((2, 5))}, "centers have 5 columns, but Z has 6"),
        ({"centers": np.full((2, 6), NAN)}, "Input centers contains NaN"),
        ({"before": np.full((150, 2), NAN)}, "Input before contains NaN"),
        ({"before": np.zeros((9, 2))}, "inconsistent .* before has 9"),
    ],
)
def test_parameters_of_the_embedding(params, message, blobs):
    refused(
        lambda: LatentSpaceDisplay.from_embedding(blobs[0], **params),
        ValueError,
        message,
    )


def test_points_that_are_not_finite(blobs):
    Z = blobs[0] * NAN
    for draw in (
        lambda: LatentSpaceDisplay.from_embedding(Z),
        lambda: SilhouetteDisplay.from_predictions(Z, blobs[1]),
    ):
        refused(draw, ValueError, "Input Z contains NaN")


def test_what_comes_before_must_be_fitted(dcec, digits):
    for before, error in [(DCEC, TypeError), (clone(dcec), ValueError)]:
        refused(
            lambda before=before: LatentSpaceDisplay.from_estimator(
                dcec, digits[0], before=before
            ),
            error,  # NotFittedError is a ValueError
            "before is the class DCEC|not fitted yet",
        )


@pytest.mark.parametrize("cmap", ["nope", 3])
def test_colours_of_the_confusion(cmap):
    refused(
        lambda: ClusterConfusionDisplay.from_predictions([0, 1], [0, 1], cmap=cmap),
        (TypeError, ValueError),
        f"cmap={cmap!r}: ",
    )


@pytest.mark.parametrize(
    ("history", "error", "message"),
    [
        (None, TypeError, "history must be a dict of tables.* got NoneType"),
        ([{"epoch": 1}], TypeError, "history must be a dict of tables.* got list"),
        ({"a": [1, 2]}, TypeError, "history.'a'. must be a dict of columns"),
        ({"a": {"loss": 1.0}}, TypeError, "history.'a'. must be a dict of columns"),
        (
            {"pretraining": {"epoch": [1, 2], "loss": [1.0]}},
            ValueError,
            "history.'pretraining'. differ in length: .*'loss': 1",
        ),
        (
            {"pretraining": {"epoch": [1], "loss": [NAN]}},
            ValueError,
            "'loss' of history.'pretraining'. holds NaN only",
        ),
        ({}, ValueError, "history_ has no curves"),
    ],
)
def test_histories(history, error, message):
    refused(lambda: TrainingCurvesDisplay(history).plot(), error, message)


@pytest.mark.parametrize("seed", ["a", -1, 1.5])
def test_seeds_are_checked_even_if_nothing_is_drawn(seed, blobs):
    X, y = blobs
    for call in (
        lambda: SilhouetteDisplay.from_predictions(X, y, random_state=seed),
        lambda: SilhouetteDisplay.from_estimator(KMeans(2), X, random_state=seed),
        lambda: LatentSpaceDisplay.from_embedding(X, random_state=seed),
        lambda: LatentSpaceDisplay.from_estimator(KMeans(2), X, random_state=seed),
        lambda: ClusterNumberDisplay.from_estimator(KMeans(2), X, random_state=seed),
    ):
        refused(call, ValueError, f"random_state={seed!r} must be None")


def test_sparse_images_are_drawn(digits):
    X = scipy.sparse.csr_matrix(digits[0])
    kmeans = KMeans(2, random_state=0).fit(X)
    display = ClusterMontageDisplay.from_estimator(kmeans, X, image_shape=(8, 8))
    assert display.sizes == sorted(np.bincount(kmeans.labels_), reverse=True)


def test_arrays_of_a_display_must_fit_together():
    points, ones = np.zeros((3, 2)), np.ones((2, 2))
    for display, message in [
        (LatentSpaceDisplay(np.zeros((3, 4))), r"points must .* got \(3, 4\)"),
        (LatentSpaceDisplay(points, [0, 1]), "points has 3, labels has 2"),
        (LatentSpaceDisplay(points, centers=[[0]]), r"centers must .* got \(1, 1\)"),
        (SilhouetteDisplay(points[:, 0], [0, 1], [0], [3]), "values has 3, labels has"),
        (SilhouetteDisplay(points[:, 0], [0] * 3, [0], [1, 2]), "clusters .* sizes"),
        (ClusterConfusionDisplay(ones, [0], [0, 1]), r"table must .* got \(2, 2\)"),
        (ClusterNumberDisplay([2, 3, 4], ones, ones), "n_clusters has 3, scores has 2"),
    ]:
        refused(display.plot, ValueError, message)
    for name in ("tol", "gamma", "n_clusters"):
        display = TrainingCurvesDisplay({"a": {"loss": [1]}}, **{name: "a"})
        refused(display.plot, TypeError, f"{name}='a' must be None or a number")


def test_text_is_named_before_scikit_learn_stumbles(blobs):
    kmeans = KMeans(2).fit(blobs[0])
    for draw in FROM_ESTIMATOR[1:3]:
        refused(
            lambda draw=draw: draw(kmeans, blobs[0].astype(str)),
            ValueError,
            "X holds strings",
        )


def test_points_whose_squares_overflow():
    Z = np.full((9, 2), 1e30, np.float32)
    for draw in (SilhouetteDisplay.from_predictions, LatentSpaceDisplay.from_embedding):
        message = "Z contains values of up to 1e.30.*squares overflow"
        refused(lambda draw=draw: draw(Z, [0, 1, 2] * 3), ValueError, message)
