"""Training batches: which samples, in which order, how augmented, with which target."""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from skdeepclust._tensor_data import TensorData

__all__ = ["Batches", "DrawnBatches"]


class _BaseBatches:
    """Batches ``(X_batch, target_batch)`` at the positions that `_indices` gives."""

    def __init__(
        self,
        data: TensorData,
        batch_size: int,
        augment: Callable[[Tensor], Tensor] | None,
        n_views: int,
    ):
        self.data = data
        self.batch_size = int(batch_size)
        self.augment = augment
        self.n_views = n_views
        self.targets: Any = None  # gives rows for positions, on the device
        self.n_done = 0  # batches of the next epoch that are passed over

    def _indices(self) -> Iterable[Tensor]:
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """What the next epoch depends on, targets aside."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""

    def __iter__(self) -> Iterator[tuple[Tensor, Any]]:
        indices = list(self._indices())[self.n_done :]
        self.n_done = 0
        for index, X in zip(indices, self.data.iter_batches(indices), strict=True):
            target = None
            if self.targets is not None:
                where = index.to(self.data.device, non_blocking=True)
                target = self.targets[self._per_view(where)]
            yield self._views(X), target

    def _per_view(self, index: Tensor) -> Tensor:
        return index if self.n_views == 1 else index.repeat(self.n_views)

    def _views(self, X: Tensor) -> Tensor:
        if self.n_views == 1:
            return _augmented(X, self.augment)
        return torch.cat([_augmented(X, self.augment) for _ in range(self.n_views)])


class Batches(_BaseBatches):
    """Training batches that continue where the last epoch stopped.

    Iterating yields `n_batches` batches ``(X_batch, target_batch)``. Every sample
    comes up once before any comes up again, also when an epoch is not a whole
    pass through the data. The last batch of a pass is smaller when the batch size
    does not divide the number of samples; it is never empty. A single last sample
    joins the batch before: batch norm cannot train on one.

    Parameters
    ----------
    data : TensorData
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
    n_views : int, default=1
        Number of augmented views of every sample in a batch. The views are
        concatenated: the first ``len(X_batch) / n_views`` rows are the first view of
        all samples, and so on. Targets are repeated accordingly.

    Attributes
    ----------
    targets : object or None
        ``targets[index]`` gives the targets of the samples at the positions `index`, a
        tensor on the device. None, the default, makes every target None.
    """

    def __init__(
        self,
        data: TensorData,
        batch_size: int,
        *,
        seed: int,
        shuffle: bool = True,
        n_batches: int | None = None,
        augment: Callable[[Tensor], Tensor] | None = None,
        n_views: int = 1,
    ):
        super().__init__(data, batch_size, augment, n_views)
        self.shuffle = shuffle
        n_rest = len(data) % batch_size
        self._last_alone = n_rest == 1 and len(data) > batch_size > 1
        n_in_pass = math.ceil(len(data) / batch_size) - self._last_alone
        self.n_batches = n_batches or n_in_pass
        self._generator = torch.Generator().manual_seed(seed)
        self._order = self._draw_order()
        self._position = 0

    def state_dict(self) -> dict[str, Any]:
        """What the next epoch depends on, targets aside.

        Returns
        -------
        state : dict
            State of the generator before the order was drawn, and the position in the
            order.
        """
        return {"generator": self._before_order, "position": self._position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._generator.set_state(state["generator"])
        self._order = self._draw_order()
        self._position = int(state["position"])

    def __len__(self) -> int:
        return self.n_batches

    def _indices(self) -> Iterator[Tensor]:
        for _ in range(self.n_batches):
            yield self._next_index()

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
        self._before_order = self._generator.get_state()
        order = torch.randperm(len(self.data), generator=self._generator)
        return order.to(self.data.data_device)


class DrawnBatches(_BaseBatches):
    """Training batches of samples that the method draws itself.

    Parameters
    ----------
    data : TensorData
        The samples.
    batch_size : int
        Samples per batch.
    augment : callable or None, default=None
        Maps a batch of samples to a changed batch of the same shape.
    n_views : int, default=1
        Number of augmented views; see :class:`Batches`.
    """

    def __init__(
        self,
        data: TensorData,
        batch_size: int,
        augment: Callable[[Tensor], Tensor] | None = None,
        n_views: int = 1,
    ):
        super().__init__(data, batch_size, augment, n_views)

    def set_draws(self, index: np.ndarray, targets: np.ndarray) -> None:
        """Set the order of the next epoch, and the targets of all samples."""
        self._index = torch.from_numpy(index).to(self.data.data_device)
        self.targets = torch.from_numpy(targets).to(self.data.device)

    def __len__(self) -> int:
        return math.ceil(len(self._index) / self.batch_size)

    def _indices(self) -> Iterable[Tensor]:
        return self._index.split(self.batch_size)


def _augmented(X: Tensor, augment: Callable[[Tensor], Tensor] | None) -> Tensor:
    """The batch, changed by `augment` unless that is None."""
    if augment is None:
        return X
    try:
        changed = augment(X)
    except Exception as error:
        raise ValueError(
            f"augment={augment!r} failed on a batch of shape {tuple(X.shape)}: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(changed, Tensor) or changed.shape != X.shape:
        raise ValueError(
            f"augment made {getattr(changed, 'shape', type(changed))} of a batch "
            f"of shape {tuple(X.shape)}. It must return a tensor of that shape."
        )
    if changed.device != X.device or changed.layout != torch.strided:
        raise ValueError(
            f"augment made a tensor on the device {changed.device}, {changed.layout}, "
            f"of a batch on {X.device}. It must return a dense tensor on the device of "
            "the batch."
        )
    if not changed.is_floating_point():
        raise ValueError(
            f"augment made {changed.dtype} of a batch of {X.dtype}, values from 0 "
            "to 1 for uint8 images. It must return floating-point values."
        )
    return changed.to(X.dtype)
