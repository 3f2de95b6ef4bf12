"""Warnings and errors of the library, each naming its remedy when raised."""

__all__ = [
    "ClusterCollapseWarning",
    "DataScaleWarning",
    "NonFiniteLossError",
]


class ClusterCollapseWarning(UserWarning):
    """The clusters found are far fewer than the clusters asked for."""


class DataScaleWarning(UserWarning):
    """The values of X are of a size that makes the training fail or crawl."""


class NonFiniteLossError(ArithmeticError):
    """The training loss became NaN or infinite; nothing was fitted."""
