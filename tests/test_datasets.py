"""Loaders: local files if there are any, else the data of OpenML."""

import io
import pickle
import zipfile

import numpy as np
import pytest

from skdeepclust import datasets


@pytest.fixture
def no_local_files(monkeypatch):
    monkeypatch.delenv("SKDEEPCLUST_DATA", raising=False)


def test_mnist_from_openml(no_local_files, monkeypatch):
    asked = []

    def fetch(name, version, **kwargs):
        asked.append((name, version))
        bunch = type("Bunch", (), {})()
        pixels = (np.arange(784) % 256).astype(np.uint8)
        bunch.data = np.broadcast_to(pixels, (70000, 784))
        bunch.target = np.array(["7"] * 60000 + ["3"] * 10000)
        return bunch

    monkeypatch.setattr(datasets, "fetch_openml", fetch)
    data = datasets.fetch_mnist(subset="test")
    assert asked == [("mnist_784", 1)]
    assert data.data.shape == (10000, 1, 28, 28)
    assert data.data.dtype == np.uint8
    assert data.data[0, 0, 1, 3] == 31
    assert (data.target == 3).all()
    X, y = datasets.fetch_mnist(subset="train", return_X_y=True)
    assert len(X) == len(y) == 60000


def test_local_files(monkeypatch, tmp_path):
    monkeypatch.setenv("SKDEEPCLUST_DATA", str(tmp_path))
    X = np.zeros((3, 1, 28, 28), dtype=np.uint8)
    np.savez(tmp_path / "mnist_test.npz", X=X, y=np.arange(3))
    np.savez(tmp_path / "pendigits.npz", X=np.ones((2, 16)), y=[4, 5])
    X, y = datasets.fetch_mnist(subset="test", return_X_y=True)
    assert X.shape == (3, 1, 28, 28)
    assert y.tolist() == [0, 1, 2]
    data = datasets.fetch_pendigits()
    assert data.data.dtype == np.float32
    assert data.target.dtype == np.int64


def openml(monkeypatch, X, y):
    """Let OpenML give these arrays."""
    bunch = type("Bunch", (), {"data": X, "target": y})
    monkeypatch.setattr(datasets, "fetch_openml", lambda *a, **k: bunch)


def test_pendigits_from_openml(no_local_files, monkeypatch):
    openml(monkeypatch, np.ones((10992, 16)), ["1", "2"] * 5496)
    X, y = datasets.fetch_pendigits(return_X_y=True)
    assert X.shape == (10992, 16)
    assert y.tolist()[:3] == [1, 2, 1]


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.ones((2, 16)), ["1", "2"], "should have 10,992 samples, but came with 2"),
        (np.ones((2, 15)), ["1", "2"], r"X must have the shape \(n, 16\) .* \(2, 15\)"),
        (
            np.full((2, 16), 101),
            ["1", "2"],
            "numbers from 0 to 100, .* from 101 to 101",
        ),
        (np.ones((2, 16)), ["1", "?"], "y must hold the classes 0 to 9, but has '?"),
    ],
)
def test_other_data_of_openml_are_refused(no_local_files, monkeypatch, X, y, message):
    openml(monkeypatch, X, y)
    with pytest.raises(ValueError, match=f"data set 'pendigits' of OpenML.*{message}"):
        datasets.fetch_pendigits()


@pytest.mark.parametrize("subset", ["validation", ["test"], None, 1])
def test_unknown_subset(subset):
    with pytest.raises(ValueError, match="is none of .'all', 'test', 'train'"):
        datasets.fetch_mnist(subset=subset)


@pytest.fixture
def no_network(monkeypatch):
    monkeypatch.setattr(
        datasets, "fetch_openml", lambda *a, **k: pytest.fail("went to the network")
    )


@pytest.fixture
def folder(monkeypatch, tmp_path, no_network):
    monkeypatch.setenv("SKDEEPCLUST_DATA", str(tmp_path))
    return tmp_path


