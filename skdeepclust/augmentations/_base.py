"""What all changes of batches share: checks, draws, and which samples change."""

from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["Augmentation", "check_number", "check_range"]


class Augmentation:
    """A random change of every sample of a batch on its own.

    A subclass has a constructor that only checks and assigns its arguments, and writes
    ``_change(X)``. Whole batches are changed at once, on the device they are on. The
    draws that decide are made on the CPU, so that every device sees the same changes.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust.augmentations import Augmentation
    >>> class Negative(Augmentation):
    ...     def _change(self, X):
    ...         return -X
    >>> Negative()(torch.ones(2, 1, 2, 2)).sum()
    tensor(-8.)
    """

    def __call__(self, X: Tensor) -> Tensor:
        """Change a batch of images.

        Parameters
        ----------
        X : Tensor of shape (n, C, H, W)
            Images. Torch's generator of the moment decides about the changes; in a
            fit it is one of the fit's own.

        Returns
        -------
        X : Tensor of shape (n, C, H, W)
            Changed images.
        """
        self._check(X)
        return self._change(X)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({arguments})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def _change(self, X: Tensor) -> Tensor:
        raise NotImplementedError

    def _check(self, X: Any) -> None:
        is_batch = isinstance(X, Tensor) and X.ndim == 4 and X.numel() > 0
        if not is_batch or not X.is_floating_point():
            got = (
                f"{X.dtype} of shape {tuple(X.shape)}"
                if isinstance(X, Tensor)
                else f"a {type(X).__name__}"
            )
            raise ValueError(
                f"{type(self).__name__} changes batches of images, floating-point "
                f"tensors of shape (n, C, H, W); got {got}."
            )


def uniform(shape: tuple[int, ...], low: float, high: float, like: Tensor) -> Tensor:
    """Uniform draws, made on the CPU, on the device and of the type of `like`."""
    draws = torch.rand(shape, dtype=torch.float32, device="cpu")
    return (low + (high - low) * draws).to(like.device, like.dtype, non_blocking=True)


def chosen(n: int, p: float) -> Tensor:
    """Positions of the samples that change, each with probability `p`, on the CPU."""
    return (torch.rand(n, dtype=torch.float32, device="cpu") < p).nonzero()[:, 0]


def check_number(name: str, value: Any, low: float, high: float) -> None:
    """Refuse what is no number between two bounds, both of them allowed."""
    if not isinstance(value, Real) or isinstance(value, bool | np.timedelta64):
        raise TypeError(f"{name}={value!r} must be a number.")
    number: Any = value
    if not low <= number <= high:
        raise ValueError(f"{name}={value} must be between {low:g} and {high:g}.")


def check_range(name: str, value: Any, low: float, high: float) -> None:
    """Refuse what is no pair of increasing numbers between two bounds."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError(f"{name}={value!r} must be a pair of numbers (from, to).")
    for each in value:
        check_number(name, each, low, high)
    if value[0] > value[1]:
        raise ValueError(f"{name}={value!r} must be increasing.")
