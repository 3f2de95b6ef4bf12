"""What the nets make of skorch: callbacks, schedules, stops, failures."""

import copy
import time
import warnings

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.callback import ProgressBar as SklearnProgressBar
from skorch.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    GradientNormClipping,
    LRScheduler,
    ProgressBar,
)
from tiny import tiny_params
from torch import nn

from skdeepclust import DEC, IDEC, SCEDAE, Autoencoder, DeepCluster, NonFiniteLossError
from skdeepclust.base import TensorNet
from skdeepclust.networks import DenseAutoencoder

STOPPED = "a callback stopped the training"


class Recorder(Callback):
    """Writes what happens into a list of the user's."""

    def __init__(self, log):
        self.log = log

    def on_train_begin(self, net, **kwargs):
        self.log.append((net.stage, "begin"))

    def on_train_end(self, net, **kwargs):
        self.log.append((net.stage, "end"))

    def on_epoch_end(self, net, **kwargs):
        self.log.append((net.stage, net.history[-1, "train_loss"]))


class BatchRecorder(Callback):
    def __init__(self, log):
        self.log = log

    def on_batch_begin(self, net, batch, **kwargs):
        self.log.append(len(batch[0]))

    def on_batch_end(self, net, loss, y_pred, batch, **kwargs):
        self.log.append(loss.item())
        net.module_.eval()  # as a callback that scores would leave it

    def on_grad_computed(self, net, named_parameters, **kwargs):
        assert net.module_.training
        assert all(p.grad is not None for _, p in named_parameters)
        self.log.append("gradient")


def test_callbacks_run_in_both_stages(make_dcec, digits):
    log = []
    dcec = make_dcec(callbacks=[Recorder(log)]).fit(digits[0])
    stages = [stage for stage, _ in log]
    assert stages == ["pretraining"] * 4 + ["joint training"] * 6
    losses = [loss for _, loss in log if isinstance(loss, float)]
    assert losses == [
        *dcec.history_["pretraining"]["loss"],
        *dcec.history_["clustering"]["loss"],
    ]


def test_the_users_callback_object_keeps_its_state(make_dcec, digits):
    recorder = Recorder([])
    scheduler = LRScheduler("StepLR", step_size=1)
    before = copy.copy(vars(scheduler))
    make_dcec(callbacks=[("log", recorder), scheduler]).fit(digits[0])
    assert vars(scheduler) == before


def test_batch_hooks_see_every_batch_and_change_nothing(make_autoencoder, digits):
    log = []
    heard = make_autoencoder(callbacks=[BatchRecorder(log)]).fit(digits[0])
    unheard = make_autoencoder().fit(digits[0])
    assert log[:21:3] == [32] * 6 + [8]
    assert log[1::3] == ["gradient"] * 14
    for a, b in zip(
        heard.module_.parameters(), unheard.module_.parameters(), strict=True
    ):
        assert torch.equal(a, b)
    table = heard.history_["pretraining"]
    assert table["loss"] == unheard.history_["pretraining"]["loss"]
    batch_losses, sizes = np.array(log[2:21:3]), np.array(log[:21:3])
    mean = (batch_losses * sizes).sum() / 200
    assert table["loss"][0] == pytest.approx(mean, rel=1e-5)


def test_learning_rate_schedules_start_again_in_each_stage(make_dcec, digits):
    rates = {}

    class Rates(Callback):
        def on_epoch_begin(self, net, **kwargs):
            group = net.optimizer_.param_groups[0]
            rates.setdefault(net.stage, []).append(group["lr"])

    make_dcec(
        lr=0.01,
        max_iter=10,
        callbacks=[Rates(), LRScheduler("StepLR", step_size=1, gamma=0.5)],
    ).fit(digits[0])
    assert rates["pretraining"] == pytest.approx([0.01, 0.005])
    assert rates["joint training"] == pytest.approx([0.01, 0.005])


