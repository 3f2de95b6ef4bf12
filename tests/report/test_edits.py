"""Edits of a report, applied without a browser."""

import json
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import DBSCAN, KMeans

from skdeepclust.report import EditedClusters, apply_edits, write_report


@pytest.fixture(scope="module")
def report(dcec, digits, files, tmp_path_factory):
    path = tmp_path_factory.mktemp("out") / "report.html"
    return write_report(dcec, digits[0], files, path, projection="pca", baselines=False)


@pytest.fixture
def edits(report):
    """Edits of every kind; the cluster 5 is made in the page."""
    return {
        **empty(report),
        "clusters": {
            "0": {"name": "zeros, ones"},
            "1": {"merged_into": 0},
            "2": {"rejected": True},
            "5": {"created": True, "name": "new"},
        },
    }


def empty(report):
    text = report.read_text(encoding="utf-8")
    digest = text.rpartition('"report":"')[2].partition('"')[0]
    return {
        "format": "skdeepclust edits",
        "version": 1,
        "report": digest,
        "clusters": {},
        "samples": {},
    }


def test_all_edits_are_applied(dcec, digits, files, report, edits):
    X, _ = digits
    labels = dcec.labels_
    in_3, other_3, in_2, in_1 = (
        *np.flatnonzero(labels == 3)[:2].tolist(),
        int(np.flatnonzero(labels == 2)[0]),
        int(np.flatnonzero(labels == 1)[0]),
    )
    edits["samples"] = {str(in_3): 5, str(other_3): None, str(in_2): 1}
    edited = apply_edits(edits, report, dcec)
    assert isinstance(edited, EditedClusters)
    assert edited.names == {0: "zeros, ones", 3: "cluster 3", 4: "cluster 4", 5: "new"}
    assert edited.label_map == {0: 0, 1: 0, 2: -1, 3: 3, 4: 4}
    table = edited.table
    assert list(table) == [
        *("sample", "path", "cluster", "name", "confidence", "second_choice", "edited")
    ]
    expected = np.array([edited.label_map[k] for k in labels.tolist()])
    expected[[in_3, other_3, in_2]] = 5, -1, 0
    assert table["cluster"].tolist() == expected.tolist()
    words = {in_3: "moved", other_3: "rejected", in_2: "moved", in_1: "merged"}
    assert {i: table["edited"][i] for i in words} == words
    assert table["name"][in_3] == "new"
    assert table["name"][other_3] == "rejected"
    assert table["path"].tolist() == [str(file) for file in files]
    assert (table["second_choice"] != table["cluster"])[table["cluster"] >= 0].all()
    names = edited.predict(X)
    assert names.tolist() == [
        "rejected" if k == 2 else edited.names[edited.label_map[k]]
        for k in labels.tolist()
    ]
    assert edited.predict_labels(X).tolist() == [
        edited.label_map[k] for k in labels.tolist()
    ]
    again = pickle.loads(pickle.dumps(edited))
    assert again.predict(X[:3]).tolist() == names[:3].tolist()


def test_no_edits_leave_all_as_it_was(dcec, digits, report):
    edited = apply_edits(empty(report), report, dcec)
    assert edited.table["cluster"].tolist() == dcec.labels_.tolist()
    assert set(edited.table["edited"]) == {""}
    assert edited.names == {k: f"cluster {k}" for k in range(5)}


def test_renamed_samples_are_marked(dcec, report):
    edits = {**empty(report), "clusters": {"3": {"name": "=SUM(A1)"}}}
    table = apply_edits(edits, report).table
    assert set(table["edited"][table["cluster"] == 3]) == {"renamed"}
    assert set(table["name"][table["cluster"] == 3]) == {"=SUM(A1)"}


def test_chains_of_merges(report):
    clusters = {"0": {"merged_into": 1}, "1": {"merged_into": 2}}
    edited = apply_edits({**empty(report), "clusters": clusters}, report)
    assert edited.label_map == {0: 2, 1: 2, 2: 2, 3: 3, 4: 4}
    clusters["2"] = {"rejected": True}
    edited = apply_edits({**empty(report), "clusters": clusters}, report)
    assert edited.label_map == {0: -1, 1: -1, 2: -1, 3: 3, 4: 4}


def test_folders_have_the_edited_names(report, edits, files, tmp_path):
    edited = apply_edits(edits, report)
    folders = edited.export_images(tmp_path / "out")
    assert {path.name for path in folders.values()} == {
        *("cluster_000_zeros_ones", "cluster_003", "cluster_004")
    }
    kept = edited.table["cluster"] >= 0
    assert sum(len(list(path.iterdir())) for path in folders.values()) == kept.sum()
    with pytest.raises(FileExistsError):
        edited.export_images(tmp_path / "out")


