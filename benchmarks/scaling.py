"""Time and memory against the number of samples, of clusters, and the side of images.

    python benchmarks/scaling.py

Every measurement runs in a separate process, on synthetic uint8 images that lie on disk
as a memory map (made once in a temporary folder; a million of 28 x 28 take 800 MB).
Memory is the rise of the process's resident set without file pages (anonymous memory,
sampled every 5 ms): its peak during `fit` or `predict` minus its value before. A fit is
one epoch of pretraining, one of joint training and the updates of the target, with a
network so small that the cost of the data shows. The script also prints slopes of
log-log lines: 1 means that twice the samples cost twice the time. Every measurement is
a line of `results/scaling.jsonl` and is not repeated; `--table` prints these results.
`--most` is the largest number of samples, `--folder` the place for the temporary
folder; `--measure` is for the script itself.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import _common as common
import numpy as np
import torch

from skdeepclust import DCEC, SCEDAE, LandmarkSpectralClustering

NAME = "scaling"
SIDE, K = 28, 10
# The start of the first looks at 20,000 embeddings at most: its time is then constant.
JOINT, FROM_KMEANS = "DCEC", "DCEC from k-means"
N_SAMPLES = [10_000, 100_000, 1_000_000]
N_SAMPLES_SPECTRAL = [12_500, 25_000, 50_000]
SIDES, CLUSTERS = [16, 32, 64], [10, 100, 1000]
NETWORK = {"module__filters": (4, 8, 8), "embedding_dim": 10}
BATCH = 256


def measurements():
    for what in (JOINT, FROM_KMEANS):
        for n in N_SAMPLES:
            yield {"what": what, "n": n, "side": SIDE, "k": K}
    for side in SIDES:
        yield {"what": FROM_KMEANS, "n": 10_000, "side": side, "k": K}
    for k in CLUSTERS[1:]:
        yield {"what": FROM_KMEANS, "n": 10_000, "side": SIDE, "k": k}
    for n in N_SAMPLES_SPECTRAL:
        yield {"what": "landmark spectral", "n": n, "side": SIDE, "k": K}
        yield {"what": "SCEDAE", "n": n, "side": SIDE, "k": K}


def images(n, side, folder):
    """A memory map of n blurred blobs, made in blocks."""
    path = Path(folder) / f"{n}-{side}.npy"
    if not path.exists():
        rng = np.random.RandomState(0)
        X = np.lib.format.open_memmap(path, "w+", np.uint8, (n, 1, side, side))
        grid = np.arange(side) / side
        for start in range(0, n, 10_000):
            center = rng.rand(2, min(10_000, n - start), 1)
            rows, columns = np.exp(-50 * (grid - center) ** 2)
            X[start : start + 10_000, 0] = 255 * rows[:, :, None] * columns[:, None]
        X.flush()
    return np.load(path, mmap_mode="r")


def anonymous_kib():
    """Resident memory of this process without file pages, in KiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    raise OSError("this script reads /proc, which only Linux has")


class Peak:
    """Rise of this process's memory while the block runs, in MiB, and its seconds."""

    def __enter__(self):
        self._before = self._most = anonymous_kib()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        self._start = time.perf_counter()
        return self

    def _watch(self):
        while not self._done.wait(0.005):
            self._most = max(self._most, anonymous_kib())

    def __exit__(self, *_):
        self.seconds = time.perf_counter() - self._start
        self._done.set()
        self._thread.join()
        self.mib = (self._most - self._before) / 1024


def measure(what, n, side, k, folder, threads):
    """Fit and predict in this process."""
    torch.set_num_threads(threads)
    X = images(n, side, folder)
    steps = -(-n // BATCH)
    if what in (JOINT, FROM_KMEANS):
        model = DCEC(
            k,
            init="kmeans" if what == FROM_KMEANS else "spectral",
            pretrain_epochs=1,
            max_iter=steps,
            update_interval=-(-steps // 2),
            batch_size=BATCH,
            n_init=1,
            random_state=0,
            device="cpu",
            **NETWORK,
        )
    elif what == "SCEDAE":
        model = SCEDAE(
            k,
            module__hidden_dims=(32,),
            max_epochs=1,
            batch_size=BATCH,
            n_init=1,
            random_state=0,
            device="cpu",
        )
    else:
        model = LandmarkSpectralClustering(k, n_init=1, random_state=0)
        rng = np.random.RandomState(0)
        centers = rng.normal(size=(k, 10)).astype(np.float32) * 3
        X = centers[rng.randint(k, size=n)] + rng.normal(size=(n, 10))
        X = X.astype(np.float32)
    # Libraries allocate memory at their first use, which must not count.
    small = X[: 40 * k]
    type(model)(**model.get_params()).fit(small).predict(small)
    with Peak() as fit:
        model.fit(X)
    with Peak() as predict:
        model.predict(X)
    return {
        "fit_seconds": fit.seconds,
        "fit_mib": fit.mib,
        "predict_seconds": predict.seconds,
        "predict_mib": predict.mib,
        "data_mib": X.nbytes / 2**20,
        "embedding_mib": n * (10 if what in (JOINT, FROM_KMEANS) else k) * 4 / 2**20,
    }


def compute(args):
    if args.measure:
        print(json.dumps(measure(**json.loads(args.measure))))
        raise SystemExit
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        for case in measurements():
            if common.rows_of(NAME, case) or case["n"] > args.most:
                continue
            order = json.dumps({**case, "folder": folder, "threads": args.threads})
            command = [sys.executable, __file__, "--measure", order]
            output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
            common.append(NAME, {**case, **json.loads(output.splitlines()[-1])}, args)


def table(args):
    rows = common.read(NAME)
    common.print_table(
        "",
        "what | n | side | k | fit s | fit MiB | embeddings MiB | data MiB | predict s",
        [
            [
                *(r["what"], r["n"], r["side"], r["k"], f"{r['fit_seconds']:.1f}"),
                *(
                    f"{r[name]:.0f}"
                    for name in ("fit_mib", "embedding_mib", "data_mib")
                ),
                f"{r['predict_seconds']:.1f}",
            ]
            for r in rows
        ],
    )
    lines = []
    for what in dict.fromkeys(row["what"] for row in rows):
        of = [r for r in rows if r["what"] == what and (r["side"], r["k"]) == (SIDE, K)]
        if len(of) > 1:
            n = np.log([r["n"] for r in of])
            slopes = [
                np.polyfit(n, np.log([max(r[name], 1e-3) for r in of]), 1)[0]
                for name in ("fit_seconds", "predict_seconds", "fit_mib")
            ]
            lines.append([what, *(f"{slope:.2f}" for slope in slopes)])
    head = "slope of log-log lines | against n: fit s | predict s | fit MiB"
    common.print_table("", head, lines)


if __name__ == "__main__":
    common.run(__doc__, compute, table, most=1_000_000, folder=None, measure=None)
