"""Can a good start be told without labels, and do soft resets help?

    python benchmarks/starts.py --data digits --seeds 0 1 2 3 4 5 6 7 8 9

Every seed is an autoencoder, pretrained on its own. Three questions:

- Of the clusterings that `init="spectral"` chooses from, all of one code: does the
  likelihood of the clusters as Gaussians find the good ones?
- Of autoencoders: does a label-free criterion of the start correlate with ACC after
  joint training? Criteria are the reconstruction loss, the silhouette of the clusters
  in the code, how far joint training's own target is from the soft assignments (KL),
  the likelihood, and the mean agreement (ARI) of the clusterings that `init="spectral"`
  chooses from with one another, and of the chosen one with those of the other seeds.
- Does `BRB` gain on plain joint training from the same start?

Correlations are Spearman's, signed so that 1 is a perfect choice; beside each is the
ACC that choosing by it has. Every seed is a line of `results/starts.jsonl` and is not
computed again; `--table` prints the tables. Labels score finished runs and are used for
nothing else. "mnist_train" are training images, which no other table uses.
"""

import argparse
import warnings

import numpy as np
import torch
from _common import append, environment, load, mean_sd_min, read, rows_of, scores
from scipy.stats import spearmanr
from sklearn.metrics import adjusted_rand_score, silhouette_score

from skdeepclust import (
    DCEC,
    Autoencoder,
    clustering_kl,
    soft_assignment,
    target_distribution,
)
from skdeepclust._initial_centers import Gaussians, spectral_starts
from skdeepclust.callbacks import BRB

NAME = "starts"
DATA = ["digits", "mnist_train-2000", "pendigits-2000"]
EPOCHS, STEPS, RESET_EVERY = 100, 1400, 3

# Sign with which a larger value is the better start.
CRITERIA = {
    "reconstruction loss": -1,
    "silhouette": 1,
    "KL to the target": -1,
    "likelihood": 1,
    "agreement within the code": 1,
    "agreement with other starts": 1,
}


def criteria(autoencoder, start, X):
    Z = torch.from_numpy(start.transform(X))
    Q = soft_assignment(Z, torch.from_numpy(start.cluster_centers_))
    return {
        "reconstruction loss": autoencoder.history_["pretraining"]["loss"][-1],
        "silhouette": float(silhouette_score(Z.numpy(), start.init_labels_)),
        "KL to the target": float(clustering_kl(target_distribution(Q), Q)),
        "likelihood": Gaussians(Z.numpy(), start.init_labels_).likelihood(),
    }


def run(X, y, seed):
    shared = {"random_state": seed, "device": "cpu"}
    autoencoder = Autoencoder(augment="auto", max_epochs=EPOCHS, **shared).fit(X)
    shared |= {"module": autoencoder.module_, "pretrain_epochs": 0}
    shared |= {"n_iter_no_change": None, "tol": 0.0}  # the same steps for both
    start = DCEC(10, max_iter=0, **shared).fit(X)
    plain = DCEC(10, max_iter=STEPS, **shared).fit(X)
    reset = DCEC(10, max_iter=STEPS, callbacks=[BRB(every=RESET_EVERY)], **shared).fit(
        X
    )
    Z = start.transform(X)
    starts = list(spectral_starts(Z, 10, 20, seed))
    return {
        "candidates": [(value, scores(y, labels)["acc"]) for value, labels in starts],
        **criteria(autoencoder, start, X),
        "agreement within the code": float(
            agreement([labels for _, labels in starts]).mean()
        ),
        "labels": start.init_labels_.tolist(),
        "start": scores(y, start.init_labels_),
        "joint": scores(y, plain.labels_),
        "brb": scores(y, reset.labels_),
        "n_resets": sum(reset.history_["clustering"]["reset"]),
    }


def compute(args):
    torch.set_num_threads(args.threads)
    warnings.simplefilter("ignore")
    for data in args.data:
        X, y = load(data)
        for seed in args.seeds:
            where = {"data": data, "seed": seed}
            if not rows_of(NAME, where):
                setting = environment(args.threads, "cpu")
                append(NAME, {**where, **run(X, y, seed), **setting})


def agreement(clusterings):
    """Mean ARI of every clustering with the others."""
    found = np.array(
        [[adjusted_rand_score(a, b) for b in clusterings] for a in clusterings]
    )
    return (found.sum(axis=1) - 1) / max(1, len(clusterings) - 1)


def tables(data):
    of = {name: [row for row in read(NAME) if row["data"] == name] for name in data}
    of = {name: rows for name, rows in of.items() if len(rows) > 1}
    print("\nClusterings of one code, and the likeliest of them: mean (sd, min)\n")
    print(
        "| data | codes | ACC of all | of the likeliest | of the best | correlation |"
    )
    print("|---|---|---|---|---|---|")
    for name, rows in of.items():
        columns = {"all": [], "likeliest": [], "best": [], "correlation": []}
        for row in rows:
            likelihood, accuracy = np.array(row["candidates"]).T
            columns["all"].append(accuracy.mean())
            columns["likeliest"].append(accuracy[likelihood.argmax()])
            columns["best"].append(accuracy.max())
            columns["correlation"].append(spearmanr(likelihood, accuracy).statistic)
        cells = [mean_sd_min(values) for values in columns.values()]
        print(f"| {name} | {len(rows)} | {' | '.join(cells)} |")
    print("\nSpearman's correlation with ACC after joint training; ACC of the choice\n")
    print("| data | starts | mean ACC | " + " | ".join(CRITERIA) + " |")
    print("|---|---|---|" + "---|" * len(CRITERIA))
    for name, rows in of.items():
        accuracy = np.array([row["joint"]["acc"] for row in rows])
        cells = []
        for criterion, sign in CRITERIA.items():
            if criterion in rows[0]:
                values = sign * np.array([row[criterion] for row in rows])
            else:
                values = agreement([row["labels"] for row in rows])
            correlation = spearmanr(values, accuracy).statistic
            cells.append(f"{correlation:+.2f}; {accuracy[values.argmax()]:.3f}")
        print(f"| {name} | {len(rows)} | {accuracy.mean():.3f} | {' | '.join(cells)} |")
    print("\nSoft resets (BRB), from the same starts: mean (sd, min) over seeds\n")
    print("| data | seeds | | ACC | NMI |")
    print("|---|---|---|---|---|")
    names = {"start": "start", "joint": "joint training", "brb": "with BRB"}
    for name, rows in of.items():
        for key, what in names.items():
            columns = [mean_sd_min([r[key][s] for r in rows]) for s in ("acc", "nmi")]
            print(f"| {name} | {len(rows)} | {what} | {' | '.join(columns)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", choices=DATA, default=DATA)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--table", action="store_true", help="only print the tables")
    args = parser.parse_args()
    if not args.table:
        compute(args)
    tables(args.data)


if __name__ == "__main__":
    main()