def test_early_stopping_ends_a_stage(make_dcec, digits):
    stopping = EarlyStopping("train_loss", patience=1, threshold=10)
    dcec = make_dcec(pretrain_epochs=50, callbacks=[stopping]).fit(digits[0])
    assert len(dcec.history_["pretraining"]["loss"]) == 2
    assert dcec.stop_reason_ == STOPPED
    assert not dcec.converged_
    np.testing.assert_array_equal(dcec.predict(digits[0]), dcec.labels_)


def test_arguments_of_a_callback(make_autoencoder, digits):
    autoencoder = make_autoencoder(
        max_epochs=30,
        callbacks=[EarlyStopping("train_loss", threshold=10)],
        callbacks__EarlyStopping__patience=3,
    ).fit(digits[0])
    assert autoencoder.n_iter_ == 4
    assert autoencoder.stop_reason_ == STOPPED


@pytest.mark.parametrize("callbacks", [[3], ["EarlyStopping"], [SklearnProgressBar()]])
def test_what_is_no_callback(make_dcec, digits, callbacks):
    with pytest.raises(TypeError, match="skorch callbacks.*set_callbacks"):
        make_dcec(callbacks=callbacks).fit(digits[0])


def test_a_default_callback_can_be_switched_off(make_dcec, digits, capsys):
    make_dcec(verbose=1, callbacks__print_log=None).fit(digits[0])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("callback", [EarlyStopping(), Checkpoint()])
def test_callbacks_that_wait_for_a_validation_loss(make_dcec, digits, callback):
    with pytest.raises(ValueError, match="no validation loss.*monitor='train_loss"):
        make_dcec(callbacks=[callback]).fit(digits[0])


@pytest.mark.filterwarnings("error:Unable to save")
def test_checkpoints(make_dcec, digits, tmp_path):
    checkpoint = Checkpoint("train_loss_best", dirname=tmp_path)
    dcec = make_dcec(callbacks=[checkpoint]).fit(digits[0])
    state = torch.load(tmp_path / "params.pt", weights_only=True)
    assert state.keys() == dcec.net_.module_.state_dict().keys()
    assert "event_cp" not in dcec.history_["clustering"]


def test_a_checkpoint_that_cannot_save_says_so(make_dcec, digits, tmp_path):
    (tmp_path / "params.pt").mkdir()
    checkpoint = Checkpoint("train_loss_best", dirname=tmp_path)
    with pytest.warns(RuntimeWarning, match="Unable to save"):
        make_dcec(callbacks=[checkpoint]).fit(digits[0])


def test_other_skorch_callbacks(make_dcec, digits, capsys):
    callbacks = [GradientNormClipping(1.0), ProgressBar()]
    make_dcec(callbacks=callbacks, verbose=1).fit(digits[0])
    output = capsys.readouterr()
    assert "train_loss" in output.out
    assert "label_change" in output.out
    assert "/7" in output.err  # batches


