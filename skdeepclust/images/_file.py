"""One image file: what its header says, and its pixels in the size asked for."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import numpy as np

from skdeepclust.images._bands import open_array, open_tiff
from skdeepclust.images._formats import formats, import_pillow
from skdeepclust.images._picture import Loaded, Picture, check_pixels

__all__ = ["NO_FILE", "Content", "Recipe", "opened", "read", "reason_of"]

NO_FILE = "there is no such file"

_NPY = b"\x93NUMPY"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # the last two: BigTIFF

_ORIENTATION = 0x0112  # the tag of EXIF and TIFF
_TURNED = {5, 6, 7, 8}  # orientations that exchange height and width

_GREY = {"1", "L", "LA", "La"}
_DEEP = {"I", "F"}  # and I;16, in several byte orders
_TRANSPARENT = {"LA", "PA", "RGBA", "La", "RGBa"}

# Modes of Pillow whose channels are not kept as they are, and what they become.
_NATIVE = {
    **{"1": "L", "La": "LA", "PA": "RGBA", "RGBa": "RGBA"},
    **dict.fromkeys(("YCbCr", "HSV", "LAB", "RGBX"), "RGB"),
}


class Recipe(NamedTuple):
    """How files are read.

    `size` is (height, width), `mode` is "grey", "rgb" or "native", `fit` is "pad",
    "crop" or "stretch", `background` is the colour (r, g, b) below what is transparent.
    """

    size: tuple[int, int]
    mode: str
    fit: str
    background: tuple[int, int, int]
    max_pixels: int


class Content(NamedTuple):
    """Pixels of a file in their final size, without padding.

    `pixels` has the shape (channels, height, width); it is float32 if `kind` is not
    "uint8". `alpha` is of shape (height, width), from 0 to 1, or None.
    """

    pixels: np.ndarray
    kind: str
    alpha: np.ndarray | None
    lost: frozenset[str]


def read(path: str, recipe: Recipe) -> Content:
    """Read a file.

    Parameters
    ----------
    path : str
        The file.
    recipe : Recipe
        How it is read.

    Returns
    -------
    content : Content
        Its pixels. Those that are not 8-bit are still to be scaled.
    """
    with opened(path, recipe.max_pixels) as picture:
        loaded = picture.load(recipe)
        images = [_resized(image, recipe) for image in loaded.images]
        alpha = loaded.alpha and _resized(loaded.alpha, recipe)
    return Content(
        np.concatenate([_channels_first(image) for image in images]),
        picture.kind,
        None if alpha is None else np.asarray(alpha),
        loaded.lost,
    )


def _resized(image, recipe):
    """A Pillow image in its final size, without padding."""
    (height, width), (w, h) = recipe.size, image.size
    box = None
    target = (width, height)
    if recipe.fit == "pad":
        scale = min(height / h, width / w)
        target = (max(1, round(w * scale)), max(1, round(h * scale)))
    elif recipe.fit == "crop":
        scale = max(height / h, width / w)
        left = max(0.0, (w - width / scale) / 2)
        top = max(0.0, (h - height / scale) / 2)
        box = (left, top, w - left, h - top)
    # This filter averages when it shrinks, and never exceeds the values of the image.
    return image.resize(target, import_pillow().Resampling.BILINEAR, box=box)


def _channels_first(image):
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


# -- opening ---------------------------------------------------------------------------


@contextmanager
def opened(path: str, max_pixels: int) -> Iterator[Picture]:
    """The picture in a file, as its header describes it.

    Its content counts, whatever the suffix is. Nothing is decoded before the size is
    checked.
    """
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError("it is a folder; find_images(folder) lists its images")
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is not a regular file")
    if not status.st_size:
        raise ValueError("the file is empty")
    with open(path, "rb") as file:
        head = file.read(8)
        file.seek(0)
        if head.startswith(_NPY):
            yield open_array(path, max_pixels)
        elif head.startswith(_TIFF):
            with open_tiff(file, max_pixels, partial(_open_pillow, file)) as picture:
                yield picture
        else:
            yield _open_pillow(file, max_pixels)


def _open_pillow(file, max_pixels) -> Picture:
    file.seek(0)
    image = import_pillow().open(file, formats=formats())
    check_pixels(image.size[0] * image.size[1], image.size[::-1], max_pixels)
    # Without these entries, Pillow may decode a PNG to look for the tag.
    has_tags = "exif" in image.info or "xmp" in image.info
    turned = has_tags and image.getexif().get(_ORIENTATION) in _TURNED
    is_deep = image.mode in _DEEP or image.mode.startswith("I;16")
    native = _native_mode(image)
    return Picture(
        shape=image.size if turned else image.size[::-1],
        kind=_deep_kind(image) if is_deep else "uint8",
        n_bands=1 if is_deep else len(import_pillow().new(native, (1, 1)).getbands()),
        is_grey=is_deep or image.mode in _GREY,
        load=partial(_load_deep if is_deep else _load, image),
    )


def _native_mode(image):
    """Mode of Pillow that keeps all channels."""
    if image.mode == "P":
        return "RGBA" if "transparency" in image.info else "RGB"
    return _NATIVE.get(image.mode, image.mode)


def _deep_kind(image):
    """Type of the values, for the scale. Pillow may give 16 bits as 32."""
    if image.mode == "F":
        return "float"
    is_wide = image.mode == "I" and image.format not in ("PNG", "PPM")
    return "int32" if is_wide else "uint16"


# -- loading by Pillow -----------------------------------------------------------------


def _load(image, recipe) -> Loaded:
    """8-bit images: as they are, grey, or RGB over the background."""
    lost = _cut_bits(image)
    # JPEG is decoded in a half, a quarter or an eighth of its size where that is ample.
    ample = 2 * max(recipe.size)
    image.draft("L" if recipe.mode == "grey" else None, (ample, ample))
    image = _upright(image)
    if recipe.mode == "native":
        native = _native_mode(image)
        return Loaded([image if image.mode == native else image.convert(native)], lost)
    if image.mode in _TRANSPARENT or "transparency" in image.info:
        image = image.convert("RGBA")
        below = import_pillow().new("RGBA", image.size, (*recipe.background, 255))
        image = import_pillow().alpha_composite(below, image)
    if recipe.mode == "grey" or image.mode in _GREY:
        if image.mode not in ("1", "L", "RGB"):
            image = image.convert("RGB")
        return Loaded([image.convert("L")], lost)
    return Loaded([image.convert("RGB")], lost)


def _load_deep(image, recipe) -> Loaded:
    """Images of one channel and more than 8 bits."""
    pixels = np.asarray(_upright(image), dtype=np.float32)
    return Loaded([import_pillow().fromarray(pixels)])


def _upright(image):
    from PIL import ImageOps

    if image.format == "TIFF":  # Pillow turns these itself, when it loads them
        image.load()
        return image
    return ImageOps.exif_transpose(image)


def _cut_bits(image):
    """Pillow reads 16-bit PNG files of several channels as 8-bit."""
    is_cut = image.format == "PNG" and any("16" in str(tile[3]) for tile in image.tile)
    return frozenset({"bits"} if is_cut else ())


# -- what went wrong -------------------------------------------------------------------


def reason_of(error: Exception) -> str:
    """Why a file could not be read, in a few words.

    Parameters
    ----------
    error : Exception
        What was raised.

    Returns
    -------
    reason : str
        One line.
    """
    if isinstance(error, FileNotFoundError):
        return NO_FILE
    if isinstance(error, PermissionError):
        return "no permission to read it"
    if type(error).__name__ == "UnidentifiedImageError":
        return "not an image that Pillow or tifffile can read"
    if type(error).__name__ == "DecompressionBombError":
        return (
            "its header claims more pixels than Pillow allows, max_pixels and "
            "PIL.Image.MAX_IMAGE_PIXELS can be raised"
        )
    words = " ".join(str(error).split()) or type(error).__name__
    is_ours = isinstance(error, ValueError | IsADirectoryError) and words[0].islower()
    return words if is_ours else f"damaged or not supported: {words}"
