"""Profiles: in which columns a cluster differs most from all other samples."""

import numpy as np

from skdeepclust.inspection import cluster_profile

__all__ = ["profiles"]

# Columns of a profile, at most.
_N_COLUMNS = 8


def profiles(X, labels):
    """Columns and categories with the clearest effects per cluster.

    Parameters
    ----------
    X : DataFrame or array of shape (n_samples, n_columns)
        Samples.
    labels : ndarray of shape (n_samples,)
        Clusters.

    Returns
    -------
    found : dict of int to list of dict
        For each cluster, its columns from the clearest effect on, with the entries
        "column", "effect", "inside" and "outside": the means, or the shares of a
        category in percent.

    Raises
    ------
    TypeError or ValueError
        If X is no table, or if there is only one cluster.
    """
    profile = cluster_profile(X, labels)
    values = dict(_values(profile))
    effects = profile.effects
    effects = effects[np.isfinite(effects["effect"])]
    effects = effects[(effects["low"] > 0) | (effects["high"] < 0)]
    clearness = np.maximum(effects["low"], -effects["high"])
    effects = effects.iloc[np.argsort(-clearness.to_numpy(), kind="stable")]
    found: dict[int, list[dict]] = {int(c): [] for c in profile.sizes.index}
    for row in effects.itertuples():
        own = found[int(row.cluster)]
        if len(own) < _N_COLUMNS:
            inside, outside = values[row.cluster, row.feature]
            effect = round(float(row.effect), 3)
            own.append(
                {
                    "column": str(row.feature),
                    "effect": effect,
                    "inside": inside,
                    "outside": outside,
                }
            )
    return found


def _values(profile):
    """Means and shares, in the cluster and in the rest, by cluster and feature."""
    for row in profile.numeric.itertuples():
        yield (row.cluster, row.column), (_text(row.mean), _text(row.rest_mean))
    for row in profile.categories.itertuples():
        shares = (f"{share:.0%}" for share in (row.share, row.rest_share))
        yield (row.cluster, f"{row.column} = {row.category}"), tuple(shares)


def _text(value):
    """A mean in four digits, and large ones in full: 18,130 and not 1.813e+04."""
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"
