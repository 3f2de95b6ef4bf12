"""The mathematics of soft-target clustering, as functions of tensors or arrays.

No state, no device, no scikit-learn: every function here can be read beside the
equation that it implements, differentiated, and tested on its own. Types and shapes
are checked. Values are not: NaN gives NaN.

Arrays of numpy and nested lists are computed as tensors and come back as arrays.
"""

import math
from collections.abc import Callable
from functools import wraps
from inspect import signature
from numbers import Real
from typing import Any, TypeVar, cast

import numpy as np
import torch
from torch import Tensor

__all__ = ["clustering_kl", "soft_assignment", "target_distribution"]

# Distances beyond this many units of sqrt(alpha) count as this: the square of a
# larger number overflows float32.
_LARGEST_RATIO = 1e18

# Arguments that are no arrays.
_AS_IT_IS = (Tensor, Real, type(None))

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _takes_arrays(*names: str) -> Callable[[_Function], _Function]:
    """Let a function of tensors take arrays for these parameters, and return one.

    With a tensor among them the result is a tensor. Without one it is an array, or a
    float if it has no dimensions.
    """

    def decorate(function: _Function) -> _Function:
        parameters = signature(function)

        @wraps(function)
        def with_arrays(*args: Any, **kwargs: Any) -> Any:
            # Training passes here, and `torch.compile`: no look at the signature.
            if all(isinstance(each, _AS_IT_IS) for each in (*args, *kwargs.values())):
                return function(*args, **kwargs)
            arguments = parameters.bind(*args, **kwargs).arguments
            given = {name: arguments[name] for name in names if name in arguments}
            arrays = {name: _as_tensor(each, name) for name, each in given.items()}
            result = function(**{**arguments, **arrays})
            if any(isinstance(each, Tensor) for each in given.values()):
                return result
            return result.numpy() if result.ndim else float(result)

        return cast(_Function, with_arrays)

    return decorate


def _as_tensor(X: Any, name: str) -> Any:
    """An array or a nested list as a tensor of floats."""
    if isinstance(X, _AS_IT_IS):
        return X
    try:
        array = np.asarray(X)
        floats = array if array.dtype.kind == "f" else array.astype(np.float64)
        is_number = array.dtype.kind in "biuf"
    except (TypeError, ValueError):
        is_number = False
    if not is_number:
        raise TypeError(
            f"{name} must be a tensor or an array of numbers, got {type(X).__name__}."
        )
    return torch.from_numpy(np.ascontiguousarray(floats, dtype=_native(floats.dtype)))


def _native(dtype: np.dtype) -> np.dtype:
    """The same number of bytes in the machine's order; torch has at most eight."""
    return np.dtype(f"f{min(dtype.itemsize, 8)}")


