"""The file of a report, without a browser."""

import io
import json
import re
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.cluster import DBSCAN, AgglomerativeClustering, KMeans
from sklearn.datasets import make_blobs
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tiny import tiny

from skdeepclust import DCEC, Autoencoder, DeepCluster, ImageReader
from skdeepclust.inspection import cluster_table, compare_with_baselines
from skdeepclust.report import _clustered, _curves, _sprites, write_report


@pytest.fixture
def target(tmp_path):
    return tmp_path / "report.html"


def data_of(path):
    text = Path(path).read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text)
    return json.loads(found[1])


def fast(estimator, X, path, paths=None, **params):
    """A report without the parts that take time."""
    settings = {"projection": "pca", "baselines": False, **params}
    return write_report(estimator, X, paths, path, **settings)


# -- content ---------------------------------------------------------------------------


def test_rows_are_those_of_the_table(dcec, digits, files, target):
    X, _ = digits
    assert fast(dcec, X, target, files) == target
    data = data_of(target)
    table = cluster_table(dcec, X).sort_values("sample")
    assert data["labels"] == table["label"].tolist()
    np.testing.assert_allclose(data["confidence"], table["confidence"], atol=1e-4)
    np.testing.assert_allclose(data["distance"], table["distance"], atol=1e-4)
    assert data["second"] == table["second_choice"].tolist()
    assert data["confidenceName"] == "probability"
    assert sorted(data["shown"]) == list(range(len(X)))
    assert data["centres"] == 5


def test_file_loads_nothing(dcec, digits, target):
    fast(dcec, digits[0], target)
    text = target.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert not re.search(r"https?://(?!www\.w3\.org)", text)
    assert not re.search(r"<(link|iframe|object|embed)\b", text)
    assert not re.search(r"<(script|img)[^>]*\bsrc=", text)


def test_no_script_writes_html():
    script = (Path(write_report.__code__.co_filename).parent / "report.js").read_text()
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write"):
        assert word not in script
    assert "eval(" not in script


def test_names_of_files_are_data(dcec, digits, files, target):
    fast(dcec, digits[0], target, files)
    text = target.read_text(encoding="utf-8")
    assert "<img" not in text
    assert text.count("</script>") == text.count("<script")
    assert data_of(target)["paths"]["name"][0] == files[0].name


def test_title_and_warnings_are_escaped(kmeans, blobs, target):
    fast(kmeans, blobs[0], target, title="<b>T</b>", warnings=["<i>W</i>"])
    text = target.read_text(encoding="utf-8")
    assert "<b>T</b>" not in text
    assert "&lt;i&gt;W&lt;/i&gt;" in text


def test_paths_are_relative_to_the_report(dcec, digits, files, tmp_path):
    (tmp_path / "out").mkdir()
    fast(dcec, digits[0], tmp_path / "out" / "r.html", files)
    packed = data_of(tmp_path / "out" / "r.html")["paths"]
    for i in (0, 1, 50):
        place = Path(packed["folders"][packed["folder"][i]]) / packed["name"][i]
        assert not place.is_absolute()
        assert (tmp_path / "out" / place).resolve() == files[i].resolve()
    assert str(tmp_path) not in (tmp_path / "out" / "r.html").read_text()


def test_facts_curves_and_notes_of_the_fit(dcec, digits, target):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.warn("The scale is odd.", UserWarning, stacklevel=1)
    fast(dcec, digits[0], target, warnings=caught)
    text = target.read_text(encoding="utf-8")
    assert "The scale is odd." in text
    assert dcec.stop_reason_ in text
    assert "pretraining: loss" in text
    assert "clustering: label change" in text
    assert "scikit-learn" in text


def test_many_warnings_are_folded(dcec, digits, target):
    texts = ["Training used up max_iter=60.", *(f"warning {i}" for i in range(5))]
    text = fast(dcec, digits[0], target, warnings=texts).read_text(encoding="utf-8")
    assert "<summary>3 more warnings</summary>" in text
    assert "did not converge" not in text  # that is what the first one says
    for each in texts:
        assert text.count(f"<li>{each}</li>") == 1
    text = fast(dcec, digits[0], target, warnings=texts[1:4]).read_text("utf-8")
    assert "more warnings" not in text


