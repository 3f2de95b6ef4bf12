"""The skorch nets that train on tensors, and nothing about any method.

Each net is skorch's `NeuralNet` for parameters, callbacks, history and optimisers. The
loop is ours: batches come ready from :class:`~skdeepclust._batches.Batches`, losses are
read once per epoch, and per-batch hooks run only when a callback has them.
"""

import copy
import inspect
import math
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, Checkpoint, EpochTimer, PrintLog
from skorch.utils import TeeGenerator, noop
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

from skdeepclust._distributed import (
    n_processes,
    own_part,
    shared_normalisation,
    sum_gradients,
)
from skdeepclust._functional import clustering_kl
from skdeepclust._params import check_arguments
from skdeepclust._random import drawing, without_draws
from skdeepclust._warnings import late_error, warn
from skdeepclust._watch import INTERRUPTED, EpochSums, Watch
from skdeepclust.exceptions import NonFiniteLossError

__all__ = [
    "ClusteringNet",
    "PseudoLabelNet",
    "ReconstructionNet",
    "Run",
    "TensorNet",
    "check_callbacks",
    "check_optimizer",
    "history_table",
]

# Optimisers with a one-kernel step on CPU and CUDA: the same arithmetic, faster.
_FUSED = (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD, torch.optim.Adagrad)
_FUSED_OPTIONS = {"fused", "foreach", "differentiable"}

_BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_grad_computed")
_EPOCH_HOOKS = ("on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end")
_HOOKS = (*_EPOCH_HOOKS, *_BATCH_HOOKS)
_CALLBACK_METHODS = ("initialize", "set_params", "on_epoch_end", *_BATCH_HOOKS)

_CALLBACK_STOP = "a callback stopped the training"


