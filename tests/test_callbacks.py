"""Callbacks that change the model, and how training ends by one."""

from typing import ClassVar

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback, Checkpoint, EarlyStopping, LRScheduler

from skdeepclust import DCEC, DEC, IDEC, SCEDAE, Autoencoder, DeepCluster
from skdeepclust._joint import BaseJointEstimator, _StopRule
from skdeepclust.networks import DenseAutoencoder


class MoveCenters(Callback):
    """Swaps the centres at the beginning of the third interval."""

    def on_epoch_begin(self, net, **kwargs):
        moves = net.stage == "joint training" and len(net.history) == 3
        if moves:
            with torch.no_grad():
                net.module_.centers.copy_(net.module_.centers.flip(0))
        if net.stage == "joint training":
            net.history.record("moved", int(moves))


class Idle(MoveCenters):
    def on_epoch_begin(self, net, **kwargs):
        pass


@pytest.fixture
def counted(monkeypatch, make_dcec, digits):
    """Fit with a callback; return the estimator, centres of its updates, resets."""

    def fit(callback):
        made, resets = [], []
        refresh, reset = BaseJointEstimator._refresh, _StopRule.reset

        def counting_refresh(self, net, data):
            result = refresh(self, net, data)
            made.append(net.module_.centers.detach().clone())
            return result

        def counting_reset(self):
            resets.append(self)
            reset(self)

        with monkeypatch.context() as patch:
            patch.setattr(BaseJointEstimator, "_refresh", counting_refresh)
            patch.setattr(_StopRule, "reset", counting_reset)
            dcec = make_dcec(callbacks=[callback], tol=0.0).fit(digits[0])
        return dcec, made, resets

    return fit


def test_targets_follow_centres_that_a_callback_moved(counted, digits):
    _, plain, plain_resets = counted(Idle())
    dcec, made, resets = counted(MoveCenters())
    assert dcec.history_["clustering"]["moved"] == [0, 0, 1, 0]
    assert len(made) == len(plain) + 1
    assert torch.equal(made[3], made[2].flip(0))  # updated with the moved centres
    assert len(resets) == len(plain_resets) + 1
    np.testing.assert_array_equal(dcec.labels_, dcec.predict(digits[0]))


def test_a_stop_from_a_helper_of_a_callback_ends_the_stage(digits, make_dcec):
    class Stopper(Callback):
        def on_epoch_end(self, net, **kwargs):
            self.decide(net)

        def decide(self, net):
            if net.stage == "joint training":
                raise KeyboardInterrupt

    dcec = make_dcec(callbacks=[Stopper()], tol=0.0).fit(digits[0])
    assert isinstance(dcec, DCEC)
    assert "a callback stopped" in dcec.stop_reason_
    assert len(dcec.history_["clustering"]["epoch"]) == 1


JOINT = ["label_change", "clustering_loss", "n_effective_clusters"]


class Noting(EarlyStopping):
    """Stops nothing, and writes down the stage whenever it is asked."""

    stages: ClassVar[list] = []

    def on_epoch_end(self, net, **kwargs):
        self.stages.append(net.stage)


@pytest.mark.parametrize("monitor", [*JOINT, "reconstruction_loss", "train_loss"])
def test_a_callback_acts_in_the_stage_of_its_column(make_dcec, digits, monitor):
    Noting.stages.clear()
    make_dcec(callbacks=[Noting(monitor=monitor)], tol=0.0).fit(digits[0])
    both, second = {"pretraining", "joint training"}, {"joint training"}
    assert set(Noting.stages) == (both if monitor == "train_loss" else second)


@pytest.mark.parametrize(
    "callback",
    [
        EarlyStopping(monitor="label_change", patience=1, threshold=1.0),
        LRScheduler("ReduceLROnPlateau", monitor="n_effective_clusters"),
        Checkpoint(monitor="clustering_loss_best", f_pickle=None),
    ],
)
def test_skorchs_callbacks_on_columns_of_joint_training(
    make_dcec, digits, tmp_path, callback
):
    if isinstance(callback, Checkpoint):
        callback.dirname = str(tmp_path)
        callback.monitor = lambda net: net.stage == "joint training"
    dcec = make_dcec(callbacks=[callback], tol=0.0).fit(digits[0])
    assert len(dcec.history_["pretraining"]["loss"]) == 2
    if isinstance(callback, EarlyStopping):
        assert "callback" in dcec.stop_reason_


@pytest.mark.parametrize("method", [DCEC, IDEC, DEC, SCEDAE, Autoencoder, DeepCluster])
def test_a_column_of_no_stage_is_refused_with_the_list(method, digits):
    estimator = method(callbacks=[EarlyStopping(monitor="foo")])
    with pytest.raises(ValueError, match="'foo'.*no column.*by stage.*train_loss"):
        estimator.fit(digits[0])


def test_a_frozen_network(digits):
    network = DenseAutoencoder((64,), 3, hidden_dims=(8,)).requires_grad_(False)
    params = {"module": network, "max_iter": 5, "random_state": 0, "device": "cpu"}
    with pytest.raises(ValueError, match="frozen.*pretrain_epochs=0"):
        IDEC(3, **params).fit(digits[0])
    assert IDEC(3, pretrain_epochs=0, **params).fit(digits[0]).n_iter_ == 5


def test_a_network_without_weights(digits):
    class Empty(torch.nn.Module):
        def encode(self, X):
            return X[:, :3]

        def decode(self, Z):
            return Z.repeat(1, 22)[:, :64]

    with pytest.raises(ValueError, match="has no weights"):
        IDEC(3, module=Empty, device="cpu").fit(digits[0])


def test_estimators_share_no_network_of_a_factory(digits):
    network = DenseAutoencoder((64,), 3, hidden_dims=(8,))
    before = [p.clone() for p in network.parameters()]
    params = {"module": lambda: network, "pretrain_epochs": 2, "max_iter": 4}
    first = IDEC(3, **params, random_state=0).fit(digits[0])
    Z = first.transform(digits[0])
    second = IDEC(3, **params, random_state=0).fit(digits[0])
    np.testing.assert_array_equal(first.transform(digits[0]), Z)
    np.testing.assert_array_equal(second.transform(digits[0]), Z)
    for p, old in zip(network.parameters(), before, strict=True):
        assert torch.equal(p, old)


def test_a_network_is_tried_on_samples_of_X(digits):
    class UnitInput(DenseAutoencoder):
        def encode(self, X):
            return super().encode(X / X.norm(dim=1, keepdim=True))

    assert IDEC(3, module=UnitInput, pretrain_epochs=1, max_iter=1).fit(digits[0])
