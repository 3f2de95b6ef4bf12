"""One fit by several processes, against the fit of one."""

import os
import pickle
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

ONE = (load_digits().data[:1] / 16).astype("float32")

pytestmark = pytest.mark.skipif(
    not torch.distributed.is_available() or os.name == "nt",
    reason="needs torch.distributed with gloo",
)

BEGIN = """
    import os, pickle, signal, sys, warnings
    warnings.simplefilter("ignore")
    import numpy as np, torch
    torch.set_num_threads(1)
    sys.path.insert(0, {tests!r})
    rank, n = int(sys.argv[1]), int(sys.argv[2])
    if n > 1:
        torch.distributed.init_process_group(
            "gloo", init_method="file://" + sys.argv[3], rank=rank, world_size=n)
    from sklearn.datasets import load_digits
    from tiny import tiny
    from skdeepclust import *
    X = (load_digits().data[:201] / 16).astype("float32")  # an odd number
"""
# Without it a process sometimes aborts at its exit, after its work (torch's #190489).
END = """
    if n > 1:
        torch.distributed.destroy_process_group()
"""
FIT_ALL = """
    estimators = {
        "Autoencoder": tiny(Autoencoder),
        "DCEC": tiny(DCEC, augment="auto", init="spectral"),
        "IDEC": tiny(IDEC, random_state=None),
        "DEC": tiny(DEC, batch_size=100),  # the last batch has 101 rows
        # Without clear clusters, a spectral last step follows rounding errors.
        "DeepCluster": tiny(DeepCluster, augment="auto", final_clusterer="kmeans"),
        "v2": tiny(DeepCluster, variant="deepcluster-v2", final_clusterer="kmeans"),
        "SCEDAE": tiny(SCEDAE),
        "TEMI": TEMI(5, max_epochs=3, random_state=0),
        "Turtle": Turtle(5, max_epochs=3, random_state=0),
    }
    if n == 3:
        estimators = {k: estimators[k] for k in ("DCEC", "DeepCluster")}
    found = {}
    for name, estimator in estimators.items():
        estimator.fit(X)
        found[name] = {
            "weights": [w.numpy() for w in estimator.module_.state_dict().values()],
            "labels": getattr(estimator, "labels_", None),
            "Z": estimator.transform(X),
            "one": estimator.transform(X[:1]),
            "table": [list(t["loss"]) for t in estimator.history_.values()],
            "pickle": pickle.dumps(estimator),
        }
    encoder = FrozenEncoder(torch.nn.Flatten()).fit(X.reshape(-1, 1, 8, 8))
    found["FrozenEncoder"] = encoder.transform(X.reshape(-1, 1, 8, 8))
    with open(f"found{rank}", "wb") as file:
        pickle.dump(found, file)
"""


