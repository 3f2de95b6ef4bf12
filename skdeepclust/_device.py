"""Which device to compute on."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from skdeepclust._distributed import local_device

__all__ = ["plain_torch", "resolve_device"]


@contextmanager
def plain_torch() -> Iterator[None]:
    """Torch as it is by default: float32, made on the CPU, no autocast.

    A default type, a default device or autocast around a call change nothing in it.
    The default type is put back afterwards; threads share it, so that it is set only if
    it is another one.
    """
    dtype = torch.get_default_dtype()
    with ExitStack() as stack:
        if dtype != torch.float32:
            torch.set_default_dtype(torch.float32)
            stack.callback(torch.set_default_dtype, dtype)
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        yield


def resolve_device(device) -> torch.device:
    """Turn the parameter `device` into a device that exists here.

    Parameters
    ----------
    device : str or torch.device
        "auto" takes CUDA if there is one, else Apple's MPS, else the CPU.

    Raises
    ------
    ValueError
        When the device does not exist on this machine.
    """
    own = local_device()
    if own is not None and str(device) in ("auto", "cuda"):
        torch.cuda.set_device(own)
        return own
    if isinstance(device, str) and device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        if torch.backends.mps.is_available():
            return torch.device("mps")
        return torch.device("cpu")
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise ValueError(
            f"device={device!r} is no device that torch knows. Pass 'auto', 'cpu', "
            "'cuda', 'cuda:1', 'mps' or a torch.device."
        ) from error
    _check_available(resolved, device)
    return resolved


def _check_available(resolved, device):
    if resolved.type == "cuda":
        n_devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
        available = (resolved.index or 0) < n_devices
        found = f"{n_devices} CUDA device(s)"
    elif resolved.type == "mps":
        available = torch.backends.mps.is_available()
        found = "no MPS device"
    else:
        available = resolved.type == "cpu" and not resolved.index
        found = "one CPU, CUDA and MPS only to choose from"
    if not available:
        raise ValueError(
            f"device={device!r} was asked for, but there is no such device here "
            f"({found}). Pass device='auto' or device='cpu'."
        )
