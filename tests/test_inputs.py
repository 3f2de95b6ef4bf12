"""The input contract: layouts, types, and every error with its remedy."""

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.preprocessing import scale
from torch.utils.data import DataLoader, TensorDataset

from skdeepclust import DataScaleWarning, ImageShapeWarning
from skdeepclust._inputs import check_image_shape, check_input
from skdeepclust._scale import measure_scale, warn_of_scale


class Holder(BaseEstimator):
    _guesses_images = False

    def __init__(self, image_shape="auto"):
        self.image_shape = image_shape


class Guesser(Holder):
    _guesses_images = True


class DCEC(Holder):
    """Named in warnings."""


def check_scale(X, name, fitted=None):
    scale = measure_scale(X)
    warn_of_scale(scale, DCEC(), fitted, len(X))
    return scale


def shape_of(X, image_shape="auto"):
    holder = Holder(image_shape)
    rows = check_input(holder, X, reset=True)
    assert rows.ndim == 2
    assert holder.n_features_in_ == rows.shape[1]
    return holder.image_shape_


@pytest.mark.parametrize(
    ("X_shape", "image_shape", "expected"),
    [
        ((5, 64), "auto", None),
        ((5, 784), "auto", None),
        ((5, 64), (8, 8), (1, 8, 8)),
        ((5, 65), "auto", None),
        ((5, 64), None, None),
        ((5, 48), (3, 4, 4), (3, 4, 4)),
        ((5, 48), (6, 8), (1, 6, 8)),
        ((5, 48), [3, 4, 4], (3, 4, 4)),
        ((5, 48), (1, 1, -1), (1, 1, 48)),
        ((5, 48), (3, -1, 2), (3, 8, 2)),
        ((5, 6, 7), "auto", (1, 6, 7)),
        ((5, 6, 7), None, None),
        ((5, 3, 6, 7), "auto", (3, 6, 7)),
        ((5, 3, 6, 7), (3, 6, 7), (3, 6, 7)),
        ((5, 9, 7, 3), (9, 7, 3), (9, 7, 3)),
        ((5, 2, 1, 1), "auto", (2, 1, 1)),
        ((5, 8, 8, 8), "auto", (8, 8, 8)),
        ((5, 6, 6, 3), (6, 6, 3), (6, 6, 3)),
        ((5, 5, 3, 3), "auto", (5, 3, 3)),
        ((5, 1, 28, 4), "auto", (1, 28, 4)),
    ],
)
def test_image_shape(X_shape, image_shape, expected):
    X = np.random.RandomState(0).rand(*X_shape)
    assert shape_of(X, image_shape) == expected


@pytest.mark.parametrize(
    ("X_shape", "image_shape", "message"),
    [
        ((5, 780), (28, 28), r"needs 784 features, got X with 780 features.*Pass"),
        ((5, 49), (-1, 4, 4), "needs 48 features, got X with 49"),
        ((5, 3, 6, 7), (3, 7, 6), r"X holds images of shape \(3, 6, 7\).*auto"),
        ((5, 8, 9, 3), "auto", r"channels last.*transpose\(0, 3, 1, 2\).*\(8, 9, 3\)"),
        ((5, 8, 8, 1), "auto", "channels last"),
        ((5, 2, 2, 2, 2), "auto", "5 dimensions"),
        ((5, 4), (4,), "must be 'auto', None"),
        ((5, 4), (1, 0, 4), "must be 'auto', None"),
        ((5, 4), (-1, -1, 4), "must be 'auto', None"),
        ((5, 4), (1, -2, -2), "must be 'auto', None"),
        ((5, 4), (2.5, 2), "must be 'auto', None"),
        ((5, 4), (None, 2, 2), "must be 'auto', None"),
        ((5, 20, 20, 5), "auto", "channels last"),
        ((5, 32, 32, 10), "auto", "channels last.*image_shape"),
        ((5, 64, 64, 13), "auto", "channels last.*image_shape"),
        ((5, 11, 11, 200), "auto", "channels last.*image_shape"),
        ((5, 6, 6, 3), "auto", "channels last.*image_shape"),
        ((5, 8, 8, 3), (3, 8, 8), r"transpose\(0, 3, 1, 2\)"),
        ((5, 8, 8, 2), "auto", "channels last"),
    ],
)
def test_shape_errors_teach(X_shape, image_shape, message):
    with pytest.raises(ValueError, match=message):
        shape_of(np.zeros(X_shape), image_shape)


def test_image_shape_is_settled_without_data_too():
    assert check_image_shape("auto", None, 100) is None
    assert check_image_shape((10, 10), None, 100) == (1, 10, 10)


def guess(X, image_shape="auto"):
    guesser = Guesser(image_shape)
    check_input(guesser, X, reset=True)
    return guesser.image_shape_


