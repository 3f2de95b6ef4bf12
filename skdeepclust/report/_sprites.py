"""Thumbnails, packed into sheets."""

import base64
import io
import math
import warnings

import numpy as np

from skdeepclust.displays._images import as_images, image_limits, to_unit
from skdeepclust.exceptions import ImageReadWarning, ImageScaleWarning
from skdeepclust.images import ImageReader

__all__ = ["Sheets", "import_pillow", "pack", "thumbnails", "thumbnails_of_files"]

# Thumbnails side by side in a sheet, and one below the other.
_PER_SIDE = 16

# JPEG compresses blocks of 16 x 16 pixels. A cell of whole blocks keeps the
# neighbours of a thumbnail out of it.
_BLOCK = 16

# Images up to this size are shown in magnified pixels, and without loss if the sheets
# have at most so many bytes.
_SMALL, _MOST_BYTES_WHOLE = 32, 3_000_000

# Qualities to try, until the sheets have at most this size.
_QUALITIES = (88, 80, 70, 55, 40, 25)
_MOST_BYTES = 12_000_000

# Images scaled at once: floats need four times the memory.
_AT_ONCE = 1024


class Sheets:
    """Sheets of thumbnails.

    Parameters
    ----------
    width, height : int
        Size of a thumbnail in pixels.
    cell : tuple of 2 ints
        Width and height of its place in a sheet.
    kind : {"jpeg", "png"}
        Format.
    sheets : list of bytes
        The encoded sheets.
    """

    def __init__(self, width, height, cell, kind, sheets):
        self.width = width
        self.height = height
        self.cell = cell
        self.kind = kind
        self.sheets = sheets

    def layout(self):
        """What the page must know to cut thumbnails out."""
        return {
            "width": self.width,
            "height": self.height,
            "cellWidth": self.cell[0],
            "cellHeight": self.cell[1],
            "perSide": _PER_SIDE,
            "type": f"image/{self.kind}",
            "count": len(self.sheets),
            "pixelated": max(self.width, self.height) <= _SMALL,
        }

    def as_text(self):
        """The sheets in base64."""
        return [base64.b64encode(sheet).decode("ascii") for sheet in self.sheets]


