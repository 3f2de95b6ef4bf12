"""What values are: brightness, contrast, colour."""

import math

import torch
from torch import Tensor

from skdeepclust.augmentations._base import (
    Augmentation,
    check_number,
    chosen,
    uniform,
)

__all__ = ["ColorJitter", "RandomGrey", "RandomLight"]

# Weights of red, green and blue in the brightness, and the two axes of colour beside
# it: the standards of television, ITU-R BT.601 and NTSC.
_LUMA = (0.299, 0.587, 0.114)
_IN_PHASE = (0.595716, -0.274453, -0.321263)
_QUADRATURE = (0.211456, -0.522591, 0.311135)


class RandomLight(Augmentation):
    r"""Change the brightness and the contrast of every image, and of every band.

    .. math:: x' = b \, (m + c \, (x - m))

    with the mean m of the band of an image, and random b and c around 1. Values are not
    confined to a range, so that images of any scale can be changed.

    Parameters
    ----------
    brightness : float, default=0.4
        Largest change of brightness: b is between ``1 - brightness`` and
        ``1 + brightness``. The default is that of small photographs [1]_.
    contrast : float, default=0.4
        Largest change of contrast, likewise.
    per_band : bool, default=True
        Whether every band has changes of its own. With False, the colour stays.

    References
    ----------
    .. [1] X. Chen, K. He, "Exploring simple siamese representation learning", CVPR
       2021.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust.augmentations import RandomLight
    >>> RandomLight()(torch.rand(5, 13, 28, 20)).shape
    torch.Size([5, 13, 28, 20])
    """

    def __init__(
        self, brightness: float = 0.4, contrast: float = 0.4, per_band: bool = True
    ):
        check_number("brightness", brightness, 0, 1)
        check_number("contrast", contrast, 0, 1)
        if not isinstance(per_band, bool):
            raise TypeError(f"per_band={per_band!r} must be True or False.")
        self.brightness = brightness
        self.contrast = contrast
        self.per_band = per_band

    def _change(self, X: Tensor) -> Tensor:
        shape = (len(X), X.shape[1] if self.per_band else 1, 1, 1)
        bright = uniform(shape, 1 - self.brightness, 1 + self.brightness, like=X)
        contrast = uniform(shape, 1 - self.contrast, 1 + self.contrast, like=X)
        mean = X.mean(dim=(2, 3), keepdim=True)
        return torch.addcmul((1 - contrast) * bright * mean, X, contrast * bright)


class ColorJitter(Augmentation):
    """Change brightness, contrast, saturation and hue of colour images.

    For red, green and blue between 0 and 1; the result is confined to this range. The
    changes are those of torchvision, with two differences: they come in this fixed
    order, and the hue is turned in the plane of colours of equal brightness. All four
    are then one matrix per image, a small share of the cost.

    Parameters
    ----------
    brightness : float, default=0.4
        Largest change, a factor between ``1 - brightness`` and ``1 + brightness``. This
        and the next three defaults are those of SimCLR's successors for small
        photographs [1]_.
    contrast : float, default=0.4
        Largest change of contrast, likewise.
    saturation : float, default=0.4
        Largest change of saturation, likewise.
    hue : float, default=0.1
        Largest change of the hue, in turns of the circle of colours.
    p : float, default=0.8
        Probability that an image is changed.

    References
    ----------
    .. [1] X. Chen, K. He, "Exploring simple siamese representation learning", CVPR
       2021.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust.augmentations import ColorJitter
    >>> ColorJitter()(torch.rand(5, 3, 28, 20)).shape
    torch.Size([5, 3, 28, 20])
    """

    def __init__(
        self,
        brightness: float = 0.4,
        contrast: float = 0.4,
        saturation: float = 0.4,
        hue: float = 0.1,
        p: float = 0.8,
    ):
        sizes = {"brightness": brightness, "contrast": contrast}
        for name, size in (sizes | {"saturation": saturation, "p": p}).items():
            check_number(name, size, 0, 1)
        check_number("hue", hue, 0, 0.5)
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
        self.p = p

    def _check(self, X: Tensor) -> None:
        super()._check(X)
        _check_colours(self, X)

    def _change(self, X: Tensor) -> Tensor:
        n = len(X)
        is_changed = uniform((n,), 0, 1, like=X) < self.p
        bright, contrast, saturation = (
            torch.where(is_changed, uniform((n,), 1 - size, 1 + size, like=X), 1.0)
            for size in (self.brightness, self.contrast, self.saturation)
        )
        angle = uniform((n,), -self.hue, self.hue, like=X) * (2 * math.pi)
        colours = _colour_matrix(torch.where(is_changed, angle, 0.0), saturation)
        luma = X.new_tensor(_LUMA)
        mean = bright * (X.mean(dim=(2, 3)) @ luma)
        matrix = colours * (bright * contrast)[:, None, None]
        offset = ((1 - contrast) * mean)[:, None, None]
        changed = torch.baddbmm(offset, matrix, X.flatten(2))
        return changed.clamp_(0, 1).view_as(X)


class RandomGrey(Augmentation):
    """Take the colour out of some images: all three bands become their brightness.

    For red, green and blue. Without it, a network tells the views of an image by their
    colours alone.

    Parameters
    ----------
    p : float, default=0.2
        Probability that an image becomes grey. The default is that of SimCLR.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust.augmentations import RandomGrey
    >>> RandomGrey(p=1)(torch.rand(5, 3, 28, 20)).std(dim=1).max() < 1e-6
    tensor(True)
    """

    def __init__(self, p: float = 0.2):
        check_number("p", p, 0, 1)
        self.p = p

    def _check(self, X: Tensor) -> None:
        super()._check(X)
        _check_colours(self, X)

    def _change(self, X: Tensor) -> Tensor:
        index = chosen(len(X), self.p).to(X.device)
        weights = X.new_tensor(_LUMA)[:, None, None]
        grey = (X.index_select(0, index) * weights).sum(dim=1, keepdim=True)
        return X.index_copy(0, index, grey.expand(-1, 3, -1, -1))


def _colour_matrix(angle: Tensor, saturation: Tensor) -> Tensor:
    """Matrices (n, 3, 3) that turn the hue and scale the saturation."""
    axes = torch.tensor([_LUMA, _IN_PHASE, _QUADRATURE], dtype=torch.float64)
    back = axes.inverse().to(angle.device, angle.dtype)
    axes = axes.to(angle.device, angle.dtype)
    cos, sin = saturation * angle.cos(), saturation * angle.sin()
    turned = torch.zeros(len(angle), 3, 3, device=angle.device, dtype=angle.dtype)
    turned[:, 0, 0] = 1
    turned[:, 1, 1] = turned[:, 2, 2] = cos
    turned[:, 1, 2], turned[:, 2, 1] = -sin, sin
    return back @ turned @ axes


def _check_colours(augmentation: Augmentation, X: Tensor) -> None:
    if X.shape[1] != 3:
        raise ValueError(
            f"{type(augmentation).__name__} is for red, green and blue; got images of "
            f"{X.shape[1]} band(s). RandomLight changes the light of any bands."
        )
