"""Can a good start be told without labels, and do soft resets help?

    python benchmarks/starts.py --data digits --seeds 0 1 2 3 4 5 6 7 8 9

Every seed is a separately pretrained autoencoder. Three questions:

- `init="spectral"` chooses from several clusterings of one embedding. Does the
  likelihood of the clusters as Gaussians find the good ones?
- Does a label-free criterion of the start correlate with ACC after joint training, over
  several autoencoders? Criteria are the reconstruction loss, the silhouette of the
  clusters in the embedding, the distance of joint training's own target from the soft
  assignments (KL), the likelihood, and two mean agreements (ARI): among the clusterings
  that `init="spectral"` chooses from, and of the chosen one with those of the other
  seeds.
- Do soft resets (BRB) gain on plain joint training from the same start? The stored
  results answer this. They were measured when the library had BRB as a callback; new
  runs leave it out. `examples/plot_90_own_callback.py` shows how to write it.

Correlations are Spearman's, signed so that 1 is a perfect choice; beside each is the
ACC of the start that the criterion chooses. Every seed is a line of
`results/starts.jsonl` and is not computed again; `--table` prints the tables. Labels
score finished runs and are used for nothing else. "mnist_train" are training images,
which no other table uses.
"""

import _common as common
import numpy as np
import torch
from scipy.stats import spearmanr
from sklearn.metrics import adjusted_rand_score, silhouette_score

from skdeepclust import (
    DCEC,
    Autoencoder,
    clustering_kl,
    soft_assignment,
    target_distribution,
)
from skdeepclust._initial_centers import spectral_starts
from skdeepclust._spectral_starts import cluster_moments, likelihood

NAME = "starts"
DATA = ["digits", "mnist_train-2000", "pendigits-2000"]
EPOCHS, STEPS = 100, 1400

# Sign that makes the larger value the better start.
# The names are those of the stored results; "code" is there for the embedding.
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
        "likelihood": likelihood(*cluster_moments(Z.numpy(), start.init_labels_)),
    }


def measure(X, y, seed):
    shared = {"random_state": seed, "device": "cpu"}
    autoencoder = Autoencoder(augment="auto", max_epochs=EPOCHS, **shared).fit(X)
    shared |= {"module": autoencoder.module_, "pretrain_epochs": 0}
    shared |= {"n_iter_no_change": None, "tol": 0.0}  # all of the steps
    start = DCEC(10, max_iter=0, **shared).fit(X)
    plain = DCEC(10, max_iter=STEPS, **shared).fit(X)
    Z = start.transform(X)
    starts = list(spectral_starts(Z, 10, 20, seed))
    return {
        "candidates": [
            (value, common.scores(y, labels)["acc"]) for value, labels in starts
        ],
        **criteria(autoencoder, start, X),
        "agreement within the code": float(
            agreement([labels for _, labels in starts]).mean()
        ),
        "labels": start.init_labels_.tolist(),
        "start": common.scores(y, start.init_labels_),
        "joint": common.scores(y, plain.labels_),
    }


def compute(args):
    for data in args.data:
        X, y = common.load(data)
        for seed in args.seeds:
            where = {"data": data, "seed": seed}
            if not common.rows_of(NAME, where):
                common.append(NAME, {**where, **measure(X, y, seed)}, args)


def agreement(clusterings):
    """Mean ARI of every clustering with the others."""
    found = np.array(
        [[adjusted_rand_score(a, b) for b in clusterings] for a in clusterings]
    )
    return (found.sum(axis=1) - 1) / max(1, len(clusterings) - 1)


def within_an_embedding(rows):
    """ACC of all clusterings, of the likeliest and of the best, and the correlation."""
    values = []
    for row in rows:
        likelihoods, accuracy = np.array(row["candidates"]).T
        chosen = accuracy[likelihoods.argmax()]
        correlation = spearmanr(likelihoods, accuracy).statistic
        values.append((accuracy.mean(), chosen, accuracy.max(), correlation))
    return [common.mean_sd_min(column) for column in zip(*values)]


def between_embeddings(rows):
    """Correlation of every criterion with ACC, and the ACC of its choice."""
    accuracy = np.array([row["joint"]["acc"] for row in rows])
    yield f"{accuracy.mean():.3f}"
    for criterion, sign in CRITERIA.items():
        if criterion in rows[0]:
            values = sign * np.array([row[criterion] for row in rows])
        else:
            values = agreement([row["labels"] for row in rows])
        correlation = spearmanr(values, accuracy).statistic
        yield f"{correlation:+.2f}; {accuracy[values.argmax()]:.3f}"


def table(args):
    of = {name: common.rows_of(NAME, {"data": name}) for name in args.data}
    of = {name: rows for name, rows in of.items() if len(rows) > 1}
    common.print_table(
        "Clusterings of one embedding, and the likeliest of them: mean (sd, min)",
        "data | embeddings | ACC of all | of the likeliest | of the best | correlation",
        [[name, len(rows), *within_an_embedding(rows)] for name, rows in of.items()],
    )
    common.print_table(
        "Spearman's correlation with ACC after joint training; ACC of the choice",
        " | ".join(["data", "starts", "mean ACC", *CRITERIA]).replace(
            "code", "embedding"
        ),
        [[name, len(rows), *between_embeddings(rows)] for name, rows in of.items()],
    )
    kinds = {"start": "start", "joint": "joint training", "brb": "with BRB"}
    lines = []
    for name, rows in of.items():
        for key, kind in kinds.items():
            found = [row[key] for row in rows if key in row]
            if found:
                lines.append(
                    [name, len(found), kind, *common.spreads(found, ("acc", "nmi"))]
                )
    common.print_table(
        "Soft resets (BRB), from the same starts: mean (sd, min) over seeds",
        "data | seeds | labels | ACC | NMI",
        lines,
    )


if __name__ == "__main__":
    common.run(__doc__, compute, table, data=(DATA, DATA), seeds=10)
