"""Which columns of a table are clustered."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from skdeepclust.cli._columns import (
    choose_columns,
    has_odd_names,
    make_transformer,
    new_categories,
    read_table,
    used_columns,
)
from skdeepclust.cli._errors import CommandError

N = 60
RNG = np.random.RandomState(0)


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("x", RNG.normal(size=N), "numeric"),
        ("x", RNG.randint(0, 3, N), "numeric"),
        ("x", [np.nan, np.inf] + [1.0, 2.0] * (N // 2 - 1), "numeric"),
        ("price", RNG.permutation(10 * N)[:N], "numeric"),
        ("x", [True, False] * (N // 2), "categorical"),
        ("x", [True, None] * (N // 2), "categorical"),
        ("x", list("abc") * (N // 3), "categorical"),
        ("x", ["a", None] * (N // 2), "categorical"),
        ("x", pd.Categorical(list("ab") * (N // 2)), "categorical"),
        ("x", [1] * N, "one value"),
        ("x", [None] * N, "no values"),
        ("x", range(5, N + 5), "counts the rows"),
        ("customer_id", RNG.permutation(10 * N)[:N], "its own number"),
        ("customerId", RNG.permutation(10 * N)[:N], "its own number"),
        ("x", [f"k{i}" for i in range(N)], "its own text"),
        ("x", [f"k{i // 1.5}" for i in range(N)], "different values"),
        (
            "x",
            [*"123456789", "n/k"] * 3 + [f"{i}.5" for i in range(30)],
            "such as 'n/k'",
        ),
        ("x", [f"{i},5" for i in range(N)], "decimal point"),
        ("x", [f"{1 + i // 1.5:.0f},500.25" for i in range(N)], "such as '1,500.25'"),
        ("x", ["word " * 20, "other " * 20, "third " * 20] * (N // 3), "free text"),
        ("x", ["2020-01-02", "2021-11-30 10:00"] * (N // 2), "dates"),
        ("x", ["1.2.2020", "30/11/21"] * (N // 2), "dates"),
        ("x", pd.date_range("2020", periods=N), "dates"),
        ("x", [[1]] * N, "objects (list)"),
        ("x", np.arange(N) * 1j, "complex"),
    ],
)
def test_kinds_of_columns(name, values, kind):
    frame = pd.DataFrame({name: values, "y": RNG.normal(size=N)})
    columns = choose_columns(frame, None, [])
    assert "y" in columns.numeric
    if kind in ("numeric", "categorical"):
        assert name in getattr(columns, kind)
        assert not columns.left_out
    else:
        assert kind in columns.left_out[name]


def test_numbers_of_similar_scale():
    frame = pd.DataFrame(
        {
            "far": 1e6 + 1e4 * RNG.normal(size=N),
            "gaps": np.where(np.arange(N) % 5, RNG.normal(size=N), np.nan),
            "plan": np.resize(["a", "b", None], N),
        }
    )
    columns = choose_columns(frame, None, [])
    used = used_columns(frame, columns)
    found = make_transformer(columns).fit(used)
    X = found.transform(used)
    assert X.shape == (N, 5)
    assert np.abs(X).max() < 5
    assert set(np.unique(X[:, 2:])) == {0.0, 0.5}
    new = used_columns(frame.assign(plan="c", gaps=np.inf), columns)
    assert np.isfinite(found.transform(new)).all()


def test_the_same_category_in_a_later_table():
    frame = pd.DataFrame({"active": [True, False] * 5, "y": range(0, 20, 2)})
    columns = choose_columns(frame, None, [])
    later = pd.DataFrame({"active": ["True", None, "False"], "y": ["1", "2", "3"]})
    used = used_columns(later, columns)
    assert used["active"].tolist()[::2] == ["True", "False"]
    assert used["y"].tolist() == [1.0, 2.0, 3.0]


# -- reading ---------------------------------------------------------------------------

NUMBERS = np.round(np.random.RandomState(1).normal(0, 3, size=(N, 2)), 3)
FRAME = pd.DataFrame(
    {"a": NUMBERS[:, 0], "b": NUMBERS[:, 1], "c": ["x", "y"] * (N // 2)}
)


def as_csv(sep=",", decimal=".", before="", **options):
    return before + FRAME.to_csv(index=False, sep=sep, decimal=decimal, **options)


@pytest.mark.parametrize(
    "text",
    [
        as_csv(before="\ufeff"),
        as_csv(";"),
        as_csv(";", ","),
        as_csv("\t", ","),
        as_csv("|"),
        as_csv(";", ",", before="sep=;\n"),
        as_csv(";", before="\ufeffsep=;\r\n"),
        as_csv(lineterminator="\r\n"),
    ],
)
def test_csv_as_spreadsheets_write_it(tmp_path, text):
    (tmp_path / "t.csv").write_bytes(text.encode())
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.csv"), FRAME)


def test_thousands_are_no_decimals(tmp_path):
    rows = "".join(f"{1000 + i:,}\t{i / 4}\n" for i in range(N))
    (tmp_path / "t.tsv").write_text(f"a\tb\n{rows}")
    frame = read_table(tmp_path / "t.tsv")
    assert frame["a"].iloc[0] == "1,000"
    assert frame["b"].iloc[1] == 0.25


@pytest.mark.parametrize("mark", ["", "NA", "?", "-", "\N{EN DASH}"])
def test_marks_of_missing_values(tmp_path, mark):
    gaps = FRAME.mask(np.arange(3 * N).reshape(N, 3) % 7 == 0)
    gaps.to_csv(tmp_path / "t.csv", index=False, na_rep=mark)
    frame = read_table(tmp_path / "t.csv")
    pd.testing.assert_frame_equal(frame, gaps)
    assert choose_columns(frame, None, []).numeric == ["a", "b"]


def test_values_that_are_too_large_are_named():
    frame = FRAME.assign(b=FRAME["b"] * 1e300)
    columns = choose_columns(frame, None, [])
    with pytest.raises(CommandError, match=r"'b' has values of up to .* --drop b"):
        used_columns(frame, columns)


@pytest.fixture(params=["pyarrow", "polars"])
def write_parquet(request, monkeypatch):
    """Writes and then reads by one of the packages."""
    package = pytest.importorskip(request.param)
    if request.param == "pyarrow":
        return lambda columns, path: pd.DataFrame(columns).to_parquet(path)

    def without(*args, **kwargs):
        raise ImportError("no pyarrow")

    monkeypatch.setattr(pd, "read_parquet", without)
    return lambda columns, path: package.DataFrame(columns).write_parquet(path)


def test_parquet(tmp_path, write_parquet):
    days = pd.date_range("2020", periods=N).date.tolist()
    columns = {
        "price": [Decimal(i * i) / 4 for i in range(N)],
        "gaps": [None if i % 7 == 0 else i % 5 for i in range(N)],
        "group": ["a", "b", None] * (N // 3),
        "known": [True, False] * (N // 2),
        "day": days,
        "lists": [[1, 2]] * N,
        "name": [f"n{i}" for i in range(N)],
    }
    write_parquet(columns, tmp_path / "t.parquet")
    frame = read_table(tmp_path / "t.parquet")
    assert frame["price"].tolist() == [i * i / 4 for i in range(N)]
    found = choose_columns(frame, None, [])
    assert found.numeric == ["price", "gaps"]
    assert found.categorical == ["group", "known"]
    assert "dates" in found.left_out["day"]
    assert "objects" in found.left_out["lists"]
    assert "identifier" in found.left_out["name"]
    assert used_columns(frame, found)["gaps"].isna().sum() == N // 7 + 1


def test_a_damaged_parquet_file(tmp_path, write_parquet):
    (tmp_path / "t.parquet").write_bytes(b"PAR1 but nothing else")
    with pytest.raises(CommandError, match=r"t\.parquet' is no Parquet file"):
        read_table(tmp_path / "t.parquet")


def test_numbers_with_leading_zeros_are_codes(tmp_path):
    path = tmp_path / "table.csv"
    zips = ["01005", "01009", "20095"] * 20
    lines = [f"{each},{i / 7},{i % 5}" for i, each in enumerate(zips)]
    path.write_text("\n".join(["zip,x,n", *lines]))
    frame = read_table(path)
    assert frame["zip"].tolist() == zips
    columns = choose_columns(frame, None, [])
    assert columns.categorical == ["zip"]
    assert columns.numeric == ["x", "n"]


def test_a_name_twice_in_a_file_is_refused(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("age,income,age\n1,2,3\n4,5,6\n")
    with pytest.raises(CommandError, match="two columns of the name 'age'"):
        read_table(path)


def test_names_that_are_numbers_are_a_row_unless_they_rise():
    assert has_odd_names(pd.DataFrame(columns=["28595.0", "27", "3"]))
    assert not has_odd_names(pd.DataFrame(columns=["400.5", "401", "402.5"]))  # nm
    assert not has_odd_names(pd.DataFrame(columns=["5", "age"]))


def test_categories_that_the_fit_did_not_see():
    frame = pd.DataFrame({"plan": ["a", "b", None] * 20, "x": RNG.normal(size=N)})
    columns = choose_columns(frame, None, [])
    transformer = make_transformer(columns).fit(used_columns(frame, columns))
    assert not new_categories(transformer, used_columns(frame, columns))
    later = frame.replace({"plan": {"b": "family"}})
    found = new_categories(transformer, used_columns(later, columns))
    assert found["plan"].tolist() == ["family"] * 20
