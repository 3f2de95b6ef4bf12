"""Fits that are killed, interrupted, refused or continued."""

import os
import random
import signal
import subprocess
import sys
import textwrap
from functools import partial

import numpy as np
import pytest
import torch
from outside_simclr import SimCLR
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback, EarlyStopping, LRScheduler
from tiny import tiny

from skdeepclust import (
    DCEC,
    DEC,
    IDEC,
    SCEDAE,
    TEMI,
    Autoencoder,
    CheckpointError,
    CheckpointWarning,
    DeepCluster,
    FitCheckpoint,
    FitInterruptedWarning,
    Turtle,
    _checkpoint,
)
from skdeepclust._watch import Watch

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore::skdeepclust.ClusterCollapseWarning",
)

HEADS = {"max_epochs": 3, "random_state": 0, "device": "cpu"}
ESTIMATORS = [
    tiny(Autoencoder),
    tiny(DCEC),
    tiny(DCEC, init="spectral", augment="auto"),
    tiny(IDEC),
    tiny(DEC, n_iter_no_change=2),
    tiny(DeepCluster),
    tiny(DeepCluster, variant="deepcluster-v2", n_heads=2),
    tiny(SCEDAE),
    TEMI(5, **HEADS),
    Turtle(5, **HEADS),
]


def name_of(estimator):
    params = estimator.get_params()
    return f"{type(estimator).__name__}-{params.get('variant', params.get('init'))}"


class Killed(BaseException):
    """In the place of kill -9: nothing catches it."""


@pytest.fixture
def steps(monkeypatch):
    """Counts the steps of all fits, and kills one after a given number."""

    class Steps:
        n, kill_at = 0, None

        def count(self, fit):
            self.n, self.kill_at = 0, None
            fit()
            return self.n

        def kill(self, k, fit):
            self.n, self.kill_at = 0, k
            with pytest.raises(Killed):
                fit()
            self.kill_at = None

    found, original = Steps(), Watch.ends_after_step

    def counted(self, sums):
        ends = original(self, sums)
        found.n += 1
        if found.n == found.kill_at:
            raise Killed
        return ends

    monkeypatch.setattr(Watch, "ends_after_step", counted)
    return found


def assert_equal_fits(first, second):
    """Equal to the bit, times aside."""
    assert first.n_iter_ == second.n_iter_
    assert first.stop_reason_ == second.stop_reason_
    for name in ("labels_", "init_labels_", "cluster_centers_"):
        if getattr(first, name, None) is not None:
            np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    weights = (each.module_.state_dict() for each in (first, second))
    for (name, a), b in zip(next(weights).items(), next(weights).values()):
        assert torch.equal(a, b), name
    for stage, table in first.history_.items():
        for column, values in table.items():
            if column != "dur":
                np.testing.assert_array_equal(values, second.history_[stage][column])


@pytest.mark.parametrize("updates", [1, 3])
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=name_of)
def test_a_killed_fit_goes_on_to_the_bit(digits, steps, tmp_path, estimator, updates):
    X = digits[0]
    whole = clone(estimator)
    n_steps = steps.count(lambda: whole.fit(X))
    place = FitCheckpoint(tmp_path / "state", updates=updates)
    again = clone(estimator).set_params(checkpoint=place)
    killed_at = random.Random(updates).randint(2, n_steps - 1)
    steps.kill(killed_at, lambda: clone(again).fit(X))
    n_more = steps.count(lambda: again.fit(X))
    assert n_more <= n_steps - killed_at + updates  # of the last interval only
    assert_equal_fits(whole, again)
    # What is finished is not trained again.
    assert steps.count(lambda: assert_equal_fits(whole, clone(again).fit(X))) == 0


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=name_of)
def test_twenty_kills_in_a_row(digits, steps, tmp_path, estimator):
    X = digits[0]
    whole = clone(estimator)
    n_steps = steps.count(lambda: whole.fit(X))
    rng = random.Random(1)
    for i in range(20):
        place = FitCheckpoint(tmp_path / f"state{i}", updates=rng.choice([1, 2, 5]))
        again = clone(estimator).set_params(checkpoint=place)
        steps.kill(rng.randint(1, n_steps), partial(clone(again).fit, X))
        again.fit(X)
        assert_equal_fits(whole, again)