def import_pillow():
    """Import Pillow, or say how to get it."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            "Thumbnails need Pillow, which is not installed. Install it with: "
            'pip install "skdeepclust[images]", or pass images=False for a report '
            "without thumbnails."
        ) from error
    return Image


def thumbnails(estimator, images, index, size, limits=None):
    """Samples as small images.

    Parameters
    ----------
    estimator : estimator
        Its `image_shape_` is the shape of a row.
    images : array-like of shape (n, C, H, W), (n, H, W) or (n, n_features)
        All samples.
    index : ndarray of shape (n_shown,)
        Samples to take.
    size : int
        Longest side of a thumbnail in pixels. Smaller images keep their size.
    limits : tuple of 2 floats, default=None
        Values shown as black and as white. None takes those of the samples.

    Returns
    -------
    small : ndarray of shape (n_shown, height, width) or (n_shown, height, width, 3)
        Thumbnails, uint8.
    limits : tuple of 2 floats
        Values shown as black and as white.
    """
    Image = import_pillow()
    blocks = [index[i : i + _AT_ONCE] for i in range(0, len(index), _AT_ONCE)]
    if limits is None:
        limits = _limits(estimator, images, blocks)
    small: list[np.ndarray] = []
    for block in blocks:
        for image in _as_bytes(estimator, _rows(images, block), limits):
            height, width = image.shape[:2]
            scale = min(1.0, size / max(height, width))
            if scale < 1:
                new = [max(1, round(side * scale)) for side in (width, height)]
                resized = Image.fromarray(image).resize(new, Image.Resampling.BOX)
                image = np.asarray(resized)
            small.append(image)
    return np.stack(small), limits


def _as_bytes(estimator, images, limits):
    """Images as uint8: (n, H, W), or with three channels last."""
    if images.dtype == np.uint8 and images.ndim == 4 and images.shape[1] in (1, 3):
        return images[:, 0] if images.shape[1] == 1 else images.transpose(0, 2, 3, 1)
    unit = to_unit(as_images(estimator, images), limits)
    return np.round(255 * unit).astype(np.uint8)


def _limits(estimator, images, blocks):
    """Values shown as black and as white, of all blocks together."""
    values = np.asarray(images[:0]) if hasattr(images, "dtype") else None
    if values is not None and values.dtype == np.uint8:
        return (0.0, 1.0)
    ends = []
    for block in blocks:
        found = as_images(estimator, _rows(images, block))
        if found.ndim == 4:  # colours: the rule looks at the lowest and the highest
            flat = found.reshape(-1, 1, 1, found.shape[-1])
            ends.append(np.stack([flat.min(axis=0), flat.max(axis=0)]))
        else:
            ends.append(np.array([[[found.min()]], [[found.max()]]]))
    return image_limits(np.concatenate(ends))


def _rows(X, index):
    """Rows of an array or data frame."""
    return np.asarray(X.iloc[index] if hasattr(X, "iloc") else X[index])


def thumbnails_of_files(paths, size):
    """Small colour images of files, fitted into squares.

    Parameters
    ----------
    paths : list of Path
        Files. One that cannot be read becomes a black square.
    size : int
        Side of a thumbnail in pixels.

    Returns
    -------
    small : ndarray of shape (n, size, size, 3)
        Thumbnails, uint8.
    notes : list of str
        What is to be said about them.
    """
    reader = ImageReader(size, mode="rgb", on_error="blank", progress=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        images = reader.transform(paths)
    about_reading = ImageReadWarning | ImageScaleWarning
    notes = [str(w.message) for w in caught if issubclass(w.category, about_reading)]
    return np.asarray(images).transpose(0, 2, 3, 1), notes


def pack(small):
    """Pack thumbnails into sheets.

    Parameters
    ----------
    small : ndarray of shape (n, height, width) or (n, height, width, 3)
        Thumbnails, uint8.

    Returns
    -------
    packed : Sheets
        The sheets.
    """
    height, width = small.shape[1:3]
    cell = [math.ceil(side / _BLOCK) * _BLOCK for side in (width, height)]
    per_sheet = _PER_SIDE**2
    parts = [small[i : i + per_sheet] for i in range(0, len(small), per_sheet)]
    if max(width, height) <= _SMALL:
        arrays = [_sheet(part, (width, height)) for part in parts]
        estimate = len(_encoded(arrays[0], "png")) * len(small) / len(parts[0])
        if estimate <= _MOST_BYTES_WHOLE:
            whole = [_encoded(array, "png") for array in arrays]
            return Sheets(width, height, (width, height), "png", whole)
    arrays = [_sheet(part, cell) for part in parts]
    quality = _quality(arrays)
    sheets = [_encoded(array, "jpeg", quality) for array in arrays]
    return Sheets(width, height, tuple(cell), "jpeg", sheets)


def _quality(arrays):
    """The best quality whose sheets are small enough, judged by a few of them."""
    some = arrays[:: max(1, len(arrays) // 3)]
    for quality in _QUALITIES:
        n_bytes = sum(len(_encoded(array, "jpeg", quality)) for array in some)
        if n_bytes * len(arrays) / len(some) <= _MOST_BYTES:
            return quality
    return _QUALITIES[-1]


def _sheet(small, cell):
    """Thumbnails side by side; the rest of a cell repeats the edge."""
    n, height, width = small.shape[:3]
    rest = [(0, 0), (0, cell[1] - height), (0, cell[0] - width)]
    rest += [(0, 0)] * (small.ndim - 3)
    padded = np.pad(small, rest, mode="edge")
    n_rows = math.ceil(n / _PER_SIDE)
    missing = [(0, n_rows * _PER_SIDE - n)] + [(0, 0)] * (small.ndim - 1)
    grid = np.pad(padded, missing).reshape(n_rows, _PER_SIDE, *padded.shape[1:])
    rows = grid.swapaxes(1, 2)
    return rows.reshape(n_rows * cell[1], _PER_SIDE * cell[0], *small.shape[3:])


def _encoded(array, kind, quality=None):
    """A sheet in a file format."""
    buffer = io.BytesIO()
    options = {} if quality is None else {"quality": quality}
    import_pillow().fromarray(array).save(buffer, kind, optimize=True, **options)
    return buffer.getvalue()
