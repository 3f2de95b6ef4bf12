"""The folder that a command writes: complete, or absent."""

import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterable, Sized
from contextlib import suppress
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from skdeepclust.cli._errors import CommandError
from skdeepclust.cli._paths import check_new

__all__ = [
    "CLUSTERS",
    "EDITED",
    "EDITS",
    "FORMAT",
    "LABELS",
    "MODEL",
    "REPORT",
    "RUN",
    "Output",
    "check_number",
    "check_transfer",
    "labels_frame",
    "load_model",
    "load_run",
    "run_facts",
    "safe_name",
    "safe_text",
    "versions",
    "write_csv",
    "write_json",
]

LABELS, REPORT, MODEL, RUN = "labels.csv", "report.html", "model.joblib", "run.json"
CLUSTERS, EDITED, EDITS = "clusters", "edited", "edits.json"

FORMAT, _VERSION = "skdeepclust run", 1

_PACKAGES = ("skdeepclust", "scikit-learn", "torch", "skorch", "numpy", "pandas")

# What a spreadsheet takes for a formula begins with one of these.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

_MOST_BYTES = 255  # of a file name


class Output:
    """A new folder, written as a hidden one beside it and renamed when complete.

    Parameters
    ----------
    path : Path
        The folder. It must not exist, or be empty.
    signals : Signals
        Wait while the folder gets its name or is removed.
    replace : bool, default=False
        Replace a folder that exists.

    Attributes
    ----------
    draft : Path
        The folder to write into.
    """

    def __init__(self, path, signals, replace=False):
        self.path = Path(path)
        self._signals = signals
        self._replace = replace
        self._made: list[Path] = []
        check_new(self.path, replace)

    def __enter__(self):
        self.draft = self._make("partial")
        return self

    def __exit__(self, *error):
        with self._signals.held():
            for folder in self._made:
                shutil.rmtree(folder, ignore_errors=True)

    def work(self):
        """A folder for temporary files, removed at the end."""
        return self._make("work")

    def _make(self, what):
        prefix = f".{self.path.name[:100]}.{what}-"
        with self._signals.held():
            try:
                folder = Path(tempfile.mkdtemp(prefix=prefix, dir=self.path.parent))
            except OSError as error:
                parent = os.path.abspath(self.path.parent)
                raise CommandError(
                    f"Nothing can be written to {parent!r}: {error.strerror}."
                ) from error
            self._made.append(folder)
            umask = os.umask(0)
            os.umask(umask)
            folder.chmod(0o777 & ~umask)  # that of mkdtemp is for its owner only
        self._signals.check()
        return folder

    def publish(self):
        """Give the folder its name; signals that come later change nothing."""
        self._signals.check()
        with self._signals.held():
            old = None
            if os.path.lexists(self.path):
                check_new(self.path, self._replace)  # it may have been made meanwhile
                old = self.draft.with_name(f"{self.draft.name}-old")
                self.path.rename(old)
                self._made.append(old)
            try:
                self.draft.rename(self.path)
            except OSError:
                if old is not None:
                    old.rename(self.path)
                raise
            self._made.remove(self.draft)
            self._signals.finish()


# -- files -----------------------------------------------------------------------------


def write_csv(frame: Any, target: Any) -> None:
    """Write a table, in UTF-8. What cannot be encoded is written as an escape.

    Parameters
    ----------
    frame : DataFrame
        The table, without its index.
    target : path-like or file
        Where to.
    """
    options = {"index": False, "lineterminator": "\n"}
    if hasattr(target, "write"):
        text = frame.to_csv(None, **options)
        target.write(text.encode("utf-8", "backslashreplace"))
        return
    frame.to_csv(target, encoding="utf-8", errors="backslashreplace", **options)


def write_json(value: Any, path: Path) -> None:
    """Write JSON that is easy to read.

    Parameters
    ----------
    value : object
        Dicts, lists and values; what JSON does not know is written as text.
    path : Path
        Where to.
    """
    text = json.dumps(_plain(value), indent=1, allow_nan=False, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8", errors="backslashreplace")


def _plain(value):
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.ndarray) and value.ndim <= 1:
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else str(value)
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    return str(value)


def labels_frame(table: Any, before: dict) -> Any:
    """Columns of labels.csv.

    Parameters
    ----------
    table : DataFrame
        Result of :func:`~skdeepclust.inspection.cluster_table`.
    before : dict
        Columns that name the rows.

    Returns
    -------
    frame : DataFrame
        These columns, then "cluster", "confidence" and "second_choice".
    """
    columns = {
        **before,
        "cluster": table["label"].to_numpy(),
        "confidence": np.round(table["confidence"].to_numpy(dtype=float), 6),
        "second_choice": table["second_choice"].to_numpy(),
    }
    return type(table)(columns)


