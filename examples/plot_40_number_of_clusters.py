"""
How many clusters? An answer without labels
===========================================

Two properties can be measured without classes for every number of clusters: how well
the clusters are separated (the silhouette), and whether another seed finds them again.
:class:`~skdeepclust.displays.ClusterNumberDisplay` draws both.

All silhouettes are computed in the embedding of one pretrained autoencoder. In the
embedding that a fit has trained itself, the fit that lost most information would win,
as the example on ``gamma`` shows. The page takes about 40 seconds on two cores.
"""

# %%
# The digits, with ten known classes
# ----------------------------------
#
# One pretraining serves all fits: seven numbers of clusters with three seeds each. The
# settings are those of the paper, but with smaller batches and short training.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, make_blobs
from sklearn.exceptions import ConvergenceWarning

from skdeepclust import DCEC
from skdeepclust.displays import ClusterNumberDisplay

X = load_digits().images / 16
dcec = DCEC.as_published(
    10, batch_size="auto", pretrain_epochs=30, max_iter=280, random_state=0
)

# Each fit warns that it used up its steps. That is intended here.
warnings.simplefilter("ignore", ConvergenceWarning)

_ = ClusterNumberDisplay.from_estimator(
    dcec, X, n_clusters=[4, 6, 8, 9, 10, 11, 12], n_seeds=3
)

# %%
# The silhouette has a flat maximum at ten: from 8 to 12 it lies within 0.02. It says
# that 4 and 6 are too few. The agreement between seeds does not favour ten. It is high
# nearly everywhere, partly because all fits share one pretraining. It warns of 12, for
# which the seeds found different clusters.
#
# Clusters within clusters, and no clusters at all
# ------------------------------------------------
#
# Two cases in the plane, so that we can see the groups: nine groups of points in three
# larger ones, and points spread evenly over a square.

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
    rows, (nested, even), ("Nine groups, in threes", "No groups"), strict=True
):
    row.suptitle(name)
    data, *panels = row.subplots(1, 3)
    data.scatter(*points.T, s=4, color="0.3")
    data.set(xticks=[], yticks=[], title="Data", aspect="equal")
    ClusterNumberDisplay.from_estimator(
        kmeans, points, n_clusters=range(2, 13), ax=panels
    )

# %%
# In the upper row, both three and nine are right. The silhouette prefers the coarse
# answer and has a second, lower maximum at the fine one. The seeds agree perfectly on
# both, and on two as well. In the lower row, no number is right. Still, four has the
# highest silhouette and almost perfect agreement, because the quarters of a square are
# found by every seed. Two signs reveal it: the silhouette is half as high as in the
# upper row, and it hardly rises.
#
# So read the whole curves, not only the dashed line. They show which numbers are too
# small, and which clusters are not found again. They do not show whether there are
# clusters at all, or how fine you need them.
