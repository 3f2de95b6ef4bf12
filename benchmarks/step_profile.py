"""The time of the parts of a step: skorch's own loop, and ours.

    python benchmarks/step_profile.py --threads 1

Two loops train the same network on the same data and batch size, in turns: skorch's
loop and loader with torch's default Adam ("before"), and the loop of the estimators
("after"). Clocks surround the parts of a step: the batch (loader, collation,
conversion), forward, loss, backward, optimiser, and the rest of the loop (history,
callbacks, bookkeeping). The table has milliseconds per step, medians over epochs. Lines
go to `results/step_profile.jsonl`; `--table` prints the newest ones.
"""

import time
from collections import Counter
from contextlib import contextmanager

import _common as common
import numpy as np
import torch
from step_overhead import CASES, Ours, Stock

NAME = "step_profile"
PARTS = ["batch", "forward", "loss", "backward", "optimiser", "rest"]
WHEN = {"before": Stock, "after": Ours}
SHOWN = ["dense 64, small", "dense 64, small, 256", "conv 8x8", "conv 28x28"]


def timed(spent, part, function):
    def call(*args, **kwargs):
        start = time.perf_counter()
        result = function(*args, **kwargs)
        spent[part] += time.perf_counter() - start
        return result

    return call


class TimedIterator:
    """Iterates as `inner` does, and measures the time until the next item."""

    def __init__(self, inner, spent):
        self.inner = inner
        self.spent = spent

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def __len__(self):
        return len(self.inner)

    def __iter__(self):
        iterator = iter(self.inner)
        step = timed(self.spent, "batch", lambda: next(iterator, None))
        return iter(step, None)


def patch(loop, spent):
    """Put clocks around the parts of a step of this loop's net."""
    net = loop.net
    net.module_.forward = timed(spent, "forward", net.module_.forward)
    if isinstance(loop, Ours):
        net.losses = timed(spent, "loss", net.losses)
        loop.batches = TimedIterator(loop.batches, spent)
    else:
        net.get_loss = timed(spent, "loss", net.get_loss)
        original = net.get_iterator
        net.get_iterator = lambda *args, **kwargs: TimedIterator(
            original(*args, **kwargs), spent
        )
    optimizer = net.optimizer_
    optimizer.step = around_closure(spent, optimizer.step)
    optimizer.zero_grad = timed(spent, "optimiser", optimizer.zero_grad)


def around_closure(spent, step):
    """Measure the optimiser's step without the closure that it calls."""

    def call(closure=None, **kwargs):
        inside = Counter()
        start = time.perf_counter()
        result = step(closure and timed(inside, "closure", closure), **kwargs)
        spent["optimiser"] += time.perf_counter() - start - inside["closure"]
        return result

    return call


@contextmanager
def timed_backward(clock):
    original = torch.Tensor.backward

    def backward(self, *args, **kwargs):
        start = time.perf_counter()
        original(self, *args, **kwargs)
        clock["spent"]["backward"] += time.perf_counter() - start

    torch.Tensor.backward = backward
    try:
        yield
    finally:
        torch.Tensor.backward = original


def measure(case, n_rounds):
    _, shape, _, n_samples, batch_size, _ = CASES[case]
    X = np.random.RandomState(0).rand(n_samples, int(np.prod(shape)))
    X = X.astype(np.float32)
    n_steps = -(-n_samples // batch_size)
    loops, spent, clock = {}, {}, {"spent": Counter()}
    for name, kind in WHEN.items():
        loops[name], spent[name] = kind(case, "pretraining", X), Counter()
        patch(loops[name], spent[name])
    found = {name: {part: [] for part in PARTS} for name in WHEN}
    with timed_backward(clock):
        for i in range(n_rounds + 1):
            for name, loop in loops.items():
                spent[name].clear()
                clock["spent"] = spent[name]
                start = time.perf_counter()
                loop.epoch()
                total = time.perf_counter() - start
                spent[name]["rest"] = total - sum(spent[name].values())
                if i:  # the first round warms up
                    for part in PARTS:
                        found[name][part].append(spent[name][part] / n_steps * 1000)
    for name in WHEN:
        medians = {part: float(np.median(v)) for part, v in found[name].items()}
        yield {"case": case, "when": name, "rounds": n_rounds, "ms": medians}


def compute(args):
    for case in args.cases:
        for row in measure(case, args.rounds):
            common.append(NAME, row, args)


def table(args):
    names = {"before": "skorch's", "after": "ours"}
    lines = []
    for row in {(r["case"], r["when"]): r for r in common.read(NAME)}.values():
        values = [row["ms"][part] for part in PARTS]
        cells = [f"{value:.3f}" for value in [*values, sum(values)]]
        lines.append([row["case"], names[row["when"]], *cells])
    common.print_table("", " | ".join(["network", "loop", *PARTS, "ms a step"]), lines)


if __name__ == "__main__":
    common.run(__doc__, compute, table, cases=(SHOWN, CASES), rounds=12)
