"""Files of any number of bands and any type of values: TIFF and .npy."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np

from skdeepclust.images._formats import import_pillow, import_tifffile
from skdeepclust.images._picture import Loaded, Picture, check_pixels

__all__ = ["open_array", "open_tiff"]

# Values of the TIFF tag PhotometricInterpretation.
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6

# Pages that Pillow reads with all that belongs to them: numbers of channels.
_PLAIN = {
    **{_WHITE_IS_ZERO: (1, 2), _BLACK_IS_ZERO: (1, 2), _PALETTE: (1,)},
    **{_RGB: (3, 4), _CMYK: (4,), _YCBCR: (3,)},
}

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R 601-2, as Pillow's

# What undoes the orientations of EXIF and TIFF: (exchange of rows and columns, then
# the order of the rows, and that of the columns).
_UNDO = {
    **{1: (False, 1, 1), 2: (False, 1, -1), 3: (False, -1, -1), 4: (False, -1, 1)},
    **{5: (True, 1, 1), 6: (True, 1, -1), 7: (True, -1, -1), 8: (True, -1, 1)},
}


# -- arrays ----------------------------------------------------------------------------


def open_array(path: str, max_pixels: int) -> Picture:
    """The picture in an .npy file: (H, W), (H, W, bands) or (bands, H, W).

    Of three axes, the bands are the shorter of the first and the last.
    """
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if array.ndim == 3:
        is_first = array.shape[0] < array.shape[2]
        bands = array if is_first else np.moveaxis(array, 2, 0)
    elif array.ndim == 2:
        bands = array[None]
    else:
        raise ValueError(f"an array of shape {array.shape} is not one image")
    check_pixels(bands[0].size, bands.shape[1:], max_pixels)
    lost = frozenset({"bands"} if len(bands) not in (1, 3) else ())
    load = partial(_load, lambda is_native: bands, len(bands), False, lost)
    return _picture(bands.shape[1:], bands.dtype, len(bands), len(bands) < 3, load)


def _picture(shape, dtype, n_bands, is_grey, load):
    if dtype.kind not in "buif":
        raise ValueError(f"values of type {dtype} are not those of an image")
    if not n_bands * math.prod(shape):
        raise ValueError("the image has no pixels")
    kind = "float" if dtype.kind == "f" else dtype.name
    kind = "uint8" if dtype.kind == "b" else kind
    return Picture(tuple(shape), kind, n_bands, is_grey, load)


# -- TIFF ------------------------------------------------------------------------------


@contextmanager
def open_tiff(file, max_pixels, open_by_pillow) -> Iterator[Picture]:
    """The picture in a TIFF file: its first series of pages.

    Pillow reads pages of the usual 8-bit kinds, tifffile reads all others, in mode
    "native" all pages of the series.
    """
    with import_tifffile().TiffFile(file) as tiff:
        series = tiff.series[0]
        page = series.keyframe
        shape, n_bands = _shape_of(series, page)
        n_pages = n_bands // page.samplesperpixel
        check_pixels(math.prod(shape) * n_pages, (n_pages, *shape), max_pixels)
        upright = shape[::-1] if _exchanges(page) else shape
        if _is_plain(page):
            picture = open_by_pillow(max_pixels)._replace(shape=upright)
            if n_pages > 1:
                load = partial(_load_plain, picture, series, n_bands)
                picture = picture._replace(load=load, n_bands=n_bands)
        else:
            picture = _tiff_picture(series, page, upright, n_bands, open_by_pillow)
        yield picture


def _shape_of(series, page):
    """Height and width as they are stored, and the number of bands of all pages."""
    if not {"Y", "X"} <= set(series.axes):
        raise ValueError(f"a TIFF with the axes {series.axes} has no height and width")
    shape = tuple(series.shape[series.axes.index(axis)] for axis in "YX")
    if not math.prod(shape):
        raise ValueError("the image has no pixels")
    return shape, math.prod(series.shape) // math.prod(shape)


def _is_plain(page):
    """Whether Pillow reads the page without a loss."""
    if page.bitspersample > 8 or page.sampleformat not in (1, None):
        return False
    return page.samplesperpixel in _PLAIN.get(page.photometric, ())


def _load_plain(picture, series, n_bands, recipe):
    """The first of several pages by Pillow, or all of them by tifffile."""
    if recipe.mode != "native":
        loaded = picture.load(recipe)
        return loaded._replace(lost=loaded.lost | {"pages"})
    read = partial(_tiff_bands, series, series.keyframe)
    return _load(read, n_bands, False, frozenset(), recipe)


def _tiff_picture(series, page, shape, n_bands, open_by_pillow):
    n_samples = page.samplesperpixel
    if page.photometric == _CMYK:
        raise ValueError("a TIFF of CMYK with more than 8 bits is not supported")
    has_alpha = bool(page.extrasamples) and page.extrasamples[-1] in (1, 2)
    lost = set()
    if n_samples - has_alpha not in (1, 3):
        lost.add("bands")
    if n_bands > n_samples:
        lost.add("pages")
    load = partial(
        _load_or_by_pillow,
        partial(_tiff_bands, series, page),
        partial(open_by_pillow, math.inf),
        (n_samples, has_alpha, frozenset(lost)),
    )
    return _picture(shape, page.dtype, n_bands, n_samples - has_alpha < 3, load)


def _load_or_by_pillow(read, open_by_pillow, facts, recipe):
    """Load by tifffile, or by Pillow if a package for its compression is missing."""
    n_samples, has_alpha, lost = facts
    try:
        return _load(read, n_samples, has_alpha, lost, recipe)
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        by_pillow = open_by_pillow()
        if by_pillow.kind == "uint8" or "pages" in lost:
            raise ValueError(f"{error}: pip install imagecodecs") from error
        return by_pillow.load(recipe)


def _tiff_bands(series, page, is_native):
    """Bands of all pages, or of the first one."""
    source = series if is_native else series.pages[0]
    bands = _bands_first(source.asarray(), source.axes)
    if page.photometric == _WHITE_IS_ZERO:
        highest = np.iinfo(bands.dtype).max if bands.dtype.kind == "u" else 0
        bands = highest - bands
    return _upright(bands, page)


def _bands_first(array, axes):
    rows, columns = axes.index("Y"), axes.index("X")
    array = np.moveaxis(array, (rows, columns), (-2, -1))
    return array.reshape(-1, *array.shape[-2:])


def _orientation(page):
    tag = page.tags.get("Orientation")
    return _UNDO.get(tag.value if tag else 1, _UNDO[1])


def _exchanges(page):
    return _orientation(page)[0]


def _upright(bands, page):
    exchange, rows, columns = _orientation(page)
    if exchange:
        bands = bands.transpose(0, 2, 1)
    return bands[:, ::rows, ::columns]


# -- both ------------------------------------------------------------------------------


def _load(read, n_bands, has_alpha, lost, recipe) -> Loaded:
    """Bands as the mode wants them: all of them, the light, or three colours."""
    is_native = recipe.mode == "native"
    bands = read(is_native)
    if bands.dtype == bool:
        bands = bands.astype(np.uint8) * 255
    bands, not_finite = _finite(bands)
    alpha = None
    if is_native:
        lost = frozenset()
    else:
        if has_alpha:
            alpha = _opacity(bands[n_bands - 1])
        bands = bands[:3] if n_bands >= 3 + has_alpha else bands[:1]
        if recipe.mode == "grey" and len(bands) == 3:
            bands = _grey(bands)
    images = [_image(band) for band in bands]
    return Loaded(images, lost | not_finite, None if alpha is None else _image(alpha))


def _finite(bands):
    """Values that are not finite become the lowest one, infinity the highest."""
    if bands.dtype.kind != "f":
        return bands, frozenset()
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
        bands = bands.astype(np.float32)
    if np.isfinite(bands).all():
        return bands, frozenset()
    finite = bands[np.isfinite(bands)]
    low, high = (finite.min(), finite.max()) if finite.size else (0, 0)
    found = np.nan_to_num(bands, nan=low, neginf=low, posinf=high)
    return found, frozenset({"not finite"})


def _opacity(alpha):
    if alpha.dtype.kind == "f":
        return alpha.astype(np.float32)
    return (alpha / np.float32(np.iinfo(alpha.dtype).max)).astype(np.float32)


def _grey(bands):
    grey = np.tensordot(_LUMA, bands, axes=1)[None]
    return np.rint(grey).astype(np.uint8) if bands.dtype == np.uint8 else grey


def _image(band):
    if band.dtype != np.uint8:
        band = band.astype(np.float32)
    return import_pillow().fromarray(np.ascontiguousarray(band))
