"""Networks of torchvision, with the preprocessing of their weights."""

from typing import Any

from torch import nn

from skdeepclust.encoders._named import (
    Wanted,
    checkpoint,
    load_strictly,
    missing,
    read_weights,
    similar,
)

__all__ = ["load"]

# Parts of a network that hold its last layer, in any of torchvision's networks.
_HEADS = ("fc", "classifier", "heads", "head")


def load(wanted: Wanted) -> tuple[Any, Any, dict[str, Any]]:
    """The network without its last layer, the transform, and its settings."""
    from torchvision import models

    name, _, tag = wanted.model.partition("/")
    weights = _weights(models, wanted, name, tag)
    path = wanted.weights or checkpoint(weights.url)
    if path is None and not wanted.download:
        size = (
            f"{weights.meta['_file_size']:,.0f} MB" if weights.meta else "size unknown"
        )
        raise missing(wanted, weights.url, size)
    network = models.get_model(name, weights=None, **_extras(name))
    head = _without_head(network, wanted)
    state = (
        weights.get_state_dict(progress=False, check_hash=True)
        if path is None
        else read_weights(path)
    )
    state = {
        key: value
        for key, value in state.items()
        if not key.startswith((f"{head}.", "AuxLogits.", "aux1.", "aux2."))
    }
    load_strictly(lambda: network.load_state_dict(state), wanted, path)
    transform = weights.transforms()
    settings = {"mean": transform.mean, "std": transform.std}
    settings["interpolation"] = transform.interpolation.value
    return network, transform, settings


def _weights(models, wanted, name, tag):
    known = models.list_models(module=models)
    if name not in known:
        raise ValueError(
            f"backbone={wanted.name!r}: torchvision has no such network. "
            f"{similar(name, known)} torchvision.models.list_models() lists all."
        )
    weights = models.get_model_weights(name)
    tag = tag or "DEFAULT"
    if tag not in weights.__members__:
        tags = ", ".join(each for each in weights.__members__ if each != "DEFAULT")
        raise ValueError(
            f"backbone={wanted.name!r}: {name} has no weights {tag!r}. It has {tags}."
        )
    return weights[tag]


def _extras(name) -> dict[str, Any]:
    """Arguments for networks whose pretrained form differs from the plain one."""
    if name in ("googlenet", "inception_v3"):
        return {"aux_logits": False, "init_weights": False, "transform_input": True}
    return {}


def _without_head(network, wanted) -> str:
    """Put an identity in place of the last linear layer; return its name.

    Layers before it stay, such as the norm in the head of ConvNeXt.
    """
    linear = [
        name
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear) and name.partition(".")[0] in _HEADS
    ]
    if not linear:
        raise ValueError(
            f"backbone={wanted.name!r} has no last linear layer to take away. Pass the "
            "part of the network that makes the features as an nn.Module."
        )
    parent, _, child = linear[-1].rpartition(".")
    setattr(network.get_submodule(parent), child, nn.Identity())
    return linear[-1]
