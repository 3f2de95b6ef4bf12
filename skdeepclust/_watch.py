"""What looks at a training between its steps: interrupts, and the state to keep."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from skorch.callbacks import EpochTimer, PrintLog
from skorch.history import History
from torch import Tensor

from skdeepclust._archive import Tensors, pack
from skdeepclust._checkpoint import Slot
from skdeepclust._distributed import any_of, n_processes
from skdeepclust._random import draws_state, set_draws_state
from skdeepclust._warnings import warn
from skdeepclust.exceptions import CheckpointError, CheckpointWarning

__all__ = ["INTERRUPTED", "EpochSums", "Watch"]

INTERRUPTED = "interrupted"


class EpochSums:
    """Sums of the losses of an epoch.

    Attributes
    ----------
    n_samples, n_batches : int
        Samples and batches so far.
    """

    def __init__(self):
        self.n_samples = 0
        self.n_batches = 0
        self._totals: dict[str, Tensor] = {}

    def add(self, losses: dict[str, Tensor], size: int) -> None:
        """Add the mean losses of a batch of this size."""
        for name, loss in losses.items():
            # In place on the device: neither a wait nor a tensor per batch.
            if name not in self._totals:
                self._totals[name] = _zero(loss)
            self._totals[name].add_(loss.detach(), alpha=size)
        self.n_samples += size
        self.n_batches += 1

    def means(self) -> dict[str, float]:
        """Mean losses."""
        return {name: sum.item() / self.n_samples for name, sum in self._totals.items()}

    def state_dict(self) -> dict[str, Any]:
        """The sums."""
        totals = {name: total.clone() for name, total in self._totals.items()}
        counts = {"n_samples": self.n_samples, "n_batches": self.n_batches}
        return {"totals": totals, **counts}

    def load_state_dict(self, state: dict[str, Any], device: torch.device) -> None:
        """Go on from earlier sums."""
        self.n_samples, self.n_batches = state["n_samples"], state["n_batches"]
        self._totals = {
            name: total.to(device).clone() for name, total in state["totals"].items()
        }


def _zero(loss):
    """A sum of losses to begin with, in double precision where the device has it."""
    dtype = torch.float32 if loss.device.type == "mps" else torch.float64
    return torch.zeros((), dtype=dtype, device=loss.device)


class Watch:
    """Looks at one stage of training between its steps.

    Parameters
    ----------
    net : TensorNet
        The net, initialised. It gets the weights of an earlier state.
    slot : Slot
        Place for the state of the stage.

    Attributes
    ----------
    kept : dict
        What the method needs to go on.
    is_resumed : bool
        Whether the stage goes on from an earlier state.
    is_done : bool
        Whether that state is the end of the stage.
    stop_reason : str or None
        Why the earlier fit ended the stage.
    is_cut : bool
        Whether Ctrl-C ended the stage.
    """

    def __init__(self, net: Any, slot: Slot):
        self.kept: dict[str, Any] = {}
        self.is_cut = False
        self._stops = False
        self.is_done = False
        self.stop_reason: str | None = None
        self._net = net
        self._slot = slot
        self._keeper = slot.keeper
        self._state = slot.stored  # until it is restored
        self._batches: Any = None
        self._begin: dict[str, Any] = {}
        self.is_resumed = self._state is not None
        if self._state is not None:
            self.kept = self._state["kept"]
            self.is_done = bool(self._state["is_done"])
            self.stop_reason = self._state["stop_reason"] if self.is_done else None
            self._restore_weights(self._state)
            if self.is_done:
                net.load_extra_state(self._state["net"])
            set_draws_state(self._state["draws"])

    @property
    def resumes_within(self) -> bool:
        """Whether the epoch that begins was begun by the earlier fit."""
        return self._state is not None and self._state["within"] is not None

    @property
    def is_asked_to_stop(self) -> bool:
        """Whether Ctrl-C came to this process."""
        return self._keeper.interrupts.stops

    def stop_everywhere(self) -> None:
        """Take Ctrl-C of another process for one of this."""
        self._stops = True
        self._keeper.interrupts.stops = True

    def was_cut_before(self) -> bool:
        """Whether Ctrl-C came, to any process, before the stage begins."""
        self._hear_all()
        return self.is_cut

    def _hear_all(self):
        """Take Ctrl-C in any process for one in all; every process calls it."""
        self.is_cut = any_of(self._keeper.interrupts.stops)
        self._keeper.interrupts.stops = self.is_cut
        self._keeper.was_cut |= self.is_cut

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the net while the block runs."""
        interrupts = self._keeper.interrupts
        if self._state is not None and not self.resumes_within:
            self._restore(self._state)
        self._net.watch = self
        interrupts.defers_end = self._keeper.place is not None
        try:
            yield
        finally:
            self._net.watch = None
            interrupts.defers_end = False

    # -- in an epoch -------------------------------------------------------------

    def enter(self, batches: Any, sums: EpochSums) -> None:
        """Begin to train on batches, or go on where the earlier fit stopped."""
        if not self._keeper.is_kept:
            return
        if not hasattr(batches, "state_dict"):
            raise CheckpointError(
                f"checkpoint and warm_start: the batches, a {type(batches).__name__}, "
                "have no state_dict(), so that nobody could go on from them."
            )
        state, self._state = self._state, None
        within: Any = None if state is None else state["within"]
        if state is not None and within is None:
            if state["batches"] is not None:
                batches.load_state_dict(state["batches"])
        elif state is not None:
            # Within an epoch: its first batches are passed over.
            batches.load_state_dict(within["batches"])
            batches.n_done = within["sums"]["n_batches"]
            sums.load_state_dict(within["sums"], torch.device(self._net.device))
            self._restore(state)
        self._batches = batches
        # As they are at the beginning of the epoch.
        self._begin = batches.state_dict() if within is None else within["batches"]

    def ends_after_step(self, sums: EpochSums) -> bool:
        """Whether the epoch ends here; the state is kept if it is time."""
        keeper = self._keeper
        # Several processes stop after the same step: when all of them know.
        self.is_cut = self._stops or (n_processes() == 1 and keeper.interrupts.stops)
        keeper.was_cut |= self.is_cut
        if not keeper.is_kept:
            return self.is_cut
        keeper.count_step()
        is_possible = not self._net.has_batch_callbacks_
        if (self.is_cut or keeper.is_due()) and is_possible:
            self._keep(within={"batches": self._begin, "sums": sums.state_dict()})
        if keeper.interrupts.ends:
            keeper.interrupts.deliver_end()
        return self.is_cut

    def end_epoch(self) -> None:
        """Keep the state at the end of an epoch if it is time."""
        if n_processes() > 1 and not self.is_cut:
            self._hear_all()
        if self._keeper.is_due() and not self.is_cut:
            self._keep()

    def finish(self, stop_reason: str | None) -> None:
        """Keep the state at the end of the stage."""
        if self._keeper.is_kept and not self.is_cut:
            self._keep(is_done=True, stop_reason=stop_reason)

    # -- states --------------------------------------------------------------------

    def _keep(self, within=None, is_done=False, stop_reason=None):
        net, needs_optimizer = self._net, not is_done or self._keeper.goes_on
        rows = [dict(row) for row in net.history]
        batches = None if self._batches is None else self._batches.state_dict()
        self._slot.keep(
            {
                "is_done": is_done,
                "stop_reason": stop_reason,
                "weights": _copied(net.module_.state_dict()),
                "optimizer": (
                    _copied(net.optimizer_.state_dict()) if needs_optimizer else None
                ),
                "net": net.extra_state(),
                "history": rows if within is None else rows[:-1],
                "callbacks": _callback_states(net),
                "draws": draws_state(),
                "kept": self.kept,
                "batches": batches,
                "within": within,
            }
        )

    def _restore_weights(self, state):
        self._net.load_weights(_copied(state["weights"]))
        self._net.history = History(dict(row) for row in state["history"])
        self._restore_optimizer(state)

    def _restore_optimizer(self, state):
        """Load its state, in the memory layout of the weights: fused steps need it."""
        if state["optimizer"] is None:
            return
        optimizer = self._net.optimizer_
        optimizer.load_state_dict(_copied(state["optimizer"]))
        for weights, found in optimizer.state.items():
            for name, value in found.items():
                if isinstance(value, Tensor) and value.shape == weights.shape:
                    like = torch.empty_like(weights, dtype=value.dtype)
                    found[name] = like.detach().copy_(value)

    def _restore(self, state):
        """Everything but the history, after callbacks that begin a training."""
        net = self._net
        net.load_weights(_copied(state["weights"]))
        self._restore_optimizer(state)
        net.load_extra_state(state["net"])
        for name, callback in net.callbacks_:
            _load_callback(callback, state["callbacks"].get(name, {}))
        set_draws_state(state["draws"])


