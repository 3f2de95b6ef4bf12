"""From the parameter `module` to a network for the data at hand."""

import copy
import inspect
import math
from typing import Any

import torch
from torch import nn

from skdeepclust._params import accepted_arguments, check_arguments
from skdeepclust.networks._conv import ConvAutoencoder
from skdeepclust.networks._convnet import (
    VGG16,
    AlexNet,
    ConvNet,
    DenseNet,
    ResNet18,
    Sobel,
)
from skdeepclust.networks._dense import DenseAutoencoder
from skdeepclust.networks._residual import ResidualAutoencoder
from skdeepclust.networks._small_resnet import SmallResNet

__all__ = ["resolve_autoencoder", "resolve_backbone"]

# Errors of a user's network or of its constructor that come back with its name.
_FAILURES = (
    *(RuntimeError, TypeError, ValueError, LookupError, AttributeError),
    *(AssertionError, ArithmeticError, ImportError, NotImplementedError),
    StopIteration,
)

_AUTOENCODERS = {
    "conv": ConvAutoencoder,
    "dense": DenseAutoencoder,
    "residual": ResidualAutoencoder,
}
_BACKBONES = {
    "conv": ConvNet,
    "dense": DenseNet,
    "alexnet": AlexNet,
    "vgg16": VGG16,
    "resnet18": ResNet18,
    "small-resnet": SmallResNet,
}


def resolve_autoencoder(
    module: Any,
    image_shape: tuple[int, ...] | None,
    n_features: int,
    embedding_dim: int,
    arguments: dict[str, Any],
    samples: torch.Tensor | None = None,
) -> tuple[nn.Module, int]:
    """Build the autoencoder that `module` describes, and try it on two samples.

    Parameters
    ----------
    module : {"auto", "conv", "dense", "residual"}, nn.Module class, nn.Module or \
            callable
        "auto" is "conv" for images and "residual" for other rows. A class or function
        is called with the user's arguments and, where it takes them, with
        `input_shape` and `embedding_dim`. An instance is copied, with its weights.
    image_shape : tuple of 3 ints or None
        Shape of an image; None when rows are not images.
    n_features : int
        Values in a row.
    embedding_dim : int
        Width of the embedding asked for.
    arguments : dict
        The user's ``module__`` arguments.
    samples : Tensor of shape (b, ...) or None, default=None
        Samples to try the network on. None tries it on zeros.

    Returns
    -------
    autoencoder : nn.Module
        Module with `encode` and `decode`.
    embedding_dim : int
        Width of the embedding that it makes.
    """
    input_shape = (n_features,) if image_shape is None else image_shape
    ours = {"input_shape": input_shape, "embedding_dim": embedding_dim}
    autoencoder = _instantiate(module, _AUTOENCODERS, image_shape, arguments, ours)
    samples = _two_samples(samples, input_shape)
    return autoencoder, _check_autoencoder(autoencoder, samples)


