"""What the command says: durations, progress, and characters that steer terminals."""

import io
import re
import sys
from types import SimpleNamespace

import pytest

from skdeepclust.cli._errors import CommandError, one_line
from skdeepclust.cli._log import FitProgress, Log, as_time


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (3.21, "3.2 s"),
        (61, "61 s"),
        (130, "2 min"),
        (5000, "1 h 23 min"),
    ],
)
def test_durations(seconds, text):
    assert as_time(seconds) == text


class Terminal(io.StringIO):
    def isatty(self):
        return True


def fit(progress, monkeypatch, n_steps=4, seconds=10.0):
    """The hooks of a fit with one stage, on a clock of our own."""
    clock = iter(range(1000))
    monkeypatch.setattr("time.monotonic", lambda: next(clock) * seconds)
    root = SimpleNamespace(parent=None, max_subtasks=1, task_name="fit")
    stage = SimpleNamespace(parent=root, max_subtasks=n_steps, task_name="pretraining")
    step = SimpleNamespace(parent=stage, max_subtasks=0, task_name="epoch")
    progress.setup(None, root)
    for context in (root, stage):
        progress.on_fit_task_begin(None, context)
    for _ in range(n_steps):
        progress.on_fit_task_begin(None, step)
        progress.on_fit_task_end(None, step)
    for context in (stage, root):
        progress.on_fit_task_end(None, context)
    progress.teardown(None, root)


def test_a_log_has_plain_lines(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    progress = FitProgress(Log(), lambda: None, lambda n: ("joint training", 2 * n))
    fit(progress, monkeypatch)
    lines = sys.stderr.getvalue().splitlines()
    assert lines[0] == (
        "pretraining: about 40 s for 4 epochs; then joint training, at most about 80 s"
    )
    assert lines[-1].startswith("pretraining: 4 epochs, ")
    assert any(" of 4, about " in line and line.endswith("left") for line in lines)
    assert progress.seconds["pretraining"] > 0


def test_a_quiet_log_says_nothing_of_it(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    fit(FitProgress(Log(quiet=True), lambda: None), monkeypatch)
    assert sys.stderr.getvalue() == ""


@pytest.mark.parametrize("with_rich", [True, False])
def test_a_terminal_shows_the_time_left(monkeypatch, with_rich):
    if with_rich:
        pytest.importorskip("rich")
        monkeypatch.setenv("TERM", "xterm")
    else:
        monkeypatch.setitem(sys.modules, "rich", None)
        monkeypatch.setitem(sys.modules, "rich.console", None)
    monkeypatch.setattr(sys, "stderr", Terminal())
    fit(FitProgress(Log(), lambda: None), monkeypatch)
    text = sys.stderr.getvalue()
    assert "pretraining: 4 epochs, " in text
    if not with_rich:
        assert re.search(r"\rpretraining: 2 of 4, about \d+ s left", text)


def test_the_check_ends_a_fit(monkeypatch):
    def check():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(FitProgress(Log(quiet=True), check), monkeypatch)


def test_file_names_do_not_steer_the_terminal(capsys):
    Log().warn("left out \x1b[2J\u202egnp.exe\udcff.png:\nbad")
    text = capsys.readouterr().err
    assert text == "warning: left out \\x1b[2J\\u202egnp.exe\\udcff.png: bad\n"


def test_a_warning_is_said_once(capsys):
    log = Log(quiet=True)
    log.warn("twice")
    log.warn("twice")
    log.say("not at all")
    assert capsys.readouterr().err == "warning: twice\n"
    assert log.warnings == ["twice"]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (CommandError("a\n  b"), "a b"),
        (KeyError("x"), "KeyError: 'x'"),
        (RuntimeError(), "RuntimeError"),
        (FileNotFoundError(2, "No such file", "x"), "No such file: 'x'"),
        (OSError("a disk\nfailed"), "a disk failed"),
    ],
)
def test_errors_as_lines(error, text):
    assert one_line(error) == text
