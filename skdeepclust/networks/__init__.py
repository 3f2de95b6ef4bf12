"""Networks: architecture only, no loss and no optimiser.

An autoencoder here, or a user's own, is an :class:`torch.nn.Module` with two
methods: ``encode`` maps samples to embeddings ``(n, embedding_dim)``, ``decode`` maps
embeddings back to exactly the shape of the samples. A backbone for DeepCluster is any
module whose call maps samples to features.
"""

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
from skdeepclust.networks._residual import ResidualAutoencoder
from skdeepclust.networks._small_resnet import SmallResNet

__all__ = [
    "VGG16",
    "AlexNet",
    "ConvAutoencoder",
    "ConvNet",
    "DenseAutoencoder",
    "DenseNet",
    "ResNet18",
    "ResidualAutoencoder",
    "SmallResNet",
    "Sobel",
]
