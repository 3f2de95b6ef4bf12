"""Samples per second on a device: eager, compiled, and with CUDA graphs.

    python benchmarks/device_speed.py --device cuda
    python benchmarks/device_speed.py --device cuda --whole

Trains DCEC with its paper's batches of 256 on images like MNIST's (random uint8, 28 x
28), for some epochs of pretraining and some updates of joint training. Samples per
second come from the median duration of the epochs after the first two, which warm up
and compile. "busy" is the share of the time in which the device computes, from torch's
profiler (1 on a CPU by definition). `--whole` times the paper's whole schedule instead:
200 epochs and 20,000 steps. Lines go to `results/device_speed.jsonl`; `--table` prints
them.
"""

import time

import _common as common
import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from skdeepclust import DCEC

NAME = "device_speed"
MODES = {
    "eager": {},
    "compiled": {"compile": True},
    "graphs": {"compile": True, "compile__mode": "reduce-overhead"},
}
WARM_UP, INTERVAL = 2, 140


def fit(X, device, mode, n_epochs, n_updates):
    dcec = DCEC.as_published(
        10,
        pretrain_epochs=n_epochs,
        max_iter=n_updates * INTERVAL,
        update_interval=INTERVAL,
        tol=0.0,
        n_init=1,
        device=device,
        random_state=0,
        **MODES[mode],
    )
    start = time.perf_counter()
    dcec.fit(X)
    return dcec, time.perf_counter() - start


def busy_share(X, device):
    """Share of the time of a fit in which kernels run, without the warm-up."""
    if torch.device(device).type != "cuda":
        return 1.0
    fit(X, device, "eager", 1, 1)
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        _, seconds = fit(X, device, "eager", 3, 2)
    kernels = sum(event.self_device_time_total for event in profiler.key_averages())
    return kernels / 1e6 / seconds


def measure(X, device, mode, n_epochs, n_updates):
    dcec, seconds = fit(X, device, mode, n_epochs, n_updates)
    pretraining = np.median(dcec.history_["pretraining"]["dur"][WARM_UP:])
    joint = np.median(dcec.history_["clustering"]["dur"][WARM_UP:])
    return {
        "mode": mode,
        "pretraining": len(X) / pretraining,
        "joint": INTERVAL * dcec.batch_size / joint,
        "seconds": seconds,
    }


def compute(args):
    X = np.random.RandomState(0).randint(256, size=(args.samples, 28, 28))
    X = X.astype(np.uint8)
    is_cuda = torch.device(args.device).type == "cuda"
    where = torch.cuda.get_device_name() if is_cuda else args.device
    rows = []
    if args.whole:
        for mode in args.modes:
            _, seconds = fit(X, args.device, mode, 200, 143)
            rows.append({"mode": f"whole schedule, {mode}", "seconds": seconds})
    else:
        busy = busy_share(X, args.device)
        for mode in args.modes:
            row = measure(X, args.device, mode, args.epochs, args.updates)
            rows.append({**row, "busy": busy})
    for row in rows:
        common.append(NAME, {**row, "where": where, "n": len(X)}, args, args.device)


def table(args):
    rows = common.read(NAME)
    common.print_table(
        "",
        "device | n | mode | pretraining, 1/s | joint training, 1/s | busy",
        [
            [
                *(r["where"], r["n"], r["mode"], f"{r['pretraining']:.0f}"),
                *(f"{r['joint']:.0f}", f"{r['busy']:.2f}"),
            ]
            for r in rows
            if r["mode"] in MODES
        ],
    )
    for r in rows:
        if r["mode"].startswith("whole"):
            print(
                f"\n{r['where']}, {r['n']} samples, {r['mode']}: {r['seconds']:.0f} s"
            )


if __name__ == "__main__":
    common.run(
        __doc__,
        compute,
        table,
        device="cuda",
        modes=(list(MODES), MODES),
        samples=70_000,
        epochs=8,
        updates=8,
        whole=False,
    )
