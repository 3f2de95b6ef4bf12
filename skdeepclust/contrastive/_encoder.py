"""ContrastiveEncoder: an embedding in which the views of a sample are close."""

import math
import os
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.nn.functional import normalize

from skdeepclust._base import BaseDeepEstimator
from skdeepclust._batches import Batches
from skdeepclust._cache import Cache, fingerprint
from skdeepclust._checkpoint import WITHOUT_EFFECT
from skdeepclust._compat import HasMethods, Interval, StrOptions
from skdeepclust._nets import Run, history_table
from skdeepclust._pseudo_labels import spherical_kmeans
from skdeepclust._random import derived_seed
from skdeepclust._tensor_data import TensorData, map_blocks
from skdeepclust._warnings import warn
from skdeepclust.augmentations import SwapValues, preset
from skdeepclust.augmentations._presets import PRESETS
from skdeepclust.contrastive import _byol, _simclr, _swav
from skdeepclust.contrastive._model import Settings
from skdeepclust.exceptions import EmbeddingCollapseWarning
from skdeepclust.networks._resolve import resolve_backbone

__all__ = ["ContrastiveEncoder"]

# A method is one file; its `make_net` builds the network and the net.
_METHODS: dict[str, Any] = {"simclr": _simclr, "byol": _byol, "swav": _swav}

_NETWORKS = {"auto", "small-resnet", "resnet18", "conv", "dense", "alexnet", "vgg16"}

# augment="auto": the kind of image by the number of bands; others are "overhead".
_KINDS = {1: "grey", 3: "photo"}

# n_prototypes="auto" of SwAV: as many, but at most half of the samples of a batch.
_MOST_PROTOTYPES = 100

# batch_size="auto": a sixteenth of the samples up to 128, and a 128th beyond; a power
# of two. In trials on 5,000 images, 128 and 256 were level.
_LEAST_BATCH, _SMALL_BATCH, _MOST_BATCH = 32, 128, 256

# ProPos compares clusters after this share of the training: 50 of 1000 epochs in [3]_.
_BEFORE_PROTOTYPES = 0.05

# More views of a sample than this are a mistake.
_MOST_VIEWS = 100

# Features that differ less than this from their mean, or along little more than one
# direction, have collapsed.
_LEAST_STD, _LEAST_RANK = 0.05, 1.5

_REMEDIES = {
    "simclr": "larger batches",
    "byol": "a momentum nearer to 1",
    "swav": "fewer prototypes (n_prototypes)",
}


