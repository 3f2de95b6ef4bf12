"""
Your own images, and your own network
=====================================

A folder of image files of different sizes becomes one array, and the array is
clustered. The files are then copied into one folder per cluster, the most confident
first. The network is your own: any ``nn.Module`` with ``encode`` and ``decode``.

The page takes about 15 seconds on two cores. All its files are in a temporary folder.
It needs pandas, and Pillow, which comes with matplotlib.
"""

# sphinx_gallery_thumbnail_number = 2

# %%
# A folder of images
# ------------------
#
# In place of your images: 1000 of scikit-learn's digits as PNG files, enlarged to
# random sizes.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

work = tempfile.TemporaryDirectory()
folder = Path(work.name, "images")
folder.mkdir()

digits = load_digits()
rng = np.random.default_rng(0)
for i, image in enumerate(digits.images[:1000]):
    size = rng.integers(12, 40, size=2).tolist()
    pixels = np.uint8(image * 15.9)
    Image.fromarray(pixels).resize(size).save(folder / f"scan_{i:04d}.png")

# %%
# Load them
# ---------
#
# All images of an array have one size, here 16 by 16 pixels, grey. Resizing changes
# their proportions (``PIL.ImageOps.pad`` would keep them). The array stays ``uint8``;
# each batch is scaled to [0, 1] when it is used.

paths = sorted(folder.glob("*.png"))
X = np.stack([Image.open(path).convert("L").resize((16, 16)) for path in paths])

figure, axes = plt.subplots(2, 8, figsize=(8, 2.6), layout="constrained")
for i, (as_file, as_loaded) in enumerate(axes.T):
    original = Image.open(paths[i])
    as_file.imshow(original, cmap="gray")
    as_file.set_title("{} x {}".format(*original.size), fontsize=9)
    as_loaded.imshow(X[i], cmap="gray")
for ax in axes.ravel():
    ax.set(xticks=[], yticks=[])
for ax, name in zip(axes[:, 0], ("file", "loaded"), strict=True):
    ax.set_ylabel(name)

# %%
# The network
# -----------
#
# The constructor gets ``input_shape`` and ``embedding_dim`` if it has arguments of
# these names. Its other arguments are parameters ``module__*`` of the estimator, and
# can be searched.

import math

from torch import nn


class SmallNet(nn.Module):
    def __init__(self, input_shape, embedding_dim, n_filters=16):
        super().__init__()
        channels, height, width = input_shape
        inner = (2 * n_filters, height // 4, width // 4)
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, n_filters, 3, padding=1),
            nn.BatchNorm2d(n_filters),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(n_filters, 2 * n_filters, 3, padding=1),
            nn.BatchNorm2d(2 * n_filters),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(math.prod(inner), embedding_dim),
        )
        self.decoder = nn.Sequential(
            nn.Linear(embedding_dim, math.prod(inner)),
            nn.ReLU(),
            nn.Unflatten(1, inner),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(2 * n_filters, n_filters, 3, padding=1),
            nn.ReLU(),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(n_filters, channels, 3, padding=1),
        )

    def encode(self, X):
        return self.encoder(X)

    def decode(self, Z):
        return self.decoder(Z)


# %%
# Clusters
# --------
#
# The settings are those of the paper, but with smaller batches and short training.

from skdeepclust import DCEC
from skdeepclust.displays import ClusterMontageDisplay

dcec = DCEC.as_published(
    n_clusters=10,
    module=SmallNet,
    module__n_filters=16,
    batch_size="auto",
    pretrain_epochs=30,
    tol=0.005,
    random_state=0,
).fit(X)
print(f"{dcec.n_iter_} steps, {dcec.stop_reason_}")

# %%
# Most clusters have mainly one digit. The columns on the right show exceptions, such as
# fives among the nines.

_ = ClusterMontageDisplay.from_estimator(dcec, X)

# %%
# One folder per cluster
# ----------------------

from skdeepclust.inspection import cluster_table, export_images

table = cluster_table(dcec, X, paths=paths)
table.head()

# %%
folders = export_images(table, Path(work.name, "clusters"), how="copy")
for found in folders.values():
    files = sorted(path.name for path in found.iterdir())
    print(f"{found.name}: {len(files):3d} files, {files[0]} ... {files[-1]}")

# %%
# Look at the least confident images first. The confidence is low if two centres are
# about equally near. It is not the probability of being right.

doubtful = table.nsmallest(16, "confidence")

figure, axes = plt.subplots(2, 8, figsize=(8, 2.8), layout="constrained")
for ax, i, own, other in zip(
    axes.ravel(),
    doubtful["sample"],
    doubtful["label"],
    doubtful["second_choice"],
    strict=True,
):
    ax.imshow(X[i], cmap="gray")
    ax.set_title(f"{own} or {other}", fontsize=9)
    ax.set(xticks=[], yticks=[])
figure.suptitle("Least confident: cluster, or second choice")

work.cleanup()
