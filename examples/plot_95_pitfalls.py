"""
Pitfalls, as pictures
=====================

A figure for each mistake of :doc:`/user_guide/pitfalls` that a figure can show. Fast
methods take the place of long training wherever the mistake is the same. About a
minute on two cores.
"""

# sphinx_gallery_thumbnail_number = 4
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score

from skdeepclust import DCEC, AutoClustering, Autoencoder
from skdeepclust.displays import (
    ClusterConfusionDisplay,
    ClusterMontageDisplay,
    SilhouetteDisplay,
    TrainingCurvesDisplay,
)

warnings.simplefilter("ignore")  # several of the mistakes are warned of
images, y = load_digits().images / 16, load_digits().target
X = images.reshape(len(images), -1)

# %%
# Scores in the embedding reward collapse
# ---------------------------------------
#
# The same network before and after joint training with a large gamma. The silhouette
# rises from the left to the right, and the clusters are hardly better.

shared = {"batch_size": "auto", "random_state": 0}
before = DCEC.as_published(10, pretrain_epochs=15, max_iter=0, **shared).fit(images)
after = DCEC.as_published(
    10, gamma=5, module=before.module_, pretrain_epochs=0, max_iter=420, **shared
).fit(images)
figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for ax, name, dcec in zip(axes, ("Before", "After"), (before, after), strict=True):
    display = SilhouetteDisplay.from_estimator(dcec, images, ax=ax)
    ari = adjusted_rand_score(y, dcec.labels_)
    ax.set_title(f"{name}: silhouette {display.mean_:.2f}, ARI with digits {ari:.2f}")
    ax.set_xlim(-0.3, 1)

# %%
# One seed says nothing
# ---------------------
#
# The agreement (ARI) between six runs of k-means with one start each. A single run
# looks as good as any other.

runs = [KMeans(10, n_init=1, random_state=seed).fit(X).labels_ for seed in range(6)]
agreement = [[adjusted_rand_score(a, b) for a in runs] for b in runs]
figure, ax = plt.subplots(figsize=(4.4, 3.8), layout="constrained")
figure.colorbar(
    ax.imshow(agreement, cmap="Blues", vmin=0.4, vmax=1), ax=ax, label="ARI"
)
_ = ax.set(xlabel="seed", ylabel="seed", title="Do the runs agree?")

# %%
# The balance assumption
# ----------------------
#
# Two common digits and three rare ones, five clusters. The common one is cut in three,
# and the rare two and four have no cluster of their own.

keep = np.concatenate(
    [
        np.flatnonzero(y == digit)[:size]
        for digit, size in enumerate((175, 175, 12, 12, 12))
    ]
)
kmeans = KMeans(5, n_init=20, random_state=0).fit(X[keep])
_ = ClusterConfusionDisplay.from_estimator(kmeans, X[keep], y[keep])

# %%
# Damaged images
# --------------
#
# Forty images are grey from the middle down. They are one cluster, and two digits have
# to share another.

rng = np.random.default_rng(0)
torn = images.copy()
torn[rng.choice(len(torn), 40, replace=False), 4:] = 0.6
kmeans = KMeans(10, n_init=20, random_state=0).fit(torn.reshape(len(torn), -1))
_ = ClusterMontageDisplay.from_estimator(
    kmeans, torn.reshape(len(torn), -1), image_shape=(8, 8), n_images=4
)

# %%
# A wrong number of clusters
# --------------------------
#
# Six clusters for ten digits: several rows hold two kinds.

six = AutoClustering(6, random_state=0).fit(X)
_ = ClusterMontageDisplay.from_estimator(six, X, image_shape=(8, 8), n_images=5)

# %%
# Small data, large batches
# -------------------------
#
# 300 images: with 256 per batch an epoch has two steps, and after forty epochs the
# network has hardly begun. With small batches it is nearly done.

figure, axes = plt.subplots(1, 2, figsize=(8, 3), sharey=True, layout="constrained")
for ax, size in zip(axes, (256, 32), strict=True):
    some = Autoencoder(max_epochs=40, batch_size=size, random_state=0).fit(images[:300])
    TrainingCurvesDisplay.from_estimator(some, ax=[ax])
    ax.set_title(f"batches of {size}")

# %%
# Clusters of something else
# --------------------------
#
# Half of the images are darker, as if from another camera. The two clusters are real:
# they are the cameras.

camera = rng.integers(2, size=len(images))
dimmed = (images * np.where(camera, 1.0, 0.35)[:, None, None]).reshape(len(images), -1)
two = KMeans(2, n_init=20, random_state=0).fit_predict(dimmed)
figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
ClusterConfusionDisplay.from_predictions(
    np.array(["bright", "dark"])[1 - camera], two, ax=axes[0]
)
ClusterConfusionDisplay.from_predictions(y, two, ax=axes[1])
axes[0].set_title("by camera")
_ = axes[1].set_title("by digit")
