"""The mechanism of DEC, IDEC and DCEC: network and centres trained together."""

import math
import os
import warnings
from numbers import Integral, Real

import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, check_memory

from skdeepclust._augment import resolve_augmentation
from skdeepclust._autoencoder import Autoencoder, pretrain
from skdeepclust._base import BaseDeepClusterer
from skdeepclust._batches import (
    Batches,
    Rows,
    map_blocks,
    resolve_batch_size,
    resolve_epochs,
)
from skdeepclust._centers import effective_clusters, forget_momenta, reseed_dead_centers
from skdeepclust._compat import HasMethods, Interval, StrOptions
from skdeepclust._device import derived_seed
from skdeepclust._initial_centers import check_centers, initial_centers
from skdeepclust._nets import ClusteringNet, history_table
from skdeepclust._target import LabelTarget, WholeTarget, split_codes
from skdeepclust.networks import ClusteringAutoencoder
from skdeepclust.networks._resolve import module_key

__all__ = ["BaseJointEstimator"]

# So many intervals between updates the target is the clusters of `init` as they are,
# where these are not simply what is nearest to a centre.
_HELD_INTERVALS = 3

# Columns of history_["clustering"]; the loss of a part that is not trained is not
# among them.
_COLUMNS_BEFORE = ("epoch", "step", "loss")
_COLUMNS_AFTER = (
    *("clustering_loss", "label_change", "n_effective_clusters", "n_reseeded", "dur"),
)


class _StopRule:
    """Says when to stop: few labels change, or no fewer than before."""

    def __init__(self, tol, n_iter_no_change):
        self._tol = tol
        self._n_iter_no_change = n_iter_no_change
        self.start_anew()

    def start_anew(self):
        """Forget what was."""
        self._lowest, self._n_since = math.inf, 0

    def judge(self, label_change):
        """Why to stop after an interval with this share of changed labels, or None."""
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


