"""Processes that compute for another process, and end with it."""

import os
import threading
import time

__all__ = ["end_with"]

_SECONDS_BETWEEN_LOOKS = 0.5

_WATCHED: set[int] = set()  # parents that this process ends with


def end_with(parent: int) -> None:
    """End this process soon after its parent has ended, even by SIGTERM or kill.

    joblib's workers would go on with their task. A process that is not a child of
    `parent`, such as the parent itself or a worker on another computer, goes on.

    Parameters
    ----------
    parent : int
        Number of the process that started this one.
    """
    if os.getppid() != parent or parent in _WATCHED:
        return
    _WATCHED.add(parent)
    threading.Thread(target=_exit_without, args=(parent,), daemon=True).start()


def _exit_without(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    os._exit(1)
