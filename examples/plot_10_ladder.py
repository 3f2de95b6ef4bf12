"""
The ladder: from k-means on pixels to joint training
====================================================

A deep method is worth its training time when it beats the rung below it: a clusterer
on the pixels, then the same clusterer on the codes of an autoencoder, then joint
training of codes and clusters, or an ensemble of autoencoders.

All rungs cluster scikit-learn's 1797 digits into ten. The page takes about 40
seconds on two cores, at the price of narrow networks, short training and **one seed**.
It shows how the rungs are built and compared, not which is best: figures with the
papers' networks, several seeds and their spread are in ``benchmarks/``.
"""

# %%
# One autoencoder for all dense rungs
# -----------------------------------
#
# It is trained once, with layers of 128, 128 and 512 in place of the papers' 500, 500
# and 2000. What differs between the rungs is then only what comes after it.

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
codes = autoencoder.transform(X)

# %%
# Clusterers, on pixels and on codes
# ----------------------------------

kmeans = KMeans(10, n_init=20, random_state=0)
mixture = GaussianMixture(10, n_init=5, random_state=0)
spectral = SpectralClustering(10, affinity="nearest_neighbors", random_state=0)
landmarks = LandmarkSpectralClustering(10, random_state=0)

labels = {
    "pixels + k-means": kmeans.fit_predict(X),
    "pixels + landmark spectral": landmarks.fit_predict(X),
    "codes + k-means": kmeans.fit_predict(codes),
    "codes + Gaussian mixture": mixture.fit_predict(codes),
    "codes + spectral": spectral.fit_predict(codes),
    "codes + landmark spectral": landmarks.fit_predict(codes),
}

# %%
# Joint training, and an ensemble
# -------------------------------
#
# DEC and IDEC begin where the autoencoder ended: an instance of a network is copied
# together with its weights, and ``pretrain_epochs=0`` leaves it as it is. DCEC has a
# convolutional network, and SCEDAE five dense ones, each of them trained for as many
# epochs. Joint training has at most 1200 steps, which are another 41 epochs. It is that
# of the papers: it begins with k-means, and images are not augmented.

# DCEC may warn that these steps are too few for its tol: they are what we give it.
warnings.simplefilter("ignore", ConvergenceWarning)

shared = {"module": autoencoder.module_, "pretrain_epochs": 0}
joint = {"init": "kmeans", "augment": None, "max_iter": 1200, "random_state": 0}

labels["DEC"] = DEC(10, **shared, **joint).fit_predict(X)
labels["IDEC"] = IDEC(10, **shared, **joint).fit_predict(X)
labels["DCEC"] = DCEC(10, pretrain_epochs=EPOCHS, **joint).fit_predict(X)
labels["SCEDAE"] = SCEDAE(
    10, module__hidden_dims=WIDTHS, max_epochs=EPOCHS, random_state=0
).fit_predict(X)

# %%
# The classes, which no rung has seen, now score all of them: ACC is the accuracy under
# the best match of clusters and classes, NMI the normalised mutual information.

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
# With this seed k-means gains nothing from these codes, and DEC and IDEC, which begin
# with its clusters, gain on it. Clusterers that look at neighbours gain without joint
# training. On images as small and clean as these, landmark spectral clustering of the
# bare pixels is as good as any rung above it: try it first.
