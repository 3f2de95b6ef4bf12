"""Autoencoder as a transformer: the pretraining of every method of the family."""

import math
from numbers import Integral
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn

from skdeepclust._augment import resolve_augmentation
from skdeepclust._auto import resolve_batch_size, resolve_embedding_dim
from skdeepclust._base import BaseDeepEstimator, InverseTransformMixin
from skdeepclust._batches import Batches
from skdeepclust._compat import Interval, StrOptions
from skdeepclust._inputs import check_input
from skdeepclust._nets import ReconstructionNet, Run, history_table
from skdeepclust._random import derived_seed, draws_of
from skdeepclust._tensor_data import TensorData
from skdeepclust.networks._reconstruction import Reconstruction
from skdeepclust.networks._resolve import resolve_autoencoder

__all__ = ["PRETRAINING_COLUMNS", "Autoencoder", "autoencoder_params"]

# A network with `start_from` gets at most this number of samples.
_MAX_OF_START = 10_000

# Columns of the history that callbacks may monitor, by stage.
PRETRAINING_COLUMNS = {"pretraining": ("train_loss", "dur")}


class Autoencoder(InverseTransformMixin, BaseDeepEstimator):
    """Embedding of images or table rows by an autoencoder.

    The network is trained to reconstruct X from a short embedding, which `transform`
    returns. It is convolutional for images; for other rows it starts as their main
    components. Any clusterer can cluster the embedding, as in
    ``make_pipeline(Autoencoder(), KMeans(10))``: this is the baseline of joint
    training.

    Parameters
    ----------
    embedding_dim : int or "auto", default="auto"
        Width of the embedding. "auto" is 10 for images, as in the papers. For rows it
        is the number of features, but at most 20.
    image_shape : "auto", None or tuple of ints, default="auto"
        Shape of an image. "auto" takes it from a 3-D or 4-D X; the rows of a 2-D X are
        then not images. None: never images. A tuple ``(C, H, W)``, or ``(H, W)`` for
        one channel, says that every row of X is an image of this shape; one of its
        numbers may be -1, as in a reshape.
    module : str, nn.Module class or nn.Module, default="auto"
        The network. "auto" takes :class:`~skdeepclust.networks.ConvAutoencoder`
        ("conv") for images and :class:`~skdeepclust.networks.ResidualAutoencoder`
        ("residual"), which starts as the main components, for other rows. "dense" is
        :class:`~skdeepclust.networks.DenseAutoencoder`, the network of the DEC paper.
        Your own is a module with ``encode(X) -> Z`` and ``decode(Z) -> X``. A class
        gets `input_shape` and `embedding_dim` if its constructor has arguments of these
        names; an instance is copied together with its weights.
    max_epochs : int, default=200
        Passes through the data. The default is that of the DCEC reference code [1]_.
    batch_size : int or "auto", default="auto"
        Samples per step. "auto" grows with the number of samples, from 32 to the 256 of
        the papers; see :ref:`the user guide <batch-size>`.
    augment : "auto", callable or None, default=None
        Random changes of the images of a training batch. None, the default, is the
        paper's. "auto" takes :class:`~skdeepclust.RandomAffine` for images; see
        :ref:`the user guide <augmentation>`. The network reconstructs the changed
        images.
    lr : float, default=1e-3
        Learning rate. The default is Adam's, which the reference code uses.
    optimizer : torch optimiser class, default=torch.optim.Adam
        Optimiser. Its one-kernel ("fused") form is used if torch has one.
    callbacks : list of skorch callbacks, default=None
        Callbacks of the net. Each net works on copies. They may monitor the columns
        of the history (``monitor="train_loss"``); there is no validation loss.
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
        Governs initial weights, the order of the batches and augmentation. Two fits
        with the same integer are equal to the bit on a CPU. None draws fresh entropy.
        The global generators of numpy and torch are never touched.
    **skorch : dict
        Parameters passed on with skorch's prefixes: ``module__*`` (such as
        ``module__filters`` or ``module__hidden_dims``), ``optimizer__*``,
        ``callbacks__*``, ``compile`` and ``compile__*``.

    Attributes
    ----------
    net_ : skorch.NeuralNet
        The net of the training, to be looked at: `module_`, `optimizer_`, `history` and
        `callbacks_`. It cannot be fitted again.
    module_ : nn.Module
        The trained autoencoder, with `encode` and `decode`.
    history_ : dict
        ``history_["pretraining"]`` is a table, a dict of columns with an entry per
        epoch: "epoch", "loss" (mean squared error, averaged over values and samples),
        "dur" (seconds). ``pandas.DataFrame`` takes it as it is.
    n_iter_ : int
        Number of epochs trained.
    stop_reason_ : str
        Why training ended.
    image_shape_ : tuple of 3 ints or None
        Channels, height and width of an image; None if rows are not images.
    n_features_in_ : int
        Number of values per sample.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X has them.

    See Also
    --------
    DCEC : Trains the autoencoder and the clusters together.

    References
    ----------
    .. [1] X. Guo, X. Liu, E. Zhu, J. Yin, "Deep clustering with convolutional
       autoencoders", ICONIP 2017.

    Examples
    --------
    >>> from sklearn.cluster import KMeans
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.pipeline import make_pipeline
    >>> from skdeepclust import Autoencoder
    >>> X = load_digits().data[:200] / 16
    >>> autoencoder = Autoencoder(max_epochs=2, random_state=0)
    >>> pipeline = make_pipeline(autoencoder, KMeans(10, random_state=0))
    >>> pipeline.fit_predict(X).shape
    (200,)
    """

    _parameter_constraints = {
        **BaseDeepEstimator._parameter_constraints,
        "embedding_dim": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "module": [StrOptions({"auto", "conv", "dense", "residual"}), callable],
        "max_epochs": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(
        self,
        embedding_dim="auto",
        *,
        image_shape="auto",
        module="auto",
        max_epochs=200,
        batch_size="auto",
        augment=None,
        lr=1e-3,
        optimizer=torch.optim.Adam,
        callbacks=None,
        checkpoint=None,
        warm_start=False,
        device="auto",
        verbose=0,
        random_state=None,
        **skorch,
    ):
        self.embedding_dim = embedding_dim
        self.image_shape = image_shape
        self.module = module
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.augment = augment
        self.lr = lr
        self.optimizer = optimizer
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.warm_start = warm_start
        self.device = device
        self.verbose = verbose
        self.random_state = random_state
        self._set_skorch_params(skorch)

    def _fit(self, X, device, seed, progress):
        data = TensorData(X, self._input_shape_, device)
        autoencoder, self._embedding_dim_ = self._resolve(data)
        if hasattr(autoencoder, "start_from") and not isinstance(
            self.module, nn.Module
        ):
            step = math.ceil(len(X) / _MAX_OF_START)
            autoencoder.start_from(data.take(slice(None, None, step)))
        batch_size = resolve_batch_size(self.batch_size, len(X))
        net = ReconstructionNet(
            Reconstruction(autoencoder),
            stage="pretraining",
            **self._net_params(device, batch_size),
        ).initialize()
        batches = Batches(
            data,
            batch_size,
            seed=derived_seed(seed, "batches"),
            augment=resolve_augmentation(self.augment, self.image_shape_),
        )
        run = Run(net, data, progress, n_epochs=self.max_epochs)
        for _ in run:
            net.train_on(batches)
        self.net_ = net
        self.history_ = {"pretraining": history_table(net, ("epoch", "loss", "dur"))}
        self.n_iter_ = len(net.history)
        self.stop_reason_ = run.stop_reason or f"max_epochs={self.max_epochs} used up"

    def _network(self, X):
        """A network of the architecture of a fit to checked rows, with any weights."""
        check_input(self, X, reset=True)
        made = []
        cpu = torch.device("cpu")
        data = TensorData(X, self._input_shape_, cpu)
        draws_of(0, cpu, lambda: made.append(self._resolve(data)[0]))
        return made[-1]

    def _resolve(self, data):
        return resolve_autoencoder(
            self.module,
            self.image_shape_,
            self.n_features_in_,
            resolve_embedding_dim(
                self.embedding_dim, self.image_shape_, self.n_features_in_
            ),
            self._module_arguments(),
            data.take(slice(0, 2)),
        )

    @property
    def _columns(self):
        return PRETRAINING_COLUMNS

    @property
    def module_(self) -> nn.Module:
        """Fitted autoencoder, an `nn.Module` with `encode` and `decode`."""
        return self._fitted_net.module_.autoencoder

    def score(self, X: Any, y: Any = None) -> float:
        """Negative reconstruction error: the higher the better.

        It says how well the embedding describes X, not how well it clusters. Compare
        networks of the same `embedding_dim` with it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), (n_samples, H, W) or \
                (n_samples, C, H, W)
            Samples.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        score : float
            Minus the mean squared error, averaged over values and samples.
        """
        check_is_fitted(self)
        data = self._data(X)
        X_decoded = self._decode(self._embed(data).cpu().numpy())
        total = 0.0
        for start in range(0, len(data), data.block_size):
            block = slice(start, start + data.block_size)
            error = data.take(block).cpu().numpy() - X_decoded[block]
            total += float(np.square(error, dtype=np.float64).sum())
        return -total / X_decoded.size


def autoencoder_params(estimator: Any) -> dict[str, Any]:
    """Parameters that an estimator hands to the autoencoders that it trains.

    Its checkpoint and `warm_start` stay its own: they hold the whole fit.
    """
    own = {"skorch", "checkpoint", "warm_start"}
    theirs, its = Autoencoder._get_param_names(), estimator._get_param_names()
    shared = set(theirs) & set(its) - own
    given = {name: getattr(estimator, name) for name in shared}
    return given | estimator._skorch_params()
