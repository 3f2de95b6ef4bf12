"""Callbacks that change how DEC, IDEC and DCEC are trained.

Like any callback of skorch's they are passed in the list `callbacks` of an estimator.
"""

import copy

import torch
from skorch.callbacks import Callback
from torch import nn

from skdeepclust._batches import map_blocks
from skdeepclust._centers import forget_momenta
from skdeepclust._initial_centers import initial_centers

__all__ = ["BRB"]


class BRB(Callback):
    r"""Break the reclustering barrier: soft resets and fresh centres [1]_.

    Joint training soon holds on to the clusters that it began with. At the beginning of
    every `every`-th interval between two target updates

    1. the weights of the encoder go some way back to a fresh initialisation
       :math:`\phi`, :math:`\theta \leftarrow a \theta + (1 - a) \phi` with :math:`a`
       = `retain`, which loosens the code without forgetting it;
    2. `clusterer` finds new centres in the code of the whole data;
    3. the optimiser forgets what it remembers of the old centres.

    It has an effect in joint training only; pretraining is left alone. The paper's
    gains are reported for long training. Here it is off unless you ask for it:
    ``benchmarks/README.md`` has what it changed.

    Parameters
    ----------
    every : int, default=10
        Intervals between two resets, each of which is `update_interval` steps long.
        Training that converges earlier is not reset. The paper resets every 20 epochs.
    retain : float, default=0.8
        Share of a weight that is kept, above 0 and at most 1. The default is the
        paper's. With 1 only the centres are new.
    clusterer : "kmeans" or estimator, default="kmeans"
        What finds the new centres; see `init` of the estimators.
    n_init : int, default=10
        Starts of k-means.

    Attributes
    ----------
    n_resets_ : int
        Number of resets done. The estimator works on a copy of the callback: see the
        column "reset" of ``history_["clustering"]``, which is 1 for an interval that
        began with one.

    References
    ----------
    .. [1] L. Miklautz, T. Klein, K. Sidak, C. Leiber, T. Lang, A. Shkabrii,
       S. Tschiatschek, C. Plant, "Breaking the reclustering barrier in centroid-based
       deep clustering", ICLR 2025.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skdeepclust import DCEC
    >>> from skdeepclust.callbacks import BRB
    >>> X = load_digits().data[:200] / 16
    >>> params = {"pretrain_epochs": 2, "max_iter": 30, "update_interval": 10}
    >>> dcec = DCEC(10, callbacks=[BRB(every=2)], random_state=0, **params).fit(X)
    >>> dcec.history_["clustering"]["reset"]
    [0, 0, 1]
    """

    def __init__(self, every=10, retain=0.8, clusterer="kmeans", n_init=10):
        self.every = every
        self.retain = retain
        self.clusterer = clusterer
        self.n_init = n_init

    def on_train_begin(self, net, **kwargs):
        """Check the parameters and the net."""
        if self.every != int(self.every) or self.every < 1:
            raise ValueError(f"every={self.every} must be an integer of at least 1.")
        if not 0 < self.retain <= 1:
            raise ValueError(f"retain={self.retain} must be above 0 and at most 1.")
        if getattr(net, "stage", None) not in ("pretraining", "joint training"):
            raise TypeError("BRB is for DEC, IDEC and DCEC, which have centres.")
        self.n_resets_ = 0

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):
        """Reset, if it is time."""
        if net.stage != "joint training":
            return
        n_done = len(net.history) - 1
        is_time = n_done > 0 and n_done % self.every == 0
        if is_time:
            self._reset(net, dataset_train)
            self.n_resets_ += 1
        net.history.record("reset", int(is_time))

    def _reset(self, net, rows):
        model = getattr(net.module_, "_orig_mod", net.module_).eval()
        _shrink_towards_fresh(model.autoencoder, rows, self.retain)
        Z = map_blocks(model.encode, rows).to(model.centers.dtype).cpu().numpy()
        seed = int(torch.randint(2**31 - 1, ()))
        n_clusters = len(model.centers)
        centers, _ = initial_centers(self.clusterer, Z, n_clusters, self.n_init, seed)
        with torch.no_grad():
            model.centers.copy_(torch.from_numpy(centers))
        forget_momenta(net.optimizer_, model.centers)
        net.centers_moved_ = True


def _shrink_towards_fresh(autoencoder, rows, retain):
    """Mix weights of the encoder with those of a fresh one, in place."""
    fresh = copy.deepcopy(autoencoder)
    _initialise(fresh)
    names, weights = zip(*autoencoder.named_parameters(), strict=True)
    # The encoder is what its output depends on, by whatever name.
    with torch.enable_grad():
        Z = autoencoder.encode(rows.take(slice(0, 2)))
        gradients = torch.autograd.grad(Z.sum(), weights, allow_unused=True)
    drawn = dict(fresh.named_parameters())
    with torch.no_grad():
        for name, weight, gradient in zip(names, weights, gradients, strict=True):
            if gradient is not None:
                weight.lerp_(drawn[name], 1 - retain)


def _initialise(module: nn.Module) -> None:
    """Draw weights anew, by the outermost `reset_parameters` that there is."""
    reset = getattr(module, "reset_parameters", None)
    if callable(reset):
        reset()
        return
    for child in module.children():
        _initialise(child)
