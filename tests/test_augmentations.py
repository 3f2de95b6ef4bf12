"""Augmentations: what changes, what stays, who decides; and kornia's values."""

import math
import pickle

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from skdeepclust import Autoencoder, RandomAffine, augmentations
from skdeepclust._random import draws_of
from skdeepclust.augmentations import (
    Augmentation,
    Chain,
    ColorJitter,
    CutOut,
    GaussianBlur,
    GaussianNoise,
    QuarterTurn,
    RandomFlip,
    RandomGrey,
    RandomLight,
    RandomResizedCrop,
    SwapValues,
    preset,
)
from skdeepclust.augmentations._geometry import _cut
from skdeepclust.augmentations._light import _LUMA, _colour_matrix
from skdeepclust.augmentations._texture import _blurred

KINDS = ["photo", "overhead", "microscopy", "grey"]
ANY_BANDS = [
    *(RandomResizedCrop(), RandomFlip(0.5, 0.5), QuarterTurn(), RandomLight()),
    *(RandomLight(per_band=False), GaussianBlur(), GaussianNoise(), CutOut()),
]
COLOURS = [ColorJitter(), RandomGrey()]


def draws(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def seeded(augment, X, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return augment(X)


# -- all of them ---------------------------------------------------------------


@pytest.mark.parametrize("augment", [*ANY_BANDS, *COLOURS], ids=str)
@pytest.mark.parametrize("shape", [(40, 3, 12, 12), (40, 3, 9, 14), (1, 3, 8, 8)])
def test_shape_type_and_input_stay(augment, shape):
    for X in (draws(*shape), draws(*shape).double()):
        before = X.clone()
        changed = seeded(augment, X)
        assert changed.shape == X.shape
        assert changed.dtype == X.dtype
        assert changed.isfinite().all()
        assert torch.equal(X, before)


@pytest.mark.parametrize("augment", ANY_BANDS, ids=str)
@pytest.mark.parametrize("bands", [1, 2, 13])
def test_any_number_of_bands(augment, bands):
    assert seeded(augment, draws(20, bands, 8, 10)).shape == (20, bands, 8, 10)


@pytest.mark.parametrize("augment", [*ANY_BANDS, *COLOURS, SwapValues()], ids=str)
def test_the_generator_of_the_moment_decides(augment):
    X = draws(30, 3, 8, 8)
    first = seeded(augment, X)
    assert torch.equal(first, seeded(augment, X))
    assert not torch.equal(first, seeded(augment, X, seed=1))
    # Within a fit these are generators of the fit.
    state, found = torch.get_rng_state(), []
    for _ in range(2):
        draws_of(0, torch.device("cpu"), lambda: found.append(augment(X)))
    assert torch.equal(*found)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("augment", [*ANY_BANDS, *COLOURS, SwapValues()], ids=str)
def test_images_are_changed_each_on_its_own(augment):
    X = draws(1, 3, 8, 8).expand(60, -1, -1, -1)
    if isinstance(augment, SwapValues):
        X = draws(60, 3, 8, 8)
    changed = seeded(augment, X)
    assert len(torch.unique(changed.flatten(1), dim=0)) > 1


@pytest.mark.parametrize("augment", [*ANY_BANDS, *COLOURS, SwapValues()], ids=str)
def test_repr_equality_and_pickle(augment):
    assert eval(repr(augment), vars(augmentations)) == augment
    assert pickle.loads(pickle.dumps(augment)) == augment
    assert hash(pickle.loads(pickle.dumps(augment))) == hash(augment)


WRONG = [torch.zeros(2, 3, 4), torch.zeros(2, 3, 4, 4, dtype=torch.uint8), np.ones(3)]


@pytest.mark.parametrize("X", WRONG, ids=["rows", "uint8", "array"])
@pytest.mark.parametrize("augment", [*ANY_BANDS, *COLOURS], ids=str)
def test_other_things_are_refused(augment, X):
    with pytest.raises(ValueError, match="batches of images, floating-point tensors"):
        augment(X)


REFUSED = [
    (lambda: RandomResizedCrop(scale=0.5), TypeError, "scale=0.5 must be a pair"),
    (lambda: RandomResizedCrop(scale=(0, 1)), ValueError, "scale=0 must be between"),
    (lambda: RandomResizedCrop(ratio=(2, 1)), ValueError, "must be increasing"),
    (lambda: RandomFlip(horizontal=2), ValueError, "horizontal=2 must be between 0"),
    (lambda: RandomFlip(vertical="x"), TypeError, "vertical='x' must be a number"),
    (lambda: RandomLight(brightness=-1), ValueError, "brightness=-1 must be between"),
    (lambda: RandomLight(per_band=1), TypeError, "per_band=1 must be True or False"),
    (lambda: ColorJitter(hue=0.6), ValueError, "hue=0.6 must be between 0 and 0.5"),
    (lambda: ColorJitter(p=True), TypeError, "p=True must be a number"),
    (lambda: GaussianBlur(sigma=(0.0, 1.0)), ValueError, "sigma=0.0 must be between"),
    (lambda: GaussianNoise(strength=math.nan), ValueError, "strength=nan must be"),
    (lambda: CutOut(size=1.5), ValueError, "size=1.5 must be between 0 and 1"),
    (lambda: SwapValues(share=None), TypeError, "share=None must be a number"),
    (lambda: Chain(RandomFlip), TypeError, "must be an instance and callable"),
    (lambda: preset("rgb", (3, 8, 8)), ValueError, "kind='rgb' must be one of"),
]


@pytest.mark.parametrize(("make", "error", "words"), REFUSED)
def test_arguments_are_checked(make, error, words):
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize("augment", COLOURS, ids=str)
def test_colours_are_red_green_and_blue(augment):
    with pytest.raises(ValueError, match=r"got images of 13 band\(s\). RandomLight"):
        augment(draws(2, 13, 4, 4))


# -- geometry ------------------------------------------------------------------


def test_a_part_is_enlarged_as_by_interpolation():
    X = draws(1, 2, 24, 32)
    across, down = torch.tensor([0.5]), torch.tensor([0.25])
    # Rows 9 to 14, columns 4 to 19.
    x, y = torch.tensor([12 / 16 - 1]), torch.tensor([12 / 12 - 1])
    found = _cut(X, across, down, x, y)
    part = X[:, :, 9:15, 4:20]
    expected = interpolate(part, (24, 32), mode="bilinear", align_corners=False)
    # At the border of the part, interpolation sees the pixels beyond or it does not.
    torch.testing.assert_close(found[:, :, 2:-2, 1:-1], expected[:, :, 2:-2, 1:-1])


def test_crops_have_shares_of_the_area_and_stay_inside():
    ramp = torch.linspace(0, 1, 40)
    X = torch.stack([ramp.expand(40, 40), ramp[:, None].expand(40, 40)])
    found = seeded(RandomResizedCrop((0.2, 0.6)), X.expand(500, -1, -1, -1))
    assert found.min() >= 0
    assert found.max() <= 1
    across = found[:, 0, 0, -1] - found[:, 0, 0, 0]
    down = found[:, 1, -1, 0] - found[:, 1, 0, 0]
    area = across * down
    assert 0.15 < area.min() < 0.25
    assert 0.5 < area.max() < 0.65
    ratio = across / down
    assert 0.7 < ratio.min() < 0.85
    assert 1.2 < ratio.max() < 1.4


def test_crops_of_everything_change_nothing():
    X = draws(5, 3, 9, 9)
    torch.testing.assert_close(RandomResizedCrop((1, 1), (1, 1))(X), X)


def test_mirror_images():
    X = draws(400, 1, 3, 4)
    found = seeded(RandomFlip(0.5, 0.25), X)
    flipped = [X, X.flip(3), X.flip(2), X.flip(2, 3)]
    counts = [int((found == each).flatten(1).all(1).sum()) for each in flipped]
    assert sum(counts) == 400
    for count, expected in zip(counts, [150, 150, 50, 50], strict=True):
        assert abs(count - expected) < 40


@pytest.mark.parametrize(("side", "n_ways"), [(5, 4), (6, 2)])
def test_quarter_turns_move_values_and_nothing_else(side, n_ways):
    X = draws(200, 2, 5, side)
    found = seeded(QuarterTurn(), X)
    step = 4 // n_ways
    turned = [X.rot90(k, (2, 3)) for k in range(0, 4, step)]
    counts = [int((found == each).flatten(1).all(1).sum()) for each in turned]
    assert sum(counts) == 200
    assert min(counts) > 200 / n_ways * 0.6


# -- light and colour ----------------------------------------------------------


def test_light_scales_mean_and_deviation_of_every_band():
    X = draws(300, 2, 8, 8)
    found = seeded(RandomLight(0.5, 0.2), X)
    bright = found.mean(dim=(2, 3)) / X.mean(dim=(2, 3))
    contrast = found.std(dim=(2, 3)) / X.std(dim=(2, 3)) / bright
    assert 0.5 <= bright.min() < 0.55
    assert 1.45 < bright.max() <= 1.5 + 1e-6
    assert 0.8 - 1e-4 <= contrast.min() < 0.82
    assert 1.18 < contrast.max() <= 1.2 + 1e-4
    assert not torch.allclose(bright[:, 0], bright[:, 1])
    same = seeded(RandomLight(0.5, 0.2, per_band=False), X)
    bright = same.mean(dim=(2, 3)) / X.mean(dim=(2, 3))
    torch.testing.assert_close(bright[:, 0], bright[:, 1])


def test_grey_images_have_no_hue_and_no_saturation():
    grey = draws(20, 1, 6, 6).expand(-1, 3, -1, -1)
    changed = seeded(ColorJitter(0, 0, 1, 0.5, p=1), grey)
    torch.testing.assert_close(changed, grey.contiguous())


def test_the_hue_turns_in_the_plane_of_equal_brightness():
    n = 12
    angle = torch.arange(n) * (2 * math.pi / n)
    matrices = _colour_matrix(angle, torch.ones(n))
    red = matrices[:, :, 0]  # what red becomes
    luma = torch.tensor(_LUMA)
    torch.testing.assert_close(red @ luma, torch.full((n,), luma[0].item()))
    torch.testing.assert_close(red[0], torch.tensor([1.0, 0.0, 0.0]), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        matrices[4] @ matrices[8], torch.eye(3), atol=1e-5, rtol=0
    )


def test_half_of_the_images_become_grey():
    found = seeded(RandomGrey(0.5), draws(300, 3, 4, 4))
    is_grey = found.std(dim=1).amax(dim=(1, 2)) < 1e-6
    assert 110 < is_grey.sum() < 190


# -- texture -------------------------------------------------------------------


def test_a_blur_is_a_convolution_with_the_kernel_of_the_image():
    X = draws(2, 3, 12, 15)
    kernels = torch.stack(
        [torch.tensor([0.0, 1.0, 0.0]), torch.tensor([0.25, 0.5, 0.25])]
    )
    found = _blurred(X, kernels)
    torch.testing.assert_close(found[0], X[0])
    padded = np.pad(X[1].numpy(), ((0, 0), (1, 1), (1, 1)), mode="reflect")
    across = padded[..., :-2] / 4 + padded[..., 1:-1] / 2 + padded[..., 2:] / 4
    both = across[:, :-2] / 4 + across[:, 1:-1] / 2 + across[:, 2:] / 4
    np.testing.assert_allclose(found[1].numpy(), both, rtol=1e-5)


def test_a_blur_that_is_wider_than_the_image():
    assert seeded(GaussianBlur((2.0, 3.0), p=1), draws(3, 2, 4, 5)).isfinite().all()


def test_noise_is_a_share_of_the_deviation_of_the_band():
    X = draws(200, 2, 16, 16) * torch.tensor([1.0, 1000.0])[:, None, None]
    noise = seeded(GaussianNoise(0.2), X) - X
    expected = 0.2 * X.std(dim=(0, 2, 3))
    torch.testing.assert_close(noise.std(dim=(0, 2, 3)), expected, rtol=0.02, atol=0)


def test_holes_are_rectangles_of_the_mean():
    X = draws(200, 2, 20, 30)
    changed = seeded(CutOut(0.5, p=0.5), X)
    hole = (changed != X).any(dim=1)
    is_cut = hole.flatten(1).any(dim=1)
    assert 70 < is_cut.sum() < 130
    mean = X.mean(dim=(2, 3), keepdim=True).expand_as(X)
    torch.testing.assert_close(torch.where(hole[:, None], changed, mean), mean)
    rows, columns = hole.any(dim=2).sum(dim=1), hole.any(dim=1).sum(dim=1)
    assert (rows * columns == hole.sum(dim=(1, 2))).all()
    assert rows.max() == 10
    assert columns.max() == 15


def test_swapped_values_come_from_the_same_column():
    X = torch.arange(500.0).reshape(100, 5)
    changed = seeded(SwapValues(0.3), X)
    assert (changed % 5 == X % 5).all()
    assert 0.25 < (changed != X).float().mean() < 0.35
    with pytest.raises(ValueError, match="batches of rows"):
        SwapValues()(torch.zeros(3))


# -- presets and chains --------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 9, 14), (3, 32, 32), (13, 8, 8), (4, 70, 70)])
def test_presets_take_any_bands_and_sizes(kind, shape):
    augment = preset(kind, shape)
    assert isinstance(augment, Chain)
    X = draws(10, *shape)
    assert seeded(augment, X).shape == X.shape


def names(kind, shape):
    return {type(step).__name__ for step in preset(kind, shape).steps}


def test_presets_are_what_the_kind_of_image_allows():
    assert {"ColorJitter", "RandomGrey"} <= names("photo", (3, 32, 32))
    assert not {"ColorJitter", "RandomGrey"} & names("photo", (13, 32, 32))
    assert "GaussianBlur" in names("photo", (3, 64, 64))
    assert "GaussianBlur" not in names("photo", (3, 32, 32))
    for kind in ("overhead", "microscopy"):
        assert {"QuarterTurn", "RandomFlip"} <= names(kind, (13, 32, 32))
    assert not {"QuarterTurn", "RandomFlip"} & names("grey", (1, 28, 28))
    assert RandomAffine.__name__ in names("grey", (1, 28, 28))


def test_an_own_augmentation_in_a_fit():
    class Negative(Augmentation):
        def _change(self, X):
            return 1 - X

    X = np.random.RandomState(0).rand(40, 9, 8)
    params = {"module__filters": (2, 2, 2), "max_epochs": 1, "random_state": 0}
    chain = Chain(Negative(), RandomFlip())
    first = Autoencoder(augment=chain, **params).fit_transform(X)
    same = Autoencoder(augment=chain, **params).fit_transform(X)
    np.testing.assert_array_equal(first, same)


# -- against kornia ------------------------------------------------------------


@pytest.fixture(scope="module")
def kornia():
    return pytest.importorskip("kornia")


def test_blur_is_kornias(kornia):
    X, sigma = draws(3, 13, 20, 24), torch.tensor([0.5, 1.0, 1.7])
    at = torch.arange(-5.0, 6.0)
    kernels = torch.exp(-0.5 * (at / sigma[:, None]) ** 2)
    found = _blurred(X, kernels / kernels.sum(1, keepdim=True))
    sigmas = torch.stack([sigma, sigma], dim=1)
    expected = kornia.filters.gaussian_blur2d(X, (11, 11), sigmas, "reflect")
    torch.testing.assert_close(found, expected)


def test_grey_is_kornias(kornia):
    X = draws(5, 3, 8, 9)
    expected = kornia.color.rgb_to_grayscale(X).expand(-1, 3, -1, -1)
    torch.testing.assert_close(RandomGrey(p=1)(X), expected.contiguous())


def test_saturation_is_kornias(kornia):
    X, factor = draws(5, 3, 8, 9), torch.tensor([0.6, 0.8, 1.0, 1.2, 1.4])
    matrices = _colour_matrix(torch.zeros(5), factor)
    found = torch.einsum("nij,njhw->nihw", matrices, X).clamp(0, 1)
    expected = kornia.enhance.adjust_saturation_with_gray_subtraction(X, factor)
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=0)


def test_brightness_and_contrast_are_kornias(kornia):
    X = draws(4, 3, 8, 9) * 0.5
    found = seeded(ColorJitter(0.3, 0.0, 0.0, 0.0, p=1), X)
    factor = found.flatten(1).sum(dim=1) / X.flatten(1).sum(dim=1)
    expected = kornia.enhance.adjust_brightness_accumulative(X, factor)
    torch.testing.assert_close(found, expected)
    found = seeded(ColorJitter(0.0, 0.3, 0.0, 0.0, p=1), X)
    mean = (X.mean(dim=(2, 3)) @ torch.tensor(_LUMA))[:, None, None, None]
    factor = ((found - mean) / (X - mean)).flatten(1).median(dim=1).values
    expected = kornia.enhance.adjust_contrast_with_mean_subtraction(X, factor)
    torch.testing.assert_close(found, expected, atol=2e-4, rtol=0)


def test_a_crop_is_kornias(kornia):
    X = draws(2, 3, 20, 20)
    # Corners are centres of pixels in kornia, and borders of the part here.
    corners = torch.tensor([[4.0, 6.0], [13.0, 6.0], [13.0, 15.0], [4.0, 15.0]])
    expected = kornia.geometry.transform.crop_and_resize(
        X, corners.expand(2, -1, -1), (20, 20)
    )
    side = torch.full((2,), 9 / 19)
    found = _cut(X, side, side, torch.full((2,), -0.1), torch.full((2,), 0.1))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_augmentations_of_kornia_can_be_passed(kornia):
    crop = kornia.augmentation.RandomResizedCrop((9, 8), scale=(0.5, 1.0))
    X = np.random.RandomState(0).rand(40, 9, 8)
    params = {"module__filters": (2, 2, 2), "max_epochs": 1, "random_state": 0}
    first = Autoencoder(augment=crop, **params).fit_transform(X)
    same = Autoencoder(augment=crop, **params).fit_transform(X)
    np.testing.assert_array_equal(first, same)
