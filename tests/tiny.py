"""Tiny settings, with which an estimator is fitted in a moment."""

from skdeepclust import DCEC, DEC, IDEC, SCEDAE, Autoencoder, DeepCluster

CONV = {"module__filters": (4, 8, 8), "embedding_dim": 4}
DENSE = {"module__hidden_dims": (16,), "embedding_dim": 4}
ALWAYS = {"batch_size": 32, "random_state": 0, "device": "cpu"}
JOINT = {"n_clusters": 5, "max_iter": 20, "update_interval": 5, "n_init": 2}
DIGITS = {"image_shape": (8, 8)}

SETTINGS = {
    Autoencoder: {"max_epochs": 2, **CONV, **DIGITS},
    # The paper's; our defaults are tested by name.
    DCEC: {
        "pretrain_epochs": 2,
        "augment": None,
        "init": "kmeans",
        "n_iter_no_change": None,
        **JOINT,
        **CONV,
        **DIGITS,
    },
    IDEC: {"pretrain_epochs": 3, **JOINT, **DENSE},
    DEC: {"pretrain_epochs": 3, **JOINT, **DENSE},
    DeepCluster: {
        "n_clusters": 5,
        "max_iter": 2,
        "epochs_per_round": 1,
        "n_init": 2,
        "module__widths": (8,),
        **DIGITS,
    },
    SCEDAE: {
        "n_clusters": 4,
        "n_autoencoders": 3,
        "max_epochs": 3,
        "n_init": 2,
        **DENSE,
        "module__hidden_dims": (8, 16),
    },
}


def tiny_params(kind, **params):
    """Parameters of a tiny estimator; arguments of our networks only if they fit."""
    settings = {**ALWAYS, **SETTINGS[kind]}
    is_dense = params.get("image_shape", "") is None or params.get("module") == "dense"
    if kind in (Autoencoder, DCEC) and is_dense:
        del settings["module__filters"]
        settings |= DENSE
    elif kind is DeepCluster and ("module" in params or is_dense):
        del settings["module__widths"]
    elif kind is SCEDAE and ("module" in params or "module__filters" in params):
        del settings["module__hidden_dims"]
    return {**settings, **params}


def tiny(kind, **params):
    """An estimator that is small enough for a test."""
    return kind(**tiny_params(kind, **params))
