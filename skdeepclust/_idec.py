"""Improved deep embedded clustering."""

import torch

from skdeepclust._dcec import DCEC

__all__ = ["IDEC"]


class IDEC(DCEC):
    r"""Improved deep embedded clustering: DCEC with a dense network.

    A dense autoencoder is pretrained, k-means in its code gives cluster centres, and
    then network and centres are trained together: soft assignments of the samples to
    the centres are pulled towards a sharper version of themselves, while the
    reconstruction loss keeps the code faithful to the data [1]_.

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
    module : {"auto", "conv", "dense"}, nn.Module class or nn.Module, default="dense"
        The network. "dense" is the paper's,
        :class:`~skdeepclust.networks.DenseAutoencoder`; images are flattened for it.
        "conv" is :class:`~skdeepclust.networks.ConvAutoencoder`, for images, and
        "auto" takes it where there are images. Your own is a module with
        ``encode(X) -> Z`` and ``decode(Z) -> X``; a class gets `input_shape` and
        `embedding_dim` when its constructor takes arguments of these names, an
        instance is copied together with its weights.
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
    augment : "auto", callable or None, default=None
        Random changes of the images of a training batch. None, the default, is the
        paper's. "auto" takes :class:`~skdeepclust.RandomAffine`: shifts, rotations and
        changes of size of up to a tenth or 10 degrees, and mirroring only for images of
        several channels; it is None for rows that are no images. A callable maps a
        batch ``(n, C, H, W)`` to one of that shape. Targets, labels and the stop rule
        come from X as it is; the losses of both stages are taken on the changed images
        [2]_.
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
        ``module__hidden_dims``), ``optimizer__*``, ``callbacks__*``,
        ``compile`` and ``compile__*``.

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
    DCEC : The same with a convolutional network, where the formulas are.
    DEC : Without the reconstruction loss.

    Notes
    -----
    The steps and the loss are those of :class:`DCEC`. The paper pretrains layer by
    layer; here, as in later code of its authors, the whole autoencoder is trained at
    once, by Adam.

    References
    ----------
    .. [1] X. Guo, L. Gao, X. Liu, J. Yin, "Improved deep embedded clustering with
       local structure preservation", IJCAI 2017.
    .. [2] X. Guo, E. Zhu, X. Liu, J. Yin, "Deep embedded clustering with data
       augmentation", ACML 2018.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from skdeepclust import IDEC
    >>> X = scale(load_iris().data)
    >>> idec = IDEC(3, module__hidden_dims=(32,), pretrain_epochs=5, random_state=0)
    >>> idec.fit_predict(X).shape
    (150,)
    """

    def __init__(
        self,
        n_clusters=10,
        *,
        gamma=0.1,
        alpha=1.0,
        embedding_dim=10,
        image_shape="auto",
        module="dense",
        pretrain_epochs="auto",
        max_iter=20000,
        update_interval=140,
        tol=1e-3,
        n_iter_no_change=10,
        batch_size="auto",
        augment=None,
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
        super().__init__(
            n_clusters=n_clusters,
            gamma=gamma,
            alpha=alpha,
            embedding_dim=embedding_dim,
            image_shape=image_shape,
            module=module,
            pretrain_epochs=pretrain_epochs,
            max_iter=max_iter,
            update_interval=update_interval,
            tol=tol,
            n_iter_no_change=n_iter_no_change,
            batch_size=batch_size,
            augment=augment,
            lr=lr,
            optimizer=optimizer,
            init=init,
            n_init=n_init,
            callbacks=callbacks,
            device=device,
            memory=memory,
            verbose=verbose,
            random_state=random_state,
            **skorch,
        )
