"""A folder as people have them: many formats, sizes and depths, and some rubbish.

    python tests/images/messy_folder.py FOLDER

writes one. `make_messy_folder(folder)` returns what it holds.
"""

import os
import struct
import sys
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tifffile
from PIL import Image

# Names of files are data. Those of the second row cannot be made on Windows.
HOSTILE = (
    *("=1+1.png", "-rf.png", "%s%n%d.png", "a;b,c.png", "$(touch x).png", "'; --.png"),
    *("&amp;.png", "{{7*7}}.png", "`x`.png", "#hash.png", "%2e%2e%2f.png"),
)
HOSTILE_ON_POSIX = (
    "<img src=x onerror=alert(1)>.png",
    "<script>alert(1)<!--.png",
    '"quoted" onmouseover="alert(1).png',
    "line\nbreak.png",
    "back\\slash.png",
    "what?.png",
)
UNICODE = (
    *("Bild_ä.png", "cafe\u0301.png", "caf\u00e9 2.png", "画像.png", "صورة.png"),
    *("\U0001f41d bee.png", "\u202egnp.exe.png", "ß" * 100 + ".png", "две слова.png"),
)

KINDS = ("disc", "ring", "stripes", "checks", "gradient", "cross", "noise", "blobs")

# Formats of the ordinary files, and how many of a hundred each has.
FORMATS = {
    **{"png": 24, "png-rgba": 5, "png-palette": 5, "png-palette-clear": 3},
    **{"png-grey": 8, "png-1bit": 2, "png-16": 4, "jpg": 18, "jpg-grey": 4},
    **{"jpg-exif": 4, "jpg-cmyk": 2, "JPEG": 2, "PNG": 2, "tif": 4, "tif-16": 3},
    **{"tif-float": 2, "tif-pages": 2, "webp": 2, "bmp": 2, "gif": 1, "npy": 1},
}


class Messy(NamedTuple):
    """What a folder holds: paths relative to it, in the form of POSIX.

    `readable` and `unreadable` (path -> a word of the reason) have the suffix of an
    image, `foreign` has all else. `kinds` is what a readable file shows.
    """

    folder: Path
    readable: list
    unreadable: dict
    foreign: list
    kinds: dict


def make_messy_folder(folder, n_images=800, seed=0, undecodable=False):
    """Write a folder; the same seed writes the same files.

    Parameters
    ----------
    folder : path-like
        Is made if it does not exist.
    n_images : int, default=800
        Number of files that can be read.
    seed : int, default=0
        Seed of the images.
    undecodable : bool, default=False
        Also write names that are not UTF-8, where the file system allows it.

    Returns
    -------
    messy : Messy
        What was written.
    """
    folder = Path(folder)
    rng = np.random.RandomState(seed)
    kinds = {}
    for i, name in enumerate(_names(n_images, undecodable)):
        kind = KINDS[i % len(KINDS)]
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        height, width = rng.randint(24, 129, size=2)
        picture = draw(kind, (height, width), rng)
        _save(path, picture, _format_of(name, rng))
        kinds[name] = kind
    unreadable = _write_unreadable(folder, rng, undecodable)
    foreign = _write_foreign(folder)
    return Messy(folder, sorted(kinds), unreadable, foreign, kinds)


def _names(n_images, undecodable):
    special = [*HOSTILE, *UNICODE]
    if os.name != "nt":
        special += HOSTILE_ON_POSIX
    if undecodable:
        special.append(os.fsdecode(b"not-utf8-\xff.png"))
    names = [f"odd names/{name}" for name in special][:n_images]
    folders = ("", "plate 1", "plate 2", "plate 2/Unterordner", "Übung", "deep/er/est")
    suffixes = [fmt.partition("-")[0] for fmt, n in FORMATS.items() for _ in range(n)]
    i = 0
    while len(names) < n_images:
        # Prime steps mix formats with kinds and folders.
        suffix = suffixes[(37 * i) % len(suffixes)]
        names.append(f"{folders[(5 * i) % 6]}/{i:04d}.{suffix}".lstrip("/"))
        i += 1
    return names


def _format_of(name, rng):
    """A format with the suffix of the name."""
    suffix = name.rpartition(".")[2]
    fitting = [fmt for fmt in FORMATS if fmt.partition("-")[0] == suffix]
    shares = np.array([FORMATS[fmt] for fmt in fitting], dtype=float)
    return fitting[rng.choice(len(fitting), p=shares / shares.sum())]


