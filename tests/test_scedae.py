"""SCEDAE: how its autoencoders differ, and what is made of them."""

from functools import partial

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.metrics import adjusted_rand_score
from tiny import tiny
from torch import nn

from skdeepclust import SCEDAE, Autoencoder, LandmarkSpectralClustering
from skdeepclust._geometry import nearest
from skdeepclust._random import derived_seed, root_seed


@pytest.fixture
def make():
    return partial(tiny, SCEDAE)


def test_one_autoencoder_is_landmark_spectral_clustering_of_its_embedding(make, digits):
    ensemble = make(n_autoencoders=1, n_init=20).fit(digits[0])
    embedding = ensemble.autoencoders_[0].transform(digits[0])
    seed = derived_seed(root_seed(ensemble.random_state), "spectral")
    alone = LandmarkSpectralClustering(4, random_state=seed).fit(embedding)
    # It moves the points to their centre first: equal but for rounding.
    landmarks = ensemble._spectral_.landmarks[0]
    np.testing.assert_allclose(alone.landmarks_, landmarks, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(
        np.abs(alone.embedding_), np.abs(ensemble.embedding_), atol=1e-3
    )
    assert adjusted_rand_score(alone.labels_, ensemble.labels_) == 1


def test_members_are_autoencoders_of_other_weights(make, digits):
    ensemble = make().fit(digits[0])
    first, second, _ = ensemble.autoencoders_
    assert isinstance(first, Autoencoder)
    assert not np.array_equal(first.transform(digits[0]), second.transform(digits[0]))
    again = clone(first).fit(digits[0])
    np.testing.assert_array_equal(
        again.transform(digits[0]), first.transform(digits[0])
    )


def test_labels_are_of_the_nearest_centre_in_the_embedding(make, digits):
    ensemble = make().fit(digits[0])
    expected = nearest(ensemble.embedding_, ensemble.cluster_centers_)
    np.testing.assert_array_equal(ensemble.labels_, expected)
    np.testing.assert_array_equal(ensemble.transform(digits[0]), ensemble.embedding_)
    assert list(ensemble.get_feature_names_out()) == [f"scedae{i}" for i in range(4)]


def described(ensemble):
    return [
        (a.max_epochs, a.get_params().get("module__hidden_dims"))
        for a in ensemble.autoencoders_
    ]


@pytest.mark.parametrize(
    ("vary", "expected"),
    [
        ("init", [(3, (8, 16)), (3, (8, 16)), (3, (8, 16))]),
        ("epochs", [(1, (8, 16)), (2, (8, 16)), (3, (8, 16))]),
        ("structure", [(3, (8, 16)), (3, (16, 8)), (3, (8, 16))]),
        ("all", [(1, (8, 16)), (2, (16, 8)), (3, (8, 16))]),
    ],
)
def test_how_the_members_differ(make, digits, vary, expected):
    ensemble = make(vary=vary).fit(digits[0])
    assert described(ensemble) == expected
    epochs = [len(table["epoch"]) for table in ensemble.history_.values()]
    assert epochs == [max_epochs for max_epochs, _ in expected]
    assert ensemble.n_iter_ == sum(epochs)
    assert list(ensemble.history_) == [f"autoencoder {i}" for i in range(3)]
    widths = [a.module_.encoder[0].out_features for a in ensemble.autoencoders_]
    assert widths == [hidden[0] for _, hidden in expected]


def test_epochs_are_never_none_and_orders_never_too_many(make, digits):
    ensemble = make(vary="epochs", max_epochs=2, n_autoencoders=5).fit(digits[0])
    assert [a.max_epochs for a in ensemble.autoencoders_] == [1, 1, 2, 2, 2]
    deep = make(vary="structure", module__hidden_dims=range(1, 30))
    deep.image_shape_ = None
    assert len(deep._structures()) == deep.n_autoencoders
    single = make(vary="structure", module__hidden_dims=8, n_autoencoders=2)
    single.image_shape_ = None
    assert single._structures() == [{"module__hidden_dims": (8,)}]


def test_structure_of_convolutional_networks(make):
    X = np.random.RandomState(0).rand(40, 2, 9, 7)
    ensemble = make(
        module="auto", vary="structure", n_autoencoders=2, module__filters=(2, 3)
    ).fit(X)
    channels = [a.module_.encoder[0].out_channels for a in ensemble.autoencoders_]
    assert channels == [2, 3]
    assert isinstance(ensemble.module_, nn.ModuleList)


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Linear(64, 3), nn.Linear(3, 64)

    def encode(self, X):
        return self.down(X.flatten(1))

    def decode(self, Z):
        return self.up(Z).unflatten(1, (1, 8, 8))


def test_own_network(make, digits):
    make = partial(make, image_shape=(8, 8))
    ensemble = make(module=Own).fit(digits[0])
    assert ensemble._spectral_.landmarks[0].shape[1] == 3
    with pytest.raises(ValueError, match=r'vary="structure" changes.*Pass vary="init"'):
        make(module=Own, vary="structure").fit(digits[0])


def test_processes_give_the_same_as_one_after_another(make, digits):
    # With one thread in either case the same to the bit.
    alone = make(n_jobs=1).fit(digits[0])
    together = make(n_jobs=2).fit(digits[0])
    np.testing.assert_array_equal(alone.embedding_, together.embedding_)
    np.testing.assert_array_equal(alone.labels_, together.labels_)
    assert len(together.history_["autoencoder 2"]["loss"]) == 3
    assert together.set_params(n_autoencoders=1)._n_at_once == 1


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_progress(make, digits, capsys, n_jobs):
    ensemble = make(n_jobs=n_jobs)
    ensemble.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(digits[0])
    shown = capsys.readouterr().out
    assert "SCEDAE" in shown
    assert ("pretraining" if n_jobs == 1 else "autoencoders") in shown


def test_verbose_and_callbacks_reach_the_members(make, digits, capsys):
    make(verbose=1, n_autoencoders=2).fit(digits[0])
    assert capsys.readouterr().out.count("train_loss") == 2


def test_threads_do_not_change_the_number_of_torch_threads(make, digits):
    before = torch.get_num_threads()
    make(n_jobs=2).fit(digits[0])
    assert torch.get_num_threads() == before
