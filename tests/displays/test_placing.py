"""Places of labels."""

import numpy as np
from numpy.testing import assert_array_equal

from skdeepclust.displays._placing import pushed_apart, spread


def test_spread_keeps_order_distance_and_bounds():
    targets = np.array([0.0, 0.1, 0.2, 5.0, 9.9, 10.0])
    places = spread(targets, 1.0, 0.5, 9.5)
    assert np.all(np.diff(places) >= 1 - 1e-9)
    assert places.min() >= 0.5
    assert places.max() <= 9.5 + 1e-9
    assert places[3] == 5.0  # nothing is in its way


def test_boxes_are_pushed_apart():
    places = np.random.default_rng(0).normal(size=(30, 2))
    places[1] = places[0]
    sizes = np.full((30, 2), (2.0, 1.0))
    moved = pushed_apart(places, sizes)
    gaps = np.abs(moved[:, None] - moved)
    overlap = np.minimum(2 - gaps[..., 0], 1 - gaps[..., 1])
    np.fill_diagonal(overlap, 0)
    assert overlap.max() < 0.2
    alone = pushed_apart(places[:1], sizes[:1])
    assert_array_equal(alone, places[:1])
