"""Figures of fitted estimators, after the fashion of scikit-learn's displays.

``Display.from_estimator(...)`` draws at once and returns the display, which keeps what
was drawn and draws it again elsewhere with ``plot(ax=...)``. matplotlib is imported
when something is drawn; it comes with ``pip install "skdeepclust[plot]"``.
"""

from skdeepclust.displays._cluster_number import ClusterNumberDisplay
from skdeepclust.displays._confusion import ClusterConfusionDisplay
from skdeepclust.displays._latent import LatentSpaceDisplay
from skdeepclust.displays._montage import ClusterMontageDisplay
from skdeepclust.displays._silhouette import SilhouetteDisplay
from skdeepclust.displays._training import TrainingCurvesDisplay

__all__ = [
    "ClusterConfusionDisplay",
    "ClusterMontageDisplay",
    "ClusterNumberDisplay",
    "LatentSpaceDisplay",
    "SilhouetteDisplay",
    "TrainingCurvesDisplay",
]
