"""Features on disk: what is found again, what is not, and what happens to damage."""

import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from torch import nn

from skdeepclust import CacheError, CacheWarning, FrozenEncoder
from skdeepclust.encoders import _store
from skdeepclust.encoders._network import Network
from skdeepclust.encoders._store import KEY_TYPE, FeatureStore

Image = pytest.importorskip("PIL.Image")

SEEN: list[int] = []  # sizes of the batches that went through a network
STOP_AT = [-1]  # number of batches before Ctrl-C


@pytest.fixture(autouse=True)
def _counted(monkeypatch):
    """Count what goes through networks, without a trace in the networks."""
    start = Network.start

    def counted(network, batch):
        if len(SEEN) == STOP_AT[0]:
            raise KeyboardInterrupt
        SEEN.append(len(batch))
        return start(network, batch)

    monkeypatch.setattr(Network, "start", counted)
    SEEN.clear()
    yield
    STOP_AT[0] = -1


class Means(nn.Module):
    """Means of the bands, image by image."""

    def __init__(self, factor=1.0):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, X):
        return self.factor * torch.stack([x.mean((1, 2)) for x in X])


def encoder(memory, backbone=None, **params):
    settings = {"device": "cpu", "n_jobs": 2, "batch_size": 4, **params}
    return FrozenEncoder(backbone or Means(), memory=memory, **settings)


def n_encoded(make, X):
    """Number of images that went through the network, and the features."""
    SEEN.clear()
    Z = make.transform(X)
    return sum(SEEN), Z


def stored(folder):
    return sorted(Path(folder).rglob("*.npz"))


# -- what is found again ---------------------------------------------------------------


def test_images_are_encoded_once(photos, tmp_path):
    expected = encoder(None).transform(photos)
    assert n_encoded(encoder(tmp_path), photos)[0] == 21
    for memory in (tmp_path, str(tmp_path), joblib.Memory(tmp_path, verbose=0)):
        n, Z = n_encoded(encoder(memory), photos)
        assert n == 0
        np.testing.assert_array_equal(Z, expected)
    assert not list(tmp_path.rglob("*.part"))


def test_in_any_order_and_several_times(photos, tmp_path):
    Z = encoder(None).transform(photos)
    order = np.array([3, 3, 20, 7, 3, 0])
    n, found = n_encoded(encoder(tmp_path), photos[order])
    assert n == 4  # equal images are encoded once
    np.testing.assert_array_equal(found, Z[order])
    n, found = n_encoded(encoder(tmp_path), photos[::-1])
    assert n == 17
    np.testing.assert_array_equal(found, Z[::-1])


def test_what_does_not_count(photos, tmp_path):
    encoder(tmp_path).transform(photos)
    for params in ({"batch_size": 7}, {"n_jobs": 1}, {"verbose": 1}):
        assert n_encoded(encoder(tmp_path, **params), photos)[0] == 0
    assert n_encoded(encoder(tmp_path, Means().eval()), photos)[0] == 0


def test_a_module_in_16_bits(photos, tmp_path):
    """A parameter of bfloat16 is none of numpy's types, and has a key all the same."""
    for n in (21, 0):
        half = Means(1.5).to(torch.bfloat16)
        n_found, Z = n_encoded(encoder(tmp_path, half, dtype="bfloat16"), photos)
        assert n_found == n
    assert n_encoded(encoder(tmp_path, Means(1.5), dtype="bfloat16"), photos)[0] == 21
    assert Z.dtype == np.float32


def test_what_counts(photos, tmp_path):
    encoder(tmp_path).transform(photos)
    others = [
        {"backbone": Means(2.0)},
        {"transform": {"size": 8}},
        {"transform": {"size": 9}},
        {"dtype": "bfloat16"},
        {"transform": lambda image: np.zeros((3, 2, 2), np.float32)},
        {"transform": lambda image: np.ones((3, 2, 2), np.float32)},
    ]
    for params in others:
        assert n_encoded(encoder(tmp_path, **params), photos)[0] == 21
    changed = photos.copy()
    changed[5, 0, 0, 0] ^= 1
    assert n_encoded(encoder(tmp_path), changed)[0] == 1
    assert n_encoded(encoder(tmp_path), photos.astype(np.float32))[0] == 21


