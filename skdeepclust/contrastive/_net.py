"""The net that trains all of these methods: schedule, collapse, and time."""

import math
import time
from typing import Any

import torch
from skorch.callbacks import LRScheduler
from torch import Tensor

from skdeepclust._distributed import is_first, rows_with_gradient
from skdeepclust._nets import TensorNet
from skdeepclust._warnings import warn_now
from skdeepclust.contrastive._collapse import effective_rank, spread
from skdeepclust.exceptions import LongTrainingWarning

__all__ = ["ContrastiveNet"]

# Share of the steps in which the learning rate rises from zero. It then falls along a
# cosine, as in all of these papers.
_WARM_UP = 0.05

# Rows of the last batch that spread and rank are measured on.
_MOST_WATCHED = 512

# The time of training is told after this number of steps, or seconds. The first step
# is left out: it prepares the kernels.
_TIMED_STEPS, _TIMED_SECONDS = 5, 2.0

# From here on a training is announced even if nobody asked for words.
_LONG_SECONDS = 600


class ContrastiveNet(TensorNet):
    """Trains a :class:`ContrastiveModel` on several views of every sample.

    A method writes :meth:`contrast`. Where several processes share a fit, each computes
    the outputs of its part of the rows, and the loss compares the rows of all.

    Parameters
    ----------
    module : ContrastiveModel
        The network.
    n_views : int
        Views of every sample in a batch.
    n_epochs, n_batches : int
        Length of the training, for the schedule and the time that it takes.
    name : str
        Name of the estimator, for messages.
    **params : dict
        Parameters of :class:`TensorNet`.
    """

    def __init__(self, module, *, n_views, n_epochs, n_batches, name, **params):
        super().__init__(module, **params)
        self.n_views = n_views
        self.n_epochs = n_epochs
        self.n_batches = n_batches
        self.name = name
        self.watched_ = None
        self.shared_ = None  # part of this process, and rows of the batch
        self.n_steps_ = 0
        self.start_ = None

    # Of each other: views are compared with those of all processes.
    shares_batches = True

    def contrast(self, output: tuple[Tensor, ...], target: Any) -> Tensor:
        """Loss of a batch; the word that a method writes.

        Parameters
        ----------
        output : tuple of Tensors
            What the module returned beside the features.
        target : Tensor or None
            Rows of the `targets` of the batches.

        Returns
        -------
        loss : Tensor of shape ()
            The loss.
        """
        raise NotImplementedError

    def losses(self, output, target, X):
        """Return the loss of the method."""
        features, *rest = (self._of_all(each) for each in output)
        self.watched_ = features.detach()[:_MOST_WATCHED]
        loss = self.contrast(tuple(rest), target)
        if self.shared_ is not None:
            # The loss is that of all rows, its gradient that of the rows of this
            # process. The base takes it for the mean over these rows.
            value = loss.detach()
            loss = value + (loss - value) * (self.shared_[1] / len(X))
        return {"loss": loss}

    def _own_part(self, n_rows):
        part = super()._own_part(n_rows)
        self.shared_ = None if part is None else (part, n_rows)
        return part

    def _of_all(self, own):
        """Rows of all processes; those of this one have a gradient."""
        if self.shared_ is None:
            return own
        part, n_rows = self.shared_
        return rows_with_gradient(own, part, n_rows)

    def train_on(self, batches):
        """Train an epoch; note how far apart the features are."""
        self.n_steps_, self.start_ = 0, None
        n_steps = super().train_on(batches)
        if self.watched_ is not None:
            self.history.record("std", spread(self.watched_))
            self.history.record("rank", effective_rank(self.watched_))
        return n_steps

    def extra_state(self):
        """Steps of the epoch so far, for the schedule, and the last features."""
        state = {"n_steps": self.n_steps_}
        return state if self.watched_ is None else {**state, "watched": self.watched_}

    def load_extra_state(self, state):
        """Go on after the steps of an earlier fit."""
        self.n_steps_, self.watched_ = state["n_steps"], state.get("watched")

    def train_step(self, batch):
        """Take a step at the rate of the schedule; parts of the method follow."""
        if len(self.history) == 1:
            self._tell_time()
        done = self._share_done()
        self._set_rate(done)
        step = super().train_step(batch)
        self.n_steps_ += 1
        with torch.no_grad():
            module: Any = getattr(self.module_, "_orig_mod", self.module_)
            module.follow(done)
        return step

    def _non_finite_message(self, what, value):
        return (
            f"{self.stage.capitalize()} stopped in epoch {len(self.history)}: {what} "
            f"became {value}. The usual causes are values of X far from 1 (scale X, "
            f"images to [0, 1]), a learning rate too large ({self.lr_name}={self.lr} "
            f"now; try {self.lr / 10:g}), a temperature far too small, and an augment "
            "or a module that makes NaN. Nothing was fitted."
        )

    def _share_done(self):
        """Share of the training that is done, from the history: it can be resumed."""
        n_done = (len(self.history) - 1) * self.n_batches + self.n_steps_
        return min(1.0, n_done / max(1, self.n_epochs * self.n_batches))

    def _set_rate(self, done):
        if any(isinstance(callback, LRScheduler) for _, callback in self.callbacks_):
            return  # the user's own schedule
        if done < _WARM_UP:
            factor = min(1.0, done / _WARM_UP + 1 / (self.n_epochs * self.n_batches))
        else:
            share = (done - _WARM_UP) / (1 - _WARM_UP)
            factor = (1 + math.cos(math.pi * share)) / 2
        for group in self.optimizer_.param_groups:
            group.setdefault("initial_lr", group["lr"])
            group["lr"] = group["initial_lr"] * factor

    def _tell_time(self):
        """Say, a few steps into the first epoch, how long all epochs will take."""
        if self.n_steps_ == 1:
            self.start_ = self._clock()
        elif self.start_ is not None:
            n_timed, seconds = self.n_steps_ - 1, self._clock() - self.start_
            if n_timed >= _TIMED_STEPS or seconds > _TIMED_SECONDS:
                self._announce(seconds / n_timed)
                self.start_ = None

    def _clock(self):
        if self.device != "cpu" and torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter()

    def _announce(self, seconds_per_step):
        n_steps = self.n_epochs * self.n_batches
        seconds = n_steps * seconds_per_step
        message = (
            f"{self.name}: {self.n_epochs} epochs of {self.n_batches} steps will take "
            f"about {_words(seconds)} on this {self.device.upper()}."
        )
        if not is_first():
            return
        if self.verbose:
            dict(self.callbacks_)["print_log"].sink(message)
        elif seconds > _LONG_SECONDS:
            warn_now(
                f"{message} A GPU is far faster. Fewer max_epochs, smaller images, a "
                'smaller module or dtype="bfloat16" take less time.',
                LongTrainingWarning,
            )


def _words(seconds: float) -> str:
    """A time in words."""
    if seconds < 90:
        return f"{max(1, round(seconds))} seconds"
    minutes = seconds / 60
    return f"{minutes:.0f} minutes" if minutes < 90 else f"{minutes / 60:.1f} hours"