class BaseJointEstimator(BaseDeepClusterer):
    r"""An autoencoder, centres in its code, and both trained together.

    1. The autoencoder is trained to reconstruct X (`pretrain_epochs`).
    2. `init`, k-means say, gives centres in the code.
    3. Joint training minimises :math:`L_r + \gamma L_c`, or :math:`L_c` alone where a
       subclass has no `gamma` and with it no use for the decoder. Where `init` is a
       clusterer other than k-means its clusters are the first targets.
    4. It ends when fewer than a share `tol` of the labels changed in
       `update_interval` steps, when this share falls no more, or after `max_iter`
       steps.

    A subclass is a docstring, defaults, and where it has one `gamma`.
    """

    _parameter_constraints = {
        **{
            name: constraint
            for name, constraint in Autoencoder._parameter_constraints.items()
            if name != "max_epochs"
        },
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
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
            StrOptions({"spectral", "kmeans"}),
            "array-like",
            HasMethods(["fit_predict"]),
        ],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "memory": [str, os.PathLike, HasMethods(["cache"]), None],
    }

    @property
    def _n_stages(self):
        return 2

    def _check_n_samples(self, n_samples):
        super()._check_n_samples(n_samples)
        if not isinstance(self.init, str) and not hasattr(self.init, "fit_predict"):
            check_centers(self.init, self.n_clusters)  # now, not after pretraining

    def _fit(self, X, device, seed, progress):
        # 1. The autoencoder alone, and 2. centres in its code.
        autoencoder = self._pretrain(X, seed, progress)
        rows = Rows(X, autoencoder._input_shape, device)
        centers = self._start(autoencoder.module_.to(device).eval(), rows, seed)
        self._input_shape = autoencoder._input_shape
        self._code_width = autoencoder._code_width
        module = autoencoder.module_

        # 3. and 4. Network and centres together.
        batch_size = resolve_batch_size(self.batch_size, len(X))
        gamma = getattr(self, "gamma", None)
        net = ClusteringNet(
            ClusteringAutoencoder(
                module,
                torch.from_numpy(centers),
                self.alpha,
                reconstructs=gamma is not None,
            ),
            gamma=gamma,
            stage="joint training",
            **self._net_params(device, batch_size),
        ).initialize()
        batches = Batches(
            rows,
            batch_size,
            seed=derived_seed(seed, "order"),
            shuffle=False,
            augment=resolve_augmentation(self.augment, self.image_shape_),
        )
        labels = self._train_jointly(net, batches, progress)

        self.net_ = net
        self.labels_ = labels
        self.cluster_centers_ = net.module_.centers.detach().cpu().numpy().copy()
        reconstruction = () if gamma is None else ("reconstruction_loss",)
        columns = (*_COLUMNS_BEFORE, *reconstruction, *_COLUMNS_AFTER)
        self.history_ = {
            **autoencoder.history_,
            "clustering": history_table(net, columns),
        }
        self._describe_centers()
        self._warn_about_health()

    def _describe_centers(self):
        """Add what more there is to say of the centres."""

    def _start(self, module, rows, seed):
        """Centres in the code of all samples; sets `init_labels_`."""
        Z = map_blocks(module.encode, rows).cpu().numpy()
        init_seed = derived_seed(seed, "kmeans")
        centers, self.init_labels_ = initial_centers(
            self.init, Z, self.n_clusters, self.n_init, init_seed
        )
        return centers

    def _pretrain(self, X, seed, progress):
        params = self._pretrain_params()
        batch_size = resolve_batch_size(self.batch_size, len(X))
        params.update(
            max_epochs=resolve_epochs(self.pretrain_epochs, len(X), batch_size),
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

    def _pretrain_params(self):
        """Parameters that the first stage shares with the second."""
        shared = set(Autoencoder._parameter_constraints) - {"max_epochs"}
        return {name: getattr(self, name) for name in shared} | self._skorch_params()

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
        target, n_reseeded_before = self._update(net, rows)
        held = self._held_target(rows.device)
        rule = _StopRule(self.tol, self.n_iter_no_change)
        with (
            progress.stage("joint training", n_updates) as stage,
            net.training(rows),
        ):
            for i in range(n_updates):
                holds = held is not None and i < _HELD_INTERVALS
                batches.n_batches = min(
                    self.update_interval, self.max_iter - self.n_iter_
                )
                with (
                    stage.step("target update", lambda: self._snapshot(net)) as step,
                    net.epoch(rows) as epoch,
                ):
                    if net.centers_moved_:  # by a callback, when the epoch began
                        target, _ = self._update(net, rows)
                        net.centers_moved_ = False
                        rule.start_anew()
                    batches.targets = held if holds else target
                    net.train_on(batches)
                    self.n_iter_ += batches.n_batches
                    previous = target.labels
                    batches.targets = target = None  # and with it the old codes
                    target, n_reseeded = self._update(net, rows)
                    n_changed = int(torch.count_nonzero(target.labels != previous))
                    label_change = n_changed / len(rows)
                    epoch.record(
                        step=self.n_iter_,
                        label_change=label_change,
                        n_effective_clusters=effective_clusters(
                            target.labels.cpu().numpy(), self.n_clusters
                        ),
                        n_reseeded=n_reseeded_before + n_reseeded,
                    )
                    n_reseeded_before = 0
                is_whole = batches.n_batches == self.update_interval
                reason = rule.judge(label_change) if is_whole and not holds else None
                if reason is not None:
                    self.converged_, self.stop_reason_ = True, reason
                    break
                if epoch.stop_requested or step.stop_requested:
                    self.stop_reason_ = "a callback stopped the training"
                    break
        if self.callbacks:  # one of them may have changed the weights since
            target, _ = self._update(net, rows)
        return target.labels.cpu().numpy()

    def _held_target(self, device):
        """The clusters of `init` as a target; None where centres say all of them.

        Clusters that are not round have other samples than those nearest to their mean.
        Network and centres learn them first.
        """
        if isinstance(self.init, str):
            says_all = self.init == "kmeans"
        else:
            says_all = not hasattr(self.init, "fit_predict")
        if says_all:
            return None
        labels = torch.from_numpy(self.init_labels_).to(device)
        return LabelTarget(labels, self.n_clusters)

    def _update(self, net, rows):
        """Assign the whole data set, after putting dead centres back on data.

        Returns
        -------
        target : WholeTarget
            Target distribution and labels.
        n_reseeded : int
            Number of centres moved.
        """
        model = net.module_.eval()
        with torch.no_grad():
            Z = map_blocks(model.encode, rows).to(model.centers.dtype)
            target = WholeTarget(Z, model.centers, self.alpha)
            moved = reseed_dead_centers(Z, model.centers.data, target.labels)
            if len(moved):
                forget_momenta(net.optimizer_, model.centers, moved)
                target = WholeTarget(Z, model.centers, self.alpha)
        return target, len(moved)

    def _snapshot(self, net):
        """Fitted attributes as they are now, for callbacks that evaluate."""
        centers = net.module_.centers.detach().cpu().numpy().copy()
        return {**self._fitted_attributes(), "net_": net, "cluster_centers_": centers}

    def _warn_about_health(self):
        n_epochs = len(self.history_["pretraining"]["epoch"])
        smaller = (
            f"a smaller gamma (now {self.gamma:g})"
            if hasattr(self, "gamma")
            else (f"a smaller lr (now {self.lr:g})")
        )
        self._warn_of_collapse(
            f"Look at history_['clustering']['n_effective_clusters']; try {smaller}, "
            f"more pretrain_epochs (now {n_epochs}), another random_state "
            "or a smaller n_clusters; and see that the values of X are about 1."
        )
        if self.n_iter_ >= self.max_iter > 0 and not self.converged_:
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
        check_is_fitted(self)
        blocks = self._assign(self._rows(X))
        return torch.cat([Q.argmax(dim=1) for Q in blocks]).cpu().numpy()

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
        check_is_fitted(self)
        rows = self._rows(X)
        whole = torch.empty(len(rows), len(self.cluster_centers_))
        blocks = split_codes(whole, len(self.cluster_centers_))
        for block, Q in zip(blocks, self._assign(rows), strict=True):
            block.copy_(Q)
        return whole.numpy()

    def _assign(self, rows):
        """Soft assignments, block by block."""
        for Z in split_codes(self._embed(rows), len(self.cluster_centers_)):
            with torch.no_grad():
                yield self.net_.module_.assign(Z)
