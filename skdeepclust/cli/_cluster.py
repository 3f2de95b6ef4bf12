"""``skdeepclust cluster``: train, and write OUT."""

import math
import os
import time
from contextlib import contextmanager
from typing import Any

import joblib
import numpy as np
import torch
from sklearn.pipeline import Pipeline

import skdeepclust
from skdeepclust._auto import resolve_batch_size
from skdeepclust._compat import validate_parameters
from skdeepclust._device import resolve_device
from skdeepclust.cli._encoder import make_encoder
from skdeepclust.cli._errors import UsageError, one_line
from skdeepclust.cli._inputs import Images, Table
from skdeepclust.cli._log import FitProgress, as_time
from skdeepclust.cli._output import (
    CLUSTERS,
    LABELS,
    MODEL,
    REPORT,
    RUN,
    Output,
    check_number,
    check_transfer,
    labels_frame,
    run_facts,
    write_csv,
    write_json,
)
from skdeepclust.cli._parser import METHODS, default_method
from skdeepclust.inspection import export_images
from skdeepclust.report import write_report

__all__ = ["Times", "cluster", "read_again"]

# --quick: a fraction of the steps. The second stage of the first three has `max_iter`
# steps like those of the pretraining: twenty updates, of which the first twelve hold
# the initial clusters.
_JOINT = ("dcec", "idec", "dec")
_SHORT = {"pretrain_epochs": 10, "update_interval": 40, "max_iter": 800}
_QUICK: dict[str, dict[str, Any]] = {
    **dict.fromkeys(_JOINT, _SHORT),
    "deepcluster": {"max_iter": 5},
    "scedae": {"n_autoencoders": 2, "max_epochs": 20},
    "temi": {"n_heads": 2, "max_epochs": 10},
    "turtle": {"max_epochs": 100},
    "auto": {"n_init": 5},
}

_ESTIMATE = "The time is estimated after the first steps."
_ADVICE = (
    "these images are in colour. If they are photographs, stop here and pass --encoder "
    "NAME (such as timm:convnext_tiny.fb_in22k; --download fetches its weights): a "
    "network that has learned from millions of photographs sees what they show, where "
    "pixels have colours and backgrounds. On 10,000 photographs of ten kinds clusters "
    "of such features were right for 57 in 100, clusters of pixels for 21 to 28. For "
    "other images, such as microscopy, go on."
)
_PIXELS = (
    "{name} is made for features of a network. Without --encoder it clusters pixels as "
    "they are."
)
_HEADS = ("temi", "turtle")

# Why a method follows an encoder when the user has chosen none.
_WHY = {
    "temi": "method temi: a head learns the clusters of the features, which takes at "
    "least 100 images per cluster. --method turtle is the other head, for clusters of "
    "even size.",
    "auto": "method auto: several clusterings of the features compete. Heads (--method "
    "temi, turtle) want at least 100 images per cluster.",
}


class Times(dict):
    """Seconds of the parts of a command, by their names."""

    def __init__(self):
        super().__init__()
        self._start = time.monotonic()

    @contextmanager
    def of(self, name):
        """Measure the block."""
        start = time.monotonic()
        yield
        self[name] = round(time.monotonic() - start, 3)

    def total(self):
        """Seconds since the beginning."""
        return round(time.monotonic() - self._start, 3)


