"""The mechanism of DEC, IDEC and DCEC: network and centres trained together."""

import math
import os
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from torch import nn

from skdeepclust._augment import resolve_augmentation
from skdeepclust._auto import resolve_batch_size, resolve_epochs
from skdeepclust._autoencoder import (
    PRETRAINING_COLUMNS,
    Autoencoder,
    autoencoder_params,
)
from skdeepclust._base import PublishedMixin, SoftClusterer
from skdeepclust._batches import Batches
from skdeepclust._cache import Cache, fingerprint
from skdeepclust._compat import HasMethods, Interval, StrOptions
from skdeepclust._distributed import from_first, is_first
from skdeepclust._geometry import class_means, effective_clusters
from skdeepclust._initial_centers import (
    check_centers,
    first_clusters,
    given_labels,
    holds_labels,
    initial_centers,
    main_components,
)
from skdeepclust._n_clusters import AUTO_NUMBER, AutoNumberMixin, is_auto
from skdeepclust._nets import ClusteringNet, Run, history_table
from skdeepclust._random import derived_seed
from skdeepclust._target import (
    HardTarget,
    SoftTarget,
    forget_momenta,
    reseed_dead_centers,
)
from skdeepclust._tensor_data import TensorData, map_blocks
from skdeepclust._warnings import warn
from skdeepclust.networks._clustering import ClusteringAutoencoder

__all__ = ["BaseJointEstimator"]

# Number of target updates for which the initial clusters themselves are the target,
# when they cannot be recovered from their centres.
_INITIAL_TARGET_INTERVALS = 12

# Columns of history_["clustering"]; "reconstruction_loss" comes between the two parts
# if it is trained.
_COLUMNS_BEFORE = ("epoch", "step", "loss")
_COLUMNS_AFTER = (
    *("clustering_loss", "label_change", "n_effective_clusters", "n_reseeded", "dur"),
)


class _StopRule:
    """Stops when few labels change, or when their number no longer falls."""

    def __init__(self, tol, n_iter_no_change):
        self._tol = tol
        self._n_iter_no_change = n_iter_no_change
        self.reset()

    @property
    def state(self):
        """Lowest label change so far, and updates since then."""
        return self._lowest, self._n_since

    @state.setter
    def state(self, state):
        self._lowest, self._n_since = state

    def reset(self):
        """Forget all earlier updates."""
        self._lowest, self._n_since = math.inf, 0

    def update(self, label_change):
        """Reason to stop after an interval with this label change, or None."""
        if label_change < self._tol:
            return f"label change {label_change:.3g} below tol={self._tol:g}"
        self._n_since += 1
        if label_change < self._lowest:
            self._lowest, self._n_since = label_change, 0
        if self._n_since == self._n_iter_no_change:
            return (
                f"label change not below {self._lowest:.3g} in "
                f"n_iter_no_change={self._n_since} updates"
            )
        return None