def resolve_backbone(
    module: Any,
    image_shape: tuple[int, ...] | None,
    n_features: int,
    sobel: bool,
    arguments: dict[str, Any],
    samples: torch.Tensor | None = None,
) -> tuple[nn.Module, int]:
    """Build the network that `module` describes, behind a Sobel filter if asked.

    Parameters
    ----------
    module : {"auto", "conv", "dense", "alexnet", "vgg16", "resnet18", \
            "small-resnet"}, nn.Module class, nn.Module or callable
        As in `resolve_autoencoder`; `input_shape` is offered to a class.
    image_shape : tuple of 3 ints or None
        Shape of an image; None when rows are not images.
    n_features : int
        Values in a row.
    sobel : bool
        Whether to put a Sobel filter in front.
    arguments : dict
        The user's ``module__`` arguments.
    samples : Tensor of shape (b, ...) or None, default=None
        Samples to try the network on. None tries it on zeros.

    Returns
    -------
    backbone : nn.Module
        Module that maps samples to features.
    n_out : int
        Number of features.
    """
    if sobel and image_shape is None:
        raise ValueError(
            f"sobel=True needs images, but X is taken as rows of {n_features} features."
        )
    input_shape = (n_features,) if image_shape is None else image_shape
    seen_shape = (2, *input_shape[1:]) if sobel else input_shape
    ours = {"input_shape": seen_shape}
    backbone = _instantiate(module, _BACKBONES, image_shape, arguments, ours)
    if sobel:
        backbone = nn.Sequential(Sobel(input_shape[0]), backbone)
    try:
        with torch.no_grad():
            features = backbone.eval()(_two_samples(samples, input_shape))
    except _FAILURES as error:
        raise ValueError(
            f"module={module} failed on a trial batch of shape {(2, *input_shape)}: "
            f"{_words(error)}"
        ) from error
    is_tensor = isinstance(features, torch.Tensor)
    if not is_tensor or features.ndim < 2 or len(features) != 2:
        raise ValueError(
            f"module={module} must map samples (n, {', '.join(map(str, seen_shape))}) "
            "to one tensor of features, (n, n_features)."
        )
    if not features.is_floating_point():
        raise ValueError(f"module={module} must return floats, got {features.dtype}.")
    if not features.numel():
        raise ValueError(
            f"module={module} returns no features, a tensor of shape "
            f"{tuple(features.shape)}."
        )
    if not features.isfinite().all():
        raise ValueError(
            f"module={module} returns features that are not finite for samples of X."
        )
    return backbone, features.flatten(1).shape[1]


def _instantiate(
    module: Any,
    by_name: dict[str, Any],
    image_shape: tuple[int, ...] | None,
    arguments: dict[str, Any],
    ours: dict[str, Any],
) -> nn.Module:
    """A network from its name, class, function or instance."""
    if isinstance(module, str):
        module = _named(module, by_name, image_shape)
    if isinstance(module, nn.Module):
        if arguments:
            raise ValueError(
                f"module is an instance of {type(module).__name__}, so that its "
                f"arguments {sorted(arguments)} come too late. Pass the class instead."
            )
        return _on_cpu(copy.deepcopy(module), module)
    factory = by_name[module] if isinstance(module, str) else module
    if not callable(factory):
        raise TypeError(f"module={module!r} is neither a network nor builds one.")
    _check_taken(factory, arguments, image_shape)
    names, _ = accepted_arguments(factory)
    offered = {name: value for name, value in ours.items() if name in names}
    try:
        network = factory(**{**offered, **arguments})
    except _FAILURES as error:
        raise ValueError(
            f"module={module!r} could not be built with {_given(ours, arguments)}: "
            f"{_words(error)}. Pass its arguments as module__*."
        ) from error
    if not isinstance(network, nn.Module):
        raise TypeError(
            f"module={module!r} makes a {type(network).__name__}, not a nn.Module."
        )
    if any(parameter.numel() == 0 for parameter in network.parameters()):
        raise ValueError(
            f"module={module!r} has layers without weights when it is built with "
            f"{_given(ours, arguments)}. Widths must be at least 1."
        )
    if not inspect.isclass(factory):  # it may return the same network every time
        network = copy.deepcopy(network)
    return _on_cpu(network, module)


def _named(
    name: str, by_name: dict[str, Any], image_shape: tuple[int, ...] | None
) -> str:
    """The name that "auto" stands for; names of networks for images are checked."""
    if name == "auto":
        of_rows = "residual" if "residual" in by_name else "dense"
        name = of_rows if image_shape is None else "conv"
    if image_shape is None and name not in ("dense", "residual"):
        raise ValueError(
            f'module="{name}" needs images, but X is taken as rows of features. Pass '
            "image_shape=(channels, height, width), or X of shape (n, C, H, W)."
        )
    return name


