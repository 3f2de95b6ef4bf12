"""Image towers of open_clip, with the preprocessing of their weights."""

import os
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from skdeepclust.encoders._named import (
    Wanted,
    hub_file,
    load_strictly,
    missing,
    similar,
    size_of,
)

__all__ = ["load"]

_FILES = (
    *("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors"),
    "open_clip_pytorch_model.bin",
)


class _Tower(nn.Module):
    """The part of a model that encodes images."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        return self.model.encode_image(images)


def load(wanted: Wanted) -> tuple[Any, Any, dict[str, Any]]:
    """The image tower, the transform of an image, and its settings."""
    import open_clip

    name, _, tag = wanted.model.partition("/")
    config = _config(open_clip, wanted, name, tag)
    path = wanted.weights or _on_disk(config)
    if path is None and not wanted.download:
        size = size_of(
            lambda: _model(open_clip, name, {"load_weights": False, "device": "meta"})[
                0
            ]
        )
        raise missing(wanted, _source(config), size)
    settings = {
        "pretrained": tag if path is None else str(path),
        "force_quick_gelu": bool(config.get("quick_gelu", False)),
        **{
            f"image_{key}": config[key]
            for key in ("mean", "std", "interpolation", "resize_mode")
            if key in config
        },
    }
    model, transform = load_strictly(
        lambda: _model(open_clip, name, settings), wanted, path
    )
    known = open_clip.get_model_preprocess_cfg(model)
    found = {key: known[key] for key in ("mean", "std", "interpolation")}
    return _Tower(model), transform, found


def _model(open_clip, name, settings):
    # Towers of text that would be fetched from elsewhere are not.
    model, _, transform = open_clip.create_model_and_transforms(
        name, pretrained_text=False, weights_only=True, **settings
    )
    return model, transform


def _config(open_clip, wanted, name, tag) -> dict[str, Any]:
    """Configuration of the weights; empty if they are the user's own."""
    if name not in open_clip.list_models():
        raise ValueError(
            f"backbone={wanted.name!r}: open_clip has no model {name!r}. "
            f"{similar(name, open_clip.list_models())} open_clip.list_models() has all."
        )
    config = open_clip.get_pretrained_cfg(name, tag) if tag else {}
    if not config and not (wanted.weights is not None and not tag):
        known = ", ".join(open_clip.list_pretrained_tags_by_model(name)) or "none"
        raise ValueError(
            f"backbone={wanted.name!r} needs the tag of its weights, as in "
            f"'open_clip:{name}/TAG'. {name} has {known}. Or pass weights, the path of "
            "a file."
        )
    return dict(config)


def _on_disk(config) -> Path | None:
    if config.get("hf_hub"):
        repository, file = os.path.split(config["hf_hub"])
        found = hub_file(repository, (file,) if file else _FILES)
        if found is not None:
            return found
    file = config.get("url", "").rpartition("/")[2]
    path = Path.home() / ".cache" / "clip" / file
    return path if file and path.is_file() else None


def _source(config) -> str:
    if config.get("hf_hub"):
        return f"https://huggingface.co/{os.path.split(config['hf_hub'])[0]}"
    return config.get("url", "")
