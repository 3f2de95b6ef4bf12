"""Data sets of deep clustering papers, fetched as scikit-learn fetches its own.

To work offline, set the environment variable ``SKDEEPCLUST_DATA`` to a folder with
``.npz`` files of the arrays ``X`` and ``y``: ``mnist_full.npz``, ``mnist_test.npz``,
``cifar10_full.npz``, ``cifar10_test_jpeg.npz``, ``pendigits.npz``. A data set without a
file in this folder is fetched from OpenML. The arrays of a file are checked: their
shapes, their lengths, and whether the values are pixels and classes.

What is fetched from OpenML is checked, too. scikit-learn compares the MD5 checksum of
the download with the one that OpenML states, and we check the shapes and the values.
"""

import os
import struct
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.datasets import fetch_openml
from sklearn.utils import Bunch

__all__ = ["fetch_cifar10", "fetch_mnist", "fetch_pendigits"]

# Values that are checked and converted at once. Whole data sets would take too much
# memory as floats.
_ROWS_AT_ONCE = 2000

# Files that SKDEEPCLUST_DATA may hold, without ".npz".
_LOCAL_NAMES = (
    *("mnist_full", "mnist_test", "cifar10_full", "cifar10_test_jpeg", "pendigits"),
)

_N_CLASSES = 10

_PIXELS = "Multiply pixels in [0, 1] by 255 and round them."


class _Kind(NamedTuple):
    """What is known of a data set."""

    openml_name: str
    shape: tuple  # of a sample, as it is returned
    n_samples: int
    largest: int  # value
    dtype: type


_MNIST = _Kind("mnist_784", (1, 28, 28), 70000, 255, np.uint8)
_CIFAR10 = _Kind("CIFAR_10", (3, 32, 32), 60000, 255, np.uint8)
_PENDIGITS = _Kind("pendigits", (16,), 10992, 100, np.float32)


def fetch_mnist(*, subset="all", data_home=None, return_X_y=False):
    """Fetch MNIST: 70,000 handwritten digits of 28 x 28 pixels.

    Parameters
    ----------
    subset : {"all", "train", "test"}, default="all"
        All images, the first 60,000 or the last 10,000.
    data_home : str or path-like, default=None
        Cache folder of :func:`sklearn.datasets.fetch_openml`. None takes its default.
    return_X_y : bool, default=False
        Return a tuple instead of a Bunch.

    Returns
    -------
    data : Bunch or tuple
        ``data``, ndarray of shape (n_samples, 1, 28, 28), uint8; ``target``, ndarray
        of shape (n_samples,), the digits. With `return_X_y`, the tuple of both.

    Raises
    ------
    FileNotFoundError
        If ``SKDEEPCLUST_DATA`` is not a folder with files of our data sets.
    ValueError
        If `subset` is another word, or if the data are not those of the data set: an
        archive that cannot be read, other shapes, lengths, values or labels.

    Examples
    --------
    >>> from skdeepclust.datasets import fetch_mnist
    >>> X, y = fetch_mnist(subset="test", return_X_y=True)  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (10000, 1, 28, 28)
    """
    names = {"all": "mnist_full", "test": "mnist_test"}
    X, y = _subset(subset, 60000, names, _MNIST, data_home)
    return _bunch(X, y, return_X_y)


def fetch_cifar10(*, subset="all", data_home=None, return_X_y=False):
    """Fetch CIFAR-10: 60,000 colour photographs of 32 x 32 pixels in 10 classes.

    Parameters
    ----------
    subset : {"all", "train", "test"}, default="all"
        All images, the first 50,000 or the last 10,000.
    data_home : str or path-like, default=None
        Cache folder of :func:`sklearn.datasets.fetch_openml`. None takes its default.
    return_X_y : bool, default=False
        Return a tuple instead of a Bunch.

    Returns
    -------
    data : Bunch or tuple
        ``data``, ndarray of shape (n_samples, 3, 32, 32), uint8; ``target``, ndarray
        of shape (n_samples,), the classes. With `return_X_y`, the tuple of both.

    Raises
    ------
    FileNotFoundError
        If ``SKDEEPCLUST_DATA`` is not a folder with files of our data sets.
    ValueError
        If `subset` is another word, or if the data are not those of the data set: an
        archive that cannot be read, other shapes, lengths, values or labels.

    Examples
    --------
    >>> from skdeepclust.datasets import fetch_cifar10
    >>> X, y = fetch_cifar10(subset="test", return_X_y=True)  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (10000, 3, 32, 32)
    """
    names = {"all": "cifar10_full", "test": "cifar10_test_jpeg"}
    X, y = _subset(subset, 50000, names, _CIFAR10, data_home)
    return _bunch(X, y, return_X_y)


