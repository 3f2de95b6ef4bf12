"""What is done with OUT later: ``predict``, ``report`` and ``apply``."""

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import torch

from skdeepclust._tables import import_pandas
from skdeepclust.cli._cluster import Times, read_again
from skdeepclust.cli._encoder import is_encoder, load_again
from skdeepclust.cli._errors import CommandError, UsageError
from skdeepclust.cli._inputs import Images, Table
from skdeepclust.cli._output import (
    CLUSTERS,
    EDITED,
    EDITS,
    LABELS,
    REPORT,
    RUN,
    Output,
    check_transfer,
    labels_frame,
    load_model,
    load_run,
    run_facts,
    safe_name,
    safe_text,
    write_csv,
    write_json,
)
from skdeepclust.report import EditedClusters, apply_edits, write_report

__all__ = ["apply", "predict", "report"]


def predict(args, log, signals):
    """Clusters of new files or rows.

    Parameters
    ----------
    args : Namespace
        The command line.
    log : Log
        Says what happens.
    signals : Signals
        Interrupt it.

    Returns
    -------
    code : int
        Exit code.
    """
    run = load_run(args.run)
    pipeline = load_model(args.run, run, log)
    if args.jobs:
        torch.set_num_threads(args.jobs)
    if args.device != "auto" and "device" in pipeline[-1].get_params(deep=False):
        pipeline[-1].set_params(device=args.device)
    times = Times()
    _ready(pipeline[0], run, args, log)
    with times.of("find"):
        samples = read_again(args, run, log)
    with times.of("read"):
        X = samples.to_array(pipeline[0])
    with times.of("predict"):
        table, before = samples.clusters(pipeline, X)
    signals.check()
    edited = _edited(args.run, pipeline)
    frame = labels_frame(table, before)
    if edited is not None:
        frame = _renamed(frame, edited)
    if args.out is None:
        write_csv(frame, sys.stdout.buffer)
        sys.stdout.flush()
        return 0
    with Output(args.out, signals) as output:
        write_csv(frame, output.draft / LABELS)
        if samples.paths is not None:
            _place(output.draft, frame, table["path"], edited, args)
        facts = {"model": os.path.abspath(args.run), "rejected": samples.rejected}
        facts |= {"n": len(samples), "seconds": {**times, "total": times.total()}}
        write_json(run_facts(args, **facts, warnings=log.warnings), output.draft / RUN)
        output.publish()
    log.say(f"{len(samples):,} predictions written to {args.out}")
    return 0


def _place(draft, frame, paths, edited, args):
    """Put files into folders, with the names of the edits."""
    how = args.transfer or "copy"
    if how == "none":
        return
    check_transfer(map(Path, paths), how, args.out.parent)
    placed = frame.assign(path=paths.set_axis(frame.index))
    if edited is None:
        placed["name"] = ""
    names = {} if edited is None else edited.names
    EditedClusters(placed, names, {}).export_images(draft / CLUSTERS, how=how)


def report(args, log, signals):
    """Write the report of OUT again.

    Parameters
    ----------
    args : Namespace
        The command line.
    log : Log
        Says what happens.
    signals : Signals
        Interrupt it.

    Returns
    -------
    code : int
        Exit code.
    """
    run = load_run(args.run)
    pipeline = load_model(args.run, run, log)
    path = args.input or _input_of(args.run, run)
    labels = _read_labels(args.run)
    _ready(pipeline[0], run, args, log)
    if run["input"]["kind"] == "images":
        samples = Images.again(path, log, dict.fromkeys(labels["path"]))
    else:
        samples = Table(path, log, Table.columns_of(run))
        if len(samples) != len(labels):
            raise CommandError(
                f"{path!r} has {len(samples)} rows now, and had {len(labels)}."
            )
    X = samples.to_array(pipeline[0])
    signals.check()
    estimator, rows, paths = samples.shown(pipeline, X)
    written = write_report(
        estimator,
        rows,
        paths,
        args.run / REPORT,
        max_images=args.max_images,
        thumbnail_size=args.thumbnail_size,
        title=args.title,
        warnings=run["warnings"][::-1],
        random_state=run["seed"],
    )
    log.say(f"written: {written}")
    return 0


