"""Spectral clustering over an ensemble of autoencoders."""

import itertools
import math
from numbers import Integral

import joblib
import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn

from skdeepclust._autoencoder import Autoencoder, pretrain
from skdeepclust._base import BaseDeepClusterer
from skdeepclust._batches import Rows
from skdeepclust._clusterers import nearest
from skdeepclust._compat import Interval, StrOptions
from skdeepclust._device import derived_seed
from skdeepclust._landmark_spectral import LandmarkSpectralClustering
from skdeepclust._progress import NoProgress
from skdeepclust._spectral import SpectralEnsemble, cluster_embedding

__all__ = ["SCEDAE"]

# Arguments of the networks whose order is changed by vary="structure".
_WIDTHS = {
    "dense": ("module__hidden_dims", (500, 500, 2000)),
    "conv": ("module__filters", (32, 64, 128)),
}


class SCEDAE(BaseDeepClusterer):
    r"""Spectral clustering via an ensemble of deep autoencoders.

    Several autoencoders are trained, that differ in their first weights, epochs or
    layers. In the code of each the samples are tied to their nearest landmarks; all
    these ties together are one sparse matrix, whose left singular vectors are clustered
    by k-means [1]_. What one autoencoder got wrong, the others put right, and clusters
    need not be round.

    Parameters
    ----------
    n_clusters : int, default=10
        Number of clusters, and of the singular vectors.
    n_autoencoders : int, default=5
        Number m of autoencoders. With one it is landmark spectral clustering of the
        latent space.
    vary : {"init", "epochs", "structure", "all"}, default="init"
        How the autoencoders differ, besides in the weights that they start from.
        "init": in nothing else. "epochs": in the number of epochs, from
        ``max_epochs / n_autoencoders`` to `max_epochs` in equal steps. "structure": in
        the order of the widths of their hidden layers (``module__hidden_dims`` or
        ``module__filters``; one layer has one order). "all": in both.
    n_landmarks : int or "auto", default="auto"
        Number p of landmarks in each code. "auto" takes a fifth of the samples, but at
        least 10 per cluster and at most 1000, and never more than half of the samples
        (``benchmarks/README.md``).
    n_neighbors : int, default=3
        Number r of landmarks that a sample is tied to in each code. With the default,
        and as many landmarks as "auto" takes, codes of digits were clustered best
        (``benchmarks/README.md``); [2]_ has 5.
    bandwidth : float or "auto", default="auto"
        Width of the Gaussian kernel. "auto" is, code by code, the mean distance of the
        samples to their `n_neighbors` landmarks.
    embedding_dim : int, default=10
        Width of the codes.
    image_shape : "auto", None or tuple of ints, default="auto"
        What the rows of a 2-D X are. "auto" reads rows whose length is a square of
        at least 64 as square images of one channel, and takes the shape from a 3-D
        or 4-D X. None: never images. A tuple ``(C, H, W)``, or ``(H, W)`` for one
        channel, says it; one of its numbers may be -1, for "what is left".
    module : {"auto", "conv", "dense"}, nn.Module class or nn.Module, default="dense"
        The network. "dense" is the paper's,
        :class:`~skdeepclust.networks.DenseAutoencoder`; images are flattened for it.
        "conv" is :class:`~skdeepclust.networks.ConvAutoencoder`, for images, and
        "auto" takes it where there are images. Your own is a module with
        ``encode(X) -> Z`` and ``decode(Z) -> X``; give its class, so that every
        autoencoder has other weights. An instance is copied with its weights.
    max_epochs : int, default=200
        Passes through the data of each autoencoder. The default is that of
        :class:`Autoencoder`.
    batch_size : int or "auto", default="auto"
        Samples per step. "auto" is 32 below some 1,450 samples, 64 below 11,600, 128
        below 23,200 and the papers' 256 above: with 256 an epoch of small data has so
        few steps that the network hardly learns (``benchmarks/README.md`` has the
        measurement).
    augment : "auto", callable or None, default=None
        Random changes of the images of a training batch. None, the default, is the
        paper's. "auto" takes :class:`~skdeepclust.RandomAffine`: shifts, rotations and
        changes of size of up to a tenth or 10 degrees, and mirroring only for images of
        several channels; it is None for rows that are no images. A callable maps a
        batch ``(n, C, H, W)`` to one of that shape.
    lr : float, default=1e-3
        Learning rate. The default is Adam's, which the reference code uses.
    optimizer : torch optimiser class, default=torch.optim.Adam
        Optimiser. Its one-kernel ("fused") form is used where torch has one.
    n_init : int, default=20
        Starts of the k-means in the embedding.
    n_jobs : int or None, default=None
        Autoencoders trained at once, in processes, as in scikit-learn: None is 1
        unless a :func:`joblib.parallel_config` says otherwise, -1 all cores. The result
        is that of as many threads as each process has.
    callbacks : list of skorch callbacks, default=None
        Callbacks of the nets, each of which works on copies. One that stops its net
        lets the next autoencoder begin.
    device : str or torch.device, default="auto"
        Where to compute. "auto" takes CUDA, else MPS, else the CPU.
    verbose : int, default=0
        With 1 or more a line is printed after every epoch.
    random_state : int, RandomState instance or None, default=None
        Governs initial weights, order of the batches, landmarks and k-means. Two fits
        with the same integer are equal to the bit on a CPU. None draws fresh entropy;
        the global generators of numpy and torch are left alone in every case.
    **skorch : dict
        Parameters passed on with skorch's prefixes: ``module__*`` (such as
        ``module__hidden_dims``), ``optimizer__*``, ``callbacks__*``, ``compile`` and
        ``compile__*``.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,)
        Cluster of every sample. Equal to ``predict(X)``.
    embedding_ : ndarray of shape (n_samples, n_clusters)
        Spectral embedding, float32, rows of length one. Equal to ``transform(X)``.
    cluster_centers_ : ndarray of shape (n_clusters, n_clusters)
        Centres in the embedding.
    autoencoders_ : list of Autoencoder
        The fitted autoencoders. ``autoencoders_[i].transform(X)`` is the code of one.
    module_ : nn.ModuleList
        Their networks, each with `encode` and `decode`.
    history_ : dict
        ``history_["autoencoder 0"]`` and so on are tables, dicts of columns with an
        entry per epoch: "epoch", "loss" (mean squared error), "dur" (seconds).
    n_iter_ : int
        Epochs trained, of all autoencoders together.
    stop_reason_ : str
        That all autoencoders are trained.
    image_shape_ : tuple of 3 ints or None
        Channels, height and width of an image; None when rows are not images.
    n_features_in_ : int
        Number of values per sample.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, when X had them.

    Warns
    -----
    ClusterCollapseWarning
        When the effective number of clusters is below half of `n_clusters`.
    DataScaleWarning
        When values of X are of a size that training suffers from.

    See Also
    --------
    LandmarkSpectralClustering : The clustering alone, for any embedding.
    Autoencoder : One of the ensemble.

    Notes
    -----
    1. m autoencoders are trained to reconstruct X.
    2. In the code of each, p landmarks are found by k-means, and every sample is tied
       to its r nearest by a Gaussian kernel, rows summing to one: :math:`B_1` to
       :math:`B_m`.
    3. :math:`B = [B_1 | ... | B_m] / \sqrt{m}`, sparse, with m r values in a row. With
       D the diagonal matrix of its column sums, the first `n_clusters` left singular
       vectors of :math:`B D^{-1/2}`, rows scaled to length one, are the embedding.
    4. K-means in the embedding gives the clusters.

    A new sample has a row b of affinities to the same landmarks, and the embedding
    :math:`b D^{-1/2} V \Sigma^{-1}` with the right singular vectors V and the
    singular values :math:`\Sigma`, by which the samples of `fit` come to theirs, too.
    Time grows with n m p, memory with n m r; there is no n x n matrix.

    References
    ----------
    .. [1] S. Affeldt, L. Labiod, M. Nadif, "Spectral clustering via ensemble deep
       autoencoder learning (SC-EDAE)", Pattern Recognition 2020.
    .. [2] X. Chen, D. Cai, "Large scale spectral clustering with landmark-based
       representation", AAAI 2011.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from skdeepclust import SCEDAE
    >>> X = scale(load_iris().data)
    >>> ensemble = SCEDAE(
    ...     3,
    ...     n_autoencoders=2,
    ...     module__hidden_dims=(32,),
    ...     max_epochs=5,
    ...     random_state=0,
    ... )
    >>> ensemble.fit_predict(X).shape, ensemble.embedding_.shape
    ((150,), (150, 3))
    """

    _parameter_constraints = {
        **Autoencoder._parameter_constraints,
        **{
            name: LandmarkSpectralClustering._parameter_constraints[name]
            for name in (
                *("n_clusters", "n_landmarks", "n_neighbors", "bandwidth", "n_init"),
            )
        },
        "n_autoencoders": [Interval(Integral, 1, None, closed="left")],
        "vary": [StrOptions({"init", "epochs", "structure", "all"})],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_clusters=10,
        *,
        n_autoencoders=5,
        vary="init",
        n_landmarks="auto",
        n_neighbors=3,
        bandwidth="auto",
        embedding_dim=10,
        image_shape="auto",
        module="dense",
        max_epochs=200,
        batch_size="auto",
        augment=None,
        lr=1e-3,
        optimizer=torch.optim.Adam,
        n_init=20,
        n_jobs=None,
        callbacks=None,
        device="auto",
        verbose=0,
        random_state=None,
        **skorch,
    ):
        self.n_clusters = n_clusters
        self.n_autoencoders = n_autoencoders
        self.vary = vary
        self.n_landmarks = n_landmarks
        self.n_neighbors = n_neighbors
        self.bandwidth = bandwidth
        self.embedding_dim = embedding_dim
        self.image_shape = image_shape
        self.module = module
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.augment = augment
        self.lr = lr
        self.optimizer = optimizer
        self.n_init = n_init
        self.n_jobs = n_jobs
        self.callbacks = callbacks
        self.device = device
        self.verbose = verbose
        self.random_state = random_state
        self._set_skorch_params(skorch)

    def _fit(self, X, device, seed, progress):
        # 1. The autoencoders.
        self.autoencoders_ = self._train(X, seed, progress)
        for autoencoder in self.autoencoders_:  # to warn of new data of another scale
            autoencoder._X_scale = self._X_scale
        self._input_shape = self.autoencoders_[0]._input_shape
        self._code_width = self.n_clusters

        # 2. and 3. Landmarks in their codes, and the spectral embedding.
        rows = Rows(X, self._input_shape, device)
        codes = self._codes(rows)
        self._spectral = SpectralEnsemble(
            self.n_clusters, self.n_landmarks, self.n_neighbors, self.bandwidth
        ).fit(codes, derived_seed(seed, "spectral"))
        self.embedding_ = self._spectral.embed(codes)

        # 4. Clusters in it.
        self.cluster_centers_, self.labels_ = cluster_embedding(
            self.embedding_, self.n_clusters, self.n_init, derived_seed(seed, "kmeans")
        )
        self.history_ = {
            f"autoencoder {i}": autoencoder.history_["pretraining"]
            for i, autoencoder in enumerate(self.autoencoders_)
        }
        self.n_iter_ = sum(autoencoder.n_iter_ for autoencoder in self.autoencoders_)
        self._warn_of_collapse(
            "Look at history_; try more max_epochs (now "
            f"{self.max_epochs}), more landmarks, another random_state or a smaller "
            "n_clusters; and see that the values of X are about 1."
        )

    def _train(self, X, seed, progress):
        """The fitted autoencoders, trained one after another or in processes."""
        members = self._members(seed)
        self.stop_reason_ = f"all {len(members)} autoencoders trained"
        if self._n_at_once == 1:  # each reports its epochs as a stage
            return [
                pretrain(member, X, None, self.module, progress, self.verbose)
                for member in members
            ]
        found = joblib.Parallel(self.n_jobs, return_as="generator")(
            joblib.delayed(pretrain)(
                member, X, None, self.module, NoProgress(), self.verbose
            )
            for member in members
        )
        autoencoders = []
        with progress.stage("autoencoders", len(members)) as stage:
            for _ in members:
                with stage.step("autoencoder"):
                    autoencoders.append(next(found))
        return autoencoders

    @property
    def _n_at_once(self):
        n_at_once = joblib.effective_n_jobs(self.n_jobs)
        return min(n_at_once, self.n_autoencoders)

    @property
    def _n_stages(self):
        return self.n_autoencoders if self._n_at_once == 1 else 1

    def _members(self, seed):
        """The autoencoders, not fitted yet, but for their module."""
        shared = set(Autoencoder._parameter_constraints) - {"module"}
        params = {name: getattr(self, name) for name in shared} | self._skorch_params()
        params.update(image_shape=self.image_shape_, verbose=0)
        members = []
        for i, structure in zip(range(self.n_autoencoders), self._structures()):
            own = {"random_state": derived_seed(seed, f"autoencoder {i}"), **structure}
            if self.vary in ("epochs", "all"):
                share = (i + 1) / self.n_autoencoders
                own["max_epochs"] = math.ceil(self.max_epochs * share)
            members.append(Autoencoder(**{**params, **own}))
        return members

    def _structures(self):
        """Arguments of the networks of the first, second, ... autoencoder."""
        if self.vary not in ("structure", "all"):
            return itertools.repeat({})
        name = self.module
        if isinstance(name, str) and name == "auto":
            name = "dense" if self.image_shape_ is None else "conv"
        if not isinstance(name, str):
            raise ValueError(
                f'vary="{self.vary}" changes the order of the layers of module="dense" '
                f'or "conv", not of {self.module}. Pass vary="init" or vary="epochs".'
            )
        argument, default = _WIDTHS[name]
        widths = self._skorch_params().get(argument, default)
        widths = tuple(widths) if np.ndim(widths) else (widths,)
        # As many different orders as are needed; there may be millions.
        orders: dict[tuple, None] = {}
        for order in itertools.permutations(widths):
            if len(orders) == self.n_autoencoders:
                break
            orders[order] = None
        return itertools.cycle([{argument: order} for order in orders])

    def _codes(self, rows):
        return [a._embed(rows).cpu().numpy() for a in self.autoencoders_]

    def _embed(self, rows):
        return torch.from_numpy(self._spectral.embed(self._codes(rows)))

    @property
    def _device(self):
        return self.autoencoders_[0]._device

    @property
    def module_(self):
        """Fitted networks, an `nn.ModuleList` of modules with `encode` and `decode`."""
        return nn.ModuleList(a.module_ for a in self.autoencoders_)

    def predict(self, X):
        """Cluster of every sample: that of the nearest centre in the embedding.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), (n_samples, H, W) or \
                (n_samples, C, H, W)
            Samples, in any layout of those seen in `fit`.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Clusters.
        """
        check_is_fitted(self)
        embedding = self._embed(self._rows(X)).numpy()
        return nearest(embedding, self.cluster_centers_)
