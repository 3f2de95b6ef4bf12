"""Where images come from: an array, or files in their full size."""

import hashlib
import math
import os
from typing import Any

import numpy as np

from skdeepclust._warnings import warn
from skdeepclust.exceptions import DataScaleWarning, ImageReadError
from skdeepclust.images._file import Recipe, opened, reason_of
from skdeepclust.images._find import MAX_PIXELS
from skdeepclust.images._formats import import_pillow

__all__ = ["KEY_BYTES", "Array", "Files", "are_paths"]

KEY_BYTES = 20  # of a digest: far beyond what two of a billion images could share

# JPEG is decoded in full size if that is larger than any image.
_FULL = (2**30, 2**30)
_WHITE = (255, 255, 255)


def are_paths(X: Any) -> bool:
    """Whether X holds paths, or is one, and not numbers."""
    if isinstance(X, str | bytes | os.PathLike):
        return True
    if isinstance(X, type):
        return False
    if isinstance(X, list | tuple):
        return bool(X) and isinstance(X[0], str | os.PathLike)
    if len(getattr(X, "shape", ())) != 1 or getattr(X, "dtype", None) is None:
        return False
    first = next(iter(X), None)
    return isinstance(first, str | os.PathLike)


class Array:
    """Images, or other rows, in memory or in a memory map.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Rows that have been checked.
    image_shape : tuple of 3 ints or None
        Channels, height and width; None: rows are no images.
    """

    def __init__(self, X: np.ndarray, image_shape: tuple[int, int, int] | None):
        self._X = X
        self._shape = image_shape or (math.prod(X.shape[1:]),)
        self.n_bands = None if image_shape is None else image_shape[0]
        # Whether `pillow` loses nothing.
        self.is_pillow = self.n_bands == 3 and X.dtype == np.uint8

    def __len__(self) -> int:
        return len(self._X)

    def pixels(self, i: int) -> np.ndarray:
        """Image i, (channels, height, width), of the type of the array."""
        return np.asarray(self._X[i]).reshape(self._shape)

    def pillow(self, i: int) -> Any:
        """Image i for Pillow: RGB, or grey values repeated to RGB."""
        pixels = self.pixels(i)
        if pixels.dtype != np.uint8:  # in [0, 1], see `check_for_pillow`
            pixels = np.rint(np.float32(255) * pixels).astype(np.uint8)
        pixels = np.broadcast_to(pixels, (3, *pixels.shape[1:]))
        return import_pillow().fromarray(
            np.ascontiguousarray(pixels.transpose(1, 2, 0))
        )

    def check_for_pillow(self) -> None:
        """Refuse images that are not grey or RGB in [0, 1] or of type uint8."""
        if self.n_bands is None:
            raise ValueError(
                "X holds rows that are no images, and the transform of this backbone "
                "takes images. Pass X of shape (n, C, H, W), or image_shape=(C, H, W)."
            )
        if self.n_bands not in (1, 3):
            raise ValueError(
                f"X holds images of {self.n_bands} bands, and the transform of this "
                "backbone takes grey or RGB images. Pass three of the bands, such as "
                "X[:, [3, 2, 1]], or a backbone of your own for all of them with "
                "transform=None or a dict."
            )
        self.check_for_levels()

    def check_for_levels(self) -> None:
        """Refuse numbers beyond [0, 1], which mean and std are for."""
        if self._X.dtype == np.uint8:
            return
        low, high = self._X.min(), self._X.max()
        if low < 0 or high > 1:
            raise ValueError(
                f"The values of X are from {low:.4g} to {high:.4g}. This transform "
                "takes uint8, or numbers from 0 to 1. Pass X.astype(numpy.uint8) if "
                "these are the usual values from 0 to 255, or scale X, or pass "
                "transform=None if it is ready for the network."
            )

    def warn_of_integers(self) -> None:
        """Say that whole numbers are not scaled, unless they are uint8."""
        is_whole = self._X.dtype.kind in "iu" and self._X.dtype != np.uint8
        if self.n_bands is not None and is_whole:
            warn(
                f"X holds {self._X.dtype}, which is not scaled: only uint8 is, to "
                "[0, 1]. Pass X.astype(numpy.uint8) for values from 0 to 255, or "
                "numbers in the scale that the network was trained with.",
                DataScaleWarning,
            )

    def key(self, i: int) -> bytes:
        """Digest of the image."""
        pixels = np.ascontiguousarray(self.pixels(i))
        digest = hashlib.blake2b(digest_size=KEY_BYTES)
        digest.update(f"array {pixels.dtype} {pixels.shape};".encode())
        digest.update(pixels.data)
        return digest.digest()


class Files:
    """Image files, read in full size, as :class:`ImageReader` reads them in RGB.

    Parameters
    ----------
    paths : list of str
        The files.
    n_bands : int
        3: red, green and blue; 1: grey.
    """

    def __init__(self, paths: list[str], n_bands: int):
        import_pillow()
        self._paths = paths
        self._mode = "L" if n_bands == 1 else "RGB"
        self.n_bands = n_bands
        self.is_pillow = True

    def __len__(self) -> int:
        return len(self._paths)

    def pillow(self, i: int) -> Any:
        """Image i for Pillow."""
        path = self._paths[i]
        recipe = Recipe(_FULL, "rgb", "stretch", _WHITE, MAX_PIXELS)
        try:
            with opened(path, MAX_PIXELS) as picture:
                if picture.kind != "uint8":
                    raise ValueError(_deep(picture.kind))
                return picture.load(recipe).images[0].convert(self._mode)
        except FileNotFoundError as error:
            raise FileNotFoundError(f"There is no file {path!r}.") from error
        except Exception as error:  # what decoders raise is of many types
            raise ImageReadError(
                f"{path!r} cannot be read: {reason_of(error)}. find_images(folder, "
                "check=True) leaves out files that cannot be read."
            ) from error

    def pixels(self, i: int) -> np.ndarray:
        """Image i, (channels, height, width), uint8."""
        pixels = np.asarray(self.pillow(i))
        return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)

    def check_for_pillow(self) -> None:
        """Files are always in order."""

    check_for_levels = warn_of_integers = check_for_pillow

    def key(self, i: int) -> bytes:
        """Digest of the bytes of the file."""
        digest = hashlib.blake2b(b"file;", digest_size=KEY_BYTES)
        try:
            with open(self._paths[i], "rb") as file:
                while block := file.read(2**20):
                    digest.update(block)
        except FileNotFoundError as error:
            raise FileNotFoundError(f"There is no file {self._paths[i]!r}.") from error
        except OSError as error:
            raise ImageReadError(
                f"{self._paths[i]!r} cannot be read: {reason_of(error)}."
            ) from error
        return digest.digest()


def _deep(kind):
    return (
        f"it has {kind} values, which need a scale that all files share. Pass the "
        "array of ImageReader(size, fit='crop').fit_transform(paths) in their place"
    )
