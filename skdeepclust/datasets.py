"""Data sets of deep clustering papers, fetched as scikit-learn fetches its own.

To work offline, set the environment variable ``SKDEEPCLUST_DATA`` to a folder with
``.npz`` files of the arrays ``X`` and ``y``: ``mnist_full.npz``, ``mnist_test.npz``,
``cifar10_full.npz``, ``cifar10_test_jpeg.npz``, ``pendigits.npz``.
"""

import os
from pathlib import Path

import numpy as np
from sklearn.datasets import fetch_openml
from sklearn.utils import Bunch

__all__ = ["fetch_cifar10", "fetch_mnist", "fetch_pendigits"]


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
    ValueError
        If `subset` is another word.

    Examples
    --------
    >>> from skdeepclust.datasets import fetch_mnist
    >>> X, y = fetch_mnist(subset="test", return_X_y=True)  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (10000, 1, 28, 28)
    """
    names = {"all": "mnist_full", "test": "mnist_test"}
    X, y = _subset(subset, 60000, names, "mnist_784", data_home)
    return _bunch(X.astype(np.uint8).reshape(-1, 1, 28, 28), y, return_X_y)


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
    ValueError
        If `subset` is another word.

    Examples
    --------
    >>> from skdeepclust.datasets import fetch_cifar10
    >>> X, y = fetch_cifar10(subset="test", return_X_y=True)  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (10000, 3, 32, 32)
    """
    names = {"all": "cifar10_full", "test": "cifar10_test_jpeg"}
    X, y = _subset(subset, 50000, names, "CIFAR_10", data_home)
    return _bunch(X.astype(np.uint8).reshape(-1, 3, 32, 32), y, return_X_y)


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

    Examples
    --------
    >>> from skdeepclust.datasets import fetch_pendigits
    >>> X, y = fetch_pendigits(return_X_y=True)  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (10992, 16)
    """
    X, y = _local("pendigits") or _from_openml("pendigits", data_home)
    return _bunch(X.astype(np.float32), y, return_X_y)


def _subset(subset, n_train, local_names, openml_name, data_home):
    """Arrays X and y of a part of a data set."""
    parts = {"all": slice(None), "train": slice(n_train), "test": slice(n_train, None)}
    if subset not in parts:
        raise ValueError(f"subset={subset!r} is none of {sorted(parts)}.")
    local = _local(local_names["test"]) if subset == "test" else None
    if local is not None:
        return local
    X, y = _local(local_names["all"]) or _from_openml(openml_name, data_home)
    return X[parts[subset]], y[parts[subset]]


def _local(name):
    """Arrays X and y of a local file, or None if there is no such file."""
    folder = os.environ.get("SKDEEPCLUST_DATA")
    if not folder:
        return None
    path = Path(folder) / f"{name}.npz"
    if not path.is_file():
        return None
    with np.load(path) as arrays:
        return arrays["X"], arrays["y"]


def _from_openml(name, data_home):
    """Arrays X and y of a data set of OpenML."""
    data = fetch_openml(
        name, version=1, as_frame=False, parser="liac-arff", data_home=data_home
    )
    return data.data, data.target


def _bunch(X, y, return_X_y):
    """A Bunch, or a tuple if that is asked for."""
    y = np.asarray(y).astype(np.int64)
    return (X, y) if return_X_y else Bunch(data=X, target=y)
