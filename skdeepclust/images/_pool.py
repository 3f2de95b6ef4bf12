"""Work on many files: workers, a progress bar, and rows that may go to a disk."""

import contextlib
import logging
import os
import shutil
import sys
import tempfile
import time
import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from skdeepclust.images._formats import formats, import_tifffile

__all__ = ["Rows", "in_pool", "progress_bar", "quiet_decoders"]

_FILES_AT_ONCE = 32  # of a worker: much more than a task costs, much less than memory

_PATIENCE = 1.0  # seconds until a bar is shown: short jobs show none


@contextmanager
def in_pool(
    function: Callable[..., Any],
    paths: Sequence[str],
    *args: Any,
    n_jobs: int | None,
    title: str = "",
    progress: bool = False,
) -> Iterator[Iterator[tuple[int, Any]]]:
    """Apply a function to blocks of paths, in a pool of workers.

    Work stops when the context is left.

    Parameters
    ----------
    function : callable
        Takes a list of paths, and `args`.
    paths : sequence of str
        All paths.
    *args : object
        Further arguments.
    n_jobs : int or None
        Number of workers, as joblib understands it.
    title : str, default=""
        What the bar says.
    progress : bool, default=False
        Whether there may be a bar.

    Yields
    ------
    blocks : iterator of (int, object)
        Position of the first path of a block, and what the function returned for it.
        Blocks come in their order.
    """
    formats()  # imports what is missing before the workers need it, or says so
    import_tifffile()
    starts = range(0, len(paths), _FILES_AT_ONCE)
    # Decoders release the interpreter's lock, so threads do.
    parallel = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
    with quiet_decoders(), progress_bar(title, len(paths), progress) as advance:
        results = parallel(
            delayed(function)(paths[start : start + _FILES_AT_ONCE], *args)
            for start in starts
        )
        with contextlib.closing(results):
            yield _counted(zip(starts, results, strict=True), len(paths), advance)


def _counted(blocks, n_files, advance):
    for start, result in blocks:
        yield start, result
        advance(min(_FILES_AT_ONCE, n_files - start))


@contextmanager
def quiet_decoders():
    """Pillow and tifffile keep to themselves what they think of a file.

    What cannot be read is reported by us, with the name of the file. The settings are
    those of the whole process, so they are changed here and not by the workers.
    """
    log = logging.getLogger("tifffile")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"(PIL|tifffile)\b")
            # The size is checked by us, before anything is decoded.
            warnings.filterwarnings("ignore", message=".*decompression bomb")
            yield
    finally:
        log.setLevel(level)


# -- progress --------------------------------------------------------------------------


@contextmanager
def progress_bar(title, n_files, wanted):
    """Yields a function to call with a number of files that are done."""
    columns = _columns() if wanted else None
    if columns is None:
        yield lambda n_done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    start = time.monotonic()
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task(title, total=n_files)

    def advance(n_done):
        bar.advance(task, n_done)
        if not bar.live.is_started and time.monotonic() - start > _PATIENCE:
            bar.start()

    try:
        yield advance
    finally:
        if bar.live.is_started:
            bar.stop()


def _columns():
    """Columns of the bar; None without rich and without a terminal."""
    if not (sys.stderr is not None and sys.stderr.isatty()):
        return None
    try:
        from rich import progress
    except ImportError:
        return None
    return (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
    )


# -- rows ------------------------------------------------------------------------------


class Rows:
    """An array of uint8 that is filled row by row, in memory or in a file.

    The file is written to, not mapped, until it is complete: pages of a map that have
    been written count as memory of the process.

    Parameters
    ----------
    shape : tuple of int
        Shape of the array.
    memmap_above : int or None
        Bytes above which it is a memory map; None: never.
    folder : path-like or None
        Where the file is; None: the folder of the system for temporary files.
    """

    def __init__(self, shape, memmap_above, folder):
        self._shape = shape
        self._path = None
        n_bytes = int(np.prod(shape, dtype=object))
        if memmap_above is None or n_bytes <= memmap_above:
            self._array = np.empty(shape, dtype=np.uint8)
            self._n_filled = 0
            return
        folder = tempfile.gettempdir() if folder is None else os.fspath(folder)
        _check_space(folder, n_bytes)
        handle, self._path = tempfile.mkstemp(".images", "skdeepclust-", folder)
        self._file = os.fdopen(handle, "wb")

    def append(self, block):
        """Add rows."""
        if self._path is not None:
            self._file.write(np.ascontiguousarray(block).data)
            return
        self._array[self._n_filled : self._n_filled + len(block)] = block
        self._n_filled += len(block)

    def done(self):
        """The array. The file of a memory map is removed with its last view."""
        if self._path is None:
            return self._array
        self._file.close()
        array = np.memmap(self._path, dtype=np.uint8, mode="r", shape=self._shape)
        # The mapping itself outlives all views of the array.
        weakref.finalize(array._mmap, _remove, self._path)  # type: ignore[attr-defined]
        return array

    def discard(self):
        """Remove the file of an array that will not be complete."""
        if self._path is not None:
            self._file.close()
            _remove(self._path)


def _check_space(folder, n_bytes):
    if not os.path.isdir(folder):
        raise ValueError(
            f"memmap_folder={folder!r} is not a folder. Make it, or pass another one."
        )
    free = shutil.disk_usage(folder).free
    if free < n_bytes:
        raise OSError(
            f"The images take {n_bytes / 1e9:.1f} GB as an array, and {folder!r} has "
            f"{free / 1e9:.1f} GB left. Pass memmap_folder, a folder on a larger disk, "
            "or a smaller size."
        )


def _remove(path):
    with contextlib.suppress(OSError):
        os.remove(path)
