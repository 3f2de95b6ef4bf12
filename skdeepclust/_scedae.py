"""Spectral clustering over an ensemble of autoencoders."""

import inspect
import itertools
import math
import os
from numbers import Integral

import joblib
import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn

from skdeepclust._autoencoder import (
    PRETRAINING_COLUMNS,
    Autoencoder,
    autoencoder_params,
)
from skdeepclust._base import BaseDeepClusterer
from skdeepclust._checkpoint import FitCheckpoint, as_checkpoint, keeper_of
from skdeepclust._compat import Interval, StrOptions
from skdeepclust._geometry import nearest
from skdeepclust._interrupts import Interrupts
from skdeepclust._landmark_spectral import LandmarkSpectralClustering
from skdeepclust._progress import NoProgress
from skdeepclust._random import derived_seed
from skdeepclust._spectral import SpectralEnsemble, cluster_embedding
from skdeepclust._tensor_data import TensorData
from skdeepclust._workers import end_with
from skdeepclust.networks import ConvAutoencoder, DenseAutoencoder

__all__ = ["SCEDAE"]

# Networks whose layers vary="structure" reorders, and the argument with their widths.
_LAYERS = {
    "dense": (DenseAutoencoder, "hidden_dims"),
    "conv": (ConvAutoencoder, "filters"),
}


def _fit_in_worker(member, X, scale, place, parent):
    """Fit in a process of its own, which ends when the one that started it does."""
    end_with(parent)
    member.checkpoint = place
    keeper = keeper_of(member, X, Interrupts(), None)
    member.checkpoint = None
    return member._fit_checked(X, scale, NoProgress(keeper))


