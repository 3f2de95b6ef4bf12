"""Deep convolutional embedded clustering."""

import math
import os
import warnings
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import ClusterMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, check_memory

from skdeepclust._autoencoder import Autoencoder, pretrain
from skdeepclust._base import BaseAutoencoderEstimator
from skdeepclust._batches import Batches, Rows, map_blocks, resolve_batch_size
from skdeepclust._compat import HasMethods, Interval
from skdeepclust._device import derived_seed
from skdeepclust._functional import target_distribution
from skdeepclust._kmeans import (
    effective_clusters,
    initial_centers,
    reseed_dead_centers,
)
from skdeepclust._nets import ClusteringNet, history_table
from skdeepclust.metrics import latent_silhouette
from skdeepclust.networks import ClusteringAutoencoder
from skdeepclust.networks._resolve import module_key

__all__ = ["DCEC"]

# Columns of history_["clustering"].
_COLUMNS = (
    *("epoch", "step", "loss", "reconstruction_loss", "clustering_loss"),
    *("label_change", "n_effective_clusters", "n_reseeded", "dur"),
)


class DCEC(ClusterMixin, BaseAutoencoderEstimator):
    r"""Deep convolutional embedded clustering.

    An autoencoder is pretrained, k-means in its code gives cluster centres, and
    then network and centres are trained together: soft assignments of the samples
    to the centres are pulled towards a sharper version of themselves, while the
    reconstruction loss keeps the code faithful to the data [1]_.

    With images the network is convolutional; other rows get a dense one, which
    makes the method IDEC [2]_ in all but name.

    Parameters
    ----------
    n_clusters : int, default=10
        Number of clusters.
    gamma : float, default=0.1
        Weight of the clustering loss. The default is the paper's and belongs to
        the reductions used here: squared error averaged over values and samples,
        divergence summed over clusters and averaged over samples.
    alpha : float, default=1.0
        Degrees of freedom of the Student-t kernel, 1 in all the papers.
    embedding_dim : int, default=10
        Width of the code. The default is the paper's.
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
    pretrain_epochs : int, default=200
        Passes through the data that the autoencoder is trained alone. The default
        is that of the reference code.
    max_iter : int, default=20000
        Most steps of joint training. The default is that of the reference code. 0
        leaves out joint training: "autoencoder + k-means".
    update_interval : int, default=140
        Steps between two updates of the target distribution, each of which embeds
        the whole data set. The default is that of the reference code.
    tol : float, default=1e-3
        Joint training stops when the share of samples that changed their cluster
        between two updates is below `tol`. The default is the paper's.
    batch_size : int or "auto", default="auto"
        Samples per step. "auto" is the paper's 256 from 8192 samples upwards. Below
        that it is the power of two nearest to a 32nd of the samples, at least 32:
        with 256 an epoch of small data has so few steps that the network hardly
        learns (``benchmarks/README.md`` has the measurement).
    lr : float, default=1e-3
        Learning rate of both stages. The default is Adam's, which the reference
        code uses.
    optimizer : torch optimiser class, default=torch.optim.Adam
        Optimiser of both stages, made anew for the second. Its one-kernel
        ("fused") form is used where torch has one.
    n_init : int, default=20
        Starts of k-means. The default is that of the reference code.
    callbacks : list of skorch callbacks, default=None
        Callbacks of both nets, each of which works on copies. They may monitor the
        columns of the history (``monitor="train_loss"`` in both stages,
        "label_change" and others in the second); there is no validation loss. A
        callback that stops the first stage lets the second begin.
    device : str or torch.device, default="auto"
        Where to compute. "auto" takes CUDA, else MPS, else the CPU.
    memory : path, joblib.Memory or None, default=None
        Where to cache the pretrained autoencoder. A search over `gamma`,
        `n_clusters`, `tol` and the like then pretrains once per fold. Callbacks
        and progress of the first stage do not run when it comes from the cache.
    verbose : int, default=0
        With 1 or more a line is printed after every epoch and target update.
    random_state : int, RandomState instance or None, default=None
        Governs initial weights, k-means and the order of the batches. Two fits with
        the same integer are equal to the bit on a CPU. None draws fresh entropy;
        the global generators of numpy and torch are left alone in every case.
    **skorch : dict
        Parameters passed on with skorch's prefixes: ``module__*`` (such as
        ``module__filters`` or ``module__hidden_dims``), ``optimizer__*``,
        ``callbacks__*``, ``compile`` and ``compile__*``.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,)
        Cluster of every sample. Equal to ``predict(X)``.
    cluster_centers_ : ndarray of shape (n_clusters, embedding_dim)
        Trained centres in the code.
    cluster_images_ : ndarray of shape (n_clusters, C, H, W) or \
            (n_clusters, n_features)
        Decoded centres.
    init_labels_ : ndarray of shape (n_samples,)
        Labels of k-means before joint training.
    net_ : skorch.NeuralNet
        The net of the second stage. Its module holds autoencoder and centres.
    module_ : nn.Module
        The trained autoencoder, with `encode` and `decode`.
    history_ : dict
        Two tables, each a dict of columns that ``pandas.DataFrame`` takes as it is.
        ``history_["pretraining"]`` has a row per epoch: "epoch", "loss", "dur".
        ``history_["clustering"]`` has a row per target update: "epoch" (the update),
        "step" (steps done),
        "loss", "reconstruction_loss" and "clustering_loss" (means over the steps
        since the last update; "loss" is the first plus `gamma` times the second),
        "label_change" (share of samples that changed their cluster since the last
        update), "n_effective_clusters" (exponential of the entropy of the cluster
        sizes), "n_reseeded" (centres without samples that were put back on data),
        "dur" (seconds).
    n_iter_ : int
        Steps of joint training done.
    converged_ : bool
        Whether joint training ended by `tol`.
    stop_reason_ : str
        Why joint training ended.
    image_shape_ : tuple of 3 ints or None
        Channels, height and width of an image; None when rows are not images.
    n_features_in_ : int
        Number of values per sample.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, when X had them.

    Warns
    -----
    ConvergenceWarning
        When `max_iter` is reached before `tol`.
    ClusterCollapseWarning
        When the effective number of clusters is below half of `n_clusters`.
    DataScaleWarning
        When values of X are of a size that training suffers from.

    See Also
    --------
    Autoencoder : The first stage alone, as a transformer.
    sklearn.cluster.KMeans : The baseline to compare with.

    Notes
    -----
    1. The autoencoder is trained to reconstruct X (`pretrain_epochs`).
    2. K-means on the codes z gives the centres :math:`\mu_j`.
    3. Joint training minimises

       .. math::

           L = L_r + \gamma L_c, \qquad
           L_r = \overline{(x - \hat{x})^2}, \qquad
           L_c = \frac{1}{n} \sum_{ij} p_{ij} \log \frac{p_{ij}}{q_{ij}}

       with q the :func:`~skdeepclust.soft_assignment` of the codes to the centres
       and p its :func:`~skdeepclust.target_distribution`, computed on the whole
       data set every `update_interval` steps and constant in between.
    4. It ends when fewer than a share `tol` of the labels changed in
       `update_interval` steps, or after `max_iter` steps.

    The reference code takes the batches of the second stage in the order of X.
    Here one order is drawn and kept: X is often sorted by class. Centres that lose
    all their samples are put back on data, which the reference code does not do.

    The method prefers clusters of similar sizes, because the target distribution
    divides by the size of a cluster.

    References
    ----------
    .. [1] X. Guo, X. Liu, E. Zhu, J. Yin, "Deep clustering with convolutional
       autoencoders", ICONIP 2017.
    .. [2] X. Guo, L. Gao, X. Liu, J. Yin, "Improved deep embedded clustering with
       local structure preservation", IJCAI 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skdeepclust import DCEC
    >>> X = load_digits().images[:300] / 16
    >>> dcec = DCEC(n_clusters=10, pretrain_epochs=2, tol=0.2, random_state=0)
    >>> labels = dcec.fit_predict(X)
    >>> labels.shape, dcec.cluster_images_.shape
    ((300,), (10, 1, 8, 8))
    """

    _parameter_constraints = {
        **{
            name: constraint
            for name, constraint in Autoencoder._parameter_constraints.items()
            if name != "max_epochs"
        },
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "gamma": [Interval(Real, 0, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "pretrain_epochs": [Interval(Integral, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "update_interval": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "memory": [str, os.PathLike, HasMethods(["cache"]), None],
    }

    _n_stages = 2

    def __init__(
        self,
        n_clusters=10,
        *,
        gamma=0.1,
        alpha=1.0,
        embedding_dim=10,
        image_shape="auto",
        module="auto",
        pretrain_epochs=200,
        max_iter=20000,
        update_interval=140,
        tol=1e-3,
        batch_size="auto",
        lr=1e-3,
        optimizer=torch.optim.Adam,
        n_init=20,
        callbacks=None,
        device="auto",
        memory=None,
        verbose=0,
        random_state=None,
        **skorch,
    ):
        self.n_clusters = n_clusters
        self.gamma = gamma
        self.alpha = alpha
        self.embedding_dim = embedding_dim
        self.image_shape = image_shape
        self.module = module
        self.pretrain_epochs = pretrain_epochs
        self.max_iter = max_iter
        self.update_interval = update_interval
        self.tol = tol
        self.batch_size = batch_size
        self.lr = lr
        self.optimizer = optimizer
        self.n_init = n_init
        self.callbacks = callbacks
        self.device = device
        self.memory = memory
        self.verbose = verbose
        self.random_state = random_state
        self._set_skorch_params(skorch)

    def _check_n_samples(self, n_samples):
        if n_samples < self.n_clusters:
            raise ValueError(
                f"n_samples={n_samples} should be >= n_clusters={self.n_clusters}."
            )

    def _fit(self, X, device, seed, progress):
        # 1. The autoencoder alone.
        autoencoder = self._pretrain(X, seed, progress)
        self._input_shape = autoencoder._input_shape
        self._code_width = autoencoder._code_width
        module = autoencoder.module_.to(device)

        # 2. K-means in its code.
        rows = Rows(X, self._input_shape, device)
        module.eval()
        Z = map_blocks(module.encode, rows)
        centers, self.init_labels_ = initial_centers(
            Z.cpu().numpy(), self.n_clusters, self.n_init, derived_seed(seed, "kmeans")
        )

        # 3. and 4. Network and centres together.
        batch_size = resolve_batch_size(self.batch_size, len(X))
        net = ClusteringNet(
            ClusteringAutoencoder(module, torch.from_numpy(centers), self.alpha),
            gamma=self.gamma,
            stage="joint training",
            **self._net_params(device, batch_size),
        ).initialize()
        batches = Batches(
            rows, batch_size, seed=derived_seed(seed, "order"), shuffle=False
        )
        labels = self._train_jointly(net, batches, progress)

        self.net_ = net
        self.labels_ = labels
        self.cluster_centers_ = net.module_.centers.detach().cpu().numpy().copy()
        self.cluster_images_ = self._decode(self.cluster_centers_)
        self.history_ = {
            **autoencoder.history_,
            "clustering": history_table(net, _COLUMNS),
        }
        self._warn_about_health()

    def _pretrain(self, X, seed, progress):
        shared = set(Autoencoder._parameter_constraints) - {"max_epochs"}
        params = {name: getattr(self, name) for name in shared}
        params.update(self._skorch_params())
        params.update(
            max_epochs=self.pretrain_epochs,
            # One row is what `image_shape_` says, whatever layout X came in.
            image_shape=self.image_shape_,
            # None stays None, so that a cache finds what it has, as in a Pipeline.
            random_state=None if self.random_state is None else seed,
            verbose=0,
        )
        module = params.pop("module")
        memory = check_memory(None if self.memory is None else self._memory())
        cached_pretrain = memory.cache(
            pretrain, ignore=["module", "progress", "verbose"]
        )
        return cached_pretrain(
            Autoencoder(**params),
            X,
            module_key=module_key(module) if self.memory is not None else None,
            module=module,
            progress=progress,
            verbose=self.verbose,
        )

    def _memory(self):
        is_path = isinstance(self.memory, os.PathLike)
        return os.fspath(self.memory) if is_path else self.memory

    def _train_jointly(self, net, batches, progress):
        """Train until few labels change; return the labels."""
        rows = batches.rows
        n_updates = math.ceil(self.max_iter / self.update_interval)
        self.n_iter_, self.converged_ = 0, False
        self.stop_reason_ = (
            f"max_iter={self.max_iter} used up"
            if self.max_iter
            else "max_iter=0: joint training left out"
        )
        Q, labels, n_reseeded_before = self._update(net, rows)
        with (
            progress.stage("joint training", n_updates) as stage,
            net.training(rows),
        ):
            for _ in range(n_updates):
                batches.n_batches = min(
                    self.update_interval, self.max_iter - self.n_iter_
                )
                batches.targets = target_distribution(Q)
                with (
                    stage.step("target update", lambda: self._snapshot(net)) as step,
                    net.epoch(rows) as epoch,
                ):
                    net.train_on(batches)
                    self.n_iter_ += batches.n_batches
                    Q, new_labels, n_reseeded = self._update(net, rows)
                    label_change = float(np.mean(new_labels != labels))
                    labels = new_labels
                    epoch.record(
                        step=self.n_iter_,
                        label_change=label_change,
                        n_effective_clusters=effective_clusters(
                            labels, self.n_clusters
                        ),
                        n_reseeded=n_reseeded_before + n_reseeded,
                    )
                    n_reseeded_before = 0
                is_whole = batches.n_batches == self.update_interval
                if is_whole and label_change < self.tol:
                    self.converged_ = True
                    self.stop_reason_ = (
                        f"label change {label_change:.2g} below tol={self.tol:g}"
                    )
                    break
                if epoch.stop_requested or step.stop_requested:
                    self.stop_reason_ = "a callback stopped the training"
                    break
        if self.callbacks:  # one of them may have changed the weights since
            _, labels, _ = self._update(net, rows)
        return labels

    def _update(self, net, rows):
        """Assign the whole data set, after putting dead centres back on data.

        Returns
        -------
        Q : Tensor of shape (n_samples, n_clusters)
            Soft assignments.
        labels : ndarray of shape (n_samples,)
            Hard ones.
        n_reseeded : int
            Number of centres moved.
        """
        model = net.module_.eval()
        with torch.no_grad():
            Z = map_blocks(model.encode, rows)
            Q = model.assign(Z)
            moved = reseed_dead_centers(Z, model.centers.data, Q.argmax(dim=1))
            if len(moved):
                _forget_momenta(net.optimizer_, model.centers, moved)
                Q = model.assign(Z)
        return Q, Q.argmax(dim=1).cpu().numpy(), len(moved)

    def _snapshot(self, net):
        """Fitted attributes as they are now, for callbacks that evaluate."""
        centers = net.module_.centers.detach().cpu().numpy().copy()
        return {**self._fitted_attributes(), "net_": net, "cluster_centers_": centers}

    def _warn_about_health(self):
        self._warn_of_collapse(
            "Look at history_['clustering']['n_effective_clusters']; try a smaller "
            f"gamma (now {self.gamma:g}), more pretrain_epochs "
            f"(now {self.pretrain_epochs}), another random_state or a smaller "
            "n_clusters; and see that the values of X are about 1."
        )
        if self.max_iter and self.n_iter_ >= self.max_iter and not self.converged_:
            warnings.warn(
                f"Joint training used up max_iter={self.max_iter} steps while "
                f"{self.history_['clustering']['label_change'][-1]:.2g} of the labels "
                f"still changed between updates (tol={self.tol:g}). Increase max_iter "
                "or tol.",
                ConvergenceWarning,
                stacklevel=6,
            )

    def predict(self, X):
        """Cluster of every sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), (n_samples, H, W) or \
                (n_samples, C, H, W)
            Samples, in any layout of those seen in `fit`.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Index of the most probable cluster.
        """
        check_is_fitted(self, "net_")
        return self._assign(self._rows(X)).argmax(dim=1).cpu().numpy()

    def predict_proba(self, X):
        """Soft assignment q of every sample to every cluster.

        The values say how much nearer one centre is than the others. They are not
        calibrated probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), (n_samples, H, W) or \
                (n_samples, C, H, W)
            Samples, in any layout of those seen in `fit`.

        Returns
        -------
        Q : ndarray of shape (n_samples, n_clusters)
            Soft assignments, float32. Rows sum to one.
        """
        check_is_fitted(self, "net_")
        return self._assign(self._rows(X)).cpu().numpy()

    def score(self, X, y=None):
        """Mean silhouette of the predicted clusters in the code, without labels.

        It compares clusterings of one code. Joint training makes the code anew, and
        pulls the clusters together while it does: a larger `gamma` or a smaller
        `n_clusters` scores higher for that alone, and a code that has collapsed onto
        its centres highest of all. See
        :func:`skdeepclust.metrics.latent_silhouette`.

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
            Between -1 and 1, the higher the better; -1 where fewer than two
            clusters are predicted.
        """
        check_is_fitted(self, "net_")
        return latent_silhouette(self, X)

    def _assign(self, rows):
        with torch.no_grad():
            return self.net_.module_.assign(self._embed(rows))


def _forget_momenta(optimizer, centers, moved):
    """Forget what the optimiser remembers of centres that were moved."""
    for value in optimizer.state[centers].values():
        if torch.is_tensor(value) and value.shape == centers.shape:
            value[moved] = 0
