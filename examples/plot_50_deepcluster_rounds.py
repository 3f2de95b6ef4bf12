"""
DeepCluster, round by round
===========================

DeepCluster has no decoder. It clusters the features of a convolutional network, trains
the network to tell these clusters apart in images that are shifted and turned a little,
and clusters the better features again. Whether that gets anywhere can be seen without
classes: from round to round the clusters should change less.

The page takes about 20 seconds on two cores; one seed, and twelve rounds in place of
the default's twenty.
"""

# %%
# Training
# --------

from sklearn.datasets import load_digits

from skdeepclust import DeepCluster
from skdeepclust.displays import (
    ClusterConfusionDisplay,
    ClusterMontageDisplay,
    TrainingCurvesDisplay,
)

digits = load_digits()
X, y = digits.images / 16, digits.target

deep = DeepCluster(n_clusters=10, max_iter=12, random_state=0).fit(X)
print(f"{deep.n_iter_} rounds, {deep.stop_reason_}")

# %%
# Rounds
# ------
#
# Training is on 50 pseudo-classes, five per cluster, which are made anew in each round.
# Their mutual information with those of the round before rises quickly, then slowly,
# and is still rising when the rounds are used up: more of them would change more. No
# pseudo-class dies out or swallows the others.

_ = TrainingCurvesDisplay.from_estimator(deep)

# %%
# Clusters
# --------
#
# At the end the features are clustered once more, into ten. The images farthest from
# their centre show what a cluster has besides its digit: the fours have some sevens.

_ = ClusterMontageDisplay.from_estimator(deep, X, cmap="gray_r")

# %%
# Before and after
# ----------------
#
# The same clustering of the features of the untrained network, and after training,
# against the classes, which training has not seen. Most of what is left are nines and
# sevens among the fours.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
labels = {"Before": deep.init_labels_, "After": deep.labels_}
for ax, (title, found) in zip(axes, labels.items(), strict=True):
    ClusterConfusionDisplay.from_predictions(y, found, ax=ax)
    ax.set_title(f"{title}\n{ax.get_title()}")
