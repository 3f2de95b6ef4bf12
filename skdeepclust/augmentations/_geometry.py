"""Where things are: crops, mirror images, turns."""

import math

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from skdeepclust._augment import inside
from skdeepclust.augmentations._base import (
    Augmentation,
    check_number,
    check_range,
    chosen,
    uniform,
)

__all__ = ["QuarterTurn", "RandomFlip", "RandomResizedCrop"]


class RandomResizedCrop(Augmentation):
    """Cut a random part out of every image and enlarge it to the size of the image.

    Parameters
    ----------
    scale : pair of floats, default=(0.2, 1.0)
        Smallest and largest share of the area. The default is that of SimCLR for small
        images [1]_.
    ratio : pair of floats, default=(0.75, 1.3333333333333333)
        Smallest and largest ratio of width to height, in pixels. The default is usual.
        A part that is larger than the image along one axis is cut off there.

    References
    ----------
    .. [1] T. Chen, S. Kornblith, M. Norouzi, G. Hinton, "A simple framework for
       contrastive learning of visual representations", ICML 2020, appendix B.9.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust.augmentations import RandomResizedCrop
    >>> RandomResizedCrop()(torch.rand(5, 13, 28, 20)).shape
    torch.Size([5, 13, 28, 20])
    """

    def __init__(
        self,
        scale: tuple[float, float] = (0.2, 1.0),
        ratio: tuple[float, float] = (3 / 4, 4 / 3),
    ):
        check_range("scale", scale, 1e-3, 1)
        check_range("ratio", ratio, 1e-3, 1e3)
        self.scale = tuple(scale)
        self.ratio = tuple(ratio)

    def _change(self, X: Tensor) -> Tensor:
        n, _, height, width = X.shape
        least, most = self.scale
        area = uniform((n,), least, most, like=X)
        least, most = map(math.log, self.ratio)
        ratio = uniform((n,), least, most, like=X).exp()
        ratio = ratio * (height / width)  # of the shares of the sides
        across = (area * ratio).sqrt().clamp(max=1)
        down = (area / ratio).sqrt().clamp(max=1)
        where = uniform((2, n), -1, 1, like=X)
        return _cut(X, across, down, where[0] * (1 - across), where[1] * (1 - down))


class RandomFlip(Augmentation):
    """Mirror every image with some probability.

    Parameters
    ----------
    horizontal : float, default=0.5
        Probability of a mirror image left to right. Right for photographs, wrong for
        letters and digits, which change their meaning.
    vertical : float, default=0.0
        Probability of a mirror image top to bottom, for images without an up.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust.augmentations import RandomFlip
    >>> RandomFlip(horizontal=1)(torch.tensor([[[[1.0, 2.0]]]]))
    tensor([[[[2., 1.]]]])
    """

    def __init__(self, horizontal: float = 0.5, vertical: float = 0.0):
        check_number("horizontal", horizontal, 0, 1)
        check_number("vertical", vertical, 0, 1)
        self.horizontal = horizontal
        self.vertical = vertical

    def _change(self, X: Tensor) -> Tensor:
        for axis, p in ((3, self.horizontal), (2, self.vertical)):
            if p:
                index = chosen(len(X), p).to(X.device)
                X = X.index_copy(0, index, X.index_select(0, index).flip(axis))
        return X


class QuarterTurn(Augmentation):
    """Turn every image by a random number of right angles.

    For images without an up, as from a satellite or a microscope. No value is
    interpolated. An image that is not square is turned by half a turn or not at all, as
    its shape must stay.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust.augmentations import QuarterTurn
    >>> QuarterTurn()(torch.rand(5, 13, 28, 28)).shape
    torch.Size([5, 13, 28, 28])
    """

    def _change(self, X: Tensor) -> Tensor:
        step = 1 if X.shape[2] == X.shape[3] else 2
        turns = step * torch.randint(4 // step, (len(X),), device="cpu")
        for n_turns in range(step, 4, step):
            index = (turns == n_turns).nonzero()[:, 0].to(X.device)
            turned = X.index_select(0, index).rot90(n_turns, (2, 3))
            X = X.index_copy(0, index, turned)
        return X


def _cut(X: Tensor, across: Tensor, down: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Parts of images, enlarged to the size of the images.

    `across` and `down` are shares of the sides, `x` and `y` the middle of the part, in
    units in which an image reaches from -1 to 1.
    """
    zero = torch.zeros_like(x)
    theta = torch.stack(
        [torch.stack([across, zero, x], 1), torch.stack([zero, down, y], 1)], dim=1
    )
    grid = affine_grid(theta, list(X.shape), align_corners=False)
    if X.device.type == "mps":  # where torch before 2.13 knows no "border"
        grid = inside(grid, *X.shape[2:])
        return grid_sample(X, grid, align_corners=False)
    return grid_sample(X, grid, padding_mode="border", align_corners=False)
