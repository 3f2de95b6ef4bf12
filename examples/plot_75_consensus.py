"""
Several runs: which clusters are found again?
=============================================

Another seed gives other clusters. :class:`~skdeepclust.ConsensusClustering` fits a
clusterer several times, takes the clusters that most runs find, and says where the runs
disagree. Here the clusterer is k-means, with one start per run, and the data are the
digits. A stable cluster turns out not to be a right one. The page takes about 20
seconds on two cores.
"""

# sphinx_gallery_thumbnail_number = 3

# %%
# Ten draws
# ---------
#
# The labels of the digits are used only to compute the accuracies.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits

from skdeepclust import ConsensusClustering
from skdeepclust.displays import (
    ClusterConfusionDisplay,
    ConsensusDisplay,
    LatentSpaceDisplay,
)
from skdeepclust.metrics import clustering_accuracy, match_clusters

X, y = load_digits(return_X_y=True)
consensus = ConsensusClustering(KMeans(10, n_init=1), n_runs=10, random_state=0).fit(X)

runs = [clustering_accuracy(y, labels) for labels in consensus.run_labels_]
print(f"runs: {min(runs):.2f} to {max(runs):.2f}")
print(f"run that agrees most with the others: {runs[consensus.best_run_]:.2f}")
print(f"consensus: {clustering_accuracy(y, consensus.labels_):.2f}")

# %%
# The consensus is as good as the best of the runs. Here that run is the one that agrees
# most with the others, which can be seen without labels.
#
# Which clusters are found again?
# -------------------------------
#
# Seven clusters are very stable. Three are found by some of the runs only: the dark
# cells in the lower rows.

_ = ConsensusDisplay.from_estimator(consensus)

# %%
# Stable is not right
# -------------------
#
# Cluster 0 is the least stable one, but nine tenths of it are threes. Cluster 2 is very
# stable, and nearly half of it are ones and nearly half eights. Most runs make this
# error, and the consensus follows them.

_ = ClusterConfusionDisplay.from_predictions(y, consensus.labels_)

# %%
# Which samples do the runs disagree on?
# --------------------------------------
#
# In a cluster that some runs do not find, all samples have a low agreement. In the
# others, it is low at the border.

_ = LatentSpaceDisplay.from_estimator(
    consensus, X, values=consensus.agreement_, value_name="agreement"
)

# %%
# These are the digits with the lowest agreement.

lowest = np.argsort(consensus.agreement_, kind="stable")[:10]
figure, axes = plt.subplots(1, 10, figsize=(9, 1.4), layout="constrained")
for ax, i in zip(axes, lowest, strict=True):
    ax.imshow(X[i].reshape(8, 8), cmap="gray_r")
    ax.set(xticks=[], yticks=[], title=f"{consensus.agreement_[i]:.0%}", xlabel=y[i])

# %%
# With ``reject_below=1`` every sample on which a run disagrees gets no cluster. The
# samples that are kept are right more often, but not always, as cluster 2 shows.

matches = match_clusters(y, consensus.labels_)
is_right = y == [matches[cluster] for cluster in consensus.labels_]
kept = consensus.agreement_ == 1
print(f"kept: {kept.mean():.0%} of the samples, {is_right[kept].mean():.0%} right")
print(f"rejected: {(~kept).mean():.0%}, {is_right[~kept].mean():.0%} right")
