"""Which device to compute on, and whose random numbers are drawn there."""

import threading
from contextlib import contextmanager

import numpy as np
import torch

__all__ = ["derived_seed", "resolve_device", "root_seed", "seeded"]

# Torch has one generator per process: fits in threads take turns.
_GENERATOR_LOCK = threading.RLock()


def resolve_device(device) -> torch.device:
    """Turn the parameter `device` into a device that exists here.

    Parameters
    ----------
    device : str or torch.device
        "auto" takes CUDA where there is one, else Apple's MPS, else the CPU.

    Raises
    ------
    ValueError
        When the device does not exist on this machine.
    """
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
        available = resolved.type == "cpu"
        found = "CPU, CUDA and MPS only to choose from"
    if not available:
        raise ValueError(
            f"device={device!r} was asked for, but there is no such device here "
            f"({found}). Pass device='auto' or device='cpu'."
        )


def root_seed(random_state) -> int:
    """One integer that a whole fit follows from.

    An integer is taken as it is, a generator is asked for one, and None takes
    fresh entropy: numpy's global generator is neither read nor advanced.
    """
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    return int(random_state)


def derived_seed(seed: int, purpose: str) -> int:
    """An independent seed for one purpose (k-means, batch order, ...)."""
    words = np.frombuffer(purpose.encode(), dtype=np.uint8)
    sequence = np.random.SeedSequence([seed, *words.tolist()])
    return int(sequence.generate_state(1)[0] >> 1)  # fits scikit-learn's 31 bits


@contextmanager
def seeded(seed: int, device: torch.device):
    """Seed torch for the block, and put its generators back afterwards.

    Only the generators in use are touched: `torch.manual_seed` would also queue a
    reseeding of every GPU of the process. Blocks of several threads run one after
    another.
    """
    devices = [device] if device.type == "cuda" else []
    with _GENERATOR_LOCK, torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)
        mps_state = torch.mps.get_rng_state() if device.type == "mps" else None
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        elif device.type == "mps":
            torch.mps.manual_seed(seed)
        try:
            yield
        finally:
            if mps_state is not None:
                torch.mps.set_rng_state(mps_state)