@pytest.mark.parametrize(("d", "side"), [(64, 8), (100, 10), (784, 28), (1024, 32)])
def test_a_guess_is_said_once_with_both_remedies(d, side):
    X = np.random.RandomState(0).rand(5, d)
    with pytest.warns(ImageShapeWarning) as record:
        assert guess(X) == (1, side, side)
    assert len(record) == 1
    message = str(record[0].message)
    for part in (f"{d} columns", f"image_shape=({side}, {side})", "image_shape=None"):
        assert part in message


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("X", "image_shape", "expected"),
    [
        (np.zeros((5, 49)), "auto", None),  # a square, but small
        (np.zeros((5, 384)), "auto", None),
        (np.zeros((5, 64)), None, None),
        (np.zeros((5, 64)), (8, 8), (1, 8, 8)),
        (np.zeros((5, 64)), (4, 4, 4), (4, 4, 4)),
        (np.zeros((5, 8, 8)), "auto", (1, 8, 8)),
        (pd.DataFrame(np.zeros((5, 64))).add_prefix("x"), "auto", None),
    ],
)
def test_nothing_is_guessed_where_it_is_said_or_plain(X, image_shape, expected):
    assert guess(X, image_shape) == expected


def test_a_data_frame_without_names_is_an_array():
    with pytest.warns(ImageShapeWarning):
        assert guess(pd.DataFrame(np.zeros((5, 64)))) == (1, 8, 8)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.zeros(5), ValueError, "Expected 2D array, got 1D array"),
        (np.zeros((0, 5)), ValueError, "0 sample"),
        (np.zeros((5, 0)), ValueError, "0 feature"),
        (np.array([[1.0, np.nan]]), ValueError, "NaN"),
        (np.array([[[1.0, np.inf]]]), ValueError, "infinity"),
        (csr_matrix(np.eye(3)), TypeError, "Sparse data was passed"),
        (np.array([["a", "b"]], dtype=object), ValueError, "could not convert"),
        (np.array([[1j, 2]]), ValueError, "Complex data"),
        ([[1, 2], [3]], ValueError, "inhomogeneous|setting an array element"),
        ([np.ones((4, 3)), np.ones((3, 4))], ValueError, "different shapes.*Resize"),
    ],
)
def test_scikit_learns_own_errors(X, error, message):
    with pytest.raises(error, match=message):
        shape_of(X)


def test_types_are_kept():
    for dtype in (np.uint8, np.float32, np.float64, np.int64):
        X = np.zeros((4, 2, 3, 3), dtype=dtype)
        rows = check_input(Holder(), X, reset=True)
        assert rows.dtype == dtype
        assert np.shares_memory(rows, X)


def test_other_containers():
    X = np.arange(12.0).reshape(4, 3)
    for same in (X.tolist(), torch.tensor(X), pd.DataFrame(X, columns=list("abc"))):
        np.testing.assert_array_equal(check_input(Holder(), same, reset=True), X)
    images = np.arange(24.0).reshape(2, 3, 4)
    for same in (images.tolist(), tuple(images), torch.tensor(images)):
        rows = check_input(Holder(), same, reset=True)
        np.testing.assert_array_equal(rows, images.reshape(2, 12))


def test_new_data_in_any_layout_but_of_the_same_shape():
    holder = Holder()
    X = np.random.RandomState(0).rand(3, 2, 4, 5)
    check_input(holder, X, reset=True)
    for same in (X, X.reshape(3, -1), torch.tensor(X)):
        np.testing.assert_array_equal(
            check_input(holder, same, reset=False), X.reshape(3, -1)
        )
    with pytest.raises(ValueError, match=r"\(2, 5, 4\).*fitted on images of shape"):
        check_input(holder, X.transpose(0, 1, 3, 2), reset=False)
    with pytest.raises(ValueError, match="X has 39 features"):
        check_input(holder, np.zeros((2, 39)), reset=False)


@pytest.mark.parametrize("scale", [255.0, 16.0, 1e-3])
def test_scale_that_hurts_is_warned_of(scale):
    X = np.random.RandomState(0).rand(50, 10) * scale
    with pytest.warns(DataScaleWarning, match="root mean square.*StandardScaler"):
        check_scale(X, "DCEC")


@pytest.mark.parametrize(
    "X",
    [
        np.random.RandomState(0).rand(50, 10),
        np.random.RandomState(0).normal(size=(50, 10)),
        np.random.RandomState(0).randint(256, size=(50, 10), dtype=np.uint8),
        np.zeros((5, 2)),
    ],
)
@pytest.mark.filterwarnings("error")
def test_good_scales_are_silent(X):
    check_scale(X, "DCEC")
    check_scale(X[:1], "DCEC", fitted=check_scale(X, "DCEC"))


