"""Cost of checkpoints, time to go on, and a step shared by two processes.

    python benchmarks/long_fits.py

Trains DCEC on images like MNIST's (random uint8, 28 x 28). Each comparison is
interleaved, and ratios are of medians.

checkpoint: seconds of a fit with a checkpoint every second (60 times as often as by
default) and without, and the share of the time in which a state is written; size of the
file of a finished fit over the size of the weights; seconds of a `fit` that finds it.

processes: median seconds of an epoch of pretraining in one process with two threads,
and in two processes (gloo) of one thread each; bytes that a process sends per step.

Lines go to `results/long_fits.jsonl`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from skdeepclust import DCEC, Autoencoder, FitCheckpoint
from skdeepclust._checkpoint import Keeper

NAME = "long_fits"
N_SAMPLES, REPEATS = 4000, 3


def images():
    return np.random.RandomState(0).randint(0, 255, (N_SAMPLES, 28, 28), np.uint8)


def dcec(**params):
    return DCEC(
        10,
        pretrain_epochs=4,
        max_iter=280,
        init="kmeans",
        n_init=1,
        tol=0,
        random_state=0,
        **params,
    )


def seconds_of(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


@contextmanager
def timed_writing(seconds):
    """Note the seconds of every write."""
    original = Keeper.write

    def write(keeper):
        seconds.append(seconds_of(lambda: original(keeper)))

    Keeper.write = write
    try:
        yield
    finally:
        Keeper.write = original


def checkpoint_costs():
    X, plain, kept, written = images(), [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for i in range(REPEATS):
            place = FitCheckpoint(Path(folder) / f"state{i}", minutes=1 / 60)
            plain.append(seconds_of(lambda: dcec().fit(X)))
            with timed_writing(written):
                own = dcec(checkpoint=place)
                kept.append(seconds_of(lambda own=own: own.fit(X)))
        fitted = dcec(checkpoint=place)
        resume = seconds_of(lambda: fitted.fit(X))
        weights = sum(w.nbytes for w in fitted.net_.module_.state_dict().values())
        size = Path(place.path).stat().st_size
    return {
        "what": "checkpoint",
        "slowdown": statistics.median(kept) / statistics.median(plain) - 1,
        "slowdown_min": min(k / p for k, p in zip(kept, plain)) - 1,
        "slowdown_max": max(k / p for k, p in zip(kept, plain)) - 1,
        "share_of_writing": sum(written) / sum(kept),
        "n_writes": len(written) / REPEATS,
        "seconds_to_resume": resume,
        "size_over_weights": size / weights,
    }


SCRIPT = """
import sys, statistics, torch, torch.distributed as dist
sys.path.insert(0, {folder!r})
import long_fits
rank, n, store = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
torch.set_num_threads(2 // n)
if n > 1:
    dist.init_process_group(
        "gloo", init_method="file://" + store, rank=rank, world_size=n)
print(long_fits.epoch_seconds())
if n > 1:
    dist.destroy_process_group()
"""


def epoch_seconds():
    """Median seconds of an epoch, after one that warms up."""
    encoder = Autoencoder(
        10, augment="auto", max_epochs=4, batch_size=256, random_state=0
    ).fit(images())
    return statistics.median(encoder.history_["pretraining"]["dur"][1:])


def run_processes(n, folder, i):
    code = SCRIPT.format(folder=str(Path(__file__).parent))
    store = str(Path(folder) / f"group{n}-{i}")
    started = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", code, str(rank), str(n), store],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": str(2 // n)},
        )
        for rank in range(n)
    ]
    outputs = [each.communicate()[0] for each in started]
    return float(outputs[0])


def process_costs():
    one, two = [], []
    with tempfile.TemporaryDirectory() as folder:
        for i in range(REPEATS):
            one.append(run_processes(1, folder, i))
            two.append(run_processes(2, folder, i))
    fitted = Autoencoder(10, max_epochs=0, random_state=0).fit(images()[:300])
    n_weights = sum(w.numel() for w in fitted.module_.parameters())
    return {
        "what": "processes",
        "two_over_one": statistics.median(two) / statistics.median(one),
        "two_over_one_min": min(b / a for a, b in zip(one, two)),
        "two_over_one_max": max(b / a for a, b in zip(one, two)),
        "bytes_per_step": 4 * (n_weights + 2),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=["checkpoint", "processes"])
    only = parser.parse_args().only
    place = Path(__file__).parent / "results" / f"{NAME}.jsonl"
    for what, measure in (
        ("checkpoint", checkpoint_costs),
        ("processes", process_costs),
    ):
        if only in (None, what):
            line = {**measure(), "repeats": REPEATS, "n_samples": N_SAMPLES}
            line["torch"], line["threads"] = torch.__version__, torch.get_num_threads()
            print(json.dumps(line))
            with place.open("a") as file:
                file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
