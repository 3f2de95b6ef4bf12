"""How many clusters do rules find without labels, and how many are there?

    OMP_NUM_THREADS=1 python benchmarks/number_of_clusters.py

Every rule gets the same points, at most 3,000 of them in at most 32 main components:

- "auto": the rule of `n_clusters="auto"`. Clusters that k-means finds are merged until
  every two have a valley between them that is deeper than chance makes it. The same is
  done in three diffusion maps of the points, whose clusters must agree, and the larger
  number counts. Features of `DeepCluster` are looked at without maps, as it does;
- "valleys": the same without diffusion maps;
- "Dirichlet process": scikit-learn's `BayesianGaussianMixture` with full covariances
  and at most 30 components; those count that have at least 1 % of the samples. "in 10"
  gets the first 10 main components;
- "silhouette": the k from 2 to 30 with the highest mean silhouette of k-means. It
  cannot say 1. "pooled": k-means in the embeddings of three seeds, each clustering
  scored in all three, and the mean counts;
- "gap": the gap statistic of Tibshirani, Walther and Hastie (2001), k from 1 to 30,
  with 3 references that are uniform in the range of the main components;
- "stability": the largest k from 2 to 30 for which the mean ARI between k-means of two
  random halves, compared on all samples, is at least .9; 1 if there is none;
- "prediction strength": the same with Tibshirani and Walther's prediction strength
  (2005) and .8;
- "dying": the idea of UNSEEN (arXiv 2410.09491), written for this script: a small
  autoencoder, 30 clusters, DEC's loss and one that pulls nearest neighbours together;
  a cluster with less than half of its first size dies, and the living are counted.

The sets: pixels of digits and of MNIST-test; embeddings of digits and of 2,000 images
of MNIST-test by an `Autoencoder`, and their features by `DeepCluster`, trained with the
true number (10), with a network of its own for every seed; frozen features of CIFAR-10;
tables; generated clusters, by `clusters` of `tables.py`, from 2 to 26 in 2 to 50
dimensions; and points without groups. The threshold of "valleys" was chosen with the
sets above the line "held out" in this file, and was not changed for those below. Those
of the diffusion maps were chosen with all sets but the last five, and with other points
without groups.

Every run is a line of `results/number_of_clusters.jsonl` and is not computed again;
`--table` prints the table. Labels say what the true number is and are used for nothing
else.
"""

import itertools
import time
from pathlib import Path

import _common as common
import numpy as np
import torch
from consensus import load
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, pairwise_distances, silhouette_score
from sklearn.mixture import BayesianGaussianMixture
from tables import TABLES, clusters

from skdeepclust import (
    Autoencoder,
    DeepCluster,
    clustering_kl,
    soft_assignment,
    target_distribution,
)
from skdeepclust._n_clusters import find_number

NAME = "number_of_clusters"
MOST = 30
MOST_POINTS = 3000
NUMBERS = range(2, MOST + 1)
N_REFERENCES = 3
DYING_EPOCHS = 60
N_SPACES = 3  # networks that embed a set


# -- the points ------------------------------------------------------------------------


def kept(name, make):
    """An embedding that is computed once and kept."""
    path = Path("/tmp") / "skdeepclust_number" / f"{name}.npy"
    path.parent.mkdir(exist_ok=True)
    if not path.exists():
        np.save(path, make())
    return np.load(path)


def embedded(data, make):
    """Embeddings by networks of several seeds, and the classes."""
    X, y = common.load(data)
    names = [f"{data} {make.__name__} {seed}" for seed in range(N_SPACES)]
    return [kept(name, lambda i=i: make(X, i)) for i, name in enumerate(names)], y


def by_autoencoder(X, seed):
    model = Autoencoder(max_epochs=20, augment="auto", random_state=seed, device="cpu")
    return model.fit_transform(X)


def by_deepcluster(X, seed):
    model = DeepCluster(10, max_iter=6, random_state=seed, device="cpu")
    return model.fit(X).transform(X)


def generated(k, d, seed, apart):
    return lambda: clusters(max(600, 120 * k), k, d, apart, seed)


def without_groups(draw):
    return lambda: (draw(np.random.RandomState(7)), np.zeros(2000, int))


