"""From whatever the user passes to an array or a data frame of numbers."""

import sys
from numbers import Number
from typing import Any

import numpy as np
import scipy.sparse
import torch

__all__ = ["as_array"]


def as_array(X: Any, name: str = "X") -> Any:
    """What the user passed as an array or a data frame, or an error with advice.

    Tensors are detached and come to the CPU. Data frames and whatever scikit-learn
    converts or refuses with a good message is returned as it is.

    Parameters
    ----------
    X : array-like
        Samples.
    name : str, default="X"
        What the user calls it, for the message.

    Returns
    -------
    X : ndarray, data frame or nested list
        The same samples.

    Raises
    ------
    TypeError or ValueError
        When X is no array of numbers; the message says how to make one.
    """
    if isinstance(X, type):
        raise _advice(X, name)
    if isinstance(X, torch.Tensor):
        X = _from_tensor(X, name)
    elif isinstance(X, list | tuple):
        X = _from_nested_lists(X, name)
    elif isinstance(X, np.ndarray):
        X = _without_mask(X, name)
    elif scipy.sparse.issparse(X):
        raise TypeError(
            "Sparse data was passed, but dense data is required. Use "
            f"{name}.toarray(); in a pipeline, OneHotEncoder(sparse_output=False) or "
            "ColumnTransformer(sparse_threshold=0), or put "
            "sklearn.decomposition.TruncatedSVD in front."
        )
    elif _is_of_polars(X):
        _check_polars(X, name)
    elif _is_frame(X):
        _check_columns(X, name)
    elif hasattr(X, "__array__") and not hasattr(X, "shape"):
        X = np.asarray(X)
    elif not hasattr(X, "__array__") and not hasattr(X, "__array_interface__"):
        raise _advice(X, name)
    return _check_kind(X, name)


def _without_mask(X, name):
    """An array without its mask; masked values are missing values."""
    if np.ma.is_masked(X):
        raise ValueError(
            f"{name} is a masked array with masked values, which are missing values. "
            f"Fill them ({name}.filled(...), an imputer), or drop these samples or "
            "columns."
        )
    return X.data if isinstance(X, np.ma.MaskedArray) else X


def _check_kind(X, name):
    """Refuse arrays whose values are no numbers, each kind with its remedy."""
    if _is_frame(X) or not hasattr(X, "dtype"):
        return X
    kind = getattr(X.dtype, "kind", "f")
    if hasattr(X, "to_numpy") and kind != "O":  # a series of numbers
        X = X.to_numpy()
    if kind in "mM":
        raise TypeError(
            f"{name} holds dates or durations ({X.dtype}). Turn them into numbers, "
            f"such as {name}.astype('int64') or the difference to a date in days, and "
            "scale them."
        )
    if kind == "V":
        raise TypeError(
            f"{name} is a structured array with the fields {X.dtype.names}. Make a "
            f"matrix: numpy.lib.recfunctions.structured_to_unstructured({name})."
        )
    if kind in "US":
        raise _advice_on_text(X, name)
    if kind == "O":
        _check_objects(X, name)
    return X


def _check_objects(X, name):
    """Refuse an array of objects that are no numbers; missing values may stay."""
    values = np.ravel(X)
    if any(isinstance(each, str | bytes) for each in values):
        raise _advice_on_text(X, name)
    odd = [each for each in values if not _may_be_number(each)]
    if odd and np.ndim(odd[0]) > 0:
        raise ValueError(
            f"{name} is a column of arrays. Stack them to one array: "
            f"np.stack(list({name}))."
        )
    if odd:
        raise TypeError(
            f"{name} holds objects of the type {type(odd[0]).__name__}: float() "
            "argument must be a string or a real number. Make an array of numbers of "
            "each, and stack these: np.stack(...)."
        )


def _may_be_number(value):
    """Whether a value is a number, or missing."""
    if isinstance(value, Number | np.bool_) or value is None:
        return True
    is_scalar = hasattr(value, "__float__") and not isinstance(value, np.ndarray)
    return is_scalar or type(value).__name__ in ("NAType", "NaTType")