def test_comparison_with_baselines(kmeans, blobs, target):
    X, y = blobs
    write_report(kmeans, X, path=target, projection="pca")
    assert "PCA + k-means" in target.read_text()
    table = compare_with_baselines(kmeans, X, y)
    write_report(kmeans, X, path=target, projection="pca", baselines=table)
    assert "ACC" in target.read_text()
    write_report(kmeans, X[:100], path=target, projection="pca")
    assert "was fitted to other data" in target.read_text()


def test_baselines_of_a_large_x_are_left_out(kmeans, blobs, target, monkeypatch):
    monkeypatch.setattr("skdeepclust.report._sections._MOST_VALUES", 10)
    write_report(kmeans, blobs[0], path=target, projection="pca")
    assert "because X is large" in target.read_text()


def test_a_sample_is_shown_and_said(kmeans, blobs, target):
    X, _ = blobs
    fast(kmeans, X, target, max_images=30)
    data, text = data_of(target), target.read_text()
    assert len(data["shown"]) == 30
    assert "30 of 150 samples" in text
    assert len(data["labels"]) == 150
    labels, distance = np.array(data["labels"]), np.array(data["distance"])
    confidence = np.array(data["confidence"])
    for cluster in range(3):
        own = np.flatnonzero(labels == cluster)
        assert own[distance[own].argmin()] in data["shown"]
        assert own[confidence[own].argmin()] in data["shown"]


def test_more_clusters_than_images(blobs, target):
    kmeans = KMeans(20, random_state=0).fit(blobs[0])
    fast(kmeans, blobs[0], target, max_images=5)
    assert 20 <= len(data_of(target)["shown"]) <= 40


def test_the_same_report_has_the_same_digest(kmeans, blobs, target, tmp_path):
    X, _ = blobs
    fast(kmeans, X, target)
    fast(kmeans, X, tmp_path / "b.html", title="Other", projection="tsne")
    fast(KMeans(4, random_state=0).fit(X), X, tmp_path / "c.html")
    first, second, third = (
        data_of(tmp_path / name)["report"]
        for name in ("report.html", "b.html", "c.html")
    )
    assert first == second != third