SETS = {
    "digits, pixels": lambda: load("digits rows"),
    "digits, autoencoder": lambda: embedded("digits", by_autoencoder),
    "digits, DeepCluster": lambda: embedded("digits", by_deepcluster),
    "MNIST 2,000, autoencoder": lambda: embedded("mnist_test-2000", by_autoencoder),
    "MNIST 2,000, DeepCluster": lambda: embedded("mnist_test-2000", by_deepcluster),
    "MNIST 10,000, pixels": lambda: load("mnist rows"),
    "CIFAR-10, frozen features": lambda: load("cifar features"),
    "pendigits": lambda: load("pendigits rows"),
    "iris": TABLES["iris"],
    "wine": TABLES["wine"],
    "breast cancer": TABLES["breast cancer"],
    "unbalanced": TABLES["unbalanced"],
    "very unbalanced": TABLES["very unbalanced"],
    "heavy tails": TABLES["heavy tails"],
    "outliers": TABLES["outliers"],
    # held out
    "generated, 2 in 2": generated(2, 2, 301, 6),
    "generated, 3 in 20": generated(3, 20, 302, 6),
    "generated, 6 in 5": generated(6, 5, 303, 9),
    "generated, 10 in 10": generated(10, 10, 304, 8),
    "generated, 15 in 50": generated(15, 50, 305, 7),
    "generated, 20 in 20": generated(20, 20, 306, 7),
    "generated, 26 in 10": generated(26, 10, 307, 10),
    "one Gaussian in 2": without_groups(lambda rng: rng.randn(2000, 2)),
    "one Gaussian in 20": without_groups(lambda rng: rng.randn(2000, 20)),
    "uniform in 2": without_groups(lambda rng: rng.rand(2000, 2)),
    "uniform in 10": without_groups(lambda rng: rng.rand(2000, 10)),
    "Laplace in 6": without_groups(lambda rng: rng.laplace(size=(2000, 6))),
    # held out from the diffusion maps as well
    "MNIST-train 3,000, pixels": lambda: load("mnist_train-3000 rows"),
    "MNIST-train 2,000, autoencoder": lambda: embedded(
        "mnist_train-2000", by_autoencoder
    ),
    "mixed": TABLES["mixed, weight 1/2"],
    "correlated": TABLES["correlated"],
    "duplicates": TABLES["duplicates"],
}


def points_of(X, seed):
    """What all rules get: the points of a seed, and those of all seeds."""
    spaces = X if isinstance(X, list) else [X]
    order = np.random.RandomState(seed).permutation(len(spaces[0]))[:MOST_POINTS]
    found = [as_points(np.asarray(each, np.float64)[order]) for each in spaces]
    return found[seed % len(found)], found


def as_points(Z):
    width = min(32, *Z.shape)
    Z = Z if Z.shape[1] == width else PCA(width, random_state=0).fit_transform(Z)
    return Z / Z.std()


# -- the rules -------------------------------------------------------------------------


def kmeans(k, Z, seed):
    return KMeans(k, n_init=1, random_state=seed).fit(Z)


def auto(Z, seed):
    return find_number(Z, MOST, seed).n_clusters


def valleys(Z, seed):
    return find_number(Z, MOST, seed, in_map=False).n_clusters


