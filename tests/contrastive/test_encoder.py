"""ContrastiveEncoder: what goes beyond the promises of all estimators."""

import json
import warnings
from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, ClusterMixin, clone
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback, LRScheduler

from skdeepclust import (
    TEMI,
    ContrastiveEncoder,
    DeepCluster,
    EmbeddingCollapseWarning,
    FitCheckpoint,
    LongTrainingWarning,
)
from skdeepclust.augmentations import Chain, RandomFlip, SwapValues
from skdeepclust.contrastive import _net
from skdeepclust.networks import DenseNet, ResNet18, SmallResNet

METHODS = {
    "simclr": {"method": "simclr"},
    "byol": {"method": "byol"},
    "propos": {"method": "byol", "prototypes": True, "n_prototypes": 4},
    "swav": {"method": "swav"},
}


def images(n=60, bands=3, height=8, width=9, seed=0):
    """Images of two kinds: a bright spot on the left or on the right."""
    rng = np.random.RandomState(seed)
    X = 0.2 * rng.rand(n, bands, height, width)
    X[::2, :, :, :3] += 0.6
    return X.astype(np.float32)


def tiny(method="simclr", **params):
    small = {"max_epochs": 2, "batch_size": 32, "random_state": 0, "device": "cpu"}
    if "module" not in params:
        small["module__widths"] = (4, 8)
    return ContrastiveEncoder(**{**small, **METHODS[method], **params})


@pytest.fixture(params=METHODS)
def method(request):
    return request.param


# -- data of every kind --------------------------------------------------------


@pytest.mark.parametrize("bands", [1, 2, 3, 13])
@pytest.mark.parametrize(("height", "width"), [(7, 7), (5, 12), (1, 9), (9, 1)])
def test_any_bands_and_odd_sizes(method, bands, height, width):
    X = images(40, bands, height, width)
    encoder = tiny(method, image_shape=(bands, height, width))
    assert encoder.fit_transform(X).shape == (40, 8)


@pytest.mark.parametrize("n_samples", [2, 3, 31, 33, 65])
def test_few_samples_and_rests_of_batches(method, n_samples):
    X = images(n_samples)
    if method == "propos" and n_samples < 4:
        with pytest.raises(ValueError, match=r"n_samples=\d should be >= n_prototypes"):
            tiny(method).fit(X)
        return
    encoder = tiny(method).fit(X)
    assert np.isfinite(encoder.transform(X)).all()


