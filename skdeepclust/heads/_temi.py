"""TEMI: heads that put nearest neighbours into one cluster."""

import copy
import math
from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, normalize

from skdeepclust._batches import Batches
from skdeepclust._compat import Interval, StrOptions
from skdeepclust._nets import Run, history_table
from skdeepclust._random import derived_seed
from skdeepclust._tensor_data import TensorData, map_blocks
from skdeepclust.heads._base import BaseHead, HeadNet, HeadNetwork
from skdeepclust.heads._losses import scan_loss, temi_loss
from skdeepclust.heads._neighbors import nearest_neighbors, resolve_search
from skdeepclust.heads._prepare import Preparation, fit_preparation, prepared

__all__ = ["TEMI"]

_MOST_WEIGHTS = 2**31

_PRIOR_STEP = 0.1  # of the moving average of the shares, as in the reference code


class NeighborPairs:
    """Batches of samples, each followed by a random one of its neighbours.

    Parameters
    ----------
    data : TensorData
        Prepared rows.
    neighbors : ndarray of shape (n_samples, n_neighbors)
        Positions of the neighbours.
    batch_size : int
        Pairs per batch; it has twice as many rows.
    seed : int
        Seed of the order and of the neighbours drawn.
    """

    def __init__(self, data, neighbors, batch_size, seed):
        self._data = data
        self._order = Batches(data, batch_size, seed=derived_seed(seed, "order"))
        self._neighbors = torch.from_numpy(neighbors)
        self._generator = torch.Generator().manual_seed(derived_seed(seed, "pairs"))

    def __iter__(self) -> Iterator[tuple[Tensor, None]]:
        for index in self._order._indices():
            own = index.to("cpu")
            size = (len(own),)
            n_neighbors = self._neighbors.shape[1]
            column = torch.randint(n_neighbors, size, generator=self._generator)
            other = self._neighbors[own, column].to(torch.int64)
            yield self._data.take(torch.cat([own, other])), None


class NeighborHeads(HeadNetwork):
    """Heads side by side: hidden layer or none, unit length, prototypes.

    ===========  =============================  ==============================
    step         shape                          what
    ===========  =============================  ==============================
    prepared     (n, d)                         standardised, main components
    hidden       (n_heads, n, hidden_dim)       linear, GELU; if `hidden_dim`
    scores       (n_heads, n, n_clusters)       cosine / temperature
    ===========  =============================  ==============================

    Parameters
    ----------
    preparation : Preparation
        What is done to the rows first.
    n_heads, n_clusters : int
        Heads, and clusters of each.
    hidden_dim : int or None
        Width of the hidden layer; None is a linear head.
    temperature : float
        What cosines are divided by.
    """

    def __init__(
        self,
        preparation: Preparation,
        n_heads: int,
        n_clusters: int,
        hidden_dim: int | None,
        temperature: float,
    ):
        super().__init__()
        self.preparation = preparation
        self.temperature = temperature
        self.best = 0
        width = preparation.width
        if hidden_dim is not None:
            shape = (n_heads, width, hidden_dim)
            self.hidden = nn.Parameter(torch.randn(shape) / math.sqrt(width))
            self.hidden_bias = nn.Parameter(torch.zeros(n_heads, 1, hidden_dim))
        self.is_linear = hidden_dim is None
        shape = (n_heads, hidden_dim or width, n_clusters)
        self.prototypes = nn.Parameter(torch.randn(shape))

    def forward(self, Z: Tensor) -> Tensor:
        """Logarithms of the soft assignments of prepared rows, by every head."""
        return self._scores(Z, slice(None)).log_softmax(dim=2)

    def log_assignment(self, X: Tensor) -> Tensor:
        """Logarithms of the soft assignments by the best head."""
        best = slice(self.best, self.best + 1)
        return self._scores(self.preparation(X), best)[0].log_softmax(dim=1)

    def head_labels(self, X: Tensor) -> Tensor:
        """Clusters of rows of the user by every head, ``(n, n_heads)``."""
        return self._scores(self.preparation(X), slice(None)).argmax(dim=2).T

    def _scores(self, Z, heads):
        if not self.is_linear:
            Z = gelu(torch.matmul(Z, self.hidden[heads]) + self.hidden_bias[heads])
        prototypes = normalize(self.prototypes[heads], dim=1)
        return torch.matmul(normalize(Z, dim=-1), prototypes) / self.temperature