class SCEDAE(BaseDeepClusterer):
    r"""Spectral clustering via an ensemble of deep autoencoders.

    Several autoencoders are trained that differ in their initial weights, epochs or
    layers. In the embedding of each the samples are tied to their nearest landmarks.
    All these ties form one sparse matrix, whose left singular vectors are clustered by
    k-means [1]_. The autoencoders correct each other's errors, and clusters need not be
    round.

    Parameters
    ----------
    n_clusters : int, default=10
        Number of clusters, and of the singular vectors.
    n_autoencoders : int, default=5
        Number m of autoencoders. With one it is landmark spectral clustering of its
        embedding.
    vary : {"init", "epochs", "structure", "all"}, default="init"
        What differs between the autoencoders: "init", only the initial weights;
        "epochs", also the number of epochs, from ``max_epochs / n_autoencoders`` to
        `max_epochs` in equal steps; "structure", also the order of the widths of their
        hidden layers (``module__hidden_dims`` or ``module__filters``; a single layer
        has only one order); "all", all of these.
    n_landmarks : int or "auto", default="auto"
        Number p of landmarks in each embedding. "auto" takes a fifth of the samples,
        but at least 10 per cluster and at most 1000, and never more than half of the
        samples (``benchmarks/README.md``).
    n_neighbors : int, default=3
        Number r of landmarks that a sample is tied to in each embedding. The default,
        with the number of landmarks that "auto" takes, clustered digits best
        (``benchmarks/README.md``); [2]_ has 5.
    bandwidth : float or "auto", default="auto"
        Width of the Gaussian kernel. "auto" is, in each embedding, the mean distance of
        the samples to their `n_neighbors` landmarks.
    embedding_dim : int, default=10
        Width of the embedding of each autoencoder.
    image_shape : "auto", None or tuple of ints, default="auto"
        Shape of an image. "auto" takes it from a 3-D or 4-D X; the rows of a 2-D X are
        then not images. None: never images. A tuple ``(C, H, W)``, or ``(H, W)`` for
        one channel, says that every row of X is an image of this shape; one of its
        numbers may be -1, as in a reshape.
    module : {"auto", "conv", "dense"}, nn.Module class or nn.Module, default="dense"
        The network. "dense" is the paper's,
        :class:`~skdeepclust.networks.DenseAutoencoder`; images are flattened for it.
        "conv" is :class:`~skdeepclust.networks.ConvAutoencoder`, for images. "auto"
        takes "conv" for images and "dense" for other rows. Your own is a module with
        ``encode(X) -> Z`` and ``decode(Z) -> X``; pass its class, so that every
        autoencoder has other initial weights. An instance is copied with its weights.
    max_epochs : int, default=200
        Passes through the data of each autoencoder. The default is that of
        :class:`Autoencoder`.
    batch_size : int or "auto", default="auto"
        Samples per step. "auto" grows with the number of samples, from 32 to the 256 of
        the papers; see :ref:`the user guide <batch-size>`.
    augment : "auto", callable or None, default=None
        Random changes of the images of a training batch. None, the default, is the
        paper's. "auto" takes :class:`~skdeepclust.RandomAffine` for images; see
        :ref:`the user guide <augmentation>`.
    lr : float, default=1e-3
        Learning rate. The default is Adam's, which the reference code uses.
    optimizer : torch optimiser class, default=torch.optim.Adam
        Optimiser. Its one-kernel ("fused") form is used if torch has one.
    n_init : int, default=20
        Starts of the k-means in the embedding.
    n_jobs : int or None, default=None
        Number of autoencoders trained at the same time, in processes, as in
        scikit-learn: None is 1 unless a :func:`joblib.parallel_config` says otherwise,
        -1 all cores. The result is that of the number of threads that each process has.
    callbacks : list of skorch callbacks, default=None
        Callbacks of the nets, each of which works on copies. One that stops its net
        lets the next autoencoder begin.
    checkpoint : path, FitCheckpoint or None, default=None
        File that the state of the training is written to every minute and at the end
        of every stage. The same `fit` goes on from it after a crash, equal to the bit
        on a CPU; other X, parameters or versions are refused.
        :class:`~skdeepclust.FitCheckpoint` sets how often. See :ref:`the user guide
        <checkpoints>`.
    warm_start : bool, default=False
        Whether a further `fit` to the same X goes on from the last one, with a larger
        `max_epochs`. The fitted estimator then holds the state of the optimiser too.
    device : str or torch.device, default="auto"
        Where to compute. "auto" takes CUDA, else MPS, else the CPU.
    verbose : int, default=0
        With 1 or more a line is printed after every epoch.
    random_state : int, RandomState instance or None, default=None
        Governs initial weights, the order of the batches, augmentation, landmarks and
        k-means. Two fits with the same integer are equal to the bit on a CPU. None
        draws fresh entropy. The global generators of numpy and torch are never touched.
    **skorch : dict
        Parameters passed on with skorch's prefixes: ``module__*`` (such as
        ``module__filters`` or ``module__hidden_dims``), ``optimizer__*``,
        ``callbacks__*``, ``compile`` and ``compile__*``.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,)
        Cluster of every sample. Equal to ``predict(X)``.
    embedding_ : ndarray of shape (n_samples, n_clusters)
        Spectral embedding, float32, rows of length one. Equal to ``transform(X)``.
    cluster_centers_ : ndarray of shape (n_clusters, n_clusters)
        Centres in the embedding.
    autoencoders_ : list of Autoencoder
        The fitted autoencoders. ``autoencoders_[i].transform(X)`` is the embedding of
        one.
    module_ : nn.ModuleList
        Their networks, each with `encode` and `decode`.
    history_ : dict
        ``history_["autoencoder 0"]`` and so on are tables, dicts of columns with an
        entry per epoch: "epoch", "loss" (mean squared error), "dur" (seconds).
    n_iter_ : int
        Epochs trained, of all autoencoders together.
    stop_reason_ : str
        Always "all m autoencoders trained", with m their number.
    image_shape_ : tuple of 3 ints or None
        Channels, height and width of an image; None if rows are not images.
    n_features_in_ : int
        Number of values per sample.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X has them.

    Warns
    -----
    ClusterCollapseWarning
        When the effective number of clusters is below half of `n_clusters`.
    DataScaleWarning
        When the values of X are too large or too small to train on.

    See Also
    --------
    LandmarkSpectralClustering : The clustering alone, for any embedding.
    Autoencoder : One of the ensemble.

    Notes
    -----
    1. m autoencoders are trained to reconstruct X.
    2. In the embedding of each, p landmarks are found by k-means, and every sample is
       tied to its r nearest by a Gaussian kernel, rows summing to one: :math:`B_1` to
       :math:`B_m`.
    3. :math:`B = [B_1 | ... | B_m] / \sqrt{m}`, sparse, with m r values in a row. With
       D the diagonal matrix of its column sums, the first `n_clusters` left singular
       vectors of :math:`B D^{-1/2}`, rows scaled to length one, are the embedding.
    4. K-means in the embedding gives the clusters.

    A new sample has a row b of affinities to the same landmarks, and the embedding
    :math:`b D^{-1/2} V \Sigma^{-1}` with the right singular vectors V and the
    singular values :math:`\Sigma`. The samples of `fit` get theirs in the same way.
    Time grows with n m p, memory with n m r; no n x n matrix is made.

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
        **LandmarkSpectralClustering._parameter_constraints,
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
        checkpoint=None,
        warm_start=False,
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
        self.checkpoint = checkpoint
        self.warm_start = warm_start
        self.device = device
        self.verbose = verbose
        self.random_state = random_state
        self._set_skorch_params(skorch)

    def _fit(self, X, device, seed, progress):
        # 1. The autoencoders.
        self.autoencoders_ = self._train(X, seed, progress)

        # 2. and 3. Landmarks in their embeddings, and the spectral embedding.
        spaces = self._spaces(TensorData(X, self._input_shape_, device))
        self._spectral_ = SpectralEnsemble(
            self._n_clusters_, self.n_landmarks, self.n_neighbors, self.bandwidth
        ).fit(spaces, derived_seed(seed, "spectral"))
        self.embedding_ = self._spectral_.embed(spaces)
        self._embedding_dim_ = self._n_clusters_

        # 4. Clusters in it.
        self.cluster_centers_, self.labels_ = cluster_embedding(
            self.embedding_,
            self._n_clusters_,
            self.n_init,
            derived_seed(seed, "kmeans"),
        )
        self.history_ = {
            f"autoencoder {i}": autoencoder.history_["pretraining"]
            for i, autoencoder in enumerate(self.autoencoders_)
        }
        self.n_iter_ = sum(autoencoder.n_iter_ for autoencoder in self.autoencoders_)
        self.stop_reason_ = f"all {self.n_autoencoders} autoencoders trained"

    def _train(self, X, seed, progress):
        """The fitted autoencoders, trained one after another or in processes."""
        members = self._members(seed)
        if self._n_at_once == 1:  # each reports its epochs as a stage
            return self._train_in_turn(members, X, progress)
        progress.keeper.interrupts.at_once = True  # the workers are to end
        progress.keeper.write()  # the seed, before the members
        places = self._places(len(members))
        found = joblib.Parallel(self.n_jobs, return_as="generator")(
            joblib.delayed(_fit_in_worker)(
                member, X, self._X_scale_, place, os.getpid()
            )
            for member, place in zip(members, places)
        )
        autoencoders = []
        with progress.stage("autoencoders", len(members)) as stage:
            for _ in members:
                with stage.step("autoencoder"):
                    autoencoders.append(next(found))
        return autoencoders

    def _train_in_turn(self, members, X, progress):
        """The autoencoders, one after another; after Ctrl-C those trained so far."""
        trained: list[Autoencoder] = []
        keeper = progress.keeper
        for member in members:
            if trained and keeper.interrupts.stops:
                keeper.was_cut = True
                break
            trained.append(member._fit_checked(X, self._X_scale_, progress))
        return trained

    def _places(self, n_members):
        """Checkpoint of each worker: a file beside that of the estimator."""
        place = as_checkpoint(self.checkpoint)
        if place is None:
            return [None] * n_members
        return [
            FitCheckpoint(
                f"{os.fspath(place.path)}.autoencoder{i}",
                minutes=place.minutes,
                updates=place.updates,
            )
            for i in range(n_members)
        ]

    @property
    def _n_at_once(self):
        n_at_once = joblib.effective_n_jobs(self.n_jobs)
        return min(n_at_once, self.n_autoencoders)

    @property
    def _columns(self):
        return PRETRAINING_COLUMNS

    @property
    def _n_stages(self):
        return self.n_autoencoders if self._n_at_once == 1 else 1

    def _members(self, seed):
        """The autoencoders, not fitted yet."""
        params = autoencoder_params(self)
        params["image_shape"] = self.image_shape_
        structures = self._structures()
        members = []
        for i in range(self.n_autoencoders):
            own = {"random_state": derived_seed(seed, f"autoencoder {i}")}
            if self.vary in ("epochs", "all"):
                share = (i + 1) / self.n_autoencoders
                own["max_epochs"] = math.ceil(self.max_epochs * share)
            own |= structures[i % len(structures)]
            members.append(Autoencoder(**{**params, **own}))
        return members

    def _structures(self):
        """Different arguments of the networks; at most one for each autoencoder."""
        if self.vary not in ("structure", "all"):
            return [{}]
        name = self.module
        if isinstance(name, str) and name == "auto":
            name = "dense" if self.image_shape_ is None else "conv"
        if not isinstance(name, str):
            raise ValueError(
                f'vary="{self.vary}" changes the order of the layers of module="dense" '
                f'or "conv", not of {self.module}. Pass vary="init" or vary="epochs".'
            )
        network, argument = _LAYERS[name]
        default = inspect.signature(network).parameters[argument].default
        widths = self._skorch_params().get(f"module__{argument}", default)
        widths = tuple(widths) if np.ndim(widths) else (widths,)
        # Only the number of different orders that is needed; there may be millions.
        orders: dict[tuple, None] = {}
        for order in itertools.permutations(widths):
            orders[order] = None
            if len(orders) == self.n_autoencoders:
                break
        return [{f"module__{argument}": order} for order in orders]

    def _spaces(self, data):
        """The embeddings of all samples by each autoencoder."""
        return [a._embed(data).cpu().numpy() for a in self.autoencoders_]

    def _embed(self, data):
        return torch.from_numpy(self._spectral_.embed(self._spaces(data)))

    def _assign(self, Z):
        return nearest(Z.numpy(), self.cluster_centers_)

    def _warn(self):
        self._warn_of_collapse(
            "Look at history_; try more max_epochs (now "
            f"{self.max_epochs}), more landmarks, another random_state or a smaller "
            "n_clusters; and see that the values of X are of the order of 1."
        )

    @property
    def _device(self):
        return self.autoencoders_[0]._device

    @property
    def module_(self) -> nn.Module:
        """Fitted networks, an `nn.ModuleList` of modules with `encode` and `decode`."""
        check_is_fitted(self, "autoencoders_")
        return nn.ModuleList(a.module_ for a in self.autoencoders_)