class ContrastiveEncoder(BaseDeepEstimator):
    r"""Embedding of images in which random views of an image are close.

    A network is trained from scratch, without labels: it is to map two random views of
    an image, made by `augment`, to one place, and views of other images elsewhere. What
    the augmentation changes, such as position, size and colour, is left out of the
    embedding; what tells images apart remains. `transform` returns the embedding for
    any clusterer.

    It is for images of any bands for which there is no pretrained network. For
    photographs :class:`FrozenEncoder` is better and much faster. Training takes
    minutes to hours on a processor; what it will take is said at the beginning.

    Parameters
    ----------
    method : {"simclr", "byol", "swav"}, default="simclr"
        What views are compared by. "simclr": a view finds the other among all views of
        the batch [1]_. "byol": a view predicts the projection of the other by a network
        that follows slowly [2]_; with ``prototypes=True`` it is ProPos [3]_. "swav":
        a view predicts the prototypes of the other [4]_.
    prototypes : bool, default=False
        For "byol": also compare the means of clusters, which are found by
        spherical k-means before every epoch. This is ProPos.
    n_prototypes : int or "auto", default="auto"
        For ProPos the number of clusters; "auto" is 10. For "swav" the number of
        prototypes, at most `batch_size`; "auto" is half of the samples of a batch, but
        at most 100.
    temperature : float or "auto", default="auto"
        What cosines are divided by. "auto" is 0.5 for ProPos and 0.1 for "swav", as in
        the papers, and 0.2 for "simclr", where [1]_ has 0.5 for small photographs
        (``benchmarks/README.md``). BYOL has none.
    momentum : float, default=0.99
        For "byol": share that the following network keeps in a step; it rises to 1
        along a cosine. [2]_ has 0.996 for far more steps.
    n_views : int, default=2
        Views of every sample in a batch. Time and memory grow with it.
    module : str, nn.Module class or nn.Module, default="auto"
        The network. "auto" takes :class:`~skdeepclust.networks.ResNet18` ("resnet18")
        for images on a GPU, :class:`~skdeepclust.networks.SmallResNet` ("small-resnet")
        for images elsewhere, and :class:`~skdeepclust.networks.DenseNet` ("dense") for
        other rows. Also "conv", "alexnet" and "vgg16". Your own is any module whose
        call maps samples to features. A class gets `input_shape` if its constructor has
        an argument of this name; an instance is copied together with its weights.
    image_shape : "auto", None or tuple of ints, default="auto"
        Shape of an image. "auto" takes it from a 3-D or 4-D X; the rows of a 2-D X are
        then not images. None: never images. A tuple ``(C, H, W)``, or ``(H, W)`` for
        one channel, says that every row of X is an image of this shape; one of its
        numbers may be -1, as in a reshape.
    augment : str, callable or None, default="auto"
        How views are made: the most important choice, as it says what does not matter.
        "photo", "overhead", "microscopy" and "grey" are those of
        :func:`~skdeepclust.augmentations.preset`. "auto" takes "grey" for one band,
        "photo" for three, "overhead" for others, and
        :class:`~skdeepclust.augmentations.SwapValues` for rows that are not images.
        Your own maps a batch of tensors to a changed batch of the same shape. None
        makes equal views, from which little can be learnt.
    max_epochs : int, default=100
        Passes through the data. The papers have 500 to 1000 on a GPU; more are better.
    batch_size : int or "auto", default="auto"
        Samples per step, at most. "auto" grows with the number of samples, from 32 to
        128 (some 1,500 samples) and 256 (some 23,000). Batches of a pass are about even
        in size.
    lr : float, default=2e-3
        Largest learning rate; the default is ours (``benchmarks/README.md``). The rate
        rises to it in the first twentieth of the training, and falls to zero along a
        cosine. A skorch `LRScheduler` among the callbacks takes its place.
    optimizer : torch optimiser class, default=torch.optim.Adam
        Optimiser. Its one-kernel ("fused") form is used if torch has one.
    dtype : {"float32", "bfloat16"}, default="float32"
        Type in which the training computes. "bfloat16" halves the time on processors
        and GPUs that have it, and is slow on others. Weights and `transform` are
        float32.
    memory : path, joblib.Memory or None, default=None
        Folder that keeps the trained network. A fit with the same data, parameters and
        versions reads it from there.
    checkpoint : path, FitCheckpoint or None, default=None
        File that the state of the training is written to every minute and at the end
        of every stage. The same `fit` goes on from it after a crash, equal to the bit
        on a CPU; other X, parameters or versions are refused.
        :class:`~skdeepclust.FitCheckpoint` sets how often. See :ref:`the user guide
        <checkpoints>`.
    warm_start : bool, default=False
        Whether a further `fit` to the same X goes on from the last one, with a larger
        `max_epochs`. The fitted estimator then holds the state of the optimiser too.
        The learning rate goes on where the longer schedule has it.
    callbacks : list of skorch callbacks, default=None
        Callbacks of the net, which works on copies. They may monitor the columns of
        the history (``monitor="train_loss"``); there is no validation loss.
    device : str or torch.device, default="auto"
        Where to compute. "auto" takes CUDA, else MPS, else the CPU.
    verbose : int, default=0
        With 1 or more the time that the training will take is printed after its first
        steps, and a line after every epoch.
    random_state : int, RandomState instance or None, default=None
        Governs initial weights, the order of the batches and augmentation. Two fits
        with the same integer are equal to the bit on a CPU. None draws fresh entropy.
        The global generators of numpy and torch are never touched.
    **skorch : dict
        Parameters passed on with skorch's prefixes: ``module__*`` (such as
        ``module__widths``), ``optimizer__*`` (such as ``optimizer__weight_decay``),
        ``callbacks__*``, ``compile`` and ``compile__*``.

    Attributes
    ----------
    net_ : skorch.NeuralNet
        The net of the training, to be looked at: `module_`, `optimizer_`, `history` and
        `callbacks_`. Its module holds the network and the parts that only training
        needs. It cannot be fitted again.
    module_ : nn.Module
        The trained network, which maps samples to features.
    history_ : dict
        ``history_["training"]`` is a table, a dict of columns with an entry per epoch
        that ``pandas.DataFrame`` takes as it is: "epoch", "loss", "std" (root mean
        square distance of the embeddings of a batch to their mean), "rank" (effective
        number of directions in which they differ), "dur" (seconds).
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

    Warns
    -----
    EmbeddingCollapseWarning
        When the embeddings of all samples have become nearly one.
    LongTrainingWarning
        At the beginning, when the training will take more than ten minutes and
        `verbose` is 0.
    DataScaleWarning
        When the values of X are too large or too small to train on.

    See Also
    --------
    FrozenEncoder : Embedding by a pretrained network.
    TEMI : Learns clusters on an embedding; ``loss="scan"`` is the second step of SCAN.
    DeepCluster : Takes the trained network as its `module`.

    Notes
    -----
    `transform` returns the features of the backbone, scaled to length one. The
    projection that the loss compares is not returned: it has lost more [1]_.

    References
    ----------
    .. [1] T. Chen, S. Kornblith, M. Norouzi, G. Hinton, "A simple framework for
       contrastive learning of visual representations", ICML 2020.
    .. [2] J.-B. Grill et al., "Bootstrap your own latent: a new approach to
       self-supervised learning", NeurIPS 2020.
    .. [3] Z. Huang, J. Chen, J. Zhang, H. Shan, "Learning representation for clustering
       via prototype scattering and positive sampling", IEEE TPAMI 2023.
    .. [4] M. Caron, I. Misra, J. Mairal, P. Goyal, P. Bojanowski, A. Joulin,
       "Unsupervised learning of visual features by contrasting cluster assignments",
       NeurIPS 2020.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.pipeline import make_pipeline
    >>> from skdeepclust import TEMI, ContrastiveEncoder
    >>> X = load_digits().images[:200] / 16
    >>> encoder = ContrastiveEncoder("simclr", max_epochs=2, random_state=0)
    >>> pipeline = make_pipeline(encoder, TEMI(10, loss="scan", random_state=0))
    >>> pipeline.fit_predict(X).shape
    (200,)
    """

    _parameter_constraints = {
        **BaseDeepEstimator._parameter_constraints,
        "method": [StrOptions(set(_METHODS))],
        "prototypes": ["boolean"],
        "n_prototypes": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "temperature": [
            StrOptions({"auto"}),
            Interval(Real, 0, None, closed="neither"),
        ],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "n_views": [Interval(Integral, 2, _MOST_VIEWS, closed="both")],
        "module": [StrOptions(_NETWORKS), callable],
        "augment": [StrOptions({"auto", *PRESETS}), callable, None],
        "max_epochs": [Interval(Integral, 0, None, closed="left")],
        "batch_size": [
            StrOptions({"auto"}),
            Interval(Integral, 2, None, closed="left"),
        ],
        "dtype": [StrOptions({"float32", "bfloat16"})],
        "memory": [str, os.PathLike, HasMethods(["cache"]), None],
    }

    def __init__(
        self,
        method="simclr",
        *,
        prototypes=False,
        n_prototypes="auto",
        temperature="auto",
        momentum=0.99,
        n_views=2,
        module="auto",
        image_shape="auto",
        augment="auto",
        max_epochs=100,
        batch_size="auto",
        lr=2e-3,
        optimizer=torch.optim.Adam,
        dtype="float32",
        memory=None,
        checkpoint=None,
        warm_start=False,
        callbacks=None,
        device="auto",
        verbose=0,
        random_state=None,
        **skorch,
    ):
        self.method = method
        self.prototypes = prototypes
        self.n_prototypes = n_prototypes
        self.temperature = temperature
        self.momentum = momentum
        self.n_views = n_views
        self.module = module
        self.image_shape = image_shape
        self.augment = augment
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.optimizer = optimizer
        self.dtype = dtype
        self.memory = memory
        self.checkpoint = checkpoint
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.device = device
        self.verbose = verbose
        self.random_state = random_state
        self._set_skorch_params(skorch)

    def _fit(self, X, device, seed, progress):
        data = TensorData(X, self._input_shape_, device)
        net = self._make_net(data, device)
        if self.memory is None:
            history = self._train(net, data, seed, progress)
        else:
            cache, key = Cache(self.memory), self._key(X, device)
            history = cache.load(key, net.module_) if key in cache else None
            if history is None:
                history = self._train(net, data, seed, progress)
                cache.save(key, net.module_, history)
        self.net_ = net
        self.history_ = {"training": history["table"]}
        self.n_iter_ = len(history["table"]["epoch"])
        self.stop_reason_ = history["stop_reason"]

    def _make_net(self, data, device):
        """The net that trains, with its network, for the data at hand."""
        backbone, self._embedding_dim_ = resolve_backbone(
            self._module_of(device),
            self.image_shape_,
            self.n_features_in_,
            False,
            self._module_arguments(),
            data.take(slice(0, 2)),
        )
        n_batches, batch_size = self._batches_of(len(data))
        params = {
            "n_views": int(self.n_views),
            "n_epochs": int(self.max_epochs),
            "n_batches": n_batches,
            "name": type(self).__name__,
            "stage": "training",
            **self._net_params(device, batch_size),
        }
        settings = Settings(
            temperature=_given(self.temperature, float),
            momentum=float(self.momentum),
            n_prototypes=self._n_prototypes(len(data)),
            prototypes=self._has_clusters,
            dtype=self.dtype,
        )
        make = _METHODS[self.method].make_net
        return make(backbone, self._embedding_dim_, settings, params).initialize()

    def _train(self, net, data, seed, progress):
        """Train; return the history in a form that the cache keeps."""
        _, batch_size = self._batches_of(len(data))
        batches = Batches(
            data,
            batch_size,
            seed=derived_seed(seed, "batches"),
            augment=self._augmentation(),
            n_views=int(self.n_views),
        )
        run = Run(net, data, progress, n_epochs=int(self.max_epochs))
        first = max(1, math.ceil(_BEFORE_PROTOTYPES * self.max_epochs))
        for epoch in run:
            if self._has_clusters and epoch.index >= first:
                if not epoch.is_resumed:
                    epoch_seed = derived_seed(seed, f"clusters of epoch {epoch.index}")
                    run.kept = {"labels": self._refresh(net, data, epoch_seed)}
                labels = torch.from_numpy(run.kept["labels"])
                batches.targets = labels.to(device=data.device)
            net.train_on(batches)
            run.kept = {}
        columns = ("epoch", "loss", "std", "rank", "dur")
        return {
            "table": history_table(net, columns),
            "stop_reason": run.stop_reason or f"max_epochs={self.max_epochs} used up",
        }

    def _refresh(self, net, data, seed):
        """Clusters of the projections by the network that follows, for ProPos."""
        projected = map_blocks(net.module_.eval().target, data)
        rows = normalize(projected).cpu().numpy()
        _, labels = spherical_kmeans(rows, net.n_clusters, seed)
        return labels

    @available_if(lambda self: self.method == "swav")
    def prototype_labels(self, X: Any) -> NDArray[np.integer]:
        """Nearest prototype of every sample, for ``method="swav"``.

        With as many prototypes as clusters (`n_prototypes`) these are clusters. Compare
        them with those of a clusterer on the embedding.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), (n_samples, H, W) or \
                (n_samples, C, H, W)
            Samples, in any layout of those seen in `fit`.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Index of the prototype.
        """
        check_is_fitted(self)
        scores = map_blocks(self.net_.module_.eval().scores, self._data(X))
        scores = self._checked_output(scores, "the score of a prototype")
        return scores.argmax(dim=1).cpu().numpy()

    @property
    def module_(self) -> nn.Module:
        """Fitted network, an `nn.Module` that maps samples to features."""
        return self._fitted_net.module_.backbone

    @property
    def _columns(self):
        return {"training": ("train_loss", "std", "rank", "dur")}

    # -- what "auto" stands for ----------------------------------------------

    @property
    def _has_clusters(self):
        return self.method == "byol" and bool(self.prototypes)

    def _module_of(self, device):
        if not isinstance(self.module, str) or self.module != "auto":
            return self.module
        if self.image_shape_ is None:
            return "dense"
        return "resnet18" if device.type == "cuda" else "small-resnet"

    def _batches_of(self, n_samples):
        """Number of batches of a pass, and their size; all are about even.

        A last batch of a few samples would compare them with a few others only.
        """
        most = self.batch_size
        if isinstance(most, str):
            wanted = max(min(_SMALL_BATCH, n_samples / 16), n_samples / 128)
            power = 2 ** round(math.log2(wanted))
            most = min(_MOST_BATCH, max(_LEAST_BATCH, power))
        most = min(int(most), n_samples)
        n_batches = math.ceil(n_samples / most)
        return n_batches, math.ceil(n_samples / n_batches)

    def _n_prototypes(self, n_samples):
        if self.method == "swav" and isinstance(self.n_prototypes, str):
            _, batch_size = self._batches_of(n_samples)
            return max(2, min(_MOST_PROTOTYPES, batch_size // 2))
        return _given(self.n_prototypes, int)

    def _augmentation(self):
        if not isinstance(self.augment, str):
            return self.augment  # the user's own
        if self.image_shape_ is None:
            return SwapValues()
        kind = self.augment
        if kind == "auto":
            kind = _KINDS.get(self.image_shape_[0], "overhead")
        return preset(kind, self.image_shape_)

    # -- refusals, warnings, cache -------------------------------------------

    def _check_n_samples(self, n_samples):
        if n_samples < 2:
            raise ValueError(
                f"n_samples={n_samples} should be >= 2: views are compared with those "
                "of other samples."
            )
        self._check_augment()
        self._check_prototypes(n_samples)
        if self.memory is not None:
            Cache(self.memory).make_folder()

    def _check_augment(self):
        if isinstance(self.augment, type):
            raise TypeError(
                f"augment is the class {self.augment.__name__}. Pass an instance: "
                f"augment={self.augment.__name__}(...)."
            )
        is_preset = isinstance(self.augment, str) and self.augment in PRESETS
        if is_preset and self.image_shape_ is None:
            raise ValueError(
                f'augment="{self.augment}" is for images, but X is taken as rows of '
                f"{self.n_features_in_} features. Pass image_shape=(channels, height, "
                'width), X of shape (n, C, H, W), or augment="auto".'
            )

    def _check_prototypes(self, n_samples):
        if self.prototypes and self.method != "byol":
            raise ValueError(
                f'prototypes=True is for method="byol", not for "{self.method}".'
            )
        n_prototypes = self._n_prototypes(n_samples) or _byol.CLUSTERS
        _, batch_size = self._batches_of(n_samples)
        if self.method == "swav" and n_prototypes > batch_size:
            raise ValueError(
                f"n_prototypes={n_prototypes} should be <= the {batch_size} samples of "
                "a batch, so that every prototype can have one. Pass a smaller "
                "n_prototypes, or a larger batch_size if there are more samples."
            )
        if self._has_clusters and n_prototypes > n_samples:
            raise ValueError(
                f"n_samples={n_samples} should be >= n_prototypes={n_prototypes}."
            )

    def _warn(self):
        table = self.history_["training"]
        if not table["epoch"] or math.isnan(table["std"][-1]):
            return
        std, rank = table["std"][-1], table["rank"][-1]
        if std < _LEAST_STD or rank < _LEAST_RANK:
            warn(
                f"The embedding collapsed: at the end the embeddings of a batch had a "
                f"standard deviation of {std:.2g} (0 if all are equal, 1 at most), in "
                f"{rank:.1f} directions. Look at history_['training']; try a smaller "
                f"lr (now {self.lr:g}), {_REMEDIES[self.method]}, a milder augment, or "
                'method="simclr", which compares with other samples.',
                EmbeddingCollapseWarning,
            )

    def _key(self, X, device):
        """Key of this fit in the cache."""
        params = self.get_params(deep=False)
        params |= {"image_shape": self.image_shape_, "device": str(device)}
        told = {k: v for k, v in params.items() if k not in WITHOUT_EFFECT}
        return fingerprint(X, told)


def _given(value, kind):
    """A number of the user's, or None for "auto"."""
    return None if isinstance(value, str) else kind(value)
