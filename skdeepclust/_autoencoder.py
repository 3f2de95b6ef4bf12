"""Autoencoder as a transformer: the pretraining of every method of the family."""

from numbers import Integral, Real

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from skdeepclust._augment import resolve_augmentation
from skdeepclust._base import BaseDeepEstimator, DecoderMixin
from skdeepclust._batches import Batches, Rows, resolve_batch_size
from skdeepclust._compat import Interval, StrOptions
from skdeepclust._device import derived_seed, resolve_device
from skdeepclust._inputs import check_input
from skdeepclust._nets import ReconstructionNet, history_table
from skdeepclust.networks import Reconstruction
from skdeepclust.networks._resolve import resolve_autoencoder

__all__ = ["Autoencoder", "pretrain"]


class Autoencoder(DecoderMixin, BaseDeepEstimator):
    """Embedding of images or table rows by an autoencoder.

    The network, convolutional for images and dense for other rows, is trained to
    reconstruct X from a short code, and `transform` returns that code. In front of
    any clusterer this is "cluster the latent space", the rung below joint training:
    ``make_pipeline(Autoencoder(), KMeans(10))``.

    Parameters
    ----------
    embedding_dim : int, default=10
        Width of the code. The default is that of the DEC and DCEC papers.
    image_shape : "auto", None or tuple of ints, default="auto"
        What the rows of a 2-D X are. "auto" reads rows whose length is a square of
        at least 64 as square images of one channel, and takes the shape from a 3-D
        or 4-D X. None: never images. A tuple ``(C, H, W)``, or ``(H, W)`` for one
        channel, says it; one of its numbers may be -1, for "what is left".
    module : {"auto", "conv", "dense"}, nn.Module class or nn.Module, default="auto"
        The network. "auto" takes
        :class:`~skdeepclust.networks.ConvAutoencoder` ("conv") for images and
        :class:`~skdeepclust.networks.DenseAutoencoder` ("dense") for other rows.
        Your own is a module with ``encode(X) -> Z`` and ``decode(Z) -> X``; a class
        gets `input_shape` and `embedding_dim` when its constructor takes arguments
        of these names, an instance is copied together with its weights.
    max_epochs : int, default=200
        Passes through the data. The default is that of the DCEC reference code.
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
        batch ``(n, C, H, W)`` to one of that shape. The changed images are what is
        reconstructed.
    lr : float, default=1e-3
        Learning rate. The default is Adam's, which the reference code uses.
    optimizer : torch optimiser class, default=torch.optim.Adam
        Optimiser. Its one-kernel ("fused") form is used where torch has one.
    callbacks : list of skorch callbacks, default=None
        Callbacks of the net. Each net works on copies. They may monitor the columns
        of the history (``monitor="train_loss"``); there is no validation loss.
    device : str or torch.device, default="auto"
        Where to compute. "auto" takes CUDA, else MPS, else the CPU.
    verbose : int, default=0
        With 1 or more a line is printed after every epoch.
    random_state : int, RandomState instance or None, default=None
        Governs initial weights and the order of the batches. Two fits with the same
        integer are equal to the bit on a CPU. None draws fresh entropy; the global
        generators of numpy and torch are left alone in every case.
    **skorch : dict
        Parameters passed on with skorch's prefixes: ``module__*`` (such as
        ``module__filters`` or ``module__hidden_dims``), ``optimizer__*``,
        ``callbacks__*``, ``compile`` and ``compile__*``.

    Attributes
    ----------
    net_ : skorch.NeuralNet
        The trained net.
    module_ : nn.Module
        The trained autoencoder, with `encode` and `decode`.
    history_ : dict
        ``history_["pretraining"]`` is a table, a dict of columns with an entry per
        epoch: "epoch", "loss" (mean squared error, averaged over values and
        samples), "dur" (seconds). ``pandas.DataFrame`` takes it as it is.
    n_iter_ : int
        Number of epochs trained.
    stop_reason_ : str
        Why training ended.
    image_shape_ : tuple of 3 ints or None
        Channels, height and width of an image; None when rows are not images.
    n_features_in_ : int
        Number of values per sample.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, when X had them.

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
        "embedding_dim": [Interval(Integral, 1, None, closed="left")],
        "image_shape": [StrOptions({"auto"}), tuple, list, None],
        "module": [StrOptions({"auto", "conv", "dense"}), callable],
        "max_epochs": [Interval(Integral, 0, None, closed="left")],
        "batch_size": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "augment": [StrOptions({"auto"}), callable, None],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "optimizer": [callable],
        "callbacks": [list, None],
        "device": [str, torch.device],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        embedding_dim=10,
        *,
        image_shape="auto",
        module="auto",
        max_epochs=200,
        batch_size="auto",
        augment=None,
        lr=1e-3,
        optimizer=torch.optim.Adam,
        callbacks=None,
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
        self.device = device
        self.verbose = verbose
        self.random_state = random_state
        self._set_skorch_params(skorch)

    def _fit(self, X, device, seed, progress):
        autoencoder, self._input_shape, self._code_width = resolve_autoencoder(
            self.module,
            self.image_shape_,
            self.n_features_in_,
            self.embedding_dim,
            self._module_arguments(),
        )
        batch_size = resolve_batch_size(self.batch_size, len(X))
        net = ReconstructionNet(
            Reconstruction(autoencoder),
            stage="pretraining",
            **self._net_params(device, batch_size),
        ).initialize()
        rows = Rows(X, self._input_shape, device)
        batches = Batches(
            rows,
            batch_size,
            seed=derived_seed(seed, "batches"),
            augment=resolve_augmentation(self.augment, self.image_shape_),
        )
        self.stop_reason_ = f"max_epochs={self.max_epochs} used up"
        with (
            progress.stage("pretraining", self.max_epochs) as stage,
            net.training(rows),
        ):
            for _ in range(self.max_epochs):
                with stage.step("epoch") as step, net.epoch(rows) as epoch:
                    net.train_on(batches)
                if epoch.stop_requested or step.stop_requested:
                    self.stop_reason_ = "a callback stopped the training"
                    break
        self.net_ = net
        self.history_ = {"pretraining": history_table(net, ("epoch", "loss", "dur"))}
        self.n_iter_ = len(net.history)

    def score(self, X, y=None):
        """Negative reconstruction error: the higher the better.

        It says how well the codes describe X, not how well they cluster: compare
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
        rows = self._rows(X)
        X_decoded = self._decode(self._embed(rows).cpu().numpy())
        total = 0.0
        for start in range(0, len(rows), rows.block_size):
            block = slice(start, start + rows.block_size)
            error = rows.take(block).cpu().numpy() - X_decoded[block]
            total += float(np.square(error, dtype=np.float64).sum())
        return -total / X_decoded.size


def pretrain(autoencoder, X, module_key, module, progress, verbose):
    """Fit an `Autoencoder` to rows that are checked already.

    A function of its own, so that a method with `memory` can cache it by
    `autoencoder`, `X` and `module_key`.

    Parameters
    ----------
    autoencoder : Autoencoder
        Unfitted, quiet.
    X : ndarray of shape (n_samples, n_features)
        Checked rows.
    module_key : str or None
        Stands for `module` in the cache: pickles of equal networks differ.
    module : str, nn.Module class, nn.Module or callable
        Parameter `module` of the autoencoder.
    progress : Progress
        Reporter of the method that pretrains.
    verbose : int
        Verbosity.

    Returns
    -------
    autoencoder : Autoencoder
        The same one, fitted.
    """
    autoencoder.set_params(module=module, verbose=verbose)
    check_input(autoencoder, X, reset=True)
    autoencoder._fit_rows(X, resolve_device(autoencoder.device), progress)
    # Into a cache goes the network, and not what built it: that may be a lambda.
    return autoencoder.set_params(module="auto")
