"""
How many clusters? What can be said without labels
==================================================

Two things can be measured without classes for every number of clusters: how clearly the
clusters are separate (the silhouette), and whether another seed finds them again.
:class:`~skdeepclust.displays.ClusterNumberDisplay` draws both.

The silhouettes are all taken in one space, that of the pretrained autoencoder. In the
codes that a fit has trained itself, they would reward the fit that forgot most, as the
example on ``gamma`` shows. The page takes about 40 seconds on two cores.
"""

# %%
# Ten digits, which we know
# -------------------------
#
# One pretraining serves all fits: seven numbers of clusters, three seeds of each.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, make_blobs
from sklearn.exceptions import ConvergenceWarning

from skdeepclust import DCEC
from skdeepclust.displays import ClusterNumberDisplay

X = load_digits().images / 16
dcec = DCEC(
    pretrain_epochs=30, max_iter=280, init="kmeans", augment=None, random_state=0
)

# Short training, for a page that is made quickly.
warnings.simplefilter("ignore", ConvergenceWarning)

_ = ClusterNumberDisplay.from_estimator(
    dcec, X, n_clusters=[4, 6, 8, 9, 10, 11, 12], n_seeds=3
)

# %%
# The silhouette has its maximum at ten, and it is a flat one: from 8 to 12 it lies
# within 0.02. It says that 4 and 6 are too few. The agreement between seeds does not
# point at ten, and it is high nearly everywhere: that all fits share one pretraining
# helps. It warns of 12, where the seeds found different clusters.
#
# Clusters within clusters, and none at all
# -----------------------------------------
#
# Two cases in the plane, where we see what there is: nine groups of points that lie by
# threes, and points spread evenly over a square.

centers = np.array([(0, 0), (10, 0), (5, 9)])
offsets = np.array([(-1.2, -0.7), (1.2, -0.7), (0, 1.4)])
nested, _ = make_blobs(
    600,
    centers=(centers[:, None] + offsets).reshape(-1, 2),
    cluster_std=0.45,
    random_state=0,
)
even = np.random.default_rng(0).uniform(size=(600, 2))

figure = plt.figure(figsize=(10, 6.4), layout="constrained")
kmeans = KMeans(n_init=5)
rows = figure.subfigures(2, 1)
for row, points, name in zip(
    rows, (nested, even), ("Nine groups, by threes", "No groups"), strict=True
):
    row.suptitle(name)
    data, *panels = row.subplots(1, 3)
    data.scatter(*points.T, s=4, color="0.3")
    data.set(xticks=[], yticks=[], title="Data", aspect="equal")
    ClusterNumberDisplay.from_estimator(
        kmeans, points, n_clusters=range(2, 13), ax=panels
    )

# %%
# Above, both three and nine are right. The silhouette prefers the coarse answer and has
# a second, lower maximum at the fine one; the seeds agree perfectly on both, and on two
# as well. Below, nothing is right, and still four has the highest silhouette and almost
# perfect agreement, as quarters of a square are found again and again. What gives it
# away is the level, half of that above, and how little the curve rises.
#
# So read whole curves, and not the dashed line. They say which numbers are too small
# and which are not found again. They do not say that there are clusters at all, nor
# how fine you need them.
