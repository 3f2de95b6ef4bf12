"""Rows of X as float32 batches on the device, without a second copy of X."""

import math
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = [
    "Batches",
    "DrawnBatches",
    "Rows",
    "as_tensor",
    "map_blocks",
    "resolve_batch_size",
    "resolve_epochs",
]

# Data goes to a GPU as a whole when it takes at most this share of its free memory.
_SHARE_OF_GPU_MEMORY = 0.5

# Rows of a block when no gradients are wanted: at most this many, fewer for large
# samples (2**16 values a block), never fewer than 8.
_MAX_BLOCK, _VALUES_PER_BLOCK, _MIN_BLOCK = 64, 2**16, 8
_GPU_BLOCK_FACTOR = 64

# batch_size="auto": so many steps make an epoch while batches grow from 32 to 64, as
# measured in benchmarks/batch_size.py, and while they grow on to the papers' 256.
_STEPS_OF_SMALL, _STEPS_OF_LARGE = 32, 128
_MIN_AUTO_BATCH, _SMALL_BATCH, _MAX_AUTO_BATCH = 32, 64, 256

# pretrain_epochs="auto": epochs that make so many steps, within these bounds.
_AUTO_STEPS, _MIN_AUTO_EPOCHS, _MAX_AUTO_EPOCHS = 20_000, 20, 200

# Types that torch can index and convert; any other is converted to float32 once.
_TORCH_DTYPES = {"uint8", "int8", "int16", "int32", "int64", "bool"} | {
    "float16",
    "float32",
    "float64",
}


def resolve_batch_size(batch_size: int | str, n_samples: int) -> int:
    """Samples per step; "auto" gives an epoch of small data enough steps.

    32 below some 1,450 samples, 64 below 11,600, 128 below 23,200, and 256 above: the
    power of two nearest to a 32nd of the samples up to 64, and to a 128th beyond.
    """
    if batch_size != "auto":
        return int(batch_size)
    small = min(_SMALL_BATCH, n_samples / _STEPS_OF_SMALL)
    wanted = max(_MIN_AUTO_BATCH, small, n_samples / _STEPS_OF_LARGE)
    return min(_MAX_AUTO_BATCH, 2 ** round(math.log2(wanted)))


def resolve_epochs(n_epochs: int | str, n_samples: int, batch_size: int) -> int:
    """Passes of pretraining; "auto" makes 20,000 steps, in 20 to 200 passes."""
    if n_epochs != "auto":
        return int(n_epochs)
    wanted = round(_AUTO_STEPS / math.ceil(n_samples / batch_size))
    return min(_MAX_AUTO_EPOCHS, max(_MIN_AUTO_EPOCHS, wanted))


class Rows:
    """The samples of X, each asked for by number and given as float32.

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
        Where the batches are wanted.
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

    def take_each(self, indices: Iterable[Tensor | slice]) -> Iterator[Tensor]:
        """Samples at each of `indices`, which lie where the data does.

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
        """Where the data lies, and the positions of samples are wanted."""
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


class Batches:
    """Training batches, taken up where the last epoch stopped.

    Iterating yields `n_batches` batches ``(X_batch, target_batch)``. Every sample
    comes up once before any comes up again, also when an epoch is not a whole
    pass through the data. The last batch of a pass is smaller when the batch size
    does not divide the number of samples, and there is no empty one when it does. A
    last sample alone joins the batch before: batch norm cannot train on one.

    Parameters
    ----------
    rows : Rows
        The samples.
    batch_size : int
        Samples per batch.
    seed : int
        Seed of the order.
    shuffle : bool, default=True
        Draw a new order for every pass. With False one order is drawn and kept:
        not that of X, whose neighbours are often of one class.
    n_batches : int or None, default=None
        Batches in an epoch. None makes an epoch one pass.
    augment : callable or None, default=None
        Maps a batch of samples to a changed batch of the same shape.
    """

    def __init__(
        self,
        rows: Rows,
        batch_size: int,
        *,
        seed: int,
        shuffle: bool = True,
        n_batches: int | None = None,
        augment: Callable[[Tensor], Tensor] | None = None,
    ):
        self.rows = rows
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.augment = augment
        n_rest = len(rows) % batch_size
        self._last_alone = n_rest == 1 and len(rows) > batch_size > 1
        n_in_pass = math.ceil(len(rows) / batch_size) - self._last_alone
        self.n_batches = n_batches or n_in_pass
        self.targets: Any = None  # gives rows for positions, on the device
        self._generator = torch.Generator().manual_seed(seed)
        self._order = self._draw_order()
        self._position = 0

    def __len__(self) -> int:
        return self.n_batches

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor | None]]:
        indices = [self._next_index() for _ in range(self.n_batches)]
        for index, X in zip(indices, self.rows.take_each(indices), strict=True):
            target = None
            if self.targets is not None:
                target = self.targets[index.to(self.rows.device, non_blocking=True)]
            yield _augmented(X, self.augment), target

    def _next_index(self) -> Tensor:
        if self._position >= len(self._order):
            self._position = 0
            if self.shuffle:
                self._order = self._draw_order()
        stop = self._position + self.batch_size
        if self._last_alone and stop == len(self._order) - 1:
            stop += 1
        index = self._order[self._position : stop]
        self._position = stop
        return index

    def _draw_order(self) -> Tensor:
        # Drawn on the CPU, so that every device sees the same order.
        order = torch.randperm(len(self.rows), generator=self._generator)
        return order.to(self.rows.data_device)


