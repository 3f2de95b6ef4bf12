"""
What training did: the displays
===============================

Five figures answer the questions that follow a fit. Did training go well? What became
of the latent space? What is in the clusters? Which samples are between two of them?
And, where classes are known, which of them are confused?

Each is a line, ``Display.from_estimator(estimator, X)``, in the manner of
scikit-learn's displays. The page takes about 20 seconds on two cores.
"""

# %%
# A fit to look at
# ----------------
#
# ``max_iter=0`` leaves out joint training: these are the autoencoder and the k-means
# that joint training begins with. The second fit begins with the same network and the
# same clusters. K-means as a start and no augmentation are the paper's; they make the
# difference between before and after easier to see than the defaults do.

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

paper = {"init": "kmeans", "augment": None, "random_state": 0}
before = DCEC(pretrain_epochs=40, max_iter=0, **paper).fit(X)
dcec = DCEC(module=before.module_, pretrain_epochs=0, tol=0.003, **paper).fit(X)
print(f"{dcec.n_iter_} steps, {dcec.stop_reason_}")

# %%
# Did training go well?
# ---------------------
#
# The losses rise at first, as the sharper target asks more of the codes than the
# clusters of k-means did, and then level off. The share of labels that change falls
# below ``tol``, and all ten clusters are in use.

_ = TrainingCurvesDisplay.from_estimator(dcec)

# %%
# What became of the latent space?
# --------------------------------
#
# The same samples before and after, in the colours of the clusters after. Joint
# training draws them together around their centres. That they are further apart in the
# picture says little: t-SNE keeps neighbours, and not distances.

_ = LatentSpaceDisplay.from_estimator(dcec, X, before=before, max_samples=1000)

# %%
# What is in the clusters?
# ------------------------
#
# A row per cluster: its decoded centre, then samples from the nearest to the farthest.
# The right-hand columns show what else is in a cluster; one of them has eights and ones
# even among the nearest, and a blur for a centre.

_ = ClusterMontageDisplay.from_estimator(dcec, X, cmap="gray_r")

# %%
# Which samples are between two clusters?
# ---------------------------------------
#
# Silhouettes of the clusters before and after, each in its own codes. All clusters
# rise, which is what the loss asks for and no sign of better clusters. Read one panel
# for itself: some clusters are less separate from the next than others.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
for ax, title, estimator in zip(axes, ("Before", "After"), (before, dcec), strict=True):
    display = SilhouetteDisplay.from_estimator(estimator, X, ax=ax)
    ax.set_title(f"{title}: mean silhouette {display.mean_:.2f}")

# %%
# Which classes are confused?
# ---------------------------
#
# Where classes are known, a table says what silhouettes cannot. The cluster of most
# eights is nearly half ones, and its silhouettes are as good as those of a cluster of
# hardly anything but threes.

_ = ClusterConfusionDisplay.from_estimator(dcec, X, y)