def _is_frame(X):
    return hasattr(X, "columns") and hasattr(X, "dtypes")


def _is_of_polars(X):
    """Whether X is a frame of polars, which need not be imported for that."""
    kind = type(X)
    return kind.__module__.partition(".")[0] == "polars" and hasattr(kind, "columns")


def _check_polars(X, name):
    """Refuse frames of polars that are not collected, incomplete, or not of numbers."""
    if type(X).__name__ == "LazyFrame":
        raise TypeError(
            f"{name} is a LazyFrame, which holds no values. Pass {name}.collect()."
        )
    kinds = {column: str(dtype) for column, dtype in X.schema.items()}
    images = [c for c, kind in kinds.items() if kind.startswith(("Array", "List"))]
    if images:
        raise _advice_on_arrays(images[0], name)
    numbers = [c for c, dtype in X.schema.items() if dtype.is_numeric()]
    others = [c for c, kind in kinds.items() if c not in numbers and kind != "Boolean"]
    if others:
        raise _advice_on_columns(others, name)
    missing = [column.name for column in X if column.null_count()]
    if missing:
        raise _advice_on_missing(missing, name)


def _check_columns(X, name):
    """Refuse data frames of pandas that are incomplete or not of numbers."""
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(X, pandas.DataFrame):
        return
    if not X.shape[1]:
        raise ValueError(f"{name} has no columns: found 0 feature(s), shape={X.shape}.")
    others, images = [], []
    for position, (column, dtype) in enumerate(zip(X.columns, X.dtypes, strict=True)):
        if pandas.api.types.is_numeric_dtype(dtype):
            continue
        known = X.iloc[:, position].dropna()
        value = known.iloc[0] if len(known) else 0.0
        if np.ndim(value) > 0:
            images.append(column)
        elif dtype.kind != "O" or not all(isinstance(v, Number) for v in known):
            others.append(column)
    if images:
        raise _advice_on_arrays(images[0], name)
    if others:
        raise _advice_on_columns(others, name)
    missing = X.columns[X.isna().any().to_numpy()].tolist()
    if missing:
        raise _advice_on_missing(missing, name)


def _advice_on_arrays(column, name):
    """The error for a column of arrays."""
    return ValueError(
        f"Column {column!r} of {name} holds arrays. Stack them to one array: "
        f"np.stack(list({name}[{column!r}]))."
    )


def _advice_on_columns(columns, name):
    """The error for columns that are no numbers."""
    return ValueError(
        f"{name} has columns that are no numbers, could not convert {columns[:5]} to "
        "float. Encode text and categories, by sklearn.compose.ColumnTransformer with "
        "OneHotEncoder, say (the page Tables of the user guide has a recipe); turn "
        "dates into numbers; read images from files into an array."
    )


def _advice_on_missing(columns, name):
    """The error for columns with missing values."""
    return ValueError(
        f"Input {name} contains NaN: values are missing in {len(columns)} column(s), "
        f"such as {columns[:5]}. Impute them in a pipeline, by "
        "sklearn.impute.SimpleImputer, say (the page Tables of the user guide has a "
        "recipe), or drop these samples or columns."
    )


def _advice_on_text(X, name):
    """The error for an array or list of strings: numbers, file names or text."""
    values = np.asarray(X).ravel()
    first = values[0] if len(values) else ""
    first = first.decode(errors="replace") if isinstance(first, bytes) else str(first)
    if "." in first and not first.replace(".", "", 1).strip("+-").isdigit():
        return ValueError(
            f"{name} holds strings such as {first!r}, could not convert them to float. "
            "If they are file names of images, read them first: "
            "skdeepclust.ImageReader makes one array of them."
        )
    return ValueError(
        f"{name} holds strings such as {first!r}, could not convert string to float. "
        f"Convert numbers with {name}.astype(float); encode text and categories first, "
        "by sklearn.compose.ColumnTransformer, say."
    )


