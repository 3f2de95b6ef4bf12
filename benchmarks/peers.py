"""DEC, IDEC and DCEC here beside ClustPy's DEC and IDEC, with the same budget.

    python benchmarks/peers.py --data digits --seeds 0 1 2 3 4

Budget: epochs of pretraining and of clustering (50 + 50 on digits, 20 + 20 on
MNIST-test), batches of 256, a dense autoencoder of 500-500-2000-10 for DEC and IDEC,
one thread. If ClustPy can be imported (use a separate environment, because it installs
gigabytes), both run in turns, seed by seed. Otherwise ours stand beside figures of
ClustPy that were measured once on a machine of this kind, in another run; the table
says which. Every run is a line of `results/peers.jsonl` and is not repeated; `--table`
prints the table. Labels score finished runs and are used for nothing else.
"""

import importlib.util
import math
import time

import _common as common
import numpy as np

from skdeepclust import DCEC, DEC, IDEC

NAME = "peers"
EPOCHS = {"digits": 50, "mnist_test": 20}
BATCH = 256
OURS = {"DEC": DEC, "IDEC": IDEC, "DCEC": DCEC}

# ClustPy 0.0.3, torch 2.13, one thread, ACC / NMI / ARI and CPU seconds; 2026-11-24.
STORED = {
    ("digits", "DEC"): ("5", ".719 (sd .059)", ".756", ".631", "41"),
    ("digits", "IDEC"): ("5", ".727 (sd .062)", ".736", ".629", "51"),
    ("mnist_test", "DEC"): ("2", ".572", ".615", ".455", "97"),
    ("mnist_test", "IDEC"): ("2", ".649", ".604", ".494", "141"),
}


def run_ours(method, X, seed, epochs):
    steps = epochs * math.ceil(len(X) / BATCH)
    model = OURS[method](
        10,
        pretrain_epochs=epochs,
        max_iter=steps,
        batch_size=BATCH,
        random_state=seed,
        device="cpu",
    )
    return model.fit_predict(X)


def run_clustpy(method, X, seed, epochs):
    from clustpy import deep

    model = getattr(deep, method)(
        10,
        batch_size=BATCH,
        pretrain_epochs=epochs,
        clustering_epochs=epochs,
        random_state=np.random.RandomState(seed),
    )
    return model.fit(common.pixels_of(X).astype(np.float32)).labels_


def compute(args):
    has_clustpy = importlib.util.find_spec("clustpy") is not None
    X, y = common.load(args.data)
    runs = [("skdeepclust", method, run_ours) for method in OURS]
    if has_clustpy:
        runs += [("ClustPy", method, run_clustpy) for method in ("DEC", "IDEC")]
    for seed in args.seeds:
        for library, method, fit_predict in common.rotated(runs, seed):
            where = {"library": library, "method": method, "data": args.data}
            where["seed"] = seed
            if common.rows_of(NAME, where):
                continue
            start, cpu = time.perf_counter(), time.process_time()
            labels = fit_predict(method, X, seed, EPOCHS[args.data])
            row = {**where, "seconds": time.perf_counter() - start}
            row |= {
                "cpu_seconds": time.process_time() - cpu,
                **common.scores(y, labels),
            }
            common.append(NAME, row, args)


def table(args):
    data, epochs = args.data, EPOCHS[args.data]
    lines = []
    for method in OURS:
        for library in ("skdeepclust", "ClustPy"):
            where = {"data": data, "library": library, "method": method}
            rows = common.rows_of(NAME, where)
            if rows:
                cells = [
                    len(rows),
                    *common.spreads(rows),
                    common.mean(rows, "cpu_seconds"),
                ]
                lines.append([library, method, *cells])
            elif library == "ClustPy" and (data, method) in STORED:
                lines.append(["ClustPy, another run", method, *STORED[data, method]])
    common.print_table(
        f"{data}, {epochs} + {epochs} epochs, batches of {BATCH}: mean (sd, min)",
        "library | method | seeds | ACC | NMI | ARI | CPU s",
        lines,
    )


if __name__ == "__main__":
    common.run(__doc__, compute, table, data=("digits", EPOCHS), seeds=5)
