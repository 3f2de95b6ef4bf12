"""FrozenEncoder with a network of the user's: images, transforms, streaming."""

import copy
import functools
import pickle
import threading
import tracemalloc
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

from skdeepclust import FrozenEncoder
from skdeepclust.encoders import _encoder, _features
from skdeepclust.exceptions import (
    DataScaleWarning,
    ImageReadError,
    ImageShapeWarning,
)

Image = pytest.importorskip("PIL.Image")

ON_CPU = {"device": "cpu", "n_jobs": 2, "batch_size": 4}


def encoder(backbone, **params):
    return FrozenEncoder(backbone, **{**ON_CPU, **params})


def means(X):
    """Means of the bands, as a backbone."""
    return X.mean((2, 3))


def flat(X):
    return X.flatten(1)


class Rows(nn.Module):
    """Row by row, so that no other row changes the last bit of a result."""

    def forward(self, X):
        return torch.stack([X.mean(1), X.square().mean(1)], dim=1)


@parametrize_with_checks([FrozenEncoder(Rows(), image_shape=None, **ON_CPU)])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


# -- the network -----------------------------------------------------------------------


def test_features_are_those_of_a_plain_loop(small_net, photos):
    expected_net = copy.deepcopy(small_net).eval()
    with torch.no_grad():
        expected = expected_net(torch.from_numpy(photos) / 255).mean((2, 3)).numpy()
    Z = encoder(small_net).fit_transform(photos)
    assert Z.dtype == np.float32
    np.testing.assert_allclose(Z, expected, atol=1e-6)


def test_the_module_comes_back_as_it_was(small_net, photos):
    small_net[3].eval()  # a mixture of modes
    before = copy.deepcopy(small_net.state_dict())
    modes = [module.training for module in small_net.modules()]
    encoder(small_net, dtype="bfloat16").fit_transform(photos)
    assert [module.training for module in small_net.modules()] == modes
    assert all(p.requires_grad and p.grad is None for p in small_net.parameters())
    for name, value in small_net.state_dict().items():
        assert value.dtype == before[name].dtype
        assert torch.equal(value, before[name])


def holder(network):
    """Callables that hold a module, as people write them."""

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def features(self, batch):
            return self.network(batch)

    return {
        "closure": lambda batch: network(batch),
        "bound": Model().features,
        "partial": functools.partial(call, network),
    }


def call(module, batch):
    return module(batch)


@pytest.mark.parametrize("kind", ["closure", "bound", "partial"])
def test_a_module_behind_a_callable_is_in_eval_mode(kind, photos, tmp_path):
    layers = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5)
    network = nn.Sequential(*layers).train()
    before = network[1].running_mean.clone()
    expected = FrozenEncoder(network, device="cpu").fit_transform(photos)
    encoder = FrozenEncoder(holder(network)[kind], memory=tmp_path, device="cpu")
    for _ in range(2):
        np.testing.assert_allclose(encoder.fit_transform(photos), expected, atol=1e-6)
    assert torch.equal(network[1].running_mean, before)
    assert all(part.training for part in network.modules())
    assert len([*(tmp_path / "skdeepclust" / "features").iterdir()]) == 1


def test_numbers_in_another_scale_are_said(small_net, photos):
    levels = {"size": 8, "mean": 0.5, "std": 0.5}
    encoder = FrozenEncoder(small_net, transform=levels, device="cpu")
    expected = encoder.fit_transform(photos)
    found = encoder.fit_transform(photos / 255)
    np.testing.assert_allclose(found, expected, atol=1e-2)
    for wrong in (photos.astype(float), photos.astype(int)):
        with pytest.raises(ValueError, match=r"are from 27 to 226.*takes uint8, or"):
            encoder.fit_transform(wrong)
    with pytest.warns(DataScaleWarning, match="int64, which is not scaled"):
        FrozenEncoder(small_net, device="cpu").fit(photos.astype(np.int64))


def test_one_image_without_its_axis_is_said(small_net, photos):
    with pytest.warns(ImageShapeWarning, match="taken for three grey images"):
        FrozenEncoder(small_net, device="cpu").fit(photos[0])


def test_a_change_of_the_module_is_seen(small_net, photos):
    encoding = encoder(small_net).fit(photos)
    before = encoding.transform(photos)
    with torch.no_grad():
        small_net[0].weight.add_(1)
    assert not np.allclose(encoding.transform(photos), before)


