"""One array for several spaces: which columns belong to which."""

from collections.abc import Iterable

import numpy as np

from skdeepclust._containers import as_array

__all__ = ["check_space_names", "joined", "refuse_spaces", "resolve_spaces"]


def joined(X, name="X"):
    """Several arrays as one, side by side, and the columns of each.

    Parameters
    ----------
    X : array-like, or list or tuple of arrays of shape (n_samples, n_features_s)
        Samples in one array, or in one array per space.
    name : str, default="X"
        What the user calls it, for the errors.

    Returns
    -------
    X : array-like
        One array; what came as one is returned as it is.
    spaces : list of slices or None
        Columns of each array; None if there was one.

    Raises
    ------
    ValueError
        If the arrays have different numbers of samples.
    """
    if not _are_spaces(X):
        return X, None
    arrays = [
        np.asarray(as_array(each, f"{name}[{i}]"), dtype=np.float32)
        for i, each in enumerate(X)
    ]
    lengths = [len(each) for each in arrays]
    if len(set(lengths)) > 1:
        raise ValueError(
            f"{name} is a list of {len(arrays)} spaces with {lengths} samples. Pass "
            "the same samples, in the same order, in every space."
        )
    ends = np.cumsum([each.shape[1] for each in arrays]).tolist()
    starts = [0, *ends[:-1]]
    return np.hstack(arrays), [slice(a, b) for a, b in zip(starts, ends)]


def _are_spaces(X):
    is_list = isinstance(X, list | tuple) and len(X) > 0
    return is_list and all(len(getattr(each, "shape", ())) == 2 for each in X)


def refuse_spaces(X, name):
    """Refuse a list of arrays that can hardly be images, one per sample."""
    if _are_spaces(X) and len(X) < min(len(each) for each in X):
        shapes = [tuple(each.shape) for each in X]
        raise TypeError(
            f"X is a list of arrays of shapes {shapes}, and {name} takes one array. "
            "Pass numpy.hstack(X) if they are spaces of the same samples, or take "
            "Turtle; and numpy.stack(X) if each is the image of a sample."
        )


def check_space_names(X, known=None):
    """Names of the columns of every array of a list, refused if they are not `known`.

    Returns
    -------
    names : list of (list of str or None), or None
        None for an array without names, and for what is no list.
    """
    if not _are_spaces(X):
        return None
    columns = [getattr(each, "columns", None) for each in X]
    names = [None if each is None else list(map(str, each)) for each in columns]
    for i, (given, fitted) in enumerate(zip(names, known or [])):
        if given is not None and fitted is not None and given != fitted:
            raise ValueError(
                f"The columns of X[{i}] must be those of fit, in the same order: "
                f"{fitted[:5]}; got {given[:5]}."
            )
    return names


def resolve_spaces(spaces, n_features, names):
    """Columns of every space as positions.

    Parameters
    ----------
    spaces : None or list
        None is one space of all columns. Else an entry per space: a slice, positions,
        names of columns, a mask, or a pair of a name and one of these.
    n_features : int
        Number of columns of X.
    names : ndarray of str or None
        Names of the columns of X, if it has them.

    Returns
    -------
    columns : list of ndarrays of int
        Positions.

    Raises
    ------
    TypeError or ValueError
        If an entry is none of these, is empty, or names a column that X lacks.
    """
    if spaces is None:
        return [np.arange(n_features)]
    if len(spaces) == 0:
        raise ValueError("spaces is empty. Pass None, or columns for each space.")
    return [_positions(each, i, n_features, names) for i, each in enumerate(spaces)]


def _positions(space, i, n_features, names):
    is_pair = isinstance(space, tuple) and len(space) == 2
    if is_pair and isinstance(space[0], str) and not isinstance(space[1], str):
        space = space[1]
    if isinstance(space, slice):
        found = _of_slice(space, i, n_features)
    else:
        found = _as_columns(space)
        if found is not None and found.dtype.kind == "b" and len(found) == n_features:
            found = np.flatnonzero(found)
        if found is not None and found.dtype.kind in "UO":
            found = _of_names(found, i, names)
    if found is None or found.ndim != 1 or found.dtype.kind not in "iu":
        raise TypeError(
            f"spaces[{i}]={space!r} must be a slice, a list of positions or of names "
            "of columns, a mask of all columns, or a pair of a name and one of these."
        )
    wrong = found[(found < 0) | (found >= n_features)]
    if len(found) == 0 or len(wrong):
        what = "has no columns" if len(found) == 0 else f"names column {wrong[0]}"
        raise ValueError(f"spaces[{i}] {what}; X has columns 0 to {n_features - 1}.")
    if len(set(found.tolist())) < len(found):
        raise ValueError(f"spaces[{i}] names a column twice.")
    return found.astype(np.int64)


def _as_columns(space):
    """Positions, names or a mask as an array; None if it is none of these."""
    is_one = isinstance(space, str) or not isinstance(space, Iterable)
    values = [space] if is_one else list(space)
    kinds = {"U" if isinstance(each, str) else "n" for each in values}
    try:
        found = np.asarray(values)
    except ValueError:  # of several depths
        return None
    if len(kinds) > 1 or (found.dtype.kind == "O" and kinds == {"n"}):
        return None
    return found.astype(np.int64) if found.size == 0 else found


def _of_slice(space, i, n_features):
    ends = [each for each in (space.start, space.stop, space.step) if each is not None]
    if not all(isinstance(each, int | np.integer) for each in ends):
        raise TypeError(f"spaces[{i}]={space!r} must be a slice of whole numbers.")
    if space.stop is not None and space.stop > n_features:
        raise ValueError(
            f"spaces[{i}] ends at column {space.stop}, but X has {n_features}."
        )
    return np.arange(n_features)[space]


def _of_names(found, i, names):
    known = [] if names is None else list(names)
    missing = [each for each in found.tolist() if each not in known]
    if missing:
        where = f"There are {known}." if known else "X has no names of columns."
        raise ValueError(f"spaces[{i}] names the column {missing[0]!r}. {where}")
    return np.array([known.index(each) for each in found.tolist()], dtype=np.int64)
