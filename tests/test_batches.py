"""Rows and batches: no copies, no empty batches, every sample once a pass."""

import numpy as np
import pytest
import torch

from skdeepclust._auto import resolve_batch_size, resolve_epochs
from skdeepclust._batches import Batches
from skdeepclust._tensor_data import TensorData, map_blocks
from skdeepclust.networks import ConvAutoencoder, DenseAutoencoder

CPU = torch.device("cpu")


def rows_of(X, shape=None):
    return TensorData(X, shape or X.shape[1:], CPU)


def numbers(n):
    return np.arange(n, dtype=np.float32)[:, None]


@pytest.mark.parametrize(
    "n", [1, 9, 10, 11, 20, 21, 22]
)  # 10 and 20: the batch size divides
@pytest.mark.parametrize("shuffle", [True, False])
def test_a_pass_has_every_sample_once_and_no_empty_batch(n, shuffle):
    batches = Batches(rows_of(numbers(n)), 10, seed=0, shuffle=shuffle)
    for _ in range(3):
        seen = [X.flatten().tolist() for X, _ in batches]
        assert all(seen)
        assert sorted(x for batch in seen for x in batch) == list(range(n))
        assert [len(x) for x in seen] == {
            1: [1],
            9: [9],
            10: [10],
            11: [11],  # batch norm cannot train on one sample
            20: [10, 10],
            21: [10, 11],
            22: [10, 10, 2],
        }[n]
        assert len(seen) == len(batches)


def test_shuffled_passes_differ_and_the_fixed_order_does_not():
    def passes(shuffle):
        batches = Batches(rows_of(numbers(50)), 8, seed=0, shuffle=shuffle)
        return [torch.cat([X for X, _ in batches]).flatten().tolist() for _ in "ab"]

    first, second = passes(shuffle=True)
    assert first != second
    first, second = passes(shuffle=False)
    assert first == second
    assert first != sorted(first)  # not that of X, which may be sorted by class


def test_an_epoch_goes_on_where_the_last_one_stopped():
    batches = Batches(rows_of(numbers(11)), 3, seed=0, shuffle=False, n_batches=3)
    first = [X.flatten().tolist() for X, _ in batches]
    second = [X.flatten().tolist() for X, _ in batches]
    assert [len(x) for x in first + second] == [3, 3, 3, 2, 3, 3]
    assert second[1:] == first[:2]


def test_targets_go_with_their_samples():
    batches = Batches(rows_of(numbers(10)), 4, seed=1)
    batches.targets = torch.arange(10) * 2
    for X, target in batches:
        assert torch.equal(X.flatten() * 2, target.to(torch.float32))


def test_seed_of_the_order():
    def order(seed):
        return [X.tolist() for X, _ in Batches(rows_of(numbers(30)), 7, seed=seed)]

    assert order(1) == order(1)
    assert order(1) != order(2)


def test_uint8_stays_and_is_scaled_per_batch():
    X = np.arange(256, dtype=np.uint8)[:, None]
    rows = rows_of(X)
    assert rows._data.data_ptr() == X.__array_interface__["data"][0]
    scaled = rows.take(slice(None)).numpy()
    # To the bit what a user gets by dividing, in float32 or by way of float64.
    np.testing.assert_array_equal(scaled, X.astype(np.float32) / 255)
    np.testing.assert_array_equal(scaled, (X / 255).astype(np.float32))


@pytest.mark.parametrize(
    "dtype",
    ["uint8", "int8", "int64", "uint16", "uint32", "uint64", "bool", "f2", "f8", ">f4"],
)
def test_every_type_becomes_float32(dtype):
    X = np.array([[0, 1], [1, 0], [1, 1]]).astype(dtype)
    expected = X.astype(np.float32) / (255 if dtype == "uint8" else 1)
    rows = rows_of(X)
    for index in (slice(None), torch.arange(3)):
        batch = rows.take(index)
        assert batch.dtype == torch.float32
        np.testing.assert_array_equal(batch.numpy(), expected)


@pytest.mark.filterwarnings("error")
def test_any_memory_order_and_read_only():
    X = np.random.RandomState(0).rand(6, 12).astype(np.float32)
    read_only = X.copy()
    read_only.setflags(write=False)
    variants = [X, np.asfortranarray(X), X[::-1][::-1], read_only]
    variants.append(np.repeat(X, 2, axis=1)[:, ::2])
    for variant in [*variants, X[::-1].copy()[::-1]]:
        rows = rows_of(variant, (3, 2, 2))
        for index in (slice(1, 4), torch.tensor([1, 2, 3])):
            batch = rows.take(index).numpy()
            np.testing.assert_array_equal(batch, X[1:4].reshape(3, 3, 2, 2))


@pytest.mark.filterwarnings("error")
def test_memory_map_is_not_copied(tmp_path):
    X = np.random.RandomState(0).randint(256, size=(20, 5), dtype=np.uint8)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    rows = rows_of(mapped)
    assert rows._data.data_ptr() == mapped.__array_interface__["data"][0]
    np.testing.assert_array_equal(
        rows.take(torch.tensor([3, 4])).numpy(), X[3:5].astype(np.float32) / 255
    )


NETWORKS = [
    (DenseAutoencoder((20,), 3), (20,)),
    (ConvAutoencoder((1, 8, 8), 3), (1, 8, 8)),
    (ConvAutoencoder((2, 11, 6), 3), (2, 11, 6)),
]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("net", "shape"), NETWORKS)
def test_a_row_gets_the_same_code_in_any_company(net, shape, threads):
    torch.set_num_threads(threads)
    X = np.random.RandomState(0).rand(150, *shape).astype(np.float32)
    Z = map_blocks(net.encode, rows_of(X))
    for i in (0, 63, 64, 149):
        assert torch.equal(map_blocks(net.encode, rows_of(X[i : i + 1]))[0], Z[i])
    order = np.random.RandomState(1).permutation(150)
    assert torch.equal(map_blocks(net.encode, rows_of(X[order])), Z[order])
    assert not Z.requires_grad


def test_blocks_shrink_with_the_size_of_a_sample():
    sizes = [
        TensorData(np.zeros((1, d)), (d,), CPU).block_size for d in (1, 784, 12288)
    ]
    assert sizes == [64, 64, 8]
    assert TensorData(np.zeros((1, 3000)), (3000,), CPU).block_size == 21


@pytest.mark.parametrize(
    ("n", "expected"),
    [(1, 32), (600, 32), (1797, 64), (10000, 64), (20000, 128), (70000, 256)],
)
def test_auto_batch_size(n, expected):
    assert resolve_batch_size("auto", n) == expected
    assert resolve_batch_size(100, n) == 100


def test_a_block_is_no_view_of_the_data():
    X = np.ones((200, 5), dtype=np.float32)
    map_blocks(lambda block: block.mul_(0), rows_of(X))  # a layer that works in place
    assert (X == 1).all()


@pytest.mark.parametrize(
    ("n", "batch_size", "expected"),
    [
        (1797, 64, 200),
        (10000, 64, 127),
        (70000, 256, 73),
        (10**6, 256, 20),
        (3, 32, 200),
    ],
)
def test_epochs(n, batch_size, expected):
    assert resolve_epochs("auto", n, batch_size, of_images=True) == expected
    assert resolve_epochs(7, n, batch_size, of_images=True) == 7


@pytest.mark.parametrize(("n", "expected"), [(150, 50), (20_000, 50), (10**6, 20)])
def test_epochs_of_rows(n, expected):
    assert resolve_epochs("auto", n, 200, of_images=False) == expected
