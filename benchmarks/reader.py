"""Reading a folder: files per second, and memory that does not grow with the files.

    python benchmarks/reader.py --files 100000

Writes small files (PNG, JPEG, 16-bit TIFF; 48 to 128 pixels a side) to a temporary
folder. Finds them, fits an ImageReader, and reads a tenth of them, then all, into a
memory map. Peak memory is that of the process; growth is what reading all files needed
beyond what a tenth of them needed. Every run is a line of `results/reader.jsonl`;
`--table` prints the table of these results.
"""

import io
import resource
import sys
import tempfile
import time
import warnings
from pathlib import Path

import _common as common
import numpy as np
import tifffile
from PIL import Image

from skdeepclust import ImageReader, find_images

NAME = "reader"
N_CONTENTS, N_PER_FOLDER = 400, 1000


def compute(args):
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder), args.files)
        row = {"n": args.files, "size": args.size, "n_jobs": args.jobs}
        common.append(NAME, {**row, **measured(folder, args)}, args)


def measured(folder, args):
    """Seconds of every step, and peak memory in MB after it."""
    warnings.simplefilter("ignore")
    reader = ImageReader(
        args.size, "rgb", n_jobs=args.jobs, memmap_above=0, memmap_folder=folder
    )
    found = {"imported_mb": peak_mb()}
    start = time.perf_counter()
    paths = find_images(folder)
    found["find_s"] = time.perf_counter() - start
    assert len(paths) == args.files
    found["found_mb"] = peak_mb()
    start = time.perf_counter()
    reader.fit(paths)
    found["fit_s"] = time.perf_counter() - start
    reader.transform(paths[: args.files // 10])
    found["tenth_mb"] = peak_mb()
    start = time.perf_counter()
    X = reader.transform(paths)
    found["read_s"] = time.perf_counter() - start
    found["all_mb"] = peak_mb()
    found["array_mb"] = X.nbytes / 1e6
    return {name: round(value, 2) for name, value in found.items()}


def peak_mb():
    unit = 1 if sys.platform == "darwin" else 1024  # bytes or kilobytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def write_files(folder, n_files):
    """Files in folders of a thousand; their contents repeat."""
    rng = np.random.RandomState(0)
    contents = [content(i, rng) for i in range(N_CONTENTS)]
    for i in range(n_files):
        suffix, data = contents[i % N_CONTENTS]
        path = folder / f"{i // N_PER_FOLDER:04d}" / f"{i:07d}.{suffix}"
        if i % N_PER_FOLDER == 0:
            path.parent.mkdir()
        path.write_bytes(data)


def content(i, rng):
    """Suffix and bytes of a file: seven of ten JPEG, two PNG, one TIFF."""
    height, width = rng.randint(48, 129, size=2)
    y, x = np.mgrid[:height, :width]
    light = np.sin(x * rng.uniform(0.05, 0.3) + y * rng.uniform(0.05, 0.3)) + 1
    pixels = np.clip(light[..., None] * rng.uniform(40, 120, size=3), 0, 255)
    buffer = io.BytesIO()
    if i % 10 == 0:
        tifffile.imwrite(buffer, (light * 2000).astype(np.uint16))
        return "tif", buffer.getvalue()
    suffix, fmt = ("png", "PNG") if i % 10 < 3 else ("jpg", "JPEG")
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, fmt)
    return suffix, buffer.getvalue()


def table(args):
    lines = [
        [
            *(f"{row['n']:,}", row["size"], row["n_jobs"]),
            *(f"{row['n'] / row[step]:,.0f}" for step in ("find_s", "fit_s", "read_s")),
            f"{row['array_mb']:,.0f}",
            f"{row['all_mb']:,.0f}",
            f"{row['all_mb'] - row['tenth_mb']:,.0f}",
        ]
        for row in common.read(NAME)
    ]
    head = "files | size | n_jobs | found per s | fitted per s | read per s | array, MB"
    common.print_table(
        "Files per second of each step, memory of the process in MB",
        f"{head} | peak | growth",
        lines,
    )


if __name__ == "__main__":
    common.run(__doc__, compute, table, files=100_000, size=64, jobs=-1)
