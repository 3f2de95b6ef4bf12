"""Networks of timm, with the preprocessing of their configuration."""

from pathlib import Path
from typing import Any

from skdeepclust.encoders._named import (
    Wanted,
    checkpoint,
    hub_file,
    load_strictly,
    missing,
    read_weights,
    similar,
    size_of,
)

__all__ = ["load"]

_SETTINGS = ("mean", "std", "interpolation")

_FILES = ("model.safetensors", "pytorch_model.bin")


def load(wanted: Wanted) -> tuple[Any, Any, dict[str, Any]]:
    """The network without its last layer, the transform, and its settings."""
    import timm
    from timm.data import create_transform, resolve_model_data_config

    config = _config(timm, wanted)
    path = wanted.weights or _on_disk(config)
    if path is None and not wanted.download:
        raise missing(
            wanted,
            _source(wanted, config),
            size_of(lambda: timm.create_model(wanted.model, pretrained=False)),
        )
    network = load_strictly(lambda: _network(timm, wanted, config, path), wanted, path)
    network.reset_classifier(0)
    settings = resolve_model_data_config(network)
    transform = create_transform(**settings, is_training=False)
    return network, transform, {key: settings[key] for key in _SETTINGS}


def _config(timm, wanted):
    if not timm.is_model(wanted.model.partition(".")[0]):
        raise ValueError(
            f"backbone={wanted.name!r}: timm {timm.__version__} has no such network. "
            f"{similar(wanted.model, timm.list_models())} timm.list_models() lists all."
        )
    try:
        return timm.get_pretrained_cfg(wanted.model)
    except RuntimeError as error:
        raise ValueError(f"backbone={wanted.name!r}: {error}") from error


def _on_disk(config) -> Path | None:
    """The file with the weights, if it is on this computer."""
    if config is None:
        return None
    if config.file:
        return Path(config.file)
    if config.hf_hub_id:
        names = (config.hf_hub_filename,) if config.hf_hub_filename else _FILES
        found = hub_file(config.hf_hub_id, names)
        if found is not None:
            return found
    return checkpoint(config.url) if config.url else None


def _source(wanted, config) -> str:
    if config is not None and config.hf_hub_id:
        return f"https://huggingface.co/{config.hf_hub_id}"
    if config is not None and config.url:
        return config.url
    raise ValueError(
        f"backbone={wanted.name!r}: timm has no weights for this network. Pass "
        "weights, the path of a file that holds them."
    )


def _network(timm, wanted, config, path):
    """The network with all of its weights, those of the last layer included.

    Without a last layer timm would load whatever fits, and leave the rest at random.
    """
    if path is None:  # fetched by timm
        return timm.create_model(wanted.model, pretrained=True)
    if config is not None and config.custom_load:
        overlay: dict[str, Any] = {"file": str(path)}
        return timm.create_model(
            wanted.model, pretrained=True, pretrained_cfg_overlay=overlay
        )
    state = read_weights(path)
    n_classes = _n_classes(config, state)
    overlay = {"state_dict": state, "num_classes": n_classes}
    return timm.create_model(
        wanted.model,
        pretrained=True,
        num_classes=n_classes,
        pretrained_cfg_overlay=overlay,
    )


def _n_classes(config, state) -> int:
    """Number of classes of the last layer; 0: the weights have no such layer."""
    names = () if config is None else config.classifier or ()
    names = (names,) if isinstance(names, str) else names
    found = [state[f"{n}.weight"] for n in names if f"{n}.weight" in state]
    if found:
        return len(found[0]) - int(config.label_offset or 0)
    # Weights in another format have the layer under another name.
    is_plain = any(name.startswith(_first_of(config)) for name in state)
    return 0 if is_plain or config is None else config.num_classes


def _first_of(config) -> str:
    first = () if config is None else config.first_conv or ()
    return first if isinstance(first, str) else (first or ("?",))[0]
