"""Heads: small networks that learn clusters on features of a frozen network.

- :class:`Turtle`: the labels that linear classifiers learn best, in one or several
  spaces.
- :class:`TEMI`: nearest neighbours fall into one cluster; many heads are trained side
  by side.
"""

from skdeepclust.heads._temi import TEMI
from skdeepclust.heads._turtle import Turtle

__all__ = ["TEMI", "Turtle"]
