"""An epoch of ours beside a hand-written PyTorch loop that does the same arithmetic.

    python benchmarks/step_overhead.py --threads 1

Both train the same network from the same weights with the same fused optimiser, in the
same memory layout. The hand-written loop slices a tensor in memory and does nothing
else. The two take turns, in an order that rotates; for small networks skorch's own loop
and loader take part. The table has milliseconds per step of the hand-written loop (the
fastest of the rounds) and ratios of the fastest epochs, with the median of the ratios
of the rounds in brackets. Every line is also a line of `results/step_overhead.jsonl`;
`--table` prints the newest ones.
"""

import time

import _common as common
import numpy as np
import torch
from skorch import NeuralNet
from torch.nn.functional import mse_loss

from skdeepclust import clustering_kl
from skdeepclust._batches import Batches
from skdeepclust._nets import ClusteringNet, ReconstructionNet
from skdeepclust._target import SoftTarget
from skdeepclust._tensor_data import TensorData
from skdeepclust.networks import ConvAutoencoder, DenseAutoencoder
from skdeepclust.networks._clustering import ClusteringAutoencoder
from skdeepclust.networks._reconstruction import Reconstruction

NAME = "step_overhead"
GAMMA = 0.1

# Network, shape of a sample, samples, batch size, whether skorch's own loop is timed.
_SMALL = {"hidden_dims": (64, 32)}
CASES = {
    "dense 64, small": (DenseAutoencoder, (64,), _SMALL, 2048, 64, 1),
    "dense 64, small, 256": (DenseAutoencoder, (64,), _SMALL, 4096, 256, 1),
    "dense 64": (DenseAutoencoder, (64,), {}, 1024, 256, 0),
    "dense 784": (DenseAutoencoder, (784,), {}, 1024, 256, 0),
    "conv 8x8": (ConvAutoencoder, (1, 8, 8), {}, 2048, 64, 1),
    "conv 28x28": (ConvAutoencoder, (1, 28, 28), {}, 1024, 256, 0),
    "conv 64x64x3": (ConvAutoencoder, (3, 64, 64), {}, 256, 64, 0),
}


def make_module(case, stage):
    network, shape, params, *_ = CASES[case]
    torch.manual_seed(0)
    autoencoder = network(shape, **params)
    if stage == "pretraining":
        return Reconstruction(autoencoder)
    return ClusteringAutoencoder(autoencoder, torch.randn(10, 10))


class Ours:
    def __init__(self, case, stage, X):
        _, shape, _, _, batch_size, _ = CASES[case]
        kinds = {"pretraining": ReconstructionNet, "joint training": ClusteringNet}
        arguments = {"gamma": GAMMA} if stage == "joint training" else {}
        self.net = kinds[stage](
            make_module(case, stage),
            stage=stage,
            callbacks=None,
            optimizer=torch.optim.Adam,
            lr=1e-3,
            verbose=0,
            device="cpu",
            **arguments,
        ).initialize()
        self.data = TensorData(X, shape, torch.device("cpu"))
        self.batches = Batches(self.data, batch_size, seed=0)
        if stage == "joint training":
            Z = torch.randn(len(X), 10)
            self.batches.targets = SoftTarget(Z, self.net.module_.centers, 1.0)

    def epoch(self):
        with self.net.epoch(self.data):
            self.net.train_on(self.batches)


class ByHand:
    def __init__(self, case, stage, X):
        _, shape, _, _, self.batch_size, _ = CASES[case]
        self.module = make_module(case, stage).train()
        self.X = torch.from_numpy(X).reshape(-1, *shape)
        self.optimizer = torch.optim.Adam(self.module.parameters(), 1e-3, fused=True)
        self.target = None
        if stage == "joint training":
            target = SoftTarget(torch.randn(len(X), 10), self.module.centers, 1.0)
            self.target = target[torch.arange(len(X))]

    def epoch(self):
        order, losses = torch.randperm(len(self.X)), []
        for index in order.split(self.batch_size):
            batch = self.X[index]
            self.optimizer.zero_grad()
            if self.target is None:
                loss = mse_loss(self.module(batch), batch)
            else:
                decoded, Q = self.module(batch)
                loss = mse_loss(decoded, batch)
                loss = loss + GAMMA * clustering_kl(self.target[index], Q)
            loss.backward()
            self.optimizer.step()
            losses.append(loss.detach())
        torch.stack(losses).mean().item()


class Stock:
    """skorch as it comes: its DataLoader, its loop, its optimiser."""

    def __init__(self, case, stage, X):
        _, shape, _, _, batch_size, _ = CASES[case]
        self.X = X.reshape(-1, *shape)
        self.net = NeuralNet(
            make_module(case, stage),
            torch.nn.MSELoss,
            optimizer=torch.optim.Adam,
            lr=1e-3,
            max_epochs=1,
            batch_size=batch_size,
            iterator_train__shuffle=True,
            train_split=None,
            verbose=0,
        ).initialize()

    def epoch(self):
        self.net.partial_fit(self.X, self.X)


def measure(case, stage, n_rounds):
    _, shape, _, n_samples, batch_size, has_stock = CASES[case]
    X = np.random.RandomState(0).rand(n_samples, int(np.prod(shape)))
    X = X.astype(np.float32)
    kinds = {"hand": ByHand, "ours": Ours}
    if has_stock and stage == "pretraining":
        kinds["skorch"] = Stock
    loops = {name: kind(case, stage, X) for name, kind in kinds.items()}
    seconds = {name: [] for name in loops}
    for i in range(n_rounds + 1):
        for name in common.rotated(loops, i):
            start = time.perf_counter()
            loops[name].epoch()
            if i:  # the first round warms up
                seconds[name].append(time.perf_counter() - start)
    fastest = {name: min(values) for name, values in seconds.items()}
    hand = np.array(seconds["hand"])
    row = {
        "case": case,
        "stage": stage,
        "rounds": n_rounds,
        "ms_per_step": fastest["hand"] / np.ceil(n_samples / batch_size) * 1000,
        "ratio": fastest["ours"] / fastest["hand"],
        "median_ratio": float(np.median(np.array(seconds["ours"]) / hand)),
    }
    if "skorch" in loops:
        row["skorch_ratio"] = fastest["skorch"] / fastest["hand"]
    return row


def compute(args):
    for case in args.cases:
        for stage in ("pretraining", "joint training"):
            common.append(NAME, measure(case, stage, args.rounds), args)


def table(args):
    newest = {(row["case"], row["stage"]): row for row in common.read(NAME)}
    common.print_table(
        "",
        "network | stage | ms a step by hand | ours / by hand | skorch / by hand",
        [
            [
                *(case, stage, f"{row['ms_per_step']:.2f}"),
                f"{row['ratio']:.2f} ({row['median_ratio']:.2f})",
                f"{row['skorch_ratio']:.2f}" if "skorch_ratio" in row else "",
            ]
            for (case, stage), row in newest.items()
        ],
    )


if __name__ == "__main__":
    common.run(__doc__, compute, table, cases=(list(CASES), CASES), rounds=12)
