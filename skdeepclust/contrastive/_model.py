"""A backbone, and what the training puts on top of it."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

__all__ = ["ContrastiveModel", "Settings", "dense_head"]

_TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Settings:
    """What the user asks of a method; None leaves it to the method."""

    temperature: float | None
    momentum: float
    n_prototypes: int | None
    prototypes: bool
    dtype: str


class ContrastiveModel(nn.Module):
    """Features by a backbone, and their projections, which the losses compare.

    A method with more parts is a subclass that adds them.

    Parameters
    ----------
    backbone : nn.Module
        Maps samples to features. It is shared, not copied.
    projector : nn.Module
        Maps features ``(n, n_features)`` to projections.
    dtype : {"float32", "bfloat16"}
        Type in which the training computes; weights and `encode` are float32.
    """

    def __init__(self, backbone: nn.Module, projector: nn.Module, dtype: str):
        super().__init__()
        self.backbone = backbone
        self.projector = projector
        self.dtype = _TYPES[dtype]

    def encode(self, X: Tensor) -> Tensor:
        """Map samples to features of length one."""
        return normalize(self.features(X))

    def features(self, X: Tensor, backbone: Any = None) -> Tensor:
        """Map samples to features ``(n, n_features)``."""
        if X.ndim == 4:  # a layout in which convolutions are faster
            X = X.contiguous(memory_format=torch.channels_last)
        return (backbone or self.backbone)(X).flatten(1).float()

    def forward(self, X: Tensor) -> tuple[Tensor, ...]:
        """Features, and whatever the loss of the method takes, for a training batch."""
        with torch.autocast(X.device.type, self.dtype, self.dtype != torch.float32):
            return self.outputs(X)

    def outputs(self, X: Tensor) -> tuple[Tensor, ...]:
        """What `forward` returns; a method writes it."""
        features = self.features(X)
        return features, self.projector(features).float()

    def follow(self, share_done: float) -> None:
        """Do what the method does after every step; by default nothing."""


def dense_head(n_in: int, n_hidden: int, n_out: int) -> nn.Sequential:
    """Two dense layers with batch norm in between, as all of these methods have."""
    return nn.Sequential(
        nn.Linear(n_in, n_hidden, bias=False),
        nn.BatchNorm1d(n_hidden),
        nn.ReLU(),
        nn.Linear(n_hidden, n_out),
    )
