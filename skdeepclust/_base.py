"""What every deep clustering estimator shares, and no more."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import (
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    TransformerMixin,
)
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils.validation import check_array, check_is_fitted
from torch import Tensor, nn

from skdeepclust._checkpoint import FitCheckpoint, as_checkpoint, keeper_of
from skdeepclust._compat import Interval, StrOptions, validate_parameters
from skdeepclust._containers import as_array
from skdeepclust._device import plain_torch, resolve_device
from skdeepclust._distributed import agree, check_same_data, from_first, is_first
from skdeepclust._geometry import effective_clusters
from skdeepclust._inputs import check_input
from skdeepclust._interrupts import listening
from skdeepclust._nets import TensorNet, check_callbacks, check_optimizer
from skdeepclust._params import SkorchParams, as_python
from skdeepclust._progress import Progress
from skdeepclust._random import derived_seed, draws_of, root_seed
from skdeepclust._saving import save
from skdeepclust._scale import measure_scale, warn_of_scale
from skdeepclust._target import assignment_blocks
from skdeepclust._tensor_data import TensorData, map_blocks
from skdeepclust._warnings import finished_first, warn
from skdeepclust._watch import INTERRUPTED
from skdeepclust.exceptions import ClusterCollapseWarning, FitInterruptedWarning

__all__ = [
    "BaseDeepClusterer",
    "BaseDeepEstimator",
    "InverseTransformMixin",
    "PublishedMixin",
    "SoftClusterer",
    "refitting",
    "warn_of_collapse",
]


def forget_fit(estimator: Any) -> dict[str, Any]:
    """Drop everything fitted: all attributes whose names end with an underscore."""
    names = [name for name in vars(estimator) if name.endswith("_")]
    return {name: vars(estimator).pop(name) for name in names}


class Refit:
    """What a fit has come to, for :func:`refitting`."""

    progress: Any = None
    is_complete = False


@contextmanager
def refitting(estimator: Any) -> Iterator[Refit]:
    """Begin with nothing fitted.

    If the block fails before any training, the old fit comes back. If it fails in the
    training, nothing is fitted, and the error says so. If it fails when the fit is
    complete, the new fit stays.
    """
    old, refit = forget_fit(estimator), Refit()
    try:
        yield refit
    except BaseException as error:
        if refit.is_complete:
            raise
        forget_fit(estimator)
        if refit.progress is not None and refit.progress.has_begun:
            name = type(estimator).__name__
            error.add_note(f"Nothing is fitted: the {name} has no fit.")
        else:
            vars(estimator).update(old)
        raise


def warn_of_collapse(labels: Any, n_clusters: int, remedy: str) -> None:
    """Warn when fewer than half of the clusters are effectively in use."""
    found = effective_clusters(labels, n_clusters)
    if found < n_clusters / 2:
        warn(
            f"The clusters collapsed: only {found:.1f} of n_clusters={n_clusters} are "
            f"effectively in use. {remedy}",
            ClusterCollapseWarning,
        )


class BaseDeepEstimator(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    CallbackSupportMixin,
    SkorchParams,
):
    """Validation, seeding, device and embedding: the base of a method.

    A subclass has a constructor that only assigns its parameters and ends with
    ``self._set_skorch_params(skorch)``, where ``**skorch`` is its last argument. Its
    parameters include at least those that `_parameter_constraints` has here, except
    `image_shape`, `augment` and `batch_size`, which it may leave out. Its
    ``_fit(X, device, seed, progress)`` trains; X are checked rows
    ``(n_samples, n_features)``, `device` is a `torch.device`, `seed` an integer for
    :func:`derived_seed`, and `progress` goes to :class:`Run`. `_fit` sets

    - `net_`, a trained :class:`TensorNet` whose module has `encode`;
    - `_embedding_dim_`, the width of what `encode` returns;
    - `history_`, `n_iter_` and `stop_reason_`.

    Fitted attributes end with an underscore, private ones too: a new fit drops them.
    """

    _parameter_constraints: dict[str, list] = {
        "image_shape": [StrOptions({"auto"}), tuple, list, None],
        "augment": [StrOptions({"auto"}), callable, None],
        "batch_size": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "optimizer": [callable],
        "callbacks": [list, None],
        "checkpoint": [str, os.PathLike, FitCheckpoint, None],
        "warm_start": ["boolean"],
        "device": [str, torch.device],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    # Whether a 2-D X with a square number of columns may be images.
    _guesses_images = False

    # What the user calls the learning rate.
    _lr_name = "lr"

    @with_callbacks
    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit to the data.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), (n_samples, H, W) or \
                (n_samples, C, H, W)
            Samples. uint8 is scaled to [0, 1]; other types are used as they are.
            Arrays, memory maps, CPU or GPU tensors and data frames are accepted.
        y : Ignored
            Present for API consistency; nothing reads it.

        Returns
        -------
        self : estimator instance
            The fitted estimator. If a parameter or X is refused, an earlier fit stays
            as it is. If the training fails, nothing is fitted. Ctrl-C ends the
            training after the current step: the model is fitted as it is then, and
            `stop_reason_` is "interrupted". Ctrl-C once more stops at once.
        """
        earlier = getattr(self, "_state_", None)
        saves = getattr(self, "checkpoint", None) is not None
        with refitting(self) as refit:
            device, rows = self._check(X)
            check_same_data(rows)
            with finished_first(), listening(saves) as interrupts:
                keeper = keeper_of(self, rows, interrupts, earlier)
                refit.progress = Progress(self, self._n_stages, X, y, keeper)
                self._fit_seeded(rows, device, refit.progress)
                agree(self, self._fitted_attributes(), self.module_)
                self._state_ = keeper.kept()
                refit.progress.close(self._fitted_attributes)
                refit.is_complete = True
                self._end_interrupted(keeper)
                self._warn()
        return self

    def _end_interrupted(self, keeper):
        """Say what Ctrl-C has come to."""
        if keeper.was_cut:
            self.stop_reason_ = INTERRUPTED
            if hasattr(self, "converged_"):
                self.converged_ = False
            warn(
                f"Ctrl-C ended the training of the {type(self).__name__} early. The "
                "model is fitted as it was then, and stop_reason_ is 'interrupted'.",
                FitInterruptedWarning,
            )
        elif keeper.interrupts.stops:
            warn(
                "Ctrl-C came when the training had ended: the fit is complete.",
                FitInterruptedWarning,
            )

    def _check(self, X):
        """Device and checked rows; refuses parameters and data."""
        validate_parameters(self)
        as_checkpoint(getattr(self, "checkpoint", None))
        self._skorch_params()
        check_callbacks(self.callbacks, self._columns)
        self._check_optimizers()
        device = resolve_device(self.device)
        rows = check_input(self, X, reset=True)
        self._check_n_samples(len(rows))
        self._X_scale_ = measure_scale(rows)
        warn_of_scale(self._X_scale_, self)
        return device, rows

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Embed samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), (n_samples, H, W) or \
                (n_samples, C, H, W)
            Samples, in any layout of those seen in `fit`.

        Returns
        -------
        Z : ndarray of shape (n_samples, embedding_dim)
            Embedding, float32. The embedding of a sample is the same to the bit
            whatever other samples come with it.
        """
        check_is_fitted(self)
        return self._embed(self._data(X)).cpu().numpy()

    def save(self, path: str | os.PathLike) -> None:
        """Write the estimator to a file of weights and JSON, without pickle.

        Parameters
        ----------
        path : path
            The file. :func:`skdeepclust.load` reads it.
        """
        save(self, path)

    @property
    def module_(self) -> nn.Module:
        """Fitted network."""
        return self._fitted_net.module_

    @property
    def _fitted_net(self) -> TensorNet:
        """The net, or an error that says that there is no fit."""
        check_is_fitted(self, "net_")
        return self.net_

    @property
    def _n_stages(self) -> int:
        """Number of stages reported to scikit-learn's callbacks."""
        return 1

    @property
    def _columns(self) -> dict[str, tuple[str, ...]] | None:
        """Columns of the history of each stage, for callbacks that monitor one.

        None accepts any name; a callback then fails if the column is missing.
        """
        return None

    @property
    def _device(self):
        return torch.device(self.net_.device)

    @property
    def _input_shape_(self) -> tuple[int, ...]:
        """Shape in which the network takes a sample."""
        rows = (self.n_features_in_,)
        return rows if self.image_shape_ is None else self.image_shape_

    @property
    def _n_features_out(self):
        return self._embedding_dim_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # the embedding is float32
        return tags

    # -- for subclasses ------------------------------------------------------

    def _fit(self, X, device, seed, progress):
        """Train on checked rows; see the docstring of the class."""
        raise NotImplementedError

    def _check_n_samples(self, n_samples):
        """Refuse too few samples; a subclass may need more than one."""

    def _warn(self):
        """Warn of what is odd about a fit. It is called when the fit is complete."""

    def _fit_checked(self, X, scale, progress):
        """Fit to rows that another estimator has checked, measured, and reports."""
        X = check_input(self, X, reset=True)
        self._X_scale_ = scale
        self._fit_seeded(X, resolve_device(self.device), progress)
        return self

    def _fit_seeded(self, X, device, progress):
        """Fit to checked rows while the user's generators are set aside."""
        keeper, seed = progress.keeper, root_seed(self.random_state)
        is_outermost = not keeper.has_begun
        if is_outermost:
            seed = keeper.seed(from_first(seed))
        torch_seed = derived_seed(seed, "torch")

        def run():
            if is_outermost:
                keeper.begin()
            self._fit(X, device, seed, progress)

        with plain_torch(), torch.inference_mode(False), torch.enable_grad():
            draws_of(torch_seed, device, run)
        if hasattr(self, "net_"):
            # Nothing reads the memory of the optimiser, twice the weights for Adam.
            self.net_.optimizer_.zero_grad(set_to_none=True)
            self.net_.optimizer_.state.clear()

    def _fitted_attributes(self):
        """Attributes that make a copy of this estimator a fitted one."""
        return {k: v for k, v in vars(self).items() if k.endswith("_")}

    def _data(self, X):
        """Samples of the user as tensors on the device."""
        rows = check_input(self, X, reset=False)
        scale = measure_scale(rows)
        warn_of_scale(scale, self, self._X_scale_, len(rows))
        return TensorData(rows, self._input_shape_, self._device)

    def _embed(self, data: TensorData) -> Tensor:
        """Embedding of all samples, on the device."""
        Z = map_blocks(self.net_.module_.eval().encode, data).to(torch.float32)
        return self._checked_output(Z, "the embedding of X")

    def _decode(self, Z):
        """Decoded embeddings, (n, *input_shape)."""
        network: Any = self.module_.eval()
        data = TensorData(Z, Z.shape[1:], self._device)
        X = map_blocks(network.decode, data)
        return self._checked_output(X, "the decoded embedding").cpu().numpy()

    def _checked_output(self, values: Tensor, what: str) -> Tensor:
        """What a network made, if it is finite; clusters of NaN mean nothing."""
        if bool(values.isfinite().all()):
            return values
        name = type(self).__name__
        weights = self.net_.module_.parameters()
        if all(bool(each.isfinite().all()) for each in weights):
            cause = "the input is too large or not finite, or module makes NaN of it"
        else:
            cause = "weights of the network have become NaN or infinite. Fit again"
        raise ValueError(
            f"{name} cannot be used: {what} is not finite, because {cause}."
        )

    def _net_params(self, device, batch_size):
        """Arguments that all the nets of an estimator are built with."""
        passed_on = {
            name: as_python(value)
            for name, value in self._skorch_params().items()
            if not name.startswith("module__")
        }
        return {
            "optimizer": self.optimizer,
            "lr": float(self.lr),
            "batch_size": batch_size,
            "callbacks": self.callbacks,
            "columns": self._columns,
            "lr_name": self._lr_name,
            "device": str(device),
            "verbose": int(self.verbose) if is_first() else 0,
            **passed_on,
        }

    def _check_optimizers(self):
        check_optimizer(self.optimizer, float(self.lr), self._arguments("optimizer"))

    def _module_arguments(self):
        """Arguments that the user passes to the network, without their prefix."""
        return self._arguments("module")

    def _arguments(self, prefix):
        return {
            name.removeprefix(f"{prefix}__"): as_python(value)
            for name, value in self._skorch_params().items()
            if name.startswith(f"{prefix}__")
        }


