"""The cache of pretrained networks: its keys, its entries, its refusals."""

import json
import os
import pickle
import types

import joblib
import numpy as np
import pytest
import torch
from torch import nn

import skdeepclust
from skdeepclust import CacheError, CacheWarning
from skdeepclust._cache import fingerprint
from skdeepclust.networks import DenseAutoencoder

X = np.random.RandomState(0).rand(30, 6).astype(np.float32)


def key(**params):
    return fingerprint(X, params)


def made(source, name="f", **names):
    """A function or class of a module of the user's, from its source."""
    module = types.ModuleType("users")
    module.__dict__.update(names, torch=torch, nn=nn)
    exec(source, module.__dict__)
    return getattr(module, name)


CHANGES = [
    ("def f(X): return X", "def f(X): return X + 1", {}, {}),
    ("def f(X): return X * 2", "def f(X): return X * 3", {}, {}),
    ("def f(X): return X * w", "def f(X): return X * w", {"w": 2}, {"w": 3}),
    ("def f(X, w=2): return X * w", "def f(X, w=3): return X * w", {}, {}),
    (
        "def g(X): return X\ndef f(X): return g(X)",
        "def g(X): return -X\ndef f(X): return g(X)",
        {},
        {},
    ),
    (
        "def h(w):\n def f(X): return X * w\n return f\nf = h(2)",
        "def h(w):\n def f(X): return X * w\n return f\nf = h(3)",
        {},
        {},
    ),
    (
        "class B(nn.Module):\n def go(self, X): return X\nclass f(B): pass",
        "class B(nn.Module):\n def go(self, X): return -X\nclass f(B): pass",
        {},
        {},
    ),
    (
        "class B:\n w = 1\nclass f:\n def __init__(self): self.b = B()",
        "class B:\n w = 2\nclass f:\n def __init__(self): self.b = B()",
        {},
        {},
    ),
    ("f = lambda X: X.flip(1)", "f = lambda X: X.flip(2)", {}, {}),
]


@pytest.mark.parametrize(("before", "after", "old", "new"), CHANGES)
@pytest.mark.parametrize("parameter", ["augment", "module", "optimizer"])
def test_the_key_changes_with_what_a_function_is(before, after, old, new, parameter):
    first = key(**{parameter: made(before, **old)})
    assert first == key(**{parameter: made(before, **old)})
    assert first != key(**{parameter: made(after, **new)})


def test_the_key_changes_with_data_parameters_and_versions(monkeypatch):
    first = key(lr=0.1)
    assert first == key(lr=0.1)
    assert first != key(lr=0.2)
    assert first != fingerprint(X + 1, {"lr": 0.1})
    for package in (skdeepclust, torch):
        with monkeypatch.context() as patch:
            patch.setattr(package, "__version__", "99.0")
            assert first != key(lr=0.1)


def test_the_key_of_a_network_is_that_of_its_weights():
    torch.manual_seed(0)
    network = DenseAutoencoder((6,), 2, hidden_dims=(3,))
    same = pickle.loads(pickle.dumps(network))
    assert key(module=network) == key(module=same)
    with torch.no_grad():
        same.encoder[0].weight[0, 0] += 1
    assert key(module=network) != key(module=same)


@pytest.mark.parametrize(
    "make",
    [
        lambda file: (each for each in "ab"),
        lambda file: file,
        lambda file: made("def f(X): return next(g)", g=iter(x for x in "ab")),
    ],
)
def test_what_cannot_be_told_is_refused_by_name(make, tmp_path):
    words = r"memory.*augment=.*Pass memory=None"
    with (tmp_path / "f").open("w") as file, pytest.raises(CacheError, match=words):
        key(augment=make(file))


@pytest.fixture
def cached(make_dcec, digits, tmp_path):
    """Fit with a cache in a folder; return the estimator and the entries."""

    def fit(**params):
        dcec = make_dcec(memory=str(tmp_path / "c"), **params).fit(digits[0])
        return dcec, sorted((tmp_path / "c" / "skdeepclust").iterdir())

    return fit


def test_an_edited_function_is_not_taken_from_the_cache(cached, make_dcec, digits):
    for source in ("def f(X): return X", "def f(X): return 0 * X"):
        augment = made(source)
        expected = make_dcec(augment=augment).fit(digits[0]).history_["pretraining"]
        dcec, _ = cached(augment=augment)
        assert dcec.history_["pretraining"]["loss"] == expected["loss"]


def test_lambdas_are_cached(cached):
    for _ in range(2):
        _, entries = cached(augment=lambda batch: batch.flip(3))
        assert len(entries) == 1


def test_entries_are_weights_and_json(cached):
    dcec, (entry,) = cached()
    assert sorted(os.listdir(entry)) == ["entry.json", "weights.npz"]
    history = json.loads((entry / "entry.json").read_text())["history"]
    assert history["pretraining"]["loss"] == dcec.history_["pretraining"]["loss"]
    with np.load(entry / "weights.npz", allow_pickle=False) as arrays:
        n_values = sum(arrays[name].size for name in arrays.files)
    assert n_values == sum(p.numel() for p in dcec.module_.parameters())


@pytest.mark.parametrize("name", ["entry.json", "weights.npz"])
@pytest.mark.parametrize("damage", ["bit", "cut", "empty", "gone"])
def test_damage_is_noticed(cached, name, damage):
    dcec, (entry,) = cached()
    file = entry / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    if damage == "gone":
        file.unlink()
    else:
        cut = {"bit": content, "cut": content[:40], "empty": b""}
        file.write_bytes(cut[damage])
    if (name, damage) == ("entry.json", "gone"):  # no entry: nothing to say
        again, _ = cached()
    else:
        with pytest.warns(CacheWarning, match="damaged.*pretrained again"):
            again, _ = cached()
    np.testing.assert_array_equal(again.labels_, dcec.labels_)
    again, entries = cached()
    assert len(entries) == 1


def test_no_code_in_the_cache_is_run(cached, tmp_path):
    _, (entry,) = cached()

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "owned"),)

    for name in ("entry.json", "weights.npz"):
        (entry / name).write_bytes(pickle.dumps(Evil()))
    with pytest.warns(CacheWarning):
        cached()
    assert not (tmp_path / "owned").exists()


def test_a_full_disk_costs_the_entry_only(cached, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.warns(CacheWarning, match="not cached.*No space left"):
        dcec, entries = cached()
    assert dcec.labels_.shape == (200,)
    assert not entries


class NoPlace:
    cache = len


@pytest.mark.parametrize("memory", ["", "/proc/nope/x", NoPlace()])
def test_no_folder(make_dcec, digits, memory):
    with pytest.raises(CacheError, match="memory="):
        make_dcec(memory=memory).fit(digits[0])


def test_a_memory_without_a_place_caches_nothing(make_dcec, digits):
    dcec = make_dcec(memory=joblib.Memory(None)).fit(digits[0])
    np.testing.assert_array_equal(dcec.labels_, make_dcec().fit(digits[0]).labels_)
