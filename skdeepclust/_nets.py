"""The skorch nets that train on tensors, and nothing about any method.

Each net is skorch's `NeuralNet` with its own loss and with a shorter way through
an epoch: batches come ready from :class:`~skdeepclust._batches.Batches`, losses
are read once per epoch, and per-batch hooks run only when a callback has them.
"""

import copy
import math
import textwrap
import warnings
from contextlib import contextmanager

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, Checkpoint, EpochTimer, PrintLog
from skorch.utils import TeeGenerator, noop
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from skdeepclust._functional import clustering_kl
from skdeepclust._params import check_arguments
from skdeepclust.exceptions import NonFiniteLossError

__all__ = ["ClusteringNet", "PseudoLabelNet", "ReconstructionNet", "history_table"]

# Optimisers with a one-kernel step on CPU and CUDA: the same arithmetic, faster.
_FUSED = (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD, torch.optim.Adagrad)
_FUSED_OPTIONS = {"fused", "foreach", "differentiable"}

_BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_grad_computed")
_CALLBACK_METHODS = ("initialize", "set_params", "on_epoch_end", *_BATCH_HOOKS)


class _TensorNet(NeuralNet):
    """Common ground of the nets: epochs over `Batches`, losses kept by name.

    Subclasses say what they minimise in `losses`. An epoch is whatever the batches
    make of it: a pass through the data, or the steps between two target updates.
    """

    def __init__(self, module, *, stage, callbacks, **params):
        super().__init__(
            module.to(torch.float32),
            criterion=nn.MSELoss,
            train_split=None,
            callbacks=_copies(callbacks),
            **params,
        )
        self.stage = stage
        self.hears_batches_ = False

    def losses(self, output, target, X):
        """Losses of a batch, as scalar tensors by name; "loss" is minimised."""
        raise NotImplementedError

    # -- skorch's extension points -------------------------------------------

    @property
    def _default_callbacks(self):
        return [("epoch_timer", EpochTimer()), ("print_log", PrintLog())]

    def initialize(self):
        """Build everything, and check what skorch leaves unchecked."""
        self._check_optimizer_arguments()
        super().initialize()
        # The instance lives on as module_. A second reference would be pickled once
        # more, and with its device.
        self.module = type(self.module_)
        self._check_callbacks()
        return self

    def get_loss(self, y_pred, y_true, X=None, training=False):
        """Loss to minimise, under skorch's name for it."""
        return self.losses(y_pred, y_true, X)["loss"]

    def get_params_for_optimizer(self, prefix, named_parameters):
        """Arguments of the optimiser, fused where that exists."""
        args, kwargs = super().get_params_for_optimizer(prefix, named_parameters)
        if self.optimizer in _FUSED and not _FUSED_OPTIONS & kwargs.keys():
            kwargs["fused"] = True
        return args, kwargs

    def train_step(self, batch, **fit_params):
        """One step of the optimiser on a batch."""
        X, target = batch
        steps = []  # of an optimiser that asks several times, the first counts

        def closure():
            output, losses = self._backward(X, target)
            steps.append((output, losses))
            if self.hears_batches_:
                self.notify(
                    "on_grad_computed",
                    named_parameters=TeeGenerator(self.get_all_learnable_params()),
                    batch=batch,
                    training=True,
                )
            return losses["loss"]

        self._step_optimizer(closure)
        output, losses = steps[0]
        return {"loss": losses["loss"], "losses": losses, "y_pred": output}

    def _backward(self, X, target):
        """Output, losses and gradients of a batch; without the compiler if it fails."""
        try:
            return self._compute(X, target)
        except Exception as error:
            if not hasattr(self.module_, "_orig_mod"):
                raise
            self._strip_compiler()
            step = self._compute(X, target)  # fails again if it was not the compiler
            warnings.warn(
                f"torch.compile failed, and the {self.stage} goes on without it; "
                f"compile=False spares the attempt. {type(error).__name__}: "
                f"{textwrap.shorten(str(error), 300)}",
                RuntimeWarning,
                stacklevel=2,
            )
            return step

    def _compute(self, X, target):
        self._zero_grad_optimizer()
        output = self.module_(X)
        losses = self.losses(output, target, X)
        losses["loss"].backward()
        return output, losses

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Train on the batches of one epoch and record its mean losses."""
        totals, n_samples, n_batches = {}, 0, 0
        self._set_training(True)
        for batch in iterator:
            if self.hears_batches_:
                self.notify("on_batch_begin", batch=batch, training=True)
                self._set_training(True)
            step = step_fn(batch, **fit_params)
            size = len(batch[0])
            for name, loss in step["losses"].items():
                # In place on the device: neither a wait nor a tensor per batch.
                if name not in totals:
                    totals[name] = _zero(loss)
                totals[name].add_(loss.detach(), alpha=size)
            n_samples += size
            n_batches += 1
            if self.hears_batches_:
                self.history.record_batch(f"{prefix}_loss", step["loss"].item())
                self.history.record_batch(f"{prefix}_batch_size", size)
                self.notify("on_batch_end", batch=batch, training=True, **step)
        means = {name: total.item() / n_samples for name, total in totals.items()}
        self._record_losses(means, n_batches, prefix)

    # -- what the estimators call --------------------------------------------

    @contextmanager
    def training(self, rows):
        """Surround a whole training: skorch's begin and end."""
        self.hears_batches_ = any(_overrides_batch_hook(c) for _, c in self.callbacks_)
        self.notify("on_train_begin", X=rows, y=None)
        yield
        self.notify("on_train_end", X=rows, y=None)
        self._strip_compiler()
        if not all(p.isfinite().all() for p in self.module_.parameters()):
            raise NonFiniteLossError(self._non_finite_message("a weight", math.nan))

    @contextmanager
    def epoch(self, rows):
        """Surround an epoch: skorch's begin and end.

        The object yielded takes facts to record with the epoch, before callbacks
        see it, and says afterwards whether one of them, such as skorch's
        EarlyStopping, ends the training.
        """
        data = {"dataset_train": rows, "dataset_valid": None}
        self.notify("on_epoch_begin", **data)
        epoch = _Epoch(self.history)
        yield epoch
        try:
            self.notify("on_epoch_end", **data)
        except KeyboardInterrupt as interrupt:  # how skorch's callbacks say stop
            if not _is_raised_by_hook(interrupt):
                raise
            epoch.stop_requested = True

    def train_on(self, batches):
        """Take a step on each of the batches, within an epoch."""
        self.run_single_epoch(batches, True, "train", self.train_step)

    # -- helpers -------------------------------------------------------------

    def _record_losses(self, means, n_batches, prefix):
        for name, mean in means.items():
            column = f"{prefix}_loss" if name == "loss" else name
            if not math.isfinite(mean):
                raise NonFiniteLossError(self._non_finite_message(f"the {name}", mean))
            if name == "loss":
                earlier = self.history[:-1, column] if len(self.history) > 1 else []
                self.history.record(f"{column}_best", all(mean < x for x in earlier))
            self.history.record(column, mean)
        self.history.record(f"{prefix}_batch_count", n_batches)
        if not self.hears_batches_:
            # One entry for all: skorch's Checkpoint looks for a last batch.
            self.history.new_batch()
            self.history.record_batch(f"{prefix}_loss", self.history[-1, "train_loss"])

    def _non_finite_message(self, what, value):
        return (
            f"{self.stage.capitalize()} stopped in epoch {len(self.history)}: {what} "
            f"became {value}. The usual causes are values of X far from 1 (scale X, "
            f"images to [0, 1]) and a learning rate too large (lr={self.lr} now; try "
            f"{self.lr / 10:g}). Nothing was fitted."
        )

    def _strip_compiler(self):
        """Put the plain module back, whose parameters have their plain names."""
        for name in self._modules + self._criteria:
            part = getattr(self, name + "_")
            setattr(self, name + "_", getattr(part, "_orig_mod", part))

    def _check_optimizer_arguments(self):
        arguments = set(self.get_params_for("optimizer")) - {"param_groups"}  # skorch's
        check_arguments(self.optimizer, "optimizer", arguments)

    def _check_callbacks(self):
        # Those switched off (callbacks__print_log=None) are known by name, too.
        names = [name for name, _ in self._uniquely_named_callbacks()]
        for key in vars(self):
            name = key.removeprefix("callbacks__").split("__")[0]
            if key.startswith("callbacks__") and name not in names:
                raise ValueError(f"{key} names no callback; there are {names}.")
        for name, callback in self.callbacks_:
            monitor = getattr(callback, "monitor", None)
            if isinstance(monitor, str) and monitor.startswith("valid_"):
                raise ValueError(
                    f"The callback {name} monitors {monitor!r}, but clustering has no "
                    "validation data and so no validation loss. Pass a column of the "
                    f"history, such as monitor={monitor.replace('valid', 'train')!r}."
                )
            if isinstance(callback, Checkpoint) and callback.sink is noop:
                callback.sink = _warn_if_unable  # it would keep failures to itself


