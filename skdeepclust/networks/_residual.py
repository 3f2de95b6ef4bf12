"""Principal components and a small network that corrects them."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import Tensor, nn

from skdeepclust.networks._dense import dense_layers
from skdeepclust.networks._init import glorot_uniform_

__all__ = ["ResidualAutoencoder"]

# hidden_dims=None: two layers as wide as the power of two nearest to the input, within
# these bounds. See benchmarks/tables.py.
_NARROWEST, _WIDEST = 64, 512


class ResidualAutoencoder(nn.Module):
    r"""Autoencoder that starts as a principal component analysis.

    .. math::

        z = W (x - m) + f(x), \qquad \hat x = m + V z + g(z)

    W and V are matrices, m is a vector, and f and g are small dense networks, whose
    last layers are zero at first. :meth:`start_from` sets W and V to the principal
    components of the data and m to their mean, so that the embedding begins as the data
    in their main directions: distances between samples keep their meaning, and clusters
    that can be seen in the data can be seen in the embedding. Training bends it where
    that lowers the loss.

    Parameters
    ----------
    input_shape : sequence of int
        Shape of one sample, ``(n_features,)`` or ``(C, H, W)``.
    embedding_dim : int, default=10
        Width of the embedding.
    hidden_dims : sequence of int or None, default=None
        Widths of the hidden layers of f, and reversed of g. None takes two layers; each
        is as wide as the power of two nearest to the number of values of a sample, at
        least 64 and at most 512.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust.networks import ResidualAutoencoder
    >>> X = torch.rand(50, 4)
    >>> net = ResidualAutoencoder((4,), embedding_dim=4)
    >>> net.start_from(X)
    >>> torch.allclose(net(X), X, atol=1e-5)
    True
    """

    mean: Tensor

    def __init__(
        self,
        input_shape: Sequence[int],
        embedding_dim: int = 10,
        hidden_dims: Sequence[int] | None = None,
    ):
        super().__init__()
        self.input_shape = tuple(input_shape)
        n_features = math.prod(self.input_shape)
        if hidden_dims is None:
            width = 2 ** round(math.log2(max(1, n_features)))
            hidden_dims = 2 * (min(_WIDEST, max(_NARROWEST, width)),)
        widths = [n_features, *hidden_dims, embedding_dim]
        self.encoder = dense_layers(widths)
        self.decoder = dense_layers(widths[::-1])
        self.to_embedding = nn.Parameter(torch.empty(embedding_dim, n_features))
        self.from_embedding = nn.Parameter(torch.empty(embedding_dim, n_features))
        self.register_buffer("mean", torch.zeros(n_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights: directions at random, the corrections zero."""
        glorot_uniform_(self)
        for stack in (self.encoder, self.decoder):
            last = stack[-1]
            assert isinstance(last, nn.Linear)
            nn.init.zeros_(last.weight)
        nn.init.orthogonal_(self.to_embedding)
        with torch.no_grad():
            self.from_embedding.copy_(self.to_embedding)
            self.mean.zero_()

    def start_from(self, X: Tensor) -> None:
        """Set the linear parts to the principal components of samples.

        Parameters
        ----------
        X : Tensor of shape (n, ...)
            Samples. If there are fewer components than the embedding is wide, the other
            directions stay as they are.
        """
        rows = X.detach().flatten(1).cpu().numpy()
        n = min(len(self.to_embedding), *rows.shape)
        with np.errstate(invalid="ignore"):  # a single sample has no variance
            pca = PCA(n, random_state=0).fit(rows)  # it fixes the signs of components
        with torch.no_grad():
            for linear in (self.to_embedding, self.from_embedding):
                linear[:n] = torch.from_numpy(pca.components_).to(linear)
            self.mean.copy_(torch.from_numpy(pca.mean_))

    def encode(self, X: Tensor) -> Tensor:
        """Map samples ``(n, *input_shape)`` to embeddings ``(n, embedding_dim)``."""
        rows = X.flatten(1)
        return (rows - self.mean) @ self.to_embedding.T + self.encoder(rows)

    def decode(self, Z: Tensor) -> Tensor:
        """Map embeddings ``(n, embedding_dim)`` to samples ``(n, *input_shape)``."""
        rows = self.mean + Z @ self.from_embedding + self.decoder(Z)
        return rows.unflatten(1, self.input_shape)

    def forward(self, X: Tensor) -> Tensor:
        """Reconstruct `X`."""
        return self.decode(self.encode(X))
