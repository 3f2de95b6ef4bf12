"""Deep convolutional embedded clustering."""

from numbers import Real

import torch

from skdeepclust._base import DecoderMixin
from skdeepclust._compat import Interval
from skdeepclust._joint import BaseJointEstimator

__all__ = ["DCEC"]


class DCEC(DecoderMixin, BaseJointEstimator):
    r"""Deep convolutional embedded clustering.

    An autoencoder is pretrained, k-means in its code gives cluster centres, and
    then network and centres are trained together: soft assignments of the samples
    to the centres are pulled towards a sharper version of themselves, while the
    reconstruction loss keeps the code faithful to the data [1]_.

    With images the network is convolutional; other rows get a dense one, which
    makes the method :class:`IDEC` [2]_ in all but name.

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
    pretrain_epochs : int or "auto", default="auto"
        Passes through the data that the autoencoder is trained alone. "auto" takes as
        many as make 20,000 steps, but at least 20 and at most 200; 200 is what the
        reference code takes. With 0 the network stays as it is.
    max_iter : int, default=20000
        Most steps of joint training. The default is that of the reference code. 0
        leaves out joint training: "autoencoder + k-means".
    update_interval : int, default=140
        Steps between two updates of the target distribution, each of which embeds
        the whole data set. The default is that of the reference code.
    tol : float, default=1e-3
        Joint training stops when the share of samples that changed their cluster
        between two updates is below `tol`. The default is the paper's. With 0 it does
        not stop for this reason.
    n_iter_no_change : int or None, default=10
        Joint training stops, too, when that share has not been lower than ever before
        for so many updates: what still changes is then the noise of training. None
        is the papers'.
    batch_size : int or "auto", default="auto"
        Samples per step. "auto" is 32 below some 1,450 samples, 64 below 11,600, 128
        below 23,200 and the papers' 256 above: with 256 an epoch of small data has so
        few steps that the network hardly learns (``benchmarks/README.md`` has the
        measurement).
    augment : "auto", callable or None, default="auto"
        Random changes of the images of a training batch [3]_. "auto" takes
        :class:`~skdeepclust.RandomAffine`: shifts, rotations and changes of size of up
        to a tenth or 10 degrees, and mirroring only for images of several channels; it
        is None for rows that are no images. A callable maps a batch ``(n, C, H, W)``
        to one of that shape. Targets, labels and the stop rule come from X as it is;
        the losses of both stages are taken on the changed images. None is the DCEC
        paper's.
    lr : float, default=1e-3
        Learning rate of both stages. The default is Adam's, which the reference
        code uses.
    optimizer : torch optimiser class, default=torch.optim.Adam
        Optimiser of both stages, made anew for the second. Its one-kernel
        ("fused") form is used where torch has one.
    init : "spectral", "kmeans", array-like or estimator, default="spectral"
        Where joint training starts. "spectral" takes the means of the clusters that
        :class:`~skdeepclust.LandmarkSpectralClustering` finds in the code, which need
        not be round as those of k-means. It finds a few clusters too many, and those
        that are most like one Gaussian are merged; of 8 such clusterings of at most
        20,000 codes the one whose clusters are the likeliest as Gaussians is taken.
        With fewer than 20 samples per cluster or more than 100 clusters it is k-means.
        "kmeans" is the papers'.
        Also given centres of shape (n_clusters, embedding_dim), or the means of the
        clusters that any scikit-learn clusterer or mixture finds. Its `n_clusters` or
        `n_components` is set on a clone, and so is its `random_state` where that is
        None.
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
    cluster_images_ : ndarray of shape (n_clusters, ...)
        Decoded centres, images (C, H, W) or rows of n_features values.
    init_labels_ : ndarray of shape (n_samples,)
        Labels before joint training, by `init`.
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
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
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
    IDEC : The same with a dense network.
    DEC : Without the reconstruction loss.
    Autoencoder : The first stage alone, as a transformer.
    sklearn.cluster.KMeans : The baseline to compare with.

    Notes
    -----
    1. The autoencoder is trained to reconstruct X (`pretrain_epochs`).
    2. K-means on the codes z, or `init`, gives the centres :math:`\mu_j`.
    3. Joint training minimises

       .. math::

           L = L_r + \gamma L_c, \qquad
           L_r = \overline{(x - \hat{x})^2}, \qquad
           L_c = \frac{1}{n} \sum_{ij} p_{ij} \log \frac{p_{ij}}{q_{ij}}

       with q the :func:`~skdeepclust.soft_assignment` of the codes to the centres
       and p its :func:`~skdeepclust.target_distribution`, computed on the whole
       data set every `update_interval` steps and constant in between.
       Clusters of a clusterer other than k-means have other samples than those
       nearest to their mean: such clusters are themselves the first three targets.
    4. It ends when fewer than a share `tol` of the labels changed in
       `update_interval` steps, when this share falls no more, or after `max_iter`
       steps.

    The reference code takes the batches of the second stage in the order of X.
    Here one order is drawn and kept: X is often sorted by class. Centres that lose
    all their samples are put back on data, which the reference code does not do.

    The method prefers clusters of similar sizes, because the target distribution
    divides by the size of a cluster.

    Defaults that are not the paper's are what does best: `augment`, `init`,
    `batch_size`, `pretrain_epochs` and `n_iter_no_change`. The paper's recipe is
    ``DCEC(n_clusters, augment=None, init="kmeans", batch_size=256,
    pretrain_epochs=200, n_iter_no_change=None)``; ``benchmarks/README.md`` compares the
    two.

    References
    ----------
    .. [1] X. Guo, X. Liu, E. Zhu, J. Yin, "Deep clustering with convolutional
       autoencoders", ICONIP 2017.
    .. [2] X. Guo, L. Gao, X. Liu, J. Yin, "Improved deep embedded clustering with
       local structure preservation", IJCAI 2017.
    .. [3] X. Guo, E. Zhu, X. Liu, J. Yin, "Deep embedded clustering with data
       augmentation", ACML 2018.

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
        **BaseJointEstimator._parameter_constraints,
        "gamma": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_clusters=10,
        *,
        gamma=0.1,
        alpha=1.0,
        embedding_dim=10,
        image_shape="auto",
        module="auto",
        pretrain_epochs="auto",
        max_iter=20000,
        update_interval=140,
        tol=1e-3,
        n_iter_no_change=10,
        batch_size="auto",
        augment="auto",
        lr=1e-3,
        optimizer=torch.optim.Adam,
        init="spectral",
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
        self.n_iter_no_change = n_iter_no_change
        self.batch_size = batch_size
        self.augment = augment
        self.lr = lr
        self.optimizer = optimizer
        self.init = init
        self.n_init = n_init
        self.callbacks = callbacks
        self.device = device
        self.memory = memory
        self.verbose = verbose
        self.random_state = random_state
        self._set_skorch_params(skorch)

    def _describe_centers(self):
        self.cluster_images_ = self._decode(self.cluster_centers_)