def test_the_bytes_of_a_file_count_and_not_its_name(photos, tmp_path):
    paths = [tmp_path / f"{i}.png" for i in range(3)]
    for path, image in zip(paths, photos):
        Image.fromarray(image.transpose(1, 2, 0)).save(path)
    memory = tmp_path / "features"
    Z = encoder(memory).transform(paths)
    moved = paths[0].rename(tmp_path / "moved.png")
    n, found = n_encoded(encoder(memory), [moved, *paths[1:]])
    assert n == 0
    np.testing.assert_array_equal(found, Z)
    moved.write_bytes(paths[1].read_bytes())
    n, found = n_encoded(encoder(memory), [moved])
    assert n == 0
    np.testing.assert_array_equal(found, Z[1:2])
    with pytest.raises(FileNotFoundError, match="no file"):
        encoder(memory).transform([paths[0]])


# -- interruptions ---------------------------------------------------------------------


def test_after_ctrl_c_it_goes_on_where_it_was(photos, tmp_path):
    STOP_AT[0] = 3
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        encoder(tmp_path).transform(photos)
    assert threading.active_count() == before
    STOP_AT[0] = -1
    n, Z = n_encoded(encoder(tmp_path), photos)
    assert n == 21 - 8  # the third batch was begun and not finished
    np.testing.assert_array_equal(Z, encoder(None).transform(photos))


