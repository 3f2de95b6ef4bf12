"""From features to what the heads see: unit rows or columns, main components."""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import normalize

from skdeepclust._tensor_data import TensorData, map_blocks
from skdeepclust._warnings import warn
from skdeepclust.exceptions import DataScaleWarning

__all__ = [
    "MappedRows",
    "Preparation",
    "column_moments",
    "fit_preparation",
    "prepared",
]

_BLOCK, _MOST_VALUES = 4096, 2**24  # rows and values that are converted at once

# A column whose standard deviation is a smaller part of its mean is constant: what
# is left of it is the rounding of float32.
_LEAST_SPREAD = 1e-6

# Up to so many columns main components are exact. Beyond, as for the pixels of large
# images, the covariance would not fit into memory, and they are found by iteration over
# a few directions more than are wanted.
_MOST_COLUMNS, _EXTRA, _PASSES = 2048, 16, 10

# One column outweighs the others if it has more than this share of the variance, among
# at least so many columns that vary. Features of networks are far below.
_LARGEST_SHARE, _MANY_COLUMNS = 0.5, 4


class MappedRows:
    """Samples that a function maps whenever they are asked for; nothing is kept.

    It has what :class:`TensorData` has.

    Parameters
    ----------
    data : TensorData
        The samples.
    function : callable
        Maps a batch of samples to rows ``(b, width)``.
    width : int
        Number of values of a row.
    """

    fetches_ahead = False  # the samples below fetch ahead themselves

    def __init__(self, data: Any, function: Callable[[Tensor], Tensor], width: int):
        self._data = data
        self._function = function
        self.row_shape = (width,)
        self.device = data.device
        self.data_device = data.data_device
        self.block_size = data.block_size

    def __len__(self) -> int:
        return len(self._data)

    def take(self, index: Tensor | slice) -> Tensor:
        """Rows at the positions `index`, without gradients."""
        with torch.no_grad():
            return self._function(self._data.take(index))

    def iter_batches(self, indices: Iterable[Tensor | slice]) -> Iterator[Tensor]:
        """Rows at each of `indices`."""
        for batch in self._data.iter_batches(indices):
            with torch.no_grad():
                rows = self._function(batch)
            yield rows


class Preparation(nn.Module):
    """Maps rows to unit length or not, to ``(x - shift) * factor``, to components.

    Parameters
    ----------
    shift, factor : Tensor of shape (n_features,)
        What is subtracted from the columns and what they are multiplied by.
    matrix : Tensor of shape (n_features, n_components) or None
        Main components; None keeps the columns.
    unit_rows : bool
        Scale rows to length one, before all else.
    """

    shift: Tensor
    factor: Tensor
    matrix: Tensor | None

    def __init__(
        self, shift: Tensor, factor: Tensor, matrix: Tensor | None, unit_rows: bool
    ):
        super().__init__()
        self.register_buffer("shift", shift)
        self.register_buffer("factor", factor)
        self.register_buffer("matrix", matrix)
        self.unit_rows = unit_rows

    @property
    def width(self) -> int:
        """Number of values of a prepared row."""
        return len(self.shift) if self.matrix is None else self.matrix.shape[1]

    def forward(self, X: Tensor) -> Tensor:
        """Prepare rows ``(n, ...)``, which are flattened."""
        Z = _of_length_one(X) if self.unit_rows else X.flatten(1).contiguous()
        Z = (Z - self.shift) * self.factor
        return Z if self.matrix is None else Z @ self.matrix


def prepared(
    preparation: Callable[[Tensor], Tensor], data: TensorData | MappedRows
) -> NDArray[np.float32]:
    """Prepared rows of all samples, the only matrix of n rows that a head keeps."""
    rows: Any = data
    return map_blocks(preparation, rows).to(torch.float32).cpu().numpy()


