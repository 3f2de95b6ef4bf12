"""From whatever holds a table to its columns: numbers, or codes of categories."""

from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np
import scipy.sparse

from skdeepclust._containers import as_array

__all__ = [
    "MISSING",
    "OTHER",
    "Column",
    "import_pandas",
    "index_of",
    "read_columns",
    "text_column",
]

# Names of the category of missing values, and of all rare categories together.
MISSING, OTHER = "(missing)", "(other)"

# What pandas finds in a column, by what is made of it.
_NUMBERS = {"integer", "floating", "mixed-integer-float", "decimal"}
_DATES = {
    "date",
    "datetime",
    "datetime64",
    "time",
    "timedelta",
    "timedelta64",
    "period",
}
_NAMES = {"string", "boolean", "empty", "interval", "mixed-integer", "mixed"}


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    name : str
        Its name.
    values : ndarray of shape (n_samples,)
        Numbers, with NaN where they are missing; or codes of the categories.
    categories : tuple of str, default=None
        The categories, those of missing values and of rare ones last. None for numbers.
    """

    name: str
    values: np.ndarray
    categories: tuple[str, ...] | None = None

    @property
    def is_numeric(self):
        """Whether the column holds numbers."""
        return self.categories is None

    @property
    def missing(self):
        """Mask of the missing values."""
        if self.categories is None:
            return np.isnan(self.values)
        if MISSING not in self.categories:
            return np.zeros(len(self.values), dtype=bool)
        return self.values == self.categories.index(MISSING)


def import_pandas():
    """Import pandas, or raise an ImportError that says what to install."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            "Tables are pandas DataFrames, and pandas is not installed. Install it "
            'with: pip install pandas, or pip install "skdeepclust[tables]"'
        ) from error
    return pandas


def index_of(X, n_samples):
    """Index of a pandas object, or the positions of the samples."""
    pandas = import_pandas()
    is_pandas = isinstance(X, pandas.DataFrame | pandas.Series)
    return X.index if is_pandas else pandas.RangeIndex(n_samples)


def text_column(texts, index=None):
    """Texts as a column of a data frame with this index.

    With pyarrow, pandas keeps text in UTF-8 and refuses file names that are not. These
    are kept as objects.
    """
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return import_pandas().Series(texts, index, dtype=object)
    return np.array(texts, dtype=str)


def read_columns(X, feature_names=None, max_categories=30):
    """Columns of a table.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_samples, n_features)
        A data frame of pandas or polars, or a matrix.
    feature_names : sequence of str, default=None
        Names of the columns. None takes those of the data frame, or x0, x1, and so on.
    max_categories : int, default=30
        Most categories of a column. The rarer ones become one category.

    Returns
    -------
    columns : list of Column
        The columns.

    Raises
    ------
    TypeError
        If X is no table, or if a column holds dates or other objects.
    ValueError
        If X is empty or has another shape, if names are wrong or not unique, or if
        numbers are infinite.
    """
    frame = _as_frame(X)
    if not frame.shape[1] or not len(frame):
        raise ValueError(f"X is empty: it has the shape {frame.shape}.")
    names = _names(frame, feature_names)
    return [
        _read(name, frame.iloc[:, i], max_categories) for i, name in enumerate(names)
    ]


def _as_frame(X):
    """The table as a data frame of pandas."""
    pandas = import_pandas()
    if isinstance(X, pandas.DataFrame):
        return X
    if _is_of_polars(X, "DataFrame"):
        return _from_polars(X, pandas)
    if _is_of_polars(X, "LazyFrame"):
        raise TypeError("X is a LazyFrame, which holds no values. Pass X.collect().")
    if scipy.sparse.issparse(X):
        raise TypeError(
            "X is sparse. Pass the table before it is encoded, or X.toarray()."
        )
    if hasattr(X, "to_pandas") and hasattr(X, "columns"):
        return X.to_pandas()
    is_list = isinstance(X, list | tuple)
    if not is_list and not isinstance(X, np.ndarray):
        X = as_array(X)
    ndim = (1 + np.ndim(X[0]) if len(X) else 2) if is_list else X.ndim
    if ndim != 2 and getattr(X, "dtype", np.dtype(float)).names is None:
        advice = "a single column as X.reshape(-1, 1), or of a Series X.to_frame()"
        if ndim > 2:
            advice = "tables only; for images there is displays.ClusterMontageDisplay"
        raise ValueError(
            f"Expected 2D array, got {ndim}D array instead: X must be a table with a "
            f"row per sample. Pass {advice}."
        )
    frame = pandas.DataFrame(X).infer_objects()
    if isinstance(frame.columns, pandas.RangeIndex):
        frame.columns = [f"x{i}" for i in range(frame.shape[1])]
    return frame


