"""Deep embedded clustering."""

from numbers import Real

import torch

from skdeepclust._compat import Interval
from skdeepclust._joint import BaseJointEstimator
from skdeepclust._nets import check_optimizer

__all__ = ["DEC"]

_MOMENTUM = 0.9  # of SGD in the paper's code


class DEC(BaseJointEstimator):
    r"""Deep embedded clustering.

    An autoencoder is pretrained, clusters in its embedding give cluster centres,
    and then encoder and centres are trained together: soft assignments of the samples
    to the centres are pulled towards a sharper version of themselves. The decoder is
    not used in this stage [1]_.

    Parameters
    ----------
    n_clusters : int or "auto", default=10
        Number of clusters. "auto" finds it, see :ref:`the user guide <auto_number>`.
    max_clusters : int, default=30
        Largest number that ``n_clusters="auto"`` can find.
    alpha : float, default=1.0
        Degrees of freedom of the Student-t kernel, 1 in all the papers.
    embedding_dim : int or "auto", default="auto"
        Width of the embedding. "auto" is 10 for images, as in the papers. For rows it
        is the number of features, but at most 20.
    image_shape : "auto", None or tuple of ints, default="auto"
        Shape of an image. "auto" takes it from a 3-D or 4-D X; the rows of a 2-D X are
        then not images. None: never images. A tuple ``(C, H, W)``, or ``(H, W)`` for
        one channel, says that every row of X is an image of this shape; one of its
        numbers may be -1, as in a reshape.
    module : str, nn.Module class or nn.Module, default="residual"
        The network. "residual" is :class:`~skdeepclust.networks.ResidualAutoencoder`,
        a small network that starts as the main components; "dense" is the paper's,
        :class:`~skdeepclust.networks.DenseAutoencoder`. Images are flattened for both.
        "conv" is :class:`~skdeepclust.networks.ConvAutoencoder`, for images. "auto"
        takes "conv" for images and "residual" for other rows. Your own is a module with
        ``encode(X) -> Z`` and ``decode(Z) -> X``. A class gets `input_shape` and
        `embedding_dim` if its constructor has arguments of these names; an instance is
        copied together with its weights.
    pretrain_epochs : int or "auto", default="auto"
        Passes through the data of the pretraining. "auto" makes 20,000 steps in 20 to
        200 passes for images, and 5,000 steps in 20 to 50 passes for rows; 200 is the
        number of the reference code. With 0 the network stays as it is.
    max_iter : int, default=20000
        Largest number of steps of joint training. The default is that of the reference
        code. 0 leaves joint training out: clusters are then those of `init` in the
        embedding.
    update_interval : int, default=140
        Steps between two updates of the target distribution. Each update embeds the
        whole data set. The default is that of the reference code.
    tol : float, default=1e-3
        Joint training stops when the share of samples that changed their cluster
        between two updates is below `tol`. The default is the paper's. 0 switches this
        off.
    n_iter_no_change : int or None, default=10
        Also stop when the share of changed labels has not reached a new minimum for
        this many updates. None switches this off, as in the papers.
    batch_size : int or "auto", default="auto"
        Samples per step. "auto" grows with the number of samples, from 32 to the 256 of
        the papers; see :ref:`the user guide <batch-size>`.
    augment : "auto", callable or None, default=None
        Random changes of the images of a training batch. None, the default, is the
        paper's. "auto" takes :class:`~skdeepclust.RandomAffine` for images; see
        :ref:`the user guide <augmentation>`.
    lr : float, default=0.01
        Learning rate of joint training. The default is the paper's.
    optimizer : torch optimiser class, default=torch.optim.SGD
        Optimiser of joint training. SGD has a momentum of 0.9, as in the paper's code,
        unless ``optimizer__momentum`` is given. Its one-kernel ("fused") form is used
        if torch has one.
    pretrain_lr : float, default=1e-3
        Learning rate of the pretraining.
    pretrain_optimizer : torch optimiser class, default=torch.optim.Adam
        Optimiser of the pretraining, with its own defaults. The paper pretrains layer
        by layer with stochastic gradient descent; Adam on the whole autoencoder needs
        fewer epochs, as in the DCEC reference code.
    init : {"auto", "spectral", "kmeans"}, array-like or estimator, default="auto"
        Start of joint training. "auto" takes, with the "residual" network, the clusters
        of :class:`AutoClustering` in the main components of X. With any other network
        it takes the main components or the embedding, whichever has clusters that are
        further apart: a consensus of landmark spectral clusterings, or clusters with
        clearly deeper valleys in between. "spectral" takes the most likely of several
        spectral clusterings of the embedding, "kmeans" is the papers'.
        Centres of shape (n_clusters, embedding_dim), labels of shape (n_samples,) of
        another clustering, or any scikit-learn clusterer can be given; see :ref:`the
        user guide <start-of-joint-training>`.
    n_init : int, default=20
        Starts of k-means. The default is that of the reference code.
    unassigned_share : float, default=0.0
        Share of the samples that stay unassigned (label -1): those with the lowest
        confidence, the largest value of `predict_proba`. New samples below
        `least_confidence_` stay unassigned too. 0 assigns every sample. The training is
        the same.
    callbacks : list of skorch callbacks, default=None
        Callbacks of both nets, each of which works on copies. They may monitor the
        columns of the history (``monitor="train_loss"`` in both stages, "label_change"
        and others in the second); there is no validation loss. A callback that stops
        the first stage lets the second begin.
    checkpoint : path, FitCheckpoint or None, default=None
        File that the state of the training is written to every minute and at the end
        of every stage. The same `fit` goes on from it after a crash, equal to the bit
        on a CPU; other X, parameters or versions are refused.
        :class:`~skdeepclust.FitCheckpoint` sets how often. See :ref:`the user guide
        <checkpoints>`.
    warm_start : bool, default=False
        Whether a further `fit` to the same X goes on from the last one, with a larger
        `max_iter`. The fitted estimator then holds the state of the optimiser too.
    device : str or torch.device, default="auto"
        Where to compute. "auto" takes CUDA, else MPS, else the CPU.
    memory : path, joblib.Memory or None, default=None
        Where to cache the pretrained network. A search over `gamma`, `n_clusters`,
        `tol` and the like then pretrains once per fold. Callbacks and progress of the
        first stage do not run when the network comes from the cache.
    verbose : int, default=0
        With 1 or more a line is printed after every epoch and target update.
    random_state : int, RandomState instance or None, default=None
        Governs initial weights, `init`, the order of the batches and augmentation. Two
        fits with the same integer are equal to the bit on a CPU. None draws fresh
        entropy. The global generators of numpy and torch are never touched.
    **skorch : dict
        Parameters passed on with skorch's prefixes: ``module__*`` (such as
        ``module__filters`` or ``module__hidden_dims``), ``optimizer__*`` (of joint
        training), ``callbacks__*``, ``compile`` and ``compile__*``.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,)
        Cluster of every sample, -1 for those that are unassigned. Equal to
        ``predict(X)``.
    n_clusters_ : int
        Number of clusters: the one that was found, or that was asked for.
    merge_history_ : list of dicts
        Only with ``n_clusters="auto"``: which clusters would be merged next, down to
        one. "clusters" are the two, of which the first gives the new one its name;
        "n_clusters" is the number afterwards, and "score" the depth of the valley
        between the two, in standard deviations.
    cluster_centers_ : ndarray of shape (n_clusters, embedding_dim)
        Trained centres in the embedding.
    init_labels_ : ndarray of shape (n_samples,)
        Labels before joint training, by `init`.
    least_confidence_ : float
        Confidence below which a sample is unassigned; 0 with ``unassigned_share=0``.
    net_ : skorch.NeuralNet
        The net of joint training, to be looked at: `module_`, `optimizer_`, `history`
        and `callbacks_`. Its module holds network and centres. It cannot be fitted
        again.
    module_ : nn.Module
        The trained autoencoder, with `encode` and `decode`; the decoder is as
        pretraining left it.
    history_ : dict
        Two tables, each a dict of columns that ``pandas.DataFrame`` takes as it is.
        ``history_["pretraining"]`` has a row per epoch: "epoch", "loss", "dur".
        ``history_["clustering"]`` has a row per target update: "epoch" (the update),
        "step" (steps done), "loss" and "clustering_loss" (the same here: means over the
        steps since the last update), "label_change" (share of samples that changed
        their cluster since the last update), "n_effective_clusters" (exponential of the
        entropy of the cluster sizes), "n_reseeded" (centres without samples that this
        update put back on data), "dur" (seconds).
    n_iter_ : int
        Steps of joint training done.
    converged_ : bool
        Whether joint training ended by `tol` or `n_iter_no_change`.
    stop_reason_ : str
        Why joint training ended.
    image_shape_ : tuple of 3 ints or None
        Channels, height and width of an image; None if rows are not images.
    n_features_in_ : int
        Number of values per sample.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X has them.

    Warns
    -----
    ConvergenceWarning
        When `max_iter` is reached before `tol` or `n_iter_no_change`.
    ClusterNumberWarning
        When ``n_clusters="auto"`` finds a number that deserves a doubt, such as one,
        two, or as many as `max_clusters`.
    ClusterCollapseWarning
        When the effective number of clusters is below half of `n_clusters`.
    DataScaleWarning
        When the values of X are too large or too small to train on.

    See Also
    --------
    IDEC : Keeps the reconstruction loss.
    DCEC : Keeps it, with a convolutional network.

    Notes
    -----
    The steps are those of :class:`DCEC`; the loss is its :math:`L_c` alone,

    .. math::

        L = \frac{1}{n} \sum_{ij} p_{ij} \log \frac{p_{ij}}{q_{ij}}.

    Nothing keeps the embedding faithful to the data, so that `inverse_transform` is
    missing. Longer training makes the clusters of a bad start tighter, but does not
    separate them.

    The defaults of `module`, `embedding_dim`, `init`, `batch_size`, `pretrain_epochs`
    and `n_iter_no_change` are not the paper's; :meth:`as_published` has its recipe.
    `augment`, which is off by default, is from [2]_.

    References
    ----------
    .. [1] J. Xie, R. Girshick, A. Farhadi, "Unsupervised deep embedding for
       clustering analysis", ICML 2016.
    .. [2] X. Guo, E. Zhu, X. Liu, J. Yin, "Deep embedded clustering with data
       augmentation", ACML 2018.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from skdeepclust import DEC
    >>> X = scale(load_iris().data)
    >>> dec = DEC(3, module__hidden_dims=(32,), pretrain_epochs=5, random_state=0)
    >>> dec.fit_predict(X).shape
    (150,)
    """

    _published = {**BaseJointEstimator._published, "module": "dense"}

    _parameter_constraints = {
        **BaseJointEstimator._parameter_constraints,
        "pretrain_lr": [Interval(Real, 0, None, closed="neither")],
        "pretrain_optimizer": [callable],
    }

    _pretrain_lr_name = "pretrain_lr"

    def __init__(
        self,
        n_clusters=10,
        *,
        max_clusters=30,
        alpha=1.0,
        embedding_dim="auto",
        image_shape="auto",
        module="residual",
        pretrain_epochs="auto",
        max_iter=20000,
        update_interval=140,
        tol=1e-3,
        n_iter_no_change=10,
        batch_size="auto",
        augment=None,
        lr=0.01,
        optimizer=torch.optim.SGD,
        pretrain_lr=1e-3,
        pretrain_optimizer=torch.optim.Adam,
        init="auto",
        n_init=20,
        unassigned_share=0.0,
        callbacks=None,
        checkpoint=None,
        warm_start=False,
        device="auto",
        memory=None,
        verbose=0,
        random_state=None,
        **skorch,
    ):
        self.n_clusters = n_clusters
        self.max_clusters = max_clusters
        self.alpha = alpha
        self.embedding_dim = embedding_dim
        self.image_shape = image_shape
        self.module = module
        self.pretrain_epochs = pretrain_epochs
        self.max_iter = max_iter
        self.update_interval = update_interval
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.batch_size = batch_size
        self.augment = augment
        self.lr = lr
        self.optimizer = optimizer
        self.pretrain_lr = pretrain_lr
        self.pretrain_optimizer = pretrain_optimizer
        self.init = init
        self.n_init = n_init
        self.unassigned_share = unassigned_share
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.warm_start = warm_start
        self.device = device
        self.memory = memory
        self.verbose = verbose
        self.random_state = random_state
        self._set_skorch_params(skorch)

    def _pretrain_params(self):
        params = {
            name: value
            for name, value in super()._pretrain_params().items()
            if not name.startswith("optimizer__")
        }
        return params | {"optimizer": self.pretrain_optimizer, "lr": self.pretrain_lr}

    def _check_optimizers(self):
        super()._check_optimizers()
        check_optimizer(
            self.pretrain_optimizer,
            float(self.pretrain_lr),
            {},
            name="pretrain_optimizer",
            lr_name="pretrain_lr",
        )

    def _net_params(self, device, batch_size):
        params = super()._net_params(device, batch_size)
        if self.optimizer is torch.optim.SGD:
            params.setdefault("optimizer__momentum", _MOMENTUM)
        return params
