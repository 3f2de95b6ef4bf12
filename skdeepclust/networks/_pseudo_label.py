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
        Number of last layers; each learns its own pseudo-labels.
    temperature : float or None, default=None
        None makes the last layers linear, with a bias, and trained. A number makes
        them fixed centroids among whitened features: the logit is the cosine between
        whitened features and centroid, divided by it.
    """

    def __init__(
        self,
        backbone: Any,
        n_features: int,
        n_classes: int,
        n_heads: int = 1,
        temperature: float | None = None,
    ):
        super().__init__()
        self.backbone = backbone
        self.temperature = temperature
        self.heads = nn.ModuleList(
            nn.Linear(n_features, n_classes, bias=temperature is None)
            for _ in range(n_heads)
        )
        if temperature is not None:
            self.whitening = nn.Linear(n_features, n_features).requires_grad_(False)
            self.heads.requires_grad_(False)

    def features(self, X: Tensor) -> Tensor:
        """Map samples to features ``(n, n_features)``."""
        return self.backbone(X).flatten(1).to(torch.float32)

    def encode(self, X: Tensor) -> Tensor:
        """Map samples to features of length one."""
        return normalize(self.features(X))

    def forward(self, X: Tensor) -> Tensor:
        """Logits ``(n_heads, n, n_classes)``."""
        Z = self.features(X)
        if self.temperature is not None:
            Z = normalize(self.whitening(Z)) / self.temperature
        return torch.stack([head(Z) for head in self.heads])

    def renew_heads(self, n_classes: int = 0) -> None:
        """Draw new last layers, wider if there are more classes now."""
        self.widen_heads(n_classes)
        heads: Any = self.heads
        for head in heads:
            nn.init.normal_(head.weight, 0.0, 0.01)
            nn.init.zeros_(head.bias)

    def widen_heads(self, n_classes: int) -> None:
        """Give the last layers room for more classes; their weights are then lost."""
        heads: Any = self.heads
        for head in heads:
            if n_classes > head.out_features:  # the parameters stay the optimiser's own
                head.weight.data = head.weight.new_empty(n_classes, head.in_features)
                if head.bias is not None:
                    head.bias.data = head.bias.new_empty(n_classes)
                    head.bias.grad = None
                head.weight.grad = None
                head.out_features = n_classes

    def set_whitening(self, mean: Tensor, projection: Tensor) -> None:
        """Whiten by ``(Z - mean) @ projection.T``; missing components are zero."""
        weight, bias = self.whitening.weight.data, self.whitening.bias.data
        weight.zero_()
        weight[: len(projection)] = projection.to(weight)
        bias.copy_(-weight @ mean.to(weight))

    def set_centroids(self, head: int, centroids: Tensor) -> None:
        """Make the given unit vectors, or the first classes, a last layer."""
        layer: Any = self.heads[head]
        weight = layer.weight.data
        weight.zero_()
        n_classes, n_components = centroids.shape
        weight[:n_classes, :n_components] = centroids.to(weight)
