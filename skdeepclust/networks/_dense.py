"""The dense autoencoder of DEC and IDEC."""

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from skdeepclust.networks._init import glorot_uniform_

__all__ = ["DenseAutoencoder", "dense_layers"]


class DenseAutoencoder(nn.Module):
    """Fully connected autoencoder, mirrored around a linear embedding.

    =================  =======================================
    layer              shape of its output
    =================  =======================================
    input              ``(n, *input_shape)``, flattened
    linear + ReLU      ``(n, width)``, for each of `hidden_dims`
    linear             ``(n, embedding_dim)``, the embedding
    linear + ReLU      ``(n, width)``, `hidden_dims` reversed
    linear             ``(n, *input_shape)``
    =================  =======================================

    Weights are Glorot-uniform, biases zero, as in the Keras originals.

    Parameters
    ----------
    input_shape : sequence of int
        Shape of one sample, ``(n_features,)`` or ``(C, H, W)``.
    embedding_dim : int, default=10
        Width of the embedding.
    hidden_dims : sequence of int, default=(500, 500, 2000)
        Widths of the hidden layers of the encoder. The default is the network of
        the DEC paper [1]_.

    References
    ----------
    .. [1] J. Xie, R. Girshick, A. Farhadi, "Unsupervised deep embedding for
       clustering analysis", ICML 2016, section 4.3.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust.networks import DenseAutoencoder
    >>> net = DenseAutoencoder((16,), embedding_dim=3)
    >>> net.encode(torch.zeros(5, 16)).shape
    torch.Size([5, 3])
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        embedding_dim: int = 10,
        hidden_dims: Sequence[int] = (500, 500, 2000),
    ):
        super().__init__()
        self.input_shape = tuple(input_shape)
        widths = [math.prod(self.input_shape), *hidden_dims, embedding_dim]
        self.encoder = dense_layers(widths)
        self.decoder = dense_layers(widths[::-1])
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights."""
        glorot_uniform_(self)

    def encode(self, X: Tensor) -> Tensor:
        """Map samples ``(n, *input_shape)`` to embeddings ``(n, embedding_dim)``."""
        return self.encoder(X.flatten(1))

    def decode(self, Z: Tensor) -> Tensor:
        """Map embeddings ``(n, embedding_dim)`` to samples ``(n, *input_shape)``."""
        return self.decoder(Z).unflatten(1, self.input_shape)

    def forward(self, X: Tensor) -> Tensor:
        """Reconstruct `X`."""
        return self.decode(self.encode(X))


def dense_layers(widths: Sequence[int]) -> nn.Sequential:
    """Linear layers of these widths, with ReLU between them."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])  # the last layer is linear
