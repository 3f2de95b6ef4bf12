"""Contrastive pretraining."""

from skdeepclust.contrastive._encoder import ContrastiveEncoder

__all__ = ["ContrastiveEncoder"]
