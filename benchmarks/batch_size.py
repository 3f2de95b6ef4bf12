"""Which batch size suits small data? The measurement behind batch_size="auto".

    python benchmarks/batch_size.py --threads 1

Fits DCEC on small data sets with several batch sizes and the same number of passes
through the data, 50 for pretraining and at most 50 for joint training, and prints the
reconstruction loss reached, time, and ACC of autoencoder + k-means and of DCEC. The
rule for "auto" may look at the reconstruction loss and the time alone; ACC is printed
to see whether what the rule gains is real.

Every finished fit is a line of `benchmarks/results/batch_size.jsonl` and is not
computed again. `--table` prints the table of what is there.
"""

import argparse
import math
import time
import warnings

import numpy as np
import torch
from _common import PAPER, append, environment, load, mean_sd_min, read, scores

from skdeepclust import DCEC

NAME = "batch_size"
DATA = ["digits", "digits-600", "mnist_test-1000", "pendigits-2000"]
SIZES = [32, 64, 128, 256]
EPOCHS = 50


def compute(args):
    torch.set_num_threads(args.threads)
    warnings.simplefilter("ignore")
    done = {(row["data"], row["batch_size"], row["seed"]) for row in read(NAME)}
    for data in args.data:
        X, y = load(data)
        for seed in args.seeds:
            for size in SIZES:
                if (data, size, seed) in done:
                    continue
                start = time.perf_counter()
                dcec = DCEC(
                    n_clusters=10,
                    batch_size=size,
                    pretrain_epochs=EPOCHS,
                    max_iter=EPOCHS * math.ceil(len(X) / size),
                    random_state=seed,
                    device="cpu",
                    **PAPER,
                ).fit(X)
                row = {
                    "data": data,
                    "n_samples": len(X),
                    "batch_size": size,
                    "seed": seed,
                    "seconds": time.perf_counter() - start,
                    "reconstruction_loss": dcec.history_["pretraining"]["loss"][-1],
                    "n_iter": dcec.n_iter_,
                    **{f"init_{k}": v for k, v in scores(y, dcec.init_labels_).items()},
                    **scores(y, dcec.labels_),
                    **environment(args.threads, "cpu"),
                }
                append(NAME, row)


def table():
    rows = read(NAME)
    print(f"\n{EPOCHS} + at most {EPOCHS} epochs; mean (sd, min) over seeds\n")
    print("| data | batch | seeds | AE loss | AE + k-means ACC | DCEC ACC | s |")
    print("|---|---|---|---|---|---|---|")
    for data in DATA:
        for size in SIZES:
            of = [r for r in rows if (r["data"], r["batch_size"]) == (data, size)]
            if of:
                print(
                    f"| {data} | {size} | {len(of)} | "
                    f"{np.mean([r['reconstruction_loss'] for r in of]):.4f} | "
                    f"{mean_sd_min([r['init_acc'] for r in of])} | "
                    f"{mean_sd_min([r['acc'] for r in of])} | "
                    f"{np.mean([r['seconds'] for r in of]):.0f} |"
                )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", default=DATA)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--table", action="store_true", help="only print the table")
    args = parser.parse_args()
    if not args.table:
        compute(args)
    table()


if __name__ == "__main__":
    main()