def fetch_pendigits(*, data_home=None, return_X_y=False):
    """Fetch pendigits: 10,992 pen strokes of digits, 16 coordinates from 0 to 100.

    Parameters
    ----------
    data_home : str or path-like, default=None
        Cache folder of :func:`sklearn.datasets.fetch_openml`. None takes its default.
    return_X_y : bool, default=False
        Return a tuple instead of a Bunch.

    Returns
    -------
    data : Bunch or tuple
        ``data``, ndarray of shape (10992, 16), float32; ``target``, ndarray of shape
        (10992,), the digits. With `return_X_y`, the tuple of both.

    Raises
    ------
    FileNotFoundError
        If ``SKDEEPCLUST_DATA`` is not a folder with files of our data sets.
    ValueError
        If the data are not those of the data set: an
        archive that cannot be read, other shapes, lengths, values or labels.

    Examples
    --------
    >>> from skdeepclust.datasets import fetch_pendigits
    >>> X, y = fetch_pendigits(return_X_y=True)  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (10992, 16)
    """
    X, y = _local("pendigits", _PENDIGITS) or _from_openml(_PENDIGITS, data_home)
    return _bunch(X, y, return_X_y)


def _subset(subset, n_train, local_names, kind, data_home):
    """Arrays X and y of a part of a data set."""
    parts = {"all": slice(None), "train": slice(n_train), "test": slice(n_train, None)}
    if not isinstance(subset, str) or subset not in parts:
        raise ValueError(f"subset={subset!r} is none of {sorted(parts)}.")
    local = _local(local_names["test"], kind) if subset == "test" else None
    if local is not None:
        return local
    local = _local(local_names["all"], kind)
    X, y = local or _from_openml(kind, data_home)
    if subset != "all" and len(X) != kind.n_samples:
        raise ValueError(
            f"{local_names['all']}.npz has {len(X)} samples, but subset={subset!r} is "
            f"a part of all {kind.n_samples:,}. Use subset='all', or a file with all "
            "samples in their order."
        )
    return X[parts[subset]], y[parts[subset]]


def _local(name, kind):
    """Arrays X and y of a local file, or None if there is no such file."""
    folder = os.environ.get("SKDEEPCLUST_DATA")
    if not folder:
        return None
    held = [known for known in _LOCAL_NAMES if _file_of(folder, known).is_file()]
    if not held:
        what = (
            "has none of the files" if os.path.isdir(folder) else "is not a folder of"
        )
        raise FileNotFoundError(
            f"SKDEEPCLUST_DATA={folder!r} {what} "
            f"{', '.join(f'{known}.npz' for known in _LOCAL_NAMES)}. Correct it, or "
            "unset it to fetch the data from OpenML."
        )
    path = _file_of(folder, name)
    if name not in held:
        return None
    X, y = _read(path)
    return _checked_samples(X, kind, path), _checked_classes(y, len(X), path)


def _file_of(folder, name):
    return Path(folder) / f"{name}.npz"


def _read(path):
    """Arrays X and y of an archive."""
    with open(path, "rb") as file:
        try:
            archive = np.load(file, allow_pickle=False)
            names = list(getattr(archive, "files", ["a single array"]))
            arrays = [archive[name] for name in ("X", "y") if name in names]
            if not all(isinstance(array, np.ndarray) for array in arrays):
                raise ValueError("a member of the archive is no array")
        except (  # whatever numpy and zipfile raise for other content
            *(OSError, EOFError, ValueError, TypeError, KeyError, RuntimeError),
            *(zipfile.BadZipFile, zlib.error, struct.error),
        ) as error:
            raise ValueError(
                f"{path} cannot be read as an .npz archive of arrays ({error}). Write "
                "it again with numpy.savez_compressed(file, X=X, y=y), without arrays "
                "of objects."
            ) from error
    if len(arrays) != 2:
        raise ValueError(
            f"{path} must hold the arrays 'X' and 'y', but holds {sorted(names)}."
        )
    return arrays


