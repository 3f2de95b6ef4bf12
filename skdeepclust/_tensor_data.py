"""Samples of X as float32 tensors on the device, without a second copy of X."""

import math
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from skdeepclust._device import plain_torch
from skdeepclust._distributed import gathered

__all__ = ["TensorData", "as_tensor", "map_blocks"]

# Data goes to a GPU as a whole when it takes at most this share of its free memory.
_SHARE_OF_GPU_MEMORY = 0.5

# Rows of a block when no gradients are wanted: at most this many, fewer for large
# samples (2**16 values a block), never fewer than 8.
_MAX_BLOCK, _VALUES_PER_BLOCK, _MIN_BLOCK = 64, 2**16, 8
_GPU_BLOCK_FACTOR = 64

# Types that torch can index and convert; any other is converted to float32 once.
_TORCH_DTYPES = {"uint8", "int8", "int16", "int32", "int64", "bool"} | {
    "float16",
    "float32",
    "float64",
}


class TensorData:
    """The samples of X as tensors, float32, asked for by position.

    The data itself is never converted or copied as a whole: uint8 stays uint8, a
    memory map stays on disk. Each batch is converted on the device; uint8 is
    scaled to [0, 1] on the way.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        The data. It may be read-only, of any memory order, or a memory map.
    row_shape : tuple of int
        Shape to give to each sample.
    device : torch.device
        Device that the batches go to.
    """

    def __init__(self, X: np.ndarray, row_shape: tuple[int, ...], device: torch.device):
        self.row_shape = tuple(row_shape)
        self.device = device
        self._data = as_tensor(X)
        if _fits(self._data, device):
            self._data = self._data.to(device)
        # Data that stays behind is fetched while the device works on the last batch.
        self.fetches_ahead = self._data.device.type != device.type

    def __len__(self) -> int:
        return self._data.shape[0]

    def take(self, index: Tensor | slice) -> Tensor:
        """Samples ``(b, *row_shape)`` at the positions `index`."""
        return self._convert(self._fetch(index))

    def iter_batches(self, indices: Iterable[Tensor | slice]) -> Iterator[Tensor]:
        """Samples at each of `indices`, tensors on the device of the data.

        A batch of data that did not fit on the device is gathered by a thread, into
        memory that the device reads without a copy, while the one before is in use.
        """
        if not self.fetches_ahead:
            for index in indices:
                yield self.take(index)
            return
        with ThreadPoolExecutor(1) as pool:
            waiting = None
            for index in indices:
                fetched = pool.submit(self._fetch, index)
                if waiting is not None:
                    yield self._convert(waiting.result())
                waiting = fetched
            if waiting is not None:
                yield self._convert(waiting.result())

    @property
    def data_device(self) -> torch.device:
        """Device of the data, and of the positions that are passed."""
        return self._data.device

    def _fetch(self, index: Tensor | slice) -> Tensor:
        if isinstance(index, slice):
            # A copy: a network whose first layer works in place must not reach X.
            batch = self._data[index].clone()
        else:
            batch = self._data.index_select(0, index.to(self._data.device))
        is_elsewhere = self.device.type == "cuda" != batch.device.type
        return batch.pin_memory() if is_elsewhere else batch

    def _convert(self, batch: Tensor) -> Tensor:
        batch = batch.to(self.device, non_blocking=True)
        if batch.dtype == torch.uint8:
            batch = batch.to(torch.float32).div_(255.0)
        return batch.to(torch.float32).reshape(-1, *self.row_shape)

    @property
    def block_size(self) -> int:
        """Rows to pass through a network at once when no gradients are wanted."""
        by_size = _VALUES_PER_BLOCK // max(1, math.prod(self.row_shape))
        block = min(_MAX_BLOCK, max(_MIN_BLOCK, by_size))
        return block * _GPU_BLOCK_FACTOR if self.device.type != "cpu" else block


def map_blocks(function: Callable[[Tensor], Tensor], data: TensorData) -> Tensor:
    """Apply `function` to all samples, block by block, without gradients.

    Matrix products round differently for different numbers of rows. Every block
    therefore has the same number of rows, and the last one is filled up with zeros. A
    sample gets the same result to the bit whatever its position and company.

    Parameters
    ----------
    function : callable
        Maps a batch of samples to a tensor with a row per sample.
    data : TensorData
        The samples.

    Returns
    -------
    whole : Tensor of shape (n_samples, ...)
        The results, at least float32, on the device of `function`.
    """
    size = data.block_size
    with plain_torch(), torch.no_grad():
        shared = gathered(
            len(data), size, lambda starts: _map_starts(function, data, starts)
        )
        if shared is not None:
            return shared
        return _map_starts(function, data, range(0, len(data), size))


def _map_starts(function, data, starts):
    """Results of the blocks at these positions, one after another."""
    whole: Tensor | None = None
    first, n_whole = starts[0], min(starts[-1] + data.block_size, len(data)) - starts[0]
    blocks = data.iter_batches(slice(i, i + data.block_size) for i in starts)
    for start, block in zip(starts, blocks, strict=True):
        n_rows = len(block)
        missing = data.block_size - n_rows
        if missing:
            filler = block.new_zeros((missing, *data.row_shape))
            block = torch.cat([block, filler])
        result = function(block)[:n_rows]
        if whole is None:  # made once: a list of blocks would need it twice
            # Under torch.autocast results are half as wide; numpy has no bfloat16.
            dtype = torch.promote_types(result.dtype, torch.float32)
            shape = (n_whole, *result.shape[1:])
            whole = result.new_empty(shape, dtype=dtype)
        whole[start - first : start - first + n_rows] = result
    assert whole is not None
    return whole


def as_tensor(X: np.ndarray) -> Tensor:
    """A tensor that shares the memory of X if torch can, else a converted copy."""
    if X.dtype.name not in _TORCH_DTYPES or not X.dtype.isnative:
        X = X.astype(np.float32)
    if any(stride < 0 for stride in X.strides):
        X = np.ascontiguousarray(X)
    with warnings.catch_warnings():
        # Torch warns of arrays that cannot be written to; nothing here writes.
        warnings.filterwarnings("ignore", message=".*not writable.*")
        return torch.from_numpy(X)


def _fits(data: Tensor, device: torch.device) -> bool:
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return data.nbytes <= _SHARE_OF_GPU_MEMORY * free
    if device.type == "mps":  # no float64 there: converted batch by batch
        return data.dtype != torch.float64
    return True