def apply(args, log, signals):
    """Bring edits of the report back.

    Parameters
    ----------
    args : Namespace
        The command line.
    log : Log
        Says what happens.
    signals : Signals
        Interrupt it.

    Returns
    -------
    code : int
        Exit code.
    """
    run = load_run(args.run)
    out = args.run / EDITED
    how = args.transfer or run["folders"]
    edited = apply_edits(args.edits, args.run / REPORT)
    with Output(out, signals, args.replace) as output:
        if "path" in edited.table:
            if how != "none":
                check_transfer(map(Path, edited.table["path"]), how, args.run)
                edited.export_images(output.draft / CLUSTERS, how=how)
            root = _input_of(args.run, run)
            names = [os.path.relpath(path, root) for path in edited.table["path"]]
            before = {"path": [safe_text(Path(each).as_posix()) for each in names]}
        else:
            before = _names_in(_read_labels(args.run))
        write_csv(_edited_frame(edited.table, before), output.draft / LABELS)
        shutil.copyfile(args.edits, output.draft / EDITS)
        output.publish()
    changed = edited.table["edited"].ne("").sum()
    log.say(f"{changed:,} of {len(edited.table):,} labels changed; written to {out}")
    return 0


# -- edits -----------------------------------------------------------------------------


def _edited(folder, pipeline):
    """Edits that 'apply' has brought to OUT, or None."""
    path = folder / EDITED / EDITS
    if not path.is_file():
        return None
    return apply_edits(path, folder / REPORT, pipeline)


def _renamed(frame, edited):
    """Edited clusters in place of those of the estimator."""
    before = frame["cluster"].to_numpy()
    groups = np.array([edited.label_map.get(c, c) for c in before.tolist()], dtype=int)
    second = [edited.label_map.get(c, c) for c in frame["second_choice"].tolist()]
    names = [
        edited.names.get(group, "rejected" if label >= 0 else "noise")
        for group, label in zip(groups.tolist(), before.tolist(), strict=True)
    ]
    frame = frame.assign(
        cluster=groups, second_choice=np.where(groups == second, -1, second)
    )
    place = frame.columns.get_loc("cluster") + 1
    frame.insert(place, "name", [safe_name(name) for name in names])
    return frame


def _edited_frame(table, before):
    """Columns of the edited labels.csv."""
    rest = table[["cluster", "name", "confidence", "second_choice", "edited"]]
    rest = rest.assign(name=[safe_name(name) for name in rest["name"]])
    return type(table)({**before, **{name: rest[name] for name in rest}})


# -- what is in OUT --------------------------------------------------------------------


def _ready(first, run, args, log):
    """Make the first step ready for this command; an encoder loads its network."""
    if is_encoder(first):
        load_again(first, args, log)
        return
    if args.weights or args.download:
        raise UsageError("--weights and --download are for models with an encoder")
    if run["input"]["kind"] == "images":
        n_jobs = getattr(args, "jobs", None) or -1
        first.set_params(n_jobs=n_jobs, progress=not log.quiet)


def _input_of(folder, run):
    """Where the input is: beside OUT, if both were moved, or where it was."""
    places = [run["input"]["path"]]
    if run["input"]["relative"] is not None:
        places.insert(0, os.path.normpath(folder / run["input"]["relative"]))
    found = [place for place in places if os.path.exists(place)]
    return found[0] if found else places[-1]


def _read_labels(folder):
    """labels.csv of OUT; names stay text."""
    options = {"keep_default_na": False, "encoding": "utf-8"}
    return import_pandas().read_csv(folder / LABELS, dtype=str, **options)


def _names_in(labels):
    """Columns of labels.csv that name the rows."""
    place = list(labels.columns).index("cluster")
    return {name: labels[name] for name in labels.columns[:place]}
