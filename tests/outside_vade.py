"""An estimator outside the package: a VaDE-like one, after Jiang et al., IJCAI 2017."""

import math
from numbers import Integral

import torch
from sklearn.mixture import GaussianMixture
from torch import nn
from torch.nn.functional import mse_loss, softplus

from skdeepclust import base


class MixtureAutoencoder(nn.Module):
    """Variational autoencoder whose prior is a trainable Gaussian mixture."""

    def __init__(self, input_shape, embedding_dim, n_clusters, width=500):
        super().__init__()
        self.input_shape = tuple(input_shape)
        n_in = math.prod(self.input_shape)
        layers = (
            nn.Linear(n_in, width),
            nn.ReLU(),
            nn.Linear(width, 2 * embedding_dim),
        )
        self.encoder = nn.Sequential(*layers)
        layers = (nn.Linear(embedding_dim, width), nn.ReLU(), nn.Linear(width, n_in))
        self.decoder = nn.Sequential(*layers)
        self.logits = nn.Parameter(torch.zeros(n_clusters))
        self.centers = nn.Parameter(torch.zeros(n_clusters, embedding_dim))
        self.scales = nn.Parameter(torch.ones(n_clusters, embedding_dim))

    def encode(self, X):
        return self.encoder(X.flatten(1)).chunk(2, dim=1)[0]

    def decode(self, Z):
        return self.decoder(Z).unflatten(1, self.input_shape)

    def assign(self, Z):
        prior = torch.distributions.Normal(self.centers, softplus(self.scales))
        log_density = prior.log_prob(Z[:, None]).sum(dim=2)  # (n, k)
        return (self.logits.log_softmax(dim=0) + log_density).softmax(dim=1)

    def forward(self, X):
        mean, raw = self.encoder(X.flatten(1)).chunk(2, dim=1)
        scale = softplus(raw) + 1e-3
        Z = mean + scale * torch.randn_like(mean)
        return self.decode(Z), self.assign(Z), mean, scale


class ElboNet(base.TensorNet):
    """Minus the evidence lower bound; the reconstruction alone while pretraining."""

    noise = 0.05  # twice the variance of a value around its reconstruction

    def losses(self, output, target, X):
        reconstruction, Q, mean, scale = output
        error = mse_loss(reconstruction, X)
        if self.stage == "pretraining":
            return {"loss": error}
        model = self.module_
        posterior = torch.distributions.Normal(mean[:, None], scale[:, None])
        prior = torch.distributions.Normal(model.centers, softplus(model.scales))
        apart = torch.distributions.kl_divergence(posterior, prior).sum(dim=2)
        shares = Q.clamp_min(1e-30).log() - model.logits.log_softmax(dim=0)
        divergence = (Q * (apart + shares)).sum(dim=1).mean() / X[0].numel()
        return {"loss": error / self.noise + divergence, "divergence": divergence}


class VaDE(base.InverseTransformMixin, base.SoftClusterer):
    """Variational deep embedding: the mixture is trained with the network."""

    _parameter_constraints = {
        **base.SoftClusterer._parameter_constraints,
        "embedding_dim": [base.Interval(Integral, 1, None, closed="left")],
        "pretrain_epochs": [base.Interval(Integral, 0, None, closed="left")],
        "max_epochs": [base.Interval(Integral, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_clusters=10,
        *,
        embedding_dim=10,
        image_shape="auto",
        pretrain_epochs=50,
        max_epochs=100,
        batch_size="auto",
        lr=1e-3,
        optimizer=torch.optim.Adam,
        callbacks=None,
        device="auto",
        verbose=0,
        random_state=None,
        **skorch,
    ):
        self.n_clusters = n_clusters
        self.embedding_dim = embedding_dim
        self.image_shape = image_shape
        self.pretrain_epochs = pretrain_epochs
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.optimizer = optimizer
        self.callbacks = callbacks
        self.device = device
        self.verbose = verbose
        self.random_state = random_state
        self._set_skorch_params(skorch)

    _n_stages = 2

    def _fit(self, X, device, seed, progress):
        sizes = (self._input_shape_, self.embedding_dim, self.n_clusters)
        model = MixtureAutoencoder(*sizes, **self._module_arguments())
        data = base.TensorData(X, self._input_shape_, device)
        batch_size = base.resolve_batch_size(self.batch_size, len(X))
        batches = base.Batches(
            data, batch_size, seed=base.derived_seed(seed, "batches")
        )
        self._embedding_dim_, self.history_ = self.embedding_dim, {}
        epochs = {"pretraining": self.pretrain_epochs, "training": self.max_epochs}
        for stage, n_epochs in epochs.items():
            params = self._net_params(device, batch_size)
            net = ElboNet(model, stage=stage, **params).initialize()
            if stage == "training":
                self.init_labels_ = self._start(model, data, seed)
            run = base.Run(net, data, progress, n_epochs=n_epochs)
            for _ in run:
                net.train_on(batches)
            self.history_[stage] = base.history_table(net, ("epoch", "loss"))
        self.net_, self.n_iter_ = net, len(net.history)
        self.converged_ = False
        self.stop_reason_ = run.stop_reason or f"max_epochs={self.max_epochs} used up"
        self.labels_ = self._assign(self._embed(data))
        self.cluster_centers_ = model.centers.detach().cpu().numpy().copy()

    def _start(self, model, data, seed):
        """Begin with a Gaussian mixture of the embedding."""
        Z = base.map_blocks(model.eval().encode, data).cpu().numpy()
        gmm = GaussianMixture(self.n_clusters, covariance_type="diag", reg_covar=1e-3)
        gmm.set_params(random_state=base.derived_seed(seed, "mixture"))
        labels = gmm.fit_predict(Z)
        with torch.no_grad():
            model.centers.copy_(torch.from_numpy(gmm.means_))
            scales = torch.from_numpy(gmm.covariances_).sqrt()
            model.scales.copy_(scales.expm1().log())  # the inverse of softplus
            model.logits.copy_(torch.from_numpy(gmm.weights_).log())
        return labels
