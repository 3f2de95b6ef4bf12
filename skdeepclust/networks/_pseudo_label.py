"""A network that gives features, and the last layers that learn pseudo-labels."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

__all__ = ["PseudoLabelModel"]


class PseudoLabelModel(nn.Module):
    """Features, and logits of pseudo-classes by one or several last layers.

    Parameters
    ----------
    backbone : nn.Module
        Maps samples to features. It is shared, not copied.
    n_features : int
        Number of features.
    n_classes : int
        Number of pseudo-classes.
    n_heads : int, default=1
        Number of last layers, each for pseudo-labels of its own.
    temperature : float or None, default=None
        None makes the last layers linear, with a bias, and trained. A number puts a
        projection of two layers in front of them and makes them fixed centroids: the
        logit is the cosine between projection and centroid, divided by it.
    projection_dim : int, default=128
        Width of the projection.
    """

    def __init__(
        self,
        backbone: Any,
        n_features: int,
        n_classes: int,
        n_heads: int = 1,
        temperature: float | None = None,
        projection_dim: int = 128,
    ):
        super().__init__()
        self.backbone = backbone
        self.temperature = temperature
        self.projection = nn.Sequential()
        n_in = n_features
        if temperature is not None:
            self.projection = nn.Sequential(
                nn.Linear(n_features, n_features, bias=False),
                nn.BatchNorm1d(n_features),
                nn.ReLU(),
                nn.Linear(n_features, projection_dim),
            )
            n_in = projection_dim
        self.heads = nn.ModuleList(
            nn.Linear(n_in, n_classes, bias=temperature is None) for _ in range(n_heads)
        )
        if temperature is not None:
            self.heads.requires_grad_(False)

    def features(self, X: Tensor) -> Tensor:
        """Map samples to features ``(n, n_features)``."""
        return self.backbone(X).flatten(1)

    def encode(self, X: Tensor) -> Tensor:
        """Map samples to features of length one."""
        return normalize(self.features(X))

    def project(self, X: Tensor) -> Tensor:
        """Map samples to projections of length one, where the centroids are."""
        return normalize(self.projection(self.features(X)))

    def forward(self, X: Tensor) -> Tensor:
        """Logits ``(n_heads, n, n_classes)``."""
        if self.temperature is None:
            Z = self.features(X)
        else:
            Z = self.project(X) / self.temperature
        return torch.stack([head(Z) for head in self.heads])

    def renew_heads(self) -> None:
        """Draw trained last layers anew: pseudo-labels have no order."""
        heads: Any = self.heads
        for head in heads:
            nn.init.normal_(head.weight, 0.0, 0.01)
            nn.init.zeros_(head.bias)

    def set_centroids(self, head: int, centroids: Tensor) -> None:
        """Make the given unit vectors, or the first classes, a last layer."""
        layer: Any = self.heads[head]
        weight = layer.weight
        weight.data.zero_()
        weight.data[: len(centroids)] = centroids.to(weight)
