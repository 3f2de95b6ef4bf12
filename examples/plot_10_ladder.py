"""
The ladder: what each rung repairs
==================================

From k-means on pixels to networks that are trained together with their clusters: six
rungs, each of which repairs something that the rung below it gets wrong. Every rung has
the same images, and every figure the same samples in the same places.

The images are 1,000 of MNIST-test if the environment variable ``SKDEEPCLUST_DATA``
names a folder with them (:mod:`skdeepclust.datasets`), and scikit-learn's bundled
digits otherwise. Networks are narrow, training is short, and there is **one seed**:
the page shows how the rungs differ, not which one is best. The measured figures of all
10,000 images are at the end.
"""

# sphinx_gallery_thumbnail_number = 8
# %%
# The images
# ----------

import os
import time
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import normalized_mutual_info_score
from sklearn.pipeline import make_pipeline

from skdeepclust import DCEC, DEC, SCEDAE, Autoencoder, DeepCluster
from skdeepclust.datasets import fetch_mnist
from skdeepclust.displays import ClusterConfusionDisplay, LatentSpaceDisplay
from skdeepclust.metrics import clustering_accuracy, match_clusters

warnings.simplefilter("ignore", ConvergenceWarning)  # training is short on purpose

if os.environ.get("SKDEEPCLUST_DATA"):
    X, y = fetch_mnist(subset="test", return_X_y=True)
    X, y, source = X[:1000, 0] / np.float32(255), y[:1000], "MNIST-test"
else:
    X, y = load_digits(return_X_y=True)
    X, y, source = X[:1000].reshape(-1, 8, 8) / 16, y[:1000], "scikit-learn's digits"
rows = X.reshape(len(X), -1)
shape = X.shape[1:]
print(f"{len(X)} images of {source}, {shape[0]} x {shape[1]} pixels")

# %%
# The figures of a rung
# ---------------------
#
# Left: all samples in one layout, the t-SNE of the pixels. A cluster has the colour of
# the digit that it is matched to. Right: the digits against the clusters.

fits, seconds = {}, {}


def climb(name, estimator):
    """Fit a rung, and draw it."""
    start = time.perf_counter()
    fits[name] = estimator.fit(rows)
    seconds[name] = time.perf_counter() - start
    labels = estimator.predict(rows)
    matching = match_clusters(y, labels)
    named = np.array([matching[label] for label in labels])
    figure = plt.figure(figsize=(10.5, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    LatentSpaceDisplay.from_embedding(layout, named, projection=None, ax=left)
    left.set_title(f"{name}: clusters")
    left.set(xlabel="", ylabel="")
    left.get_legend().set_title("digit")
    ClusterConfusionDisplay.from_predictions(y, labels, ax=right)


pixels = LatentSpaceDisplay.from_embedding(rows, y, random_state=0)
layout = pixels.points
pixels.ax_.set_title(f"t-SNE of the pixels, coloured by digit\n{len(X):,} samples")
pixels.ax_.get_legend().set_title("digit")

# %%
# Rung 1: pixels
# --------------
#
# K-means compares images pixel by pixel. Two fours of different slant share hardly a
# pixel, and a four and a nine share most of them: fours, sevens and nines are mixed,
# and sixes are cut in two.

climb("pixels", KMeans(10, n_init=20, random_state=0))

# %%
# Rung 2: the latent space
# ------------------------
#
# An autoencoder compresses an image to ten numbers and rebuilds it. What it repairs:
# ten numbers in place of hundreds of pixels, so that other methods can follow. What is
# left: nothing asks the embedding to have clusters, and k-means finds in it what it
# found in the pixels.

widths = {"module__hidden_dims": (128, 128, 512)}
autoencoder = Autoencoder(module="dense", max_epochs=40, random_state=0, **widths)
kmeans = KMeans(10, n_init=20, random_state=0)
climb("latent space", make_pipeline(autoencoder, kmeans))

# %%
# Rung 3: DEC
# -----------
#
# Encoder and centres are trained towards a sharper version of their own assignment
# (:doc:`/user_guide/mathematics`). What it repairs: the borders of the clusters. What
# is left: a cluster that holds two digits stays such a cluster, and nothing keeps the
# embedding faithful to the images. DEC begins with the network of rung 2, and improves
# on its clusters by a few points.

joint = {"batch_size": "auto", "max_iter": 840, "random_state": 0}
trained = fits["latent space"][0].module_
climb("DEC", DEC.as_published(10, module=trained, pretrain_epochs=0, **joint))

# %%
# Rung 4: DCEC
# ------------
#
# A convolutional network, the reconstruction loss kept, images shifted and rotated a
# little in training, and a start from several spectral clusterings that agree. What it
# repairs: a shifted or slanted digit stays the same digit, and the start no longer
# mixes them. This is the largest step of the ladder. What is left: fours and nines.

filters = {"module__filters": (16, 32, 64)}
dcec = DCEC(10, image_shape=shape, pretrain_epochs=20, **joint, **filters)
climb("DCEC", dcec)

# %%
# Rung 5: DeepCluster
# -------------------
#
# No decoder: the network learns to predict labels that are the clusters of its own
# features, from changed images. What it repairs: the embedding no longer has to
# describe strokes that say nothing about the digit. It needs more images and rounds
# than a page has: with 2,000 of these images and its defaults its accuracy is .97.

deep = DeepCluster(10, image_shape=shape, max_iter=5, random_state=0)
deep.set_params(epochs_per_round=6)
climb("DeepCluster", deep)

# %%
# Rung 6: ensemble spectral
# -------------------------
#
# Spectral clustering over several autoencoders. What it repairs: clusters need not be
# round, and the result depends less on one network's seed. It follows the majority of
# its networks, also where the majority is wrong.

ensemble = SCEDAE(10, n_autoencoders=3, max_epochs=25, random_state=0, **widths)
climb("ensemble spectral", ensemble)

# %%
# The latent spaces side by side
# ------------------------------
#
# The same samples, now each in the space of its rung, turned towards the first panel,
# and coloured by digit.

_ = LatentSpaceDisplay.from_estimators(fits, rows, y=y, max_samples=600)

# %%
# All rungs
# ---------

print(f"{'rung':20}{'ACC':>7}{'NMI':>7}{'seconds':>9}")
for name, estimator in fits.items():
    labels = estimator.predict(rows)
    acc, nmi = clustering_accuracy(y, labels), normalized_mutual_info_score(y, labels)
    print(f"{name:20}{acc:7.3f}{nmi:7.3f}{seconds[name]:9.1f}")

# %%
# All 10,000 images of MNIST-test, with the papers' networks and our defaults, have mean
# accuracies of .544 (k-means on pixels), .853 (DCEC as published), .978 (DCEC) and .973
# (DeepCluster); :doc:`/measured` has seeds, spread and times.
#
# Exercises
# ---------
#
# The answers are in :ref:`sphx_glr_auto_examples_plot_12_ladder_exercises.py`.
#
# 1. Which two digits does rung 1 confuse most, and does rung 4 still confuse them?
# 2. Give rung 2 another clusterer. Is k-means the weak part, or the embedding?
# 3. Run DEC from three seeds. How far do its results agree?
# 4. Leave out the augmentation of rung 4. What is it worth?
# 5. Ask rung 2 for 20 clusters. Why does the accuracy fall while the purity rises?
