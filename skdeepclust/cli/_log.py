"""What the command says while it works: lines, warnings, and the progress of a fit."""

import sys
import time
import warnings
from contextlib import contextmanager
from typing import Any

__all__ = ["FitProgress", "Log", "as_time"]

# Seconds between two lines about the progress, in logs that are not a terminal.
_PAUSE = 30

# Seconds of a first step above which the time is estimated from it.
_SLOW = 5

# Seconds between two updates of a line on a terminal.
_BLINK = 0.2


class Log:
    """Lines on the standard error.

    Parameters
    ----------
    quiet : bool, default=False
        Say warnings and errors only.
    verbose : bool, default=False
        Say more.

    Attributes
    ----------
    warnings : list of str
        Texts of the warnings that were said.
    """

    def __init__(self, quiet=False, verbose=False):
        self.quiet = quiet
        self.verbose = verbose
        self.warnings: list[str] = []

    def say(self, text):
        """Say something, unless the log is quiet."""
        if not self.quiet:
            self._write(text)

    def warn(self, text):
        """Say a warning once."""
        text = " ".join(str(text).split())
        if text not in self.warnings:
            self.warnings.append(text)
            self._write(f"warning: {text}")

    def error(self, text):
        """Say an error."""
        self._write(f"skdeepclust: error: {text}")

    @contextmanager
    def shown_warnings(self):
        """Warnings of the library become lines; those for programmers are left out."""

        def show(message, category, *place, **more):
            is_ours = not issubclass(category, DeprecationWarning | FutureWarning)
            if issubclass(category, UserWarning | RuntimeWarning) and is_ours:
                self.warn(message)

        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = show
            yield

    def _write(self, text):
        if sys.stderr is not None:
            sys.stderr.write(f"{_printable(text)}\n")
            sys.stderr.flush()


class FitProgress:
    """A callback of scikit-learn that tells how far a fit is, and how long it takes.

    Parameters
    ----------
    log : Log
        Where it says so.
    check : callable
        Called after every step; raises if the fit is to be given up.
    steps_after : callable, default=None
        Takes the number of steps of the first stage. Returns the name of what follows,
        and its length in steps of the first stage at most; or None.

    Attributes
    ----------
    seconds : dict of str to float
        Duration of every stage.
    """

    def __init__(self, log, check, steps_after=None):
        self.seconds: dict[str, float] = {}
        self._log = log
        self._check = check
        self._steps_after = steps_after
        self._stage = None
        self._bar = None

    def setup(self, estimator, context):
        """Make the bar, if there can be one."""
        self._bar = None if self._log.quiet else _make_bar()

    def teardown(self, estimator, context):
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def on_fit_task_begin(self, estimator, context):
        """Begin a stage."""
        is_stage = context.parent is not None and context.max_subtasks
        if is_stage and self._stage is None:
            self._stage = _Stage(context.task_name, context.max_subtasks, context)
            if self._bar is not None:
                self._bar.begin(self._stage)

    def on_fit_task_end(self, estimator, context):
        """Count a step, or end a stage."""
        self._check()
        stage = self._stage
        if stage is None:
            return
        if context is stage.context:
            self._end(stage)
        elif context.parent is stage.context:
            stage.step(context.task_name)
            self._tell(stage)

    def _tell(self, stage):
        if self._log.quiet:
            return
        if stage.can_estimate and not stage.is_estimated:
            stage.is_estimated = True
            self._log.say(self._estimate(stage))
        if self._bar is not None:
            self._bar.advance(stage)
        elif stage.n_done < stage.n_steps and stage.is_time(_PAUSE):
            self._log.say(stage.text())

    def _estimate(self, stage):
        """What the first steps say of the time to come."""
        n_steps = stage.n_steps
        text = f"{stage.name}: {stage.about(n_steps)} for {stage.count(n_steps)}"
        is_first = not self.seconds
        after = self._steps_after(n_steps) if is_first and self._steps_after else None
        if after:
            name, n_steps = after
            time = as_time(stage.per_step * n_steps)
            text += f"; then {name}, at most about {time}"
        return text

    def _end(self, stage):
        seconds = time.monotonic() - stage.start
        before = self.seconds.get(stage.name, 0)  # of an ensemble, all together
        self.seconds[stage.name] = round(before + seconds, 3)
        if self._bar is not None:
            self._bar.end(stage)
        self._log.say(f"{stage.name}: {stage.count(stage.n_done)}, {as_time(seconds)}")
        self._stage = None


