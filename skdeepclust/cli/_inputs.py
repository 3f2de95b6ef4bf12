"""What is clustered: the images of a folder, or the rows of a table."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from skdeepclust._fitted import last_step
from skdeepclust._tables import import_pandas
from skdeepclust.cli._columns import (
    IDENTIFIER,
    Columns,
    choose_columns,
    has_odd_names,
    make_transformer,
    new_categories,
    read_table,
    used_columns,
)
from skdeepclust.cli._encoder import is_encoder, put_away
from skdeepclust.cli._errors import CommandError
from skdeepclust.cli._output import FORMAT, RUN, safe_text
from skdeepclust.images import ImageReader, find_images
from skdeepclust.inspection import cluster_table

__all__ = ["Images", "Table"]

_SIZE = 64  # side of images without --size

_N_SHOWN = 3  # rejected files named in the log
_LABELS = ("sample", "cluster", "confidence", "second_choice", "name", "edited")


class Images:
    """The images of a folder.

    Parameters
    ----------
    path : str
        The folder.
    log : Log
        Says what is left out.
    n_jobs : int, default=-1
        Number of threads that decode.

    Attributes
    ----------
    paths : list of Path
        Files that can be read. They begin with the folder.
    rejected : list of dict
        "path", relative to the folder, and "reason" of the others.
    """

    kind = "images"

    def __init__(self, path, log, n_jobs=-1):
        self.path = path
        self._options = {"n_jobs": n_jobs, "progress": not log.quiet}
        log.say(f"looking for images in {path}")
        self._find(log)

    @classmethod
    def again(cls, path, log, names):
        """The images of an earlier command, by the names in its labels.csv."""
        self = cls.__new__(cls)
        self.path, self.rejected = path, []
        self._options = {"n_jobs": -1, "progress": not log.quiet}
        found = {safe_text(self.relative(each)): each for each in find_images(path)}
        self.paths = [each for name, each in found.items() if name in names]
        if len(self.paths) < len(names):
            missing = next(name for name in names if name not in found)
            raise CommandError(
                f"{len(names) - len(self.paths)} of {len(names)} images are no longer "
                f"in {path!r}, such as {missing!r}."
            )
        return self

    def _find(self, log):
        path = self.path
        paths, rejected = find_images(path, check=True, **self._options)
        self.paths = _without_outputs(paths, path, log)
        self.rejected = [
            {"path": self.relative(each), "reason": reason}
            for each, reason in zip(rejected["path"], rejected["reason"], strict=True)
        ]
        for each in self.rejected[:_N_SHOWN]:
            log.warn(f"left out {each['path']}: {each['reason']}")
        if len(self.rejected) > _N_SHOWN:
            log.warn(f"left out {len(self.rejected)} files in all; run.json lists them")

    def __len__(self):
        return len(self.paths)

    def reader(self, args, folder):
        """The first step of the pipeline; large arrays go to `folder`."""
        how = (args.size or _SIZE, args.mode or "auto", args.fit or "pad")
        return ImageReader(*how, memmap_folder=folder, **self._options)

    def before_saving(self, first):
        """Forget what was for this command alone."""
        if is_encoder(first):
            put_away(first)
        else:
            first.set_params(memmap_folder=None)

    def to_array(self, first):
        """Images or their features as an array, by the first step of the pipeline."""
        return first.transform(self.paths)

    def shape_text(self, X):
        """What a sample is."""
        if X.ndim == 2:
            return f"images, as {X.shape[1]:,} features"
        channels, height, width = X.shape[1:]
        kinds = {1: "grey", 3: "in colour"}
        kind = kinds.get(channels, f"with {channels} channels")
        return f"images of {height} x {width} pixels, {kind}"

    def facts(self, X):
        """Facts for run.json."""
        shape = list(X.shape[1:]) if X.ndim > 2 else None
        return {"image_shape": shape, "rejected": self.rejected}

    def shown(self, pipeline, X):
        """Estimator, samples and paths for tables and the report."""
        return last_step(pipeline), X, self.paths

    def clusters(self, pipeline, X):
        """Table of clusters, and the columns that come before them in labels.csv."""
        table = cluster_table(last_step(pipeline), X, self.paths)
        return table, {"path": [safe_text(self.relative(p)) for p in table["path"]]}

    def relative(self, path):
        """A path relative to the folder, with forward slashes."""
        return Path(os.path.relpath(path, self.path)).as_posix()


def _without_outputs(paths, root, log):
    """Leave out what an earlier command has put into folders in this one."""
    outputs: dict[str, bool] = {}
    top = os.path.abspath(root)

    def is_output(folder):
        if folder not in outputs:
            is_inside = folder != top and len(folder) > len(top)
            outputs[folder] = is_inside and (
                _is_run(os.path.join(folder, RUN)) or is_output(os.path.dirname(folder))
            )
        return outputs[folder]

    kept = [p for p in paths if not is_output(os.path.dirname(os.path.abspath(p)))]
    if len(kept) < len(paths):
        log.warn(f"left out {len(paths) - len(kept)} images of earlier outputs")
    if not kept:
        raise CommandError(f"{root!r} holds outputs of this command only.")
    return kept


def _is_run(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file).get("format") == FORMAT
    except (OSError, ValueError, AttributeError):
        return False


class Table:
    """The rows of a table.

    Parameters
    ----------
    path : str
        The file.
    log : Log
        Says which columns are left out.
    columns : Columns, default=None
        What is done with the columns. None finds out.
    index, drop : str or None, and list of str
        Options of the command.

    Attributes
    ----------
    frame : DataFrame
        The columns that are clustered.
    columns : Columns
        What is done with the columns.
    """

    kind = "table"
    paths = None
    rejected: tuple = ()

    def __init__(self, path, log, columns=None, index=None, drop=()):
        self.path, self._log = path, log
        frame = read_table(Path(path))
        self.columns = columns
        if columns is None:
            self.columns = choose_columns(frame, index, list(drop))
            if has_odd_names(frame):
                first = ", ".join(list(frame.columns)[:3])
                log.warn(
                    f"the first line of {path} is taken for the names of the columns, "
                    f"but holds numbers: {first}. If it is a row, add a line of names"
                )
            self._say_columns(log)
        self.frame = used_columns(frame, self.columns)
        self._names = _names_of_rows(frame, self.columns)

    def __len__(self):
        return len(self.frame)

    @staticmethod
    def columns_of(run):
        """What run.json says about the columns."""
        return Columns(**run["columns"])

    def _say_columns(self, log):
        for kind in ("numeric", "categorical"):
            names = getattr(self.columns, kind)
            if names:
                log.say(f"{kind} columns: {', '.join(names)}")
        for name, reason in self.columns.left_out.items():
            log.say(f"left out column {name}: {reason}")

    def reader(self, args, folder):
        """The first step of the pipeline."""
        return make_transformer(self.columns)

    def before_saving(self, first):
        """There is nothing to forget."""

    def to_array(self, first):
        """The rows as numbers."""
        for column, values in new_categories(first, self.frame).items():
            names = ", ".join(sorted(values.unique())[:3])
            self._log.warn(
                f"column {column}: {len(values)} of {len(self.frame)} rows have "
                f"categories that the fit did not see, such as {names}"
            )
        return np.ascontiguousarray(first.transform(self.frame), dtype=np.float32)

    def shape_text(self, X):
        """What a sample is."""
        n_columns = self.frame.shape[1]
        return f"rows of {n_columns} columns, as {X.shape[1]} numbers"

    def facts(self, X):
        """Facts for run.json."""
        return {"columns": self.columns._asdict(), "rejected": []}

    def shown(self, pipeline, X):
        """Estimator, samples and paths for tables and the report."""
        return pipeline, self.frame, None

    def clusters(self, pipeline, X):
        """Table of clusters, and the columns that come before them in labels.csv."""
        table = cluster_table(pipeline, self.frame)
        order = np.argsort(table["sample"].to_numpy())
        return table.iloc[order], {"sample": np.arange(len(table)), **self._names}


def _names_of_rows(frame, columns):
    """What names the rows: an index, and columns that are identifiers."""
    names: dict[str, Any] = {}
    is_plain = isinstance(frame.index, import_pandas().RangeIndex)
    if frame.index.name is not None or not is_plain:
        names[str(frame.index.name or "index")] = frame.index
    for name, reason in columns.left_out.items():
        if reason.startswith(IDENTIFIER) and name in frame.columns:
            names[name] = frame[name]
    return {
        (f"input_{name}" if name in _LABELS else name): [
            safe_text(each) if isinstance(each, str) else each for each in values
        ]
        for name, values in names.items()
    }
