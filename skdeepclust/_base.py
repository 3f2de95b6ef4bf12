"""What every deep clustering estimator shares, and no more."""

import warnings

import numpy as np
import torch
from sklearn.base import (
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    TransformerMixin,
)
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils.validation import check_array, check_is_fitted

from skdeepclust._batches import Rows, map_blocks
from skdeepclust._centers import effective_clusters
from skdeepclust._compat import validate_parameters
from skdeepclust._device import derived_seed, resolve_device, root_seed, seeded
from skdeepclust._fitted import forget_fit
from skdeepclust._inputs import check_input, check_scale
from skdeepclust._params import SkorchParamsMixin
from skdeepclust._progress import Progress
from skdeepclust.exceptions import ClusterCollapseWarning
from skdeepclust.metrics import latent_silhouette

__all__ = ["BaseDeepClusterer", "BaseDeepEstimator", "DecoderMixin"]


class BaseDeepEstimator(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    CallbackSupportMixin,
    SkorchParamsMixin,
):
    """Validation, seeding, device, embedding and decoding.

    A subclass writes `_fit(X, device, seed, progress)`, which leaves a trained skorch
    net in `net_`, whose module has `encode`, and `_n_stages`, the number of stages
    that it reports. The training loop is the subclass's own.
    """

    @with_callbacks
    def fit(self, X, y=None):
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
            The fitted estimator. When fitting fails it is left unfitted.
        """
        self._forget()
        try:
            validate_parameters(self)
            self._skorch_params()
            device = resolve_device(self.device)
            X_rows = check_input(self, X, reset=True)
            self._check_n_samples(len(X_rows))
            self._X_scale = check_scale(X_rows, type(self).__name__)
            progress = Progress(self, self._n_stages, X, y)
            self._fit_rows(X_rows, device, progress)
            progress.close(self._fitted_attributes)
        except BaseException:
            self._forget()
            raise
        return self

    def _fit_rows(self, X, device, progress):
        """Fit to checked rows, the generators of the user set aside."""
        seed = root_seed(self.random_state)
        with (
            seeded(derived_seed(seed, "torch"), device),
            torch.inference_mode(False),
            torch.enable_grad(),
        ):
            self._fit(X, device, seed, progress)

    def transform(self, X):
        """Embed samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), (n_samples, H, W) or \
                (n_samples, C, H, W)
            Samples, in any layout of those seen in `fit`.

        Returns
        -------
        Z : ndarray of shape (n_samples, embedding_dim)
            Codes, float32. A sample gets the same code to the bit whatever other
            samples come with it.
        """
        check_is_fitted(self)
        return self._embed(self._rows(X)).cpu().numpy()

    @property
    def module_(self):
        """Fitted autoencoder, an `nn.Module` with `encode` and `decode`."""
        return self.net_.module_.autoencoder

    @property
    def _n_stages(self):
        return 1

    @property
    def _device(self):
        return torch.device(self.net_.device)

    @property
    def _n_features_out(self):
        return self._code_width

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # codes are float32
        return tags

    # -- for subclasses ------------------------------------------------------

    def _check_n_samples(self, n_samples):
        """Refuse too few samples; a subclass may need more than one."""

    def _fitted_attributes(self):
        """Attributes that make a copy of this estimator a fitted one."""
        return {k: v for k, v in vars(self).items() if k.endswith("_")}

    def _rows(self, X):
        X = check_input(self, X, reset=False)
        check_scale(X, type(self).__name__, self._X_scale)
        return Rows(X, self._input_shape, self._device)

    def _embed(self, rows):
        """Codes of all rows, on the device."""
        return map_blocks(self.net_.module_.eval().encode, rows).to(torch.float32)

    def _net_params(self, device, batch_size):
        """Arguments that all the nets of an estimator are built with."""
        passed_on = {
            name: value
            for name, value in self._skorch_params().items()
            if not name.startswith("module__")
        }
        return {
            "optimizer": self.optimizer,
            "lr": self.lr,
            "batch_size": batch_size,
            "callbacks": self.callbacks,
            "device": str(device),
            "verbose": int(self.verbose),
            **passed_on,
        }

    def _module_arguments(self):
        prefix = "module__"
        return {
            name.removeprefix(prefix): value
            for name, value in self._skorch_params().items()
            if name.startswith(prefix)
        }

    def _forget(self):
        """Drop everything fitted."""
        forget_fit(
            self,
            *("_X_shape", "_X_scale", "_input_shape", "_code_width"),
            *("_assignment", "_spectral"),
        )


class BaseDeepClusterer(ClusterMixin, BaseDeepEstimator):
    """A deep estimator that finds `n_clusters` clusters, in `labels_`."""

    def score(self, X, y=None):
        """Mean silhouette of the predicted clusters in the embedding, without labels.

        It compares clusterings of one embedding. Training makes the embedding anew and
        pulls clusters together while it does: one that has collapsed onto its centres
        has the highest silhouette of all. See
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
        check_is_fitted(self)
        return latent_silhouette(self, X)

    def _check_n_samples(self, n_samples):
        if n_samples < self.n_clusters:
            raise ValueError(
                f"n_samples={n_samples} should be >= n_clusters={self.n_clusters}."
            )

    def _warn_of_collapse(self, remedy):
        """Warn when the sizes of the clusters are as uneven as if they were few."""
        found = effective_clusters(self.labels_, self.n_clusters)
        if found < self.n_clusters / 2:
            warnings.warn(
                f"The clusters collapsed: the sizes of the {self.n_clusters} clusters "
                f"are as uneven as if there were {found:.1f} of them. {remedy}",
                ClusterCollapseWarning,
                stacklevel=7,
            )


class DecoderMixin(BaseDeepEstimator):
    """For an estimator whose decoder is trained, so that codes can be decoded."""

    def inverse_transform(self, Z):
        """Decode embedded points.

        Parameters
        ----------
        Z : array-like of shape (n_samples, embedding_dim)
            Codes.

        Returns
        -------
        X : ndarray of shape (n_samples, ...)
            Decoded samples, float32, in the layout that X had in `fit`: rows stay
            rows, images images. For uint8 data they are on the scale [0, 1].
        """
        check_is_fitted(self)
        Z = check_array(Z, dtype=np.float32)
        if Z.shape[1] != self._n_features_out:
            raise ValueError(
                f"Z has {Z.shape[1]} columns, but the codes of this "
                f"{type(self).__name__} have {self._n_features_out}."
            )
        return self._decode(Z).reshape(len(Z), *self._X_shape)

    def _decode(self, Z):
        """Decoded codes, (n, *input_shape)."""
        self.module_.eval()
        rows = Rows(Z, Z.shape[1:], self._device)
        return map_blocks(self.module_.decode, rows).cpu().numpy()
