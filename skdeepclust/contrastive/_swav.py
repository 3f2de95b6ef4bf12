"""SwAV: one view says to which prototypes another view belongs."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, normalize

from skdeepclust.contrastive._model import ContrastiveModel, Settings, dense_head
from skdeepclust.contrastive._net import ContrastiveNet

__all__ = ["SwAVModel", "SwAVNet", "make_net", "sinkhorn", "swav_loss"]

# The projection of [1]_ has 128 values, and 2048 in the hidden layer of a larger
# network. Softness and iterations of the assignment, and the
# temperature, are those of [1]_.
_HIDDEN, _PROJECTED = 512, 128
_EPSILON, _N_ITER, _TEMPERATURE = 0.05, 3, 0.1


def sinkhorn(scores: Tensor, epsilon: float, n_iter: int) -> Tensor:
    r"""Soft assignment of a batch to prototypes that are used equally often.

    Rows and columns of :math:`\exp(s / \epsilon)` are scaled in turn, so that every
    prototype has the same share of the batch and every sample is assigned once [1]_.
    Logarithms keep large scores finite.

    Parameters
    ----------
    scores : Tensor of shape (n_samples, n_prototypes)
        Scores s.
    epsilon : float
        Softness of the assignment.
    n_iter : int
        Iterations.

    Returns
    -------
    assignment : Tensor of shape (n_samples, n_prototypes)
        Rows that sum to one.

    References
    ----------
    .. [1] M. Caron, I. Misra, J. Mairal, P. Goyal, P. Bojanowski, A. Joulin,
       "Unsupervised learning of visual features by contrasting cluster assignments",
       NeurIPS 2020, equation 5.
    """
    log_q = scores / epsilon
    for _ in range(n_iter):
        log_q = log_q - log_q.logsumexp(dim=0, keepdim=True)
        log_q = log_q - log_q.logsumexp(dim=1, keepdim=True)
    return log_q.exp()


def swav_loss(scores: Tensor, temperature: float) -> Tensor:
    r"""Every view predicts the assignments of all others [1]_.

    .. math:: -\sum_k q_k(x_i) \log \operatorname{softmax}_k(s(x_j) / \tau)

    is averaged over all ordered pairs of two views i, j and over the samples;
    assignments q by :func:`sinkhorn` have no gradient.

    Parameters
    ----------
    scores : Tensor of shape (n_views, n_samples, n_prototypes)
        Cosines of projections and prototypes.
    temperature : float
        The temperature :math:`\tau`.

    Returns
    -------
    loss : Tensor of shape ()
        The loss.

    References
    ----------
    .. [1] M. Caron et al., NeurIPS 2020, equation 2; see :func:`sinkhorn`.
    """
    n_views, n_samples, _ = scores.shape
    with torch.no_grad():
        assigned = [sinkhorn(view, _EPSILON, _N_ITER) for view in scores]
        q = torch.stack(assigned)
        others = q.sum(dim=0, keepdim=True) - q
    log_p = (scores / temperature).log_softmax(dim=2)
    return -(others * log_p).sum() / (n_views * (n_views - 1) * n_samples)


class SwAVModel(ContrastiveModel):
    """Backbone, projector, and prototypes among the projections.

    Parameters
    ----------
    backbone : nn.Module
        Maps samples to features.
    n_features : int
        Number of features.
    dtype : {"float32", "bfloat16"}
        Type in which the training computes.
    n_prototypes : int
        Number of prototypes.
    """

    def __init__(
        self, backbone: nn.Module, n_features: int, dtype: str, n_prototypes: int
    ):
        projector = dense_head(n_features, _HIDDEN, _PROJECTED)
        super().__init__(backbone, projector, dtype)
        weights = torch.randn(n_prototypes, _PROJECTED) / math.sqrt(_PROJECTED)
        self.prototypes = nn.Parameter(weights)

    def outputs(self, X: Tensor) -> tuple[Tensor, ...]:
        """Features, and cosines of projections and prototypes."""
        features = self.features(X)
        return features, self._scores(features)

    def scores(self, X: Tensor) -> Tensor:
        """Cosines of the projections of samples and the prototypes."""
        return self._scores(self.features(X))

    def _scores(self, features: Tensor) -> Tensor:
        projected: Any = normalize(self.projector(features).float())
        with torch.autocast(projected.device.type, enabled=False):
            return linear(projected, normalize(self.prototypes))


class SwAVNet(ContrastiveNet):
    """Trains backbone, projector and prototypes on :func:`swav_loss`."""

    def __init__(self, module, *, temperature, **params):
        super().__init__(module, **params)
        self.temperature = temperature

    def contrast(self, output, target):
        """Return the loss; prototypes rest in the first epoch, as in the paper."""
        (scores,) = output
        return swav_loss(scores.unflatten(0, (self.n_views, -1)), self.temperature)

    def _compute(self, X, target):
        computed = super()._compute(X, target)
        if len(self.history) == 1 < self.n_epochs:
            module: Any = getattr(self.module_, "_orig_mod", self.module_)
            module.prototypes.grad.zero_()
        return computed


def make_net(
    backbone: Any, n_features: int, settings: Settings, params: dict[str, Any]
) -> SwAVNet:
    """The network with prototypes, and the net that trains it."""
    assert settings.n_prototypes is not None  # the estimator knows the batch size
    model = SwAVModel(backbone, n_features, settings.dtype, settings.n_prototypes)
    return SwAVNet(model, temperature=settings.temperature or _TEMPERATURE, **params)
