"""How large and how even the values of X are, and warnings about it."""

from typing import NamedTuple

import numpy as np

from skdeepclust._warnings import warn
from skdeepclust.exceptions import DataScaleWarning

__all__ = [
    "Scale",
    "check_size",
    "check_squares",
    "measure_scale",
    "origin_and_unit",
    "warn_of_outweighing",
    "warn_of_scale",
]

# Root mean squares between which float data trains well with the default learning
# rate. Images in [0, 1] have .1 to .7, standardised columns exactly 1.
_RMS_LOW, _RMS_HIGH = 0.01, 5.0

# One column outweighs the others when its root mean square is above _RMS_HIGH and this
# many times that of the median column.
_COLUMN_FACTOR = 5

# A value stands out when it is above the first number, and above the second times the
# root mean square of the median sample: hot pixels, fill values.
_LARGE_VALUE, _VALUE_FACTOR = 10.0, 100

# Squares of larger values, or sums of them, are beyond the type.
_LARGEST_OF = {"float32": 1e18, "float64": 1e150}
_LARGEST_VALUE = _LARGEST_OF["float32"]

_SAMPLE = 10_000  # samples that the origin and the unit are taken of

_VALUES_PER_BLOCK = 2**18

# New data this many times larger or smaller than the training data was scaled in
# another way.
_RMS_FACTOR, _FEW_SAMPLES = 10, 10


class Scale(NamedTuple):
    """Size of the values of X as the network sees them: uint8 scaled to [0, 1]."""

    rms: float  # root mean square, over the columns that are not all zero
    is_uint8: bool
    largest: float = 0.0  # largest absolute value
    typical: float = 0.0  # root mean square of the median sample that is not all zero
    column: int = 0  # index of the column with the largest root mean square
    column_rms: float = 0.0  # its root mean square
    median_column_rms: float = 0.0  # that of the median column that is not all zero


