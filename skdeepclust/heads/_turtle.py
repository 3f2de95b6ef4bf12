"""TURTLE: the labels that linear classifiers learn best."""

import warnings
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn
from torch.nn.functional import nll_loss, normalize

from skdeepclust._batches import Batches
from skdeepclust._compat import HasMethods, Interval, StrOptions
from skdeepclust._geometry import unit_rows
from skdeepclust._initial_centers import main_components
from skdeepclust._n_clusters import is_auto
from skdeepclust._nets import Run, history_table
from skdeepclust._random import derived_seed
from skdeepclust._tensor_data import TensorData, map_blocks
from skdeepclust.heads._base import BaseHead, HeadNet, HeadNetwork
from skdeepclust.heads._losses import turtle_loss
from skdeepclust.heads._neighbors import neighbors_of
from skdeepclust.heads._prepare import (
    MappedRows,
    Preparation,
    fit_preparation,
    prepared,
)
from skdeepclust.heads._spaces import check_space_names, joined, resolve_spaces
from skdeepclust.heads._start import LEARNING_RATE, LabelledBatches, first_clusters

__all__ = ["Turtle"]

# Samples that `score` draws when there are more, and its number of folds.
_MOST_SCORED, _FOLDS = 10_000, 10
_LOGISTIC_STEPS = 100

# Prepared rows are kept up to this size; beyond it every batch is prepared when it is
# asked for, and X may stay on disk.
_MOST_KEPT = 2**29  # bytes

# The start: neighbours, the main components of every space that they are found by,
# starts of k-means (of some features ten miss the best clusters in one fit of five),
# and what random directions are multiplied by before they learn it.
_N_NEIGHBORS, _MOST_SEEN, _N_INIT, _FIRST_SCALE = 50, 128, 50, 0.1

# Adam's constants for the classifiers of the inner loop.
_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8


class SpaceHeads(HeadNetwork):
    """A linear head per space, weight-normed; the labels are the mean over spaces.

    ========  ========================  ===================================
    step      shape                     what
    ========  ========================  ===================================
    prepared  (n, d_1 + d_2 + ...)      spaces, side by side
    logits    (n, n_clusters)           linear, in each space
    labels    (n, n_clusters)           mean over the spaces of softmax
    ========  ========================  ===================================

    Parameters
    ----------
    columns : list of ndarrays of int
        Columns of every space.
    preparations : list of Preparation
        What is done to each.
    n_clusters : int
        Number of clusters.
    """

    def __init__(
        self,
        columns: list[NDArray],
        preparations: list[Preparation],
        n_clusters: int,
    ):
        super().__init__()
        self.preparations = nn.ModuleList(preparations)
        self.n_spaces = len(columns)
        for i, each in enumerate(columns):
            self.register_buffer(f"columns_{i}", torch.from_numpy(each))
        self.widths = widths = [preparation.width for preparation in preparations]
        self.directions = nn.ParameterList(
            torch.randn(width, n_clusters) for width in widths
        )
        # Lengths start as those of a linear layer of torch, the code of the paper.
        self.lengths = nn.ParameterList(
            torch.full((n_clusters,), 3**-0.5) for _ in widths
        )
        self.biases = nn.ParameterList(torch.zeros(n_clusters) for _ in widths)

    def space(self, i: int, X: Tensor) -> Tensor:
        """Prepared rows of one space."""
        columns = getattr(self, f"columns_{i}")
        return self.preparations[i](X.flatten(1)[:, columns])

    def prepare(self, X: Tensor) -> Tensor:
        """Prepared rows of all spaces, side by side, of rows of the user."""
        return torch.cat([self.space(i, X) for i in range(self.n_spaces)], dim=1)

    def forward(self, Z: Tensor) -> tuple[tuple[Tensor, ...], list[Tensor]]:
        """Spaces of prepared rows, and logarithms of the labels of each."""
        spaces = Z.split(self.widths, dim=1)
        parts = zip(spaces, self.directions, self.lengths, self.biases)
        logits = [
            torch.matmul(Z, normalize(direction, dim=0) * length) + bias
            for Z, direction, length, bias in parts
        ]
        return spaces, [each.log_softmax(dim=1) for each in logits]

    def log_assignment(self, X: Tensor) -> Tensor:
        """Logarithms of the mean labels."""
        return mean_labels(self(self.prepare(X))[1])


