"""What the augmentation of images does to a row of a table with 64 columns."""

import matplotlib.pyplot as plt
import numpy as np
import torch

from skdeepclust.augmentations import preset

rng = np.random.default_rng(0)
row = rng.normal(size=64).cumsum().astype("float32")
row = (row - row.min()) / np.ptp(row)
image = torch.from_numpy(row.reshape(1, 1, 8, 8))
torch.manual_seed(3)
changed = preset("grey", (1, 8, 8))(image).numpy().ravel()

figure, axes = plt.subplot_mosaic(
    [["row", "row", "row"], ["image", "changed", "."]],
    figsize=(7.6, 4),
    layout="constrained",
    height_ratios=(1, 1.1),
)
axes["row"].plot(row, "o-", ms=3, color="#0072B2", label="a row of the table")
axes["row"].plot(changed, "o-", ms=3, color="#D55E00", label="what is trained on")
axes["row"].set(xlabel="column", ylabel="value")
axes["row"].legend(frameon=False)
for name, values in (("image", row), ("changed", changed)):
    axes[name].imshow(values.reshape(8, 8), cmap="gray", vmin=0, vmax=1)
    axes[name].set(xticks=[], yticks=[])
axes["image"].set_title("the row, taken for an image", fontsize=10)
axes["changed"].set_title("shifted and turned", fontsize=10)
