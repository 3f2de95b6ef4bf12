"""Warnings that point at the user's line."""

import sys
import warnings

__all__ = ["warn"]

# Frames of these packages lie between the user's line and the place that warns.
_INNER = {
    *("skdeepclust", "sklearn", "skorch", "joblib", "torch"),
    *("concurrent", "contextlib", "functools", "multiprocessing", "threading"),
}


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the innermost line that is neither ours nor scikit-learn's.

    A fit may be called directly, by `fit_predict`, by a pipeline or by a search: the
    number of frames in between differs, so that no fixed `stacklevel` is right.

    Parameters
    ----------
    message : str
        What to say.
    category : type of Warning
        Class of the warning.
    """
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
