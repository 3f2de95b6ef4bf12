"""Montages: which images are in which row."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skdeepclust.displays import (
    ClusterMontageDisplay,
)
from skdeepclust.displays._images import image_limits, to_unit


@pytest.fixture(scope="module")
def pixel_images(known_rows):
    """A function that makes images of 2 x 2 whose first three pixels `Known` reads."""

    def make(sizes, channels=1, seed=0):
        rows, labels = known_rows(sizes, seed)
        images = np.zeros((len(rows), channels, 2, 2))
        images.reshape(len(rows), -1)[:, :3] = rows
        return images, labels

    return make


def test_montage_groups_go_by_distance(Known, pixel_images):
    X, labels = pixel_images([20, 12])
    estimator = Known(2).fit(X)
    estimator.cluster_centers_ = np.array([[0.0, 0.0], [8.0, 8.0]])
    display = ClusterMontageDisplay.from_estimator(estimator, X, n_images=3)
    assert display.sizes == [20, 12]
    for k in range(2):
        Z = X[labels == k].reshape(-1, 4)[:, :2]
        distances = np.sort(np.linalg.norm(Z - estimator.cluster_centers_[k], axis=1))
        shown = {
            title: np.linalg.norm(
                rows[k].reshape(-1, 4)[:, :2] - estimator.cluster_centers_[k], axis=1
            )
            for title, rows in display.groups.items()
        }
        assert_allclose(shown["nearest"], distances[:3], rtol=1e-5)
        assert_allclose(shown["farthest"], distances[-3:], rtol=1e-5)
        assert np.all(np.diff(shown["random"]) > 0)
        assert shown["random"].min() > distances[2]
        assert shown["random"].max() < distances[-3]


def test_montage_of_small_and_empty_clusters(Known, pixel_images):
    X, _ = pixel_images([20, 4, 0, 1])
    display = ClusterMontageDisplay.from_estimator(Known(5).fit(X), X, n_images=3)
    assert display.clusters == [0, 1, 3, 2, 4]
    assert display.sizes == [20, 4, 1, 0, 0]
    numbers = {k: [len(row) for row in rows] for k, rows in display.groups.items()}
    assert numbers == {
        "nearest": [3, 3, 1, 0, 0],
        "random": [3, 0, 0, 0, 0],
        "farthest": [3, 1, 0, 0, 0],
    }
    assert len(display.images_) == 14
    written = [text.get_text() for text in display.ax_.texts]
    assert written.count("empty") == 2
    display.figure_.canvas.draw()


def test_montage_says_size_and_confidence(dcec, digits):
    X = digits[0]
    display = ClusterMontageDisplay.from_estimator(dcec, X, n_images=2)
    titles = ["decoded\ncentre", "nearest", "random", "farthest"]
    assert list(display.groups) == titles
    written = [text.get_text() for text in display.ax_.texts]
    assert set(titles) < set(written)
    labels, largest = dcec.predict(X), dcec.predict_proba(X).max(axis=1)
    for row, k in enumerate(display.clusters):
        own = labels == k
        assert display.confidences[row] == pytest.approx(largest[own].mean())
        assert f"{own.sum()}\n{largest[own].mean():.2f}" in written
        center = display.groups["decoded\ncentre"][row]
        assert_allclose(center, dcec.cluster_images_[k])
    assert display.chance == 1 / 5
    assert any("0.2 by chance" in text for text in written)


def test_the_largest_cluster_comes_first(Known, pixel_images):
    X, _ = pixel_images([4, 20, 9, 20])
    estimator = Known(4).fit(X)
    display = ClusterMontageDisplay.from_estimator(estimator, X)
    assert display.clusters == [1, 3, 2, 0]
    assert display.sizes == [20, 20, 9, 4]
    display = ClusterMontageDisplay.from_estimator(estimator, X, order="number")
    assert display.clusters == [0, 1, 2, 3]
    for wrong in ("name", None, ["size"]):
        with pytest.raises(ValueError, match="order=.*must be 'size' or 'number'"):
            ClusterMontageDisplay.from_estimator(estimator, X, order=wrong)


def test_forty_rows_are_no_wider_than_a_screen(Known, pixel_images):
    X, _ = pixel_images([12] * 40)
    display = ClusterMontageDisplay.from_estimator(Known(40).fit(X), X)
    width, _ = display.figure_.get_size_inches()
    assert width <= 13.1


def test_titles_do_not_touch(dcec, digits):
    display = ClusterMontageDisplay.from_estimator(dcec, digits[0])
    figure = display.figure_
    figure.canvas.draw()
    titles = {t.get_text(): t.get_window_extent() for t in display.ax_.texts}
    facts, decoded = titles["size\nconf."], titles["decoded\ncentre"]
    assert facts.x1 + 2 < decoded.x0
    assert decoded.x1 + 2 < titles["nearest"].x0


def test_small_images_are_smoothed(dcec, digits, Known, pixel_images):
    display = ClusterMontageDisplay.from_estimator(dcec, digits[0], n_images=1)
    assert display.images_[0].get_interpolation() == "bilinear"
    large = np.zeros((8, 1, 30, 30))
    large[:, 0, 0, 2] = np.repeat([0, 1], 4)
    display = ClusterMontageDisplay.from_estimator(Known(2).fit(large), large)
    assert display.images_[0].get_interpolation() != "bilinear"


def test_montage_of_chosen_clusters(dcec, digits):
    display = ClusterMontageDisplay.from_estimator(dcec, digits[0], clusters=[3, 1])
    assert [text.get_text() for text in display.row_labels_] == ["3", "1"]
    assert display.sizes == [(dcec.labels_ == 3).sum(), (dcec.labels_ == 1).sum()]


@pytest.mark.parametrize(("channels", "is_color"), [(1, False), (2, False), (3, True)])
def test_montage_channels(channels, is_color, Known, pixel_images):
    X, _ = pixel_images([6, 6], channels)
    X[:, -1, 1, 1] = 0.75
    display = ClusterMontageDisplay.from_estimator(Known(2).fit(X), X, n_images=2)
    image = display.groups["nearest"][0][0]
    assert image.shape == ((2, 2, 3) if is_color else (2, 2))
    expected = [0, 0, 0.75] if is_color else 0.75 / channels
    assert_allclose(image[1, 1], expected)
    drawn = display.images_[0].get_array()
    assert drawn.min() >= 0
    assert drawn.max() <= 1  # colour values beyond 1 are clipped


def test_montage_of_uint8(Known, pixel_images):
    X, _ = pixel_images([6, 6], 3)
    X[:, 2, 1, 1] = 255
    X = np.clip(X, 0, 255).astype(np.uint8)
    display = ClusterMontageDisplay.from_estimator(Known(2).fit(X), X, n_images=2)
    assert_allclose(display.groups["nearest"][0][0][1, 1], [0, 0, 1])


def test_values_beyond_the_limits_are_clipped():
    assert_allclose(to_unit(np.array([-3.0, 0, 1, 2, 9]), (0, 2)), [0, 0, 0.5, 1, 1])
    grey = np.array([[[-2.0, 4.0]]])
    assert image_limits(grey) == (-2, 4)  # not on the scale [0, 1]: its own range
    colour = grey[..., None].repeat(3, axis=-1)
    assert image_limits(colour) == (-2, 4)
    assert image_limits(colour.clip(-0.1, 1.3)) == (0, 1)


def test_montage_layouts_agree(dcec, digits):
    rows = digits[0]
    drawn = [
        ClusterMontageDisplay.from_estimator(dcec, X, n_images=2).groups["nearest"]
        for X in (rows, rows.reshape(-1, 8, 8), rows.reshape(-1, 1, 8, 8))
    ]
    for other in drawn[1:]:
        for first, second in zip(drawn[0], other):
            assert_array_equal(first, second)


def test_montage_of_rows_needs_a_shape(Known, known_rows):
    X, _ = known_rows([5, 5])
    X = np.column_stack([X, X[:, 0]])
    estimator = Known(2).fit(X)
    with pytest.raises(ValueError, match="Pass image_shape="):
        ClusterMontageDisplay.from_estimator(estimator, X)
    display = ClusterMontageDisplay.from_estimator(estimator, X, image_shape=(2, 2))
    assert display.groups["nearest"][0].shape[1:] == (2, 2)


def test_forty_clusters_are_in_blocks_side_by_side(Known, pixel_images):
    X, _ = pixel_images([3] * 40)
    display = ClusterMontageDisplay.from_estimator(Known(40).fit(X), X, n_images=1)
    display.figure_.draw_without_rendering()
    lefts = {round(text.get_position()[0], 3) for text in display.row_labels_}
    assert len(lefts) == 2
    boxes = [text.get_window_extent() for text in display.ax_.texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])
