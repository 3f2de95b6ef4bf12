"""A residual network that two processor cores can train."""

from collections.abc import Sequence

from torch import Tensor, nn

from skdeepclust.networks._convnet import _conv_bn, _ResidualBlock

__all__ = ["SmallResNet"]

_STEM_KERNEL = 3


class SmallResNet(nn.Module):
    """Small residual network, for training from scratch on a processor.

    The first convolution halves the sides, so that an image of 32 x 32 costs 27 million
    multiplications, a twentieth of :class:`ResNet18`.

    ==================================  =======================================
    layer                               output, with sides halved and rounded up
    ==================================  =======================================
    input                               C x H x W
    conv 3 x 3, batch norm, ReLU        48 x H/2 x W/2
    (residual block of two convs)       one per width: 48 x H/2 x W/2,
                                        96 x H/4 x W/4, 192 x H/8 x W/8
    global average                      192
    ==================================  =======================================

    Parameters
    ----------
    input_shape : sequence of 3 ints
        Channels, height and width of one image.
    widths : sequence of int, default=(48, 96, 192)
        Channels of the blocks. The last is the number of features.
    n_blocks : int, default=1
        Residual blocks of each width.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust.networks import SmallResNet
    >>> SmallResNet((13, 32, 48))(torch.zeros(2, 13, 32, 48)).shape
    torch.Size([2, 192])
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        widths: Sequence[int] = (48, 96, 192),
        n_blocks: int = 1,
    ):
        super().__init__()
        n_in = widths[0]
        layers: list[nn.Module] = [*_conv_bn(input_shape[0], n_in, _STEM_KERNEL, 2)]
        for i, n_out in enumerate(widths):
            for j in range(n_blocks):
                layers.append(_ResidualBlock(n_in, n_out, 2 if i and not j else 1))
                n_in = n_out
        self.layers = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())

    def forward(self, X: Tensor) -> Tensor:
        """Map images ``(n, C, H, W)`` to features ``(n, widths[-1])``."""
        return self.layers(X)
