"""
DeepCluster, round by round
===========================

DeepCluster has no decoder. It clusters the features of a convolutional network, trains
the network to tell these clusters apart in slightly shifted and rotated images, and
clusters the improved features again. The progress can be seen without classes: from
round to round the clusters should change less.

The page takes about 40 seconds on two cores, with one seed and twelve rounds instead of
the default of twenty.
"""

# sphinx_gallery_thumbnail_number = 3

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
from skdeepclust.metrics import clustering_accuracy

digits = load_digits()
X, y = digits.images / 16, digits.target

deep = DeepCluster(n_clusters=10, max_iter=12, random_state=0).fit(X)
print(f"{deep.n_iter_} rounds, {deep.stop_reason_}")

# %%
# Rounds
# ------
#
# The network is trained on 50 pseudo-classes, five per cluster, which are new in each
# round. Their mutual information with those of the round before rises quickly, then
# slowly, and still rises when the rounds are used up: more rounds would change more. No
# pseudo-class disappears or absorbs the others.

_ = TrainingCurvesDisplay.from_estimator(deep)

# %%
# Clusters
# --------
#
# At the end the features are clustered once more, into ten. The images farthest from
# their centre show other digits in a cluster: the fours have nines.

_ = ClusterMontageDisplay.from_estimator(deep, X, cmap="gray_r")

# %%
# Before and after
# ----------------
#
# Clusters of the features before training and after it, against the classes, which
# training has not seen. Most of the remaining errors are nines among the fours.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
labels = {"Before": deep.init_labels_, "After": deep.labels_}
for ax, (title, found) in zip(axes, labels.items(), strict=True):
    ClusterConfusionDisplay.from_predictions(y, found, ax=ax)
    ax.set_title(f"{title}\n{ax.get_title()}")

# %%
# A bad run that looks better
# ---------------------------
#
# Without augmentation the network learns its own pseudo-labels by heart. They agree
# with those of the round before sooner, and the clusters are worse. A high curve says
# that training has settled, not that it is right.

plain = DeepCluster(n_clusters=10, max_iter=12, augment=None, random_state=0).fit(X)
figure, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
for name, run, color in (
    ("with augmentation", deep, "#0072B2"),
    ("without", plain, "#D55E00"),
):
    rounds = run.history_["rounds"]
    accuracy = clustering_accuracy(y, run.labels_)
    label = f"{name}: accuracy {accuracy:.3f} at the end"
    ax.plot(rounds["epoch"], rounds["nmi_previous"], "o-", color=color, label=label)
ax.set(xlabel="round", ylabel="NMI with the round before", ylim=(0.4, 1))
_ = ax.legend(loc="lower right")