def mean_labels(log_p: list[Tensor]) -> Tensor:
    """Logarithm of the mean over the spaces."""
    stacked = torch.stack(log_p)
    return torch.logsumexp(stacked, dim=0) - float(np.log(len(log_p)))


def learned_classifier(Z: Tensor, target: Tensor, n_steps: int, lr: float) -> Tensor:
    """Logits of a linear classifier after a few steps of Adam from zero.

    Parameters
    ----------
    Z : Tensor of shape (n_samples, n_features)
        Prepared rows.
    target : Tensor of shape (n_samples, n_clusters)
        Soft labels, without gradient.
    n_steps : int
        Steps.
    lr : float
        Learning rate.

    Returns
    -------
    logits : Tensor of shape (n_samples, n_clusters)
        Without gradient.
    """
    # A row per cluster: several times faster on a CPU than a column per cluster.
    with torch.no_grad():
        target = target.T.contiguous()
        whole = Z.new_zeros(len(target), Z.shape[1] + 1)
        weights, bias = whole[:, :-1], whole[:, -1:]
        mean, square = torch.zeros_like(whole), torch.zeros_like(whole)
        error = 1 / len(target) - target  # of the classifier that is zero
        for step in range(1, n_steps + 1):
            if step > 1:
                error = torch.addmm(bias, weights, Z.T).softmax(dim=0) - target
            parts = error @ Z, error.sum(dim=1, keepdim=True)
            gradient = torch.cat(parts, dim=1) / len(Z)
            mean.lerp_(gradient, 1 - _BETA1)
            square.lerp_(gradient**2, 1 - _BETA2)
            size = (square / (1 - _BETA2**step)).sqrt() + _EPSILON
            whole -= lr * mean / (1 - _BETA1**step) / size
        return torch.addmm(bias, weights, Z.T).T