def dirichlet_process(Z, seed):
    most = max(1, min(MOST, len(Z) // 10))
    mixture = BayesianGaussianMixture(
        n_components=most, max_iter=200, reg_covar=1e-3, random_state=seed
    )
    shares = np.bincount(mixture.fit_predict(Z), minlength=most) / len(Z)
    return int((shares >= 0.01).sum())


def dirichlet_process_in_10(Z, seed):
    return dirichlet_process(Z[:, :10] if Z.shape[1] == 32 else Z, seed)


def silhouette(Z, seed):
    return best_silhouette([Z], seed)


def best_silhouette(spaces, seed):
    """The number whose clusterings, one in each space, have the best mean score."""
    sample = np.random.RandomState(seed).permutation(len(spaces[0]))[:1500]
    distances = [pairwise_distances(Z[sample]) for Z in spaces]
    scores = []
    for k in NUMBERS:
        found = [kmeans(k, Z, seed).labels_[sample] for Z in spaces]
        pairs = itertools.product(distances, found)
        each = [
            silhouette_score(d, labels, metric="precomputed") for d, labels in pairs
        ]
        scores.append(np.mean(each))
    return NUMBERS[int(np.argmax(scores))]


def gap(Z, seed):
    Z = PCA().fit_transform(Z)
    rng = np.random.RandomState(seed)
    low, high = Z.min(axis=0), Z.max(axis=0)
    references = [rng.uniform(low, high, Z.shape) for _ in range(N_REFERENCES)]
    previous = None
    for k in range(1, MOST + 1):
        own = np.log(kmeans(k, Z, seed).inertia_)
        others = np.log([kmeans(k, each, seed).inertia_ for each in references])
        now = others.mean() - own
        if previous is not None and previous >= now - others.std() * np.sqrt(1.2):
            return k - 1
        previous = now
    return MOST


def halves(Z, seed):
    order = np.random.RandomState(seed).permutation(len(Z))
    return Z[order[::2]], Z[order[1::2]]


def stability(Z, seed):
    a, b = halves(Z, seed)
    good = [1]
    for k in NUMBERS:
        one, two = (kmeans(k, part, seed).predict(Z) for part in (a, b))
        good += [k] * int(adjusted_rand_score(one, two) >= 0.9)
    return max(good)


def prediction_strength(Z, seed):
    a, b = halves(Z, seed)
    good = [1]
    for k in NUMBERS:
        guess = kmeans(k, a, seed).predict(b)
        own = kmeans(k, b, seed).labels_
        strengths = []
        for cluster in range(k):
            counts = np.bincount(guess[own == cluster])
            n = counts.sum()
            strengths.append((counts**2 - counts).sum() / (n * (n - 1)) if n > 1 else 0)
        good += [k] * int(min(strengths) >= 0.8)
    return max(good)


def dying(Z, seed):
    """Clusters that live after training, in the way of UNSEEN."""
    torch.manual_seed(seed)
    X = torch.from_numpy(Z.astype(np.float32))
    encode, decode = mlp(X.shape[1], 64, 10), mlp(10, 64, X.shape[1])
    train(
        [*encode.parameters(), *decode.parameters()],
        *(X, 60),
        lambda own: ((decode(encode(own)) - own) ** 2).mean(),
    )
    first = kmeans(MOST, encode(X).detach().numpy().astype(float), seed)
    centers = torch.tensor(first.cluster_centers_.astype(np.float32))
    sizes = torch.bincount(torch.from_numpy(first.labels_).long(), minlength=MOST)
    for _ in range(DYING_EPOCHS):
        centers.requires_grad_()
        train([*encode.parameters(), centers], X, 1, unseen_loss(encode, centers, X))
        centers = centers.detach()
        with torch.no_grad():
            labels = torch.cdist(encode(X), centers).argmin(dim=1)
        now = torch.bincount(labels, minlength=len(centers))
        lives = now >= 0.5 * sizes
        if lives.sum() < 2:
            return int(lives.sum())
        centers, sizes = centers[lives], sizes[lives]
    return len(centers)


def mlp(*widths):
    a, b, c = widths
    return torch.nn.Sequential(
        torch.nn.Linear(a, b), torch.nn.ReLU(), torch.nn.Linear(b, c)
    )


def train(parameters, X, n_epochs, loss_of):
    optimizer = torch.optim.Adam(parameters, 1e-3)
    for _ in range(n_epochs):
        for batch in torch.randperm(len(X)).split(256):
            loss = loss_of(X[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def unseen_loss(encode, centers, X):
    """DEC's loss of a batch, and the distance of every sample to its nearest one."""
    with torch.no_grad():
        frequencies = soft_assignment(encode(X), centers).sum(dim=0)

    def loss_of(own):
        Z = encode(own)
        Q = soft_assignment(Z, centers)
        P = target_distribution(Q.detach(), frequencies)
        clusters = clustering_kl(P, Q)
        distances = torch.cdist(Z, Z).fill_diagonal_(torch.inf)
        nearest = Z[distances.argmin(dim=1)]
        return clusters + ((Z - nearest) ** 2).sum(dim=1).mean()

    return loss_of


RULES = {
    "auto": auto,
    "valleys": valleys,
    "Dirichlet process": dirichlet_process,
    "in 10": dirichlet_process_in_10,
    "silhouette": silhouette,
    "pooled": best_silhouette,
    "gap": gap,
    "stability": stability,
    "prediction strength": prediction_strength,
    "dying": dying,
}


def compute(args):
    for seed in args.seeds:
        for name in args.sets:
            made = None
            for rule in args.rules:
                where = {"set": name, "rule": rule, "seed": seed}
                if common.rows_of(NAME, where):
                    continue
                X, y = made = made or SETS[name]()
                if rule == "pooled" and not isinstance(X, list):
                    continue  # there is a single space
                learned = rule == "auto" and "DeepCluster" in name
                rule_of = valleys if learned else RULES[rule]
                own, spaces = points_of(X, seed)
                Z = spaces if rule == "pooled" else own
                start = time.process_time()
                found = int(rule_of(Z, seed))
                seconds = {"cpu_seconds": time.process_time() - start}
                true = len(np.unique(y))
                common.append(
                    NAME, {**where, "true": true, "found": found, **seconds}, args
                )


def table(args):
    lines = []
    for name in SETS:
        rows = common.rows_of(NAME, {"set": name})
        if not rows:
            continue
        cells = []
        for rule in RULES:
            found = [row["found"] for row in rows if row["rule"] == rule]
            cells.append(" ".join(map(str, found)))
        lines.append([name, rows[0]["true"], *cells])
    common.print_table(
        "Number of clusters that was found, for every seed",
        " | ".join(["set", "true", *RULES]),
        lines,
    )
    seconds = []
    for rule in RULES:
        rows = common.rows_of(NAME, {"rule": rule})
        close = [r for r in rows if abs(r["found"] - r["true"]) <= 0.2 * r["true"]]
        one = [r for r in rows if r["true"] == 1]
        several = len(rows) - len(one)
        close_several = sum(r["true"] > 1 for r in close)
        cells = [f"{close_several} of {several}"]
        cells.append(f"{sum(r['found'] == 1 for r in one)} of {len(one)}")
        seconds.append(
            [rule, *cells, common.mean(rows, "cpu_seconds", 1) if rows else ""]
        )
    common.print_table(
        "Of all runs",
        "rule | within 20 % of the true number | says 1 without groups | CPU s",
        seconds,
    )


if __name__ == "__main__":
    common.run(
        __doc__,
        compute,
        table,
        seeds=3,
        sets=([*SETS], [*SETS]),
        rules=([*RULES], [*RULES]),
    )