def test_the_same_to_the_bit_and_of_any_batch_size_by_rounding(small_net, photos):
    first = encoder(small_net).fit_transform(photos)
    np.testing.assert_array_equal(encoder(small_net).fit_transform(photos), first)
    for batch_size in (1, 5, 21, 100, "auto"):
        for n_jobs in (None, 3, -1):
            other = encoder(small_net, batch_size=batch_size, n_jobs=n_jobs)
            np.testing.assert_allclose(other.transform(photos), first, atol=1e-6)


def test_bfloat16_on_a_cpu(small_net, photos):
    exact = encoder(small_net).transform(photos)
    rough = encoder(small_net, dtype="bfloat16").transform(photos)
    assert rough.dtype == np.float32
    assert 0 < np.abs(rough - exact).max() < 0.05


def test_settings_of_torch_change_nothing(small_net, photos):
    expected = encoder(small_net).transform(photos)
    torch.set_default_dtype(torch.float64)
    try:
        with torch.autocast("cpu", torch.bfloat16), torch.enable_grad():
            found = encoder(small_net).transform(photos)
    finally:
        torch.set_default_dtype(torch.float32)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_on_a_gpu(small_net, photos, dtype):
    on_cpu = encoder(small_net).transform(photos)
    on_gpu = encoder(small_net, device="cuda", dtype=dtype).transform(photos)
    np.testing.assert_allclose(
        on_gpu, on_cpu, atol=0.05 if dtype == "bfloat16" else 1e-3
    )
    assert next(small_net.parameters()).device.type == "cpu"


WRONG_OUTPUTS = {
    "no tensor": (lambda X: [1], TypeError, "must return a tensor"),
    "tokens": (lambda X: X.flatten(2), ValueError, "must return .batch, features"),
    "one row": (lambda X: X.mean((0, 2, 3))[None], ValueError, "for a batch of 4"),
    "NaN": (lambda X: X.mean((2, 3)) * torch.nan, ValueError, "not finite"),
}


@pytest.mark.parametrize("case", WRONG_OUTPUTS)
def test_wrong_outputs(case, photos):
    backbone, error, words = WRONG_OUTPUTS[case]
    with pytest.raises(error, match=words):
        encoder(backbone).transform(photos)


def test_an_error_of_the_network_says_what_it_got(small_net, photos):
    with pytest.raises(RuntimeError) as caught:
        encoder(small_net).fit(np.concatenate([photos, photos], axis=1))
    (note,) = caught.value.__notes__
    assert "batch of shape (1, 6, 24, 32)" in note
    assert "takes 3 bands" in note


# -- images ----------------------------------------------------------------------------


def test_files_and_arrays_of_them_are_equal(small_net, photos, photo_files):
    for transform in (None, {"size": 16, "mean": 0.5, "std": 0.2}):
        Z = encoder(small_net, transform=transform).transform(photos)
        for paths in (photo_files, np.array(photo_files), pd.Series(photo_files)):
            found = encoder(small_net, transform=transform).transform(paths)
            np.testing.assert_array_equal(found, Z)


def test_kinds_of_arrays(photos):
    Z = encoder(means).transform(photos)
    as_float = (photos / 255).astype(np.float32)
    np.testing.assert_allclose(encoder(means).transform(as_float), Z, atol=1e-6)
    np.testing.assert_allclose(
        encoder(means).transform(torch.from_numpy(photos)), Z, atol=0
    )
    rows = encoder(means, image_shape=(3, 24, 32)).transform(photos.reshape(21, -1))
    np.testing.assert_array_equal(rows, Z)
    swapped = encoder(means).transform(as_float.astype(">f8"))
    np.testing.assert_allclose(swapped, Z, atol=1e-6)
    frozen = photos.copy()
    frozen.flags.writeable = False
    np.testing.assert_array_equal(encoder(means).transform(frozen), Z)


def test_grey_images_become_three_bands_where_these_are_needed(small_net, photos):
    grey = photos[:, 0]
    thrice = np.repeat(grey[:, None], 3, axis=1)
    for transform in (None, {"size": 16, "mean": [0.5, 0.4, 0.3]}):
        one, three = (
            encoder(small_net, transform=transform).transform(X) for X in (grey, thrice)
        )
        np.testing.assert_allclose(one, three, atol=1e-6)
    assert encoder(means).transform(grey).shape == (21, 1)  # a callable takes any