def test_weights_that_are_channels_last(digits, steps, tmp_path):
    def network():
        torch.manual_seed(0)
        layers = torch.nn.Conv2d(1, 8, 3), torch.nn.ReLU(), torch.nn.Conv2d(8, 4, 3)
        made = torch.nn.Sequential(*layers, torch.nn.Flatten())
        return made.to(memory_format=torch.channels_last)

    whole = tiny(DeepCluster, module=network()).fit(digits[0])
    place = FitCheckpoint(tmp_path / "state", updates=1)
    again = tiny(DeepCluster, module=network(), checkpoint=place)
    steps.kill(5, lambda: clone(again).fit(digits[0]))
    assert_equal_fits(whole, again.fit(digits[0]))


@pytest.mark.parametrize("random_state", [None, np.random.RandomState(3)])
def test_the_seed_of_the_killed_fit_is_kept(digits, steps, tmp_path, random_state):
    place = FitCheckpoint(tmp_path / "state", updates=1)
    dcec = tiny(DCEC, checkpoint=place, random_state=random_state)
    steps.kill(6, lambda: clone(dcec).fit(digits[0]))
    first, second = (clone(dcec).fit(digits[0]) for _ in range(2))
    assert_equal_fits(first, second)


CALLBACKS = {
    "early stopping": lambda: EarlyStopping(monitor="train_loss", patience=3),
    "exponential": lambda: LRScheduler("ExponentialLR", gamma=0.8),
    "plateau": lambda: LRScheduler("ReduceLROnPlateau", monitor="train_loss"),
}


@pytest.mark.parametrize("name", CALLBACKS)
def test_the_state_of_callbacks_is_kept(digits, steps, tmp_path, name):
    make = CALLBACKS[name]
    settings = {"max_epochs": 8, "callbacks": [make()]}
    whole = tiny(Autoencoder, **settings).fit(digits[0])
    place = FitCheckpoint(tmp_path / "state", updates=2)
    again = tiny(Autoencoder, **settings, checkpoint=place)
    steps.kill(30, lambda: clone(again).fit(digits[0]))
    again.fit(digits[0])
    np.testing.assert_array_equal(
        again.history_["pretraining"]["loss"], whole.history_["pretraining"]["loss"]
    )


def test_a_callback_that_sees_batches_keeps_the_state_of_epochs(
    digits, steps, tmp_path
):
    class Looks(Callback):
        def on_batch_end(self, net, **kwargs):
            self.seen = True

    whole = tiny(DCEC).fit(digits[0])
    place = FitCheckpoint(tmp_path / "state", updates=1)
    again = tiny(DCEC, callbacks=[Looks()], checkpoint=place)
    steps.kill(20, lambda: clone(again).fit(digits[0]))
    np.testing.assert_array_equal(again.fit(digits[0]).labels_, whole.labels_)


def test_a_method_from_outside_gets_checkpoints(digits, steps, tmp_path):
    class Kept(SimCLR):
        checkpoint = FitCheckpoint(tmp_path / "state", updates=1)

    whole = SimCLR(max_epochs=3, random_state=0).fit(digits[0])
    again = Kept(max_epochs=3, random_state=0)
    steps.kill(8, lambda: again.fit(digits[0]))
    n_more = steps.count(lambda: again.fit(digits[0]))
    assert n_more < 3 * 200 / whole.net_.batch_size
    np.testing.assert_array_equal(
        again.transform(digits[0]), whole.transform(digits[0])
    )


# -- what is refused, and what is not lost ------------------------------------------


