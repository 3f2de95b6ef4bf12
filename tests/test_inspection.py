"""Tables of clusters, folders of images, and the comparison with baselines."""

import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from PIL import Image
from sklearn.cluster import DBSCAN, HDBSCAN, AgglomerativeClustering, KMeans
from sklearn.datasets import make_blobs
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skdeepclust import (
    SCEDAE,
    Autoencoder,
    DeepCluster,
    inspection,
)
from skdeepclust.inspection import (
    cluster_table,
    compare_with_baselines,
    export_images,
)
from skdeepclust.metrics import clustering_accuracy


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
    assert (table["distance"] > 0).all()


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


def test_ranks_are_by_confidence_in_any_order_of_the_table(files, tmp_path):
    _, table = files
    folders = export_images(table.sort_values("sample"), tmp_path / "to")
    names = sorted(path.name for path in folders[0].iterdir())
    assert names == ["1_image0.png", "2_image0.png", "3_image1.png"]
    first = folders[0] / "1_image0.png"
    assert first.read_bytes() == Path(table["path"].iloc[0]).read_bytes()


def test_noise_has_its_own_folder(files, tmp_path):
    _, table = files
    table.loc[0, "label"] = -1
    folders = export_images(table, tmp_path / "to")
    assert folders[-1].name == "noise"


# -- compare_with_baselines --------------------------------------------------


def test_comparison_for_dcec(make_dcec, digits):
    X, y = digits
    dcec = make_dcec(max_iter=20).fit(X)
    table = compare_with_baselines(dcec, X, y).set_index("method")
    assert list(table.index) == [
        *("k-means", "PCA + k-means", "autoencoder + k-means", "DCEC"),
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
    assert methods[2:] == ["untrained network + k-means", "DeepCluster"]
    assert not hasattr(deep, "labels_")  # a clone was fitted
    ensemble = SCEDAE(
        4, n_autoencoders=2, module__hidden_dims=(8,), max_epochs=1, **params
    )
    table = compare_with_baselines(ensemble.fit(X), X, y)
    embedding = ensemble.autoencoders_[0].transform(X)
    expected = KMeans(4, n_init=20, random_state=0).fit_predict(embedding)
    assert table["accuracy"][2] == clustering_accuracy(y, expected)


def test_comparison_names_the_start(make_dcec, digits):
    X, y = digits
    dcec = make_dcec(init="spectral", max_iter=0)
    table = compare_with_baselines(dcec, X, y)
    assert table["method"][2] == "autoencoder + landmark spectral"
    dcec = make_dcec(init=np.zeros((5, 4)), max_iter=0)
    table = compare_with_baselines(dcec, X, y)
    assert table["method"][2] == "autoencoder + init"
    dcec = make_dcec(init=GaussianMixture(covariance_type="diag"), max_iter=0)
    table = compare_with_baselines(dcec, X, y)
    assert table["method"][2] == "autoencoder + GaussianMixture"


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
    assert list(table["method"]) == ["k-means", "PCA + k-means", "KMeans"]
