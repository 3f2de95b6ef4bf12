"""A frozen network on its device: from batches of images to rows of features."""

import copy
import functools
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from skdeepclust._device import plain_torch

__all__ = ["Network", "bands_of", "digest_of", "in_eval_mode", "modules_behind"]


def bands_of(backbone: Any) -> int | None:
    """Bands that the first convolution takes; None without one."""
    if isinstance(backbone, nn.Module):
        for module in backbone.modules():
            if isinstance(module, nn.Conv2d):
                return module.in_channels
    return None


def modules_behind(function: Any) -> list[nn.Module]:
    """Modules that a callable uses: bound, in a partial, a closure or a global."""
    if isinstance(function, nn.Module):
        return [function]
    if isinstance(function, functools.partial):
        found = [function.func, *function.args, *function.keywords.values()]
    else:
        plain = getattr(function, "__func__", function)
        cells = getattr(plain, "__closure__", None) or ()
        code = getattr(plain, "__code__", None)
        places = getattr(plain, "__globals__", {})
        found = [getattr(function, "__self__", None)]
        found += [cell.cell_contents for cell in cells if _is_filled(cell)]
        found += [
            places[name] for name in getattr(code, "co_names", ()) if name in places
        ]
    modules = [each for each in found if isinstance(each, nn.Module)]
    if isinstance(function, functools.partial) and callable(function.func):
        modules += modules_behind(function.func)
    return modules


def _is_filled(cell):
    try:
        return cell.cell_contents is not None
    except ValueError:  # a variable that has no value yet
        return False


@contextmanager
def in_eval_mode(modules: list[nn.Module]) -> Iterator[None]:
    """Modules in eval mode, and in their own mode afterwards."""
    training = [part for each in modules for part in each.modules() if part.training]
    try:
        for part in training:
            part.training = False
        yield
    finally:
        for part in training:
            part.training = True


def digest_of(network: nn.Module) -> str:
    """Digest of all weights of a network, by their names."""
    digest = hashlib.blake2b(digest_size=20)
    for name, value in network.state_dict().items():
        value = value.detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)};".encode())
        digest.update(value.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


class Network:
    """Runs a network without gradients, in eval mode.

    Parameters
    ----------
    backbone : nn.Module or callable
        Takes (b, ...) and returns (b, d), or (b, d, height, width), which is averaged.
        Modules behind a callable are in eval mode while it is called.
    device : torch.device
        Where it runs.
    dtype : {"float32", "bfloat16"}
        Type in which it computes.
    is_ours : bool
        Whether the module may be moved. Else a copy is.
    transform : object
        Has `mean` and `std` of the bands, or None.
    """

    def __init__(self, backbone, device, dtype, is_ours, transform):
        self._device = device
        self._dtype = dtype
        self._bands = bands_of(backbone)
        self._mean, self._std = (
            None if values is None else values.to(device)[:, None, None]
            for values in (transform.mean, transform.std)
        )
        if isinstance(backbone, nn.Module):
            backbone = _placed(backbone if is_ours else _copied(backbone), device)
        self._backbone = backbone
        self._modules = modules_behind(backbone)

    def start(self, batch: np.ndarray) -> Tensor:
        """Begin with a batch; `finish` waits for it."""
        eval_mode = in_eval_mode(self._modules)
        with plain_torch(), torch.inference_mode(), eval_mode, self._precision():
            images = self._on_device(batch)
            try:
                output = self._backbone(images)
            except (RuntimeError, ValueError, TypeError) as error:
                error.add_note(self._note(images))
                raise
            return self._rows(output, len(images))

    def finish(self, rows: Tensor) -> np.ndarray:
        """Features of a batch, float32."""
        features = rows.float().cpu().numpy()
        if not np.isfinite(features).all():
            raise ValueError(
                "The backbone gave features that are not finite. Look at its weights "
                "and at the scale of the images, or pass dtype='float32'."
            )
        return features

    def _precision(self):
        if self._dtype == "float32":
            return nullcontext()
        return torch.autocast(self._device.type, torch.bfloat16)

    def _on_device(self, batch):
        if batch.dtype == np.longdouble:  # which torch has not
            batch = batch.astype(np.float64)
        images = torch.from_numpy(batch)
        if self._device.type == "cuda":
            images = images.pin_memory().to(self._device, non_blocking=True)
        else:
            images = images.to(self._device)
        is_8_bit = images.dtype == torch.uint8
        images = images.float()  # the batch is a copy: it may be changed in place
        if is_8_bit:
            images /= 255
        if self._bands == 3 and images.ndim == 4 and images.shape[1] == 1:
            images = images.expand(-1, 3, -1, -1).contiguous()
        self._normalise(images)
        if self._device.type == "cuda" and images.ndim == 4:
            return images.contiguous(memory_format=torch.channels_last)
        return images.contiguous()

    def _normalise(self, images):
        for name, values in (("mean", self._mean), ("std", self._std)):
            if values is not None and len(values) not in (1, images.shape[1]):
                raise ValueError(
                    f"transform: {name} has {len(values)} values, and the images have "
                    f"{images.shape[1]} bands."
                )
        if self._mean is not None:
            images -= self._mean
        if self._std is not None:
            images /= self._std

    def _rows(self, output, n_images):
        if not torch.is_tensor(output):
            raise TypeError(
                "backbone must return a tensor of shape (batch, features), got "
                f"{type(output).__name__}. Wrap it in a function that returns one."
            )
        if output.ndim == 4:
            output = output.float().mean((2, 3))
        if output.ndim != 2 or len(output) != n_images:
            raise ValueError(
                "backbone must return (batch, features), or (batch, features, height, "
                f"width), which is averaged; got {tuple(output.shape)} for a batch of "
                f"{n_images}."
            )
        return output

    def _note(self, images):
        bands = (
            f"; its first convolution takes {self._bands} bands" if self._bands else ""
        )
        return (
            f"It was raised by the backbone, for a batch of shape {tuple(images.shape)}"
            f"{bands}. Choose the bands of X, or pass a transform that makes what the "
            "backbone takes."
        )


def _copied(backbone):
    try:
        return copy.deepcopy(backbone)
    except Exception as error:  # whatever a module of the user's raises
        raise ValueError(
            f"backbone={type(backbone).__name__} cannot be copied ({error}), which "
            "keeps it as it is. Pass a function that calls it, such as "
            "backbone=lambda X: module(X)."
        ) from error


def _placed(module, device):
    module = module.eval().requires_grad_(False).to(device)
    if device.type == "cuda":
        module = module.to(memory_format=torch.channels_last)
    return module