class TurtleNet(HeadNet):
    """Trains the labels, against classifiers learned in every step from nothing."""

    def __init__(self, module, *, gamma, n_inner, inner_lr, **params):
        super().__init__(module, **params)
        self.gamma = gamma
        self.n_inner = n_inner
        self.inner_lr = inner_lr

    _causes = ("lr", "inner_lr", "gamma")

    def learn(self, batches):
        """Learn given clusters: steps on their cross-entropy, before the training.

        Parameters
        ----------
        batches : iterable of tuples (Z, labels)
            Prepared rows, and their clusters ``(1, n)``; -1 is none.
        """
        with torch.no_grad():
            for direction in self.module_.directions:
                direction.mul_(_FIRST_SCALE)
        optimizer = torch.optim.Adam(self.module_.parameters(), LEARNING_RATE)
        for Z, labels in batches:
            found = torch.cat(self.module_(Z)[1])
            target = labels[0].repeat(len(found) // len(Z))
            loss = nll_loss(found, target, ignore_index=-1, reduction="sum")
            optimizer.zero_grad()
            (loss / len(Z)).backward()
            optimizer.step()
        self.module_.zero_grad()

    def losses(self, output, target, X):
        """Return the loss of the outer step, and its two parts."""
        spaces, log_p = output
        labels = mean_labels(log_p).exp()
        fixed = labels.detach()
        logits = [
            learned_classifier(Z, fixed, self.n_inner, self.inner_lr) for Z in spaces
        ]
        with torch.no_grad():
            error = turtle_loss(logits, log_p, labels, 0.0)
        loss = turtle_loss(logits, log_p, labels, self.gamma)
        return {"loss": loss, "classification_loss": error}


class Turtle(BaseHead):
    r"""The labels that linear classifiers learn best.

    X are features of one or several networks that were trained on something else and
    stay as they are. Labels are sought that linear classifiers on these features learn
    fast and well, in all spaces, while the clusters stay even [1]_. By default they
    begin with spectral clusters of the graph of shared neighbours, as in
    :class:`TEMI`.

    Parameters
    ----------
    n_clusters : int or "auto", default=10
        Number of clusters. It has to be near the true one. "auto" finds it, see
        :ref:`the user guide <auto_number>`.
    max_clusters : int, default=30
        Largest number that ``n_clusters="auto"`` can find.
    spaces : list or None, default=None
        Columns of X that belong to one space, for several: each entry is a slice, a
        list of positions or of names of columns, a mask of all columns, or a pair of a
        name and one of these.
        None is one space of all columns. A list of arrays as X is several spaces as
        well, and `spaces` is then None.
    init : {"spectral", "random"} or clusterer, default="spectral"
        What the labels begin with. "spectral": k-means in the spectral embedding of
        the graph of shared neighbours, or of the prepared rows if there are more than
        64 clusters. "random": random weights, as in [1]_; take more steps then. An
        estimator with `fit_predict` clusters the prepared rows, scaled to length one.
    scale : {"standard", "unit"} or None, default="standard"
        "standard" gives every column the mean 0 and the variance 1. "unit" scales rows
        to length one. Neither changes with the scale of X. None takes X as it is, but
        for one factor for all values.
    n_components : int or None, default=128
        Number of main components of each space, at most its number of columns. None
        keeps the columns, as in [1]_; the time of a step grows with their number.
    gamma : float, default=10.0
        Weight of the entropy of the mean labels; that of [1]_. Clusters of uneven size
        want less.
    n_inner : int, default=10
        Steps in which the classifiers learn the labels; that of [1]_. They begin at
        zero in every step of the labels.
    inner_lr : float, default=1e-3
        Learning rate of the classifiers, by Adam; that of [1]_.
    max_epochs : int, default=300
        Epochs. An epoch is one step of the labels, on `batch_size` samples: every
        sample comes up once before any comes up again. From random weights take more:
        [1]_ has 6,000.
    batch_size : int or "auto", default=10_000
        Samples per step, at most all. The default is that of [1]_. "auto" is a
        twentieth of the samples, from 32 to 256.
    lr : float, default=1e-3
        Learning rate of the labels; that of [1]_.
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
        Clusters that the labels began with; None from random weights.
    module_ : nn.Module
        The network.
    net_ : TensorNet
        The skorch net that trained it.
    history_ : dict
        ``history_["training"]`` is a table, a dict of columns with an entry per epoch:
        "epoch", "loss", "classification_loss" (the loss without the entropy) and "dur"
        (seconds).
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
    TEMI : Heads that put nearest neighbours into one cluster.

    Notes
    -----
    1. The columns of every space s are standardised: :math:`z_s`. Its head proposes
       labels :math:`\tau_s = softmax(\theta_s z_s)`, with :math:`\theta` weight-normed.
       The labels :math:`\tau` are the mean of the proposals.
    2. The heads first learn the clusters that they begin with, in 150 steps on their
       cross-entropy.
    3. In every step linear classifiers :math:`w_s` begin at zero and take `n_inner`
       steps on :math:`CE(w_s z_s, \tau)`. The labels then take one step on
       :math:`\sum_s CE(w_s z_s, \tau) - \gamma \sum_s H(\bar\tau_s)`, with the
       classifiers held fixed.

    The reference code draws the first weights of the classifiers at random. Zero is
    their mean, and needs no draw.

    ``transform`` returns the logarithm of the soft assignment, at least -80.

    Memory: X stays where it is, on disk if it is a memory map. The prepared rows are
    kept up to 512 MiB; beyond that every batch is prepared when it is asked for. The
    start keeps at most 128 float32 values of every sample and space, and its 50
    neighbours. Several arrays are put side by side, which copies them; for memory maps
    pass one array and `spaces`. The time of the steps does not grow with the number of
    samples beyond `batch_size`, that of the preparation and of the graph does, and the
    exact search for neighbours grows with its square; see `neighbor_search` of
    :class:`TEMI`, which is "auto" here.

    References
    ----------
    .. [1] A. Gadetsky, Y. Jiang, M. Brbić, "Let go of your labels with unsupervised
       transfer", ICML 2024.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.metrics import adjusted_rand_score
    >>> from skdeepclust import Turtle
    >>> X, y = make_blobs(300, n_features=16, centers=3, random_state=1)
    >>> head = Turtle(3, random_state=0).fit(X)
    >>> adjusted_rand_score(y, head.labels_)
    1.0
    """

    _parameter_constraints = {
        **BaseHead._parameter_constraints,
        "spaces": [list, tuple, None],
        "init": [StrOptions({"spectral", "random"}), HasMethods(["fit_predict"])],
        "gamma": [Interval(Real, 0, None, closed="left")],
        "n_inner": [Interval(Integral, 1, None, closed="left")],
        "inner_lr": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        n_clusters=10,
        *,
        max_clusters=30,
        spaces=None,
        init="spectral",
        scale="standard",
        n_components=128,
        gamma=10.0,
        n_inner=10,
        inner_lr=1e-3,
        max_epochs=300,
        batch_size=10_000,
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
        self.n_clusters = n_clusters
        self.max_clusters = max_clusters
        self.spaces = spaces
        self.init = init
        self.scale = scale
        self.n_components = n_components
        self.gamma = gamma
        self.n_inner = n_inner
        self.inner_lr = inner_lr
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
        space_names = check_space_names(X)
        X, found = joined(X)
        if found is not None and self.spaces is not None:
            raise ValueError(
                "spaces must be None when X is a list of arrays, one per space."
            )
        device, rows = super()._check(X)
        names = getattr(self, "feature_names_in_", None)
        spaces = self.spaces if found is None else found
        self._columns_ = resolve_spaces(spaces, rows.shape[1], names)
        self._is_list_ = found is not None
        self._space_names_ = space_names
        return device, rows

    def _data(self, X):
        check_space_names(X, getattr(self, "_space_names_", None))
        X, found = joined(X)
        if found is not None:
            self._check_widths(found)
        return super()._data(X)

    def _check_widths(self, found):
        """Refuse arrays that are not those of `fit`."""
        widths = [each.stop - each.start for each in found]
        fitted = [len(each) for each in self._columns_]
        if not self._is_list_ or widths != fitted:
            kind = f"arrays of {fitted} columns" if self._is_list_ else "one array"
            raise ValueError(
                f"X is a list of arrays of {widths} columns, but {type(self).__name__} "
                f"was fitted to {kind}."
            )

    def _fit(self, X, device, seed, progress):
        # 1. Prepared spaces.
        data = self._data_of(X, device)
        spaces = [_space(data, each) for each in self._columns_]
        preparations = [
            fit_preparation(space, self.scale, self._n_kept) for space in spaces
        ]
        batch_size = self._batch(len(X))
        if is_auto(self.n_clusters):
            seen = self._seen(spaces, preparations)
            self._find_number([seen], seed, lambda: main_components(data, seed))
        net = self._net(preparations, device, batch_size)
        rows = _prepared_rows(net.module_, data)

        # 2. Labels that begin with given clusters.
        start = progress.keeper.once(
            "start", lambda: self._start(spaces, preparations, seed)
        )
        if start is not None:
            net.learn(LabelledBatches(rows, start, batch_size, seed))
        self.init_labels_ = None if start is None else start[0]

        # 3. Labels, and classifiers that learn them. An epoch is a step.
        own = derived_seed(seed, "batches")
        batches = Batches(rows, batch_size, seed=own, n_batches=1)
        run = Run(net, rows, progress, n_epochs=int(self.max_epochs))
        for _ in run:
            net.train_on(batches)

        self.net_, self.n_iter_ = net, len(net.history)
        columns = ("epoch", "loss", "classification_loss")
        self.history_ = {"training": history_table(net, columns)}
        self.stop_reason_ = run.stop_reason or f"max_epochs={self.max_epochs} used up"
        self._finish(data)
        self._set_merge_history(lambda: self._seen(spaces, preparations), seed)

    def _net(self, preparations, device, batch_size):
        return TurtleNet(
            SpaceHeads(self._columns_, preparations, self._n_clusters_),
            gamma=float(self.gamma),
            n_inner=int(self.n_inner),
            inner_lr=float(self.inner_lr),
            stage="training",
            **self._net_params(device, batch_size),
        ).initialize()

    def _start(self, spaces, preparations, seed):
        """Clusters that the labels begin with ``(1, n)``, or None."""
        if isinstance(self.init, str) and self.init == "random":
            return None
        Z = self._seen(spaces, preparations)
        own = derived_seed(seed, "lists")
        shape = (self._n_clusters_, 1, _N_INIT)
        return first_clusters(
            self.init,
            Z,
            lambda: neighbors_of(Z, _N_NEIGHBORS, "auto", own),
            *shape,
            seed,
        )

    def _seen(self, spaces, preparations):
        """Rows of all spaces side by side, each of length one and not too wide."""
        if self._n_kept is None or self._n_kept > _MOST_SEEN:
            preparations = [
                fit_preparation(space, self.scale, _MOST_SEEN) for space in spaces
            ]
        parts = [unit_rows(prepared(*each)) for each in zip(preparations, spaces)]
        return parts[0] if len(parts) == 1 else np.hstack(parts)

    @property
    def _n_kept(self):
        return None if self.n_components is None else int(self.n_components)

    def score(self, X: Any, y: Any = None) -> float:
        """Accuracy with which linear classifiers predict the clusters of X.

        Logistic regressions are fitted to the prepared rows of each space and the
        predicted clusters, and tested on samples that they have not seen, in up to ten
        folds. The score is the mean over folds and spaces. It uses no labels of the
        user.

        It measures how linear the clusters are in these spaces, not whether they are
        the classes that one looks for. Trivial clusters have a high score too: one
        large cluster and a few outliers, or half-spaces along the first main component.
        Read it beside the sizes of the clusters, and compare fits of the same
        `n_clusters`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or list of arrays
            Samples; of more than 10,000 an evenly spaced part is used.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        score : float
            Accuracy from 0 to 1. Clusters of one sample are left out. With fewer than
            two clusters left it is 0: there is nothing to classify.
        """
        check_is_fitted(self)
        data = self._data(X)
        labels = self._assign(self._embed(data))
        kept = _scored(labels)
        if len(np.unique(labels[kept])) < 2:
            return 0.0
        rows = data.take(torch.from_numpy(kept)).flatten(1).cpu().numpy()
        part = TensorData(rows, rows.shape[1:], data.device)
        network: Any = self.net_.module_.eval()
        scores = []
        for i in range(network.n_spaces):
            Z = map_blocks(partial(network.space, i), part).cpu().numpy()
            scores.append(_cross_validated(Z, labels[kept]))
        return float(np.mean(scores))


def _space(data, columns):
    """Samples of one space."""
    index = torch.from_numpy(columns).to(data.device)
    return MappedRows(data, lambda X: X.flatten(1)[:, index], len(columns))


def _prepared_rows(network, data):
    """Prepared rows of all spaces: kept, or made for every batch if they are large."""
    width = sum(network.widths)
    if 4 * len(data) * width > _MOST_KEPT:
        return MappedRows(data, network.prepare, width)
    return TensorData(prepared(network.prepare, data), (width,), data.device)


def _scored(labels):
    """Positions of the samples that are scored: no clusters of a single one."""
    kept = np.arange(0, len(labels), max(1, -(-len(labels) // _MOST_SCORED)))
    sizes = np.bincount(labels[kept])
    return kept[sizes[labels[kept]] > 1]


def _cross_validated(Z, labels):
    """Mean accuracy of logistic regressions over the folds."""
    n_folds = min(_FOLDS, int(np.bincount(labels)[np.unique(labels)].min()))
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=0)
    model = LogisticRegression(max_iter=_LOGISTIC_STEPS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return float(np.mean(cross_val_score(model, Z, labels, cv=folds)))
