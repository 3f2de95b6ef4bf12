"""Networks by name: from which library, with which weights, and where these are."""

import logging
import os
from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

__all__ = [
    "Named",
    "Wanted",
    "checkpoint",
    "hub_file",
    "import_library",
    "load_named",
    "load_strictly",
    "missing",
    "read_weights",
    "similar",
    "size_of",
]

# Prefix of a name: the module here, what is imported, the package to install, and how a
# name is written.
_LIBRARIES = {
    "timm": ("_timm", "timm", "timm", "timm:MODEL or timm:MODEL.TAG"),
    "torchvision": (
        *("_torchvision", "torchvision", "torchvision"),
        "torchvision:MODEL or torchvision:MODEL/WEIGHTS",
    ),
    "transformers": (
        *("_transformers", "transformers", "transformers"),
        "transformers:OWNER/MODEL or transformers:FOLDER",
    ),
    "open_clip": (
        *("_open_clip", "open_clip", "open-clip-torch"),
        "open_clip:MODEL/TAG",
    ),
}


class Wanted(NamedTuple):
    """A network that is asked for: what stands behind the prefix, and parameters."""

    name: str
    model: str
    weights: Path | None
    download: bool


class Named(NamedTuple):
    """A network with its weights, and what belongs to it.

    `network` takes a batch of images and returns features, `transform` makes a tensor
    (3, height, width) of one Pillow image, `settings` has its mean, std and
    interpolation as far as they are known, `versions` says what all that comes from.
    """

    network: nn.Module
    transform: Callable[[Any], Tensor]
    settings: dict[str, Any]
    versions: str


def load_named(name: str, weights: Any, download: bool) -> Named:
    """Load a network by its name.

    Parameters
    ----------
    name : str
        The library, a colon, and the library's own name of the network.
    weights : path or None
        File with the weights; None takes those that belong to the name.
    download : bool
        Whether weights that are not on this computer may be fetched.

    Returns
    -------
    named : Named
        The network, in eval mode.
    """
    prefix, colon, model = name.partition(":")
    if prefix not in _LIBRARIES or not colon or not model:
        forms = "; ".join(form for *_, form in _LIBRARIES.values())
        raise ValueError(
            f"backbone={name!r} is no name of a network. Pass a network (an nn.Module "
            f"or a callable), or a name: {forms}."
        )
    if weights is not None and not Path(weights).is_file():
        raise FileNotFoundError(
            f"weights={os.fspath(weights)!r}: there is no such file."
        )
    home, library, *_ = _LIBRARIES[prefix]
    version = getattr(import_library(library), "__version__", "")
    load = import_module(f"skdeepclust.encoders.{home}").load
    path = None if weights is None else Path(weights)
    network, transform, settings = load(Wanted(name, model, path, bool(download)))
    network = network.eval().requires_grad_(False)
    return Named(network, transform, settings, f"{library} {version}")


def import_library(library: str) -> ModuleType:
    """A library, or an error that says how to get it."""
    package = next(row[2] for row in _LIBRARIES.values() if row[1] == library)
    try:
        return import_module(library)
    except ImportError as error:
        raise ImportError(
            f"The backbone is a network of {library}, which could not be imported "
            f'({error}): pip install "skdeepclust[encoders]", or pip install {package}.'
        ) from error
    except RuntimeError as error:  # torchvision, if it does not fit torch
        raise ImportError(
            f"{library} could not be imported: {error}. The version or the build of "
            f"torchvision does not fit torch {torch.__version__}. Install both from "
            "one place, see https://pytorch.org/get-started."
        ) from error


def similar(model: str, known: list[str]) -> str:
    """Names of a library that are like one that it does not have, for an error."""
    near = get_close_matches(model, known, n=5) or ["none"]
    return f"With a similar name it has {', '.join(near)}."


# -- weights on this computer ----------------------------------------------------------


def checkpoint(url: str) -> Path | None:
    """Where torch.hub keeps what it has fetched from an address; None: not there."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    return path if path.is_file() else None


def hub_file(repository: str, names: tuple[str, ...]) -> Path | None:
    """The first of some files in the cache of the Hugging Face hub; None: not there."""
    from huggingface_hub import try_to_load_from_cache

    repository, _, revision = repository.partition("@")
    for name in names:
        found = try_to_load_from_cache(repository, name, revision=revision or None)
        if isinstance(found, str) and os.path.isfile(found):
            return Path(found)
    return None


def missing(wanted: Wanted, source: str, size: str) -> FileNotFoundError:
    """The error for weights that are not on this computer.

    Parameters
    ----------
    wanted : Wanted
        What was asked for.
    source : str
        Where the weights would come from.
    size : str
        How large they are.
    """
    return FileNotFoundError(
        f"The weights of backbone={wanted.name!r} are not on this computer, and "
        f"nothing is fetched without being asked. They would come from {source} "
        f"({size}). Pass download=True to fetch them once."
    )


def size_of(build: Callable[[], nn.Module]) -> str:
    """Size of the weights of a network, which is built without memory."""
    before = logging.root.manager.disable
    logging.disable()  # some libraries warn that the weights are at random
    try:
        with torch.device("meta"):
            network = build()
        values = [*network.parameters(), *network.buffers()]
        n_bytes = sum(value.numel() * value.element_size() for value in values)
    except Exception:  # not every network can be built in this way
        return "of a size that is not known before"
    finally:
        logging.disable(before)
    return f"about {max(1, round(n_bytes / 1e6)):,} MB"


def read_weights(path: Path) -> dict[str, Tensor]:
    """A state dict from a file, .safetensors or of torch, which holds no code."""
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what damaged files raise is of many types
        raise ValueError(
            f"weights={str(path)!r} cannot be read as weights: {_short(error)}. Pass a "
            "state dict in a .safetensors file, or in a file that torch.load reads "
            "with weights_only=True."
        ) from error
    for key in ("state_dict", "model"):
        state = state[key] if isinstance(state, dict) and key in state else state
    are_tensors = isinstance(state, dict) and all(map(torch.is_tensor, state.values()))
    if not are_tensors or not state:
        raise ValueError(
            f"weights={str(path)!r} holds no state dict, but {_kind(state)}."
        )
    return {name.removeprefix("module."): value for name, value in state.items()}


def _kind(state):
    return (
        f"a dict of {len(state)} entries"
        if isinstance(state, dict)
        else repr(state)[:60]
    )


def load_strictly(load: Callable[[], Any], wanted: Wanted, path: Path | None) -> Any:
    """Load weights; an error names the file when they are those of another network.

    Parameters
    ----------
    load : callable
        Loads, and raises a RuntimeError for names or shapes that do not fit.
    wanted : Wanted
        What was asked for.
    path : Path or None
        The file.
    """
    try:
        return load()
    except (RuntimeError, KeyError) as error:
        where = f"weights={str(path)!r}" if path else "the weights fetched"
        raise ValueError(
            f"{where} do not fit backbone={wanted.name!r}: {_short(error)} Pass the "
            "weights of this very network, or load them into a network yourself and "
            "pass that as backbone."
        ) from error


def _short(error):
    words = " ".join(str(error).split())
    if len(words) < 20:  # such as a key
        words = f"{type(error).__name__} {words}".strip()
    return words if len(words) <= 400 else f"{words[:400]} ..."
