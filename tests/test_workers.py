"""Workers end with the process that started them, and keep the jobs of a fit."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import joblib
import pytest
from joblib.parallel import ThreadingBackend

from skdeepclust import DEC
from skdeepclust._workers import end_with

MAIN = """
import os, time
from joblib import Parallel, delayed
from skdeepclust._workers import end_with

def work(parent):
    end_with(parent)
    end_with(parent)  # once is enough
    print(os.getpid(), flush=True)
    time.sleep(60)

Parallel(n_jobs=2)(delayed(work)(os.getpid()) for _ in range(2))
"""


def is_there(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")
def test_no_worker_computes_on_when_its_parent_is_gone():
    parent = subprocess.Popen([sys.executable, "-c", MAIN], stdout=subprocess.PIPE)
    workers = [int(parent.stdout.readline()) for _ in range(2)]
    assert all(map(is_there, workers))
    parent.send_signal(signal.SIGTERM)
    parent.wait(10)
    until = time.monotonic() + 10
    while any(map(is_there, workers)) and time.monotonic() < until:
        time.sleep(0.1)
    parent.stdout.close()
    assert not any(map(is_there, workers))


def test_a_process_that_is_no_child_goes_on():
    end_with(os.getpid())
    end_with(2**22 + 1)


class OfACluster(ThreadingBackend):
    """A backend from outside joblib, whose workers take other fits while they wait."""

    n_used = 0

    def submit(self, func, callback):
        type(self).n_used += 1
        return super().submit(func, callback)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("in_worker", [True, False])
def test_jobs_of_a_fit_in_a_worker_stay_there(blobs, in_worker):
    """Or a worker of dask takes a fit that waits for the one that it waits for."""
    joblib.register_parallel_backend("of a cluster", OfACluster)
    OfACluster.n_used = 0
    dec = DEC(3, pretrain_epochs=0, max_iter=0, random_state=0)

    def fit():
        with joblib.parallel_config("of a cluster", n_jobs=2):
            return dec.fit(blobs[0])  # looks for neighbours by joblib

    if in_worker:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(fit).result()
        assert OfACluster.n_used == 0
    else:
        fit()
        assert OfACluster.n_used > 0
