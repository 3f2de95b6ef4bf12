"""Warnings that point at the user's line."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from skdeepclust._distributed import is_first

__all__ = ["at_once", "finished_first", "late_error", "warn", "warn_now"]

# Frames of these packages lie between the user's line and the place that warns.
_INNER = {
    *("skdeepclust", "sklearn", "skorch", "joblib", "torch"),
    *("concurrent", "contextlib", "functools", "multiprocessing", "threading"),
}

# What is said and raised when the fit is complete; None outside a fit.
_LATER: ContextVar[list | None] = ContextVar("later", default=None)


@contextmanager
def finished_first() -> Iterator[None]:
    """Warn, and raise late errors, when the block is finished.

    A warning that the user has turned into an error, or a callback that fails at the
    very end, must not throw a finished training away. If the block itself fails, the
    warnings and late errors are dropped.
    """
    later: list = []
    token = _LATER.set(later)
    try:
        yield
    finally:
        _LATER.reset(token)
    errors = [each for each in later if isinstance(each, Exception)]
    for each in later:
        if isinstance(each, tuple):
            warn(*each)
    for error in errors:
        error.add_note("It was raised at the end of a training. The fit is complete.")
        raise error


@contextmanager
def at_once() -> Iterator[None]:
    """Warn at once in the block, also within a fit: for a fit in another one.

    Whoever makes the inner fit then catches its warnings, and decides about them.
    """
    token = _LATER.set(None)
    try:
        yield
    finally:
        _LATER.reset(token)


def late_error(error: Exception) -> None:
    """Raise an error when the fit is complete, or now if there is no fit."""
    later = _LATER.get()
    if later is None:
        raise error
    later.append(error)


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the innermost line that is neither ours nor scikit-learn's.

    A fit may be called directly, by `fit_predict`, by a pipeline or by a search: the
    number of frames in between differs, so that no fixed `stacklevel` is right. In a
    training the warning waits until the fit is complete.

    Parameters
    ----------
    message : str
        What to say.
    category : type of Warning
        Class of the warning.
    """
    later = _LATER.get()
    if later is not None:
        later.append((message, category))
        return
    warn_now(message, category)


def warn_now(message: str, category: type[Warning]) -> None:
    """Warn as :func:`warn` does, but at once: of what is too late after the training.

    Parameters
    ----------
    message : str
        What to say.
    category : type of Warning
        Class of the warning.
    """
    if not is_first():  # several processes share the fit; one of them speaks
        return
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_inner(frame):
        frame = frame.f_back
    warnings.warn_explicit(
        message,
        category,
        frame.f_code.co_filename,
        frame.f_lineno,
        module=frame.f_globals.get("__name__"),
        registry=frame.f_globals.setdefault("__warningregistry__", {}),
    )


def _is_inner(frame):
    return frame.f_globals.get("__name__", "").partition(".")[0] in _INNER