class DrawnBatches:
    """Training batches of samples drawn from outside, augmented on the device.

    Parameters
    ----------
    rows : Rows
        The samples.
    batch_size : int
        Samples per batch.
    augment : callable or None
        Maps a batch of samples to a changed batch of the same shape.
    """

    def __init__(
        self,
        rows: Rows,
        batch_size: int,
        augment: Callable[[Tensor], Tensor] | None = None,
    ):
        self.rows = rows
        self.batch_size = batch_size
        self.augment = augment

    def set_draws(self, index: np.ndarray, targets: np.ndarray) -> None:
        """Set the samples of the next epoch, in order, and everybody's targets."""
        self._index = torch.from_numpy(index).to(self.rows.data_device)
        self._targets = torch.from_numpy(targets).to(self.rows.device)

    def __len__(self) -> int:
        return math.ceil(len(self._index) / self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        indices = self._index.split(self.batch_size)
        for index, X in zip(indices, self.rows.take_each(indices), strict=True):
            target = self._targets[index.to(self.rows.device, non_blocking=True)]
            yield _augmented(X, self.augment), target


def _augmented(X: Tensor, augment: Callable[[Tensor], Tensor] | None) -> Tensor:
    """The batch, changed if there is something to change it."""
    if augment is None:
        return X
    changed = augment(X)
    if not isinstance(changed, Tensor) or changed.shape != X.shape:
        raise ValueError(
            f"augment made {getattr(changed, 'shape', type(changed))} of a batch "
            f"of shape {tuple(X.shape)}. It must return a tensor of that shape."
        )
    if not changed.is_floating_point():
        raise ValueError(
            f"augment made {changed.dtype} of a batch of {X.dtype}, values from 0 "
            "to 1 for uint8 images. It must return floating-point values."
        )
    return changed.to(X.dtype)


def map_blocks(function: Callable[[Tensor], Tensor], rows: Rows) -> Tensor:
    """Apply `function` to all rows, block by block, without gradients.

    Matrix products round differently for different numbers of rows. Every block
    therefore has the same number of rows, the last one filled up with zeros, and a
    row gets the same result to the bit wherever and with whatever it comes.
    """
    whole: Tensor | None = None
    with torch.no_grad():
        starts = range(0, len(rows), rows.block_size)
        blocks = rows.take_each(slice(i, i + rows.block_size) for i in starts)
        for start, block in zip(starts, blocks, strict=True):
            n_rows = len(block)
            missing = rows.block_size - n_rows
            if missing:
                filler = block.new_zeros((missing, *rows.row_shape))
                block = torch.cat([block, filler])
            result = function(block)[:n_rows]
            if whole is None:  # made once: a list of blocks would need it twice
                # Under torch.autocast results are half as wide; numpy has no bfloat16.
                dtype = torch.promote_types(result.dtype, torch.float32)
                shape = (len(rows), *result.shape[1:])
                whole = result.new_empty(shape, dtype=dtype)
            whole[start : start + n_rows] = result
    assert whole is not None
    return whole


def as_tensor(X: np.ndarray) -> Tensor:
    """A tensor over the memory of X where torch can, a converted copy elsewhere."""
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
