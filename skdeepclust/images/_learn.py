"""What is learned from files before they are read: size, channels, ranges of values."""

from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from skdeepclust.exceptions import ImageReadError
from skdeepclust.images._file import Recipe, opened, read, reason_of
from skdeepclust.images._messages import raise_for
from skdeepclust.images._pool import in_pool

__all__ = ["Learned", "learn"]

_LONGEST = 64  # side that "auto" chooses: time grows with the number of pixels
_SHORTEST = 8

_SAME_RATIO = 0.05  # relative difference of ratios of sides that counts as none
_SHARE_OF_RATIO = 0.9  # files that must have the usual ratio for other than a square

# Difference of red, green and blue that JPEG can make in a grey image.
_COLOUR = 6


class Learned(NamedTuple):
    """What an ImageReader learns. `n_scaled` counts files by their type of values."""

    mode: str
    image_shape: tuple[int, int, int]
    value_ranges: dict[str, np.ndarray]
    n_scaled: dict[str, int] = {}
    n_files: int = 0


_Ranges = dict[str, tuple[np.ndarray, np.ndarray]]  # lowest and highest values


class _Headers(NamedTuple):
    """What headers of files say. Lists hold positions of files."""

    shapes: Counter
    bands: dict[int, int]  # number of channels -> the first file with it
    kinds: Counter
    deep: list[int]
    coloured: list[int]
    failures: list[tuple[int, str]]


def learn(
    paths: list[str], recipe: Recipe, may_fail: bool, options: dict[str, Any]
) -> Learned:
    """Size, channels and ranges of values for a set of files.

    Parameters
    ----------
    paths : list of str
        Files.
    recipe : Recipe
        How they will be read; size None and mode "auto" are still to be chosen.
    may_fail : bool
        Whether files may be unreadable.
    options : dict
        For the pool of workers.

    Returns
    -------
    learned : Learned
        What was found.
    """
    headers = _headers(paths, recipe.max_pixels, options)
    if headers.failures and not may_fail:
        first, reason = headers.failures[0]
        raise_for(paths[first], reason)
    if not headers.shapes:
        first, reason = headers.failures[0]
        raise ImageReadError(
            f"None of the {len(paths)} files can be read. The first: {paths[first]!r}: "
            f"{reason}."
        )
    size = recipe.size or _usual_size(headers.shapes)
    recipe = recipe._replace(size=size)
    if recipe.mode == "auto":
        coloured = [paths[i] for i in headers.coloured]
        in_colour = _any_colour(coloured, recipe._replace(mode="rgb"), options)
        recipe = recipe._replace(mode="rgb" if in_colour else "grey")
    n_channels = {"grey": 1, "rgb": 3}.get(recipe.mode)
    if n_channels is None:
        n_channels = _number_of_bands(headers.bands, paths)
    deep = [paths[i] for i in headers.deep]
    ranges = _ranges(deep, recipe, options)
    return Learned(recipe.mode, (n_channels, *size), ranges, headers.kinds, len(paths))


# -- headers ---------------------------------------------------------------------------


def _headers(paths, max_pixels, options):
    found = _Headers(Counter(), {}, Counter(), [], [], [])
    options = {"title": "Looking at files", **options}
    with in_pool(_headers_of_block, paths, max_pixels, **options) as blocks:
        for start, block in blocks:
            found.shapes.update(block.shapes)
            found.kinds.update(block.kinds)
            for n_bands, i in block.bands.items():
                found.bands.setdefault(n_bands, start + i)
            found.deep.extend(start + i for i in block.deep)
            found.coloured.extend(start + i for i in block.coloured)
            found.failures.extend((start + i, reason) for i, reason in block.failures)
    return found


def _headers_of_block(paths, max_pixels):
    found = _Headers(Counter(), {}, Counter(), [], [], [])
    for i, path in enumerate(paths):
        try:
            with opened(path, max_pixels) as picture:
                pass
        except Exception as error:
            found.failures.append((i, reason_of(error)))
            continue
        found.shapes[picture.shape] += 1
        found.bands.setdefault(picture.n_bands, i)
        if picture.kind != "uint8":
            found.kinds[picture.kind] += 1
            found.deep.append(i)
        if not picture.is_grey:
            found.coloured.append(i)
    return found


def _usual_size(shapes):
    """Height and width that suit files of these sizes."""
    sizes = np.array(list(shapes))  # (n, 2)
    n_files = np.array(list(shapes.values()))
    if len(sizes) == 1 and sizes.max() <= _LONGEST:
        return tuple(int(side) for side in sizes[0])
    ratios = np.log(sizes[:, 0] / sizes[:, 1])
    usual = _median(ratios, n_files)
    is_usual = np.abs(ratios - usual) < _SAME_RATIO
    if n_files[is_usual].sum() < _SHARE_OF_RATIO * n_files.sum():
        usual = 0.0
    longest = min(_median(sizes.max(axis=1), n_files), _LONGEST)
    sides = longest * np.exp([min(usual, 0.0), min(-usual, 0.0)])
    height, width = np.maximum(np.rint(sides), _SHORTEST).astype(int)
    return int(height), int(width)


def _median(values, n_files):
    """The lower median of values that occur several times."""
    order = np.argsort(values)
    below = np.cumsum(n_files[order])
    return float(values[order][np.searchsorted(below, below[-1] / 2)])


def _number_of_bands(bands, paths):
    if len(bands) > 1:
        (first, i), (other, j) = list(bands.items())[:2]
        raise ValueError(
            "mode='native' needs files with the same number of channels, but "
            f"{paths[i]!r} has {first} and {paths[j]!r} has {other}. Pass mode='grey' "
            "or mode='rgb'."
        )
    return next(iter(bands))


# -- pixels ----------------------------------------------------------------------------


def _any_colour(paths, recipe, options):
    """Whether a file that is stored in colour has any. Most often the first one has."""
    if paths and _colour_in_block(paths[:1], recipe):
        return True
    options = {"title": "Looking for colours", **options}
    with in_pool(_colour_in_block, paths[1:], recipe, **options) as blocks:
        return any(found for _, found in blocks)


def _colour_in_block(paths, recipe):
    for path in paths:
        try:
            content = read(path, recipe)
        except Exception:
            continue  # this is reported when the file is read for good
        is_deep = content.kind != "uint8"
        pixels = content.pixels if is_deep else content.pixels.astype(np.int16)
        if len(pixels) == 3:
            difference = pixels.max(axis=0) - pixels.min(axis=0)
            if difference.max() > (0 if is_deep else _COLOUR):
                return True
    return False


def _ranges(paths, recipe, options):
    """Smallest and largest value of every type of values, by channel."""
    found: _Ranges = {}
    options = {"title": "Looking for the range of values", **options}
    with in_pool(_ranges_in_block, paths, recipe, **options) as blocks:
        for _, block in blocks:
            _merge(found, block)
    return {kind: np.stack(both, axis=1) for kind, both in sorted(found.items())}


def _ranges_in_block(paths, recipe):
    found: _Ranges = {}
    for path in paths:
        try:
            content = read(path, recipe)
        except Exception:
            continue  # this is reported when the file is read for good
        by_band = content.pixels.reshape(len(content.pixels), -1)
        if recipe.mode != "native":
            by_band = by_band.reshape(1, -1)
        low, high = by_band.min(axis=1), by_band.max(axis=1)
        _merge(found, {content.kind: (low.astype(float), high.astype(float))})
    return found


def _merge(found, others):
    for kind, (low, high) in others.items():
        if kind in found:
            low = np.minimum(low, found[kind][0])
            high = np.maximum(high, found[kind][1])
        found[kind] = low, high