IMAGES = np.arange(3 * 784, dtype=np.uint8).reshape(3, 784)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (IMAGES / 255, [0, 1, 2], "X must hold whole numbers .* by 255"),
        ((IMAGES > 9).astype(float), [0, 1, 2], "floats of 0 and 1 only. Mult"),
        (IMAGES * 300.0, [0, 1, 2], "from 0 to 255, but has values from 0.0 to 76500"),
        (IMAGES - 1.0, [0, 1, 2], "from 0 to 255, but has values from -1.0"),
        (IMAGES * np.nan, [0, 1, 2], "has values from nan to nan"),
        (IMAGES[:, 1:], [0, 1, 2], r"\(n, 784\) or .*28\) with .* got \(3, 783\)"),
        (IMAGES.reshape(3, 28, 28, 1), [0, 1, 2], r"got \(3, 28, 28, 1\)"),
        (IMAGES[:0], [], r"at least one sample, got \(0, 784\)"),
        (IMAGES.astype(str), [0, 1, 2], "X must hold numbers, got the type <U"),
        (IMAGES, [0, 1], r"y must have the shape \(3,\), .* got \(2,\)"),
        (IMAGES, [[0, 1, 2]], r"y must have the shape \(3,\)"),
        (IMAGES, [0.7, 1, 2], "y must hold the classes 0 to 9, but has .*0.7"),
        (IMAGES, [0, np.nan, 2], "but has .*nan"),
        (IMAGES, ["a", "1", "2"], "y must hold the classes"),
        (IMAGES, [0, 10, 2], "but has .*10"),
        (IMAGES, [0, -1, 2], "but has .*-1"),
    ],
)
def test_local_arrays_are_checked(folder, X, y, message):
    np.savez(folder / "mnist_full.npz", X=X, y=y)
    with pytest.raises(ValueError, match=f"mnist_full.npz: .*{message}"):
        datasets.fetch_mnist()


def test_channels_last_are_not_mistaken(folder):
    np.savez(
        folder / "cifar10_full.npz", X=np.zeros((2, 32, 32, 3), np.uint8), y=[0, 1]
    )
    with pytest.raises(
        ValueError, match=r"\(n, 3, 32, 32\) or .* got \(2, 32, 32, 3\)"
    ):
        datasets.fetch_cifar10()


@pytest.mark.parametrize("shape", [(784,), (28, 28), (1, 28, 28)])
@pytest.mark.parametrize("kind", ["u1", "i8", "f4"])
def test_local_images_of_any_form(folder, shape, kind):
    X = IMAGES.astype(kind).reshape(3, *shape)
    np.savez(folder / "mnist_full.npz", X=X, y=["0", "1", "2"])
    found, y = datasets.fetch_mnist(return_X_y=True)
    np.testing.assert_array_equal(found.reshape(3, 784), IMAGES)
    assert found.dtype == np.uint8
    assert y.tolist() == [0, 1, 2]


def zipped(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name + ".npy", content)
    return file.getvalue()


def saved(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


OBJECTS = np.array([{"a": 1}], dtype=object)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read as an .npz archive"),
        (b"PK\x03\x04garbage", "cannot be read as an .npz archive"),
        (pickle.dumps({"X": 1}), "cannot be read as an .npz archive"),
        (saved(X=IMAGES, y=np.arange(3))[:2000], "cannot be read as an .npz archive"),
        (zipped(X=b"garbage", y=b"garbage"), r"cannot be read .*is no array\)"),
        (saved(X=OBJECTS, y=[1]), "cannot be read .* without arrays of objects"),
        (
            saved(A=IMAGES, y=[1]),
            r"must hold the arrays 'X' and 'y', but holds .'A', 'y'",
        ),
    ],
)
@pytest.mark.filterwarnings("error")
def test_damaged_archives_are_named(folder, content, message):
    (folder / "mnist_full.npz").write_bytes(content)
    with pytest.raises(ValueError, match=f"mnist_full.npz .*(?:{message})"):
        datasets.fetch_mnist()


def test_an_array_is_no_archive(folder):
    with open(folder / "mnist_full.npz", "wb") as file:
        np.save(file, IMAGES)
    with pytest.raises(ValueError, match=r"but holds .'a single array'"):
        datasets.fetch_mnist()


@pytest.mark.parametrize("subset", ["train", "test"])
def test_a_part_needs_the_whole(folder, subset):
    np.savez(folder / "mnist_full.npz", X=IMAGES, y=np.arange(3))
    message = f"mnist_full.npz has 3 samples, but subset='{subset}' .* all 70,000"
    with pytest.raises(ValueError, match=message):
        datasets.fetch_mnist(subset=subset)
    assert len(datasets.fetch_mnist().data) == 3


def test_a_misspelt_folder_is_an_error(monkeypatch, tmp_path, no_network):
    monkeypatch.setenv("SKDEEPCLUST_DATA", str(tmp_path / "misspelt"))
    with pytest.raises(FileNotFoundError, match="SKDEEPCLUST_DATA=.* is not a folder"):
        datasets.fetch_pendigits()
    monkeypatch.setenv("SKDEEPCLUST_DATA", str(tmp_path))
    (tmp_path / "mnist.npz").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match="none of the files mnist_full.npz"):
        datasets.fetch_mnist(subset="test")


def test_other_data_sets_come_from_openml(monkeypatch, tmp_path):
    np.savez(tmp_path / "mnist_full.npz", X=IMAGES, y=np.arange(3))
    monkeypatch.setenv("SKDEEPCLUST_DATA", str(tmp_path))
    openml(monkeypatch, np.ones((10992, 16)), ["1", "2"] * 5496)
    assert len(datasets.fetch_pendigits().data) == 10992