class _Epoch:
    def __init__(self, history):
        self._history = history
        self.stop_requested = False

    def record(self, **facts):
        for name, value in facts.items():
            self._history.record(name, value)


class ReconstructionNet(_TensorNet):
    """Trains an autoencoder: mean squared error, averaged over all values."""

    def losses(self, output, target, X):
        """Return the reconstruction loss."""
        return {"loss": mse_loss(output, X)}


class ClusteringNet(_TensorNet):
    """Trains a network and its centres: L = L_r + gamma * KL(P || Q).

    With ``gamma=None`` it is the divergence alone, and the module gives no
    reconstruction. A callback that moves the centres when an epoch begins says so in
    `centers_moved_`, and the targets are worked out anew.
    """

    def __init__(self, module, *, gamma, **params):
        super().__init__(module, **params)
        self.gamma = gamma
        self.centers_moved_ = False

    def losses(self, output, target, X):
        """Return the parts of the loss and their weighted sum."""
        reconstruction, Q = output
        clustering_loss = clustering_kl(target, Q)
        if self.gamma is None:
            return {"loss": clustering_loss, "clustering_loss": clustering_loss}
        reconstruction_loss = mse_loss(reconstruction, X)
        return {
            "loss": reconstruction_loss + self.gamma * clustering_loss,
            "reconstruction_loss": reconstruction_loss,
            "clustering_loss": clustering_loss,
        }


