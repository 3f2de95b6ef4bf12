"""The building blocks of a new method.

A method is one file: an estimator that inherits from one of the base classes, a
network, and a :class:`TensorNet` with its `losses`.

- :class:`BaseDeepEstimator`: a transformer. Its docstring says what a subclass writes.
- :class:`BaseDeepClusterer`: a clusterer; :class:`SoftClusterer`: one whose network has
  ``assign(Z)``, for `predict` and `predict_proba`. :class:`InverseTransformMixin` adds
  `inverse_transform` if the network has ``decode(Z)``.
- :class:`TensorNet`: network and optimiser; a subclass writes `losses`.
- :class:`Run`: the epochs of a stage, with callbacks and progress.
- :class:`TensorData`: the samples as tensors on the device; :func:`map_blocks` applies
  a function to all of them; :class:`Batches` gives training batches, of one or several
  augmented views; :func:`history_table` makes a table of `history_`.
- :func:`resolve_autoencoder` and :func:`resolve_backbone` build the network that the
  parameter `module` names; :func:`resolve_augmentation` and :func:`resolve_batch_size`
  say what "auto" stands for; :func:`derived_seed` gives a seed for each purpose.
- `Interval`, `StrOptions`, `HasMethods`: scikit-learn's constraints of parameters.
"""

from skdeepclust._augment import resolve_augmentation
from skdeepclust._auto import resolve_batch_size
from skdeepclust._base import (
    BaseDeepClusterer,
    BaseDeepEstimator,
    InverseTransformMixin,
    SoftClusterer,
)
from skdeepclust._batches import Batches
from skdeepclust._compat import HasMethods, Interval, StrOptions
from skdeepclust._nets import Run, TensorNet, history_table
from skdeepclust._random import derived_seed
from skdeepclust._tensor_data import TensorData, map_blocks
from skdeepclust.networks._resolve import resolve_autoencoder, resolve_backbone

__all__ = [
    "BaseDeepClusterer",
    "BaseDeepEstimator",
    "Batches",
    "HasMethods",
    "Interval",
    "InverseTransformMixin",
    "Run",
    "SoftClusterer",
    "StrOptions",
    "TensorData",
    "TensorNet",
    "derived_seed",
    "history_table",
    "map_blocks",
    "resolve_augmentation",
    "resolve_autoencoder",
    "resolve_backbone",
    "resolve_batch_size",
]
