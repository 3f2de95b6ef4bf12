"""From one image to what the network takes: as it is, by a dict, or by a callable."""

import re
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from skdeepclust._params import as_python
from skdeepclust.images._formats import import_pillow

__all__ = ["AsItIs", "ByCallable", "Resized", "described", "resolve_transform"]

_FILTERS = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")
_KEYS = ("size", "crop", "interpolation", "mean", "std")


def resolve_transform(transform: Any) -> "AsItIs | ByCallable | Resized":
    """What the parameter `transform` means, "auto" excepted.

    Parameters
    ----------
    transform : None, dict or callable
        Parameter of the encoder.

    Returns
    -------
    transform : object
        `load(images, i)` returns an array for image i; `mean` and `std` are for
        batches, or None.
    """
    if transform is None:
        return AsItIs()
    if isinstance(transform, Mapping):
        return Resized(**_checked(transform))
    return ByCallable(transform)


class AsItIs:
    """No change of size."""

    mean: Tensor | None = None
    std: Tensor | None = None

    def load(self, images: Any, i: int) -> np.ndarray:
        """Pixels of image i."""
        return images.pixels(i)


class ByCallable:
    """A callable of the user's or of a library, for one Pillow image.

    Parameters
    ----------
    function : callable
        Returns a tensor or an array (channels, height, width).
    """

    mean: Tensor | None = None
    std: Tensor | None = None

    def __init__(self, function: Callable[[Any], Any]):
        self.function = function

    def load(self, images: Any, i: int) -> np.ndarray:
        """What the callable makes of image i."""
        made = self.function(images.pillow(i))
        if torch.is_tensor(made):
            made = made.detach().cpu().numpy()
        if not isinstance(made, np.ndarray) or made.ndim != 3:
            kind = getattr(made, "shape", type(made).__name__)
            raise TypeError(
                "transform must return a tensor or an array of shape (channels, "
                f"height, width) for a Pillow image, got {kind}."
            )
        return made


class Resized:
    """Resized and cropped in one step, and normalised in the batch.

    Parameters
    ----------
    size : (int, int)
        Height and width of the result.
    crop : float or None
        Share of the sides that is kept of the largest centred part with the ratio of
        `size`. None: all of the image, stretched.
    interpolation : str
        Filter of Pillow.
    mean, std : list of float or None
        For values from 0 to 1, of every band.
    """

    def __init__(self, size, crop, interpolation, mean, std):
        self.size, self.crop, self.interpolation = size, crop, interpolation
        self.mean, self.std = _per_band(mean), _per_band(std)

    def load(self, images: Any, i: int) -> np.ndarray:
        """Pixels of image i in the size asked for."""
        if images.n_bands is None:
            raise ValueError(
                "transform is a dict, which is for images, but X holds rows. Pass "
                "transform=None."
            )
        if images.is_pillow:
            made = self._resized(images.pillow(i))
            return made[None] if made.ndim == 2 else made.transpose(2, 0, 1)
        bands = images.pixels(i)
        dtype = np.uint8 if bands.dtype == np.uint8 else np.float32
        bands = np.ascontiguousarray(bands, dtype=dtype)
        return np.stack([self._resized(import_pillow().fromarray(b)) for b in bands])

    def _resized(self, image):
        """Pixels of an image of Pillow in the new size."""
        width, height = image.size
        filter_ = import_pillow().Resampling[self.interpolation.upper()]
        box = self._box(height, width)
        return np.asarray(image.resize(self.size[::-1], filter_, box=box))

    def _box(self, h, w):
        """Left, upper, right and lower edge of the part that is kept."""
        if self.crop is None:
            return (0, 0, w, h)
        height, width = self.size
        scale = self.crop * min(h / height, w / width)
        left, top = (w - scale * width) / 2, (h - scale * height) / 2
        return (left, top, left + scale * width, top + scale * height)


def _per_band(values):
    return None if values is None else torch.tensor(values, dtype=torch.float32)


def _checked(given):
    """The entries of the dict, complete, or an error that says what they may be."""
    unknown = sorted(map(str, set(given) - set(_KEYS)))
    if unknown or "size" not in given:
        what = f"has the unknown keys {unknown}" if unknown else "has no 'size'"
        raise ValueError(
            f"transform={dict(given)!r} {what}. Its keys are {list(_KEYS)}."
        )
    size = as_python(given["size"])
    sides: Any = (size, size) if isinstance(size, Integral) else size
    is_pair = isinstance(sides, tuple | list) and len(sides) == 2
    if not is_pair or not all(_is_number(s, Integral) and s >= 1 for s in sides):
        raise ValueError(
            f"transform: size={size!r} must be a number of pixels or (height, width)."
        )
    crop = as_python(given.get("crop", 1.0))
    if crop is not None and not (_is_number(crop) and 0 < crop <= 1):
        raise ValueError(f"transform: crop={crop!r} must be in (0, 1], or None.")
    name = given.get("interpolation", "bicubic")
    if name not in _FILTERS:
        raise ValueError(
            f"transform: interpolation={name!r} must be one of {', '.join(_FILTERS)}."
        )
    mean, std = (_levels(key, given.get(key)) for key in ("mean", "std"))
    if std is not None and 0 in std:
        raise ValueError("transform: std must not hold zeros.")
    return {
        **{"size": tuple(sides), "crop": crop, "interpolation": name},
        **{"mean": mean, "std": std},
    }


def _levels(key, values):
    values = as_python(values)
    if values is None:
        return None
    listed = [values] if _is_number(values) else values
    is_list = isinstance(listed, tuple | list) and len(listed) > 0
    if not is_list or not all(map(_is_number, listed)):
        raise ValueError(
            f"transform: {key}={values!r} must be a number, or one for every band."
        )
    return [float(value) for value in listed]


def _is_number(value, kind=Real):
    return isinstance(value, kind) and not isinstance(value, bool)


def described(transform: Any) -> str:
    """A transform of a library in words that are equal for equal settings."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(transform))