def test_files_for_a_network_of_one_band(photo_files, photos):
    net = nn.Conv2d(1, 2, 1)
    found = encoder(net).transform(photo_files[:1])
    grey = Image.fromarray(photos[0].transpose(1, 2, 0)).convert("L")
    np.testing.assert_array_equal(found, encoder(net).transform(np.array(grey)[None]))


def test_images_of_other_sizes_than_in_fit(small_net, photos):
    encoding = encoder(small_net, transform={"size": 16}).fit(photos)
    assert encoding.image_shape_ == (3, 24, 32)
    assert encoding.transform(photos[:, :, :20, :20]).shape == (21, 8)
    assert encoding.image_shape_ == (3, 24, 32)


def test_rows_that_are_no_images(small_net):
    X = np.random.RandomState(0).rand(9, 6).astype(np.float32)
    net = nn.Linear(6, 4)
    Z = encoder(net, image_shape=None).fit_transform(X)
    np.testing.assert_allclose(Z, net(torch.from_numpy(X)).detach(), atol=1e-6)
    with pytest.raises(ValueError, match="image_shape=None if they are none"):
        encoder(net).fit(X)
    with pytest.raises(ValueError, match="X holds rows"):
        encoder(net, image_shape=None, transform={"size": 8}).fit(X)
    with pytest.raises(ValueError, match="rows that are no images"):
        encoder(net, image_shape=None, transform=np.asarray).fit(X)


