"""Figures of fitted estimators, in the style of scikit-learn's displays.

``Display.from_estimator(...)`` draws a figure and returns the display. The display
keeps the data of the figure, and its ``plot(ax=...)`` draws them again elsewhere.
matplotlib is imported when a figure is drawn. It comes with
``pip install "skdeepclust[plot]"``.
"""

from skdeepclust.displays._cluster_number import ClusterNumberDisplay
from skdeepclust.displays._confusion import ClusterConfusionDisplay
from skdeepclust.displays._consensus import ConsensusDisplay
from skdeepclust.displays._film import LatentFilm
from skdeepclust.displays._latent import LatentSpaceDisplay
from skdeepclust.displays._montage import ClusterMontageDisplay
from skdeepclust.displays._profile import ClusterProfileDisplay
from skdeepclust.displays._silhouette import SilhouetteDisplay
from skdeepclust.displays._training import TrainingCurvesDisplay

__all__ = [
    "ClusterConfusionDisplay",
    "ClusterMontageDisplay",
    "ClusterNumberDisplay",
    "ClusterProfileDisplay",
    "ConsensusDisplay",
    "LatentFilm",
    "LatentSpaceDisplay",
    "SilhouetteDisplay",
    "TrainingCurvesDisplay",
]
