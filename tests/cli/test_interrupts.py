"""Ctrl-C and SIGTERM leave a complete OUT or none."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest
from cli.command import FILES, TINY_IMAGES, run, small_folder

from skdeepclust.cli import _cluster, _inputs, _output
from skdeepclust.cli._errors import Interrupted, Signals

# Where the signal comes: a function of a module, before or after it has run.
PLACES = {
    "finding": (_inputs, "find_images", "before"),
    "found": (_inputs, "find_images", "after"),
    "reading": (_inputs.ImageReader, "transform", "before"),
    "saving": (_cluster.joblib, "dump", "after"),
    "report": (_cluster, "write_report", "before"),
    "folders": (_cluster, "export_images", "after"),
    "the end": (_cluster, "write_json", "after"),
    "removing": (_output.shutil, "rmtree", "before"),
    "written": (_cluster, "as_time", "after"),
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("place", PLACES)
def test_signals_leave_all_or_nothing(tmp_path, monkeypatch, capsys, place, number):
    owner, name, when = PLACES[place]
    original = getattr(owner, name)

    def interrupted(*args, **kwargs):
        if when == "before":
            signal.raise_signal(number)
        result = original(*args, **kwargs)
        signal.raise_signal(number)
        return result

    monkeypatch.setattr(owner, name, interrupted)
    folder, out = small_folder(tmp_path), tmp_path / "out"
    code = run("cluster", folder, "-k", 2, "--out", out, "--quiet", *TINY_IMAGES)
    left = sorted(each.name for each in tmp_path.iterdir())
    if place in ("removing", "written"):  # OUT has its name by then
        assert code == 0
        assert left == ["few", "out"]
        assert {each.name for each in out.iterdir()} == FILES
    else:
        assert code == 128 + number
        assert left == ["few"]
        assert "interrupted by" in capsys.readouterr().err


LATE = """
import os, signal, sys, threading
from skdeepclust.cli import _cluster, _log, main

def say(self, text):
    print(text, flush=True)
    if text.startswith("written to"):
        signal.raise_signal(signal.SIGINT)

_log.Log.say = say
code = main()
signal.raise_signal(signal.SIGINT)  # while Python ends
sys.exit(code)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_an_interrupt_that_comes_too_late_is_no_error(tmp_path):
    folder, out = small_folder(tmp_path), tmp_path / "out"
    arguments = ["cluster", folder, "-k", 2, "--out", out, *TINY_IMAGES]
    command = [sys.executable, "-c", LATE, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {each.name for each in out.iterdir()} == FILES


def test_an_interrupt_that_the_training_swallows_counts(tmp_path, monkeypatch):
    def fit(self, X):
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        return self

    monkeypatch.setattr("skdeepclust.DCEC.fit", fit)
    folder = small_folder(tmp_path)
    arguments = ("cluster", folder, "-k", 2, "--out", tmp_path / "out", *TINY_IMAGES)
    assert run(*arguments) == 130
    assert [each.name for each in tmp_path.iterdir()] == ["few"]


def test_signals_are_as_before_afterwards():
    before = signal.getsignal(signal.SIGINT)
    with Signals() as signals:
        with signals.held():
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(Interrupted):
            signals.check()
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_a_process_is_interrupted_in_the_training(tmp_path):
    folder, out = small_folder(tmp_path), tmp_path / "out"
    code = (
        "import signal, sys; from skdeepclust.cli import main; "
        "signal.signal(signal.SIGINT, signal.default_int_handler); sys.exit(main())"
    )
    arguments = ["cluster", str(folder), "-k", "2", "--out", str(out), *TINY_IMAGES]
    endless = ["--set", "pretrain_epochs=1000000"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments, *endless],
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if line.startswith("pretraining"):
            break
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "skdeepclust: error: interrupted by SIGINT\n"
    assert [each.name for each in tmp_path.iterdir()] == ["few"]
