"""The input contract: what X may be, and every error about it.

Whatever comes in leaves as a matrix with a row per sample, of the type that it
had (uint8 stays uint8, a memory map stays one), and with the shape of one image
or None beside it.
"""

import math
from numbers import Integral

import numpy as np
import torch
from sklearn.utils.validation import validate_data

from skdeepclust._warnings import warn
from skdeepclust.exceptions import DataScaleWarning, ImageShapeWarning

__all__ = ["check_image_shape", "check_input", "measure_scale", "warn_of_scale"]

# The smallest square that is guessed to be an image: scikit-learn's digits.
_SMALLEST_AUTO_IMAGE = 64

# Root mean squares between which float data trains well with the default learning
# rate. Images in [0, 1] have .1 to .7, standardised columns exactly 1.
_RMS_LOW, _RMS_HIGH = 0.01, 5.0

_VALUES_PER_BLOCK = 2**18

# New data this many times larger or smaller than the training data was scaled in
# another way.
_RMS_FACTOR, _FEW_SAMPLES = 10, 10


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
    if isinstance(X, torch.Tensor):
        X = _from_tensor(X)
    elif isinstance(X, list | tuple):
        X = _from_nested_lists(X)
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
            'image_shape="auto" to take the shape from X.'
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


def measure_scale(X):
    """Size of the values of X.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Checked rows.

    Returns
    -------
    rms : float
        Root mean square of X as the network sees it.
    is_uint8 : bool
        Whether X is uint8, which is scaled to [0, 1].
    """
    return _root_mean_square(X), X.dtype == np.uint8


def warn_of_scale(scale, estimator_name, fitted=None, n_samples=None):
    """Warn of data so large or small that training, or a trained network, suffers.

    Parameters
    ----------
    scale : tuple
        What `measure_scale` returned for X.
    estimator_name : str
        For the warning.
    fitted : tuple or None, default=None
        The same for the data of `fit`; None while the network is not trained yet.
    n_samples : int or None, default=None
        Number of rows of X; needed with `fitted`.
    """
    rms, is_uint8 = scale
    if fitted is not None:
        _warn_of_other_scale(rms, is_uint8, fitted, n_samples, estimator_name)
    elif rms and not _RMS_LOW <= rms <= _RMS_HIGH:
        _warn_of_training_scale(rms, is_uint8, estimator_name)


def _warn_of_training_scale(rms, is_uint8, estimator_name):
    if is_uint8:
        seen = "uint8 data is divided by 255"
        remedy = (
            "For masks and other data that does not reach up to 255 pass "
            "X.astype('float32') divided by its largest value."
        )
    else:
        seen = "float and integer data is used as it is"
        remedy = (
            "For pixels in 0..255 pass X.astype('uint8'), which is scaled to [0, 1] "
            "batch by batch, or X / 255; for other images divide by the largest value; "
            "for tables put a StandardScaler or MinMaxScaler in front."
        )
    warn(
        f"X has a root mean square of {rms:.3g} as {estimator_name} sees it ({seen}). "
        f"Training works best with values of the order of 1, a root mean square in "
        f"[{_RMS_LOW}, {_RMS_HIGH}]. {remedy}",
        DataScaleWarning,
    )


def _warn_of_other_scale(rms, is_uint8, fitted, n_samples, estimator_name):
    """Warn of new data that was scaled in another way than that of `fit`."""
    fitted_rms, fitted_uint8 = fitted
    # A single row may well be small; many rows, or those of another type, may not.
    may_be_small = n_samples < _FEW_SAMPLES and is_uint8 == fitted_uint8
    too_large = rms > _RMS_FACTOR * fitted_rms > 0
    too_small = 0 < rms < fitted_rms / _RMS_FACTOR and not may_be_small
    if too_large or too_small:
        kinds = {True: "uint8, scaled to [0, 1]", False: "not uint8, used as it is"}
        warn(
            f"X has a root mean square of {rms:.3g} ({kinds[is_uint8]}), the data that "
            f"{estimator_name} was fitted to one of {fitted_rms:.3g} "
            f"({kinds[fitted_uint8]}). Pass X in the same type and on the same scale.",
            DataScaleWarning,
        )


def _root_mean_square(X):
    """Root mean square of X, uint8 scaled to [0, 1]; by blocks, without a copy."""
    total = 0.0
    block = max(1, _VALUES_PER_BLOCK // X.shape[1])
    for start in range(0, len(X), block):
        rows = np.asarray(X[start : start + block], dtype=np.float64)
        if np.abs(rows).max() > np.finfo(np.float32).max:
            raise ValueError("Input X contains a value too large for dtype('float32').")
        total += float(np.vdot(rows, rows))
    return math.sqrt(total / X.size) / (255 if X.dtype == np.uint8 else 1)


def _from_tensor(X):
    if X.layout != torch.strided:
        raise TypeError(
            "Sparse data was passed, but dense data is required. Use X.to_dense()."
        )
    X = X.detach().cpu()
    return (X.float() if X.dtype == torch.bfloat16 else X).numpy()


def _from_nested_lists(X):
    """Nested lists of rows or images as an array; ragged rows are left alone."""
    shapes = {image.shape for image in X if getattr(image, "ndim", 1) > 1}
    if len(shapes) > 1:
        raise ValueError(
            f"X is a list of images of different shapes, {sorted(shapes)[:3]} among "
            "them. Resize or crop them to one shape first."
        )
    try:
        array = np.asarray(X)
    except ValueError:  # scikit-learn's check has the right words for it
        return X
    return array if array.ndim > 2 else X


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
    explicit = isinstance(estimator.image_shape, tuple | list)
    # Few channels at the end, behind two sides; narrow images of up to three channels
    # are taken as they come.
    if last <= 8 and second > 2 * last and first > 3 and not explicit:
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