def test_odd_names_are_no_folders(report, tmp_path):
    edits = {
        **empty(report),
        "clusters": {"0": {"name": "../../a/b"}, "1": {"name": "*"}},
    }
    folders = apply_edits(edits, report).export_images(tmp_path / "out")
    assert folders[0] == tmp_path / "out" / "cluster_000_a_b"
    assert folders[1] == tmp_path / "out" / "cluster_001"
    assert all(path.is_dir() for path in folders.values())


def test_noise_stays_noise(blobs, tmp_path):
    X = np.vstack([blobs[0], [[50.0] * 6]])
    dbscan = DBSCAN(eps=1.0).fit(X)
    path = write_report(dbscan, X, path=tmp_path / "r.html", projection="pca")
    edited = apply_edits(empty(path), path, dbscan)
    last = edited.table.iloc[-1]
    assert (last["cluster"], last["name"]) == (-1, "noise")
    assert np.isnan(last["confidence"])
    with pytest.raises(TypeError, match="has no predict"):
        edited.predict(X)
    with pytest.raises(ValueError, match="no paths of files"):
        edited.export_images(tmp_path / "out")


def test_files_are_read(report, edits, tmp_path):
    path = tmp_path / "edits.json"
    path.write_text(json.dumps(edits))
    pd.testing.assert_frame_equal(
        apply_edits(path, str(report)).table, apply_edits(edits, report).table
    )


def test_paths_are_seen_from_where_python_runs(kmeans, blobs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    names = [f"data/{i}.png" for i in range(len(blobs[0]))]
    settings = {"projection": "pca", "baselines": False}
    path = write_report(kmeans, blobs[0], names, "out/report.html", **settings)
    assert apply_edits(empty(path), path).table["path"].tolist() == names


# -- what is refused -------------------------------------------------------------------


def test_edits_of_another_report(dcec, digits, report, edits, tmp_path):
    X, _ = digits
    other = write_report(
        dcec, X, path=tmp_path / "other.html", projection="pca", baselines=False
    )
    with pytest.raises(ValueError, match="belongs to another report"):
        apply_edits(edits, other)


def test_another_estimator(digits, report, edits, blobs):
    other = KMeans(5, random_state=0).fit(digits[0])
    with pytest.raises(ValueError, match="This KMeans is not the one of the report"):
        apply_edits(edits, report, other)
    with pytest.raises(TypeError, match="There is no estimator"):
        apply_edits(edits, report).predict(blobs[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "x"}, "does not hold edits"),
        ({"version": 2}, "its version is 2"),
        ({"clusters": []}, '"clusters" is no object'),
        ({"clusters": {"a": {}}}, "'a' is no number"),
        ({"clusters": {"9": {"name": "x"}}}, "there is no cluster 9"),
        ({"clusters": {"0": 3}}, "there is no cluster 0"),
        ({"clusters": {"0": {"name": 3}}}, "is no text"),
        ({"clusters": {"0": {"merged_into": 9}}}, "is merged into 9"),
        ({"clusters": {"0": {"merged_into": True}}}, "is merged into True"),
        ({"clusters": {"0": {"merged_into": 0}}}, "is merged into itself"),
        (
            {"clusters": {"0": {"merged_into": 1}, "1": {"merged_into": 0}}},
            "is merged into itself",
        ),
        ({"samples": {"9999": 1}}, "there is no sample 9999"),
        ({"samples": {"0": 9}}, "goes to the cluster 9"),
        ({"samples": {"0": [1]}}, r"goes to the cluster \[1\]"),
    ],
)
def test_edits_that_the_page_cannot_have_made(report, change, message):
    with pytest.raises(ValueError, match=message):
        apply_edits({**empty(report), **change}, report)


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", "\x00", '{"a": 1}'])
def test_files_that_are_no_edits(report, text, tmp_path):
    path = tmp_path / "edits.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"edits\.json (is no JSON|does not hold)"):
        apply_edits(path, report)


def test_files_that_are_no_report(edits, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("<html>")
    with pytest.raises(ValueError, match="is no report of this version"):
        apply_edits(edits, path)
    with pytest.raises(FileNotFoundError):
        apply_edits(edits, tmp_path / "none.html")
    with pytest.raises(FileNotFoundError):
        apply_edits(tmp_path / "none.json", path)
    with pytest.raises(TypeError, match="report must be a path"):
        apply_edits(edits, 3)
    with pytest.raises(TypeError, match="edits must be"):
        apply_edits(3, path)