@pytest.mark.parametrize(
    ("params", "named"),
    [({"gamma": 0.2}, "gamma"), ({"max_iter": 30}, "max_iter"), ({"lr": 1e-2}, "lr")],
)
def test_another_fit_is_refused(digits, tmp_path, params, named):
    dcec = tiny(DCEC, checkpoint=tmp_path / "state").fit(digits[0])
    other = clone(dcec).set_params(**params)
    with pytest.raises(CheckpointError, match=rf"another fit; these differ: {named}\."):
        other.fit(digits[0])
    with pytest.raises(CheckpointError, match=r"differ: X, "):
        other.fit(digits[0][:-1])
    assert not hasattr(other, "labels_")


def test_other_versions_and_estimators_are_refused(digits, tmp_path, monkeypatch):
    place = tmp_path / "state"
    idec = tiny(IDEC, checkpoint=place).fit(digits[0])
    with pytest.raises(CheckpointError, match="these differ: estimator"):
        tiny(DEC, checkpoint=place).fit(digits[0])
    monkeypatch.setattr(_checkpoint, "version_of", lambda name: "0.0")
    with pytest.raises(CheckpointError, match="differ: version of skdeepclust"):
        idec.fit(digits[0])


def test_verbosity_and_memory_make_no_difference(digits, steps, tmp_path):
    first = tiny(DCEC, checkpoint=tmp_path / "state").fit(digits[0])
    other = clone(first).set_params(verbose=1, memory=tmp_path)
    assert steps.count(lambda: other.fit(digits[0])) == 0


@pytest.mark.parametrize(
    ("place", "error", "match"),
    [
        ("nowhere/state", CheckpointError, "its folder cannot be written to"),
        ("", CheckpointError, "is a folder"),
        (FitCheckpoint("x", minutes=0), ValueError, "minutes=0 must be a number"),
        (FitCheckpoint("x", minutes=np.nan), ValueError, "minutes=nan must be"),
        (FitCheckpoint("x", updates=0), ValueError, "updates=0 must be an integer"),
        (FitCheckpoint("x", updates=True), ValueError, "updates=True must be"),
        (FitCheckpoint(3), TypeError, "path=3 must be a path"),
        (3, ValueError, "'checkpoint' parameter of DCEC"),
    ],
)
def test_places_that_cannot_be_used(digits, tmp_path, monkeypatch, place, error, match):
    monkeypatch.chdir(tmp_path)
    fitted = tiny(DCEC).fit(digits[0])
    labels = fitted.labels_
    with pytest.raises(error, match=match):
        fitted.set_params(checkpoint=place).fit(digits[0])
    assert fitted.labels_ is labels


def test_a_parameter_that_nobody_can_compare_is_named(digits, tmp_path):
    with open(os.devnull) as file:
        augment = FileBound(file)
        dcec = tiny(DCEC, augment=augment, checkpoint=tmp_path / "state")
        with pytest.raises(CheckpointError, match=r"whether augment=.* is the same"):
            dcec.fit(digits[0])


class FileBound:
    def __init__(self, file):
        self.file = file

    def __call__(self, X):
        return X


def test_a_full_disk_does_not_stop_the_training(digits, tmp_path, monkeypatch):
    def no_room(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_checkpoint, "write_archive", no_room)
    dcec = tiny(DCEC, checkpoint=FitCheckpoint(tmp_path / "state", updates=1))
    with pytest.warns(CheckpointWarning, match="No space left") as record:
        dcec.fit(digits[0])
    assert len([w for w in record if w.category is CheckpointWarning]) == 1
    np.testing.assert_array_equal(dcec.labels_, tiny(DCEC).fit(digits[0]).labels_)
    assert not list(tmp_path.iterdir())


def damage(path, rng):
    """Change a file as a disk or a crash may: a bit, a byte, its end, or its parts."""
    content = bytearray(path.read_bytes())
    kind = rng.randrange(4)
    at = rng.randrange(len(content))
    if kind == 0:
        content[at] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del content[at:]
    elif kind == 2:
        content[at : at + 100] = bytes(len(content[at : at + 100]))[::-1] + b"x"
    else:
        content[at:at] = b"\0"
    path.write_bytes(bytes(content))


