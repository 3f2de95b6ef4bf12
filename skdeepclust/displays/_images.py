"""Samples as images that matplotlib draws."""

import numpy as np

from skdeepclust._fitted import name_of, step_with

__all__ = ["as_images", "image_limits", "to_unit"]


# Colour that goes beyond [0, 1] by no more than this is clipped; by more, it is on
# another scale.
_COLOUR_MARGIN = 0.5


def as_images(estimator, X, image_shape=None):
    """Samples as images of channels, height and width.

    Parameters
    ----------
    estimator : estimator
        Its `image_shape_` says what a row is.
    X : array-like of shape (n, C, H, W), (n, H, W) or (n, n_features)
        Samples.
    image_shape : tuple of 2 or 3 ints, default=None
        What a row is, where the estimator does not say.

    Returns
    -------
    images : ndarray of shape (n, H, W) or (n, H, W, 3)
        Grey or colour images, uint8 scaled to [0, 1]. Of other numbers of channels
        the mean is taken.
    """
    X = np.asarray(X)
    if X.ndim == 2:
        if image_shape is None:
            image_shape = getattr(
                step_with(estimator, "image_shape_"), "image_shape_", None
            )
        if image_shape is None:
            raise ValueError(
                f"X has rows, and {name_of(estimator)} has no image_shape_ that says "
                "what images they are. Pass image_shape=(C, H, W), or X of shape "
                "(n, C, H, W)."
            )
        X = X.reshape(len(X), *image_shape)
    if X.ndim == 3:
        X = X[:, None]
    if X.ndim != 4:
        raise ValueError(
            f"X of shape {X.shape} is not (n, C, H, W), (n, H, W) or rows of images."
        )
    is_uint8 = X.dtype == np.uint8
    X = X.astype(np.float32) / 255 if is_uint8 else X.astype(np.float32)
    return X.transpose(0, 2, 3, 1) if X.shape[1] == 3 else X.mean(axis=1)


def image_limits(images):
    """Values to be drawn black and white: 0 and 1 for data on this scale.

    Grey images that are dark throughout are brightened. Colour is not, and may go
    somewhat beyond the scale.
    """
    low, high = float(images.min()), float(images.max())
    if images.ndim == 4:
        is_unit = low >= -_COLOUR_MARGIN and high <= 1 + _COLOUR_MARGIN
    else:
        is_unit = low >= 0 and 0.5 < high <= 1
    return (0.0, 1.0) if is_unit else (low, max(high, low + 1e-6))


def to_unit(image, limits):
    """An image with its values between the limits on [0, 1], others clipped."""
    low, high = limits
    return np.clip((image - low) / (high - low), 0, 1)
