"""Several processes share a fit: views are compared with those of all of them."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch

from skdeepclust import ContrastiveEncoder

pytestmark = pytest.mark.skipif(
    not torch.distributed.is_available() or os.name == "nt",
    reason="needs torch.distributed with gloo",
)

METHODS = {
    "simclr": {"method": "simclr"},
    "byol": {"method": "byol"},
    "propos": {"method": "byol", "prototypes": True, "n_prototypes": 4},
    "swav": {"method": "swav", "n_prototypes": 5},
}
SCRIPT = """
import pickle, sys
import numpy as np, torch
torch.set_num_threads(1)
rank, store = int(sys.argv[1]), sys.argv[2]
torch.distributed.init_process_group(
    "gloo", init_method="file://" + store, rank=rank, world_size=2)
from test_processes import METHODS, fit
with open(store + f".found{rank}", "wb") as file:
    pickle.dump({name: fit(name) for name in METHODS}, file)
torch.distributed.destroy_process_group()  # else it sometimes aborts at the exit
"""


def fit(name):
    X = np.random.RandomState(0).rand(61, 3, 8, 8).astype(np.float32)
    encoder = ContrastiveEncoder(
        **{"max_epochs": 2, "batch_size": 31, "random_state": 0, "device": "cpu"},
        **{"module__widths": (4, 8), **METHODS[name]},
    ).fit(X)
    return {"Z": encoder.transform(X), "table": encoder.history_["training"]}


def test_two_processes_are_one(tmp_path):
    store = str(tmp_path / "group")
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([os.path.dirname(__file__), *sys.path]),
    }
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(rank), store],
            env=env,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        for process in processes:
            _, errors = process.communicate(timeout=240)
            assert process.returncode == 0, errors[-2000:]
    finally:
        for process in processes:
            process.kill()
    first, second = (
        pickle.loads((tmp_path / f"group.found{rank}").read_bytes())
        for rank in range(2)
    )
    for name in METHODS:
        alone = fit(name)
        np.testing.assert_array_equal(first[name]["Z"], second[name]["Z"])
        np.testing.assert_allclose(first[name]["Z"], alone["Z"], atol=1e-3)
        for column in ("loss", "std", "rank"):
            ours, theirs = first[name]["table"][column], second[name]["table"][column]
            assert ours == theirs
            np.testing.assert_allclose(ours, alone["table"][column], rtol=1e-3)
