"""Devices that exist, seeds, and generators that are left alone."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from skdeepclust._device import resolve_device
from skdeepclust._random import derived_seed, root_seed, seeded


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


@pytest.mark.parametrize("device", ["cuda:99", "mps", "meta"])
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


def test_seeded_block():
    before = torch.get_rng_state()
    with seeded(3, torch.device("cpu")):
        first = torch.rand(2)
    assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(KeyError), seeded(3, torch.device("cpu")):
        raise KeyError(torch.rand(2))
    with seeded(3, torch.device("cpu")):
        assert torch.equal(torch.rand(2), first)
    assert torch.equal(torch.get_rng_state(), before)


def test_blocks_of_threads_take_turns():
    before = torch.get_rng_state()

    def draw(seed):
        with seeded(seed, torch.device("cpu")):
            return [float(torch.rand(())) for _ in range(200)]

    expected = [draw(seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(draw, range(8))) == expected
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_seeded_block_on_a_gpu():
    before = torch.cuda.get_rng_state()
    with seeded(3, torch.device("cuda")):
        torch.rand(2, device="cuda")
    assert torch.equal(torch.cuda.get_rng_state(), before)
