"""Seeds, and whose random numbers are drawn during a fit."""

import os
import threading
from contextlib import contextmanager

import numpy as np
import torch

__all__ = ["derived_seed", "root_seed", "seeded"]

# Torch has one generator per process: fits in threads take turns.
_GENERATOR_LOCK = threading.RLock()


def _renew_lock() -> None:
    """A process that is forked while a thread fits would inherit a locked lock."""
    global _GENERATOR_LOCK
    _GENERATOR_LOCK = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def root_seed(random_state) -> int:
    """The one seed that all others of a fit are derived from.

    An integer is taken as it is, a generator draws one, and None takes fresh entropy:
    numpy's global generator is neither read nor advanced.
    """
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    return int(random_state)


def derived_seed(seed: int, purpose: str) -> int:
    """An independent seed for one purpose.

    Parameters
    ----------
    seed : int
        The seed that `_fit` is given.
    purpose : str
        Any words, such as "batches". Equal words give equal seeds.

    Returns
    -------
    seed : int
        A seed of 31 bits.
    """
    words = np.frombuffer(purpose.encode(), dtype=np.uint8)
    sequence = np.random.SeedSequence([seed, *words.tolist()])
    return int(sequence.generate_state(1)[0] >> 1)  # fits scikit-learn's 31 bits


@contextmanager
def seeded(seed: int, device: torch.device):
    """Seed torch for the block, and restore its generators afterwards.

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
