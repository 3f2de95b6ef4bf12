"""Convolutional networks that give features, for DeepCluster."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["VGG16", "AlexNet", "ConvNet", "DenseNet", "ResNet18", "Sobel"]


class ConvNet(nn.Module):
    """Small convolutional network for images of about 28 x 28 to 64 x 64.

    ==================================  =======================================
    layer                               output, with sides halved and rounded up
    ==================================  =======================================
    input                               C x H x W
    (conv 3 x 3, batch norm, ReLU,      one per width: 32 x H/2 x W/2,
    max pool 2 x 2)                     64 x H/4 x W/4, 128 x H/8 x W/8
    conv 3 x 3, batch norm, ReLU        128 x H/8 x W/8
    global average                      128
    ==================================  =======================================

    About 240,000 parameters.

    Parameters
    ----------
    input_shape : sequence of 3 ints
        Channels, height and width of one image.
    widths : sequence of int, default=(32, 64, 128)
        Channels of the blocks. The last is the number of features.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust.networks import ConvNet
    >>> ConvNet((3, 32, 48))(torch.zeros(2, 3, 32, 48)).shape
    torch.Size([2, 128])
    """

    def __init__(
        self, input_shape: Sequence[int], widths: Sequence[int] = (32, 64, 128)
    ):
        super().__init__()
        channels = [input_shape[0], *widths]
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise(channels):
            # Sides of 1 stay: nothing is too small.
            layers += [*_conv_bn(n_in, n_out), nn.MaxPool2d(2, ceil_mode=True)]
        layers += [*_conv_bn(widths[-1], widths[-1]), nn.AdaptiveAvgPool2d(1)]
        self.layers = nn.Sequential(*layers, nn.Flatten())

    def forward(self, X: Tensor) -> Tensor:
        """Map images ``(n, C, H, W)`` to features ``(n, widths[-1])``."""
        return self.layers(X)


class DenseNet(nn.Module):
    """Fully connected network for rows that are not images.

    Parameters
    ----------
    input_shape : sequence of int
        Shape of one sample; it is flattened.
    hidden_dims : sequence of int, default=(256, 128)
        Widths of the layers, each followed by batch norm and ReLU. The last is the
        number of features.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust.networks import DenseNet
    >>> DenseNet((16,))(torch.zeros(2, 16)).shape
    torch.Size([2, 128])
    """

    def __init__(
        self, input_shape: Sequence[int], hidden_dims: Sequence[int] = (256, 128)
    ):
        super().__init__()
        widths = [int(torch.Size(input_shape).numel()), *hidden_dims]
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise(widths):
            layers += [nn.Linear(n_in, n_out, bias=False), nn.BatchNorm1d(n_out)]
            layers += [nn.ReLU()]
        self.layers = nn.Sequential(nn.Flatten(), *layers)

    def forward(self, X: Tensor) -> Tensor:
        """Map samples ``(n, *input_shape)`` to features ``(n, hidden_dims[-1])``."""
        return self.layers(X)


class AlexNet(nn.Module):
    """AlexNet with batch norm, the network of the DeepCluster paper.

    Five convolutions (96, 256, 384, 384, 256 channels) and two dense layers of 4096
    features [1]_. Made for images of 224 x 224; the map of other sizes is averaged or
    repeated to the 6 x 6 that the dense layers take.

    Parameters
    ----------
    input_shape : sequence of 3 ints
        Channels, height and width of one image.

    References
    ----------
    .. [1] M. Caron, P. Bojanowski, A. Joulin, M. Douze, "Deep clustering for
       unsupervised learning of visual features", ECCV 2018, section 3.3.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust.networks import AlexNet
    >>> with torch.device("meta"):
    ...     net = AlexNet((2, 224, 224))
    >>> sum(p.numel() for p in net.parameters())
    58271104
    """

    def __init__(self, input_shape: Sequence[int]):
        super().__init__()
        self.features = nn.Sequential(
            *_conv_bn(input_shape[0], 96, 11, 4, 2),
            nn.MaxPool2d(3, 2, padding=1),
            *_conv_bn(96, 256, 5, 1, 2),
            nn.MaxPool2d(3, 2, padding=1),
            *_conv_bn(256, 384),
            *_conv_bn(384, 384),
            *_conv_bn(384, 256),
            nn.MaxPool2d(3, 2, padding=1),
            nn.AdaptiveAvgPool2d(6),
            nn.Flatten(),
            *_dense_layers(256 * 6 * 6),
        )

    def forward(self, X: Tensor) -> Tensor:
        """Map images ``(n, C, H, W)`` to features ``(n, 4096)``."""
        return self.features(X)


class VGG16(nn.Module):
    """VGG-16 with batch norm, the large network of the DeepCluster paper.

    Thirteen convolutions and two dense layers of 4096 features.

    Parameters
    ----------
    input_shape : sequence of 3 ints
        Channels, height and width of one image.

    References
    ----------
    .. [1] K. Simonyan, A. Zisserman, "Very deep convolutional networks for
       large-scale image recognition", ICLR 2015, configuration D.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust.networks import VGG16
    >>> with torch.device("meta"):
    ...     net = VGG16((3, 224, 224))
    >>> sum(p.numel() for p in net.parameters())
    134264768
    """

    _BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))

    def __init__(self, input_shape: Sequence[int]):
        super().__init__()
        layers: list[nn.Module] = []
        n_in = input_shape[0]
        for n_out, repeats in self._BLOCKS:
            for _ in range(repeats):
                layers += _conv_bn(n_in, n_out)
                n_in = n_out
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
        layers += [nn.AdaptiveAvgPool2d(7), nn.Flatten()]
        self.features = nn.Sequential(*layers, *_dense_layers(512 * 7 * 7))

    def forward(self, X: Tensor) -> Tensor:
        """Map images ``(n, C, H, W)`` to features ``(n, 4096)``."""
        return self.features(X)


class ResNet18(nn.Module):
    """Residual network of 18 layers, without its classifier.

    Written here, because torchvision would replace a CPU build of torch and has its
    releases tied to torch's. Images with a side below 64 enter through a 3 x 3
    convolution without striding or pooling, as is usual for CIFAR.

    Parameters
    ----------
    input_shape : sequence of 3 ints
        Channels, height and width of one image.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image
       recognition", CVPR 2016.

    Examples
    --------
    >>> from skdeepclust.networks import ResNet18
    >>> sum(p.numel() for p in ResNet18((3, 224, 224)).parameters())
    11176512
    """

    def __init__(self, input_shape: Sequence[int]):
        super().__init__()
        channels, *sides = input_shape
        if min(sides) < 64:
            stem = _conv_bn(channels, 64)
        else:
            stem = [*_conv_bn(channels, 64, 7, 2, 3), nn.MaxPool2d(3, 2, 1)]
        blocks: list[nn.Module] = []
        n_in = 64
        for n_out in (64, 128, 256, 512):
            for first in (True, False):
                stride = 2 if first and n_out > 64 else 1
                blocks.append(_ResidualBlock(n_in, n_out, stride))
                n_in = n_out
        self.layers = nn.Sequential(
            *stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )

    def forward(self, X: Tensor) -> Tensor:
        """Map images ``(n, C, H, W)`` to features ``(n, 512)``."""
        return self.layers(X)


class Sobel(nn.Module):
    """Gradients of the brightness: C channels become two, along x and along y.

    Colour is taken away, which clusters of photographs would otherwise follow. The
    filter is fixed: it is not trained.

    Parameters
    ----------
    channels : int
        Channels of the images.

    References
    ----------
    .. [1] M. Caron, P. Bojanowski, A. Joulin, M. Douze, "Deep clustering for
       unsupervised learning of visual features", ECCV 2018, section 3.3.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust.networks import Sobel
    >>> Sobel(3)(torch.rand(5, 3, 20, 30)).shape
    torch.Size([5, 2, 20, 30])
    """

    def __init__(self, channels: int):
        super().__init__()
        along_x = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])
        kernel = torch.stack([along_x, along_x.T])[:, None]  # (2, 1, 3, 3)
        self.register_buffer("kernel", kernel.repeat(1, channels, 1, 1) / channels)

    def forward(self, X: Tensor) -> Tensor:
        """Map images ``(n, C, H, W)`` to gradients ``(n, 2, H, W)``."""
        kernel: Any = self.kernel
        return nn.functional.conv2d(X, kernel, padding=1)


class _ResidualBlock(nn.Module):
    def __init__(self, n_in: int, n_out: int, stride: int):
        super().__init__()
        self.body = nn.Sequential(
            *_conv_bn(n_in, n_out, stride=stride),
            nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(n_out),
        )
        self.shortcut = nn.Sequential()
        if stride > 1 or n_in != n_out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out)
            )

    def forward(self, X: Tensor) -> Tensor:
        return torch.relu(self.body(X) + self.shortcut(X))


def _conv_bn(
    n_in: int, n_out: int, kernel: int = 3, stride: int = 1, padding: int = 1
) -> list[nn.Module]:
    return [
        nn.Conv2d(n_in, n_out, kernel, stride, padding, bias=False),
        nn.BatchNorm2d(n_out),
        nn.ReLU(),
    ]


def _dense_layers(n_in: int) -> list[nn.Module]:
    return [
        nn.Dropout(0.5),
        nn.Linear(n_in, 4096),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(4096, 4096),
        nn.ReLU(),
    ]