# -- estimators ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "estimator",
    [
        KMeans(3, random_state=0),
        AgglomerativeClustering(3),
        DBSCAN(eps=0.3, min_samples=3),
        GaussianMixture(3, random_state=0),
        make_pipeline(StandardScaler(), PCA(2), KMeans(3, random_state=0)),
        GridSearchCV(KMeans(random_state=0), {"n_clusters": [3]}, cv=2),
        KMeans(1),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_other_clusterers(estimator, blobs, target):
    X, _ = blobs
    fast(estimator.fit(X), X, target)
    data = data_of(target)
    assert len(data["labels"]) == len(X)
    assert data["thumbs"] is None


@pytest.mark.parametrize("kind", [DCEC, DeepCluster])
def test_our_clusterers(kind, digits, target):
    X, _ = digits
    estimator = tiny(kind).fit(X)
    fast(estimator, X, target)
    data = data_of(target)
    assert data["labels"] == estimator.predict(X).tolist()
    assert data["thumbs"]["width"] == 8


def test_pipeline_from_paths_to_clusters(files, target):
    reader = ImageReader(8, progress=False)
    pipeline = make_pipeline(reader, tiny(Autoencoder, image_shape="auto"), KMeans(3))
    pipeline.fit(files)
    fast(pipeline, files, target, baselines="auto")
    data, text = data_of(target), target.read_text()
    assert data["paths"]["name"][7] == "digit 7.png"
    assert data["thumbs"]["width"] == 8
    assert data["labels"] == pipeline.predict(files).tolist()
    assert "PCA + k-means" in text


def test_thumbnails_are_read_from_files(dcec, digits, files, target):
    Z = dcec.transform(digits[0])
    kmeans = KMeans(3, random_state=0).fit(Z)
    fast(kmeans, Z, target, files, thumbnail_size=16)
    assert data_of(target)["thumbs"]["width"] == 16
    fast(kmeans, Z, target, files, images=False)
    assert data_of(target)["thumbs"] is None
    fast(kmeans, Z, target, images=digits[0].reshape(-1, 8, 8))
    assert data_of(target)["thumbs"]["width"] == 8


def test_tables_have_profiles(target):
    X, y = make_blobs(90, 4, centers=3, random_state=0)
    frame = pd.DataFrame(X, columns=["<b>a</b>", "b", "c", "d"])
    frame["kind"] = np.where(y == 0, "x", "y")
    kmeans = KMeans(3, random_state=0).fit(X)
    fast(kmeans, X, target)
    profiles = data_of(target)["profiles"]
    assert set(profiles) == {"0", "1", "2"}
    row = profiles["0"][0]
    assert row["column"].startswith("x")
    assert abs(row["effect"]) > 1
    encoder = make_pipeline(StandardScaler(), KMeans(3, random_state=0))
    fast(encoder.fit(frame.drop(columns="kind")), frame.drop(columns="kind"), target)
    columns = {row["column"] for row in data_of(target)["profiles"]["0"]}
    assert "<b>a</b>" in columns


# -- parts -----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(8, 8), (40, 24), (3, 40, 24), (5, 9, 9)])
def test_sheets_give_the_images_back(shape):
    rng = np.random.default_rng(0)
    values = rng.integers(0, 256, (300, *shape[:-2], 1, 1), dtype=np.uint8)
    images = np.broadcast_to(values, (300, *shape)).copy()
    small, _ = _sprites.thumbnails(object(), images, np.arange(300), 64)
    sheets = _sprites.pack(small)
    assert len(sheets.sheets) == 2
    last = np.asarray(Image.open(io.BytesIO(sheets.sheets[1])))
    row, column = divmod(299 - 256, 16)
    top, left = row * sheets.cell[1], column * sheets.cell[0]
    found = last[top : top + sheets.height, left : left + sheets.width]
    error = np.abs(found.astype(int) - small[299]).mean()
    assert error <= (0 if sheets.kind == "png" else 5)


def test_thumbnails_are_reduced():
    images = np.zeros((2, 3, 200, 100), dtype=np.float32)
    images[1] = 1
    small, _ = _sprites.thumbnails(object(), images, np.arange(2), 64)
    assert small.shape == (2, 64, 32, 3)
    assert small[0].max() == 0
    assert small[1].min() == 255


def test_quality_falls_until_the_sheets_are_small_enough(monkeypatch):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 64, 3), dtype=np.uint8)
    large = _sprites.pack(noise)
    monkeypatch.setattr(_sprites, "_MOST_BYTES", len(large.sheets[0]) // 2)
    assert len(_sprites.pack(noise).sheets[0]) <= len(large.sheets[0]) // 2


def test_suggestions_are_the_clusters_that_overlap():
    X, _ = make_blobs(
        300, centers=[[0, 0], [1.2, 0], [20, 0]], cluster_std=0.5, random_state=0
    )
    for estimator in (
        KMeans(3, random_state=0),
        GaussianMixture(3, random_state=0, covariance_type="spherical"),
    ):
        found = _clustered.clustered(estimator.fit(X), X)
        pairs = _clustered.merge_suggestions(found)
        left = {
            int(estimator.predict([[0.0, 0]])[0]),
            int(estimator.predict([[1.2, 0]])[0]),
        }
        if len(left) == 2 and pairs:
            assert set(pairs[0][:2]) == left
        assert all(0 <= share <= 1 for *_, share in pairs)


def test_points_of_many_samples_lie_among_their_neighbours(monkeypatch):
    monkeypatch.setattr(_clustered, "_MOST_TSNE", 60)
    X, y = make_blobs(200, 5, centers=3, cluster_std=0.3, random_state=0)
    points, caption = _clustered.place_points("auto", X, y, 0)
    assert "60 samples" in caption
    centers = np.array([points[y == k].mean(axis=0) for k in range(3)])
    nearest = np.linalg.norm(points[:, None] - centers, axis=2).argmin(axis=1)
    assert (nearest == y).mean() > 0.95


@pytest.mark.parametrize("X", [np.zeros((20, 3)), np.arange(20.0)[:, None]])
def test_points_of_odd_data(X):
    points, _ = _clustered.place_points("auto", X, np.zeros(20, int), 0)
    assert points.shape == (20, 2)
    assert np.isfinite(points).all()


def test_curves_of_odd_values():
    class Step:
        history_ = {
            "a<b": {
                "epoch": [1, 2, 3],
                "loss": [np.nan, 1.0, 1.0],
                "word": ["x", "y", "z"],
                "one": [5.0, 5.0, 5.0],
                "wide": [1e-6, 1.0, 1e6],
                "none": [np.nan] * 3,
            },
            "empty": {"epoch": [], "loss": []},
        }

        def fit(self):
            pass

    figures = _curves.curves(Step())
    assert len(figures) == 3
    assert all("a&lt;b" in figure and "nan" not in figure for figure in figures)


# -- wrong parameters ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"max_images": 0}, ValueError, "max_images=0"),
        ({"max_images": 2.5}, TypeError, "max_images"),
        ({"thumbnail_size": 2}, ValueError, "thumbnail_size=2"),
        ({"projection": "umap"}, ValueError, "projection='umap'"),
        ({"projection": None}, ValueError, "projection=None"),
        ({"projection": np.zeros((3, 2))}, ValueError, r"must be \(150, 2\)"),
        ({"baselines": "yes"}, TypeError, "baselines"),
        ({"warnings": "one"}, TypeError, "warnings"),
        ({"title": 3}, TypeError, "title must be text"),
        ({"random_state": "x"}, ValueError, "random_state"),
        ({"images": np.zeros((3, 8, 8))}, ValueError, "images has 3"),
        ({"images": np.zeros((150, 8))}, ValueError, "images of shape"),
        ({"images": np.full((150, 8, 8), np.nan)}, ValueError, "images contains NaN"),
        ({"images": np.full((150, 8, 8), "a")}, TypeError, "must be numbers"),
        ({"paths": ["a", "b"]}, ValueError, "paths has 2"),
        ({"paths": "abc"}, TypeError, "paths must be a sequence"),
        ({"path": 3}, TypeError, "path must be a path"),
        ({"path": "nowhere/report.html"}, FileNotFoundError, "does not exist"),
        ({"path": "."}, ValueError, "no path of a file"),
    ],
)
def test_wrong_parameters(kmeans, blobs, params, error, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        write_report(kmeans, blobs[0], **params)
    assert not list(tmp_path.iterdir())


def test_estimators_that_have_no_clusters(blobs, target):
    X, y = blobs
    words = LogisticRegression().fit(X, np.array(list("abc"))[y])
    with pytest.raises(TypeError, match="clusters are whole numbers"):
        write_report(words, X, path=target)
    with pytest.raises(TypeError, match="has no clusters"):
        write_report(PCA(2).fit(X), X, path=target)
    with pytest.raises(NotFittedError):
        write_report(KMeans(3), X, path=target)
    with pytest.raises(TypeError, match="is the class"):
        write_report(KMeans, X, path=target)
    assert not target.exists()


def test_other_files_are_not_replaced(kmeans, blobs, target):
    target.write_text("mine")
    with pytest.raises(FileExistsError, match="is no report"):
        fast(kmeans, blobs[0], target)
    assert target.read_text() == "mine"
    target.unlink()
    fast(kmeans, blobs[0], target)
    fast(kmeans, blobs[0], target, title="Second")
    assert "Second" in target.read_text()


def test_a_failure_leaves_the_old_report(kmeans, blobs, target, monkeypatch):
    fast(kmeans, blobs[0], target)
    before = target.read_text()
    monkeypatch.setattr(
        "os.replace", lambda *args: (_ for _ in ()).throw(OSError("full"))
    )
    with pytest.raises(OSError, match="full"):
        fast(kmeans, blobs[0], target, title="Second")
    assert target.read_text() == before
    assert [file.name for file in target.parent.iterdir()] == ["report.html"]


def test_missing_pillow_says_how_to_get_it(dcec, digits, target, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"pip install \"skdeepclust\[images\]\""):
        fast(dcec, digits[0], target)
    assert not target.exists()
    fast(dcec, digits[0], target, images=False)
    assert target.exists()