@_takes_arrays("Z", "centers")
def soft_assignment(Z: Tensor, centers: Tensor, alpha: float = 1.0) -> Tensor:
    r"""Student-t similarity of every embedded point to every cluster centre.

    .. math::

        q_{ij} = \frac{(1 + \|z_i - \mu_j\|^2 / \alpha)^{-(\alpha + 1) / 2}}
                      {\sum_{l} (1 + \|z_i - \mu_l\|^2 / \alpha)^{-(\alpha + 1) / 2}}

    The distances are taken directly, never by expanding the square: the expanded
    form loses all digits once the embedding drifts away from the origin. The
    quotient is taken between logarithms, so that neither a huge distance nor a
    large `alpha` turns it into 0 / 0.

    Parameters
    ----------
    Z : Tensor or array-like of shape (n_samples, embedding_dim)
        Embedded points.
    centers : Tensor or array-like of shape (n_clusters, embedding_dim)
        Cluster centres.
    alpha : float, default=1.0
        Degrees of freedom of the Student-t distribution. 1 is the value of all
        the papers of this family [1]_.

    Returns
    -------
    Q : Tensor or ndarray of shape (n_samples, n_clusters)
        Soft assignments, an array if neither `Z` nor `centers` is a tensor. Rows sum
        to one. Those of 16-bit points are computed in float32.

    Raises
    ------
    TypeError
        If `Z` or `centers` is neither a tensor of floats nor an array of numbers, or
        `alpha` not a number.
    ValueError
        If they are empty or differ in width, or if `alpha` is not positive.

    References
    ----------
    .. [1] J. Xie, R. Girshick, A. Farhadi, "Unsupervised deep embedding for
       clustering analysis", ICML 2016, equation 1.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust import soft_assignment
    >>> soft_assignment(torch.tensor([[0.0]]), torch.tensor([[0.0], [3.0]]))
    tensor([[0.9091, 0.0909]])
    >>> soft_assignment([[0.0]], [[0.0], [3.0]]).round(4)
    array([[0.9091, 0.0909]])
    """
    _check_matrix(Z, "Z")
    _check_matrix(centers, "centers")
    _check_alpha(alpha)
    if Z.shape[1] != centers.shape[1]:
        raise ValueError(
            f"Z of shape {tuple(Z.shape)} and centers of shape {tuple(centers.shape)} "
            "differ in width. Pass points and centres of one space."
        )
    dtype = torch.promote_types(Z.dtype, centers.dtype)
    wide = dtype if dtype.itemsize >= 4 else torch.float32
    distances = torch.cdist(
        Z.to(wide), centers.to(wide), compute_mode="donot_use_mm_for_euclid_dist"
    )  # (n, k)
    ratio = (distances / math.sqrt(alpha)).clamp_max(_LARGEST_RATIO)
    log_kernel = -0.5 * (alpha + 1.0) * ratio.square().log1p()
    return log_kernel.softmax(dim=1).to(dtype)


@_takes_arrays("Q", "frequencies")
def target_distribution(Q: Tensor, frequencies: Tensor | None = None) -> Tensor:
    r"""Sharpened soft assignments, the target that training pulls Q towards.

    .. math::

        p_{ij} = \frac{q_{ij}^2 / f_j}{\sum_{l} q_{il}^2 / f_l},
        \qquad f_j = \sum_i q_{ij}

    The soft cluster frequencies :math:`f_j` are sums over the whole data set: sums
    over a batch would be another quantity. For some of its rows pass the sums over
    all of them as `frequencies`.

    Parameters
    ----------
    Q : Tensor or array-like of shape (n_samples, n_clusters)
        Soft assignments, rows summing to one; of the whole data set unless
        `frequencies` are given.
    frequencies : Tensor or array-like of shape (n_clusters,), default=None
        Column sums of the soft assignments of the whole data set. None: those of `Q`.

    Returns
    -------
    P : Tensor or ndarray of shape (n_samples, n_clusters)
        Target distribution, an array if no tensor was given. Rows sum to one. An empty
        column of `Q` stays empty.

    Raises
    ------
    TypeError
        If `Q` or `frequencies` is neither a tensor of floats nor an array of numbers.
    ValueError
        If `Q` is empty or not a matrix, or if `frequencies` has another length than a
        row of `Q`.

    References
    ----------
    .. [1] J. Xie, R. Girshick, A. Farhadi, "Unsupervised deep embedding for
       clustering analysis", ICML 2016, equation 3.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust import target_distribution
    >>> target_distribution(torch.tensor([[0.8, 0.2], [0.6, 0.4]]))
    tensor([[0.8727, 0.1273],
            [0.4909, 0.5091]])
    >>> target_distribution([[0.8, 0.2], [0.6, 0.4]]).round(4)
    array([[0.8727, 0.1273],
           [0.4909, 0.5091]])
    """
    _check_matrix(Q, "Q")
    tiny = torch.finfo(Q.dtype).tiny
    if frequencies is None:
        frequencies = Q.sum(dim=0)
    else:
        _check_floats(frequencies, "frequencies")
        if frequencies.shape != Q.shape[1:]:
            raise ValueError(
                f"frequencies of shape {tuple(frequencies.shape)} must have one value "
                f"per column of Q, shape ({Q.shape[1]},). Pass Q.sum(dim=0) of the "
                "whole data set."
            )
    weight = Q * (Q / frequencies.clamp_min(tiny))  # q^2 / f, without q^2 underflowing
    return weight / weight.sum(dim=1, keepdim=True).clamp_min(tiny)


