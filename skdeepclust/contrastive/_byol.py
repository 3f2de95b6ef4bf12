"""BYOL: one view predicts another's projection by a network that follows slowly.

ProPos is BYOL with clusters: their means in one view find those in the other.
"""

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from skdeepclust.contrastive._model import ContrastiveModel, Settings, dense_head
from skdeepclust.contrastive._net import ContrastiveNet

__all__ = [
    *("CLUSTERS", "BYOLModel", "BYOLNet", "byol_loss", "cluster_means", "make_net"),
    "prototype_loss",
]

# Number of clusters of ProPos if the user says none: that of the estimators here.
CLUSTERS = 10

# Widths of projector and predictor. [1]_ has 4096 and 256, for a larger network.
_HIDDEN, _PROJECTED = 1024, 128

# Of the noise on projections before they are predicted, and weight and temperature of
# the loss of the clusters: those of ProPos.
_NOISE, _PROTOTYPE_WEIGHT, _TEMPERATURE = 1e-3, 0.1, 0.5


def byol_loss(predicted: Tensor, target: Tensor) -> Tensor:
    r"""Squared distance of directions: every view predicts all others [1]_.

    .. math:: \lVert \bar p_i - \bar t_j \rVert^2 = 2 - 2 \cos(p_i, t_j)

    is averaged over all ordered pairs of two views i, j of one sample.

    Parameters
    ----------
    predicted : Tensor of shape (n_views, n_samples, d)
        Predictions by the network; their length does not matter.
    target : Tensor of shape (n_views, n_samples, d)
        Projections by the network that follows.

    Returns
    -------
    loss : Tensor of shape ()
        The loss.

    References
    ----------
    .. [1] J.-B. Grill et al., "Bootstrap your own latent: a new approach to
       self-supervised learning", NeurIPS 2020, equation 2.
    """
    n_views, n_samples, _ = predicted.shape
    directions = normalize(target, dim=2)
    # Of all other views together: cosines are linear in the target.
    others = directions.sum(dim=0, keepdim=True) - directions
    cosines = (normalize(predicted, dim=2) * others).sum()
    return 2 - 2 * cosines / (n_views * (n_views - 1) * n_samples)


def cluster_means(Z: Tensor, labels: Tensor, n_clusters: int) -> Tensor:
    """Directions of the means of clusters.

    Parameters
    ----------
    Z : Tensor of shape (n, d)
        Rows; their length does not matter.
    labels : Tensor of shape (n,)
        Cluster of every row.
    n_clusters : int
        Number of clusters.

    Returns
    -------
    means : Tensor of shape (n_clusters, d)
        Unit vectors; zero for a cluster without rows.
    """
    sums = Z.new_zeros(n_clusters, Z.shape[1])
    return normalize(sums.index_add(0, labels, normalize(Z, dim=1)), dim=1)


def prototype_loss(
    online: Tensor, target: Tensor, labels: Tensor, n_clusters: int, temperature: float
) -> Tensor:
    r"""The mean of a cluster in one view finds its own among the means in the other.

    .. math::

        -\frac1{|C|} \sum_{k \in C} \log \frac{\exp(\langle \mu_k, \mu'_k\rangle/\tau)}
        {\exp(\langle \mu_k, \mu'_k \rangle / \tau) + \sum_{j \in C, j \ne k}
        \exp(\langle \mu_k, \mu_j \rangle / \tau)}

    with the means :math:`\mu` of one view by the network and :math:`\mu'` of another
    by the network that follows, over the clusters C that have samples in the batch
    [1]_.

    Parameters
    ----------
    online, target : Tensor of shape (n_samples, d)
        Projections of the samples.
    labels : Tensor of shape (n_samples,)
        Clusters of the samples.
    n_clusters : int
        Number of clusters.
    temperature : float
        The temperature :math:`\tau`.

    Returns
    -------
    loss : Tensor of shape ()
        The loss; 0 if all samples are of one cluster.

    References
    ----------
    .. [1] Z. Huang, J. Chen, J. Zhang, H. Shan, "Learning representation for clustering
       via prototype scattering and positive sampling", IEEE TPAMI 2023, equation 6.
    """
    own = cluster_means(online, labels, n_clusters)
    other = cluster_means(target, labels, n_clusters)
    logits = own @ own.T / temperature
    itself = torch.eye(n_clusters, dtype=torch.bool, device=online.device)
    logits = torch.where(
        itself, (own * other).sum(1, keepdim=True) / temperature, logits
    )
    is_used = torch.bincount(labels, minlength=n_clusters) > 0
    logits = logits.masked_fill(~is_used, -torch.inf)
    where = torch.arange(n_clusters, device=online.device)
    losses = cross_entropy(
        logits.masked_fill(~is_used[:, None], 0.0), where, reduction="none"
    )
    return torch.where(is_used, losses, 0.0).sum() / is_used.sum()


