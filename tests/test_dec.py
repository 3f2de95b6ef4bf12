"""DEC and IDEC: what sets them apart from DCEC."""

import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback
from tiny import tiny_params

from skdeepclust import (
    DCEC,
    DEC,
    IDEC,
    clustering_kl,
    soft_assignment,
    target_distribution,
)
from skdeepclust.metrics import silhouette_scorer
from skdeepclust.networks import ConvAutoencoder, ResidualAutoencoder

TINY = tiny_params(DEC)


class Nets(Callback):
    def __init__(self, log):
        self.log = log

    def on_train_begin(self, net, **kwargs):
        self.log.append((net.stage, type(net.optimizer_), net.optimizer_.defaults))


@pytest.mark.parametrize("method", [DEC, IDEC])
def test_flattened_unless_asked(method, digits):
    images = digits[0].reshape(-1, 8, 8)
    dense = method(**TINY).fit(images)
    assert isinstance(dense.module_, ResidualAutoencoder)
    assert dense.image_shape_ == (1, 8, 8)
    params = {k: v for k, v in TINY.items() if k != "module__hidden_dims"}
    for module in ("conv", "auto"):
        conv = method(**params, module=module, module__filters=(4, 8, 8)).fit(images)
        assert isinstance(conv.module_, ConvAutoencoder)


def test_idec_is_dcec_with_a_network_for_rows(digits):
    idec = IDEC(**TINY).fit(digits[0])
    dcec = DCEC(**TINY, augment=None, image_shape=None).fit(digits[0])
    np.testing.assert_array_equal(idec.transform(digits[0]), dcec.transform(digits[0]))
    np.testing.assert_array_equal(idec.cluster_images_, dcec.cluster_images_)
    assert idec.cluster_images_.shape == (5, 64)
    changed = {
        name
        for name, value in DCEC().get_params().items()
        if IDEC().get_params()[name] != value
    }
    assert changed == {"module", "augment"}


def test_dec_has_no_reconstruction_loss_and_leaves_the_decoder_alone(digits):
    start = DEC(**{**TINY, "max_iter": 0}).fit(digits[0])
    dec = DEC(**TINY).fit(digits[0])
    assert "reconstruction_loss" not in dec.history_["clustering"]
    table = dec.history_["clustering"]
    assert table["loss"] == table["clustering_loss"]
    for name, value in dec.module_.named_parameters():
        before = dict(start.module_.named_parameters())[name]
        assert torch.equal(value, before) == name.startswith(("decoder", "from_"))
    assert not hasattr(dec, "inverse_transform")
    assert not hasattr(dec, "cluster_images_")
    assert not np.array_equal(dec.cluster_centers_, start.cluster_centers_)


def test_the_loss_of_dec_is_the_divergence(digits):
    X, _ = digits
    params = {**TINY, "batch_size": 200, "init": "kmeans"}
    start = DEC(**{**params, "max_iter": 0}).fit(X)
    table = DEC(**{**params, "max_iter": 1}).fit(X).history_["clustering"]
    Z = torch.tensor(start.transform(X), dtype=torch.float64)
    Q = soft_assignment(Z, torch.tensor(start.cluster_centers_, dtype=torch.float64))
    expected = float(clustering_kl(target_distribution(Q), Q))
    assert table["loss"][0] == pytest.approx(expected, rel=1e-4)


def test_optimisers_of_the_two_stages_of_dec(digits):
    log = []
    DEC(**TINY, callbacks=[Nets(log)]).fit(digits[0])
    (first, adam, _), (second, sgd, defaults) = log
    assert (first, second) == ("pretraining", "joint training")
    assert (adam, sgd) == (torch.optim.Adam, torch.optim.SGD)
    assert (defaults["lr"], defaults["momentum"]) == (0.01, 0.9)
    log = []
    DEC(
        **TINY,
        callbacks=[Nets(log)],
        optimizer__momentum=0.5,
        optimizer__nesterov=True,
        pretrain_optimizer=torch.optim.RMSprop,
        pretrain_lr=0.02,
    ).fit(digits[0])
    assert log[0][1] is torch.optim.RMSprop
    assert log[0][2]["lr"] == 0.02
    assert (log[1][2]["momentum"], log[1][2]["nesterov"]) == (0.5, True)
    log = []
    DEC(**TINY, callbacks=[Nets(log)], optimizer=torch.optim.Adam).fit(digits[0])
    assert log[1][1] is torch.optim.Adam


@pytest.mark.parametrize("method", [DEC, IDEC])
def test_pretraining_is_cached(method, digits, tmp_path):
    params = {**TINY, "memory": str(tmp_path)}
    first = method(**params).fit(digits[0])
    second = method(**params).set_params(tol=0.5).fit(digits[0])
    third = method(**params).set_params(lr=0.1, embedding_dim=3).fit(digits[0])
    # Seconds and all: it was not trained again.
    assert second.history_["pretraining"] == first.history_["pretraining"]
    assert third.history_["pretraining"] != first.history_["pretraining"]


# -- where joint training starts ---------------------------------------------


@pytest.mark.parametrize("method", [DCEC, DEC, IDEC])
def test_init_by_another_clusterer(method, digits):
    X, _ = digits
    params = {**TINY, "module": "dense", "max_iter": 0}
    mixture = GaussianMixture(covariance_type="diag")
    model = method(**params, init=mixture).fit(X)
    Z = model.transform(X)
    for each in range(5):
        mean = Z[model.init_labels_ == each].mean(axis=0)
        np.testing.assert_allclose(model.cluster_centers_[each], mean, atol=1e-4)
    np.testing.assert_array_equal(model.labels_, model.predict(X))
    assert not hasattr(mixture, "means_")


def test_init_by_given_centers(digits):
    X, _ = digits
    params = {**TINY, "max_iter": 0}
    Z = IDEC(**params).fit(X).transform(X)
    given = Z[:5].copy()
    idec = IDEC(**params, init=given).fit(X)
    np.testing.assert_array_equal(idec.cluster_centers_, given)
    trained = IDEC(**TINY, init=given).fit(X)
    assert not np.array_equal(trained.cluster_centers_, given)
    np.testing.assert_array_equal(given, Z[:5])
    with pytest.raises(ValueError, match=r"got shape \(3, 4\)"):
        IDEC(**params, init=given[:3]).fit(X)
    with pytest.raises(ValueError, match=r"shape \(5, 4\); got shape \(5, 3\)"):
        IDEC(**params, init=given[:, :3]).fit(X)


def test_search_reaches_into_init(digits):
    search = GridSearchCV(
        IDEC(**TINY, init=GaussianMixture(covariance_type="diag")),
        {"init__covariance_type": ["diag", "spherical"]},
        scoring=silhouette_scorer,
        cv=2,
        error_score="raise",
    ).fit(digits[0])
    assert len(search.cv_results_["params"]) == 2