def test_wrong_images(small_net, photos, photo_files, tmp_path):
    with pytest.raises(ValueError, match="channels last"):
        encoder(small_net).fit(photos.transpose(0, 2, 3, 1))
    with pytest.raises(ValueError, match="NaN"):
        encoder(small_net).fit(np.full((2, 3, 8, 8), np.nan))
    with pytest.raises(TypeError, match="got one path"):
        encoder(small_net).fit(photo_files[0])
    with pytest.raises(FileNotFoundError, match=r"no file .*nothing\.png"):
        encoder(small_net).fit(["nothing.png"])
    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.raises(ImageReadError, match=r"broken\.png.*check=True"):
        encoder(small_net).transform([*photo_files, tmp_path / "broken.png"])
    Image.fromarray(np.full((9, 9), 700, dtype=np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(ImageReadError, match=r"uint16 values.*ImageReader"):
        encoder(small_net).fit([tmp_path / "deep.png"])
    assert threading.active_count() < 5


def test_files_of_several_sizes_need_a_size(small_net, photo_files, tmp_path):
    Image.new("RGB", (50, 40)).save(tmp_path / "large.png")
    paths = [*photo_files[:2], tmp_path / "large.png"]
    with pytest.raises(ValueError, match=r"transform=dict\(size=224\)"):
        encoder(small_net).transform(paths)
    assert encoder(small_net, transform={"size": 16}).transform(paths).shape == (3, 8)


def test_files_are_decoded_in_full_size(tmp_path):
    """A checkerboard is not grey, as a JPEG decoded in an eighth of its size is."""
    board = (np.indices((256, 256)).sum(0) % 2 * 255).astype(np.uint8)
    Image.fromarray(board).save(tmp_path / "a.jpg", quality=100)
    sizes = []

    def corner(image):
        sizes.append(image.size)
        return np.asarray(image)[:16, :16].transpose(2, 0, 1)

    Z = encoder(flat, transform=corner).transform([tmp_path / "a.jpg"])
    assert sizes == [(256, 256)]
    assert Z.std() > 0.4


# -- transforms ------------------------------------------------------------------------


def test_resizing_is_pillows_and_in_one_step(photos):
    image = Image.fromarray(photos[0].transpose(1, 2, 0))
    cases = {
        (12, 12): ({"size": 12}, (4, 0, 28, 24)),
        (12, 16): ({"size": (12, 16), "interpolation": "bilinear"}, (0, 0, 32, 24)),
        (10, 10): ({"size": 10, "crop": 0.5}, (10, 6, 22, 18)),
        (40, 20): ({"size": (40, 20), "crop": None}, (0, 0, 32, 24)),
    }
    for (height, width), (transform, box) in cases.items():
        name = transform.get("interpolation", "bicubic").upper()
        expected = image.resize((width, height), Image.Resampling[name], box=box)
        found = encoder(flat, transform=transform).transform(photos[:1])
        pixels = np.asarray(expected).transpose(2, 0, 1).reshape(1, -1)
        np.testing.assert_allclose(found, pixels / 255, atol=1e-6)


def test_floats_and_many_bands_are_resized_as_they_are(photos):
    transform = {"size": 12, "mean": 0.5, "std": 0.25}
    Z = encoder(flat, transform=transform).transform(photos)
    as_float = (photos / 255).astype(np.float32)
    found = encoder(flat, transform=transform).transform(as_float)
    np.testing.assert_allclose(found, Z, atol=4.5 / 255)  # a level, over std
    five = np.concatenate([photos, photos[:, :2]], axis=1)
    found = encoder(flat, transform=transform).transform(five).reshape(21, 5, -1)
    np.testing.assert_array_equal(found[:, :3], Z.reshape(21, 3, -1))
    np.testing.assert_array_equal(found[:, 3:], found[:, :2])


def test_mean_and_std_per_band(photos):
    plain = encoder(means).transform(photos)
    mean, std = [0.1, 0.2, 0.3], [0.5, 0.4, 0.2]
    transform = {"size": (24, 32), "mean": mean, "std": std}
    found = encoder(means, transform=transform).transform(photos)
    np.testing.assert_allclose(found, (plain - mean) / std, atol=1e-5)
    with pytest.raises(ValueError, match="mean has 2 values, and the images have 3"):
        encoder(means, transform={"size": 8, "mean": [0, 1]}).fit(photos)


def test_a_callable_takes_a_pillow_image_in_rgb(photos):
    def as_tensor(image):
        assert image.mode == "RGB"
        return torch.from_numpy(np.array(image)).permute(2, 0, 1) / 255

    expected = encoder(means).transform(photos)
    for X in (photos, photos / 255):
        found = encoder(means, transform=as_tensor).transform(X)
        np.testing.assert_allclose(found, expected, atol=1e-6)
    grey = encoder(means, transform=as_tensor).transform(photos[:, 0])
    np.testing.assert_allclose(grey, expected[:, [0, 0, 0]], atol=1e-6)
    with pytest.raises(ValueError, match=r"from 0 to 510.*numbers from 0 to 1"):
        encoder(means, transform=as_tensor).fit(
            np.full((2, 3, 8, 8), 510.0) * [[[[0, 1] * 4]]]
        )
    with pytest.raises(ValueError, match="images of 5 bands.*three of the bands"):
        encoder(means, transform=as_tensor).fit(np.zeros((2, 5, 30, 30), np.uint8))
    with pytest.raises(TypeError, match="transform must return a tensor"):
        encoder(means, transform=lambda image: image).fit(photos)


WRONG_DICTS = {
    "no size": ({"mean": 0.5}, "has no 'size'"),
    "unknown": ({"size": 8, "resize": 3}, "unknown keys .'resize'"),
    "size": ({"size": 0}, "size=0 must be"),
    "sizes": ({"size": (8, 8, 8)}, "must be a number of pixels or"),
    "crop": ({"size": 8, "crop": 1.5}, "crop=1.5 must be in"),
    "interpolation": ({"size": 8, "interpolation": "cubic"}, "'cubic' must be one of"),
    "mean": ({"size": 8, "mean": "grey"}, "mean='grey' must be a number"),
    "std": ({"size": 8, "std": [1, 0, 1]}, "std must not hold zeros"),
}


@pytest.mark.parametrize("case", WRONG_DICTS)
def test_wrong_dicts(case, photos):
    transform, words = WRONG_DICTS[case]
    with pytest.raises(ValueError, match=words):
        encoder(means, transform=transform).fit(photos)


# -- parameters ------------------------------------------------------------------------


def test_containers_and_types_of_numbers():
    wide = encoder(flat, image_shape=None)
    X = np.random.RandomState(0).rand(5, 3)
    with pytest.raises(TypeError, match="class ndarray"):
        wide.fit(np.ndarray)
    np.testing.assert_array_equal(
        wide.fit_transform(X.astype(np.longdouble)), wide.fit_transform(X)
    )


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"backbone": 3}, "backbone"),
        ({"backbone": nn.Conv2d}, "is the class Conv2d"),
        ({"transform": "none"}, "transform"),
        ({"batch_size": 0}, "batch_size"),
        ({"dtype": "float16"}, "dtype"),
        ({"device": "tpu"}, "device"),
        ({"memory": 3}, "memory"),
        ({"download": "yes"}, "download"),
        ({"weights": "a.pth"}, "weights: only for a backbone with a name"),
        ({"image_shape": (1, 2)}, "image_shape"),
    ],
)
def test_wrong_parameters(params, words, small_net, photos):
    fitted = encoder(small_net).fit(photos)
    before = fitted.transform(photos)
    fitted.set_params(**params)
    for method in (fitted.fit, fitted.transform):
        with pytest.raises((ValueError, TypeError), match=words):
            method(photos)
    fitted.set_params(**encoder(small_net).get_params())
    assert fitted.embedding_dim_ == 8  # the old fit is there
    np.testing.assert_array_equal(fitted.transform(photos), before)