def measure_scale(X, limit=_LARGEST_VALUE):
    """Measure the size of the values of X, block by block and without a copy.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Checked rows.
    limit : float, default=1e18
        Largest absolute value that is accepted.

    Returns
    -------
    scale : Scale
        Size of the values.

    Raises
    ------
    ValueError
        When squares of the values are beyond float32.
    """
    n, d = X.shape
    columns, rows, largest = np.zeros(d), np.zeros(n), 0.0
    unit = 1 / 255 if X.dtype == np.uint8 else 1.0
    step = max(1, _VALUES_PER_BLOCK // d)
    for start in range(0, n, step):
        block = np.asarray(X[start : start + step], dtype=np.float64)
        largest = max(largest, float(block.max()), -float(block.min()))
        check_size(largest, limit)
        columns += np.einsum("ij,ij->j", block, block)
        rows[start : start + step] = np.einsum("ij,ij->i", block, block)
    columns, rows = unit * np.sqrt(columns / n), unit * np.sqrt(rows / d)
    used, filled = columns[columns > 0], rows[rows > 0]
    if not len(used):  # all zero, or so small that squares vanish
        return Scale(unit * largest, X.dtype == np.uint8, unit * largest)
    return Scale(
        rms=float(np.sqrt(np.mean(used**2))),
        is_uint8=X.dtype == np.uint8,
        largest=unit * largest,
        typical=float(np.median(filled)),
        column=int(columns.argmax()),
        column_rms=float(columns.max()),
        median_column_rms=float(np.median(used)),
    )


def check_size(largest, limit=_LARGEST_VALUE, name="X", dtype="float32"):
    """Refuse values whose squares, or sums of squares, overflow."""
    if largest > limit:
        raise ValueError(
            f"{name} contains values of up to {largest:.3g}, too large for "
            f"dtype({dtype!r}): their squares overflow. Replace fill values of missing "
            f"data, and scale {name}."
        )


def check_squares(X, dtype=None, name="X"):
    """Refuse an array whose squares overflow in a type, by default its own."""
    dtype = np.dtype(dtype or X.dtype).name
    if X.size and dtype in _LARGEST_OF:
        largest = max(float(X.max()), -float(X.min()))
        check_size(largest, _LARGEST_OF[dtype], name, dtype)


def origin_and_unit(X):
    """The median sample, and the size of a typical difference from it.

    Distances are those of X, but for the unit. Far from the origin, or in a unit that
    is far too small or large, float32 would round them away.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Samples.

    Returns
    -------
    origin : ndarray of shape (d,)
        The median sample.
    unit : float
        A power of two: dividing by it rounds nothing.
    """
    sample = X[:: max(1, len(X) // _SAMPLE)].astype(np.float64)
    origin = np.median(sample, axis=0)
    sizes = np.sqrt(np.mean((sample - origin) ** 2, axis=1))
    sizes = sizes[sizes > 0]
    unit = 2.0 ** np.round(np.log2(np.median(sizes))) if len(sizes) else 1.0
    return origin, float(unit)


def warn_of_scale(scale, estimator, fitted=None, n_samples=None):
    """Warn of data so large, small or uneven that training or prediction suffers.

    Parameters
    ----------
    scale : Scale
        Size of the values of X.
    estimator : estimator instance
        For the warning.
    fitted : Scale or None, default=None
        The same for the data of `fit`; None while the network is not trained yet.
    n_samples : int or None, default=None
        Number of rows of X; needed with `fitted`.
    """
    name = type(estimator).__name__
    if fitted is not None:
        _warn_of_other_scale(scale, fitted, n_samples, name)
    elif scale.rms and not _RMS_LOW <= scale.rms <= _RMS_HIGH:
        _warn_of_training_scale(scale.rms, scale.is_uint8, name)
    else:
        warn_of_outweighing(scale, estimator)


def warn_of_outweighing(scale, estimator):
    """Warn of a column or a value that outweighs all others."""
    name = type(estimator).__name__
    if scale.column_rms > max(_RMS_HIGH, _COLUMN_FACTOR * scale.median_column_rms):
        names = getattr(estimator, "feature_names_in_", None)
        column = scale.column if names is None else repr(str(names[scale.column]))
        warn(
            f"Column {column} of X has a root mean square of {scale.column_rms:.3g}, "
            f"the median column one of {scale.median_column_rms:.3g}: for {name} this "
            "column outweighs the others. Put a StandardScaler or MinMaxScaler in "
            "front, or look for hot pixels and fill values in it.",
            DataScaleWarning,
        )
    elif scale.largest > max(_LARGE_VALUE, _VALUE_FACTOR * scale.typical):
        warn(
            f"The largest value of X is {scale.largest:.3g} while the root mean square "
            f"of the median sample is {scale.typical:.3g}: for {name} such values "
            "outweigh all others. Look for fill values, hot pixels and outliers, and "
            "replace or clip them.",
            DataScaleWarning,
        )


def _warn_of_training_scale(rms, is_uint8, estimator_name):
    if is_uint8:
        seen = "uint8 data is divided by 255"
        remedy = (
            "For masks and other data that does not reach up to 255 pass "
            "X.astype('float32') divided by its largest value."
        )
    else:
        seen = "float and integer data is used as it is"
        remedy = (
            "For pixels in 0..255 pass X.astype('uint8'), which is scaled to [0, 1] "
            "batch by batch, or X / 255; for other images divide by the largest value; "
            "for tables put a StandardScaler or MinMaxScaler in front."
        )
    warn(
        f"X has a root mean square of {rms:.3g} as {estimator_name} sees it ({seen}). "
        f"Training works best with values of the order of 1, a root mean square in "
        f"[{_RMS_LOW}, {_RMS_HIGH}]. {remedy}",
        DataScaleWarning,
    )


def _warn_of_other_scale(scale, fitted, n_samples, estimator_name):
    """Warn of new data that was scaled in another way than that of `fit`."""
    # A single row may well be small; many rows, or those of another type, may not.
    may_be_small = n_samples < _FEW_SAMPLES and scale.is_uint8 == fitted.is_uint8
    too_large = scale.rms > _RMS_FACTOR * fitted.rms > 0
    too_small = 0 < scale.rms < fitted.rms / _RMS_FACTOR and not may_be_small
    if too_large or too_small:
        kinds = {True: "uint8, scaled to [0, 1]", False: "not uint8, used as it is"}
        warn(
            f"X has a root mean square of {scale.rms:.3g} ({kinds[scale.is_uint8]}), "
            f"the data that {estimator_name} was fitted to one of {fitted.rms:.3g} "
            f"({kinds[fitted.is_uint8]}). Pass X in the same type and on the same "
            "scale.",
            DataScaleWarning,
        )
