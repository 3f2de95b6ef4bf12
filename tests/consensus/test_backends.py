"""Runs on the workers of dask and ray: two real processes beside this one.

`pip install distributed "ray[default]"`, then
`pytest -m slow tests/consensus/test_backends.py`. What is not installed is skipped.
"""

import os
import signal
import threading
import time
from pathlib import Path

import joblib
import numpy as np
import pytest
import slow_kmeans
from sklearn.base import clone
from sklearn.datasets import make_blobs
from slow_kmeans import SlowKMeans, fitted_labels

from skdeepclust import IDEC, ConsensusClustering

pytestmark = pytest.mark.slow
TESTS = str(Path(slow_kmeans.__file__).parent)


@pytest.fixture(scope="module")
def blobs():
    return make_blobs(300, centers=4, cluster_std=1.2, random_state=3)


@pytest.fixture(scope="module", params=["dask", "ray"])
def backend(request):
    paths = os.pathsep.join([TESTS, os.environ.get("PYTHONPATH", "")])
    if request.param == "dask":
        distributed = pytest.importorskip("distributed")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", paths)
            cluster = distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, dashboard_address=None
            )
            with cluster, distributed.Client(cluster):
                yield "dask"
    else:
        ray = pytest.importorskip("ray")
        from ray.util.joblib import register_ray

        ray.init(
            num_cpus=2,
            include_dashboard=False,
            runtime_env={"env_vars": {"PYTHONPATH": paths}},
        )
        register_ray()
        yield "ray"
        ray.shutdown()


def seen(folder):
    """Process and kind of X of every fit, in the order of time."""
    parts = [path.name.split(".") for path in folder.iterdir()]
    return [(int(pid), kind) for pid, _, kind in sorted(parts, key=lambda x: int(x[1]))]


def runs(folder, seconds=0.0, **params):
    folder.mkdir()
    estimator = SlowKMeans(4, folder=str(folder), seconds=seconds)
    return ConsensusClustering(estimator, 8, random_state=0, **params)


def test_the_runs_are_those_of_this_process(backend, blobs, tmp_path):
    X, _ = blobs
    here = runs(tmp_path / "here").fit(X)
    with joblib.parallel_config(backend, n_jobs=2):
        there = runs(tmp_path / "there", 0.3).fit(X)
    np.testing.assert_array_equal(there.run_labels_, here.run_labels_)
    np.testing.assert_array_equal(there.labels_, here.labels_)
    processes = {pid for pid, _ in seen(tmp_path / "there")}
    assert len(processes) == 2
    assert os.getpid() not in processes


def test_workers_open_the_memory_map(backend, blobs, tmp_path):
    np.save(tmp_path / "X.npy", blobs[0])
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    with joblib.parallel_config(backend, n_jobs=2):
        runs(tmp_path / "there").fit(mapped)
    assert {kind for _, kind in seen(tmp_path / "there")} == {"map"}


def test_a_worker_that_is_killed_loses_nothing(backend, blobs, tmp_path):
    X, _ = blobs
    here = runs(tmp_path / "here").fit(X)
    folder = tmp_path / "there"
    killed = []

    def kill():
        while len(found := seen(folder) if folder.exists() else []) < 3:
            time.sleep(0.05)
        killed.append(found[-1][0])
        os.kill(killed[0], signal.SIGKILL)

    there = runs(folder, 0.5, memory=str(tmp_path / "runs"))
    thread = threading.Thread(target=kill)
    thread.start()
    # ray gives a worker up unless it is told otherwise.
    again = {"ray_remote_args": {"max_restarts": 3, "max_task_retries": 3}}
    again = again if backend == "ray" else {}
    with joblib.parallel_config(backend, n_jobs=2, **again):
        there.fit(X)
    thread.join()
    np.testing.assert_array_equal(there.run_labels_, here.run_labels_)
    after = seen(folder)
    assert killed[0] in {pid for pid, _ in after}
    assert len({pid for pid, _ in after}) > 2  # another worker took its place
    assert len(after) > 8  # and fitted its run again
    # All runs are on disk now, and are read and not fitted.
    np.testing.assert_array_equal(clone(there).fit(X).run_labels_, here.run_labels_)
    assert len(seen(folder)) == len(after)


@pytest.mark.filterwarnings("ignore")
def test_all_workers_read_one_pretraining(backend, blobs, tmp_path):
    X = blobs[0][:150].astype(np.float32)
    short = {"pretrain_epochs": 2, "max_iter": 10, "update_interval": 5}
    idec = IDEC(4, **short, memory=str(tmp_path / "nets"), random_state=0)
    idec.fit(X)
    cached = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    gammas = [clone(idec).set_params(gamma=gamma) for gamma in (0.05, 0.1, 0.2, 0.4)]
    here = [fitted_labels(clone(each), X) for each in gammas]
    with joblib.parallel_config(backend, n_jobs=2):
        there = joblib.Parallel()(joblib.delayed(fitted_labels)(e, X) for e in gammas)
    np.testing.assert_array_equal(there, here)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == cached