def safe_text(text: str) -> str:
    """A path or name as labels.csv has it: no formula of a spreadsheet, and Unicode.

    Parameters
    ----------
    text : str
        A relative path, or a name.

    Returns
    -------
    text : str
        With "./" before it if needed, which leaves a path the same; with escapes for
        what is not Unicode.
    """
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return f"./{text}" if text.startswith(_FORMULA) else text


def safe_name(text: str) -> str:
    """A name that no spreadsheet takes for a formula, as the report writes it.

    Parameters
    ----------
    text : str
        A name.

    Returns
    -------
    text : str
        With an apostrophe before it if needed.
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that are installed.

    Returns
    -------
    versions : dict of str to str
        By name.
    """
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def check_number(samples: Sized, n_clusters: int | str) -> None:
    """Refuse more clusters than samples, before anything is read.

    Parameters
    ----------
    samples : Images or Table
        What was found.
    n_clusters : int or "auto"
        What was asked for.
    """
    if isinstance(n_clusters, int) and len(samples) < n_clusters:
        raise CommandError(
            f"-k {n_clusters} needs at least {n_clusters} images or rows, and there "
            f"are {len(samples)}."
        )


def check_transfer(paths: Iterable[Path], how: str, parent: Path) -> None:
    """Refuse folders of images that would fail for sure, before any training.

    Parameters
    ----------
    paths : iterable of Path
        Files to put into folders.
    how : {"copy", "symlink", "none"}
        How.
    parent : Path
        Folder on the disk that they are written to.
    """
    if how == "none":
        return
    paths = list(paths)
    n_digits = len(str(len(paths))) + 1
    for path in paths:
        if len(os.fsencode(path.name)) + n_digits > _MOST_BYTES:
            raise CommandError(
                f"The name {path.name[:40]!r}... is too long for a number before it "
                "in the folder of its cluster. Give that file a shorter name, or pass "
                "--no-folders."
            )
    if how == "copy":
        needed = sum(path.stat().st_size for path in paths)
        free = shutil.disk_usage(parent).free
        if needed > free:
            raise CommandError(
                f"The copies of the images take {needed / 1e9:.1f} GB, and "
                f"{str(parent)!r} has {free / 1e9:.1f} GB left. Pass --link or "
                "--no-folders."
            )


# -- what was written ------------------------------------------------------------------


def load_run(folder: Path) -> dict[str, Any]:
    """The content of run.json.

    Parameters
    ----------
    folder : Path
        What 'cluster' has written.

    Returns
    -------
    run : dict
        The facts.
    """
    path = folder / RUN
    if not path.is_file():
        raise CommandError(
            f"{str(folder)!r} is no output of 'skdeepclust cluster': it has no {RUN}."
        )
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CommandError(f"{str(path)!r} is damaged: {error}") from error
    if not isinstance(run, dict) or run.get("format") != FORMAT:
        raise CommandError(f"{str(path)!r} is not of 'skdeepclust cluster'.")
    if run.get("version") != _VERSION or run.get("command") != "cluster":
        raise CommandError(
            f"{str(folder)!r} was written by 'skdeepclust {run.get('command')}' in "
            f"version {run.get('version')} of the format. Pass what 'cluster' of this "
            "version has written."
        )
    return run


def load_model(folder: Path, run: dict[str, Any], log: Any) -> Any:
    """The fitted pipeline. Loading it can run any code.

    Parameters
    ----------
    folder : Path
        What 'cluster' has written.
    run : dict
        Its facts.
    log : Log
        Says which versions differ.

    Returns
    -------
    pipeline : Pipeline
        The fitted pipeline.
    """
    now = versions()
    for name in ("scikit-learn", "skdeepclust"):
        then = run.get("versions", {}).get(name)
        if then != now.get(name):
            log.warn(f"the model was fitted with {name} {then}, not {now.get(name)}")
    path = folder / MODEL
    if not path.is_file():
        raise CommandError(f"There is no {str(path)!r}.")
    try:
        return joblib.load(path)
    except Exception as error:
        raise CommandError(
            f"{str(path)!r} cannot be loaded ({type(error).__name__}: {error})."
        ) from error


def run_facts(args: Any, **facts: Any) -> dict[str, Any]:
    """What every run.json begins with, and the facts of this one.

    Parameters
    ----------
    args : Namespace
        The command line.
    **facts : dict
        More.

    Returns
    -------
    run : dict
        The facts.
    """
    return {
        "format": FORMAT,
        "version": _VERSION,
        "command": args.command,
        "argv": args.argv,
        "written": datetime.now().astimezone().isoformat(timespec="seconds"),
        "versions": versions(),
        "platform": platform.platform(),
        **facts,
    }
