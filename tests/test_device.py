"""Devices that exist, seeds, and generators that are left alone."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from skdeepclust import Autoencoder
from skdeepclust._device import resolve_device
from skdeepclust._random import _OwnDraws, derived_seed, draws_of, root_seed


def test_auto_is_a_device_that_exists():
    best = "cpu"
    if torch.backends.mps.is_available():
        best = "mps"
    if torch.cuda.is_available():
        best = "cuda"
    assert resolve_device("auto").type == best


def test_auto_prefers_cuda_then_mps(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto").type == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert resolve_device("auto").type == "mps"
    assert resolve_device("mps").type == "mps"


def test_named_devices():
    assert resolve_device("cpu") == torch.device("cpu")
    assert resolve_device(torch.device("cpu")) == torch.device("cpu")
    assert resolve_device("cpu:0").type == "cpu"


@pytest.mark.parametrize("device", ["cuda:99", "mps", "meta", "cpu:7"])
def test_absent_devices(device, monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match="no such device here.*device='auto'"):
        resolve_device(device)


def test_not_a_device():
    with pytest.raises(ValueError, match="no device that torch knows"):
        resolve_device("gpu")


def test_seeds():
    assert root_seed(5) == 5
    assert root_seed(np.int64(5)) == 5
    assert root_seed(np.random.RandomState(0)) == root_seed(np.random.RandomState(0))
    assert root_seed(None) != root_seed(None)
    assert derived_seed(1, "kmeans") == derived_seed(1, "kmeans")
    assert derived_seed(1, "kmeans") != derived_seed(1, "batches")
    assert derived_seed(1, "kmeans") != derived_seed(2, "kmeans")


def test_none_leaves_numpys_global_generator_alone():
    before = np.random.get_state()[1].copy()
    root_seed(None)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


CPU = torch.device("cpu")


def drawn(seed, n=2, fails=None):
    found = []

    def run():
        found.append(torch.rand(n))
        if fails is not None:
            raise fails

    draws_of(seed, CPU, run)
    return found[-1]


def test_draws_follow_from_the_seed_and_leave_torch_alone():
    before = torch.get_rng_state()
    first = drawn(3)
    with pytest.raises(KeyError):
        drawn(3, fails=KeyError("wrong"))
    assert torch.equal(drawn(3), first)
    assert not torch.equal(drawn(4), first)
    assert torch.equal(torch.get_rng_state(), before)
    expected = torch.rand(2, generator=torch.Generator().manual_seed(3))
    assert torch.equal(first, expected)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: torch.randn(3),
        lambda: torch.randint(9, (5,)),
        lambda: torch.randperm(7),
        lambda: torch.rand_like(torch.zeros(4)),
        lambda: torch.randn_like(torch.zeros(4)),
        lambda: torch.bernoulli(torch.full((9,), 0.5)),
        lambda: torch.normal(torch.zeros(3), torch.ones(3)),
        lambda: torch.multinomial(torch.ones(5), 3),
        lambda: torch.empty(4).uniform_(),
        lambda: torch.empty(4).normal_(),
        lambda: torch.empty(4).exponential_(),
        lambda: torch.nn.functional.dropout(torch.ones(20)),
        lambda: torch.nn.Dropout(0.5)(torch.ones(20)),
        lambda: torch.nn.Linear(3, 2).weight.detach(),
        lambda: torch.nn.Conv2d(1, 2, 3).weight.detach(),
        lambda: torch.nn.init.orthogonal_(torch.empty(3, 3)),
        lambda: torch.nn.GRU(3, 2).weight_hh_l0.detach(),
        lambda: torch.nn.MultiheadAttention(4, 2).in_proj_weight.detach(),
    ],
)
def test_every_draw_is_the_fits_own(draw):
    before, found = torch.get_rng_state(), []
    for _ in range(2):
        draws_of(0, CPU, lambda: found.append(draw()))
    assert torch.equal(*found)
    assert torch.equal(torch.get_rng_state(), before)


def test_threads_take_turns():
    before = torch.get_rng_state()
    expected = [drawn(seed, 200).tolist() for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda seed: drawn(seed, 200).tolist(), range(8))
        assert list(found) == expected
    assert torch.equal(torch.get_rng_state(), before)


class Attention(torch.nn.Module):
    """Dropout within compiled code of torch, out of reach of our generators."""

    def __init__(self, input_shape):
        super().__init__()
        attention = {"dropout": 0.5, "batch_first": True}
        self.attention = torch.nn.MultiheadAttention(8, 2, **attention)
        self.down, self.up = torch.nn.Linear(64, 3), torch.nn.Linear(3, 64)

    def encode(self, X):
        rows = X[:, 0]
        return self.down(self.attention(rows, rows, rows)[0].flatten(1))

    def decode(self, Z):
        return self.up(Z).unflatten(1, (1, 8, 8))


def test_dropout_within_attention_draws_from_torch_and_puts_it_back():
    X = np.random.RandomState(0).rand(40, 8, 8)
    before = torch.get_rng_state()
    model = Autoencoder(3, module=Attention, max_epochs=2, random_state=0, device="cpu")
    first = model.fit(X).transform(X)
    np.testing.assert_array_equal(first, model.fit(X).transform(X))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_during_a_fit_can_fit():
    code = """
import os, threading, time, numpy as np
from skdeepclust import Autoencoder
X = np.random.RandomState(0).rand(60, 20)
def fit(n): Autoencoder(module__hidden_dims=(8,), max_epochs=n, device="cpu").fit(X)
fit(1)
threading.Thread(target=fit, args=(5000,), daemon=True).start()
time.sleep(0.5)
child = os.fork()
if child == 0:
    fit(1)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
os._exit(0)
"""
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert found.stdout == "0\n", found.stderr


@pytest.mark.parametrize("draw", [nn.init.normal_, nn.init.kaiming_uniform_])
def test_draws_into_a_tensor_come_from_the_generator_of_its_device(monkeypatch, draw):
    asked = []
    own = _OwnDraws(0, torch.device("cpu"))
    monkeypatch.setitem(own.generators, "meta", None)
    find = own._generator
    monkeypatch.setattr(
        own, "_generator", lambda *given: asked.append(find(*given)) or None
    )
    with own:
        draw(torch.empty(2, 3, device="meta"))
    assert asked[0] is None  # the generator of "meta", not that of the CPU


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_seeded_block_on_a_gpu():
    before = torch.cuda.get_rng_state()
    device = torch.device("cuda")
    draws_of(3, device, lambda: torch.rand(2, device="cuda"))
    assert torch.equal(torch.cuda.get_rng_state(), before)