def test_batches_of_a_pass_are_about_even():
    sizes = []

    class Sizes(Callback):
        def on_batch_end(self, net, batch=None, **kwargs):
            sizes.append(len(batch[0]) // 2)

    tiny(max_epochs=1, callbacks=[Sizes()]).fit(images(67))
    assert sizes == [23, 23, 21]  # not 32, 32 and 3


def test_one_sample_is_refused():
    with pytest.raises(ValueError, match="n_samples=1 should be >= 2"):
        tiny().fit(images(1))


def test_several_views(method):
    first = tiny(method, n_views=4).fit(images())
    assert np.isfinite(first.history_["training"]["loss"]).all()


def test_rows_are_swapped_and_images_are_not(blobs):
    encoder = tiny(module="dense", module__hidden_dims=(8,)).fit(blobs[0])
    assert isinstance(encoder.module_, DenseNet)
    assert isinstance(encoder._augmentation(), SwapValues)
    for bands, kind in ((1, "RandomAffine"), (3, "ColorJitter"), (13, "QuarterTurn")):
        encoder.image_shape_ = (bands, 8, 8)
        steps = encoder._augmentation().steps
        assert kind in {type(step).__name__ for step in steps}


def test_networks_by_device():
    encoder = ContrastiveEncoder()
    encoder.image_shape_ = (3, 8, 8)
    assert encoder._module_of(torch.device("cpu")) == "small-resnet"
    assert encoder._module_of(torch.device("cuda")) == "resnet18"
    params = {"module": "resnet18", "max_epochs": 0}
    assert isinstance(tiny(**params).fit(images(9)).module_, ResNet18)
    assert isinstance(tiny().fit(images()).module_, SmallResNet)


# -- refusals ------------------------------------------------------------------

REFUSED = [
    ({"method": "swav", "n_prototypes": 40}, "n_prototypes=40 should be <= the 30"),
    ({"prototypes": True}, 'prototypes=True is for method="byol", not for "simclr"'),
    ({"module": "dense", "image_shape": None, "augment": "photo"}, "is for images"),
    ({"augment": "satellite"}, "'augment' parameter"),
    ({"n_views": 1}, "'n_views' parameter"),
    ({"batch_size": 1}, "'batch_size' parameter"),
    ({"momentum": 1.5}, "'momentum' parameter"),
]


@pytest.mark.parametrize(("params", "words"), REFUSED)
def test_wrong_parameters_are_refused_by_name(params, words):
    X = images()
    if params.get("image_shape", "") is None:
        X = X.reshape(len(X), -1)
    with pytest.raises(ValueError, match=words):
        tiny().set_params(**params).fit(X)


def test_the_class_of_an_augmentation_is_refused():
    with pytest.raises(TypeError, match="augment is the class RandomFlip"):
        tiny(augment=RandomFlip).fit(images())


def test_a_loss_that_is_not_finite_names_the_temperature():
    with pytest.raises(ArithmeticError, match="temperature far too small"):
        tiny(temperature=1e-300).fit(images())


def test_prototype_labels_are_of_swav_alone():
    X = images()
    encoder = tiny("swav", n_prototypes=3).fit(X)
    labels = encoder.prototype_labels(X)
    assert set(labels) <= {0, 1, 2}
    assert not hasattr(tiny("simclr").fit(X), "prototype_labels")


# -- what the training does ----------------------------------------------------


def test_the_rate_rises_and_falls():
    rates = []

    class Rates(Callback):
        def on_batch_end(self, net, **kwargs):
            rates.append(net.optimizer_.param_groups[0]["lr"])

    tiny(lr=0.1, max_epochs=20, callbacks=[Rates()]).fit(images())
    assert len(rates) == 40
    assert rates[:3] == pytest.approx([0.0025, 0.0525, 0.1], rel=0.1)
    assert all(a > b for a, b in pairwise(rates[2:]))
    assert rates[-1] < 1e-3
    rates.clear()
    own = LRScheduler("StepLR", step_size=1, gamma=0.5)
    tiny(lr=0.1, max_epochs=3, callbacks=[own, Rates()]).fit(images())
    assert rates == pytest.approx([0.1, 0.1, 0.05, 0.05, 0.025, 0.025])


def test_propos_clusters_after_the_beginning():
    seen = []

    class Targets(Callback):
        def on_batch_end(self, net, batch=None, **kwargs):
            seen.append(batch[1])

    tiny("propos", max_epochs=3, callbacks=[Targets()]).fit(images())
    assert [target is None for target in seen] == [True] * 2 + [False] * 4
    assert set(torch.cat(seen[2:]).tolist()) <= {0, 1, 2, 3}
    assert torch.equal(*seen[-1].chunk(2))  # of both views


def test_prototypes_rest_in_the_first_epoch():
    found = []

    class Prototypes(Callback):
        def on_batch_end(self, net, **kwargs):
            found.append(net.module_.prototypes.detach().clone())

    tiny("swav", callbacks=[Prototypes()]).fit(images())
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[1], found[3])


def test_bfloat16_trains_and_transforms_in_float32(method):
    X = images()
    encoder = tiny(method, dtype="bfloat16").fit(X)
    other = tiny(method).fit(X)
    assert encoder.transform(X).dtype == np.float32
    assert next(encoder.module_.parameters()).dtype == torch.float32
    first, second = (each.history_["training"]["loss"] for each in (encoder, other))
    assert first != second
    np.testing.assert_allclose(first, second, rtol=0.1)


def test_what_is_learnt_is_found_by_a_clusterer():
    X = images(200)
    y = np.arange(200) % 2
    encoder = tiny(max_epochs=10, lr=1e-2, augment=Chain(RandomLightOf(0.1)))
    labels = make_pipeline(encoder, TEMI(2, loss="scan", random_state=0)).fit_predict(X)
    agreement = (labels == y).mean()
    assert max(agreement, 1 - agreement) > 0.95


class RandomLightOf:
    """Noise, an augmentation of the user's."""

    def __init__(self, strength):
        self.strength = strength

    def __call__(self, X):
        return X + self.strength * torch.randn_like(X)


# -- collapse, time ------------------------------------------------------------


def nothing(X):
    return torch.zeros_like(X)


def test_collapse_is_noticed_and_has_a_remedy(method):
    with pytest.warns(
        EmbeddingCollapseWarning, match="standard deviation of 0 "
    ) as record:
        tiny(method, augment=nothing).fit(images())
    (warning,) = [w for w in record if w.category is EmbeddingCollapseWarning]
    assert "try a smaller lr" in str(warning.message)
    assert warning.filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error", EmbeddingCollapseWarning)
        tiny(method).fit(images())


def test_the_time_is_said_at_the_beginning(capsys):
    tiny(verbose=1, max_epochs=2, batch_size=5).fit(images())
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("ContrastiveEncoder: 2 epochs of 12 steps will take about")
    assert first.endswith("on this CPU.")
    tiny(batch_size=5).fit(images())
    assert not capsys.readouterr().out


