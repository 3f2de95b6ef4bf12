"""An autoencoder with trainable cluster centres in its embedding."""

from typing import Any

import torch
from torch import Tensor, nn

from skdeepclust._functional import soft_assignment

__all__ = ["ClusteringAutoencoder"]


class ClusteringAutoencoder(nn.Module):
    """Autoencoder and clustering layer: reconstruction and soft assignment.

    Parameters
    ----------
    autoencoder : nn.Module
        Module with `encode` and `decode`. It is shared, not copied.
    centers : Tensor of shape (n_clusters, embedding_dim)
        Initial centres. They become a parameter of the module, so that an
        optimiser built on it afterwards trains them.
    alpha : float, default=1.0
        Degrees of freedom of the Student-t kernel.
    reconstructs : bool, default=True
        Whether a call decodes the embedding as well.
    """

    def __init__(
        self,
        autoencoder: Any,
        centers: Tensor,
        alpha: float = 1.0,
        reconstructs: bool = True,
    ):
        super().__init__()
        self.autoencoder = autoencoder
        self.centers = nn.Parameter(torch.as_tensor(centers).clone())
        self.alpha = alpha
        self.reconstructs = reconstructs

    def encode(self, X: Tensor) -> Tensor:
        """Map samples to embeddings ``(n, embedding_dim)``."""
        return self.autoencoder.encode(X)

    def decode(self, Z: Tensor) -> Tensor:
        """Map embeddings to samples."""
        return self.autoencoder.decode(Z)

    def assign(self, Z: Tensor) -> Tensor:
        """Soft assignments ``(n, n_clusters)`` of embeddings."""
        return soft_assignment(Z.to(self.centers.dtype), self.centers, self.alpha)

    def forward(self, X: Tensor) -> tuple[Tensor | None, Tensor]:
        """Reconstruction ``(n, *input_shape)`` and assignment ``(n, n_clusters)``."""
        Z = self.encode(X)
        return self.decode(Z) if self.reconstructs else None, self.assign(Z)