def test_new_data_on_another_scale_is_warned_of():
    X = np.random.RandomState(0).randint(256, size=(50, 10), dtype=np.uint8)
    fitted = check_scale(X, "DCEC")
    assert fitted.rms == pytest.approx(np.sqrt(np.mean((X / 255) ** 2)))
    assert fitted.is_uint8
    same = X.astype(np.float32)
    with pytest.warns(DataScaleWarning, match="not uint8.*uint8.*same scale"):
        check_scale(same, "DCEC", fitted)
    for small in (X // 16, same / 255 / 100):
        with pytest.warns(DataScaleWarning, match="same scale"):
            check_scale(small, "DCEC", fitted)


def test_masks_of_zeros_and_ones_are_warned_of():
    X = np.random.RandomState(0).randint(2, size=(50, 10), dtype=np.uint8)
    with pytest.warns(DataScaleWarning, match="uint8 data is divided by 255.*masks"):
        check_scale(X, "DCEC")


def test_values_beyond_float32():
    with pytest.raises(ValueError, match="too large for dtype"):
        check_scale(np.array([[1e300, 1.0]]), "DCEC")


def test_other_tensors():
    X = torch.rand(4, 3)
    with pytest.raises(TypeError, match="Sparse data was passed"):
        check_input(Holder(), X.to_sparse(), reset=True)
    half = check_input(Holder(), X.to(torch.bfloat16), reset=True)
    np.testing.assert_allclose(half, X, rtol=1e-2)


def test_images_taken_as_rows_keep_their_shape():
    holder = Holder(image_shape=None)
    check_input(holder, np.zeros((3, 2, 4, 5)), reset=True)
    check_input(holder, np.zeros((3, 40)), reset=False)
    with pytest.raises(ValueError, match="fitted on images of shape"):
        check_input(holder, np.zeros((3, 4, 2, 5)), reset=False)


# -- containers --------------------------------------------------------------

IMAGES = np.random.RandomState(0).rand(6, 4, 5)
TABLE = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (None, "X must be an array.*None"),
        ("images/", "X must be an array.*find_images.*ImageReader"),
        (Path("x.npy"), "X must be an array.*Load the file"),
        ({"data": [1]}, r"keys \['data'\].*X\['data'\]"),
        ((x for x in IMAGES), r"np.stack\(list\(X\)\)"),
        (TensorDataset(torch.zeros(3, 2)), r"dataset.tensors\[0\]"),
        (DataLoader(TensorDataset(torch.zeros(3, 2))), "torch.stack"),
        (["a.png", "b.png"], "file names of images.*ImageReader"),
        ([Path("a.png")], "file names of images.*ImageReader"),
        ([], "an empty list"),
        ([None, None], "a list of None: Input X contains NaN"),
        (np.array([["a", "b"]]), "could not convert string.*ColumnTransformer"),
        (
            np.array([["1", 2.0]], dtype=object),
            r"strings such as '1'.*X.astype\(float\)",
        ),
        (pd.Series(list(IMAGES)), r"np.stack\(list\(X\)\)"),
        (pd.DataFrame({"img": list(IMAGES)}), r"np.stack\(list\(X\['img'\]\)\)"),
        (TABLE.assign(c=["u", "v"]), r"\['c'\].*ColumnTransformer"),
        (TABLE.assign(c=pd.Categorical(["u", "v"])), r"\['c'\].*ColumnTransformer"),
        (TABLE.assign(c=pd.Timestamp("2020")), r"\['c'\].*dates into numbers"),
        (np.zeros((3, 2), "M8[s]"), "dates or durations"),
        (np.zeros(3, [("a", "f4"), ("b", "f4")]), "structured_to_unstructured"),
        (np.ma.masked_array(IMAGES, mask=IMAGES > 0.5), r"masked.*X.filled\(...\)"),
        (torch.zeros(3, 2, device="meta"), "'meta'"),
        (np.ndarray, "the class ndarray"),
    ],
)
def test_advice_fits_the_container(X, words):
    with pytest.raises((TypeError, ValueError), match=words):
        shape_of(X)


def test_missing_values_of_a_frame_are_named():
    table = TABLE.assign(c=[np.nan, 1.0], d=pd.array([None, 2], dtype="Int64"))
    message = r"contains NaN: .* 2 column\(s\), such as \['c', 'd'\].*SimpleImputer"
    with pytest.raises(ValueError, match=message):
        check_input(Holder(), table, reset=True)


def test_sparse_data_is_told_what_to_do_in_a_pipeline():
    message = r"OneHotEncoder\(sparse_output=False\) or ColumnTransformer\(sparse_thr"
    with pytest.raises(TypeError, match=message):
        check_input(Holder(), csr_matrix(np.eye(3)), reset=True)


