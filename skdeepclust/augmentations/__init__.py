"""Random changes of whole batches of images, for any number of bands.

A change is an object; called with a batch ``(n, C, H, W)``, a floating-point tensor on
any device, it returns a changed batch of the same shape. Every image is changed on its
own. Any estimator takes a change as its `augment`.

- :func:`preset`: the usual changes by kind of image: "photo", "overhead", "microscopy",
  "grey".
- Where things are: :class:`RandomResizedCrop`, :class:`RandomFlip`,
  :class:`QuarterTurn`; :class:`~skdeepclust.RandomAffine`.
- Values: :class:`RandomLight` for any bands; :class:`ColorJitter` and
  :class:`RandomGrey` for red, green and blue.
- Texture: :class:`GaussianBlur`, :class:`GaussianNoise`, :class:`CutOut`.
- :class:`SwapValues` is for rows that are not images.
- :class:`Chain`: several, one after the other; :class:`Augmentation`: the base of your
  own.
"""

from skdeepclust.augmentations._base import Augmentation
from skdeepclust.augmentations._geometry import (
    QuarterTurn,
    RandomFlip,
    RandomResizedCrop,
)
from skdeepclust.augmentations._light import ColorJitter, RandomGrey, RandomLight
from skdeepclust.augmentations._presets import Chain, preset
from skdeepclust.augmentations._texture import (
    CutOut,
    GaussianBlur,
    GaussianNoise,
    SwapValues,
)

__all__ = [
    "Augmentation",
    "Chain",
    "ColorJitter",
    "CutOut",
    "GaussianBlur",
    "GaussianNoise",
    "QuarterTurn",
    "RandomFlip",
    "RandomGrey",
    "RandomLight",
    "RandomResizedCrop",
    "SwapValues",
    "preset",
]
