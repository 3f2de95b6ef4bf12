"""
Augmentations by kind of image
==============================

A contrastive encoder, and DeepCluster, learn from random views of every image. What the
views differ in is left out of the embedding, so that the right views depend on the kind
of image. Each row below is one image, and eight views of it by the preset of its name.
The page takes about five seconds on two cores.
"""

# %%
# Four made images: a scene with an up, fields seen from above in 13 bands, cells, and a
# digit of scikit-learn.
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits

from skdeepclust.augmentations import preset

rng = np.random.RandomState(0)
rows, columns = np.mgrid[0:64, 0:64] / 64


def blob(y, x, size):
    return np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / size**2)


photo = np.stack([0.35 + 0.1 * rows, 0.55 - 0.1 * rows, 0.9 - 0.7 * (rows > 0.6)])
photo += np.array([0.5, 0.3, -0.4])[:, None, None] * (blob(0.45, 0.4, 0.15) > 0.4)
spectra = rng.rand(3, 13)[:, :, None, None]
kinds = (np.sin(18 * (rows + 0.4 * columns)) > 0).astype(int) + (columns > 0.7)
overhead = spectra[kinds, :, 0, 0].transpose(2, 0, 1) + 0.03 * rng.randn(13, 64, 64)
cells = sum(blob(*rng.rand(2), 0.03 + 0.05 * rng.rand()) for _ in range(25))[None]
digit = np.kron(load_digits().images[6] / 16, np.ones((8, 8)))[None]

images = {"photo": photo, "overhead": overhead, "microscopy": cells, "grey": digit}

# %%
# Views of the four presets. Of the 13 bands three are shown.
figure, axes = plt.subplots(4, 9, figsize=(9, 4.4), layout="constrained")
for line, (kind, image) in zip(axes, images.items(), strict=True):
    batch = torch.tensor(image, dtype=torch.float32).expand(8, -1, -1, -1)
    torch.manual_seed(0)
    views = [image, *preset(kind, image.shape)(batch).numpy()]
    for ax, view in zip(line, views, strict=True):
        shown = view[[8, 4, 1]] if len(view) == 13 else view
        ax.imshow(np.clip(shown, 0, 1).transpose(1, 2, 0), cmap="gray", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
    line[0].set_ylabel(f'"{kind}"')
axes[0, 0].set_title("image")
_ = axes[0, 4].set_title("views")

# %%
# Cells and fields may be turned and mirrored; a 6 may not, as it would become a 9.
# Colours are turned in photographs only; in other images each band has its own light.
# The steps of a preset can be taken apart:
for step in preset("overhead", overhead.shape).steps:
    print(step)