def draw(kind, shape, rng):
    """An RGB image of a kind, as floats (height, width, 3) in [0, 1]."""
    height, width = shape
    y, x = np.mgrid[:height, :width]
    y, x = y / height - 0.5, x / width - 0.5
    radius = np.hypot(y, x)
    turned = x * np.cos(angle := rng.uniform(0, np.pi)) + y * np.sin(angle)
    light = {
        "disc": lambda: radius < rng.uniform(0.25, 0.4),
        "ring": lambda: np.abs(radius - rng.uniform(0.25, 0.35)) < 0.08,
        "stripes": lambda: np.sin(turned * rng.uniform(25, 40)) > 0,
        "checks": lambda: (np.floor(x * 6) + np.floor(y * 6)) % 2,
        "gradient": lambda: turned + 0.5,
        "cross": lambda: (np.abs(x) < 0.12) | (np.abs(y) < 0.12),
        "noise": lambda: rng.uniform(size=(height, width)),
        "blobs": lambda: _blobs(y, x, rng),
    }[kind]()
    dark, bright = rng.uniform(0, 0.3, size=3), rng.uniform(0.6, 1, size=3)
    picture = dark + np.clip(light, 0, 1)[..., None] * (bright - dark)
    return np.clip(picture + rng.normal(0, 0.02, size=picture.shape), 0, 1)


def _blobs(y, x, rng):
    centers = rng.uniform(-0.4, 0.4, size=(6, 2))
    return sum(np.exp(-((y - a) ** 2 + (x - b) ** 2) / 0.008) for a, b in centers)


def _save(path, picture, fmt):
    rgb = Image.fromarray(np.rint(picture * 255).astype(np.uint8))
    grey = picture.mean(axis=2)
    name = fmt.partition("-")[2]
    if fmt.startswith("tif") or name == "16":
        _save_deep(path, picture, grey, fmt)
    elif fmt == "npy":
        np.save(path, np.asarray(rgb))
    elif name == "rgba":
        alpha = Image.fromarray((grey > np.median(grey)).astype(np.uint8) * 255)
        rgb.putalpha(alpha)
        rgb.save(path)
    elif name.startswith("palette"):
        clear = {"transparency": 0} if name.endswith("clear") else {}
        rgb.quantize(16).save(path, **clear)
    elif name == "exif":
        exif = Image.Exif()
        exif[0x0112] = 6
        rgb.rotate(90, expand=True).save(path, exif=exif)  # upright again by the tag
    else:
        modes = {"grey": "L", "1bit": "1", "cmyk": "CMYK"}
        mode = "L" if fmt == "gif" else modes.get(name, "RGB")
        rgb.convert(mode).save(path)


def _save_deep(path, picture, grey, fmt):
    # As a camera of 12 bits writes it: a part of the range.
    counts = np.rint(200 + grey * 3000).astype(np.uint16)
    if fmt == "png-16":
        Image.fromarray(counts).save(path)
    elif fmt == "tif-16":
        tifffile.imwrite(path, counts)
    elif fmt == "tif-float":
        tifffile.imwrite(path, (grey * 2 - 0.5).astype(np.float32), compression="zlib")
    elif fmt == "tif-pages":
        pages = np.stack([counts, counts // 2, counts[::-1]])
        tifffile.imwrite(path, pages, photometric="minisblack")
    else:
        Image.fromarray(np.rint(picture * 255).astype(np.uint8)).save(path)


def _write_unreadable(folder, rng, undecodable):
    """Files that no program can read: path -> a word of the reason."""
    truncated = folder / "plate 1" / "truncated.jpg"
    truncated.parent.mkdir(parents=True, exist_ok=True)
    _save(truncated, draw("noise", (90, 90), rng), "jpg")
    content = truncated.read_bytes()
    truncated.write_bytes(content[: len(content) // 2])
    (folder / "empty.png").write_bytes(b"")
    (folder / "claims.png").write_bytes(png_of(40000, 30000))
    unreadable = {
        "plate 1/truncated.jpg": "truncated",
        "empty.png": "empty",
        "claims.png": "max_pixels",
    }
    if undecodable:
        name = os.fsdecode(b"empty-\xff.png")
        (folder / name).write_bytes(b"")
        unreadable[name] = "empty"
    return unreadable


def png_of(width, height, depth=8, rows=b""):
    """An RGB PNG with this header; without rows it only claims to be large."""
    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data))
        + tag
        + data
        + struct.pack(">I", zlib.crc32(tag + data))
        for tag, data in chunks
    )


def _write_foreign(folder):
    """What is in folders beside images; returns the paths of these files."""
    names = (
        *(".DS_Store", "Thumbs.db", "desktop.ini", "notes.txt", "labels.csv"),
        *("plate 1/._0001.png", "plate 2/.DS_Store", "__MACOSX/plate 1/._0001.png"),
        *("__MACOSX/copy.png", ".thumbnails/small.png", "plate 2/@eaDir/thumb.jpg"),
        *("video.mp4", "no suffix", "picture.png.part", "report.pdf", "x.svg"),
    )
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"\x00\x05\x16\x07 no image")
    try:
        (folder / "plate 1" / "loop").symlink_to(folder.resolve(), True)
        (folder / "broken.png").symlink_to(folder.resolve() / "nowhere.png")
    except OSError:  # Windows without the right to make links
        return list(names)
    return [*names, "plate 1/loop", "broken.png"]


if __name__ == "__main__":
    make_messy_folder(sys.argv[1])
