"""An autoencoder as one function from X to its reconstruction."""

from typing import Any

from torch import Tensor, nn

__all__ = ["Reconstruction"]


class Reconstruction(nn.Module):
    """Call `decode(encode(X))` of any module that has the two.

    Parameters
    ----------
    autoencoder : nn.Module
        Module with `encode` and `decode`. It is shared, not copied.
    """

    def __init__(self, autoencoder: Any):
        super().__init__()
        self.autoencoder = autoencoder

    def encode(self, X: Tensor) -> Tensor:
        """Map samples to embeddings ``(n, embedding_dim)``."""
        return self.autoencoder.encode(X)

    def forward(self, X: Tensor) -> Tensor:
        """Reconstruct `X`."""
        return self.autoencoder.decode(self.autoencoder.encode(X))