def test_frames_of_polars():
    polars = pytest.importorskip("polars")
    holder, frame = Holder(), polars.DataFrame(TABLE.to_dict("list"))
    np.testing.assert_array_equal(check_input(holder, frame, reset=True), TABLE)
    assert holder.feature_names_in_.tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="must be in the same order"):
        check_input(holder, frame.select(["b", "a"]), reset=False)
    day = [datetime.date(2020, 1, 1)] * 2
    for column, words in [
        (["u", "v"], r"\['c'\].*ColumnTransformer"),
        (polars.Series(["u", "v"], dtype=polars.Categorical), r"\['c'\].*ColumnTr"),
        (day, r"\['c'\].*dates into numbers"),
        ([[1, 2], [3, 4]], r"np.stack\(list\(X\['c'\]\)\)"),
        ([None, 1.0], r"contains NaN: .*\['c'\].*SimpleImputer"),
    ]:
        wrong = frame.with_columns(polars.Series("c", column))
        with pytest.raises(ValueError, match=words):
            check_input(Holder(), wrong, reset=True)
    with pytest.raises(TypeError, match=r"LazyFrame.*Pass X.collect\(\)"):
        check_input(Holder(), frame.lazy(), reset=True)
    booleans = frame.with_columns(polars.Series("c", [True, False]))
    assert check_input(Holder(), booleans, reset=True).shape == (2, 3)


def test_what_else_is_taken():
    rows = IMAGES.reshape(6, 20)
    for same in (
        np.ma.masked_array(rows, mask=False),
        torch.tensor(rows, requires_grad=True),
        [torch.tensor(row, requires_grad=True) for row in rows],
        torch.tensor(-rows)._neg_view(),
        rows.astype(object),
        pd.DataFrame(rows).astype("Float64"),
    ):
        np.testing.assert_allclose(check_input(Holder(), same, reset=True), rows)
    images = [torch.tensor(image).requires_grad_() for image in IMAGES]
    assert shape_of(images) == (1, 4, 5)


def test_a_single_image_is_recognised():
    holder = Holder()
    check_input(holder, IMAGES, reset=True)
    with pytest.raises(ValueError, match=r"single image.*X\[None\]"):
        check_input(holder, IMAGES[0], reset=False)
    check_input(holder, IMAGES[:1], reset=False)


# -- uneven values -----------------------------------------------------------


def one_column(factor):
    X = np.random.RandomState(0).normal(size=(300, 60))
    X[:, 3] *= factor
    return X


def hot_pixel():
    X = np.random.RandomState(0).rand(200, 64)
    X[7, 9] = 500
    return X


def rare_hot_pixel():
    X = np.random.RandomState(0).rand(20_000, 10)
    X[7, 9] = 400
    return X


def beside_zeros():
    X = np.zeros((100, 2000))
    X[:, :3] = np.random.RandomState(0).normal(size=(100, 3)) * 100
    return X


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (one_column(30), "Column 3 of X.*StandardScaler"),
        (one_column(10), "Column 3 of X"),
        (hot_pixel(), "Column 9 of X.*hot pixels"),
        (rare_hot_pixel(), "largest value of X is 400.*fill values"),
        (beside_zeros(), "root mean square of (9|10)"),
        (np.full((5, 2), 1e-300), "root mean square of 1e-300"),
    ],
)
def test_uneven_values_are_warned_of(X, words):
    with pytest.warns(DataScaleWarning, match=words):
        check_scale(X, "DCEC")


def test_the_column_has_its_name():
    X = pd.DataFrame(one_column(30)).add_prefix("gene ")
    holder = DCEC()
    rows = check_input(holder, X, reset=True)
    with pytest.warns(DataScaleWarning, match="Column 'gene 3' of X"):
        warn_of_scale(measure_scale(rows), holder)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "X",
    [
        one_column(3),
        scale(load_breast_cancer().data),
        load_digits().data / 16,
        load_digits().images.astype(np.uint8).reshape(-1, 64) * 15,
        np.random.RandomState(0).standard_t(3, size=(1000, 5)),
        np.eye(40)[np.random.RandomState(0).randint(40, size=500)],  # one-hot
    ],
)
def test_even_values_are_silent(X):
    check_scale(X, "DCEC")


@pytest.mark.parametrize("value", [1e19, 1e30, np.finfo(np.float32).max])
def test_values_whose_squares_overflow_are_refused(value):
    X = np.ones((5, 2), dtype=np.float32)
    X[3, 1] = -value
    with pytest.raises(ValueError, match="squares overflow"):
        measure_scale(X)
