"""Networks: architecture only, no loss, no optimiser, no clustering.

An autoencoder here, or a user's own, is an :class:`torch.nn.Module` with two
methods: ``encode`` maps samples to codes ``(n, embedding_dim)``, ``decode`` maps
codes back to exactly the samples' shape. A backbone for DeepCluster is any module
whose call maps samples to features.
"""

from skdeepclust.networks._clustering import ClusteringAutoencoder
from skdeepclust.networks._conv import ConvAutoencoder
from skdeepclust.networks._convnet import (
    VGG16,
    AlexNet,
    ConvNet,
    DenseNet,
    ResNet18,
    Sobel,
)
from skdeepclust.networks._dense import DenseAutoencoder
from skdeepclust.networks._pseudo_label import PseudoLabelModel
from skdeepclust.networks._reconstruction import Reconstruction

__all__ = [
    "VGG16",
    "AlexNet",
    "ClusteringAutoencoder",
    "ConvAutoencoder",
    "ConvNet",
    "DenseAutoencoder",
    "DenseNet",
    "PseudoLabelModel",
    "Reconstruction",
    "ResNet18",
    "Sobel",
]
