"""The input contract: what X may be, and every error about its shape.

Whatever comes in leaves as a matrix with a row per sample, of the type that it
had (uint8 stays uint8, a memory map stays one), and with the shape of one image
or None beside it.
"""

import math
from numbers import Integral

import numpy as np
from sklearn.utils.validation import validate_data

from skdeepclust._containers import as_array
from skdeepclust._warnings import warn
from skdeepclust.exceptions import ImageShapeWarning

__all__ = ["check_image_shape", "check_input"]

# The smallest square that is guessed to be an image: scikit-learn's digits.
_SMALLEST_AUTO_IMAGE = 64


def check_input(estimator, X, *, reset):
    """Validate X and set or check `n_features_in_` and `image_shape_`.

    `_X_shape_`, the shape of a sample as the user gives it, is set as well.

    Parameters
    ----------
    estimator : estimator instance
        Its parameter `image_shape` is read.
    X : array-like of shape (n, d), (n, H, W) or (n, C, H, W)
        Data of a numeric type, dense, finite.
    reset : bool
        True in `fit`, False where a fitted estimator gets new data.

    Returns
    -------
    X : ndarray of shape (n, d)
        A view of the data where that is possible.
    """
    X = as_array(X)
    ndim = getattr(X, "ndim", 2)
    if ndim > 2:
        X = np.asarray(X) if not isinstance(X, np.ndarray) else X
        sample_shape = _sample_shape(estimator, X.shape)
        if not reset:
            _check_same_shape(estimator, sample_shape)
        X_shape = X.shape[1:]
        X = X.reshape(len(X), math.prod(sample_shape))
    else:
        sample_shape = X_shape = None
        if not reset:
            _check_not_a_single_image(estimator, X)
    X = validate_data(estimator, X, reset=reset, dtype="numeric", order=None)
    if reset:
        estimator._X_shape_ = X_shape or X.shape[1:]
        estimator.image_shape_ = check_image_shape(
            getattr(estimator, "image_shape", "auto"), sample_shape, X.shape[1]
        )
        is_table = hasattr(estimator, "feature_names_in_")
        if estimator._guesses_images and X_shape is None and not is_table:
            _guess_image_shape(estimator, X.shape[1])
    return X


def check_image_shape(image_shape, sample_shape, n_features):
    """Determine whether a row is an image (C, H, W) or not (None).

    Parameters
    ----------
    image_shape : "auto", None or tuple of 2 or 3 ints
        Parameter of the estimator.
    sample_shape : tuple of 3 ints or None
        Shape of an image in a 3-D or 4-D X, as (C, H, W); None for a 2-D X.
    n_features : int
        Number of values in a row.
    """
    if image_shape is None:
        return None
    if isinstance(image_shape, str):  # "auto"
        return sample_shape
    shape = _as_chw(image_shape, n_features)
    if sample_shape is not None and shape != sample_shape:
        raise ValueError(
            f"image_shape={image_shape} says that an image is {shape} (channels, "
            f"height, width), but X holds images of shape {sample_shape}. Pass "
            'image_shape="auto" to take the shape from X; if its channels are last, '
            "pass X.transpose(0, 3, 1, 2)."
        )
    if math.prod(shape) != n_features:
        raise ValueError(
            f"image_shape={image_shape} needs {math.prod(shape)} features, got X "
            f"with {n_features} features. Pass the (channels, height, width) of your "
            "images, or image_shape=None if the rows of X are not images."
        )
    return shape


def _guess_image_shape(estimator, n_features):
    """Take rows of a square length for images, and say so."""
    is_said = not isinstance(estimator.image_shape, str)  # not "auto"
    side = math.isqrt(n_features)
    if is_said or side * side != n_features or n_features < _SMALLEST_AUTO_IMAGE:
        return
    estimator.image_shape_ = (1, side, side)
    name = type(estimator).__name__
    warn(
        f"{name} takes the {n_features} columns of X for images of {side} x {side} "
        f"pixels, because their number is a square. image_shape=({side}, {side}) "
        "confirms this; image_shape=None refuses it: the rows are then a table or "
        "embeddings, and the network is dense.",
        ImageShapeWarning,
    )


def _as_chw(image_shape, n_features):
    """(H, W) means one channel; one -1 means what is left, as in numpy's reshape."""
    shape = list(image_shape)
    if len(shape) == 2:
        shape = [1, *shape]
    whole = all(isinstance(s, Integral) and not isinstance(s, bool) for s in shape)
    shape = [int(side) for side in shape] if whole else []
    if len(shape) != 3 or shape.count(-1) > 1 or min(shape) < -1 or 0 in shape:
        raise ValueError(
            f"image_shape={image_shape} must be 'auto', None, (channels, height, "
            "width) or (height, width), positive integers of which one may be -1."
        )
    if -1 in shape:
        known = -math.prod(shape)
        shape[shape.index(-1)] = max(1, n_features // known)
    return tuple(shape)


def _sample_shape(estimator, shape):
    """(C, H, W) of the images of a 3-D or 4-D X."""
    name = type(estimator).__name__
    if len(shape) == 3:
        return (1, *shape[1:])
    if len(shape) > 4:
        raise ValueError(
            f"{name} expects X of shape (n, C, H, W), (n, H, W) or (n, d), got an "
            f"array with {len(shape)} dimensions, shape {shape}. Reshape it so that "
            "each sample is one image or one row."
        )
    _, first, second, last = shape
    explicit = isinstance(getattr(estimator, "image_shape", None), tuple | list)
    # Two equal sides and another last one, or few channels behind two long sides.
    # Narrow images of up to three channels are taken as they come.
    few_at_the_end = last <= 8 and second > 2 * last and first > 3
    if (first == second != last or few_at_the_end) and not explicit:
        raise ValueError(
            f"X of shape {shape} looks like images with the channels last. {name} "
            "expects (n, C, H, W): pass X.transpose(0, 3, 1, 2). If the images "
            f"really have {first} channels and a width of {last}, say so with "
            f"image_shape={tuple(shape[1:])}."
        )
    return tuple(shape[1:])


def _check_same_shape(estimator, sample_shape):
    fitted = estimator.image_shape_
    if fitted is None and len(estimator._X_shape_) > 1:  # images taken as rows
        fitted = (1, *estimator._X_shape_)[-3:]
    name = type(estimator).__name__
    if fitted is not None and sample_shape != fitted:
        raise ValueError(
            f"X holds images of shape {sample_shape} (channels, height, width), but "
            f"{name} was fitted on images of shape {fitted}. Resize or crop them; a "
            "single image is passed as X[None]."
        )


def _check_not_a_single_image(estimator, X):
    fitted = estimator.image_shape_
    if fitted is None and len(estimator._X_shape_) > 1:
        fitted = (1, *estimator._X_shape_)[-3:]
    shape: tuple = getattr(X, "shape", ())
    is_row = len(shape) == 2 and tuple(shape)[1:] == (math.prod(fitted or ()),)
    if fitted is not None and (1, *shape) == fitted and not is_row:
        raise ValueError(
            f"X of shape {shape} looks like a single image; {type(estimator).__name__} "
            f"was fitted on images of shape {fitted}. Pass X[None]."
        )
