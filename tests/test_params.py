"""Parameters passed on to skorch: stored, searched, and checked."""

import pytest
import torch
from sklearn.base import clone

from skdeepclust import DCEC, DEC, Autoencoder, NonFiniteLossError


def test_prefixed_parameters_are_parameters():
    dcec = DCEC(module__filters=(4, 8), optimizer__weight_decay=0.1)
    params = dcec.get_params()
    assert params["module__filters"] == (4, 8)
    assert params["optimizer__weight_decay"] == 0.1
    assert clone(dcec).get_params() == params
    assert dcec.set_params(module__filters=(5,), gamma=0.3) is dcec
    assert dcec.get_params()["module__filters"] == (5,)
    assert dcec.gamma == 0.3
    assert "module__filters=(5,)" in repr(dcec)


def test_a_clone_does_not_share_them():
    original = DCEC(module__filters=(4, 8))
    clone(original).set_params(module__filters=(1,))
    assert original.get_params()["module__filters"] == (4, 8)


@pytest.mark.parametrize("name", ["n_cluster", "modul__filters", "criterion", "lr_"])
def test_unknown_names_are_listed_with_what_is_accepted(name):
    with pytest.raises(TypeError, match=rf"\['{name}'\].*gamma.*module__\*"):
        DCEC(**{name: 1})
    with pytest.raises(ValueError, match=rf"\['{name}'\].*n_clusters.*optimizer__\*"):
        DCEC().set_params(**{name: 1})


def test_the_catch_all_is_refused_by_fit(digits):
    with pytest.raises(TypeError, match="skorch"):
        DCEC(skorch={"a": 1}).fit(digits[0])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"module__depth": 3}, r"module__depth.*'filters'"),
        ({"optimizer__weight_decai": 3}, r"optimizer__weight_decai.*'weight_decay'"),
        ({"callbacks__EarlyStoping__patience": 3}, "names no callback"),
    ],
)
def test_unknown_arguments_are_found_before_training(
    make_dcec, digits, params, message
):
    with pytest.raises(ValueError, match=message):
        make_dcec(**params).fit(digits[0])


def test_weight_decay_arrives_in_both_stages(make_dcec, digits):
    dcec = make_dcec(optimizer__weight_decay=0.5).fit(digits[0])
    assert dcec.net_.optimizer_.param_groups[0]["weight_decay"] == 0.5
    plain = make_dcec().fit(digits[0])
    losses = [est.history_["pretraining"]["loss"][-1] for est in (dcec, plain)]
    assert losses[0] != losses[1]


@pytest.mark.parametrize(
    "params",
    [
        {"n_clusters": 0},
        {"n_clusters": 2.5},
        {"gamma": -1},
        {"alpha": 0},
        {"embedding_dim": 0},
        {"image_shape": "28x28"},
        {"module": "convolutional"},
        {"pretrain_epochs": -1},
        {"max_iter": -1},
        {"update_interval": 0},
        {"tol": -1},
        {"batch_size": 0},
        {"lr": 0},
        {"optimizer": "adam"},
        {"n_init": 0},
        {"callbacks": "all"},
        {"device": 3},
        {"memory": 3},
        {"verbose": "loud"},
        {"random_state": "seed"},
    ],
)
def test_values_are_checked_in_scikit_learns_words(params, digits):
    (name,) = params
    with pytest.raises(ValueError, match=f"The '{name}' parameter of DCEC must be"):
        DCEC(**params).fit(digits[0])


def test_optimizers_other_than_adam(make_autoencoder, digits):
    for optimizer in (torch.optim.SGD, torch.optim.RMSprop, torch.optim.LBFGS):
        autoencoder = make_autoencoder(optimizer=optimizer, lr=0.01).fit(digits[0])
        first, last = autoencoder.history_["pretraining"]["loss"]
        assert last < first


def test_fused_step_is_the_users_choice(make_autoencoder, digits):
    fused = make_autoencoder().fit(digits[0])
    assert fused.net_.optimizer_.defaults["fused"] is True
    plain = make_autoencoder(optimizer__fused=False).fit(digits[0])
    assert not plain.net_.optimizer_.defaults["fused"]
    a, b = (est.history_["pretraining"]["loss"][-1] for est in (fused, plain))
    assert a == pytest.approx(b, rel=1e-4)


def test_the_catch_all_argument_is_no_parameter():
    assert "skorch" not in Autoencoder().get_params()


def test_arguments_of_the_compiler(make_autoencoder, digits):
    for params, message in [
        ({"compile__mode": "default"}, "compile__mode has no effect without compile=T"),
        ({"compile__foo": 1}, "compile takes no argument for compile__foo. It takes"),
        ({"compile": False, "compile__foo": 1}, "no argument for compile__foo"),
        ({"compile": True, "compile__model": 1}, "no argument for compile__model"),
    ]:
        with pytest.raises(ValueError, match=message):
            make_autoencoder(**params).fit(digits[0])
    # A search may try both values of compile.
    make_autoencoder(compile=False, compile__mode="default").fit(digits[0])


def test_a_learning_rate_of_pretraining_is_called_by_its_name(digits):
    dec = DEC(2, module__hidden_dims=(8,), pretrain_lr=1e30, pretrain_epochs=1)
    with pytest.raises(NonFiniteLossError, match=r"\(pretrain_lr=1e\+30 now"):
        dec.fit(digits[0])
