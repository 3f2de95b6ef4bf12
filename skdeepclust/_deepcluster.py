"""DeepCluster: pseudo-labels from any clusterer train a convolutional network."""

import math
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.metrics import normalized_mutual_info_score
from torch import nn

from skdeepclust._augment import resolve_augmentation
from skdeepclust._auto_clustering import AutoClustering
from skdeepclust._base import BaseDeepClusterer, PublishedMixin
from skdeepclust._batches import DrawnBatches
from skdeepclust._clusterers import (
    Assignment,
    fit_predict_labels,
    make_clusterer,
    relabel,
)
from skdeepclust._compat import HasMethods, Interval, StrOptions
from skdeepclust._distributed import from_first
from skdeepclust._geometry import class_means, mean_squared_distance
from skdeepclust._initial_centers import main_components
from skdeepclust._n_clusters import AUTO_NUMBER, AutoNumberMixin, is_auto
from skdeepclust._nets import PseudoLabelNet, Run, history_table
from skdeepclust._pseudo_labels import (
    balanced_draw,
    spherical_kmeans,
    whiten,
    whitening,
)
from skdeepclust._random import derived_seed
from skdeepclust._regrouping import Regrouping
from skdeepclust._tensor_data import TensorData, map_blocks
from skdeepclust.networks._pseudo_label import PseudoLabelModel
from skdeepclust.networks._resolve import resolve_backbone

__all__ = ["DeepCluster"]

# Columns of history_["rounds"].
_COLUMNS = (
    *("epoch", "loss", "inertia", "nmi_previous", "smallest_class", "largest_class"),
    *("n_dropped", "dur"),
)

# n_pseudo_labels="auto": pseudo-classes per cluster, and the smallest mean number of
# samples per pseudo-class. See benchmarks/deepcluster.py.
_CLASSES_PER_CLUSTER, _SAMPLES_PER_CLASS = 5, 10

# For n_clusters="auto": pseudo-classes per cluster of `max_clusters`.
_CLASSES_OF_MOST = 2

# epochs_per_round="auto": steps that a new last layer needs to be of use.
_STEPS_PER_ROUND = 60

# A larger batch must not be larger than the data: a round draws whole batches.
_LARGEST_BATCH = 2**20

# Starts of the k-means that makes pseudo-labels: one, as every round makes new ones.
_N_INIT_OF_ROUND = 1