def _from_openml(kind, data_home):
    """Arrays X and y of a data set of OpenML."""
    name = kind.openml_name
    data = fetch_openml(
        name, version=1, as_frame=False, parser="liac-arff", data_home=data_home
    )
    source = f"The data set {name!r} of OpenML"
    X = _checked_samples(data.data, kind, source)
    y = _checked_classes(data.target, len(X), source)
    if len(X) != kind.n_samples:
        raise ValueError(
            f"{source} should have {kind.n_samples:,} samples, but came with "
            f"{len(X):,}. Remove it from the cache folder (data_home) and try again."
        )
    return X, y


def _checked_samples(X, kind, source):
    """Samples in the shape and type of a data set, or an error that says what is odd.

    Parameters
    ----------
    X : ndarray
        Samples as they were found.
    kind : _Kind
        What they should be.
    source : path or str
        Where they come from, for the errors.

    Returns
    -------
    X : ndarray of shape (n_samples, *kind.shape)
        The samples.
    """
    X = np.asarray(X)
    # Channels last would have the same number of values, so the shape is compared.
    shapes = [kind.shape, (int(np.prod(kind.shape)),)]
    if kind.shape[0] == 1:
        shapes.append(kind.shape[1:])
    if X.shape[1:] not in shapes or not len(X):
        allowed = " or ".join(str(("n", *shape)).replace("'", "") for shape in shapes)
        raise ValueError(
            f"{source}: X must have the shape {allowed} with at least one sample, got "
            f"{X.shape}."
        )
    if X.dtype.kind not in "uif":
        raise ValueError(f"{source}: X must hold numbers, got the type {X.dtype}.")
    found = np.empty((len(X), *kind.shape), dtype=kind.dtype)
    for start in range(0, len(X), _ROWS_AT_ONCE):
        block = X[start : start + _ROWS_AT_ONCE].reshape(-1, *kind.shape)
        _check_values(block, kind, source)
        found[start : start + len(block)] = block
    if kind.largest == 255 and X.dtype.kind == "f" and found.max() == 1:
        raise ValueError(f"{source}: X has floats of 0 and 1 only. {_PIXELS}")
    return found


def _check_values(X, kind, source):
    """Refuse values beyond the range of a data set, and pixels with a fraction."""
    low, high = X.min(), X.max()  # NaN if there is any
    is_whole = issubclass(kind.dtype, np.integer)
    fits = low >= 0 and high <= kind.largest
    if not fits or (is_whole and np.any(np.trunc(X) != X)):
        raise ValueError(
            f"{source}: X must hold {'whole ' if is_whole else ''}numbers from 0 to "
            f"{kind.largest}, but has values from {low} to {high}."
            + (f" {_PIXELS}" if is_whole else "")
        )


def _checked_classes(y, n_samples, source):
    """Classes as whole numbers, or an error that says what is odd."""
    y = np.asarray(y)
    if y.shape != (n_samples,):
        raise ValueError(
            f"{source}: y must have the shape ({n_samples},), a class per sample of X, "
            f"got {y.shape}."
        )
    try:
        values = y.astype(np.float64)
    except (TypeError, ValueError):
        values = np.full(n_samples, np.nan)
    is_class = (values == np.trunc(values)) & (values >= 0) & (values < _N_CLASSES)
    if not is_class.all():
        raise ValueError(
            f"{source}: y must hold the classes 0 to {_N_CLASSES - 1}, but has "
            f"{y[~is_class][0]!r}."
        )
    return values.astype(np.int64)


def _bunch(X, y, return_X_y):
    """A Bunch, or a tuple if that is asked for."""
    return (X, y) if return_X_y else Bunch(data=X, target=y)
