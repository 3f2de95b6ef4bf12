"""One fit by several processes, where torch.distributed has a process group.

Every process is given the same X, draws the same numbers and takes its part of the
rows. Whoever starts the processes, such as torchrun, makes the group.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, distributed, nn

__all__ = [
    "agree",
    "any_of",
    "check_same_data",
    "from_first",
    "gathered",
    "is_first",
    "local_device",
    "n_processes",
    "own_part",
    "rows_of_all",
    "rows_with_gradient",
    "shared_normalisation",
    "sum_gradients",
]

# Rows of a batch that every process has at least; a smaller batch is not divided.
_LEAST_ROWS = 2

# Rows that say whether the processes have the same data.
_COMPARED_ROWS = 1000


def n_processes() -> int:
    """Number of processes that share a fit: 1 without a process group."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return 1
    return distributed.get_world_size()


def is_first() -> bool:
    """Whether this process prints and writes."""
    return n_processes() == 1 or distributed.get_rank() == 0


def local_device() -> torch.device | None:
    """GPU of this process, of those of its machine; None without a process group."""
    if n_processes() == 1 or not torch.cuda.is_available():
        return None
    number = int(os.environ.get("LOCAL_RANK", distributed.get_rank()))
    return torch.device("cuda", number % torch.cuda.device_count())


def _on_wire(tensor: Tensor) -> Tensor:
    """The tensor where the backend can reach it."""
    if distributed.get_backend() == "nccl" and tensor.device.type != "cuda":
        return tensor.to(local_device())
    if distributed.get_backend() == "gloo" and tensor.device.type != "cpu":
        return tensor.cpu()
    return tensor


def from_first(value: Any) -> Any:
    """A value of the first process, in all of them."""
    if n_processes() == 1:
        return value
    values = [value if is_first() else None]
    distributed.broadcast_object_list(values, src=0, device=local_device())
    return values[0]


def any_of(flag: bool) -> bool:
    """Whether the flag is set in any process."""
    if n_processes() == 1:
        return flag
    found = _on_wire(torch.tensor([float(flag)]))
    distributed.all_reduce(found)
    return bool(found.item())