class NeighborNet(HeadNet):
    """Trains the heads; teachers follow them as moving averages."""

    def __init__(self, module, *, loss, beta, entropy_weight, momentum, **params):
        super().__init__(module, **params)
        self.loss = loss
        self.beta = beta
        self.entropy_weight = entropy_weight
        self.momentum = momentum

    _causes = ("lr", "temperature", "beta", "entropy_weight")

    def start(self, n_clusters):
        """Teachers as the heads are now, and even clusters."""
        # In a list: skorch would take a module for one that it trains.
        self.teachers_ = [copy.deepcopy(self.module_).requires_grad_(False)]
        shape = (self.module_.prototypes.shape[0], 1, n_clusters)
        like = self.module_.prototypes.detach()
        self.prior_ = torch.full(shape, 1 / n_clusters).to(like)
        self.head_losses_ = [[0.0] * len(self.prior_)]
        self._totals = self.prior_.new_zeros(len(self.prior_))

    def losses(self, output, target, X):
        """Sum of the losses of the heads, which share no weight, and the least."""
        first, second = output.chunk(2, dim=1)
        if self.loss == "scan":
            found = scan_loss(first, second, self.entropy_weight)
        else:
            found = self._temi((first, second), X)
        self._totals += found.detach() * len(X)
        self._n_rows += len(X)
        return {"loss": found.sum() / len(found)}

    def _temi(self, students, X):
        with torch.no_grad():
            log_p = self.teachers_[0](X)
            shares = log_p.exp().mean(dim=1, keepdim=True)
            self.prior_.lerp_(shares, _PRIOR_STEP)
        return temi_loss(students, log_p.chunk(2, dim=1), self.prior_.log(), self.beta)

    def train_step(self, batch):
        """Take a step; the teachers follow."""
        step = super().train_step(batch)
        with torch.no_grad():
            pairs = zip(self.teachers_[0].parameters(), self.module_.parameters())
            for teacher, student in pairs:
                teacher.lerp_(student, 1 - self.momentum)
        return step

    def train_on(self, batches):
        """Train an epoch and note the mean loss of every head."""
        self._totals.zero_()
        self._n_rows = 0
        super().train_on(batches)
        self.head_losses_.append((self._totals / self._n_rows).tolist())

    def finish(self):
        """Put the averages in the place of the heads, and drop what only trained."""
        with torch.no_grad():
            pairs = zip(self.teachers_[0].parameters(), self.module_.parameters())
            for teacher, student in pairs:
                student.copy_(teacher)
        del self.teachers_, self.prior_, self._totals
        self.module_.best = int(np.argmin(self.head_losses_[-1]))


