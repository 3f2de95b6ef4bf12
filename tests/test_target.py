"""Centres that lose their samples, and sizes of clusters."""

import numpy as np
import pytest
import torch

from skdeepclust._geometry import effective_clusters
from skdeepclust._target import reseed_dead_centers


def test_dead_centers_go_to_the_far_end_of_the_largest_cluster():
    Z = torch.tensor([[0.0], [1.0], [2.0], [9.0], [50.0], [51.0]])
    centers = torch.tensor([[1.0], [-100.0], [50.0]])
    labels = torch.tensor([0, 0, 0, 0, 2, 2])
    moved = reseed_dead_centers(Z, centers, labels)
    assert moved.tolist() == [1]
    assert centers.flatten().tolist() == [1.0, 9.0, 50.0]


def test_several_dead_centers_go_to_different_places():
    Z = torch.arange(20.0)[:, None]
    centers = torch.tensor([[9.5], [-100.0], [-100.0], [-100.0]])
    moved = reseed_dead_centers(Z, centers, torch.zeros(20, dtype=torch.int64))
    assert moved.tolist() == [1, 2, 3]
    assert len(centers.unique()) == 4
    assert set(centers[1:].flatten().tolist()) <= set(Z.flatten().tolist())


def test_nothing_to_split():
    Z = torch.ones(5, 2)
    centers = torch.tensor([[1.0, 1.0], [7.0, 7.0]])
    moved = reseed_dead_centers(Z, centers, torch.zeros(5, dtype=torch.int64))
    assert len(moved) == 0
    assert centers[1].tolist() == [7.0, 7.0]


def test_live_centers_stay():
    Z = torch.rand(10, 2)
    centers = torch.rand(3, 2)
    before = centers.clone()
    moved = reseed_dead_centers(Z, centers, torch.arange(10) % 3)
    assert len(moved) == 0
    assert torch.equal(centers, before)


@pytest.mark.parametrize(
    ("labels", "expected"), [([0, 1, 2, 3], 4), ([2, 2, 2], 1), ([0, 0, 3, 3], 2)]
)
def test_effective_clusters(labels, expected):
    assert effective_clusters(np.array(labels), 4) == pytest.approx(expected)