class BaseDeepClusterer(ClusterMixin, BaseDeepEstimator):
    """A deep estimator that finds clusters: the base of a method that clusters.

    `_fit` also sets `labels_`, and a subclass writes ``_assign(Z)``, which returns the
    clusters of embedded samples Z, a tensor on the device, as an array.
    """

    _parameter_constraints: dict[str, list] = {
        **BaseDeepEstimator._parameter_constraints,
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
    }

    def predict(self, X: Any) -> NDArray[np.integer]:
        """Cluster of every sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), (n_samples, H, W) or \
                (n_samples, C, H, W)
            Samples, in any layout of those seen in `fit`.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Index of the cluster.
        """
        check_is_fitted(self)
        return self._assign(self._embed(self._data(X)))

    def _assign(self, Z):
        raise NotImplementedError

    def _check_n_samples(self, n_samples):
        if n_samples < self.n_clusters:
            raise ValueError(
                f"n_samples={n_samples} should be >= n_clusters={self.n_clusters}."
            )
        # As fitted: the parameter may be set to another value later.
        self._n_clusters_ = int(self.n_clusters)

    def _warn(self):
        self._warn_of_collapse("Try another random_state or a smaller n_clusters.")

    def _warn_of_collapse(self, remedy):
        """Warn when fewer than half of the clusters are effectively in use."""
        warn_of_collapse(self.labels_, self.n_clusters, remedy)