def _advice(X, name):
    """The error for a container that is no array."""
    kind = type(X).__name__
    expected = f"{name} must be an array, tensor or data frame of samples"
    if isinstance(X, torch.utils.data.DataLoader | torch.utils.data.Dataset):
        return TypeError(
            f"{expected}, got a {kind}. Pass the tensor of all samples: "
            "dataset.tensors[0], or torch.stack([x for x, *_ in dataset])."
        )
    if isinstance(X, type):
        return TypeError(f"{expected}, got the class {X.__name__}. Pass an instance.")
    if isinstance(X, dict):
        return TypeError(
            f"{expected}, got a {kind} with the keys {list(X)[:5]}. Pass the entry "
            f"that holds the samples, such as {name}['data'], or "
            f"pandas.DataFrame({name})."
        )
    if isinstance(X, str) or hasattr(X, "__fspath__"):
        return TypeError(
            f"{expected}, got {X!r}. Load the file first. Of a folder of images "
            "skdeepclust.find_images lists the files, and skdeepclust.ImageReader "
            "makes one array."
        )
    if X is None or isinstance(X, Number):
        return ValueError(
            f"{expected}, got {X!r}: Expected 2D array, got scalar array instead."
        )
    if hasattr(X, "__next__") or isinstance(X, set | frozenset):
        return TypeError(
            f"{expected}, got a {kind}. Pass np.stack(list({name})), or list({name}) "
            "if it gives paths."
        )
    return TypeError(f"{expected}, got a {kind}. Pass numpy.asarray of the samples.")


def _from_tensor(X, name):
    if X.is_nested:
        raise TypeError(
            f"{name} is a nested tensor. Images of several sizes must come to one size "
            "first."
        )
    if X.layout != torch.strided:
        raise TypeError(
            "Sparse data was passed, but dense data is required. Use "
            f"{name}.to_dense()."
        )
    if X.device.type == "meta":
        raise TypeError(
            f"{name} is a tensor on the device 'meta', which has no values."
        )
    if X.is_quantized:
        raise TypeError(f"{name} is a quantized tensor. Pass {name}.dequantize().")
    X = X.detach().cpu().resolve_conj().resolve_neg()
    has_numpy = not X.is_floating_point() or X.dtype.itemsize > 2
    return (X if has_numpy or X.dtype == torch.float16 else X.float()).numpy()


def _from_nested_lists(X, name):
    """Nested lists of rows or images as an array."""
    if all(each is None for each in X):
        what = "a list of None: Input X contains NaN" if len(X) else "an empty list"
        raise ValueError(
            f"{name} is {what.replace('X', name)}. Expected 2D array, or a list, of a "
            "row or an image per sample."
        )
    X = [
        _from_tensor(each, name) if isinstance(each, torch.Tensor) else each
        for each in X
    ]
    shapes = {
        np.shape(image)
        for image in X
        if hasattr(image, "__array_interface__") or hasattr(image, "__array__")
    }
    if len(shapes) > 1:
        raise ValueError(
            f"{name} is a list of images of different shapes, {sorted(shapes)[:3]} "
            "among them. Resize or crop them to one shape first."
        )
    if any(isinstance(each, str | bytes) or hasattr(each, "__fspath__") for each in X):
        raise _advice_on_text([str(each) for each in X], name)
    odd = [each for each in X if isinstance(each, dict) or hasattr(each, "__next__")]
    if odd:
        raise _advice(odd[0], name)
    if any(np.ma.is_masked(each) for each in X):
        return as_array(np.ma.stack(X), name)
    try:
        array = np.asarray(X)
    except ValueError as error:
        raise ValueError(
            f"{name} is a list of rows or images of different lengths (inhomogeneous). "
            "Each sample must have the same number of values: pad, crop or resize them."
        ) from error
    if array.dtype.kind == "O":
        _check_objects(array, name)
    return array if array.ndim > 2 or array.dtype.kind in "mMVUS" else X
