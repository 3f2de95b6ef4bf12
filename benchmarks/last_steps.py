"""The last step of SCEDAE, and the pseudo-labels of DeepCluster: which clusterer?

    OMP_NUM_THREADS=1 python benchmarks/last_steps.py
    OMP_NUM_THREADS=1 python benchmarks/last_steps.py --rounds

SCEDAE trains its autoencoders once per seed. Then the same embeddings are clustered

- "SCEDAE": as its paper does, by k-means in the spectral embedding of all of them;
- "votes": by the consensus of merged spectral clusterings, as in the start of `DCEC`,
  eight in each embedding, which all vote;
- "side by side": by the same consensus in the main components of all embeddings;
- "AutoClustering": by `AutoClustering` of the embeddings side by side;
- "k-means": by k-means of the embeddings side by side.

`--rounds` runs `DeepCluster` with other clusterers of its rounds. The last step is the
default, `AutoClustering`, in all of them.

Every run is a line of `results/last_steps.jsonl` and is not computed again; `--table`
prints the table. Labels score finished runs and are used for nothing else.
"""

import time

import _common as common
import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from skdeepclust import (
    SCEDAE,
    AutoClustering,
    DeepCluster,
    LandmarkSpectralClustering,
)
from skdeepclust._geometry import unit_rows
from skdeepclust._spectral import cluster_embedding, memberships, singular_basis
from skdeepclust._spectral_starts import SpectralConsensus

NAME = "last_steps"
DATA = ["digits", "pendigits-3000", "mnist_train-2000", "mnist_test-2000"]
SETTINGS = {"max_epochs": 50, "device": "cpu"}


def votes(spaces, seed):
    """Labels by the vote of the spectral clusterings of all embeddings."""
    found = []
    for i, Z in enumerate(spaces):
        consensus = SpectralConsensus(10, 20, seed + i)
        consensus.fit(Z)
        found += [member.labels for member in consensus._members]
    B = memberships(found, [10] * len(found))
    embedding = unit_rows(B @ singular_basis(B, 10, seed)).astype(np.float32)
    return cluster_embedding(embedding, 10, 20, seed)[1]


def side_by_side(spaces):
    together = np.hstack([Z / Z.std() for Z in spaces])
    return PCA(min(32, together.shape[1]), random_state=0).fit_transform(together)


def last_steps(model, spaces, seed):
    """Name and labels of every last step."""
    together = side_by_side(spaces)
    yield "SCEDAE", model.labels_
    yield "votes", votes(spaces, seed)
    consensus = SpectralConsensus(10, 20, seed)
    consensus.fit(together)
    yield "side by side", consensus.labels
    auto = AutoClustering(10, random_state=seed)
    yield "AutoClustering", auto.fit_predict(together)
    yield "k-means", KMeans(10, n_init=20, random_state=seed).fit_predict(together)


def run_last_steps(args):
    for data in args.data:
        X, y = common.load(data)
        X = common.pixels_of(X).astype(np.float32)
        for seed in args.seeds:
            where = {"what": "last step", "data": data, "seed": seed}
            if common.rows_of(NAME, where):
                continue
            model = SCEDAE(10, random_state=seed, **SETTINGS).fit(X)
            spaces = [each.transform(X) for each in model.autoencoders_]
            for name, labels in last_steps(model, spaces, seed):
                row = {**where, "method": name, **common.scores(y, labels)}
                common.append(NAME, row, args)


def clusterers():
    spectral = LandmarkSpectralClustering()
    mixture = GaussianMixture(covariance_type="diag", reg_covar=1e-3)
    return {"k-means": "kmeans", "landmark spectral": spectral, "mixture": mixture}


def run_rounds(args):
    for data in args.data:
        X, y = common.load(data)
        for seed in args.seeds:
            for name, clusterer in clusterers().items():
                where = {"what": "rounds", "data": data, "seed": seed, "method": name}
                if common.rows_of(NAME, where):
                    continue
                start = time.process_time()
                model = DeepCluster(
                    10,
                    clusterer=clusterer,
                    final_clusterer=AutoClustering(),
                    random_state=seed,
                    device="cpu",
                ).fit(X)
                row = {**where, **common.scores(y, model.labels_)}
                row |= {"cpu_seconds": time.process_time() - start}
                common.append(NAME, row, args)


def compute(args):
    run_rounds(args) if args.rounds else run_last_steps(args)


def table(args):
    lines = []
    what = "rounds" if args.rounds else "last step"
    methods = list(dict.fromkeys(row["method"] for row in common.read(NAME)))
    values = {"what": [what], "data": DATA, "method": methods}
    for (_, data, method), rows in common.groups(NAME, **values):
        seconds = [common.mean(rows, "cpu_seconds")] if args.rounds else []
        lines.append([data, method, len(rows), *common.spreads(rows), *seconds])
    head = "data | method | seeds | ACC | NMI | ARI"
    common.print_table(
        "Mean (sd, min) over seeds", head + " | CPU s" * args.rounds, lines
    )


if __name__ == "__main__":
    common.run(
        __doc__,
        compute,
        table,
        data=(DATA[:3], DATA),
        rounds=False,
        seeds=3,
    )