class DeepCluster(AutoNumberMixin, PublishedMixin, BaseDeepClusterer):
    r"""Clustering by a convolutional network trained on its own clusters.

    Features of all images are clustered, the clusters serve as labels to train the
    network for a while, its better features are clustered again, and so on [1]_. At
    the end the features are clustered into `n_clusters`.

    Parameters
    ----------
    n_clusters : int or "auto", default=10
        Number of clusters. "auto" finds it, see :ref:`the user guide <auto_number>`.
    max_clusters : int, default=30
        Largest number that ``n_clusters="auto"`` can find.
    clusterer : {"kmeans", "faiss"} or estimator, default="kmeans"
        Makes the pseudo-labels of every round: "kmeans" is scikit-learn's k-means,
        "faiss" that of faiss (an extra, for thousands of classes). Any scikit-learn
        clusterer or mixture, or a pipeline that ends in one, can be given.
        Its `n_clusters` or `n_components` is set on a clone, and its `random_state` if
        that is None; other parameters can be searched
        (``clusterer__covariance_type``). A clusterer without such a parameter, such as
        HDBSCAN, determines the number itself.
    final_clusterer : {"auto", "kmeans", "faiss"} or estimator, default="auto"
        Makes the final clusters of the features of the trained network. "auto" takes
        :class:`AutoClustering`, or `clusterer` if that is an estimator. After the
        former, parts of clusters may move, see Notes. K-means splits long clusters,
        and can lose what the network has learnt (``benchmarks/README.md``).
    n_pseudo_labels : int or "auto", default="auto"
        Number of pseudo-classes while training. More than `n_clusters` work better: a
        pseudo-class is then a sub-type (one way to write a digit), and a wrong border
        costs less. "auto" takes 5 per cluster, but leaves 10 samples per class on
        average (``benchmarks/README.md`` has the measurement).
    variant : {"deepcluster", "deepcluster-v2"}, default="deepcluster"
        "deepcluster" draws the last layer again in each round, as in [1]_.
        "deepcluster-v2" uses the centroids of a spherical k-means as a last layer that
        is not trained, as in [2]_, instead of `clusterer`. The
        default did better on small data (``benchmarks/README.md``): fixed centroids
        keep the clusters of the untrained network.
    module : str, nn.Module class or nn.Module, default="auto"
        The network. "auto" takes :class:`~skdeepclust.networks.ConvNet` ("conv") for
        images and :class:`~skdeepclust.networks.DenseNet` ("dense") for other rows;
        "alexnet", "vgg16" and "resnet18" are for large images. Your own is any module
        whose call maps samples to features. A class gets `input_shape` if its
        constructor has an argument of this name; an instance is copied together with
        its weights.
    image_shape : "auto", None or tuple of ints, default="auto"
        Shape of an image. "auto" takes it from a 3-D or 4-D X. The rows of a 2-D X
        without column names are guessed to be square images of one channel if their
        length is a square of at least 64; an
        :class:`~skdeepclust.exceptions.ImageShapeWarning` then says so. None: never
        images. A tuple ``(C, H, W)``, or ``(H, W)`` for one channel, says that every
        row of X is an image of this shape; one of its numbers may be -1, as in a
        reshape.
    sobel : bool, default=False
        Put a fixed :class:`~skdeepclust.networks.Sobel` filter in front, which removes
        colour, as in [1]_ for photographs.
    augment : "auto", callable or None, default="auto"
        Random changes of the images of a training batch. "auto" takes
        :class:`~skdeepclust.RandomAffine` for images; see :ref:`the user guide
        <augmentation>`. Without augmentation the network memorises its own clusters
        (``benchmarks/README.md``).
    max_iter : int, default=20
        Largest number of rounds of clustering and training. The default is ours, twice
        the number that digits need (``benchmarks/README.md``).
    epochs_per_round : int or "auto", default="auto"
        Passes of training in a round; each makes as many draws as there are samples.
        "auto" takes the number that makes 60 steps: 1 with thousands of images. A new
        last layer learns nothing useful in the few steps of a single pass through small
        data (``benchmarks/README.md``).
    balance : float, default=1.0
        How evenly pseudo-classes are drawn: 1 draws each equally often, as in [1]_, and
        0 as often as it has samples. 0.5, the square root of the size, was better on
        500 images and on classes of very different sizes, and worse on digits as they
        are (``benchmarks/README.md``).
    tol : float, default=0.01
        Training stops when the normalised mutual information between the
        pseudo-labels of two rounds is above ``1 - tol``.
    pca_dim : int, default=256
        Most principal components kept when the features are whitened. The default is
        that of [1]_.
    n_heads : int, default=1
        Number of last layers of "deepcluster-v2", each with its own k-means.
    temperature : float, default=0.1
        Temperature of "deepcluster-v2". The default is that of [2]_.
    batch_size : int, default=128
        Samples per step. The default is ours; on digits the 256 of [1]_ are as good
        (``benchmarks/README.md``).
    lr : float, default=1e-3
        Learning rate. The default is Adam's.
    optimizer : torch optimiser class, default=torch.optim.Adam
        Optimiser. [1]_ has stochastic gradient descent (`lr` 0.05, momentum 0.9), for
        hundreds of epochs; in our few rounds Adam gets somewhat further
        (``benchmarks/README.md``). Its one-kernel ("fused") form is used if torch has
        one.
    n_init : int, default=20
        Starts of the k-means at the end.
    callbacks : list of skorch callbacks, default=None
        Callbacks of the net, which works on copies. An epoch is a round for them. They
        may monitor the columns of the history (``monitor="train_loss"``,
        "nmi_previous"); there is no validation loss.
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
    verbose : int, default=0
        With 1 or more a line is printed after every round.
    random_state : int, RandomState instance or None, default=None
        Governs initial weights, clusterings, draws and augmentation. Two fits with the
        same integer are equal to the bit on a CPU. None draws fresh entropy. The global
        generators of numpy and torch are never touched.
    **skorch : dict
        Parameters passed on with skorch's prefixes: ``module__*`` (such as
        ``module__widths``), ``optimizer__*``, ``callbacks__*``, ``compile`` and
        ``compile__*``.

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
    cluster_centers_ : ndarray of shape (n_clusters_found, n_features_out)
        Centres in the space of `transform`: the mean of every cluster, or the centres
        of k-means if that is the final clusterer. Their number is `n_clusters`, unless
        the clusterer determines it itself or leaves some clusters empty.
    clusterer_ : estimator
        The clusterer of the final clusters, fitted. Its own clusters are those before
        parts of them moved.
    init_labels_ : ndarray of shape (n_samples,)
        The same clustering of the features before any training.
    net_ : skorch.NeuralNet
        The net of the training, to be looked at: `module_`, `optimizer_`, `history` and
        `callbacks_`. Its module holds the network and the last layers. It cannot be
        fitted again.
    module_ : nn.Module
        The trained network, which maps samples to features.
    history_ : dict
        ``history_["rounds"]`` is a table, a dict of columns with a row per round that
        ``pandas.DataFrame`` takes as it is: "epoch" (the round), "loss" (logistic
        loss, mean over the round), "inertia" (mean squared distance of the features
        to the mean of their pseudo-class), "nmi_previous" (normalised mutual
        information with the pseudo-labels of the round before, NaN in the first),
        "smallest_class" and "largest_class" (numbers of samples), "n_dropped"
        (pseudo-classes that came back without samples and sat out the round), "dur"
        (seconds).
    n_iter_ : int
        Rounds done.
    converged_ : bool
        Whether training ended by `tol`.
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
    ClusterNumberWarning
        When ``n_clusters="auto"`` finds a number that deserves a doubt, such as one,
        two, or as many as `max_clusters`.
    ClusterCollapseWarning
        When the effective number of clusters is below half of `n_clusters`.
    DataScaleWarning
        When the values of X are too large or too small to train on.
    ImageShapeWarning
        When the rows of a 2-D X are guessed to be images.

    See Also
    --------
    DCEC : Clusters in the embedding of an autoencoder.

    Notes
    -----
    Each round:

    1. Features of all samples, their principal components (at most `pca_dim`),
       whitened, rows scaled to length one.
    2. The clusterer makes pseudo-labels. A pseudo-class without samples is left out
       of this round.
    3. Samples are drawn so that every pseudo-class comes up equally often, or nearly
       (`balance`), are augmented, and network and last layer are trained on multinomial
       logistic loss.

    In "deepcluster-v2" the whitening of the round is a layer of the network that is
    not trained, in front of the centroids. [2]_ has a trained projection there, for
    photographs; on digits the first clusters would then stay as they are.

    At the end features are not whitened, only scaled to length one: whitening gives
    every direction the same weight, also the useless ones. `transform` returns these
    features.

    The network has learnt to tell its own groups apart, and some of these are a small
    part of a class: on MNIST, sevens with a bar. They lie apart from all others, so
    that the features do not say where they belong. With ``final_clusterer="auto"`` the
    samples themselves are asked. The clusters are cut into parts by k-means. A part, or
    several parts together, moves to the cluster for which the modularity rises the
    most, in the graphs of ten nearest neighbours of the features and of the main
    components of X, added up, if it rises by two standard errors. The part must lie
    apart: three quarters of its samples' neighbours in the features are its own. It is
    at most half of its cluster. And nothing moves unless three quarters of a sample's
    neighbours in X are in its cluster, on average: in photographs they are not.

    A clusterer with `predict` assigns new samples itself. Without `predict`, as in
    agglomerative or spectral clustering, a sample goes to the cluster with the nearest
    mean. The samples of `fit` do so too, so that `labels_` and `predict` agree.

    :meth:`as_published` has the settings of [1]_ for ImageNet: AlexNet behind a Sobel
    filter and 10,000 pseudo-classes, which need as many samples.

    References
    ----------
    .. [1] M. Caron, P. Bojanowski, A. Joulin, M. Douze, "Deep clustering for
       unsupervised learning of visual features", ECCV 2018.
    .. [2] M. Caron, I. Misra, J. Mairal, P. Goyal, P. Bojanowski, A. Joulin,
       "Unsupervised learning of visual features by contrasting cluster assignments",
       NeurIPS 2020, appendix.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.mixture import GaussianMixture
    >>> from skdeepclust import DeepCluster
    >>> X = load_digits().images[:200] / 16
    >>> mixture = GaussianMixture(covariance_type="diag")
    >>> deep = DeepCluster(10, clusterer=mixture, max_iter=1, random_state=0)
    >>> deep.fit_predict(X).shape
    (200,)
    """

    _guesses_images = True

    _published = {
        "final_clusterer": "kmeans",
        "module": "alexnet",
        "sobel": True,
        "n_pseudo_labels": 10_000,
        "max_iter": 500,
        "epochs_per_round": 1,
        "tol": 0.0,
        "batch_size": 256,
        "lr": 0.05,
        "optimizer": torch.optim.SGD,
        "optimizer__momentum": 0.9,
        "optimizer__weight_decay": 1e-5,
    }

    _parameter_constraints = {
        **BaseDeepClusterer._parameter_constraints,
        **AUTO_NUMBER,
        "clusterer": [StrOptions({"kmeans", "faiss"}), HasMethods(["fit_predict"])],
        "final_clusterer": [
            StrOptions({"auto", "kmeans", "faiss"}),
            HasMethods(["fit_predict"]),
        ],
        "n_pseudo_labels": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "variant": [StrOptions({"deepcluster", "deepcluster-v2"})],
        "module": [
            StrOptions({"auto", "conv", "dense", "alexnet", "vgg16", "resnet18"}),
            callable,
        ],
        "sobel": ["boolean"],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "epochs_per_round": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "balance": [Interval(Real, 0, 1, closed="both")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "pca_dim": [Interval(Integral, 1, None, closed="left")],
        "n_heads": [Interval(Integral, 1, None, closed="left")],
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_clusters=10,
        *,
        max_clusters=30,
        clusterer="kmeans",
        final_clusterer="auto",
        n_pseudo_labels="auto",
        variant="deepcluster",
        module="auto",
        image_shape="auto",
        sobel=False,
        augment="auto",
        max_iter=20,
        epochs_per_round="auto",
        balance=1.0,
        tol=0.01,
        pca_dim=256,
        n_heads=1,
        temperature=0.1,
        batch_size=128,
        lr=1e-3,
        optimizer=torch.optim.Adam,
        n_init=20,
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
        self.clusterer = clusterer
        self.final_clusterer = final_clusterer
        self.n_pseudo_labels = n_pseudo_labels
        self.variant = variant
        self.module = module
        self.image_shape = image_shape
        self.sobel = sobel
        self.augment = augment
        self.max_iter = max_iter
        self.epochs_per_round = epochs_per_round
        self.balance = balance
        self.tol = tol
        self.pca_dim = pca_dim
        self.n_heads = n_heads
        self.temperature = temperature
        self.batch_size = batch_size
        self.lr = lr
        self.optimizer = optimizer
        self.n_init = n_init
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.warm_start = warm_start
        self.device = device
        self.verbose = verbose
        self.random_state = random_state
        self._set_skorch_params(skorch)

    def _fit(self, X, device, seed, progress):
        n_classes = self._n_classes(len(X))
        data = TensorData(X, self._input_shape_, device)
        backbone, self._embedding_dim_ = resolve_backbone(
            self.module,
            self.image_shape_,
            self.n_features_in_,
            self.sobel,
            self._module_arguments(),
            data.take(slice(0, 2)),
        )
        is_v2 = self.variant == "deepcluster-v2"
        model = PseudoLabelModel(
            backbone,
            self._embedding_dim_,
            n_classes,
            n_heads=int(self.n_heads) if is_v2 else 1,
            temperature=self.temperature if is_v2 else None,
        )
        net = PseudoLabelNet(
            model, stage="training", **self._net_params(device, int(self.batch_size))
        ).initialize()
        batches = DrawnBatches(
            data, self.batch_size, resolve_augmentation(self.augment, self.image_shape_)
        )
        rng = np.random.RandomState(derived_seed(seed, "rounds"))
        final_seed = derived_seed(seed, "clusters")
        self.init_labels_ = progress.keeper.once(
            "initial clusters",
            lambda: self._final_clusters(model, data, final_seed)[0],
        )
        self._train(net, batches, n_classes, rng, progress)

        self.net_ = net
        self.labels_, self.clusterer_, self._assignment_ = self._final_clusters(
            model, data, final_seed
        )
        self.cluster_centers_ = self._assignment_.centers
        self.history_ = {"rounds": history_table(net, _COLUMNS)}
        self._set_merge_history(lambda: self._embed(data).cpu().numpy(), seed)

    @property
    def _columns(self):
        return {"training": ("train_loss", *_COLUMNS)}

    @property
    def module_(self) -> nn.Module:
        """Fitted network, an `nn.Module` that maps samples to features."""
        return self._fitted_net.module_.backbone

    def _train(self, net, batches, n_classes, rng, progress):
        """Alternate between pseudo-labels and training on them."""
        data = batches.data
        run = Run(
            net,
            data,
            progress,
            n_epochs=int(self.max_iter),
            step="round",
            snapshot=lambda: self._snapshot(net, data),
        )
        previous = self._begin_rounds(run, net, data, rng)
        for epoch in run:
            if epoch.is_resumed:
                labels, facts, draws = (
                    run.kept[name] for name in ("labels", "facts", "draws")
                )
            else:
                # 1. and 2. Features, and pseudo-labels from them.
                labels, facts = self._refresh(net, data, n_classes, rng)
                if previous is not None:
                    facts["nmi_previous"] = float(
                        normalized_mutual_info_score(previous, labels[:, 0])
                    )
                # 3. Train on them, every pseudo-class as often as `balance` says.
                n_draws = self._n_draws(len(data))
                draws = balanced_draw(labels[:, 0], n_draws, rng, self.balance)
            previous = labels[:, 0]
            end = {"previous": previous, "rng": rng.get_state(), "converged": False}
            run.kept = {**end, "labels": labels, "facts": facts, "draws": draws}
            batches.set_draws(draws, labels)
            net.train_on(batches)
            epoch.record(**facts)
            self.n_iter_ += 1
            self.converged_ = facts["nmi_previous"] > 1 - self.tol
            run.kept = {**end, "converged": self.converged_}
            if self.converged_:
                run.stop(
                    f"NMI {facts['nmi_previous']:.4f} between the pseudo-labels of "
                    f"two rounds above 1 - tol (tol={self.tol:g})"
                )
        self.stop_reason_ = run.stop_reason or f"max_iter={self.max_iter} used up"

    def _begin_rounds(self, run, net, data, rng):
        """Begin, or go on; pseudo-labels of the round before if there was one."""
        self.n_iter_, self.converged_ = run.n_done, run.kept.get("converged", False)
        if run.is_resumed:
            rng.set_state(run.kept["rng"])
            return run.kept["previous"]
        if self.variant == "deepcluster-v2" and self.max_iter:
            self._settle_batch_norm(net, data, rng)
        return None

    def _settle_batch_norm(self, net, data, rng):
        """Let batch norm see data before the first centroids are taken.

        The centroids are a last layer. Taken with the initial statistics of batch norm,
        they would be useless to a network in training.
        """
        net.module_.train()
        index = torch.from_numpy(rng.permutation(len(data))[: self._n_draws(len(data))])
        with torch.no_grad():
            for batch in index.split(int(self.batch_size)):
                if len(batch) > 1:
                    net.module_.features(data.take(batch))

    def _refresh(self, net, data, n_classes, rng):
        """Pseudo-labels (n, n_heads) of a round, and facts about them."""
        model = net.module_.eval()
        is_v2 = self.variant == "deepcluster-v2"
        F = map_blocks(model.features, data).cpu().numpy()
        whitener = whitening(F, int(self.pca_dim))
        space = whiten(F, *whitener)
        del F  # a round needs the whitened features only
        if is_v2:
            model.set_whitening(*map(torch.from_numpy, whitener))
        found = []
        for head in range(len(model.heads)):
            head_seed = rng.randint(2**31 - 1)
            if is_v2:
                centroids, labels = from_first(
                    spherical_kmeans(space, n_classes, head_seed)
                )
                model.set_centroids(
                    head, torch.from_numpy(centroids[np.unique(labels)])
                )
            else:
                clusterer = make_clusterer(
                    self.clusterer, n_classes, _N_INIT_OF_ROUND, head_seed
                )
                labels = from_first(fit_predict_labels(clusterer, space))
            found.append(relabel(labels))
        if not is_v2:
            self._renew_heads(net, max(labels.max() for labels in found) + 1)
        return np.stack(found, axis=1), _describe(space, found[0], n_classes)

    def _renew_heads(self, net, n_classes):
        """Draw new last layers, and set the optimiser's memory of them to zero.

        The memory is not deleted: fused SGD wants that of all parameters or of none.
        """
        net.module_.renew_heads(n_classes)
        for parameter in net.module_.heads.parameters():
            state = net.optimizer_.state.get(parameter, {})
            for name, value in state.items():
                if torch.is_tensor(value):  # of the parameter's shape, or a count
                    like = parameter if value.ndim else value
                    state[name] = torch.zeros_like(like, requires_grad=False)

    def _final_clusters(self, model, data, seed):
        """Cluster the features as they are into `n_clusters`.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Clusters, as `predict` gives them.
        clusterer : estimator
            The fitted clusterer.
        assignment : Assignment or Regrouping
            Assigns other samples, and has the centres.
        """
        Z = map_blocks(model.eval().encode, data).cpu().numpy()
        final, n_init = self._final_clusterer(), int(self.n_init)
        # The features were trained to lie in groups, and a diffusion map takes parts of
        # them apart.
        self._find_number([Z], seed, lambda: main_components(data, seed), in_map=False)
        clusterer = make_clusterer(final, self._n_clusters_, n_init, seed)
        labels, centers = fit_predict_labels(clusterer, Z), None
        if isinstance(final, str):
            centers = clusterer.cluster_centers_.astype(np.float32)
        assignment = Assignment(clusterer, Z, labels, centers)
        if self.final_clusterer == "auto" and isinstance(self.clusterer, str):
            own = derived_seed(seed, "regrouping")
            assignment = Regrouping(assignment, own).fit(Z, main_components(data, seed))
        return assignment.predict(Z), clusterer, assignment

    def _final_clusterer(self):
        if not isinstance(self.final_clusterer, str) or self.final_clusterer != "auto":
            return self.final_clusterer
        is_named = isinstance(self.clusterer, str)
        return AutoClustering(n_init=int(self.n_init)) if is_named else self.clusterer

    def _snapshot(self, net, data):
        """Fitted attributes as they are now, for callbacks that evaluate."""
        _, clusterer, assignment = self._final_clusters(net.module_, data, 0)
        return {
            **self._fitted_attributes(),
            "net_": net,
            "clusterer_": clusterer,
            "cluster_centers_": assignment.centers,
            "_assignment_": assignment,
        }

    def _check_n_samples(self, n_samples):
        super()._check_n_samples(n_samples)
        if self.batch_size > max(n_samples, _LARGEST_BATCH):
            raise ValueError(
                f"batch_size={self.batch_size} should be <= n_samples={n_samples}."
            )
        if self.n_pseudo_labels != "auto" and n_samples < self.n_pseudo_labels:
            raise ValueError(
                f"n_samples={n_samples} should be >= "
                f"n_pseudo_labels={self.n_pseudo_labels}."
            )

    def _n_classes(self, n_samples):
        if self.n_pseudo_labels != "auto":
            return int(self.n_pseudo_labels)
        per_cluster = (
            _CLASSES_OF_MOST if is_auto(self.n_clusters) else _CLASSES_PER_CLUSTER
        )
        most = min(per_cluster * self._n_clusters_, n_samples // _SAMPLES_PER_CLASS)
        return max(self._n_clusters_, most)

    def _n_draws(self, n_samples):
        """Draws of a round: whole batches, for `epochs_per_round` passes."""
        if self.epochs_per_round == "auto":
            n_epochs = max(1, math.ceil(_STEPS_PER_ROUND * self.batch_size / n_samples))
        else:
            n_epochs = int(self.epochs_per_round)
        batch_size = int(self.batch_size)
        return math.ceil(n_epochs * n_samples / batch_size) * batch_size

    def _assign(self, Z):
        return self._assignment_.predict(Z.cpu().numpy())

    def _warn(self):
        self._warn_of_collapse(
            "Look at history_['rounds']; try more rounds (max_iter, now "
            f"{self.max_iter}), stronger augmentation, another random_state or a "
            "smaller n_clusters."
        )


def _describe(space, labels, n_classes):
    """Columns of the history about pseudo-labels; label -1 is noise."""
    clustered = labels >= 0
    if not clustered.all():
        space, labels = space[clustered], labels[clustered]
    sizes = np.bincount(labels)
    means = class_means(space, labels)
    return {
        "inertia": mean_squared_distance(space, means, labels),
        "nmi_previous": math.nan,
        "smallest_class": int(sizes.min()),
        "largest_class": int(sizes.max()),
        "n_dropped": max(0, n_classes - len(sizes)),
    }
