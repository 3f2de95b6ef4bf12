"""Where the time of a step goes: skorch's own loop, and ours.

    python benchmarks/step_profile.py --threads 1

The same network, data and batch size, trained by skorch's loop and loader with torch's
default Adam ("before") and by the loop of the estimators ("after"), in turns. Times are
taken around the parts of a step: the batch (loader, collation, conversion), forward,
loss, backward, optimiser, and the rest of the loop (history, callbacks, bookkeeping).
Printed are milliseconds per step, medians over epochs. Lines go to
`results/step_profile.jsonl`; `--table` prints the newest ones.
"""

import argparse
import time
from collections import Counter
from contextlib import contextmanager

import numpy as np
import torch
from _common import append, environment, read
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
    """Iterates as `inner` does, and times how long it takes to give the next."""

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
    """The optimiser's step without what the closure does within it."""

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


def table():
    print(f"\n| network | loop | {' | '.join(PARTS)} | ms a step |")
    print("|---|---|" + "---|" * (len(PARTS) + 1))
    names = {"before": "skorch's", "after": "ours"}
    for row in {(r["case"], r["when"]): r for r in read(NAME)}.values():
        values = [row["ms"][part] for part in PARTS]
        cells = " | ".join(f"{value:.3f}" for value in [*values, sum(values)])
        print(f"| {row['case']} | {names[row['when']]} | {cells} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="+", choices=CASES, default=SHOWN)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--table", action="store_true", help="only print the table")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    for case in args.cases if not args.table else ():
        for row in measure(case, args.rounds):
            append(NAME, {**row, **environment(args.threads, "cpu")})
    table()


if __name__ == "__main__":
    main()
