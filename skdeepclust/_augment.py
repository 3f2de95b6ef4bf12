"""Random changes of whole batches of images, on their device."""

import math
from collections.abc import Callable
from numbers import Real

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

__all__ = ["RandomAffine", "resolve_augmentation"]


class RandomAffine:
    """Shift, turn, scale and mirror every image of a batch on its own.

    All images go through one resampling. What lies outside an image is filled with
    its nearest pixel.

    Parameters
    ----------
    shift : float, default=0.1
        Largest shift along each axis, as a share of the side. The default is that of
        deep clustering with data augmentation [1]_.
    rotation : float, default=10.0
        Largest rotation, in degrees. The default is that of [1]_.
    scale : float, default=0.1
        Largest change of size: 0.1 zooms in or out by up to a tenth.
    flip : bool, default=False
        Whether to mirror every second image left to right. Right for photographs,
        wrong for digits and letters, which change their meaning.

    Raises
    ------
    TypeError or ValueError
        When a size is no number, negative, or so large that nothing of the image is
        left (above 1 for `shift`, 360 for `rotation`, 0.99 for `scale`).

    References
    ----------
    .. [1] X. Guo, E. Zhu, X. Liu, J. Yin, "Deep embedded clustering with data
       augmentation", ACML 2018.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust import RandomAffine
    >>> augment = RandomAffine(shift=0.2, flip=True)
    >>> augment(torch.rand(5, 3, 28, 20)).shape
    torch.Size([5, 3, 28, 20])
    """

    def __init__(
        self,
        shift: float = 0.1,
        rotation: float = 10.0,
        scale: float = 0.1,
        flip: bool = False,
    ):
        sizes = {"shift": shift, "rotation": rotation, "scale": scale}
        for name, size in sizes.items():
            if not isinstance(size, Real) or isinstance(size, bool | np.timedelta64):
                raise TypeError(f"{name}={size!r} must be a number.")
            most = {"shift": 1.0, "rotation": 360.0, "scale": 0.99}[name]
            if not 0 <= size <= most:
                raise ValueError(f"{name}={size} must be between 0 and {most:g}.")
        if not isinstance(flip, bool | np.bool_):
            raise TypeError(f"flip={flip!r} must be True or False.")
        self.shift = shift
        self.rotation = rotation
        self.scale = scale
        self.flip = flip

    def __repr__(self) -> str:
        return (
            f"RandomAffine(shift={self.shift}, rotation={self.rotation}, "
            f"scale={self.scale}, flip={self.flip})"
        )

    def __call__(self, X: Tensor) -> Tensor:
        """Change a batch of images.

        Parameters
        ----------
        X : Tensor of shape (n, C, H, W)
            Images. Torch's generator of the moment decides about the changes.

        Returns
        -------
        X : Tensor of shape (n, C, H, W)
            Changed images.
        """
        is_batch = isinstance(X, Tensor) and X.ndim == 4 and X.numel() > 0
        if not is_batch or not X.is_floating_point():
            got = (
                f"{X.dtype} of shape {tuple(X.shape)}"
                if isinstance(X, Tensor)
                else f"a {type(X).__name__}"
            )
            raise ValueError(
                "RandomAffine changes batches of images, floating-point tensors of "
                f"shape (n, C, H, W); got {got}. For rows that are no images pass "
                "augment=None."
            )
        n, _, height, width = X.shape
        # Drawn on the CPU, so that every device sees the same changes.
        draws = torch.rand(n, 5, dtype=torch.float32, device="cpu") * 2 - 1
        angle = draws[:, 0] * math.radians(self.rotation)
        zoom = 1 + draws[:, 1] * self.scale
        mirror = torch.ones_like(angle)
        if self.flip:
            mirror = torch.where(draws[:, 2] < 0, -1.0, 1.0)
        cos, sin = angle.cos() * zoom, angle.sin() * zoom
        aspect = height / width  # a turn in pixels, not in units of the sides
        theta = torch.stack(
            [
                torch.stack(
                    [cos * mirror, -sin * aspect, draws[:, 3] * 2 * self.shift], 1
                ),
                torch.stack(
                    [sin * mirror / aspect, cos, draws[:, 4] * 2 * self.shift], 1
                ),
            ],
            dim=1,
        )
        theta = theta.to(X.device, X.dtype, non_blocking=True)
        grid = affine_grid(theta, list(X.shape), align_corners=False)
        if X.device.type == "mps":  # where torch before 2.13 knows no "border"
            return grid_sample(X, inside(grid, height, width), align_corners=False)
        return grid_sample(X, grid, padding_mode="border", align_corners=False)


def inside(grid: Tensor, height: int, width: int) -> Tensor:
    """The grid with every position put between the outermost centres of pixels."""
    farthest = 1 - 1 / grid.new_tensor([width, height])
    return torch.clamp(grid, -farthest, farthest)


def resolve_augmentation(
    augment: str | Callable[[Tensor], Tensor] | None,
    image_shape: tuple[int, ...] | None,
) -> Callable[[Tensor], Tensor] | None:
    """What the parameter `augment` stands for with the data at hand.

    Parameters
    ----------
    augment : "auto", callable or None
        Parameter of the estimator.
    image_shape : tuple of 3 ints or None
        Shape of an image; None if rows are not images.

    Returns
    -------
    augment : callable or None
        "auto" gives :class:`~skdeepclust.RandomAffine` for images, with mirroring only
        if they have several channels (one channel may be letters), and None for other
        rows.

    Raises
    ------
    TypeError
        If `augment` is a class.
    """
    if augment is None or (isinstance(augment, str) and image_shape is None):
        return None
    if isinstance(augment, type):
        raise TypeError(
            f"augment is the class {augment.__name__}. Pass an instance: "
            f"augment={augment.__name__}(...)."
        )
    if not isinstance(augment, str):
        return augment
    assert image_shape is not None
    return RandomAffine(flip=image_shape[0] > 1)
