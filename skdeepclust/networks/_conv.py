"""The convolutional autoencoder of DCEC."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from skdeepclust.networks._init import glorot_uniform_

__all__ = ["ConvAutoencoder"]

# From such sides upwards weights with the channels last make a step on a CPU faster,
# by about a tenth; see benchmarks/step_overhead.py.
_SMALLEST_CHANNELS_LAST = 16


class ConvAutoencoder(nn.Module):
    """Convolutional autoencoder of the DCEC paper, for images of any size.

    Strided convolutions in place of pooling, a linear embedding, and transposed
    convolutions back. Neither batch normalisation nor an activation on the embedding.

    ===========================  =========================  =================
    layer                        output for 1 x 28 x 28     in general
    ===========================  =========================  =================
    input                        1 x 28 x 28                C x H x W
    conv 5 x 5, stride 2, ReLU   32 x 14 x 14               half, rounded up
    conv 5 x 5, stride 2, ReLU   64 x 7 x 7                 half, rounded up
    conv 3 x 3, stride 2, ReLU   128 x 3 x 3                see below
    flatten, linear              10                         embedding_dim
    linear, ReLU, reshape        128 x 3 x 3
    transposed conv 3 x 3, ReLU  64 x 7 x 7
    transposed conv 5 x 5, ReLU  32 x 14 x 14
    transposed conv 5 x 5        1 x 28 x 28                C x H x W
    ===========================  =========================  =================

    The last convolution is padded along a side that the strides divide exactly (8
    with three layers) and along a side too short to go without padding; elsewhere
    it is not padded. The original has this rule for square images and restores
    only sides of 0 or 4 modulo 8; here every side is treated separately and every
    size is restored exactly. Weights are Glorot-uniform, biases zero, as in the
    Keras original.

    Parameters
    ----------
    input_shape : sequence of 3 ints
        Channels, height and width of one image.
    embedding_dim : int, default=10
        Width of the embedding.
    filters : sequence of int, default=(32, 64, 128)
        Channels after each convolution of the encoder. The last convolution is
        3 x 3, those before it 5 x 5. The default is the paper's [1]_.

    References
    ----------
    .. [1] X. Guo, X. Liu, E. Zhu, J. Yin, "Deep clustering with convolutional
       autoencoders", ICONIP 2017, figure 1.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust.networks import ConvAutoencoder
    >>> net = ConvAutoencoder((3, 17, 30))
    >>> net(torch.zeros(2, 3, 17, 30)).shape
    torch.Size([2, 3, 17, 30])
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        embedding_dim: int = 10,
        filters: Sequence[int] = (32, 64, 128),
    ):
        super().__init__()
        self.input_shape = tuple(input_shape)
        channels, height, width = self.input_shape
        rows = _side_plan(height, len(filters))
        columns = _side_plan(width, len(filters))
        channels_of = [channels, *filters]

        encoder: list[nn.Module] = []
        decoder: list[nn.Module] = []
        for i, (down, across) in enumerate(zip(rows, columns, strict=True)):
            kernel = 3 if i == len(filters) - 1 else 5
            padding = (down.padding, across.padding)
            encoder += [
                nn.Conv2d(channels_of[i], channels_of[i + 1], kernel, 2, padding),
                nn.ReLU(),
            ]
            decoder = [
                nn.ConvTranspose2d(
                    channels_of[i + 1],
                    channels_of[i],
                    kernel,
                    2,
                    padding,
                    output_padding=(down.output_padding, across.output_padding),
                ),
                nn.ReLU(),
                *decoder,
            ]
        inner = (filters[-1], rows[-1].size_out, columns[-1].size_out)
        self.encoder = nn.Sequential(
            *encoder, nn.Flatten(), nn.Linear(math.prod(inner), embedding_dim)
        )
        self.decoder = nn.Sequential(
            nn.Linear(embedding_dim, math.prod(inner)),
            nn.ReLU(),
            nn.Unflatten(1, inner),
            *decoder[:-1],  # the last layer is linear
        )
        self.reset_parameters()
        if min(height, width) >= _SMALLEST_CHANNELS_LAST:
            self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def reset_parameters(self) -> None:
        """Draw new weights."""
        glorot_uniform_(self)

    def encode(self, X: Tensor) -> Tensor:
        """Map images ``(n, C, H, W)`` to embeddings ``(n, embedding_dim)``."""
        return self.encoder(X)

    def decode(self, Z: Tensor) -> Tensor:
        """Map embeddings ``(n, embedding_dim)`` to images ``(n, C, H, W)``."""
        return self.decoder(Z)

    def forward(self, X: Tensor) -> Tensor:
        """Reconstruct `X`."""
        return self.decode(self.encode(X))


class _Side:
    """How one convolution, and its transpose, treats one side of the image."""

    def __init__(self, size_in: int, kernel: int, padded: bool):
        self.padding = kernel // 2 if padded else 0
        self.size_out = (size_in + 2 * self.padding - kernel) // 2 + 1
        # What the transpose must add to come back to exactly size_in: 0 or 1.
        restored = (self.size_out - 1) * 2 - 2 * self.padding + kernel
        self.output_padding = size_in - restored


def _side_plan(size: int, n_layers: int) -> list[_Side]:
    divides = size % 2**n_layers == 0
    plan: list[_Side] = []
    for i in range(n_layers):
        last = i == n_layers - 1
        size_in = plan[-1].size_out if plan else size
        padded = not last or divides or size_in < 3
        plan.append(_Side(size_in, kernel=3 if last else 5, padded=padded))
    return plan
