"""The command on many files: files per second, and memory that does not grow.

    python benchmarks/folder.py --files 100000

Writes small files (those of `reader.py`) to a temporary folder and runs
`skdeepclust cluster` on a tenth of them, then on all, with a short training and links
in place of copies; then `skdeepclust predict`. Peak memory is that of the process.
Growth is what all files needed beyond what a tenth of them needed. It includes the
images themselves: below 1 GB they are in memory, above it in a memory map, whose pages
count as memory of the process although the system can take them back. Every run is a
line of `results/folder.jsonl`; `--table` prints the table of these results.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import _common as common
import reader

NAME = "folder"

# Two passes over the files: one of pretraining, one of joint training.
EPOCHS = 1


def compute(args):
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        for n_files in (args.files // 10, args.files):
            folder = place / f"files-{n_files}"
            folder.mkdir()
            reader.write_files(folder, n_files)
            row = {"n": n_files, "of": args.files, "size": args.size}
            row |= {"n_jobs": args.jobs, "method": args.method}
            common.append(NAME, {**row, **measured(folder, n_files, args)}, args)


def measured(folder, n_files, args):
    """Seconds of every part of the commands, and their peak memory in MB."""
    out = folder.with_name(f"out-{n_files}")
    steps = -(-n_files // 256)
    options = ["--size", args.size, "--jobs", args.jobs, "--method", args.method]
    options.append("--quiet")
    settings = {"pretrain_epochs": EPOCHS, "max_iter": steps, "batch_size": 256}
    for name, value in settings.items():
        options += ["--set", f"{name}={value}"]
    arguments = ["cluster", folder, "-k", 10, "--out", out, "--link", *options]
    found = command("cluster", arguments)
    seconds = json.loads((out / "run.json").read_text())["seconds"]
    found |= {name.replace(", ", "_"): value for name, value in seconds.items()}
    arguments = ["predict", out, folder, "--jobs", args.jobs, "--quiet"]
    found |= command("predict", [*arguments, "--out", f"{out}-new", "--no-folders"])
    return found


def command(name, arguments):
    """Run the command in a process of its own."""
    start = time.perf_counter()
    line = [sys.executable, "-m", "skdeepclust", *map(str, arguments)]
    process = subprocess.Popen(line, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, line
    unit = 1 if sys.platform == "darwin" else 1024  # bytes or kilobytes
    return {
        f"{name}_s": round(time.perf_counter() - start, 1),
        f"{name}_mb": round(usage.ru_maxrss * unit / 1e6),
    }


def table(args):
    rows = common.read(NAME)
    lines = []
    for row in rows:
        where = {name: row[name] for name in ("of", "size", "method")}
        tenths = common.rows_of(NAME, {**where, "n": row["n"] // 10})
        cells = [f"{row['n']:,}", row["size"], row["method"], row["n_jobs"]]
        for part in ("find", "read", "cluster_s"):
            cells.append(f"{row['n'] / row[part]:,.0f}")
        cells.append(f"{row['report.html']:.0f}")
        cells.append(f"{row['n'] * row['size'] ** 2 * 3 / 1e6:,.0f}")  # in colour
        for name in ("cluster_mb", "predict_mb"):
            grown = f"{row[name] - tenths[0][name]:,}" if tenths else ""
            cells += [f"{row[name]:,}", grown]
        lines.append(cells)
    rates = "checked per s | read per s | all per s | report, s | images, MB"
    peaks = "cluster, peak | growth | predict, peak | growth"
    common.print_table(
        "The command on a folder: files per second, memory of the process in MB",
        f"files | size | method | n_jobs | {rates} | {peaks}",
        lines,
    )


if __name__ == "__main__":
    common.run(__doc__, compute, table, files=100_000, size=64, jobs=1, method="dcec")
