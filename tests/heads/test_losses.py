"""Values of the losses from numpy, by other formulas."""

import numpy as np
import pytest
import torch

from skdeepclust.heads._losses import (
    classification_loss,
    mean_entropy,
    pointwise_information,
    scan_loss,
    temi_loss,
    turtle_loss,
)


def assignments(*shape, seed=0):
    """Random soft assignments of float64."""
    Q = np.random.RandomState(seed).rand(*shape) + 0.05
    return Q / Q.sum(axis=-1, keepdims=True)


def log(Q):
    return torch.from_numpy(np.log(Q))


def test_information_of_two_clusters_by_hand():
    p, q, prior = [[0.9, 0.1]], [[0.6, 0.4]], [[0.5, 0.5]]
    found = pointwise_information(*(log(np.array(v)) for v in (p, q, prior)), 1.0)
    np.testing.assert_allclose(found, np.log((0.54 + 0.04) / 0.5))
    found = pointwise_information(*(log(np.array(v)) for v in (p, q, prior)), 0.5)
    np.testing.assert_allclose(found, np.log(2 * (0.54**0.5 + 0.04**0.5)))


@pytest.mark.parametrize("beta", [0.6, 1.0])
def test_temi(beta):
    n_heads, n, k = 3, 7, 4
    s, s2, t, t2 = (assignments(n_heads, n, k, seed=i) for i in range(4))
    prior = assignments(n_heads, 1, k, seed=4)
    found = temi_loss((log(s), log(s2)), (log(t), log(t2)), log(prior), beta)
    assert found.shape == (n_heads,)
    expected = np.zeros(n_heads)
    for i in range(n):
        weight = np.mean([t[h, i] @ t2[h, i] for h in range(n_heads)])
        for h in range(n_heads):
            forth = np.sum((s[h, i] * t2[h, i]) ** beta / prior[h, 0])
            back = np.sum((s2[h, i] * t[h, i]) ** beta / prior[h, 0])
            expected[h] -= weight * (np.log(forth) + np.log(back)) / (2 * n)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_scan():
    p, q = assignments(2, 6, 3), assignments(2, 6, 3, seed=1)
    found = scan_loss(log(p), log(q), 5.0)
    for h in range(2):
        agreement = np.mean([-np.log(a @ b) for a, b in zip(p[h], q[h])])
        shares = np.concatenate([p[h], q[h]]).mean(axis=0)
        entropy = -np.sum(shares * np.log(shares))
        np.testing.assert_allclose(found[h], agreement - 5 * entropy, rtol=1e-10)


def test_turtle():
    rng = np.random.RandomState(0)
    labels = [assignments(8, 3, seed=i) for i in range(2)]
    tau = (labels[0] + labels[1]) / 2
    logits = [rng.randn(8, 3) for _ in range(2)]
    found = turtle_loss(
        [torch.from_numpy(each) for each in logits],
        [log(each) for each in labels],
        torch.from_numpy(tau),
        10.0,
    )
    expected = 0.0
    for scores, each in zip(logits, labels):
        P = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        expected -= np.mean(np.sum(tau * np.log(P), axis=1))
        shares = each.mean(axis=0)
        expected += 10 * np.sum(shares * np.log(shares))
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_even_clusters_have_the_largest_entropy():
    even = torch.eye(4).repeat(5, 1).log().clamp_min(-80)
    assert mean_entropy(even).item() == pytest.approx(np.log(4))
    assert mean_entropy(even[:1]).item() == pytest.approx(0, abs=1e-6)


def test_tiny_probabilities_give_finite_losses_and_gradients():
    logits = (1e4 * torch.eye(3)).requires_grad_()
    log_p = logits.log_softmax(dim=1)
    other = log_p.detach().roll(1, 0)
    prior = torch.full((1, 3), 1 / 3).log()
    pairs = (log_p[None], log_p[None]), (other[None], other[None])
    losses = [scan_loss(log_p, other, 5.0), temi_loss(*pairs, prior[None], 0.6).sum()]
    losses += [classification_loss(logits, other.exp())]
    for loss in losses:
        (gradient,) = torch.autograd.grad(loss, logits, retain_graph=True)
        assert loss.isfinite()
        assert gradient.isfinite().all()
