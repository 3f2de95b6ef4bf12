"""
A look at the results: the displays
===================================

Five figures answer the questions that follow a fit. Did training go well? How did the
embedding change? What is in the clusters? Which samples are between two clusters? And,
if classes are known, which of them are confused?

Each figure takes one line, ``Display.from_estimator(estimator, X)``, as in
scikit-learn. The page takes about 20 seconds on two cores.
"""

# sphinx_gallery_thumbnail_number = 2

# %%
# A fit to look at
# ----------------
#
# ``max_iter=0`` leaves out joint training. The first fit is therefore the autoencoder
# and the k-means clusters that joint training begins with. The second fit begins with
# the same network and the same clusters, and trains them. ``as_published`` has the
# settings of the paper, for which the difference between before and after is easier to
# see than for the defaults.

from sklearn.datasets import load_digits

from skdeepclust import DCEC
from skdeepclust.displays import (
    ClusterConfusionDisplay,
    ClusterMontageDisplay,
    LatentSpaceDisplay,
    SilhouetteDisplay,
    TrainingCurvesDisplay,
)

digits = load_digits()
X, y = digits.images / 16, digits.target

shared = {"batch_size": "auto", "random_state": 0}
before = DCEC.as_published(10, pretrain_epochs=40, max_iter=0, **shared).fit(X)
dcec = DCEC.as_published(
    10, module=before.module_, pretrain_epochs=0, tol=0.003, **shared
).fit(X)
print(f"{dcec.n_iter_} steps, {dcec.stop_reason_}")

# %%
# Did training go well?
# ---------------------
#
# The losses rise at first, because the target becomes sharper, and then level off. The
# share of labels that change falls below ``tol``, and all ten clusters are in use.

_ = TrainingCurvesDisplay.from_estimator(dcec)

# %%
# How did the embedding change?
# -----------------------------
#
# The same samples before and after joint training, coloured by their final cluster. The
# samples move closer to their centres. The wider gaps between clusters say little:
# t-SNE keeps neighbours, not distances.

_ = LatentSpaceDisplay.from_estimator(dcec, X, before=before, max_samples=1000)

# %%
# What is in the clusters?
# ------------------------
#
# A row per cluster: its decoded centre, then samples from the nearest to the farthest.
# The columns on the right show which other digits are in a cluster. One cluster has
# eights and ones even among its nearest samples, and its centre is blurred.

_ = ClusterMontageDisplay.from_estimator(dcec, X, cmap="gray_r")

# %%
# Which samples are between two clusters?
# ---------------------------------------
#
# Silhouettes of the clusters before and after, each in its own embedding. All of them
# rise, because the loss asks for it; this is not a sign of better clusters. Compare
# clusters within one panel: some are less clearly separated than others.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
for ax, title, estimator in zip(axes, ("Before", "After"), (before, dcec), strict=True):
    display = SilhouetteDisplay.from_estimator(estimator, X, ax=ax)
    ax.set_title(f"{title}: mean silhouette {display.mean_:.2f}")

# %%
# Which classes are confused?
# ---------------------------
#
# If classes are known, a table shows errors that silhouettes cannot show. Nearly half
# of the cluster with the most eights are ones. Its silhouettes are as good as those of
# a cluster that has almost only threes.

_ = ClusterConfusionDisplay.from_estimator(dcec, X, y)
