"""Augmentation: what moves where, and who decides."""

import numpy as np
import pytest
import torch
from torch.nn.functional import grid_sample

from skdeepclust import Autoencoder, RandomAffine
from skdeepclust._augment import inside, resolve_augmentation


def spot(height=20, width=20, at=(10, 10)):
    X = torch.zeros(1, 1, height, width)
    X[0, 0, at[0], at[1]] = 1
    return X.repeat(200, 1, 1, 1)


def centroids(X):
    rows = torch.arange(X.shape[2], dtype=torch.float32)
    columns = torch.arange(X.shape[3], dtype=torch.float32)
    mass = X.sum(dim=(1, 2, 3))
    return (X.sum(dim=(1, 3)) @ rows) / mass, (X.sum(dim=(1, 2)) @ columns) / mass


def test_nothing_is_the_identity():
    X = torch.rand(5, 3, 9, 14)
    torch.testing.assert_close(RandomAffine(0, 0, 0)(X), X)


@pytest.mark.parametrize(("height", "width"), [(20, 20), (20, 40)])
def test_shifts_are_shares_of_the_sides(height, width):
    X = spot(height, width, (height // 2, width // 2))
    rows, columns = centroids(RandomAffine(shift=0.1, rotation=0, scale=0)(X))
    down, across = (rows - height // 2).abs(), (columns - width // 2).abs()
    assert 0.8 * 0.1 * height < down.max() <= 0.1 * height + 0.01
    assert 0.8 * 0.1 * width < across.max() <= 0.1 * width + 0.01


def test_rotation_keeps_distances_in_images_that_are_not_square():
    X = spot(21, 61, (10, 45))  # 15 pixels right of the middle
    rows, columns = centroids(RandomAffine(shift=0, rotation=30, scale=0)(X))
    distance = ((rows - 10) ** 2 + (columns - 30) ** 2).sqrt()
    torch.testing.assert_close(distance, torch.full((200,), 15.0), atol=0.3, rtol=0)
    assert (rows - 10).abs().max() > 6  # 15 sin 30 = 7.5


def test_scale():
    X = spot(21, 21, (10, 18))
    _, columns = centroids(RandomAffine(shift=0, rotation=0, scale=0.2)(X))
    assert 6.5 < (columns - 10).min() < 7.2  # 8 / 1.2 = 6.7
    assert 9.2 < (columns - 10).max() < 10.1  # 8 / 0.8 = 10


def test_half_of_the_images_are_mirrored():
    X = spot(9, 9, (2, 7))
    mirrored = RandomAffine(0, 0, 0, flip=True)(X)[:, 0, 2, 1] > 0.5
    assert 60 < mirrored.sum() < 140
    assert not (RandomAffine(0, 0, 0)(X)[:, 0, 2, 1] > 0.5).any()


def test_the_border_is_filled_with_the_nearest_pixel():
    X = torch.full((50, 1, 8, 8), 0.7)
    torch.testing.assert_close(RandomAffine(0.3, 30, 0.3)(X), X)


def test_torchs_generator_decides():
    X = torch.rand(5, 1, 8, 8)
    torch.manual_seed(0)
    first = RandomAffine()(X)
    torch.manual_seed(0)
    assert torch.equal(RandomAffine()(X), first)
    assert not torch.equal(RandomAffine()(X), first)


def test_defaults_by_the_data():
    assert resolve_augmentation("auto", None) is None
    assert resolve_augmentation(None, (1, 8, 8)) is None
    assert resolve_augmentation("auto", (1, 8, 8)).flip is False
    assert resolve_augmentation("auto", (3, 8, 8)).flip is True
    assert resolve_augmentation(abs, (1, 8, 8)) is abs
    assert "flip=True" in repr(resolve_augmentation("auto", (3, 8, 8)))


def test_the_border_without_torch_s_border():
    X = torch.rand(4, 2, 7, 12)
    grid = torch.rand(4, 7, 12, 2) * 4 - 2
    expected = grid_sample(X, grid, padding_mode="border", align_corners=False)
    found = grid_sample(X, inside(grid, 7, 12), align_corners=False)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"shift": float("nan")}, ValueError),
        ({"rotation": float("nan")}, ValueError),
        ({"scale": -50}, ValueError),
        ({"shift": 1e30}, ValueError),
        ({"scale": 1.0}, ValueError),
        ({"shift": "a"}, TypeError),
        ({"rotation": True}, TypeError),
        ({"flip": "yes"}, TypeError),
    ],
)
def test_bad_sizes(params, error):
    (name,) = params
    with pytest.raises(error, match=f"{name}="):
        RandomAffine(**params)


@pytest.mark.parametrize(
    "X",
    [
        torch.rand(5, 8, 8),
        torch.zeros(5, 1, 8, 8, dtype=torch.uint8),
        np.zeros((5, 1, 8, 8)),
        torch.rand(5, 64),
        torch.rand(0, 1, 8, 8),
    ],
)
def test_what_is_no_batch_of_images(X):
    with pytest.raises(ValueError, match=r"shape \(n, C, H, W\).*augment=None"):
        RandomAffine()(X)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_floats(dtype):
    assert RandomAffine()(torch.rand(5, 1, 8, 8).to(dtype)).dtype == dtype


def test_a_class_is_no_augmentation():
    with pytest.raises(TypeError, match="augment is the class RandomAffine. Pass an"):
        resolve_augmentation(RandomAffine, (1, 8, 8))


@pytest.mark.parametrize("size", [np.timedelta64(1, "D"), True, "a"])
def test_sizes_that_are_no_numbers(size):
    with pytest.raises(TypeError, match="shift=.* must be a number"):
        RandomAffine(shift=size)


def test_an_augment_that_fails_is_named():
    def wrong(X):
        return X[1, 2, 3, 4, 5]

    X = np.random.RandomState(0).rand(30, 8, 8)
    with pytest.raises(ValueError, match=r"augment=.*wrong.*failed on a batch"):
        Autoencoder(augment=wrong, max_epochs=1, device="cpu").fit(X)
