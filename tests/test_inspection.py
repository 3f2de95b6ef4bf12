"""Tables of clusters, folders of images, and the comparison with baselines."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from PIL import Image
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import DBSCAN, HDBSCAN, AgglomerativeClustering, KMeans
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_blobs
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

import skdeepclust
from skdeepclust import (
    DCEC,
    SCEDAE,
    TEMI,
    AutoClustering,
    Autoencoder,
    DeepCluster,
    Turtle,
    inspection,
)
from skdeepclust.inspection import (
    cluster_profile,
    cluster_table,
    compare_with_baselines,
    export_images,
)
from skdeepclust.metrics import clustering_accuracy

WITHOUT_NETWORK = ["k-means", "PCA + k-means", "AutoClustering"]


@pytest.fixture
def make_dcec(make_dcec):
    """A DCEC small enough for a test, of rows that are images of 8 x 8."""
    return partial(make_dcec, image_shape=(8, 8))


@pytest.fixture
def line():
    """Points on a line, and their clusterer."""
    X = np.array([[0.0], [1.0], [2.0], [8.0], [10.0]])
    return X, KMeans(2, init=np.array([[1.0], [9.0]]), n_init=1).fit(X)


# -- cluster_table -----------------------------------------------------------


def test_table_of_a_known_case(line):
    X, kmeans = line
    table = cluster_table(kmeans, X, paths=list("abcde"))
    assert isinstance(table, pd.DataFrame)
    assert table["sample"].tolist() == [1, 0, 2, 4, 3]
    assert table["label"].tolist() == [0, 0, 0, 1, 1]
    assert table["second_choice"].tolist() == [1, 1, 1, 0, 0]
    np.testing.assert_allclose(table["distance"], [0, 1, 1, 1, 1])
    np.testing.assert_allclose(
        table["confidence"], [1, 1 - 1 / 9, 1 - 1 / 7, 1 - 1 / 9, 1 - 1 / 7]
    )
    assert "".join(table["path"]) == "baced"


def test_missing_pandas_says_how_to_get_it(line, monkeypatch):
    X, kmeans = line
    monkeypatch.setitem(sys.modules, "pandas", None)
    message = r'pip install pandas, or pip install "skdeepclust\[tables\]"'
    with pytest.raises(ImportError, match=message):
        cluster_table(kmeans, X)
    # Before anything is fitted.
    unfitted = KMeans(2)
    monkeypatch.setattr(KMeans, "fit", lambda *args: pytest.fail("was fitted"))
    with pytest.raises(ImportError, match=message):
        compare_with_baselines(unfitted, X)


def test_the_index_is_that_of_X(line):
    X, kmeans = line
    frame = pd.DataFrame(X, index=list("vwxyz"), columns=["x"])
    kmeans = KMeans(2, init=kmeans.cluster_centers_, n_init=1).fit(frame)
    table = cluster_table(kmeans, frame)
    assert table.index.tolist() == list("wvxzy")
    joined = frame.join(table)
    assert joined["label"].tolist() == kmeans.labels_.tolist()
    assert joined["sample"].tolist() == list(range(5))
    # Of an array, the index is the position.
    table = cluster_table(line[1], X)
    assert table.index.tolist() == table["sample"].tolist()
    assert table["label"].sort_index().tolist() == line[1].labels_.tolist()


def test_the_labels_of_a_table_cannot_be_taken_in_its_order(line):
    frame = pd.DataFrame(line[0], index=list("vwxyz"), columns=["x"])
    table = cluster_table(KMeans(2, n_init=1, random_state=0).fit(frame), frame)
    with pytest.raises(ValueError, match="labels is a Series .* in another order"):
        cluster_profile(frame, table["label"])
    cluster_profile(frame, table["label"].loc[frame.index])


def test_probabilities_are_the_confidence(make_dcec, digits):
    X, _ = digits
    dcec = make_dcec().fit(X)
    table = cluster_table(dcec, X).set_index("sample").loc[range(200)]
    Q = dcec.predict_proba(X)
    np.testing.assert_array_equal(table["confidence"], Q.max(axis=1))
    np.testing.assert_array_equal(table["label"], Q.argmax(axis=1))
    np.testing.assert_array_equal(table["second_choice"], np.argsort(-Q, axis=1)[:, 1])
    expected = np.linalg.norm(
        dcec.transform(X) - dcec.cluster_centers_[dcec.labels_], axis=1
    )
    np.testing.assert_allclose(table["distance"], expected, rtol=1e-5)


def test_confidence_falls_within_clusters(make_dcec, digits):
    table = cluster_table(make_dcec().fit(digits[0]), digits[0])
    assert (np.diff(table["label"]) >= 0).all()
    for _, members in table.groupby("label"):
        assert (np.diff(members["confidence"]) <= 0).all()


@pytest.mark.parametrize(
    "clusterer",
    [
        make_pipeline(PCA(3), GaussianMixture(3, random_state=0)),
        make_pipeline(PCA(3), KMeans(3, random_state=0)),
        AgglomerativeClustering(3),
        DeepCluster(3, module__hidden_dims=(4,), max_iter=1, random_state=0),
    ],
)
def test_any_clusterer(clusterer, blobs):
    X, _ = blobs
    labels = clusterer.fit_predict(X)
    table = cluster_table(clusterer, X).set_index("sample").loc[range(len(X))]
    np.testing.assert_array_equal(table["label"], labels)
    assert (table["second_choice"] != table["label"]).all()
    assert table["confidence"].between(0, 1).all()
    assert (table["distance"] >= 0).all()


def test_noise_and_a_single_cluster(blobs):
    X, _ = make_blobs(80, centers=2, random_state=0, cluster_std=0.4)
    X = np.r_[X, [[100.0, 100.0]]]
    table = cluster_table(HDBSCAN(copy=True).fit(X), X)
    assert table["label"].iloc[0] == -1
    assert np.isnan(table["confidence"].iloc[0])
    assert table["confidence"].iloc[1:].notna().all()
    nothing = cluster_table(DBSCAN(eps=1e-9).fit(X), X)
    assert nothing[["confidence", "distance"]].isna().all(axis=None)
    single = cluster_table(KMeans(1).fit(X), X)
    assert (single["second_choice"] == -1).all()
    assert (single["confidence"] == 1).all()


@pytest.mark.parametrize("kind", ["f2", ">f8", "i8", "longdouble"])
def test_any_type_of_numbers(line, kind):
    X, kmeans = line
    table = cluster_table(kmeans, X.astype(kind))
    assert table["sample"].tolist() == [1, 0, 2, 4, 3]


def test_sparse_data(line):
    X, kmeans = line
    table = cluster_table(kmeans, scipy.sparse.csr_matrix(X))
    assert table["sample"].tolist() == [1, 0, 2, 4, 3]


def test_table_refuses(line):
    X, kmeans = line
    with pytest.raises(NotFittedError):
        cluster_table(DBSCAN(), X)
    with pytest.raises(ValueError, match="inconsistent numbers"):
        cluster_table(kmeans, X, paths=["a"])
    with pytest.raises(TypeError, match="PCA has no clusters"):
        cluster_table(PCA(1).fit(X), X)


def test_table_wants_an_instance_with_clusters(line):
    X, kmeans = line
    with pytest.raises(TypeError, match="estimator is the class KMeans. Pass an inst"):
        cluster_table(KMeans, X)
    with pytest.raises(TypeError, match="estimator must be .* got None"):
        cluster_table(None, X)
    classifier = LogisticRegression().fit(X, list("aabbb"))
    with pytest.raises(TypeError, match="LogisticRegression predicts labels of type"):
        cluster_table(classifier, X)
    with pytest.raises(ValueError, match="X must be an array.* got None"):
        cluster_table(kmeans, None)


@pytest.mark.parametrize(
    ("paths", "error", "message"),
    [
        ("a.png", TypeError, "paths must be a sequence .* got str"),
        (Path("a.png"), TypeError, "paths must be a sequence .* got PosixPath"),
        ({"a", "b", "c", "d", "e"}, TypeError, "paths must be a sequence .* got set"),
        (pd.DataFrame({"path": list("abcde")}), TypeError, "paths .* got DataFrame"),
        (5, TypeError, "paths must be a sequence .* got int"),
        (["a", "b", None, "d", "e"], TypeError, "paths must hold .* entry 2 is None"),
        (["a", "b", np.nan, "d", "e"], TypeError, "paths must hold .* entry 2 is nan"),
        (list(range(5)), TypeError, "paths must hold a path .* entry 0 is 0"),
        (["a", "b", "c", "d", ""], ValueError, "paths must hold paths.* entry 4 is e"),
        (["a", "b"], ValueError, "inconsistent .* X has 5, paths has 2"),
    ],
)
def test_wrong_paths_are_refused_before_anything_else(
    line, paths, error, message, monkeypatch
):
    X, kmeans = line
    monkeypatch.setattr(KMeans, "predict", lambda *args: pytest.fail("predicted"))
    with pytest.raises(error, match=message):
        cluster_table(kmeans, X, paths=paths)


def test_paths_of_any_kind(line):
    X, kmeans = line
    for paths in ([Path(p) for p in "abcde"], pd.Series(list("abcde")), iter("abcde")):
        assert "".join(cluster_table(kmeans, X, paths=paths)["path"]) == "baced"
    table = cluster_table(kmeans, X, paths=[p.encode() for p in "abcde"])
    assert "".join(table["path"]) == "baced"


def test_tables_take_what_fit_takes(make_dcec, digits, line):
    X = torch.tensor(digits[0].reshape(-1, 8, 8), requires_grad=True)
    dcec = make_dcec(max_iter=0, pretrain_epochs=1).fit(X)
    expected = cluster_table(dcec, X.detach().numpy())
    for given in (X, list(X)):
        pd.testing.assert_frame_equal(cluster_table(dcec, given), expected)
    methods = compare_with_baselines(dcec, list(X))["method"]
    assert methods.tolist() == compare_with_baselines(dcec, X)["method"].tolist()
    rows = torch.tensor(line[0], requires_grad=True)
    assert cluster_table(line[1], list(rows))["sample"].tolist() == [1, 0, 2, 4, 3]


# -- export_images -----------------------------------------------------------


@pytest.fixture
def files(tmp_path, line):
    """Five image files of two folders, some of the same name, and their table."""
    X, kmeans = line
    paths = []
    for i, value in enumerate(X[:, 0]):
        path = tmp_path / "from" / f"folder{i % 2}" / f"image{i // 2}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4), int(value * 10)).save(path)
        paths.append(path)
    return paths, cluster_table(kmeans, X, paths)


@pytest.mark.parametrize("how", ["copy", "symlink", "hardlink"])
def test_export(files, tmp_path, how):
    paths, table = files
    folders = export_images(table, tmp_path / "to", how=how)
    assert sorted(folders) == [0, 1]
    names = [path.name for path in sorted(folders[0].iterdir())]
    assert names == ["1_image0.png", "2_image0.png", "3_image1.png"]
    for path, rank in zip([paths[1], paths[0]], [1, 2], strict=True):
        target = folders[0] / f"{rank}_image0.png"
        assert target.read_bytes() == path.read_bytes()
        assert target.is_symlink() == (how == "symlink")
        assert (target.stat().st_ino == path.stat().st_ino) == (how != "copy")
    assert all(path.is_file() for path in paths)


def test_export_of_some_rows(files, tmp_path):
    _, table = files
    few = export_images(table[table["confidence"] > 0.95], tmp_path / "few")
    assert [len(list(folder.iterdir())) for folder in few.values()] == [1]


def test_nothing_is_written_when_something_is_wrong(files, tmp_path):
    paths, table = files
    target = tmp_path / "to"
    with pytest.raises(ValueError, match="how='move'"):
        export_images(table, target, how="move")
    with pytest.raises(ValueError, match="has no paths, labels or conf"):
        export_images(table.drop(columns="path"), target)
    paths[2].unlink()
    with pytest.raises(FileNotFoundError, match="1 of 5 files do not exist"):
        export_images(table, target)
    assert not target.exists()
    full = paths[0].parent
    before = sorted(full.iterdir())
    with pytest.raises(FileExistsError, match="not empty"):
        export_images(table[table["path"] != str(paths[2])], full)
    assert sorted(full.iterdir()) == before


def test_a_failure_on_the_way_leaves_nothing_behind(files, tmp_path, monkeypatch):
    paths, table = files
    calls = []

    def fails(source, target):
        calls.append(target)
        if len(calls) == 3:
            raise OSError("disk full")
        target.write_bytes(b"")

    monkeypatch.setitem(inspection._TRANSFERS, "copy", fails)
    with pytest.raises(OSError, match="disk full"):
        export_images(table, tmp_path / "to")
    assert not (tmp_path / "to").exists()
    assert all(path.is_file() for path in paths)


def everything_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture
def fails_at_the_third(monkeypatch):
    """Let copying fail at the third file, as on a full disk."""
    copy, calls = inspection._TRANSFERS["copy"], []

    def fails(source, target):
        calls.append(target)
        copy(source, target)
        if len(calls) == 3:  # half of the file is there
            raise OSError(28, "No space left on device")

    monkeypatch.setitem(inspection._TRANSFERS, "copy", fails)


def test_a_failure_leaves_an_existing_folder_with_its_rights(
    files, tmp_path, fails_at_the_third
):
    (tmp_path / "to").mkdir(mode=0o700)
    number = (tmp_path / "to").stat().st_ino
    with pytest.raises(OSError, match="No space left") as raised:
        export_images(files[1], tmp_path / "to")
    assert raised.value.__notes__ == ["What the export had written was removed."]
    assert not list((tmp_path / "to").iterdir())
    assert (tmp_path / "to").stat().st_ino == number
    assert (tmp_path / "to").stat().st_mode & 0o777 == 0o700


def test_a_failure_removes_the_parents_that_were_made_and_no_others(
    files, tmp_path, fails_at_the_third
):
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="No space left"):
        export_images(files[1], tmp_path / "a" / "b" / "c")
    assert everything_in(tmp_path / "a") == []


def test_a_failure_in_the_current_folder_shows_its_cause(
    files, tmp_path, fails_at_the_third, monkeypatch
):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(OSError, match="No space left"):
        export_images(files[1], ".")
    assert everything_in(tmp_path / "here") == []


def test_a_failure_behind_a_link_cleans_the_real_folder_and_keeps_the_link(
    files, tmp_path, fails_at_the_third
):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(OSError, match="No space left"):
        export_images(files[1], tmp_path / "link")
    assert everything_in(tmp_path / "real") == []
    assert (tmp_path / "link").readlink() == tmp_path / "real"


def test_export_through_a_link(files, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    folders = export_images(files[1], tmp_path / "link")
    assert folders[0] == tmp_path / "link" / "cluster_000"
    assert len(everything_in(tmp_path / "real")) == 7
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError, match="link to .*nowhere', which does not ex"):
        export_images(files[1], tmp_path / "dangling")
    assert not (tmp_path / "nowhere").exists()


def test_a_failure_leaves_the_files_of_others(files, tmp_path, monkeypatch):
    _, table = files

    def fails(source, target):
        (target.parent / "of_others.txt").write_text("mine")
        raise OSError("disk full")

    monkeypatch.setitem(inspection._TRANSFERS, "copy", fails)
    with pytest.raises(OSError, match="disk full"):
        export_images(table, tmp_path / "to")
    assert everything_in(tmp_path / "to") == [
        "cluster_000",
        "cluster_000/of_others.txt",
    ]


@pytest.mark.parametrize("how", ["copy", "symlink", "hardlink"])
def test_a_file_that_appears_meanwhile_is_not_touched(
    files, tmp_path, how, monkeypatch
):
    transfer = inspection._TRANSFERS[how]

    def late(source, target):
        if target.name.startswith("2"):
            target.write_text("mine")
        transfer(source, target)

    monkeypatch.setitem(inspection._TRANSFERS, how, late)
    with pytest.raises(FileExistsError, match="Another export or program made this"):
        export_images(files[1], tmp_path / "to", how=how)
    assert everything_in(tmp_path / "to") == [
        "cluster_000",
        "cluster_000/2_image0.png",
    ]
    assert (tmp_path / "to" / "cluster_000" / "2_image0.png").read_text() == "mine"


@pytest.mark.parametrize("exists", [False, True])
def test_two_exports_at_once_leave_one(files, tmp_path, exists):
    _, table = files
    for i in range(10):
        target = tmp_path / f"to{i}" / "inner"
        if exists:
            target.mkdir(parents=True)
        barrier = Barrier(2)

        def export(_, target=target, barrier=barrier):
            barrier.wait()
            try:
                return export_images(table, target)
            except FileExistsError:
                return None

        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(export, range(2)))
        assert sum(result is not None for result in results) == 1
        assert len([path for path in target.rglob("*") if path.is_file()]) == 5


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            ["cat", "cat", "dog", "dog", "dog"],
            "holds 'cat', .* pandas.factorize",
        ),
        ([0.2, 0.9, 1, 1, 1], "holds 0.2, but a label must be a whole number"),
        ([0, 0, np.nan, 1, 1], r"holds nan, .*dropna\(subset=\['label'\]\)"),
        ([0, np.inf, 0, 1, 1], "holds inf, but a label must be a whole"),
        ([0, None, 0, 1, 1], "holds nan, but a label must be a whole"),
        (pd.array([0, None, 0, 1, 1], dtype="Int64"), "holds <NA>, but a label must"),
        ([True, True, True, False, False], "holds True, but a label must be a whole"),
        ([-1, -2, 0, 0, 1], "holds -2, but a label must be at least -1"),
    ],
)
def test_labels_that_are_not_whole_numbers_are_found_before_writing(
    files, tmp_path, labels, message
):
    _, table = files
    with pytest.raises(ValueError, match=message):
        export_images(table.assign(label=labels), tmp_path / "to")
    assert not (tmp_path / "to").exists()


def test_whole_labels_of_any_type(files, tmp_path):
    _, table = files
    for i, kind in enumerate(["float64", "Int64", "uint8", "object"]):
        folders = export_images(table.astype({"label": kind}), tmp_path / f"to{i}")
        assert list(folders) == [0, 1]
        assert all(type(label) is int for label in folders)


@pytest.mark.parametrize(
    ("column", "value", "error", "message"),
    [
        ("path", np.nan, TypeError, 'Column "path" .* entry 1 is nan'),
        ("path", None, TypeError, 'Column "path" .* entry 1 is '),
        ("path", 3, TypeError, 'Column "path" .* entry 1 is 3'),
        ("path", "", ValueError, 'Column "path" .* entry 1 is empty'),
        ("path", "a\0b", FileNotFoundError, "1 of 5 files do not exist or are no"),
        ("path", os.devnull, FileNotFoundError, "do not exist or are no files"),
        ("confidence", "high", TypeError, 'Column "confidence" .* must hold numbers'),
        ("confidence", pd.NA, TypeError, 'Column "confidence" .* must hold numbers'),
    ],
)
def test_wrong_values_of_a_table_are_found_before_writing(
    files, tmp_path, column, value, error, message
):
    table = files[1].astype({column: object})
    table.loc[table.index[1], column] = value
    with pytest.raises(error, match=message):
        export_images(table, tmp_path / "to")
    assert not (tmp_path / "to").exists()


@pytest.mark.parametrize("table", [None, "a.csv", [{"path": "a"}], {"path": ["a"]}])
def test_tables_that_are_no_data_frames(tmp_path, table):
    with pytest.raises(TypeError, match="table must be a DataFrame.* got"):
        export_images(table, tmp_path / "to")


@pytest.mark.parametrize(
    ("folder", "error"),
    [
        (None, TypeError),
        (3, TypeError),
        (b"to", TypeError),
        ("", ValueError),
        (" ", ValueError),
        ("a\0b", ValueError),
    ],
)
def test_folders_that_are_no_paths(files, tmp_path, folder, error, monkeypatch):
    monkeypatch.chdir(tmp_path / "from")
    with pytest.raises(error, match="folder"):
        export_images(files[1], folder)
    assert len(everything_in(tmp_path)) == 8


def test_a_folder_that_is_a_file(files, tmp_path):
    (tmp_path / "to").write_text("mine")
    with pytest.raises(FileExistsError, match="exists and is not a folder"):
        export_images(files[1], tmp_path / "to")
    assert (tmp_path / "to").read_text() == "mine"


@pytest.mark.parametrize("how", [None, ["copy"], "move", 1])
def test_other_ways_are_refused(files, tmp_path, how):
    with pytest.raises(ValueError, match="is none of .'copy', 'hardlink', 'symlink'"):
        export_images(files[1], tmp_path / "to", how=how)


def test_names_that_get_too_long_are_found_before_writing(files, tmp_path):
    paths, table = files
    long = paths[0].with_name("n" * 250 + ".png")  # "1_" in front makes 256
    paths[0].rename(long)
    table = table.replace(str(paths[0]), str(long))
    with pytest.raises(ValueError, match="would have 256 bytes, more than the 255"):
        export_images(table, tmp_path / "a" / "to")
    assert not (tmp_path / "a").exists()
    deep = tmp_path.joinpath(*["d" * 200] * 20)
    with pytest.raises(ValueError, match="path .* more than the 4095"):
        export_images(table, deep)
    assert len(everything_in(tmp_path)) == 8


def test_sources_that_are_links(files, tmp_path):
    paths, table = files
    content = paths[1].read_bytes()
    paths[1].rename(tmp_path / "elsewhere.png")
    paths[1].symlink_to(tmp_path / "elsewhere.png")
    for how in ("copy", "hardlink", "symlink"):
        folders = export_images(table, tmp_path / how, how=how)
        target = folders[0] / "1_image0.png"
        assert target.read_bytes() == content
        assert target.is_symlink() == (how == "symlink")
    assert target.readlink() == paths[1]


def test_no_rows_write_nothing_and_a_folder_within_the_sources_is_fine(files, tmp_path):
    _, table = files
    assert export_images(table[:0], tmp_path / "to") == {}
    assert not (tmp_path / "to").exists()
    folders = export_images(table, tmp_path / "from" / "to")
    assert sum(len(list(folder.iterdir())) for folder in folders.values()) == 5


def test_ranks_are_by_confidence_in_any_order_of_the_table(files, tmp_path):
    _, table = files
    folders = export_images(table.sort_values("sample"), tmp_path / "to")
    names = sorted(path.name for path in folders[0].iterdir())
    assert names == ["1_image0.png", "2_image0.png", "3_image1.png"]
    first = folders[0] / "1_image0.png"
    assert first.read_bytes() == Path(table["path"].iloc[0]).read_bytes()


def test_noise_has_its_own_folder(files, tmp_path):
    _, table = files
    table.loc[table.index[0], "label"] = -1
    folders = export_images(table, tmp_path / "to")
    assert folders[-1].name == "noise"


# -- compare_with_baselines --------------------------------------------------

SHORT = {"TEMI": {"n_heads": 2, "max_epochs": 2}, "Turtle": {"max_epochs": 5}}


@pytest.fixture(autouse=True)
def short_heads(monkeypatch):
    """Heads that take a few steps; the defaults are tested with the heads."""
    for name, params in SHORT.items():
        short = partial(getattr(skdeepclust, name), **params)
        monkeypatch.setattr(inspection, name, short)


def test_comparison_for_dcec(make_dcec, digits):
    X, y = digits
    dcec = make_dcec(max_iter=20).fit(X)
    table = compare_with_baselines(dcec, X, y).set_index("method")
    assert list(table.index) == [
        *WITHOUT_NETWORK,
        *("autoencoder + k-means", "DCEC"),
    ]
    accuracy = table["accuracy"]
    assert accuracy["DCEC"] == clustering_accuracy(y, dcec.labels_)
    # The pretrained autoencoder is the estimator's own, and not a new one.
    assert accuracy["autoencoder + k-means"] == clustering_accuracy(
        y, dcec.init_labels_
    )
    own = KMeans(5, n_init=20, random_state=0).fit_predict(X)
    assert accuracy["k-means"] == clustering_accuracy(y, own)
    assert table["silhouette"].between(-1, 1).all()
    assert table.drop(columns=["accuracy", "nmi", "ari"]).equals(
        compare_with_baselines(dcec, X).set_index("method")
    )


def test_comparison_for_others(digits):
    X, y = digits
    params = {"random_state": 0, "device": "cpu", "batch_size": 32, "n_init": 2}
    deep = DeepCluster(4, image_shape=(8, 8), module__widths=(8,), max_iter=1, **params)
    methods = list(compare_with_baselines(deep, X, y)["method"])
    assert methods[3:] == ["untrained network + start", "DeepCluster"]
    assert not hasattr(deep, "labels_")  # a clone was fitted
    ensemble = SCEDAE(
        4, n_autoencoders=2, module__hidden_dims=(8,), max_epochs=1, **params
    )
    table = compare_with_baselines(ensemble.fit(X), X, y, methods=["k-means"])
    assert list(table["method"]) == ["k-means", "autoencoder + k-means", "SCEDAE"]
    embedding = ensemble.autoencoders_[0].transform(X)
    expected = KMeans(4, n_init=20, random_state=0).fit_predict(embedding)
    assert table["accuracy"][1] == clustering_accuracy(y, expected)


def test_comparison_names_the_start(make_dcec, digits):
    X, y = digits
    dcec = make_dcec(init="spectral", max_iter=0)
    table = compare_with_baselines(dcec, X, y)
    assert table["method"][3] == "autoencoder + landmark spectral"
    dcec = make_dcec(init=np.arange(20.0).reshape(5, 4), max_iter=0)
    table = compare_with_baselines(dcec, X, y)
    assert table["method"][3] == "autoencoder + init"
    dcec = make_dcec(init=GaussianMixture(covariance_type="diag"), max_iter=0)
    table = compare_with_baselines(dcec, X, y)
    assert table["method"][3] == "autoencoder + GaussianMixture"


def test_comparison_with_a_rare_cluster_and_many_samples():
    X = np.random.RandomState(0).normal(size=(3100, 2)) / 10
    X[777] = 9
    table = compare_with_baselines(KMeans(2, random_state=0).fit(X), X)
    assert np.isfinite(table["silhouette"]).all()


def test_comparison_of_a_search_and_of_what_is_no_clusterer(digits):
    X, _ = digits
    search = GridSearchCV(KMeans(random_state=0), {"n_clusters": [3]}, cv=2).fit(X)
    assert compare_with_baselines(search, X)["method"].iloc[-1] == "KMeans"
    for other in (Autoencoder(), AgglomerativeClustering(3), GaussianMixture(3)):
        with pytest.raises(TypeError, match="cannot be compared"):
            compare_with_baselines(other, X)


def test_comparison_wants_the_data_of_fit(make_dcec, digits):
    X, _ = digits
    dcec = make_dcec().fit(X[:150])
    with pytest.raises(ValueError, match="fitted to other data"):
        compare_with_baselines(dcec, X)


def test_comparison_in_a_pipeline(digits):
    X, y = digits
    pipeline = make_pipeline(Autoencoder(max_epochs=1, random_state=0), KMeans(4))
    table = compare_with_baselines(pipeline.fit(X), X, y)
    assert list(table["method"]) == [*WITHOUT_NETWORK, "TEMI", "Turtle", "KMeans"]


@pytest.fixture
def customers():
    """A frame with text and missing values, and a preprocessor for it."""
    rng = np.random.RandomState(0)
    group = np.arange(90) % 3
    frame = pd.DataFrame(
        {
            "income": 1000.0 * (10 + 20 * group + rng.normal(size=90)),
            "plan": np.array(["free", "basic", "pro"])[group],
        },
        index=[f"c{i}" for i in range(90)],
    )
    frame.loc[["c0", "c5"], "income"] = np.nan
    encoder = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["income"]),
        (OneHotEncoder(), ["plan"]),
    )
    return frame, group, encoder


@pytest.mark.parametrize("is_fitted", [True, False])
def test_comparison_of_a_pipeline_on_a_frame(customers, is_fitted):
    frame, group, encoder = customers
    pipeline = make_pipeline(encoder, KMeans(3, n_init=20, random_state=0))
    if is_fitted:
        pipeline.fit(frame)
    table = compare_with_baselines(pipeline, frame, group).set_index("method")
    assert list(table.index) == [*WITHOUT_NETWORK, "KMeans"]
    pd.testing.assert_series_equal(
        table.loc["k-means"], table.loc["KMeans"], check_names=False
    )
    encoded = encoder.fit_transform(frame)
    inner = KMeans(3, n_init=20, random_state=0).fit(encoded)
    same = compare_with_baselines(inner, encoded, group).set_index("method")
    pd.testing.assert_frame_equal(table, same)


def test_comparison_of_nested_and_searched_pipelines_on_a_frame(customers):
    frame, group, encoder = customers
    inner = Pipeline([("no", None), ("pca", PCA(2)), ("km", KMeans(3, n_init=2))])
    nested = make_pipeline(encoder, "passthrough", inner)
    table = compare_with_baselines(nested, frame, group)
    assert table["ari"].between(-1, 1).all()
    search = GridSearchCV(
        make_pipeline(encoder, KMeans(random_state=0)), {"kmeans__n_clusters": [3]}
    )
    table = compare_with_baselines(search, frame, group)
    assert list(table["method"]) == [
        "k-means",
        "PCA + k-means",
        "AutoClustering",
        "KMeans",
    ]


def test_comparison_takes_x_before_the_first_network(digits, monkeypatch):
    X, _ = digits
    scaler, network = StandardScaler(), Autoencoder(max_epochs=1, random_state=0)
    pipeline = make_pipeline(scaler, network, KMeans(4, random_state=0)).fit(X)
    seen = []
    monkeypatch.setattr(
        inspection,
        "_scores",
        lambda rows, labels, y: seen.append(rows) or {"silhouette": 0.0},
    )
    compare_with_baselines(pipeline, X)
    for rows in seen:
        np.testing.assert_array_equal(rows, scaler.transform(X))


def test_a_frame_of_text_without_a_pipeline_is_told_about_column_transformer(customers):
    frame, _, _ = customers
    with pytest.raises(ValueError, match=r"\['plan'\] to float.*ColumnTransformer"):
        compare_with_baselines(KMeans(3), frame)


def test_table_of_a_pipeline_on_a_frame(customers):
    frame, _, encoder = customers
    pipeline = make_pipeline(encoder, KMeans(3, n_init=2, random_state=0)).fit(frame)
    table = cluster_table(pipeline, frame)
    assert frame.join(table)["label"].tolist() == pipeline.predict(frame).tolist()


@pytest.mark.parametrize(
    ("X", "y", "error", "message"),
    [
        (np.full((6, 2), np.nan), None, ValueError, "Input X contains NaN"),
        (None, None, ValueError, "X must be an array"),
        ([["a", "b"]] * 6, None, ValueError, "X holds strings"),
        (np.eye(6), [0, 1], ValueError, "inconsistent .* X has 6, y has 2"),
        (np.eye(6), [0, 0, 0, 1, 1, np.nan], ValueError, "Input y contains NaN"),
        (np.eye(6), [0.1, 0, 0, 1, 1, 1], ValueError, "continuous. y holds 0.1"),
    ],
)
def test_comparison_refuses_before_fitting(X, y, error, message, monkeypatch):
    monkeypatch.setattr(KMeans, "fit", lambda *args: pytest.fail("was fitted"))
    with pytest.raises(error, match=message):
        compare_with_baselines(KMeans(2), X, y)


def test_comparison_refuses_a_wrong_seed_before_fitting(line, monkeypatch):
    monkeypatch.setattr(KMeans, "fit", lambda *args: pytest.fail("was fitted"))
    with pytest.raises(ValueError, match="random_state='a' must be None, a whole"):
        compare_with_baselines(KMeans(2), line[0], random_state="a")


def test_comparison_wants_an_instance(line):
    for estimator, message in [
        (DCEC, "is the class DCEC"),
        (GridSearchCV(KMeans, {}), "is the class KMeans"),
        (None, "got None"),
    ]:
        with pytest.raises(TypeError, match=message):
            compare_with_baselines(estimator, line[0])


@pytest.fixture
def features():
    """Features of three groups, of more columns than a table has."""
    return make_blobs(150, n_features=40, centers=3, random_state=0)


def test_comparison_of_a_head(features):
    X, y = features
    table = compare_with_baselines(TEMI(3, max_epochs=1, random_state=0), X, y)
    expected = [*WITHOUT_NETWORK, "Turtle", "start of TEMI", "TEMI"]
    assert list(table["method"]) == expected
    random = TEMI(3, init="random", max_epochs=1, random_state=0)
    assert list(compare_with_baselines(random, X)["method"])[-2:] == ["Turtle", "TEMI"]


def test_comparison_on_features_has_the_heads(features):
    X, y = features
    kmeans = KMeans(3, n_init=5, random_state=0)
    table = compare_with_baselines(kmeans, X, y, random_state=3).set_index("method")
    assert list(table.index) == [*WITHOUT_NETWORK, "TEMI", "Turtle", "KMeans"]
    for name, head in {"TEMI": TEMI, "Turtle": Turtle}.items():
        labels = head(3, random_state=3, **SHORT[name]).fit_predict(X)
        assert table["accuracy"][name] == clustering_accuracy(y, labels)
    # A table has fewer columns; a list of names decides for any data.
    methods = compare_with_baselines(kmeans, X[:, :31])["method"]
    assert list(methods) == [*WITHOUT_NETWORK, "KMeans"]
    chosen = compare_with_baselines(kmeans, X[:, :5], methods=["Turtle", "k-means"])
    assert list(chosen["method"]) == ["k-means", "Turtle", "KMeans"]
    assert list(compare_with_baselines(kmeans, X, methods=())["method"]) == ["KMeans"]


def test_comparison_leaves_out_the_method_of_the_estimator(features):
    X, _ = features
    auto = AutoClustering(3, n_init=2, random_state=0)
    table = compare_with_baselines(auto, X[:, :5])
    assert list(table["method"]) == ["k-means", "PCA + k-means", "AutoClustering"]


class Halves(TransformerMixin, BaseEstimator):
    """Means of the halves of images; it notes the shapes that it gets."""

    def fit(self, X, y=None):
        self.shapes_ = [np.shape(X)]
        return self

    def transform(self, X):
        self.shapes_.append(np.shape(X))
        X = np.asarray(X).reshape(len(X), *np.shape(X)[-2:])
        return np.hstack([X[:, :4].mean((1, 2))[:, None], X.mean(1)])


FROZEN = [f"frozen features + {name}" for name in ("k-means", "TEMI", "Turtle")]


def test_comparison_with_an_encoder(make_dcec, digits):
    X, y = digits
    images = X.reshape(-1, 8, 8)
    dcec = make_dcec(max_iter=0).fit(X)
    encoder = Halves()
    table = compare_with_baselines(dcec, X, y, encoder=encoder).set_index("method")
    start = "autoencoder + k-means"
    assert list(table.index) == [*WITHOUT_NETWORK, *FROZEN, start, "DCEC"]
    assert not hasattr(encoder, "shapes_")  # a clone was fitted
    Z = Halves().fit(images).transform(images)
    labels = TEMI(5, random_state=0, **SHORT["TEMI"]).fit_predict(Z)
    assert table["accuracy"][FROZEN[1]] == clustering_accuracy(y, labels)
    # A fitted one is taken as it is, and rows that are images get their shape back.
    encoder.fit(images)
    again = compare_with_baselines(dcec, X, y, encoder=encoder).set_index("method")
    pd.testing.assert_frame_equal(table, again)
    assert encoder.shapes_ == [(len(X), 8, 8), (len(X), 1, 8, 8)]


def test_comparison_gives_the_encoder_of_a_pipeline_what_it_gets():
    images = np.random.RandomState(0).rand(60, 3, 8, 8)
    flat = FunctionTransformer(lambda X: np.reshape(X, (len(X), -1))[:, :20])
    pipeline = make_pipeline(flat, KMeans(3, n_init=2, random_state=0))
    encoder = FunctionTransformer(lambda X: X.mean((2, 3)))
    table = compare_with_baselines(pipeline, images, encoder=encoder)
    assert list(table["method"]) == [*WITHOUT_NETWORK, *FROZEN, "KMeans"]


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"methods": "TEMI"}, TypeError, "methods must be 'auto' or a list of names"),
        ({"methods": None}, TypeError, "methods must be 'auto' .* got None"),
        ({"methods": ["UMAP"]}, ValueError, "methods has 'UMAP', which is none of"),
        ({"encoder": "timm:resnet18"}, TypeError, "encoder must be a transformer from"),
        ({"encoder": Halves}, TypeError, "encoder must be a transformer from images"),
        ({"encoder": KMeans}, TypeError, "encoder must be a transformer from images"),
    ],
)
def test_comparison_refuses_rungs_before_fitting(
    line, params, error, message, monkeypatch
):
    monkeypatch.setattr(KMeans, "fit", lambda *args: pytest.fail("was fitted"))
    with pytest.raises(error, match=message):
        compare_with_baselines(KMeans(2), line[0], **params)