class TensorNet(NeuralNet):
    """A network and its optimiser, trained on batches of tensors.

    A subclass writes :meth:`losses`. :class:`Run` and :meth:`train_on` do the rest:
    an epoch is a call of `train_on`, whatever its batches are.

    In a fitted estimator this is `net_`, there to be looked at: `module_`,
    `optimizer_`, `history` and `callbacks_`. It is fitted by its estimator only.

    Parameters
    ----------
    module : nn.Module
        The network, built and float32. Its call gives `losses` their `output`.
    stage : str
        Name of the stage that the net trains in, for progress and errors.
    callbacks : list of skorch callbacks, default=None
        Callbacks; the net works on copies.
    columns : dict or None, default=None
        Columns of the history of each stage, by its name. Callbacks that monitor a
        column of another stage sit this one out. None: callbacks are not looked at.
    lr_name : str, default="lr"
        What the user calls the learning rate, for errors.
    **params : dict
        Parameters of skorch's `NeuralNet`: `optimizer`, `lr`, `batch_size`, `device`,
        `verbose`, and those with a prefix.
    """

    # Whether the loss is a mean over the samples of a batch, so that several processes
    # can share the batch. Otherwise each of them computes all of it.
    shares_batches = False

    def __init__(
        self,
        module: nn.Module,
        *,
        stage: str,
        callbacks: list | None = None,
        columns: dict[str, tuple[str, ...]] | None = None,
        lr_name: str = "lr",
        **params: Any,
    ):
        super().__init__(
            module.to(torch.float32),
            criterion=None,
            train_split=None,
            callbacks=_copies(callbacks, (columns or {}).get(stage)),
            **params,
        )
        self.stage = stage
        self.columns = columns
        self.lr_name = lr_name
        self.has_batch_callbacks_ = False
        self.watch: Watch | None = None
        self.draws_ = True
        self.gradients_checked_ = False

    def losses(self, output: Any, target: Any, X: Tensor) -> dict[str, Tensor]:
        """Losses of a batch; the word that a subclass writes.

        Parameters
        ----------
        output : Tensor or tuple of Tensors
            What the module returned for X.
        target : Tensor or None
            Rows of the `targets` of the batches.
        X : Tensor of shape (b, ...)
            The batch.

        Returns
        -------
        losses : dict
            Scalar tensors by name. "loss" is minimised; the others are recorded.
        """
        raise NotImplementedError

    # -- skorch's extension points -------------------------------------------

    @property
    def _default_callbacks(self):
        return [("epoch_timer", EpochTimer()), ("print_log", PrintLog())]

    def initialize(self):
        """Build everything, and check what skorch leaves unchecked."""
        if isinstance(vars(self)["module"], type):  # it is initialised already
            return self.fit(None)
        network: Any = vars(self)["module"]
        if not list(network.parameters()):
            raise ValueError(
                f"The network {_own_name(network)} has no weights: there is nothing to "
                "train. Pass another module."
            )
        super().initialize()
        # The instance lives on as module_. A second reference would be pickled once
        # more, and with its device.
        self.module = type(self.module_)
        self._check_callbacks()
        return self

    def initialize_criterion(self):
        """Do nothing: `losses` is in the place of skorch's criterion."""
        return self

    def initialize_callbacks(self):
        """Initialise the callbacks; an error says that it is of one of them."""
        try:
            return super().initialize_callbacks()
        except Exception as error:
            kinds = [type(_unnamed(item)).__name__ for item in self.callbacks or []]
            error.add_note(
                f"One of the callbacks {', '.join(kinds)} raised it when the "
                f"{self.stage} was made ready."
            )
            raise

    def notify(self, method_name, **kwargs):
        """Tell the net and its callbacks; an error says which callback raised it."""
        getattr(self, method_name)(self, **kwargs)
        for name, callback in self.callbacks_:
            try:
                getattr(callback, method_name)(self, **kwargs)
            except StopIteration as error:  # it would end our own iteration
                raise RuntimeError(
                    f"The callback {name} raised StopIteration in {method_name} of the "
                    f"{self.stage}: {error}"
                ) from error
            except Exception as error:
                error.add_note(
                    f"The callback {name} raised it in {method_name} of the "
                    f"{self.stage}."
                )
                raise

    def get_params_for_optimizer(self, prefix, named_parameters):
        """Arguments of the optimiser, fused if the optimiser has that form."""
        args, kwargs = super().get_params_for_optimizer(prefix, named_parameters)
        if self.optimizer in _FUSED and not _FUSED_OPTIONS & kwargs.keys():
            kwargs["fused"] = True
        return args, kwargs

    def fit(self, X, y=None, **fit_params):
        """Refuse: the net is trained by its estimator."""
        raise NotImplementedError(
            "The net of a fitted estimator is there to be looked at (module_, "
            "optimizer_, history, callbacks_). It cannot be fitted, cloned or asked "
            "for predictions: call fit, clone or predict on the estimator itself."
        )

    partial_fit = fit_loop = fit

    def predict(self, X):
        """Refuse: the estimator predicts."""
        return self.fit(X)

    predict_proba = forward = forward_iter = infer = predict
    run_single_epoch = validation_step = evaluation_step = get_loss = fit

    def __sklearn_clone__(self):
        return self.fit(None)

    # -- training ------------------------------------------------------------

    def train_on(self, batches: Any) -> int:
        """Take a step on each of the batches and record the mean losses.

        Parameters
        ----------
        batches : iterable of pairs (X, target)
            Batches of tensors on the device, such as :class:`Batches`.

        Returns
        -------
        n_steps : int
            Steps of this epoch. Ctrl-C ends it before the last batch.
        """
        sums = EpochSums()
        if self.watch is not None:
            self.watch.enter(batches, sums)
        draws = self.draws_ or self.has_batch_callbacks_
        self._set_training(True)
        for batch in batches:
            if self.has_batch_callbacks_:
                self.notify("on_batch_begin", batch=batch, training=True)
                self._set_training(True)
            with without_draws(draws):
                step = self.train_step(batch)
            size = len(batch[0])
            sums.add(step["losses"], size)
            if self.has_batch_callbacks_:
                self.history.record_batch("train_loss", step["loss"].item())
                self.history.record_batch("train_batch_size", size)
                self.notify("on_batch_end", batch=batch, training=True, **step)
            if self.watch is not None and self.watch.ends_after_step(sums):
                break
        self._record_losses(sums.means(), sums.n_batches)
        return sums.n_batches

    def extra_state(self) -> dict[str, Any]:
        """What the training depends on apart from weights and optimiser.

        A subclass that has such a state returns it, as plain values and tensors that it
        does not change afterwards, and takes it in :meth:`load_extra_state`.
        """
        return {}

    def load_extra_state(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`extra_state` returned."""

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Load the weights of an earlier state of this net."""
        self.module_.load_state_dict(weights)

    def train_step(self, batch):
        """Take one step of the optimiser on a batch."""
        X, target = batch
        steps = []  # LBFGS calls the closure several times; the first call counts

        def closure():
            output, losses = self._backward(X, target)
            steps.append((output, losses))
            if self.has_batch_callbacks_:
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
            warn(
                f"torch.compile failed, and the {self.stage} goes on without it; "
                f"compile=False spares the attempt. {type(error).__name__}: "
                f"{textwrap.shorten(str(error), 300)}",
                RuntimeWarning,
            )
            return step

    def _compute(self, X, target):
        self._zero_grad_optimizer()
        part, n_rows = self._own_part(len(X)), len(X)
        if part is not None:
            X, target = X[part], None if target is None else target[part]
        try:
            output = self.module_(X)
            losses = self.losses(output, target, X)
            if part is not None:
                losses = {k: v * (len(X) / n_rows) for k, v in losses.items()}
            losses["loss"].backward()
        except Exception as error:
            note = (
                f"The network {_own_name(self.module_)} failed in the {self.stage}, on "
                f"a batch of shape {tuple(X.shape)}."
            )
            if isinstance(error, StopIteration):  # it would end our own iteration
                raise RuntimeError(f"{note} It raised StopIteration.") from error
            error.add_note(note)
            raise
        self._check_gradients(X)
        return output, losses if part is None else self._summed(losses)

    def _own_part(self, n_rows):
        """Rows of a batch for this process; None for all of them.

        The draws of a network, as in dropout, depend on the rows, so that every process
        computes the whole batch of such a network.
        """
        if not self.shares_batches or self.draws_:
            return None
        return own_part(n_rows)

    def _summed(self, losses):
        """Losses of the whole batch; gradients are summed over the processes too."""
        stops = self.watch is not None and self.watch.is_asked_to_stop
        extras = {**losses, "stops": torch.tensor(float(stops))}
        sums = sum_gradients(self.module_.parameters(), extras)
        if sums.pop("stops") > 0 and self.watch is not None:
            self.watch.stop_everywhere()
        return sums

    def _check_gradients(self, X):
        """Warn, once, if the loss does not reach the weights behind the embedding."""
        if self.gradients_checked_:
            return
        self.gradients_checked_ = True
        idle = [
            weights
            for weights in self.module_.parameters()
            if weights.requires_grad and weights.grad is None
        ]
        if idle and not self._embedding_has_gradient(X):
            name = _own_name(self.module_)
            warn(
                f"The embedding of the network {name} has no gradient in the "
                f"{self.stage}, so that {len(idle)} of its weights stay as they were "
                "drawn. Look for detach() and torch.no_grad() in it; "
                "requires_grad_(False) on these weights says that this is meant.",
                RuntimeWarning,
            )

    def _embedding_has_gradient(self, X):
        compiled: Any = self.module_
        network = getattr(compiled, "_orig_mod", compiled)
        if not hasattr(network, "encode"):
            return True
        network.eval()  # no draws, no running means
        Z = network.encode(X)
        self._set_training(True)
        return Z.requires_grad

    @contextmanager
    def training(self, data):
        """Surround a whole training: skorch's begin and end."""
        self.has_batch_callbacks_ = any(
            _overrides_batch_hook(callback) for _, callback in self.callbacks_
        )
        self.notify("on_train_begin", X=data, y=None)
        yield
        try:
            self.notify("on_train_end", X=data, y=None)
        except Exception as error:  # of a callback: the training itself is finished
            late_error(error)
        self._strip_compiler()
        if not all(p.isfinite().all() for p in self.module_.parameters()):
            raise NonFiniteLossError(self._non_finite_message("a weight", math.nan))

    @contextmanager
    def sharing(self):
        """Surround epochs that several processes may share."""
        if n_processes() == 1 or not self.shares_batches or self.draws_:
            yield
            return
        compiled: Any = self.module_
        with shared_normalisation(getattr(compiled, "_orig_mod", compiled)):
            yield

    @contextmanager
    def epoch(self, data):
        """Surround an epoch: skorch's begin and end.

        The object yielded takes facts to record with the epoch, before callbacks
        see it, and says afterwards whether one of them, such as skorch's
        EarlyStopping, ends the training.
        """
        about = {"dataset_train": data, "dataset_valid": None}
        self.notify("on_epoch_begin", **about)
        epoch = _Epoch(self.history)
        yield epoch
        try:
            self.notify("on_epoch_end", **about)
        except KeyboardInterrupt:  # how skorch's callbacks stop a training
            epoch.stop_requested = True

    # -- helpers -------------------------------------------------------------

    def _record_losses(self, means, n_batches):
        for name, mean in means.items():
            column = "train_loss" if name == "loss" else name
            if not math.isfinite(mean):
                raise NonFiniteLossError(self._non_finite_message(f"the {name}", mean))
            if name == "loss":
                earlier = self.history[:-1, column] if len(self.history) > 1 else []
                self.history.record(f"{column}_best", all(mean < x for x in earlier))
            self.history.record(column, mean)
        self.history.record("train_batch_count", n_batches)
        if not self.has_batch_callbacks_:
            # One entry for all: skorch's Checkpoint looks for a last batch.
            self.history.new_batch()
            self.history.record_batch("train_loss", self.history[-1, "train_loss"])

    def _non_finite_message(self, what, value):
        return (
            f"{self.stage.capitalize()} stopped in epoch {len(self.history)}: {what} "
            f"became {value}. The usual causes are values of X far from 1 (scale X, "
            "images to [0, 1]), a learning rate too large "
            f"({self.lr_name}={self.lr} now; try {self.lr / 10:g}), a gamma far too "
            "large, an alpha far too small, and an augment or a module that makes NaN. "
            "Nothing was fitted."
        )

    def _strip_compiler(self):
        """Put the plain module back, whose parameters have their plain names."""
        for name in self._modules:
            part = getattr(self, name + "_")
            setattr(self, name + "_", getattr(part, "_orig_mod", part))

    def find_draws(self, data):
        """Find out whether a training step draws random numbers, as dropout does."""
        compiled: Any = self.module_
        network = getattr(compiled, "_orig_mod", compiled)
        X = data.take(slice(0, 2))
        X = X if len(X) > 1 else torch.cat([X, X])
        buffers = [(buffer, buffer.clone()) for buffer in network.buffers()]

        def forward():
            with torch.no_grad():
                return network.train()(X)

        try:
            self.draws_ = drawing(forward, network is not compiled)
        finally:
            with torch.no_grad():
                for buffer, before in buffers:
                    buffer.copy_(before)

    def check_trainable(self):
        """Refuse to train a network whose weights are all frozen."""
        if not any(p.requires_grad for p in self.module_.parameters()):
            raise ValueError(
                "All weights of the module are frozen (requires_grad=False): the "
                f"{self.stage} can change nothing. Pass pretrain_epochs=0 (for an "
                "Autoencoder max_epochs=0), or weights that can be trained."
            )

    def _check_callbacks(self):
        # Those switched off (callbacks__print_log=None) are known by name, too.
        names = [name for name, _ in self._uniquely_named_callbacks()]
        for key in vars(self):
            name = key.removeprefix("callbacks__").split("__")[0]
            if key.startswith("callbacks__") and name not in names:
                raise ValueError(f"{key} names no callback; there are {names}.")
        for _, callback in self.callbacks_:
            if isinstance(callback, Checkpoint) and callback.sink is noop:
                callback.sink = _warn_if_unable  # it would keep failures to itself


class Run:
    """The epochs of a stage of training.

    Iterating runs the epochs, each between the begin and the end that skorch's and
    scikit-learn's callbacks see::

        run = Run(net, data, progress, n_epochs=100)
        for epoch in run:
            net.train_on(batches)
            epoch.record(beta=beta)
            if enough:
                run.stop("the loss no longer falls")

    A run goes on where an earlier fit stopped, if there is a state of it. Its net then
    has the weights of that state as soon as the run is made, and the run has no epochs
    left if the stage was finished.

    Parameters
    ----------
    net : TensorNet
        The net, initialised.
    data : TensorData
        The samples, for callbacks.
    progress : Progress
        What `_fit` was given.
    n_epochs : int
        Largest number of epochs.
    step : str, default="epoch"
        Name of an epoch in progress reports.
    snapshot : callable or None, default=None
        Returns the fitted attributes as they are now, for scikit-learn's callbacks
        that evaluate the estimator.

    Attributes
    ----------
    stop_reason : str or None
        Why the run ended before `n_epochs`; None if it did not.
    n_epochs : int
        Largest number of epochs.
    n_done : int
        Epochs done, those of the earlier fit included.
    is_resumed : bool
        Whether the run goes on from an earlier fit.
    kept : dict
        What the method needs to go on, apart from the net and its batches: plain
        values, arrays and tensors that nobody changes in place. The method sets it
        before `train_on` and at the end of an epoch, and finds it again when the run
        is resumed.
    """

    def __init__(
        self,
        net: TensorNet,
        data: Any,
        progress: Any,
        *,
        n_epochs: int,
        step: str = "epoch",
        snapshot: Callable[[], dict] | None = None,
    ):
        self._net = net
        self._data = data
        self._progress = progress
        self.n_epochs = n_epochs
        self._step = step
        self._snapshot = snapshot
        self._watch = Watch(net, progress.keeper.slot(net.stage))
        self.stop_reason: str | None = self._watch.stop_reason

    @property
    def kept(self) -> dict[str, Any]:
        return self._watch.kept

    @kept.setter
    def kept(self, kept: dict[str, Any]) -> None:
        self._watch.kept = kept

    @property
    def is_resumed(self) -> bool:
        return self._watch.is_resumed

    @property
    def n_done(self) -> int:
        return len(self._net.history)

    def stop(self, reason: str) -> None:
        """End the run after this epoch."""
        self.stop_reason = reason

    def __iter__(self) -> Iterator["_Epoch"]:
        """Yield every epoch while it runs."""
        watch, self.stop_reason = self._watch, None
        if watch.is_done:
            self.stop_reason = watch.stop_reason
        elif watch.was_cut_before():
            self.stop_reason = INTERRUPTED
        if self.stop_reason is not None or watch.is_done:
            self._net._strip_compiler()
            return
        n_left = self.n_epochs - self.n_done
        if n_left > 0:
            self._net.check_trainable()
            self._net.find_draws(self._data)
        with (
            self._progress.stage(self._net.stage, max(0, n_left)) as stage,
            self._net.training(self._data),
            watch.watching(),
            self._net.sharing(),
        ):
            for _ in range(n_left):
                with (
                    stage.step(self._step, self._snapshot) as step,
                    self._net.epoch(self._data) as epoch,
                ):
                    epoch.is_resumed = watch.resumes_within
                    yield epoch
                self._end(epoch.stop_requested or step.stop_requested)
                if self.stop_reason is not None:
                    break
        watch.finish(self.stop_reason)

    def _end(self, is_stopped):
        """What the end of an epoch means for the run."""
        self._watch.end_epoch()
        if self._watch.is_cut:
            self.stop_reason = INTERRUPTED
        elif self.stop_reason is None and is_stopped:
            self.stop_reason = _CALLBACK_STOP


class _Epoch:
    def __init__(self, history):
        self._history = history
        self.stop_requested = False
        self.is_resumed = False  # an earlier fit stopped within it

    @property
    def index(self):
        """Number of epochs before this one."""
        return len(self._history) - 1

    def record(self, **facts):
        """Record facts with the epoch, each in a column of the history."""
        for name, value in facts.items():
            self._history.record(name, value)


class ReconstructionNet(TensorNet):
    """Trains an autoencoder: mean squared error, averaged over all values."""

    shares_batches = True

    def losses(self, output, target, X):
        """Return the reconstruction loss."""
        _check_reconstruction(output, X)
        return {"loss": mse_loss(output, X)}


class ClusteringNet(TensorNet):
    """Trains a network and its centres: L = L_r + gamma * KL(P || Q).

    With ``gamma=None`` it is the divergence alone, and the module gives no
    reconstruction.
    """

    shares_batches = True

    def __init__(self, module, *, gamma, **params):
        super().__init__(module, **params)
        self.gamma = gamma

    def _check_gradients(self, X):
        if self.gamma is not None:  # else the decoder has none, as it should
            super()._check_gradients(X)

    def losses(self, output, target, X):
        """Return the parts of the loss and their weighted sum."""
        reconstruction, Q = output
        clustering_loss = clustering_kl(target, Q)
        if self.gamma is None:
            return {"loss": clustering_loss, "clustering_loss": clustering_loss}
        _check_reconstruction(reconstruction, X)
        reconstruction_loss = mse_loss(reconstruction, X)
        return {
            "loss": reconstruction_loss + self.gamma * clustering_loss,
            "reconstruction_loss": reconstruction_loss,
            "clustering_loss": clustering_loss,
        }


class PseudoLabelNet(TensorNet):
    """Trains features on pseudo-labels: multinomial logistic loss, mean over heads."""

    shares_batches = True

    def load_weights(self, weights):
        """Load weights; the last layers may have become wider in the meantime."""
        self.module_.widen_heads(len(weights["heads.0.weight"]))
        super().load_weights(weights)

    def losses(self, output, target, X):
        """Return the logistic loss; `target` has a column per head."""
        losses = [
            cross_entropy(logits, labels)
            for logits, labels in zip(output, target.T, strict=True)
        ]
        return {"loss": torch.stack(losses).mean()}


def _check_reconstruction(output, X):
    """Refuse another shape, which a loss might broadcast to that of X."""
    if output.shape != X.shape:
        raise ValueError(
            f"decode made {tuple(output.shape)} of samples {tuple(X.shape)}. It must "
            "return exactly the shape of the input, in training as well."
        )


def _own_name(model):
    """Name of the class of the user's network, within our module."""
    model = getattr(model, "_orig_mod", model)
    network = getattr(model, "autoencoder", getattr(model, "backbone", model))
    return type(network).__name__


def history_table(net: Any, columns: Sequence[str]) -> dict[str, list]:
    """The history of a net as a dict of columns, an entry per epoch.

    Parameters
    ----------
    net : TensorNet
        A trained net.
    columns : sequence of str
        First columns of the table. Others, recorded by callbacks, follow. A value that
        an epoch lacks is NaN.

    Returns
    -------
    table : dict
        Lists by the name of the column.
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


def check_optimizer(optimizer, lr, arguments, *, name="optimizer", lr_name="lr"):
    """Refuse an optimiser that cannot be built, before any training.

    Parameters
    ----------
    optimizer : callable
        Parameter of the estimator.
    lr : float
        Learning rate.
    arguments : dict
        Other arguments, without their prefix.
    name, lr_name : str
        Names of the parameters, for the message.
    """
    arguments = {k: v for k, v in arguments.items() if k != "param_groups"}  # skorch's
    if inspect.isclass(optimizer) and issubclass(optimizer, torch.optim.Optimizer):
        check_arguments(optimizer, name, arguments)
    named = {f"{name}__{each}": value for each, value in arguments.items()}
    _check_finite(named)
    weights = [nn.Parameter(torch.zeros(1, dtype=torch.float32, device="cpu"))]
    words = ", ".join(f"{k}={v!r}" for k, v in {lr_name: lr, **named}.items())
    try:
        built = optimizer(weights, **{"lr": lr, **arguments})
    except Exception as error:
        raise ValueError(
            f"{name}={optimizer} could not be built with {words}: "
            f"{type(error).__name__}: {error}"
        ) from error
    is_optimizer = hasattr(built, "step") and hasattr(built, "param_groups")
    if not is_optimizer or isinstance(built, torch.optim.SparseAdam):
        raise TypeError(
            f"{name}={optimizer} made a {type(built).__name__}, not a torch optimiser "
            "for dense gradients. Pass a class such as torch.optim.Adam."
        )


def _check_finite(arguments):
    """Refuse NaN and infinity, which some optimisers take without a word."""
    for name, value in arguments.items():
        values = value if isinstance(value, tuple | list) else [value]
        if any(isinstance(each, float) and not math.isfinite(each) for each in values):
            raise ValueError(f"{name}={value!r} must be finite.")


def check_callbacks(callbacks, columns):
    """Refuse what is no skorch callback, and callbacks that monitor no column.

    Parameters
    ----------
    callbacks : list or None
        Parameter of the estimator.
    columns : dict or None
        Columns of the history of each stage; None if they are not known.
    """
    named = [_unnamed(item) for item in callbacks or []]
    for callback in named:
        if isinstance(callback, type) or not all(
            callable(getattr(callback, name, None)) for name in _CALLBACK_METHODS
        ):
            raise TypeError(
                f"callbacks={callbacks} must be a list of skorch callbacks, or of "
                "pairs (name, skorch callback): instances, not classes. scikit-learn's "
                "callbacks, such as its ProgressBar, go to the method set_callbacks."
            )
    # Columns that other callbacks record, such as skorch's scores.
    recorded = {str(getattr(callback, "name", "")) for callback in named}
    known = {name for names in (columns or {}).values() for name in names} | recorded
    for callback in named if columns else ():
        monitor = getattr(callback, "monitor", None)
        if not isinstance(monitor, str) or monitor.removesuffix("_best") in known:
            continue
        if monitor.startswith("valid_"):
            raise ValueError(
                f"The callback {type(callback).__name__} monitors {monitor!r}, but "
                "clustering has no validation data and so no validation loss. Pass a "
                f"column of the history, such as "
                f"monitor={monitor.replace('valid', 'train')!r}."
            )
        listed = "; ".join(f"{stage}: {list(each)}" for stage, each in columns.items())
        raise ValueError(
            f"callbacks: {type(callback).__name__} monitors {monitor!r}, which is no "
            f"column of the history. There are, by stage, {listed}."
        )


def _unnamed(item):
    return item[1] if isinstance(item, tuple | list) and len(item) == 2 else item


def _copies(callbacks, columns):
    """Copies of the callbacks, one level deep.

    A callback keeps state of the net that it runs in, so that no two nets may
    share it. What it was given from outside, such as a writer or a list, stays
    the user's own object. One that monitors a column that this net has not, of
    another stage, does nothing here.
    """
    check_callbacks(callbacks, None)
    recorded = {str(getattr(_unnamed(item), "name", "")) for item in callbacks or []}
    known = None if columns is None else {*columns, *recorded}
    copies = []
    for item in callbacks or []:
        copied = copy.copy(_unnamed(item))
        if hasattr(copied, "f_criterion"):  # a Checkpoint: there is no criterion
            copied.f_criterion = None
        monitor = getattr(copied, "monitor", None)
        is_known = known is None or str(monitor).removesuffix("_best") in known
        if isinstance(monitor, str) and not is_known:
            for hook in _HOOKS:
                setattr(copied, hook, _sit_out)
        copies.append(copied if item is _unnamed(item) else (item[0], copied))
    return copies


def _sit_out(*args, **kwargs):
    """Do nothing, in place of a hook."""


def _overrides_batch_hook(callback):
    hooks = [getattr(callback, hook) for hook in _BATCH_HOOKS]
    plain = [getattr(Callback, hook) for hook in _BATCH_HOOKS]
    return any(
        hook is not _sit_out and getattr(hook, "__func__", None) is not each
        for hook, each in zip(hooks, plain, strict=True)
    )


def _warn_if_unable(message):
    if message.startswith("Unable to save"):
        warn(message, RuntimeWarning)
