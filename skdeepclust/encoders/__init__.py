"""From images to features by a network that is trained already, and stays as it is.

- :class:`~skdeepclust.FrozenEncoder`: a transformer from images to features.

Networks by name come with ``pip install "skdeepclust[encoders,images]"``.
"""

from skdeepclust.encoders._encoder import FrozenEncoder

__all__ = ["FrozenEncoder"]
