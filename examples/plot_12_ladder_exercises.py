"""
The ladder: answers to the exercises
====================================

Answers to the five exercises at the end of
:ref:`sphx_glr_auto_examples_plot_10_ladder.py`, on scikit-learn's digits. Try them
before you read on. About a minute and a half on two cores.
"""

import warnings
from itertools import combinations

import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from skdeepclust import DCEC, DEC, Autoencoder, LandmarkSpectralClustering
from skdeepclust.displays import ClusterConfusionDisplay
from skdeepclust.metrics import clustering_accuracy

warnings.simplefilter("ignore")  # training is short on purpose

X, y = load_digits(return_X_y=True)
X, y = X[:1000] / 16, y[:1000]

# %%
# 1. Which digits does rung 1 confuse, and does rung 4?
# -----------------------------------------------------
#
# A row of the table with two large numbers is a digit in two clusters; a column with
# two is a cluster of two digits.

kmeans = KMeans(10, n_init=20, random_state=0).fit(X)
_ = ClusterConfusionDisplay.from_estimator(kmeans, X, y, normalize="class")

# %%
# Rung 4 with and without augmentation is exercise 4; its table:

joint = {"batch_size": "auto", "max_iter": 1400, "random_state": 0}
short = {"image_shape": (8, 8), "module__filters": (16, 32, 64), "pretrain_epochs": 20}
dcec = DCEC(10, **short, **joint).fit(X)
_ = ClusterConfusionDisplay.from_estimator(dcec, X, y, normalize="class")

# %%
# 2. Another clusterer on the embedding of rung 2
# -----------------------------------------------
#
# On the same embedding the clusterers differ by many points: here k-means is the weak
# part, not the embedding.

widths = {"module__hidden_dims": (128, 128, 512)}
autoencoder = Autoencoder(module="dense", max_epochs=40, random_state=0, **widths).fit(
    X
)
Z = autoencoder.transform(X)
for clusterer in (
    KMeans(10, n_init=20, random_state=0),
    GaussianMixture(10, n_init=5, random_state=0),
    LandmarkSpectralClustering(10, random_state=0),
):
    accuracy = clustering_accuracy(y, clusterer.fit_predict(Z))
    print(f"{type(clusterer).__name__:27} ACC {accuracy:.3f}")

# %%
# 3. DEC from three seeds
# -----------------------
#
# The seeds share the network, and still agree only in part: k-means starts elsewhere.
# Their accuracies differ by a point and a half, and the clusters by more.

trained = {"module": autoencoder.module_, "pretrain_epochs": 0}
runs = [
    DEC.as_published(10, **trained, **{**joint, "random_state": seed, "n_init": 1}).fit(
        X
    )
    for seed in range(3)
]
for run in runs:
    print(f"ACC {clustering_accuracy(y, run.labels_):.3f}")
for a, b in combinations(runs, 2):
    print(f"agreement (ARI) {adjusted_rand_score(a.labels_, b.labels_):.3f}")

# %%
# 4. What is the augmentation worth?
# ----------------------------------
#
# One seed, so only a large difference means something. The figures of five seeds are in
# :doc:`/measured`.

plain = DCEC(10, augment=None, **short, **joint).fit(X)
print(f"with    ACC {clustering_accuracy(y, dcec.labels_):.3f}")
print(f"without ACC {clustering_accuracy(y, plain.labels_):.3f}")

# %%
# 5. Twenty clusters for ten digits
# ---------------------------------
#
# The accuracy matches clusters and digits one to one, so that ten of the twenty
# clusters count as wrong, however pure they are. The purity takes the most frequent
# digit of every cluster, and rises with their number: with a cluster per image it is 1.
# Compare it only between equal numbers of clusters.

for k in (10, 20):
    found = KMeans(k, n_init=20, random_state=0).fit_predict(Z)
    purity = sum(np.bincount(y[found == c]).max() for c in range(k)) / len(y)
    accuracy = clustering_accuracy(y, found)
    print(f"k = {k}: ACC {accuracy:.3f}, purity {purity:.3f}")
