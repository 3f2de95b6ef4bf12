"""Fixtures: images with structure, files of them, and a small network."""

import numpy as np
import pytest
import torch
from torch import nn


@pytest.fixture(scope="session")
def photos():
    """21 smooth colour images of 3 x 24 x 32, uint8."""
    rng = np.random.RandomState(0)
    y, x = np.mgrid[:24, :32] / 10
    waves = [
        np.sin(x * rng.uniform(0.2, 2) + y * rng.uniform(0.2, 2) + rng.rand())
        for _ in range(63)
    ]
    return (127 + 100 * np.array(waves)).astype(np.uint8).reshape(21, 3, 24, 32)


@pytest.fixture(scope="session")
def photo_files(photos, tmp_path_factory):
    """Paths of PNG files with these images."""
    Image = pytest.importorskip("PIL.Image")
    folder = tmp_path_factory.mktemp("photos")
    for i, image in enumerate(photos):
        Image.fromarray(image.transpose(1, 2, 0)).save(folder / f"{i:02d}.png")
    return [str(folder / f"{i:02d}.png") for i in range(len(photos))]


@pytest.fixture
def small_net():
    """A module whose batch norm and dropout would show a wrong mode."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.5)
    )
    net[1].running_mean.uniform_(-0.1, 0.1)
    return net