def test_parameters_are_those_of_scikit_learn(small_net, photos):
    encoding = encoder(small_net, transform={"size": 16})
    assert encoding.get_params()["transform"] == {"size": 16}
    assert "transform={'size': 16}" in repr(encoding)
    expected = encoding.transform(photos)
    np.testing.assert_array_equal(clone(encoding).fit_transform(photos), expected)
    same = pickle.loads(pickle.dumps(encoding.fit(photos)))
    np.testing.assert_array_equal(same.transform(photos), expected)
    encoding.set_params(transform={"size": 20}, batch_size=2)
    assert not np.allclose(encoding.transform(photos), expected)


def test_names_of_features_and_pandas(small_net, photos):
    encoding = encoder(small_net)
    with pytest.raises(NotFittedError):
        encoding.get_feature_names_out()
    assert encoding.transform(photos).shape == (21, 8)  # needs no fit
    frame = encoding.set_output(transform="pandas").fit_transform(photos)
    assert list(frame.columns) == [f"frozenencoder{i}" for i in range(8)]


def test_in_a_search(small_net, photos, tmp_path):
    pipeline = make_pipeline(
        encoder(small_net, memory=tmp_path), KMeans(2, n_init=1, random_state=0)
    )
    grid = {
        "frozenencoder__transform": [{"size": 8}, {"size": 16}],
        "kmeans__n_clusters": [2, 3],
    }
    search = GridSearchCV(
        pipeline, grid, cv=2, error_score="raise", scoring=lambda e, X: -e.score(X)
    )
    search.fit(photos)
    assert search.best_estimator_.predict(photos).shape == (21,)


# -- streaming -------------------------------------------------------------------------


class Interrupts(nn.Module):
    """Ctrl-C in the third batch."""

    n_batches = 0

    def forward(self, X):
        Interrupts.n_batches += 1
        if Interrupts.n_batches == 3:
            raise KeyboardInterrupt
        return X.mean((2, 3))


def test_ctrl_c_leaves_no_threads(photos):
    Interrupts.n_batches = 0
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        encoder(Interrupts()).transform(photos)
    assert threading.active_count() == before


def test_the_bar_counts_every_image_once(small_net, photos, tmp_path, monkeypatch):
    bars = []

    @contextmanager
    def bar(title, n_images, wanted):
        counts = []
        bars.append((title, n_images, wanted, counts))
        yield counts.append

    monkeypatch.setattr(_encoder, "progress_bar", bar)
    X = np.concatenate([photos, photos[:3]])
    encoder(small_net).transform(X)
    for _ in range(2):  # the second time from the folder
        encoder(small_net, verbose=1, memory=tmp_path).transform(X)
    assert [each[:3] for each in bars] == [
        ("Encoding images", 24, wanted) for wanted in (False, True, True)
    ]
    assert [sum(counts) for *_, counts in bars] == [24, 24, 24]


def test_loading_goes_ahead_of_the_network_by_a_few_batches_only(photos):
    loaded, most = [], []

    def load(image):
        loaded.append(1)
        return np.zeros((3, 4, 4), dtype=np.float32)

    def run(X):
        run.done += len(X)
        most.append(len(loaded) - run.done)
        return X.mean((2, 3))

    run.done = 0
    X = np.repeat(photos, 20, axis=0)
    encoder(run, transform=load).transform(X)
    limit = (_features._BATCHES_AHEAD + 1) * ON_CPU["batch_size"]
    assert max(most) <= limit < len(X) / 5


def test_memory_does_not_grow_with_the_images(tmp_path):
    big = np.memmap(tmp_path / "X", np.uint8, "w+", shape=(600, 3, 64, 64))
    peaks = []
    for X in (big[:100], big):
        tracemalloc.start()
        encoder(means, transform={"size": 32}).transform(X)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 500 * 3 * 32 * 32 / 4
