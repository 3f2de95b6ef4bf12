"""The losses of the methods, against values found by another route."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import cosine_similarity
from torch.nn.functional import cross_entropy, normalize

from skdeepclust.contrastive._byol import (
    BYOLModel,
    byol_loss,
    cluster_means,
    prototype_loss,
)
from skdeepclust.contrastive._collapse import effective_rank, spread
from skdeepclust.contrastive._simclr import nt_xent
from skdeepclust.contrastive._swav import SwAVModel, sinkhorn, swav_loss


def draws(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


# -- SimCLR --------------------------------------------------------------------


def nt_xent_by_loops(Z, temperature):
    """Equation 1 of the paper, term by term."""
    n_views, n_samples, _ = Z.shape
    cosines = cosine_similarity(Z.reshape(n_views * n_samples, -1).numpy())
    losses = []
    for i in range(n_views * n_samples):
        others = [k for k in range(n_views * n_samples) if k != i]
        total = sum(math.exp(cosines[i, k] / temperature) for k in others)
        for j in others:
            if j % n_samples == i % n_samples:
                losses.append(-math.log(math.exp(cosines[i, j] / temperature) / total))
    return np.mean(losses)


@pytest.mark.parametrize("n_views", [2, 3])
@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_nt_xent_is_the_equation(n_views, temperature):
    Z = draws(n_views, 5, 4)
    expected = nt_xent_by_loops(Z, temperature)
    assert float(nt_xent(Z, temperature)) == pytest.approx(expected, rel=1e-5)


def test_nt_xent_of_two_views_is_a_cross_entropy():
    Z = draws(2, 6, 4)
    rows = normalize(Z.flatten(0, 1))
    logits = (rows @ rows.T / 0.5).fill_diagonal_(-torch.inf)
    expected = cross_entropy(logits, torch.arange(12).roll(6))
    torch.testing.assert_close(nt_xent(Z, 0.5), expected)


def test_nt_xent_of_equal_rows_is_the_log_of_their_number():
    Z = torch.ones(2, 8, 3)
    assert float(nt_xent(Z, 0.5)) == pytest.approx(math.log(15))


def test_nt_xent_of_orthogonal_samples():
    Z = torch.eye(4).expand(2, 4, 4)
    expected = -math.log(math.exp(2) / (math.exp(2) + 6))
    assert float(nt_xent(Z, 0.5)) == pytest.approx(expected, rel=1e-6)


# -- BYOL and ProPos -----------------------------------------------------------


def test_byol_loss_is_the_squared_distance_of_directions():
    predicted, target = draws(4, 5, 3)[:2], draws(4, 5, 3)[2:]
    first = (normalize(predicted[0]) - normalize(target[1])).square().sum(1)
    second = (normalize(predicted[1]) - normalize(target[0])).square().sum(1)
    expected = (first.mean() + second.mean()) / 2
    torch.testing.assert_close(byol_loss(predicted, target), expected)


def test_byol_loss_of_three_views_is_the_mean_over_pairs():
    predicted, target = draws(3, 5, 4), draws(6, 5, 4)[3:]
    pairs = [
        byol_loss(predicted[[i, j]], target[[i, j]])
        for i, j in ((0, 1), (0, 2), (1, 2))
    ]
    expected = torch.stack(pairs).mean()
    torch.testing.assert_close(byol_loss(predicted, target), expected)


def test_cluster_means_are_directions_and_zero_without_rows():
    Z, labels = draws(6, 3), torch.tensor([0, 0, 2, 2, 2, 0])
    means = cluster_means(Z, labels, 4)
    for k in (0, 2):
        expected = normalize(normalize(Z[labels == k]).mean(dim=0), dim=0)
        torch.testing.assert_close(means[k], expected)
    assert not means[[1, 3]].any()


def test_prototype_loss_is_the_equation():
    online, target = draws(2, 9, 4)
    labels = torch.tensor([0, 0, 1, 1, 3, 3, 3, 0, 1])  # nobody is in cluster 2
    own, other = (
        np.stack(
            [
                normalize(normalize(Z[labels == k]).sum(dim=0), dim=0).numpy()
                for k in (0, 1, 3)
            ]
        )
        for Z in (online, target)
    )
    losses = []
    for k in range(3):
        same = math.exp(own[k] @ other[k] / 0.5)
        rest = sum(math.exp(own[k] @ own[j] / 0.5) for j in range(3) if j != k)
        losses.append(-math.log(same / (same + rest)))
    found = prototype_loss(online, target, labels, 4, 0.5)
    assert float(found) == pytest.approx(np.mean(losses), rel=1e-5)


def test_prototype_loss_has_finite_gradients_with_empty_clusters():
    online = draws(4, 3).requires_grad_()
    loss = prototype_loss(
        online, draws(4, 3), torch.zeros(4, dtype=torch.int64), 5, 0.5
    )
    assert float(loss.detach()) == pytest.approx(0)
    loss.backward()
    assert online.grad.isfinite().all()


def test_the_follower_moves_by_one_minus_the_momentum():
    model = BYOLModel(torch.nn.Linear(3, 2), 2, "float32", momentum=0.9, noise=0.0)
    follower, leader = model.followers[0], model.backbone
    with torch.no_grad():
        leader.weight.fill_(1.0)
        follower.weight.zero_()
        model.follow(0.0)
        torch.testing.assert_close(follower.weight, torch.full((2, 3), 0.1))
        model.follow(0.5)  # half of the way along the cosine: momentum 0.95
        torch.testing.assert_close(follower.weight, torch.full((2, 3), 0.145))
        model.follow(1.0)
    torch.testing.assert_close(follower.weight, torch.full((2, 3), 0.145))


# -- SwAV ----------------------------------------------------------------------


def test_sinkhorn_gives_even_prototypes_and_one_prototype_per_sample():
    q = sinkhorn(draws(12, 4) * 0.1, 0.05, 100)
    torch.testing.assert_close(q.sum(dim=1), torch.ones(12))
    torch.testing.assert_close(q.sum(dim=0), torch.full((4,), 3.0))


def test_sinkhorn_scales_rows_and_columns():
    """Without logarithms, as the paper writes it."""
    scores = draws(6, 3)
    q = np.exp(scores.double().numpy() / 0.5).T
    for _ in range(3):
        q /= q.sum(axis=1, keepdims=True) * 3
        q /= q.sum(axis=0, keepdims=True) * 6
    expected = torch.from_numpy((q * 6).T).float()
    torch.testing.assert_close(sinkhorn(scores, 0.5, 3), expected)


def test_sinkhorn_is_finite_for_large_scores():
    assert sinkhorn(1000 * draws(6, 3), 0.05, 3).isfinite().all()


def test_swav_loss_is_a_cross_entropy_of_soft_classes():
    scores = draws(2, 6, 3)
    first = cross_entropy(scores[1] / 0.1, sinkhorn(scores[0], 0.05, 3))
    second = cross_entropy(scores[0] / 0.1, sinkhorn(scores[1], 0.05, 3))
    torch.testing.assert_close(swav_loss(scores, 0.1), (first + second) / 2)


def test_swav_loss_of_three_views_is_the_mean_over_pairs():
    scores = draws(3, 6, 4)
    pairs = [swav_loss(scores[[i, j]], 0.1) for i, j in ((0, 1), (0, 2), (1, 2))]
    torch.testing.assert_close(swav_loss(scores, 0.1), torch.stack(pairs).mean())


def test_scores_of_prototypes_are_cosines():
    model = SwAVModel(torch.nn.Linear(5, 4), 4, "float32", 3).eval()
    X = draws(6, 5)
    with torch.no_grad():
        projected = model.projector(model.backbone(X))
        expected = cosine_similarity(projected.numpy(), model.prototypes.numpy())
        found = model.scores(X)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


# -- collapse ------------------------------------------------------------------


def test_spread_is_the_distance_to_the_mean():
    Z = draws(50, 7)
    unit = normalize(Z)
    expected = (unit - unit.mean(dim=0)).square().sum(dim=1).mean().sqrt()
    assert spread(Z) == pytest.approx(float(expected), rel=1e-5)
    assert spread(Z[:1].expand(9, -1)) == pytest.approx(0, abs=1e-7)
    assert spread(torch.eye(4)) == pytest.approx((3 / 4) ** 0.5)


def test_effective_rank_counts_directions():
    both = torch.eye(6)
    assert effective_rank(torch.cat([both, -both])) == pytest.approx(6)
    line = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    assert effective_rank(line) == pytest.approx(1)
    assert effective_rank(torch.ones(5, 3)) == 0
