"""Ctrl-C and SIGTERM during a training."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["Interrupts", "listening"]


class Interrupts:
    """What signals asked of a fit.

    Attributes
    ----------
    stops : bool
        Whether Ctrl-C asked the training to end.
    ends : bool
        Whether SIGTERM waits for the state to be written.
    at_once : bool
        Whether Ctrl-C is to raise KeyboardInterrupt at once, as without us.
    defers_end : bool
        Whether SIGTERM waits for the next step of the training.
    """

    def __init__(self):
        self.stops = False
        self.ends = False
        self.at_once = False
        self.defers_end = False
        self._before = {}

    def listen(self, to_end):
        """Take the place of the handlers that Python has by default."""
        if threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._take(signal.SIGINT, self._stop)
        before = signal.getsignal(signal.SIGTERM)
        if to_end and (callable(before) or before == signal.SIG_DFL):
            self._take(signal.SIGTERM, self._end)

    def _take(self, number, handler):
        self._before[number] = signal.signal(number, handler)

    def leave(self):
        """Put the handlers back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def deliver_end(self):
        """Let SIGTERM do what it would have done."""
        self.leave()
        os.kill(os.getpid(), signal.SIGTERM)

    def _stop(self, number, frame):
        if self.stops or self.at_once or _is_one_of_many(frame):
            raise KeyboardInterrupt
        self.stops = True
        sys.stderr.write(
            "\nCtrl-C: the training ends after this step, and the model is kept. "
            "Ctrl-C once more stops at once.\n"
        )

    def _end(self, number, frame):
        if self.defers_end:
            self.ends = True
        else:
            self.deliver_end()


# The fit that listens; one within it, of another estimator, listens with it.
_CURRENT: ContextVar[Interrupts | None] = ContextVar("interrupts", default=None)


@contextmanager
def listening(to_end: bool) -> Iterator[Interrupts]:
    """Listen to Ctrl-C, and to SIGTERM, while the block runs.

    Only the main thread is interrupted. A handler of the user for Ctrl-C stays.

    Parameters
    ----------
    to_end : bool
        Whether to listen to SIGTERM, because there is a state to write first.
    """
    outer = _CURRENT.get()
    if outer is not None:
        yield outer
        return
    interrupts = Interrupts()
    token = _CURRENT.set(interrupts)
    interrupts.listen(to_end)
    try:
        yield interrupts
    finally:
        interrupts.leave()
        _CURRENT.reset(token)


def _is_one_of_many(frame):
    """Whether joblib runs the fit, as one of a search or a consensus.

    Ending this one fit would let the next begin, which is not what Ctrl-C asks for.
    """
    within_fit = True
    while frame is not None:
        code = frame.f_code
        if code.co_name == "fit" and "skdeepclust" in code.co_filename:
            within_fit = False
        place = code.co_filename.replace(os.sep, "/")
        if not within_fit and place.endswith("joblib/parallel.py"):
            return True
        frame = frame.f_back
    return False