class SoftClusterer(BaseDeepClusterer):
    """A deep clusterer with soft assignments.

    The module of `net_` has ``assign(Z)``, which maps embedded samples
    ``(n, embedding_dim)`` to soft assignments ``(n, n_clusters)``. `predict` and
    `predict_proba` follow from it.
    """

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
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
        Z = self._embed(self._data(X))
        # Filled in place: a list of blocks would need the memory twice.
        whole = torch.empty(
            len(Z), self._n_clusters_, dtype=torch.float32, device="cpu"
        )
        blocks = assignment_blocks(whole, self._n_clusters_)
        for block, Q in zip(blocks, self._soft_assignments(Z), strict=True):
            block.copy_(Q)
        return whole.numpy()

    def _assign(self, Z):
        labels = [Q.argmax(dim=1) for Q in self._soft_assignments(Z)]
        return torch.cat(labels).cpu().numpy()

    def _soft_assignments(self, Z: Tensor) -> Iterator[Tensor]:
        """Soft assignments, block by block."""
        for block in assignment_blocks(Z, self._n_clusters_):
            with plain_torch(), torch.no_grad():
                Q = self.net_.module_.assign(block)
            yield self._checked_output(Q, "the soft assignment of X")


class InverseTransformMixin:
    """Adds `inverse_transform` to an estimator that trains a decoder."""

    def inverse_transform(self: Any, Z: Any) -> NDArray[np.float32]:
        """Decode embedded points.

        Parameters
        ----------
        Z : array-like of shape (n_samples, embedding_dim)
            Embedding.

        Returns
        -------
        X : ndarray of shape (n_samples, ...)
            Decoded samples, float32, in the layout that X had in `fit`: rows stay
            rows, images images. For uint8 data they are on the scale [0, 1].
        """
        check_is_fitted(self)
        Z = check_array(as_array(Z, "Z"), dtype="numeric", input_name="Z")
        Z = check_array(Z, dtype=np.float32, input_name="Z")
        if Z.shape[1] != self._n_features_out:
            raise ValueError(
                f"Z has {Z.shape[1]} columns, but the embedding of this "
                f"{type(self).__name__} has {self._n_features_out}."
            )
        return self._decode(Z).reshape(len(Z), *self._X_shape_)


class PublishedMixin:
    """Adds `as_published`, which reads the settings of the paper from `_published`."""

    _published: dict[str, Any] = {}

    @classmethod
    def as_published(cls, n_clusters: int = 10, **changes: Any) -> Self:
        """Make an estimator with the settings of the method's paper.

        The defaults of the constructor differ from them where others do better on the
        data that they were measured on; the Notes of the class name the differences.

        Parameters
        ----------
        n_clusters : int, default=10
            Number of clusters.
        **changes : dict
            Parameters that are to have other values, as in the constructor.

        Returns
        -------
        estimator : estimator instance
            A new estimator, not fitted.
        """
        return cls(**{"n_clusters": n_clusters, **cls._published, **changes})
