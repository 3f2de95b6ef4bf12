"""How much a run depends on its seed and on the number of threads: start and end.

    python benchmarks/seeds.py --method "DCEC, 50 epochs" --data digits
    python benchmarks/seeds.py --method DeepCluster --data mnist_test-2000

Every line has the ACC of the start and of the end of the training. Lines of a GPU are
from an NVIDIA H200 that several runs shared. For DeepCluster the
start is the clustering of the untrained network's features. "before parts move" is what
`AutoClustering` makes of the features of the trained one, and "k-means" what k-means
makes of them. A finished seed is a line of
`results/seeds.jsonl` and is not computed again; `--table` prints all results. Labels
score finished runs and are used for nothing else.
"""

import time

import _common as common
from sklearn.cluster import KMeans

from skdeepclust import DCEC, IDEC, DeepCluster
from skdeepclust.metrics import clustering_accuracy

NAME = "seeds"
METHODS = {
    "DCEC": (DCEC, {}),
    "DCEC, 50 epochs": (DCEC, {"pretrain_epochs": 50}),
    "IDEC": (IDEC, {}),
    "DeepCluster": (DeepCluster, {}),
}
DATA = ["digits", "mnist_test-2000", "mnist_test", "cifar10_test-3000"]


def compute(args):
    for data in args.data:
        X, y = common.load(data)
        for seed in args.seeds:
            where = {"method": args.method, "data": data, "seed": seed}
            device = {"threads": args.threads, "device": args.device}
            if common.rows_of(NAME, where | device):
                continue
            method, settings = METHODS[args.method]
            wall, cpu = time.perf_counter(), time.process_time()
            model = method(10, random_state=seed, device=args.device, **settings).fit(X)
            row = {
                **where,
                "seconds": time.perf_counter() - wall,
                "cpu_seconds": time.process_time() - cpu,
                "start": clustering_accuracy(y, model.init_labels_),
                **common.scores(y, model.labels_),
                "n_iter": model.n_iter_,
            }
            if args.method == "DeepCluster":
                kmeans = KMeans(10, n_init=20, random_state=seed)
                labels = kmeans.fit_predict(model.transform(X))
                row["kmeans"] = clustering_accuracy(y, labels)
                row["before"] = clustering_accuracy(y, model.clusterer_.labels_)
            common.append(NAME, row, args, args.device)


def table(_):
    lines = []
    kinds = [(1, "cpu"), (2, "cpu"), (1, "cuda")]
    for (data, method), _found in common.groups(NAME, data=DATA, method=[*METHODS]):
        for threads, device in kinds:
            where = {"data": data, "method": method}
            rows = common.rows_of(NAME, {**where, "threads": threads, "device": device})
            if not rows:
                continue
            where_run = "GPU" if device == "cuda" else f"CPU, {threads} threads"
            others = [
                common.spreads(rows, [name])[0] if name in rows[0] else ""
                for name in ("before", "kmeans")
            ]
            cells = [*common.spreads(rows, ("start", "acc", "ari")), *others]
            seconds = common.mean(rows, "seconds")
            lines.append([data, method, where_run, len(rows), *cells, seconds])
    common.print_table(
        "Mean (sd, min) over seeds",
        "data | method | where | seeds | ACC, start | ACC, end | ARI, end "
        "| ACC, before parts move | ACC, k-means at the end | s",
        lines,
    )


if __name__ == "__main__":
    common.run(
        __doc__,
        compute,
        table,
        method=("DCEC", METHODS),
        data=(["digits"], DATA),
        device="cpu",
        seeds=10,
    )