class _Stage:
    """A stage of a fit, and the time that its steps take."""

    def __init__(self, name, n_steps, context=None):
        self.name = name
        self.n_steps = n_steps
        self.context = context
        self.n_done = 0
        self.is_estimated = False
        self._unit = "step"
        self.start = self._first = self._last = self._told = time.monotonic()

    def step(self, unit):
        self.n_done += 1
        self._unit = unit
        self._last = time.monotonic()
        if self.n_done == 1:
            self._first = self._last

    @property
    def per_step(self):
        """Seconds of a step. The first one, which warms up, counts only if alone."""
        if self.n_done < 2:
            return self._last - self.start
        return (self._last - self._first) / (self.n_done - 1)

    @property
    def can_estimate(self):
        """From the second step on, or from the first if it is alone or takes long."""
        return self.n_done >= min(2, self.n_steps) or self.per_step > _SLOW

    def about(self, n_steps):
        """Time of some steps. Most stages may end early."""
        at_most = "" if self.name in ("pretraining", "autoencoders") else "at most "
        return f"{at_most}about {as_time(self.per_step * n_steps)}"

    def count(self, n_steps):
        """Number of steps in words, such as "1 epoch" or "20 target updates"."""
        return f"{n_steps:,} {self._unit}{'' if n_steps == 1 else 's'}"

    def is_time(self, pause):
        now = time.monotonic()
        if now - self._told < pause:
            return False
        self._told = now
        return True

    def text(self):
        left = self.about(self.n_steps - self.n_done)
        return f"{self.name}: {self.n_done} of {self.n_steps}, {left} left"


def as_time(seconds: float) -> str:
    """A duration in words, such as "12 s" or "1 h 20 min".

    Parameters
    ----------
    seconds : float
        The duration.

    Returns
    -------
    text : str
        With two digits or so.
    """
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _printable(text):
    """Text without characters that steer a terminal, which file names may have."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


# -- terminals -------------------------------------------------------------------------


def _make_bar():
    """A bar on a terminal, by rich if it is installed; None elsewhere."""
    if sys.stderr is None or not sys.stderr.isatty():
        return None
    try:
        return _RichBar()
    except ImportError:
        return _PlainBar()


class _RichBar:
    def __init__(self):
        from rich import progress
        from rich.console import Console

        columns = (
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.fields[left]}"),
        )
        console = Console(stderr=True)
        self._progress = progress.Progress(*columns, console=console, transient=True)
        self._progress.start()
        self._task: Any = None

    def begin(self, stage):
        self._task = self._progress.add_task(stage.name, total=stage.n_steps, left="")

    def advance(self, stage):
        left = f"{stage.about(stage.n_steps - stage.n_done)} left"
        self._progress.update(self._task, completed=stage.n_done, left=left)

    def end(self, stage):
        self._progress.remove_task(self._task)

    def stop(self):
        self._progress.stop()


class _PlainBar:
    def __init__(self):
        self._width = 0

    def begin(self, stage):
        pass

    def advance(self, stage):
        if stage.is_time(_BLINK):
            self._show(stage.text())

    def end(self, stage):
        self._show("")

    def stop(self):
        self._show("")

    def _show(self, text):
        sys.stderr.write(f"\r{text.ljust(self._width)}" + ("" if text else "\r"))
        sys.stderr.flush()
        self._width = len(text)
