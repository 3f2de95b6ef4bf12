"""Which batch size suits small data? The measurement behind batch_size="auto".

    python benchmarks/batch_size.py --threads 1

Fits DCEC on small data sets with several batch sizes and the same number of passes
through the data, 50 for pretraining and at most 50 for joint training. Prints the
reconstruction loss, the time, and the ACC of autoencoder + k-means and of DCEC. The
rule for "auto" may look at the reconstruction loss and the time alone; ACC shows
whether the gain of the rule is real.

Every finished fit is a line of `benchmarks/results/batch_size.jsonl` and is not
computed again. `--table` prints the table of these results.
"""

import math
import time

import _common as common

from skdeepclust import DCEC

NAME = "batch_size"
DATA = ["digits", "digits-600", "mnist_test-1000", "pendigits-2000"]
SIZES = [32, 64, 128, 256]
EPOCHS = 50


def compute(args):
    for data in args.data:
        X, y = common.load(data)
        for seed in args.seeds:
            for size in SIZES:
                where = {"data": data, "batch_size": size, "seed": seed}
                if common.rows_of(NAME, where):
                    continue
                start = time.perf_counter()
                dcec = DCEC.as_published(
                    n_clusters=10,
                    batch_size=size,
                    pretrain_epochs=EPOCHS,
                    max_iter=EPOCHS * math.ceil(len(X) / size),
                    random_state=seed,
                    device="cpu",
                ).fit(X)
                row = {
                    **where,
                    "n_samples": len(X),
                    "seconds": time.perf_counter() - start,
                    "reconstruction_loss": dcec.history_["pretraining"]["loss"][-1],
                    "n_iter": dcec.n_iter_,
                    **{
                        f"init_{k}": v
                        for k, v in common.scores(y, dcec.init_labels_).items()
                    },
                    **common.scores(y, dcec.labels_),
                }
                common.append(NAME, row, args)


def table(args):
    common.print_table(
        f"{EPOCHS} + at most {EPOCHS} epochs; mean (sd, min) over seeds",
        "data | batch | seeds | AE loss | AE + k-means ACC | DCEC ACC | s",
        [
            [
                *(*case, len(rows), common.mean(rows, "reconstruction_loss", 4)),
                *(
                    *common.spreads(rows, ("init_acc", "acc")),
                    common.mean(rows, "seconds"),
                ),
            ]
            for case, rows in common.groups(NAME, data=DATA, batch_size=SIZES)
        ],
    )


if __name__ == "__main__":
    common.run(__doc__, compute, table, data=(DATA, DATA), seeds=3)
