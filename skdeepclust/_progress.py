"""The bridge to scikit-learn's callbacks: a fit reported as stages of steps."""

from contextlib import contextmanager

from skdeepclust._checkpoint import Keeper

__all__ = ["NoProgress", "Progress"]


class Progress:
    """Reports a fit to the callbacks set by `set_callbacks`.

    The tree of tasks has three levels, "fit", its stages, and the steps of a
    stage, so that a :class:`sklearn.callback.ProgressBar` set on a search or a
    pipeline reaches down to single epochs.

    Parameters
    ----------
    estimator : estimator instance
        The estimator being fitted.
    n_stages : int
        Number of stages announced.
    X : array-like
        The training data, for callbacks that score on it.
    y : array-like or None
        Handed through to callbacks that score with it; nothing else reads it.
    keeper : Keeper, optional
        Keeps the state of the fit.
    """

    def __init__(self, estimator, n_stages, X, y=None, keeper=None):
        self.keeper = keeper or Keeper()
        self.has_begun = False  # whether a stage of the training has
        self._estimator = estimator
        self._data = {"X": X, "y": y}
        self._context = estimator._init_callback_context(max_subtasks=n_stages)
        self._context.call_on_fit_task_begin(estimator=estimator, **self._data)

    @contextmanager
    def stage(self, name, n_steps):
        """Open a stage of `n_steps` steps; it may end before the last."""
        self.has_begun = True
        context = self._context.subcontext(task_name=name, max_subtasks=n_steps)
        context.call_on_fit_task_begin(estimator=self._estimator, **self._data)
        yield _Stage(self._estimator, context, self._data)
        context.call_on_fit_task_end(estimator=self._estimator, **self._data)

    def close(self, fitted_attributes=None):
        """End the task "fit"."""
        self._context.call_on_fit_task_end(
            estimator=self._estimator,
            reconstruction_attributes=fitted_attributes,
            **self._data,
        )


class NoProgress:
    """Reports nothing: for a fit in another process, out of the callbacks' reach."""

    def __init__(self, keeper=None):
        self.keeper = keeper or Keeper()

    @contextmanager
    def stage(self, name, n_steps):
        """Open a stage of steps."""
        yield self

    @contextmanager
    def step(self, name, fitted_attributes=None):
        """Run one step."""
        yield _Step()


class _Stage:
    def __init__(self, estimator, context, data):
        self._estimator = estimator
        self._context = context
        self._data = data
        self._has_begun = False

    @contextmanager
    def step(self, name, fitted_attributes=None):
        """Run one step; the object yielded says afterwards whether to stop.

        `fitted_attributes` is a function giving the attributes that make a copy
        of the estimator usable as it is now. It is called only when a callback
        asks for such a copy.
        """
        step = _Step()
        context = self._context.subcontext(task_name=name)
        # Every other step begins as the one before it ended.
        context.call_on_fit_task_begin(
            estimator=self._estimator,
            reconstruction_attributes=None if self._has_begun else fitted_attributes,
            **self._data,
        )
        self._has_begun = True
        yield step
        step.stop_requested = context.call_on_fit_task_end(
            estimator=self._estimator,
            reconstruction_attributes=fitted_attributes,
            **self._data,
        )


class _Step:
    stop_requested = False