def fit_preparation(
    data: Any, scale: str | None, n_components: int | None
) -> Preparation:
    """Find the preparation of the samples, block by block.

    Parameters
    ----------
    data : TensorData or MappedRows
        The samples.
    scale : {"standard", "unit"} or None
        "standard" gives every column the mean 0 and the variance 1. "unit" scales the
        rows to length one, and then all values by one factor, so that their mean is 0
        and their variance 1 on average. None does the latter alone.
    n_components : int or None
        Number of main components, at most the number of columns; None keeps all
        columns.

    Returns
    -------
    preparation : Preparation
        On the device of the samples. The mean square of what it makes is 1.
    """
    rows = data
    if scale == "unit":
        rows = MappedRows(data, _of_length_one, math.prod(data.row_shape))
    mean, spread = column_moments(rows)
    is_constant = spread <= _LEAST_SPREAD * np.abs(mean)
    spread = np.where(is_constant, 0.0, spread)
    if scale != "standard":
        _warn_of_one_column(spread, scale)
        spread = np.where(is_constant, 0.0, np.sqrt(np.mean(spread**2)))
    factor = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0)
    whole = None
    if n_components is not None and n_components < len(mean):
        matrix = _main_components(rows, mean, factor, n_components)
        whole = torch.from_numpy(matrix).float()
    shift, scaled = torch.from_numpy(mean).float(), torch.from_numpy(factor).float()
    return Preparation(shift, scaled, whole, scale == "unit").to(data.device)


def _warn_of_one_column(spread, scale):
    """Warn of a column that decides the distances between rows alone."""
    variances = spread**2
    total, column = variances.sum(), int(variances.argmax())
    is_one_of_many = np.count_nonzero(variances) >= _MANY_COLUMNS
    if is_one_of_many and variances[column] > _LARGEST_SHARE * total:
        warn(
            f"Column {column} of X has {variances[column] / total:.0%} of the variance "
            f"with scale={scale!r}: it outweighs the others. Pass scale='standard', or "
            "look for hot pixels and fill values in it.",
            DataScaleWarning,
        )


def _of_length_one(X):
    """Rows of length one; sums over rows of one memory order round alike."""
    return normalize(X.flatten(1).contiguous(), dim=1)


def column_moments(data: Any) -> tuple[NDArray, NDArray]:
    """Mean and standard deviation of every column, in float64.

    Blocks are merged by Chan's formula, so that a mean far from zero costs no digits.
    """
    n, mean, squares = 0, 0.0, 0.0
    for block in _blocks(data):
        own = block.mean(axis=0)
        difference, n_own = own - mean, len(block)
        squares = squares + ((block - own) ** 2).sum(axis=0)
        squares = squares + difference**2 * (n * n_own / (n + n_own))
        mean = mean + difference * (n_own / (n + n_own))
        n += n_own
    return np.asarray(mean), np.sqrt(np.asarray(squares) / n)


def _main_components(data, mean, factor, n_components):
    """Eigenvectors of the covariance matrix, scaled to a mean square of one."""
    if len(mean) > _MOST_COLUMNS:
        width = min(n_components + _EXTRA, len(mean))
        values, vectors = _iterated(data, mean, factor, width)
    else:
        covariance = np.zeros((len(mean), len(mean)))
        for Z in _scaled_blocks(data, mean, factor):
            covariance += Z.T @ Z
        values, vectors = np.linalg.eigh(covariance / len(data))
    vectors, values = vectors[:, ::-1], values[::-1]
    kept = vectors[:, :n_components]
    # The sign of an eigenvector is arbitrary: its largest value is positive.
    largest = np.abs(kept).argmax(axis=0)
    kept = kept * np.sign(kept[largest, np.arange(n_components)])
    size = np.sqrt(values[:n_components].mean())
    return kept / size if size > 0 else kept


def _iterated(data, mean, factor, width):
    """Largest eigenvalues and eigenvectors, in rising order, by subspace iteration."""
    found = np.random.RandomState(0).randn(len(mean), width)
    for _ in range(_PASSES):
        basis = np.linalg.qr(found)[0].astype(np.float32)
        found = np.zeros((len(mean), width))
        for Z in _scaled_blocks(data, mean, factor):
            found += Z.T @ (Z @ basis)
    small = basis.T @ found / len(data)
    values, rotation = np.linalg.eigh((small + small.T) / 2)
    return values, basis.astype(np.float64) @ rotation


def _scaled_blocks(data, mean, factor):
    """All samples as scaled float32 rows, a block after the other."""
    for block in _blocks(data):
        yield ((block - mean) * factor).astype(np.float32)


def _blocks(data):
    """All samples as float64 rows, a block after the other."""
    size = max(1, min(_BLOCK, _MOST_VALUES // max(1, math.prod(data.row_shape))))
    for start in range(0, len(data), size):
        block = data.take(slice(start, start + size)).flatten(1)
        yield block.cpu().numpy().astype(np.float64, order="C")
