"""Seeds, and the generators that the numbers of a fit are drawn from."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import joblib
import numpy as np
import torch
from joblib.parallel import get_active_backend
from torch.overrides import TorchFunctionMode

__all__ = [
    "derived_seed",
    "drawing",
    "draws_of",
    "draws_state",
    "root_seed",
    "set_draws_state",
    "without_draws",
]

# What a fit changes for the whole process while it runs (torch's generator for some
# networks, numbers of threads, filters of warnings) allows one fit at a time.
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


class DrawsFromTorch(Exception):
    """A network draws numbers in a way that only torch's own generator serves."""


# Which draws the current fit makes: from generators of its own, or from torch's.
_DRAWS: ContextVar["_OwnDraws | str | None"] = ContextVar("draws", default=None)

# Functions and methods that take a generator.
_TAKE_GENERATOR = {
    *("rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial"),
    *("uniform_", "normal_", "bernoulli_", "exponential_", "random_", "cauchy_"),
    *("geometric_", "log_normal_"),
    *("kaiming_uniform_", "kaiming_normal_", "xavier_uniform_", "xavier_normal_"),
    *("trunc_normal_", "orthogonal_", "sparse_"),
}


class _OwnDraws(TorchFunctionMode):
    """Gives torch's functions that draw numbers the generators of a fit.

    The mode belongs to the thread. Numbers that other threads draw from torch's own
    generator neither change the fit nor are changed by it.
    """

    def __init__(self, seed: int, device: torch.device):
        super().__init__()
        self.generators = {"cpu": torch.Generator().manual_seed(seed)}
        if device.type != "cpu":
            own = torch.Generator(device).manual_seed(seed)
            self.generators[device.type] = own
        self.n_draws = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        if name in _TAKE_GENERATOR and kwargs.get("generator") is None:
            self.n_draws += 1
            kwargs["generator"] = self._generator(args, kwargs)
        elif name in ("rand_like", "randn_like") and not kwargs.get("generator"):
            self.n_draws += 1
            empty = torch.empty_like(*args, **kwargs)
            fill = empty.uniform_ if name == "rand_like" else empty.normal_
            return fill(generator=self._generator((empty,), {}))
        elif func is torch.nn.functional.dropout:
            return self._dropout(*args, **kwargs)
        return func(*args, **kwargs)

    def _generator(self, args, kwargs):
        given = (*args, *kwargs.values())  # torch.nn.init passes tensors by name
        tensors = [each for each in given if isinstance(each, torch.Tensor)]
        device = tensors[0].device if tensors else kwargs.get("device") or "cpu"
        return self.generators[torch.device(device).type]

    def _dropout(self, input, p=0.5, training=True, inplace=False):
        if not training or p == 0:
            return input
        self.n_draws += 1
        mask = torch.empty_like(input, requires_grad=False)
        mask.bernoulli_(1 - p, generator=self._generator((input,), {}))
        mask = mask.div_(1 - p) if p < 1 else mask
        return input.mul_(mask) if inplace else input * mask


@contextmanager
def _jobs_here() -> Iterator[None]:
    """Jobs of a fit in a worker, such as a search for neighbours, stay in the worker.

    A worker of dask that waits for jobs takes another fit meanwhile, in another thread,
    which waits for the lock of the one that waits: neither would end.
    """
    is_main = threading.current_thread() is threading.main_thread()
    backend, _ = get_active_backend()
    if is_main or type(backend).__module__ == joblib._parallel_backends.__name__:
        yield
        return
    with joblib.parallel_config("threading", n_jobs=1):
        yield


def draws_of(seed: int, device: torch.device, run: Callable[[], None]) -> None:
    """Run a fit whose draws follow from the seed, whatever other threads do.

    Draws come from generators of the fit. Networks that draw within compiled code of
    torch, such as dropout within attention, need torch's own generator: the fit begins
    again, with that generator seeded, and restored afterwards.
    """
    outer = _DRAWS.get()
    with _GENERATOR_LOCK, _jobs_here():
        if outer != "torch":
            own = _OwnDraws(seed, device)
            token = _DRAWS.set(own)
            try:
                with own:
                    return run()
            except DrawsFromTorch:
                if outer is not None:  # the fit around this one begins again
                    raise
            finally:
                _DRAWS.reset(token)
        token = _DRAWS.set("torch")
        try:
            with _seeded(seed, device):
                run()
        finally:
            _DRAWS.reset(token)


def draws_state() -> dict[str, torch.Tensor]:
    """States of the generators that the current fit draws from, by name."""
    own = _DRAWS.get()
    if isinstance(own, _OwnDraws):
        return {name: g.get_state() for name, g in own.generators.items()}
    states = {"torch": torch.get_rng_state()}
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        states["torch cuda"] = torch.cuda.get_rng_state()
    return states


def set_draws_state(states: dict[str, torch.Tensor]) -> None:
    """Let the current fit draw what follows in an earlier one.

    Raises
    ------
    DrawsFromTorch
        When that fit drew from torch's own generator, and this one does not yet.
    """
    own = _DRAWS.get()
    if isinstance(own, _OwnDraws):
        if "torch" in states:
            raise DrawsFromTorch
        for name, generator in own.generators.items():
            if name in states:
                generator.set_state(states[name])
    elif "torch" in states:
        torch.set_rng_state(states["torch"])
        if "torch cuda" in states and torch.cuda.is_available():
            torch.cuda.set_rng_state(states["torch cuda"])


def drawing(forward: Callable[[], Any], is_compiled: bool) -> bool:
    """Whether a forward pass draws numbers; it is tried twice, and uses none up.

    Parameters
    ----------
    forward : callable
        Returns a tensor, or a tuple of tensors.
    is_compiled : bool
        Whether the training compiles the network, which hides the draws from us.

    Raises
    ------
    DrawsFromTorch
        When it draws from torch's own generator, inside a fit with its own.
    """
    own = _DRAWS.get()
    if not isinstance(own, _OwnDraws):
        return True
    states = {name: g.get_state() for name, g in own.generators.items()}
    n_before, torch_before = own.n_draws, torch.get_rng_state()
    outputs = []
    try:
        for _ in range(2):
            outputs.append(forward())
            for name, generator in own.generators.items():
                generator.set_state(states[name])
    except Exception:  # the training will show what it is
        return True
    draws = own.n_draws > n_before
    # Two results that differ come from draws that are not those of our generators.
    if not _equal(*outputs) or (is_compiled and draws):
        torch.set_rng_state(torch_before)
        raise DrawsFromTorch
    return draws


def _equal(first: Any, second: Any) -> bool:
    if isinstance(first, torch.Tensor):
        return torch.equal(first, second) or not bool(first.isfinite().all())
    if isinstance(first, tuple | list):
        return all(_equal(a, b) for a, b in zip(first, second, strict=True))
    return True


@contextmanager
def without_draws(draws: bool) -> Iterator[None]:
    """Save the way through the generators where nothing is drawn."""
    if draws:
        yield
    else:
        with torch._C.DisableTorchFunction():
            yield


@contextmanager
def _seeded(seed: int, device: torch.device):
    """Seed torch for the block, and restore its generators afterwards.

    Only the generators in use are touched: `torch.manual_seed` would also queue a
    reseeding of every GPU of the process.
    """
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
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
