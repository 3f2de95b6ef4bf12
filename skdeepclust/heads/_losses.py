"""The mathematics of the heads, as functions of tensors.

Assignments come as logarithms, so that a small probability is never rounded to zero.
Heads that are trained side by side are a leading axis: ``(..., n_samples, n_clusters)``
gives a loss per head, ``(...)``.
"""

import torch
from torch import Tensor

__all__ = [
    "classification_loss",
    "mean_entropy",
    "pointwise_information",
    "scan_loss",
    "temi_loss",
    "turtle_loss",
]

# Shares of a cluster below this count as this: the logarithm of zero is not finite.
_LEAST_SHARE = 1e-12


def pointwise_information(
    log_p: Tensor, log_q: Tensor, log_prior: Tensor, beta: float
) -> Tensor:
    r"""Pointwise mutual information of the clusters of two samples.

    .. math:: \log \sum_c (p_c q_c)^\beta / \pi_c

    Parameters
    ----------
    log_p, log_q : Tensor of shape (..., n_samples, n_clusters)
        Logarithms of the soft assignments of both samples.
    log_prior : Tensor of shape (..., 1, n_clusters)
        Logarithms of the shares of the clusters.
    beta : float
        1 is the information itself; less than 1 lets clusters differ more in size [1]_.

    Returns
    -------
    information : Tensor of shape (..., n_samples)
        A value per pair.

    References
    ----------
    .. [1] N. Adaloglou, F. Michels, H. Kalisch, M. Kollmann, "Exploring the limits of
       deep image clustering using pretrained models", BMVC 2023, equation 7.
    """
    return torch.logsumexp(beta * (log_p + log_q) - log_prior, dim=-1)


def temi_loss(
    students: tuple[Tensor, Tensor],
    teachers: tuple[Tensor, Tensor],
    log_prior: Tensor,
    beta: float,
) -> Tensor:
    r"""Minus the information between neighbours, in both directions, weighted.

    .. math::

        -\frac{1}{2 n} \sum_i w_i \Big[
        \log \sum_c \frac{(s_c(x_i) t_c(x'_i))^\beta}{\pi_c} +
        \log \sum_c \frac{(s_c(x'_i) t_c(x_i))^\beta}{\pi_c} \Big]

    with students s, teachers t, and the weight of a pair
    :math:`w_i = \operatorname{mean}_{heads} \sum_c t_c(x_i) t_c(x'_i)`: pairs that the
    teachers see in different clusters count for less.

    Parameters
    ----------
    students, teachers : pairs of Tensors of shape (n_heads, n_samples, n_clusters)
        Logarithms of the soft assignments of the samples and of their neighbours.
    log_prior : Tensor of shape (n_heads, 1, n_clusters)
        Logarithms of the shares of the clusters.
    beta : float
        See :func:`pointwise_information`.

    Returns
    -------
    loss : Tensor of shape (n_heads,)
        Loss of every head.
    """
    weight = (teachers[0] + teachers[1]).exp().sum(dim=-1).mean(dim=0)
    forth = pointwise_information(students[0], teachers[1], log_prior, beta)
    back = pointwise_information(students[1], teachers[0], log_prior, beta)
    return -(weight * (forth + back) / 2).mean(dim=-1)


def scan_loss(log_p: Tensor, log_q: Tensor, entropy_weight: float) -> Tensor:
    r"""Neighbours agree, and the clusters are of even size.

    .. math::

        -\frac{1}{n} \sum_i \log \langle p_i, q_i \rangle - \lambda H(\bar p)

    Parameters
    ----------
    log_p, log_q : Tensor of shape (..., n_samples, n_clusters)
        Logarithms of the soft assignments of samples and of their neighbours.
    entropy_weight : float
        The weight :math:`\lambda`.

    Returns
    -------
    loss : Tensor of shape (...)
        Loss of every head.

    References
    ----------
    .. [1] W. Van Gansbeke et al., "SCAN: learning to classify images without labels",
       ECCV 2020, equation 2.
    """
    agreement = torch.logsumexp(log_p + log_q, dim=-1).mean(dim=-1)
    both = torch.cat([log_p, log_q], dim=-2)
    return -agreement - entropy_weight * mean_entropy(both)


def mean_entropy(log_p: Tensor) -> Tensor:
    """Entropy of the mean assignment: large when the clusters are of even size.

    Parameters
    ----------
    log_p : Tensor of shape (..., n_samples, n_clusters)
        Logarithms of soft assignments.

    Returns
    -------
    entropy : Tensor of shape (...)
        Entropy in nats, at most ``log(n_clusters)``.
    """
    shares = log_p.exp().mean(dim=-2)
    return -(shares * shares.clamp_min(_LEAST_SHARE).log()).sum(dim=-1)


def classification_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of a linear classifier and soft labels.

    Parameters
    ----------
    logits : Tensor of shape (n_samples, n_clusters)
        Outputs of the classifier.
    target : Tensor of shape (n_samples, n_clusters)
        Soft labels, rows summing to one.

    Returns
    -------
    loss : Tensor of shape ()
        Mean over the samples.
    """
    return -(target * logits.log_softmax(dim=-1)).sum(dim=-1).mean()


def turtle_loss(
    logits: list[Tensor], log_p: list[Tensor], target: Tensor, gamma: float
) -> Tensor:
    r"""How well linear classifiers learn the labels, and how even the labels are.

    .. math::

        \sum_s CE(w_s z_s, \tau) - \gamma \sum_s H(\bar \tau_s)

    Parameters
    ----------
    logits : list of Tensors of shape (n_samples, n_clusters)
        Outputs of the classifier of every space.
    log_p : list of Tensors of shape (n_samples, n_clusters)
        Logarithms of the labels that every space proposes.
    target : Tensor of shape (n_samples, n_clusters)
        The labels :math:`\tau`: the mean of the proposals.
    gamma : float
        Weight of the entropy.

    Returns
    -------
    loss : Tensor of shape ()
        The loss.

    References
    ----------
    .. [1] A. Gadetsky, Y. Jiang, M. Brbić, "Let go of your labels with unsupervised
       transfer", ICML 2024, equation 9.
    """
    errors = [classification_loss(each, target) for each in logits]
    entropies = [mean_entropy(each) for each in log_p]
    return torch.stack(errors).sum() - gamma * torch.stack(entropies).sum()
