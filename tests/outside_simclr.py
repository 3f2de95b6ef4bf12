"""A transformer outside the package: SimCLR-like, after Chen et al., ICML 2020."""

from numbers import Integral, Real

import torch
from torch import nn
from torch.nn.functional import cross_entropy, normalize

from skdeepclust.base import (
    BaseDeepEstimator,
    Batches,
    Interval,
    Run,
    TensorData,
    TensorNet,
    derived_seed,
    history_table,
    resolve_augmentation,
    resolve_backbone,
    resolve_batch_size,
)


class ProjectedBackbone(nn.Module):
    """Backbone for the embedding, and a projection head for the training."""

    def __init__(self, backbone, n_features, n_projected=32):
        super().__init__()
        self.backbone = backbone
        self.head = nn.Sequential(
            nn.Linear(n_features, n_features),
            nn.ReLU(),
            nn.Linear(n_features, n_projected),
        )

    def encode(self, X):
        return self.backbone(X).flatten(1)

    def forward(self, X):
        return normalize(self.head(self.encode(X)))


class ContrastiveNet(TensorNet):
    """NT-Xent: the two views of a sample find each other among all views."""

    def __init__(self, module, *, temperature, **params):
        super().__init__(module, **params)
        self.temperature = temperature

    def losses(self, output, target, X):
        similarity = output @ output.T / self.temperature
        itself = torch.eye(len(output), dtype=torch.bool, device=output.device)
        similarity = similarity.masked_fill(itself, -1e9)
        other = torch.arange(len(output), device=output.device).roll(len(output) // 2)
        return {"loss": cross_entropy(similarity, other)}


def jitter(X):
    """Augmentation of rows that are not images."""
    return X + 0.1 * torch.randn_like(X)


class SimCLR(BaseDeepEstimator):
    """Embedding in which two augmented views of a sample are close."""

    _parameter_constraints = {
        **BaseDeepEstimator._parameter_constraints,
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "max_epochs": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        temperature=0.5,
        module="auto",
        image_shape="auto",
        max_epochs=100,
        batch_size="auto",
        augment="auto",
        lr=1e-3,
        optimizer=torch.optim.Adam,
        callbacks=None,
        device="auto",
        verbose=0,
        random_state=None,
        **skorch,
    ):
        self.temperature = temperature
        self.module = module
        self.image_shape = image_shape
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.augment = augment
        self.lr = lr
        self.optimizer = optimizer
        self.callbacks = callbacks
        self.device = device
        self.verbose = verbose
        self.random_state = random_state
        self._set_skorch_params(skorch)

    def _fit(self, X, device, seed, progress):
        backbone, self._embedding_dim_ = resolve_backbone(
            self.module,
            self.image_shape_,
            self.n_features_in_,
            False,
            self._module_arguments(),
        )
        batch_size = resolve_batch_size(self.batch_size, len(X))
        net = ContrastiveNet(
            ProjectedBackbone(backbone, self._embedding_dim_),
            temperature=self.temperature,
            stage="training",
            **self._net_params(device, batch_size),
        ).initialize()
        data = TensorData(X, self._input_shape_, device)
        batches = Batches(
            data,
            batch_size,
            seed=derived_seed(seed, "batches"),
            augment=resolve_augmentation(self.augment, self.image_shape_) or jitter,
            n_views=2,
        )
        run = Run(net, data, progress, n_epochs=self.max_epochs)
        for _ in run:
            net.train_on(batches)
        self.net_, self.n_iter_ = net, len(net.history)
        self.history_ = {"training": history_table(net, ("epoch", "loss"))}
        self.stop_reason_ = run.stop_reason or f"max_epochs={self.max_epochs} used up"
