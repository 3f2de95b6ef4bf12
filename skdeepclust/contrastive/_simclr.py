"""SimCLR: the views of a sample find each other among all views of the batch."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from skdeepclust.contrastive._model import ContrastiveModel, Settings, dense_head
from skdeepclust.contrastive._net import ContrastiveNet

__all__ = ["TEMPERATURE", "SimCLRNet", "make_net", "nt_xent"]

# The paper has 0.5 for CIFAR-10 after many epochs; see benchmarks/README.md.
TEMPERATURE = 0.2

# The projection of the paper for CIFAR has 128 values; the hidden layer is ours.
_HIDDEN, _PROJECTED = 512, 128


def nt_xent(Z: Tensor, temperature: float) -> Tensor:
    r"""Normalised temperature-scaled cross-entropy of several views [1]_.

    .. math::

        \ell_{ij} = -\log \frac{\exp(\cos(z_i, z_j) / \tau)}
        {\sum_{k \ne i} \exp(\cos(z_i, z_k) / \tau)}

    is averaged over all ordered pairs of two views i, j of one sample. The sum is over
    all other views of the batch.

    Parameters
    ----------
    Z : Tensor of shape (n_views, n_samples, d)
        Projections; their length does not matter.
    temperature : float
        The temperature :math:`\tau`.

    Returns
    -------
    loss : Tensor of shape ()
        The loss.

    References
    ----------
    .. [1] T. Chen, S. Kornblith, M. Norouzi, G. Hinton, "A simple framework for
       contrastive learning of visual representations", ICML 2020, equation 1.
    """
    n_views, n_samples, _ = Z.shape
    rows = normalize(Z, dim=2).flatten(0, 1)
    logits = rows @ rows.T / temperature
    itself = torch.eye(len(rows), dtype=torch.bool, device=Z.device)
    log_p = logits - logits.masked_fill(itself, -torch.inf).logsumexp(1, keepdim=True)
    # The same sample in another view: a diagonal of every block but those of one view.
    blocks = log_p.view(n_views, n_samples, n_views, n_samples)
    pairs = blocks.diagonal(dim1=1, dim2=3)  # (n_views, n_views, n_samples)
    one_view = torch.eye(n_views, dtype=torch.bool, device=Z.device)
    return -pairs[~one_view].mean()


class SimCLRNet(ContrastiveNet):
    """Trains backbone and projector on :func:`nt_xent`."""

    def __init__(self, module, *, temperature, **params):
        super().__init__(module, **params)
        self.temperature = temperature

    def contrast(self, output, target):
        """Return the loss of the views."""
        (projected,) = output
        views = projected.unflatten(0, (self.n_views, -1))
        return nt_xent(views, self.temperature)


def make_net(
    backbone: Any, n_features: int, settings: Settings, params: dict[str, Any]
) -> SimCLRNet:
    """Backbone and projector, and the net that trains them."""
    head = dense_head(n_features, _HIDDEN, _PROJECTED)
    model = ContrastiveModel(backbone, head, settings.dtype)
    return SimCLRNet(model, temperature=settings.temperature or TEMPERATURE, **params)