def start(folder, code, n):
    tests = str(Path(__file__).parent)
    script = folder / "script.py"
    parts = BEGIN.format(tests=tests), code, END
    script.write_text("".join(map(textwrap.dedent, parts)))
    store = folder / f"group{n}"
    store.unlink(missing_ok=True)
    return [
        subprocess.Popen(
            [sys.executable, str(script), str(rank), str(n), str(store)],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(n)
    ]


def finish(processes, seconds=240):
    end = time.monotonic() + seconds
    outputs = []
    for process in processes:
        try:
            outputs.append(process.communicate(timeout=max(1, end - time.monotonic())))
        except subprocess.TimeoutExpired:
            for each in processes:
                each.kill()
            raise
    return outputs


def run(folder, code, n):
    processes = start(folder, code, n)
    outputs = finish(processes)
    for process, (_, errors) in zip(processes, outputs, strict=True):
        assert process.returncode == 0, errors[-3000:]
    return outputs


def read(folder, n):
    return [pickle.loads((folder / f"found{rank}").read_bytes()) for rank in range(n)]


@pytest.fixture(scope="module")
def of_one(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one")
    run(folder, FIT_ALL, 1)
    return read(folder, 1)[0]


@pytest.mark.parametrize("n", [2, 3])
def test_several_processes_are_one(tmp_path, of_one, n):
    run(tmp_path, FIT_ALL, n)
    found = read(tmp_path, n)
    for name, first in found[0].items():
        if name == "FrozenEncoder":
            np.testing.assert_allclose(first, of_one[name], atol=1e-6)
            continue
        for other in found[1:]:  # every process holds the same, to the bit
            for a, b in zip(first["weights"], other[name]["weights"], strict=True):
                np.testing.assert_array_equal(a, b)
            np.testing.assert_array_equal(first["Z"], other[name]["Z"])
            np.testing.assert_array_equal(first["one"], other[name]["one"])
            assert first["table"] == other[name]["table"]
        again = pickle.loads(first["pickle"])  # in a plain process
        np.testing.assert_allclose(again.transform(ONE), first["one"], atol=1e-5)
        if name == "IDEC":  # a seed of its own, the same in all processes
            continue
        for a, b in zip(first["weights"], of_one[name]["weights"], strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5, err_msg=name)
        if first["labels"] is not None:
            np.testing.assert_array_equal(first["labels"], of_one[name]["labels"])
        np.testing.assert_allclose(first["Z"], of_one[name]["Z"], atol=1e-4)
        for a, b in zip(first["table"], of_one[name]["table"], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4)


def test_other_data_are_refused_in_all_processes(tmp_path):
    code = """
    try:
        tiny(DCEC).fit(X[rank:])
    except ValueError as error:
        print(error)
    """
    for output, _ in run(tmp_path, code, 2):
        assert "The processes were given different X" in output
        assert "(201, 64), (200, 64)" in output


def test_only_the_first_prints_warns_and_writes(tmp_path):
    code = """
    warnings.simplefilter("always")
    place = FitCheckpoint("state", updates=3)
    tiny(DCEC, verbose=1, max_iter=5, checkpoint=place).fit(X)
    """
    first, second = run(tmp_path, code, 2)
    assert "pretraining" in first[0] or "loss" in first[0]
    assert "max_iter=5" in first[1]
    assert second == ("", "") or second[1].strip() == ""
    assert (tmp_path / "state").exists()


def test_a_killed_fit_goes_on_in_all_processes(tmp_path):
    code = """
    place = FitCheckpoint("state", updates=1)
    from skdeepclust._watch import Watch
    seen, original = [0], Watch.ends_after_step
    def ends(self, sums):
        seen[0] += 1
        if seen[0] == {at}:
            os._exit(3)
        return original(self, sums)
    Watch.ends_after_step = ends
    dcec = tiny(DCEC, checkpoint=place).fit(X)
    print(seen[0], dcec.labels_.sum(), float(dcec.cluster_centers_.sum()))
    """
    for process in start(tmp_path, code.format(at=9), 2):
        process.communicate(timeout=120)
        assert process.returncode != 0
    again = [output.split() for output, _ in run(tmp_path, code.format(at=0), 2)]
    for each in tmp_path.glob("state*"):
        each.unlink()
    whole = [output.split() for output, _ in run(tmp_path, code.format(at=0), 2)]
    assert again[0] == again[1]
    assert again[0][1:] == whole[0][1:]
    assert int(again[0][0]) < int(whole[0][0])


def test_a_killed_process_takes_the_other_down(tmp_path):
    code = """
    from skdeepclust._watch import Watch
    original = Watch.ends_after_step
    def ends(self, sums):
        if rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(self, sums)
    Watch.ends_after_step = ends
    tiny(DCEC, max_iter=1000).fit(X)
    """
    processes = start(tmp_path, code, 2)
    (_, errors), _ = finish(processes, seconds=60)
    assert processes[0].returncode not in (0, None)
    assert "Error" in errors


def test_ctrl_c_in_one_ends_all_at_the_same_step(tmp_path):
    code = """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from skdeepclust._watch import Watch
    seen, original = [0], Watch.ends_after_step
    def ends(self, sums):
        seen[0] += 1
        if rank == 1 and seen[0] == 16:
            signal.raise_signal(signal.SIGINT)
        return original(self, sums)
    Watch.ends_after_step = ends
    dcec = tiny(DCEC).fit(X)
    print(dcec.stop_reason_, dcec.n_iter_, float(dcec.cluster_centers_.sum()))
    """
    first, second = (output for output, _ in run(tmp_path, code, 2))
    assert first == second
    assert first.startswith("interrupted")