class BaseJointEstimator(AutoNumberMixin, PublishedMixin, SoftClusterer):
    r"""An autoencoder, centres in its embedding, and both trained together.

    1. The autoencoder is trained to reconstruct X (`pretrain_epochs`).
    2. `init` finds clusters in the embedding; their means are the centres.
    3. Joint training minimises :math:`L_r + \gamma L_c`, or :math:`L_c` alone if
       `gamma` is None. Initial clusters that are not those of k-means are the first
       targets.
    4. It ends when fewer than a share `tol` of the labels changed in
       `update_interval` steps, when this share no longer falls, or after `max_iter`
       steps.

    Subclasses add a docstring, defaults and, except DEC, the parameter `gamma`.
    """

    gamma: float | None = None

    _pretrain_lr_name = "lr"

    _published = {
        "augment": None,
        "embedding_dim": 10,
        "init": "kmeans",
        "batch_size": 256,
        "pretrain_epochs": 200,
        "n_iter_no_change": None,
    }

    _parameter_constraints = {
        **SoftClusterer._parameter_constraints,
        **AUTO_NUMBER,
        "embedding_dim": Autoencoder._parameter_constraints["embedding_dim"],
        "module": Autoencoder._parameter_constraints["module"],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "pretrain_epochs": [
            StrOptions({"auto"}),
            Interval(Integral, 0, None, closed="left"),
        ],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "update_interval": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), None],
        "init": [
            StrOptions({"auto", "spectral", "kmeans"}),
            "array-like",
            HasMethods(["fit_predict"]),
        ],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "unassigned_share": [Interval(Real, 0, 1, closed="left")],
        "memory": [str, os.PathLike, HasMethods(["cache"]), None],
    }

    def _check_n_samples(self, n_samples):
        super()._check_n_samples(n_samples)
        if not isinstance(self.init, str) and not hasattr(self.init, "fit_predict"):
            if is_auto(self.n_clusters):
                raise ValueError(
                    'n_clusters="auto" finds the number itself, but init holds '
                    "centres or labels. Pass their number as n_clusters, or another "
                    "init."
                )
            # Now, not after pretraining.
            if holds_labels(self.init):
                given_labels(self.init, self.n_clusters, n_samples)
            else:
                check_centers(self.init, self.n_clusters)
        if self.memory is not None:
            Cache(self.memory).make_folder()

    def _fit(self, X, device, seed, progress):
        # 1. The autoencoder alone, and 2. centres in its embedding.
        autoencoder, pretraining = self._pretrain(X, device, seed, progress)
        data = TensorData(X, self._input_shape_, device)
        centers, self.init_labels_ = progress.keeper.once(
            "start", lambda: self._start(autoencoder.to(device).eval(), data, seed)
        )
        self._keep_number(progress.keeper)
        self._n_clusters_, self._embedding_dim_ = centers.shape

        # 3. and 4. Network and centres together.
        batch_size = resolve_batch_size(self.batch_size, len(X))
        reconstructs = self.gamma is not None
        net = ClusteringNet(
            ClusteringAutoencoder(
                autoencoder, torch.from_numpy(centers), float(self.alpha), reconstructs
            ),
            gamma=None if self.gamma is None else float(self.gamma),
            stage="joint training",
            **self._net_params(device, batch_size),
        ).initialize()
        batches = Batches(
            data,
            batch_size,
            seed=derived_seed(seed, "order"),
            shuffle=False,
            augment=resolve_augmentation(self.augment, self.image_shape_),
        )
        self.labels_ = self._train(net, batches, progress)

        self.net_ = net
        self._set_least_confidence(data)
        self.cluster_centers_ = net.module_.centers.detach().cpu().numpy().copy()
        if reconstructs:
            self.cluster_images_ = self._decode(self.cluster_centers_)
        reconstruction = self._reconstruction_columns
        columns = (*_COLUMNS_BEFORE, *reconstruction, *_COLUMNS_AFTER)
        self.history_ = {**pretraining, "clustering": history_table(net, columns)}
        self._set_merge_history(lambda: self._embed(data).cpu().numpy(), seed)

    @property
    def _n_stages(self) -> int:
        return 2

    @property
    def _columns(self):
        joint = (*_COLUMNS_BEFORE[:-1], "train_loss", *self._reconstruction_columns)
        return {
            **PRETRAINING_COLUMNS,
            "joint training": (*joint, *_COLUMNS_AFTER),
        }

    @property
    def _reconstruction_columns(self):
        return () if self.gamma is None else ("reconstruction_loss",)

    @property
    def module_(self) -> nn.Module:
        """Fitted autoencoder, an `nn.Module` with `encode` and `decode`."""
        return self._fitted_net.module_.autoencoder

    def _pretrain(self, X, device, seed, progress):
        """The pretrained network and its history, from the cache if possible."""
        params = self._pretrain_params()
        batch_size = resolve_batch_size(self.batch_size, len(X))
        params.update(
            max_epochs=resolve_epochs(
                self.pretrain_epochs,
                len(X),
                batch_size,
                of_images=self.image_shape_ is not None,
            ),
            # A row is what `image_shape_` says, whatever layout X came in.
            image_shape=self.image_shape_,
            # None stays None, so that a cache finds what it has, as in a Pipeline.
            random_state=None if self.random_state is None else seed,
        )
        autoencoder = Autoencoder(**params)
        autoencoder._lr_name = self._pretrain_lr_name
        if self.memory is None:
            autoencoder._fit_checked(X, self._X_scale_, progress)
            return autoencoder.module_, autoencoder.history_
        cache = Cache(self.memory)
        del params["verbose"]  # it changes nothing
        key = fingerprint(X, {**params, "device": str(device)})
        if from_first(key in cache):
            network = autoencoder._network(X)
            history = cache.load(key, network) if is_first() else None
            history, weights = from_first((history, network.state_dict()))
            if history is not None:
                network.load_state_dict(weights)
                return network, history
        autoencoder._fit_checked(X, self._X_scale_, progress)
        if is_first():
            cache.save(key, autoencoder.module_, autoencoder.history_)
        return autoencoder.module_, autoencoder.history_

    def _pretrain_params(self):
        """Parameters that the first stage shares with the second."""
        return autoencoder_params(self)

    def _start(self, autoencoder, data, seed):
        """Centres in the embedding of all samples, and the initial clusters."""
        Z = map_blocks(autoencoder.encode, data).cpu().numpy()
        init_seed = derived_seed(seed, "kmeans")
        if isinstance(self.init, str) and self.init == "auto":
            main = main_components(data, seed)
            # Pretraining moves such a network from the main components towards lower
            # loss, not towards better clusters.
            is_residual = hasattr(autoencoder, "start_from")
            spaces = [main] if is_residual else [main, Z]
            self._find_number(spaces, seed)
            labels = first_clusters(
                *(main, None if is_residual else Z, self._n_clusters_),
                *(self.n_init, init_seed),
            )
            centers = class_means(Z, labels)
            if len(centers) == self._n_clusters_:
                return centers, labels
            # K-means found fewer different points than clusters, and repeats centres.
        else:
            self._find_number([Z], seed, lambda: main_components(data, seed))
        init = (
            "kmeans"
            if isinstance(self.init, str) and self.init == "auto"
            else self.init
        )
        return initial_centers(init, Z, self._n_clusters_, self.n_init, init_seed)

    def _train(self, net, batches, progress):
        """Train until few labels change; return the labels."""
        data = batches.data
        run = self._intervals(net, data, progress)
        rule, target = self._first_target(run, net, data)
        initial_target = self._initial_target(data.device)
        for epoch in run:
            is_moved = not torch.equal(target.centers, net.module_.centers)
            if is_moved and not epoch.is_resumed:  # by a callback
                target, _ = self._refresh(net, data)
                rule.reset()
            starts = initial_target is not None
            starts = starts and epoch.index < _INITIAL_TARGET_INTERVALS
            batches.targets = initial_target if starts else target
            batches.n_batches = min(self.update_interval, self.max_iter - self.n_iter_)
            run.kept = {**self._facts(rule), **target.state}
            n_steps = net.train_on(batches)
            self.n_iter_ += n_steps
            previous = target.labels
            run.kept, batches.targets, target = {}, None, None  # frees the embedding
            target, n_reseeded = self._refresh(net, data)
            label_change = _share_changed(target.labels, previous)
            epoch.record(
                step=self.n_iter_,
                label_change=label_change,
                n_effective_clusters=effective_clusters(
                    target.labels.cpu().numpy(), self._n_clusters_
                ),
                n_reseeded=n_reseeded,
            )
            if n_steps == self.update_interval and not starts:
                reason = rule.update(label_change)
                if reason is not None:
                    self.converged_ = True
                    run.stop(reason)
            run.kept = self._facts(rule)
        self.stop_reason_ = run.stop_reason or self._used_up()
        if self.callbacks:  # one of them may have changed the weights since
            target, _ = self._refresh(net, data)
        return target.labels.cpu().numpy()

    def _facts(self, rule):
        """Where the training is, for a fit that goes on from here."""
        return {
            "n_iter": self.n_iter_,
            "rule": rule.state,
            "converged": self.converged_,
        }

    def _first_target(self, run, net, data):
        """Stop rule and target that a run begins with, or goes on with."""
        kept = run.kept
        self.n_iter_ = kept.get("n_iter", 0)
        self.converged_ = run.stop_reason is not None and kept.get("converged", False)
        n_left = (self.max_iter - self.n_iter_) / self.update_interval
        run.n_epochs = run.n_done + math.ceil(n_left)
        rule = _StopRule(self.tol, self.n_iter_no_change)
        if not run.is_resumed:
            return rule, self._refresh(net, data)[0]
        rule.state = kept["rule"]
        if "centers" in kept:  # the state is from within an interval
            parts = kept["Z"].to(data.device), kept["centers"].to(data.device)
            return rule, SoftTarget(*parts, self.alpha)
        return rule, self._target(net, data)

    def _set_least_confidence(self, data):
        """Leave a share of the samples unassigned, those of the lowest confidence."""
        self.least_confidence_ = 0.0
        if self.unassigned_share:
            blocks = self._soft_assignments(self._embed(data))
            confidence = torch.cat([Q.amax(dim=1) for Q in blocks]).cpu().numpy()
            self.least_confidence_ = float(
                np.quantile(confidence, self.unassigned_share, method="higher")
            )
            self.labels_ = np.where(
                confidence < self.least_confidence_, -1, self.labels_
            )

    def _assign(self, Z):
        if not getattr(self, "least_confidence_", 0.0):  # in the middle of a fit
            return super()._assign(Z)
        labels = [
            torch.where(Q.amax(dim=1) < self.least_confidence_, -1, Q.argmax(dim=1))
            for Q in self._soft_assignments(Z)
        ]
        return torch.cat(labels).cpu().numpy()

    def _intervals(self, net, data, progress):
        """The intervals between two target updates, an epoch of the net each."""
        return Run(
            net,
            data,
            progress,
            n_epochs=0,  # set when it is known what an earlier fit has done
            step="target update",
            snapshot=lambda: self._snapshot(net),
        )

    def _used_up(self):
        if self.max_iter:
            return f"max_iter={self.max_iter} used up"
        return "max_iter=0: joint training left out"

    def _initial_target(self, device):
        """One-hot target of the initial clusters, unless nearest centres give them.

        Clusters that are not round have other samples than those nearest to their mean.
        Network and centres learn them first.
        """
        if isinstance(self.init, str):
            nearest_center_suffices = self.init == "kmeans"
        else:
            is_clusterer = hasattr(self.init, "fit_predict")
            nearest_center_suffices = not (is_clusterer or holds_labels(self.init))
        if nearest_center_suffices:
            return None
        labels = torch.from_numpy(self.init_labels_).to(device)
        return HardTarget(labels, self._n_clusters_)

    def _refresh(self, net, data):
        """Assign the whole data set, after putting dead centres back on data.

        Returns
        -------
        target : SoftTarget
            Target distribution and labels.
        n_reseeded : int
            Number of centres moved.
        """
        target, centers = self._target(net, data), net.module_.centers
        with torch.no_grad():
            Z = target.state["Z"]
            moved = reseed_dead_centers(Z, centers.data, target.labels)
            if len(moved):
                forget_momenta(net.optimizer_, centers, moved)
                target = SoftTarget(Z, centers, self.alpha)
        return target, len(moved)

    def _target(self, net, data):
        """Target distribution of network and centres as they are."""
        model = net.module_.eval()
        with torch.no_grad():
            Z = map_blocks(model.encode, data).to(model.centers.dtype)
            return SoftTarget(Z, model.centers, self.alpha)

    def _snapshot(self, net):
        """Fitted attributes as they are now, for callbacks that evaluate."""
        centers = net.module_.centers.detach().cpu().numpy().copy()
        return {**self._fitted_attributes(), "net_": net, "cluster_centers_": centers}

    def _warn(self):
        n_epochs = len(self.history_["pretraining"]["epoch"])
        smaller = (
            f"a smaller lr (now {self.lr:g})"
            if self.gamma is None
            else f"a smaller gamma (now {self.gamma:g})"
        )
        self._warn_of_collapse(
            f"Look at history_['clustering']['n_effective_clusters']; try {smaller}, "
            f"more pretrain_epochs (now {n_epochs}), another random_state "
            "or a smaller n_clusters; and see that the values of X are of the order "
            "of 1."
        )
        if self.n_iter_ >= self.max_iter > 0 and not self.converged_:
            change = self.history_["clustering"]["label_change"][-1]
            if change >= self.tol:
                when = (
                    f"while {change:.2g} of the labels still changed between updates "
                    f"(tol={self.tol:g}). Increase max_iter or tol."
                )
            else:
                when = (
                    "before it was known whether the labels settle: the initial "
                    "clusters were still the target, or the last interval was shorter "
                    f"than update_interval={self.update_interval}. Increase max_iter."
                )
            warn(
                f"Joint training used up max_iter={self.max_iter} steps {when}",
                ConvergenceWarning,
            )


def _share_changed(labels, previous):
    return int(torch.count_nonzero(labels != previous)) / len(labels)
