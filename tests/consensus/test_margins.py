"""How far samples are inside their clusters."""

import numpy as np

from skdeepclust.consensus._margins import ClusterMeans, confidence_of

Z = np.array([[0.0], [2.0], [10.0], [14.0]])
MEANS = ClusterMeans(Z, np.array([0, 0, 3, 3]))  # means 1 and 12


def test_margins():
    points = np.array([[1.0], [6.5], [12.0], [3.0], [3.0]])
    margins = MEANS.margins(points, np.array([0, 0, 0, 0, 3]))
    np.testing.assert_allclose(margins, [1, 0, -1, 7 / 9, -7 / 9])


def test_noise_and_clusters_that_the_run_does_not_have_have_no_margin():
    np.testing.assert_array_equal(MEANS.margins(Z, np.array([-1, 1, 4, -1])), 0)
    nothing = ClusterMeans(Z, np.full(4, -1))
    np.testing.assert_array_equal(nothing.margins(Z, np.zeros(4, dtype=int)), 0)


def test_the_own_mean_can_be_the_farthest_of_three():
    three = ClusterMeans(np.array([[0.0], [1.0], [9.0]]), np.array([0, 1, 2]))
    margins = three.margins(np.array([[0.0], [9.0]]), np.array([2, 0]))
    np.testing.assert_allclose(margins, [-1, -1])


def test_one_cluster_and_equal_points():
    one = ClusterMeans(Z, np.zeros(4, dtype=int))
    np.testing.assert_array_equal(one.margins(Z, np.array([0, 0, 0, -1])), [1, 1, 1, 0])
    equal = ClusterMeans(np.ones((4, 2)), np.array([0, 0, 1, 1]))
    np.testing.assert_array_equal(equal.margins(np.ones((2, 2)), np.array([0, 1])), 0)


def test_confidence():
    votes = np.array([[0, 1, -1, -1], [0, 0, 1, -1]])
    margins = np.array([[1, 1, 0, 0], [0, 1, 0.5, 0]])
    labels = np.array([0, 0, 1, -1])
    found = confidence_of(votes, labels, margins)
    np.testing.assert_allclose(found, [0.75, 0.5, 0.375, 0])