def _is_of_polars(X, name):
    """Whether X is of a class of polars, which need not be imported for that."""
    kind = type(X)
    return kind.__module__.partition(".")[0] == "polars" and kind.__name__ == name


def _from_polars(X, pandas):
    """A data frame of polars, column by column: its own conversion needs pyarrow."""
    data = {}
    for name in X.columns:
        column = X[name]
        if column.dtype.is_temporal():
            raise _refusal(name, f"dates or durations ({column.dtype})")
        is_plain = column.dtype.is_numeric() and not column.dtype.is_decimal()
        values = column.to_numpy() if is_plain else column.to_list()
        dtype = None if is_plain else object
        data[name] = pandas.Series(values, dtype=dtype)
    return pandas.DataFrame(data)


def _names(frame, feature_names):
    """Names of the columns as text, each once."""
    if feature_names is None:
        names = list(frame.columns)
    elif isinstance(feature_names, str):
        raise TypeError(
            f"feature_names={feature_names!r} is text. Pass a list with a name per "
            "column."
        )
    else:
        names = list(feature_names)
    if len(names) != frame.shape[1]:
        raise ValueError(
            f"feature_names has {len(names)} names, but X has {frame.shape[1]} "
            "columns. Pass a name per column."
        )
    texts = [", ".join(map(str, n)) if isinstance(n, tuple) else str(n) for n in names]
    twice = sorted({text for text in texts if texts.count(text) > 1})
    if twice:
        raise ValueError(
            f"X has several columns of the name {twice[0]!r}. Rename them, so that "
            "every column has a name of its own."
        )
    return texts


def _read(name, series, max_categories):
    """One column."""
    types = import_pandas().api.types
    if types.is_complex_dtype(series.dtype):
        raise _refusal(name, "complex numbers")
    if types.is_numeric_dtype(series.dtype) and not types.is_bool_dtype(series.dtype):
        return Column(name, _numbers(name, series))
    if hasattr(series, "cat"):
        order = [str(category) for category in series.cat.categories]
        return _categories(name, series, max_categories, order)
    kind = types.infer_dtype(series, skipna=True)
    if kind in _NUMBERS:
        return Column(name, _numbers(name, series))
    if kind in _DATES:
        raise _refusal(name, f"dates or durations ({series.dtype})")
    others = () if kind not in {"mixed", "mixed-integer"} else series.dropna()
    odd = [each for each in others if not isinstance(each, str | Number)]
    if kind not in _NAMES or odd:
        what = type(odd[0]).__name__ if odd else kind
        raise _refusal(name, f"objects ({what})")
    return _categories(name, series, max_categories)


def _refusal(name, what):
    """The error for a column that is neither numbers nor categories."""
    advice = "Leave it out: X.drop(columns=[...]) (of polars: X.drop(...))."
    if what.startswith("dates"):
        advice = (
            "Turn it into a number, such as the days since a date, (X[column] - "
            "start).dt.days, or into a category, such as X[column].dt.month_name(). "
            "Or leave it out."
        )
    return TypeError(
        f"Column {name!r} of X holds {what}, but must hold numbers, text, categories "
        f"or booleans. {advice}"
    )


def _numbers(name, series: Any):
    """Finite numbers, and NaN for missing ones."""
    values = series.to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(values).any():
        raise ValueError(
            f"Column {name!r} of X contains infinity. Pass finite numbers, or missing "
            "values in its place: X.replace([numpy.inf, -numpy.inf], numpy.nan)."
        )
    return values


def _categories(name, series, max_categories, order=None):
    """Codes of the categories. Rare ones are one category, and so are missing ones."""
    pandas = import_pandas()
    is_known = series.notna().to_numpy()
    texts = np.full(len(series), MISSING, dtype=object)
    texts[is_known] = [str(value) for value in series[is_known]]
    found = pandas.Series(texts[texts != MISSING]).value_counts()
    if len(found) > max_categories:
        frequent = set(found.index[: max_categories - 1])
        keep = np.array([text in frequent or text == MISSING for text in texts])
        texts[~keep] = OTHER
    present = set(texts)
    last = [each for each in (OTHER, MISSING) if each in present]
    order = dict.fromkeys([*(order or []), *sorted(present)])
    names = [each for each in order if each in present and each not in last] + last
    codes = pandas.Categorical(texts, categories=names).codes
    return Column(name, np.asarray(codes, dtype=np.int64), tuple(names))
