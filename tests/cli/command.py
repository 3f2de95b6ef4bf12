"""What the tests of the command share: small settings, inputs, edits."""

import json

import numpy as np
import pandas as pd
from PIL import Image

from skdeepclust.cli import main

FILES = {"clusters", "labels.csv", "model.joblib", "report.html", "run.json"}

# A training that is over in a moment.
TINY = [
    *("--set", "pretrain_epochs=1", "--set", "max_iter=10"),
    *("--set", "update_interval=5", "--set", "n_init=1", "--jobs", "1"),
]
TINY_IMAGES = [*TINY, "--size", "16", "--set", "module__filters=(4,8,8)"]
TINY_TABLE = [*TINY, "--set", "module='dense'", "--set", "module__hidden_dims=(16,)"]


def run(*arguments):
    """Exit code of the command."""
    return main([str(each) for each in arguments])


def digest_of(report):
    """Number of a report, which its edits name."""
    text = report.read_text(encoding="utf-8")
    start = text.index('id="data">') + len('id="data">')
    return json.loads(text[start : text.index("</script>", start)])["report"]


def write_edits(path, report, clusters=None, samples=None):
    """An edits.json as the page exports it."""
    edits = {
        "format": "skdeepclust edits",
        "version": 1,
        "report": digest_of(report),
        "clusters": clusters or {},
        "samples": samples or {},
    }
    path.write_text(json.dumps(edits))
    return path


def make_table(n=120):
    """Three groups in numbers and categories, and columns that are of no use."""
    rng = np.random.RandomState(0)
    group = np.arange(n) % 3
    frame = pd.DataFrame(
        {
            "customer_id": rng.permutation(n) * 7 + 1000,
            "age": 20.0 + 20 * group + rng.normal(size=n),
            "income": 1000.0 * group + rng.normal(0, 50, size=n),
            "plan": np.array(["basic", "pro", "=max"])[group],
            "is_new": group == 1,
            "note": [f"a note, number {i}" for i in range(n)],
            "since": pd.date_range("2020-01-01", periods=n).astype(str),
            "same": 1,
        }
    )
    frame.loc[::10, "age"] = np.nan
    frame.loc[::15, "plan"] = None
    return frame


def read_labels(out):
    return pd.read_csv(out / "labels.csv", keep_default_na=False, encoding="utf-8")


def as_written(name):
    """A path as labels.csv has it: no formula, and nothing that is not UTF-8."""
    name = f"./{name}" if name.startswith(("=", "+", "-", "@")) else name
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def small_folder(tmp_path, n=12):
    folder = tmp_path / "few"
    folder.mkdir()
    rng = np.random.RandomState(0)
    for i in range(n):
        Image.fromarray(rng.randint(0, 255, (20, 20)).astype(np.uint8)).save(
            folder / f"{i}.png"
        )
    return folder


def refused(capsys, code, *arguments):
    """The one line that a wrong command says."""
    assert run(*arguments) == code
    output = capsys.readouterr()
    lines = output.err.strip().splitlines()
    assert output.out == ""
    assert "Traceback" not in output.err
    assert "error: " in lines[-1]
    return lines[-1]
