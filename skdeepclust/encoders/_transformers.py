"""Networks of transformers, with their image processors."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from skdeepclust.encoders._named import Wanted, load_strictly, missing, size_of

__all__ = ["load"]

# Weights in MB, of their configurations: a name alone does not tell the size, as it
# does for libraries that hold the configurations of all networks.
_SIZES = {
    **{"facebook/dinov2-small": 88, "facebook/dinov2-base": 346},
    **{"facebook/dinov2-large": 1217, "facebook/dinov2-giant": 4546},
    **{"facebook/convnext-tiny-224": 114, "microsoft/resnet-50": 102},
    **{"google/vit-base-patch16-224": 346, "google/vit-base-patch16-224-in21k": 346},
    **{"openai/clip-vit-base-patch32": 605, "openai/clip-vit-base-patch16": 598},
    **{"openai/clip-vit-large-patch14": 1710, "google/siglip-base-patch16-224": 813},
}


class _Features(nn.Module):
    """A network of transformers as a module from images to rows."""

    def __init__(self, network, has_pooler):
        super().__init__()
        self.network = network
        self.has_pooler = has_pooler

    def forward(self, images: Tensor) -> Tensor:
        if hasattr(self.network, "get_image_features"):  # such as CLIP's
            found = self.network.get_image_features(pixel_values=images)
            return found if torch.is_tensor(found) else found.pooler_output
        output = self.network(pixel_values=images)
        pooled = getattr(output, "pooler_output", None)
        if self.has_pooler and pooled is not None:
            return pooled.flatten(1)
        hidden = output.last_hidden_state
        return hidden[:, 0] if hidden.ndim == 3 else hidden


class _Processor:
    """An image processor as a function of one image."""

    def __init__(self, processor):
        self.processor = processor

    def __call__(self, image: Any) -> Tensor:
        return self.processor(images=image, return_tensors="pt")["pixel_values"][0]

    def __repr__(self) -> str:
        return repr(self.processor)


def load(wanted: Wanted) -> tuple[Any, Any, dict[str, Any]]:
    """The network, the transform of an image, and its settings."""
    from transformers import AutoImageProcessor, AutoModel

    if wanted.weights is not None:
        raise ValueError(
            "weights is for the other libraries: transformers keeps configuration and "
            "weights in one folder. Pass backbone='transformers:FOLDER'."
        )
    if wanted.model.startswith((".", "/", "~")):
        folder = Path(wanted.model).expanduser()
        if not folder.is_dir():
            raise FileNotFoundError(
                f"backbone={wanted.name!r}: there is no folder {str(folder)!r}."
            )
        wanted = wanted._replace(model=str(folder))
    settings = {"local_files_only": not wanted.download, "trust_remote_code": False}
    try:
        processor = AutoImageProcessor.from_pretrained(wanted.model, **settings)
        network, report = load_strictly(
            lambda: AutoModel.from_pretrained(
                wanted.model, output_loading_info=True, **settings
            ),
            wanted,
            None,
        )
    except OSError as error:
        raise _not_found(wanted, error) from error
    lost = sorted(report["missing_keys"])
    others = [name for name in lost if not name.startswith("pooler.")]
    if others or report["mismatched_keys"]:
        raise ValueError(
            f"The weights of backbone={wanted.name!r} do not fit the network: "
            f"{', '.join(others[:5]) or report['mismatched_keys']} would be at random."
        )
    # Networks trained with another head have no pooler; it would be at random.
    features = _Features(network.float(), has_pooler=not lost)
    return features, _Processor(processor), _settings(processor)


def _settings(processor) -> dict[str, Any]:
    from PIL import Image

    found: dict[str, Any] = {}
    if getattr(processor, "do_normalize", False):
        found["mean"] = list(processor.image_mean)
        found["std"] = list(processor.image_std)
    resample = getattr(processor, "resample", None)
    if resample is not None:
        found["interpolation"] = Image.Resampling(int(resample)).name.lower()
    return found


def _not_found(wanted, error):
    if Path(wanted.model).exists() or wanted.download:
        return OSError(f"backbone={wanted.name!r} cannot be loaded: {error}")
    source = f"https://huggingface.co/{wanted.model}"
    return missing(wanted, source, _size(wanted.model))


def _size(model) -> str:
    """Size of the weights, by the configuration if that is on this computer."""
    from transformers import AutoConfig, AutoModel

    with suppress(OSError, ValueError):
        config = AutoConfig.from_pretrained(model, local_files_only=True)
        return size_of(lambda: AutoModel.from_config(config))
    if model in _SIZES:
        return f"about {_SIZES[model]:,} MB"
    return "of a size that its page tells, under Files"