class PseudoLabelNet(_TensorNet):
    """Trains features on pseudo-labels: multinomial logistic loss, mean over heads."""

    def losses(self, output, target, X):
        """Return the logistic loss; `target` has a column per head."""
        losses = [
            cross_entropy(logits, labels)
            for logits, labels in zip(output, target.T, strict=True)
        ]
        return {"loss": torch.stack(losses).mean()}


def history_table(net, columns):
    """The history of a net as a dict of columns, an entry per epoch.

    Parameters
    ----------
    net : _TensorNet
        A trained net.
    columns : sequence of str
        Columns that the table has in any case. Others, recorded by callbacks, follow;
        where an epoch lacks one there is NaN.
    """
    skipped = {"batches", "train_loss_best", "train_batch_count", "event_cp"}
    rows = [
        {("loss" if name == "train_loss" else name): row[name] for name in row}
        for row in net.history
    ]
    names = dict.fromkeys([*columns, *(name for row in rows for name in row)])
    return {
        name: [row.get(name, math.nan) for row in rows]
        for name in names
        if name not in skipped
    }


def _copies(callbacks):
    """Copies of the callbacks, one level deep.

    A callback keeps state of the net that it runs in, so that no two nets may
    share it. What it was given from outside, such as a writer or a list, stays
    the user's own object.
    """
    copies = []
    for item in callbacks or []:
        named = isinstance(item, tuple | list) and len(item) == 2
        callback = item[1] if named else item
        if not all(callable(getattr(callback, n, None)) for n in _CALLBACK_METHODS):
            raise TypeError(
                f"callbacks={callbacks} must be a list of skorch callbacks, or of "
                "pairs (name, skorch callback). scikit-learn's callbacks, such as its "
                "ProgressBar, go to the method set_callbacks."
            )
        copies.append((item[0], copy.copy(callback)) if named else copy.copy(callback))
    return copies


def _zero(loss):
    """A sum of losses to begin with, in double precision where the device has it."""
    dtype = torch.float32 if loss.device.type == "mps" else torch.float64
    return torch.zeros((), dtype=dtype, device=loss.device)


def _overrides_batch_hook(callback):
    return any(
        getattr(getattr(callback, hook), "__func__", None)
        is not getattr(Callback, hook)
        for hook in _BATCH_HOOKS
    )


def _is_raised_by_hook(interrupt):
    """Whether a callback's hook raised this itself; a Ctrl-C strikes anywhere."""
    traceback = interrupt.__traceback__
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback.tb_frame.f_code.co_name == "on_epoch_end"


def _warn_if_unable(message):
    if message.startswith("Unable to save"):
        warnings.warn(message, RuntimeWarning, stacklevel=2)