def _check_taken(
    factory: Any, arguments: dict[str, Any], image_shape: tuple[int, ...] | None
) -> None:
    """Refuse arguments that a network does not take, such as those of another one."""
    try:
        check_arguments(factory, "module", arguments)
    except ValueError as error:
        taken = "rows of features" if image_shape is None else f"images {image_shape}"
        raise ValueError(f"{error} X is taken as {taken}.") from error


def _given(ours: dict[str, Any], arguments: dict[str, Any]) -> str:
    """The arguments that a network was built with, by the names of the user."""
    user = {f"module__{name}": value for name, value in arguments.items()}
    return ", ".join(f"{name}={value!r}" for name, value in {**ours, **user}.items())


def _words(error: Exception) -> str:
    """What an error says; a KeyError says no more than the key."""
    plain = (RuntimeError, TypeError, ValueError)
    return str(error) if type(error) in plain else f"{type(error).__name__}: {error}"


def _on_cpu(network: nn.Module, module: Any) -> nn.Module:
    tensors = [*network.parameters(), *network.buffers()]
    if any(tensor.device.type == "meta" for tensor in tensors):
        raise ValueError(
            f"module={module} has weights on the device 'meta': no values."
        )
    return network.to("cpu", torch.float32)


def _two_samples(samples: Any, input_shape: tuple[int, ...]) -> torch.Tensor:
    if samples is None:
        return torch.zeros(2, *input_shape, dtype=torch.float32, device="cpu")
    samples = samples[:2].cpu()
    return samples if len(samples) == 2 else torch.cat([samples, samples])


def _check_autoencoder(autoencoder: Any, X: torch.Tensor) -> int:
    """Check the contract of an autoencoder; return the width of its embedding."""
    name = type(autoencoder).__name__
    for method in ("encode", "decode"):
        if not callable(getattr(autoencoder, method, None)):
            raise TypeError(
                f"module={name} has no method {method!r}. An autoencoder here is an "
                "nn.Module with encode(X) -> Z and decode(Z) -> X."
            )
    was_training = autoencoder.training
    autoencoder.eval()
    with torch.no_grad():
        Z = _call("encode", autoencoder, X)
        if Z.ndim != 2 or len(Z) != 2:
            raise ValueError(
                f"{name}.encode made {tuple(Z.shape)} of samples {tuple(X.shape)}. It "
                "must return one row per sample, (n, embedding_dim)."
            )
        _check_values("encode", name, Z)
        X_decoded = _call("decode", autoencoder, Z)
        if X_decoded.shape != X.shape:
            raise ValueError(
                f"{name}.decode made {tuple(X_decoded.shape)} where the samples are "
                f"{tuple(X.shape)}. It must return exactly the shape of the input; a "
                "dense network for images can end in nn.Unflatten(1, "
                f"{tuple(X.shape[1:])})."
            )
        _check_values("decode", name, X_decoded)
    autoencoder.train(was_training)
    return Z.shape[1]


def _check_values(method: str, name: str, values: torch.Tensor) -> None:
    if not values.is_floating_point():
        raise ValueError(f"{name}.{method} must return floats, got {values.dtype}.")
    if not values.numel():
        raise ValueError(
            f"{name}.{method} returns no values, a tensor of shape "
            f"{tuple(values.shape)}."
        )
    if not math.isfinite(float(values.abs().sum())):
        raise ValueError(
            f"{name}.{method} returns values that are not finite for samples of X."
        )


def _call(method: str, autoencoder: Any, batch: torch.Tensor) -> torch.Tensor:
    """Call a method of a user's network on a trial batch."""
    name, shape = type(autoencoder).__name__, tuple(batch.shape)
    try:
        result = getattr(autoencoder, method)(batch)
    except _FAILURES as error:
        raise ValueError(
            f"{name}.{method} failed on a trial batch of shape {shape}: {_words(error)}"
        ) from error
    if not isinstance(result, torch.Tensor):
        raise ValueError(
            f"{name}.{method} must return a tensor, got a {type(result).__name__}."
        )
    return result