def test_silent_by_default(make_dcec, digits, capsys):
    make_dcec().fit(digits[0])
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("params", "stage"), [({"lr": 1e30}, "Pretraining"), ({}, "Joint training")]
)
def test_a_loss_that_is_not_finite(make_dcec, digits, params, stage):
    class Poison(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if net.stage == "joint training":
                net.module_.centers.data.fill_(torch.nan)

    dcec = make_dcec(callbacks=[Poison()], **params)
    with pytest.raises(NonFiniteLossError, match=rf"{stage} stopped.*scale X.*lr="):
        dcec.fit(digits[0])
    assert not [name for name in vars(dcec) if name.endswith("_")]


def test_a_weight_that_is_not_finite_after_the_last_step(make_autoencoder, digits):
    class Poison(Callback):
        def on_epoch_end(self, net, **kwargs):
            next(net.module_.parameters()).data.fill_(torch.inf)

    with pytest.raises(NonFiniteLossError, match="a weight"):
        make_autoencoder(max_epochs=1, callbacks=[Poison()]).fit(digits[0])


class Odd(DenseAutoencoder):
    """A network whose embedding has no gradient, or not all of whose weights have."""

    def __init__(self, input_shape, embedding_dim, kind):
        super().__init__(input_shape, embedding_dim, (8,))
        self.kind = kind
        if kind == "frozen":
            self.encoder.requires_grad_(False)
        if kind == "unused":
            self.extra = nn.Linear(3, 3)

    def encode(self, X):
        Z = super().encode(X)
        return Z.detach() if self.kind == "detached" else Z


def with_network(kind, module, **params):
    """A tiny estimator with a network of ours, which takes other arguments."""
    settings = tiny_params(kind, module=module, **params)
    return kind(**{k: v for k, v in settings.items() if k in params or "__" not in k})


NO_GRADIENT = "embedding of the network Odd has no gradient in the (pre|joint )training"


@pytest.mark.parametrize("kind", [Autoencoder, IDEC, DEC, SCEDAE])
def test_an_embedding_without_gradient_is_said(digits, kind):
    estimator = with_network(kind, Odd, module__kind="detached")
    with pytest.warns(RuntimeWarning, match=NO_GRADIENT):
        estimator.fit(digits[0])


@pytest.mark.parametrize("kind", [Autoencoder, IDEC, DEC])
@pytest.mark.parametrize("network", ["plain", "frozen", "unused"])
def test_an_embedding_with_a_gradient_or_frozen_weights_is_fine(digits, kind, network):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with_network(kind, Odd, module__kind=network).fit(digits[0])
    assert not [each for each in caught if "no gradient" in str(each.message)]


def test_features_without_gradient_are_said(digits):
    class Detached(nn.Module):
        def __init__(self, input_shape):
            super().__init__()
            self.layer = nn.Linear(int(np.prod(input_shape)), 4)

        def forward(self, X):
            return self.layer(X.flatten(1)).detach()

    with pytest.warns(RuntimeWarning, match="network Detached has no gradient"):
        with_network(DeepCluster, Detached).fit(digits[0])


def test_an_unbuilt_network_is_called_by_its_own_name(digits):
    class Empty(nn.Module):
        def encode(self, X):
            return X.flatten(1)[:, :3]

        def decode(self, Z):
            return Z.repeat(1, 30)[:, :64].reshape(-1, 1, 8, 8)

    with pytest.raises(ValueError, match="The network Empty has no weights"):
        with_network(Autoencoder, Empty).fit(digits[0])


def test_compiled_modules_keep_the_names_of_their_parameters(make_dcec, digits):
    params = {"compile": True, "compile__backend": "eager"}
    compiled = make_dcec(**params, max_iter=5).fit(digits[0])
    plain = make_dcec(max_iter=5).fit(digits[0])
    assert compiled.module_.state_dict().keys() == plain.module_.state_dict().keys()
    np.testing.assert_array_equal(compiled.labels_, plain.labels_)


def test_history_counts_time(make_autoencoder, digits):
    start = time.perf_counter()
    table = make_autoencoder().fit(digits[0]).history_["pretraining"]
    assert 0 < sum(table["dur"]) <= time.perf_counter() - start
    assert table["epoch"] == [1, 2]


# -- a net is there to be looked at ------------------------------------------


@pytest.mark.parametrize(
    "use",
    [
        lambda net, X: net.fit(X),
        lambda net, X: net.fit(X, None),
        lambda net, X: net.partial_fit(X),
        lambda net, X: net.predict(X),
        lambda net, X: net.predict_proba(X),
        lambda net, X: clone(net),
    ],
)
def test_what_a_net_refuses(make_dcec, digits, use):
    dcec = make_dcec().fit(digits[0])
    with pytest.raises(NotImplementedError, match="there to be looked at.*on the esti"):
        use(dcec.net_, digits[0])
    np.testing.assert_array_equal(dcec.predict(digits[0]), dcec.labels_)


def test_what_a_net_shows(make_dcec, digits):
    net = make_dcec(callbacks=[Recorder([])]).fit(digits[0]).net_
    assert isinstance(net, TensorNet)
    assert net.module_.centers.shape == (5, 4)
    assert net.optimizer_.param_groups
    assert len(net.history) == 4
    assert "Recorder" in dict(net.callbacks_)
    assert not hasattr(net, "criterion_")
    assert copy.deepcopy(net).history == net.history
