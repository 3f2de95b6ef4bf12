"""What both heads share: features in any scale, soft assignments as the embedding."""

from numbers import Integral

import numpy as np
import torch
from torch import Tensor, nn

from skdeepclust._base import SoftClusterer
from skdeepclust._checkpoint import as_checkpoint
from skdeepclust._compat import Interval, StrOptions, validate_parameters
from skdeepclust._device import resolve_device
from skdeepclust._inputs import check_input
from skdeepclust._n_clusters import AUTO_NUMBER, AutoNumberMixin
from skdeepclust._nets import TensorNet, check_callbacks
from skdeepclust._scale import measure_scale
from skdeepclust._tensor_data import TensorData

__all__ = ["BaseHead", "HeadNet", "HeadNetwork"]

# The embedding is a logarithm: the softmax of it gives the assignment back.
_LEAST_LOG = -80.0

_LEAST_BATCH, _MOST_BATCH, _STEPS_OF_PASS = 32, 256, 20


class HeadNetwork(nn.Module):
    """A network whose embedding is the logarithm of its soft assignment.

    A subclass writes ``log_assignment(X)``, which maps rows as the user gives them to
    logarithms of soft assignments ``(n, n_clusters)``.
    """

    def log_assignment(self, X: Tensor) -> Tensor:
        """Logarithms of the soft assignments of rows of the user."""
        raise NotImplementedError

    def encode(self, X: Tensor) -> Tensor:
        """Return logarithms of soft assignments, at least -80."""
        return self.log_assignment(X).clamp_min(_LEAST_LOG)

    def assign(self, Z: Tensor) -> Tensor:
        """Soft assignments of what `encode` returned."""
        return Z.softmax(dim=1)


class HeadNet(TensorNet):
    """A net whose errors name the parameters of a head."""

    _causes: tuple[str, ...] = ()

    def _non_finite_message(self, what, value):
        return (
            f"{self.stage.capitalize()} stopped in epoch {len(self.history)}: {what} "
            f"became {value}. The usual causes are values of X beyond float32 and odd "
            f"values of {', '.join(self._causes)}; start from the defaults. Nothing "
            "was fitted."
        )


class BaseHead(AutoNumberMixin, SoftClusterer):
    """A clusterer of features: no images, no network below the head.

    A subclass sets `net_`, whose module is a :class:`HeadNetwork`, and what
    :class:`BaseDeepEstimator` asks for, and then calls `_finish`.
    """

    _parameter_constraints: dict[str, list] = {
        name: allowed
        for name, allowed in SoftClusterer._parameter_constraints.items()
        if name not in ("image_shape", "augment")
    } | {
        **AUTO_NUMBER,
        "scale": [StrOptions({"standard", "unit"}), None],
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "max_epochs": [Interval(Integral, 0, None, closed="left")],
    }

    def _check(self, X):
        """Device and checked rows; features of any scale are welcome."""
        validate_parameters(self)
        as_checkpoint(self.checkpoint)
        self._skorch_params()
        if self._module_arguments():
            names = ", ".join(f"module__{name}" for name in self._module_arguments())
            raise ValueError(
                f"{names} has no effect: {type(self).__name__} builds its head from "
                "its own parameters. Leave it out."
            )
        check_callbacks(self.callbacks, self._columns)
        self._check_optimizers()
        device = resolve_device(self.device)
        rows = check_input(self, X, reset=True)
        self._check_n_samples(len(rows))
        self._X_scale_ = measure_scale(rows)
        return device, rows

    def _data_of(self, X, device):
        """Samples of `fit` as tensors on the device."""
        return TensorData(X, self._input_shape_, device)

    def _batch(self, n_samples):
        """Samples per step; "auto" makes twenty steps of a pass, of at most 256."""
        if self.batch_size != "auto":
            return min(int(self.batch_size), n_samples)
        wanted = max(_LEAST_BATCH, n_samples // _STEPS_OF_PASS)
        return min(_MOST_BATCH, wanted, n_samples)

    def _finish(self, data):
        """Set labels and centres: the same blocks as in `predict` give both."""
        self._embedding_dim_ = self._n_clusters_
        Z = self._embed(data)
        self.labels_ = self._assign(Z)
        sums = np.zeros((self._n_clusters_, self._n_clusters_))
        weights = np.zeros(self._n_clusters_)
        for block in Z.split(4096):
            Q = block.softmax(dim=1).to("cpu", torch.float64).numpy()
            sums += Q.T @ block.to("cpu", torch.float64).numpy()
            weights += Q.sum(axis=0)
        self.cluster_centers_ = (sums / weights[:, None]).astype(np.float32)

    @property
    def _columns(self):
        return {"training": ("epoch", "train_loss", "dur")}