def cluster(args, log, signals):
    """Run the command.

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
    is_open = args.encoder is not None and args.method is None  # until images are found
    args.method = args.method or default_method(args.kind, 0 if is_open else None)
    is_images = args.kind == "images"
    args.transfer = (args.transfer or "copy") if is_images else "none"
    model = _make_model(args)
    if args.jobs:
        torch.set_num_threads(args.jobs)
    times = Times()
    encoder = make_encoder(args, log)
    with Output(args.out, signals) as output:
        with times.of("find"):
            samples = _find(args, log)
        check_number(samples, args.n_clusters)
        if is_open:
            is_auto = args.n_clusters == "auto"  # which AutoClustering does not know
            per_cluster = np.inf if is_auto else len(samples) / args.n_clusters
            args.method = default_method(args.kind, per_cluster)
            log.say(_WHY[args.method])
            model = _make_model(args)
        check_transfer(samples.paths or (), args.transfer, args.out.parent)
        first = encoder or samples.reader(args, output.work())
        if encoder is not None:
            log.say(f"encoding {len(samples):,} images by {args.encoder}")
        with times.of("read"):
            first.fit(samples.paths or samples.frame)
            X = samples.to_array(first)
        _say_what(samples, X, model, args, log)
        _fit(model, X, args, log, signals, times)
        names = [type(step).__name__.lower() for step in (first, model)]
        pipeline = Pipeline(list(zip(names, (first, model), strict=True)))
        missing = _write(output.draft, samples, pipeline, X, args, log, times)
        del X  # a memory map closes its file
        output.publish()
    log.say(f"written to {args.out} in {as_time(times.total())}: open {REPORT}")
    return 1 if missing else 0


def read_again(args, run, log):
    """New files or rows, for the model of an earlier command.

    Parameters
    ----------
    args : Namespace
        The command line.
    run : dict
        Content of run.json.
    log : Log
        Says what is left out.

    Returns
    -------
    samples : Images or Table
        What was found.
    """
    kind = run["input"]["kind"]
    if args.kind != kind:
        what = {"images": "a folder of images", "table": "a table"}
        raise UsageError(
            f"the model in {str(args.run)!r} takes {what[kind]}, and {args.input!r} is "
            f"{what[args.kind]}"
        )
    if kind == "images":
        return Images(args.input, log, args.jobs or -1)
    return Table(args.input, log, Table.columns_of(run))


# -- before ----------------------------------------------------------------------------


def _make_model(args):
    model = getattr(skdeepclust, METHODS[args.method])(
        args.n_clusters, random_state=args.seed
    )
    if args.n_clusters == "auto" and "max_clusters" not in model.get_params():
        raise UsageError(
            f"-k auto: {type(model).__name__} needs a number of clusters. Pass one, or "
            f"another --method, such as {_JOINT[0]} for images and {_JOINT[1]} for "
            "tables and features"
        )
    model.set_params(**_known(model, device=args.device))
    settings: dict[str, Any] = dict(_QUICK[args.method] if args.quick else {})
    if args.kind == "table" or args.encoder:
        settings |= _known(model, image_shape=None)
    try:
        resolve_device(args.device)
        model.set_params(**{**settings, **dict(args.set)})
        validate_parameters(model)
    except (TypeError, ValueError) as error:
        raise UsageError(str(error)) from error
    return model


def _known(model, **settings):
    """Those of some settings that are parameters of the method."""
    known = model.get_params(deep=False)
    return {name: value for name, value in settings.items() if name in known}


def _say_what(samples, X, model, args, log):
    """Say what is clustered and how, and what would be better."""
    text = (
        f"{len(samples):,} {samples.shape_text(X)}: "
        f"{_counted(args.n_clusters)} by {type(model).__name__}."
    )
    has_steps = hasattr(model, "set_callbacks")
    log.say(f"{text} {_ESTIMATE}" if has_steps else text)
    if X.ndim == 4 and args.method in _HEADS:
        log.warn(_PIXELS.format(name=type(model).__name__))
    if X.ndim == 4 and X.shape[1] == 3:  # in colour
        log.say(_ADVICE)


def _counted(n_clusters):
    if n_clusters == "auto":
        return "any number of clusters"
    return "1 cluster" if n_clusters == 1 else f"{n_clusters} clusters"


def _find(args, log):
    if args.kind == "images":
        return Images(args.input, log, args.jobs or -1)
    return Table(args.input, log, index=args.index, drop=args.drop)


def _fit(model, X, args, log, signals, times):
    progress = FitProgress(log, signals.check, _steps_after(args, model, len(X)))
    has_steps = hasattr(model, "set_callbacks")
    if has_steps:
        model.set_callbacks(progress)
    with times.of("fit"):
        model.fit(X)
    if has_steps:
        model.set_callbacks()  # it is not saved
    times |= {f"fit, {name}": value for name, value in progress.seconds.items()}
    signals.check()


def _steps_after(args, model, n_samples):
    """What follows the first stage, for the estimate of the time: see FitProgress."""
    if args.method == "scedae":
        others = model.n_autoencoders - 1
        return lambda n_steps: ("the other autoencoders", others * n_steps)
    if args.method not in _JOINT or not (model.max_iter and model.pretrain_epochs):
        return None
    per_epoch = math.ceil(n_samples / resolve_batch_size(model.batch_size, n_samples))
    return lambda n_steps: ("joint training", model.max_iter / per_epoch)


# -- after -----------------------------------------------------------------------------


def _write(draft, samples, pipeline, X, args, log, times):
    """Write everything; return what could not be written.

    A training is not thrown away because the report or a copy of a file fails. What is
    missing then is said.
    """
    samples.before_saving(pipeline[0])
    joblib.dump(pipeline, draft / MODEL)
    table, before = samples.clusters(pipeline, X)
    write_csv(labels_frame(table, before), draft / LABELS)

    def make_report():
        log.say("writing the report")
        estimator, rows, paths = samples.shown(pipeline, X)
        # The latest first: those of the training, then those of the files.
        options = {"warnings": log.warnings[::-1], "random_state": args.seed}
        write_report(estimator, rows, paths, draft / REPORT, **options)

    def make_folders():
        log.say(f"putting {len(table):,} files into folders ({args.transfer})")
        export_images(table, draft / CLUSTERS, how=args.transfer)

    parts = {REPORT: make_report, CLUSTERS: make_folders}
    if args.transfer == "none":
        del parts[CLUSTERS]
    missing = {}
    for name, make in parts.items():
        try:
            with times.of(name):
                make()
        except Exception as error:
            missing[name] = one_line(error)
            log.error(f"{name} could not be written, but all else is: {missing[name]}")
    facts = _facts(samples, pipeline, X, args)
    facts["seconds"] = {**times, "total": times.total()}
    facts |= {"warnings": log.warnings, "missing": missing}
    write_json(run_facts(args, **facts), draft / RUN)
    return missing


def _facts(samples, pipeline, X, args):
    model = pipeline[-1]
    return {
        "input": {
            "kind": samples.kind,
            "path": os.path.abspath(args.input),
            "relative": _relative(args.input, args.out),
            "n": len(samples),
        },
        "method": args.method,
        "encoder": args.encoder,
        "seed": args.seed,
        "folders": args.transfer,
        "parameters": {name: step.get_params() for name, step in pipeline.steps},
        "stop_reason": getattr(model, "stop_reason_", None),
        "n_iter": getattr(model, "n_iter_", None),
        "sizes": np.bincount(
            model.labels_[model.labels_ >= 0], minlength=len(model.cluster_centers_)
        ),
        **samples.facts(X),
    }


def _relative(path, out):
    """The input relative to OUT, so that both can be moved together."""
    try:
        return os.path.relpath(os.path.abspath(path), os.path.abspath(out))
    except ValueError:  # on another drive of Windows
        return None
