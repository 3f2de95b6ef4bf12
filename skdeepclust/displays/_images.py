"""Samples as images that matplotlib draws."""

import math
from numbers import Integral

import numpy as np
import scipy.sparse

from skdeepclust._fitted import as_samples, name_of, step_with

__all__ = ["as_images", "image_limits", "to_unit"]


# Colours that exceed [0, 1] by at most this are clipped. Colours that exceed it by more
# are on another scale.
_COLOUR_MARGIN = 0.5


def as_images(estimator, X, image_shape=None):
    """Samples as images of channels, height and width.

    Parameters
    ----------
    estimator : estimator
        Its `image_shape_` is the shape of a row.
    X : array-like of shape (n, C, H, W), (n, H, W) or (n, n_features)
        Samples.
    image_shape : tuple of 2 or 3 ints, default=None
        Shape of a row. None takes the estimator's `image_shape_`.

    Returns
    -------
    images : ndarray of shape (n, H, W) or (n, H, W, 3)
        Grey images of one channel or colour images of three; for other numbers of
        channels, their mean. uint8 is scaled to [0, 1].

    Raises
    ------
    TypeError
        If `image_shape` is not a tuple of whole numbers.
    ValueError
        If the shape of the images is unknown, if `image_shape` does not fit to X, or
        if X has another number of dimensions.
    """
    X = X.toarray() if scipy.sparse.issparse(X) else np.asarray(as_samples(X))
    own_shape = getattr(step_with(estimator, "image_shape_"), "image_shape_", None)
    if image_shape is not None:
        _check_image_shape(image_shape, X.shape, own_shape)
    if X.ndim == 2:
        if image_shape is None:
            image_shape = own_shape
        if image_shape is None:
            raise ValueError(
                f"X has rows, and {name_of(estimator)} has no image_shape_, so the "
                "shape of the images is unknown. Pass image_shape=(C, H, W), or X of "
                "shape (n, C, H, W)."
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


def _check_image_shape(image_shape, shape, own_shape):
    """Refuse an `image_shape` that is no shape, or not that of X or the estimator."""
    is_shape = isinstance(image_shape, tuple | list) and len(image_shape) in (2, 3)
    if not is_shape or not all(
        isinstance(side, Integral) and not isinstance(side, bool) and int(side) > 0
        for side in image_shape
    ):
        error = ValueError if isinstance(image_shape, tuple | list) else TypeError
        raise error(
            f"image_shape={image_shape!r} must be (height, width) or (channels, "
            "height, width), positive whole numbers."
        )
    if math.prod(image_shape) != math.prod(shape[1:]):
        raise ValueError(
            f"image_shape={image_shape} needs {math.prod(image_shape)} values per "
            f"sample, but X of shape {shape} has {math.prod(shape[1:])}. Pass the "
            "(channels, height, width) of your images."
        )
    if own_shape is not None and (1, *image_shape)[-3:] != (1, *own_shape)[-3:]:
        raise ValueError(
            f"image_shape={image_shape} differs from the image_shape_ of the "
            f"estimator, {tuple(own_shape)}. Leave it out."
        )
    if len(shape) > 2 and (1, *image_shape)[-3:] != (1, *shape[1:])[-3:]:
        raise ValueError(
            f"image_shape={image_shape} differs from the images of X of shape {shape}. "
            "Leave it out: it is for rows."
        )


def image_limits(images):
    """Values drawn as black and as white: 0 and 1 for images on the scale [0, 1].

    Grey images without bright pixels are brightened. Colour images are not, and may
    slightly exceed the scale.
    """
    low, high = float(images.min()), float(images.max())
    if images.ndim == 4:
        is_unit = low >= -_COLOUR_MARGIN and high <= 1 + _COLOUR_MARGIN
    else:
        is_unit = low >= 0 and 0.5 < high <= 1
    return (0.0, 1.0) if is_unit else (low, max(high, low + 1e-6))


def to_unit(image, limits):
    """Scale an image from the limits to [0, 1], and clip values beyond them."""
    low, high = limits
    return np.clip((image - low) / (high - low), 0, 1)