def check_same_data(X: np.ndarray) -> None:
    """Refuse data that differ between the processes.

    Raises
    ------
    ValueError
        In all processes, if shape, type or values differ. Of large data some rows are
        compared.
    """
    if n_processes() == 1:
        return
    step = max(1, len(X) // _COMPARED_ROWS)
    rows = np.ascontiguousarray(X[::step])
    own = (X.shape, str(X.dtype), hashlib.sha256(rows.tobytes()).hexdigest())
    found: list[Any] = [None] * n_processes()
    distributed.all_gather_object(found, own)
    if any(each != found[0] for each in found):
        shapes = [each[0] for each in found]
        raise ValueError(
            f"The processes were given different X, of shapes {shapes}. Every process "
            "passes the same X, all of it, such as a memory map of one file; it takes "
            "its part itself."
        )


def own_part(n_rows: int) -> slice | None:
    """Rows of a batch for this process; None if all take the whole batch."""
    n = n_processes()
    if n == 1 or n_rows < _LEAST_ROWS * n:
        return None
    rank = distributed.get_rank()
    return slice(rank * n_rows // n, (rank + 1) * n_rows // n)


def sum_gradients(
    parameters: Iterator[nn.Parameter], extras: dict[str, Tensor]
) -> dict[str, Tensor]:
    """Sum gradients over the processes, in place, and some numbers with them.

    Parameters
    ----------
    parameters : iterator of Parameters
        Those without a gradient are passed over, in every process.
    extras : dict
        Scalar tensors by name.

    Returns
    -------
    sums : dict
        The sums of the extras.
    """
    gradients = [each.grad for each in parameters if each.grad is not None]
    numbers = torch.stack([each.detach().float() for each in extras.values()])
    parts = [each.reshape(-1) for each in gradients]
    flat = torch.cat([*parts, numbers.to(parts[0].device)])
    summed = _on_wire(flat)
    distributed.all_reduce(summed)
    summed = summed.to(flat.device)
    start = 0
    for gradient in gradients:
        stop = start + gradient.numel()
        gradient.copy_(summed[start:stop].view_as(gradient))
        start = stop
    return dict(zip(extras, summed[start:], strict=True))


def gathered(
    n_rows: int, block: int, compute: Callable[[range], Tensor]
) -> Tensor | None:
    """Rows computed by parts, in their order, in all processes.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    block : int
        Rows that are computed together.
    compute : callable
        Gives the rows of a range of starts of blocks, on its device.

    Returns
    -------
    whole : Tensor of shape (n_rows, ...) or None
        None if there is too little to share: every process then computes all.
    """
    n, starts = n_processes(), range(0, n_rows, block)
    if n == 1 or len(starts) < n:
        return None
    per, rank = -(-len(starts) // n), distributed.get_rank()
    if per * (n - 1) >= len(starts):  # a process would be left without a block
        return None
    part = compute(starts[rank * per : (rank + 1) * per])
    device, rows = part.device, per * block
    padded = part.new_zeros((rows, *part.shape[1:]))
    padded[: len(part)] = part
    padded = _on_wire(padded)
    pieces = [torch.empty_like(padded) for _ in range(n)]
    distributed.all_gather(pieces, padded)
    return torch.cat(pieces)[:n_rows].to(device)


def agree(estimator: Any, attributes: dict[str, Any], network: nn.Module) -> None:
    """See that all processes hold the same fit; else they take that of the first.

    Parameters
    ----------
    estimator : estimator
        The fitted estimator.
    attributes : dict
        Its fitted attributes.
    network : nn.Module
        Its network.
    """
    if n_processes() == 1:
        return
    digest = hashlib.sha256()
    for value in network.state_dict().values():
        digest.update(value.detach().cpu().numpy().tobytes())
    digest.update(np.asarray(attributes.get("labels_", ())).tobytes())
    found: list[Any] = [None] * n_processes()
    distributed.all_gather_object(found, digest.hexdigest())
    if any(each != found[0] for each in found):
        vars(estimator).update(from_first(attributes))


def rows_of_all(own: np.ndarray, part: slice | None) -> np.ndarray:
    """Rows that every process has a part of, in their order, in all of them.

    Parameters
    ----------
    own : ndarray of shape (n_own, ...)
        Rows of this process.
    part : slice or None
        Which rows they are; None if they are all.
    """
    if part is None:
        return own
    found: list[Any] = [None] * n_processes()
    distributed.all_gather_object(found, own)
    return np.concatenate(found)


def rows_with_gradient(own: Tensor, part: slice, n_rows: int) -> Tensor:
    """Rows that every process has a part of; the gradient goes to those of this one.

    Parameters
    ----------
    own : Tensor of shape (n_own, ...)
        Rows of this process.
    part : slice
        Which rows they are.
    n_rows : int
        Number of rows of all.

    Returns
    -------
    rows : Tensor of shape (n_rows, ...)
        The rows of all processes, in their order.
    """
    whole = own.new_zeros((n_rows, *own.shape[1:]))
    whole[part] = own.detach()
    whole = _on_wire(whole)
    distributed.all_reduce(whole)
    whole = whole.to(own.device)
    return torch.cat([whole[: part.start], own, whole[part.stop :]])


# -- batch norm --------------------------------------------------------------------


@contextmanager
def shared_normalisation(network: nn.Module) -> Iterator[None]:
    """Let batch norm take the statistics of the batch of all processes.

    The modules are as before when the block ends.
    """
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
    layers = [each for each in network.modules() if isinstance(each, kinds)]
    for layer in layers:
        vars(layer)["forward"] = _shared_forward(layer)
    try:
        yield
    finally:
        for layer in layers:
            vars(layer).pop("forward", None)


def _shared_forward(layer):
    plain = type(layer).forward

    def forward(X):
        if not layer.training:
            return plain(layer, X)
        return _normalised(layer, X)

    return forward


def _normalised(layer, X):
    """Batch norm in training, with mean and variance over all processes."""
    # Not every build of torch has it.
    from torch.distributed.nn.functional import all_reduce

    over = [0, *range(2, X.ndim)]
    shape = [1, -1] + [1] * (X.ndim - 2)
    count = X.numel() // X.shape[1]
    sums = torch.cat([X.sum(over), X.new_tensor([float(count)])])
    sums = all_reduce(sums)
    n = sums[-1].detach()
    mean = sums[:-1] / n
    centred = X - mean.view(shape)
    variance = all_reduce((centred**2).sum(over)) / n
    with torch.no_grad():
        _update_running(layer, mean, variance * n / (n - 1))
    normal = centred * torch.rsqrt(variance + layer.eps).view(shape)
    if layer.affine:
        normal = normal * layer.weight.view(shape) + layer.bias.view(shape)
    return normal


def _update_running(layer, mean, variance):
    if not layer.track_running_stats:
        return
    layer.num_batches_tracked.add_(1)
    share = layer.momentum
    if share is None:
        share = 1 / float(layer.num_batches_tracked)
    layer.running_mean.lerp_(mean, share)
    layer.running_var.lerp_(variance, share)
