"""The command ``skdeepclust``: a folder or a table to clusters, in one line.

    skdeepclust cluster photos -k 10 --out result

It is a thin layer over the library: :func:`~skdeepclust.find_images`,
:class:`~skdeepclust.ImageReader`, an estimator, and :mod:`skdeepclust.report`.
``python -m skdeepclust`` is the same.
"""

from skdeepclust.cli._main import main

__all__ = ["main"]
