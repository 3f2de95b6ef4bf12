"""Tables: which columns are clustered, and how they become numbers."""

import csv
import re
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skdeepclust._tables import import_pandas
from skdeepclust.cli._errors import CommandError, one_line

__all__ = [
    "IDENTIFIER",
    "Columns",
    "choose_columns",
    "has_odd_names",
    "make_transformer",
    "new_categories",
    "read_table",
    "used_columns",
]

# Text with more different values than this, or with more than half as many as rows, is
# no category; longer texts on average are sentences.
_MOST_CATEGORIES, _MOST_LETTERS = 100, 40

# Categories of a column that become columns of their own: no more than this, and none
# with a smaller share of the rows. The others are one together.
_MOST_ONE_HOT, _RARE = 30, 0.01

# Weight of the columns of categories; the page on tables has the measurements.
_WEIGHT = 0.5

_MISSING = "(missing)"
_ALSO_MISSING = ("?", "-", "\N{EN DASH}", "\N{EM DASH}")  # besides those of pandas
_SNIFFED = 65536  # bytes that tell the separator
_NAMED_SEPARATOR = re.compile(r"sep=(.)\r?\n")  # a first line, for Excel
_LARGEST = 1e100  # the square of a larger number may be infinite
_N_DATES = 1000  # values looked at to see dates
_DATE = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}([ T].*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}( .*)?"
)
_LEADING_ZERO = r"0\d+"  # of a code, such as a post code
_WITH_COMMA = r"[-+]?\d+(,\d+)+(\.\d+)?"  # 1,5 or 1,500.25
_HOW = "write them with a decimal point and without other signs"
_N_CODES = 1000  # rows looked at to see codes
_ID_NAME = re.compile(r"(.*[_ ])?(id|uuid|guid|key|index)|unnamed: \d+", re.I)
_ID_NAME_INSIDE = re.compile(r".*[a-z]I[Dd]")

IDENTIFIER = "an identifier"  # the beginning of this reason


class Columns(NamedTuple):
    """Columns of a table by what is done with them.

    `left_out` has the reason for every column that is not clustered, `row_names` the
    column of --index.
    """

    numeric: list[str]
    categorical: list[str]
    left_out: dict[str, str]
    row_names: str | None


# -- reading ---------------------------------------------------------------------------


def read_table(path: Path) -> Any:
    """Read a table.

    Parameters
    ----------
    path : Path
        A file .csv, .tsv or .parquet.

    Returns
    -------
    frame : DataFrame
        Its columns, with names as text.
    """
    pandas = import_pandas()
    if path.suffix.lower() in (".parquet", ".pq"):
        frame = _read_parquet(path, pandas)
    else:
        frame = _read_csv(path, pandas)
    if not len(frame) or not len(frame.columns):
        raise CommandError(f"{str(path)!r} has no rows.")
    frame.columns = [str(name) for name in frame.columns]
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise CommandError(f"{str(path)!r} has two columns of the name {twice[0]!r}.")
    return frame