class TEMI(BaseHead):
    r"""Heads that put a sample and its nearest neighbours into one cluster.

    X are features of a network that was trained on something else and stays as it is.
    Nearest neighbours among them are mostly of one class. Small heads learn soft
    assignments in which neighbours agree while the clusters stay even [1]_ [2]_. Many
    heads are trained side by side, and the one of least loss is kept.

    Parameters
    ----------
    n_clusters : int, default=10
        Number of clusters.
    loss : {"temi", "scan"}, default="temi"
        "temi" is the pointwise mutual information of neighbours, between a head and
        its moving average [1]_; "scan" is their agreement and the entropy of the mean
        assignment [2]_.
    n_heads : int, default=16
        Heads trained side by side, each with its own first weights. The default is
        that of the reference code of [1]_.
    hidden_dim : int or None, default=None
        Width of a hidden layer with GELU. None is a linear head.
    n_neighbors : int, default=50
        Neighbours of a sample, by cosine; [1]_ has 50, [2]_ has 20. A pair is a sample
        and a random one of them.
    neighbor_search : {"auto", "sklearn", "faiss", "faiss-ivf"}, default="auto"
        How neighbours are found. "sklearn" and "faiss" are exact, with a cost that
        grows with the square of the number of samples. "faiss-ivf" looks into a part
        of the samples. "auto" takes faiss if it is installed, beyond 200,000 samples
        its approximate search.
    scale : {"standard"} or None, default="standard"
        "standard" gives every column the mean 0 and the variance 1, None only the
        mean 0. Means and variances are found block by block.
    n_components : int or None, default=64
        Number of main components that neighbours and heads see, at most the number of
        columns. None keeps the columns.
    temperature : float, default=0.1
        What the cosines of samples and prototypes are divided by; that of [1]_.
    beta : float, default=0.6
        Exponent of the loss "temi". 1 is the mutual information itself; less lets
        clusters differ more in size. The default is that of [1]_.
    entropy_weight : float, default=5.0
        Weight of the entropy in the loss "scan"; that of [2]_. Clusters of uneven
        size want less.
    momentum : float, default=0.99
        Of the moving averages of the heads: the averages are the teachers of the loss
        "temi", and are what is kept at the end with both losses.
    max_epochs : int, default=100
        Passes through the data; that of [1]_.
    batch_size : int or "auto", default="auto"
        Pairs per step. "auto" grows with the number of samples, from 32 to 256; see
        :ref:`the user guide <batch-size>`.
    lr : float, default=1e-2
        Learning rate.
    optimizer : torch optimiser class, default=torch.optim.Adam
        Optimiser of the heads.
    callbacks : list of skorch callbacks, default=None
        Callbacks of the net, which works on copies.
    device : str or torch.device, default="auto"
        Where to compute. "auto" takes CUDA, else MPS, else the CPU.
    verbose : int, default=0
        With 1 or more a line is printed after every epoch.
    random_state : int, RandomState instance or None, default=None
        Governs the first weights and all draws. Two fits with the same integer are
        equal to the bit on a CPU. None draws fresh entropy. The global generators of
        numpy and torch are never touched.
    **skorch : dict
        Parameters passed on with skorch's prefixes: ``optimizer__*``,
        ``callbacks__*``, ``compile`` and ``compile__*``.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,)
        Cluster of every sample. Equal to ``predict(X)``.
    cluster_centers_ : ndarray of shape (n_clusters, n_clusters)
        Mean of ``transform(X)`` over each cluster, weighted by the soft assignments.
    best_head_ : int
        Index of the head that is kept: that of least loss in the last epoch.
    head_losses_ : ndarray of shape (n_heads,)
        Loss of every head in the last epoch.
    head_labels_ : ndarray of shape (n_samples, n_heads)
        Clusters of X by every head. Column `best_head_` is `labels_`.
    module_ : nn.Module
        The network.
    net_ : TensorNet
        The skorch net that trained it.
    history_ : dict
        ``history_["training"]`` is a table, a dict of columns with an entry per epoch:
        "epoch", "loss" (mean over the heads), "least_loss" (that of the best head) and
        "dur" (seconds).
    n_iter_ : int
        Epochs trained.
    stop_reason_ : str
        Why the training ended.
    image_shape_ : tuple of 3 ints or None
        Shape of an image, if X held images; the head takes them as rows.
    n_features_in_ : int
        Number of values per sample.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X has them.

    Warns
    -----
    ClusterCollapseWarning
        When the effective number of clusters is below half of `n_clusters`.

    See Also
    --------
    Turtle : The labels that linear classifiers learn best.
    LandmarkSpectralClustering : Clusters of the same graph without training.

    Notes
    -----
    1. The rows of X are standardised, reduced to main components, and scaled to length
       one. The neighbours of each are found among them.
    2. A head has soft assignments :math:`s(x) = softmax(\cos(x, w_c) / t)`. For pairs
       of a sample and one of its neighbours, TEMI minimises
       :math:`-w \log \sum_c (s_c(x) t_c(x'))^\beta / \pi_c`, in both directions, with
       the assignments t of the moving average of the head, the shares :math:`\pi` of
       the clusters, and the weight w of the pair, the mean over the heads of
       :math:`\sum_c t_c(x) t_c(x')`. SCAN minimises
       :math:`-\log \sum_c s_c(x) s_c(x') - \lambda H(\bar s)`.
    3. The head of least mean loss in the last epoch is kept.

    ``transform`` returns the logarithm of the soft assignment, at least -80.

    Memory: X stays where it is, on disk if it is a memory map. What is kept of every
    sample are its prepared row, of `n_components` float32 values, and its neighbours.
    Time grows linearly with the number of samples, but for the exact search.

    References
    ----------
    .. [1] N. Adaloglou, F. Michels, H. Kalisch, M. Kollmann, "Exploring the limits of
       deep image clustering using pretrained models", BMVC 2023.
    .. [2] W. Van Gansbeke, S. Vandenhende, S. Georgoulis, M. Proesmans, L. Van Gool,
       "SCAN: learning to classify images without labels", ECCV 2020.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.metrics import adjusted_rand_score
    >>> from skdeepclust import TEMI
    >>> X, y = make_blobs(300, n_features=16, centers=3, random_state=0)
    >>> head = TEMI(3, n_heads=4, max_epochs=10, random_state=0)
    >>> adjusted_rand_score(y, head.fit_predict(X))
    1.0
    """

    _parameter_constraints = {
        **BaseHead._parameter_constraints,
        "loss": [StrOptions({"temi", "scan"})],
        "n_heads": [Interval(Integral, 1, None, closed="left")],
        "hidden_dim": [Interval(Integral, 1, None, closed="left"), None],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "neighbor_search": [StrOptions({"auto", "sklearn", "faiss", "faiss-ivf"})],
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "beta": [Interval(Real, 0, None, closed="neither")],
        "entropy_weight": [Interval(Real, 0, None, closed="left")],
        "momentum": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        n_clusters=10,
        *,
        loss="temi",
        n_heads=16,
        hidden_dim=None,
        n_neighbors=50,
        neighbor_search="auto",
        scale="standard",
        n_components=64,
        temperature=0.1,
        beta=0.6,
        entropy_weight=5.0,
        momentum=0.99,
        max_epochs=100,
        batch_size="auto",
        lr=1e-2,
        optimizer=torch.optim.Adam,
        callbacks=None,
        device="auto",
        verbose=0,
        random_state=None,
        **skorch,
    ):
        self.n_clusters = n_clusters
        self.loss = loss
        self.n_heads = n_heads
        self.hidden_dim = hidden_dim
        self.n_neighbors = n_neighbors
        self.neighbor_search = neighbor_search
        self.scale = scale
        self.n_components = n_components
        self.temperature = temperature
        self.beta = beta
        self.entropy_weight = entropy_weight
        self.momentum = momentum
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.optimizer = optimizer
        self.callbacks = callbacks
        self.device = device
        self.verbose = verbose
        self.random_state = random_state
        self._set_skorch_params(skorch)

    def _fit(self, X, device, seed, progress):
        # 1. Features of length one, and the neighbours of each.
        data = self._data_of(X, device)
        preparation = fit_preparation(data, self.scale, self.n_components, True)
        Z = prepared(preparation, data)
        neighbors = self._neighbors(Z, seed)

        # 2. Heads that agree on neighbours.
        rows = TensorData(Z, Z.shape[1:], device)
        batch_size = self._batch(len(X))
        net = self._net(preparation, device, batch_size)
        pairs = NeighborPairs(rows, neighbors, batch_size, seed)
        run = Run(net, rows, progress, n_epochs=int(self.max_epochs))
        for epoch in run:
            net.train_on(pairs)
            epoch.record(least_loss=min(net.head_losses_[-1]))

        # 3. The head of least loss.
        net.finish()
        self.net_, self.n_iter_ = net, len(net.history)
        self.head_losses_ = np.array(net.head_losses_[-1])
        self.best_head_ = net.module_.best
        columns = ("epoch", "loss", "least_loss")
        self.history_ = {"training": history_table(net, columns)}
        self.stop_reason_ = run.stop_reason or f"max_epochs={self.max_epochs} used up"
        self._finish(data)
        self.head_labels_ = self._head_labels(data)

    def _neighbors(self, Z, seed):
        n_neighbors = min(int(self.n_neighbors), len(Z) - 1)
        if n_neighbors == 0:
            return np.zeros((len(Z), 1), dtype=np.int32)
        search = resolve_search(self.neighbor_search, len(Z))
        return nearest_neighbors(Z, n_neighbors, search, derived_seed(seed, "lists"))

    def _net(self, preparation, device, batch_size):
        n_clusters = self._n_clusters_
        width = None if self.hidden_dim is None else int(self.hidden_dim)
        n_weights = int(self.n_heads) * (preparation.width + n_clusters) * (width or 1)
        if n_weights > _MOST_WEIGHTS:
            raise ValueError(
                f"n_heads={self.n_heads}, n_clusters={n_clusters} and hidden_dim="
                f"{self.hidden_dim} make {n_weights:.2g} weights. Pass fewer heads or "
                "a smaller hidden_dim."
            )
        shape = (int(self.n_heads), n_clusters, width, float(self.temperature))
        net = NeighborNet(
            NeighborHeads(preparation, *shape),
            loss=str(self.loss),
            beta=float(self.beta),
            entropy_weight=float(self.entropy_weight),
            momentum=float(self.momentum),
            stage="training",
            **self._net_params(device, batch_size),
        ).initialize()
        net.start(n_clusters)
        return net

    def _head_labels(self, data):
        """Clusters by every head, a column per head; that of the best is `labels_`."""
        network: Any = self.net_.module_.eval()
        labels = map_blocks(lambda X: network.head_labels(X), data)
        found = labels.to("cpu", torch.int64).numpy()
        found[:, self.best_head_] = self.labels_
        return found
