r"""
The weight of the clustering loss
=================================

DCEC minimises the reconstruction loss plus ``gamma`` times the clustering loss. With
``gamma=0`` the clusters do not shape the embedding at all. With a large value the
embedding loses all information but the clusters of the start, right or wrong. In
between, training sharpens the clusters.

The page compares four values on scikit-learn's digits, with one seed. It takes about 40
seconds on two cores. Results with several seeds are in ``benchmarks/``.
"""

# sphinx_gallery_thumbnail_number = 3

# %%
# One pretraining for all
# -----------------------
#
# ``as_published`` has the settings of the paper: joint training starts from k-means,
# without augmentation. All fits begin with the same autoencoder and, because of the
# same seed, with the same clusters. With ``tol=0`` each of them trains for 1400 steps.

import warnings

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import normalized_mutual_info_score

from skdeepclust import DCEC, Autoencoder
from skdeepclust.displays import LatentSpaceDisplay
from skdeepclust.metrics import latent_silhouette

# Each fit warns that it used up its steps. That is intended here.
warnings.simplefilter("ignore", ConvergenceWarning)

digits = load_digits()
X, y = digits.images / 16, digits.target
gammas = [0, 0.1, 1, 10]

autoencoder = Autoencoder(max_epochs=30, random_state=0).fit(X)
fits = {
    gamma: DCEC.as_published(
        n_clusters=10,
        gamma=gamma,
        module=autoencoder.module_,
        pretrain_epochs=0,
        batch_size="auto",
        max_iter=1400,
        tol=0,
        random_state=0,
    ).fit(X)
    for gamma in gammas
}

# %%
# The training
# ------------

colors = dict(zip(gammas, ("#0072B2", "#009E73", "#E69F00", "#D55E00"), strict=True))
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
for gamma, dcec in fits.items():
    curves = dcec.history_["clustering"]
    style = {"color": colors[gamma], "label": f"gamma = {gamma:g}"}
    axes[0].semilogy(curves["step"], curves["reconstruction_loss"], **style)
    axes[1].semilogy(curves["step"], curves["label_change"], "o-", ms=3, **style)
axes[0].set(xlabel="step", ylabel="reconstruction loss", title="Reconstruction")
axes[1].set(xlabel="step", ylabel="share of labels changed", title="Labels changed")
_ = axes[1].legend(loc="lower left", fontsize=8)

# %%
# The larger gamma is, the less of an image can be decoded from its embedding. With
# ``gamma=0`` one to four per cent of the labels change at every update until the end.
# With larger values they settle.
#
# Tight clusters are not always good clusters
# -------------------------------------------
#
# The silhouette in the embedding needs no classes. The mutual information with the
# classes (NMI) says how good the clusters are, but it needs the classes.

silhouettes = [latent_silhouette(dcec, X) for dcec in fits.values()]
nmis = [normalized_mutual_info_score(y, dcec.labels_) for dcec in fits.values()]
nmi_before = normalized_mutual_info_score(y, fits[0].init_labels_)

figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
ax.plot(silhouettes, "s--", color="#CC79A7", label="silhouette in its own embedding")
ax.plot(nmis, "o-", color="#0072B2", label="NMI with the classes")
ax.axhline(nmi_before, color="0.5", linestyle=":", label="NMI before joint training")
ax.set_xticks(range(len(gammas)), [f"{gamma:g}" for gamma in gammas])
ax.set(xlabel="gamma", ylabel="score", ylim=(0, 1))
_ = ax.legend(loc="lower right", fontsize=9)

# %%
# Without the clustering loss, the clusters agree with the classes no better than before
# joint training. From 0.1 to 10 the silhouette keeps rising, but the agreement does
# not: the embeddings only move closer to the existing centres. The silhouette would
# choose the largest gamma.
#
# The embedding, coloured by class
# --------------------------------

named = {f"gamma = {gamma:g}": dcec for gamma, dcec in fits.items()}
_ = LatentSpaceDisplay.from_estimators(named, X, y=y)

# %%
# K-means put several centres among the ones (orange) and none among the eights (grey).
# With ``gamma=0`` the eights still have a separate region. The larger gamma is, the
# more they mix with the ones, threes and nines of the same clusters. At the same time
# the groups separate. A clear picture shows that training is certain, not that it is
# right.
