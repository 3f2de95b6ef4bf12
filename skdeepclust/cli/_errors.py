"""Errors and interruptions of the command."""

import signal
import threading
from contextlib import contextmanager, suppress
from typing import Any

__all__ = ["CommandError", "Interrupted", "Signals", "UsageError", "one_line"]

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")

# Errors whose message says what to do. Of others, the type is said as well.
_EXPLAINED = (OSError, ValueError, TypeError, ImportError, ArithmeticError)


class CommandError(Exception):
    """An error that the command itself finds: its message is for the user."""


class UsageError(CommandError):
    """An option or argument that is wrong."""


class Interrupted(KeyboardInterrupt):
    """The command was told to stop.

    Parameters
    ----------
    number : int
        Number of the signal.
    """

    def __init__(self, number):
        super().__init__(signal.Signals(number).name)
        self.number = int(number)


class Signals:
    """Signals that stop the command, such as Ctrl-C.

    Inside the context a signal raises :class:`Interrupted`. Training takes an interrupt
    at some places as the wish to end early, so :meth:`check` raises it once more.

    Parameters
    ----------
    is_process : bool, default=False
        Whether the process ends with the command. Signals that come when it is finished
        then change nothing, also while Python ends.

    Attributes
    ----------
    received : int or None
        Number of the signal that has come.
    """

    def __init__(self, is_process=False):
        self.received = None
        self._before = {}
        self._is_held = self._is_finished = False
        self._is_process = is_process

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            for name in _SIGNALS:
                number: Any = getattr(signal, name, None)
                # Those that a parent process has switched off stay so (nohup).
                if number is not None and signal.getsignal(number) != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *error):
        if not (self._is_finished and self._is_process):
            for number, handler in self._before.items():
                signal.signal(number, handler)
        self._before = {}

    def check(self):
        """Raise if a signal has come."""
        if self.received is not None:
            raise Interrupted(self.received)

    def finish(self):
        """Ignore signals from here on: the result is complete."""
        self._is_finished = True

    @contextmanager
    def held(self):
        """Signals wait until the block is finished."""
        self._is_held, before = True, self._is_held
        try:
            yield
        finally:
            self._is_held = before

    def _receive(self, number, frame):
        if self._is_finished:
            return
        self.received = number
        if not self._is_held:
            raise Interrupted(number)


def one_line(error: BaseException) -> str:
    """The message of an error in one line.

    Parameters
    ----------
    error : exception
        The error.

    Returns
    -------
    text : str
        Its message, with its type if the message alone says little.
    """
    text = " ".join(str(error).split())
    with suppress(AttributeError):
        if isinstance(error, OSError) and error.strerror and error.filename is not None:
            text = f"{error.strerror}: {str(error.filename)!r}"
    if isinstance(error, MemoryError):
        return "There is not enough memory. Take a smaller --size, or fewer files."
    if isinstance(error, (CommandError, *_EXPLAINED)) and text:
        return text
    name = type(error).__name__
    return f"{name}: {text}" if text else name
