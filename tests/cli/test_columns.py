"""Which columns of a table are clustered."""

import numpy as np
import pandas as pd
import pytest

from skdeepclust.cli._columns import choose_columns, make_transformer, used_columns

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
