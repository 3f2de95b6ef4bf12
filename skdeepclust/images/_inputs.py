"""What a user may pass: paths, a size, a colour."""

import os
from collections.abc import Iterable, Mapping, Sequence, Set
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from skdeepclust._params import as_python
from skdeepclust.images._formats import import_pillow

__all__ = ["as_color", "as_paths", "as_size"]


def as_paths(X: Any) -> list[str]:
    """Paths as strings, or an error that says what to pass.

    Parameters
    ----------
    X : object
        What the user passed as paths.

    Returns
    -------
    paths : list of str
        The paths, in their order.
    """
    if isinstance(X, str | bytes | os.PathLike):
        raise TypeError(_advice_on_one(X))
    if hasattr(X, "columns"):
        raise TypeError(
            f"X must be a sequence of paths, got a {type(X).__name__}. Pass the column "
            "that holds them, such as X['path']."
        )
    shape = np.shape(X) if hasattr(X, "dtype") else None
    is_numeric = getattr(getattr(X, "dtype", None), "kind", "O") in "buifc"
    if is_numeric or (shape is not None and len(shape) != 1):
        raise TypeError(
            "X must be a one-dimensional sequence of paths, got an array of shape "
            f"{shape} and type {X.dtype}. If these are images, leave the ImageReader "
            "out: the other estimators take arrays."
        )
    if isinstance(X, Mapping | Set) or not isinstance(X, Sequence | np.ndarray):
        X = _as_sequence(X)
    paths = [_as_path(path, i) for i, path in enumerate(X)]
    if not paths:
        raise ValueError(
            "X must hold at least one path, got none. find_images(folder) returns the "
            "image files of a folder."
        )
    return paths


def _advice_on_one(X):
    text = os.fsdecode(X)
    if Path(text).is_dir():
        return (
            f"X must be a sequence of paths, got the folder {text!r}. Pass "
            f"find_images({text!r})."
        )
    return f"X must be a sequence of paths, got one path. Pass a list, [{text!r}]."


def _as_sequence(X):
    """What is no sequence, but has an order and a length, as a pandas Series."""
    is_other = isinstance(X, Mapping | Set) or not isinstance(X, Iterable)
    if is_other or not hasattr(X, "__len__"):
        raise TypeError(
            "X must be a sequence of paths: a list, a one-dimensional array, or a "
            f"Series; got {type(X).__name__}."
        )
    return X


def _as_path(path, i):
    if not isinstance(path, str | os.PathLike):
        raise TypeError(
            "X must hold a path (str or path-like) per sample, but entry "
            f"{i} is {_short(path)}."
        )
    path = os.fspath(path)
    if not isinstance(path, str) or not path or "\0" in path:
        raise ValueError(f"X must hold paths, but entry {i} is {path!r}.")
    return str(path)


def _short(value):
    if hasattr(value, "dtype") and np.ndim(value):
        return f"an array of shape {np.shape(value)}"
    return repr(value)[:60]


def as_size(size: Any) -> tuple[int, int] | None:
    """Height and width; None for "auto".

    Parameters
    ----------
    size : object
        What the user passed.

    Returns
    -------
    size : tuple of int or None
        Height and width.
    """
    given: Any = as_python(size)
    if isinstance(given, str) and given == "auto":
        return None
    sides: Any = (given, given) if isinstance(given, Integral) else given
    is_pair = isinstance(sides, tuple | list) and len(sides) == 2
    if not is_pair or not all(_is_side(side) for side in sides):
        raise ValueError(
            f"size={size!r} must be a number of pixels, a pair (height, width), or "
            "'auto'."
        )
    return int(sides[0]), int(sides[1])


def _is_side(side):
    return isinstance(side, int) and not isinstance(side, bool) and side >= 1


def as_color(color: Any, name: str) -> tuple[int, int, int]:
    """Red, green and blue.

    Parameters
    ----------
    color : object
        What the user passed.
    name : str
        Name of the parameter, for the error.

    Returns
    -------
    color : tuple of int
        Three values from 0 to 255.
    """
    import_pillow()
    from PIL import ImageColor

    given = as_python(color)
    if isinstance(given, str):
        try:
            given = ImageColor.getrgb(given)[:3]
        except ValueError as error:
            raise ValueError(
                f"{name}={color!r} is not the name of a colour. Pass one such as "
                "'white' or '#ff8800', a grey value, or (red, green, blue)."
            ) from error
    values: Any = (given,) * 3 if isinstance(given, Integral) else given
    is_color = isinstance(values, tuple | list) and len(values) == 3
    if not is_color or not all(_is_level(value) for value in values):
        raise ValueError(
            f"{name}={color!r} must be the name of a colour, a grey value, or (red, "
            "green, blue), with whole numbers from 0 to 255."
        )
    red, green, blue = (int(value) for value in values)
    return red, green, blue


def _is_level(value):
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 255
