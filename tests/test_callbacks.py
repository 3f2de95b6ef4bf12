"""Soft resets: weights part of the way back, new centres, no old momenta."""

import copy

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from skdeepclust import DEC, DeepCluster
from skdeepclust.callbacks import BRB


class Watch(Callback):
    """Keeps weights and centres as they are when an epoch begins."""

    def __init__(self, states):
        self.states = states

    def on_epoch_begin(self, net, **kwargs):
        if net.stage == "joint training":
            self.states.append(copy.deepcopy(net.module_.state_dict()))


@pytest.fixture
def around(make_dcec, digits):
    """Weights before and after the first reset, and the fitted estimator."""

    def fit(**params):
        before, after = [], []
        # Named, since skorch would run two of one class one after the other.
        callbacks = [
            ("before", Watch(before)),
            ("brb", BRB(every=2, **params)),
            ("after", Watch(after)),
        ]
        dcec = make_dcec(callbacks=callbacks, tol=0.0).fit(digits[0])
        return before[2], after[2], dcec

    return fit


def test_history_says_when(around):
    _, _, dcec = around()
    assert dcec.history_["clustering"]["reset"] == [0, 0, 1, 0]
    assert "reset" not in dcec.history_["pretraining"]


def test_encoder_and_centres_change_and_the_decoder_stays(around):
    before, after, _ = around()
    for name, weight in before.items():
        is_decoder = ".decoder." in name
        assert torch.equal(weight, after[name]) == is_decoder, name


def test_weights_keep_their_share(around):
    before, after, _ = around(retain=0.75)
    name = "autoencoder.encoder.0.weight"
    drawn = (after[name] - 0.75 * before[name]) / 0.25
    # Fresh Glorot weights of 4 filters of 1 x 5 x 5.
    assert drawn.abs().max() <= np.sqrt(6 / (25 + 100)) + 1e-4
    assert drawn.std() == pytest.approx(np.sqrt(6 / 125) / np.sqrt(3), rel=0.2)
    bias = "autoencoder.encoder.0.bias"
    torch.testing.assert_close(after[bias], 0.75 * before[bias])


def test_only_the_centres_with_all_of_the_weights_kept(around):
    before, after, _ = around(retain=1)
    changed = [name for name in before if not torch.equal(before[name], after[name])]
    assert changed == ["centers"]


def test_the_momenta_of_the_centres_are_forgotten(make_dcec, digits):
    seen = []

    class Look(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if net.stage == "joint training" and len(net.history) == 3:
                state = net.optimizer_.state
                module = net.module_
                weight = next(module.autoencoder.parameters())
                seen.append(state[module.centers]["exp_avg"].abs().sum())
                seen.append(state[weight]["exp_avg"].abs().sum())

    make_dcec(callbacks=[BRB(every=2), Look()], tol=0.0).fit(digits[0])
    assert seen[0] == 0 < seen[1]


def test_labels_are_those_of_predict_and_of_the_seed(around, digits):
    _, _, dcec = around()
    np.testing.assert_array_equal(dcec.labels_, dcec.predict(digits[0]))
    np.testing.assert_array_equal(dcec.labels_, around()[2].labels_)


def test_a_network_of_the_users(digits):
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.down, self.up = torch.nn.Linear(64, 3), torch.nn.Linear(3, 64)

        def encode(self, X):
            return self.down(X.flatten(1))

        def decode(self, Z):
            return self.up(Z).reshape(-1, 1, 8, 8)

    states = []
    params = {"pretrain_epochs": 1, "max_iter": 6, "update_interval": 3}
    dec = DEC(4, module=Net, callbacks=[BRB(every=1), Watch(states)], **params)
    dec.set_params(tol=0.0, random_state=0).fit(digits[0])
    assert dec.history_["clustering"]["reset"] == [0, 1]
    assert not torch.equal(states[0]["centers"], states[1]["centers"])


@pytest.mark.parametrize(
    ("params", "message"),
    [({"every": 0}, "every=0"), ({"retain": 0}, "retain=0"), ({"retain": 2}, "retain")],
)
def test_bad_parameters(make_dcec, digits, params, message):
    with pytest.raises(ValueError, match=message):
        make_dcec(callbacks=[BRB(**params)]).fit(digits[0])


def test_an_estimator_without_centres(digits):
    with pytest.raises(TypeError, match="BRB is for DEC, IDEC and DCEC"):
        DeepCluster(5, max_iter=1, callbacks=[BRB()], device="cpu").fit(digits[0])