class BYOLModel(ContrastiveModel):
    """Backbone, projector and predictor; a copy of the first two follows them.

    Parameters
    ----------
    backbone : nn.Module
        Maps samples to features.
    n_features : int
        Number of features.
    dtype : {"float32", "bfloat16"}
        Type in which the training computes.
    momentum : float
        Share of the copy that a step keeps at the beginning; it rises to 1 [1]_.
    noise : float
        Standard deviation of the noise on projections before the predictor.
    """

    def __init__(
        self,
        backbone: nn.Module,
        n_features: int,
        dtype: str,
        momentum: float,
        noise: float,
    ):
        projector = dense_head(n_features, _HIDDEN, _PROJECTED)
        super().__init__(backbone, projector, dtype)
        self.predictor = dense_head(_PROJECTED, _HIDDEN, _PROJECTED)
        self.momentum = momentum
        self.noise = noise
        followers = [copy.deepcopy(each) for each in (backbone, projector)]
        self.followers = nn.ModuleList(followers).requires_grad_(False)

    def outputs(self, X: Tensor) -> tuple[Tensor, ...]:
        """Features, projections, their predictions, and projections of the copy."""
        features = self.features(X)
        projected = self.projector(features).float()
        noisy = projected
        if self.noise:
            noisy = projected + self.noise * torch.randn_like(projected)
        with torch.no_grad():
            target = self.target(X)
        return features, projected, self.predictor(noisy).float(), target

    def target(self, X: Tensor) -> Tensor:
        """Projections by the network that follows."""
        backbone, projector = self.followers
        return projector(self.features(X, backbone)).float()

    def follow(self, share_done: float) -> None:
        """Move the copy towards the network, ever more slowly."""
        momentum = 1 - (1 - self.momentum) * (1 + math.cos(math.pi * share_done)) / 2
        leaders = nn.ModuleList([self.backbone, self.projector])
        pairs = zip(self.followers.parameters(), leaders.parameters(), strict=True)
        for follower, leader in pairs:
            follower.data.lerp_(leader, 1 - momentum)
        statistics = zip(self.followers.buffers(), leaders.buffers(), strict=True)
        for its, own in statistics:
            its.copy_(own)


class BYOLNet(ContrastiveNet):
    """Trains backbone, projector and predictor on :func:`byol_loss`.

    With `n_clusters`, batches whose targets are clusters add :func:`prototype_loss`.
    """

    def __init__(self, module, *, temperature, n_clusters, **params):
        super().__init__(module, **params)
        self.temperature = temperature
        self.n_clusters = n_clusters

    def contrast(self, output, target):
        """Return the loss of the predictions, and of the clusters if there are any."""
        online, predicted, followed = (
            each.unflatten(0, (self.n_views, -1)) for each in output
        )
        loss = byol_loss(predicted, followed)
        if target is None:
            return loss
        labels = target.unflatten(0, (self.n_views, -1))[0]
        found = [
            prototype_loss(
                online[i], followed[j], labels, self.n_clusters, self.temperature
            )
            for i in range(self.n_views)
            for j in range(self.n_views)
            if i != j
        ]
        return loss + _PROTOTYPE_WEIGHT * torch.stack(found).mean()


def make_net(
    backbone: Any, n_features: int, settings: Settings, params: dict[str, Any]
) -> BYOLNet:
    """The network with its follower, and the net that trains it."""
    noise = _NOISE if settings.prototypes else 0.0
    model = BYOLModel(backbone, n_features, settings.dtype, settings.momentum, noise)
    return BYOLNet(
        model,
        temperature=settings.temperature or _TEMPERATURE,
        n_clusters=settings.n_prototypes or CLUSTERS,
        **params,
    )
