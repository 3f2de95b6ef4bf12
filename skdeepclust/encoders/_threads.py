"""Work in threads, in order, with a bounded number of results that wait."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from joblib import effective_n_jobs

__all__ = ["n_threads", "threaded"]


def n_threads(n_jobs: int | None) -> int:
    """Number of threads for a parameter `n_jobs`, as joblib understands it."""
    return int(effective_n_jobs(n_jobs))


@contextmanager
def threaded(
    function: Callable[[Any], Any], tasks: Iterable[Any], workers: int, ahead: int
) -> Iterator[Iterator[Any]]:
    """Apply a function to tasks in threads. None is left when the context is.

    Parameters
    ----------
    function : callable
        What to do with a task.
    tasks : iterable
        The tasks; they are taken when there is room.
    workers : int
        Number of threads.
    ahead : int
        Most tasks that are begun and not yet taken.

    Yields
    ------
    results : iterator
        What the function returns, in the order of the tasks.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="skdeepclust")
    try:
        yield _in_order(pool, function, iter(tasks), max(1, ahead))
    finally:  # also after Ctrl-C
        pool.shutdown(wait=True, cancel_futures=True)


def _in_order(pool, function, tasks, ahead):
    waiting: deque[Future] = deque()
    for task in tasks:
        waiting.append(pool.submit(function, task))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
