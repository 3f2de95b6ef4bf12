"""
The ladder: from k-means on pixels to joint training
====================================================

A deep method is worth its training time only if it beats the rung below it. The rungs
are a clusterer on the pixels, the same clusterer on the embedding of an autoencoder,
joint training of embedding and clusters, and an ensemble of autoencoders.

All rungs cluster scikit-learn's 1797 digits into ten. The page takes about 40
seconds on two cores. For this, networks are narrow, training is short, and there is
**one seed**. The page shows how to build and compare the rungs, not which one is best:
results with the papers' networks, several seeds and their spread are in
``benchmarks/``.
"""

# %%
# One autoencoder for all dense rungs
# -----------------------------------
#
# It is trained once, with layers of 128, 128 and 512 units instead of the papers' 500,
# 500 and 2000. The dense rungs then differ only in the steps that follow.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.cluster import KMeans, SpectralClustering
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import normalized_mutual_info_score
from sklearn.mixture import GaussianMixture

from skdeepclust import (
    DCEC,
    DEC,
    IDEC,
    SCEDAE,
    Autoencoder,
    LandmarkSpectralClustering,
)
from skdeepclust.metrics import clustering_accuracy

EPOCHS, WIDTHS = 40, (128, 128, 512)

X, y = load_digits(return_X_y=True)
X = X / 16

autoencoder = Autoencoder(
    module="dense", module__hidden_dims=WIDTHS, max_epochs=EPOCHS, random_state=0
).fit(X)
embedding = autoencoder.transform(X)

# %%
# Clusterers, on pixels and on the embedding
# ------------------------------------------

kmeans = KMeans(10, n_init=20, random_state=0)
mixture = GaussianMixture(10, n_init=5, random_state=0)
spectral = SpectralClustering(10, affinity="nearest_neighbors", random_state=0)
landmarks = LandmarkSpectralClustering(10, random_state=0)

labels = {
    "pixels + k-means": kmeans.fit_predict(X),
    "pixels + landmark spectral": landmarks.fit_predict(X),
    "embedding + k-means": kmeans.fit_predict(embedding),
    "embedding + Gaussian mixture": mixture.fit_predict(embedding),
    "embedding + spectral": spectral.fit_predict(embedding),
    "embedding + landmark spectral": landmarks.fit_predict(embedding),
}

# %%
# Joint training, and an ensemble
# -------------------------------
#
# ``as_published`` has the settings of the papers: joint training begins with k-means,
# and images are not augmented. The batches are smaller than the papers', for so few
# images, and joint training has at most 1200 steps, which are 41 epochs.
#
# DEC and IDEC begin with the autoencoder above: an instance of a network is copied
# together with its weights, and ``pretrain_epochs=0`` leaves the weights as they are.
# DCEC trains a convolutional network, and SCEDAE five dense ones, each for the same
# number of epochs.

# DCEC may warn that these steps are too few for its tol. That is intended here.
warnings.simplefilter("ignore", ConvergenceWarning)

shared = {"module": autoencoder.module_, "pretrain_epochs": 0}
joint = {"batch_size": "auto", "max_iter": 1200, "random_state": 0}

labels["DEC"] = DEC.as_published(10, **shared, **joint).fit_predict(X)
labels["IDEC"] = IDEC.as_published(10, **shared, **joint).fit_predict(X)
dcec = DCEC.as_published(10, image_shape=(8, 8), pretrain_epochs=EPOCHS, **joint)
labels["DCEC"] = dcec.fit_predict(X)
labels["SCEDAE"] = SCEDAE(
    10, module__hidden_dims=WIDTHS, max_epochs=EPOCHS, random_state=0
).fit_predict(X)

# %%
# All rungs are scored by the classes, which none of them has seen. ACC is the accuracy
# under the best match of clusters and classes, NMI the normalised mutual information.

names = list(labels)
places = np.arange(len(names))
scores = {
    "ACC": [clustering_accuracy(y, labels[name]) for name in names],
    "NMI": [normalized_mutual_info_score(y, labels[name]) for name in names],
}

figure, ax = plt.subplots(figsize=(8, 5.5), layout="constrained")
for shift, color, (score, values) in zip(
    (-0.2, 0.2), ("#0072B2", "#E69F00"), scores.items(), strict=True
):
    bars = ax.barh(places + shift, values, 0.4, color=color, label=score)
    ax.bar_label(bars, fmt="%.2f", padding=3, fontsize=8)
ax.set_yticks(places, names)
ax.invert_yaxis()
ax.set(xlim=(0, 1.08), xlabel="agreement with the classes (one seed)")
_ = ax.legend(loc="lower center", bbox_to_anchor=(0.4, 1), ncols=2, frameon=False)

# %%
# With this seed, k-means is no better on the embedding than on the pixels. DEC and IDEC
# begin with its clusters and improve on them. Clusterers that look at neighbours are
# better without joint training. On such small and clean images, landmark spectral
# clustering of the pixels is as good as any other rung here: try it first.