def _read_csv(path, pandas):
    """A CSV file; the separator and the decimal sign are found out."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            head = file.read(_SNIFFED)
        named = _NAMED_SEPARATOR.match(head)
        separator = named[1] if named else _separator(head)
        settings = {
            "sep": separator,
            "decimal": "," if _has_decimal_comma(head, separator) else ".",
            "skiprows": 1 if named else 0,
            "na_values": _ALSO_MISSING,
            "encoding": "utf-8-sig",
            "low_memory": False,
        }
        _check_names(path, pandas.read_csv(path, header=None, nrows=1, **settings))
        first = pandas.read_csv(path, nrows=_N_CODES, dtype=str, **settings)
        codes = [name for name in first if _are_codes(first[name])]
        return pandas.read_csv(path, dtype=dict.fromkeys(codes, str), **settings)
    except UnicodeDecodeError as error:
        raise CommandError(
            f"{str(path)!r} is not in UTF-8 ({error.reason} at byte {error.start}). "
            "Save it as CSV in UTF-8."
        ) from error
    except (pandas.errors.ParserError, pandas.errors.EmptyDataError) as error:
        raise CommandError(f"{str(path)!r} is no table: {error}") from error


def _check_names(path, first_row):
    """Refuse a first line with a name twice; pandas would number such names."""
    names = first_row.iloc[0].dropna().astype(str)
    twice = names[names.duplicated()]
    if len(twice):
        raise CommandError(
            f"{str(path)!r} has two columns of the name {twice.iloc[0]!r}. The first "
            "line must have a name of its own for every column."
        )


def _are_codes(column):
    """Whether numbers have zeros in front: they are names, such as post codes."""
    return column.dropna().astype(str).str.fullmatch(_LEADING_ZERO).any()


def _separator(head):
    try:
        return csv.Sniffer().sniff(head, delimiters=",;\t|").delimiter
    except csv.Error:  # such as a single column
        return ","


def _has_decimal_comma(head, separator):
    """Whether there are numbers such as 1,5; 1,500 counts in columns of ";" only."""
    if separator == ",":
        return False
    end = re.escape(separator)
    thousands = "" if separator == ";" else rf"(?![1-9]\d{{0,2}},\d{{3}}({end}|\r?$))"
    number = rf"(^|{end})-?{thousands}\d+,\d+({end}|\r?$)"
    return re.search(number, head, re.MULTILINE) is not None


def _read_parquet(path, pandas):
    """A Parquet file, by what is installed: pyarrow, fastparquet or polars."""
    try:
        frame = pandas.read_parquet(path)
        for name, column in frame.items():
            if column.dtype == object:
                frame[name] = _without_decimals(column, pandas)
        return frame
    except (ValueError, OSError) as error:
        raise CommandError(
            f"{str(path)!r} is no Parquet file that can be read: {one_line(error)}"
        ) from error
    except ImportError as error:
        try:
            import polars
        except ImportError:
            raise ImportError(
                "Parquet files need pyarrow or polars. Install one: pip install pyarrow"
            ) from error
    try:
        found = polars.read_parquet(path)
    except polars.exceptions.PolarsError as error:
        raise CommandError(f"{str(path)!r} is no Parquet file: {error}") from error
    frame = pandas.DataFrame({each.name: _as_series(each, pandas) for each in found})
    if "__index_level_0__" in frame.columns:  # where pandas puts an index
        frame = frame.set_index("__index_level_0__").rename_axis(None)
    return frame


def _as_series(column, pandas):
    """A column of polars as one of pandas."""
    if column.dtype.is_numeric() and not column.dtype.is_decimal():
        return pandas.Series(column.to_numpy())
    values = pandas.Series(column.to_list(), dtype=object)
    return _without_decimals(values, pandas).infer_objects()


def _without_decimals(column, pandas):
    """Exact decimal numbers, such as prices, as floats."""
    known = column.dropna()
    if len(known) and all(isinstance(each, Decimal) for each in known):
        return pandas.to_numeric(column.astype(float))
    return column


def has_odd_names(frame: Any) -> bool:
    """Whether names are numbers that do not rise, as those of a row without names."""
    names = import_pandas().to_numeric(frame.columns, errors="coerce")
    values = np.asarray(names, dtype=np.float64)
    return not np.isnan(values).any() and not (np.diff(values) > 0).all()


# -- choosing --------------------------------------------------------------------------


def choose_columns(frame: Any, index: str | None, drop: list[str]) -> Columns:
    """Sort the columns of a table by what can be done with them.

    Parameters
    ----------
    frame : DataFrame
        The table.
    index : str or None
        Column of names.
    drop : list of str
        Columns to leave out.

    Returns
    -------
    columns : Columns
        Names of columns.
    """
    unknown = [name for name in [index, *drop] if name not in {None, *frame.columns}]
    if unknown:
        raise CommandError(
            f"The table has no column {unknown[0]!r}. It has {list(frame.columns)}."
        )
    found = Columns([], [], {}, index)
    for name in frame.columns:
        if name == index:
            found.left_out[name] = f"{IDENTIFIER}, by --index"
        elif name in drop:
            found.left_out[name] = "by --drop"
        else:
            kind, reason = _kind_of(name, frame[name])
            if kind is None:
                found.left_out[name] = reason
            else:
                getattr(found, kind).append(name)
    if not found.numeric and not found.categorical:
        reasons = "; ".join(f"{each}: {why}" for each, why in found.left_out.items())
        raise CommandError(f"No column of the table can be clustered: {reasons}.")
    return found


def _kind_of(name, series):
    """Kind of a column, or None and the reason why it is left out."""
    pandas = import_pandas()
    types = pandas.api.types
    known = series.dropna()
    if not len(known):
        return None, "it has no values"
    if types.is_datetime64_any_dtype(series) or types.is_timedelta64_dtype(series):
        return None, _dates()
    try:
        n_values = known.nunique()
    except TypeError:  # lists and the like
        return None, f"it holds objects ({type(known.iloc[0]).__name__})"
    if n_values == 1 and len(known) == len(series):
        return None, "it has one value only"
    if types.is_bool_dtype(known.infer_objects()):
        return "categorical", None
    if types.is_complex_dtype(series):
        return None, "it holds complex numbers"
    if types.is_numeric_dtype(series):
        return _kind_of_numbers(name, known, n_values)
    return _kind_of_text(name, known, n_values)


def _kind_of_numbers(name, known, n_values):
    values = known.to_numpy(dtype=np.float64)
    is_whole = np.isfinite(values).all() and (values == np.trunc(values)).all()
    if is_whole and n_values == len(values) > 2:
        if np.ptp(values) == len(values) - 1 and (np.diff(values) > 0).all():
            return None, f"{IDENTIFIER}: it counts the rows"
        if _is_id(name):
            return None, f"{IDENTIFIER}: every row has its own number"
    return "numeric", None


def _kind_of_text(name, known, n_values):
    texts = known.astype(str)
    if texts.head(_N_DATES).str.fullmatch(_DATE).all():
        return None, _dates()
    if texts.str.len().mean() > _MOST_LETTERS and n_values > 2:
        return None, "it holds free text"
    is_identifier = n_values == len(texts)
    is_varied = n_values > min(_MOST_CATEGORIES, len(texts) / 2)
    has_comma = texts.str.fullmatch(_WITH_COMMA)
    if (is_identifier or is_varied) and has_comma.mean() > 0.5:
        example = texts[has_comma].iloc[0]
        return None, f"it holds numbers with commas, such as {example[:20]!r}; {_HOW}"
    if is_identifier:
        return None, f"{IDENTIFIER}: every row has its own text"
    if is_varied:
        is_number = import_pandas().to_numeric(texts, errors="coerce").notna()
        if is_number.mean() > 0.5 and not is_number.all():
            odd = texts[~is_number].iloc[0]
            return None, f"it holds numbers, but also text, such as {odd[:20]!r}"
        return None, f"it is text with {n_values:,} different values"
    return "categorical", None


def _is_id(name):
    return bool(_ID_NAME.fullmatch(name) or _ID_NAME_INSIDE.fullmatch(name))


def _dates():
    return "it holds dates; turn them into numbers, such as days, or into categories"


# -- using -----------------------------------------------------------------------------


def used_columns(frame: Any, columns: Columns) -> Any:
    """The columns that are clustered: numbers as floats, the others as text.

    Parameters
    ----------
    frame : DataFrame
        A table, the first or a later one.
    columns : Columns
        What is done with its columns.

    Returns
    -------
    used : DataFrame
        Missing values are NaN in both kinds, and so is infinity.
    """
    pandas = import_pandas()
    names = columns.numeric + columns.categorical
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise CommandError(
            f"The table lacks {len(missing)} columns that the model uses: {missing}. "
            f"It has {list(frame.columns)}."
        )
    used = {}
    for name in columns.numeric:
        try:
            numbers = pandas.to_numeric(frame[name])
        except (ValueError, TypeError) as error:
            raise CommandError(f"Column {name!r} must hold numbers: {error}") from error
        values = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
        used[name] = np.where(np.isinf(values), np.nan, values)
        _check_size(name, used[name])
    for name in columns.categorical:
        values = frame[name].astype(object)
        used[name] = values.map(str).where(values.notna(), np.nan)
    return pandas.DataFrame(used, index=frame.index)


def new_categories(transformer: ColumnTransformer, frame: Any) -> dict[str, Any]:
    """Rows with categories that the fit did not see, by column.

    Parameters
    ----------
    transformer : ColumnTransformer
        A fitted one, as `make_transformer` makes it.
    frame : DataFrame
        Columns as `used_columns` returns them.

    Returns
    -------
    new : dict of str to Series
        The new values of a column, one for each row that has one.
    """
    found = {}
    for name, encoder, columns in transformer.transformers_:
        if name != "categories":
            continue
        for column, known in zip(columns, encoder[-1].categories_):
            values = frame[column].dropna()
            new = values[~values.isin(known)]
            if len(new):
                found[column] = new
    return found


def _check_size(name, values):
    largest = np.abs(values[np.isfinite(values)]).max(initial=0)
    if largest > _LARGEST:
        raise CommandError(
            f"Column {name!r} has values of up to {largest:.0e}, too large to compute "
            f"with. Scale them, or leave them out: --drop {name}"
        )


def make_transformer(columns: Columns) -> ColumnTransformer:
    """What turns the used columns into numbers of similar scale.

    Parameters
    ----------
    columns : Columns
        What is done with the columns.

    Returns
    -------
    transformer : ColumnTransformer
        Numbers: missing ones become the median, all are standardised. Categories:
        missing ones are a category, all are one-hot, with half the weight.
    """
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    categories = make_pipeline(
        SimpleImputer(strategy="constant", fill_value=_MISSING),
        OneHotEncoder(
            min_frequency=_RARE,
            max_categories=_MOST_ONE_HOT,
            handle_unknown="infrequent_if_exist",
            sparse_output=False,
        ),
    )
    parts = [
        ("numbers", numbers, columns.numeric),
        ("categories", categories, columns.categorical),
    ]
    return ColumnTransformer(
        [part for part in parts if part[2]],
        transformer_weights={"categories": _WEIGHT} if columns.categorical else None,
    )
