"""Rows of the result: pixels scaled to 8 bits, over a background, with borders."""

from collections import Counter
from typing import NamedTuple

import numpy as np

from skdeepclust.images._file import Content, Recipe, read, reason_of

__all__ = ["Block", "Layout", "range_of_type", "read_rows"]

_LUMA = (0.299, 0.587, 0.114)  # grey of red, green and blue

# How far a value may lie outside of the range, in steps of the 8-bit result.
_TOLERANCE = 0.5


class Layout(NamedTuple):
    """What the rows have in common.

    `shape` is (channels, height, width), `value_ranges` that of the ImageReader,
    `padding` a colour (r, g, b).
    """

    shape: tuple[int, int, int]
    value_ranges: dict[str, np.ndarray]
    padding: tuple[int, int, int]


class Block(NamedTuple):
    """Rows of some files: an array, failures (position, reason), and what was odd."""

    rows: np.ndarray
    failures: list[tuple[int, str]]
    counts: Counter


def read_rows(paths: list[str], recipe: Recipe, layout: Layout) -> Block:
    """Read files; those that cannot be read become blank images.

    Parameters
    ----------
    paths : list of str
        Files.
    recipe : Recipe
        How they are read.
    layout : Layout
        What the rows have in common.

    Returns
    -------
    block : Block
        A row per file, in their order.
    """
    rows = np.empty((len(paths), *layout.shape), dtype=np.uint8)
    rows[:] = in_channels(layout.padding, layout.shape[0])[:, None, None]
    failures: list[tuple[int, str]] = []
    counts: Counter = Counter()
    for i, path in enumerate(paths):
        try:
            content = read(path, recipe)
            check_bands(content, layout.shape[0], recipe.mode)
            pixels, odd = _as_bytes(content, layout)
            _put(rows[i], _composed(pixels, content.alpha, recipe.background))
            counts.update(odd | content.lost)
        except Exception as error:
            failures.append((i, reason_of(error)))
    return Block(rows, failures, counts)


def check_bands(content: Content, n_channels: int, mode: str) -> None:
    """Refuse a file with another number of channels, in mode "native".

    Parameters
    ----------
    content : Content
        Pixels of a file.
    n_channels : int
        What the result has.
    mode : str
        The mode.
    """
    n_bands = len(content.pixels)
    if mode == "native" and n_bands != n_channels:
        raise ValueError(
            f"it has {n_bands} channels, and the files of fit have {n_channels}"
        )


def in_channels(color: tuple[int, int, int], n_channels: int) -> np.ndarray:
    """A colour as values of channels: its grey if there are not three.

    Parameters
    ----------
    color : tuple of int
        Red, green and blue.
    n_channels : int
        Number of channels.

    Returns
    -------
    values : ndarray of shape (n_channels,), uint8
        The values.
    """
    if n_channels == 3:
        return np.array(color, dtype=np.uint8)
    return np.full(n_channels, round(float(np.dot(_LUMA, color))), dtype=np.uint8)


def _as_bytes(content, layout):
    """Pixels from 0 to 255, and what is odd about them."""
    if content.kind == "uint8":
        return content.pixels, set()
    odd = set()
    ranges = layout.value_ranges.get(content.kind)
    if ranges is None:
        odd.add(f"new {content.kind}")
        ranges = range_of_type(content.kind)
    low, high = ranges.T[:, :, None, None]  # both (1 or channels, 1, 1)
    scaled = (content.pixels - low) / np.where(high > low, high - low, 1) * 255
    if scaled.min() < -_TOLERANCE or scaled.max() > 255 + _TOLERANCE:
        odd.add("clipped")
    return np.rint(scaled.clip(0, 255)).astype(np.uint8), odd


def range_of_type(kind: str) -> np.ndarray:
    """Smallest and largest value of a type of integers; 0 and 1 of floats.

    Parameters
    ----------
    kind : str
        Name of the type, or "float".

    Returns
    -------
    ranges : ndarray of shape (1, 2)
        Both values.
    """
    if kind == "float":
        return np.array([[0.0, 1.0]])
    info = np.iinfo(kind)
    return np.array([[info.min, info.max]], dtype=float)


def _composed(pixels, alpha, background):
    """Pixels over the background."""
    if alpha is None:
        return pixels
    below = in_channels(background, len(pixels))[:, None, None]
    return np.rint(pixels * alpha + below * (1 - alpha)).astype(np.uint8)


def _put(row, pixels):
    """Put pixels in the middle of a row; grey ones into all channels."""
    top, left = ((row.shape[i] - pixels.shape[i]) // 2 for i in (1, 2))
    row[:, top : top + pixels.shape[1], left : left + pixels.shape[2]] = pixels
