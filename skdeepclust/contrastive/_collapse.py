"""Whether all embeddings have become one: how far apart they are, and in how much."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

__all__ = ["effective_rank", "spread"]


def spread(Z: Tensor) -> float:
    r"""Root mean square distance of rows of length one from their mean.

    It is the square root of the sum of the variances of all columns: 0 if all rows
    point the same way, 1 if they cancel out.

    Parameters
    ----------
    Z : Tensor of shape (n, d)
        Embeddings; their length does not matter.

    Returns
    -------
    spread : float
        Between 0 and 1.
    """
    Z = normalize(Z.double(), dim=1)  # rows of zeros stay
    return float((Z - Z.mean(dim=0)).square().sum(dim=1).mean().sqrt())


def effective_rank(Z: Tensor) -> float:
    r"""Number of directions in which rows of length one differ.

    .. math:: \exp\Big(-\sum_i p_i \log p_i\Big), \quad p_i = \sigma_i / \sum_j \sigma_j

    with the singular values of the centred rows [1]_: d if all directions have the
    same share, 1 if there is one.

    Parameters
    ----------
    Z : Tensor of shape (n, d)
        Embeddings; their length does not matter.

    Returns
    -------
    rank : float
        Between 1 and ``min(n, d)``; 0 if all rows are equal.

    References
    ----------
    .. [1] Q. Garrido, R. Balestriero, L. Najman, Y. LeCun, "RankMe: assessing the
       downstream performance of pretrained self-supervised representations by their
       rank", ICML 2023.
    """
    Z = normalize(Z.double(), dim=1)
    values = torch.linalg.svdvals((Z - Z.mean(dim=0)).cpu())
    total = float(values.sum())
    if total < 1e-9:
        return 0.0
    shares = values / total
    return float(torch.exp(-torch.xlogy(shares, shares).sum()))
