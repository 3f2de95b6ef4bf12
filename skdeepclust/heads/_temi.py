"""TEMI: heads that put nearest neighbours into one cluster."""

import copy
import math
from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn
from torch.nn.functional import gelu, nll_loss

from skdeepclust._batches import Batches
from skdeepclust._compat import HasMethods, Interval, StrOptions
from skdeepclust._initial_centers import main_components
from skdeepclust._nets import Run, history_table
from skdeepclust._random import derived_seed
from skdeepclust._tensor_data import TensorData, map_blocks
from skdeepclust.heads._base import BaseHead, HeadNet, HeadNetwork
from skdeepclust.heads._losses import scan_loss, temi_loss
from skdeepclust.heads._neighbors import neighbors_of
from skdeepclust.heads._prepare import Preparation, fit_preparation, prepared
from skdeepclust.heads._spaces import refuse_spaces
from skdeepclust.heads._start import LEARNING_RATE, LabelledBatches, first_clusters

__all__ = ["TEMI"]

_MOST_WEIGHTS = 2**31

_LEAST_NEIGHBORS = 5  # even if clusters are smaller

_FIRST_SCALE = 0.1  # random heads begin almost even
_N_INIT = 2  # k-means of a head's start: few, so that the heads differ

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
        self.n_done = 0  # batches of the next epoch that are passed over

    def state_dict(self) -> dict[str, Any]:
        """What the next epoch depends on."""
        return {"order": self._order.state_dict(), "pairs": self._generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._order.load_state_dict(state["order"])
        self._generator.set_state(state["pairs"])

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[tuple[Tensor, None]]:
        n_done, self.n_done = self.n_done, 0
        for i, index in enumerate(self._order._indices()):
            own = index.to("cpu")
            size = (len(own),)
            n_neighbors = self._neighbors.shape[1]
            column = torch.randint(n_neighbors, size, generator=self._generator)
            if i < n_done:
                continue
            other = self._neighbors[own, column].to(torch.int64)
            yield self._data.take(torch.cat([own, other])), None


class NeighborHeads(HeadNetwork):
    """Heads side by side: a hidden layer or none, and a linear layer.

    ===========  =============================  ==============================
    step         shape                          what
    ===========  =============================  ==============================
    prepared     (n, d)                         unit rows, main components
    hidden       (n_heads, n, hidden_dim)       linear, GELU; if `hidden_dim`
    scores       (n_heads, n, n_clusters)       linear, over temperature
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
        What scores are divided by.
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
        width = hidden_dim or width
        weights = _FIRST_SCALE * torch.randn(n_heads, width, n_clusters)
        self.weights = nn.Parameter(weights / math.sqrt(width))
        self.bias = nn.Parameter(torch.zeros(n_heads, 1, n_clusters))

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
        scores = torch.matmul(Z, self.weights[heads]) + self.bias[heads]
        return scores / self.temperature


class NeighborNet(HeadNet):
    """Trains the heads; teachers follow them as moving averages."""

    def __init__(self, module, *, loss, beta, entropy_weight, momentum, **params):
        super().__init__(module, **params)
        self.loss = loss
        self.beta = beta
        self.entropy_weight = entropy_weight
        self.momentum = momentum

    _causes = ("lr", "temperature", "beta", "entropy_weight")

    def learn(self, pairs):
        """Learn given clusters: steps on their cross-entropy, before the training.

        Parameters
        ----------
        pairs : iterable of tuples (Z, labels)
            Prepared rows, and their clusters by every head ``(n_heads, n)``; -1 is
            none.
        """
        optimizer = torch.optim.Adam(self.module_.parameters(), LEARNING_RATE)
        for Z, labels in pairs:
            log_p = self.module_(Z).flatten(0, 1)
            loss = nll_loss(log_p, labels.flatten(), ignore_index=-1, reduction="sum")
            optimizer.zero_grad()
            (loss / max(1, len(Z))).backward()
            optimizer.step()
        self.module_.zero_grad()

    def start(self, n_clusters, n_steps):
        """Teachers as the heads are now, and even clusters."""
        # In a list: skorch would take a module for one that it trains.
        self.teachers_ = [copy.deepcopy(self.module_).requires_grad_(False)]
        shape = (self.module_.weights.shape[0], 1, n_clusters)
        like = self.module_.weights.detach()
        self.prior_ = torch.full(shape, 1 / n_clusters).to(like)
        self.head_losses_ = [[0.0] * len(self.prior_)]
        self._totals = self.prior_.new_zeros(len(self.prior_))
        self._n_steps, self._step, self._n_rows = n_steps, 0, 0

    def losses(self, output, target, X):
        """Mean of the losses of the heads, which share no weight."""
        first, second = output.chunk(2, dim=1)
        if self.loss == "scan":
            found = scan_loss(first, second, self.entropy_weight)
        else:
            found = self._temi((first, second), X)
        self._totals += found.detach() * len(X)
        self._n_rows += len(X)
        return {"loss": found.mean()}

    def _temi(self, students, X):
        with torch.no_grad():
            log_p = self.teachers_[0](X)
            shares = log_p.exp().mean(dim=1, keepdim=True)
            self.prior_.lerp_(shares, _PRIOR_STEP)
        return temi_loss(students, log_p.chunk(2, dim=1), self.prior_.log(), self.beta)

    def train_step(self, batch):
        """Take a step, at a rate that falls along a cosine; the teachers follow."""
        done = self._step / max(1, self._n_steps)
        for group in self.optimizer_.param_groups:
            group["lr"] = self.lr * (1 + math.cos(math.pi * min(done, 1))) / 2
        self._step += 1
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
        n_steps = super().train_on(batches)
        self.head_losses_.append((self._totals / self._n_rows).tolist())
        return n_steps

    def extra_state(self):
        """Teachers, shares, sums of the losses and position in the schedule."""
        weights = self.teachers_[0].state_dict()
        return {
            "teacher": {name: value.clone() for name, value in weights.items()},
            "prior": self.prior_.clone(),
            "head_losses": [list(each) for each in self.head_losses_],
            "totals": self._totals.clone(),
            "n_rows": self._n_rows,
            "step": self._step,
        }

    def load_extra_state(self, state):
        """Go on from what :meth:`extra_state` returned."""
        self.teachers_[0].load_state_dict(state["teacher"])
        self.prior_.copy_(state["prior"])
        self.head_losses_ = [list(each) for each in state["head_losses"]]
        self._totals.copy_(state["totals"])
        self._n_rows, self._step = state["n_rows"], state["step"]

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
    assignments in which neighbours agree while the clusters stay even [1]_ [2]_. The
    heads begin with spectral clusters of the graph of shared neighbours. Several are
    trained side by side, and the one of least loss is kept.

    Parameters
    ----------
    n_clusters : int or "auto", default=10
        Number of clusters. "auto" finds it, see :ref:`the user guide <auto_number>`.
    max_clusters : int, default=30
        Largest number that ``n_clusters="auto"`` can find.
    loss : {"temi", "scan"}, default="temi"
        "temi" is the pointwise mutual information of neighbours, between a head and
        its moving average [1]_; "scan" is their agreement and the entropy of the mean
        assignment [2]_.
    init : {"spectral", "random"} or clusterer, default="spectral"
        What the heads begin with. "spectral": k-means, with another seed for every
        head, in the spectral embedding of the graph of shared neighbours, or of the
        prepared rows if there are more than 64 clusters. "random":
        random weights, as in [1]_ and [2]_. On frozen features the start made the
        difference, and all else made little (``benchmarks/README.md``). An estimator
        with `fit_predict` clusters the prepared rows.
    n_heads : int, default=8
        Heads trained side by side. From random weights take more: [1]_ has 50.
    hidden_dim : int or None, default=None
        Width of a hidden layer with GELU; [1]_ has 512. None is a linear head.
    n_neighbors : int, default=50
        Neighbours of a sample, by cosine; [1]_ has 50, [2]_ has 20. A pair is a sample
        and a random one of them. At most as many as a cluster of the mean size has
        samples, but at least 5.
    neighbor_search : {"auto", "sklearn", "faiss", "faiss-ivf"}, default="auto"
        How neighbours are found. "sklearn" and "faiss" are exact, with a cost that
        grows with the square of the number of samples. "faiss-ivf" looks into a part
        of the samples. "auto" takes faiss if it is installed, beyond 50,000 samples
        its approximate search.
    scale : {"unit", "standard"} or None, default="unit"
        "unit" scales rows to length one, so that neighbours are those by cosine.
        "standard" gives every column the mean 0 and the variance 1. Neither changes
        with the scale of X. None takes X as it is, but for one factor for all values.
    n_components : int or None, default=128
        Number of main components that neighbours and heads see, at most the number of
        columns. None keeps the columns.
    temperature : float, default=1.0
        What the scores of the clusters are divided by. The heads are not confined to
        cosines, so that they find their own scale; [1]_ has cosines over 0.1.
    beta : float, default=0.6
        Exponent of the loss "temi". 1 is the mutual information itself; less lets
        clusters differ more in size. The default is that of [1]_.
    entropy_weight : float, default=5.0
        Weight of the entropy in the loss "scan"; that of [2]_. Clusters of uneven
        size want less.
    momentum : float, default=0.9
        Of the moving averages of the heads: the averages are the teachers of the loss
        "temi", and are what is kept at the end with both losses. [1]_ has 0.996 for
        many more steps.
    max_epochs : int, default=25
        Passes through the data. From random weights take more: [1]_ has 100.
    batch_size : int or "auto", default="auto"
        Pairs per step. "auto" is a twentieth of the samples, from 32 to 256.
    lr : float, default=1e-2
        Learning rate at the beginning. It falls to zero along a cosine.
    optimizer : torch optimiser class, default=torch.optim.Adam
        Optimiser of the heads.
    callbacks : list of skorch callbacks, default=None
        Callbacks of the net, which works on copies.
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
    n_clusters_ : int
        Number of clusters: the one that was found, or that was asked for.
    merge_history_ : list of dicts
        Only with ``n_clusters="auto"``: which clusters would be merged next, down to
        one. "clusters" are the two, of which the first gives the new one its name;
        "n_clusters" is the number afterwards, and "score" the depth of the valley
        between the two, in standard deviations.
    cluster_centers_ : ndarray of shape (n_clusters, n_clusters)
        Mean of ``transform(X)`` over each cluster, weighted by the soft assignments.
    init_labels_ : ndarray of shape (n_samples,) or None
        Clusters that the best head began with; None from random weights.
    best_head_ : int
        Index of the head that is kept: that of least loss in the last epoch.
    head_losses_ : ndarray of shape (n_heads,)
        Loss of every head in the last epoch.
    head_labels_ : ndarray of shape (n_samples, n_heads)
        Clusters of X by every head, numbered so that they match `labels_` as well as
        they can. Column `best_head_` is `labels_`.
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
    ClusterNumberWarning
        When ``n_clusters="auto"`` finds a number that deserves a doubt, such as one,
        two, or as many as `max_clusters`.
    ClusterCollapseWarning
        When the effective number of clusters is below half of `n_clusters`.
    DataScaleWarning
        When a column outweighs all others, unless ``scale="standard"``.

    See Also
    --------
    Turtle : The labels that linear classifiers learn best.
    LandmarkSpectralClustering : Clusters of the same graph without training.

    Notes
    -----
    1. The rows of X are scaled to length one and reduced to main components. The
       nearest neighbours of each are found among them.
    2. Two samples share the part J of their neighbours (Jaccard). k-means in the unit
       rows of the leading eigenvectors of the graph of these weights gives the clusters
       that a head learns first, in 150 steps on their cross-entropy.
    3. A head has soft assignments :math:`s(x) = softmax(W x + b)`. For pairs of a
       sample and one of its neighbours, TEMI minimises
       :math:`-w \log \sum_c (s_c(x) t_c(x'))^\beta / \pi_c`, in both directions, with
       the assignments t of the moving average of the head, the shares :math:`\pi` of
       the clusters, and the weight w of the pair, the mean over the heads of
       :math:`\sum_c t_c(x) t_c(x')`. SCAN minimises
       :math:`-\log \sum_c s_c(x) s_c(x') - \lambda H(\bar s)`.
    4. The head of least mean loss in the last epoch is kept. With the loss "temi" the
       losses of heads that were trained together can be compared, those of two fits
       cannot: the weights of the pairs differ.

    ``transform`` returns the logarithm of the soft assignment, at least -80.

    Memory: X stays where it is, on disk if it is a memory map. What is kept of every
    sample are its prepared row, of `n_components` float32 values, and its neighbours;
    the spectral start also makes a graph of them, of about a kilobyte per sample. Time
    grows linearly with the number of samples, but for the exact search.

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
        "init": [StrOptions({"spectral", "random"}), HasMethods(["fit_predict"])],
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
        max_clusters=30,
        loss="temi",
        init="spectral",
        n_heads=8,
        hidden_dim=None,
        n_neighbors=50,
        neighbor_search="auto",
        scale="unit",
        n_components=128,
        temperature=1.0,
        beta=0.6,
        entropy_weight=5.0,
        momentum=0.9,
        max_epochs=25,
        batch_size="auto",
        lr=1e-2,
        optimizer=torch.optim.Adam,
        callbacks=None,
        checkpoint=None,
        warm_start=False,
        device="auto",
        verbose=0,
        random_state=None,
        **skorch,
    ):
        self.n_clusters = n_clusters
        self.max_clusters = max_clusters
        self.loss = loss
        self.init = init
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
        self.checkpoint = checkpoint
        self.warm_start = warm_start
        self.device = device
        self.verbose = verbose
        self.random_state = random_state
        self._set_skorch_params(skorch)

    def _check(self, X):
        refuse_spaces(X, type(self).__name__)
        return super()._check(X)

    def _fit(self, X, device, seed, progress):
        # 1. Prepared features, and the neighbours of each.
        data = self._data_of(X, device)
        kept = None if self.n_components is None else int(self.n_components)
        preparation = fit_preparation(data, self.scale, kept)
        Z = prepared(preparation, data)
        self._find_number([Z], seed, lambda: main_components(data, seed))
        once = progress.keeper.once
        neighbors = once("neighbors", lambda: self._neighbors(Z, seed))

        # 2. Heads that begin with given clusters.
        rows = TensorData(Z, Z.shape[1:], device)
        batch_size = self._batch(len(X))
        net = self._net(preparation, device, batch_size)
        starts = once("start", lambda: self._starts(Z, neighbors, seed))
        if starts is not None:
            net.learn(LabelledBatches(rows, starts, batch_size, seed))
        pairs = NeighborPairs(rows, neighbors, batch_size, seed)
        net.start(self._n_clusters_, int(self.max_epochs) * len(pairs))

        # 3. Heads that agree on neighbours.
        run = Run(net, rows, progress, n_epochs=int(self.max_epochs))
        for epoch in run:
            net.train_on(pairs)
            epoch.record(least_loss=min(net.head_losses_[-1]))
        net.finish()
        self._describe(net, run, data, starts)
        self._set_merge_history(lambda: Z, seed)

    def _describe(self, net, run, data, starts):
        """Set the fitted attributes: those of the head of least loss."""
        self.net_, self.n_iter_ = net, len(net.history)
        self.head_losses_ = np.array(net.head_losses_[-1])
        self.best_head_ = net.module_.best
        columns = ("epoch", "loss", "least_loss")
        self.history_ = {"training": history_table(net, columns)}
        self.stop_reason_ = run.stop_reason or f"max_epochs={self.max_epochs} used up"
        self._finish(data)
        self.head_labels_ = self._head_labels(data)
        self.init_labels_ = None if starts is None else starts[self.best_head_]

    def _starts(self, Z, neighbors, seed):
        """Clusters that every head begins with ``(n_heads, n)``, or None."""
        if isinstance(self.init, str) and self.init == "random":
            return None
        n_starts, found = int(self.n_heads), lambda: neighbors
        shape = (self._n_clusters_, n_starts, _N_INIT)
        return first_clusters(self.init, Z, found, *shape, seed)

    def _neighbors(self, Z, seed):
        own = derived_seed(seed, "lists")
        # The others of a cluster of the mean size: what is beyond is not its own.
        most = max(_LEAST_NEIGHBORS, len(Z) // self._n_clusters_ - 1)
        n_neighbors = min(int(self.n_neighbors), most)
        return neighbors_of(Z, n_neighbors, self.neighbor_search, own)

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
        return NeighborNet(
            NeighborHeads(preparation, *shape),
            loss=str(self.loss),
            beta=float(self.beta),
            entropy_weight=float(self.entropy_weight),
            momentum=float(self.momentum),
            stage="training",
            **self._net_params(device, batch_size),
        ).initialize()

    def _head_labels(self, data):
        """Clusters by every head, a column per head; that of the best is `labels_`."""
        network: Any = self.net_.module_.eval()
        labels = map_blocks(lambda X: network.head_labels(X), data)
        found = labels.to("cpu", torch.int64).numpy()
        found[:, self.best_head_] = self.labels_
        for head in range(found.shape[1]):
            overlap = np.zeros((self._n_clusters_, self._n_clusters_))
            np.add.at(overlap, (found[:, head], self.labels_), 1)
            name = linear_sum_assignment(overlap, maximize=True)[1]
            found[:, head] = name[found[:, head]]
        return found
