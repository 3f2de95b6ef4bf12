"""Deep clustering as scikit-learn estimators.

Where to look first:

- :class:`DCEC`: deep convolutional embedded clustering, ``DCEC(10).fit_predict(X)``,
  and :class:`IDEC` and :class:`DEC`, its relatives with dense networks.
- :class:`DeepCluster`: pseudo-labels from any clusterer train a convolutional network.
- :class:`SCEDAE`: spectral clustering over an ensemble of autoencoders, and
  :class:`LandmarkSpectralClustering`, its clusterer, for any embedding.
- :class:`TEMI` and :class:`Turtle`: heads on features of a frozen network.
- :class:`ConsensusClustering`: several runs of any clusterer, and where they agree.
- :class:`AutoClustering`: k-means, mixtures and spectral clusterings that compete.
- :class:`ImageReader` and :func:`find_images`: from a folder of files to arrays.
- :class:`FrozenEncoder`: from images to features of a pretrained network.
- :class:`ContrastiveEncoder`: an embedding of images of any bands, trained from scratch
  on random views; :mod:`skdeepclust.augmentations` makes them.
- :class:`Autoencoder`: the pretraining of these methods as a transformer, for use in
  front of any scikit-learn clusterer.
- :func:`soft_assignment`, :func:`target_distribution`, :func:`clustering_kl`: the
  mathematics, as functions of tensors and arrays.
- :mod:`skdeepclust.networks`: the networks; your own can take their place.
- :mod:`skdeepclust.metrics`: scores and scorers.
- :mod:`skdeepclust.inspection`, :mod:`skdeepclust.displays`: tables and pictures.
- :mod:`skdeepclust.callbacks`: the embedding kept during training, for a film.
- :mod:`skdeepclust.report`: clusters in one HTML file, edited in the browser.
- :mod:`skdeepclust.base`: the building blocks of a new method.

The command ``skdeepclust`` does a whole folder, or a table, in one line.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # at run time __getattr__ imports what is used
    from skdeepclust import metrics, networks
    from skdeepclust._augment import RandomAffine
    from skdeepclust._auto_clustering import AutoClustering
    from skdeepclust._autoencoder import Autoencoder
    from skdeepclust._checkpoint import FitCheckpoint
    from skdeepclust._dcec import DCEC
    from skdeepclust._dec import DEC
    from skdeepclust._deepcluster import DeepCluster
    from skdeepclust._functional import (
        clustering_kl,
        soft_assignment,
        target_distribution,
    )
    from skdeepclust._idec import IDEC
    from skdeepclust._landmark_spectral import LandmarkSpectralClustering
    from skdeepclust._saving import load, save
    from skdeepclust._scedae import SCEDAE
    from skdeepclust.consensus import ConsensusClustering
    from skdeepclust.contrastive import ContrastiveEncoder
    from skdeepclust.encoders import FrozenEncoder
    from skdeepclust.exceptions import (
        CacheError,
        CacheWarning,
        CheckpointError,
        CheckpointWarning,
        ClusterCollapseWarning,
        DataScaleWarning,
        EmbeddingCollapseWarning,
        FitInterruptedWarning,
        ImageReadError,
        ImageReadWarning,
        ImageScaleWarning,
        ImageShapeWarning,
        LoadError,
        LongTrainingWarning,
        NonFiniteLossError,
        RunsDisagreeWarning,
        SaveError,
    )
    from skdeepclust.heads import TEMI, Turtle
    from skdeepclust.images import ImageReader, find_images

__all__ = [
    "DCEC",
    "DEC",
    "IDEC",
    "SCEDAE",
    "TEMI",
    "AutoClustering",
    "Autoencoder",
    "CacheError",
    "CacheWarning",
    "CheckpointError",
    "CheckpointWarning",
    "ClusterCollapseWarning",
    "ConsensusClustering",
    "ContrastiveEncoder",
    "DataScaleWarning",
    "DeepCluster",
    "EmbeddingCollapseWarning",
    "FitCheckpoint",
    "FitInterruptedWarning",
    "FrozenEncoder",
    "ImageReadError",
    "ImageReadWarning",
    "ImageReader",
    "ImageScaleWarning",
    "ImageShapeWarning",
    "LandmarkSpectralClustering",
    "LoadError",
    "LongTrainingWarning",
    "NonFiniteLossError",
    "RandomAffine",
    "RunsDisagreeWarning",
    "SaveError",
    "Turtle",
    "clustering_kl",
    "find_images",
    "load",
    "metrics",
    "networks",
    "save",
    "soft_assignment",
    "target_distribution",
]

__version__ = "0.1.0"

# Where the public names are. They are imported on first use: importing torch takes
# seconds, which ``skdeepclust --help`` and a wrong argument should not.
_HOMES = {
    "_augment": ("RandomAffine",),
    "_auto_clustering": ("AutoClustering",),
    "_autoencoder": ("Autoencoder",),
    "_checkpoint": ("FitCheckpoint",),
    "_dcec": ("DCEC",),
    "_dec": ("DEC",),
    "_deepcluster": ("DeepCluster",),
    "_functional": ("clustering_kl", "soft_assignment", "target_distribution"),
    "_idec": ("IDEC",),
    "_landmark_spectral": ("LandmarkSpectralClustering",),
    "_saving": ("load", "save"),
    "_scedae": ("SCEDAE",),
    "consensus": ("ConsensusClustering",),
    "contrastive": ("ContrastiveEncoder",),
    "encoders": ("FrozenEncoder",),
    "exceptions": (
        *("CacheError", "CacheWarning", "CheckpointError", "CheckpointWarning"),
        *("ClusterCollapseWarning", "DataScaleWarning", "FitInterruptedWarning"),
        *("EmbeddingCollapseWarning", "LongTrainingWarning"),
        *("ImageReadError", "ImageReadWarning", "ImageScaleWarning"),
        *("ImageShapeWarning", "LoadError", "NonFiniteLossError"),
        *("RunsDisagreeWarning", "SaveError"),
    ),
    "heads": ("TEMI", "Turtle"),
    "images": ("ImageReader", "find_images"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

_MODULES = {
    *("augmentations", "base", "callbacks", "consensus", "datasets", "displays"),
    *("encoders",),
    *("exceptions", "images", "inspection", "metrics", "networks", "report"),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name in _HOME_OF:
        found = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    elif name in _MODULES:
        found = import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found  # the next time it is simply there
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