def test_a_file_that_cannot_be_read_costs_only_itself(photo_files, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no image")
    paths = [*photo_files, str(tmp_path / "broken.png")]
    with pytest.raises(OSError, match="cannot be read"):
        encoder(tmp_path, n_jobs=1).transform(paths)
    assert n_encoded(encoder(tmp_path), photo_files)[0] <= 16


def test_what_is_done_goes_to_disk_from_time_to_time(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(_store, "_ROWS", 6)
    encoder(tmp_path).transform(photos)
    assert len(stored(tmp_path)) == 3  # of 8, 8 and 5 images
    monkeypatch.setattr(_store, "_ROWS", 1000)
    monkeypatch.setattr(_store, "_SECONDS", 0)
    encoder(tmp_path, dtype="bfloat16").transform(photos)
    assert len(stored(tmp_path)) == 3 + 6  # a file per batch


PROCESS = """
import os, sys, numpy as np, torch
from skdeepclust import FrozenEncoder
from skdeepclust.encoders import _store
_store._ROWS = 4
n_batches = 0
def net(X):
    return X.mean((2, 3))
class Killed(_store.FeatureStore):
    def add(self, keys, features):
        global n_batches
        n_batches += 1
        if n_batches == int(sys.argv[2]):
            os._exit(9)
        super().add(keys, features)
import skdeepclust.encoders._encoder as encoder
encoder.FeatureStore = Killed
X = np.arange(40 * 12, dtype=np.uint8).reshape(40, 3, 2, 2)
Z = FrozenEncoder(net, memory=sys.argv[1], batch_size=4, device="cpu").transform(X)
np.testing.assert_allclose(Z, X.mean((2, 3)) / 255, atol=1e-6)
"""


def test_two_processes_at_once_of_which_one_is_killed(tmp_path):
    both = [
        subprocess.Popen([sys.executable, "-c", PROCESS, tmp_path, str(stop)])
        for stop in (4, 999)
    ]
    codes = [each.wait() for each in both]
    assert codes[1] == 0
    assert codes[0] in (0, 9)  # 0: the other one had done its work already
    (folder,) = {path.parent for path in stored(tmp_path)}
    keys = [np.load(path)["keys"] for path in stored(tmp_path)]
    keys = np.unique(np.concatenate(keys))
    _, found = FeatureStore(folder).look_up(keys, np.arange(len(keys)), len(keys))
    assert found.sum() == 40
    assert found.all()


# -- damage ----------------------------------------------------------------------------


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def unchecked(path):
    """Wrong features in a file whose format is right."""
    with np.load(path) as arrays:
        content = dict(arrays)
    content["features"] = content["features"] + 1
    np.savez(path, **content)


DAMAGES = {
    "a bit": flip,
    "cut": lambda path: path.write_bytes(path.read_bytes()[:100]),
    "empty": lambda path: path.write_bytes(b""),
    "another file": lambda path: np.savez(path, other=np.ones(2)),
    "no archive": lambda path: path.write_bytes(b"\x93NUMPY" + bytes(100)),
    "features": unchecked,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_noticed_and_repaired(damage, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(_store, "_ROWS", 8)
    Z = encoder(tmp_path).transform(photos)
    first, *others = stored(tmp_path)
    DAMAGES[damage](first)
    with pytest.warns(CacheWarning, match="is damaged .* encoded again") as record:
        n, found = n_encoded(encoder(tmp_path), photos)
    assert record[0].filename == __file__
    assert 0 < n < 21
    np.testing.assert_array_equal(found, Z)
    assert set(others) < set(stored(tmp_path))
    assert first not in stored(tmp_path)
    assert n_encoded(encoder(tmp_path), photos)[0] == 0


def test_a_full_disk_costs_the_cache_and_nothing_else(photos, tmp_path, monkeypatch):
    def no_space(*args, **kwargs):
        raise OSError("no space left on device")

    monkeypatch.setattr(_store, "_ROWS", 4)
    monkeypatch.setattr(np, "savez", no_space)
    with pytest.warns(CacheWarning, match="were not cached .*no space left") as record:
        Z = encoder(tmp_path).transform(photos)
    assert len(record) == 1
    np.testing.assert_array_equal(Z, encoder(None).transform(photos))
    assert not list(tmp_path.rglob("*.part"))


def test_many_small_files_become_one(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(_store, "_MOST_FILES", 5)
    Z = encoder(None).transform(photos)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for i in range(21):
            encoder(tmp_path).transform(photos[i : i + 1])
    assert len(stored(tmp_path)) <= 6
    n, found = n_encoded(encoder(tmp_path), photos)
    assert n == 0
    np.testing.assert_array_equal(found, Z)


# -- parameters ------------------------------------------------------------------------


class Opaque:
    """Holds a lock, of which nobody can tell whether it is the same."""

    def __init__(self):
        self.lock = threading.Lock()

    def __call__(self, X):
        return X.mean((2, 3))


def test_what_cannot_be_told_is_refused_by_name(photos, tmp_path):
    with pytest.raises(CacheError, match=r"whether backbone=.*holds a _thread.lock"):
        encoder(tmp_path, Opaque()).transform(photos)
    with pytest.raises(CacheError, match=r"whether transform=.*holds a _thread.lock"):
        encoder(tmp_path, transform=Opaque()).transform(photos)
    assert encoder(None, Opaque()).transform(photos).shape == (21, 3)


def test_a_folder_that_cannot_be_used(photos, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CacheError, match="memory=.*cannot be written to"):
        encoder(tmp_path / "file").transform(photos)
    with pytest.raises(CacheError, match="must be the path of a folder"):
        encoder("").transform(photos)
    no_location = joblib.Memory(None, verbose=0)
    assert n_encoded(encoder(no_location), photos)[0] == 21


# -- size ------------------------------------------------------------------------------


def test_many_features_are_found_quickly(tmp_path):
    """20,000 rows of 64 values, in seconds."""
    store = FeatureStore(tmp_path)
    rng = np.random.RandomState(0)
    keys = np.array([rng.bytes(20) for _ in range(20_000)], dtype=KEY_TYPE)
    features = rng.rand(20_000, 64).astype(np.float32)
    for i in range(0, 20_000, 2_000):
        store.add(keys[i : i + 2_000], features[i : i + 2_000])
    store.close()
    order = np.argsort(keys)
    begin = time.perf_counter()
    found, which = store.look_up(keys[order], np.arange(20_000), 20_000)
    assert time.perf_counter() - begin < 5
    assert which.all()
    np.testing.assert_array_equal(found, features[order])