def test_twenty_corruptions_are_noticed(digits, tmp_path):
    path = tmp_path / "state"
    dcec = tiny(DCEC, checkpoint=path).fit(digits[0])
    whole = path.read_bytes()
    rng = random.Random(0)
    for _ in range(20):
        path.write_bytes(whole)
        (tmp_path / "state.previous").unlink(missing_ok=True)
        damage(path, rng)
        with pytest.warns(CheckpointWarning, match="damaged"):
            again = clone(dcec).fit(digits[0])
        np.testing.assert_array_equal(again.labels_, dcec.labels_)


def test_the_state_before_a_damaged_one_is_taken(digits, steps, tmp_path):
    path = tmp_path / "state"
    dcec = tiny(DCEC, checkpoint=FitCheckpoint(path, updates=1))
    steps.kill(20, lambda: clone(dcec).fit(digits[0]))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.warns(CheckpointWarning, match="The state before it is tried"):
        n_more = steps.count(lambda: dcec.fit(digits[0]))
    assert n_more <= steps.count(lambda: tiny(DCEC).fit(digits[0])) - 20 + 2
    np.testing.assert_array_equal(dcec.labels_, tiny(DCEC).fit(digits[0]).labels_)


def test_size_and_clone(digits, tmp_path):
    dcec = tiny(DCEC, checkpoint=FitCheckpoint(tmp_path / "state", minutes=3)).fit(
        digits[0]
    )
    assert clone(dcec).checkpoint.minutes == 3
    assert repr(dcec.checkpoint).endswith("state', minutes=3)")


# -- warm start ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "end", "first", "last"),
    [
        (Autoencoder, "max_epochs", 2, 5),
        (DCEC, "max_iter", 10, 20),
        (DEC, "max_iter", 5, 20),
        (DeepCluster, "max_iter", 1, 3),
        (SCEDAE, "max_epochs", 2, 3),
    ],
)
def test_warm_start_is_one_long_fit(digits, kind, end, first, last):
    whole = tiny(kind, **{end: last}).fit(digits[0])
    warm = tiny(kind, **{end: first}, warm_start=True).fit(digits[0])
    warm.set_params(**{end: last}).fit(digits[0])
    assert_equal_fits(whole, warm)


def test_warm_start_trains_only_what_is_new(digits, steps):
    warm = tiny(Autoencoder, max_epochs=2, warm_start=True).fit(digits[0])
    n_steps = steps.count(lambda: warm.set_params(max_epochs=3).fit(digits[0]))
    assert n_steps == 7  # 200 samples, 32 a batch


def test_warm_start_with_other_data_or_parameters(digits):
    warm = tiny(DCEC, warm_start=True).fit(digits[0])
    labels = warm.labels_
    with pytest.raises(CheckpointError, match=r"warm_start=True .* differ from it: X"):
        warm.fit(digits[0][1:])
    with pytest.raises(CheckpointError, match="gamma"):
        warm.set_params(gamma=1.0).fit(digits[0])
    assert warm.labels_ is labels
    warm.set_params(warm_start=False).fit(digits[0][1:])


def test_warm_start_from_a_file(digits, steps, tmp_path):
    settings = {"warm_start": True, "checkpoint": tmp_path / "state"}
    tiny(Autoencoder, max_epochs=2, **settings).fit(digits[0])
    other = tiny(Autoencoder, max_epochs=4, **settings)
    assert steps.count(lambda: other.fit(digits[0])) == 14
    assert_equal_fits(tiny(Autoencoder, max_epochs=4).fit(digits[0]), other)


# -- Ctrl-C and SIGTERM -------------------------------------------------------------


@pytest.fixture
def interrupt(monkeypatch):
    """Sends signals after a given step."""
    # A job in the background of a shell begins without Python's own handler.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    original, plan = Watch.ends_after_step, {"at": None}

    def ends(self, sums):
        plan["n"] = plan.get("n", 0) + 1
        if plan["n"] == plan["at"]:
            for _ in range(plan["times"]):
                signal.raise_signal(signal.SIGINT)
        return original(self, sums)

    monkeypatch.setattr(Watch, "ends_after_step", ends)
    return lambda at, times=1: plan.update(n=0, at=at, times=times)


