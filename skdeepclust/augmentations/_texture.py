"""Blur, noise and holes; and swapped values for rows that are not images."""

import math

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from skdeepclust.augmentations._base import (
    Augmentation,
    check_number,
    check_range,
    chosen,
    uniform,
)

__all__ = ["CutOut", "GaussianBlur", "GaussianNoise", "SwapValues"]

# A kernel reaches this number of standard deviations.
_REACH = 3


class GaussianBlur(Augmentation):
    """Blur some images, each by a strength of its own.

    Parameters
    ----------
    sigma : pair of floats, default=(0.1, 2.0)
        Smallest and largest standard deviation, in pixels. The default is that of
        SimCLR for photographs of 224 pixels; at 32 pixels it takes away too much.
    p : float, default=0.5
        Probability that an image is blurred. The default is that of SimCLR.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust.augmentations import GaussianBlur
    >>> GaussianBlur()(torch.rand(5, 13, 28, 20)).shape
    torch.Size([5, 13, 28, 20])
    """

    def __init__(self, sigma: tuple[float, float] = (0.1, 2.0), p: float = 0.5):
        check_range("sigma", sigma, 1e-2, 1e2)
        check_number("p", p, 0, 1)
        self.sigma = tuple(sigma)
        self.p = p

    def _change(self, X: Tensor) -> Tensor:
        index = chosen(len(X), self.p)
        low, high = self.sigma
        sigma = uniform((len(index),), low, high, like=X)
        if not len(index):
            return X
        index = index.to(X.device)
        radius = math.ceil(_REACH * self.sigma[1])
        at = torch.arange(-radius, radius + 1, device=X.device, dtype=X.dtype)
        kernels = torch.exp(-0.5 * (at / sigma[:, None]).square())
        kernels = kernels / kernels.sum(dim=1, keepdim=True)
        return X.index_copy(0, index, _blurred(X.index_select(0, index), kernels))


class GaussianNoise(Augmentation):
    """Add noise to every value.

    Parameters
    ----------
    strength : float, default=0.1
        Standard deviation of the noise, as a share of that of the values of the band in
        the batch: bands may have any scale. The default is ours.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust.augmentations import GaussianNoise
    >>> GaussianNoise()(torch.rand(5, 13, 28, 20)).shape
    torch.Size([5, 13, 28, 20])
    """

    def __init__(self, strength: float = 0.1):
        check_number("strength", strength, 0, 10)
        self.strength = strength

    def _change(self, X: Tensor) -> Tensor:
        scale = X.std(dim=(0, 2, 3), keepdim=True, correction=0)
        return torch.addcmul(X, torch.randn_like(X), self.strength * scale)


class CutOut(Augmentation):
    """Put the mean of the band in the place of a rectangle of some images.

    Parameters
    ----------
    size : float, default=0.4
        Sides of the rectangle, as shares of the sides of the image. Its middle is
        anywhere in the image, so that parts of it may lie outside [1]_.
    p : float, default=0.5
        Probability that an image has a hole.

    References
    ----------
    .. [1] T. DeVries, G. W. Taylor, "Improved regularization of convolutional neural
       networks with cutout", arXiv 1708.04552, 2017.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust.augmentations import CutOut
    >>> CutOut()(torch.rand(5, 13, 28, 20)).shape
    torch.Size([5, 13, 28, 20])
    """

    def __init__(self, size: float = 0.4, p: float = 0.5):
        check_number("size", size, 0, 1)
        check_number("p", p, 0, 1)
        self.size = size
        self.p = p

    def _change(self, X: Tensor) -> Tensor:
        n, _, height, width = X.shape
        has_hole = uniform((n,), 0, 1, like=X) < self.p
        middle = uniform((2, n), 0, 1, like=X)
        inside = has_hole[:, None, None, None]
        for axis, side in ((2, height), (3, width)):
            at = (torch.arange(side, device=X.device, dtype=X.dtype) + 0.5) / side
            near = (at - middle[axis - 2][:, None]).abs() <= self.size / 2
            inside = inside & (
                near[:, None, :, None] if axis == 2 else near[:, None, None]
            )
        return torch.where(inside, X.mean(dim=(2, 3), keepdim=True), X)


class SwapValues(Augmentation):
    """Swap some values of every row for those of other rows of the batch.

    For rows that are not images. A swapped value comes from the same column, so that
    columns may have any scale and meaning [1]_.

    Parameters
    ----------
    share : float, default=0.3
        Probability that a value is swapped. [1]_ has 0.6 in one of two views.

    References
    ----------
    .. [1] D. Bahri, H. Jiang, Y. Tay, D. Metzler, "SCARF: self-supervised contrastive
       learning using random feature corruption", ICLR 2022.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust.augmentations import SwapValues
    >>> SwapValues(share=0)(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[1., 2.],
            [3., 4.]])
    """

    def __init__(self, share: float = 0.3):
        check_number("share", share, 0, 1)
        self.share = share

    def _check(self, X: Tensor) -> None:
        if not isinstance(X, Tensor) or X.ndim < 2 or not X.numel():
            got = tuple(X.shape) if isinstance(X, Tensor) else type(X).__name__
            raise ValueError(
                "SwapValues changes batches of rows, tensors of shape "
                f"(n, n_features); got {got}."
            )

    def _change(self, X: Tensor) -> Tensor:
        rows = X.flatten(1)
        donors = torch.randint(len(rows), rows.shape, device="cpu").to(X.device)
        is_swapped = torch.rand(rows.shape, dtype=torch.float32, device="cpu")
        is_swapped = is_swapped.to(X.device) < self.share
        return torch.where(is_swapped, rows.gather(0, donors), rows).view_as(X)


def _blurred(X: Tensor, kernels: Tensor) -> Tensor:
    """Images convolved with kernels (n, width) of their own, along both axes."""
    n, bands, height, width = X.shape
    radius = kernels.shape[1] // 2
    groups = n * bands
    weights = kernels.repeat_interleave(bands, dim=0)[:, None, None]  # (n C, 1, 1, w)
    for axis, side in ((3, width), (2, height)):
        border = (radius, radius, 0, 0) if axis == 3 else (0, 0, radius, radius)
        # A mirror image goes no further than the other side of the image.
        mode = "reflect" if radius < side else "replicate"
        padded = pad(X, border, mode=mode).flatten(0, 1)[None]
        kernel = weights if axis == 3 else weights.mT
        X = conv2d(padded, kernel, groups=groups).view(n, bands, height, width)
    return X