def _copied(value: Any) -> Any:
    """A copy of containers and tensors, which no training changes."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {name: _copied(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_copied(each) for each in value)
    return value


def _callback_states(net):
    """States of the user's callbacks, as far as they are plain values."""
    return {
        name: _callback_state(callback)
        for name, callback in net.callbacks_
        if not isinstance(callback, EpochTimer | PrintLog)
    }


def _callback_state(callback):
    found, lost = {}, []
    given = callback.get_params(deep=False) if hasattr(callback, "get_params") else {}
    for name, value in vars(callback).items():
        if hasattr(value, "state_dict") and not isinstance(value, type):
            found[name] = {"state_dict": _plain_part(value.state_dict())}
        elif _is_plain(value):
            found[name] = {"value": _copied(value)}
        elif name not in given and not callable(value):
            lost.append(name)
    if lost:
        warn(
            f"The checkpoint lacks {', '.join(lost)} of the callback "
            f"{type(callback).__name__}, which are no plain values: a fit that goes on "
            "begins with new ones.",
            CheckpointWarning,
        )
    return found


def _plain_part(state):
    return {name: _copied(each) for name, each in state.items() if _is_plain(each)}


def _is_plain(value):
    try:
        pack(value, Tensors())
    except TypeError:
        return False
    return True


def _load_callback(callback, state):
    for name, stored in state.items():
        if "value" in stored:
            setattr(callback, name, _copied(stored["value"]))
        elif hasattr(getattr(callback, name, None), "load_state_dict"):
            getattr(callback, name).load_state_dict(_copied(stored["state_dict"]))
