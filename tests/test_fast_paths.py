"""Every way to be fast gives the labels of the plain way."""

import warnings

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

import skdeepclust._target
import skdeepclust.networks._conv
from skdeepclust import DCEC, DeepCluster
from skdeepclust._batches import Batches, DrawnBatches
from skdeepclust._tensor_data import TensorData, map_blocks

CPU = torch.device("cpu")


class Listener(Callback):
    def on_batch_end(self, net, **kwargs):
        """Being there switches per-batch history on."""


@pytest.fixture
def images(digits):
    """Images large enough for channels last, uint8."""
    whole = (digits[0].reshape(-1, 8, 8) * 255).astype(np.uint8)
    return np.kron(whole, np.ones((1, 2, 2), dtype=np.uint8))


@pytest.fixture
def make(make_dcec):
    """A small DCEC with augmentation and spectral start, as by default."""
    ours = {"augment": "auto", "init": "spectral", "image_shape": "auto"}
    return lambda **params: make_dcec(**{**ours, **params})


@pytest.fixture
def plain(make, images, monkeypatch):
    """Labels without any fast path."""
    with monkeypatch.context() as patch:
        patch.setattr(skdeepclust.networks._conv, "_SMALLEST_CHANNELS_LAST", 1000)
        dcec = make(optimizer__fused=False, callbacks=[Listener()])
        return dcec.fit(images).labels_


@pytest.mark.parametrize("kept", [0, 2**22])
def test_the_default_paths(make, images, plain, monkeypatch, kept):
    monkeypatch.setattr(skdeepclust._target, "_MOST_KEPT", kept)
    fitted = make().fit(images)
    np.testing.assert_array_equal(fitted.labels_, plain)
    assert len(np.unique(plain)) > 1


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_compiled(make, images, plain, backend):
    fitted = make(compile=True, compile__backend=backend).fit(images)
    np.testing.assert_array_equal(fitted.labels_, plain)


def test_fetched_ahead(make, images, plain, monkeypatch):
    def init(self, *args):
        original(self, *args)
        self.fetches_ahead = True

    original = TensorData.__init__
    monkeypatch.setattr(TensorData, "__init__", init)
    np.testing.assert_array_equal(make().fit(images).labels_, plain)
    params = {"max_iter": 2, "epochs_per_round": 1, "n_init": 1, "device": "cpu"}
    params |= {"n_pseudo_labels": 8, "module__widths": (8, 8), "random_state": 0}
    ahead = DeepCluster(5, **params).fit(images)
    monkeypatch.undo()
    np.testing.assert_array_equal(
        ahead.labels_, DeepCluster(5, **params).fit(images).labels_
    )


def test_batches_fetched_ahead_come_in_order_and_errors_pass_through():
    X = np.arange(23, dtype=np.float32)[:, None]
    rows, ahead = TensorData(X, (1,), CPU), TensorData(X, (1,), CPU)
    assert not rows.fetches_ahead
    ahead.fetches_ahead = True
    for make in (
        lambda rows: Batches(rows, 5, seed=0),
        lambda rows: Batches(rows, 5, seed=0, n_batches=7),
    ):
        pairs = zip(make(rows), make(ahead), strict=True)
        assert all(torch.equal(a[0], b[0]) for a, b in pairs)
    drawn = []
    for each in (rows, ahead):
        batches = DrawnBatches(each, 4)
        batches.set_draws(np.array([3, 1, 2, 3, 22]), np.arange(23)[:, None])
        drawn.append([(X.tolist(), target.tolist()) for X, target in batches])
    assert drawn[0] == drawn[1]
    assert torch.equal(map_blocks(torch.neg, rows), map_blocks(torch.neg, ahead))
    with pytest.raises(IndexError):
        list(ahead.iter_batches([torch.tensor([0]), torch.tensor([99])]))


def test_a_compiler_that_fails_is_done_without(make, images, plain):
    def broken(graph, inputs):
        raise OSError("no C++ compiler here")

    with pytest.warns(RuntimeWarning, match=r"torch\.compile failed.*no C\+\+"):
        fitted = make(compile=True, compile__backend=broken).fit(images)
    np.testing.assert_array_equal(fitted.labels_, plain)


def test_an_error_that_is_not_the_compilers_is_raised(make, images):
    class Failing(torch.nn.Linear):
        def __init__(self):
            super().__init__(256, 3)

        def encode(self, X):
            if self.training:
                raise OSError("the disk is full")
            return self(X.flatten(1))

        def decode(self, Z):
            return (Z.sum(1, keepdim=True) * torch.ones(256)).reshape(-1, 1, 16, 16)

    dcec = DCEC(5, module=Failing, compile=True, compile__backend="eager")
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        with pytest.raises(OSError, match="disk is full"):
            dcec.fit(images)


def test_lower_precision_is_the_users_choice(make, images):
    with torch.autocast("cpu", torch.bfloat16):
        fitted = make().fit(images)
        assert np.isfinite(fitted.transform(images)).all()
    assert fitted.transform(images).dtype == np.float32
    assert {p.dtype for p in fitted.module_.parameters()} == {torch.float32}
    assert all(np.isfinite(fitted.history_["clustering"]["loss"]))