@_takes_arrays("P", "Q")
def clustering_kl(P: Tensor, Q: Tensor) -> Tensor:
    r"""Kullback-Leibler divergence of the soft assignments from their target.

    .. math::

        KL(P \| Q) = \frac{1}{n} \sum_i \sum_j p_{ij} \log \frac{p_{ij}}{q_{ij}}

    The mean is over samples and not over the entries of the matrix ("batchmean"),
    the reduction that the published weights of the loss, gamma = 0.1 among them,
    belong to. Terms with :math:`p_{ij} = 0` count zero.

    Parameters
    ----------
    P : Tensor or array-like of shape (n_samples, n_clusters)
        Target distribution. It is taken as a constant: no gradient flows into it.
    Q : Tensor or array-like of shape (n_samples, n_clusters)
        Soft assignments.

    Returns
    -------
    divergence : Tensor of shape () or float
        The divergence in nats, averaged over the samples; a float if no tensor was
        given. Divided by ``log(2)`` it is in bits.

    Raises
    ------
    TypeError
        If `P` or `Q` is neither a tensor of floats nor an array of numbers.
    ValueError
        If they are empty, no matrices, or differ in shape.

    References
    ----------
    .. [1] J. Xie, R. Girshick, A. Farhadi, "Unsupervised deep embedding for
       clustering analysis", ICML 2016, equation 2.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust import clustering_kl
    >>> P, Q = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.5, 0.5]])
    >>> clustering_kl(P, Q)
    tensor(0.6931)
    >>> round(clustering_kl([[1.0, 0.0]], [[0.5, 0.5]]), 4)
    0.6931
    """
    _check_matrix(P, "P")
    _check_matrix(Q, "Q")
    if P.shape != Q.shape:
        raise ValueError(
            f"P of shape {tuple(P.shape)} and Q of shape {tuple(Q.shape)} must have "
            "the same shape. Pass the target of the same samples and clusters."
        )
    P = P.detach()
    # Without the clamp an entry that underflowed to 0 would give 0 * inf.
    log_q = Q.clamp_min(torch.finfo(Q.dtype).tiny).log()
    return (torch.xlogy(P, P) - P * log_q).sum() / P.shape[0]


# The checks look at types and shapes only, never at values: these functions are called
# in every training step, and a look at values waits for the device.


def _check_floats(X: Tensor, name: str) -> None:
    """Refuse anything but a tensor of floats."""
    if not isinstance(X, Tensor):
        raise TypeError(
            f"{name} must be a tensor or an array of numbers, got {type(X).__name__}."
        )
    if not X.is_floating_point():
        raise TypeError(
            f"{name} must be a tensor of floats, got {X.dtype}. Pass {name}.float()."
        )


def _check_matrix(X: Tensor, name: str) -> None:
    """Refuse anything but a matrix of floats with at least one row and column."""
    _check_floats(X, name)
    if X.ndim != 2 or 0 in X.shape:
        raise ValueError(
            f"{name} must be a matrix with at least one row and one column, got shape "
            f"{tuple(X.shape)}."
        )


def _check_alpha(alpha: float) -> None:
    """Refuse degrees of freedom that are not a positive number."""
    if not isinstance(alpha, Real) or isinstance(alpha, bool):
        raise TypeError(f"alpha={alpha!r} must be a positive number.")
    if not 0 < alpha < math.inf:
        raise ValueError(f"alpha={alpha!r} must be a positive, finite number.")
