"""Effect sizes of one cluster against the rest: numbers and shares.

Functions of arrays. :func:`skdeepclust.inspection.cluster_profile` has the references.
"""

import math

import numpy as np
from scipy.stats import norm

__all__ = [
    "HALF_WIDTH",
    "LOGISTIC_SD",
    "log_odds_ratio",
    "mean_difference",
    "strength",
    "trimmed_mean",
]

# Half the width of a 95 % interval, in standard errors.
HALF_WIDTH = norm.ppf(0.975)

# A log odds ratio divided by this is a standardised difference: the standard deviation
# of the logistic distribution.
LOGISTIC_SD = math.pi / math.sqrt(3)

# Samples added to the rarer side of a table, so that an odds ratio is finite when a
# count is zero.
_HALF = 0.5


def mean_difference(own, rest, trim):
    """Standardised difference of trimmed means, and its standard error.

    Parameters
    ----------
    own : ndarray of shape (n_own,)
        Values of the cluster, sorted.
    rest : ndarray of shape (n_rest,)
        Values of all other samples, sorted.
    trim : float
        Share that is cut off at each end of both.

    Returns
    -------
    effect : float
        The difference. Infinite if the values within both groups are equal, NaN if all
        values are equal or there are too few.
    standard_error : float
        Its standard error. NaN if the effect is not finite.
    """
    if not len(own) or not len(rest) or len(own) + len(rest) < 3:
        return np.nan, np.nan
    if any(_hides_spread(values, trim) for values in (own, rest)):
        trim = 0
    own, rest = _scaled(own, rest, trim)
    center, sd, kept = trimmed_mean(own, trim)
    rest_center, rest_sd, rest_kept = trimmed_mean(rest, trim)
    freedom = kept + rest_kept - 2
    pooled = math.sqrt(
        ((kept - 1) * sd**2 + (rest_kept - 1) * rest_sd**2) / max(freedom, 1)
    )
    difference = center - rest_center
    if not pooled:
        return (math.copysign(np.inf, difference) if difference else np.nan), np.nan
    # Mean of few values: the deviation within the cluster itself is not known.
    sd, rest_sd = (sd if kept > 1 else pooled), (rest_sd if rest_kept > 1 else pooled)
    correction = 1 - 3 / (4 * freedom - 1) if freedom > 1 else 1.0
    effect = correction * difference / pooled
    variance = _squared_error(len(own), sd, kept)
    variance += _squared_error(len(rest), rest_sd, rest_kept)
    variance = variance / pooled**2 + effect**2 / (2 * max(freedom, 1))
    return effect, math.sqrt(variance)


def _hides_spread(values, trim):
    """Whether trimming leaves equal values only, of sorted values that differ."""
    cut = int(trim * len(values))
    is_equal_inside = values[cut] == values[len(values) - cut - 1]
    return is_equal_inside and values[0] < values[-1]


def _scaled(own, rest, trim):
    """Values around zero, of the order of one, so that no square is too large."""
    ends = []
    for values in (own, rest):
        cut = int(trim * len(values))
        ends += [values[cut], values[len(values) - cut - 1]]
    middle, width = min(ends) / 2 + max(ends) / 2, max(ends) / 2 - min(ends) / 2
    if not width:
        return own, rest
    with np.errstate(over="ignore"):  # of values that are cut off
        return (own - middle) / width, (rest - middle) / width


def trimmed_mean(values, trim):
    """Trimmed mean of sorted values, deviation of the winsorised ones, number kept.

    The deviation is scaled so that of normal values it is that without trimming.
    """
    n = len(values)
    cut = int(trim * n)
    kept = values[cut : n - cut]
    if n < 2:
        return kept.mean(), 0.0, n
    lowest, highest = kept[0], kept[-1]
    mean = (kept.sum() + cut * (lowest + highest)) / n
    squares = ((kept - mean) ** 2).sum()
    squares += cut * ((lowest - mean) ** 2 + (highest - mean) ** 2)
    sd = math.sqrt(squares / (n - 1)) if highest > lowest else 0.0
    return kept.mean(), sd / _winsorised_sd(cut / n), n - 2 * cut


def _winsorised_sd(trim):
    """Standard deviation of the standard normal distribution, winsorised."""
    if not trim:
        return 1.0
    z = norm.ppf(1 - trim)
    return math.sqrt(1 - 2 * trim - 2 * z * norm.pdf(z) + 2 * trim * z**2)


def _squared_error(n, sd, kept):
    """Squared standard error of the mean of n values of which some are kept."""
    return (sd * _winsorised_sd((n - kept) / (2 * n)) * n / kept) ** 2 / n


def log_odds_ratio(own, own_others, rest, rest_others):
    """Log odds ratio of a table of two rows and columns, and its standard error.

    Both groups get additional samples with the shares of all samples, half a sample of
    the rarer kind. Equal shares then give zero, and the sign is that of the difference
    of the shares, however small a group is. Half a sample in every cell would pull the
    shares of a small group to one half.

    Parameters
    ----------
    own, own_others : int
        Samples of the cluster with and without a property.
    rest, rest_others : int
        The same of all other samples.

    Returns
    -------
    log_odds, standard_error : floats
        NaN if all samples have the property, or none.
    """
    n_with, n_without = own + rest, own_others + rest_others
    rarer = min(n_with, n_without)
    if not rarer:
        return np.nan, np.nan
    more_with, more_without = _HALF * n_with / rarer, _HALF * n_without / rarer
    a, b = own + more_with, own_others + more_without
    c, d = rest + more_with, rest_others + more_without
    return math.log(a * d / (b * c)), math.sqrt(1 / a + 1 / b + 1 / c + 1 / d)


def strength(effect, standard_error):
    """Distance of the interval from zero; of an infinite effect it is infinite."""
    distance = np.abs(effect) - HALF_WIDTH * np.nan_to_num(standard_error)
    return np.where(np.isnan(effect), -np.inf, distance)