def test_a_long_training_is_announced_before_it_is_over(monkeypatch):
    monkeypatch.setattr(_net, "_LONG_SECONDS", 1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("error", LongTrainingWarning)
        with pytest.raises(LongTrainingWarning, match="12 steps will take") as caught:
            tiny(batch_size=5).fit(images())
    assert "A GPU is far faster" in str(caught.value)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.1, "1 seconds"), (80, "80 seconds"), (600, "10 minutes"), (7200, "2.0 hours")],
)
def test_times_in_words(seconds, words):
    assert _net._words(seconds) == words


# -- keeping -------------------------------------------------------------------


def test_memory_keeps_the_trained_network(method, tmp_path):
    X = images()
    first = tiny(method, memory=tmp_path).fit(X)
    again = tiny(method, memory=tmp_path, verbose=0).fit(X)
    np.testing.assert_array_equal(first.transform(X), again.transform(X))
    assert again.history_ == first.history_  # with its seconds: nothing was trained
    assert again.n_iter_ == 2
    assert len(list((tmp_path / "skdeepclust").iterdir())) == 1
    tiny(method, memory=tmp_path, lr=5e-3).fit(X)
    assert len(list((tmp_path / "skdeepclust").iterdir())) == 2


class Killed(BaseException):
    """In the place of kill -9: nothing catches it."""


@pytest.mark.parametrize("n_steps", [1, 2, 3, 5])
def test_a_checkpoint_goes_on_to_the_bit(method, tmp_path, n_steps, monkeypatch):
    X = images()
    whole = tiny(method, max_epochs=4).fit(X)
    place = FitCheckpoint(tmp_path / "state", updates=1)
    encoder = tiny(method, max_epochs=4, checkpoint=place)
    with monkeypatch.context() as patch:
        step, n_left = _net.ContrastiveNet.train_step, [n_steps]

        def counted(self, batch):
            n_left[0] -= 1
            if n_left[0] < 0:
                raise Killed
            return step(self, batch)

        patch.setattr(_net.ContrastiveNet, "train_step", counted)
        with pytest.raises(Killed):
            clone(encoder).fit(X)
    encoder.fit(X)
    np.testing.assert_array_equal(encoder.transform(X), whole.transform(X))
    for column in ("loss", "std", "rank"):
        ours, theirs = (e.history_["training"][column] for e in (encoder, whole))
        assert ours == theirs


def test_warm_start_trains_the_missing_epochs():
    X = images()
    encoder = tiny(max_epochs=2, warm_start=True).fit(X)
    first = encoder.history_["training"]["loss"]
    encoder.set_params(max_epochs=3).fit(X)
    assert encoder.n_iter_ == 3
    assert encoder.history_["training"]["loss"][:2] == first


# -- other methods on top ------------------------------------------------------


def test_the_network_goes_into_deepcluster():
    X = images()
    encoder = tiny().fit(X)
    deep = DeepCluster(2, module=encoder.module_, max_iter=1, batch_size=30, n_init=1)
    deep.set_params(random_state=0, device="cpu").fit(X)
    assert deep.transform(X).shape == (60, 8)
    untrained = clone(deep).set_params(max_iter=0).fit(X)
    np.testing.assert_allclose(untrained.transform(X), encoder.transform(X), atol=1e-5)


class Known(ClusterMixin, BaseEstimator):
    """Clusters that are known: a clusterer for ClusterFit."""

    def __init__(self, labels):
        self.labels = labels

    def fit_predict(self, Z, y=None):
        return np.asarray(self.labels)


def test_clusterfit_trains_a_fresh_network_on_clusters_of_another():
    X = images(200)
    labels = np.arange(200) % 2
    fresh = DeepCluster(
        2,
        **{"clusterer": Known(labels), "final_clusterer": "kmeans", "max_iter": 1},
        **{"epochs_per_round": 10, "module__widths": (4, 8), "random_state": 0},
        **{"batch_size": 32, "device": "cpu"},
    ).fit(X)
    agreement = (fresh.labels_ == labels).mean()
    assert max(agreement, 1 - agreement) > 0.95


def test_history_is_json(method):
    json.dumps(tiny(method).fit(images()).history_)


@pytest.mark.parametrize(
    ("n_samples", "size"),
    [(20, 20), (500, 32), (2000, 125), (10_000, 127), (50_000, 256)],
)
def test_batch_size_by_the_number_of_samples(n_samples, size):
    assert ContrastiveEncoder()._batches_of(n_samples)[1] == size