@pytest.mark.parametrize("step", [1, 7, 13])
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=name_of)
def test_ctrl_c_keeps_a_model(digits, interrupt, capsys, estimator, step):
    if isinstance(estimator, Turtle):
        step = 2
    interrupt(step)
    fitted = clone(estimator)
    with pytest.warns(FitInterruptedWarning, match="stop_reason_ is 'interrupted'"):
        fitted.fit(digits[0])
    assert "Ctrl-C once more" in capsys.readouterr().err
    assert fitted.stop_reason_ == "interrupted"
    assert not getattr(fitted, "converged_", False)
    if hasattr(fitted, "labels_"):
        np.testing.assert_array_equal(fitted.predict(digits[0]), fitted.labels_)
    assert np.isfinite(fitted.transform(digits[0])).all()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_twice_leaves_nothing_half_fitted(digits, interrupt):
    dcec = tiny(DCEC).fit(digits[0])
    for step in (3, 20):
        interrupt(step, times=2)
        with pytest.raises(KeyboardInterrupt):
            dcec.fit(digits[0])
        assert not [name for name in vars(dcec) if name.endswith("_")]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_in_one_of_many_fits_stops_them_all(digits, interrupt):
    interrupt(3)
    search = GridSearchCV(tiny(Autoencoder), {"lr": [1e-3, 1e-2]}, cv=2)
    with pytest.raises(KeyboardInterrupt):
        search.fit(digits[0])


def test_a_handler_of_the_user_stays(digits, interrupt):
    seen = []
    signal.signal(signal.SIGINT, lambda *args: seen.append(args))
    interrupt(3)
    dcec = tiny(DCEC).fit(digits[0])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    assert len(seen) == 1
    assert dcec.stop_reason_ != "interrupted"


def test_an_interrupted_fit_goes_on(digits, interrupt, tmp_path):
    dcec = tiny(DCEC, checkpoint=tmp_path / "state")
    interrupt(20)
    with pytest.warns(FitInterruptedWarning):
        dcec.fit(digits[0])
    interrupt(None)
    assert_equal_fits(tiny(DCEC).fit(digits[0]), dcec.fit(digits[0]))


SCRIPT = """
    import os, signal, sys
    import numpy as np
    import torch
    from skdeepclust import DCEC, FitCheckpoint
    from skdeepclust._watch import Watch
    torch.set_num_threads(1)
    X = np.random.RandomState(0).rand(200, 8, 8).astype("float32")
    original, seen = Watch.ends_after_step, [0]

    def ends(self, sums):
        seen[0] += 1
        if seen[0] == {at}:
            os.kill(os.getpid(), signal.{number})
        return original(self, sums)

    if {at}:
        Watch.ends_after_step = ends
    place = FitCheckpoint("state", minutes=1000)
    dcec = DCEC(3, module__filters=(4, 8, 8), pretrain_epochs=2, init="kmeans",
                max_iter=20, update_interval=5, random_state=0, batch_size=32,
                checkpoint=place).fit(X)
    print(dcec.labels_.sum(), float(dcec.cluster_centers_.sum()))
"""


def run_script(folder, **values):
    code = textwrap.dedent(SCRIPT).format(**values)
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_sigterm_writes_the_state_first(tmp_path):
    ended = run_script(tmp_path, at=6, number="SIGTERM")
    assert ended.returncode == -signal.SIGTERM
    assert (tmp_path / "state").exists()
    again = run_script(tmp_path, at=0, number="SIGTERM")
    (tmp_path / "state").unlink()
    whole = run_script(tmp_path, at=0, number="SIGTERM")
    assert again.stdout == whole.stdout != ""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("at", [1, 9, 15, 20, 33])
def test_sigkill(tmp_path, at):
    ended = run_script(tmp_path, at=at, number="SIGKILL")
    assert ended.returncode == -signal.SIGKILL
    again = run_script(tmp_path, at=0, number="SIGKILL")
    for each in tmp_path.glob("state*"):
        each.unlink()
    whole = run_script(tmp_path, at=0, number="SIGKILL")
    assert again.stdout == whole.stdout != ""
