"""Changes one after the other, and the usual ones by kind of image."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from skdeepclust._augment import RandomAffine
from skdeepclust.augmentations._base import Augmentation
from skdeepclust.augmentations._geometry import (
    QuarterTurn,
    RandomFlip,
    RandomResizedCrop,
)
from skdeepclust.augmentations._light import ColorJitter, RandomGrey, RandomLight
from skdeepclust.augmentations._texture import (
    CutOut,
    GaussianBlur,
    GaussianNoise,
    SwapValues,
)

__all__ = ["PRESETS", "Chain", "preset"]

# Below this side an image of a photograph is not blurred: SimCLR for CIFAR does not.
_SMALLEST_BLURRED = 64

_COLOURS = 3


class Chain(Augmentation):
    """Changes of a batch, one after the other.

    Parameters
    ----------
    *steps : callables
        Each maps a batch to a changed batch of the same shape.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust.augmentations import Chain, QuarterTurn, RandomFlip
    >>> Chain(QuarterTurn(), RandomFlip())(torch.rand(5, 13, 28, 28)).shape
    torch.Size([5, 13, 28, 28])
    """

    def __init__(self, *steps: Callable[[Tensor], Tensor]):
        for step in steps:
            if isinstance(step, type) or not callable(step):
                raise TypeError(f"The step {step!r} must be an instance and callable.")
        self.steps = steps

    def __repr__(self) -> str:
        return f"Chain({', '.join(map(repr, self.steps))})"

    def _check(self, X: Any) -> None:
        """Leave it to the steps."""

    def _change(self, X: Tensor) -> Tensor:
        for step in self.steps:
            X = step(X)
        return X


def _photo(bands: int, side: int) -> list:
    light: list = [ColorJitter(), RandomGrey()]
    if bands != _COLOURS:
        light = [RandomLight()]
    blur = [GaussianBlur()] if side >= _SMALLEST_BLURRED else []
    return [RandomResizedCrop(), RandomFlip(), *light, *blur]


def _overhead(bands: int, side: int) -> list:
    turns = [QuarterTurn(), RandomFlip(vertical=0.5)]
    light = RandomLight(0.3, 0.3)
    return [RandomResizedCrop((0.3, 1.0)), *turns, light, GaussianNoise(0.05)]


def _microscopy(bands: int, side: int) -> list:
    # The size of a cell says much: parts are cut out of little more than half at least.
    turns = [QuarterTurn(), RandomFlip(vertical=0.5)]
    blur = GaussianBlur((0.1, 1.0))
    light = RandomLight(0.4, 0.4)
    crop = RandomResizedCrop((0.6, 1.0), (0.9, 1.1))
    return [crop, *turns, light, blur, GaussianNoise(0.1)]


def _grey(bands: int, side: int) -> list:
    # Neither mirror images nor large turns: a 6 must not become a 9.
    affine = RandomAffine(shift=0.15, rotation=15, scale=0.2)
    return [affine, RandomLight(0.3, 0.3), CutOut()]


def _rows(bands: int, side: int) -> list:
    return [SwapValues()]


PRESETS = {
    "photo": _photo,
    "overhead": _overhead,
    "microscopy": _microscopy,
    "grey": _grey,
}


def preset(kind: str, image_shape: tuple[int, int, int]) -> Chain:
    """Changes that suit a kind of image.

    ============  ==================================================================
    kind          changes
    ============  ==================================================================
    "photo"       crops of .2 to 1 of the area, mirror images left to right, colour
                  jitter and grey (for other bands than three: brightness and
                  contrast of every band), blur from 64 pixels on: those of SimCLR
    "overhead"    for images without an up, as from a satellite: crops of .3 to 1,
                  quarter turns, mirror images, brightness and contrast of every
                  band, a little noise
    "microscopy"  the same with crops of .6 to 1, since the size of things says much,
                  slight blur and more noise
    "grey"        for one band with an up, such as letters and digits: shifts, turns
                  by up to 15 degrees, size, brightness, contrast, holes; no mirror
                  images
    ============  ==================================================================

    Parameters
    ----------
    kind : {"photo", "overhead", "microscopy", "grey"}
        Kind of image.
    image_shape : tuple of 3 ints
        Bands, height and width of an image.

    Returns
    -------
    augmentation : Chain
        The changes, to be passed as `augment` or to be taken apart (its `steps`).

    Raises
    ------
    ValueError
        If there is no such kind.

    Examples
    --------
    >>> from skdeepclust.augmentations import preset
    >>> preset("overhead", (13, 64, 64)).steps[0]
    RandomResizedCrop(scale=(0.3, 1.0), ratio=(0.75, 1.3333333333333333))
    """
    if kind not in PRESETS:
        raise ValueError(f"kind={kind!r} must be one of {list(PRESETS)}.")
    bands, *sides = image_shape
    return Chain(*PRESETS[kind](bands, min(sides)))
