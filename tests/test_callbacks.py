"""Callbacks that change the model, and how training ends by one."""

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from skdeepclust import DCEC
from skdeepclust._joint import BaseJointEstimator, _StopRule


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
    assert "a callback or Ctrl-C at the end of an epoch" in dcec.stop_reason_
    assert len(dcec.history_["clustering"]["epoch"]) == 1
