"""DEC, IDEC and DCEC here beside ClustPy's DEC and IDEC, with the same budget.

    python benchmarks/peers.py --data digits --seeds 0 1 2 3 4

Budget: epochs of pretraining and of clustering (50 + 50 on digits, 20 + 20 on
MNIST-test), batches of 256, a dense autoencoder of 500-500-2000-10 for DEC and IDEC,
one thread. Where ClustPy can be imported (in an environment of its own: its
installation brings gigabytes) both are run in turns, seed by seed. Elsewhere ours stand
beside figures of ClustPy that were measured once on a machine of this kind, in another
run; the table says which. Every run is a line of `results/peers.jsonl` and is not made
again; `--table` prints the table. Labels score finished runs and are used for nothing
else.
"""

import argparse
import importlib.util
import math
import time
import warnings

import numpy as np
import torch
from _common import append, environment, load, mean_sd_min, rotated, rows_of, scores

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

    X = X.reshape(len(X), -1).astype(np.float32) / (255 if X.dtype == np.uint8 else 1)
    model = getattr(deep, method)(
        10,
        batch_size=BATCH,
        pretrain_epochs=epochs,
        clustering_epochs=epochs,
        random_state=np.random.RandomState(seed),
    )
    return model.fit(X).labels_


def compute(args):
    torch.set_num_threads(args.threads)
    warnings.simplefilter("ignore")
    has_clustpy = importlib.util.find_spec("clustpy") is not None
    X, y = load(args.data)
    runs = [("skdeepclust", method, run_ours) for method in OURS]
    if has_clustpy:
        runs += [("ClustPy", method, run_clustpy) for method in ("DEC", "IDEC")]
    for seed in args.seeds:
        done = {
            (row["library"], row["method"])
            for row in rows_of(NAME, {"data": args.data, "seed": seed})
        }
        for library, method, run in rotated(runs, seed):
            if (library, method) in done:
                continue
            start, cpu = time.perf_counter(), time.process_time()
            labels = run(method, X, seed, EPOCHS[args.data])
            row = {"library": library, "method": method, "data": args.data}
            row |= {"seed": seed, "seconds": time.perf_counter() - start}
            row |= {"cpu_seconds": time.process_time() - cpu, **scores(y, labels)}
            append(NAME, {**row, **environment(args.threads, "cpu")})


def table(data):
    epochs = EPOCHS[data]
    print(f"\n{data}, {epochs} + {epochs} epochs, batches of {BATCH}: mean (sd, min)\n")
    print("| library | method | seeds | ACC | NMI | ARI | CPU s |")
    print("|---|---|---|---|---|---|---|")
    for method in OURS:
        for library in ("skdeepclust", "ClustPy"):
            where = {"data": data, "library": library, "method": method}
            rows = rows_of(NAME, where)
            if rows:
                columns = [str(len(rows))]
                columns += [
                    mean_sd_min([row[name] for row in rows])
                    for name in ("acc", "nmi", "ari")
                ]
                columns.append(f"{np.mean([row['cpu_seconds'] for row in rows]):.0f}")
            elif library == "ClustPy" and (data, method) in STORED:
                library = "ClustPy, another run"
                columns = STORED[data, method]
            else:
                continue
            print(f"| {library} | {method} | {' | '.join(columns)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=EPOCHS, default="digits")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--table", action="store_true", help="only print the table")
    args = parser.parse_args()
    if not args.table:
        compute(args)
    table(args.data)


if __name__ == "__main__":
    main()
